"""What Amazon owes, as the pretend Amazon states it, against the books of a flow on many days."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from amazon import balances
from amazon.models import Balance, Cursor, Resource
from bookkeeping.accounts import AccountKey
from bookkeeping.owed import Reason
from flows import owed, setup
from flows.models import Flow
from flows.owed import State
from kit.scope import scope
from ledgers.registry import refresh_lists
from tenants.alerts import alert
from tenants.models import Alert
from tests.web.rest.conftest import caller

NOW = datetime(2026, 11, 20, 22, 7, tzinfo=UTC)
DAYS = [
    date(2026, *one) for one in ((9, 11), (9, 22), (9, 30), (10, 7), (10, 20), (10, 31), (11, 5), (11, 15), (11, 17))
]


@pytest.fixture
def flow(world, alice, acme):
    """The demo's seller, booked order by order as they ship, with the Deposit that carries a month's fees; balances of some days."""
    with time_machine.travel(NOW, tick=True):
        truth, company = world.seller(), world.company()
        amazon = world.connect("amazon", alice, acme, truth["seller"]["seller_id"])
        books = world.connect("quickbooks", alice, acme, company["realm"])
        values = {"currency": "USD", "approval": "automatic", "mode": "orders", "trigger": "shipped"}
        with scope(acme.pk):
            refresh_lists(books)
            made = Flow.objects.create(tenant=acme, name="Demo", source=amazon, target=books, **values)
        world.run(made)
        with scope(acme.pk):
            setup.accept_suggestions(made, "alice", create_missing=True)
            setup.go_live(made, "alice")
        world.run(made)
        with scope(acme.pk):
            for day in DAYS:
                balances.read_balances(amazon, day)
            yield Flow.objects.select_related("source", "target").get(pk=made.pk)


def lines(one):
    return {line.reason: line.amount for line in one.owed.lines}


def raised(flow):
    return Alert.objects.filter(key=f"flow:{flow.pk}:owed", settled_at=None).count()


def test_on_every_day_nothing_is_left_over_and_a_cent_that_stays_is_told(
    flow, acme, alice, client, django_assert_max_num_queries
):
    with scope(acme.pk):
        # What the run itself read is the day before today.
        with django_assert_max_num_queries(25):
            days = owed.series(flow)
        assert [one.on for one in days] == [*DAYS, date(2026, 11, 19)]
        assert {(one.state, one.owed.rest) for one in days} == {(State.TIES, 0)}

        # October's fees come into the books with the Deposit of the 8th; 487.32 are still to be paid, 75.00 kept.
        settled = owed.day(flow, date(2026, 10, 7))
        assert settled.owed.books == ((AccountKey.CLEARING, 66114), (AccountKey.RESERVE, 0))
        assert lines(settled) == {Reason.HELD: 6522, Reason.LATER: -9882}
        assert settled.owed.total == 66114 + 6522 - 9882 == 48732 + 7500 + 6522

        # At a month's end the entries of the next settlement have what was released; 43.48 are held.
        month = owed.day(flow, date(2026, 10, 31))
        assert (month.owed.in_books, month.owed.total) == (93677, 93677 + 4348)
        assert lines(month) == {Reason.RELEASED: 64883, Reason.EARLY: -64883, Reason.HELD: 4348}

        # Shipped and invoiced: 298.36 stand in receivables for what Amazon holds or has released of it, less its fees.
        shipped = owed.day(flow, date(2026, 11, 15))
        assert dict(shipped.owed.books)[AccountKey.AR] == 29836
        assert lines(shipped) == {Reason.RELEASED: 14307, Reason.HELD: 9686, Reason.INVOICED: -29836}

        unread = owed.day(flow, date(2026, 11, 16))
        assert (unread.state, unread.owed.total, unread.owed.expected) == (State.UNREAD, None, 35993)

        # One day alone is no alarm, nor is one of which transactions may be missing; two in a row are.
        off = Balance.objects.filter(kind="TOTAL")
        off.filter(as_of=date(2026, 11, 17)).update(amount=36719)
        off.filter(as_of=date(2026, 11, 19)).update(amount=16513)
        owed.tell(flow)
        assert raised(flow) == 0
        off.filter(as_of=date(2026, 11, 15)).update(amount=35994)
        assert [one.state for one in owed.series(flow)][-3:] == [State.DIFFERS, State.DIFFERS, State.YOUNG]
        off.filter(as_of=date(2026, 11, 19)).delete()
        owed.tell(flow)
        assert raised(flow) == 1

    client.force_login(alice)
    address = f"/flows/{flow.pk}/owed/"
    page = client.get(address, {"on": "2026-11-17"}).content.decode()
    assert "Something is left over" in page
    assert "0.01" in page
    assert '<path class="off"' in page

    with scope(acme.pk):
        off.filter(as_of=date(2026, 11, 15)).update(amount=35993)
        off.filter(as_of=date(2026, 11, 17)).update(amount=36718)
        owed.tell(flow)
        assert raised(flow) == 0
    assert "It ties" in client.get(address).content.decode()

    rest = caller(acme, alice)
    told = rest.get(f"flows/{flow.pk}/owed?on=2026-10-31").json()
    assert (told["day"]["amazon"], told["day"]["in_books"], told["day"]["rest"]) == (98025, 93677, 0)
    assert {"reason": "held", "amount": 4348, "shares": []} in told["day"]["reasons"]
    assert [one["on"] for one in rest.get(f"flows/{flow.pk}/owed/series").json()] == [day.isoformat() for day in DAYS]
    assert rest.get(f"flows/{flow.pk}/owed?on=soon").status_code == 400
    assert "That is no day" in client.get(address, {"on": "soon"}).content.decode()

    with scope(acme.pk):
        Cursor.objects.filter(resource=Resource.TRANSACTIONS).delete()
    assert "transactions were not read yet" in client.get(address).content.decode()
    with scope(acme.pk):
        Balance.objects.all().delete()
    assert "No balance was read yet" in client.get(address).content.decode()
    with scope(acme.pk):
        key = f"connection:{flow.source_id}:forbidden:balances"
        alert(acme.pk, "amazon_forbidden", key, "Refused", "It answered no.", "Test it.")
    assert "does not let us read what it owes" in client.get(address).content.decode()

"""Bringing transactions in against queued answers: sweeps, versions, what was held at an instant."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from amazon import held
from amazon.client import Client, Forbidden, ServerTrouble, moment
from amazon.cursors import cursor_for
from amazon.models import Resource, Settlement, Transaction
from amazon.transaction_pull import OVERLAP, pull_transactions
from kit.http import Http, mount, unmount
from kit.scope import scope
from tenants.models import Alert
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.amazon.test_transactions import leaf, money, transaction
from tests.factories import ConnectionFactory
from tests.web.small_books import settle

PATH = "/finances/2024-06-19/transactions"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def amazon():
    fake = FakeApi()
    mount(BASE, fake)
    yield fake
    unmount(BASE)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def connection(in_acme):
    return ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER", data={"region": "NA"})


@pytest.fixture
def pull(connection, clock):
    client = Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", lambda operation: 0.0, sleep=pytest.fail)
    return lambda since=NOON - timedelta(days=10): pull_transactions(connection, since, client)


def simple(transaction_id="T-1", total="10.00", related=(), **values):
    named = [{"relatedIdentifierName": name, "relatedIdentifierValue": value} for name, value in dict(related).items()]
    rest = {"items": None, "breakdowns": [leaf("OurPricePrincipal", total)], "relatedIdentifiers": named}
    return transaction(transaction_id, total, **rest | values)


def page(*found, token=""):
    answer = {"payload": {"transactions": list(found)} | ({"nextToken": token} if token else {})}
    return 200, json.loads(json.dumps(answer, default=lambda number: float(number)))


def test_a_sweep_follows_tokens_with_the_same_arguments_through_an_empty_page(amazon, pull, connection):
    amazon.answer(PATH, page(simple(), token="a+/="), page(token="b"), page(simple("T-2"), simple()))

    found = pull()

    assert (found.new, found.changed) == (2, 0)
    first, second, third = (asked.query for asked in amazon.asked)
    assert (second.pop("nextToken"), third.pop("nextToken")) == ("a+/=", "b")
    assert first == second == third
    assert first == {"postedAfter": "2026-05-22T12:00:00.000Z", "postedBefore": "2026-06-01T11:57:00.000Z"}
    assert cursor_for(connection, Resource.TRANSACTIONS).watermark == NOON - OVERLAP


def test_the_next_sweep_passes_again_where_amazon_may_have_been_late(amazon, pull, clock):
    amazon.answer(PATH, page(simple()), page(simple(), simple("T-late")))
    pull()

    clock.shift(timedelta(hours=6))
    pull()

    assert Transaction.objects.count() == 2
    assert moment(amazon.asked[-1].query["postedAfter"]) <= NOON - timedelta(hours=48)


def test_two_years_are_read_oldest_first_in_spans_of_less_than_180_days(amazon, pull):
    amazon.answer(PATH, page())

    pull(None)

    spans = [(moment(one.query["postedAfter"]), moment(one.query["postedBefore"])) for one in amazon.asked]
    assert all(before - after < timedelta(days=180) for after, before in spans)
    assert [after for after, _ in spans[1:]] == [before for _, before in spans[:-1]]
    assert spans[0][0] == NOON - timedelta(days=729)
    assert spans[-1][1] == NOON - timedelta(minutes=3)


def test_a_killed_sweep_goes_on_at_its_page_and_one_that_outlives_its_tokens_begins_a_shorter_window(
    amazon, pull, clock
):
    amazon.answer(PATH, page(simple(), token="a"), fault(503, "ServiceUnavailable"))
    with pytest.raises(ServerTrouble):
        pull()

    clock.shift(timedelta(hours=1))
    with pytest.raises(ServerTrouble):
        pull()
    resumed = amazon.asked[-1].query
    clock.shift(timedelta(hours=23))
    amazon.answer(PATH, page(simple("T-2")))
    amazon.answers[PATH].pop(0)
    pull()

    assert (resumed["nextToken"], resumed["postedBefore"]) == ("a", "2026-06-01T11:57:00.000Z")
    halved = next(one.query for one in amazon.asked if one.query["postedBefore"] < "2026-06-01")
    assert "nextToken" not in halved
    assert Transaction.objects.count() == 2


def test_a_loop_of_tokens_is_refused_and_a_dead_token_begins_the_window_again(amazon, pull):
    amazon.answer(PATH, page(token="a"), page(token="b"), page(token="a"))
    with pytest.raises(ServerTrouble, match="twice"):
        pull()

    amazon.answers[PATH].clear()
    amazon.answer(PATH, page(token="c"), fault(400, "InvalidInput"), page(simple()))
    with pytest.raises(ServerTrouble, match="no longer takes"):
        pull()
    pull()

    assert Transaction.objects.count() == 1


def test_a_change_is_the_next_version_and_the_earlier_one_is_kept(amazon, pull):
    amazon.answer(PATH, page(simple()), page(simple(total="9.00")), page(simple(total="9.00")))

    counts = [pull() for _ in range(3)]

    assert [(one.new, one.changed) for one in counts] == [(1, 0), (0, 1), (0, 0)]
    versions = Transaction.objects.order_by("version").values_list("version", "total", "current")
    assert list(versions) == [(1, 1000, False), (2, 900, True)]


def test_what_does_not_add_up_counts_nowhere_until_it_is_mended(amazon, pull, connection):
    wrong = simple(totalAmount=money("11.00"))
    amazon.answer(PATH, page(wrong, simple("T-2", totalAmount=money("12.00"))), page(simple(), simple("T-2")))

    pull()
    told = Alert.objects.get()
    counted = held.held_at(connection, "Standard Orders", "USD", NOON).count()
    pull()

    assert "2 transactions do not add up" in told.title
    assert counted == 0
    told.refresh_from_db()
    assert told.settled_at is not None
    assert held.held_at(connection, "Standard Orders", "USD", NOON).count() == 2


def test_a_sale_is_held_until_its_release_and_never_counted_twice(amazon, pull, connection, acme):
    deferred = simple(
        "D-1", related={"RELEASE_TRANSACTION_ID": "R-1", "SETTLEMENT_ID": "15000000001"}, transactionStatus="DEFERRED_RELEASED"
    )  # fmt: skip
    released = simple(
        "R-1", related={"DEFERRED_TRANSACTION_ID": "D-1", "SETTLEMENT_ID": "15000000001"}, transactionStatus="Released",
        postedDate="2026-05-31T00:00:00Z",
    )  # fmt: skip
    still = simple("D-2", "7.00")
    stale = simple("D-3", "3.00")
    its_release = simple(
        "R-3", "3.00", {"DEFERRED_TRANSACTION_ID": "D-3"}, transactionStatus="Released", postedDate="2026-05-31T00:00:00Z"
    )  # fmt: skip
    amazon.answer(PATH, page(deferred, released, still, stale, its_release, simple("D-4", accountType="x")))
    pull()
    settlement = settle(acme)
    Settlement.objects.update(connection=connection)
    settlement.refresh_from_db()

    def held_on(day, account_type="STANDARD_ORDERS", currency="USD"):
        at = datetime.fromisoformat(f"{day}T00:00:00+00:00")
        found = held.held_at(connection, account_type, currency, at)
        return sorted(found.values_list("transaction_id", flat=True))

    assert held_on("2026-05-30") == []
    assert held_on("2026-05-31") == ["D-1", "D-2", "D-3", "D-4"]
    assert held_on("2026-06-01") == ["D-2", "D-4"]
    assert held_on("2026-05-31", "Invoiced Orders") == held_on("2026-05-31", currency="EUR") == []
    assert [one.transaction_id for one in held.released_in(settlement)] == ["R-1"]


def test_a_release_that_nobody_names_counts_from_the_day_it_was_due(amazon, pull, connection, acme):
    alone = simple("D-1", transactionStatus="DEFERRED_RELEASED")  # matures on 8 June
    amazon.answer(PATH, page(alone))

    pull()

    assert held.held_at(connection, "Standard Orders", "USD", datetime(2026, 6, 8, tzinfo=UTC)).count() == 1
    assert held.held_at(connection, "Standard Orders", "USD", datetime(2026, 6, 9, tzinfo=UTC)).count() == 0


def test_what_became_of_an_overdue_sale_is_asked_by_its_order_once_a_day(amazon, pull, clock):
    amazon.answer(PATH, page(simple(related={"ORDER_ID": "113-1"})), page())
    pull()
    clock.move_to(datetime(2026, 6, 12, tzinfo=UTC))
    mended = simple(related={"ORDER_ID": "113-1"}, transactionStatus="DEFERRED_RELEASED")
    amazon.answers[PATH].clear()
    amazon.answer(PATH, page(), page(simple(related={"ORDER_ID": "113-1"})), page(), page(), page(mended))

    pull()
    pull()
    clock.shift(timedelta(days=2))
    pull()

    by_order = [one.query for one in amazon.asked if "relatedIdentifierName" in one.query]
    assert by_order == [{"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "113-1"}] * 2
    assert Transaction.objects.get(current=True).status == "DEFERRED_RELEASED"


def test_a_missing_role_is_told_once(amazon, pull):
    amazon.answer(PATH, fault(403, "Unauthorized", "Access to requested resource is denied."))

    for _ in range(2):
        with pytest.raises(Forbidden):
            pull()

    assert Alert.objects.filter(kind="amazon_forbidden").count() == 1


def test_another_tenants_transactions_are_not_seen(amazon, pull, globex, connection):
    amazon.answer(PATH, page(simple()))

    pull()

    with scope(globex.pk):
        assert not Transaction.objects.exists()
    assert Transaction.objects.get().leaves == [
        {"type": "OurPricePrincipal", "containers": [], "amount": 1000, "sku": "", "quantity": None}
    ]
    assert Decimal("10.00") == Decimal(Transaction.objects.get().total) / 100

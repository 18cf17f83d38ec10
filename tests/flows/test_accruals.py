"""What Amazon holds back over a month's end, in the books of every ledger that can hold it."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from amazon.models import Cursor, Resource, Transaction
from flows import accruals, creation
from flows.models import Delivery, Flow
from kit.clock import now
from kit.scope import scope
from ledgers.freshbooks.tests.e7 import FreshBooksBusiness
from ledgers.quickbooks.tests.e7 import QuickBooksCompany
from ledgers.wave.tests.e7 import WaveBusiness
from ledgers.zoho.tests.e7 import ZohoOrganization
from tests.bookkeeping import e7
from tests.flows.e7_books import E7

# Worked example E2: shipped in September, still held on its last day.
HELD = {"OurPricePrincipal": 20000, "Commission": -3000, "FBAPerUnitFulfillmentFee": -2500}
ACCRUED = {"DEFERRED": 14500, "FEE_FBA": 2500, "FEE_SELLING": 3000, "SALES": -20000}


@pytest.fixture
def books(world, alice, acme):
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda into=QuickBooksCompany, **values: E7(
            world, alice, acme, time, into=into, **{"accrues_from": date(2025, 9, 1)} | values
        )


def hold(made, amounts=HELD, *, shipped="28 Sep", released="6 Oct", letter="C", number=1):
    """Have Amazon hold a sale back, and release it on a day (None: not yet)."""
    common = {
        "tenant_id": made.acme.pk,
        "connection_id": made.flow.source_id,
        "kind": "Shipment",
        "account_type": "Standard Orders",
        "marketplace": "Amazon.com",
        "currency": "USD",
        "total": sum(amounts.values()),
        "order_id": e7.ORDERS[letter],
        "leaves": [
            {"type": leaf, "containers": ["Sales"], "amount": amount, "sku": e7.sku(letter), "quantity": 1}
            for leaf, amount in amounts.items()
        ],
        "seen_at": now(),
    }
    with scope(made.acme.pk):
        Transaction.objects.create(
            transaction_id=f"held-{number}",
            status="DEFERRED_RELEASED" if released else "DEFERRED",
            posted_at=e7.at(shipped),
            **common,
        )
        if released:
            Transaction.objects.create(
                transaction_id=f"released-{number}",
                releases=f"held-{number}",
                status="RELEASED",
                posted_at=e7.at(released),
                **common,
            )
        known_until(made, now())


def known_until(made, at):
    with scope(made.acme.pk):
        Cursor.objects.update_or_create(
            connection_id=made.flow.source_id,
            resource=Resource.TRANSACTIONS,
            defaults={"tenant_id": made.acme.pk, "watermark": at},
        )


def numbers(made):
    with scope(made.acme.pk):
        found = Delivery.objects.filter(flow=made.flow, key__startswith="amazon/account/").exclude(state="dropped")
        return [(row.number, row.state) for row in found.order_by("pk")]


def accrue(made, runs=2):
    for _ in range(runs):
        with scope(made.acme.pk):
            made.flow.refresh_from_db()
            accruals.plan_accruals(Flow.objects.select_related("source", "target").get(pk=made.flow.pk))
        made.deliver()


@pytest.mark.parametrize("into", [QuickBooksCompany, FreshBooksBusiness, WaveBusiness, ZohoOrganization])
def test_what_is_held_back_is_in_the_month_of_its_sale_and_gone_the_day_after(books, into):
    made = books(into)
    hold(made)

    accrue(made)

    assert made.balances(through="2025-09-29") == {}
    assert made.balances(through="2025-09-30") == ACCRUED
    assert made.balances(through="2025-10-01") == {}
    assert {state for _, state in numbers(made)} == {"posted"}
    before = numbers(made)
    accrue(made)
    assert numbers(made) == before


def test_a_month_is_accrued_once_amazon_can_have_said_all_of_it_and_again_while_it_holds_the_sale(books):
    made = books()
    hold(made, released="6 Nov")

    known_until(made, datetime(2025, 10, 1, 6, 59, tzinfo=UTC))  # a minute before midnight in Los Angeles
    accrue(made)
    assert numbers(made) == []

    known_until(made, now())
    accrue(made)
    days = ("2025-09-30", "2025-10-01", "2025-10-31", "2025-11-01")
    assert [made.balances(through=day) for day in days] == [ACCRUED, {}, ACCRUED, {}]


def test_what_is_in_the_books_stays_and_what_a_person_took_out_is_not_posted_again(books):
    made = books()
    hold(made)
    accrue(made, runs=1)

    hold(made, letter="D", number=2)
    accrue(made, runs=1)

    assert numbers(made) == [("AMZ-HELD-USD-2509", "posted"), ("AMZ-HELD-USD-2509x", "posted")]
    assert made.balances(through="2025-09-30") == ACCRUED
    with scope(made.acme.pk):
        Delivery.objects.filter(number="AMZ-HELD-USD-2509x").update(state="dropped", live=False)
        Delivery.objects.filter(number="AMZ-HELD-USD-2509").update(state="undone", live=False)
    accrue(made)
    assert numbers(made) == [("AMZ-HELD-USD-2509", "undone")]


def test_of_an_order_invoiced_on_shipment_only_the_fees_are_accrued(books):
    made = books(mode="orders", trigger="shipped")
    shipped = next(one for one in e7.SHIPPED if one.on < date(2025, 10, 1))
    made.put_order(shipped)
    made.run()
    invoiced = made.balances()
    hold(made, HELD | {"OurPricePrincipal": shipped.amounts["SALES"]}, letter=shipped.letter)

    accrue(made)

    accrued = made.balances(through="2025-09-30")
    assert {key: accrued[key] - invoiced.get(key, 0) for key in accrued if accrued[key] != invoiced.get(key, 0)} == {
        "DEFERRED": -5500,
        "FEE_FBA": 2500,
        "FEE_SELLING": 3000,
    }
    assert made.balances() == invoiced


def test_only_what_can_be_accrued_is_switched_on(books):
    made = books(accrues_from=None)
    with scope(made.acme.pk):
        assert creation.change(made.flow, "alice", {"accrues_from": date(2025, 9, 1)}) == ["accrues_from"]
        made.flow.source = None

        with pytest.raises(creation.CannotChange, match="Uploaded files do not say what Amazon holds back"):
            creation.change(made.flow, "alice", {"accrues_from": date(2025, 10, 1)})

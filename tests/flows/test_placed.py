"""Invoices on the day an order is placed: once it has prices, in the form of each ledger, and gone when it is cancelled."""

import pytest

from bookkeeping.documents import How, Invoice, JournalEntry
from bookkeeping.entries import effect
from bookkeeping.figures import OrderItem
from bookkeeping.shipment import ShippedOrder, plan_shipment
from flows import closing, shipments
from flows.models import Delivery, Flow, InvoiceBalance
from ledgers.freshbooks.client import CAPABILITIES as FRESHBOOKS
from ledgers.quickbooks.client import CAPABILITIES as QUICKBOOKS
from ledgers.wave.client import CAPABILITIES as WAVE
from ledgers.zoho.client import CAPABILITIES as ZOHO
from tests.bookkeeping import e7
from tests.flows.test_shipments import ORDER, change, flow, invoices, order, posted, reasons, settle  # noqa: F401

LAYOUTS = {
    f"{name} {layout.name}": layout.policy
    for name, able in {"quickbooks": QUICKBOOKS, "freshbooks": FRESHBOOKS, "wave": WAVE, "zoho": ZOHO}.items()
    for layout in able.layouts
}


@pytest.fixture
def placed(in_acme, flow):  # noqa: F811
    Flow.objects.filter(pk=flow.pk).update(trigger="placed")
    flow.refresh_from_db()
    return flow


@pytest.mark.parametrize("policy", LAYOUTS.values(), ids=LAYOUTS)
def test_in_every_ledger_it_is_dated_on_the_day_of_the_purchase(policy):
    item = OrderItem("1", "MUG", 2, {"SALES": 8000})
    bought = ShippedOrder("113-1", "Amazon.com", "USD", e7.at("17 Sep"), e7.day("17 Sep"), (item,), 8000, placed=True)

    document = plan_shipment(bought, policy=policy).planned.document

    assert isinstance(document, JournalEntry if policy.order_entries else Invoice)
    assert document.on == e7.day("17 Sep")
    assert document.memo == "Amazon order 113-1, as placed"
    receivable = "DEFERRED" if policy.order_entries else "AR"
    assert effect(document) == {receivable: 8000, policy.income_to or "SALES": -8000}


def test_it_is_paid_by_the_settlement_and_nothing_is_booked_twice(placed):
    order(placed, status="UNSHIPPED", shipped_at=None)
    posted(placed)

    settle(placed, ("22 Sep", "Order", "A", "P 80.00 (2)"))

    assert invoices() == [(ORDER, "2025-09-17", 8000, "posted")]
    payment = Delivery.objects.get(kind="payment")
    assert (payment.amount, payment.plain_document["cover"]["invoice"]) == (
        8000,
        InvoiceBalance.objects.get().delivery.key,
    )
    entry = Delivery.objects.filter(kind="entry", plan__isnull=False)
    assert not any("SALES" in str(row.plain_document) for row in entry)


def test_an_ordinary_cancellation_takes_it_back(placed, monkeypatch):
    monkeypatch.setattr(closing, "_today", lambda _: e7.day("28 Sep"))
    found = order(placed, status="UNSHIPPED", shipped_at=None)
    posted(placed)

    change(found, status="CANCELLED")
    posted(placed)
    shipments.plan_shipments(placed)

    assert [state for *_, state in invoices()] == ["undone"]
    undo = Delivery.objects.get(kind="undo")
    assert undo.plain_document["how"] == How.VOID
    assert reasons() == ["taken_back"]


def test_it_is_not_invoiced_again_when_it_ships(placed):
    found = order(placed, status="UNSHIPPED", shipped_at=None)
    posted(placed)

    change(found, status="SHIPPED", shipped_at=e7.at("18 Sep"))
    posted(placed)

    assert [number for number, *_ in invoices()] == [ORDER]


def test_orders_placed_before_the_change_are_left_to_their_settlement(placed):
    Flow.objects.filter(pk=placed.pk).update(cut_over_at=e7.boundary("20 Sep"))
    placed.refresh_from_db()
    order(placed, status="UNSHIPPED", shipped_at=None)

    assert shipments.plan_shipments(placed) == 0

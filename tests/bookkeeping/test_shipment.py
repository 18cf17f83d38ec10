"""Invoices before the settlement, close-outs and opening balances."""

from dataclasses import replace

import pytest

from bookkeeping.corrections import close_out, opening_entry
from bookkeeping.coverage import OpenInvoice, covered_by
from bookkeeping.documents import EntryLine, Invoice, JournalEntry, Payment
from bookkeeping.figures import OrderItem
from bookkeeping.shipment import NoInvoice, Shipment, ShippedOrder, plan_shipment
from tests.bookkeeping import e7
from tests.bookkeeping.company import QUICKBOOKS
from tests.bookkeeping.test_statement import stated

ORDER = e7.ORDERS["A"]
ITEM = "600000000065"
SETTLED = [("1", part) for part in stated((("22 Sep", "Order", "A", "P 80.00 (2)"),)).orders[ORDER]]


def order(amounts: dict[str, int], units: int, **changes: object) -> ShippedOrder:
    made = ShippedOrder(
        order_id=ORDER,
        marketplace="Amazon.com",
        currency="USD",
        shipped_at=e7.at("18 Sep"),
        on=e7.day("18 Sep"),
        items=(OrderItem(ITEM, "SKU-A", units, amounts),),
        stated_total=sum(amounts.values()),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def shipped(one: ShippedOrder, **options: object) -> Shipment:
    return plan_shipment(one, **({"policy": QUICKBOOKS} | options))  # type: ignore[arg-type]


def lines_of(shipment: Shipment) -> dict[str, int]:
    assert shipment.planned
    assert isinstance(shipment.planned.document, Invoice)
    return {line.key: line.amount for line in shipment.planned.document.lines}


def test_shipped_order_is_invoiced_under_its_own_id_and_key() -> None:
    made = shipped(order({"SALES": 8000, "PROMO": -800}, 2, tracking="1Z999"))

    assert lines_of(made) == {"SALES": 8000, "PROMO": -800}
    assert made.planned
    assert isinstance(made.planned.document, Invoice)
    assert made.planned.key == f"amazon/order/{ORDER}/shipped/invoice/1"
    assert (made.planned.document.number, made.planned.document.tracking) == (ORDER, "1Z999")
    assert made.invoice
    assert made.invoice.units == {ITEM: 2}


def test_units_that_settled_before_are_left_off() -> None:
    settled = stated((("22 Sep", "Order", "A", "P 26.67 (1), promo P -3.00"),)).orders[ORDER]

    made = shipped(order({"SALES": 8000, "SHIP_INCOME": 500}, 3), carried=[("1", part) for part in settled])

    assert lines_of(made) == {"SALES": 5333, "SHIP_INCOME": 500}
    assert made.invoice
    assert made.invoice.units == {ITEM: 2}
    assert made.invoice.not_for == ("1",)


def test_amount_that_was_carried_in_full_is_left_off() -> None:
    settled = stated((("22 Sep", "Order", "A", "P 26.67 (1), Shipping 6.00"),)).orders[ORDER]

    made = shipped(order({"SALES": 8000, "SHIP_INCOME": 500}, 3), carried=[("1", part) for part in settled])

    assert lines_of(made) == {"SALES": 5333}


@pytest.mark.parametrize(
    ("changes", "options", "reason"),
    [
        ({"sold_on_amazon": False}, {}, NoInvoice.NOT_AMAZON),
        ({}, {"cut_over_at": e7.at("19 Sep")}, NoInvoice.BEFORE_CUT_OVER),
        ({"stated_total": 7999}, {}, NoInvoice.TOTALS_UNCLEAR),
        ({"stated_total": None}, {}, NoInvoice.TOTALS_UNCLEAR),
        ({}, {"carried": SETTLED}, NoInvoice.CARRIED_ALREADY),
        ({}, {"closed_until": e7.day("18 Sep")}, NoInvoice.PERIOD_CLOSED),
    ],
    ids=["other channel", "before the cut-over", "total off", "total unknown", "settled already", "closed month"],
)
def test_no_invoice(changes: dict[str, object], options: dict[str, object], reason: NoInvoice) -> None:
    made = shipped(order({"SALES": 8000}, 2, **changes), **options)

    assert made == Shipment(reason=reason)


def test_free_replacement_gets_no_invoice() -> None:
    assert shipped(order({"SALES": 1200, "PROMO": -1200}, 1)).reason is NoInvoice.NOTHING_TO_PAY


def test_invoice_of_a_closed_month_moves_to_the_first_open_day() -> None:
    made = shipped(order({"SALES": 8000}, 2), closed_until=e7.day("30 Sep"), first_open_on=e7.day("1 Oct"))

    assert made.planned
    assert isinstance(made.planned.document, Invoice)
    assert made.planned.document.on == e7.day("1 Oct")


def test_order_shipped_at_the_cut_over_is_invoiced() -> None:
    assert shipped(order({"SALES": 8000}, 2), cut_over_at=e7.at("18 Sep")).planned is not None


def test_close_out_takes_the_balance_and_gives_the_income_back() -> None:
    invoice = OpenInvoice(
        "inv",
        f"{ORDER}-2",
        ORDER,
        "customer",
        e7.day("18 Sep"),
        {"SALES": 8000, "PROMO": -800},
        {ITEM: 2},
        {"SALES": 3000},
        {ITEM: 1},
    )

    closing = close_out(invoice, policy=QUICKBOOKS, on=e7.day("9 Nov"), currency="USD")

    assert closing
    payment, entry = closing.documents
    assert isinstance(payment.document, Payment)
    assert isinstance(entry.document, JournalEntry)
    assert (payment.document.total, payment.depends_on) == (4200, ("inv",))
    assert entry.document.number == f"X{ORDER}2"
    assert len(entry.document.number) <= 21
    assert covered_by(invoice, [closing.coverage]).remaining == {}
    assert entry.document.lines == (
        EntryLine("SALES", debit=5000),
        EntryLine("CLEARING", credit=4200),
        EntryLine("PROMO", credit=800),
    )


def test_paid_invoice_has_nothing_to_close() -> None:
    invoice = OpenInvoice(
        "inv", ORDER, ORDER, "c", e7.day("18 Sep"), {"SALES": 8000}, {ITEM: 2}, {"SALES": 8000}, {ITEM: 2}
    )

    assert close_out(invoice, policy=QUICKBOOKS, on=e7.day("9 Nov"), currency="USD") is None


def test_opening_entry_opens_debt_and_reserve_against_equity() -> None:
    (opening,) = opening_entry(
        "A1SELLER", policy=QUICKBOOKS, on=e7.day("30 Sep"), currency="USD", clearing=-5000, reserve=2000
    )

    assert isinstance(opening.document, JournalEntry)
    assert opening.key == "amazon/account/A1SELLER/USD/opening/entry/1"
    assert set(opening.document.lines) == {
        EntryLine("RESERVE", debit=2000),
        EntryLine("OPENING", debit=3000),
        EntryLine("CLEARING", credit=5000),
    }


def test_books_that_start_at_zero_need_no_opening_entry() -> None:
    assert opening_entry("A1SELLER", policy=QUICKBOOKS, on=e7.day("30 Sep"), currency="USD", clearing=0) == ()

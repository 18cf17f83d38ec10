"""A ledger without entries: scenario E7 in income invoices and expenses, beside the full books."""

from collections import Counter
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookkeeping.accounts import AccountClass, AccountKey
from bookkeeping.check import check
from bookkeeping.documents import Expense, Invoice, Payment, Undo
from bookkeeping.entries import effect
from bookkeeping.planned import PlanBroken, Previous
from bookkeeping.policy import Mode, default_class
from bookkeeping.remarks import HoldReason
from bookkeeping.undo import ClosedPeriod
from tests.bookkeeping import e7
from tests.bookkeeping.company import JOURNALS, LITE, Company
from tests.bookkeeping.test_carry import planned, statement_of, with_unknown
from tests.bookkeeping.test_e7 import (
    IDS,
    ORDERS,
    PROFIT,
    PROFIT_OF_MONTHS,
    SHIPMENT_PROFIT_OF_MONTHS,
    SUMMARY,
    by_shipment,
    money,
    profit_of_months,
    settled,
)
from tests.bookkeeping.test_e7_variations import claims_are_refunds
from tests.bookkeeping.test_histories import MODES, NOT_MANY, lived
from tests.bookkeeping.test_statement import stated
from tests.bookkeeping.worlds import World, worlds

HISTORIES = {
    "summary": lambda: settled(SUMMARY, LITE),
    "settlement": lambda: settled(ORDERS, LITE),
    "shipment": lambda: by_shipment(LITE),
}
FEES = money(
    "FEE_SELLING 68.55, FEE_FBA 62.60, FEE_REFUND_ADMIN 3.90, FEE_STORAGE 18.00, ADS 120.00, SUBSCRIPTION 79.98"
)
NOT_IN_THE_BOOKS = ("BANK", "CHARGE_METHOD", "RESERVE", "CLEARING", "OUTPUT_TAX", "LOAN", "PAYOUTS", "OPENING")


def in_categories(made: Company) -> dict[str, int]:
    """The balances, with the expenses of contra-income and income keys in the one category that was chosen for refunds."""
    found: Counter[str] = Counter()
    for key, amount in made.books.balances().items():
        income = default_class(key) in (AccountClass.CONTRA_INCOME, AccountClass.INCOME) and key != "REVENUE"
        found["refund category" if income else key] += amount
    return {key: amount for key, amount in sorted(found.items()) if amount}


@pytest.mark.parametrize(
    ("history", "table"),
    [
        ("summary", "PETTY 127.96, REVENUE -625.98, refund category 144.99"),
        ("settlement", "PETTY 127.96, REVENUE -637.98, refund category 156.99"),
        ("shipment", "PETTY 127.96, AR 55.00, REVENUE -725.98, refund category 189.99"),
    ],
)
def test_end_balances(history: str, table: str) -> None:
    assert in_categories(HISTORIES[history]()) == dict(sorted((FEES | money(table)).items()))


@pytest.mark.parametrize("history", ["summary", "settlement"])
def test_profit_per_month_and_key_is_that_of_full_books(history: str) -> None:
    made = HISTORIES[history]()

    assert made.books.by_name() == PROFIT
    assert profit_of_months(made) == PROFIT_OF_MONTHS


def test_profit_with_the_shipment_trigger() -> None:
    assert profit_of_months(HISTORIES["shipment"]()) == SHIPMENT_PROFIT_OF_MONTHS


def test_number_of_documents() -> None:
    assert HISTORIES["summary"]().books.count(shared=False) == {"invoice": 5, "payment": 5, "expense": 22}


@pytest.mark.parametrize("history", HISTORIES)
def test_what_stays_out_of_the_books_is_what_full_books_have(history: str) -> None:
    full = {
        "summary": settled(SUMMARY, JOURNALS),
        "settlement": settled(ORDERS, JOURNALS),
        "shipment": by_shipment(JOURNALS),
    }
    made = HISTORIES[history]()

    rest: Counter[str] = Counter()
    for plan in made.plans.values():
        rest.update(plan.reconciling)

    expected = {key: full[history].books.balance(key) for key in NOT_IN_THE_BOOKS}
    assert {key: amount for key, amount in rest.items() if amount} == {k: v for k, v in expected.items() if v}
    assert made.books.balance("PETTY") == sum(expected.values()) == 12796


@pytest.mark.parametrize(
    "modes", list(product((Mode.SUMMARY, Mode.ORDERS), repeat=4)), ids=lambda modes: "".join(m[0] for m in modes)
)
def test_every_history_of_modes(modes: tuple[Mode, ...]) -> None:
    made = settled(modes, LITE)

    assert made.books.by_name() == PROFIT
    assert made.books.balance("PETTY") == 12796


@pytest.mark.parametrize("again", [Mode.SUMMARY, Mode.ORDERS])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_undo_and_redo_of_any_settlement(n: int, again: Mode) -> None:
    made = settled(ORDERS, LITE)

    made.undo(IDS[n])
    made.settle(IDS[n], again)

    assert made.books.by_name() == PROFIT
    assert made.books.balance("PETTY") == 12796


def test_documents_of_a_month() -> None:
    plan = settled(SUMMARY, LITE).plans[IDS[1]]

    invoice, payment, *expenses = [one.document for one in plan.documents]

    assert isinstance(invoice, Invoice)
    assert (invoice.number, invoice.on, invoice.order_id) == ("AMZ-18000000002-1", e7.day("18 Oct"), "")
    assert (invoice.customer, invoice.income) == ("customer:Amazon:USD", "REVENUE")
    assert {line.key: line.amount for line in invoice.lines} == money(
        "SALES 84.99, REIMB 14.00, FEE_OTHER 9.00, PROMO -3.00"
    )
    assert isinstance(payment, Payment)
    assert (payment.total, payment.account, payment.on) == (invoice.total, "PETTY", invoice.on)
    assert {(one.number, one.account, one.vendor) for one in expenses if isinstance(one, Expense)} == {
        (f"AMZ-18000000002-1:{key}", "PETTY", "Amazon.com")
        for key in ("ADS", "CLAIMS", "FEE_STORAGE", "FEE_SELLING", "FEE_FBA", "FEE_REFUND_ADMIN")
    }


def test_promotion_that_would_use_up_the_invoice_is_an_expense() -> None:
    made = planned(stated((("22 Sep", "Order", "K", "P 12.00 (1), promo P -12.00"),)), policy=LITE)

    invoice, _, expense = [one.document for one in made.documents]
    assert isinstance(invoice, Invoice)
    assert invoice.total == 1200
    assert isinstance(expense, Expense)
    assert (expense.key, expense.amount) == ("PROMO", 1200)


def test_promotions_left_off_invoices_are_expenses() -> None:
    made = settled(SUMMARY, replace(LITE, negative_lines=False))

    assert made.books.by_name() == PROFIT
    assert made.books.balance("PROMO") == 4100


def test_unknown_label_holds_the_documents_of_its_month_only() -> None:
    made = with_unknown("28 Sep", Mode.SUMMARY, LITE)

    held = {one.part for one in made.documents if one.held}
    assert held == {1}
    assert {one.held.reason for one in made.documents if one.held} == {HoldReason.UNKNOWN_LABEL}
    assert all(one.held for one in made.documents if one.part == 1)


def test_month_with_nothing_but_an_unknown_label_waits_without_lines() -> None:
    made = planned(stated((("22 Sep", "other", "", "New Fee -3.00"),)), policy=LITE)

    (invoice,) = made.documents
    assert isinstance(invoice.document, Invoice)
    assert (invoice.document.lines, bool(invoice.held)) == ((), True)


def test_what_no_document_can_carry_has_no_document() -> None:
    made = settled(SUMMARY, LITE).plans[IDS[0]]

    without = {(one.part, one.key): one.amount for one in made.carriers if not one.document}

    assert without == {(2, "RESERVE"): -2000, (2, "OUTPUT_TAX"): 40}


def test_document_that_such_a_ledger_has_not_breaks_the_plan() -> None:
    statement = statement_of(1)
    made, full = planned(statement, policy=LITE), planned(statement, policy=JOURNALS)

    with pytest.raises(PlanBroken, match="which the ledger has not"):
        check(statement, replace(made, documents=(*made.documents, full.documents[-1])), LITE)


def test_dropped_expense_breaks_the_plan() -> None:
    statement = statement_of(1)
    made = planned(statement, policy=LITE)

    with pytest.raises(PlanBroken, match="moves PETTY"):
        check(statement, replace(made, documents=made.documents[:-1]), LITE)


def test_payout_that_is_known_to_have_failed_stays_on_clearing() -> None:
    made = planned(statement_of(1), policy=LITE, payout_failed=True, previous=Previous(0))

    assert made.reconciling == {"CLEARING": 2001, "RESERVE": 2000, "OUTPUT_TAX": -40}


def test_claims_remapped_in_an_open_month() -> None:
    made = settled(SUMMARY, LITE)

    moved = made.remap(IDS[1], claims_are_refunds, closed_until=None, first_open_on=None)

    kinds = Counter(type(one.document) for one in moved)
    assert kinds == {Undo: 8, Invoice: 1, Payment: 1, Expense: 6}
    assert {one.document.on for one in moved if isinstance(one.document, Expense)} == {e7.day("18 Oct")}
    assert made.books.balance("CLAIMS") == 0
    assert made.books.by_name()["2025-10"]["REFUNDS"] == -6499 - 5500


def test_accounts_of_a_closed_month_are_left_to_a_person() -> None:
    made = settled(SUMMARY, LITE)

    with pytest.raises(ClosedPeriod):
        made.remap(IDS[1], claims_are_refunds, closed_until=e7.day("31 Oct"), first_open_on=e7.day("1 Nov"))


def test_months_that_did_not_change_are_left_alone() -> None:
    def unchanged(account: AccountKey, sku: str, marketplace: str, day: date) -> str:
        return account

    assert settled(ORDERS, LITE).remap(IDS[0], unchanged, closed_until=None, first_open_on=None) == []


@NOT_MANY
@given(worlds(shipments=True), MODES, st.integers(0, 3))
def test_payments_come_to_what_full_books_have_outside_income(world: World, modes: list[Mode], which: int) -> None:
    made, full = lived(world, modes, LITE), lived(world, modes, JOURNALS)
    sid = list(made.facts)[which % len(made.facts)]

    made.undo(sid)
    made.settle(sid, modes[which])

    assert made.books.balance("PETTY") == sum(full.books.balance(key) for key in NOT_IN_THE_BOOKS)
    assert made.books.by_name() == full.books.profit()
    for plan in made.plans.values():
        moved = sum(effect(one.document).get("PETTY", 0) for one in plan.documents)
        assert moved == sum(plan.reconciling.values())

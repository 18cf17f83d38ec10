"""What Amazon holds back at a month's end: accrued by the worked example, taken back on the first, whole in every ledger's form."""

from collections.abc import Container
from dataclasses import replace
from datetime import date

from bookkeeping.accrual import accrual, reversal
from bookkeeping.documents import JournalEntry
from bookkeeping.entries import effect
from bookkeeping.figures import Statement
from bookkeeping.planned import Planned
from bookkeeping.policy import Policy
from bookkeeping.remarks import HoldReason
from bookkeeping.statement import build
from tests.bookkeeping import e7
from tests.bookkeeping.meanings import classify

SEPTEMBER = date(2025, 9, 1)
# Shipped in September, still held back on its last day.
E2_HELD = (("28 Sep", "Order", "C", "P 200.00 (1), Comm -30.00, FBA -25.00"),)


def held(tables: object) -> Statement:
    rows = e7.rows_from(tables)  # type: ignore[arg-type]
    header = replace(e7.header(1), total=sum(row.amount for row in rows))
    return build(header, rows, classify=classify, zone_of=e7.ZONE)


def accrue(tables: object, policy: Policy | None = None, invoiced: Container[str] = ()) -> tuple[Planned, ...]:
    source = "A1/Standard Orders"
    return accrual(held(tables), source=source, month=SEPTEMBER, policy=policy or Policy(), invoiced=invoiced)


def booked(*planned: Planned) -> dict[str, int]:
    """The accounts that documents move between them, in cents, debit positive."""
    total: dict[str, int] = {}
    for one in planned:
        for key, amount in effect(one.document).items():
            total[key] = total.get(key, 0) + amount
    return {key: amount for key, amount in total.items() if amount}


def entry(planned: Planned) -> JournalEntry:
    assert isinstance(planned.document, JournalEntry)
    return planned.document


def test_the_worked_example_is_accrued_on_the_last_day_and_taken_back_on_the_first() -> None:
    (accrued,) = accrue(E2_HELD)
    back = reversal(accrued.key, entry(accrued))

    assert booked(accrued) == {"DEFERRED": 145_00, "FEE_SELLING": 30_00, "FEE_FBA": 25_00, "SALES": -200_00}
    assert (entry(accrued).on, entry(accrued).number) == (date(2025, 9, 30), "AMZ-HELD-USD-2509")
    assert booked(back) == {key: -amount for key, amount in booked(accrued).items()}
    assert (entry(back).on, back.not_before, entry(back).number) == (
        date(2025, 10, 1),
        date(2025, 10, 1),
        "AMZ-HELD-USD-2509x",
    )
    assert accrued.key == "amazon/account/A1/Standard Orders/USD/2025-09/accrual/1"
    assert back.key == "amazon/account/A1/Standard Orders/USD/2025-09/reversal/1"


def test_a_month_of_31_days_is_taken_back_on_the_first_of_the_next() -> None:
    (accrued,) = accrual(held(E2_HELD), source="A1", month=date(2025, 10, 1), policy=Policy())

    assert (entry(accrued).on, entry(reversal(accrued.key, entry(accrued))).on) == (
        date(2025, 10, 31),
        date(2025, 11, 1),
    )


def test_what_was_held_back_since_an_earlier_month_is_accrued_again_in_the_same_entry() -> None:
    tables = (("20 Aug", "Order", "B", "P 10.00 (1)"), *E2_HELD)

    (accrued,) = accrue(tables)

    assert booked(accrued)["DEFERRED"] == 155_00


def test_facilitator_tax_that_cancels_is_not_accrued() -> None:
    (accrued,) = accrue((("28 Sep", "Order", "C", "P 200.00 (1), T 16.00/-16.00"),))

    assert booked(accrued) == {"DEFERRED": 200_00, "SALES": -200_00}


def test_of_an_order_that_is_invoiced_only_what_no_invoice_carries_is_accrued() -> None:
    tables = (*E2_HELD, ("28 Sep", "Order", "D", "P 50.00 (1), Comm -7.50"))

    (accrued,) = accrue(tables, invoiced={e7.ORDERS["C"]})

    assert booked(accrued) == {"DEFERRED": -12_50, "FEE_SELLING": 37_50, "FEE_FBA": 25_00, "SALES": -50_00}


def test_where_nothing_is_held_back_there_is_no_entry() -> None:
    assert accrue(()) == ()


def test_a_ledger_without_entries_accrues_nothing() -> None:
    assert accrue(E2_HELD, Policy(income_and_expenses=True)) == ()


def test_a_ledger_whose_entries_pass_clearing_gets_two_and_leaves_clearing_as_it_was() -> None:
    policy = Policy(entry_through_clearing=True)
    accrued = accrue(E2_HELD, policy)
    back = [reversal(one.key, entry(one)) for one in accrued]

    assert len(accrued) == 2
    assert all("CLEARING" in {line.key for line in entry(one).lines} for one in (*accrued, *back))
    assert booked(*accrued) == booked(*accrue(E2_HELD))
    assert booked(*accrued, *back) == {}
    assert len({one.key for one in (*accrued, *back)}) == 4


def test_a_label_that_nobody_decided_about_holds_the_entry_and_is_named() -> None:
    (accrued,) = accrue((*E2_HELD, ("28 Sep", "other", "", "Strange Fee -1.00")))

    assert accrued.held is not None
    assert accrued.held.reason is HoldReason.UNKNOWN_LABEL
    assert "Strange Fee" in accrued.held.text

"""The month's totals and verdict, on settlements that run over month ends, beside the pretend company's own books."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
import time_machine

from bookkeeping.months import next_month, uncovered
from flows import month_report, month_totals, months
from flows.months import Todo
from kit.scope import scope
from tests.bookkeeping import e7
from tests.bookkeeping.test_e7 import PROFIT_OF_MONTHS, SHIPMENT_PROFIT_OF_MONTHS
from tests.flows.e7_books import E7

SEPTEMBER, OCTOBER, NOVEMBER = (date(2025, month, 1) for month in (9, 10, 11))
MONTHS = (SEPTEMBER, OCTOBER, NOVEMBER)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def e7_books(world, alice, acme):
    """Return what makes the scenario's seller, company and flow; the values are the flow's."""
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda **values: E7(world, alice, acme, time, **values)


def reports(made):
    with scope(made.acme.pk):
        return [month_report.report(made.flow, month) for month in MONTHS]


def lines_of_the_books(made, month):
    """What the pretend company itself booked in a month: account name → [debit, credit], in cents."""
    names = {one["Id"]: one["Name"] for one in made.world.quickbooks.company(made.company["realm"]).all("Account")}
    names[made.company["accounts"]["Accounts Receivable (A/R)"]] = "Accounts receivable"
    found = {}
    for entry in made.books.entries():
        if entry.on_date[:7] == f"{month:%Y-%m}":
            for posting in entry.postings:
                sides = found.setdefault(names[posting.account], [0, 0])
                sides[0 if posting.home_amount > 0 else 1] += abs(posting.home_amount)
    return {name: sum(sides[:1]) - sides[1] for name, sides in found.items() if sides[0] != sides[1]}


def nets(report):
    return {one.account: one.net for section in report.totals.sections for one in section.accounts if one.net}


# Covering a month


@pytest.mark.parametrize(
    ("periods", "left"),
    [
        ([], [("2026-03-01", "2026-04-01")]),
        ([("2026-02-20", "2026-04-02")], []),
        ([("2026-03-15", "2026-04-02"), ("2026-02-20", "2026-03-15")], []),
        ([("2026-02-20", "2026-03-15"), ("2026-03-16", "2026-04-02")], [("2026-03-15", "2026-03-16")]),
        ([("2026-03-05", "2026-03-20")], [("2026-03-01", "2026-03-05"), ("2026-03-20", "2026-04-01")]),
        ([("2026-01-01", "2026-02-01"), ("2026-04-01", "2026-04-15")], [("2026-03-01", "2026-04-01")]),
    ],
    ids=["nothing", "one over it", "a chain in any order", "a hole", "both ends", "only neighbours"],
)
def test_what_no_period_covers(periods, left):
    found = uncovered([(at(begins), at(ends)) for begins, ends in periods], at("2026-03-01"), at("2026-04-01"))

    assert found == [(at(begins), at(ends)) for begins, ends in left]


def test_december_is_followed_by_january():
    assert next_month(date(2025, 12, 31)) == date(2026, 1, 1)


# E7, whose settlements run over two month ends


@pytest.mark.parametrize(
    "values",
    [{"mode": "summary"}, {"mode": "orders"}, {"mode": "orders", "layout": "journal"}],
    ids=["summary", "orders with deposits", "orders with journals"],
)
def test_each_month_comes_out_as_the_company_booked_it(e7_books, values):
    made = e7_books(books_from=date(2025, 9, 21), **values)

    made.settle(1, 2, 3, 4)

    found = reports(made)
    assert [one.totals.result for one in found] == [PROFIT_OF_MONTHS[f"{month:%Y-%m}"] for month in MONTHS]
    assert [nets(one) for one in found] == [lines_of_the_books(made, month) for month in MONTHS]
    assert all(one.totals.debit == one.totals.credit > 0 for one in found)
    clearing, reserve = zip(*[[balance.amount for balance in report.balances[:2]] for report in found], strict=True)
    assert list(clearing) == made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert list(reserve) == made.at_month_ends("RESERVE") == [0, 0, 6900]
    assert all(sum(share.amount for share in one.balances[0].shares) == one.balances[0].amount for one in found)


def test_the_parts_of_the_settlements_and_the_verdicts(e7_books):
    made = e7_books(mode="summary", books_from=date(2025, 9, 21))

    made.settle(1, 2, 3, 4)

    september, october, november = reports(made)
    assert [(one.settlement.settlement_id[-1], one.falls) for one in october.settlements] == [
        ("1", -3269),
        ("2", -7941),
        ("3", 16435),
    ]
    assert sum(one.falls for report in (september, october, november) for one in report.settlements) == sum(
        e7.settlement(n)[0].total for n in e7.PERIODS
    )
    assert september.verdict.complete
    assert october.verdict.complete
    assert not november.verdict.complete
    assert [(lack.todo, "15 Nov 2025 – 30 Nov 2025" in lack.text) for lack in november.verdict.lacks] == [
        (Todo.UPLOAD, True)
    ]


def test_the_months_together_are_all_documents(e7_books):
    made = e7_books(mode="orders")

    made.settle(1, 2, 3, 4)

    with scope(made.acme.pk):
        about = months.known(made.flow)
        found = [month_totals.totals(made.flow, month) for month in months.months(about)]
        everything = Counter(month_totals.of_flow(made.flow).values_list("kind", flat=True))
    together = Counter()
    for one in found:
        together.update({kind.kind: kind.posted + kind.waiting for kind in one.kinds})
    assert together == everything
    books = Counter()
    for totals in found:
        for section in totals.sections:
            books.update({one.account: one.net for one in section.accounts})
    assert books["Checking"] == made.balances()["BANK"]


def test_what_shipped_and_no_settlement_paid_is_open_at_the_month_end(e7_books):
    made = e7_books(mode="orders", trigger="shipped")
    made.ship()
    made.run()

    made.settle(1, 2, 3, 4)

    found = reports(made)
    assert [one.totals.result for one in found][:2] == [
        SHIPMENT_PROFIT_OF_MONTHS[f"{month:%Y-%m}"] for month in (SEPTEMBER, OCTOBER)
    ]
    assert [one.open_invoices.amount for one in found][:2] == made.at_month_ends("AR")[:2] == [17300, 10300]
    assert [one.open_invoices.count for one in found][:2] == [4, 2]


def test_a_settlement_that_is_taken_out_again_opens_its_months(e7_books):
    made = e7_books(mode="summary", books_from=date(2025, 9, 21))
    made.settle(1, 2, 3)

    made.undo(3)

    october = reports(made)[1]
    assert not october.verdict.complete
    assert [lack.text for lack in october.verdict.lacks] == [
        "Settlement 18000000003 (18 Oct 2025 – 1 Nov 2025): taken back."
    ]
    assert nets(october) == lines_of_the_books(made, OCTOBER)

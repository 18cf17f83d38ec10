"""A calendar month of the books: its neighbours, what of it no period covers, and the order in which its accounts are read."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Final

from bookkeeping.accounts import AccountClass

_C = AccountClass

# As a profit and loss statement and a balance sheet list them.
PROFIT_AND_LOSS: Final[tuple[tuple[str, frozenset[AccountClass]], ...]] = (
    ("Income", frozenset({_C.INCOME})),
    ("Refunds and discounts", frozenset({_C.CONTRA_INCOME})),
    ("Cost of sales", frozenset({_C.COST_OF_SALES})),
    ("Expenses", frozenset({_C.EXPENSE})),
    ("Other income", frozenset({_C.OTHER_INCOME})),
)
BALANCE_SHEET: Final[tuple[tuple[str, frozenset[AccountClass]], ...]] = (
    ("Bank and card", frozenset({_C.BANK, _C.CARD})),
    ("Receivables", frozenset({_C.RECEIVABLE})),
    ("Other current assets", frozenset({_C.CURRENT_ASSET})),
    ("Liabilities", frozenset({_C.CURRENT_LIABILITY, _C.LOAN})),
    ("Equity", frozenset({_C.EQUITY})),
)


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def next_month(month: date) -> date:
    """Return the first day of the month after the one that ``month`` lies in."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


def previous_month(month: date) -> date:
    return (month.replace(day=1) - timedelta(days=1)).replace(day=1)


def uncovered(
    periods: Iterable[tuple[datetime, datetime]], starts_at: datetime, ends_at: datetime
) -> list[tuple[datetime, datetime]]:
    """Return the stretches between two instants that no period covers, in order. Ends are exclusive."""
    gaps: list[tuple[datetime, datetime]] = []
    reached = starts_at
    for begins, ends in sorted(periods):
        if begins >= ends_at:
            break
        if begins > reached:
            gaps.append((reached, begins))
        reached = max(reached, ends)
    if reached < ends_at:
        gaps.append((reached, ends_at))
    return gaps

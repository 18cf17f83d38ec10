"""What the entries of a month move on beside the remainder: where a ledger puts income and payments of its own accord, or
where an order waits without an invoice.

FreshBooks books all income of invoices to one account and all payments to another, whatever is sent. The month's entry
takes what payments covered from there to the accounts it belongs to, so that both stand as they stood. An order that an
entry booked before it settled waits on DEFERRED; the month's entry takes it to CLEARING.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.coverage import Coverage
from bookkeeping.figures import Statement
from bookkeeping.policy import Policy

Amounts = Mapping[LineKey, int]


def moved_on(statement: Statement, coverages: Iterable[Coverage], policy: Policy) -> dict[int, dict[date, Amounts]]:
    """Return what is moved on, by part and day: amounts by line key, credits positive, without CLEARING.

    The day is the part's, and a later one for a payment that is dated later because its invoice is: what it brought is
    not there before. No day is there for nothing.
    """
    found: dict[int, dict[date, dict[LineKey, int]]] = {}
    for coverage in coverages:
        part_on = statement.part(coverage.part).on
        if not coverage.amount:
            continue
        if coverage.receivable == AccountKey.DEFERRED:
            on = part_on
            amounts: dict[LineKey, int] = {AccountKey.DEFERRED: coverage.amount}
        elif coverage.paid and policy.income_to and not policy.income_and_expenses:
            on = max(part_on, coverage.invoiced_on)
            amounts = {**coverage.by_key, policy.payments_to: coverage.amount, policy.income_to: -coverage.amount}
        else:
            continue
        place = found.setdefault(coverage.part, {}).setdefault(on, {})
        for key, amount in amounts.items():
            place[key] = place.get(key, 0) + amount
    return {n: dict(sorted(by_day.items())) for n, by_day in found.items()}

"""One month of one flow, put together for its page, its file and REST."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bookkeeping.money import to_text
from bookkeeping.months import next_month
from flows import clearing_account, month_totals, months
from flows.models import Delivery, Flow
from flows.month_totals import Balance, OpenInvoices, Totals
from flows.months import Completeness, Touching
from kit import csv_lines

SHOWN_CHANGED: Final = 50
COLUMNS = ("flow", "company", "month", "section", "account", "debit", "credit", "net", "not in the books", "currency")


@dataclass(frozen=True, slots=True)
class MonthReport:
    """``balances`` and ``open_invoices`` are as of ``last_day``; ``undecided`` is in no document, and in no total.

    ``changed`` has the first of the documents that are otherwise in the ledger now, as they were posted. ``compared``
    is the last comparison of today's clearing balance with the ledger: it says nothing of another day.
    """

    flow: Flow
    month: date
    last_day: date
    verdict: Completeness
    totals: Totals
    balances: tuple[Balance, ...]
    open_invoices: OpenInvoices
    settlements: tuple[Touching, ...]
    undecided: int
    changed: tuple[Delivery, ...]
    compared: clearing_account.Comparison

    @property
    def changed_more(self) -> int:
        return self.verdict.changed - len(self.changed)

    @property
    def paid_out(self) -> int:
        """Return the payouts whose day lies in the month, by Amazon's own statement, and has come; those that failed are left out."""
        return sum(one.settlement.total for one in self._paid)

    @property
    def payouts(self) -> int:
        return len(self._paid)

    @property
    def at_the_bank(self) -> int:
        """Return of how many of these payouts the bank's own line was imported and matched."""
        return sum(one.payout.line is not None for one in self._paid)

    @property
    def _paid(self) -> list[Touching]:
        paid = (one for one in self.settlements if one.payout.paid)
        return [one for one in paid if self.month <= one.settlement.deposit_on <= self.last_day]


def report(flow: Flow, month: date) -> MonthReport:
    """Return everything there is to say of a month. A bounded number of queries, whatever the month holds."""
    about = months.known(flow)
    last_day = next_month(month) - timedelta(days=1)
    return MonthReport(
        flow=flow,
        month=month,
        last_day=last_day,
        verdict=months.completeness(about, month),
        totals=month_totals.totals(flow, month),
        balances=month_totals.balances(flow, last_day),
        open_invoices=month_totals.open_invoices(flow, last_day),
        settlements=tuple(months.touching(about, month)),
        undecided=months.undecided(about, month),
        changed=tuple(month_totals.changed_in(flow, month)[:SHOWN_CHANGED]),
        compared=clearing_account.last_comparison(flow),
    )


def listed(flow: Flow) -> list[Completeness]:
    """Return the verdicts over all months of a flow, the newest first."""
    about = months.known(flow)
    return [months.completeness(about, month) for month in months.months(about)]


def csv_of(flow: Flow, month: date) -> Iterator[str]:
    """Yield the totals per account as lines of CSV. Figures are decimals; debits and credits add up to the same."""
    yield csv_lines.BYTE_ORDER_MARK + csv_lines.line(COLUMNS)
    for section in month_totals.totals(flow, month).sections:
        for one in section.accounts:
            names = (csv_lines.text(flow.name), csv_lines.text(flow.target.remote_name), f"{month:%Y-%m}")
            figures = (to_text(amount, flow.books_currency) for amount in (one.debit, one.credit, one.net, one.waiting))
            yield csv_lines.line((*names, section.title, csv_lines.text(one.account), *figures, flow.books_currency))

"""Documents outside any settlement: closing an invoice that will never settle, and the opening balances."""

from dataclasses import dataclass
from datetime import date

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.check import check_documents
from bookkeeping.coverage import CLOSE_OUT, Coverage, OpenInvoice
from bookkeeping.documents import Cover, JournalEntry, Payment
from bookkeeping.entries import entry_lines
from bookkeeping.numbering import close_out_key, close_out_number, revised
from bookkeeping.planned import Planned


@dataclass(frozen=True, slots=True)
class CloseOut:
    """A payment, an entry, and the coverage to be stored like a settlement's."""

    documents: tuple[Planned, ...]
    coverage: Coverage


def close_out(invoice: OpenInvoice, *, on: date, currency: str, revision: int = 1) -> CloseOut | None:
    """Return what closes an invoice whose order was cancelled or never settles, None when nothing of it is open.

    The payment takes the open balance into CLEARING, the entry takes what is left of the invoice back from its
    accounts; CLEARING is where it was. Rows that come later start a new invoice.
    """
    if invoice.balance <= 0:
        return None
    number = close_out_number(invoice.number, invoice.order_id) + revised(revision)
    memo = f"Amazon order {invoice.order_id} does not settle; invoice {invoice.number} closed"
    payment = Payment(
        reference=number,
        on=max(on, invoice.on),
        currency=currency,
        customer=invoice.customer,
        account=AccountKey.CLEARING,
        cover=Cover(invoice.key, invoice.balance),
        memo=memo,
    )
    taken_back = {key: -amount for key, amount in invoice.remaining.items()}
    entry = JournalEntry(number, max(on, invoice.on), currency, entry_lines(taken_back, AccountKey.CLEARING), memo)
    planned = (
        Planned(close_out_key(invoice.number, "payment", revision), payment, depends_on=(invoice.key,)),
        Planned(close_out_key(invoice.number, "entry", revision), entry),
    )
    check_documents(planned)
    units = {code: n - invoice.settled.get(code, 0) for code, n in invoice.units.items()}
    left = {code: n for code, n in units.items() if n > 0}
    coverage = Coverage(invoice.key, invoice.number, invoice.order_id, CLOSE_OUT, 0, invoice.remaining, left)
    return CloseOut(planned, coverage)


def opening_entry(
    source: str,
    *,
    on: date,
    currency: str,
    clearing: int,
    reserve: int = 0,
    deferred: int = 0,
    loan: int = 0,
    revision: int = 1,
) -> Planned | None:
    """Return the entry that opens CLEARING, RESERVE, DEFERRED and LOAN against OPENING, None when all are 0.

    Amounts are debit positive: ``clearing`` is below 0 when money is owed to Amazon; but ``loan`` is what is still owed.
    ``source`` names the seller account and its settlements' currency, for the key. ``on`` is the day before the books begin.
    """
    amounts: dict[LineKey, int] = {
        AccountKey.CLEARING: -clearing,
        AccountKey.RESERVE: -reserve,
        AccountKey.DEFERRED: -deferred,
        AccountKey.LOAN: loan,
    }
    lines = entry_lines(amounts, AccountKey.OPENING)
    if not lines:
        return None
    entry = JournalEntry(
        f"AMZ-OPENING-{currency}{revised(revision)}", on, currency, lines, "Amazon balances at the start"
    )
    planned = Planned(f"amazon/account/{source}/{currency}/opening/entry/{revision}", entry)
    check_documents([planned])
    return planned

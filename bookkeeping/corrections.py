"""Documents outside any settlement: closing an invoice that will never settle, and the opening balances."""

from dataclasses import dataclass
from datetime import date

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.coverage import CLOSE_OUT, Coverage, OpenInvoice
from bookkeeping.cutting import cut
from bookkeeping.documents import Cover, Expense, JournalEntry, Payment
from bookkeeping.entries import entry_lines
from bookkeeping.income_and_expenses import VENDOR
from bookkeeping.numbering import close_out_key, close_out_number, revised
from bookkeeping.planned import Planned
from bookkeeping.policy import Policy


@dataclass(frozen=True, slots=True)
class CloseOut:
    """A payment with an entry or expense, or an entry alone, and the coverage to be stored like a settlement's."""

    documents: tuple[Planned, ...]
    coverage: Coverage


def close_out(invoice: OpenInvoice, *, policy: Policy, on: date, currency: str, revision: int = 1) -> CloseOut | None:
    """Return what closes an invoice whose order was cancelled or never settles, None when nothing of it is open.

    The payment takes the open balance into CLEARING, or to where the ledger puts payments, and the entry takes what is
    left of the invoice back from its accounts; CLEARING is where it was. A ledger without entries refunds it by an
    expense. Where an entry stands in the invoice's place, another one takes the rest of it back. Rows that come later
    start a new invoice.
    """
    if invoice.balance <= 0:
        return None
    number = close_out_number(invoice.number, invoice.order_id) + revised(revision)
    memo = f"Amazon order {invoice.order_id} does not settle; invoice {invoice.number} closed"
    day = max(on, invoice.on)
    is_invoice = invoice.receivable == AccountKey.AR
    taken_back = {key: -amount for key, amount in invoice.remaining.items()}
    if is_invoice and policy.income_to:
        taken_back = {policy.income_to: -invoice.balance}
    waits_on = policy.payments_to if is_invoice else invoice.receivable
    entry = JournalEntry(number, day, currency, entry_lines(taken_back, waits_on), memo)
    documents = [Planned(close_out_key(invoice.number, "entry", revision), entry)]
    if policy.income_and_expenses:
        refund = Expense(number, day, currency, AccountKey.REFUNDS, invoice.balance, policy.payments_to, VENDOR, memo)
        documents = [Planned(close_out_key(invoice.number, "expense", revision), refund)]
    if is_invoice:
        covering = Cover(invoice.key, invoice.balance)
        payment = Payment(number, day, currency, invoice.customer, policy.payments_to, covering, memo)
        key = close_out_key(invoice.number, "payment", revision)
        documents.insert(0, Planned(key, payment, depends_on=(invoice.key,)))
    units = {code: n - invoice.settled.get(code, 0) for code, n in invoice.units.items()}
    left = {code: n for code, n in units.items() if n > 0}
    coverage = Coverage(
        invoice=invoice.key,
        number=invoice.number,
        order_id=invoice.order_id,
        settlement_id=CLOSE_OUT,
        part=0,
        by_key=invoice.remaining,
        units=left,
        invoiced_on=invoice.on,
        receivable=invoice.receivable,
    )
    return CloseOut(cut(documents, policy).documents, coverage)


def opening_entry(
    source: str,
    *,
    policy: Policy,
    on: date,
    currency: str,
    clearing: int,
    reserve: int = 0,
    deferred: int = 0,
    loan: int = 0,
    account_type: str = "",
    revision: int = 1,
) -> tuple[Planned, ...]:
    """Return the entry that opens CLEARING, RESERVE, DEFERRED and LOAN against OPENING, cut as the ledger needs it; nothing
    when all are 0, or where the ledger has no entries.

    Amounts are debit positive: ``clearing`` is below 0 when money is owed to Amazon; but ``loan`` is what is still owed.
    ``source`` is the seller, for the key; ``account_type`` is "" for the usual one. ``on`` is the day before the books begin.
    """
    amounts: dict[LineKey, int] = {
        AccountKey.CLEARING: -clearing,
        AccountKey.RESERVE: -reserve,
        AccountKey.DEFERRED: -deferred,
        AccountKey.LOAN: loan,
    }
    lines = entry_lines(amounts, AccountKey.OPENING)
    if not lines or policy.income_and_expenses:
        return ()
    memo = f"Amazon balances at the start{f', {account_type}' if account_type else ''}"
    # Its initials: some ledgers take no more than 21 characters.
    initials = "".join(word[0] for word in account_type.upper().split())
    number = f"AMZ-OPENING-{currency}{f'-{initials}' if initials else ''}{revised(revision)}"
    entry = JournalEntry(number, on, currency, lines, memo)
    whose = f"{source}/{account_type.replace(' ', '-').lower()}" if account_type else source
    planned = Planned(f"amazon/account/{whose}/{currency}/opening/entry/{revision}", entry)
    return cut([planned], policy).documents

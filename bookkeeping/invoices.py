"""What books an order: an invoice with its lines and customer, or an entry in its place."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from bookkeeping.accounts import AccountKey, LineKey, account_key
from bookkeeping.documents import Document, Invoice, InvoiceLine, JournalEntry
from bookkeeping.entries import by_account, entry_lines
from bookkeeping.figures import OrderItem
from bookkeeping.policy import Policy
from bookkeeping.remarks import Hold

CheckLine = Callable[[InvoiceLine], Hold | None]
CustomerOf = Callable[[str, str, str], str]


def customer_symbol(marketplace: str, currency: str, order_id: str = "") -> str:
    """Return the symbol of the one generic customer of a marketplace and currency, whatever the order."""
    return f"customer:{marketplace or 'Amazon'}:{currency}"


def buyer(policy: Policy, customer_of: CustomerOf, marketplace: str, currency: str, order_id: str = "") -> str:
    """Return the customer of an invoice: one for all marketplaces in a ledger without entries, whose plan counts customers."""
    return customer_of("" if policy.income_and_expenses else marketplace, currency, order_id)


def invoice_lines(items: Iterable[OrderItem], *, negative: bool) -> tuple[InvoiceLine, ...]:
    """Return one line per order item and line key, without zeros; ``negative`` False leaves out what lowers the total.

    A product line states its units where they divide the amount exactly; elsewhere it is one extended amount, and
    says the units in words, because a ledger multiplies quantity and rounded price itself.
    """
    lines = []
    for item in items:
        for key, amount in by_account(item.amounts):
            if amount == 0 or (amount < 0 and not negative):
                continue
            units = item.units if account_key(key) is AccountKey.SALES else 0
            divides = units > 1 and amount % units == 0
            words = f"{units} units" if units > 1 and not divides else ""
            lines.append(InvoiceLine(key, amount, units if divides else 1, item.sku, words))
    return tuple(lines)


def amounts_of(lines: Iterable[InvoiceLine]) -> dict[LineKey, int]:
    amounts: dict[LineKey, int] = {}
    for line in lines:
        amounts[line.key] = amounts.get(line.key, 0) + line.amount
    return amounts


def order_document(
    policy: Policy,
    *,
    number: str,
    on: date,
    currency: str,
    customer: str,
    lines: Sequence[InvoiceLine],
    order_id: str,
    memo: str,
    tracking: str = "",
    settles: bool,
) -> Invoice | JournalEntry:
    """Return the invoice over an order, or the entry that books it in an invoice's place.

    ``settles``: its rows settle with it, so such an entry goes through CLEARING at once; else it waits on DEFERRED.
    """
    if policy.order_entries:
        waits_on = AccountKey.CLEARING if settles else AccountKey.DEFERRED
        entry = entry_lines(amounts_of(lines), waits_on)
        return JournalEntry(number, on, currency, entry, memo, order_id=order_id)
    return Invoice(number, on, currency, customer, tuple(lines), order_id, memo, tracking, policy.income_to)


def receivable_of(document: Document) -> LineKey:
    """Return where the balance of an order's document stands until it settles."""
    if isinstance(document, JournalEntry):
        waiting = {line.key for line in document.lines} & {AccountKey.CLEARING.value, AccountKey.DEFERRED.value}
        return next(iter(waiting), AccountKey.CLEARING)
    return AccountKey.AR

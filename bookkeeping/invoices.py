"""Invoices over an order: its lines, its customer."""

from collections.abc import Callable, Iterable

from bookkeeping.accounts import AccountKey, account_key
from bookkeeping.documents import InvoiceLine
from bookkeeping.entries import by_account
from bookkeeping.figures import OrderItem
from bookkeeping.remarks import Hold

CheckLine = Callable[[InvoiceLine], Hold | None]
CustomerOf = Callable[[str, str], str]


def customer_symbol(marketplace: str, currency: str) -> str:
    """Return the symbol of the one generic customer of a marketplace and currency."""
    return f"customer:{marketplace or 'Amazon'}:{currency}"


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

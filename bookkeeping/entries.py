"""Entries and deposits from signed amounts by line key.

An amount > 0 raises what Amazon owes the seller: its account is credited and CLEARING debited. An amount < 0 is the
other way round.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from bookkeeping.accounts import AccountKey, LineKey, account_key
from bookkeeping.documents import (
    Deposit,
    DepositLine,
    Document,
    EntryLine,
    Expense,
    Invoice,
    JournalEntry,
    Payment,
    Revaluation,
    Transfer,
)

_ORDER: Final = {key: place for place, key in enumerate(AccountKey)}


def by_account(amounts: Mapping[LineKey, int]) -> list[tuple[LineKey, int]]:
    """Return the amounts in the order of the chart of accounts."""
    return sorted(amounts.items(), key=lambda pair: (_ORDER[account_key(pair[0])], pair[0]))


def entry_lines(amounts: Mapping[LineKey, int], balancing: LineKey) -> tuple[EntryLine, ...]:
    """Return balanced lines, debits first: each amount on its key, their net on ``balancing`` (no line when the net
    is 0).
    """
    signed = [(key, amount) for key, amount in by_account(amounts) if amount]
    if net := sum(amount for _, amount in signed):
        signed.insert(0, (balancing, -net))
    debited = tuple(EntryLine(key, debit=-amount) for key, amount in signed if amount < 0)
    credited = tuple(EntryLine(key, credit=amount) for key, amount in signed if amount > 0)
    return debited + credited


def reversed_lines(lines: Iterable[EntryLine]) -> tuple[EntryLine, ...]:
    return tuple(EntryLine(line.key, line.credit, line.debit, line.description) for line in lines)


def deposit_lines(amounts: Mapping[LineKey, int], total: int) -> tuple[DepositLine, ...]:
    """Return a direct line per key and one CLEARING line for the rest of ``total`` (none when nothing is left)."""
    direct = [DepositLine(key, amount) for key, amount in by_account(amounts) if amount]
    rest = total - sum(line.amount for line in direct)
    return (*direct, DepositLine(AccountKey.CLEARING, rest)) if rest else tuple(direct)


def signed_lines(document: Document) -> Iterator[tuple[LineKey, int]]:
    """Yield every line of a document: its account, and its amount with debits positive. The amounts sum to 0."""
    match document:
        case Invoice():
            yield AccountKey.AR, document.total
            for line in document.lines:
                yield document.income or line.key, -line.amount
        case Payment():
            yield document.account, document.total
            yield AccountKey.AR, -document.total
        case JournalEntry():
            for entry_line in document.lines:
                yield entry_line.key, entry_line.debit - entry_line.credit
        case Transfer():
            yield document.target, document.amount
            yield document.source, -document.amount
        case Deposit():
            yield document.account, document.total
            for deposit_line in document.lines:
                yield deposit_line.key, -deposit_line.amount
        case Expense():
            yield document.key, document.amount
            yield document.account, -document.amount
        case Revaluation():
            yield AccountKey.FX, document.amount
            yield document.account, -document.amount
        case _:
            pass


def effect(document: Document) -> dict[LineKey, int]:
    """Return what a document does to the accounts, debit positive. Its amounts sum to 0."""
    moved: dict[LineKey, int] = {}
    for key, amount in signed_lines(document):
        moved[key] = moved.get(key, 0) + amount
    return moved


def own_total(document: Document) -> int:
    """Return the amount by which a ledger names a document: an entry's debits, everything else's total. Only that of a
    revaluation may be below 0."""
    match document:
        case Invoice() | Payment() | Deposit():
            return document.total
        case JournalEntry():
            return sum(line.debit for line in document.lines)
        case Transfer() | Expense() | Revaluation():
            return document.amount
        case _:
            return 0


def dated(document: Document) -> date | None:
    """Return the day a document is booked on, None for what books nothing."""
    match document:
        case Invoice() | Payment() | JournalEntry() | Transfer() | Deposit() | Expense() | Revaluation():
            return document.on
        case _:
            return None

"""Sales that were made and are held back at a month's end: accrued on its last day, taken back on the next.

What is held back is in no settlement yet, so the settlements' entries stay as they are; on the balance sheet it waits on DEFERRED.
Source: ``accounting.md``'s rule for deferred transactions, its worked example E2.
"""

from collections.abc import Container
from dataclasses import replace
from datetime import date

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.cutting import cut
from bookkeeping.days import last_of_month
from bookkeeping.documents import JournalEntry
from bookkeeping.entries import entry_lines, reversed_lines
from bookkeeping.figures import Statement
from bookkeeping.months import next_month
from bookkeeping.numbering import reversal_number, revised
from bookkeeping.planned import Planned
from bookkeeping.policy import Policy
from bookkeeping.remarks import Hold, HoldReason

ACCRUAL = "accrual"
REVERSAL = "reversal"


def accrual_key(source: str, currency: str, month: date, kind: str, revision: int) -> str:
    """``source`` names the seller account and its account type; ``kind`` is ACCRUAL or REVERSAL."""
    return f"amazon/account/{source}/{currency}/{month:%Y-%m}/{kind}/{revision}"


def accrued(held: Statement, invoiced: Container[str]) -> dict[LineKey, int]:
    """Return what is to be accrued of what is held back, by account, credit positive.

    ``held`` reads it as if it were a settlement, with the orders in ``invoiced`` kept: their sales are in the books already, so
    only the rest of them (fees, mostly) is accrued.
    """
    amounts: dict[LineKey, int] = {}
    for by_key in held.totals.values():
        for key, amount in by_key.items():
            amounts[key] = amounts.get(key, 0) + amount
    for order_id, parts in held.orders.items():
        if order_id not in invoiced:
            continue
        for part in parts:
            for key, amount in part.amounts.items():
                amounts[key] -= amount
    return {key: amount for key, amount in amounts.items() if amount}


def accrual(
    held: Statement, *, source: str, month: date, policy: Policy, invoiced: Container[str] = (), revision: int = 1
) -> tuple[Planned, ...]:
    """Return the entry that accrues what was held back at the end of a month, cut as the ledger needs it; nothing where nothing
    is, or where the ledger has no entries. A label that nobody has decided about holds it.
    """
    lines = entry_lines(accrued(held, invoiced), AccountKey.DEFERRED)
    if policy.income_and_expenses or not (lines or held.unknown):
        return ()
    currency = held.header.currency
    number = f"AMZ-HELD-{currency}-{month:%y%m}{revised(revision)}"
    memo = f"Amazon sales of {month:%B %Y} and before, shipped and not released yet"
    entry = JournalEntry(number, last_of_month(month), currency, lines, memo)
    planned = Planned(accrual_key(source, currency, month, ACCRUAL, revision), entry)
    if held.unknown:
        label = " / ".join(filter(None, held.unknown[0].label))
        text = f"Amazon calls an amount {label!r}, which has no category yet. Give it one under Mapping, Labels."
        return (planned.hold(Hold(HoldReason.UNKNOWN_LABEL, text, label)),)
    return cut([planned], policy).documents


def reversal(key: str, entry: JournalEntry) -> Planned:
    """Return what takes an accrual, or a piece of one, back on the first day of the next month: the same lines, sides swapped, at
    the same rate."""
    on = next_month(entry.on)
    document = replace(
        entry,
        number=reversal_number(entry.number),
        on=on,
        lines=reversed_lines(entry.lines),
        memo=f"{entry.memo}, taken back",
    )
    return Planned(key.replace(f"/{ACCRUAL}", f"/{REVERSAL}"), document, not_before=on)

"""Taking a settlement out of the books again, and posting changed accounts into a closed period's successor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from bookkeeping.accounts import PASSING, LineKey
from bookkeeping.check import check_documents
from bookkeeping.coverage import Coverage, remainders
from bookkeeping.documents import Deposit, Document, How, Invoice, JournalEntry, Kind, Payment, Undo
from bookkeeping.entries import dated, effect, reversed_lines
from bookkeeping.figures import Statement
from bookkeeping.numbering import reversal_number, settlement_key, undo_key
from bookkeeping.parts import part_entry
from bookkeeping.planned import PlanBroken, Planned

# An invoice stays visible with its number; everything else has no void (QuickBooks) and is deleted.
_HOW: Final[Mapping[Kind, How]] = {Kind.INVOICE: How.VOID}


class ClosedPeriod(ValueError):
    """Some documents lie in a closed period, where nothing can be taken back. ``keys`` names them; ``remap`` can
    still move accounts.
    """

    def __init__(self, keys: Sequence[str], closed_until: date) -> None:
        super().__init__(f"{len(keys)} document(s) are dated in the period closed until {closed_until}")
        self.keys, self.closed_until = tuple(keys), closed_until


def undo(documents: Sequence[Planned], *, closed_until: date | None = None) -> tuple[Planned, ...]:
    """Return one undo per live document, in the reverse of the order in which they were planned.

    An undo waits for the undo of everything that depends on its target, so an invoice goes after its payment, and for
    those of the settlement's own documents behind it, payout first: where the ledger refuses one, nothing before it is
    taken back. What was never sent needs no undo and is not to be passed.

    Raises:
        ClosedPeriod: a document is dated on or before ``closed_until``; nothing is taken back then.
    """
    if closed_until is not None:
        closed = [one.key for one in documents if (on := dated(one.document)) is not None and on <= closed_until]
        if closed:
            raise ClosedPeriod(closed, closed_until)
    waiting: dict[str, list[str]] = {}
    for one in documents:
        for key in one.depends_on:
            waiting.setdefault(key, []).append(undo_key(one.key))
    steps: list[Planned] = []
    behind: list[str] = []
    for one in reversed(documents):
        steps.append(_undo(one, dict.fromkeys([*waiting.get(one.key, ()), *behind])))
        # Those of orders may be thousands, and no order's document waits for another order's.
        if not isinstance(one.document, (Invoice, Payment)):
            behind.append(undo_key(one.key))
    return tuple(steps)


def _undo(target: Planned, waits_for: Iterable[str] = ()) -> Planned:
    document = Undo(target.key, target.document.kind, _HOW.get(target.document.kind, How.DELETE))
    return Planned(undo_key(target.key), document, depends_on=(target.key, *waits_for), part=target.part)


def remap(
    statement: Statement,
    live: Sequence[Planned],
    coverage: Iterable[Coverage],
    *,
    revision: int,
    closed_until: date | None = None,
    first_open_on: date | None = None,
) -> tuple[Planned, ...]:
    """Return what moves posted part entries to changed accounts; invoices, payments, movements, payout and coverage
    stay.

    ``statement`` is built with the new mapping; ``live`` are the settlement's documents in the books, ``coverage`` as
    stored. An entry in an open month is deleted and posted anew on its date; in a closed one it is reversed and
    posted anew on ``first_open_on``. What rides on a deposit is moved by an entry of the difference. Parts whose
    accounts did not change give nothing.
    """
    left = remainders(statement, coverage)
    planned: list[Planned] = []
    for part in statement.parts:
        carrying = [one for one in live if one.part == part.n and isinstance(one.document, (JournalEntry, Deposit))]
        carried = _carried(one.document for one in carrying)
        if carried == left[part.n]:
            continue
        if not carrying or sum(carried.values()) != sum(left[part.n].values()):
            raise PlanBroken(
                f"part {part.n} of settlement {statement.header.settlement_id} is not in the books as it was planned"
            )
        key = settlement_key(statement.header.settlement_id, part.n, "entry", revision)
        old = carrying[0]
        if len(carrying) == 1 and isinstance(old.document, JournalEntry):
            back = _take_back(statement, old, part.n, closed_until, first_open_on)
            on = back.document.on if isinstance(back.document, JournalEntry) else None
            new = part_entry(statement, part, left[part.n], revision, on)
            planned += [back, Planned(key, new, depends_on=(back.key,), part=part.n)]
        else:
            moved = {line: left[part.n].get(line, 0) - carried.get(line, 0) for line in {*left[part.n], *carried}}
            newest = max(on for one in carrying if (on := dated(one.document)))
            entry = part_entry(statement, part, moved, revision, _open_day(newest, closed_until, first_open_on))
            planned.append(Planned(key, entry, part=part.n))
    check_documents(planned)
    return tuple(planned)


def _carried(documents: Iterable[Document]) -> dict[LineKey, int]:
    """Return what documents carry by line key, the accounts that money only passes through left out."""
    carried: dict[LineKey, int] = {}
    for document in documents:
        for key, amount in effect(document).items():
            if key not in PASSING:
                carried[key] = carried.get(key, 0) - amount
    return {key: amount for key, amount in carried.items() if amount}


def _take_back(
    statement: Statement, old: Planned, part: int, closed_until: date | None, first_open_on: date | None
) -> Planned:
    document = old.document
    if not isinstance(document, JournalEntry):
        raise PlanBroken(f"{old.key} is not an entry")
    on = _open_day(document.on, closed_until, first_open_on)
    if on == document.on:
        return _undo(old)
    revision = int(old.key.rpartition("/")[2])
    key = settlement_key(statement.header.settlement_id, part, "reversal", revision)
    reversal = replace(
        document,
        number=reversal_number(document.number),
        on=on,
        lines=reversed_lines(document.lines),
        memo=f"Reverses {document.number}",
    )
    return Planned(key, reversal, depends_on=(old.key,), part=part)


def _open_day(on: date, closed_until: date | None, first_open_on: date | None) -> date:
    if closed_until is None or on > closed_until:
        return on
    if first_open_on is None or first_open_on <= closed_until:
        raise ValueError("the first open day must lie after the closed period")
    return first_open_on

"""Taking a settlement out of the books again, and posting changed accounts into a closed period's successor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from bookkeeping.accounts import PASSING, LineKey
from bookkeeping.coverage import Coverage, remainders
from bookkeeping.cutting import cut
from bookkeeping.documents import (
    Deposit,
    Document,
    EntryLine,
    Expense,
    How,
    Invoice,
    JournalEntry,
    Kind,
    Payment,
    Transfer,
    Undo,
)
from bookkeeping.entries import dated, effect, reversed_lines
from bookkeeping.figures import Statement
from bookkeeping.income_and_expenses import INCOME_PAYMENT, carried_by, is_booked, part_documents
from bookkeeping.invoices import CustomerOf, buyer, customer_symbol
from bookkeeping.moving_on import Amounts, moved_on
from bookkeeping.numbering import reversal_number, settlement_key, undo_key
from bookkeeping.parts import part_entries, part_entry
from bookkeeping.planned import PlanBroken, Planned
from bookkeeping.policy import Policy


class ClosedPeriod(ValueError):
    """Some documents lie in a closed period, where nothing can be taken back. ``keys`` names them; ``remap`` can
    still move accounts.
    """

    def __init__(self, keys: Sequence[str], closed_until: date) -> None:
        super().__init__(f"{len(keys)} document(s) are dated in the period closed until {closed_until}")
        self.keys, self.closed_until = tuple(keys), closed_until


def undo(
    documents: Sequence[Planned], *, how: Mapping[Kind, How], closed_until: date | None = None
) -> tuple[Planned, ...]:
    """Return one undo per live document, in the reverse of the order in which they were planned.

    ``how`` says what the ledger can do with each kind. What can only be reversed brings the entry that does it, on the
    document's own date.

    An undo waits for the undo of everything that depends on its target, so an invoice goes after its payment, and for
    those of the settlement's own documents behind it, payout first: where the ledger refuses one, nothing before it is
    taken back. What was never sent needs no undo and is not to be passed.

    Raises:
        ClosedPeriod: a document is dated on or before ``closed_until``; nothing is taken back then.
        PlanBroken: the ledger has no way to take one of them back.
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
        steps.append(_undo(one, how, dict.fromkeys([*waiting.get(one.key, ()), *behind])))
        # Those of orders may be thousands, and no order's document waits for another order's.
        if not _of_order(one.document):
            behind.append(undo_key(one.key))
    return tuple(steps)


def _of_order(document: Document) -> bool:
    return isinstance(document, (Invoice, Payment)) or (isinstance(document, JournalEntry) and document.order_id != "")


def _undo(target: Planned, how: Mapping[Kind, How], waits_for: Iterable[str] = ()) -> Planned:
    kind = target.document.kind
    way = how.get(kind)
    if way is None:
        raise PlanBroken(f"the ledger cannot take back {target.key}")
    reversal = reversal_of(target.document) if way is How.REVERSE else None
    document = Undo(target.key, kind, way, reversal)
    return Planned(undo_key(target.key), document, depends_on=(target.key, *waits_for), part=target.part)


def reversal_of(document: Document, on: date | None = None) -> JournalEntry:
    """Return the entry that takes an entry or transfer back, on its own date or the given one.

    Raises PlanBroken for any other kind.
    """
    match document:
        case JournalEntry(lines=lines, order_id=order_id):
            back = reversed_lines(lines)
        case Transfer(source=source, target=target, amount=amount):
            back, order_id = (EntryLine(source, debit=amount), EntryLine(target, credit=amount)), ""
        case _:
            raise PlanBroken(f"a document of the kind {document.kind} cannot be reversed by an entry")
    return JournalEntry(
        number=reversal_number(document.number),
        on=on or document.on,
        currency=document.currency,
        lines=back,
        memo=f"Reverses {document.number}",
        rate=document.rate,
        order_id=order_id,
    )


def remap(
    statement: Statement,
    live: Sequence[Planned],
    coverage: Iterable[Coverage],
    *,
    policy: Policy,
    how: Mapping[Kind, How],
    revision: int,
    closed_until: date | None = None,
    first_open_on: date | None = None,
    customer_of: CustomerOf = customer_symbol,
) -> tuple[Planned, ...]:
    """Return what moves posted part entries to changed accounts; invoices, payments, movements, payout and coverage
    stay.

    ``statement`` is built with the new mapping; ``live`` are the settlement's documents in the books, ``coverage`` as
    stored. An entry in an open month is deleted, or reversed where the ledger deletes none, and posted anew on its date; in
    a closed one it is reversed and posted anew on ``first_open_on``. What rides on a deposit, and what was moved before
    out of a closed month, is moved by an entry of the difference. A ledger without entries gets the invoice and expenses
    of the part anew. Parts whose accounts did not change give nothing.

    Raises:
        ClosedPeriod: an invoice or expense that would go is dated on or before ``closed_until``.
        PlanBroken: a part is not in the books as it was planned.
    """
    coverages = list(coverage)
    left, beside = remainders(statement, coverages), moved_on(statement, coverages, policy)
    planned: list[Planned] = []
    for part in statement.parts:
        moved = beside.get(part.n, {})
        carrying = [one for one in live if one.part == part.n and _carries_part(one)]
        carried = _carried(one.document for one in carrying)
        wanted = _plus(left[part.n], *moved.values())
        if policy.income_and_expenses:
            wanted = {line: amount for line, amount in wanted.items() if is_booked(line)}
        if carried == wanted:
            continue
        if not carrying or sum(carried.values()) != sum(wanted.values()):
            raise PlanBroken(
                f"part {part.n} of settlement {statement.header.settlement_id} is not in the books as it was planned"
            )
        if policy.income_and_expenses:
            backs = list(undo(carrying, how=how, closed_until=closed_until))
            customer = buyer(policy, customer_of, "", statement.header.currency)
            anew = part_documents(statement, part, left[part.n], policy=policy, customer=customer, revision=revision)
            gone = tuple(back.key for back in backs)
            planned += [*backs, *(replace(one, depends_on=(*one.depends_on, *gone)) for one in anew)]
        elif _is_one_version(carrying):
            backs = [_take_back(one, how, closed_until, first_open_on) for one in carrying]
            own = _open_day(part.on, closed_until, first_open_on)
            on = own if own != part.on else None
            new = part_entries(statement, part, left[part.n], moved, revision, on)
            planned += [*backs, *(replace(one, depends_on=tuple(back.key for back in backs)) for one in new)]
        else:
            difference = _plus(wanted, {line: -amount for line, amount in carried.items()})
            newest = max(on for one in carrying if (on := dated(one.document)))
            entry = part_entry(statement, part, difference, revision, _open_day(newest, closed_until, first_open_on))
            key = settlement_key(statement.header.settlement_id, part.n, "entry", revision)
            planned.append(Planned(key, entry, part=part.n))
    return cut(planned, policy).documents


def _carries_part(one: Planned) -> bool:
    match one.document:
        case Deposit() | Expense():
            return True
        case Invoice(order_id=order_id) | JournalEntry(order_id=order_id):
            return not order_id
        case Payment():
            return INCOME_PAYMENT in one.key.split("/")
        case _:
            return False


def _is_one_version(carrying: Sequence[Planned]) -> bool:
    """Whether a part is carried by what was made of it at once: its entry, in however many pieces, and nothing beside."""
    names = [one.key.split("/")[-2:] for one in carrying]
    entries = all(isinstance(one.document, JournalEntry) for one in carrying)
    return (
        entries and len({revision for _, revision in names}) == 1 and not any("reversal" in kind for kind, _ in names)
    )


def _carried(documents: Iterable[Document]) -> dict[LineKey, int]:
    """Return what documents carry by line key, the accounts that money only passes through left out."""
    return _plus(
        *(carried_by(document) or {key: -amount for key, amount in effect(document).items()} for document in documents)
    )


def _plus(*some: Amounts) -> dict[LineKey, int]:
    """Return the sum by line key, without zeros and without the accounts that money only passes through."""
    total: dict[LineKey, int] = {}
    for amounts in some:
        for key, amount in amounts.items():
            if key not in PASSING:
                total[key] = total.get(key, 0) + amount
    return {key: amount for key, amount in total.items() if amount}


def _take_back(old: Planned, how: Mapping[Kind, How], closed_until: date | None, first_open_on: date | None) -> Planned:
    document = old.document
    if not isinstance(document, JournalEntry):
        raise PlanBroken(f"{old.key} is not an entry")
    on = _open_day(document.on, closed_until, first_open_on)
    if on == document.on:
        return _undo(old, how)
    head, kind, revision = old.key.rsplit("/", 2)
    key = f"{head}/{kind.replace('entry', 'reversal')}/{revision}"
    return Planned(key, reversal_of(document, on), depends_on=(old.key,), part=old.part)


def _open_day(on: date, closed_until: date | None, first_open_on: date | None) -> date:
    if closed_until is None or on > closed_until:
        return on
    if first_open_on is None or first_open_on <= closed_until:
        raise ValueError("the first open day must lie after the closed period")
    return first_open_on

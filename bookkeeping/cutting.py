"""Entries cut to what a ledger can hold: some need a clearing line in each, some take so many lines and no more.

Everything that makes entries passes them through here, once, as its last step.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bookkeeping.accounts import AccountKey, LineKey, account_key
from bookkeeping.check import check_documents
from bookkeeping.documents import EntryLine, JournalEntry
from bookkeeping.planned import Carrier, Planned
from bookkeeping.policy import Policy


@dataclass(frozen=True, slots=True)
class Cut:
    """``pieces`` has the keys of the documents that stand in a cut one's place, by its key and their line keys."""

    documents: tuple[Planned, ...]
    pieces: Mapping[str, Mapping[LineKey, str]]

    def carriers(self, carriers: Iterable[Carrier]) -> tuple[Carrier, ...]:
        """Return the carriers with the piece of a cut document that has their line."""
        return tuple(
            replace(one, document=self.pieces[one.document][one.key]) if one.document in self.pieces else one
            for one in carriers
        )


def cut(documents: Iterable[Planned], policy: Policy) -> Cut:
    """Return the documents as the policy wants them, each well formed. Raises PlanBroken."""
    found: list[Planned] = []
    pieces: dict[str, Mapping[LineKey, str]] = {}
    for planned in documents:
        cut_up = list(_pieces(planned, policy))
        found += cut_up
        if len(cut_up) > 1:
            pieces[planned.key] = {line.key: one.key for one in cut_up for line in _lines(one)}
    check_documents(found, policy)
    return Cut(tuple(found), pieces)


def _pieces(planned: Planned, policy: Policy) -> Iterator[Planned]:
    lines = _lines(planned)
    if lines and policy.entry_through_clearing and not any(_clears(line) for line in lines):
        yield _piece(planned, "a", [line for line in lines if line.credit])
        yield _piece(planned, "b", [line for line in lines if line.debit])
    elif policy.entry_lines and (most := policy.entry_lines - policy.spare_lines) < len(lines):
        others = [line for line in lines if not _clears(line)]
        size = most - 1  # and the clearing line
        for n, at in enumerate(range(0, len(others), size), start=1):
            yield _piece(planned, f".{n}" if n > 1 else "", others[at : at + size])
    else:
        yield planned


def _piece(planned: Planned, mark: str, lines: Sequence[EntryLine]) -> Planned:
    """Return a document of its own over some lines, balanced on CLEARING; the mark goes behind number and kind of key."""
    entry = planned.document
    assert isinstance(entry, JournalEntry)
    net = sum(line.credit - line.debit for line in lines)
    clearing = [EntryLine(AccountKey.CLEARING, max(net, 0), max(-net, 0))] if net else []
    head, _, revision = planned.key.rpartition("/")
    document = replace(
        entry, number=f"{entry.number}{mark}", lines=tuple(sorted([*clearing, *lines], key=_debits_first))
    )
    return replace(planned, key=f"{head}{mark}/{revision}", document=document)


def _lines(planned: Planned) -> tuple[EntryLine, ...]:
    return planned.document.lines if isinstance(planned.document, JournalEntry) else ()


def _clears(line: EntryLine) -> bool:
    return account_key(line.key) is AccountKey.CLEARING


def _debits_first(line: EntryLine) -> bool:
    return not line.debit

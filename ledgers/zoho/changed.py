"""What changed in an organization since a moment, and what it has now of documents we name.

Every call counts against the organization's day, so lists of 200 are read and single documents only where a list cannot
tell. Zoho never says what was deleted, and lists neither payments nor bank transactions by the time of their change: every
kind is incomplete, and what we have in the books is read with ``kept`` as well. A row of a list states date, total, party
and currency; lines are compared of what was changed after it was made.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from bookkeeping.documents import Kind
from ledgers.port import Changes, Kept, NotSent
from ledgers.zoho import answers, wire
from ledgers.zoho.remote import READ_AGAIN_S, Declined, Remote, Row
from ledgers.zoho.translate import RESOURCES

_LISTED_BY_CHANGE: Final = (Kind.INVOICE, Kind.ENTRY)
_OF_OURS: Final = {"reference_number_startswith": "AMZ-"}
_IDS: Final = 200  # journal_ids of one list
_MADE: Final = timedelta(minutes=10)  # what we write is as it stays by then
_PAGES: Final = 25
_PER_PAGE_OF_OURS: Final = 50  # how many of 200 invoices in a list are taken to be ours


def changes(remote: Remote, kinds: Collection[Kind], since: datetime) -> Changes:
    """Return what changed. Raises NotSent, AuthorizationLost."""
    found: list[Kept] = []
    for kind in _LISTED_BY_CHANGE:
        if kind in kinds:
            query = {"last_modified_time": wire.written_instant(since)}
            for row in _list(remote, kind, query, _PAGES):
                at = wire.instant(row.get("last_modified_time"))
                if at is not None and at < since:
                    continue  # the filter was not understood
                whole = row if _as_made(row) else _one(remote, kind, answers.id_of(kind, row))
                found.append(_kept(kind, whole) if whole else Kept(kind, answers.id_of(kind, row), live=False))
    return Changes(tuple(found), incomplete=frozenset(kinds))


def kept(remote: Remote, kind: Kind, external_ids: Sequence[str]) -> list[Kept]:
    """Return these documents as they are now, the gone ones too. Raises NotSent, AuthorizationLost."""
    ids = list(dict.fromkeys(external_ids))
    there: dict[str, Row] = {}
    if len(ids) > 1:
        there = {answers.id_of(kind, row): row for row in _listed(remote, kind, ids)}
    found: list[Kept] = []
    for external_id in ids:
        row = there.get(external_id) or _one(remote, kind, external_id)
        found.append(_kept(kind, row) if row else Kept(kind, external_id, live=False))
    return found


def _listed(remote: Remote, kind: Kind, ids: Sequence[str]) -> Iterable[Row]:
    """Yield the documents that lists have of these; what is missing may be gone, or in a list that was not read."""
    if kind is Kind.ENTRY:
        for start in range(0, len(ids), _IDS):
            yield from _list(remote, kind, {"journal_ids": ",".join(ids[start : start + _IDS])}, 1)
    elif kind is Kind.INVOICE:
        newest = {"sort_column": "created_time", "sort_order": "D"}
        yield from _list(remote, kind, newest, 1 + len(ids) // _PER_PAGE_OF_OURS)
    else:
        yield from _list(remote, kind, _OF_OURS, _PAGES)


def _list(remote: Remote, kind: Kind, query: dict[str, str], most: int) -> list[Row]:
    resource = RESOURCES[kind]
    try:
        rows, _ = remote.pages(resource.path, resource.many, query, most=most)
    except Declined as error:
        raise NotSent(str(error), READ_AGAIN_S) from error
    return rows


def _one(remote: Remote, kind: Kind, external_id: str) -> Row | None:
    resource = RESOURCES[kind]
    try:
        return remote.one(resource.path, resource.one, external_id)
    except Declined as error:
        raise NotSent(str(error), READ_AGAIN_S) from error


def _as_made(row: Row) -> bool:
    """Tell whether nobody touched a document after it was written; not where the list does not say when it was made."""
    made, changed = wire.instant(row.get("created_time")), wire.instant(row.get("last_modified_time"))
    return made is not None and changed is not None and changed - made < _MADE


def _kept(kind: Kind, row: Row) -> Kept:
    return Kept(kind, answers.id_of(kind, row), not answers.is_void(row), answers.version_of(row), row)

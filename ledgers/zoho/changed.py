"""What changed in an organization since a moment, and what it has now of documents we name.

Every call counts against the organization's day, so lists of 200 are read and single documents only where a list cannot
tell. Zoho never says what was deleted, and lists neither payments nor bank transactions by the time of their change: every
kind is incomplete, and what we have in the books is read with ``kept`` as well. A row of a list states date, total, party
and currency; lines are compared of the first twenty that were changed after they were made.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bookkeeping.documents import Kind
from ledgers.port import Changes, Kept, NotSent
from ledgers.zoho import answers, wire
from ledgers.zoho.remote import READ_AGAIN_S, Declined, Remote, Row
from ledgers.zoho.translate import RESOURCES

_LISTED_BY_CHANGE: Final = (Kind.INVOICE, Kind.ENTRY)
_OF_OURS: Final = {"reference_number_startswith": "AMZ-"}
# Bank transactions have no filter that would tell ours: the newest are listed, an older one is read by itself.
_NEWEST: Final = {"sort_column": "date", "sort_order": "D"}
_NEWEST_PAGES: Final = 5
_IDS: Final = 200  # journal_ids of one list
_MADE: Final = timedelta(minutes=10)  # what we write is as it stays by then
_PAGES: Final = 25
_DETAILS: Final = 20  # read whole in one look at what changed


def changes(remote: Remote, kinds: Collection[Kind], since: datetime) -> Changes:
    """Return what changed. Raises NotSent, AuthorizationLost."""
    found: list[Kept] = []
    for kind in _LISTED_BY_CHANGE:
        if kind in kinds:
            rows = _list(remote, kind, {"last_modified_time": wire.written_instant(since)}, _PAGES)
            found += _changed(remote, kind, [row for row in rows if not _before(row, since)])
    return Changes(tuple(found), incomplete=frozenset(kinds))


def _changed(remote: Remote, kind: Kind, rows: Sequence[Row]) -> Iterable[Kept]:
    """Yield changed documents, some of them whole. Paid invoices come last: our own payments changed most of them."""
    touched = sorted((row for row in rows if not _as_made(row)), key=lambda row: answers.status_of(row) == "paid")
    whole = {answers.id_of(kind, row) for row in touched[:_DETAILS]}
    for row in rows:
        external_id = answers.id_of(kind, row)
        detail = _one(remote, kind, external_id) if external_id in whole else row
        yield _kept(kind, detail) if detail else Kept(kind, external_id, live=False)


def _before(row: Row, since: datetime) -> bool:
    """Tell whether a row is one of those that a filter leaves in which was not understood."""
    at = wire.instant(row.get("last_modified_time"))
    return at is not None and at < since


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
        yield from _invoices(remote, ids)
    elif kind is Kind.REVALUATION:
        yield from _list(remote, kind, {}, _PAGES)
    else:
        transfers = kind is Kind.TRANSFER
        yield from _list(remote, kind, *((_NEWEST, _NEWEST_PAGES) if transfers else (_OF_OURS, _PAGES)))


def _invoices(remote: Remote, ids: Sequence[str]) -> Iterable[Row]:
    """Yield the invoices made from the day of the first of these to that of the last: ids grow with time."""
    ordered = sorted(ids, key=lambda each: (len(each), each))
    ends = [row for row in (_one(remote, Kind.INVOICE, each) for each in (ordered[0], ordered[-1])) if row]
    yield from ends
    days = sorted(wire.text(row.get("created_time"))[:10] for row in ends)
    if len(days) == 2 and all(days):
        query = {"created_date_start": days[0], "created_date_end": days[1], "sort_column": "created_time"}
        yield from _list(remote, Kind.INVOICE, query, _PAGES)


def _list(remote: Remote, kind: Kind, query: Mapping[str, str], most: int) -> list[Row]:
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

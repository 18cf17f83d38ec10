"""What changed in a company since a moment, and what it has now of documents we name.

FreshBooks lists what was changed, but not what was deleted, and journal entries say neither: so every kind is
incomplete, and our own documents are read by their ids.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bookkeeping.documents import Kind
from ledgers.freshbooks import answers, wire
from ledgers.freshbooks.accounts import is_deleted
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.journal import Journal
from ledgers.freshbooks.lookups import LINES
from ledgers.freshbooks.remote import READ_AGAIN_S, Pairs, Remote, RemoteRefused
from ledgers.freshbooks.translate import DELETABLE, RESOURCES, REVERSIBLE, address
from ledgers.freshbooks.wire import Row
from ledgers.port import Changes, Kept, NotSent

_OVERLAP: Final = timedelta(days=1)  # the filter takes dates, and hours of them are in another zone
_ONE_BY_ONE: Final = 3  # more are asked for together
_SEVERAL: Final = "search[invoiceids][]"
READABLE: Final = frozenset((*DELETABLE, *REVERSIBLE))


def changes(remote: Remote, company: Company, kinds: Collection[Kind], since: datetime) -> Changes:
    """Return what changed at ``since`` or later. Raises NotSent, AuthorizationLost."""
    documents: list[Kept] = []
    after = wire.eastern_day(since) - _OVERLAP
    for kind in sorted(set(kinds) & set(DELETABLE)):
        query = [("search[updated_min]", after.isoformat()), *_includes(kind)]
        rows = _asked(remote, address(kind, company), kind, query)
        documents += [_kept(kind, row) for row in rows if _changed(row, since)]
    return Changes(tuple(documents), incomplete=frozenset(kinds))


def kept(remote: Remote, company: Company, kind: Kind, external_ids: Sequence[str]) -> list[Kept]:
    """Return these documents as they are now, the gone ones too. Raises NotSent, AuthorizationLost."""
    ids = list(dict.fromkeys(external_ids))
    try:
        if kind in REVERSIBLE:
            there = Journal(remote, company.plan.account_id).numbered(ids)
        else:
            there = dict(_documents(remote, company, kind, ids))
    except RemoteRefused as error:
        raise NotSent(error.refused.text, READ_AGAIN_S) from error
    return [_kept(kind, there[each], each) if each in there else Kept(kind, each, live=False) for each in ids]


def _documents(remote: Remote, company: Company, kind: Kind, ids: Sequence[str]) -> Iterator[tuple[str, Row]]:
    """Yield documents by id. Many are asked for together; should FreshBooks ignore the filter, it answers all there are,
    and no second list is needed. What no list has was deleted, which only its own address says."""
    path, missing = address(kind, company), set(ids)
    for query, most in _lists(remote, path, kind, ids):
        rows = remote.pages(path, RESOURCES[kind].plural, [*query, *_includes(kind)])
        for row in rows:
            if (external_id := str(row.get("id"))) in missing:
                missing.discard(external_id)
                yield external_id, row
        if len(rows) > most:
            break
    for each in sorted(missing):
        if found := remote.get(f"{path}/{each}", RESOURCES[kind].name, _includes(kind)):
            yield each, found


def _lists(remote: Remote, path: str, kind: Kind, ids: Sequence[str]) -> Iterator[tuple[Pairs, int]]:
    """Yield the lists that spare asking for each of many documents by itself: query, and the most rows it should answer.
    Only invoices can be asked for by several ids; other lists are read whole where that takes fewer requests."""
    if len(ids) <= _ONE_BY_ONE:
        return
    if kind is Kind.INVOICE:
        for start in range(0, len(ids), wire.PAGE):
            piece = ids[start : start + wire.PAGE]
            yield [(_SEVERAL, each) for each in piece], len(piece)
    elif (total := remote.total(path)) <= (len(ids) - 1) * wire.PAGE:
        yield (), total


def _asked(remote: Remote, path: str, kind: Kind, query: Pairs) -> list[Row]:
    try:
        return remote.pages(path, RESOURCES[kind].plural, query)
    except RemoteRefused:
        return []  # the kind is incomplete anyway


def _includes(kind: Kind) -> Pairs:
    return LINES if kind is Kind.INVOICE else ()


def _changed(row: Row, since: datetime) -> bool:
    at = wire.instant(row.get("updated"))
    return at is None or at >= since


def _kept(kind: Kind, row: Row, external_id: str = "") -> Kept:
    gone = kind in DELETABLE and is_deleted(row)
    content: dict[str, Any] = {} if gone else dict(row)
    version = "" if kind in REVERSIBLE else str(row.get("version") or row.get("updated") or "")
    return Kept(kind, external_id or answers.external_id(kind, row), not gone, version, content)

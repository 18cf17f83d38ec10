"""What changed in a company since a moment, and what it has now of documents we name. Every read is metered.

Source: developer.intuit.com, "Change data capture": at most 30 days back, at most 1000 objects in one answer, no pages,
deleted objects as stubs after the live ones; a void is an update like any other.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from bookkeeping.documents import Kind
from ledgers.port import Changes, Kept, NotSent, Refused
from ledgers.quickbooks import answers, wire
from ledgers.quickbooks.remote import READ_AGAIN_S, ReadRefused, Remote, Row
from ledgers.quickbooks.translate import ENTITIES

LOOK_BACK: Final = timedelta(days=30) - timedelta(hours=1)  # our clock may be behind theirs
FULL: Final = 950  # of 1000: an answer with this many may be cut
IDS: Final = 100  # in one statement
STATEMENTS: Final = 10  # in one batch, which answers at most 1000 objects in all


def changes(remote: Remote, kinds: Collection[Kind], since: datetime, now: datetime) -> Changes:
    """Return what changed, in one call; kind by kind where that answer was cut. Raises NotSent, AuthorizationLost."""
    asked = frozenset(kinds)
    if now - since > LOOK_BACK:
        return Changes((), incomplete=asked)
    try:
        found, until = _ask(remote, asked, since)
        if len(found) < FULL:
            return Changes(tuple(found), until=until)
        if len(asked) == 1:
            return Changes(tuple(found), incomplete=asked, until=until)
        each = [changes(remote, [kind], since, now) for kind in sorted(asked)]
    except ReadRefused:
        return Changes((), incomplete=asked)
    return Changes(
        documents=tuple(kept for one in each for kept in one.documents),
        incomplete=frozenset(kind for one in each for kind in one.incomplete),
        until=until,
    )


def kept(remote: Remote, kind: Kind, external_ids: Sequence[str]) -> list[Kept]:
    """Return these documents as they are now, the gone ones too. Raises NotSent, AuthorizationLost."""
    entity, ids = ENTITIES[kind], list(dict.fromkeys(external_ids))
    statements = [
        f"{wire.select(entity, ('Id', 'IN', ids[start : start + IDS]))} MAXRESULTS {IDS}"
        for start in range(0, len(ids), IDS)
    ]
    there: dict[str, Kept] = {}
    for start in range(0, len(statements), STATEMENTS):
        for rows in _queries(remote, statements[start : start + STATEMENTS]):
            there |= {each.external_id: each for each in (_kept(kind, row) for row in rows)}
    return [there.get(external_id) or Kept(kind, external_id, live=False) for external_id in ids]


def _queries(remote: Remote, statements: Sequence[str]) -> Iterable[list[Row]]:
    try:
        found = remote.queries(statements)
    except ReadRefused as error:
        raise NotSent(error.refused.text, READ_AGAIN_S) from error
    for rows in found:
        if isinstance(rows, Refused):
            raise NotSent(rows.text, READ_AGAIN_S)
        yield rows


def _ask(remote: Remote, kinds: Collection[Kind], since: datetime) -> tuple[list[Kept], datetime | None]:
    by_entity = {ENTITIES[kind]: kind for kind in sorted(kinds) if kind in ENTITIES}
    answer = remote.changed(list(by_entity), since)
    found = [
        _kept(by_entity[entity], row)
        for part in answer["QueryResponse"]
        for entity, rows in part.items()
        if entity in by_entity and isinstance(rows, list)
        for row in rows
    ]
    return found, _instant(answer.get("time"))


def _kept(kind: Kind, row: Row) -> Kept:
    if row.get("status") == "Deleted":
        return Kept(kind, str(row["Id"]), live=False)
    content: Mapping[str, Any] = row
    return Kept(kind, str(row["Id"]), not answers.is_void(row), str(row.get("SyncToken", "")), content)


def _instant(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None

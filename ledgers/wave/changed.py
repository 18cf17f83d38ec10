"""What changed in a business since a moment, and what it has now of documents we name. Every read is metered.

Invoices can be asked for by when they were changed, payments only through their invoice, and nothing says what was
deleted. Money transactions cannot be read at all.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from bookkeeping.documents import Kind
from ledgers.port import Changes, Kept, NotSent
from ledgers.wave import operations, wire
from ledgers.wave.lookups import Lookups
from ledgers.wave.remote import READ_AGAIN_S, ReadRefused, Remote, Row
from ledgers.wave.wire import text_of

SINGLY: Final = 20  # invoices read one by one; beyond, the whole list is walked
INVOICES: Final = 100  # changed invoices whose payments are read one by one in one step


WALK_S: Final = 900.0  # a list serves that long


def changes(remote: Remote, lookups: Lookups, kinds: Collection[Kind], since: datetime) -> Changes:
    """Return what changed. Raises NotSent, AuthorizationLost.

    Deleted invoices are never among it, so invoices are always incomplete.
    """
    asked = frozenset(kinds) & {Kind.INVOICE, Kind.PAYMENT}
    if not asked:
        return Changes((), incomplete=frozenset(kinds))
    after = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    try:
        rows = remote.pages(operations.INVOICES, "invoices", modifiedAtAfter=after)
        found = [_kept(Kind.INVOICE, row) for row in rows] if Kind.INVOICE in asked else []
        if Kind.PAYMENT not in asked:
            return Changes(tuple(found), incomplete=frozenset(kinds))
        # Of other people's invoices no payment is ours.
        ours = sorted((row for row in rows if wire.markers(row.get("memo"))), key=_changed_at)
        until = _enough(ours, since)
        taken = [text_of(row, "id") for row in ours if until is None or (_instant(_changed_at(row)) or since) <= until]
        found += [_kept(Kind.PAYMENT, row) for invoice_id in taken for row in lookups.payments(invoice_id)]
    except ReadRefused:
        return Changes((), incomplete=frozenset(kinds))
    incomplete = frozenset(kinds) - {Kind.PAYMENT}
    more = len(taken) < len(ours)
    return Changes(tuple(found), incomplete=incomplete, until=until if more else None, paid=frozenset(taken), more=more)


def _enough(ours: Sequence[Row], since: datetime) -> datetime | None:
    """Return the instant up to which changed invoices are taken, None for all: always one after ``since``, or nobody would come
    further. ``ours`` are in the order of their changes."""
    later = [at for row in ours if (at := _instant(_changed_at(row))) and at > since]
    return later[INVOICES - 1] if len(later) > INVOICES else None


def _changed_at(row: Row) -> str:
    return text_of(row, "modifiedAt")


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


class Walk:
    """The whole list of invoices, read once for all pieces of a look at what is left of them."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self._rows: dict[str, Row] = {}
        self._until = 0.0

    def invoices(self) -> Mapping[str, Row]:
        """Return every invoice by its id. Raises NotSent, AuthorizationLost, ReadRefused."""
        if time.monotonic() >= self._until:
            self._rows = {text_of(row, "id"): row for row in self._remote.pages(operations.INVOICES, "invoices")}
            self._until = time.monotonic() + WALK_S
        return self._rows


def kept(lookups: Lookups, walk: Walk, kind: Kind, external_ids: Sequence[str]) -> list[Kept]:
    """Return these invoices or payments as they are now, the gone ones too. Raises NotSent, AuthorizationLost."""
    ids = list(dict.fromkeys(external_ids))
    there: Mapping[str, Row] = {}
    try:
        if kind is Kind.INVOICE and len(ids) > SINGLY:
            there = walk.invoices()
        # Pages are no snapshot: while one invoice is deleted, another may slip to a page that was read already.
        found = {external_id: there.get(external_id) or lookups.document(kind, external_id) for external_id in ids}
    except ReadRefused as error:
        raise NotSent(error.refused.text, READ_AGAIN_S) from error
    return [
        Kept(kind, external_id, live=False) if row is None else _kept(kind, row) for external_id, row in found.items()
    ]


def _kept(kind: Kind, row: Row) -> Kept:
    content: Mapping[str, Any] = {name: value for name, value in row.items() if name != "payments"}
    return Kept(kind, text_of(row, "id"), live=True, version=_changed_at(row), content=content)

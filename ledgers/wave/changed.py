"""What changed in a business since a moment, and what it has now of documents we name. Every read is metered.

Invoices can be asked for by when they were changed, payments only through their invoice, and nothing says what was
deleted. Money transactions cannot be read at all.
"""

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
INVOICES: Final = 100  # changed invoices whose payments are read one by one; the others have their turn the next time


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
        taken = [text_of(row, "id") for row in ours[:INVOICES]]
        found += [_kept(Kind.PAYMENT, row) for invoice_id in taken for row in lookups.payments(invoice_id)]
    except ReadRefused:
        return Changes((), incomplete=frozenset(kinds))
    until = _instant(_changed_at(ours[INVOICES - 1])) if len(ours) > INVOICES else None
    incomplete = frozenset(kinds) - {Kind.PAYMENT}
    return Changes(tuple(found), incomplete=incomplete, until=until, paid=frozenset(taken))


def _changed_at(row: Row) -> str:
    return text_of(row, "modifiedAt")


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def kept(remote: Remote, lookups: Lookups, kind: Kind, external_ids: Sequence[str]) -> list[Kept]:
    """Return these invoices or payments as they are now, the gone ones too. Raises NotSent, AuthorizationLost."""
    ids = list(dict.fromkeys(external_ids))
    there: dict[str, Row] = {}
    try:
        if kind is Kind.INVOICE and len(ids) > SINGLY:
            there |= {text_of(row, "id"): row for row in remote.pages(operations.INVOICES, "invoices")}
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

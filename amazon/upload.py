"""A settlement file from a person's hand takes the same way as one from Amazon; no access to Amazon is needed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from amazon.flat_errors import BadSettlementFile
from amazon.load import Fate, accept, analyse, refuse
from amazon.models import Report, Settlement
from amazon.overlaps import doubt
from amazon.reports import discard, drop_bytes, store
from amazon.unpack import plain
from kit.clock import now
from kit.scope import scope
from tenants.models import Access, Connection

ABANDONED_AFTER: Final = timedelta(hours=6)


class WhichSeller(Exception):
    """The file does not name its seller and the choice is open, or wrong: a person must choose an account."""


@dataclass(frozen=True, slots=True)
class Imported:
    """``fate`` says whether the settlement is new, was here with these rows, or came with other rows and waits.

    ``doubt`` says why it may be another seller's, "" where nothing speaks for that.
    """

    settlement: Settlement
    report: Report
    fate: Fate
    doubt: str = ""

    @property
    def message(self) -> str:
        """What happened, for the person who uploaded the file."""
        name = f"Settlement {self.settlement.settlement_id}"
        told = {
            Fate.NEW: f"{name} was read: {self.settlement.row_count} rows that add up to its total.",
            Fate.SAME: f"{name} is already here with exactly these rows. Nothing was changed.",
            Fate.REVISION: f"{name} is already here with other rows. The first version counts until you decide.",
        }[self.fate]
        return f"{told} {self.doubt} Nothing more of it is posted until you say so." if self.doubt else told


def import_file(
    tenant_id: int, chunks: Iterable[bytes], name: str, actor: str, *, connection_id: int | None = None
) -> Imported:
    """Bring in one settlement file, plain or gzip, V2 or the older layout.

    The seller is that of ``connection_id``, else the tenant's only Amazon account, else unknown (none is connected).

    Raises:
        BadSettlementFile: the file is kept as refused, with what is wrong, where, and what to do; nothing of it counts.
        WhichSeller: nothing was stored.
    """
    with scope(tenant_id):
        connection = _seller(connection_id)
        _remove_abandoned()
        facts: dict[str, Any] = {
            "tenant_id": tenant_id,
            "connection": connection,
            "seller_id": connection.remote_id if connection else "",
            "origin": Report.Origin.UPLOAD,
            "name": name[:255],
            "actor": actor,
        }
        try:
            report = store(plain(chunks), **facts)
        except BadSettlementFile as error:
            refuse(Report.objects.create(created_at=now(), **facts), error)
            raise
        try:
            found = analyse(report)
        except BadSettlementFile as error:
            refuse(report, error)
            drop_bytes(report)  # it may be anything, and the person still has it
            raise
        loaded = accept(report, found)
        return Imported(loaded.settlement, report, loaded.fate, doubt(loaded.settlement))


def _seller(connection_id: int | None) -> Connection | None:
    accounts = Connection.objects.filter(provider="amazon").exclude(state=Access.REVOKED)
    if connection_id is not None:
        chosen = accounts.filter(pk=connection_id).first()
        if chosen is None:
            raise WhichSeller("That is no connected Amazon account: choose the one this file belongs to.")
        return chosen
    found = list(accounts[:2])
    if len(found) > 1:
        raise WhichSeller("Several Amazon accounts are connected: choose the one this file belongs to.")
    return found[0] if found else None


def _remove_abandoned() -> None:
    """Remove what a kill left half uploaded."""
    half = Report.objects.filter(
        origin=Report.Origin.UPLOAD, state=Report.State.LOADING, created_at__lt=now() - ABANDONED_AFTER
    )
    for report in half:
        discard(report)

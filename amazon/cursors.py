"""How far we have read, and who reads now.

One reader per cursor: a lease with a fence. Whoever lost the lease cannot move the cursor, nor commit what would go
with the move.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, Q

from amazon.client import ServerTrouble, Throttled, WaitFor
from amazon.models import Cursor, Resource
from audit.trail import record
from kit.clock import now
from kit.scope import unscoped
from tenants.models import Connection

LEASE: Final = timedelta(minutes=5)  # renewed with every page and chunk; longer than any single call or parse
BACK_OFF_CAP_S: Final = 900.0
BUSY_S: Final = 5.0


class Busy(WaitFor):
    """Another worker is reading; what it brings will be there in a moment."""


class LeaseLost(WaitFor):
    """Another reader took over; what this one was about to store is stored by the other."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(f"another reader has taken over {cursor}", LEASE.total_seconds())


class Claim:
    """The right to read and move one cursor."""

    def __init__(self, cursor: Cursor) -> None:
        self.cursor = cursor

    def alive(self) -> None:
        """Renew the lease once half of it is gone."""
        until = self.cursor.claimed_until
        if until is None or until - now() < LEASE / 2:
            self._update(claimed_until=now() + LEASE)

    def move(
        self, *, watermark: datetime | None = None, walk: dict[str, Any] | None = None, quietly: bool = False
    ) -> None:
        """Move the cursor; call it last in the transaction that stores what it passes.

        ``quietly`` leaves no event: nothing was there to be passed.
        """
        changes: dict[str, Any] = {}
        if watermark is not None and (self.cursor.watermark is None or watermark > self.cursor.watermark):
            changes["watermark"] = watermark
        if walk is not None:
            changes["walk"] = walk
        earlier = self.cursor.watermark
        self._update(**changes)
        if "watermark" in changes and not quietly:
            record(
                "cursor.moved",
                f"connection:{self.cursor.connection_id}",
                tenant_id=self.cursor.tenant_id,
                resource=self.cursor.resource,
                earlier=earlier,
                watermark=watermark,
            )

    def _update(self, **changes: Any) -> None:
        mine = Cursor.objects.filter(pk=self.cursor.pk, fence=self.cursor.fence)
        if not mine.update(fence=F("fence"), **changes):
            raise LeaseLost(self.cursor)
        for name, value in changes.items():
            setattr(self.cursor, name, value)


def cursor_for(connection: Connection, resource: Resource) -> Cursor:
    cursor, _ = Cursor.objects.get_or_create(tenant_id=connection.tenant_id, connection=connection, resource=resource)
    return cursor


@contextmanager
def claimed(connection: Connection, resource: Resource) -> Iterator[Claim]:
    """Hold the cursor while the block reads.

    A block that ends well clears ``due_at`` (unless a notice came meanwhile) and the count of failures. A ``WaitFor``
    sets ``due_at`` to when it is worth looking again, doubling for trouble, and goes on to the caller. Raises Busy
    when another reader is at work.
    """
    claim = Claim(_claim(cursor_for(connection, resource)))
    started_at, mine = now(), Cursor.objects.filter(pk=claim.cursor.pk, fence=claim.cursor.fence)
    try:
        yield claim
    except WaitFor as wait:
        trouble = isinstance(wait, Throttled | ServerTrouble)
        failures = claim.cursor.failures + 1 if trouble else claim.cursor.failures
        doubled = wait.seconds * 2 ** min(failures - 1, 10) if trouble else wait.seconds
        wait.seconds = max(wait.seconds, min(doubled, BACK_OFF_CAP_S))
        mine.update(failures=failures, due_at=now() + timedelta(seconds=wait.seconds), claimed_until=None)
        raise
    except BaseException:
        mine.update(claimed_until=None)
        raise
    mine.filter(due_at__lte=started_at).update(due_at=None)
    mine.update(failures=0, claimed_until=None)


def _claim(cursor: Cursor) -> Cursor:
    moment = now()
    free = Q(claimed_until=None) | Q(claimed_until__lte=moment)
    taken = Cursor.objects.filter(free, pk=cursor.pk).update(claimed_until=moment + LEASE, fence=F("fence") + 1)
    cursor.refresh_from_db()
    if not taken:
        # A reader is done long before its lease ends; asking again costs nothing at Amazon.
        left = (cursor.claimed_until or moment) - moment
        raise Busy("another worker is reading this", max(1.0, min(BUSY_S, left.total_seconds())))
    return cursor


def look_again(
    connection: Connection, resource: Resource, at: datetime | None = None, back_to: datetime | None = None
) -> None:
    """Ask for a read ahead of the cadence, now or at ``at``; never puts an earlier wish off.

    ``back_to`` also takes the watermark back, to read again what a person asks for.
    """
    wish = at or now()
    cursor = Cursor.objects.filter(pk=cursor_for(connection, resource).pk)
    cursor.filter(Q(due_at=None) | Q(due_at__gt=wish)).update(due_at=wish)
    if back_to is not None:
        cursor.filter(watermark__gt=back_to).update(watermark=back_to)


def end_leases() -> int:
    """Free every cursor. Only for a process that has proved that no earlier one lives, as a file lock does."""
    with unscoped("leases of every tenant end with the process that held them"):
        return Cursor.objects.filter(claimed_until__isnull=False).update(claimed_until=None, fence=F("fence") + 1)

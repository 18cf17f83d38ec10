"""One lane, one writer: the lease of a remote company, with a fence that a later owner raises."""

import os
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q

from flows.models import Lane
from kit import clock

LEASE_MARGIN_S = 30  # an owner sends nothing unless its lease outlives the call's deadline


@dataclass(frozen=True, slots=True)
class Lease:
    remote_key: str
    fence: int


class LeaseLost(Exception):
    """Somebody else owns the lane now; what we learn may be recorded, but we change no state."""


def claim(remote_key: str, lease_s: float) -> Lease | None:
    """Take the lane if nobody holds it and it is not paused; raises its fence."""
    now = clock.now()
    Lane.objects.get_or_create(remote_key=remote_key)
    claimed = (
        Lane.objects.filter(_idle(now), remote_key=remote_key)
        .exclude(paused_until__gt=now)
        .update(
            fence=F("fence") + 1,
            owner=f"{os.getpid()}:{threading.get_ident()}",
            claimed_until=now + timedelta(seconds=lease_s),
            served_at=now,
        )
    )
    if not claimed:
        return None
    return Lease(remote_key, Lane.objects.values_list("fence", flat=True).get(remote_key=remote_key))


def renew(lease: Lease, lease_s: float) -> None:
    """Make the lease last ``lease_s`` from now. Raises LeaseLost where it ran out or was taken over."""
    now = clock.now()
    if not Lane.objects.filter(remote_key=lease.remote_key, fence=lease.fence, claimed_until__gt=now).update(
        claimed_until=now + timedelta(seconds=lease_s)
    ):
        raise LeaseLost(lease.remote_key)


def owns(lease: Lease) -> bool:
    """Inside a transaction: lock the lane row and say whether its fence is still ours."""
    return Lane.objects.select_for_update().filter(remote_key=lease.remote_key, fence=lease.fence).exists()


def release(lease: Lease) -> None:
    Lane.objects.filter(remote_key=lease.remote_key, fence=lease.fence).update(claimed_until=None, owner="")


def pause(lease: Lease, until: datetime, reason: str) -> None:
    """Let nobody write to the company before ``until``: it asked for a rest, or does not answer."""
    Lane.objects.filter(remote_key=lease.remote_key, fence=lease.fence).update(
        paused_until=until, pause_reason=reason[:200], failures=F("failures") + 1
    )


def healthy(lease: Lease) -> None:
    Lane.objects.filter(remote_key=lease.remote_key, fence=lease.fence, failures__gt=0).update(
        failures=0, paused_until=None, pause_reason=""
    )


def free_all() -> None:
    """End every lease. Only for the embedded server, whose file lock proves earlier owners dead."""
    Lane.objects.filter(claimed_until__isnull=False).update(claimed_until=None, owner="")


def _idle(now: datetime) -> Q:
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)


def failures(lease: Lease) -> int:
    return Lane.objects.values_list("failures", flat=True).get(remote_key=lease.remote_key)

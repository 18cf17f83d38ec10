"""One lane, one writer: the lease of a remote company, with a fence that a later owner raises, and whose turn it is."""

import os
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Min, Q, QuerySet

from bookkeeping.documents import Kind
from flows.models import Delivery, Flow, Lane
from kit import clock
from kit.scope import unscoped
from tenants.models import Access, Connection

LEASE_MARGIN_S = 30  # an owner sends nothing unless its lease outlives the call's deadline by this
State = Delivery.State


@dataclass(frozen=True, slots=True)
class Lease:
    remote_key: str
    fence: int
    ailing: bool = False  # calls had failed when it was claimed


class LeaseLost(Exception):
    """Somebody else owns the lane now; what we learn may be recorded, but we change no state."""


def claim(remote_key: str, lease_s: float) -> Lease | None:
    """Take the lane if nobody holds it and it does not rest; raises its fence."""
    now = clock.now()
    Lane.objects.get_or_create(remote_key=remote_key)
    claimed = (
        Lane.objects.filter(_idle(now), remote_key=remote_key)
        .exclude(paused_until__gt=now)
        .update(
            fence=F("fence") + 1,
            owner=f"{os.getpid()}:{threading.get_ident()}",
            claimed_until=now + timedelta(seconds=lease_s),
        )
    )
    if not claimed:
        return None
    fence, failed = Lane.objects.values_list("fence", "failures").get(remote_key=remote_key)
    return Lease(remote_key, fence, ailing=failed > 0)


def renew(lease: Lease, lease_s: float) -> None:
    """Make the lease last ``lease_s`` from now, for a call: a turn that came to none is none. Raises LeaseLost where it ran out or
    was taken over."""
    now = clock.now()
    if not Lane.objects.filter(remote_key=lease.remote_key, fence=lease.fence, claimed_until__gt=now).update(
        claimed_until=now + timedelta(seconds=lease_s), served_at=now
    ):
        raise LeaseLost(lease.remote_key)


def owns(lease: Lease) -> bool:
    """Inside a transaction: lock the lane row and say whether its fence is still ours."""
    return Lane.objects.select_for_update().filter(remote_key=lease.remote_key, fence=lease.fence).exists()


def lock(remote_key: str) -> None:
    """Inside a transaction: let nobody else decide anything about the company until it ends."""
    Lane.objects.get_or_create(remote_key=remote_key)
    Lane.objects.select_for_update().get(remote_key=remote_key)


def release(lease: Lease) -> None:
    Lane.objects.filter(remote_key=lease.remote_key, fence=lease.fence).update(claimed_until=None, owner="")


def rest(lease: Lease, wait_s: float, reason: str) -> None:
    """Let nobody write to the company for a while, though nothing is wrong: its rate limit says so."""
    _own(lease).update(paused_until=clock.now() + timedelta(seconds=wait_s), pause_reason=reason[:200])


def fail(lease: Lease, wait_s: float, reason: str) -> int:
    """Let nobody write to the company for a while: it asked for a rest, or does not answer. Returns how often in a row."""
    rest(lease, wait_s, reason)
    _own(lease).update(failures=F("failures") + 1)
    return failures(lease)


def healthy(lease: Lease) -> bool:
    """Forget earlier failures: the company has answered. True where there were some."""
    ailed = lease.ailing and _own(lease).filter(failures__gt=0)
    return bool(ailed and ailed.update(failures=0, paused_until=None, pause_reason=""))


def failures(lease: Lease) -> int:
    """Return how often in a row the company could not be reached."""
    return Lane.objects.values_list("failures", flat=True).get(remote_key=lease.remote_key)


def free_all() -> None:
    """End every lease. Only for the embedded server, whose file lock proves earlier owners dead."""
    Lane.objects.filter(claimed_until__isnull=False).update(claimed_until=None, owner="")


# Whose turn it is -----------------------------------------------------------------------------------------------------


def due() -> QuerySet[Delivery]:
    """Return what may be worked on now, in every company.

    What goes to a company that has to be connected again waits as it is and goes on by itself. A paused flow sends
    nothing but what a person takes back; what it has sent already is still looked up.
    """
    now = clock.now()
    working = [State.READY, State.FAILED, State.UNCERTAIN, State.SENDING]
    with unscoped("a lane serves every tenant of its company"):
        rows = Delivery.objects.filter(live=True, state__in=working, flow__target__state=Access.ACTIVE)
    rows = rows.exclude(flow__target__rests_until__gt=now)
    paused = Q(flow__state=Flow.State.PAUSED, plan__isnull=False, state__in=[State.READY, State.FAILED])
    rows = rows.exclude(paused & ~Q(kind=Kind.UNDO))
    return rows.exclude(next_attempt_at__gt=now).exclude(not_before__gt=now.date())


def open_now() -> QuerySet[Connection]:
    """Return the connections over which something may be asked now."""
    with unscoped("a lane serves every tenant of its company"):
        return Connection.objects.filter(state=Access.ACTIVE).exclude(rests_until__gt=clock.now())


def waiting() -> list[str]:
    """Return the companies with due work that nobody serves now, in the order in which they get their turn.

    The most urgent work first, then the tenant that was served least lately, then its company that waited longest: a
    tenant with many companies gets no more turns than one with a single one.
    """
    with unscoped("the dispatcher serves every tenant"):
        found = list(due().order_by().values("remote_key", "tenant_id").annotate(urgency=Min("priority")))
    lanes = Lane.objects.filter(served_at__isnull=False).values_list("remote_key", "served_at")
    served = {key: at.timestamp() for key, at in lanes if at}
    resting = resting_or_busy()
    urgency: dict[str, int] = {}
    tenants: dict[str, set[int]] = {}
    last: dict[int, float] = {}
    for row in found:
        key, tenant = row["remote_key"], row["tenant_id"]
        urgency[key] = min(row["urgency"], urgency.get(key, row["urgency"]))
        tenants.setdefault(key, set()).add(tenant)
        if key in served:
            last[tenant] = max(served[key], last.get(tenant, 0.0))

    def turn(key: str) -> tuple[object, ...]:
        return (urgency[key], min(last.get(tenant, 0.0) for tenant in tenants[key]), served.get(key, 0.0), key)

    return sorted((key for key in urgency if key not in resting), key=turn)


def others_wait(lease: Lease) -> bool:
    """Whether a company that nobody serves has due work: a worker then gives up its turn after each call."""
    with unscoped("the dispatcher serves every tenant"):
        return due().exclude(remote_key__in=[lease.remote_key, *resting_or_busy()]).exists()


def resting_or_busy() -> set[str]:
    """Return the companies that nobody may turn to now."""
    now = clock.now()
    busy = Lane.objects.filter(Q(claimed_until__gt=now) | Q(paused_until__gt=now))
    return set(busy.values_list("remote_key", flat=True))


def _own(lease: Lease) -> QuerySet[Lane]:
    return Lane.objects.filter(remote_key=lease.remote_key, fence=lease.fence)


def _idle(now: datetime) -> Q:
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)

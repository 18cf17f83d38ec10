"""The memory of remote calls: frozen before the first byte goes out, and append-only what anybody learns of them."""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from audit import trail
from bookkeeping.documents import Undo, document_from
from bookkeeping.entries import effect
from flows import lanes, progress, wire
from flows.bindings import made_in
from flows.lanes import LEASE_MARGIN_S, Lease, LeaseLost
from flows.models import Attempt, Delivery, Outcome
from kit import clock
from ledgers.port import Call

log = logging.getLogger(__name__)

State = Delivery.State


class Moved(Exception):
    """A delivery was replaced, held or taken back since it was read: nothing goes out under this call."""


def begin(
    lease: Lease, call: Call, rows: Sequence[Delivery], deadline_s: float, before: Mapping[str, int] | None = None
) -> Attempt:
    """Commit *sending* and the call's bytes; the lease then outlives the call's deadline. ``before`` are the balances that a
    look-up compares with.

    Raises:
        LeaseLost, Moved: nothing was changed, nothing may be sent.
    """
    ids = [row.pk for row in rows]
    with transaction.atomic():
        now = clock.now()
        lanes.renew(lease, deadline_s + LEASE_MARGIN_S)
        claimed = Delivery.objects.filter(pk__in=ids, live=True, state__in=[State.READY, State.FAILED]).update(
            state=State.SENDING, tries=F("tries") + 1, next_attempt_at=None
        )
        if claimed != len(ids) or _stored(ids) != {row.pk: (row.generation, row.digest, row.bindings) for row in rows}:
            raise Moved
        attempt = Attempt.objects.create(
            tenant_id=rows[0].tenant_id,
            remote_key=lease.remote_key,
            wire_id=call.wire_id,
            keys=list(call.keys),
            fence=lease.fence,
            method=call.method,
            path=call.path,
            operation=call.operation,
            body_sha256=hashlib.sha256(call.body).hexdigest(),
            before=dict(before or {}),
            sent_at=now,
            deadline_at=now + timedelta(seconds=deadline_s),
        )
        wire.freeze(attempt, call)
        attempt.save(update_fields=["sealed_call"])
        carried = Attempt.deliveries.through
        carried._default_manager.bulk_create(carried(attempt_id=attempt.pk, delivery_id=row_id) for row_id in ids)
    for row in rows:
        row.state, row.tries, row.next_attempt_at = State.SENDING, row.tries + 1, None
    return attempt


def learn(
    lease: Lease,
    attempt: Attempt,
    result: Outcome.Result,
    detail: Mapping[str, object],
    started: float,
    change: Callable[[], None],
) -> None:
    """Record an outcome, whoever we are by now; ``change`` state only while the lane is still ours.

    ``started`` is the monotonic time at which we began to ask. Raises LeaseLost where the lane is somebody else's.
    """

    def remember() -> None:
        Outcome.objects.create(
            tenant_id=attempt.tenant_id,
            attempt=attempt,
            at=clock.now(),
            fence=lease.fence,
            result=result,
            detail=dict(detail),
            duration_ms=max(0, round((time.monotonic() - started) * 1000)),
        )

    try:
        with trail.recorded():
            remember()
            owned = lanes.owns(lease)
            if owned:
                change()
            trail.record(
                f"attempt.{result}",
                f"attempt:{attempt.pk}",
                tenant_id=attempt.tenant_id,
                deliveries=attempt.keys,
                request=attempt.wire_id,
                booked=_booked(detail),
                late=not owned,
            )
    except Exception:
        # What follows could not be stored, but what was learned must not be lost with it: the next owner goes by it.
        log.exception("the outcome of attempt %s could not be applied", attempt.pk)
        remember()
        raise
    if not owned:
        raise LeaseLost(lease.remote_key)


def went_out_since(attempt: Attempt) -> bool:
    """Whether a later call to the company may have moved its balances."""
    return _went_out(attempt.remote_key).filter(pk__gt=attempt.pk).exists()


def unsettled_s(remote_key: str, balances: Mapping[str, int], lag_s: float) -> float:
    """Return for how long these balances, read just now, may still miss what was sent last; 0 where they are as that left them,
    or it was sent more than ``lag_s`` ago."""
    went_out = _went_out(remote_key).order_by("-pk")
    last = went_out.first()
    known = went_out.filter(before__has_keys=list(balances)).first()
    if last is None or (known is not None and balances == _left(known, balances)):
        return 0.0
    learned = last.outcomes.order_by("-pk").first()
    return lag_s - (clock.now() - (learned.at if learned else last.sent_at)).total_seconds()


def _went_out(remote_key: str) -> QuerySet[Attempt]:
    nothing = Outcome.objects.filter(
        attempt=OuterRef("pk"), result__in=[Outcome.Result.NOT_SENT, Outcome.Result.UNAUTHORIZED]
    )
    return Attempt.objects.filter(remote_key=remote_key).exclude(Exists(nothing))


def _left(known: Attempt, accounts: Iterable[str]) -> dict[str, int]:
    """Return what these accounts hold by the balances that were read before a call, and what it and later ones booked."""
    left: dict[str, int] = {account: known.before[account] for account in accounts}
    since = Attempt.objects.filter(remote_key=known.remote_key, pk__gte=known.pk)
    rows = Delivery.objects.filter(attempts__in=since, state=State.POSTED).distinct()
    made = made_in(known.remote_key)
    for row in rows:
        document = document_from(row.plain_document)
        moved = effect(document.reversal if isinstance(document, Undo) and document.reversal else document)
        for key, amount in moved.items():
            name = row.bindings.get(key, {}).get("account", "")
            account = made.get(name, name)
            if account in left:
                left[account] += amount
    return left


def decide(lease: Lease, row: Delivery, states: Sequence[str], change: Callable[[Delivery], None]) -> None:
    """Change a row that is still in one of these states, without a call. Raises LeaseLost."""
    with trail.recorded():
        if not lanes.owns(lease):
            raise LeaseLost(lease.remote_key)
        found = Delivery.objects.filter(pk=row.pk, live=True, state__in=states)
        fresh = found.select_related("flow__target").first()
        if fresh is not None:
            change(fresh)
            progress.after_outcome([fresh])


def _stored(ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    rows = Delivery.objects.filter(pk__in=ids).values_list("pk", "generation", "digest", "bindings")
    return {pk: tuple(content) for pk, *content in rows}


def _booked(detail: Mapping[str, object]) -> dict[str, str]:
    """Return the ledger's id of what is in the books by an answer or a look-up, by key."""
    said = {key: one for key, one in detail.items() if isinstance(one, dict) and one.get("posted")}
    sound = {key: one for key, one in said.items() if one.get("live", True) and one.get("equal", True)}
    return {key: one["posted"]["external_id"] for key, one in sound.items()}

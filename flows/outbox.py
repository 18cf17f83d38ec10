"""The outbox: never two, never silently none.

``work`` serves the lane of one remote company: it clears what is uncertain, then sends what is ready, one call at a time. ``deliver`` is
the only caller of a ledger's write method. No transaction is open during a call: *sending* and the frozen bytes are committed first, the
outcome afterwards.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

from django.db import transaction
from django.db.models import F

from audit import trail
from flows import lanes, outcomes, wire
from flows.lanes import LEASE_MARGIN_S, Lease, LeaseLost
from flows.models import Attempt, Delivery, Outcome
from kit import clock
from kit.scope import unscoped
from ledgers.port import (
    AuthorizationLost,
    Call,
    Found,
    Ledger,
    NotRenderable,
    NotSent,
    Unknown,
)
from ledgers.registry import open_ledger
from tenants import buckets

SLICE_S = 20.0  # how long a worker stays with one company before others get their turn
BATCH_ROWS = 100  # deliveries rendered together; the ledger cuts them into calls
SHORT_WAIT_S = 2.0  # waits up to this are slept, longer ones pause the lane

State = Delivery.State


def work(remote_key: str, *, slice_s: float = SLICE_S) -> bool:
    """Serve one lane for a while; True where more work is due now. Safe to call from any number of workers at once."""
    with unscoped("a lane serves every tenant of its remote company"):
        lease = lanes.claim(remote_key, LEASE_MARGIN_S)
        if lease is None:
            return False
        try:
            _mark_interrupted(lease)
            until = time.monotonic() + slice_s
            while time.monotonic() < until:
                if not _step(lease):
                    return False
            return True
        except LeaseLost:
            return False
        finally:
            lanes.release(lease)


def deliver(lease: Lease, ledger: Ledger, call: Call, rows: Sequence[Delivery]) -> None:
    """Perform one call and record what became of every delivery in it."""
    deadline_s = ledger.capabilities.deadline_s
    lanes.renew(lease, deadline_s + LEASE_MARGIN_S)
    attempt = _begin(lease, call, rows, deadline_s)
    started = time.monotonic()
    try:
        answers = ledger.send(call, deadline_s)
    except NotSent as error:
        _finish(lease, attempt, Outcome.Result.NOT_SENT, {"reason": str(error)}, started)
        _rest(lease, error)
    except AuthorizationLost as error:
        _finish(lease, attempt, Outcome.Result.UNAUTHORIZED, {"reason": str(error)}, started)
        outcomes.connection_lost(rows[0].flow.target, str(error))
        lanes.pause(lease, clock.now() + timedelta(minutes=15), "The connection has to be renewed")
        raise LeaseLost(lease.remote_key) from error
    except Unknown as error:
        _finish(lease, attempt, Outcome.Result.UNKNOWN, {"reason": str(error)}, started, ledger)
    else:
        _finish(lease, attempt, Outcome.Result.ANSWERED, wire.answers_to_json(answers), started)
        lanes.healthy(lease)


def _step(lease: Lease) -> bool:
    """Do the next due piece of work; False where none is due."""
    lanes.renew(lease, LEASE_MARGIN_S)
    uncertain = _due(lease, State.UNCERTAIN).first()
    if uncertain is not None:
        return _look_up(lease, uncertain)
    first = _due(lease, State.READY, State.FAILED).select_related("flow__target").first()
    if first is None:
        return False
    ledger = open_ledger(first.flow.target)
    if first.resend is not None:
        rows = list(first.resend.deliveries.filter(resend=first.resend).select_related("flow__target").order_by("id"))
        _take_rate(lease, ledger, wire.thaw(first.resend))
        deliver(lease, ledger, wire.thaw(first.resend), rows)
        return True
    return _send_next(lease, ledger, _batch(lease, first))


def _batch(lease: Lease, first: Delivery) -> list[Delivery]:
    """Return the rows that may be rendered together with the first: same kind, flow and urgency."""
    due = _due(lease, State.READY, State.FAILED).filter(
        kind=first.kind, flow=first.flow_id, priority=first.priority, resend=None
    )
    return list(due.select_related("flow__target")[:BATCH_ROWS])


def _send_next(lease: Lease, ledger: Ledger, rows: list[Delivery]) -> bool:
    while rows:
        try:
            calls = ledger.render(wire.posts_for(rows))
            break
        except NotRenderable as error:
            outcomes.hold(next(row for row in rows if row.key == error.key), "not_renderable", str(error), error.action)
            rows = [row for row in rows if row.key != error.key]
        except wire.Waiting as error:
            # Somebody took back what these rows refer to: they wait for it again.
            waiting = Delivery.objects.filter(
                pk__in=[row.pk for row in rows], dependencies__key=error.key, state__in=[State.READY, State.FAILED]
            )
            waiting.update(state=State.BLOCKED)
            rows = list(Delivery.objects.filter(pk__in=[row.pk for row in rows], state__in=[State.READY, State.FAILED]))
    else:
        return True
    by_key = {row.key: row for row in rows}
    for call in calls:
        _take_rate(lease, ledger, call)
        deliver(lease, ledger, call, [by_key[key] for key in call.keys])
    return True


def _due(lease: Lease, *states: str):  # type: ignore[no-untyped-def]  # a queryset's type depends on the plugin
    now = clock.now()
    rows = Delivery.objects.filter(remote_key=lease.remote_key, state__in=states, live=True)
    return rows.exclude(next_attempt_at__gt=now).exclude(not_before__gt=now.date()).order_by("priority", "id")


def _begin(lease: Lease, call: Call, rows: Sequence[Delivery], deadline_s: float) -> Attempt:
    now = clock.now()
    ids = [row.pk for row in rows]
    with transaction.atomic():
        if not lanes.owns(lease):
            raise LeaseLost(lease.remote_key)
        claimed = Delivery.objects.filter(pk__in=ids, live=True, state__in=[State.READY, State.FAILED]).update(
            state=State.SENDING, tries=F("tries") + 1, resend=None, next_attempt_at=None
        )
        if claimed != len(ids):
            # Replaced, held or undone since it was read: nothing goes out under this call.
            raise LeaseLost(lease.remote_key)
        attempt = Attempt.objects.create(
            tenant_id=rows[0].tenant_id,
            remote_key=lease.remote_key,
            wire_id=call.wire_id,
            keys=list(call.keys),
            fence=lease.fence,
            method=call.method,
            path=call.path,
            operation=call.operation,
            sealed_call=wire.freeze(call),
            body_sha256=hashlib.sha256(call.body).hexdigest(),
            sent_at=now,
            deadline_at=now + timedelta(seconds=deadline_s),
        )
        attempt.deliveries.set(rows)
    return attempt


def _finish(
    lease: Lease,
    attempt: Attempt,
    result: Outcome.Result,
    detail: Mapping[str, object],
    started: float,
    ledger: Ledger | None = None,
) -> None:
    """Record the outcome whoever we are by now; change state only while the lane is still ours."""

    def change() -> None:
        rows = list(attempt.deliveries.filter(state=State.SENDING).select_related("flow", "plan"))
        if result is Outcome.Result.ANSWERED:
            outcomes.apply_answers(rows, wire.answers_from_json(detail))
        elif result is Outcome.Result.UNKNOWN:
            assert ledger is not None
            outcomes.uncertain(rows, attempt.deadline_at + timedelta(seconds=ledger.capabilities.quarantine_s))
        else:
            outcomes.not_sent(rows)

    _record(lease, attempt, result, detail, started, change)


def _record(
    lease: Lease,
    attempt: Attempt,
    result: Outcome.Result,
    detail: Mapping[str, object],
    started: float,
    change: Callable[[], None],
) -> None:
    with transaction.atomic():
        Outcome.objects.create(
            tenant_id=attempt.tenant_id,
            attempt=attempt,
            at=clock.now(),
            fence=lease.fence,
            result=result,
            detail=dict(detail),
            duration_ms=round((time.monotonic() - started) * 1000),
        )
        owned = lanes.owns(lease)
        if owned:
            change()
        trail.record(
            f"attempt.{result}",
            f"attempt:{attempt.pk}",
            tenant_id=attempt.tenant_id,
            deliveries=attempt.keys,
            request=attempt.wire_id,
            late=not owned,
        )
    if not owned:
        raise LeaseLost(lease.remote_key)


def _look_up(lease: Lease, row: Delivery) -> bool:
    """Clear one uncertain attempt: by what a late worker recorded, else by asking the ledger. Only *absent* permits a resend."""
    attempt = row.attempts.latest("id")
    started = time.monotonic()
    rows = list(attempt.deliveries.filter(state=State.UNCERTAIN).select_related("flow__target", "plan").order_by("id"))
    known = attempt.outcomes.filter(result=Outcome.Result.ANSWERED).first()
    if known is not None and row.code != outcomes.ADOPTING:
        with transaction.atomic():
            if lanes.owns(lease):
                outcomes.apply_answers(rows, wire.answers_from_json(known.detail))
        return True
    ledger = open_ledger(row.flow.target)
    lanes.renew(lease, ledger.capabilities.deadline_s * (len(rows) + 1) + LEASE_MARGIN_S)
    try:
        found = {post.key: ledger.find(post) for post in wire.posts_for(rows)}
    except (NotSent, Unknown) as error:
        outcomes.look_again([each.pk for each in rows], clock.now() + timedelta(seconds=60))
        if isinstance(error, NotSent):
            _rest(lease, error)
        return True
    except AuthorizationLost as error:
        outcomes.connection_lost(row.flow.target, str(error))
        lanes.pause(lease, clock.now() + timedelta(minutes=15), "The connection has to be renewed")
        return False
    detail = {
        key: {"found": type(answer).__name__, **(asdict(answer) if isinstance(answer, Found) else {})}
        for key, answer in found.items()
    }
    _record(lease, attempt, Outcome.Result.FOUND, detail, started, lambda: outcomes.apply_look_up(attempt, rows, found))
    return True


def _mark_interrupted(lease: Lease) -> None:
    """Whatever is still *sending* when the lane changes hands was sent by somebody who is gone."""
    rows = Delivery.objects.filter(remote_key=lease.remote_key, state=State.SENDING).select_related("flow__target")
    for row in rows:
        attempt = row.attempts.latest("id")
        capabilities = open_ledger(row.flow.target).capabilities
        with transaction.atomic():
            if lanes.owns(lease):
                outcomes.uncertain([row], attempt.deadline_at + timedelta(seconds=capabilities.quarantine_s))


def _rest(lease: Lease, error: NotSent) -> None:
    """Nothing happened: pause the lane as long as the remote asked, else with doubling patience up to 15 minutes."""
    failures = lanes.failures(lease)
    wait_s = error.after_s or min(900.0, 2.0 ** min(failures, 10))
    lanes.pause(lease, clock.now() + timedelta(seconds=wait_s), str(error))
    raise LeaseLost(lease.remote_key)


def _take_rate(lease: Lease, ledger: Ledger, call: Call) -> None:
    """Wait for the call's token buckets, or pause the lane where that takes long."""
    for name, plan in ledger.limits(call).items():
        while wait_s := buckets.take(f"{lease.remote_key}:{name}", plan):
            if wait_s > SHORT_WAIT_S:
                lanes.pause(lease, clock.now() + timedelta(seconds=wait_s), "Keeping to the ledger's rate limit")
                raise LeaseLost(lease.remote_key)
            time.sleep(wait_s)

"""The outbox: never two, never silently none.

``work`` serves the lane of one remote company: it clears what is uncertain, then sends what is ready, one call at a time. ``deliver`` is
the only caller of a ledger's write method. No transaction is open during a call: *sending* and the frozen bytes are committed first, the
outcome afterwards.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, transaction
from django.db.models import Case, Q, QuerySet, When

from bookkeeping.documents import Kind
from flows import attempts, balance_check, buyers, lanes, looking, outcomes, pace, proving, taking_back, wire
from flows.lanes import LEASE_MARGIN_S, Lease, LeaseLost
from flows.models import Attempt, Delivery, Flow, Outcome
from kit import clock
from kit.scope import unscoped
from ledgers.port import AuthorizationLost, Call, Ledger, Lookup, NotRenderable, NotSent, Partly, Unknown
from ledgers.registry import open_ledger

SLICE_S = 5.0  # how long a worker stays with one company while no other waits
BATCH_ROWS = (
    90  # deliveries rendered together; the ledger cuts them into calls: a multiple of 30, so that none is half empty
)
UNDO_ROWS = 30  # each target is read before it is taken back

log = logging.getLogger(__name__)

State = Delivery.State
_SENDABLE: Final = (State.READY, State.FAILED)


def work(remote_key: str, *, slice_s: float = SLICE_S) -> bool:
    """Serve one lane for a while, but only for one call where another company waits.

    True where the turn ended before the work did. Safe to call from any number of workers at once.
    """
    with unscoped("a lane serves every tenant of its remote company"):
        lease = lanes.claim(remote_key, LEASE_MARGIN_S)
        if lease is None:
            return False
        try:
            more = _serve(lease, slice_s)
            if not more:
                balance_check.catch_up(lease)
        except (LeaseLost, pace.Resting):
            more = False
        except Exception as error:
            pace.faulty(lease, error)
            raise
        finally:
            lanes.release(lease)
        proving.catch_up(remote_key)
        return more


def take_turn() -> bool:
    """Serve the company whose turn it is; True where more work is due now, there or elsewhere."""
    return any(work(remote_key) for remote_key in lanes.waiting())


def deliver(
    lease: Lease, ledger: Ledger, call: Call, rows: Sequence[Delivery], before: Mapping[str, int] | None = None
) -> None:
    """Perform one call and record what became of every delivery in it. ``before`` are the balances just read for it. Raises
    LeaseLost, Moved, Resting."""
    attempt = attempts.begin(lease, call, rows, ledger.capabilities.deadline_s, before)
    started = time.monotonic()
    try:
        # What is left of the time the lease was measured by: a worker that was asleep since then sends nothing.
        answers = ledger.send(call, (attempt.deadline_at - clock.now()).total_seconds())
        answers = buyers.all_silent(rows, answers)
    except NotSent as error:
        _nothing_happened(lease, attempt, rows, Outcome.Result.NOT_SENT, str(error), started)
        raise pace.unreachable(lease, rows[0].flow.target, error) from error
    except Partly as error:
        _broke_off(lease, ledger, call, attempt, rows, error, started)
        if error.after_s:
            raise pace.unreachable(lease, rows[0].flow.target, NotSent(str(error), error.after_s)) from error
    except AuthorizationLost as error:
        _nothing_happened(lease, attempt, rows, Outcome.Result.UNAUTHORIZED, str(error), started)
        raise pace.shut_out(rows[0].flow.target, error) from error
    except Exception as error:
        if not isinstance(error, Unknown):
            log.exception("the answer to attempt %s could not be read", attempt.pk)
        look_at = _look_at(ledger, attempt)
        said = str(error) if isinstance(error, Unknown) else f"The answer could not be read ({type(error).__name__})"
        attempts.learn(
            lease,
            attempt,
            Outcome.Result.UNKNOWN,
            {"reason": said},
            started,
            lambda: outcomes.uncertain(_still(attempt, rows), look_at),
        )
    else:
        base_s = pace.shortest_retry_s(ledger, call)
        attempts.learn(
            lease,
            attempt,
            Outcome.Result.ANSWERED,
            wire.answers_to_json(answers),
            started,
            lambda: outcomes.apply_answers(_still(attempt, rows), answers, base_s),
        )
        pace.answered(lease, rows[0].flow.target)


def _nothing_happened(
    lease: Lease, attempt: Attempt, rows: Sequence[Delivery], result: Outcome.Result, reason: str, started: float
) -> None:
    attempts.learn(
        lease, attempt, result, {"reason": reason}, started, lambda: outcomes.not_sent(_still(attempt, rows))
    )


def _broke_off(
    lease: Lease, ledger: Ledger, call: Call, attempt: Attempt, rows: Sequence[Delivery], error: Partly, started: float
) -> None:
    """Record what is known of each delivery of a call that broke off: what it did not come to was not sent."""
    answers, base_s = buyers.all_silent(rows, error.answers), pace.shortest_retry_s(ledger, call)
    rest = [key for key in call.keys if key not in answers]
    said = {key: {"unknown" if key in error.unknown else "not_sent": str(error)} for key in rest}

    def change() -> None:
        still = _still(attempt, rows)
        outcomes.apply_answers([row for row in still if row.key in answers], answers, base_s)
        outcomes.uncertain([row for row in still if row.key in error.unknown], _look_at(ledger, attempt))
        outcomes.not_sent([row for row in still if "not_sent" in said.get(row.key, ())])

    detail = {**wire.answers_to_json(answers), **said}
    attempts.learn(lease, attempt, Outcome.Result.ANSWERED, detail, started, change)


def _look_at(ledger: Ledger, attempt: Attempt) -> datetime:
    """Return when a look-up can tell what became of a call."""
    return attempt.deadline_at + timedelta(seconds=ledger.capabilities.quarantine_s)


def _still(attempt: Attempt, rows: Sequence[Delivery]) -> list[Delivery]:
    """Return the rows of a call that are still being sent, as they were sent: nobody else touches them meanwhile."""
    sending = set(attempt.deliveries.filter(state=State.SENDING).values_list("pk", flat=True))
    return [row for row in rows if row.pk in sending]


def _serve(lease: Lease, slice_s: float) -> bool:
    looking.mark_interrupted(lease)
    until = time.monotonic() + slice_s
    last = Attempt.objects.filter(remote_key=lease.remote_key).order_by("-sent_at").first()
    served = {last.tenant_id} if last else set()
    while True:
        try:
            if not _step(lease, served):
                return False
        except pace.Aside:
            pass  # others in the company may go on
        if time.monotonic() >= until or lanes.others_wait(lease):
            return True


def _step(lease: Lease, served: set[int]) -> bool:
    """Do the next due piece of work; False where none is due. ``served`` are the tenants that had their turn."""
    uncertain = _first(_due(lease, State.UNCERTAIN))
    if uncertain is not None:
        looking.look_up(lease, uncertain)
        return True
    first = _next(lease, served)
    if first is None:
        return False
    ledger = open_ledger(first.flow.target)
    one_by_one = Lookup.DELTA in ledger.capabilities.lookup.values()
    if one_by_one and (open_ := _open_before(lease, first)) is not None:
        if open_.state == State.UNCERTAIN:
            # Its own connection is closed or rests, or it would have been due: another one to the company tells as well.
            looking.look_up(lease, open_, first.flow.target)
            return True
        first, ledger = open_, open_ledger(open_.flow.target)
    try:
        if first.resend_id is not None:
            _send_again(lease, ledger, first)
        else:
            _send_next(lease, ledger, [first] if one_by_one else _batch(lease, first))
    except attempts.Moved:
        pass  # read anew with the next step
    return True


def _next(lease: Lease, served: set[int]) -> Delivery | None:
    """Return the most urgent row that is due, of a tenant that was not served since all others were."""
    # With nobody served it would be a bare 0, which Postgres takes for the number of a column.
    had_theirs = [Case(When(tenant_id__in=served, then=1), default=0)] if served else []
    first = _first(_due(lease, *_SENDABLE).order_by("priority", *had_theirs, "id"))
    if first is not None:
        if first.tenant_id in served:
            served.clear()
        served.add(first.tenant_id)
    return first


def _open_before(lease: Lease, first: Delivery) -> Delivery | None:
    """Return what has to be looked up, or to go out again, before the first row, None where nothing has. Where balances tell
    what became of a document they go strictly one after the other, so that a difference is one document's. Raises Resting
    while it is open what became of one."""
    of_lane = Delivery.objects.filter(remote_key=lease.remote_key, live=True)
    again = Q(resend__isnull=False, state__in=_SENDABLE)
    again &= Q(flow__state=Flow.State.LIVE, flow__target__in=lanes.open_now())
    open_ = of_lane.filter(Q(state=State.UNCERTAIN) | again).select_related("flow__target").order_by("id").first()
    if open_ is None or open_.pk == first.pk:
        return None
    now = clock.now()
    wait_s = (open_.next_attempt_at - now).total_seconds() if open_.next_attempt_at else 0.0
    if wait_s <= 0:
        return open_
    lanes.rest(lease, wait_s, "Finding out what became of the last document")
    raise pace.Resting


def _others_turn(lease: Lease, sent: Delivery) -> bool:
    """Whether something more urgent, or as urgent of another tenant, is due in this lane."""
    due = _due(lease, State.UNCERTAIN, *_SENDABLE)
    more_urgent = Q(priority__lt=sent.priority)
    return due.filter(more_urgent | (Q(priority=sent.priority) & ~Q(tenant=sent.tenant_id))).exists()


def _batch(lease: Lease, first: Delivery) -> list[Delivery]:
    """Return the rows that may be rendered together with the first: same kind, flow and urgency."""
    if first.code == taking_back.ALONE:
        return [first]
    due = _due(lease, *_SENDABLE).filter(kind=first.kind, flow=first.flow_id, priority=first.priority, resend=None)
    due = due.exclude(code=taking_back.ALONE)
    ids = list(due.values_list("pk", flat=True)[: UNDO_ROWS if first.kind == Kind.UNDO else BATCH_ROWS])
    rows = list(Delivery.objects.filter(pk__in=ids).order_by("id"))
    for row in rows:
        row.flow = first.flow
    return rows


def _send_again(lease: Lease, ledger: Ledger, first: Delivery) -> None:
    """Send a frozen call once more as it was. Where a part of it is not wanted any more, the rest is rendered anew."""
    frozen = first.resend
    assert frozen is not None
    together = Delivery.objects.filter(resend=frozen)
    rows = list(together.filter(live=True, state__in=_SENDABLE).select_related("flow__target").order_by("id"))
    if len(rows) != len(frozen.keys):
        with transaction.atomic():
            if lanes.owns(lease):
                together.update(resend=None)
        return
    call = wire.thaw(frozen)
    pace.take(lease, ledger, call)
    before = _balances(lease, ledger, call, rows)
    if before != frozen.before and not frozen.outcomes.filter(result=Outcome.Result.SAID).exists():
        # It may be this very document, late; or somebody else's, and then nobody can tell any more.
        with transaction.atomic():
            if lanes.owns(lease):
                outcomes.seen_moving(rows)
        return
    deliver(lease, ledger, call, rows, before)


def _before(lease: Lease, ledger: Ledger, call: Call, rows: Sequence[Delivery]) -> Mapping[str, int]:
    """Return the balances that a look-up of this call will compare with, read just now; {} where look-ups are exact.

    Raises Resting while they may not show the document before yet: what shows later would be taken for this one.
    """
    found = _balances(lease, ledger, call, rows)
    wait_s = attempts.unsettled_s(lease.remote_key, found, ledger.capabilities.confirm_s) if found else 0.0
    if wait_s > 0:
        lanes.rest(lease, wait_s, "Waiting until balances show the last document")
        raise pace.Resting
    return found


def _balances(lease: Lease, ledger: Ledger, call: Call, rows: Sequence[Delivery]) -> Mapping[str, int]:
    if not any(wire.seen_by_balance(row, ledger.capabilities) for row in rows):
        return {}
    return looking.Reader(lease, rows[0].flow.target).before(call)


def _send_next(lease: Lease, ledger: Ledger, rows: list[Delivery]) -> None:
    if rows[0].kind == Kind.UNDO:
        rows = looking.still_in(lease, rows)
    calls, rows = _rendered(lease, ledger, rows)
    by_key = {row.key: row for row in rows}
    for number, call in enumerate(calls):
        if number and (lanes.others_wait(lease) or _others_turn(lease, rows[0])):
            return  # what was rendered and not sent is rendered again when its turn comes
        sent = [by_key[key] for key in call.keys]
        if sent[0].kind == Kind.UNDO:
            _take_back(lease, ledger, call, sent)
            continue
        pace.take(lease, ledger, call)
        deliver(lease, ledger, call, sent, _before(lease, ledger, call, sent))
        _explain(lease, sent)


def _take_back(lease: Lease, ledger: Ledger, call: Call, rows: list[Delivery]) -> None:
    """Look at what a call would take back, and send it for what is as we left it."""
    reader = looking.Reader(lease, rows[0].flow.target)
    with reader.together(call, *looking.looks(ledger, rows)):
        rows = looking.unchanged(reader, rows)
        calls, rows = _rendered(lease, ledger, rows)  # by the versions that were found
        by_key = {row.key: row for row in rows}
        for each in calls:
            sent = [by_key[key] for key in each.keys]
            reader.pay(each)
            deliver(lease, ledger, each, sent, _before(lease, ledger, each, sent))


def _rendered(lease: Lease, ledger: Ledger, rows: list[Delivery]) -> tuple[list[Call], list[Delivery]]:
    """Return the calls of those rows that can be written; the others are held, or wait for what they refer to."""
    while rows:
        try:
            return ledger.render(wire.posts_for(rows)), rows
        except NotRenderable as error:
            refused = next(row for row in rows if row.key == error.key)
            _stop(lease, refused, "not_renderable", str(error), error.action)
            rows = [row for row in rows if row.pk != refused.pk]
        except wire.Waiting as error:
            # Somebody took back what these rows refer to: they wait for it again.
            ids = [row.pk for row in rows]
            waiting = Delivery.objects.filter(pk__in=ids, dependencies__key=error.key, state__in=_SENDABLE)
            waiting.update(state=State.BLOCKED)
            rows = list(Delivery.objects.filter(pk__in=ids, state__in=_SENDABLE).select_related("flow__target"))
        except DatabaseError:
            raise
        except Exception as error:
            log.exception("one of %s could not be written", [row.key for row in rows])
            if len(rows) > 1:
                rows = rows[:1]  # one by one, so that only the culprit stops
                continue
            text = f"Tieout could not write this document ({type(error).__name__}). Nothing was sent."
            _stop(lease, rows[0], "fault", text, "This is a fault in Tieout. Send the record's trail to support.")
            rows = []
    return [], []


def _stop(lease: Lease, row: Delivery, code: str, reason: str, action: str) -> None:
    attempts.decide(lease, row, _SENDABLE, lambda fresh: outcomes.hold(fresh, code, reason, action))


def _explain(lease: Lease, sent: Sequence[Delivery]) -> None:
    """A payment that was refused by itself may have met an invoice that somebody paid or voided: find out, and say so."""
    if len(sent) == 1 and sent[0].kind == Kind.PAYMENT:
        refused = Delivery.objects.filter(pk=sent[0].pk, state__in=[State.HELD, State.PARKED])
        row = refused.select_related("flow__target").first()
        if row is not None:
            looking.explain(lease, row)


def _due(lease: Lease, *states: str) -> QuerySet[Delivery]:
    return lanes.due().filter(remote_key=lease.remote_key, state__in=states).order_by("priority", "id")


def _first(due: QuerySet[Delivery]) -> Delivery | None:
    """Return the first row: found by its id, for sorting whole rows of a long queue takes long."""
    found = due.values_list("pk", flat=True).first()
    return Delivery.objects.select_related("flow__target").get(pk=found) if found else None

"""Planning settlements, one planner per flow at a time: what is to be planned is marked, then caught up with.

A mark is a number on the plan, so a planner that dies leaves it standing and whoever comes next goes on. What was never
sent is planned again in place. What was sent stays as it is: where it would come out otherwise now, that is noted; where
the rest of its settlement could not follow without carrying money twice, nothing is changed at all.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from celery import current_app
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from kombu.exceptions import OperationalError

from audit import trail
from flows import booked, carried, history, labels, making, progress, proving, rows, statements
from flows.making import Made
from flows.models import Delivery, Flow, Plan
from flows.rows import Changes
from kit import clock
from tenants.alerts import alert, settle_alert

LEASE_S: Final = 900  # a planner that needs longer for one settlement is presumed dead
QUICK_ROWS: Final = 10_000  # planned while the person waits; more goes to the long queue

log = logging.getLogger(__name__)
State = Delivery.State
_OVER: Final = (Plan.State.UNDOING, Plan.State.UNDONE)


def mark(plans: QuerySet[Plan]) -> None:
    """Have these plans planned again. Whoever calls goes on with ``soon`` or ``catch_up``."""
    plans.update(asked=F("asked") + 1)


def soon(flow: Flow) -> None:
    """Catch up now where that is quick, else let a worker of the long queue do it."""
    waiting = to_make(flow).aggregate(rows=Sum("settlement__row_count"))["rows"] or 0
    if waiting <= QUICK_ROWS:
        catch_up(flow)
    else:
        hint("flows.tasks.plan_flow", flow.pk, "long")


def catch_up(flow: Flow, *, claimed: bool = False) -> bool:
    """Plan what is marked, oldest settlement first, until nothing is. False where another planner is at it: it goes on.

    ``claimed``: the caller has claimed the flow for this; it is given free here.
    """
    while claimed or to_make(flow).exists():
        if not claimed and not claim(flow, LEASE_S):
            return False
        claimed = False
        try:
            marked = to_make(flow).select_related("settlement__report", "flow__source", "flow__target")
            while (plan := marked.first()) is not None:
                Flow.objects.filter(pk=flow.pk).update(planning_until=clock.now() + timedelta(seconds=LEASE_S))
                _plan_one(plan)
        finally:
            Flow.objects.filter(pk=flow.pk).update(planning_until=None)
    return True


def claim(flow: Flow, lease_s: float, *, instead_of: datetime | None = None) -> bool:
    """Be the one who plans the flow: where nobody is, or in the place of whoever claimed it until just that instant."""
    now = clock.now()
    flows = Flow.objects.filter(pk=flow.pk)
    free = flows.filter(planning_until=instead_of) if instead_of else flows.filter(_free(now))
    return bool(free.update(planning_until=now + timedelta(seconds=lease_s)))


def _free(now: datetime) -> Q:
    return Q(planning_until=None) | Q(planning_until__lte=now)


@contextmanager
def sole(flow: Flow) -> Iterator[bool]:
    """Keep everybody else from planning the flow meanwhile; False where somebody is at it already."""
    mine = claim(flow, LEASE_S)
    try:
        yield mine
    finally:
        if mine:
            Flow.objects.filter(pk=flow.pk).update(planning_until=None)


def to_make(flow: Flow) -> QuerySet[Plan]:
    """Return the flow's plans that are marked, oldest settlement first."""
    return Plan.objects.filter(flow=flow, asked__gt=F("made")).order_by("settlement__ends_at", "pk")


def kick(remote_key: str) -> None:
    """Tell a worker to look at the lane, once the transaction is committed. Only a hint: the dispatcher looks anyway."""
    transaction.on_commit(lambda: hint("flows.tasks.serve_lane", remote_key, "short"))


def hint(task: str, subject: object, queue: str) -> None:
    try:
        current_app.send_task(task, args=[subject], queue=queue, retry=False)
    except OperationalError:
        log.warning("no broker to tell %s; the dispatcher will see it", task)


def _plan_one(plan: Plan) -> None:
    asked = plan.asked
    key = f"plan:{plan.pk}:problem"
    if plan.state not in _OVER:
        if not Delivery.objects.filter(plan=plan, attempts__isnull=False).exists():
            plan.mode = plan.flow.mode
            _count_revisions(plan)
        try:
            _keep(plan, making.make(plan, plan.mode))
        except Exception as error:
            # Whatever is wrong with one settlement, the others go on; it is tried again with the flow's next run.
            log.exception("plan %s could not be made", plan.pk)
            plan.problem = str(error) or type(error).__name__
            Plan.objects.filter(pk=plan.pk).update(problem=plan.problem)
            alert(
                plan.tenant_id,
                "plan_failed",
                key,
                f"Settlement {plan.settlement.settlement_id} could not be planned",
                plan.problem,
                "It is tried again with the next run. If it keeps failing, tell us what is written here.",
            )
        else:
            if plan.problem:
                Plan.objects.filter(pk=plan.pk).update(problem="")
                settle_alert(plan.tenant_id, key)
    Plan.objects.filter(pk=plan.pk, made__lt=asked).update(made=asked)


def _count_revisions(plan: Plan) -> None:
    """Give a plan of which nothing was sent the revision after all that the company has had: another flow may have booked
    the settlement there and taken it back since, and what was voided keeps its number."""
    revision = history.next_revision(plan.flow, plan.settlement)
    if plan.revision != revision and plan.revision == plan.last_revision:
        plan.revision = plan.last_revision = revision
        Plan.objects.filter(pk=plan.pk).update(revision=revision, last_revision=revision)


def _keep(plan: Plan, made: Made) -> None:
    """Store what was made, as far as what was sent allows."""
    version = made.mapping.version
    changes = Changes()
    for _ in range(rows.ROUNDS):
        if plan.last_revision != plan.revision:
            # Its accounts were moved since: its entries have other keys than their drafts.
            _leave(plan, booked.differing(plan, made.drafts, version))
            return
        changes = rows.compare(rows.live(plan), made.drafts, version)
        if changes.conflict or (plan.state == Plan.State.POSTED and changes.differs):
            # It is wholly in the books, or the rest could not follow what was sent.
            new = [draft.planned.key for draft in changes.new] if changes.differs else []
            _leave(plan, [*changes.differs, *new])
            return
        if not changes:
            break
        if not rows.calm(changes):
            continue
        rows.ensure(plan.flow, made.company, State.PLANNED)
        try:
            rows.write(plan.flow, plan, changes, version)
        except rows.Moved:
            continue
        break
    else:
        raise RuntimeError("The ledger is being written to all the time; it is planned again later.")
    carried_digest = carried.digest_of(made.planning)
    if carried_digest != plan.carried_digest:
        Plan.objects.filter(pk=plan.pk).update(carried_digest="")
        carried.store(plan, made.planning)
    _keep_figures(plan, made, changes, carried_digest)
    _go_on(plan, bool(changes))


def _leave(plan: Plan, differs: list[str]) -> None:
    """Let the plan stay as it is, and say which of its documents would come out otherwise now."""
    if plan.verdict.get("differs", []) != differs:
        with trail.recorded():
            Plan.objects.filter(pk=plan.pk).update(verdict=_locked_verdict(plan) | {"differs": differs})
            trail.record(
                "plan.differs",
                f"plan:{plan.pk}",
                tenant_id=plan.tenant_id,
                settlement=plan.settlement.settlement_id,
                documents=differs[:100],
            )
    _go_on(plan, changed=False)


def _keep_figures(plan: Plan, made: Made, changes: Changes, carried_digest: str) -> None:
    planning = made.planning
    before = plan.statement.get("unknown", [])
    values: dict[str, Any] = {
        "mode": plan.mode,
        "digest": planning.digest(),
        "carried_digest": carried_digest,
        "mapping_version": made.mapping.version,
        "report_id": plan.settlement.report_id,
        "statement": statements.to_json(made.statement),
        "flags": statements.flags_to_json(planning.flags),
        "exchange": dict(made.exchange),
        "pairings": [
            {"line": one.line, "settlement_id": one.settlement_id, "amount": one.amount, "withheld": one.withheld}
            for one in planning.pairings
        ],
        "reconciling": dict(planning.reconciling),
    }
    with trail.recorded():
        values["verdict"] = _locked_verdict(plan) | {"differs": changes.differs}
        stored = Plan.objects.values(*values).get(pk=plan.pk)
        different = {name: value for name, value in values.items() if stored[name] != value}
        new = bool(changes) or "digest" in different
        if different:
            Plan.objects.filter(pk=plan.pk).update(**different)
        if plan.state == Plan.State.PLANNING:
            Plan.objects.filter(pk=plan.pk, state=Plan.State.PLANNING).update(state=Plan.State.PLANNED)
        if new:
            trail.record(
                "plan.made",
                f"plan:{plan.pk}",
                tenant_id=plan.tenant_id,
                settlement=plan.settlement.settlement_id,
                mode=plan.mode,
                documents=len(made.drafts),
                digest=values["digest"],
                mapping_version=made.mapping.version,
                held=sorted({draft.hold.reason for draft in made.drafts if draft.hold}),
            )
    if values["statement"]["unknown"] != before:
        labels.tell(plan.flow, before, made.statement)
    withheld = {one["settlement_id"] for one in (*plan.pairings, *values["pairings"]) if one["withheld"]}
    if withheld and "pairings" in different:
        mark(Plan.objects.filter(flow=plan.flow, settlement__settlement_id__in=withheld))


def _locked_verdict(plan: Plan) -> dict[str, Any]:
    """Return the proof that is kept by now, locked: the plan may have been proved since it was read."""
    verdict: dict[str, Any] = Plan.objects.select_for_update().values_list("verdict", flat=True).get(pk=plan.pk)
    return verdict


def _go_on(plan: Plan, changed: bool) -> None:
    """Send what may go, and finish what is finished."""
    plan.refresh_from_db()
    if plan.state in _OVER:
        left = Delivery.objects.filter(plan=plan, state__in=[State.PLANNED, State.HELD], external_id="")
        left.exclude(kind="undo").update(state=State.DROPPED, live=False)
        return
    if plan.state == Plan.State.POSTED and rows.live(plan).exclude(state=State.POSTED).exists():
        Plan.objects.filter(pk=plan.pk, state=Plan.State.POSTED).update(state=Plan.State.POSTING)
        plan.state = Plan.State.POSTING
    if plan.state == Plan.State.POSTING and rows.release(Delivery.objects.filter(plan=plan)):
        kick(plan.flow.target.remote_key)
    if changed and plan.state in (Plan.State.POSTING, Plan.State.POSTED):
        with trail.recorded():
            progress.settle_plan(plan)
        proving.prove_now(plan.pk)

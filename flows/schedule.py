"""When a flow runs, and which lanes have work. Same code on both databases: pick ids, then compare-and-set."""

import logging
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from amazon import backfill, balances, participations, pull
from amazon import transfers as amazon_transfers
from amazon.client import BadRequest, Forbidden, NotFound, WaitFor
from amazon.models import Cursor, Resource
from audit import trail
from flows import access, account_types, accruals, buyers, history, lanes, owed, planning, shipments, transfers
from flows.models import Flow, Run
from kit import clock
from kit.scope import scope, unscoped
from tenants.alerts import alert, settle_alert
from tenants.grants import NeedsReconnect

log = logging.getLogger(__name__)

CLAIM_S = 3600  # a run that takes longer is presumed dead and may be started again
HANDED_S = 120  # a flow whose message is lost before a worker begins it is handed out again
CLAIM_BATCH = 50  # flows handed out and not yet begun
JITTER = 0.1
ORDERS_BEFORE = timedelta(days=60)  # an order may settle weeks after it was placed


def claim_due_flows() -> list[int]:
    """Return the flows to send a worker to. Fair: each tenant's first due flow comes before anyone's second.

    No more are handed out than workers begin, so that messages do not pile up while all of them are busy.
    """
    now = clock.now()
    handed_until = now + timedelta(seconds=HANDED_S)
    with unscoped("the schedule serves every tenant"):
        handed = Flow.objects.filter(next_run_at__lte=now, claimed_until__gt=now, claimed_until__lte=handed_until)
        room = CLAIM_BATCH - handed.count()
        if room <= 0:
            return []
        due = (
            Flow.objects.filter(_free(now), next_run_at__lte=now)
            .exclude(state=Flow.State.PAUSED)
            .annotate(rank=Window(RowNumber(), partition_by=F("tenant_id"), order_by=F("next_run_at").asc()))
            .order_by("rank", "next_run_at")
            .values_list("pk", flat=True)[:room]
        )
        return [
            flow_id
            for flow_id in list(due)
            if Flow.objects.filter(_free(now), pk=flow_id, next_run_at__lte=now).update(claimed_until=handed_until)
        ]


def begin(flow_id: int) -> bool:
    """Claim a flow that was handed out, for the length of a run; False where it runs already or is no longer due."""
    now = clock.now()
    waiting = _free(now) | Q(claimed_until__lte=now + timedelta(seconds=HANDED_S))
    with unscoped("the flow names its tenant"):
        due = Flow.objects.filter(waiting, pk=flow_id, next_run_at__lte=now).exclude(state=Flow.State.PAUSED)
        return bool(due.update(claimed_until=now + timedelta(seconds=CLAIM_S)))


def lanes_with_work() -> list[str]:
    """Return the companies with due deliveries that nobody serves now, in the order in which they get their turn."""
    return lanes.waiting()


def run_now(flow: Flow, actor: str = "") -> None:
    """Make the flow due. The dispatcher of whichever process sees it next."""
    now = clock.now()
    Flow.objects.filter(pk=flow.pk).update(next_run_at=now, next_settlements_at=now)
    trail.record("flow.run_asked", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor)


def run_flow(flow_id: int) -> Run:
    """Pull what is due, plan what is new, approve it where the flow says so. One run per claim."""
    with unscoped("the flow names its tenant"):
        flow = Flow.objects.select_related("source", "target").get(pk=flow_id)
    with scope(flow.tenant_id):
        run = Run.objects.create(tenant_id=flow.tenant_id, flow=flow, started_at=clock.now())
        try:
            wait = _work_through(flow, run)
        except (NeedsReconnect, Forbidden) as error:
            # Whoever noticed it has told the members already; a person has to act.
            _end(flow, run, Run.State.FAILED, str(error))
        except Exception as error:
            # Whatever broke, the flow must become due again and a person must be told; the error itself goes to the log.
            _end(flow, run, Run.State.FAILED, str(error) or type(error).__name__)
            alert(
                flow.tenant_id,
                "run_failed",
                f"flow:{flow.pk}:run",
                f"{flow.name} could not finish its run",
                str(error),
                "It is tried again by itself. If it keeps failing, test the connection.",
            )
            raise
        else:
            settle_alert(flow.tenant_id, f"flow:{flow.pk}:run")
            if closed := access.source_closed(flow):
                _end(flow, run, Run.State.FAILED, closed)
            elif wait:
                _end(flow, run, Run.State.WAITING, str(wait), wait.seconds)
            else:
                _end(flow, run, Run.State.DONE)
    return run


def _work_through(flow: Flow, run: Run) -> WaitFor | None:
    """Fetch and plan; what has to wait for Amazon does not keep the rest from going on. Returns the longest wait."""
    waits = []
    if flow.source is not None and not access.source_closed(flow):
        participations.refresh(flow.source)
        steps = [("Fetching settlements", _fetch_settlements), ("Fetching orders", _fetch_orders)]
        if _settlements_are_due(flow) or amazon_transfers.waits(flow.source):
            steps.insert(1, ("Fetching payouts", _fetch_transfers))
        if flow.accrues_from and _transactions_are_due(flow):
            steps.append(("Fetching transactions", _fetch_transactions))
        if balances.is_due(flow.source):
            steps.append(("Fetching balances", _fetch_balances))
        for name, fetch in steps:
            _step(run, name)
            try:
                fetch(flow, run)
            except WaitFor as wait:
                waits.append(wait)
    if flow.source is not None:
        account_types.sort_out(flow.source)
    _step(run, "Planning")
    run.found["invoiced"] = shipments.plan_shipments(flow)
    run.found["planned"] = planning.plan_new(flow, at_once=True)
    accruals.plan_accruals(flow)
    planning.release(flow)
    if "balances" in run.found:
        owed.tell(flow)
    return max(waits, key=lambda wait: wait.seconds, default=None)


def _fetch_settlements(flow: Flow, run: Run) -> None:
    if flow.source is None or not _settlements_are_due(flow):
        return
    now = clock.now()
    pulled = pull.pull_settlements(flow.source)
    run.found |= {"settlements": len(pulled.settlements), "refused": pulled.refused}
    # Who asked for another look meanwhile gets it.
    asked = Flow.objects.filter(pk=flow.pk, next_settlements_at=flow.next_settlements_at)
    asked.update(next_settlements_at=_later(now, flow.settlements_every_min))


def _settlements_are_due(flow: Flow) -> bool:
    return flow.next_settlements_at is None or flow.next_settlements_at <= clock.now()


def _transactions_are_due(flow: Flow) -> bool:
    """Whether it is time for settlements too, or somebody wished for transactions ahead of that."""
    wished = Cursor.objects.filter(connection=flow.source_id, resource=Resource.TRANSACTIONS, due_at__lte=clock.now())
    return _settlements_are_due(flow) or wished.exists()


def _fetch_transactions(flow: Flow, run: Run) -> None:
    run.found["transactions"] = accruals.fetch(flow)


def _fetch_transfers(flow: Flow, run: Run) -> None:
    if told := transfers.fetch(flow):
        run.found["payouts"] = told


def _fetch_orders(flow: Flow, run: Run) -> None:
    if flow.source is None:
        return
    since = history.first_instant(flow) - ORDERS_BEFORE if flow.books_from else None
    named = buyers.wanted_from(flow.source)
    if shipments.invoices_early(flow) and not named:
        backfill.begin(flow.source, since)
    read_since = backfill.changes_from(flow.source)
    if read_since is not None and not named:
        # What it may invoice comes order by order, however the history stands: reports do not number an order's items.
        since = min(read_since, (flow.cut_over_at or flow.created_at) - pull.ORDERS_OVERLAP)
    pulled = pull.pull_orders(flow.source, since, with_buyers=named)
    run.found["orders"] = pulled.orders_new + pulled.orders_changed


def _fetch_balances(flow: Flow, run: Run) -> None:
    """Read what Amazon owed at the end of the last day. That it refuses stops nothing; the members are told."""
    if flow.source is None:
        return
    try:
        if "transactions" not in run.found:
            run.found["transactions"] = owed.fetch(flow)
        run.found["balances"] = balances.read_balances(flow.source)
    except (BadRequest, Forbidden, NotFound):
        log.exception("Amazon does not say what it owes the seller of flow %s", flow.pk)


def _step(run: Run, name: str) -> None:
    run.step = name
    run.save(update_fields=["step", "found"])


def _end(flow: Flow, run: Run, state: str, problem: str = "", again_in_s: float | None = None) -> None:
    now = clock.now()
    run.state, run.problem, run.finished_at, run.step = state, problem, now, ""
    run.save()
    next_run_at = now + timedelta(seconds=again_in_s) if again_in_s else _later(now, flow.orders_every_min)
    # Who asked for a run meanwhile gets it; and before it is live, a flow runs only when somebody asks.
    asked = Flow.objects.filter(pk=flow.pk, next_run_at=flow.next_run_at)
    asked.exclude(state=Flow.State.LIVE).update(next_run_at=next_run_at if again_in_s else None)
    asked.filter(state=Flow.State.LIVE).update(next_run_at=next_run_at)
    Flow.objects.filter(pk=flow.pk).update(claimed_until=None)


def _later(now: datetime, minutes: int, spread: Callable[[], float] = random.random) -> datetime:
    return now + timedelta(minutes=minutes * (1 + JITTER * spread()))


def _free(now: datetime) -> Q:
    return Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)


def free_all() -> None:
    """End every claim of a run. Only for the embedded server, whose file lock proves earlier owners dead."""
    with unscoped("the schedule serves every tenant"):
        Flow.objects.filter(claimed_until__isnull=False).update(claimed_until=None)
        Flow.objects.filter(planning_until__isnull=False).update(planning_until=None)
        Run.objects.filter(state=Run.State.RUNNING).update(
            state=Run.State.FAILED, problem="Interrupted; what it had stored is kept", finished_at=clock.now()
        )

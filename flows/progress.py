"""What changes beyond a delivery when its outcome is known: its plan, what it took back, who has to be told."""

from collections.abc import Iterable

from django.db.models import Q

from audit import trail
from flows import prove
from flows.models import Coverage, Delivery, Flow, InvoiceBalance, Plan
from tenants.alerts import alert, settle_alert

State = Delivery.State
STOPPED = (State.HELD, State.PARKED)
_MOVING = (State.PLANNED, State.BLOCKED, State.READY, State.SENDING, State.UNCERTAIN, State.FAILED)


def after_outcome(rows: Iterable[Delivery]) -> None:
    """Move the plans of these rows on, and keep the flow's alert about what needs a person up to date."""
    found = list(rows)
    for plan_id in {row.plan_id for row in found if row.plan_id}:
        settle_plan(Plan.objects.select_related("settlement", "flow").get(pk=plan_id))
    for flow_id in {row.flow_id for row in found}:
        tell(Flow.objects.get(pk=flow_id))


def settle_plan(plan: Plan) -> None:
    """Finish a plan whose rows are all in the books (or all taken back), and prove it."""
    rows = Delivery.objects.filter(plan=plan)
    undos = rows.filter(kind="undo")
    if plan.state == Plan.State.UNDOING:
        if not undos.exclude(state=State.POSTED).exists():
            _undone(plan)
        return
    unfinished = rows.filter(state__in=[*_MOVING, *STOPPED])
    if unfinished.filter(state__in=_MOVING).exclude(_later()).exclude(state=State.BLOCKED).exists():
        return
    if plan.state == Plan.State.POSTING and not unfinished.exists():
        Plan.objects.filter(pk=plan.pk).update(state=Plan.State.POSTED)
    verdict = prove.prove_plan(plan)
    trail.record(
        "plan.proved",
        f"plan:{plan.pk}",
        tenant_id=plan.tenant_id,
        settlement=plan.settlement.settlement_id,
        verdict=verdict,
    )


def taken_back(undo: Delivery) -> None:
    """An undo is in the books: its target is not, nor does it own its key any more."""
    target = Delivery.objects.get(remote_key=undo.remote_key, key=undo.key.removesuffix("/undo"), live=True)
    Delivery.objects.filter(pk=target.pk).update(state=State.UNDONE, live=False)
    Coverage.objects.filter(payment=target).delete()
    InvoiceBalance.objects.filter(delivery=target).delete()
    trail.record("delivery.undone", f"delivery:{target.pk}", tenant_id=target.tenant_id, by=undo.pk)


def answered_differently(row: Delivery) -> None:
    """The ledger booked another total than was sent: it stays visible until a person has looked."""
    alert(
        row.tenant_id,
        "different_total",
        f"delivery:{row.pk}:total",
        f"{row.flow.target.remote_name} booked another total for {row.number}",
        "The document is in the books, but with another total than the one that was sent.",
        "Open it in the ledger. Undo the settlement and post it again once the cause is mended.",
        f"/audit/{row.pk}/",
    )


def tell(flow: Flow) -> None:
    """Raise, renew or settle the flow's one alert about documents that wait for a person."""
    waiting = Delivery.objects.filter(flow=flow, state__in=STOPPED).exclude(plan__state=Plan.State.PLANNED)
    count, key = waiting.count(), f"flow:{flow.pk}:waiting"
    if not count:
        settle_alert(flow.tenant_id, key)
        return
    first = waiting.order_by("id").first()
    assert first is not None
    alert(
        flow.tenant_id,
        "waiting",
        key,
        f"{flow.name}: {count} document{'s' if count > 1 else ''} need you",
        first.reason,
        first.action or "Open the audit page; it says for each one what to do.",
        f"/audit/?flow={flow.pk}&state=held&state=parked",
    )


def _undone(plan: Plan) -> None:
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.UNDONE, proved_at=None)
    Coverage.objects.filter(plan=plan).delete()
    plan.carriers.all().delete()
    trail.record("plan.undone", f"plan:{plan.pk}", tenant_id=plan.tenant_id, settlement=plan.settlement.settlement_id)


def _later() -> Q:
    """Rows that only wait for their day (a payout is not booked before it)."""
    return Q(not_before__isnull=False, state__in=[State.READY, State.BLOCKED, State.PLANNED])

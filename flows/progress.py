"""What changes beyond a delivery when its outcome is known: its plan, what it took back, who has to be told."""

from collections.abc import Iterable

from django.db.models import F, Q

from audit import trail
from flows import balances, proving, rows
from flows.models import Coverage, Delivery, Flow, Plan
from kit import clock
from tenants.alerts import alert, settle_alert
from tenants.models import Alert, Connection

State = Delivery.State
STOPPED = (State.HELD, State.PARKED)
PAUSED = "paused"  # code of what a pause holds back: nobody has to look at it
_MOVING = (State.PLANNED, State.BLOCKED, State.READY, State.SENDING, State.UNCERTAIN, State.FAILED)


def after_outcome(rows: Iterable[Delivery]) -> None:
    """Move the plans of these rows on, and keep the flow's alert about what needs a person up to date."""
    found = list(rows)
    for plan_id in {row.plan_id for row in found if row.plan_id}:
        # Plans are heavy and mostly still on their way.
        if not _is_moving(plan_id):
            settle_plan(Plan.objects.select_related("settlement", "flow__target").get(pk=plan_id))
    for flow in {row.flow_id: row.flow for row in found}.values():
        tell(flow)


def settle_plan(plan: Plan) -> None:
    """Finish a plan whose rows are all in the books (or all taken back), and have it proved."""
    own = Delivery.objects.filter(plan=plan)
    undos = own.filter(kind="undo")
    if plan.state == Plan.State.UNDOING:
        # Locked: who plans the undo and who takes the last document back may end at once, and each would leave it to the other.
        still_planned = Plan.objects.select_for_update().values_list("undo_at", flat=True).get(pk=plan.pk)
        if still_planned is None and not undos.exclude(state=State.POSTED).exists():
            _undone(plan)
        return
    if _is_moving(plan.pk):
        return
    unfinished = own.filter(state__in=[*_MOVING, *STOPPED])
    if plan.state == Plan.State.POSTING and not unfinished.exists():
        Plan.objects.filter(pk=plan.pk, state=Plan.State.POSTING).update(state=Plan.State.POSTED)
    proving.ask(plan)
    balances.ask(plan.flow.target)


def _is_moving(plan_id: int) -> bool:
    """Whether something of a plan goes on by itself now; what waits for its day or for another document does not."""
    moving = Delivery.objects.filter(plan=plan_id, state__in=_MOVING)
    return moving.exclude(_later()).exclude(state=State.BLOCKED).exists()


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
    waiting = waiting.exclude(code=PAUSED).exclude(rows.changed_by_hand())
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
        f"{flow.name}: {count} document{'s need' if count > 1 else ' needs'} you",
        first.reason,
        first.action or "Open the audit page; it says for each one what to do.",
        f"/audit/?flow={flow.pk}&state=held&state=parked",
    )


def tell_changed(flow: Flow, plan: Plan | None) -> None:
    """Raise, renew or settle the one alert about what somebody changed in the ledger: of a settlement, or of what the flow
    booked outside of any."""
    changed = Delivery.objects.filter(rows.changed_by_hand(), flow=flow, plan=plan).order_by("id")
    first = changed.first()
    key = f"plan:{plan.pk}:changed" if plan else f"flow:{flow.pk}:changed"
    if first is None:
        settle_alert(flow.tenant_id, key)
        return
    count = changed.count()
    of = f" of settlement {plan.settlement.settlement_id}" if plan else ""
    alert(
        flow.tenant_id,
        "changed_in_ledger",
        key,
        f"{count} document{'s' if count > 1 else ''}{of} changed in {flow.target.remote_name}",
        f"{first.number or first.kind}: {first.reason}",
        first.action,
        f"/settlements/{plan.settlement_id}/?plan={plan.pk}" if plan else f"/audit/?flow={flow.pk}&state=parked",
    )


def lane_stuck(remote_key: str, reason: str, only: int | None = None) -> None:
    """Tell everyone with work for a company, or one tenant of them, that nothing of theirs can be written to it now. Nothing is
    lost and no try is used up."""
    for tenant_id, name in _waiting_at(remote_key).items():
        if only not in (None, tenant_id):
            continue
        alert(
            tenant_id,
            "company_unreachable",
            f"lane:{remote_key}",
            f"Nothing can be written to {name} at the moment",
            f"{reason}. What waits is kept and goes on by itself.",
            "Nothing to do, unless it lasts: then test the connection.",
            "/connections/",
        )


def lane_well(remote_key: str, only: int | None = None) -> None:
    """Settle what ``lane_stuck`` told, everyone or one tenant."""
    told = Alert.objects.filter(key=f"lane:{remote_key}", settled_at__isnull=True)
    for tenant_id in list(told.values_list("tenant_id", flat=True)):
        if only in (None, tenant_id):
            settle_alert(tenant_id, f"lane:{remote_key}")


def _waiting_at(remote_key: str) -> dict[int, str]:
    waiting = Delivery.objects.filter(remote_key=remote_key, live=True, state__in=_MOVING)
    return dict(waiting.order_by().values_list("tenant_id", "flow__target__remote_name").distinct())


def _undone(plan: Plan) -> None:
    if not Plan.objects.filter(pk=plan.pk, state=Plan.State.UNDOING).update(
        state=Plan.State.UNDONE, proved_at=None, prove_at=None
    ):
        return
    Coverage.objects.filter(plan=plan).delete()
    plan.carriers.all().delete()
    # What came back out of the books by itself meanwhile has no settlement to wait for any more.
    left = Delivery.objects.filter(plan=plan, live=True, external_id="").exclude(kind="undo")
    left.update(state=State.DROPPED, live=False)
    _hand_over(plan)
    balances.ask(plan.flow.target)
    tell_changed(plan.flow, plan)
    trail.record("plan.undone", f"plan:{plan.pk}", tenant_id=plan.tenant_id, settlement=plan.settlement.settlement_id)


def _hand_over(plan: Plan) -> None:
    """Let the settlement be planned again wherever it was held because it was in this company's books already."""
    Plan.objects.filter(
        Connection.of_company(plan.flow.target.remote_key, "flow__target__"),
        settlement__settlement_id=plan.settlement.settlement_id,
    ).exclude(state__in=[Plan.State.UNDOING, Plan.State.UNDONE]).update(asked=F("asked") + 1)


def _later() -> Q:
    """Rows that only wait for their day (a payout is not booked before it)."""
    today = clock.now().date()
    return Q(not_before__gt=today, state__in=[State.READY, State.BLOCKED, State.PLANNED])

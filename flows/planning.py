"""From a settlement to outbox rows: what is planned, looked at, approved, planned again and let go.

Planning the same facts twice gives the same documents and writes nothing. ``planner`` does the work.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from amazon.models import Settlement
from audit import trail
from bookkeeping.accounts import ACCOUNTS, SYSTEM, AccountClass, AccountKey, account_key
from bookkeeping.documents import Kind
from bookkeeping.remarks import HoldReason
from flows import bank_matches, chain, groundwork, history, opening, planner, rows, shipments
from flows.drafts import policy_of
from flows.models import Delivery, Flow, Plan
from flows.opening import plan_opening
from flows.planner import kick
from flows.rows import Draft
from kit import clock
from kit.scope import scope, unscoped

DISPATCHED_S: Final = 60  # how long a flow counts as taken once a worker was sent to plan it

State = Delivery.State
_OPEN: Final = (Plan.State.PLANNING, Plan.State.PLANNED, Plan.State.POSTING)
# What makes the ledger ready for documents may go before anybody approved any.
GROUNDWORK: Final = frozenset({Kind.ACCOUNT, Kind.CUSTOMER, Kind.ITEM})


def plan_new(flow: Flow, *, at_once: bool = False) -> int:
    """Plan every settlement of the flow that was never planned, oldest first; returns how many. What waited for another
    settlement, could not be planned, or is to be posted anew is planned again.

    A worker plans all of it ``at_once``; for a person who waits, much of it is left to a worker.
    """
    known = Plan.objects.filter(flow=flow, settlement=OuterRef("pk"))
    new = list(history.in_the_books(flow).exclude(Exists(known)))
    for settlement in new:
        _begin(flow, settlement)
    _begin_reposts(flow)
    waiting = Plan.objects.filter(flow=flow, state__in=(*_OPEN, Plan.State.POSTED))
    waits = ~Q(problem="") | Q(settlement__payout_failed=True)
    held = Delivery.objects.filter(plan=OuterRef("pk"), state=State.HELD)
    if new:
        waits |= Q(Exists(held.filter(code__in=[HoldReason.CONTINUITY, HoldReason.PAYOUT_UNMATCHED])))
        waits |= Q(settlement__starts_at__in=[settlement.ends_at for settlement in new])
        waits |= Q(settlement__in=[gap.after.pk for gap in chain.gaps()])  # where it begins may have moved
    doubted, held_back = Q(settlement__in=history.doubted_in(flow)), Q(Exists(held.filter(code=HoldReason.OVERLAP)))
    waits |= (doubted & ~held_back & Q(state__in=_OPEN)) | (held_back & ~doubted)
    planner.mark(waiting.filter(waits))
    if at_once:
        planner.catch_up(flow)
    else:
        planner.soon(flow)
    _approve_reposted(flow)
    if new and not flow.books_from:
        opening.bring_up_to_date(flow)  # it is dated by the first settlement
    chain.tell()
    bank_matches.match_all()
    return len(new)


def plan_uploaded(settlement: Settlement) -> None:
    """Plan a settlement that a person brought in, in every flow it belongs to."""
    flows = Flow.objects.filter(currency=settlement.currency).select_related("source", "target")
    for flow in flows:
        if history.settlements_of(flow).filter(pk=settlement.pk).exists():
            plan_new(flow)
            release(flow)


def plan_settlement(flow: Flow, settlement: Settlement) -> Plan:
    """Plan one settlement, or plan it again after an undo under the next revision."""
    plan = Plan.objects.filter(flow=flow, settlement=settlement).exclude(state=Plan.State.UNDONE).first()
    if plan is None:
        plan = _begin(flow, settlement)
    else:
        planner.mark(Plan.objects.filter(pk=plan.pk))
    planner.soon(flow)
    plan.refresh_from_db()
    return plan


def post_anew(flow: Flow) -> None:
    """Plan what was taken back in order to be posted anew, and approve it: whoever asked for it has."""
    _begin_reposts(flow)
    planner.soon(flow)
    _approve_reposted(flow)


def replan(plan: Plan) -> None:
    """Bring a plan up to the current mapping, labels and data. What was sent stays; its documents must come out the same."""
    planner.mark(Plan.objects.filter(pk=plan.pk))
    planner.soon(plan.flow)
    plan.refresh_from_db()


def replan_open(flow: Flow) -> None:
    """Plan again whatever is not wholly in the books, oldest first: a mapping or a label has changed."""
    planner.mark(Plan.objects.filter(flow=flow, state__in=_OPEN))
    planner.soon(flow)
    opening.bring_up_to_date(flow)
    shipments.bring_up_to_date(flow)
    groundwork.drop_refused(flow)
    release(flow)


def plan_flow(flow_id: int, taken_until: datetime | None = None) -> None:
    """Catch up with a flow's planning and let go what needs no approval. For workers: it may take minutes.

    ``taken_until`` is what ``flows_to_plan`` returned with the flow; where somebody else has taken it since, nothing is done.
    """
    with unscoped("the flow names its tenant"):
        flow = Flow.objects.select_related("source", "target").get(pk=flow_id)
    with scope(flow.tenant_id):
        if taken_until is not None and not planner.claim(flow, planner.LEASE_S, instead_of=taken_until):
            return
        _begin_reposts(flow)
        planner.catch_up(flow, claimed=taken_until is not None)
        _approve_reposted(flow)
        groundwork.drop_refused(flow)
        release(flow)


def flows_to_plan() -> list[tuple[int, datetime]]:
    """Return the flows with settlements to plan that nobody plans, each taken until then for the worker that is sent to it."""
    now = clock.now()
    until = now + timedelta(seconds=DISPATCHED_S)
    with unscoped("the schedule serves every tenant"):
        marked = Plan.objects.filter(flow=OuterRef("pk"), asked__gt=F("made"))
        free = Flow.objects.filter(Q(planning_until=None) | Q(planning_until__lte=now))
        due = free.filter(Exists(marked) | Exists(_reposts().filter(flow=OuterRef("pk"))))
        found = list(due.values_list("pk", flat=True))
        return [(pk, until) for pk in found if free.filter(pk=pk).update(planning_until=until)]


def approve(plan: Plan, actor: str) -> int:
    """Let a plan be posted. Returns how many documents go out; what is held stays held.

    Nothing happens while the plan is being planned again, or could not be: what a person approves is what they saw.
    """
    with trail.recorded():
        # Asked of the flow by itself: in a join, Postgres would let two at once through.
        live = Flow.objects.filter(pk=plan.flow_id, state=Flow.State.LIVE).exists()
        waiting = Plan.objects.filter(pk=plan.pk, state=Plan.State.PLANNED, asked=F("made"), problem="")
        if not live or not waiting.update(state=Plan.State.POSTING, approved_by=actor, approved_at=clock.now()):
            return 0
        trail.record(
            "plan.approved",
            f"plan:{plan.pk}",
            tenant_id=plan.tenant_id,
            actor=actor,
            documents=Delivery.objects.filter(plan=plan, state=State.PLANNED, live=True).count(),
            settlement=plan.settlement.settlement_id,
            mapping_version=plan.mapping_version,
        )
    sent = rows.release(Delivery.objects.filter(plan=plan))
    kick(plan.flow.target.remote_key)
    return sent


def release(flow: Flow) -> None:
    """Let go what the flow posts by itself, oldest settlement first."""
    if flow.state != Flow.State.LIVE:
        return
    own = Delivery.objects.filter(flow=flow, plan=None, state=State.PLANNED).exclude(kind__in=GROUNDWORK)
    # What is being planned again may be half old, half new by now: its planner lets it go.
    unfinished = Delivery.objects.filter(flow=flow, plan__state=Plan.State.POSTING, plan__asked=F("plan__made"))
    unfinished = unfinished.filter(plan__problem="")
    if rows.release(own) + rows.release(unfinished):
        kick(flow.target.remote_key)
    if flow.approval != Flow.Approval.AUTOMATIC:
        return
    waiting = Plan.objects.filter(flow=flow, state=Plan.State.PLANNED).select_related("settlement", "flow__target")
    for plan in waiting.order_by("settlement__ends_at"):
        approve(plan, "automatic")


def state_payout_failed(settlement: Settlement, actor: str, *, failed: bool = True) -> None:
    """Say that a settlement's payout never arrived (or that it did after all), before it was booked.

    A payout that waits is held, until a later settlement takes it back and both are never booked. One that is in the books
    stays: the money is in a later total, and the row that takes it back is booked as a movement.
    """
    with trail.recorded():
        if not Settlement.objects.filter(pk=settlement.pk).exclude(payout_failed=failed).update(payout_failed=failed):
            return
        trail.record(
            "settlement.payout_failed" if failed else "settlement.payout_arrived",
            f"settlement:{settlement.pk}",
            tenant_id=settlement.tenant_id,
            actor=actor,
            settlement_id=settlement.settlement_id,
        )
    follow_payout(settlement)


def state_received(settlement: Settlement, actor: str, received: int | None, currency: str) -> None:
    """Say how much of a payout in another currency arrived, in minor units of the books' ``currency``; None: nobody knows.

    A payout that waited for it goes on. One that was sent stays as it is.
    """
    with trail.recorded():
        different = Settlement.objects.filter(pk=settlement.pk).exclude(
            received=received, received_currency=currency if received is not None else ""
        )
        if not different.update(received=received, received_currency=currency if received is not None else ""):
            return
        trail.record(
            "settlement.received",
            f"settlement:{settlement.pk}",
            tenant_id=settlement.tenant_id,
            actor=actor,
            settlement_id=settlement.settlement_id,
            received=received,
            currency=currency,
        )
    settlement.refresh_from_db(fields=["received", "received_currency"])
    follow_payout(settlement)


def follow_rates(flow: Flow) -> None:
    """Plan again at the rates of now whatever was not sent yet."""
    shipments.bring_up_to_date(flow, whatever=True)
    replan_open(flow)


def follow_payout(settlement: Settlement) -> None:
    """Plan a settlement again, and those after it that rest on its payout."""
    # A settlement that is before the books has no plan; a later one may wait to hear of its payout all the same.
    own, later = Q(settlement=settlement), Q(state__in=_OPEN, settlement__starts_at__gte=settlement.ends_at)
    for flow in Flow.objects.filter(currency=settlement.currency).select_related("source", "target"):
        if history.settlements_of(flow).filter(pk=settlement.pk).exists():
            planner.mark(Plan.objects.filter(own | later, flow=flow).exclude(state=Plan.State.UNDONE))
            planner.soon(flow)
    bank_matches.match_all()


def unused_keys(flow: Flow) -> frozenset[AccountKey]:
    """Return the account keys that nothing is ever booked to as the flow's documents are cut, or only to the ledger's own."""
    policy = policy_of(flow)
    if policy.income_and_expenses:
        kept = {AccountClass.EXPENSE, AccountClass.COST_OF_SALES, AccountClass.CONTRA_INCOME}
        return frozenset(key for key in AccountKey if ACCOUNTS[key].account_class not in kept)
    ends = {AccountKey.BANK, AccountKey.CHARGE_METHOD, AccountKey.PAYOUTS}
    used = {account_key(policy.payouts_to), account_key(policy.charges_to)}
    if policy.onward:
        used |= {AccountKey.BANK, AccountKey.CHARGE_METHOD}
    return SYSTEM | (ends - used)


def needed_keys(flow: Flow) -> set[AccountKey]:
    """Return the account keys that the planned settlements use; clearing, and where payouts go, always."""
    policy = policy_of(flow)
    needed = {AccountKey.CLEARING, account_key(policy.payouts_to)} | ({AccountKey.BANK} if policy.onward else set())
    for statement in Plan.objects.filter(flow=flow).values_list("statement", flat=True):
        for by_key in statement.get("totals", {}).values():
            needed |= {account_key(key) for key, amount in by_key.items() if amount}
        if any(movement["kind"] == "C" for movement in statement.get("movements", [])):
            needed |= {account_key(policy.charges_to)} | ({AccountKey.CHARGE_METHOD} if policy.onward else set())
    if flow.converts:
        needed |= {AccountKey.FX, AccountKey.FX_COST}
    if opening.stated(flow) or history.failed_before_the_books(flow):
        needed.add(AccountKey.OPENING)
        needed |= {AccountKey.RESERVE} if flow.opening_reserve else set()
        needed |= {AccountKey.LOAN} if flow.opening_loan else set()
    return needed - unused_keys(flow)


def ensure_deliveries(flow: Flow, drafts: Sequence[Draft], state: str) -> None:
    """Create deliveries that belong to no settlement, but for those whose key the company already has."""
    rows.ensure(flow, drafts, state)
    kick(flow.target.remote_key)


def may_post(row: Delivery) -> bool:
    """Whether a row may leave: its flow is live and its plan approved."""
    if row.flow.state != Flow.State.LIVE and row.kind not in GROUNDWORK:
        return False
    return row.plan is None or row.plan.state in (Plan.State.POSTING, Plan.State.POSTED, Plan.State.UNDOING)


def _begin(flow: Flow, settlement: Settlement, approved_by: str = "") -> Plan:
    """Make the plan of a settlement, to be planned next."""
    revision = history.next_revision(flow, settlement)
    plan, _ = Plan.objects.get_or_create(
        tenant_id=flow.tenant_id,
        flow=flow,
        settlement=settlement,
        revision=revision,
        defaults={
            "last_revision": revision,
            "mode": flow.mode,
            "state": Plan.State.PLANNING,
            "mapping_version": flow.mapping_version,
            "report": settlement.report,
            "approved_by": approved_by,
        },
    )
    return plan


def _begin_reposts(flow: Flow) -> None:
    for plan in _reposts().filter(flow=flow).select_related("settlement__report"):
        with transaction.atomic():
            if Plan.objects.filter(pk=plan.pk).exclude(repost_by="").update(repost_by=""):
                _begin(flow, plan.settlement, approved_by=plan.repost_by)


def _reposts() -> QuerySet[Plan]:
    live = Plan.objects.filter(flow=OuterRef("flow"), settlement=OuterRef("settlement")).exclude(
        state=Plan.State.UNDONE
    )
    return Plan.objects.filter(state=Plan.State.UNDONE).exclude(repost_by="").exclude(Exists(live))


def _approve_reposted(flow: Flow) -> None:
    """Approve what a person asked to be posted anew: that was their approval."""
    waiting = Plan.objects.filter(flow=flow, state=Plan.State.PLANNED, asked=F("made")).exclude(approved_by="")
    for plan in waiting.select_related("settlement", "flow__target"):
        approve(plan, plan.approved_by)


__all__ = [
    "approve",
    "ensure_deliveries",
    "flows_to_plan",
    "follow_payout",
    "follow_rates",
    "kick",
    "may_post",
    "needed_keys",
    "plan_flow",
    "plan_new",
    "plan_opening",
    "plan_settlement",
    "plan_uploaded",
    "post_anew",
    "release",
    "replan",
    "replan_open",
    "state_payout_failed",
    "state_received",
]

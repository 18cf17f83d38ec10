"""An uploaded settlement that may be another seller's: a person says that it belongs, or takes the file away again."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import Final

from django.db.models import Exists, OuterRef, Q

from amazon import overlaps
from amazon.models import Report, Settlement
from amazon.reports import drop_bytes
from audit import trail
from flows import chain, history, planner, planning
from flows.cannot import Cannot
from flows.models import Attempt, Delivery, Flow, Plan
from tenants.alerts import settle_alert

State = Delivery.State
_AT_REST: Final = (State.PLANNED, State.HELD, State.DROPPED)


class CannotDecide(Cannot):
    """Why nothing can be decided about an upload, and what to do."""


def state_belongs(settlement: Settlement, actor: str) -> None:
    """Say that a settlement is this seller's after all; what it held goes on. Raises CannotDecide where nobody doubts it."""
    why = overlaps.doubt(settlement)
    with trail.recorded():
        if not why or not Settlement.objects.filter(pk=settlement.pk, belongs=False).update(belongs=True):
            raise CannotDecide("Nothing speaks against this settlement being this seller's.", "Nothing to do.")
        trail.record(
            "settlement.belongs",
            f"settlement:{settlement.pk}",
            tenant_id=settlement.tenant_id,
            actor=actor,
            settlement_id=settlement.settlement_id,
            why=why,
        )
    for flow in _flows(settlement):
        _follow(flow, settlement.starts_at, settlement.ends_at)
    chain.tell()


def why_kept(settlement: Settlement) -> CannotDecide | None:
    """Return why an upload cannot be removed, None where it can."""
    if overlaps.handed_over(settlement):
        return CannotDecide("Amazon itself handed this settlement over for the account.", "It stays.")
    rows = Delivery.objects.filter(plan__settlement=settlement)
    if rows.filter(Exists(Attempt.deliveries.through.objects.filter(delivery_id=OuterRef("pk")))).exists():
        return CannotDecide(
            "Something of this settlement was sent to the ledger, so it stays, with its history.",
            "If it is in the books, take it out of them.",
        )
    if rows.exclude(state__in=_AT_REST).exists():
        return CannotDecide("This settlement is approved and on its way to the ledger.", "Pause its flow, or wait.")
    return None


def remove(settlement: Settlement, actor: str) -> None:
    """Take away an uploaded settlement of which nothing was ever sent, with what was planned of it. The trail stays, and so
    does the upload among the files that do not count, without its content.

    Raises CannotDecide.
    """
    flows = list(_flows(settlement))
    files = list(Report.objects.filter(settlement=settlement))
    with ExitStack() as stack, trail.recorded():
        for flow in flows:
            if not stack.enter_context(planner.sole(flow)):
                raise CannotDecide("The settlement is being planned at this moment.", "Try again in a minute.")
        list(Delivery.objects.select_for_update().filter(plan__settlement=settlement).values_list("pk"))
        if kept := why_kept(settlement):
            raise kept
        plans = list(Plan.objects.filter(settlement=settlement).values_list("pk", flat=True))
        Delivery.objects.filter(plan__in=plans).delete()
        Plan.objects.filter(pk__in=plans).delete()
        settlement.reports.update(
            state=Report.State.REFUSED,
            problem="A person took this file away: it does not belong to this account.",
            action="Nothing to do. Upload it again if it does belong here.",
        )
        for key in (*(f"plan:{pk}:problem" for pk in plans), f"settlement:{settlement.pk}:differs"):
            settle_alert(settlement.tenant_id, key)
        trail.record(
            "settlement.removed",
            f"settlement:{settlement.pk}",
            tenant_id=settlement.tenant_id,
            actor=actor,
            settlement_id=settlement.settlement_id,
            files=[{"report": one.pk, "sha256": one.sha256} for one in files],
        )
        starts_at, ends_at = settlement.starts_at, settlement.ends_at
        settlement.delete()
    for file in files:
        drop_bytes(file)
    for flow in flows:
        _follow(flow, starts_at, ends_at)
    chain.tell()


def _flows(settlement: Settlement) -> Iterator[Flow]:
    for flow in Flow.objects.filter(currency=settlement.currency).select_related("source", "target"):
        if history.settlements_of(flow).filter(pk=settlement.pk).exists():
            yield flow


def _follow(flow: Flow, starts_at: datetime, ends_at: datetime) -> None:
    """Plan again what stands beside a period or follows it, and let go what may go."""
    beside = Q(settlement__starts_at__lt=ends_at, settlement__ends_at__gt=starts_at)
    plans = Plan.objects.filter(flow=flow).exclude(state__in=[Plan.State.UNDOING, Plan.State.UNDONE])
    planner.mark(plans.filter(beside | Q(settlement__starts_at=ends_at)))
    planner.soon(flow)
    planning.release(flow)

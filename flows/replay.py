"""Replay: send again what failed, was parked or held, one or many."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from audit import trail
from bookkeeping.remarks import HoldReason
from flows import planning, rows
from flows.models import Delivery, Plan

State = Delivery.State
REPLAYABLE = (State.FAILED, State.PARKED, State.HELD)
_ON_ITS_WAY = (State.READY, State.BLOCKED)
# What planning holds only planning lets go: sent as it is, a document with undecided rows would leave them out.
_BY_PLANNING = frozenset({*HoldReason, rows.ELSEWHERE})


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many rows go out again, and how many stay as they are with their reason."""

    sent: int
    kept: int


def replay(tenant_id: int, ids: Iterable[int], actor: str) -> Replayed:
    """Replay deliveries of one tenant by id; ids of others are ignored. What the plan held is planned again first."""
    found = list(
        Delivery.objects.filter(tenant_id=tenant_id, pk__in=list(ids), state__in=REPLAYABLE).select_related("plan")
    )
    held_plans = {row.plan_id for row in found if row.state == State.HELD and row.plan_id}
    for plan in Plan.objects.filter(pk__in=held_plans):
        planning.replan(plan)
    freed = Delivery.objects.filter(pk__in=[row.pk for row in found], state__in=_ON_ITS_WAY).count()
    sent = freed + sum(_replay_one(row.pk, actor) for row in found)
    for remote_key in {row.remote_key for row in found}:
        planning.kick(remote_key)
    return Replayed(sent, len(found) - sent)


def _is_held_by_planning(row: Delivery) -> bool:
    return row.state == State.HELD and row.code in _BY_PLANNING


def _replay_one(delivery_id: int, actor: str) -> int:
    with transaction.atomic():
        row = Delivery.objects.select_for_update().filter(pk=delivery_id, state__in=REPLAYABLE).first()
        if row is None or not planning.may_post(row) or _is_held_by_planning(row):
            return 0
        again = State.UNCERTAIN if row.code in rows.LOOK_FIRST else rows.open_state(row)
        if again in (State.PLANNED, State.HELD):
            return 0
        changed = Delivery.objects.filter(pk=row.pk).update(
            state=again, tries=0, next_attempt_at=None, priority=Delivery.Priority.PERSON, reason="", action="", code=""
        )
        trail.record(
            "delivery.replayed",
            f"delivery:{row.pk}",
            tenant_id=row.tenant_id,
            actor=actor,
            was=row.state,
            why=row.reason,
        )
    return changed

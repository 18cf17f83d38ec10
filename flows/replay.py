"""Replay: send again what failed, was parked or held, one or many."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from audit import trail
from bookkeeping.remarks import HoldReason
from flows import planning, rows, taking_back
from flows.models import Delivery, Plan
from ledgers.port import AuthorizationLost, NotSent, Unknown
from ledgers.registry import asked, refresh_lists

State = Delivery.State
REPLAYABLE = (State.FAILED, State.PARKED, State.HELD)
_ON_ITS_WAY = (State.READY, State.BLOCKED)
# What planning holds only planning lets go: sent as it is, a document with undecided rows would leave them out.
_BY_PLANNING = frozenset({*HoldReason, rows.ELSEWHERE})
# What goes by the company's lists as they were read: somebody may have mended it there since.
_BY_LISTS = (HoldReason.ITEM_ACCOUNT, HoldReason.BOOKS_CURRENCY, "not_renderable")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many rows go out again, and how many stay as they are with their reason."""

    sent: int
    kept: int


def replay(tenant_id: int, ids: Iterable[int], actor: str) -> Replayed:
    """Replay deliveries of one tenant by id; ids of others are ignored. What the plan held is planned again first.

    What was refused goes out under its next generation; what nobody can tell is looked up before anything is sent. Where the
    company's lists were in the way they are read anew, so this may call the ledger: never inside a transaction.
    """
    chosen = Delivery.objects.filter(tenant_id=tenant_id, pk__in=list(ids), state__in=REPLAYABLE)
    found = list(chosen.select_related("plan", "flow__target"))
    _read_lists(found)
    held_plans = {row.plan_id for row in found if row.state == State.HELD and row.plan_id}
    for plan in Plan.objects.filter(pk__in=held_plans):
        planning.replan(plan)
    asked = [row.pk for row in found]
    sent = set(Delivery.objects.filter(pk__in=asked, state__in=_ON_ITS_WAY).values_list("pk", flat=True))
    for row in found:
        if row.pk not in sent:
            sent |= _replay_one(row.pk, actor)
    for remote_key in {row.remote_key for row in found}:
        planning.kick(remote_key)
    return Replayed(len(sent.intersection(asked)), len(set(asked) - sent))


def _read_lists(found: Iterable[Delivery]) -> None:
    """Read the lists of each company anew that a row was held by; one that does not answer keeps those it has."""
    companies = {row.flow.target_id: row.flow.target for row in found if row.code in _BY_LISTS}
    for target in companies.values():
        try:
            asked(target)
            refresh_lists(target)
        except (NotSent, AuthorizationLost, Unknown) as error:
            log.warning("the lists of connection %s could not be read: %s", target.pk, error)


def _replay_one(delivery_id: int, actor: str) -> set[int]:
    """Let a row go, and what goes with it; returns the ids of both."""
    with trail.recorded():
        row = Delivery.objects.select_for_update().filter(pk=delivery_id, state__in=REPLAYABLE).first()
        if row is None or not _may_go(row):
            return set()
        again = State.UNCERTAIN if row.code in rows.LOOK_FIRST else rows.open_state(row)
        # A frozen call goes out whole: what was parked with it goes with it.
        frozen = Q(resend=row.resend_id, resend__isnull=False, state__in=REPLAYABLE)
        together = set(Delivery.objects.filter(Q(pk=row.pk) | frozen).values_list("pk", flat=True))
        Delivery.objects.filter(pk__in=together).update(
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
    return together


def _may_go(row: Delivery) -> bool:
    if not row.live or not planning.may_post(row):
        return False
    if rows.is_changed_by_hand(row) and row.plan and row.plan.state == Plan.State.UNDOING:
        return False  # its undo looks at it
    if row.state == State.HELD and row.code in _BY_PLANNING:
        return False
    # One that came out differently goes again once it is out of the books.
    return row.code != taking_back.DIFFERENT or not row.external_id

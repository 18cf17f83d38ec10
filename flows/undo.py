"""Taking a settlement out of the books: one undo per document, in reverse order of dependency, each a delivery of its own."""

import json
from datetime import date
from typing import Final

from django.db.models import Q

from audit import trail
from bookkeeping import undo as undoing
from bookkeeping.documents import Kind, document_from
from bookkeeping.planned import Planned
from bookkeeping.undo import ClosedPeriod
from flows import planning, progress, rows
from flows.models import Coverage, Delivery, Dependency, Plan
from flows.rows import Draft
from ledgers import reference

State = Delivery.State
# Refused, held or waiting: a proven refusal and a look-up that found nothing are proofs. A frozen call that is about to go out
# again is on its way; one that was given to a person is not.
_NEVER_SENT: Final = Q(external_id="") & (
    Q(state__in=[State.PLANNED, State.BLOCKED, State.HELD])
    | Q(state__in=[State.READY, State.FAILED], resend=None)
    | (Q(state=State.PARKED) & ~Q(code="cannot_tell"))
)


class CannotUndo(Exception):
    """Why a settlement cannot be taken back now, and what to do."""

    def __init__(self, text: str, action: str) -> None:
        super().__init__(text)
        self.text, self.action = text, action


def undo(plan: Plan, actor: str) -> int:
    """Plan the undo of everything of a settlement that is in the books, and let it go. Returns how many documents are taken back.

    What never reached the books is dropped. Raises CannotUndo while an answer is out, in a closed period, or when a later
    settlement pays an invoice that this one made.
    """
    with trail.recorded():
        changed = Plan.objects.filter(pk=plan.pk, state__in=[Plan.State.POSTING, Plan.State.POSTED]).update(
            state=Plan.State.UNDOING
        )
        if not changed:
            raise CannotUndo("Nothing of this settlement is in the books.", "There is nothing to undo.")
        live = Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE]).exclude(kind="undo")
        # Nothing of it is sent from here on; what is on its way by now is seen below.
        live.filter(_NEVER_SENT).update(state=State.DROPPED, live=False, resend=None)
        _refuse(plan, list(live.exclude(state=State.POSTED)))
        # What came out otherwise than it was sent is in the books all the same, and goes with the rest.
        live.update(state=State.POSTED, reason="", action="", code="")
        progress.tell_changed(plan.flow, plan)
        undone = _undone(plan, list(live.order_by("id")))
        rows.add(plan, [Draft(one, {}, None, one.depends_on) for one in undone], State.PLANNED)
        Delivery.objects.filter(plan=plan, kind="undo").update(priority=Delivery.Priority.PERSON)
        rows.release(Delivery.objects.filter(plan=plan, kind="undo"))
        if not undone:
            plan.state = Plan.State.UNDOING
            progress.settle_plan(plan)
        trail.record(
            "plan.undo_asked",
            f"plan:{plan.pk}",
            tenant_id=plan.tenant_id,
            actor=actor,
            documents=len(undone),
            settlement=plan.settlement.settlement_id,
        )
    planning.kick(plan.flow.target.remote_key)
    return len(undone)


def _refuse(plan: Plan, left: list[Delivery]) -> None:
    """Raise CannotUndo while something may be in the books of which nobody knows whether it is, or how.

    ``left`` is what is neither in the books for certain nor was dropped just now. One that came out differently is in the
    books; what takes it back already is let go first.
    """
    for row in left:
        if row.code == "cannot_tell":
            raise CannotUndo(
                f"Nobody can say whether {row.number or row.kind} is in the books.",
                "Replay that record first: it is looked up again. Then undo the settlement.",
            )
        if row.state in (State.SENDING, State.UNCERTAIN, State.READY, State.FAILED):
            raise CannotUndo("An answer of the ledger is still out.", "Try again in a few minutes.")
    if _paid_by_others(plan):
        raise CannotUndo(
            "A later settlement pays an invoice that this one made, or somebody closed it.",
            "Undo the later settlement first, then this one.",
        )


def _undone(plan: Plan, in_the_books: list[Delivery]) -> tuple[Planned, ...]:
    try:
        undone = undoing.undo(_planned(plan, in_the_books), closed_until=_closed_until(plan))
    except ClosedPeriod as error:
        raise CannotUndo(
            f"{len(error.keys)} document{'s are' if len(error.keys) > 1 else ' is'} dated in the period that is closed until "
            f"{error.closed_until:%d %B %Y}.",
            "Open the period in the ledger first, or leave the settlement as it is.",
        ) from error
    # An entry whose accounts are being moved is on its way out already.
    going = set(Delivery.objects.filter(plan=plan, kind=Kind.UNDO, live=True).values_list("key", flat=True))
    return tuple(one for one in undone if one.key not in going)


def _paid_by_others(plan: Plan) -> bool:
    made = Coverage.objects.filter(invoice__delivery__plan=plan, invoice__delivery__live=True)
    return made.exclude(plan=plan).exists()


def _closed_until(plan: Plan) -> date | None:
    return reference.cached(plan.flow.target).closed_until


def _planned(plan: Plan, found: list[Delivery]) -> list[Planned]:
    needs: dict[int, list[str]] = {}
    named = Dependency.objects.filter(delivery__plan=plan).exclude(key__startswith="company/").order_by("pk")
    for row_id, key in named.values_list("delivery_id", "key"):
        needs.setdefault(row_id, []).append(key)
    return [
        Planned(
            row.key, document_from(json.loads(row.document)), depends_on=tuple(needs.get(row.pk, ())), part=row.part
        )
        for row in found
    ]

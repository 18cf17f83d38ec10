"""Taking a settlement out of the books: one undo per document, in reverse order of dependency, each a delivery of its own."""

import json
from datetime import date

from django.db import transaction

from audit import trail
from bookkeeping import undo as undoing
from bookkeeping.documents import document_from
from bookkeeping.planned import Planned
from bookkeeping.undo import ClosedPeriod
from flows import planning, progress, rows
from flows.models import Delivery, Dependency, Plan
from flows.rows import Draft
from ledgers import reference

State = Delivery.State


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
    live = Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE])
    if live.filter(state__in=[State.SENDING, State.UNCERTAIN]).exists():
        raise CannotUndo("An answer of the ledger is still out.", "Try again in a few minutes.")
    if _paid_by_others(plan):
        raise CannotUndo(
            "A later settlement pays an invoice that this one made.", "Undo the later settlement first, then this one."
        )
    posted = list(live.filter(state=State.POSTED).exclude(kind="undo").order_by("id"))
    try:
        undone = undoing.undo([_planned(row) for row in posted], closed_until=_closed_until(plan))
    except ClosedPeriod as error:
        raise CannotUndo(
            f"{len(error.keys)} document{'s are' if len(error.keys) > 1 else ' is'} dated in the period that is closed until "
            f"{error.closed_until:%d %B %Y}.",
            "Open the period in the ledger first, or leave the settlement as it is.",
        ) from error
    with transaction.atomic():
        changed = Plan.objects.filter(pk=plan.pk, state__in=[Plan.State.POSTING, Plan.State.POSTED]).update(
            state=Plan.State.UNDOING
        )
        if not changed:
            raise CannotUndo("Nothing of this settlement is in the books.", "There is nothing to undo.")
        live.exclude(pk__in=[row.pk for row in posted]).update(state=State.DROPPED, live=False)
        rows.add(plan, [Draft(one, {}, None, one.depends_on) for one in undone], State.PLANNED)
        Delivery.objects.filter(plan=plan, kind="undo").update(priority=Delivery.Priority.PERSON)
        rows.release(Delivery.objects.filter(plan=plan, kind="undo"))
        trail.record(
            "plan.undo_asked",
            f"plan:{plan.pk}",
            tenant_id=plan.tenant_id,
            actor=actor,
            documents=len(undone),
            settlement=plan.settlement.settlement_id,
        )
        if not undone:
            plan.state = Plan.State.UNDOING
            progress.settle_plan(plan)
    planning.kick(plan.flow.target.remote_key)
    return len(undone)


def _paid_by_others(plan: Plan) -> bool:
    return (
        Delivery.objects.filter(plan=plan, live=True, invoice__coverage__isnull=False)
        .exclude(invoice__coverage__plan=plan)
        .exists()
    )


def _closed_until(plan: Plan) -> date | None:
    return reference.cached(plan.flow.target).closed_until


def _planned(row: Delivery) -> Planned:
    needs = Dependency.objects.filter(delivery=row).exclude(key__startswith="company/").values_list("key", flat=True)
    return Planned(row.key, document_from(json.loads(row.document)), depends_on=tuple(needs), part=row.part)

"""Taking a settlement out of the books: one undo per document, in reverse order of dependency, each a delivery of its own."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from audit import trail
from bookkeeping import undo as undoing
from bookkeeping.documents import Kind, Undo, document_from
from bookkeeping.planned import Planned
from bookkeeping.undo import ClosedPeriod
from flows import drafts, mapping, planner, planning, progress, readback, rows
from flows.cannot import Cannot
from flows.models import Coverage, Delivery, Dependency, Plan
from flows.rows import Draft
from kit import clock
from kit.scope import scope, unscoped
from ledgers import reference
from ledgers.port import Binding
from ledgers.registry import ledger_spec, open_ledger

LEASE: Final = timedelta(minutes=15)  # one who needs longer to plan an undo is presumed dead
LOOK_AGAIN: Final = timedelta(minutes=1)
NAMED: Final = 5  # documents that a refusal names

State = Delivery.State
# Refused, held or waiting: a proven refusal and a look-up that found nothing are proofs. A frozen call that is about to go out
# again is on its way; one that was given to a person is not.
_NEVER_SENT: Final = Q(external_id="") & (
    Q(state__in=[State.PLANNED, State.BLOCKED, State.HELD])
    | Q(state__in=[State.READY, State.FAILED], resend=None)
    | (Q(state=State.PARKED) & ~Q(code="cannot_tell"))
)
# In the books, though not as it was sent, and nothing of it is on its way.
_OTHERWISE: Final = Q(external_id__gt="", state__in=[State.PLANNED, State.BLOCKED, State.HELD, State.PARKED])


class CannotUndo(Cannot):
    """Why a settlement cannot be taken back now, and what to do."""


def undo(plan: Plan, actor: str, *, post_anew: bool = False) -> int:
    """Take everything of a settlement that is in the books back out of them. Returns how many documents that are.

    What never reached the books is dropped. Much of it is left to a worker. ``post_anew``: the settlement is planned and
    posted again once all of it is out.

    The ledger is asked first what somebody changed there. Raises CannotUndo where that is one of the documents, while an
    answer is out, in a closed period, or when a later settlement pays an invoice that this one made.
    """
    if plan.state in (Plan.State.POSTING, Plan.State.POSTED):
        readback.look_now(plan.flow.target)
    undone = _undone(plan, list(_live(plan).exclude(_NEVER_SENT).order_by("id")), _closed_until(plan))
    with trail.recorded():
        changed = Plan.objects.filter(pk=plan.pk, state__in=[Plan.State.POSTING, Plan.State.POSTED]).update(
            state=Plan.State.UNDOING, undo_at=clock.now()
        )
        if not changed:
            raise CannotUndo("Nothing of this settlement is in the books.", "There is nothing to undo.")
        _refuse(plan, _not_for_certain(plan))
        _refuse_changed(plan)
        trail.record(
            "plan.undo_asked",
            f"plan:{plan.pk}",
            tenant_id=plan.tenant_id,
            actor=actor,
            documents=len(undone),
            settlement=plan.settlement.settlement_id,
        )
        if post_anew:
            ask_to_post_anew(plan, actor)
    if len(undone) <= planner.QUICK_ROWS:
        go_on(plan.pk)
    else:
        planner.hint("flows.tasks.plan_undo", plan.pk, "long")
    return len(undone)


def ask_to_post_anew(plan: Plan, actor: str) -> None:
    """Have a settlement planned and posted again once it is out of the books. In a transaction of the caller's."""
    Plan.objects.filter(pk=plan.pk).update(repost_by=actor)
    trail.record(
        "plan.repost_asked",
        f"plan:{plan.pk}",
        tenant_id=plan.tenant_id,
        actor=actor,
        settlement=plan.settlement.settlement_id,
    )


def waiting() -> list[int]:
    """Return the plans whose undo is to be planned and that nobody is at."""
    with unscoped("the dispatcher serves every tenant"):
        return list(_due().values_list("pk", flat=True))


def go_on(plan_id: int) -> None:
    """Plan the undo that was asked for and let it go, unless somebody is at it. In small transactions: whoever dies in
    between is succeeded, and what is planned already stays.
    """
    with unscoped("the plan names its tenant"):
        until = clock.now() + LEASE
        if not _due().filter(pk=plan_id).update(undo_at=until):
            return
        plan = Plan.objects.select_related("settlement", "flow__target").get(pk=plan_id)
    mine = {"pk": plan_id, "undo_at": until}
    with scope(plan.tenant_id):
        for some in rows.chunked(list(_live(plan).filter(_NEVER_SENT).values_list("pk", flat=True))):
            Delivery.objects.filter(_NEVER_SENT, pk__in=some).update(state=State.DROPPED, live=False, resend=None)
        left = _not_for_certain(plan)
        if any(_is_open(row) for row in left):
            # It was sent just before: its undo is planned once its answer is known.
            Plan.objects.filter(**mine).update(undo_at=clock.now() + LOOK_AGAIN)
            return
        # What came out otherwise than it was sent is in the books all the same, and goes with the rest: unless an undo of
        # its own has just taken it out, or somebody replays it. What somebody voided or deleted keeps its mark: it is not
        # there, and its undo finds that.
        otherwise = [row.pk for row in left if not rows.is_changed_by_hand(row)]
        booked = Delivery.objects.filter(_OTHERWISE, pk__in=otherwise)
        if booked.update(state=State.POSTED, reason="", action="", code="") < len(otherwise):
            Plan.objects.filter(**mine).update(undo_at=clock.now() + LOOK_AGAIN)
            return
        progress.tell_changed(plan.flow, plan)
        # What a planner adds at this moment was never sent, and it drops that itself.
        added = Q(state__in=[State.PLANNED, State.HELD], external_id="")
        targets = {row.key: row for row in _live(plan).exclude(added).order_by("id")}
        undone = _undone(plan, list(targets.values()))
        rows.add(plan, [_draft(one, targets) for one in undone], State.PLANNED, Delivery.Priority.PERSON)
        rows.release(Delivery.objects.filter(plan=plan, kind=Kind.UNDO))
        with trail.recorded():
            if Plan.objects.filter(**mine).update(undo_at=None):
                progress.settle_plan(plan)
    planning.kick(plan.flow.target.remote_key)


def free_all() -> None:
    """End every claim of an undo that is being planned. Only for the embedded server, whose file lock proves earlier owners
    dead."""
    with unscoped("the dispatcher serves every tenant"):
        Plan.objects.filter(undo_at__gt=clock.now()).update(undo_at=clock.now())


def _due() -> QuerySet[Plan]:
    # Both conditions: SQLite uses a partial index only where a query repeats its condition.
    return Plan.objects.filter(undo_at__isnull=False, undo_at__lte=clock.now())


def _live(plan: Plan) -> QuerySet[Delivery]:
    found = Delivery.objects.filter(plan=plan).exclude(kind=Kind.UNDO)
    return found.exclude(state__in=[State.DROPPED, State.UNDONE])


def _not_for_certain(plan: Plan) -> list[Delivery]:
    """Return what was sent, or may have been, and is not in the books as it was sent."""
    return list(_live(plan).exclude(state=State.POSTED).exclude(_NEVER_SENT))


def _is_open(row: Delivery) -> bool:
    return row.code == "cannot_tell" or row.state in (State.SENDING, State.UNCERTAIN, State.READY, State.FAILED)


def _refuse(plan: Plan, left: list[Delivery]) -> None:
    """Raise CannotUndo while something may be in the books of which nobody knows whether it is, or how.

    ``left`` is what is neither in the books for certain nor was never sent. One that came out differently is in the
    books; what takes it back already is let go first.
    """
    for row in left:
        if row.code == "cannot_tell":
            raise CannotUndo(
                f"Nobody can say whether {row.number or row.kind} is in the books.",
                "Open that record first: it says how to find out. Then undo the settlement.",
            )
        if _is_open(row):
            raise CannotUndo("An answer of the ledger is still out.", "Try again in a few minutes.")
    if _paid_by_others(plan):
        raise CannotUndo(
            "A later settlement pays an invoice that this one made, or somebody closed it.",
            "Undo the later settlement first, then this one.",
        )


def _refuse_changed(plan: Plan) -> None:
    """Raise CannotUndo where somebody changed a document in the ledger: its undo would stop there, with the settlement half
    out of the books. One that is void or gone there already needs no call.
    """
    found = list(in_the_way(plan)[: NAMED + 1])
    if found:
        names = ", ".join(row.number or row.kind for row in found[:NAMED])
        more = " and more" if len(found) > NAMED else ""
        ledger = ledger_spec(plan.flow.target.provider).name
        raise CannotUndo(
            f"Nothing was taken out: somebody changed {names}{more} in {ledger} after it was posted.",
            "Put it back there as it was, or delete it there; the settlement's page says what was changed. Then try again, a "
            "minute later.",
        )


def in_the_way(plan: Plan) -> QuerySet[Delivery]:
    """Return the documents that keep a settlement in the books: somebody changed them there, and they are never overwritten."""
    return readback.changed(plan).filter(code=rows.DIFFERENT, live=True)


def _undone(plan: Plan, in_the_books: list[Delivery], closed_until: date | None = None) -> tuple[Planned, ...]:
    try:
        how = open_ledger(plan.flow.target).capabilities.undo
        undone = undoing.undo(_planned(plan, in_the_books), how=how, closed_until=closed_until)
    except ClosedPeriod as error:
        raise CannotUndo(
            f"{len(error.keys)} document{'s are' if len(error.keys) > 1 else ' is'} dated in the period that is closed until "
            f"{error.closed_until.day} {error.closed_until:%B %Y}.",
            "Open the period in the ledger first, or leave the settlement as it is.",
        ) from error
    # An entry whose accounts are being moved is on its way out already.
    going = set(Delivery.objects.filter(plan=plan, kind=Kind.UNDO, live=True).values_list("key", flat=True))
    return tuple(one for one in undone if one.key not in going)


def _draft(step: Planned, targets: Mapping[str, Delivery]) -> Draft:
    """Return the draft of an undo. An entry that takes a document back names the accounts to which that was booked."""
    wanted = mapping.symbols(step.document)
    if not isinstance(step.document, Undo) or not wanted:
        return Draft(step, {}, None, step.depends_on)
    booked = targets[step.document.target].bindings
    return drafts.draft(step, {symbol: Binding(**booked[symbol]) for symbol in sorted(wanted)})


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

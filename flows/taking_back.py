"""Taking documents out of the books: the delivery that does it, and what follows once it is done."""

from collections.abc import Sequence
from typing import Final

from django.db.models import F

from audit import trail
from bookkeeping.documents import How, Kind, Undo
from bookkeeping.money import shown
from bookkeeping.numbering import undo_key
from flows.models import Coverage, Delivery, Dependency, InvoiceBalance, Plan
from kit import clock

DIFFERENT: Final = "different_total"  # booked with another total than was sent: taken back, then held
ALONE: Final = "one_by_one"  # shared a remote object with the cause of trouble: goes out by itself

State = Delivery.State
_BACK: Final = "/back/"


def differs(row: Delivery) -> bool:
    """Whether a document is in the books with another total than was sent."""
    return row.answered_total is not None and bool(row.amount) and not comes_to(row, row.answered_total)


def comes_to(row: Delivery, total: int) -> bool:
    """Whether a total that a ledger states is the document's own. What it works out itself, it may have rounded otherwise."""
    rounding = int(row.plain_document["rounding"]) if row.kind == Kind.REVALUATION else 0
    return abs(total - row.amount) <= rounding


def must_go(row: Delivery) -> bool:
    """Whether it must not stay: receivables would not close to zero. Anything else stays and is shown as different."""
    return row.kind in (Kind.INVOICE, Kind.PAYMENT) and differs(row)


def sentence(row: Delivery, rest: str) -> str:
    """Say for a person how a document that differs came out, and what became of it."""
    assert row.answered_total is not None
    booked, sent = (shown(amount, row.currency) for amount in (row.answered_total, row.amount))
    return f"The ledger booked {booked} instead of {sent}. {rest}"


def begin(row: Delivery) -> None:
    """Let a document that came out with another total be taken out of the books again, before anything else is sent."""
    document = Undo(row.key, Kind(row.kind), How.DELETE)
    undo = Delivery.objects.create(
        tenant_id=row.tenant_id,
        flow_id=row.flow_id,
        remote_key=row.remote_key,
        key=f"{row.key}{_BACK}{row.generation}",
        kind=document.kind,
        part=row.part,
        document=document.canonical().decode(),
        digest=document.digest(),
        number=row.number,
        state=State.READY,
        priority=Delivery.Priority.PERSON,
    )
    Dependency.objects.create(tenant_id=row.tenant_id, delivery=undo, remote_key=row.remote_key, key=row.key)
    trail.record(
        "delivery.booked_differently",
        f"delivery:{row.pk}",
        tenant_id=row.tenant_id,
        sent=row.amount,
        booked=row.answered_total,
        currency=row.currency,
        taken_back_by=undo.pk,
    )


def done(undo: Delivery) -> list[Delivery]:
    """An undo is in the books: its target is not, nor is what shared the remote object that was deleted or made void with it
    (payments of many invoices). A reversal takes back its target alone.

    Returns the undos of those others: they are in the books with it.
    """
    target = Delivery.objects.filter(remote_key=undo.remote_key, key=undo.plain_document["target"], live=True).first()
    if target is None or not target.external_id:
        return []  # another undo of the same object was first
    shared = Delivery.objects.filter(
        remote_key=undo.remote_key, kind=target.kind, external_id=target.external_id, live=True
    )
    gone = [target] if undo.plain_document["how"] == How.REVERSE else list(shared.order_by("id"))
    if _BACK in undo.key:
        _send_later(gone, undo)
        return []
    Delivery.objects.filter(pk__in=[row.pk for row in gone]).update(
        state=State.UNDONE, live=False, code="", reason="", action=""
    )
    plan_anew_without(gone)
    Coverage.objects.filter(payment__in=gone).delete()
    InvoiceBalance.objects.filter(delivery__in=gone).delete()
    others = _settle_others(undo, gone)
    for row in gone:
        trail.record("delivery.undone", f"delivery:{row.pk}", tenant_id=row.tenant_id, by=undo.pk)
    return others


def plan_anew_without(gone: Sequence[Delivery]) -> None:
    """A settlement that was planned to pay an invoice which is gone now has to carry its rows another way."""
    relying = Coverage.objects.filter(invoice__delivery__in=gone, plan__isnull=False).values_list("plan", flat=True)
    Plan.objects.filter(pk__in=list(relying)).exclude(state__in=[Plan.State.UNDOING, Plan.State.UNDONE]).update(
        asked=F("asked") + 1
    )


def _settle_others(undo: Delivery, gone: Sequence[Delivery]) -> list[Delivery]:
    """The object is deleted once: the undos of the other deliveries it carried have nothing left to do."""
    waiting = [State.BLOCKED, State.READY, State.FAILED, State.UNCERTAIN, State.HELD, State.PARKED]
    keys = [undo_key(row.key) for row in gone]
    others = list(Delivery.objects.filter(remote_key=undo.remote_key, key__in=keys, live=True, state__in=waiting))
    for row in others:
        row.state, row.external_id, row.posted_at = State.POSTED, gone[0].external_id, clock.now()
        row.code = row.reason = row.action = ""
        row.next_attempt_at = row.resend = None
    for row in others:
        row.save(
            update_fields=["state", "external_id", "posted_at", "code", "reason", "action", "next_attempt_at", "resend"]
        )
    return others


def _send_later(gone: Sequence[Delivery], undo: Delivery) -> None:
    """What came out differently waits for a person; what merely shared the object goes out again by itself."""
    for row in gone:
        if differs(row):
            row.state, row.reason = State.HELD, sentence(row, "It was taken out of the books again.")
        else:
            row.state, row.code = State.READY, ALONE
        row.external_id = row.version = row.url = ""
        row.answered_total, row.answered_lines, row.posted_at = None, {}, None
        row.generation += 1
        row.save()
        trail.record("delivery.taken_back", f"delivery:{row.pk}", tenant_id=row.tenant_id, by=undo.pk, why=row.reason)

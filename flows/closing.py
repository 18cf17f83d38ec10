"""Invoices that never settle: taken back when their order is cancelled, told of after a while, closed out by a person."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from amazon import marketplaces
from amazon.models import Order
from amazon.orders import CANCELLED
from audit import trail
from bookkeeping import corrections, undo
from bookkeeping.days import local_day
from bookkeeping.documents import Kind, document_from
from bookkeeping.planned import Planned
from flows import currencies, drafts, history, mapping, progress, rows
from flows.cannot import Cannot
from flows.models import Coverage, Delivery, Flow, InvoiceBalance, Plan
from flows.models import Shipment as Seen
from flows.planner import kick, mark, sole
from flows.rows import Draft
from kit import clock
from ledgers import reference
from ledgers.port import Binding
from ledgers.registry import open_ledger
from tenants.alerts import alert, settle_alert
from tenants.models import Alert

UNSETTLED_AFTER: Final = timedelta(days=60)  # an invoice without rows for so long is worth a look
TOLD_AT_ONCE: Final = 20  # of a flow: each is an alert with e-mails, and where one invoice waits, thousands may
CANCELLED_FIRST: Final = "cancelled"  # reason of a Shipment whose order was cancelled before its invoice was sent
TAKEN_BACK: Final = "taken_back"  # … and after
_UNSETTLED: Final = "unsettled_invoice"

State = Delivery.State


class CannotClose(Cannot):
    """Why an invoice cannot be closed out now, and what to do."""


def close_out(row: Delivery, actor: str) -> int:
    """Close an invoice whose order never settles: its open balance goes through clearing back out of income.

    Returns how many documents that takes. Rows that come later start a new invoice.

    Raises CannotClose where the invoice is not in the books, nothing of it is open, or a settlement may just be taking it.
    """
    with sole(row.flow) as mine:
        if not mine:
            raise CannotClose("Settlements are being planned at this moment.", "Try again in a few minutes.")
        return _close_out(row, actor)


def preview(row: Delivery) -> list[Delivery]:
    """Return the documents that would close an invoice, for reading: nothing is stored. Raises CannotClose."""
    _, _, found = _closing(row)
    return [rows.unsaved(row.flow, None, draft) for draft in found]


def may_be_closed(row: Delivery) -> bool:
    """Whether something of an invoice in the books is open."""
    balance = InvoiceBalance.objects.filter(delivery=row, from_shipment=True).select_related("delivery").first()
    return balance is not None and row.state == State.POSTED and history.open_invoice(balance).balance > 0


def take_back_cancelled(flow: Flow) -> None:
    """Take back the invoices of orders that were cancelled. The caller is the flow's sole planner."""
    cancelled = Order.objects.filter(connection=flow.source_id, order_id=OuterRef("order_id"), status__in=CANCELLED)
    closed = Coverage.objects.filter(invoice=OuterRef("pk"), plan=None)
    taken_back = Delivery.objects.filter(remote_key=flow.target.remote_key, kind=Kind.UNDO, live=True)
    being_undone = set(
        taken_back.filter(flow=flow, plan=None).exclude(state=State.POSTED).values_list("key", flat=True)
    )
    found = InvoiceBalance.objects.filter(from_shipment=True, delivery__flow=flow, delivery__live=True)
    for balance in found.filter(Exists(cancelled)).exclude(Exists(closed)).select_related("delivery__flow__target"):
        row = balance.delivery
        if f"{row.key}/undo" not in being_undone:
            _take_back(flow, balance, row)


def unsettled(flow: Flow) -> QuerySet[InvoiceBalance]:
    """Return the invoices in the books that no settlement has paid anything of for 60 days, and not in full."""
    before = clock.now() - UNSETTLED_AFTER
    lately = Coverage.objects.filter(invoice=OuterRef("pk"), plan__settlement__ends_at__gt=before)
    found = history.unpaid(flow).filter(
        from_shipment=True, delivery__state=State.POSTED, delivery__on__lt=before.date()
    )
    return found.exclude(Exists(lately)).select_related("delivery__flow").order_by("delivery__on", "pk")


def _is_open(balance: InvoiceBalance) -> bool:
    # The amount of an entry in an invoice's place is what it debits: more than its balance, where it has promotions.
    return balance.delivery.kind == Kind.INVOICE or history.open_invoice(balance).balance > 0


def watch(flow: Flow) -> None:
    """Tell of invoices that do not settle, the oldest first and once each, and settle the alerts of those that did or were
    closed. Of very many, the next are told as the first are dealt with."""
    waiting = {_unsettled_key(balance.delivery): balance.delivery for balance in unsettled(flow) if _is_open(balance)}
    told = set(
        Alert.objects.filter(kind=_UNSETTLED, key__startswith=f"flow:{flow.pk}:invoice:", settled_at=None).values_list(
            "key", flat=True
        )
    )
    for key in sorted(told - waiting.keys()):
        settle_alert(flow.tenant_id, key)
    room = max(0, TOLD_AT_ONCE - len(told & waiting.keys()))
    for key in [key for key in waiting if key not in told][:room]:
        row = waiting[key]
        assert row.on is not None  # found by its day
        when = f"{row.on.day} {row.on:%B %Y}"
        alert(
            flow.tenant_id,
            _UNSETTLED,
            key,
            f"Invoice {row.number} has not settled",
            f"Order {row.order_id} was invoiced on {when}, and no settlement has brought money for it in the last "
            f"{UNSETTLED_AFTER.days} days.",
            "See in Seller Central what became of the order. Close the invoice if nothing will come, or wait.",
            f"/orders/invoices/{row.pk}/close/",
        )


def _close_out(row: Delivery, actor: str) -> int:
    balance, closing, found = _closing(row)
    flow = row.flow
    with trail.recorded():
        rows.write(flow, None, rows.Changes(new=found), flow.mapping_version)
        payment = Delivery.objects.get(remote_key=row.remote_key, key=closing.documents[0].key, live=True)
        Coverage.objects.create(
            tenant_id=row.tenant_id,
            invoice=balance,
            plan=None,
            settlement_id=closing.coverage.settlement_id,
            part=closing.coverage.part,
            amount=closing.coverage.amount,
            amounts=dict(closing.coverage.by_key),
            units=dict(closing.coverage.units),
            payment=payment,
        )
        settle_alert(row.tenant_id, _unsettled_key(row))
        trail.record(
            "invoice.closed_out",
            f"delivery:{row.pk}",
            tenant_id=row.tenant_id,
            actor=actor,
            order_id=row.order_id,
            number=row.number,
            amount=closing.coverage.amount,
            currency=flow.currency,
        )
    own = Delivery.objects.filter(flow=flow, plan=None, key__in=[one.key for one in closing.documents])
    if flow.state == Flow.State.LIVE and rows.release(own):
        kick(row.remote_key)
    return len(closing.documents)


def _closing(row: Delivery) -> tuple[InvoiceBalance, corrections.CloseOut, list[Draft]]:
    balance = InvoiceBalance.objects.filter(delivery=row).select_related("delivery__flow").first()
    if balance is None or row.state != State.POSTED:
        raise CannotClose("This invoice is not in the books.", "There is nothing to close.")
    flow = row.flow
    closed_before = Delivery.objects.filter(
        remote_key=row.remote_key,
        kind__in=[Kind.ENTRY, Kind.EXPENSE],
        key__startswith=f"amazon/invoice/{row.number}/closed/",
        state=State.UNDONE,
    )
    closing = corrections.close_out(
        history.open_invoice(balance),
        policy=drafts.policy_of(flow),
        on=_today(flow),
        currency=flow.currency,
        revision=1 + closed_before.count(),
    )
    if closing is None:
        raise CannotClose("Nothing of this invoice is open.", "Settlements have paid it in full.")
    # Income goes back out of the accounts it was booked to, whatever is mapped now.
    booked = {symbol: replace(Binding(**target), item="") for symbol, target in row.bindings.items()}
    documents = currencies.closing(flow, row, closing.documents)
    found = [
        drafts.draft(one.planned, {symbol: booked.get(symbol, to) for symbol, to in one.bindings.items()}, one.hold)
        for one in drafts.drafts(documents, mapping.load(flow), reference.cached(flow.target))
    ]
    return balance, closing, found


def _take_back(flow: Flow, balance: InvoiceBalance, row: Delivery) -> None:
    if row.state == State.PARKED and row.external_id:
        # It goes, whatever somebody made of it; its undo looks at it first.
        seen = Delivery.objects.filter(pk=row.pk, state=row.state, external_id=row.external_id)
        row.state, row.code, row.reason, row.action = State.POSTED, "", "", ""
        if not seen.update(state=row.state, code="", reason="", action=""):
            return  # somebody has just replayed it: the next run knows more
        progress.tell_changed(flow, None)
    if row.state in (State.SENDING, State.UNCERTAIN) or row.resend_id is not None or row.code in rows.LOOK_FIRST:
        return  # the next run knows more
    paid = Coverage.objects.filter(invoice=balance)
    if row.state != State.POSTED:
        plans = list(paid.exclude(plan=None).values_list("plan", flat=True))
        changes = rows.Changes(gone=[row])
        if rows.stored(flow, changes, flow.mapping_version):
            _note(flow, row, CANCELLED_FIRST)
            mark(Plan.objects.filter(pk__in=plans))
        return
    closed_until = reference.cached(flow.target).closed_until
    today = _today(flow)
    this_month = row.on is not None and (row.on.year, row.on.month) == (today.year, today.month)
    open_month = this_month and (closed_until is None or (row.on is not None and row.on > closed_until))
    if open_month and not paid.exists():
        how = open_ledger(flow.target).capabilities.undo
        [step] = undo.undo([Planned(row.key, document_from(row.plain_document))], how=how)
        rows.write(flow, None, rows.Changes(new=[Draft(step, {}, None, step.depends_on)]), flow.mapping_version)
        _note(flow, row, TAKEN_BACK)
    elif history.open_invoice(balance).balance > 0:
        _close_out(row, "the order was cancelled")
        _note(flow, row, TAKEN_BACK)


def _note(flow: Flow, row: Delivery, reason: str) -> None:
    Seen.objects.filter(flow=flow, order__order_id=row.order_id).update(reason=reason)
    trail.record(
        "shipment.cancelled",
        f"delivery:{row.pk}",
        tenant_id=flow.tenant_id,
        order_id=row.order_id,
        number=row.number,
        how=reason,
    )


def _unsettled_key(row: Delivery) -> str:
    return f"flow:{row.flow_id}:invoice:{row.pk}"


def _today(flow: Flow) -> date:
    return local_day(clock.now(), marketplaces.zone_of("", flow.currency))

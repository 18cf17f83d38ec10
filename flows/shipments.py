"""Invoices before the settlement: made when an order ships (or is placed), taken back or closed when it never settles.

Every order is looked at once for each version of it. Where it gets no invoice its ``Shipment`` says why, and nothing is
lost: its rows are carried when they settle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from amazon import marketplaces
from amazon.models import Order
from amazon.orders import CANCELLED, PENDING, SHIPPED
from audit import trail
from bookkeeping import corrections, undo
from bookkeeping.days import local_day
from bookkeeping.documents import Kind, document_from
from bookkeeping.figures import OrderPart
from bookkeeping.numbering import shipment_key
from bookkeeping.planned import Planned
from bookkeeping.shipment import NoInvoice, Shipment, plan_shipment
from flows import carried, drafts, history, mapping, rows
from flows import reading as readings
from flows.mapping import TenantMapping
from flows.models import Coverage, Delivery, Flow, InvoiceBalance, Plan
from flows.models import Shipment as Seen
from flows.planner import kick, mark, sole
from flows.proceeds import shipped_order
from flows.rows import Draft
from kit import clock
from ledgers import reference
from ledgers.port import Binding, Reference
from tenants.alerts import alert, settle_alert
from tenants.models import Alert

UNSETTLED_AFTER: Final = timedelta(days=60)  # an invoice without rows for so long is worth a look
CANCELLED_FIRST: Final = "cancelled"  # reason of a Shipment whose order was cancelled before its invoice was sent
TAKEN_BACK: Final = "taken_back"  # … and after
_UNSETTLED: Final = "unsettled_invoice"
_UNCLEAR: Final = "order_totals_unclear"

State = Delivery.State
# Rows of orders that settlements carry: by order, each with its settlement's id.
_Carried = Mapping[str, Sequence[tuple[str, OrderPart]]]


class CannotClose(Exception):
    """Why an invoice cannot be closed out now, and what to do."""

    def __init__(self, text: str, action: str) -> None:
        super().__init__(text)
        self.text, self.action = text, action


def plan_shipments(flow: Flow) -> int:
    """Invoice what shipped since the last look, take back what was cancelled, and see what never settles.

    Returns how many invoices were planned. Called after orders were pulled. Where the flow's settlements are being planned,
    the next run does it: an order must not be invoiced twice.
    """
    if flow.source is None:
        return 0
    planned = 0
    with sole(flow) as mine:
        if mine:
            invoicing = flow.mode == Flow.Mode.ORDERS and flow.trigger != Flow.Trigger.SETTLED
            planned = _invoice(flow, [*(_new_orders(flow) if invoicing else ()), *_unsent(flow)])
            _take_back_cancelled(flow)
    _watch(flow)
    own = Delivery.objects.filter(flow=flow, plan=None, state=State.PLANNED)
    if flow.state == Flow.State.LIVE and rows.release(own):
        kick(flow.target.remote_key)
    return planned


def bring_up_to_date(flow: Flow) -> None:
    """Plan the invoices again that were not sent yet: a mapping has changed. Else the flow's next run does it."""
    with sole(flow) as mine:
        if mine:
            _invoice(flow, _unsent(flow))


def close_out(row: Delivery, actor: str) -> int:
    """Close an invoice whose order never settles: its open balance goes through clearing back out of income.

    Returns how many documents that takes. Rows that come later start a new invoice.

    Raises CannotClose where the invoice is not in the books, nothing of it is open, or a settlement may just be taking it.
    """
    with sole(row.flow) as mine:
        if not mine:
            raise CannotClose("Settlements are being planned at this moment.", "Try again in a few minutes.")
        return _close_out(row, actor)


def _close_out(row: Delivery, actor: str) -> int:
    balance = InvoiceBalance.objects.filter(delivery=row).select_related("delivery__flow").first()
    if balance is None or row.state != State.POSTED:
        raise CannotClose("This invoice is not in the books.", "There is nothing to close.")
    flow = row.flow
    revision = (
        1
        + Delivery.objects.filter(
            remote_key=row.remote_key, kind=Kind.ENTRY, key__startswith=f"amazon/invoice/{row.number}/closed/"
        )
        .filter(state=State.UNDONE)
        .count()
    )
    closing = corrections.close_out(
        history.open_invoice(balance), on=_today(flow), currency=row.currency, revision=revision
    )
    if closing is None:
        raise CannotClose("Nothing of this invoice is open.", "Settlements have paid it in full.")
    known, company = mapping.load(flow), reference.cached(flow.target)
    # Income goes back out of the accounts it was booked to, whatever is mapped now.
    booked = {symbol: replace(Binding(**target), item="") for symbol, target in row.bindings.items()}
    found = [
        drafts.draft(one.planned, {symbol: booked.get(symbol, to) for symbol, to in one.bindings.items()}, one.hold)
        for one in drafts.drafts(closing.documents, known, company)
    ]
    with transaction.atomic():
        rows.write(flow, None, rows.Changes(new=found), known.version)
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
            currency=row.currency,
        )
    own = Delivery.objects.filter(flow=flow, plan=None, key__in=[one.key for one in closing.documents])
    if flow.state == Flow.State.LIVE and rows.release(own):
        kick(row.remote_key)
    return len(closing.documents)


def unsettled(flow: Flow) -> QuerySet[InvoiceBalance]:
    """Return the invoices in the books that no settlement has paid anything of for 60 days, and not in full."""
    before = clock.now() - UNSETTLED_AFTER
    lately = Coverage.objects.filter(invoice=OuterRef("pk"), plan__settlement__ends_at__gt=before)
    found = history.unpaid(flow).filter(
        from_shipment=True, delivery__state=State.POSTED, delivery__on__lt=before.date()
    )
    return found.exclude(Exists(lately)).select_related("delivery__flow").order_by("delivery__on", "pk")


# Invoicing


def _new_orders(flow: Flow) -> list[int]:
    """Return the orders that the trigger is about and that were not seen in their present version, oldest first."""
    since = flow.cut_over_at or flow.created_at
    found = Order.objects.filter(connection=flow.source_id, channel="AMAZON", currency=flow.currency)
    if flow.trigger == Flow.Trigger.PLACED:
        found = found.filter(purchased_at__gte=since).exclude(status__in=[*PENDING, *CANCELLED])
    else:
        found = found.filter(status=SHIPPED, shipped_at__gte=since)
    seen = Seen.objects.filter(flow=flow, order=OuterRef("pk"), seen_at__gte=OuterRef("last_updated_at"))
    return list(found.exclude(Exists(seen)).order_by("purchased_at", "pk").values_list("pk", flat=True))


def _unsent(flow: Flow) -> list[int]:
    """Return the orders with an invoice that was not sent and was made with an earlier mapping."""
    unsent = Seen.objects.filter(flow=flow, invoice__live=True, invoice__mapping_version__lt=flow.mapping_version)
    unsent = unsent.exclude(invoice__state__in=[State.SENDING, State.UNCERTAIN, State.POSTED])
    return list(unsent.values_list("order_id", flat=True))


def _invoice(flow: Flow, order_pks: Sequence[int]) -> int:
    """Plan the invoice of each of these orders as far as it was not sent; returns how many are new."""
    if not order_pks:
        return 0
    known, company = mapping.load(flow), reference.cached(flow.target)
    settled = _settled(flow, known, order_pks)
    planned = 0
    for some in rows.chunked(list(dict.fromkeys(order_pks))):
        planned += _invoice_some(flow, known, company, settled, some)
    _tell_unclear(flow)
    return planned


def _invoice_some(
    flow: Flow, known: TenantMapping, company: Reference, settled: _Carried, order_pks: Sequence[int]
) -> int:
    orders = list(Order.objects.filter(pk__in=order_pks).defer("raw").order_by("purchased_at", "pk"))
    seen = {one.order_id: one for one in Seen.objects.filter(flow=flow, order__in=orders).select_related("invoice")}
    ids = {order.order_id for order in orders}
    numbers, revisions = history.numbers(flow, ids), _revisions(flow, ids)
    policy, check = drafts.policy_of(flow), drafts.LineCheck(flow, known, company)
    sent: list[Seen] = []
    found: list[tuple[Seen, Order, Shipment]] = []
    for order in orders:
        one = seen.get(order.pk) or Seen(tenant_id=flow.tenant_id, flow=flow, order=order, on=_invoice_day(flow, order))
        one.seen_at = order.last_updated_at
        row = one.invoice
        if row is not None and row.live and rows.is_frozen(row):
            sent.append(one)
            continue
        carried_by = settled.get(order.order_id, ())
        if row is not None and row.live:
            # What it left to settlements when it was made stays theirs; the others already count on it.
            left = _left_to(row)
            carried_by = [(settlement_id, part) for settlement_id, part in carried_by if settlement_id in left]
        made = plan_shipment(
            shipped_order(order, flow, known, one.on),
            policy=policy,
            carried=carried_by,
            cut_over_at=flow.cut_over_at,
            closed_until=company.closed_until,
            numbers=numbers,
            revision=revisions.get(order.order_id, 1),
            check_line=check,
        )
        if made.invoice is not None:
            numbers[made.invoice.number] = made.invoice.key
        one.reason = made.reason or ""
        found.append((one, order, made))
    Seen.objects.bulk_update(sent, ["seen_at"])
    return _keep(flow, known, company, found)


def _keep(flow: Flow, known: TenantMapping, company: Reference, found: Sequence[tuple[Seen, Order, Shipment]]) -> int:
    documents = [made.planned for _, _, made in found if made.planned is not None]
    made_of = drafts.drafts(documents, known, company)
    going = [draft.planned for draft in made_of if draft.hold is None]
    for draft in drafts.company_drafts(going, known, company):
        rows.ensure(flow, draft, State.PLANNED)
    existing = Delivery.objects.filter(
        flow=flow, plan=None, kind=Kind.INVOICE, order_id__in=[order.order_id for _, order, _ in found], live=True
    )
    changes = rows.compare(existing, made_of, known.version)
    relying = list(
        Coverage.objects.filter(invoice__delivery__in=changes.gone).exclude(plan=None).values_list("plan", flat=True)
    )
    if changes and rows.calm(changes):
        rows.write(flow, None, changes, known.version)
    mark(Plan.objects.filter(pk__in=relying))
    rows_now = Delivery.objects.filter(flow=flow, plan=None, key__in=[planned.key for planned in documents])
    by_key = dict(rows_now.exclude(state=State.DROPPED).values_list("key", "pk"))
    answered = set(rows_now.filter(state=State.POSTED).values_list("key", flat=True))
    invoices = [made.invoice for _, _, made in found if made.invoice is not None and made.invoice.key not in answered]
    carried.keep_balances(flow.tenant_id, by_key, invoices, from_shipment=True)
    for one, _, made in found:
        one.invoice_id = by_key.get(made.planned.key) if made.planned else None
    Seen.objects.bulk_create(
        [one for one, _, _ in found],
        update_conflicts=True,
        unique_fields=["flow", "order"],
        update_fields=["seen_at", "reason", "invoice"],
    )
    return len(changes.new)


def _left_to(row: Delivery) -> set[str]:
    """Return the settlements whose rows were carried when an invoice was made."""
    balance = InvoiceBalance.objects.filter(delivery=row).first()
    return set(balance.not_for) if balance else set()


def _settled(flow: Flow, known: TenantMapping, order_pks: Sequence[int]) -> _Carried:
    """Return the rows of these orders that planned settlements carry, read from their files."""
    bought: dict[str, datetime] = {}
    for some in rows.chunked(order_pks):
        bought |= dict(Order.objects.filter(pk__in=some).values_list("order_id", "purchased_at"))
    how = readings.reading(flow, known)
    plans = Plan.objects.filter(flow=flow, settlement__ends_at__gt=min(bought.values())).exclude(
        state__in=[Plan.State.UNDONE, Plan.State.PLANNING]
    )
    found: dict[str, list[tuple[str, OrderPart]]] = {}
    for plan in plans.select_related("settlement", "report").order_by("settlement__ends_at"):
        wanted = {order_id for order_id, at in bought.items() if at < plan.settlement.ends_at}
        statement = readings.statement(plan.settlement, how, wanted, plan.report)
        for order_id, parts in statement.orders.items():
            found.setdefault(order_id, []).extend((statement.header.settlement_id, part) for part in parts)
    return found


def _revisions(flow: Flow, order_ids: set[str]) -> dict[str, int]:
    """Return the revision of each order's next shipment invoice: one more than were taken back."""
    found: dict[str, int] = {}
    for order_id, key in Delivery.objects.filter(
        remote_key=flow.target.remote_key, kind=Kind.INVOICE, state=State.UNDONE, order_id__in=order_ids
    ).values_list("order_id", "key"):
        if key.startswith(shipment_key(order_id, 0).removesuffix("0")):
            found[order_id] = found.get(order_id, 1) + 1
    return found


def _invoice_day(flow: Flow, order: Order) -> date:
    at: datetime = order.purchased_at if flow.trigger == Flow.Trigger.PLACED else order.shipped_at or order.purchased_at
    return local_day(at, marketplaces.zone_of(order.marketplace, flow.currency))


def _today(flow: Flow) -> date:
    return local_day(clock.now(), marketplaces.zone_of("", flow.currency))


# Taking back


def _take_back_cancelled(flow: Flow) -> None:
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


def _take_back(flow: Flow, balance: InvoiceBalance, row: Delivery) -> None:
    if row.state in (State.SENDING, State.UNCERTAIN) or row.resend_id is not None or row.code in rows.LOOK_FIRST:
        return  # the next run knows more
    paid = Coverage.objects.filter(invoice=balance)
    if row.state != State.POSTED:
        plans = list(paid.exclude(plan=None).values_list("plan", flat=True))
        changes = rows.Changes(gone=[row])
        if rows.calm(changes):
            rows.write(flow, None, changes, flow.mapping_version)
            _note(flow, row, CANCELLED_FIRST)
            mark(Plan.objects.filter(pk__in=plans))
        return
    closed_until = reference.cached(flow.target).closed_until
    today = _today(flow)
    this_month = row.on is not None and (row.on.year, row.on.month) == (today.year, today.month)
    open_month = this_month and (closed_until is None or (row.on is not None and row.on > closed_until))
    if open_month and not paid.exists():
        [step] = undo.undo([Planned(row.key, document_from(row.plain_document))])
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


# Telling


def _watch(flow: Flow) -> None:
    """Tell of invoices that do not settle, once each, and settle the alerts of those that did or were closed."""
    waiting = {_unsettled_key(balance.delivery): balance.delivery for balance in unsettled(flow)}
    told = set(
        Alert.objects.filter(kind=_UNSETTLED, key__startswith=f"flow:{flow.pk}:invoice:", settled_at=None).values_list(
            "key", flat=True
        )
    )
    for key in sorted(told - waiting.keys()):
        settle_alert(flow.tenant_id, key)
    for key in sorted(waiting.keys() - told):
        row = waiting[key]
        alert(
            flow.tenant_id,
            _UNSETTLED,
            key,
            f"Invoice {row.number} has not settled",
            f"Order {row.order_id} was invoiced on {row.on:%d %B %Y}, and no settlement has brought money for it in the last "
            f"{UNSETTLED_AFTER.days} days.",
            "See in Seller Central what became of the order. Close the invoice if nothing will come, or wait.",
            f"/audit/{row.pk}/",
        )


def _tell_unclear(flow: Flow) -> None:
    """Tell once that orders state totals nobody can check; they are invoiced when they settle."""
    unclear = Seen.objects.filter(flow=flow, reason=NoInvoice.TOTALS_UNCLEAR).count()
    key = f"flow:{flow.pk}:{_UNCLEAR}"
    if not unclear:
        settle_alert(flow.tenant_id, key)
        return
    alert(
        flow.tenant_id,
        _UNCLEAR,
        key,
        f"{flow.name}: {unclear} order{'s' if unclear > 1 else ''} could not be invoiced on shipment",
        "The amounts that Amazon states for them do not add up to their totals, so the tax in them cannot be told.",
        "Nothing has to be done: they are invoiced when they settle.",
        "/orders/",
    )


def _unsettled_key(row: Delivery) -> str:
    return f"flow:{row.flow_id}:invoice:{row.pk}"

"""Invoices before the settlement: made when an order ships (or is placed).

Every order is looked at once for each version of it. Where it gets no invoice its ``Shipment`` says why, and nothing is
lost: its rows are carried when they settle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from django.db.models import Exists, OuterRef

from amazon import marketplaces
from amazon.models import Order
from amazon.orders import CANCELLED, PENDING, SHIPPED
from bookkeeping.days import local_day
from bookkeeping.documents import BOOKING
from bookkeeping.figures import OrderPart
from bookkeeping.numbering import shipment_key
from bookkeeping.shipment import NoInvoice, Shipment, plan_shipment
from flows import buyers, carried, closing, currencies, drafts, history, mapping, rows
from flows import reading as readings
from flows.mapping import TenantMapping
from flows.models import Coverage, Delivery, Flow, InvoiceBalance, Plan
from flows.models import Shipment as Seen
from flows.planner import kick, mark, sole
from flows.proceeds import shipped_order
from ledgers import reference
from ledgers.port import Reference
from tenants.alerts import alert, settle_alert

_UNCLEAR: Final = "order_totals_unclear"

State = Delivery.State
# Rows of orders that settlements carry: by order, each with its settlement's id.
_Carried = Mapping[str, Sequence[tuple[str, OrderPart]]]


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
            planned = _invoice(flow, [*(_new_orders(flow) if invoices_early(flow) else ()), *_unsent(flow)])
            closing.take_back_cancelled(flow)
    closing.watch(flow)
    own = Delivery.objects.filter(flow=flow, plan=None, state=State.PLANNED)
    if flow.state == Flow.State.LIVE and rows.release(own):
        kick(flow.target.remote_key)
    return planned


def invoices_early(flow: Flow) -> bool:
    """Whether the flow invoices orders before they settle."""
    return flow.mode == Flow.Mode.ORDERS and flow.trigger != Flow.Trigger.SETTLED


def bring_up_to_date(flow: Flow, *, whatever: bool = False) -> None:
    """Plan the invoices again that were not sent yet: a mapping has changed, or (``whatever``) something else. Else the flow's
    next run does it."""
    with sole(flow) as mine:
        if mine:
            _invoice(flow, _unsent(flow, whatever=whatever))


# Invoicing


def _new_orders(flow: Flow) -> list[int]:
    """Return the orders that the trigger is about and that were not seen in their present version, oldest first."""
    since = flow.cut_over_at or flow.created_at
    found = Order.objects.filter(connection=flow.source_id, channel="AMAZON", currency=flow.currency)
    # A bulk report does not number the items, so settlements could not be matched with the invoice; the next pull completes it.
    found = found.exclude(origin=Order.Origin.REPORT)
    if flow.trigger == Flow.Trigger.PLACED:
        found = found.filter(purchased_at__gte=since).exclude(status__in=[*PENDING, *CANCELLED])
    else:
        found = found.filter(status=SHIPPED, shipped_at__gte=since)
    seen = Seen.objects.filter(flow=flow, order=OuterRef("pk"), seen_at__gte=OuterRef("last_updated_at"))
    return list(found.exclude(Exists(seen)).order_by("purchased_at", "pk").values_list("pk", flat=True))


def _unsent(flow: Flow, *, whatever: bool = False) -> list[int]:
    """Return the orders with an invoice that was not sent and was made with an earlier mapping, or ``whatever`` it was."""
    unsent = Seen.objects.filter(flow=flow, invoice__live=True)
    if not whatever:
        unsent = unsent.filter(invoice__mapping_version__lt=flow.mapping_version)
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
    customer_of = buyers.customer_of(flow, ids)
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
            customer_of=customer_of,
        )
        if made.planned is not None:
            made = replace(made, planned=currencies.of_its_day(flow, made.planned))
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
    rows.ensure(flow, drafts.company_drafts(going, known, company), State.PLANNED)
    existing = Delivery.objects.filter(
        flow=flow, plan=None, kind__in=BOOKING, order_id__in=[order.order_id for _, order, _ in found], live=True
    )
    relying: set[int] = set()
    for _ in range(rows.ROUNDS):
        changes = rows.compare(existing, made_of, known.version)
        paid = Coverage.objects.filter(invoice__delivery__in=changes.gone).exclude(plan=None)
        relying.update(pk for pk in paid.values_list("plan", flat=True) if pk)
        if not changes or rows.stored(flow, changes, known.version):
            break
    else:
        return 0  # these orders were not seen: the next run looks at them again
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
        remote_key=flow.target.remote_key, kind__in=BOOKING, state=State.UNDONE, order_id__in=order_ids
    ).values_list("order_id", "key"):
        if key.startswith(shipment_key(order_id, 0).removesuffix("0")):
            found[order_id] = found.get(order_id, 1) + 1
    return found


def _invoice_day(flow: Flow, order: Order) -> date:
    at: datetime = order.purchased_at if flow.trigger == Flow.Trigger.PLACED else order.shipped_at or order.purchased_at
    return local_day(at, marketplaces.zone_of(order.marketplace, flow.currency))


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
        f"{flow.name}: {unclear} order{'s' if unclear > 1 else ''} could not be invoiced before settling",
        "The amounts that Amazon states for them do not add up to their totals, so the tax in them cannot be told.",
        "Nothing has to be done: they are invoiced when they settle.",
        "/orders/",
    )

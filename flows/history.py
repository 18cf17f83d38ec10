"""What is known before a settlement is planned: open invoices, numbers, earlier payouts, the settlement before."""

import json
from collections.abc import Collection, Iterator
from datetime import date

from amazon.models import Settlement
from bookkeeping.coverage import Coverage as Covering
from bookkeeping.coverage import OpenInvoice, covered_by
from bookkeeping.planned import EarlierPayout, Previous
from flows.models import Coverage, Delivery, Flow, InvoiceBalance, Plan

IN_CHUNKS = 500  # SQLite takes 999 variables in older builds; orders of a settlement may be tens of thousands


def settlements_of(flow: Flow):  # type: ignore[no-untyped-def]  # a queryset's type depends on the plugin
    """Return the settlements this flow owns, oldest first: its seller's, in its currency."""
    seller_id = flow.source.remote_id if flow.source else ""
    return Settlement.objects.filter(tenant_id=flow.tenant_id, seller_id=seller_id, currency=flow.currency).order_by(
        "ends_at", "settlement_id"
    )


def open_order_ids(flow: Flow, *, without: Plan | None) -> set[str]:
    """Return the orders that have an invoice of ours which settlements may still pay."""
    rows = _invoices(flow, without).values_list("order_id", flat=True)
    return set(rows)


def open_invoices(flow: Flow, order_ids: Collection[str], *, without: Plan | None) -> list[OpenInvoice]:
    """Return the invoices of these orders as covered by every other live settlement. Those ``without`` made itself are left out."""
    found = []
    for some in _chunks(sorted(order_ids)):
        rows = _invoices(flow, without).filter(order_id__in=some).select_related("delivery").order_by("id")
        coverage: dict[int, list[Covering]] = {}
        others = Coverage.objects.filter(invoice__in=rows)
        for row in others.exclude(plan=without) if without else others:
            coverage.setdefault(row.invoice_id, []).append(Covering("", "", "", "", row.part, row.amounts, row.units))
        for row in rows:
            document = json.loads(row.delivery.document)
            opened = OpenInvoice(
                key=row.delivery.key,
                number=row.delivery.number,
                order_id=row.order_id,
                customer=document["customer"],
                on=date.fromisoformat(document["on"]),
                lines=row.lines,
                units=row.units,
            )
            own = [_of(covering, opened) for covering in coverage.get(row.pk, [])]
            found.append(covered_by(opened, own))
    return found


def numbers(flow: Flow, order_ids: Collection[str]) -> dict[str, str]:
    """Return every invoice number these orders ever had in the company, by whom it was given (a delivery key)."""
    remote_key = flow.target.remote_key
    given: dict[str, str] = {}
    for some in _chunks(sorted(order_ids)):
        rows = Delivery.objects.filter(remote_key=remote_key, kind="invoice", order_id__in=some)
        given |= dict(rows.exclude(state=Delivery.State.DROPPED).values_list("number", "key"))
    return given


def previous(flow: Flow, settlement: Settlement) -> Previous | None:
    """Return the settlement before this one, or the opening balances where the books begin with this one."""
    earlier = settlements_of(flow).filter(ends_at__lte=settlement.starts_at).last()
    if earlier is not None:
        return Previous(earlier.total, earlier.reserve_held)
    if flow.opening_clearing or flow.opening_reserve:
        return Previous(flow.opening_clearing, -flow.opening_reserve)
    return None


def earlier_payouts(flow: Flow, settlement: Settlement, *, without: Plan | None) -> list[EarlierPayout]:
    """Return the payouts before this settlement that no row has taken back yet."""
    plans = Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE)
    if without:
        plans = plans.exclude(pk=without.pk)
    taken = {pairing["settlement_id"] for pairings in plans.values_list("pairings", flat=True) for pairing in pairings}
    before = settlements_of(flow).filter(ends_at__lte=settlement.starts_at, total__gt=0)
    return [
        EarlierPayout(one.settlement_id, one.total, one.deposit_on) for one in before if one.settlement_id not in taken
    ]


def _invoices(flow: Flow, without: Plan | None):  # type: ignore[no-untyped-def]
    rows = InvoiceBalance.objects.filter(delivery__flow=flow, delivery__live=True, closed_out=False)
    return rows.exclude(delivery__plan=without) if without else rows


def _of(covering: Covering, invoice: OpenInvoice) -> Covering:
    return Covering(
        invoice.key,
        invoice.number,
        invoice.order_id,
        "",
        covering.part,
        covering.by_key,
        covering.units,
    )


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), IN_CHUNKS):
        yield values[start : start + IN_CHUNKS]

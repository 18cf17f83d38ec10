"""What is known before a settlement is planned: open invoices, numbers, earlier payouts."""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time
from typing import Any, Final

from django.db.models import BigIntegerField, Case, F, Max, OuterRef, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce

from amazon import marketplaces
from amazon.models import Settlement
from amazon.overlaps import doubted
from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.coverage import Coverage as Covering
from bookkeeping.coverage import OpenInvoice, covered_by
from bookkeeping.documents import BOOKING, Invoice, Kind, document_from
from bookkeeping.entries import dated
from bookkeeping.invoices import receivable_of
from bookkeeping.numbering import settlement_key
from bookkeeping.planned import EarlierPayout
from flows.models import Coverage, Delivery, Flow, InvoiceBalance, Plan
from flows.rows import chunked
from kit.scope import unscoped
from tenants.models import Connection

State = Delivery.State
_ON_ITS_WAY: Final = (State.SENDING, State.UNCERTAIN, State.POSTED)


def settlements_of(flow: Flow) -> QuerySet[Settlement]:
    """Return the settlements this flow owns, oldest first: its seller's, of its account type, in its currency."""
    seller_id = flow.source.remote_id if flow.source else ""
    return Settlement.objects.filter(
        tenant_id=flow.tenant_id, seller_id=seller_id, account_type=flow.account_type, currency=flow.currency
    ).order_by("ends_at", "settlement_id")


def in_the_books(flow: Flow) -> QuerySet[Settlement]:
    """Return the settlements of a flow that ended after its books begin, oldest first."""
    found = settlements_of(flow)
    return found.filter(ends_at__gt=first_instant(flow)) if flow.books_from else found


def first_instant(flow: Flow, day: date | None = None) -> datetime:
    """Return the instant in which the books begin, or would on ``day``: midnight of the marketplace, not of Greenwich."""
    begins = day or flow.books_from or date.min
    return datetime.combine(begins, time.min, marketplaces.zone_of("", flow.currency)).astimezone(UTC)


def ended_before(flow: Flow, settlement: Settlement) -> bool:
    """Whether a settlement was over when the flow's books began, and so stays out of them."""
    return flow.books_from is not None and settlement.ends_at <= first_instant(flow)


def doubted_in(flow: Flow) -> QuerySet[Settlement]:
    """Return the settlements of a flow that may be another seller's, as nobody has said otherwise."""
    return settlements_of(flow).filter(doubted())


# Invoices


def open_order_ids(flow: Flow, *, without: Plan | None) -> set[str]:
    """Return the orders that have an invoice of ours which settlements may still pay."""
    return set(_open(flow, without).values_list("order_id", flat=True))


def open_invoices(flow: Flow, order_ids: Collection[str], *, without: Plan | None) -> list[OpenInvoice]:
    """Return the open invoices of these orders as covered by everything else; those ``without`` made itself are left out."""
    return [opened for opened, _ in _opened(flow, order_ids, without)]


def open_invoice(row: InvoiceBalance) -> OpenInvoice:
    """Return one invoice as everything that covers it leaves it, closed ones too."""
    return covered_by(
        _invoice(row), _coverings(Coverage.objects.filter(invoice=row).select_related("invoice__delivery"))
    )


def unpaid(flow: Flow) -> QuerySet[InvoiceBalance]:
    """Return the flow's invoices that nothing covers in full."""
    return _open(flow, None)


def numbers(flow: Flow, order_ids: Collection[str]) -> dict[str, str]:
    """Return every invoice number these orders ever had in the company, by whom it was given (a delivery key)."""
    remote_key = flow.target.remote_key
    given: dict[str, str] = {}
    for some in chunked(sorted(order_ids)):
        rows = Delivery.objects.filter(remote_key=remote_key, kind__in=BOOKING, order_id__in=some)
        given |= dict(rows.exclude(state=State.DROPPED).values_list("number", "key"))
    return given


def _open(flow: Flow, without: Plan | None) -> QuerySet[InvoiceBalance]:
    rows = InvoiceBalance.objects.filter(delivery__flow=flow, delivery__live=True)
    covering = Coverage.objects.filter(invoice=OuterRef("pk"))
    if without is not None:
        rows, covering = rows.exclude(delivery__plan=without), covering.exclude(plan=without)
    taken = covering.order_by().values("invoice").annotate(taken=Sum("amount")).values("taken")
    answered = Coalesce("delivery__answered_total", "delivery__amount")
    # A converted invoice is answered in home money, and settlements cover it in their own.
    whole = Case(
        When(delivery__answered_total=0, then=0),
        default=Coalesce("delivery__original_amount", answered),
        output_field=BigIntegerField(),
    )
    return rows.annotate(taken=Coalesce(Subquery(taken), Value(0)), whole=whole).filter(taken__lt=F("whole"))


def _opened(
    flow: Flow, order_ids: Collection[str], without: Plan | None
) -> Iterator[tuple[OpenInvoice, InvoiceBalance]]:
    for some in chunked(sorted(order_ids)):
        rows = list(_open(flow, without).filter(order_id__in=some).select_related("delivery").order_by("pk"))
        others = Coverage.objects.filter(invoice__in=rows).select_related("invoice__delivery")
        coverings = _coverings(others.exclude(plan=without) if without is not None else others)
        by_key: dict[str, list[Covering]] = {}
        for one in coverings:
            by_key.setdefault(one.invoice, []).append(one)
        for row in rows:
            yield covered_by(_invoice(row), by_key.get(row.delivery.key, ())), row


def _invoice(row: InvoiceBalance) -> OpenInvoice:
    document = document_from(json.loads(row.delivery.document))
    return OpenInvoice(
        key=row.delivery.key,
        number=row.delivery.number,
        order_id=row.order_id,
        customer=document.customer if isinstance(document, Invoice) else "",
        on=dated(document) or date.min,
        lines=row.lines,
        units=row.units,
        not_for=tuple(row.not_for),
        receivable=receivable_of(document),
    )


def _coverings(rows: Iterable[Coverage]) -> list[Covering]:
    return [
        Covering(
            invoice=row.invoice.delivery.key,
            number=row.invoice.delivery.number,
            order_id=row.invoice.order_id,
            settlement_id=row.settlement_id,
            part=row.part,
            by_key=row.amounts,
            units=row.units,
            invoiced_on=row.invoice.delivery.on or date.min,
            receivable=_receivable(row.invoice.delivery),
        )
        for row in rows
    ]


def _receivable(row: Delivery) -> LineKey:
    return AccountKey.AR if row.kind == Kind.INVOICE else receivable_of(document_from(row.plain_document))


def coverage_of(plan: Plan) -> list[Covering]:
    """Return what a plan takes off invoices, as it is stored."""
    return _coverings(Coverage.objects.filter(plan=plan).select_related("invoice__delivery").order_by("pk"))


def next_revision(flow: Flow, settlement: Settlement) -> int:
    """Return the revision that no plan of this settlement has used up in the company, whichever tenant made it."""
    with unscoped("a company may be shared by tenants"):
        undone = Plan.objects.filter(
            Connection.of_company(flow.target.remote_key, "flow__target__"),
            state=Plan.State.UNDONE,
            settlement__settlement_id=settlement.settlement_id,
        )
        return 1 + (undone.aggregate(last=Max("last_revision"))["last"] or 0)


# Payouts


def earlier_payouts(flow: Flow, settlement: Settlement, *, without: Plan | None) -> list[EarlierPayout]:
    """Return the payouts before this settlement that no row has taken back yet."""
    pairings = _pairings(flow, without)
    taken = {one["settlement_id"] for one in pairings}
    before = settlements_of(flow).filter(ends_at__lte=settlement.starts_at, total__gt=0).exclude(doubted())
    opened = flow.opening_clearing
    if opened > 0:
        left_out = {one.settlement_id for one in before if ended_before(flow, one)}
        opened -= sum(one["amount"] for one in pairings if one["withheld"] and one["settlement_id"] in left_out)
    return [_earlier_payout(flow, one, opened) for one in before if one.settlement_id not in taken]


def _earlier_payout(flow: Flow, settlement: Settlement, opened: int) -> EarlierPayout:
    """Return a payout as a later row may take it back. ``opened`` is what the opening entry put on clearing for such."""
    failed, outside = settlement.payout_failed, ended_before(flow, settlement)
    withheld = failed and (opened >= settlement.total if outside else not payout_is_out(flow, settlement))
    on, sid = settlement.deposit_on, settlement.settlement_id
    return EarlierPayout(sid, settlement.total, on, withheld, outside, said=outside and failed)


def failed_before_the_books(flow: Flow) -> bool:
    """Whether a person has said that a payout from before the books never came."""
    failed = settlements_of(flow).filter(payout_failed=True)
    return flow.books_from is not None and failed.filter(ends_at__lte=first_instant(flow)).exists()


def payout_is_out(flow: Flow, settlement: Settlement) -> bool:
    """Whether the payout of a settlement is in the books, or may be: then its failure is a movement of its own."""
    head = settlement_key(settlement.settlement_id, "P", "payout", 0).removesuffix("0")
    rows = Delivery.objects.filter(flow=flow, plan__settlement=settlement, key__startswith=head, live=True)
    return rows.filter(state__in=_ON_ITS_WAY).exists()


def payout_cancelled(flow: Flow, settlement: Settlement) -> bool:
    """Whether a later row took back a payout that was never booked: it never will be."""
    return any(
        one["withheld"] and one["settlement_id"] == settlement.settlement_id for one in _pairings(flow, without=None)
    )


def failed_payouts() -> dict[str, str]:
    """Return the settlements whose payout came back, by Amazon's id, and the settlement that took it back."""
    pairings = Plan.objects.exclude(pairings=[]).exclude(state=Plan.State.UNDONE)
    return {
        pairing["settlement_id"]: later
        for found, later in pairings.values_list("pairings", "settlement__settlement_id")
        for pairing in found
    }


def _pairings(flow: Flow, without: Plan | None) -> list[dict[str, Any]]:
    plans = Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE).exclude(pairings=[])
    if without is not None:
        plans = plans.exclude(pk=without.pk)
    return [pairing for pairings in plans.values_list("pairings", flat=True) for pairing in pairings]

"""What pages show of flows, plans and deliveries: queries with a bounded count, and no decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db.models import Case, Count, Exists, F, Min, OuterRef, Q, QuerySet, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from amazon.models import Order, Report, Settlement
from bookkeeping.documents import BOOKING, Kind
from bookkeeping.shipment import NoInvoice
from flows import closing, history
from flows.models import Carrier, Coverage, Delivery, Dependency, Flow, Plan, Shipment
from flows.payouts import Payouts
from flows.verdicts import MOVING, NEEDS_PERSON, Standing, standing, stopped
from kit import clock
from ledgers.registry import ledger_spec

State = Delivery.State
NO_FLOW: Final = "none"
HELD: Final = "held"
SHOWN_DEPENDANTS: Final = 20
SETTLED_WITHIN_DAYS: Final = 180  # the longest return window Amazon grants, and some time to work it off
_HEAVY: Final = ("statement", "verdict", "flags", "pairings")


@dataclass(frozen=True, slots=True)
class Entered:
    """One settlement in one flow, as a list shows it. ``reasons`` are distinct reasons of what needs a person."""

    plan: Plan
    standing: Standing
    reasons: tuple[str, ...]
    waiting: int


def settlements(
    flow: Flow | None = None, currency: str = "", state: str = "", year: int | None = None
) -> QuerySet[Settlement]:
    """Return settlements, the newest first. ``state`` is a plan's, HELD (something needs a person) or NO_FLOW (no plan at all)."""
    found = Settlement.objects.order_by("-ends_at", "-pk")
    plans = Plan.objects.filter(settlement=OuterRef("pk"))
    if flow is not None:
        plans = plans.filter(flow=flow)
    if currency:
        found = found.filter(currency=currency)
    if year:
        found = found.filter(ends_at__year=year)
    if state == NO_FLOW:
        return found.exclude(Exists(plans))
    if state == HELD:
        plans = plans.filter(Exists(Delivery.objects.filter(plan=OuterRef("pk"), state__in=NEEDS_PERSON)))
    elif state:
        plans = plans.filter(state=state)
    return found.filter(Exists(plans)) if flow is not None or state else found


def entered(found: Iterable[Settlement]) -> dict[int, list[Entered]]:
    """Return, by settlement, its newest plan in each flow, with what needs a person. Five queries, however many."""
    found = list(found)
    known, by_pk = Payouts(found), {one.pk: one for one in found}
    newest: dict[tuple[int, int], Plan] = {}
    for plan in plans_for_lists().filter(settlement__in=found).order_by("flow__name", "flow_id", "revision"):
        newest[plan.settlement_id, plan.flow_id] = plan
    waiting: dict[int, list[tuple[str, int]]] = {}
    held = Delivery.objects.filter(stopped(), plan__in=newest.values())
    for plan_id, reason, count in held.values_list("plan_id", "reason").annotate(Count("pk")).order_by("reason"):
        waiting.setdefault(plan_id, []).append((reason, count))
    rows: dict[int, list[Entered]] = {}
    later = payout_days(newest.values())
    for (settlement_id, _), plan in newest.items():
        failed = known.failed(by_pk[settlement_id])
        rows.setdefault(settlement_id, []).append(_entered(plan, waiting.get(plan.pk, []), later.get(plan.pk), failed))
    return rows


def alike(found: Iterable[Entered]) -> list[tuple[Standing, tuple[str, ...], list[Entered]]]:
    """Return what a list says of one settlement in several flows: each standing once with its reasons, and where it holds."""
    groups: dict[tuple[Standing, tuple[str, ...]], list[Entered]] = {}
    for one in found:
        groups.setdefault((one.standing, one.reasons), []).append(one)
    return [(standing, reasons, some) for (standing, reasons), some in groups.items()]


def payout_days(plans: Iterable[Plan]) -> dict[int, date]:
    """Return, by plan, the day of a payout that is not booked before it, where nothing else of the plan is on its way."""
    moving = Delivery.objects.filter(plan__in=list(plans), state__in=MOVING).order_by().values("plan_id")
    counted = moving.annotate(
        moving=Count("pk"), later=Count("pk", filter=Q(not_before__gt=clock.now().date())), first=Min("not_before")
    )
    return {row["plan_id"]: row["first"] for row in counted if row["later"] == row["moving"]}


def plans_for_lists() -> QuerySet[Plan]:
    """Return plans without their heavy columns; ``proof`` is the verdict's word, ``differs`` what would come out otherwise now."""
    return (
        Plan.objects.select_related("flow__target")
        .defer(*_HEAVY)
        .annotate(proof=KeyTextTransform("verdict", "verdict"), differs=KeyTransform("differs", "verdict"))
    )


def settlement_years() -> list[int]:
    return [day.year for day in Settlement.objects.dates("ends_at", "year", order="DESC")]


def settlement_currencies() -> list[str]:
    return list(Settlement.objects.order_by("currency").values_list("currency", flat=True).distinct())


def refused_files() -> QuerySet[Report]:
    """Return the settlement files of which nothing counts, the newest first."""
    return Report.objects.filter(state=Report.State.REFUSED).order_by("-created_at", "-pk")


def waiting_revisions() -> QuerySet[Report]:
    """Return the files that are a known settlement with other rows, and wait for a decision."""
    waiting = Report.objects.filter(state=Report.State.REVISION)
    return waiting.select_related("settlement__report").order_by("-created_at", "-pk")


def why_unplanned(settlement: Settlement) -> str:
    """Return in a sentence why a settlement is in no flow, and what to do."""
    flows = [flow for flow in Flow.objects.select_related("source") if flow.currency == settlement.currency]
    if not flows:
        return f"No flow takes settlements in {settlement.currency}. Set up a flow for this currency, and it is planned at once."
    same_seller = [flow for flow in flows if (flow.source.remote_id if flow.source else "") == settlement.seller_id]
    if not same_seller:
        return "No flow takes settlements of this seller. Set up a flow for it, and it is planned at once."
    same_type = [flow for flow in same_seller if flow.account_type == settlement.account_type]
    if not same_type:
        return f"No flow takes this seller's settlements of {settlement.account_type}. Set up a flow for them, and it is planned at once."
    if all(history.ended_before(flow, settlement) for flow in same_type):
        return "It ended before the day your books begin, so it stays out of them."
    return "It is planned with the next run of its flow."


def dependencies_of(deliveries: Iterable[Delivery]) -> dict[int, list[Delivery]]:
    """Return, by delivery, the deliveries it needs: the live one of each key, in one query.

    The deliveries come with their ``dependencies`` prefetched.
    """
    found = list(deliveries)
    keys = {one.key for row in found for one in row.dependencies.all()}
    needed = Delivery.objects.filter(live=True, key__in=keys, remote_key__in={row.remote_key for row in found})
    by_key = {(row.remote_key, row.key): row for row in needed.defer("document", "answered_lines")}
    return {
        row.pk: [
            by_key[row.remote_key, one.key] for one in row.dependencies.all() if (row.remote_key, one.key) in by_key
        ]
        for row in found
    }


def dependants_of(row: Delivery) -> list[Delivery]:
    """Return some of the deliveries that need this one, what still waits for it first."""
    needing = Dependency.objects.filter(remote_key=row.remote_key, key=row.key).values("delivery")
    found = Delivery.objects.filter(pk__in=needing).exclude(state__in=[State.DROPPED, State.UNDONE])
    waits = Case(When(state=State.POSTED, then=1), default=0)
    return list(found.defer("document", "bindings").order_by(waits, "pk")[:SHOWN_DEPENDANTS])


def name_undos(shown: Iterable[Delivery]) -> list[Delivery]:
    """Give each undo number and amount of the document it takes back, for reading: it has none of its own. One query at
    most."""
    rows = list(shown)
    undos: dict[tuple[str, str], list[Delivery]] = {}
    for row in rows:
        if row.kind == Kind.UNDO:
            target = row.key.partition("/undo")[0].partition("/back/")[0]
            undos.setdefault((row.remote_key, target), []).append(row)
    if undos:
        companies, keys = ({place[one] for place in undos} for one in (0, 1))
        found = Delivery.objects.filter(remote_key__in=companies, key__in=keys).order_by("pk")
        named = found.values_list("remote_key", "key", "number", "amount", "currency")
        for remote_key, key, number, amount, currency in named:
            for row in undos.get((remote_key, key), ()):
                row.number, row.amount, row.currency = number, amount, currency
    return rows


def sharing(found: Iterable[Delivery]) -> list[tuple[Delivery, list[Delivery]]]:
    """Return documents in their order, each with those that are in the books as one with it: payments of many invoices."""
    groups: dict[tuple[str, str], list[Delivery]] = {}
    for row in found:
        shared = row.kind == Kind.PAYMENT and bool(row.external_id)
        groups.setdefault((row.number, row.external_id) if shared else ("", row.key), []).append(row)
    return [(rows[0], rows[1:]) for rows in groups.values()]


def worth_naming(needs: Iterable[Delivery]) -> list[Delivery]:
    """Return the documents among what a delivery needs; accounts, customers and items only while they are missing."""
    return [row for row in needs if not row.key.startswith("company/") or row.state != State.POSTED]


def ledger_name(flow: Flow) -> str:
    return ledger_spec(flow.target.provider).name


def _entered(plan: Plan, reasons: list[tuple[str, int]], payout_on: date | None, payout_failed: bool) -> Entered:
    count = sum(each for _, each in reasons)
    verdict = "" if plan.state == Plan.State.UNDONE else plan.proof or ""  # type: ignore[attr-defined]
    differs = bool(plan.differs)  # type: ignore[attr-defined]
    residue = plan.state == Plan.State.POSTED and bool(plan.exchange.get("residue")) and plan.revalued_at is None
    shown = standing(plan.state, verdict, count, differs, payout_on, payout_failed=payout_failed, to_revalue=residue)
    return Entered(plan, shown, tuple(reason for reason, _ in reasons if reason), count)


# Orders


@dataclass(frozen=True, slots=True)
class Carried:
    """A settlement that carried an order, and how: ``deliveries`` are the documents of the order in one flow."""

    settlement: Settlement
    flow: Flow
    amount: int


def orders(
    text: str = "",
    status: str = "",
    marketplace: str = "",
    purchased_from: date | None = None,
    purchased_to: date | None = None,
    shipped_from: date | None = None,
    shipped_to: date | None = None,
    invoice: str = "",
) -> QuerySet[Order]:
    """Return orders, the newest first. ``invoice`` is a delivery's state, or NO_FLOW for orders without an invoice."""
    found = Order.objects.defer("raw").order_by("-purchased_at", "-pk")
    exact: dict[str, object] = {
        "order_id__startswith": text,
        "status": status,
        "marketplace": marketplace,
        "purchased_at__date__gte": purchased_from,
        "purchased_at__date__lte": purchased_to,
        "shipped_at__date__gte": shipped_from,
        "shipped_at__date__lte": shipped_to,
    }
    found = found.filter(**{name: value for name, value in exact.items() if value})
    if invoice:
        invoices = Delivery.objects.filter(kind__in=BOOKING, order_id=OuterRef("order_id"), live=True)
        if invoice == NO_FLOW:
            return found.exclude(Exists(invoices))
        return found.filter(Exists(invoices.filter(state=invoice)))
    return found


def invoices_of(found: Iterable[Order]) -> dict[str, list[Delivery]]:
    """Return the invoices of several orders, or the entries in their place, by order id, newest first; one query."""
    rows = Delivery.objects.filter(kind__in=BOOKING, order_id__in=[order.order_id for order in found])
    rows = rows.exclude(state=State.DROPPED).defer("document", "bindings").select_related("flow").order_by("-pk")
    by_order: dict[str, list[Delivery]] = {}
    for row in rows:
        by_order.setdefault(row.order_id, []).append(row)
    return by_order


@dataclass(frozen=True, slots=True)
class NotInvoiced:
    """Why an order got no invoice before it settles, in one flow."""

    flow: Flow
    on: date
    reason: str
    text: str


_SETTLES: Final = "What Amazon pays for it is booked when it settles."
_NOT_INVOICED: Final[Mapping[str, str]] = {
    NoInvoice.BEFORE_CUT_OVER: f"It shipped before the flow began to invoice on shipment. {_SETTLES}",
    NoInvoice.NOT_AMAZON: "It was sold elsewhere, so Amazon pays nothing for it.",
    NoInvoice.TOTALS_UNCLEAR: f"Amazon's amounts do not add up to its total, so its tax cannot be told. {_SETTLES}",
    NoInvoice.CARRIED_ALREADY: "A settlement carried all of it before the shipment was seen.",
    NoInvoice.NOTHING_TO_PAY: "Nothing is to be paid for it: a replacement, or wholly discounted.",
    NoInvoice.PERIOD_CLOSED: f"The month it shipped in is closed in the ledger. {_SETTLES}",
    NoInvoice.NUMBERS_USED_UP: f"All invoice numbers of the order are used up. {_SETTLES}",
    closing.CANCELLED_FIRST: "It was cancelled before its invoice was sent.",
    closing.TAKEN_BACK: "It was cancelled: its invoice was taken back or closed.",
}


def not_invoiced(order: Order) -> list[NotInvoiced]:
    """Return why flows made no invoice of an order when it shipped."""
    seen = Shipment.objects.filter(order=order).exclude(reason="").select_related("flow").order_by("flow__name", "pk")
    return [NotInvoiced(one.flow, one.on, one.reason, _NOT_INVOICED.get(one.reason, one.reason)) for one in seen]


def documents_of_order(order_id: str) -> list[Delivery]:
    """Return an order's invoices and the payments of them, in the order they were planned."""
    payments = Coverage.objects.filter(invoice__order_id=order_id, payment__isnull=False).values("payment")
    rows = Delivery.objects.filter(Q(order_id=order_id) | Q(pk__in=payments)).exclude(state=State.DROPPED)
    return list(rows.select_related("flow__target", "plan__settlement").order_by("pk"))


def carriers_of_order(order_id: str) -> list[Carried]:
    """Return the settlements whose documents name the order, with the amount they carry of it."""
    rows = Carrier.objects.filter(order_id=order_id).exclude(plan__state=Plan.State.UNDONE)
    rows = rows.select_related("plan__settlement", "plan__flow").order_by("plan__settlement__ends_at", "pk")
    sums: dict[int, tuple[Plan, int]] = {}
    for row in rows:
        _, amount = sums.get(row.plan_id, (row.plan, 0))
        sums[row.plan_id] = (row.plan, amount + row.amount)
    return [Carried(plan.settlement, plan.flow, amount) for plan, amount in sums.values()]


def order_pages(order_ids: Iterable[str]) -> dict[str, int]:
    """Return the page's id of each order that we have, by Amazon's id."""
    return dict(Order.objects.filter(order_id__in=list(order_ids)).values_list("order_id", "pk"))


def settlements_around(order: Order) -> list[Settlement]:
    """Return the seller's settlements that may have rows of an order: those that end in the half year after its purchase."""
    last = order.purchased_at + timedelta(days=SETTLED_WITHIN_DAYS)
    found = Settlement.objects.filter(
        seller_id=order.connection.remote_id, ends_at__gt=order.purchased_at, starts_at__lt=last
    )
    if order.currency:
        found = found.filter(currency=order.currency)
    return list(found.order_by("ends_at"))


def order_statuses() -> list[str]:
    return list(Order.objects.order_by("status").values_list("status", flat=True).distinct())


def order_marketplaces() -> list[str]:
    found = Order.objects.exclude(marketplace="").order_by("marketplace")
    return list(found.values_list("marketplace", flat=True).distinct())


# Deliveries: every document, with its state and reason


def deliveries(
    states: Iterable[str] = (),
    flow: Flow | None = None,
    kind: str = "",
    text: str = "",
    from_day: date | None = None,
    to_day: date | None = None,
    plan: Plan | None = None,
    dated_from: date | None = None,
    dated_to: date | None = None,
) -> QuerySet[Delivery]:
    """Return documents, the newest first. ``text`` is part of a number, an order id or a settlement id, or a whole remote id.

    ``from_day`` and ``to_day`` are about the last change, ``dated_from`` and ``dated_to`` about the document's own date.
    """
    found = Delivery.objects.select_related("flow__target", "plan__settlement").order_by("-pk")
    if wanted := list(states):
        found = found.filter(state__in=wanted)
    if flow is not None:
        found = found.filter(flow=flow)
    if plan is not None:
        found = found.filter(plan=plan)
    if kind:
        found = found.filter(kind=kind)
    if text:
        found = found.filter(
            Q(number__icontains=text)
            | Q(order_id__startswith=text)
            | Q(plan__settlement__settlement_id__startswith=text)
            | Q(external_id=text)
        )
    if from_day:
        found = found.filter(updated_at__date__gte=from_day)
    if to_day:
        found = found.filter(updated_at__date__lte=to_day)
    if dated_from:
        found = found.filter(on__gte=dated_from)
    if dated_to:
        found = found.filter(on__lte=dated_to)
    return found


def state_counts(found: QuerySet[Delivery]) -> dict[str, int]:
    return dict(found.order_by().values_list("state").annotate(count=Count(F("pk"))))

"""Creating a flow, changing what it was agreed on, and discarding one that never posted anything."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from amazon.marketplaces import Marketplace, by_currency
from amazon.models import STANDARD_ORDERS, Settlement
from audit import trail
from bookkeeping.terms import Strategy
from flows import account_types, accruals, currencies, history, planner, planning, schedule
from flows.models import Attempt, Delivery, Flow, Plan
from kit import clock
from ledgers.registry import layouts_of
from tenants.alerts import settle_alert
from tenants.models import Access, Connection

# What may change once a flow exists; everything else names another flow.
CHANGEABLE: Final = (
    "name",
    "mode",
    "trigger",
    "layout",
    "strategy",
    "rate_from",
    "approval",
    "books_from",
    "opening_clearing",
    "opening_reserve",
    "opening_loan",
    "accrues_from",
    "generic_items",
    "orders_every_min",
    "settlements_every_min",
)
FIGURES: Final = ("opening_clearing", "opening_reserve", "opening_loan")
_BEGINNING: Final = frozenset({"mode", "trigger", "strategy", "books_from", *FIGURES})
_PERIOD: Final = timedelta(days=14)  # Amazon settles about every two weeks
# These change what is planned, not only when.
_REPLANS: Final = _BEGINNING | {"rate_from", "layout", "generic_items"}


_BUSY: Final = "Its settlements are being planned at this moment. Try again when that is done."


class CannotChange(Exception):
    """Why a flow cannot be created, changed or discarded so, and what to do."""


def settled_currencies(tenant_id: int, source: Connection | None) -> list[str]:
    """Return the currencies the seller's settlements have; before any is known, those of the account's marketplaces.

    A seller may have the same merchant token in several regions: each account offers what its own region settles in."""
    seller_id = source.remote_id if source else ""
    found = Settlement.objects.filter(tenant_id=tenant_id, seller_id=seller_id)
    seen = sorted(set(found.values_list("currency", flat=True)))
    if source is not None:
        seen = [one for one in seen if (place := by_currency(one)) is None or _is_of(source, place)]
    return seen or list(source.data.get("currencies", []) if source else [])


def _is_of(source: Connection, place: Marketplace) -> bool:
    """Whether an account may settle in a marketplace's currency: no currency is settled in two regions."""
    return bool(source.data.get("region", place.region) == place.region)


def first_settlement(
    tenant_id: int, source: Connection | None, currency: str, account_type: str = STANDARD_ORDERS
) -> Settlement | None:
    """Return the earliest settlement that is known of a seller, account type and currency, before there is a flow for it."""
    return _settlements(tenant_id, source, currency, account_type).order_by("ends_at").first()


def start_problem(
    tenant_id: int,
    source: Connection | None,
    currency: str,
    day: date | None,
    account_type: str = STANDARD_ORDERS,
) -> str:
    """Return why books cannot begin on a day, and what to do; "" where they can.

    They may begin as late as the day after the settlement that Amazon is making now. Later than that, settlements would
    come that nobody books, and nobody is reminded of them."""
    if day is None:
        return ""
    today = clock.now().date()
    last = _settlements(tenant_id, source, currency, account_type).order_by("ends_at").last()
    ends = last.ends_at.date() + _PERIOD if last else today
    ends = ends if ends > today else today + _PERIOD
    latest = ends + timedelta(days=1)
    if day <= latest:
        return ""
    return (
        f"{day:%-d %B %Y} is too far ahead: the settlement that Amazon is making now ends about {ends:%-d %B %Y}, and those "
        f"after it would be in no books. Choose a day up to {latest:%-d %B %Y}, or set the flow up when that day is near."
    )


def _settlements(tenant_id: int, source: Connection | None, currency: str, account_type: str) -> QuerySet[Settlement]:
    seller_id = source.remote_id if source else ""
    return Settlement.objects.filter(
        tenant_id=tenant_id, seller_id=seller_id, currency=currency, account_type=account_type
    )


def create(tenant_id: int, actor: str, values: Mapping[str, Any]) -> Flow:
    """Create a flow in set-up and have it fetch and plan for the first time.

    ``values`` are fields of the flow; ``source`` None takes uploaded files only. Raises CannotChange where the company has
    such a flow already or cannot take the currency, or the seller has no such account."""
    source, target, currency = values["source"], values["target"], values["currency"]
    account_type = values.get("account_type") or STANDARD_ORDERS
    values = {**values, "account_type": account_type}
    for end in (source, target):
        if end is not None and end.state != Access.ACTIVE:
            raise CannotChange(f"{end} is not connected. Connect it again under Connections, then create the flow.")
    if problem := currencies.problem(target, currency, values.get("strategy", "")):
        raise CannotChange(problem)
    if problem := start_problem(tenant_id, source, currency, values.get("books_from"), account_type):
        raise CannotChange(problem)
    if account_type not in (offered := account_types.known(tenant_id, source)):
        raise CannotChange(
            f"Nothing is known of {account_type} of {source or 'uploaded files'}. There is: {', '.join(offered)}."
        )
    if (place := by_currency(currency)) and source is not None and not _is_of(source, place):
        raise CannotChange(
            f"{source} is an account in {source.data['region']}, and {currency} is settled in {place.region}. Choose the account "
            "of that region; a seller has one in each."
        )
    _check_layout(target, currency, values.get("layout", ""), values.get("strategy", ""))
    home = currencies.home_of(target, currency)
    twin = Flow.objects.filter(source=source, target=target, currency=currency, account_type=account_type).first()
    if twin is not None:
        raise CannotChange(
            f"{twin.name} already brings these settlements into {target}. Open that flow, or choose another company."
        )
    try:
        with trail.recorded():
            flow = Flow.objects.create(tenant_id=tenant_id, cut_over_at=clock.now(), home=home, **values)
            trail.record(
                "flow.created",
                f"flow:{flow.pk}",
                tenant_id=tenant_id,
                actor=actor,
                source=str(source or ""),
                target=str(target),
                **{name: getattr(flow, name) for name in ("account_type", "currency", *CHANGEABLE)},
            )
    except IntegrityError as error:
        raise CannotChange("Somebody has just created this flow. Open the list of flows.") from error
    schedule.run_now(flow, actor)
    flow.refresh_from_db()
    return flow


def change(flow: Flow, actor: str, values: Mapping[str, Any]) -> list[str]:
    """Change what a flow was agreed on; returns the names of what was different.

    What is planned follows at once. Settlements that a later first day leaves out are no longer planned; one that was
    already sent forbids that. A flow that was live changes its mode by ``setup.switch_mode`` and keeps its beginning.

    Raises CannotChange."""
    different = {name: value for name, value in values.items() if name in CHANGEABLE and getattr(flow, name) != value}
    if not different:
        return []
    if flow.state != Flow.State.SETUP and _BEGINNING & different.keys():
        raise CannotChange(
            "The books of this flow have begun: their first day and opening figures can no longer change, and how it books is "
            "changed on a page of its own. Correct a figure by an entry of your own in the ledger."
        )
    if problem := start_problem(
        flow.tenant_id, flow.source, flow.currency, different.get("books_from"), flow.account_type
    ):
        raise CannotChange(problem)
    _check_layout(
        flow.target, flow.currency, different.get("layout", flow.layout), different.get("strategy", flow.strategy)
    )
    if problem := currencies.problem(flow.target, flow.currency, different.get("strategy", "")):
        raise CannotChange(problem)
    if different.get("accrues_from") and (problem := accruals.problem(flow)):
        raise CannotChange(problem)
    if "books_from" in different:
        _leave_out(flow, different["books_from"])
    with trail.recorded():
        Flow.objects.filter(pk=flow.pk).update(**different)
        trail.record("flow.changed", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor, **different)
    flow.refresh_from_db()
    if "books_from" in different:
        planning.plan_new(flow)
    if _REPLANS & different.keys():
        planning.replan_open(flow)
    elif "approval" in different:
        planning.release(flow)
    return sorted(different)


def _check_layout(target: Connection, settled_in: str, layout: str, strategy: str) -> None:
    known = {each.name: each for each in layouts_of(target)}
    if layout and layout not in known:
        raise CannotChange(
            f"{layout!r} is no way in which this ledger's documents are cut. There are: {', '.join(known)}."
        )
    # What orders booked on shipment wait on is in home money, and a ledger realises what the rate moves on invoices alone.
    native = strategy == Strategy.NATIVE and currencies.home_of(target, settled_in)
    if layout and native and known[layout].policy.order_entries:
        raise CannotChange(
            f"Orders can be journals only where everything is converted. Have {settled_in} converted, or choose invoices."
        )


def discard(flow: Flow, actor: str) -> None:
    """Remove a flow in set-up with everything it planned. Raises CannotChange once anything of it was sent."""
    if flow.state != Flow.State.SETUP:
        raise CannotChange("A flow that has been live stays, with its history. Pause it instead.")
    if _sent(Delivery.objects.filter(flow=flow)).exists():
        raise CannotChange(
            "Accounts were already created in the ledger for this flow, so it stays in the list. "
            "It posts nothing as long as it does not go live."
        )
    pk, name = flow.pk, flow.name
    with planner.sole(flow) as mine, trail.recorded():
        if not mine:
            raise CannotChange(_BUSY)
        Delivery.objects.filter(flow=flow).delete()
        Plan.objects.filter(flow=flow).delete()
        Flow.objects.filter(pk=pk).delete()
        for about in ("run", "waiting"):
            settle_alert(flow.tenant_id, f"flow:{pk}:{about}")
        trail.record("flow.discarded", f"flow:{pk}", tenant_id=flow.tenant_id, actor=actor, name=name)


def _leave_out(flow: Flow, books_from: date | None) -> None:
    """Forget the plans of settlements that ended before the books begin."""
    if books_from is None:
        return
    early = Plan.objects.filter(flow=flow, settlement__ends_at__lte=history.first_instant(flow, books_from))
    sent = _sent(Delivery.objects.filter(plan__in=early)).order_by("plan__settlement__ends_at")
    if first := sent.values_list("plan__settlement__settlement_id", flat=True).first():
        raise CannotChange(f"Settlement {first} ended before that day and was already sent. Undo it first.")
    with planner.sole(flow) as mine, transaction.atomic():
        if not mine:
            raise CannotChange(_BUSY)
        ids = list(early.values_list("pk", flat=True))
        Delivery.objects.filter(plan__in=ids).delete()
        Plan.objects.filter(pk__in=ids).delete()


def _sent(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    return rows.filter(Exists(Attempt.deliveries.through.objects.filter(delivery_id=OuterRef("pk"))))

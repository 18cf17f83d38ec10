"""The entry that puts the balances into the books with which a flow begins, and what Amazon's file says about them."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db.models import QuerySet

from amazon import marketplaces
from amazon.models import STANDARD_ORDERS, Settlement
from amazon.overlaps import doubted
from bookkeeping.corrections import opening_entry
from bookkeeping.days import local_day
from bookkeeping.money import shown
from bookkeeping.planned import Planned
from bookkeeping.remarks import FlagKind
from flows import chain, currencies, drafts, history, mapping, rows
from flows.models import Delivery, Flow, Plan
from flows.planner import kick
from ledgers import reference

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Told:
    """What the first settlement says about the day on which it starts, or on which the books begin after that. Minor units
    of its currency, debit positive: ``clearing`` is at most 0 (a debt that it carries), ``reserve`` what it gives back."""

    settlement: Settlement
    day: date
    clearing: int
    reserve: int


def told_by(first: Settlement | None) -> Told | None:
    """Return what a flow's first settlement says, None where it rests on nothing from before."""
    if first is None or not (first.reserve_released or first.opening_debt):
        return None
    zone = marketplaces.zone_of("", first.currency)
    return Told(first, local_day(first.starts_at, zone), first.opening_debt, first.reserve_released)


def told(flow: Flow) -> Told | None:
    """Return what the flow's first planned settlement says, None also where the one before it is merely missing."""
    known = Plan.objects.filter(flow=flow).exclude(settlement__in=history.doubted_in(flow))
    first = known.order_by("settlement__ends_at").select_related("settlement").first()
    if first is None or chain.around(flow, first.settlement).gap_after is not None:
        return None
    found = told_by(first.settlement)
    if found is None or not any(part.get("before") for part in first.statement.get("parts", [])):
        return found
    # Part of it is before the books and opens them by itself: only the rest may rest on figures that somebody enters.
    rest = replace(found, clearing=first.statement["opening_debt"], reserve=first.statement["reserve_released"])
    return rest if rest.clearing or rest.reserve else None


def begun_before(flow: Flow) -> list[str]:
    """Return what is to be said of planned settlements that began before the books, a sentence or two for each month."""
    if flow.books_from is None:
        return []
    early = Plan.objects.filter(flow=flow, settlement__starts_at__lt=history.first_instant(flow))
    early = early.exclude(state=Plan.State.UNDONE).order_by("settlement__ends_at")
    flags = [flag for found in early.values_list("flags", flat=True) for flag in found]
    return [f"{flag['text']}." for flag in flags if flag["kind"] == FlagKind.BEFORE_BOOKS]


def doubled(flow: Flow) -> str:
    """Return what is wrong where an opening figure has what a settlement brings from before the books by itself; else ""."""
    plans = Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE).order_by("settlement__ends_at")
    statement = plans.values_list("statement", flat=True).first() or {}
    before = [part["n"] for part in statement.get("parts", []) if part.get("before")]
    if not before:
        return ""
    brought = sum(sum(statement["totals"].get(str(n), {}).values()) for n in before)
    wrong = []
    if brought and flow.opening_clearing == brought:
        wrong.append(f"{shown(brought, flow.currency)} owed by Amazon")
    if flow.opening_reserve > statement["reserve_released"]:
        wrong.append(f"{shown(flow.opening_reserve, flow.currency)} held in reserve")
    if not wrong:
        return ""
    return (
        f"The opening figures say {' and '.join(wrong)}, and the first settlement's part from before your books brings that by "
        "itself: it would be booked twice. Take it out of the opening figures on the flow's page."
    )


def stated(flow: Flow) -> bool:
    """Whether somebody has said with which balances the books begin."""
    return bool(flow.opening_clearing or flow.opening_reserve or flow.opening_loan)


def entry(flow: Flow) -> Delivery | None:
    """Return the opening entry as it is planned, or booked."""
    return _rows(flow).order_by("pk").last()


def plan_opening(flow: Flow) -> None:
    """Plan the entry and let it go where the flow is live; a figure that was never sent is brought up to date."""
    bring_up_to_date(flow)
    if flow.state == Flow.State.LIVE and rows.release(_rows(flow)):
        kick(flow.target.remote_key)


def bring_up_to_date(flow: Flow) -> None:
    """Make the planned entry follow the flow's opening balances and mapping. Once it is sent it stays."""
    planned = _planned(flow)
    known = mapping.load(flow)
    found = drafts.drafts(planned, known, reference.cached(flow.target))
    for _ in range(rows.ROUNDS):
        changes = rows.compare(_rows(flow), found, known.version)
        if not changes or rows.stored(flow, changes, known.version):
            return


def _planned(flow: Flow) -> tuple[Planned, ...]:
    first = history.in_the_books(flow).exclude(doubted()).first()
    begins = flow.books_from or (
        local_day(first.starts_at, marketplaces.zone_of("", flow.currency)) if first is not None else None
    )
    if begins is None:
        return ()
    entries = opening_entry(
        flow.source.remote_id if flow.source else "upload",
        policy=drafts.policy_of(flow),
        on=begins - timedelta(days=1),
        currency=flow.currency,
        clearing=flow.opening_clearing,
        reserve=flow.opening_reserve,
        deferred=flow.opening_deferred,
        loan=flow.opening_loan,
        account_type="" if flow.account_type == STANDARD_ORDERS else flow.account_type,
    )
    return tuple(currencies.of_its_day(flow, one) for one in entries)


def _rows(flow: Flow) -> QuerySet[Delivery]:
    return Delivery.objects.filter(flow=flow, plan=None, kind="entry", key__contains="/opening/").exclude(
        state__in=[State.DROPPED, State.UNDONE]
    )

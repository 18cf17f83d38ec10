"""The entry that puts the balances into the books with which a flow begins, and what Amazon's file says about them."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from amazon import marketplaces
from amazon.models import Settlement
from bookkeeping.corrections import opening_entry
from bookkeeping.days import local_day
from bookkeeping.planned import Planned
from flows import drafts, history, mapping, rows
from flows.models import Delivery, Flow, Plan
from flows.planner import kick
from ledgers import reference

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Told:
    """What the first settlement says about the day on which it starts. Minor units of its currency, debit positive:
    ``clearing`` is at most 0 (a debt that it carries), ``reserve`` what it gives back."""

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
    first = Plan.objects.filter(flow=flow).order_by("settlement__ends_at").select_related("settlement").first()
    if first is None or history.chain(flow, first.settlement).gap_after is not None:
        return None
    return told_by(first.settlement)


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
    found = drafts.drafts([planned] if planned else [], known, reference.cached(flow.target))
    for _ in range(rows.ROUNDS):
        changes = rows.compare(_rows(flow), found, known.version)
        if not changes or rows.stored(flow, changes, known.version):
            return


def _planned(flow: Flow) -> Planned | None:
    first = history.in_the_books(flow).first()
    begins = flow.books_from or (
        local_day(first.starts_at, marketplaces.zone_of("", flow.currency)) if first is not None else None
    )
    if begins is None:
        return None
    return opening_entry(
        flow.source.remote_id if flow.source else "upload",
        on=begins - timedelta(days=1),
        currency=flow.currency,
        clearing=flow.opening_clearing,
        reserve=flow.opening_reserve,
        deferred=flow.opening_deferred,
        loan=flow.opening_loan,
    )


def _rows(flow: Flow) -> QuerySet[Delivery]:
    return Delivery.objects.filter(flow=flow, plan=None, kind="entry", key__contains="/opening/").exclude(
        state__in=[State.DROPPED, State.UNDONE]
    )

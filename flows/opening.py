"""The entry that puts the balances into the books with which a flow begins."""

from datetime import timedelta

from amazon import marketplaces
from bookkeeping.corrections import opening_entry
from bookkeeping.days import local_day
from bookkeeping.planned import Planned
from flows import drafts, history, mapping, rows
from flows.models import Delivery, Flow
from flows.planner import kick
from ledgers import reference

State = Delivery.State


def plan_opening(flow: Flow) -> None:
    """Plan the entry and let it go where the flow is live; a figure that was never sent is brought up to date."""
    bring_up_to_date(flow)
    if flow.state == Flow.State.LIVE and rows.release(_rows(flow)):
        kick(flow.target.remote_key)


def bring_up_to_date(flow: Flow) -> None:
    """Make the planned entry follow the flow's opening balances and mapping. Once it is sent it stays."""
    if flow.state == Flow.State.SETUP:
        return
    planned = _planned(flow)
    known = mapping.load(flow)
    found = drafts.drafts([planned] if planned else [], known, reference.cached(flow.target))
    changes = rows.compare(_rows(flow), found, known.version)
    if changes and rows.calm(changes):
        rows.write(flow, None, changes, known.version)


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
    )


def _rows(flow: Flow):  # type: ignore[no-untyped-def]  # a queryset's type depends on the plugin
    return Delivery.objects.filter(flow=flow, plan=None, kind="entry", key__contains="/opening/").exclude(
        state__in=[State.DROPPED, State.UNDONE]
    )

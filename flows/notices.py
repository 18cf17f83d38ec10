"""What notices lead to: work that would be done anyway is done now. Whoever gets none finds the same by the schedule.

A thousand notices of one seller cost no more calls than Amazon allows for single orders; the rest is left to the next read of
all orders, which is brought forward.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from amazon import backfill, notices, pull
from amazon.client import SETTLEMENT_REPORT, AmazonError, Client, Forbidden, NotFound, ServerTrouble, WaitFor
from amazon.connect import SLUG, client_for
from amazon.cursors import claimed, look_again
from amazon.envelopes import ORDER_CHANGE, REPORT_FINISHED, TRANSACTION_UPDATE
from amazon.models import Notice, Report, Resource
from amazon.orders import BadOrder
from amazon.rates import Priority
from flows import buyers, shipments
from flows.models import Flow
from kit import clock
from kit.scope import scope
from tenants.grants import NeedsReconnect
from tenants.models import Access, Connection

AT_ONCE: Final = 30  # orders asked for one by one: the burst of getOrder
NOT_THERE_S: Final = 180.0  # a new order is there some three minutes after it was placed
ATTEMPTS: Final = 4
WORN: Final = 8
BUSY_S: Final = 5.0
READ_ALL_AFTER: Final = timedelta(minutes=10)  # searchOrders is allowed 20 times an hour
DONE: Final = "DONE"


def act(tenant_id: int, seller_id: str) -> None:
    """Handle the notices about a seller that are due. Whatever is not handled when this ends comes again."""
    with scope(tenant_id):
        taken = notices.take(seller_id)
        if not taken:
            return
        # What broke off whoever handled it, time and again, must not do so for ever.
        worn = [notice for notice in taken if notice.attempts > WORN]
        notices.handled(worn, "left to the schedule")
        taken = [notice for notice in taken if notice not in worn]
        again = notices.told_before(taken)
        notices.handled(again, "told before")
        left = [notice for notice in taken if notice not in again]
        found = Connection.objects.filter(provider=SLUG, remote_id=seller_id, state=Access.ACTIVE)
        connections = list(found.select_related("grant"))
        for kind, deal in _DEALS.items():
            if some := [notice for notice in left if notice.kind == kind]:
                deal(connections, some)


def _orders(connections: Sequence[Connection], told: list[Notice]) -> None:
    for connection in _with_live_flows(connections):
        flows = [flow for flow in _flows(connection) if shipments.invoices_early(flow)]
        if not flows:
            continue
        asked = [notice for notice in told if _may_know(connection, notice)]
        told = [notice for notice in told if notice not in asked]
        _fetch(connection, asked)
        for flow in flows:
            shipments.plan_shipments(flow)
            # Where somebody else was planning the flow, that was all for now: a run does it.
            _run_at(Q(pk=flow.pk, planning_until__gt=clock.now()), clock.now())
    notices.handled(told, "no flow needs single orders")


def _fetch(connection: Connection, told: Sequence[Notice]) -> None:
    """Fetch the orders that notices name, each once; what is too much for now is left to the next read of all orders."""
    by_order: dict[str, list[Notice]] = {}
    for notice in told:
        by_order.setdefault(notice.subject, []).append(notice)
    queue = list(by_order.values())
    try:
        client, with_buyers = client_for(connection, Priority.NOTICE, patience_s=0), buyers.wanted_from(connection)
        with claimed(connection, Resource.ORDERS) as claim:
            while queue and len(by_order) - len(queue) < AT_ONCE:
                claim.alive()
                if not _fetched(connection, client, queue[0], with_buyers):
                    break
                queue.pop(0)
    except (NeedsReconnect, Forbidden):
        pass  # whoever reads next tells the members, and takes up where it was
    except WaitFor as wait:
        # Another reader is at work: what it began with may be older than what was told.
        _again([notice for some in queue for notice in some], max(wait.seconds, BUSY_S))
        queue = []
    if queue:
        _read_all(connection)
        notices.handled([notice for some in queue for notice in some], "left to the next read of all orders")


def _fetched(connection: Connection, client: Client, told: Sequence[Notice], with_buyers: bool) -> bool:
    """Fetch one order and say what became of its notices; False where Amazon wants no more to be asked for now."""
    try:
        pull.pull_order(connection, told[0].subject, client, with_buyers=with_buyers)
    except NotFound:
        _again(told, NOT_THERE_S)
    except BadOrder:
        notices.handled(told, "the order cannot be read")
    except ServerTrouble as trouble:
        _again(told, trouble.seconds)
    except WaitFor:
        return False
    except Forbidden:
        raise
    except AmazonError:
        notices.handled(told, "Amazon does not give it")
    else:
        notices.handled(told, "fetched")
    return True


def _again(told: Sequence[Notice], seconds: float) -> None:
    """Try again later, and in the end leave it to the schedule."""
    notices.later([notice for notice in told if notice.attempts < ATTEMPTS], seconds)
    notices.handled([notice for notice in told if notice.attempts >= ATTEMPTS], "left to the schedule")


def _read_all(connection: Connection) -> None:
    """Have all changed orders read soon, and not more often than the limit of searchOrders bears."""
    at = clock.now() + READ_ALL_AFTER
    look_again(connection, Resource.ORDERS, at)
    _run_at(Q(source=connection), at)


def _reports(connections: Sequence[Connection], told: list[Notice]) -> None:
    """Have settlements looked for now that one was made, and reports of the order history that were asked for. Those of others
    are no business of ours."""
    ids = {one.subject for one in told}
    asked_for = {report_id for connection in connections for report_id in backfill.made(connection, ids)}
    notices.handled([one for one in told if one.subject in asked_for], "the order history goes on")
    told = [one for one in told if one.subject not in asked_for]
    settlements = [one for one in told if one.detail == SETTLEMENT_REPORT and one.status in (DONE, "")]
    known = Report.objects.filter(
        seller_id__in={one.seller_id for one in settlements}, report_id__in=[one.subject for one in settlements]
    )
    stored = set(known.values_list("report_id", flat=True))
    news = [one for one in settlements if one.subject not in stored]
    if news:
        for connection in connections:
            look_again(connection, Resource.SETTLEMENTS)
            at = clock.now()
            Flow.objects.filter(_live(Q(source=connection))).filter(
                Q(next_settlements_at__gt=at) | Q(next_settlements_at=None)
            ).update(next_settlements_at=at)
            _run_at(Q(source=connection), at)
    notices.handled(news, "settlements are looked for")
    notices.handled([one for one in settlements if one not in news], "known already")
    notices.handled([one for one in told if one not in settlements], "of no use to a flow")


def _transactions(connections: Sequence[Connection], told: list[Notice]) -> None:
    for connection in connections:
        look_again(connection, Resource.TRANSACTIONS)
        look_again(connection, Resource.PAYOUTS)
    notices.handled(told, "transactions are looked for")


_DEALS: Final = {ORDER_CHANGE: _orders, REPORT_FINISHED: _reports, TRANSACTION_UPDATE: _transactions}


def _with_live_flows(connections: Sequence[Connection]) -> list[Connection]:
    live = set(Flow.objects.filter(_live(Q(source__in=connections))).values_list("source_id", flat=True))
    return [connection for connection in connections if connection.pk in live]


def _flows(connection: Connection) -> list[Flow]:
    return list(Flow.objects.filter(_live(Q(source=connection))).select_related("source", "target").order_by("pk"))


def _live(which: Q) -> Q:
    return which & Q(state=Flow.State.LIVE)


def _may_know(connection: Connection, notice: Notice) -> bool:
    """Whether an order may be in a seller's account of this region, where the seller has several."""
    places = {place["id"] for place in connection.data.get("marketplaces", ())}
    return not notice.marketplace_id or not places or notice.marketplace_id in places


def _run_at(which: Q, at: datetime) -> None:
    """Bring the next run of live flows forward; one that is due earlier stays."""
    Flow.objects.filter(_live(which)).filter(Q(next_run_at__gt=at) | Q(next_run_at=None)).update(next_run_at=at)

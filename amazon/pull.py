"""Bring settlements and orders in, each once, and never pass what is not stored.

Both pulls hold their cursor's lease, work in the scope of the connection's tenant, and may be killed anywhere: what
is half stored is removed or resumed by the next one. ``WaitFor`` tells the caller when to come back; all that was
stored until then stays.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from amazon import authorization
from amazon.buyers import Person, person_in
from amazon.client import (
    BadRequest,
    Client,
    DocumentExpired,
    Forbidden,
    NotFound,
    OrdersPage,
    ReportInfo,
    ServerTrouble,
    moment,
)
from amazon.connect import client_for
from amazon.cursors import Claim, claimed, look_again
from amazon.flat_errors import BadSettlementFile
from amazon.load import Fate, accept, analyse, refusal_key, refuse
from amazon.models import Order, Report, Resource, Settlement
from amazon.order_store import store_orders
from amazon.orders import SHIPPED, parse_order
from amazon.reports import discard, store
from amazon.unpack import plain
from audit.trail import record, recorded
from kit.clock import now
from tenants.alerts import alert, settle_alert
from tenants.grants import lost
from tenants.models import Connection

REPORTS_HORIZON: Final = timedelta(days=90, hours=-1)  # Reports 2021-06-30: createdSince may not be older than 90 days
REPORTS_OVERLAP: Final = timedelta(days=14)  # a report is listed by when it was begun, and may be done much later
ORDERS_HORIZON: Final = timedelta(days=729)  # Orders 2026-01-01: two years
ORDERS_OVERLAP: Final = timedelta(minutes=10)
ORDERS_DELAY: Final = timedelta(minutes=3)  # the upper bound must be two minutes old, and new orders need about three
ORDERS_WINDOW: Final = timedelta(days=90)  # one walk; halved when a walk outlives its page tokens
WALK_LIFE: Final = timedelta(hours=23)  # a page token lives 24 hours
SHORTEST_WINDOW: Final = timedelta(hours=1)
DOWNLOAD_TRIES: Final = 3
GONE: Final = BadSettlementFile(
    0,
    "Amazon lists this settlement report but no longer offers its file.",
    "Download the settlement from Seller Central (Payments, Reports repository, flat file V2) and upload it.",
)


@dataclass(slots=True)
class PullResult:
    """What one pull brought. ``settlements`` are the new ones, ``revised`` those that came again with other rows."""

    settlements: list[Settlement] = field(default_factory=list)
    revised: list[Settlement] = field(default_factory=list)
    seen_again: int = 0
    refused: int = 0
    orders_new: int = 0
    orders_changed: int = 0


def pull_settlements(connection: Connection, client: Client | None = None) -> PullResult:
    """Bring in every finished settlement report not seen yet, oldest first.

    Raises WaitFor, Forbidden, tenants.grants.NeedsReconnect. A file that cannot be trusted is kept as refused, and
    the pull goes on.
    """
    result = PullResult()
    with claimed(connection, Resource.SETTLEMENTS) as claim, forbidden_is_told(connection, "settlement reports"):
        client = client or client_for(connection)
        _remove_leftovers(connection)
        for info in _unread(connection, claim, client):
            _take_in(connection, claim, client, info, result)
    return result


def fetch_again(report: Report, actor: str) -> None:
    """Forget a refused report, so that the next pull fetches it again. Raises ValueError for any other report."""
    if report.state != Report.State.REFUSED or report.origin != Report.Origin.API or report.connection is None:
        raise ValueError(f"{report} is no refused report of a connection")
    look_again(report.connection, Resource.SETTLEMENTS, back_to=report.published_at)
    settle_alert(report.tenant_id, refusal_key(report))
    with recorded():
        discard(report)
        record("report.forgotten", f"report:{report.pk}", tenant_id=report.tenant_id, actor=actor)


def pull_orders(
    connection: Connection, since: datetime | None = None, client: Client | None = None, *, with_buyers: bool = False
) -> PullResult:
    """Bring in every order changed since the last pull; the first one begins at ``since``, or two years ago.

    ``with_buyers`` also asks who bought, and seals it. Where Amazon withholds that, the orders come without, and the tenant is
    told once.

    Raises WaitFor, Forbidden, tenants.grants.NeedsReconnect.
    """
    result = PullResult()
    with claimed(connection, Resource.ORDERS) as claim, forbidden_is_told(connection, "orders"):
        client = client or client_for(connection)
        bound = (now() - ORDERS_DELAY).replace(microsecond=0)
        asked = _Buyers(connection, with_buyers)
        while True:
            walk, watermark = _walk(claim, since, bound), claim.cursor.watermark
            if walk is None:
                break
            _walk_through(connection, claim, client, walk, result, asked)
            if claim.cursor.watermark == watermark or moment(walk["before"]) >= bound:
                break
        asked.tell()
    return result


def pull_order(
    connection: Connection, order_id: str, client: Client | None = None, *, with_buyers: bool = False
) -> Order:
    """Bring in one order now, ``with_buyers`` as in :func:`pull_orders`. Whoever calls holds the cursor of orders, or nobody
    else stores any. Raises NotFound, WaitFor, Forbidden, BadOrder."""
    sent, people = _Buyers(connection, with_buyers).one(client or client_for(connection), order_id)
    parse_order(sent)
    with transaction.atomic():
        store_orders(connection, [sent], people)
    return Order.objects.get(connection=connection, order_id=order_id)


def _remove_leftovers(connection: Connection) -> None:
    """Remove what a killed pull left half loaded; we hold the lease, so nobody is loading it."""
    for report in Report.objects.filter(connection=connection, origin=Report.Origin.API, state=Report.State.LOADING):
        discard(report)


def _unread(connection: Connection, claim: Claim, client: Client) -> list[ReportInfo]:
    horizon, watermark = now() - REPORTS_HORIZON, claim.cursor.watermark
    since = max(horizon, watermark - REPORTS_OVERLAP) if watermark else horizon
    listed = {info.report_id: info for info in client.settlement_reports(since)}
    known = set(
        Report.objects.filter(seller_id=connection.remote_id, report_id__in=list(listed)).values_list(
            "report_id", flat=True
        )
    )
    return sorted(
        (info for info in listed.values() if info.report_id not in known),
        key=lambda info: (info.created_at, info.report_id),
    )


def _take_in(connection: Connection, claim: Claim, client: Client, info: ReportInfo, result: PullResult) -> None:
    def moved() -> None:
        claim.move(watermark=info.created_at)

    facts = {
        "tenant_id": connection.tenant_id,
        "connection": connection,
        "seller_id": connection.remote_id,
        "origin": Report.Origin.API,
        "report_id": info.report_id,
        "document_id": info.document_id,
        "published_at": info.created_at,
    }
    try:
        report = _download(client, info, claim, facts)
    except (BadSettlementFile, NotFound) as error:
        report = Report.objects.create(created_at=now(), **facts)
        refuse(report, error if isinstance(error, BadSettlementFile) else GONE, moved=moved)
        result.refused += 1
        return
    try:
        found = analyse(report)
    except BadSettlementFile as error:
        refuse(report, error, moved=moved)
        result.refused += 1
        return
    loaded = accept(report, found, moved=moved)
    if loaded.fate is Fate.NEW:
        result.settlements.append(loaded.settlement)
    elif loaded.fate is Fate.REVISION:
        result.revised.append(loaded.settlement)
    else:
        result.seen_again += 1


def _download(client: Client, info: ReportInfo, claim: Claim, facts: dict[str, Any]) -> Report:
    """Store the report's file. A dead address is asked for again, and a damaged copy fetched a second time."""
    if not info.document_id:
        raise NotFound("the report has no document")
    damaged: BadSettlementFile | None = None
    for _ in range(DOWNLOAD_TRIES):
        document = client.report_document(info.document_id)
        try:
            with client.download(document) as (content_type, chunks):
                return store(plain(chunks), alive=claim.alive, content_type=content_type[:128], **facts)
        except DocumentExpired:
            continue
        except BadSettlementFile as error:
            if damaged:
                raise
            damaged = error
    if damaged:
        raise damaged
    raise ServerTrouble("the address of the report's document was dead each time", 60.0)


def _walk(claim: Claim, since: datetime | None, bound: datetime) -> dict[str, Any] | None:
    """Return the walk to resume or to begin; None when everything up to the bound is stored."""
    walk: dict[str, Any] = claim.cursor.walk
    watermark = claim.cursor.watermark
    hours = walk.get("hours", ORDERS_WINDOW / timedelta(hours=1))
    if "after" in walk:
        if now() - moment(walk["began_at"]) < WALK_LIFE:
            return walk
        hours = max(hours / 2, SHORTEST_WINDOW / timedelta(hours=1))
    if watermark and watermark >= bound:
        return None
    begin = watermark - ORDERS_OVERLAP if watermark else since
    after = max(begin or now() - ORDERS_HORIZON, now() - ORDERS_HORIZON).replace(microsecond=0)
    before = min(max(after, watermark or after) + timedelta(hours=hours), bound)
    return _fresh_walk(after, before, hours)


def _fresh_walk(after: datetime, before: datetime, hours: float) -> dict[str, Any]:
    return {
        "after": after.isoformat(),
        "before": before.isoformat(),
        "began_at": now().isoformat(),
        "hours": hours,
        "token": "",
        "new": 0,
        "changed": 0,
    }


def _walk_through(
    connection: Connection, claim: Claim, client: Client, walk: dict[str, Any], result: PullResult, asked: "_Buyers"
) -> None:
    """Store the pages of one walk; its bounds stay fixed, so that a killed walk resumes where it was."""
    after, before = moment(walk["after"]), moment(walk["before"])
    tokens: set[str] = set()
    while True:
        claim.alive()
        try:
            page, people = asked.page(client, after, before, walk["token"])
        except BadRequest:
            if not walk["token"]:
                raise
            # The token died: these pages are walked again from the first one, which stores nothing twice.
            claim.move(walk=_fresh_walk(after, before, walk["hours"]))
            raise ServerTrouble("Amazon no longer takes the page token; the walk begins again", 5.0) from None
        tokens.add(walk["token"])
        if page.next_token and page.next_token in tokens:
            claim.move(walk=_fresh_walk(after, before, walk["hours"]))
            raise ServerTrouble("Amazon sent the same page token twice; the walk begins again", 60.0)
        with recorded():
            stored = store_orders(connection, page.orders, people)
            walk = {
                **walk,
                "token": page.next_token,
                "new": walk["new"] + stored.new,
                "changed": walk["changed"] + stored.changed,
            }
            if page.next_token:
                claim.move(walk=walk)
            else:
                watermark = min(page.covered_until or before, before)
                idle = not (walk["new"] or walk["changed"])
                claim.move(watermark=watermark, walk={"hours": walk["hours"]}, quietly=idle)
                if not idle:
                    _record_orders(connection, walk, watermark)
        result.orders_new += stored.new
        result.orders_changed += stored.changed
        if not page.next_token:
            return


class _Buyers:
    """Whether orders are asked for with their buyers, and what became of that."""

    def __init__(self, connection: Connection, wanted: bool) -> None:
        self.connection, self.wanted, self.refused = connection, wanted, False
        self.shipped = self.named = 0

    def page(
        self, client: Client, after: datetime, before: datetime, token: str
    ) -> tuple[OrdersPage, dict[str, Person]]:
        """Return a page of orders, and the buyers in it by order id. Raises as ``Client.search_orders`` does."""
        if not self.wanted or self.refused:
            return client.search_orders(after, before, token), {}
        try:
            page = client.search_orders(after, before, token, buyers=True)
        except Forbidden:
            # Whoever may not even read orders is told so by this.
            page = client.search_orders(after, before, token)
            self.refused = True
            return page, {}
        people = _people(page.orders)
        self.named += len(people)
        self.shipped += sum(
            (order.get("fulfillment") or {}).get("fulfillmentStatus") == SHIPPED for order in page.orders
        )
        return page, people

    def one(self, client: Client, order_id: str) -> tuple[Mapping[str, Any], dict[str, Person]]:
        """Return an order, and its buyer as ``page`` does. Raises as ``Client.order`` does."""
        if not self.wanted:
            return client.order(order_id), {}
        try:
            sent = client.order(order_id, buyers=True)
        except Forbidden:
            return client.order(order_id), {}
        return sent, _people([sent])

    def tell(self) -> None:
        """Tell once that Amazon withholds who bought; take it back when it no longer does, or nobody asks."""
        key = f"connection:{self.connection.pk}:buyers"
        if not self.wanted or self.named:
            settle_alert(self.connection.tenant_id, key)
        elif self.refused or self.shipped:
            alert(
                self.connection.tenant_id,
                kind="buyers_withheld",
                key=key,
                title=f"Amazon does not tell who bought from {self.connection}",
                text="Invoices name the marketplace's customer instead.",
                action="Names need one of Amazon's restricted roles, Direct-to-Consumer Shipping or Tax Invoicing, on the "
                "application, and the seller's consent after it was granted. Without them, switch buyers off in the flow.",
            )


def _people(orders: Iterable[Mapping[str, Any]]) -> dict[str, Person]:
    found = {str(order.get("orderId")): person_in(order) for order in orders}
    return {order_id: person for order_id, person in found.items() if person is not None}


def _record_orders(connection: Connection, walk: dict[str, Any], watermark: datetime) -> None:
    record(
        "orders.pulled",
        f"connection:{connection.pk}",
        tenant_id=connection.tenant_id,
        after=walk["after"],
        until=watermark,
        new=walk["new"],
        changed=walk["changed"],
    )


@contextmanager
def forbidden_is_told(connection: Connection, what: str) -> Iterator[None]:
    """Tell the members where Amazon refuses what the block reads; the refusal goes on to the caller."""
    key = f"connection:{connection.pk}:forbidden:{what}"
    try:
        yield
    except Forbidden as error:
        if authorization.is_gone(connection):
            settle_alert(connection.tenant_id, key)
            lost(connection, "Amazon no longer lets us in: the seller withdrew the authorization, or it ended.")
            raise
        alert(
            connection.tenant_id,
            kind="amazon_forbidden",
            key=key,
            title=f"Amazon does not let us read {what}",
            text=f"{connection} answered: {error}",
            action="Open the connection and test it: it says whether a role is missing or the authorization has ended.",
        )
        raise
    settle_alert(connection.tenant_id, key)

"""Whether notices arrive: what came when, what should have come, and what to look at where nothing does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Q

from amazon import notice_endpoints, notice_queue, subscriptions
from amazon.envelopes import ORDER_CHANGE, REPORT_FINISHED, SELLERS, TRANSACTION_UPDATE
from amazon.models import Notice, NoticeEndpoint, Order, Report, Subscription
from kit.clock import now
from tenants.models import Connection
from tenants.providers import Panel

TITLES: Final = {
    ORDER_CHANGE: "Orders that change",
    REPORT_FINISHED: "Reports that are ready",
    TRANSACTION_UPDATE: "Transactions",
}
DAY: Final = timedelta(days=1)
LATE: Final = timedelta(hours=2)  # how much later than what it tells of a notice may come
QUIET: Final = timedelta(days=3)  # of transactions nothing tells us that one is missing; nearly every seller has some
CHECK_QUEUE: Final = (
    "Compare the queue's access policy with the one below: it must name Amazon's account and this queue. See that the queue is no "
    "FIFO queue and, if a key of your own encrypts it, that the key's policy lets Amazon in. Then turn notifications on again."
)
CHECK_FORWARDER: Final = (
    "See whether messages pile up in the queue: then look at the forwarder's log, and compare its address and secret. If the queue "
    "is empty, compare its access policy with the one below."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One type of notification. ``warning`` says why it should have come and did not."""

    kind: str
    title: str
    subscribed: bool
    problem: str
    last_at: datetime | None
    today: int
    warning: str

    @property
    def state(self) -> str:
        if self.problem:
            return "failed"
        return "warning" if self.warning else "passed" if self.last_at else "waiting"


@dataclass(frozen=True, slots=True)
class Health:
    """``strangers`` has how many notices of the last day were about each seller that is not connected; ``refused`` why a
    forwarder was not let in since the last notice."""

    subscription: Subscription | None
    lines: list[Line]
    endpoint: NoticeEndpoint | None
    refused: str
    strangers: Mapping[str, int] = field(default_factory=dict)

    @property
    def on(self) -> bool:
        return self.subscription is not None

    @property
    def last_at(self) -> datetime | None:
        return max((line.last_at for line in self.lines if line.last_at), default=None)

    @property
    def today(self) -> int:
        return sum(line.today for line in self.lines)

    @property
    def state(self) -> str:
        """ "off", "failed", "warning", "waiting" (nothing came yet) or "passed"."""
        if not self.on and self.last_at is None:
            return "off"
        states = {line.state for line in self.lines}
        return next((state for state in ("failed", "warning", "passed") if state in states), "waiting")

    @property
    def what_to_do(self) -> str:
        forwarded = self.subscription is not None and self.subscription.way == Subscription.Way.FORWARDER
        return CHECK_FORWARDER if forwarded else CHECK_QUEUE

    @property
    def said_of_strangers(self) -> list[str]:
        return [
            f"{count} notice{'' if count == 1 else 's'} today for {seller_id or 'a seller without a name'}, which is not connected "
            "here. Nothing was done about it."
            for seller_id, count in self.strangers.items()
        ]


def health(connection: Connection) -> Health:
    """Return how a seller's notifications do, as of now."""
    subscription, endpoint = (
        subscriptions.subscription_of(connection),
        notice_endpoints.endpoint_of(connection.tenant_id),
    )
    since = now() - DAY
    found = Notice.objects.filter(seller_id=connection.remote_id, kind__in=SELLERS)
    told = {
        row["kind"]: row
        for row in found.values("kind").annotate(
            last_at=Max("received_at"), today=Count("pk", filter=Q(received_at__gt=since))
        )
    }
    strangers = Notice.objects.filter(state=Notice.State.UNKNOWN_SELLER, received_at__gt=since)
    lines = [_line(connection, subscription, kind, told.get(kind, {})) for kind in SELLERS]
    last_at = max((line.last_at for line in lines if line.last_at), default=None)
    counted = strangers.values_list("seller_id").annotate(count=Count("pk")).order_by("-count")
    refused = notice_endpoints.refused_lately(endpoint, last_at) if endpoint else ""
    return Health(subscription, lines, endpoint, refused, dict(counted[:5]))


def panels(connection: Connection) -> list[Panel]:
    return [Panel("amazon/_notifications.html", health(connection))]


def own_queue(connection: Connection) -> str:
    """Return the ARN of the queue that Tieout reads itself for a seller, "" where there is none."""
    return "" if connection.grant.application else notice_queue.arn()


def _line(connection: Connection, subscription: Subscription | None, kind: str, told: Mapping[str, Any]) -> Line:
    each = subscription.subscribed.get(kind, {}) if subscription else {}
    last_at = told.get("last_at")
    silent = _silent(connection, subscription, kind, last_at) if subscription and "id" in each else ""
    return Line(kind, TITLES[kind], "id" in each, each.get("problem", ""), last_at, told.get("today", 0), silent)


def _silent(connection: Connection, subscription: Subscription, kind: str, last_at: datetime | None) -> str:
    """Return what came by polling and was not told, or that nothing was told for long; "" where all is as it should be."""
    heard_at = max(last_at, subscription.since) if last_at else subscription.since
    if kind == TRANSACTION_UPDATE:
        return "Nothing has come for three days." if now() - heard_at > QUIET else ""
    if kind == ORDER_CHANGE:
        happened = Order.objects.filter(connection=connection, last_updated_at__gt=heard_at + LATE)
        count, what = happened.count(), "changed"
    else:
        happened_reports = Report.objects.filter(
            connection=connection, origin=Report.Origin.API, published_at__gt=heard_at + LATE
        )
        count, what = happened_reports.count(), "came"
    if not count:
        return ""
    noun = "order" if kind == ORDER_CHANGE else "settlement report"
    return f"{count} {noun}{'' if count == 1 else 's'} {what} since without a notification."

"""Workers in virtual time: each takes its turn in the database as the product does, and its call reaches the pretend Amazon,
which counts on its own, a moment later."""

import heapq
import random
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from werkzeug.test import Client as Browser

from amazon.client import AmazonError, Client, Throttled
from amazon.cursors import BACK_OFF_CAP_S
from amazon.rates import Pacer, Priority
from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn, plans
from kit.clock import now
from kit.http import Http, mount, unmount

BASE = "https://sellingpartnerapi-na.amazon.com"
SELLER = "A1WORKERS"
AT_FIRST = datetime(2026, 11, 20, 12, tzinfo=UTC)
WINDOW = {"after": "2026-11-01T00:00:00Z", "before": "2026-11-20T00:00:00Z"}
REPORTS, FINANCES = "/reports/2021-06-30", "/finances/2024-06-19"
TRANSFERS = "/finances/transfers/2024-06-01"
OF_SETTLEMENT = {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "1"}
# (method, path, query, body); what does not exist is a call as well.
CALLS: dict[str, tuple[str, str, dict[str, str] | None, dict[str, Any] | None]] = {
    "searchOrders": ("GET", "/orders/2026-01-01/orders", {"lastUpdatedAfter": WINDOW["after"]}, None),
    "marketplaceParticipations": ("GET", "/sellers/v1/marketplaceParticipations", None, None),
    "createReport": (
        "POST",
        f"{REPORTS}/reports",
        None,
        {
            "reportType": "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
            "marketplaceIds": ["ATVPDKIKX0DER"],
            "dataStartTime": WINDOW["after"],
            "dataEndTime": WINDOW["before"],
        },
    ),
    "getReportDocument": ("GET", f"{REPORTS}/documents/none", None, None),
    "getReports": (
        "GET",
        f"{REPORTS}/reports",
        {"reportTypes": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"},
        None,
    ),
    "getOrder": ("GET", "/orders/2026-01-01/orders/111-1111111-1111111", None, None),
    "listFinancialEventGroups": ("GET", "/finances/v0/financialEventGroups", None, None),
    "listTransactions": ("GET", f"{FINANCES}/transactions", {"postedAfter": WINDOW["after"]}, None),
    "listBalances": ("GET", f"{FINANCES}/balances", {"asOfDate": "2026-11-01"}, None),
    "listSummary": ("GET", f"{FINANCES}/summary", OF_SETTLEMENT, None),
    "listPayouts": (
        "GET",
        f"{TRANSFERS}/payouts",
        {"createdAfter": WINDOW["after"], "createdBefore": WINDOW["before"]},
        None,
    ),
    "listExpectedPayouts": ("GET", f"{TRANSFERS}/payouts/expected", None, None),
    "getSubscription": ("GET", "/notifications/v1/subscriptions/ORDER_CHANGE", None, None),
    "getReport": ("GET", f"{REPORTS}/reports/1", None, None),
}

_NAMED = {"marketplaceParticipations": "getMarketplaceParticipations"}  # at the pretend Amazon


@dataclass
class Found:
    """What became of the calls; seconds of virtual time. ``waited`` is how long each call took to get its turn and its answer."""

    calls: int = 0
    refused: int = 0
    seconds: float = 0.0
    waited: list[float] = field(default_factory=list)


class Amazon:
    """The pretend Amazon with one seller, who lets in the application of each name."""

    def __init__(self, clock: Any) -> None:
        self.clock, self.stand_in = clock, AmazonStandIn()
        self._tokens: dict[str, tuple[datetime, str]] = {}
        self._browser = Browser(self.stand_in)
        self.stand_in.loading.register(SELLER, "Workers", "US")
        self.stand_in.lwa.authorise(DEMO_APPLICATION["client_id"], SELLER)

    def control(self, action: str, **given: Any) -> Any:
        answer = self._browser.post(f"/_control/do/{action}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json

    def slower(self, operation: str, factor: float) -> None:
        """Let tokens of an operation flow in this much slower than published."""
        name = _NAMED.get(operation, operation)
        published = plans.PLANS[name]
        self.control("plan", seller_id=SELLER, operation=name, rate=published.rate * factor, burst=published.burst)

    def refused(self, operation: str) -> int:
        """Return how many calls of an operation were answered 429, whoever made them."""
        return int(self.stand_in.counters().get(_NAMED.get(operation, operation), {}).get("429", 0))

    def another_application(self) -> str:
        """Let the seller use the application of somebody else as well; returns its client id."""
        made = self.control("application", application_id="amzn1.sp.solution.other", client_id="other", name="Other")
        self.stand_in.lwa.authorise(made["client_id"], SELLER)
        return str(made["client_id"])

    def token(self, application: str) -> str:
        made_at, token = self._tokens.get(application, (None, ""))
        if made_at is None or now() - made_at > timedelta(minutes=50):
            (client,) = (one for one in self.stand_in.applications.all() if one["client_id"] == application)
            form = {
                "grant_type": "refresh_token",
                "refresh_token": self.stand_in.lwa.refresh_token(application, SELLER),
                "client_id": application,
                "client_secret": client["client_secret"],
            }
            token = self._browser.post("/auth/o2/token", data=form).json["access_token"]
            self._tokens[application] = (now(), token)
        return token


@contextmanager
def amazon(clock: Any) -> Any:
    """``clock`` is a traveller of ``time_machine`` that does not tick."""
    pretend = Amazon(clock)
    mount(BASE, pretend.stand_in)
    try:
        yield pretend
    finally:
        unmount(BASE)


class Heedless:
    """The turns of who keeps to no plan."""

    def take(self, operation: str) -> float:
        return 0.0

    def too_fast(self, operation: str) -> None:
        pass


class Worker:
    """Makes a call whenever it gets its turn, until ``wanted`` says that nobody needs another."""

    def __init__(
        self,
        pretend: Amazon,
        operation: str,
        priority: Priority = Priority.SCHEDULE,
        application: str = DEMO_APPLICATION["client_id"],
        *,
        at: float = 0.0,
        every: float = 0.0,
        turns: Heedless | None = None,
    ) -> None:
        self.operation, self.at, self.every, self.failures = operation, at, every, 0
        self.turns = turns or Pacer(application, f"NA:{SELLER}", priority)
        self.client = Client(
            Http("Tieout/1.0"),
            BASE,
            lambda rejected="": pretend.token(application),
            lambda operation: 0.0,
            too_fast=self.turns.too_fast,
        )

    def call(self) -> float:
        """Make the call; returns 0, or the seconds to stay away from Amazon that refused it, as a cursor counts them."""
        method, path, query, body = CALLS[self.operation]
        try:
            self.client.call(self.operation, method, path, query, body)
        except Throttled as throttled:
            self.failures += 1
            return max(throttled.seconds, min(throttled.seconds * 2 ** (self.failures - 1), BACK_OFF_CAP_S))
        except AmazonError:
            pass  # there is no such order, report or document
        self.failures = 0
        return 0.0


def run(
    pretend: Amazon,
    workers: Sequence[Worker],
    calls: int,
    *,
    counted: Callable[[Worker], bool] = lambda worker: True,
    on_the_way: tuple[float, float] = (0.0, 0.0),
    seed: int = 1,
) -> Found:
    """Let workers work until those that are counted have been answered ``calls`` times. A call is ``on_the_way`` to Amazon for a
    random time between those seconds."""
    rng, found, began = random.Random(seed), Found(), now()
    queue = [(worker.at, number, "ask", worker, worker.at) for number, worker in enumerate(workers)]
    heapq.heapify(queue)
    number = len(queue)
    while found.calls - found.refused < calls:
        at, _, what, worker, wished = heapq.heappop(queue)
        passed = at - (now() - began).total_seconds()
        if passed > 0:
            pretend.clock.shift(timedelta(seconds=passed) + timedelta(microseconds=1))
        at, number = max(at, (now() - began).total_seconds()), number + 1
        if what == "ask":
            wait = worker.turns.take(worker.operation)
            then, what = (at + wait, "ask") if wait else (at + rng.uniform(*on_the_way), "send")
        else:
            wait = worker.call()
            if counted(worker):
                found.calls, found.refused = found.calls + 1, found.refused + (wait > 0)
            if not wait:
                if counted(worker):
                    found.waited.append(at - wished)
                    found.seconds = at
                wished = at + worker.every
            then, what = at + (wait or worker.every), "ask"
        heapq.heappush(queue, (then, number, what, worker, wished))
    return found

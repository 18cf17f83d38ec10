"""A ledger's stand-in at its published limits, our own pace unscaled, and time that passes only where somebody waits.

Everything runs in this process: the stand-ins are mounted, what sleeps moves the one clock that all of them have, and a
call takes no time. A worker serves the lane as long as it has something to do, then the schedule looks again with its next
tick. So what passes from the first call to the last is what was waited for, exactly, and the same on every machine.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.conf import settings
from django.test import override_settings

from bookkeeping.documents import Kind
from flows import outbox, pace, schedule
from flows.models import Delivery, Lane
from kit import clock, http
from kit.rate import RatePlan
from kit.scope import scope, unscoped
from sandbox.seller import Settlement, Shape, seller, v2_file
from tenants.models import Bucket
from tests import factories
from tests.flows.e7_books import E7
from tests.flows.ledger import Time
from tests.world import QUICKBOOKS, world

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT_REST_S = 3600.0  # between making accounts and posting: every window of a minute is empty again
A_DAY_S = 86_400.0
TICK_S = settings.CELERY_BEAT_SCHEDULE["tick"]["schedule"]
_RATES = {
    "quickbooks": "QBO_RATE_SCALE",
    "freshbooks": "FRESHBOOKS_RATE_SCALE",
    "wave": "WAVE_RATE_SCALE",
    "zoho": "ZOHO_RATE_SCALE",
}
_LISTED = (Kind.ACCOUNT, Kind.CUSTOMER, Kind.ITEM)
_DONE = (Delivery.State.POSTED, Delivery.State.UNDONE, Delivery.State.DROPPED)


@dataclass(frozen=True)
class Call:
    """One request that reached the ledger.

    ``part`` is what was delivered just then: ``order``, ``settlement`` or ``set-up``. ``limits`` are the buckets that it
    was paced by.
    """

    at_s: float
    what: str  # write, read before a write, list
    part: str
    status: int
    limits: Mapping[str, RatePlan]


@dataclass
class Run:
    """What went over the wire while one settlement was posted, and what is in the books of it: remote objects by part and
    kind, each once."""

    orders: int
    calls: Sequence[Call]
    objects: Counter[tuple[str, str]]

    @property
    def seconds(self) -> float:
        return self.calls[-1].at_s - self.calls[0].at_s

    @property
    def bound_s(self) -> float:
        """The largest, over the buckets, of what the calls need less what it holds at first, by its rate."""
        plans = {name: plan for call in self.calls for name, plan in call.limits.items()}
        need = Counter(name for call in self.calls for name in call.limits)
        return max(0.0, *((need[name] - plan.burst) / plan.rate_per_s for name, plan in plans.items()))

    @property
    def refused(self) -> int:
        return sum(call.status == 429 for call in self.calls)

    def count(self, part: str = "", what: str = "") -> int:
        return sum(part in ("", call.part) and what in ("", call.what) for call in self.calls)


class Clockwork(Time):
    """Time that a sleep moves by a millisecond at least: the clock has no parts of a microsecond."""

    def sleep(self, seconds: float) -> None:
        self.shift(max(seconds, 0.001))


class Meter:
    """Stands before a mounted stand-in and notes what passes while it is ``on``."""

    def __init__(self, stand_in: Callable[..., Iterable[bytes]]) -> None:
        self._stand_in = stand_in
        self.on = False
        self.calls: list[Call] = []
        self._part, self._limits = "", {}
        self._orders: set[str] = set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        counted = self.on and "oauth" not in environ["PATH_INFO"]
        writes = counted and _writes(environ)

        def answered(status: str, headers: Any, exc_info: Any = None) -> Any:
            if counted:
                what = "write" if writes else "read before a write" if self._part else "list"
                part = self._part or "settlement"
                self.calls.append(Call(clock.now().timestamp(), what, part, int(status.split()[0]), self._limits))
            return start_response(status, headers, exc_info)

        return self._stand_in(environ, answered)

    @contextmanager
    def watching(self, remote_key: str) -> Iterator[None]:
        """Note from now on what a call is for and what it is paced by."""
        take, deliver, before = pace.take, outbox.deliver, outbox._before

        def taking(lease, ledger, call):
            take(lease, ledger, call)
            self._limits = ledger.limits(call)

        def delivering(lease, ledger, call, rows, *args):
            with self._for(rows):
                deliver(lease, ledger, call, rows, *args)

        def asking(lease, ledger, call, rows):
            with self._for(rows):
                return before(lease, ledger, call, rows)

        self.on = True
        with (
            patch.object(pace, "take", taking),
            patch.object(outbox, "deliver", delivering),
            patch.object(outbox, "_before", asking),
        ):
            yield
        self.on = False

    @contextmanager
    def _for(self, rows: Sequence[Delivery]) -> Iterator[None]:
        self._part = part_of(rows[0])
        try:
            yield
        finally:
            self._part = ""


def part_of(row: Delivery) -> str:
    """Say what a delivery is for."""
    if row.kind in _LISTED:
        return "set-up"
    document = row.plain_document
    if row.kind == Kind.PAYMENT:
        invoice = Delivery.objects.get(remote_key=row.remote_key, key=document["cover"]["invoice"], live=True)
        document = invoice.plain_document
    return "order" if document.get("order_id") else "settlement"


def settlement_of(orders: int) -> Settlement:
    """Return a settlement of just so many orders, and the usual rest."""
    shape = Shape(settlements=1, orders=orders, negative=0, zero=0, failed=0)
    return seller(shape, seed=5)


def posted(into: Any, orders: int, company: Mapping[str, Any], **flow: str) -> Run:
    """Post a settlement of some orders into a fresh company of a ledger and return what that took.

    ``into`` and ``company`` make the company, ``flow`` are the flow's values. In a transaction that nobody commits.
    """
    with (
        pytest.MonkeyPatch.context() as patched,
        time_machine.travel(START, tick=False) as traveller,
        world() as made,
    ):
        time = Clockwork(traveller, patched)
        acme = factories.TenantFactory(name="Acme")
        books = E7(made, factories.member(acme, "alice@acme.test", "owner"), acme, time, company, into, **flow)
        made.deliver()
        slug = books.ledger.slug
        stand_in, base = made.others.get(slug, (made.quickbooks, QUICKBOOKS))
        meter = Meter(stand_in)
        http.mount(base, meter)
        time.shift(AT_REST_S)
        stand_in.switches["rate_scale"] = 100
        Bucket.objects.all().delete()  # what is new is full
        account = settlement_of(orders)
        _publish(books, account)
        remote_key = books.flow.target.remote_key
        with override_settings(**{_RATES[slug]: 1.0}), meter.watching(remote_key):
            with scope(acme.pk):
                schedule.run_now(books.flow)
            schedule.run_flow(books.flow.pk)
            _serve(remote_key, time)
        with scope(acme.pk):
            rows = list(Delivery.objects.filter(remote_key=remote_key, plan__isnull=False, live=True))
            objects = {(part_of(row), row.kind, row.external_id) for row in rows}
        count = len({one for one in objects if one[0] == "order" and one[1] in (Kind.INVOICE, Kind.ENTRY)})
        return Run(count, meter.calls, Counter((part, kind) for part, kind, _ in objects))


def _publish(books: E7, account: Any) -> None:
    [settlement] = account.settlements
    with books.world.amazon.store.transaction():
        books.world.amazon.controls()["publish"](
            {
                "seller_id": books.seller_id,
                "text": v2_file(settlement, account.marketplace).decode(),
                "starts_at": settlement.starts_at.isoformat(),
                "ends_at": settlement.ends_at.isoformat(),
            }
        )


def _serve(remote_key: str, time: Clockwork) -> None:
    """Do what the workers do: look with every tick, and go on as long as there is something to do at once."""
    began = time.now()
    while _moving(remote_key):
        while outbox.take_turn():
            pass
        assert time.now() - began < A_DAY_S, "it does not come to an end"
        until = Lane.objects.get(remote_key=remote_key).paused_until
        rest_s = max((until - clock.now()).total_seconds(), 0.0) if until else 0.0
        time.shift(math.ceil((time.now() + rest_s - began) / TICK_S + 1e-6) * TICK_S - (time.now() - began))


def _moving(remote_key: str) -> bool:
    with unscoped("what is measured has one tenant"):
        left = Delivery.objects.filter(remote_key=remote_key, live=True).exclude(state__in=_DONE)
        stopped = left.filter(state__in=[Delivery.State.HELD, Delivery.State.PARKED, Delivery.State.PLANNED])
        assert not stopped.exists(), list(stopped.values_list("kind", "number", "state", "reason")[:5])
        return left.exists()


def _writes(environ: Mapping[str, Any]) -> bool:
    """Whether a request changes anything. Wave asks with POST, and so does a batch of queries of QuickBooks."""
    if environ["REQUEST_METHOD"] == "GET":
        return False
    body = environ["wsgi.input"].read()
    environ["wsgi.input"].seek(0)
    if environ["PATH_INFO"].startswith("/graphql"):
        return str(json.loads(body)["query"]).lstrip().startswith("mutation")
    return b'"Query"' not in body

"""A settlement of many orders into a pretend Zoho Books that counts our calls, in time that only moves when nothing else can."""

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import override_settings

from bookkeeping.facts import Header
from flows import outbox
from flows.models import Delivery, Lane
from kit.clock import now
from kit.scope import unscoped
from ledgers.zoho.tests.e7 import ZohoOrganization
from tests.bookkeeping import e7
from tests.flows.e7_books import E7
from tests.flows.ledger import Time

ORDERS = 40
EACH = 3000 - 450 - 360  # what is left of an order
HERE = ZoneInfo("America/New_York")
DONE = ("posted", "undone", "dropped")


class Busy(E7):
    """One settlement of many orders."""

    def publish_many(self, orders):
        order = e7.rows_from([("28 Sep", "Order", "B", "P 30.00 (1), Comm -4.50, FBA -3.60")])
        rows = [
            row._replace(line=3 + n * len(order) + at, order_id=f"114-7000000-{n:07d}")
            for n in range(orders)
            for at, row in enumerate(order)
        ]
        total = orders * EACH
        self.publish_rows(
            Header("18000000009", e7.boundary("20 Sep"), e7.boundary("4 Oct"), e7.day("6 Oct"), total, "USD"), rows
        )

    def finish(self):
        """Serve the lane, and let time pass to the next thing that is due; returns for how long the lane rested, seconds."""
        rested = []
        for _ in range(300):
            while outbox.work(self.flow.target.remote_key):
                pass
            with unscoped("the test looks"):
                due = list(Delivery.objects.exclude(state__in=DONE).values_list("next_attempt_at", flat=True))
            if not due:
                return rested
            lane = Lane.objects.get(remote_key=self.flow.target.remote_key)
            waits = [each for each in (*due, lane.paused_until) if each and each > now()]
            seconds = (min(waits) - now()).total_seconds() if waits else 1
            if lane.paused_until and lane.paused_until > now():
                seconds = (lane.paused_until - now()).total_seconds()
                rested.append(seconds)
            self.time.shift(seconds + 0.01)
        raise AssertionError(self.stuck())

    def answers(self):
        """How often Zoho answered with each status."""
        return Counter(each["status"] for each in self.ledger.stand_in.log(limit=10_000))

    def doubled(self):
        numbers = [one["invoice_number"] for one in self.ledger.documents("invoice")]
        paid = [part["invoice_id"] for one in self.ledger.documents("payment") for part in one["invoices"]]
        return [each for each, n in Counter([*numbers, *paid]).items() if n > 1]


@pytest.fixture
def busy(world, alice, acme, monkeypatch):
    """A flow whose first run has planned a settlement; nothing of it is sent."""
    with time_machine.travel(datetime(2025, 10, 20, 15, tzinfo=UTC), tick=False) as traveller:
        time = Time(traveller, monkeypatch)
        made = Busy(world, alice, acme, time, into=ZohoOrganization, mode="orders")
        made.ledger.stand_in.switches["rate_scale"] = 100
        made.ledger.stand_in.forget_requests()
        with override_settings(ZOHO_RATE_SCALE=1.0):
            yield made


def posted_whole(made):
    assert made.stuck() == []
    assert made.doubled() == []
    assert made.balances() == {
        "BANK": ORDERS * EACH, "SALES": -ORDERS * 3000, "FEE_SELLING": ORDERS * 450, "FEE_FBA": ORDERS * 360,
    }  # fmt: skip


def test_calls_are_spread_so_that_no_minute_has_a_hundred(busy, monkeypatch):
    busy.publish_many(ORDERS)
    monkeypatch.setattr(busy.world, "deliver", busy.finish)

    busy.run()

    posted_whole(busy)
    at = [datetime.fromisoformat(each["at"]) for each in busy.ledger.stand_in.log(limit=10_000)]
    assert set(busy.answers()) <= {200, 201}
    # 26 at once, then 1.2 a second: 98 in the first minute at most.
    assert len(at) > ORDERS
    assert (at[-1] - at[0]).total_seconds() >= (len(at) - 30) / 1.2


def test_a_day_used_up_in_the_middle_rests_until_midnight_there_and_goes_on(busy, monkeypatch, client, alice):
    busy.publish_many(ORDERS)
    limits = busy.ledger.stand_in.limits
    organization = busy.ledger.stand_in.organization(busy.ledger.organization).info
    busy.ledger.person("spend_quota", calls=5000 - limits.spent(organization, now()) - 25)
    seen = []

    def look(seconds):
        if seconds > 3600 and not seen:
            page = client.get(f"/flows/{busy.flow.pk}/").text
            seen.append(("calls of this Zoho Books organization are used up" in page, now().astimezone(HERE)))
        shift(seconds)

    client.force_login(alice)
    shift = busy.time.shift
    monkeypatch.setattr(busy.world, "deliver", busy.finish)
    monkeypatch.setattr(busy.time, "shift", lambda seconds: look(seconds))

    busy.run()

    [(said, stopped)] = seen
    assert said
    posted_whole(busy)
    assert (now().astimezone(HERE).date() - stopped.date()).days == 1
    assert now().astimezone(HERE).hour == 0
    assert 429 in busy.answers()

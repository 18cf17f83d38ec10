"""Which flows have the order history read, from when on, and that nothing waits for it."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from amazon import backfill, pull
from amazon.models import Backfill, Order
from amazon.order_store import store_orders, store_reported
from amazon.orders import parse_order
from flows import schedule, shipments
from flows.models import Flow, Run
from flows.tasks import tick
from tests.amazon.test_pull_orders import order
from tests.factories import ConnectionFactory
from tests.web.small_books import flow_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch):
    """The beginning of each pull of orders that a run made."""
    found = []

    def pulled(source, since, **values):
        found.append(since)
        return pull.PullResult()

    monkeypatch.setattr(pull, "pull_orders", pulled)
    return found


@pytest.fixture
def flow(acme, in_acme):
    with time_machine.travel(NOON, tick=False) as clock:
        source = ConnectionFactory(tenant=acme, provider="amazon", remote_id="A1", data={"region": "NA"})
        made = flow_of(acme)
        Flow.objects.filter(pk=made.pk).update(source=source)
        made = Flow.objects.select_related("source", "target").get(pk=made.pk)
        made.clock = clock
        yield made


def fetch(flow, **values):
    Flow.objects.filter(pk=flow.pk).update(state=Flow.State.LIVE, **values)
    flow.refresh_from_db()
    schedule._fetch_orders(flow, Run(flow=flow, started_at=NOON))


@pytest.mark.parametrize("trigger", ["shipped", "placed"])
def test_a_flow_that_invoices_early_has_the_history_read_by_reports(flow, asked, trigger):
    fetch(flow, mode="orders", trigger=trigger, books_from=date(2026, 3, 1), cut_over_at=NOON)
    flow.clock.shift(timedelta(hours=5))
    fetch(flow)

    assert Backfill.objects.get().since == datetime(2026, 3, 1, 8, tzinfo=UTC) - timedelta(days=60)
    assert asked == [NOON - timedelta(minutes=10)] * 2


def test_without_a_first_day_all_that_amazon_gives_is_read(flow, asked):
    fetch(flow, mode="orders", trigger="shipped", books_from=None)

    found = Backfill.objects.get()
    assert (found.since, found.skipped_before) == (NOON - timedelta(days=729), None)


def test_orders_that_the_flow_may_invoice_are_read_one_by_one(flow, asked):
    fetch(flow, mode="orders", trigger="shipped", cut_over_at=NOON - timedelta(days=3))

    assert asked == [NOON - timedelta(days=3, minutes=10)]


@pytest.mark.parametrize(
    "values",
    [
        {"mode": "summary"},
        {"mode": "orders", "trigger": "settled"},
        {"mode": "orders", "trigger": "shipped", "buyers": True},
    ],
)
def test_where_orders_change_no_document_or_buyers_are_named_no_report_is_asked_for(flow, asked, values):
    fetch(flow, books_from=date(2026, 3, 1), **values)

    assert not Backfill.objects.exists()
    assert asked == [datetime(2026, 3, 1, 8, tzinfo=UTC) - timedelta(days=60)]


def test_a_worker_is_sent_for_a_history_that_is_due(flow, monkeypatch):
    sent = []
    monkeypatch.setattr("flows.tasks.read_history.apply_async", lambda ids, expires: sent.append(ids))
    backfill.begin(flow.source)

    tick()

    assert sent == [(flow.source_id,)]


def test_an_order_that_only_a_report_told_of_is_not_invoiced_before_its_items_are_known(flow):
    fetch_nothing = {"mode": "orders", "trigger": "shipped", "cut_over_at": NOON - timedelta(days=9)}
    Flow.objects.filter(pk=flow.pk).update(**fetch_nothing)
    flow.refresh_from_db()
    sent = order(updated="2026-05-31T10:00:00Z")
    store_reported(flow.source, [parse_order(sent)])

    before = shipments._new_orders(flow)
    store_orders(flow.source, [sent])

    assert before == []
    assert shipments._new_orders(flow) == [Order.objects.get().pk]

"""A seller's order history against the stand-in: what reports tell is what the Orders API tells, and what goes wrong is told."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from werkzeug.test import Client as Browser

from amazon import backfill
from amazon.client import WaitFor
from amazon.connect import client_for
from amazon.models import Backfill, BackfillWindow, Order
from amazon.orders import parse_order
from amazon.pull import pull_order, pull_orders
from amazon.rates import Priority
from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from kit.http import mount, unmount
from sandbox.seller import demo_seller
from tenants.connections import connect_with_credentials
from tests.amazon.test_pull_stand_in import BASES, US

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
State = BackfillWindow.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(settings):
    settings.AMAZON_CLIENT_ID = DEMO_APPLICATION["client_id"]
    settings.AMAZON_CLIENT_SECRET = DEMO_APPLICATION["client_secret"]
    settings.AMAZON_RATE_SCALE = 1
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def remote(clock):
    stand_in = AmazonStandIn()
    for base in BASES:
        mount(base, stand_in)
    stand_in.loading.load(demo_seller(NOON.date()), NOON.date())
    yield stand_in
    for base in BASES:
        unmount(base)


@pytest.fixture
def tell(remote):
    """Say something to the stand-in behind Amazon's back."""

    def tell(path, **given):
        answer = Browser(remote).post(f"/_control/{path}", json=given)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text or "{}")

    return tell


@pytest.fixture
def connection(remote, alice, in_acme):
    client_id, seller_id = DEMO_APPLICATION["client_id"], demo_seller(NOON.date()).seller_id
    remote.lwa.authorise(client_id, seller_id)
    pasted = {
        "marketplace": US,
        "selling_partner_id": seller_id,
        "client_id": client_id,
        "client_secret": DEMO_APPLICATION["client_secret"],
        "refresh_token": remote.lwa.refresh_token(client_id, seller_id),
    }
    return connect_with_credentials(alice, in_acme, "amazon", pasted).connected[0]


@pytest.fixture
def client(connection, clock):
    made = client_for(connection, Priority.BACKFILL)
    made._sleep = lambda seconds: clock.shift(max(seconds, 0.001))
    return made


@pytest.fixture
def read(connection, client, clock):
    def read(days):
        backfill.begin(connection, NOON - timedelta(days=days))
        for _ in range(500):
            if Backfill.objects.get().state == Backfill.State.DONE:
                return
            try:
                backfill.step(connection, client)
            except WaitFor as wait:
                clock.shift(max(wait.seconds, 0.001))
        raise AssertionError("it does not come to an end")

    return read


def told(order):
    """What both sources have to agree on; items without their ids and in an order of their own.

    A report has no units of what was cancelled, and does not say how many of a line's units were sent.
    """
    cancelled, partly = order["status"] == "CANCELLED", order["status"] == "PARTIALLY_SHIPPED"
    items = sorted(
        (
            one["sku"],
            0 if cancelled else one["quantity"],
            0 if partly else one["fulfilled"],
            one["total"],
            sorted(one["subtotals"].items()),
            one["tax_basis"],
        )
        for one in order["items"]
    )
    names = ("status", "channel", "fulfilled_by", "marketplace", "currency", "total")
    return {name: order[name] for name in names} | {"items": items}


def test_reports_tell_of_orders_what_the_orders_interface_tells(connection, client, read):
    read(days=90)

    stored = list(Order.objects.order_by("order_id"))
    assert len(stored) > 20
    for order in stored[:40]:
        sent = parse_order(client.order(order.order_id))
        parsed = {name: getattr(sent, name) for name in ("status", "channel", "fulfilled_by", "marketplace")}
        parsed |= {"currency": sent.currency, "total": sent.total, "items": sent.items_as_dicts()}
        assert told(vars(order)) == told(parsed), order.order_id


def test_what_changes_afterwards_comes_one_by_one_and_completes_the_order(connection, client, read, tell, clock):
    read(days=40)
    order = Order.objects.filter(status="SHIPPED").first()

    tell("do/update_order", seller_id=connection.remote_id, order_id=order.order_id, status="CANCELLED")
    clock.shift(timedelta(minutes=10))
    pull_orders(connection, backfill.changes_from(connection), client)

    changed = Order.objects.get(pk=order.pk)
    assert (changed.status, changed.origin) == ("CANCELLED", "api")
    assert all(item["item_id"] for item in changed.items)


def test_a_report_does_not_replace_what_the_orders_interface_told(connection, client, read):
    read(days=40)
    order_id = Order.objects.first().order_id
    pull_order(connection, order_id, client)

    BackfillWindow.objects.update(state=State.FAILED)
    backfill.try_again(Backfill.objects.get(), "alice")
    read(days=40)

    assert Order.objects.get(order_id=order_id).origin == "api"


def test_columns_in_another_order_and_a_dead_link_change_nothing(connection, read, tell):
    tell("switches", report_columns="turned", document_link="first expired")

    read(days=40)

    assert set(BackfillWindow.objects.values_list("state", flat=True)) <= {State.DONE, State.EMPTY}
    assert Order.objects.exists()


@pytest.mark.parametrize("answer", ["same report", "earlier document"])
def test_requests_answered_from_an_earlier_run_are_fine(connection, read, tell, answer):
    read(days=20)
    count = Order.objects.count()
    tell("switches", report_identical=answer)

    BackfillWindow.objects.update(state=State.FAILED)
    backfill.try_again(Backfill.objects.get(), "alice")
    read(days=20)

    assert (Order.objects.count(), BackfillWindow.objects.get().state) == (count, State.DONE)


def test_a_report_that_amazon_cannot_make_is_told_in_its_words(connection, read, tell):
    tell("switches", report_outcome="fatal with a document")

    read(days=20)

    window = BackfillWindow.objects.get()
    assert window.state == State.FAILED
    assert window.problem.startswith("Amazon could not make the report: ")


def test_months_without_orders_are_empty(connection, read):
    read(days=400)

    oldest = BackfillWindow.objects.order_by("starts_at").first()
    assert oldest.state == State.EMPTY

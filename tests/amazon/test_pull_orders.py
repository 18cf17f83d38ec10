"""Bringing orders in, page by page, against queued answers."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from amazon.client import Client, ServerTrouble, WaitFor
from amazon.cursors import cursor_for
from amazon.models import Order, Resource
from amazon.pull import pull_order, pull_orders
from audit.models import Event
from kit.http import Http, mount, unmount
from kit.sealed import open_from
from tenants.models import Alert
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.factories import ConnectionFactory

ORDERS = "/orders/2026-01-01/orders"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BOUND = "2026-06-01T11:57:00.000Z"
pytestmark = pytest.mark.django_db


@pytest.fixture
def amazon():
    fake = FakeApi()
    mount(BASE, fake)
    yield fake
    unmount(BASE)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def connection(in_acme):
    return ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER", data={"region": "NA"})


@pytest.fixture
def client():
    return Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", lambda operation: 0.0, sleep=pytest.fail)


@pytest.fixture
def pull(connection, client, clock):
    return lambda since=NOON - timedelta(days=1): pull_orders(connection, since, client)


@pytest.fixture
def cursor(connection):
    return lambda: cursor_for(connection, Resource.ORDERS)


def order(number=1, status="SHIPPED", updated="2026-05-31T10:00:00Z", amount="24.00", **fields):
    money = {"amount": amount, "currencyCode": "USD"}
    return {
        "orderId": f"701-0000000-000000{number}",
        "createdTime": "2026-05-30T08:00:00Z",
        "lastUpdatedTime": updated,
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER", "marketplaceName": "Amazon.com"},
        "proceeds": {"grandTotal": money},
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "AMAZON"},
        "orderItems": [{
            "orderItemId": "1", "quantityOrdered": 1, "product": {"sellerSku": "LAMP-1"},
            "proceeds": {"proceedsTotal": money, "breakdowns": [{"type": "ITEM", "subtotal": money}]},
        }],
        "buyer": {"buyerName": "Ann Buyer"},
        **fields,
    }  # fmt: skip


def page(*orders, next_token="", until=BOUND):
    pagination = {"pagination": {"nextToken": next_token}} if next_token else {}
    return 200, {"orders": list(orders), "lastUpdatedBefore": until, **pagination}


def test_orders_are_stored_with_amounts_in_minor_units(amazon, pull):
    amazon.answer(ORDERS, page(order()))

    result = pull()

    stored = Order.objects.get()
    assert result.orders_new == 1
    assert (stored.status, stored.total, stored.currency) == ("SHIPPED", 2400, "USD")
    assert stored.items[0]["subtotals"] == {"ITEM": 2400}


def test_personal_data_is_stored_nowhere(amazon, pull):
    amazon.answer(ORDERS, page(order()))

    pull()

    stored = Order.objects.get()
    raw = open_from(stored, "raw")
    assert "LAMP-1" in raw
    assert "Ann" not in raw + str(stored.items)
    assert "LAMP-1" not in stored.raw


def test_the_watermark_is_the_bound_amazon_says_it_covered(amazon, pull, cursor):
    amazon.answer(ORDERS, page(until="2026-06-01T11:50:00Z"))

    pull()

    assert cursor().watermark == datetime(2026, 6, 1, 11, 50, tzinfo=UTC)


def test_the_next_pull_overlaps_by_ten_minutes_and_keeps_two_minutes_distance(amazon, pull, clock):
    amazon.answer(ORDERS, page(), page(until="2026-06-01T12:57:00Z"))

    pull()
    clock.shift(timedelta(hours=1))
    pull()

    second = amazon.asked[1].query
    assert second["lastUpdatedAfter"] == "2026-06-01T11:47:00.000Z"
    assert second["lastUpdatedBefore"] == "2026-06-01T12:57:00.000Z"


def test_the_first_pull_reaches_back_two_years_at_most(amazon, pull):
    amazon.answer(ORDERS, *[lambda asked: page(until=asked.query["lastUpdatedBefore"])])

    pull(since=NOON - timedelta(days=3000))

    first, last = amazon.asked[0].query, amazon.asked[-1].query
    assert first["lastUpdatedAfter"] == "2024-06-02T12:00:00.000Z"
    assert last["lastUpdatedBefore"] == BOUND


def test_a_page_token_is_no_end_even_if_the_page_is_empty(amazon, pull):
    amazon.answer(ORDERS, page(order(1), next_token="t1"), page(next_token="t2"), page(order(2)))

    assert pull().orders_new == 2


def test_the_watermark_waits_for_the_last_page(amazon, pull, cursor):
    amazon.answer(ORDERS, page(order(1), next_token="t1"), fault(503, "ServiceUnavailable"))

    with pytest.raises(ServerTrouble):
        pull()

    assert Order.objects.count() == 1
    assert cursor().watermark is None


def test_an_interrupted_walk_goes_on_where_it_was_with_the_same_bounds(amazon, pull, clock, cursor):
    amazon.answer(ORDERS, page(order(1), next_token="t1"), fault(503, "ServiceUnavailable"), page(order(2)), page())
    with pytest.raises(ServerTrouble):
        pull()

    clock.shift(timedelta(hours=2))
    pull()

    first, _, resumed, fresh = amazon.asked
    assert resumed.query == {**first.query, "paginationToken": "t1"}
    assert fresh.query["lastUpdatedBefore"] == "2026-06-01T13:57:00.000Z"
    assert Order.objects.count() == 2


def test_a_walk_that_outlives_its_tokens_begins_again_with_half_the_window(amazon, pull, clock, cursor):
    amazon.answer(ORDERS, page(order(1), next_token="t1"), fault(503, "ServiceUnavailable"), page())
    with pytest.raises(ServerTrouble):
        pull(since=NOON - timedelta(days=365))

    clock.shift(timedelta(hours=25))
    amazon.answers[ORDERS] = [lambda asked: page(until=asked.query["lastUpdatedBefore"])]
    pull(since=NOON - timedelta(days=365))

    restarted = amazon.asked[2].query
    assert "paginationToken" not in restarted
    assert restarted["lastUpdatedBefore"] == "2025-07-16T12:00:00.000Z"


def test_a_token_amazon_no_longer_takes_restarts_the_walk(amazon, pull, cursor):
    amazon.answer(ORDERS, page(order(1), next_token="t1"), fault(400, "InvalidInput"), page(order(1), order(2)))

    with pytest.raises(ServerTrouble, match="begins again"):
        pull()
    pull()

    assert "paginationToken" not in amazon.asked[2].query
    assert Order.objects.count() == 2


def test_a_page_token_that_repeats_does_not_spin(amazon, pull):
    amazon.answer(ORDERS, page(next_token="t1"))

    with pytest.raises(ServerTrouble, match="twice"):
        pull()

    assert len(amazon.asked) == 2


def test_an_order_that_comes_again_unchanged_is_left_alone(amazon, pull):
    amazon.answer(ORDERS, page(order()))

    pull()
    before = Order.objects.get().raw
    result = pull()

    assert (result.orders_new, result.orders_changed) == (0, 0)
    assert Order.objects.get().raw == before


def test_a_newer_version_replaces_an_older_one_and_never_the_reverse(amazon, connection, client, clock):
    amazon.answer(
        f"{ORDERS}/701-0000000-0000001",
        *[(200, {"order": sent}) for sent in (
            order(status="UNSHIPPED", updated="2026-05-31T10:00:00Z"),
            order(status="SHIPPED", updated="2026-05-31T12:00:00Z"),
            order(status="UNSHIPPED", updated="2026-05-31T11:00:00Z"),
        )],
    )  # fmt: skip

    seen = [pull_order(connection, "701-0000000-0000001", client).status for _ in range(3)]

    assert seen == ["UNSHIPPED", "SHIPPED", "SHIPPED"]


def test_the_day_of_shipment_is_frozen_at_first_sight(amazon, connection, client, clock):
    path = f"{ORDERS}/701-0000000-0000001"
    amazon.answer(path, *[(200, {"order": order(updated=f"2026-05-31T1{hour}:00:00Z")}) for hour in (1, 5)])

    first = pull_order(connection, "701-0000000-0000001", client).shipped_at
    second = pull_order(connection, "701-0000000-0000001", client)

    assert second.last_updated_at.hour == 15
    assert second.shipped_at == first == datetime(2026, 5, 31, 11, tzinfo=UTC)


def test_a_pending_order_gets_its_amounts_when_payment_clears(amazon, connection, client, clock):
    path = f"{ORDERS}/701-0000000-0000001"
    amazon.answer(path, (200, {"order": order(status="PENDING", updated="2026-05-31T10:00:00Z")}))
    amazon.answer(path, (200, {"order": order(status="UNSHIPPED", updated="2026-05-31T11:00:00Z")}))

    pending = pull_order(connection, "701-0000000-0000001", client)
    cleared = pull_order(connection, "701-0000000-0000001", client)

    assert (pending.total, pending.currency) == (None, "")
    assert (cleared.total, cleared.currency) == (2400, "USD")


def test_two_versions_of_an_order_on_one_page_count_once(amazon, pull):
    amazon.answer(ORDERS, page(order(updated="2026-05-31T12:00:00Z"), order(status="UNSHIPPED")))

    assert pull().orders_new == 1
    assert Order.objects.get().status == "SHIPPED"


def test_an_unreadable_order_is_told_and_does_not_stop_the_others(amazon, pull):
    broken = order(1)
    del broken["salesChannel"]
    amazon.answer(ORDERS, page(broken, order(2)))

    assert pull().orders_new == 1

    assert "701-0000000-0000001" in Alert.objects.get().title


def test_what_was_told_of_an_unreadable_order_is_settled_once_it_can_be_read(amazon, pull, clock):
    broken = order(1)
    del broken["salesChannel"]
    amazon.answer(ORDERS, page(broken, order(2)), page(order(1)))
    pull()
    assert Alert.objects.get().settled_at is None

    clock.shift(timedelta(hours=1))
    pull()

    assert Alert.objects.get().settled_at is not None


def test_the_trail_counts_what_came_and_stays_silent_when_nothing_did(amazon, pull, clock):
    amazon.answer(ORDERS, page(order(1), order(2)), page(until="2026-06-01T12:57:00Z"))

    pull()
    clock.shift(timedelta(hours=1))
    pull()

    (pulled,) = Event.objects.filter(kind="orders.pulled")
    assert (pulled.data["new"], pulled.data["changed"]) == (2, 0)
    assert Event.objects.filter(kind="cursor.moved").count() == 1


def test_an_empty_bucket_keeps_what_was_read_and_says_when_to_come_back(amazon, connection, clock, cursor):
    waits = [0.0, 150.0]
    client = Client(Http("t"), BASE, lambda rejected="": "Atza|1", lambda operation: waits.pop(0), sleep=pytest.fail)
    amazon.answer(ORDERS, page(order(1), next_token="t1"))

    with pytest.raises(WaitFor) as raised:
        pull_orders(connection, NOON - timedelta(days=1), client)

    assert raised.value.seconds == 150.0
    assert (Order.objects.count(), cursor().walk["token"], cursor().failures) == (1, "t1", 0)
    assert cursor().due_at == NOON + timedelta(seconds=150)


def test_polling_every_hour_takes_less_than_a_tenth_of_what_amazon_allows(amazon, pull, clock):
    amazon.answer(ORDERS, lambda asked: page(order(), until=asked.query["lastUpdatedBefore"]))

    for _ in range(24):
        pull()
        clock.shift(timedelta(hours=1))

    # 0.0056 calls a second: 483 a day.
    assert len(amazon.asked) == 24 <= 0.1 * 0.0056 * 86_400

"""Who bought: asked for only where a tenant wants it, sealed, and told once where Amazon withholds it."""

import json
import logging
from datetime import timedelta

import pytest
from django.db import connection as database

from amazon import buyers
from amazon.models import Buyer, Order
from amazon.pull import pull_orders
from audit.models import Event
from kit.sealed import open_from
from tenants.models import Alert
from tests import factories
from tests.amazon.fake_api import fault
from tests.amazon.test_pull_orders import (  # noqa: F401 - fixtures
    NOON,
    ORDERS,
    amazon,
    client,
    clock,
    connection,
    order,
    page,
)

pytestmark = pytest.mark.django_db
ANN = {"buyerName": "Ann  Buyer", "buyerEmail": "x1@marketplace.amazon.com"}


@pytest.fixture
def pull(connection, client, clock):  # noqa: F811
    def pull(**how):
        return pull_orders(connection, NOON - timedelta(days=1), client, **how)

    return pull


def asked_for(api):
    return [asked.query["includedData"] for asked in api.asked_for(ORDERS)]


def test_nobody_asks_who_bought_unless_the_tenant_wants_it(amazon, pull):  # noqa: F811
    amazon.answer(ORDERS, page(order(buyer=ANN)))

    pull()

    assert not any("BUYER" in asked or "RECIPIENT" in asked for asked in asked_for(amazon))
    assert not Buyer.objects.exists()


def test_a_buyer_is_sealed_and_stands_nowhere_in_the_open(amazon, pull, caplog):  # noqa: F811
    caplog.set_level(logging.DEBUG)
    amazon.answer(ORDERS, page(order(buyer=ANN)))

    pull(with_buyers=True)

    row = Buyer.objects.get()
    assert asked_for(amazon) == ["PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,BUYER"]
    assert json.loads(open_from(row, "sealed")) == {"name": "Ann Buyer", "email": ANN["buyerEmail"]}
    assert "Ann" not in open_from(Order.objects.get(), "raw")
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM amazon_buyer")
        stored = str(cursor.fetchall()) + str(list(Event.objects.values())) + str(list(Order.objects.values()))
    for said in (stored, caplog.text, repr(buyers.person(row.tenant_id, row.hash))):
        assert "Ann" not in said
        assert "x1@" not in said


def test_the_same_buyer_has_the_same_hash_and_another_tenants_has_another(amazon, pull, connection):  # noqa: F811
    again = {"buyerName": "Ann B.", "buyerEmail": "X1@marketplace.amazon.com"}
    other = {"buyerName": "Ann Buyer", "buyerEmail": "x2@marketplace.amazon.com"}
    amazon.answer(ORDERS, page(order(1, buyer=ANN), order(2, buyer=again), order(3, buyer=other), order(4, buyer={})))

    pull(with_buyers=True)

    first, second, third = Buyer.objects.order_by("order__order_id").values_list("hash", flat=True)
    assert first == second != third
    elsewhere = factories.ConnectionFactory(provider="amazon", remote_id=connection.remote_id)
    assert buyers.hash_of(elsewhere, buyers.person_in({"buyer": ANN})) != first


def test_what_was_kept_first_stays_when_the_order_changes(amazon, pull, clock):  # noqa: F811
    amazon.answer(
        ORDERS,
        page(order(buyer=ANN)),
        page(order(updated="2026-06-01T12:30:00Z", buyer={"buyerName": "Somebody Else"})),
    )

    pull(with_buyers=True)
    clock.shift(timedelta(hours=1))
    pull(with_buyers=True)

    assert "Ann Buyer" in open_from(Buyer.objects.get(), "sealed")


def test_of_a_forgotten_buyer_only_the_hash_is_kept(amazon, pull, clock):  # noqa: F811
    amazon.answer(ORDERS, page(order(1, buyer=ANN)), page(order(2, updated="2026-06-01T12:30:00Z", buyer=ANN)))

    pull(with_buyers=True)
    Buyer.objects.update(forgotten_at=NOON, sealed="")
    clock.shift(timedelta(hours=1))
    pull(with_buyers=True)

    assert list(Buyer.objects.values_list("sealed", "forgotten_at")) == [("", NOON), ("", NOON)]


def test_orders_come_without_buyers_where_the_role_is_missing_and_that_is_told_once(amazon, pull, clock):  # noqa: F811
    def by_role(asked):
        return fault(403, "Unauthorized", "no role") if "BUYER" in asked.query["includedData"] else page(order())

    amazon.answer(ORDERS, by_role)

    pull(with_buyers=True)
    clock.shift(timedelta(hours=1))
    pull(with_buyers=True)

    assert Order.objects.exists()
    told = Alert.objects.get(kind="buyers_withheld")
    assert "restricted roles" in told.action
    pull()
    told.refresh_from_db()
    assert told.settled_at is not None


def test_orders_that_name_nobody_are_told_once(amazon, pull):  # noqa: F811
    amazon.answer(ORDERS, page(order(buyer=None)))

    pull(with_buyers=True)

    assert Alert.objects.filter(kind="buyers_withheld", settled_at=None).count() == 1
    assert not Buyer.objects.exists()

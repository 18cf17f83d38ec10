"""Notifications turned on, tested and off at the pretend Amazon, with its tokens and its rules."""

import pytest
from django.core.cache import cache

from amazon import grantless, subscriptions
from amazon.models import Subscription
from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from kit.clock import now
from kit.http import mount, unmount
from kit.scope import scope
from kit.sealed import seal_into
from tests.factories import ConnectionFactory
from tests.sandbox.amazon_caller import Caller
from tests.sandbox.amazon_notified import QUEUE, Notified

BASE = "https://amazon.test"
pytestmark = pytest.mark.django_db


@pytest.fixture
def told(settings):
    cache.clear()
    settings.AMAZON_API_BASE, settings.AMAZON_RATE_SCALE = BASE, 1000
    settings.AMAZON_TOKEN_URL = f"{BASE}/auth/o2/token"
    settings.AMAZON_CLIENT_ID = DEMO_APPLICATION["client_id"]
    settings.AMAZON_CLIENT_SECRET = DEMO_APPLICATION["client_secret"]
    stand_in = AmazonStandIn()
    mount(BASE, stand_in)
    grantless.forget()
    made = Notified(Caller(stand_in, stand_in.controls()["demo"]({})["seller"]["seller_id"]))
    made.caller.switch(rate_scale=0)
    yield made
    grantless.forget()
    unmount(BASE)


@pytest.fixture
def seller(told, acme):
    made = ConnectionFactory(
        tenant=acme,
        grant__provider="amazon",
        grant__data={"marketplace": "ATVPDKIKX0DER"},
        remote_id=told.caller.seller_id,
        data={"region": "NA"},
    )
    seal_into(made.grant, "access_token", told.caller.access_token)
    made.grant.expires_at = now().replace(year=now().year + 1)
    made.grant.save()
    with scope(acme.pk):
        yield made


def test_on_again_tested_and_off(told, seller):
    first = subscriptions.turn_on(seller, Subscription.Way.FORWARDER, QUEUE, "user:1")
    again = subscriptions.turn_on(seller, Subscription.Way.FORWARDER, QUEUE, "user:1")
    subscriptions.send_test(seller, "ORDER_CHANGE", "OrderStatusChange", "user:1")
    in_queue = told.taken()
    subscriptions.turn_off(seller, "user:1")
    left = told.as_app("GET", "/notifications/v1/destinations").json["payload"]

    assert {"id", "version"} == set().union(*first.subscribed.values())
    assert (again.subscribed, again.destination_id) == (first.subscribed, first.destination_id)
    assert [each["NotificationType"] for each in in_queue] == ["ORDER_CHANGE"]
    assert left == []

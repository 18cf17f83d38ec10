"""Tokens of the application itself: one call for many, ahead of their end, each for its own scope and application."""

from datetime import timedelta

import pytest
import time_machine

from amazon import grantless, secrets
from amazon.client import Forbidden, ServerTrouble
from kit.clock import now
from kit.http import mount, unmount
from kit.sealed import seal_into
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.amazon.lwa import Lwa
from tests.factories import ConnectionFactory, GrantFactory

LWA = "https://api.amazon.com"
DESTINATIONS = "/notifications/v1/destinations"
pytestmark = pytest.mark.django_db


@pytest.fixture
def lwa(settings):
    settings.AMAZON_CLIENT_ID, settings.AMAZON_CLIENT_SECRET = "amzn1.application-oa2-client.1", "ours"
    settings.AMAZON_CONSENT_BASE = "https://sellercentral.amazon.com"
    fake = Lwa({"ours", "own"})
    mount(LWA, fake)
    grantless.forget()
    yield fake
    grantless.forget()
    unmount(LWA)


@pytest.fixture
def api():
    fake = FakeApi()
    fake.answer(DESTINATIONS, (200, {"payload": []}))
    mount(BASE, fake)
    yield fake
    unmount(BASE)


@pytest.fixture
def plans(monkeypatch):
    monkeypatch.setattr("amazon.client.Client._wait_for_turn", lambda self, operation: None)


def call(client):
    return client.get("getDestinations", DESTINATIONS)


def test_many_calls_cost_one_token(lwa, api, plans):
    for _ in range(3):
        call(grantless.own_client("NA", grantless.NOTIFICATIONS))

    [asked] = lwa.asked
    assert asked.form["grant_type"] == "client_credentials"
    assert asked.form["scope"] == grantless.NOTIFICATIONS
    assert {sent.headers["x-amz-access-token"] for sent in api.asked} == {"Atza|1"}


def test_token_is_asked_for_again_ahead_of_its_end_and_each_scope_has_its_own(lwa, api, plans):
    call(grantless.own_client("NA", grantless.NOTIFICATIONS))
    call(grantless.own_client("NA", secrets.SCOPE))

    with time_machine.travel(now() + timedelta(minutes=56)):
        call(grantless.own_client("NA", grantless.NOTIFICATIONS))

    assert lwa.given == 3


def test_token_of_a_clock_that_was_set_back_is_not_trusted(lwa, api, plans):
    with time_machine.travel(now() + timedelta(days=30)):
        call(grantless.own_client("NA", grantless.NOTIFICATIONS))

    call(grantless.own_client("NA", grantless.NOTIFICATIONS))

    assert lwa.given == 2


def test_rejected_token_is_replaced_once(lwa, api, plans):
    api.answers[DESTINATIONS].insert(0, fault(403, "Unauthorized", "Access to requested resource is denied."))

    call(grantless.own_client("NA", grantless.NOTIFICATIONS))

    assert [sent.headers["x-amz-access-token"] for sent in api.asked] == ["Atza|1", "Atza|2"]


def test_private_application_asks_with_its_own_credentials(lwa, api, plans, acme):
    grant = GrantFactory(provider="amazon", environment="NA", tenant=acme, application="own-id")
    seal_into(grant, "client_secret", "own")
    grant.save()
    connection = ConnectionFactory(tenant=acme, grant=grant, data={"region": "NA"})

    call(grantless.client(connection, grantless.NOTIFICATIONS))

    assert (lwa.asked[0].form["client_id"], lwa.tried) == ("own-id", ["own"])


def test_whoever_only_knows_an_applications_id_gets_no_kept_token(lwa, api, plans, acme):
    call(grantless.own_client("NA", grantless.NOTIFICATIONS))
    grant = GrantFactory(provider="amazon", environment="NA", tenant=acme, application="amzn1.application-oa2-client.1")
    seal_into(grant, "client_secret", "guessed")
    grant.save()
    connection = ConnectionFactory(tenant=acme, grant=grant, data={"region": "NA"})

    with pytest.raises(Forbidden):
        call(grantless.client(connection, grantless.NOTIFICATIONS))


def test_scope_the_application_does_not_have_is_refused_and_a_silent_endpoint_is_trouble(lwa, api, plans):
    lwa.scopes = set()
    with pytest.raises(Forbidden, match="invalid_scope"):
        call(grantless.own_client("NA", secrets.SCOPE))

    lwa.answers["/auth/o2/token"] = [(503, {"error": "temporarily_unavailable"})]
    with pytest.raises(ServerTrouble):
        call(grantless.own_client("NA", secrets.SCOPE))


def test_installation_without_an_application_says_so(lwa, settings):
    settings.AMAZON_CLIENT_ID = ""

    with pytest.raises(Forbidden, match="no Amazon application"):
        grantless.own_client("NA", secrets.SCOPE)

"""An application's secret and a seller's authorization over time, at the pretend Amazon."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from amazon import grantless, rotation, secrets
from amazon.client import moment
from amazon.pull import pull_settlements
from amazon.sandbox import DEMO_APPLICATION
from kit.clock import now
from kit.http import mount, unmount
from kit.scope import unscoped
from tenants import grants
from tenants.grants import NeedsReconnect, access_token
from tenants.models import Access, Alert, ApplicationSecret
from tests.factories import ConnectionFactory, GrantFactory
from tests.sandbox.amazon_caller import demo_caller
from tests.sandbox.amazon_notified import CONSOLE, Notified

BASES = ("https://sellingpartnerapi-na.amazon.com", "https://api.amazon.com")
DAY_S = 86_400
pytestmark = pytest.mark.django_db


@pytest.fixture
def told(settings, monkeypatch):
    settings.AMAZON_CLIENT_ID = DEMO_APPLICATION["client_id"]
    settings.AMAZON_CLIENT_SECRET = DEMO_APPLICATION["client_secret"]
    settings.AMAZON_CONSENT_BASE = "https://sellercentral.amazon.com"
    monkeypatch.setattr(grants, "PAUSE_S", 0)
    made = Notified(demo_caller())
    for base in BASES:
        mount(base, made.caller.stand_in)
    grantless.forget()
    cache.clear()
    yield made
    grantless.forget()
    for base in BASES:
        unmount(base)


@pytest.fixture
def connection(told, acme):
    caller = told.caller
    grant = GrantFactory(
        provider="amazon",
        environment="NA",
        tenant=acme,
        subject=caller.seller_id,
        access=caller.access_token,
        refresh=caller.refresh_token,
        expires_at=now() + timedelta(hours=1),
    )
    data = {"region": "NA", "marketplaces": [], "currencies": ["USD"]}
    return ConnectionFactory(tenant=acme, grant=grant, data=data)


def alerts():
    with unscoped("the test looks"):
        return [alert.kind for alert in Alert.objects.filter(settled_at=None)]


def test_secret_is_rotated_while_calls_go_on(told, connection):
    told.caller.control("console_queue", arn=CONSOLE)

    rotation.rotate()
    [message] = told.taken(CONSOLE)
    new = message["payload"]["applicationOAuthClientNewSecret"]
    ends_at = moment(new["newClientSecretExpiryTime"])
    tokens = [access_token(connection.grant_id, rejected=told.caller.access_token)]
    secrets.arrived(new["clientId"], new["newClientSecret"], ends_at, moment(new["oldClientSecretExpiryTime"]))
    tokens.append(access_token(connection.grant_id, rejected=tokens[-1]))
    told.caller.stand_in.clock.advance(8 * DAY_S)
    tokens.append(access_token(connection.grant_id, rejected=tokens[-1]))

    assert len(set(tokens)) == 3
    assert ApplicationSecret.objects.get().refused_at is None
    assert ApplicationSecret.objects.get().ends_at == ends_at


def test_withdrawn_authorization_is_one_alert_and_a_connection_that_waits(told, connection, in_acme):
    told.caller.control("revoke", seller_id=told.caller.seller_id)

    for _ in range(2):
        with pytest.raises(NeedsReconnect):
            pull_settlements(connection)

    connection.refresh_from_db()
    assert connection.state == Access.NEEDS_RECONNECT
    assert alerts() == ["needs_reconnect"]


def test_authorization_that_is_a_year_old_ends_like_a_withdrawn_one(told, connection, in_acme):
    told.caller.control("secret_expires", in_s=400 * DAY_S)
    told.caller.stand_in.clock.advance(366 * DAY_S)

    with pytest.raises(NeedsReconnect):
        pull_settlements(connection)

    assert alerts() == ["needs_reconnect"]

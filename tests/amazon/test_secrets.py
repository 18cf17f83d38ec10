"""Two secrets of an application: both work for some days, and no call is interrupted while one replaces the other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connections

from amazon import secrets
from kit.clock import now
from kit.http import mount, unmount
from kit.sealed import seal_into
from tenants import grants
from tenants.grants import RefreshFailed, access_token
from tenants.models import ApplicationSecret
from tenants.secrets import Application, ending, ends, keep
from tests.amazon.lwa import Lwa
from tests.factories import ConnectionFactory, GrantFactory

LWA = "https://api.amazon.com"
OURS, OWN = "amzn1.application-oa2-client.1", "amzn1.application-oa2-client.own"
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def lwa(settings, monkeypatch):
    settings.AMAZON_CLIENT_ID, settings.AMAZON_CLIENT_SECRET = OURS, "old"
    settings.AMAZON_CONSENT_BASE = "https://sellercentral.amazon.com"
    monkeypatch.setattr(grants, "PAUSE_S", 0)
    fake = Lwa({"old"})
    mount(LWA, fake)
    yield fake
    unmount(LWA)


@pytest.fixture
def grant(acme):
    return ConnectionFactory(tenant=acme, grant=make_grant(tenant=acme)).grant


def make_grant(**changes):
    ended = {"expires_at": now() - SECOND, "refreshed_at": now() - DAY}
    return GrantFactory(provider="amazon", environment="NA", refresh="Atzr|1", **ended, **changes)


def private(tenant):
    grant = make_grant(tenant=tenant, application=OWN)
    seal_into(grant, "client_secret", "old")
    grant.save()
    return ConnectionFactory(tenant=tenant, grant=grant).grant


def new_secret(client_id=OURS, secret="new", days=180, **more):
    return secrets.arrived(client_id, secret, now() + timedelta(days=days), now() + 7 * DAY, **more)


def test_new_secret_is_tried_first_and_the_old_one_while_amazon_knows_only_that(lwa, grant):
    new_secret()

    assert access_token(grant.pk) == "Atza|1"
    assert lwa.tried == ["new", "old"]


def test_new_secret_alone_is_enough_once_the_old_one_ended(lwa, grant):
    new_secret()
    lwa.secrets = {"new"}

    assert access_token(grant.pk) == "Atza|1"
    assert lwa.tried == ["new"]


def test_secret_that_was_refused_while_another_was_taken_is_not_tried_first_again(lwa, grant):
    new_secret(secret="forged")
    access_token(grant.pk)

    access_token(grant.pk, rejected="Atza|1")

    assert lwa.tried == ["forged", "old", "old"]


def test_refused_secret_is_still_the_way_out_when_the_other_ends(lwa, grant):
    new_secret()
    access_token(grant.pk)
    lwa.secrets = {"new"}

    assert access_token(grant.pk, rejected="Atza|1") == "Atza|2"


def test_no_secret_that_is_taken_is_no_fault_of_the_sellers_consent(lwa, grant):
    lwa.secrets = set()

    with pytest.raises(RefreshFailed):
        access_token(grant.pk)

    grant.refresh_from_db()
    assert grant.state == "active"


@pytest.mark.parametrize("order", [("second", "third"), ("third", "second")], ids=["in order", "reversed"])
def test_secrets_may_arrive_in_any_order_and_twice(lwa, grant, order):
    lwa.secrets = {"third"}
    ahead = {"second": 100, "third": 180}
    for name in (*order, *order):
        new_secret(secret=name, days=ahead[name])

    access_token(grant.pk)

    assert lwa.tried == ["third"]
    assert ApplicationSecret.objects.count() == 2
    assert ending(secrets.own()).at > now() + 179 * DAY


def test_stored_secret_is_sealed(lwa, grant):
    new_secret(secret="amzn1.oa2-cs.v1.plain")

    assert "plain" not in ApplicationSecret.objects.get().secret


def test_secret_of_an_unknown_application_is_not_kept(lwa, grant):
    assert new_secret("amzn1.application-oa2-client.who") is False
    assert ApplicationSecret.objects.count() == 0


def test_private_applications_secret_serves_the_tenant_whose_queue_brought_it(lwa, acme, globex):
    mine, theirs = private(acme), private(globex)
    new_secret(OWN, tenant_id=acme.pk)

    access_token(mine.pk)
    access_token(theirs.pk)

    assert lwa.tried == ["new", "old", "old"]


def test_tenants_queue_does_not_bring_the_installations_secret(lwa, acme, grant):
    assert new_secret(OURS, tenant_id=acme.pk) is False


def test_secrets_end_is_what_was_told_or_at_the_latest_its_usual_life(lwa, acme):
    application, entered = Application("amazon", OWN, acme.pk), now()

    assert ending(application) is None
    assert ending(application, entered).at == entered + secrets.LIFE

    ends(application, entered + 20 * DAY)
    assert (ending(application, entered).at, ending(application, entered).assumed) == (entered + 20 * DAY, False)

    keep(application, "new")
    assert ending(application).assumed
    ends(application, entered + 3 * DAY)  # of the one before, told late
    assert ending(application).at > entered + 179 * DAY
    ends(application, entered + 170 * DAY)
    assert ending(application).at == entered + 170 * DAY


def test_the_secret_after_next_replaces_in_its_turn(lwa, grant):
    new_secret()
    with time_machine.travel(now() + 100 * DAY):
        new_secret(secret="third")
        lwa.secrets = {"third"}
        access_token(grant.pk)

    assert lwa.tried == ["third"]


def test_many_workers_lose_no_call_while_the_secret_changes(shared_database, lwa, acme):
    """Half of them ask before the new one is stored, all while Amazon ends the old one."""
    made = [ConnectionFactory(tenant=acme, grant=make_grant(tenant=acme)).grant.pk for _ in range(8)]

    def work(grant_id):
        try:
            if grant_id == made[4]:
                new_secret()
                lwa.secrets = {"old", "new"}
            return access_token(grant_id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        tokens = list(pool.map(work, made))
    lwa.secrets = {"new"}
    after = [access_token(grant_id, rejected=token) for grant_id, token in zip(made, tokens, strict=True)]

    assert all(tokens)
    assert all(after)

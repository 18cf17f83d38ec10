"""What a seller's authorization and an application's secret need over the years."""

import io
import logging
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from amazon import grantless, rotation, secrets
from amazon.client import Forbidden
from amazon.pull import pull_settlements
from kit.clock import now
from kit.http import mount, unmount
from kit.scope import unscoped
from kit.sealed import open_from, seal_into
from tenants import grants
from tenants.announcing import SECRET_STEPS, warn_of_secrets
from tenants.connections import disconnect
from tenants.grants import NeedsReconnect, access_token
from tenants.models import Access, Alert, ApplicationSecret, Connection
from tenants.renewing import reopen_waiting
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.amazon.lwa import Lwa
from tests.factories import ConnectionFactory, GrantFactory

pytestmark = pytest.mark.django_db
LWA = "https://api.amazon.com"
OURS, OWN = "amzn1.application-oa2-client.1", "amzn1.application-oa2-client.own"
SELLERS, REPORTS = "/sellers/v1/marketplaceParticipations", "/reports/2021-06-30/reports"
ROTATE = "/applications/2023-11-30/clientSecret"
DENIED = fault(403, "Unauthorized", "Access to requested resource is denied.")
DAY = timedelta(days=1)


@pytest.fixture
def lwa(settings, monkeypatch):
    settings.AMAZON_CLIENT_ID, settings.AMAZON_CLIENT_SECRET = OURS, "ours"
    settings.AMAZON_CONSENT_BASE = "https://sellercentral.amazon.com"
    monkeypatch.setattr(grants, "PAUSE_S", 0)
    fake = Lwa({"ours", "old"})
    mount(LWA, fake)
    grantless.forget()
    cache.clear()
    yield fake
    unmount(LWA)


@pytest.fixture
def api():
    fake = FakeApi()
    fake.answer(SELLERS, (200, {"payload": []}))
    fake.answer(REPORTS, (200, {"reports": []}))
    fake.answer(ROTATE, (204, b""))
    mount(BASE, fake)
    yield fake
    unmount(BASE)


def connect(tenant, application=""):
    data = {"region": "NA", "marketplaces": [], "currencies": []}
    grant = GrantFactory(
        provider="amazon",
        environment="NA",
        refresh="Atzr|1",
        tenant=tenant,
        application=application,
        consented_at=now(),
    )
    if application:
        seal_into(grant, "client_secret", "old")
        grant.save()
    return ConnectionFactory(tenant=tenant, grant=grant, data=data)


def alerts(**wanted):
    with unscoped("the test looks"):
        return list(Alert.objects.filter(settled_at=None, **wanted))


def fresh(row):
    with unscoped("the test looks"):
        row.refresh_from_db()
    return row


def test_withdrawn_authorization_is_told_once_and_the_connection_waits(lwa, api, in_acme):
    connection = connect(in_acme)
    api.answers[REPORTS] = api.answers[SELLERS] = [DENIED]

    with pytest.raises(Forbidden):
        pull_settlements(connection)
    with pytest.raises(NeedsReconnect):
        pull_settlements(connection)

    assert fresh(connection).state == Access.NEEDS_RECONNECT
    assert [alert.kind for alert in alerts()] == ["needs_reconnect"]


def test_missing_role_is_no_withdrawn_authorization(lwa, api, in_acme):
    connection = connect(in_acme)
    api.answers[REPORTS] = [DENIED]

    with pytest.raises(Forbidden):
        pull_settlements(connection)

    assert fresh(connection).state == Access.ACTIVE
    assert [alert.kind for alert in alerts()] == ["amazon_forbidden"]


def test_owner_enters_a_new_secret_and_what_was_refused_goes_on(lwa, acme, alice, bob):
    connection = connect(acme, OWN)
    lwa.secrets = {"new"}
    with pytest.raises(NeedsReconnect):
        access_token(connection.grant_id, rejected="access-1")
    page, place = Client(), reverse("tenants:connection_secret", args=[connection.pk])
    page.force_login(alice)

    wrong = page.post(place, {"client_secret": "mistyped"})
    assert "does not take this secret" in wrong.content.decode()
    assert "mistyped" not in wrong.content.decode()
    assert ApplicationSecret.objects.count() == 0
    right = page.post(place, {"client_secret": " new ", "ends_on": str((now() + 100 * DAY).date())})

    assert right.url == reverse("tenants:connection", args=[connection.pk])
    assert fresh(connection).state == Access.ACTIVE
    assert alerts() == []
    assert access_token(connection.grant_id, rejected="access-1")
    shown = page.get(right.url).content.decode()
    assert "New client secret" in shown
    assert "at the latest" not in shown
    page.force_login(bob)
    assert page.get(place).status_code == 403


def test_new_secret_of_an_ended_authorization_is_kept_and_says_so(lwa, acme, alice):
    connection = connect(acme, OWN)
    lwa.secrets, lwa.ended = {"new"}, True
    page = Client()
    page.force_login(alice)

    answer = page.post(reverse("tenants:connection_secret", args=[connection.pk]), {"client_secret": "new"})

    assert "The secret is right and kept" in answer.content.decode()
    assert ApplicationSecret.objects.count() == 1


def test_secret_goes_with_the_last_connection_of_its_application(lwa, acme, globex, alice):
    connection, theirs = connect(acme, OWN), connect(globex, OWN)
    for owner in (acme, globex):
        secrets.arrived(OWN, "new", now() + 180 * DAY, tenant_id=owner.pk)

    disconnect(connection)

    assert [row.tenant for row in ApplicationSecret.objects.all()] == [globex]
    assert fresh(theirs).state == Access.ACTIVE


def test_our_own_application_has_no_secret_for_owners_to_enter(lwa, acme, alice):
    page = Client()
    page.force_login(alice)

    answer = page.post(reverse("tenants:connection_secret", args=[connect(acme).pk]), {"client_secret": "ours"})

    assert answer.status_code == 302
    assert ApplicationSecret.objects.count() == 0


def test_secret_that_arrived_too_late_opens_what_was_refused_meanwhile(lwa, acme):
    connection = connect(acme, OWN)
    lwa.secrets = {"new"}
    with pytest.raises(NeedsReconnect):
        access_token(connection.grant_id, rejected="access-1")
    assert reopen_waiting() == 0

    secrets.arrived(OWN, "new", now() + 180 * DAY, now() - DAY, tenant_id=acme.pk)

    assert reopen_waiting() == 1
    assert fresh(connection).state == Access.ACTIVE
    assert open_from(fresh(connection).grant, "refresh_token") == "Atzr|1"


def test_private_secrets_end_is_told_in_steps_and_settles_with_a_new_one(
    lwa, acme, alice, django_capture_on_commit_callbacks
):
    begun, _ = now(), connect(acme, OWN)
    told = []

    for ahead in (91, 89, 31, 29, 8, 6, 6):
        with (
            time_machine.travel(begun + secrets.LIFE - ahead * DAY),
            django_capture_on_commit_callbacks(execute=True),
        ):
            warn_of_secrets()
        told.append(len(mail.outbox))
    assert told == [0, 1, 1, 2, 2, 3, 3]
    assert len(alerts(kind="secret_ends")) == 1
    assert "at the latest" in mail.outbox[0].subject

    with time_machine.travel(begun + secrets.LIFE - 5 * DAY):
        secrets.arrived(OWN, "new", now() + secrets.LIFE, now() + 7 * DAY, tenant_id=acme.pk)
        warn_of_secrets()
    assert alerts() == []


def test_operators_are_told_ahead_and_enter_what_they_know(lwa, caplog, monkeypatch):
    said = io.StringIO()
    assert rotation.step().verdict == "skipped"

    call_command("amazon_secret", "--ends", str((now() + 60 * DAY).date()), stdout=said)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            rotation.warn()
    assert caplog.text.count("Good until") == 1
    assert rotation.step().verdict == "warning"

    lwa.secrets = {"ours", "typed"}
    monkeypatch.setattr("sys.stdin", io.StringIO("typed\n"))
    call_command("amazon_secret", "--new", stdout=said)
    assert rotation.step().verdict == "passed"
    assert open_from(ApplicationSecret.objects.exclude(secret="").get(), "secret") == "typed"
    assert "typed" not in said.getvalue()

    monkeypatch.setattr("sys.stdin", io.StringIO("wrong\n"))
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("amazon_secret", "--new", stdout=said)
    with time_machine.travel(now() + 200 * DAY):
        assert rotation.step().verdict == "failed"
    assert max(SECRET_STEPS) == 90


def test_rotation_is_asked_without_any_sellers_token(lwa, api):
    call_command("amazon_secret", "--rotate", stdout=io.StringIO())

    [asked] = api.asked_for(ROTATE)
    assert asked.headers["x-amz-access-token"] == "Atza|1"
    assert lwa.asked[0].form["scope"] == secrets.SCOPE


def test_page_says_until_when_and_a_renewed_consent_of_another_person_settles_what_was_told(lwa, acme, alice):
    from kit.oauth import Tokens
    from tenants.announcing import warn_of_expiry
    from tenants.companies import Private, store
    from tenants.providers import Identity, provider

    connection = connect(acme)
    connection.grant.hard_expires_at = now() + 20 * DAY
    connection.grant.save()
    warn_of_expiry()
    assert [alert.url for alert in alerts()] == [reverse("tenants:connection", args=[connection.pk])]

    data = {"marketplace": "ATVPDKIKX0DER"}
    seller = Identity(connection.remote_id, "Lamps", connection.data)
    store(alice, acme, provider("amazon"), "NA", data, Private(), Tokens("Atza|9", "Atzr|9", 3600), [seller])

    assert alerts() == []
    assert warn_of_expiry() == 0
    with unscoped("looking"):
        [same] = Connection.objects.select_related("grant")
    assert (same.pk, open_from(same.grant, "refresh_token")) == (connection.pk, "Atzr|9")

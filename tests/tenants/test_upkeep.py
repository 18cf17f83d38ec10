"""Idle grants are refreshed before they lapse; consents that end are announced; keys are rotated."""

import base64
from datetime import timedelta

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command

from kit.clock import now
from kit.scope import unscoped
from kit.sealed import open_from
from tenants.announcing import warn_of_expiry
from tenants.models import Access, Alert, Connection, ConsentState, Grant
from tenants.upkeep import purge, refresh_idle
from tests.factories import ConnectionFactory, GrantFactory


def make_grant(idle_days, **changes):
    at = now() - timedelta(days=idle_days)
    return GrantFactory(refreshed_at=at, expires_at=at + timedelta(hours=1), **changes)


def test_idle_grant_is_refreshed(acme, endpoint):
    ConnectionFactory(tenant=acme, grant=make_grant(31))

    assert refresh_idle() == 1
    assert refresh_idle() == 0
    assert endpoint.refreshes == 1


@pytest.mark.parametrize("why", ["used", "disconnected", "dead"])
def test_grant_in_use_or_without_use_is_left_alone(acme, endpoint, why):
    grant = make_grant(1 if why == "used" else 31)
    ConnectionFactory(tenant=acme, grant=grant)
    with unscoped("arranging"):
        if why == "disconnected":
            Connection.objects.update(state=Access.REVOKED)
        if why == "dead":
            Grant.objects.update(state=Access.NEEDS_RECONNECT)

    assert refresh_idle() == 0
    assert endpoint.calls == []


def test_idle_grant_that_fails_does_not_stop_the_others(acme, endpoint):
    ConnectionFactory(tenant=acme, grant=make_grant(32, refresh="dead"))
    ConnectionFactory(tenant=acme, grant=make_grant(31))

    assert refresh_idle() == 1


def test_consent_that_ends_soon_is_announced_once_to_each_tenant(acme, globex, endpoint):
    grant = make_grant(1, hard_expires_at=now() + timedelta(days=59))
    ConnectionFactory(tenant=acme, grant=grant)
    ConnectionFactory(tenant=globex, grant=grant)
    ConnectionFactory(tenant=acme, grant=make_grant(1, hard_expires_at=now() + timedelta(days=61)))

    assert warn_of_expiry() == 2
    assert warn_of_expiry() == 2
    with unscoped("looking at both"):
        assert sorted(Alert.objects.values_list("tenant_id", flat=True)) == [acme.id, globex.id]


def test_consents_end_is_told_60_30_and_7_days_ahead_once_each_also_where_somebody_settled_it(
    acme, alice, endpoint, django_capture_on_commit_callbacks
):
    begun = now()
    ConnectionFactory(tenant=acme, grant=make_grant(1, hard_expires_at=begun + timedelta(days=70), consented_at=begun))
    told = []

    for day in (5, 11, 12, 41, 42, 64, 69):
        with time_machine.travel(begun + timedelta(days=day)), django_capture_on_commit_callbacks(execute=True):
            warn_of_expiry()
        told.append(len(mail.outbox))
        with unscoped("looking"):
            assert Alert.objects.filter(settled_at=None).count() == (0 if day == 5 or day == 12 else 1)
            if day == 11:
                Alert.objects.update(settled_at=now())

    assert told == [0, 1, 1, 2, 2, 3, 3]


def key(byte):
    return base64.urlsafe_b64encode(bytes([byte]) * 32).decode()


@pytest.mark.django_db
def test_rotation_seals_every_secret_again(settings):
    settings.VAULT_KEYS = f"k1:{key(1)}"
    grant = GrantFactory(access="a", refresh="r")
    settings.VAULT_KEYS = f"k2:{key(2)},k1:{key(1)}"

    call_command("rotate_keys", verbosity=0)

    settings.VAULT_KEYS = f"k2:{key(2)}"
    grant.refresh_from_db()
    assert (open_from(grant, "access_token"), open_from(grant, "refresh_token")) == ("a", "r")
    assert grant.client_secret == ""


@pytest.mark.django_db
def test_rotation_goes_on_past_a_value_that_does_not_open_and_says_so(settings):
    settings.VAULT_KEYS = f"k1:{key(1)}"
    damaged, whole = GrantFactory(), GrantFactory()
    Grant.objects.filter(pk=damaged.pk).update(access_token="k1:AAAA")
    settings.VAULT_KEYS = f"k2:{key(2)},k1:{key(1)}"

    with pytest.raises(CommandError, match="1 values do not open"):
        call_command("rotate_keys", verbosity=0)

    whole.refresh_from_db()
    assert whole.access_token.startswith("k2:")


def test_what_has_ended_is_purged_and_what_lives_stays(acme, alice):
    ended, living = now() - timedelta(days=2), now() + timedelta(minutes=5)
    with unscoped("arranging"):
        for n, expires_at in enumerate((ended, living)):
            ConsentState.objects.create(
                tenant=acme, user=alice, provider="p", environment="e", digest=str(n), expires_at=expires_at
            )
    for key, expires_at in (("old", ended), ("new", living)):
        Session.objects.create(session_key=key, session_data="", expire_date=expires_at)
        UserSession.objects.create(user=alice, session_key=key, ip="127.0.0.1", user_agent="Browser")

    assert purge() == 3

    with unscoped("looking"):
        assert ConsentState.objects.get().expires_at == living
    assert Session.objects.get().session_key == UserSession.objects.get().session_key == "new"
    assert purge() == 0

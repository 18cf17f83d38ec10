"""The trail is verified once a day, and who it belongs to is told where it does not hold."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from audit import trail, verification
from audit.models import Event
from kit.clock import now
from tenants.models import Alert


@pytest.fixture
def story(acme, everywhere):
    for n in range(3):
        trail.record("a.b", "s:1", tenant_id=acme.pk, n=n)
    return acme


def tamper():
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET kind = 'x.y' WHERE seq = 2 AND chain LIKE 'tenant%'")


def test_a_whole_trail_is_recorded_as_verified(story):
    assert verification.verify_all() == 0

    assert verification.last_verified().data == {"chains": 1, "events": 3, "problems": 0}
    assert trail.verify(None) == []
    assert not Alert.objects.exists()


def test_it_is_done_once_a_day_though_it_is_asked_for_every_hour(story):
    start = now()

    for hour in range(30):
        with time_machine.travel(start + timedelta(hours=hour), tick=False):
            verification.verify_if_due()

    assert Event.objects.filter(kind=verification.VERIFIED).count() == 2


def test_the_company_whose_trail_was_changed_is_told_once(story, globex):
    trail.record("a.b", "s:1", tenant_id=globex.pk)
    tamper()

    assert verification.verify_all() == 1
    assert verification.verify_all() == 1

    alert = Alert.objects.get()
    assert (alert.tenant_id, alert.kind) == (story.pk, "trail_broken")
    assert "event 2" in alert.text


def test_the_alert_ends_when_the_trail_was_restored(story):
    tamper()
    verification.verify_all()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET kind = 'a.b' WHERE seq = 2 AND chain LIKE 'tenant%'")

    assert verification.verify_all() == 0

    assert Alert.objects.get().settled_at is not None

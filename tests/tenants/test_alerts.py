"""Alerts: once per key while open, e-mailed once to those who want it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import IntegrityError, connections, transaction

from kit.scope import scope, unscoped
from tenants.alerts import alert, settle_alert
from tenants.models import Alert, Member
from tests.factories import TenantFactory, member


def new_label(tenant, title="A new label"):
    return alert(tenant.id, "label", "label:Foo", title, "Amazon sent Foo.", "Give it a category.", "/mapping/")


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_alert_is_raised_once_while_it_is_open(acme, alice, commits):
    with commits():
        first = new_label(acme)
        second = new_label(acme, "A new label, again")

    assert first.pk == second.pk
    assert second.title == "A new label, again"
    assert len(mail.outbox) == 1


def test_settled_alert_may_be_raised_again(acme, alice, commits):
    with commits():
        first = new_label(acme)
    assert settle_alert(acme.id, "label:Foo")
    with commits():
        second = new_label(acme)

    assert first.pk != second.pk
    assert len(mail.outbox) == 2


def test_a_refusal_of_the_database_that_no_other_alert_explains_ends_the_tries(acme, monkeypatch):
    def refused(**values):
        raise IntegrityError("another constraint")

    monkeypatch.setattr(Alert.objects, "create", refused)

    with pytest.raises(IntegrityError, match="another constraint"):
        new_label(acme)


def test_settling_what_is_not_open_changes_nothing(acme):
    assert not settle_alert(acme.id, "label:Foo")


def test_the_same_key_of_two_tenants_is_two_alerts(acme, globex):
    new_label(acme)
    new_label(globex)

    settle_alert(acme.id, "label:Foo")

    with unscoped("looking at both"):
        assert list(Alert.objects.filter(settled_at=None).values_list("tenant_id", flat=True)) == [globex.id]


def test_members_who_want_it_get_one_e_mail_each_of_their_own(acme, alice, bob, charlie, commits, settings):
    settings.SITE_URL = "https://tieout.test"
    with scope(acme.id):
        Member.objects.filter(user=bob).update(wants_alert_email=False)

    with commits():
        new_label(acme)

    (message,) = mail.outbox
    assert message.to == ["alice@acme.test"]
    assert message.subject == "A new label"
    assert message.body == "Amazon sent Foo.\n\nGive it a category.\n\nhttps://tieout.test/mapping/\n"


def test_alert_that_is_rolled_back_is_not_e_mailed(shared_database):
    acme = TenantFactory()
    member(acme, "alice@acme.test", "owner")

    with transaction.atomic():
        new_label(acme)
        transaction.set_rollback(True)

    assert mail.outbox == []


def test_mail_server_that_is_down_does_not_stop_the_work(acme, alice, commits, monkeypatch):
    def refuse(*args):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)

    with commits():
        new_label(acme)

    with scope(acme.id):
        assert Alert.objects.filter(settled_at=None).exists()


def test_an_alert_that_some_raise_while_others_settle_it_is_open_once_at_most(shared_database):
    acme, ready = TenantFactory(), threading.Barrier(4)

    def work(number):
        try:
            ready.wait(30)
            for _ in range(25):
                if number % 2:
                    settle_alert(acme.pk, "label:Foo")
                else:
                    assert new_label(acme).key == "label:Foo"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))

    with scope(acme.pk):
        assert Alert.objects.filter(settled_at=None).count() <= 1
        assert Alert.objects.exists()

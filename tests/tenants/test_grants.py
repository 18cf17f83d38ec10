"""Access tokens: leased refresh, races, lost answers, dead grants."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError, connections, transaction
from django.db.models import QuerySet

from audit.models import Event
from kit.clock import now
from kit.scope import unscoped
from kit.sealed import open_from, seal_into
from tenants import grants
from tenants.grants import NeedsReconnect, RefreshFailed, access_token, refresh_now
from tenants.models import Access, Alert, Connection, Grant
from tests.factories import ConnectionFactory, GrantFactory


def make_grant(expires_in_s, **changes):
    at = now()
    return GrantFactory(expires_at=at + timedelta(seconds=expires_in_s), refreshed_at=at, **changes)


@pytest.fixture
def expired(db, endpoint):
    return make_grant(-1)


@pytest.fixture
def fresh(db, endpoint):
    return make_grant(3600)


def test_fresh_token_is_used_without_a_call(fresh, endpoint):
    assert access_token(fresh.pk) == "access-1"
    assert endpoint.calls == []


def test_expired_token_is_refreshed_and_the_new_pair_is_stored(expired, endpoint):
    assert access_token(expired.pk) == "access-2"

    expired.refresh_from_db()
    assert (open_from(expired, "access_token"), open_from(expired, "refresh_token")) == ("access-2", "refresh-2")
    assert now() + timedelta(minutes=59) < expired.expires_at
    assert (expired.lease, expired.leased_until, expired.version) == ("", None, 1)


def test_pair_is_stored_before_the_token_is_handed_out(expired, endpoint):
    access_token(expired.pk)
    access_token(expired.pk)

    assert endpoint.refreshes == 1


def test_token_is_refreshed_ahead_of_its_end(db, endpoint):
    grant = make_grant(3600)

    with time_machine.travel(now() + timedelta(minutes=56), tick=False):
        assert access_token(grant.pk) == "access-2"


def test_rejected_token_is_replaced_though_it_looks_fresh(fresh, endpoint):
    assert access_token(fresh.pk, rejected="access-1") == "access-2"


def test_token_rejected_after_somebody_refreshed_costs_no_second_refresh(fresh, endpoint):
    access_token(fresh.pk, rejected="access-1")

    assert access_token(fresh.pk, rejected="access-1") == "access-2"
    assert endpoint.refreshes == 1


def test_refresh_token_is_kept_when_none_comes_back(expired, endpoint):
    endpoint.rotates = False

    access_token(expired.pk)

    expired.refresh_from_db()
    assert open_from(expired, "refresh_token") == "refresh-1"


def test_open_transaction_is_refused(shared_database, endpoint):
    grant = make_grant(3600)

    with transaction.atomic(), pytest.raises(RuntimeError, match="transaction"):
        access_token(grant.pk)


@pytest.mark.parametrize("rejected", ["", "access-1"], ids=["expired", "rejected"])
def test_fifty_workers_cause_one_refresh(shared_database, endpoint, rejected):
    grant = make_grant(3600 if rejected else -1)
    ready = threading.Barrier(50)

    def work(_):
        try:
            ready.wait(30)
            return access_token(grant.pk, rejected=rejected)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(50) as pool:
        tokens = set(pool.map(work, range(50)))

    assert tokens == {"access-2"}
    assert endpoint.refreshes == 1


def test_holder_of_a_good_token_does_not_wait_for_a_refresh_ahead_of_time(db, endpoint):
    grant = make_grant(60)
    Grant.objects.update(
        refreshed_at=now() - timedelta(hours=1), lease="other", leased_until=now() + timedelta(minutes=1)
    )

    assert access_token(grant.pk) == "access-1"
    assert endpoint.calls == []


def test_lease_of_a_dead_worker_ends_by_itself(expired, endpoint):
    Grant.objects.update(lease="dead", leased_until=now() - timedelta(seconds=1))

    assert access_token(expired.pk) == "access-2"


def test_lease_and_pause_of_a_clock_that_ran_ahead_hold_nobody_up(expired, endpoint):
    ahead = now() + timedelta(days=365)
    Grant.objects.update(lease="then", leased_until=ahead, retry_at=ahead, failures=1)

    assert access_token(expired.pk) == "access-2"


def test_token_that_seems_good_for_a_year_is_replaced_when_it_is_refused(db, endpoint):
    with time_machine.travel(now() + timedelta(days=365)):
        grant = make_grant(3600)

    assert access_token(grant.pk) == "access-1"
    assert access_token(grant.pk, rejected="access-1") == "access-2"
    assert endpoint.refreshes == 1


def test_answer_lost_before_the_rotation_is_asked_again_with_the_same_value(expired, endpoint):
    losses = iter([True, True])

    def lose():
        if next(losses, False):
            raise ConnectionResetError

    endpoint.before = lose

    assert access_token(expired.pk) == "access-2"
    assert [call["refresh_token"] for call in endpoint.calls] == ["refresh-1"] * 3


def test_lost_answers_leave_a_state_in_which_a_later_try_works(expired, endpoint):
    def lose():
        raise ConnectionResetError

    endpoint.before = lose
    with pytest.raises(RefreshFailed) as failed:
        access_token(expired.pk)
    endpoint.before = lambda: None

    with time_machine.travel(now() + timedelta(seconds=failed.value.after_s + 1), tick=False):
        assert access_token(expired.pk) == "access-2"
    expired.refresh_from_db()
    assert (expired.state, expired.failures, expired.retry_at) == (Access.ACTIVE, 0, None)


def test_endpoint_that_is_down_is_not_asked_by_every_worker(expired, endpoint):
    endpoint.error = "temporarily_unavailable"
    for _ in range(5):
        with pytest.raises(RefreshFailed):
            access_token(expired.pk)

    assert endpoint.refreshes == grants.TRIES


def test_too_many_tokens_are_asked_for_once_and_then_not_for_as_long_as_the_provider_wants(
    expired, endpoint, monkeypatch
):
    endpoint.error = "Access Denied"
    rationed = replace(grants.spec_of(expired), throttled=frozenset({"Access Denied"}), throttle_s=600)
    monkeypatch.setattr(grants, "spec_of", lambda grant: rationed)

    with pytest.raises(RefreshFailed) as failed:
        access_token(expired.pk)

    expired.refresh_from_db()
    assert (endpoint.refreshes, failed.value.after_s, expired.state) == (1, 600, Access.ACTIVE)


def test_token_that_is_still_good_is_used_while_the_endpoint_is_down(db, endpoint):
    grant = make_grant(60)
    Grant.objects.update(refreshed_at=now() - timedelta(hours=1))
    endpoint.error = "server_error"
    with pytest.raises(RefreshFailed):
        access_token(grant.pk)

    assert access_token(grant.pk) == "access-1"


def test_answer_lost_after_the_rotation_ends_in_a_request_to_reconnect(expired, endpoint, acme, alice):
    connection = ConnectionFactory(tenant=acme, grant=expired)
    losses = iter([True])

    def lose():
        if next(losses, False):
            raise ConnectionResetError

    endpoint.after = lose

    with pytest.raises(NeedsReconnect):
        access_token(expired.pk)
    with unscoped("looking"):
        connection.refresh_from_db()
    assert connection.state == Access.NEEDS_RECONNECT


def test_dead_grant_alerts_each_tenant_once_and_loses_nothing(
    expired, endpoint, acme, globex, alice, charlie, django_capture_on_commit_callbacks
):
    for tenant in (acme, globex):
        ConnectionFactory(tenant=tenant, grant=expired, remote_name=f"{tenant.name} Books")
    ConnectionFactory(tenant=acme, grant=expired, remote_id="2", remote_name="Acme Two")
    endpoint.error = "invalid_grant"

    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            with pytest.raises(NeedsReconnect):
                access_token(expired.pk)

    assert endpoint.refreshes == 1
    with unscoped("looking at both"):
        assert set(Connection.objects.values_list("state", flat=True)) == {Access.NEEDS_RECONNECT}
        assert sorted(Alert.objects.values_list("tenant_id", flat=True)) == [acme.id, globex.id]
        assert Event.objects.filter(kind="connection.needs_reconnect").count() == 3
    assert sorted(to for message in mail.outbox for to in message.to) == ["alice@acme.test", "charlie@globex.test"]
    expired.refresh_from_db()
    assert open_from(expired, "refresh_token") == "refresh-1"


def test_refusal_is_ignored_when_a_new_consent_came_in_meanwhile(expired, endpoint):
    def consent():
        endpoint.before = lambda: None
        endpoint.live = {}
        grant = Grant.objects.get()
        seal_into(grant, "access_token", "access-9")
        grant.version, grant.expires_at = grant.version + 1, now() + timedelta(hours=1)
        grant.save()

    endpoint.before = consent

    assert access_token(expired.pk) == "access-9"
    expired.refresh_from_db()
    assert expired.state == Access.ACTIVE


def test_answer_of_an_old_refresh_does_not_replace_a_newer_consent(expired, endpoint):
    def consent():
        endpoint.after = lambda: None
        grant = Grant.objects.get()
        seal_into(grant, "access_token", "access-9")
        seal_into(grant, "refresh_token", "refresh-9")
        grant.version, grant.expires_at = grant.version + 1, now() + timedelta(hours=1)
        grant.save()

    endpoint.after = consent

    assert access_token(expired.pk) == "access-9"
    expired.refresh_from_db()
    assert open_from(expired, "refresh_token") == "refresh-9"


def test_pair_of_a_worker_that_outlived_its_lease_is_still_stored(expired, endpoint):
    def slow():
        Grant.objects.update(lease="other", leased_until=now() + timedelta(minutes=1))

    endpoint.after = slow

    assert access_token(expired.pk) == "access-2"
    expired.refresh_from_db()
    assert open_from(expired, "refresh_token") == "refresh-2"


def test_busy_database_does_not_cost_the_new_pair(shared_database, endpoint, monkeypatch):
    grant = make_grant(-1)
    update, busy = QuerySet.update, iter([True, True])

    def sometimes_busy(self, **columns):
        if "refresh_token" in columns and next(busy, False):
            raise OperationalError("database is locked")
        return update(self, **columns)

    monkeypatch.setattr(QuerySet, "update", sometimes_busy)

    assert access_token(grant.pk) == "access-2"
    assert access_token(grant.pk) == "access-2"


def test_private_application_uses_its_own_credentials(db, endpoint):
    grant = make_grant(-1, application="their-id")
    seal_into(grant, "client_secret", "their-secret")
    grant.save()

    access_token(grant.pk)

    assert (endpoint.calls[0]["client_id"], endpoint.calls[0]["client_secret"]) == ("their-id", "their-secret")


def test_refused_credentials_of_a_private_application_need_the_person(db, endpoint):
    grant = make_grant(-1, application="their-id")
    endpoint.error = "invalid_client"

    with pytest.raises(NeedsReconnect):
        access_token(grant.pk)


def test_refusal_of_our_own_application_is_nobody_elses_fault(expired, endpoint):
    endpoint.error = "invalid_client"

    with pytest.raises(RefreshFailed, match="invalid_client"):
        access_token(expired.pk)
    expired.refresh_from_db()
    assert expired.state == Access.ACTIVE
    assert endpoint.refreshes == 1


@pytest.mark.parametrize("state", [Access.NEEDS_RECONNECT, Access.REVOKED])
def test_ended_grant_gives_no_token(fresh, endpoint, state):
    Grant.objects.update(state=state)

    with pytest.raises(NeedsReconnect):
        access_token(fresh.pk)


def test_tokens_are_sealed_in_the_database(expired, endpoint):
    access_token(expired.pk)

    (row,) = Grant.objects.values()
    assert not any("access-2" in str(value) or "refresh-2" in str(value) for value in row.values())


def test_grant_is_refreshed_on_demand(fresh, endpoint):
    refresh_now(fresh.pk)

    assert access_token(fresh.pk) == "access-2"


def test_ended_lease_of_a_dead_owner_lets_the_next_one_refresh_at_once(expired, endpoint):
    Grant.objects.filter(pk=expired.pk).update(lease="dead", leased_until=now() + grants.LEASE)

    grants.end_leases()

    assert access_token(expired.pk) == "access-2"

"""Consent from start to end, pasted credentials, the named test, disconnecting."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from audit.trail import trail
from kit.clock import now
from kit.scope import scope, unscoped
from kit.sealed import open_from
from tenants import providers
from tenants.connections import (
    ConsentExpired,
    ConsentFailed,
    ConsentForeign,
    ConsentRefused,
    ConsentReplayed,
    ConsentUnavailable,
    begin_consent,
    connect_with_credentials,
    disconnect,
    finish_consent,
    run_checks,
)
from tenants.grants import NeedsReconnect, access_token
from tenants.models import Access, Alert, Connection, ConsentState, Grant
from tests.tenants.tokens import make_provider, spec_of

COMPANY = "93412"


def begin(user, tenant, slug="quickbooks", **extra):
    """Return the state value that went to the provider."""
    url = begin_consent(user, tenant, slug, extra=extra)
    return parse_qs(urlsplit(url).query)["state"][0]


def consent(user, tenant, endpoint, *, company=COMPANY, code="code-1", **extra):
    """Go the whole way once."""
    endpoint.codes[code] = company
    state = begin(user, tenant, **extra)
    back = {"state": state, "code": code, "company": company}
    return finish_consent(user, tenant, "quickbooks", back).connected


def test_consent_page_gets_our_exact_callback(alice, acme, endpoint, settings):
    settings.SITE_URL = "https://tieout.test"

    query = parse_qs(urlsplit(begin_consent(alice, acme, "quickbooks")).query)

    assert query["redirect_uri"] == ["https://tieout.test/connections/quickbooks/callback"]
    assert (query["client_id"], query["scope"]) == (["our-id"], ["books"])


def test_state_is_kept_as_a_digest_only(alice, acme, endpoint):
    state = begin(alice, acme)

    with scope(acme.id):
        assert state not in str(ConsentState.objects.values().get())


def test_consent_becomes_a_connection(alice, acme, endpoint):
    (connection,) = consent(alice, acme, endpoint, region="eu")

    assert connection.remote_key == f"quickbooks:sandbox:{COMPANY}"
    assert (connection.remote_name, connection.data, connection.state) == (
        f"Books {COMPANY}",
        {"region": "eu"},
        Access.ACTIVE,
    )
    assert (connection.tenant, connection.created_by, connection.grant.data) == (acme, alice, {"region": "eu"})
    assert access_token(connection.grant_id) == "access-2"
    with scope(acme.id):
        assert [event.kind for event in trail(f"connection:{connection.pk}")] == ["connection.connected"]


def test_second_consent_replaces_the_tokens_and_keeps_the_connection(alice, acme, endpoint):
    (first,) = consent(alice, acme, endpoint)
    (second,) = consent(alice, acme, endpoint, code="code-2")

    assert (second.pk, second.grant_id) == (first.pk, first.grant_id)
    assert open_from(Grant.objects.get(), "refresh_token") == "refresh-3"


def test_new_consent_mends_a_dead_connection_and_settles_its_alert(alice, acme, endpoint):
    (connection,) = consent(alice, acme, endpoint)
    endpoint.error = "invalid_grant"
    with pytest.raises(NeedsReconnect):
        access_token(connection.grant_id, rejected="access-2")
    endpoint.error = None

    consent(alice, acme, endpoint, code="code-2")

    with scope(acme.id):
        connection.refresh_from_db()
        assert connection.state == Access.ACTIVE
        assert Alert.objects.get().settled_at is not None
    assert access_token(connection.grant_id) == "access-3"


def test_consent_of_one_tenant_does_not_give_another_its_access_back(alice, acme, charlie, globex, endpoint):
    (theirs,) = consent(charlie, globex, endpoint)
    endpoint.error = "invalid_grant"
    with pytest.raises(NeedsReconnect):
        access_token(theirs.grant_id, rejected="access-2")
    endpoint.error = None

    consent(alice, acme, endpoint, code="code-2")

    with scope(globex.id):
        theirs.refresh_from_db()
    assert theirs.state == Access.NEEDS_RECONNECT


def test_two_tenants_may_connect_the_same_company(alice, acme, charlie, globex, endpoint):
    (mine,) = consent(alice, acme, endpoint)
    (theirs,) = consent(charlie, globex, endpoint, code="code-2")

    assert mine.pk != theirs.pk
    assert mine.remote_key == theirs.remote_key


@pytest.mark.parametrize("reply", [{"error": "access_denied"}, {}], ids=["declined", "no code"])
def test_refused_consent_says_what_to_do(alice, acme, endpoint, reply):
    state = begin(alice, acme)

    with pytest.raises(ConsentRefused) as refused:
        finish_consent(alice, acme, "quickbooks", {"state": state, **reply})

    assert "administrator" in refused.value.action
    assert endpoint.calls == []


def test_replayed_callback_asks_the_provider_nothing(alice, acme, endpoint):
    state = begin(alice, acme)
    params = {"state": state, "code": "code-1", "company": COMPANY}
    finish_consent(alice, acme, "quickbooks", params)
    asked = len(endpoint.calls)

    with pytest.raises(ConsentReplayed):
        finish_consent(alice, acme, "quickbooks", params)
    assert len(endpoint.calls) == asked


def test_late_callback_has_expired(alice, acme, endpoint):
    state = begin(alice, acme)

    with time_machine.travel(now() + timedelta(minutes=31), tick=False), pytest.raises(ConsentExpired):
        finish_consent(alice, acme, "quickbooks", {"state": state, "code": "code-1", "company": COMPANY})
    assert endpoint.calls == []


@pytest.mark.parametrize("difference", ["person", "tenant", "provider", "invented", "missing"])
def test_foreign_callback_connects_nothing(alice, bob, acme, charlie, globex, endpoint, difference):
    providers.register(make_provider(slug="other"))
    state = begin(alice, acme)
    user, tenant, slug, value = {
        "person": (bob, acme, "quickbooks", state),
        "tenant": (charlie, globex, "quickbooks", state),
        "provider": (alice, acme, "other", state),
        "invented": (alice, acme, "quickbooks", "x" * 43),
        "missing": (alice, acme, "quickbooks", ""),
    }[difference]

    with pytest.raises(ConsentForeign):
        finish_consent(user, tenant, slug, {"state": value, "code": "code-1", "company": COMPANY})

    assert endpoint.calls == []
    assert finish_consent(alice, acme, "quickbooks", {"state": state, "code": "code-1", "company": COMPANY}).connected


def test_code_that_ran_out_says_so(alice, acme, endpoint):
    state = begin(alice, acme)

    with pytest.raises(ConsentExpired):
        finish_consent(alice, acme, "quickbooks", {"state": state, "code": "old", "company": COMPANY})


def test_provider_that_does_not_answer_connects_nothing_and_is_asked_once(alice, acme, endpoint):
    def lose():
        raise ConnectionResetError

    endpoint.after = lose
    state = begin(alice, acme)

    with pytest.raises(ConsentFailed):
        finish_consent(alice, acme, "quickbooks", {"state": state, "code": "code-1", "company": COMPANY})
    assert len(endpoint.calls) == 1
    assert not Grant.objects.exists()


def test_consent_that_opens_no_company_fails(alice, acme, endpoint):
    with pytest.raises(ConsentFailed, match="no company"):
        consent(alice, acme, endpoint, company="none")


def test_trouble_while_asking_what_was_opened_is_a_page_not_a_crash(alice, acme, endpoint):
    def broken(tokens, params):
        raise KeyError("personal data of somebody")

    providers.register(make_provider(identify=broken))

    with pytest.raises(ConsentFailed) as failed:
        consent(alice, acme, endpoint)
    assert "personal" not in failed.value.text


def test_installation_without_credentials_says_who_can_help(alice, acme, endpoint):
    unset = spec_of({})
    object.__setattr__(unset, "client_id", "")
    providers.register(make_provider(oauth=lambda chosen: unset))

    with pytest.raises(ConsentUnavailable):
        begin_consent(alice, acme, "quickbooks")


def test_consent_with_a_limited_life_knows_its_end(alice, acme, endpoint):
    providers.register(make_provider(consent_life=timedelta(days=365)))

    (connection,) = consent(alice, acme, endpoint)

    assert connection.grant.hard_expires_at == connection.grant.consented_at + timedelta(days=365)


PASTED = {
    "client_id": " their-id ",
    "client_secret": "their-secret",
    "refresh_token": "refresh-1\n",
    "company": COMPANY,
}


def test_pasted_credentials_are_tried_and_sealed(alice, acme, endpoint):
    (connection,) = connect_with_credentials(alice, acme, "quickbooks", PASTED).connected

    grant = connection.grant
    assert (endpoint.calls[0]["client_id"], endpoint.calls[0]["client_secret"]) == ("their-id", "their-secret")
    assert (grant.application, open_from(grant, "client_secret")) == ("their-id", "their-secret")
    assert open_from(grant, "refresh_token") == "refresh-2"
    assert grant.data == {"company": COMPANY}


def test_pasted_refresh_token_is_kept_when_the_provider_does_not_rotate(alice, acme, endpoint):
    endpoint.rotates = False

    (connection,) = connect_with_credentials(alice, acme, "quickbooks", PASTED).connected

    assert open_from(connection.grant, "refresh_token") == "refresh-1"


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client"])
def test_wrong_credentials_are_refused_and_nothing_is_stored(alice, acme, endpoint, error):
    endpoint.error = error

    with pytest.raises(ConsentRefused, match=error):
        connect_with_credentials(alice, acme, "quickbooks", PASTED)
    assert not Grant.objects.exists()


def test_own_application_in_place_of_ours_keeps_the_connection(alice, acme, endpoint):
    (first,) = consent(alice, acme, endpoint)
    (second,) = connect_with_credentials(alice, acme, "quickbooks", PASTED).connected

    assert second.pk == first.pk
    assert Grant.objects.get(application="").state == Access.REVOKED
    assert Grant.objects.get(application="their-id").state == Access.ACTIVE


def test_last_connection_withdraws_the_grant_and_forgets_the_tokens(alice, acme, endpoint):
    (connection,) = consent(alice, acme, endpoint)

    disconnect(connection, actor=alice.actor)

    grant = Grant.objects.get()
    assert endpoint.revoked == ["refresh-2"]
    assert (grant.state, grant.access_token, grant.refresh_token) == (Access.REVOKED, "", "")
    with scope(acme.id):
        assert Connection.objects.get().state == Access.REVOKED
        assert trail(f"connection:{connection.pk}").last().actor == alice.actor


def test_grant_that_serves_another_tenant_is_not_withdrawn(alice, acme, charlie, globex, endpoint):
    (mine,) = consent(alice, acme, endpoint)
    (theirs,) = consent(charlie, globex, endpoint, code="code-2")

    disconnect(mine)

    assert endpoint.revoked == []
    assert access_token(theirs.grant_id) == "access-3"


def test_tokens_are_forgotten_though_the_provider_does_not_answer(alice, acme, endpoint):
    (connection,) = consent(alice, acme, endpoint)

    def lose():
        raise ConnectionResetError

    endpoint.before = lose

    disconnect(connection)

    assert Grant.objects.get().refresh_token == ""


def test_refresh_under_way_does_not_bring_a_forgotten_grant_back(alice, acme, endpoint):
    (connection,) = consent(alice, acme, endpoint)

    def disconnect_meanwhile():
        endpoint.after = lambda: None
        disconnect(connection)

    endpoint.after = disconnect_meanwhile

    with pytest.raises(NeedsReconnect):
        access_token(connection.grant_id, rejected="access-2")
    assert Grant.objects.get().refresh_token == ""


def test_disconnected_company_can_be_connected_again(alice, acme, endpoint):
    (first,) = consent(alice, acme, endpoint)
    disconnect(first)

    (second,) = consent(alice, acme, endpoint, code="code-2")

    assert (second.pk, second.state) == (first.pk, Access.ACTIVE)
    assert access_token(second.grant_id) == "access-3"


def test_named_checks_are_kept_with_the_connection(alice, acme, endpoint):
    (connection,) = consent(alice, acme, endpoint)

    steps = run_checks(connection, "orders")

    assert [(step.name, step.verdict) for step in steps] == [("Sign in", "passed"), ("Books open", "failed")]
    with unscoped("looking"):
        connection.refresh_from_db()
    assert connection.checks[1] == {
        "name": "Books open", "verdict": "failed", "detail": "closed until May", "action": "Open them.", "blocks": "posting",
    }  # fmt: skip
    assert connection.last_checked_at is not None


def test_checks_of_a_dead_grant_say_to_connect_again(alice, acme, endpoint):
    def ask(connection, mode):
        access_token(connection.grant_id, rejected="access-2")

    providers.register(make_provider(checks=ask))
    (connection,) = consent(alice, acme, endpoint)
    endpoint.error = "invalid_grant"

    (step,) = run_checks(connection)

    assert (step.verdict, step.action) == ("failed", "Connect again from Connections.")

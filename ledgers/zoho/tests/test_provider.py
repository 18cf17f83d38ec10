import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from kit import http
from kit.oauth import Tokens, authorize_url
from kit.scope import scope, unscoped
from ledgers import registry
from ledgers.port import AuthorizationLost, NotRenderable, NotSent
from ledgers.zoho import centres
from ledgers.zoho import provider as zoho
from ledgers.zoho.bodies import body_of
from ledgers.zoho.tests import factories as make
from ledgers.zoho.tests.scripted import Script
from tenants import grants, providers
from tenants.consents import ConsentFailed
from tenants.models import Connection, Grant, Quota, Tenant
from tenants.providers import TokenRejected

CLIENTS = {location: (f"id-{location}", f"hidden-{location}") for location in centres.CENTRES}
API = "https://www.zohoapis.eu"


@pytest.fixture
def europe() -> Iterator[Script]:
    script = Script()
    http.mount(API, script)
    yield script
    http.unmount(API)


def tokens(**extra: Any) -> Tokens:
    return Tokens(access_token="t", refresh_token="r", expires_in_s=3600, extra=extra)


def test_zoho_is_registered_as_provider_and_ledger() -> None:
    assert providers.provider("zoho") is zoho.PROVIDER
    assert registry.all_ledgers()["zoho"] is zoho.LEDGER


@override_settings(ZOHO_CLIENTS=CLIENTS)
def test_the_consent_begins_at_the_chosen_centre_and_asks_for_a_lasting_one() -> None:
    spec = zoho.PROVIDER.oauth({"centre": "in"})

    address = authorize_url(spec, state="s", redirect_uri="https://tieout.test/connections/zoho/callback")

    assert address.startswith("https://accounts.zoho.in/oauth/v2/auth?client_id=id-in&response_type=code")
    assert "access_type=offline" in address
    assert "prompt=consent" in address
    assert "ZohoBooks.settings.READ%2CZohoBooks.contacts.CREATE" in address
    assert spec.client_auth == "body"


@override_settings(ZOHO_CLIENTS=CLIENTS)
def test_the_code_is_exchanged_where_the_callback_says() -> None:
    went = {"centre": "us", "location": "eu", "accounts-server": "https://accounts.zoho.eu"}

    spec = zoho.PROVIDER.oauth(went)

    assert spec.token_url == "https://accounts.zoho.eu/oauth/v2/token"
    assert (spec.client_id, spec.client_secret) == ("id-eu", "hidden-eu")


@pytest.mark.parametrize(
    "callback",
    [
        {"accounts-server": "https://accounts.zoho.eu.evil.test"},
        {"accounts-server": "http://accounts.zoho.eu"},
        {"accounts-server": "https://accounts.zoho.eu/elsewhere"},
        {"accounts-server": "https://["},
        {"location": "eu", "accounts-server": "https://accounts.zoho.in"},
        {"location": "uk"},
        {"location": "../us"},
    ],
)
def test_a_server_that_is_not_on_the_list_never_gets_the_secret(callback: dict[str, str]) -> None:
    with pytest.raises(ConsentFailed):
        zoho.PROVIDER.oauth({"centre": "us", **callback})


def test_a_throttle_of_tokens_is_never_taken_for_a_withdrawn_consent() -> None:
    spec = zoho.PROVIDER.oauth({})

    assert (spec.throttled, spec.throttle_s) == ({"Access Denied"}, 600)
    assert spec.dead_grant == {"invalid_code", "invalid_grant"}


def test_a_consent_opens_every_active_organization_of_the_person(europe: Script) -> None:
    rows = [
        {"organization_id": "200", "name": "Alice GmbH", "is_default_org": True, "time_zone": "Europe/Berlin"},
        {"organization_id": "100", "name": "Bob BV", "plan_name": "STANDARD", "org_settings": {"is_org_active": True}},
        {"organization_id": "300", "name": "Closed", "org_settings": {"is_org_active": False}},
    ]
    europe.done(organizations=rows)
    europe.done(user={"user_id": "9", "email_ids": [{"email": "Alice@example.com", "is_selected": True}]})

    found = zoho.PROVIDER.identify(tokens(api_domain=API), {"location": "eu"})

    assert [(each.remote_id, each.name) for each in found] == [("eu-200", "Alice GmbH"), ("eu-100", "Bob BV")]
    assert {each.subject for each in found} == {f"eu:{hashlib.sha256(b'alice@example.com').hexdigest()[:32]}"}
    assert found[0].data == {"centre": "eu", "organization_id": "200", "time_zone": "Europe/Berlin", "plan": ""}
    assert (europe.asked[0]["query"], europe.asked[1]["query"]) == ({}, {"organization_id": "200"})


def test_an_api_that_is_not_on_the_list_is_not_asked(europe: Script) -> None:
    europe.done(organizations=[])

    assert zoho.PROVIDER.identify(tokens(api_domain="https://api.evil.test"), {"location": "eu"}) == []


def test_who_agreed_is_told_apart_even_where_zoho_does_not_say(europe: Script) -> None:
    europe.done(organizations=[{"organization_id": "200", "name": "Alice GmbH"}])
    europe.refuse(5, status=404)

    (found,) = zoho.PROVIDER.identify(tokens(), {"location": "eu"})

    assert found.subject.startswith("eu:")


@pytest.mark.parametrize(("status", "said"), [(429, {"code": 44}), (502, b"<html>Bad gateway</html>")])
def test_who_agreed_is_not_called_otherwise_for_a_passing_failure(europe: Script, status: int, said: Any) -> None:
    europe.done(organizations=[{"organization_id": "200", "name": "Alice GmbH"}])
    europe.will(status, said)

    with pytest.raises(ConsentFailed):
        zoho.PROVIDER.identify(tokens(), {"location": "eu"})


def test_a_token_that_is_not_taken_is_said_so_that_a_fresh_one_is_tried(europe: Script) -> None:
    europe.refuse(57, status=401)

    with pytest.raises(TokenRejected):
        zoho.PROVIDER.identify(tokens(), {"location": "eu"})


# A connection ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def connection(db: None, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(grants, "token_for", lambda connection, rejected="": "t")
    with unscoped("a test lays out its tenant"):
        tenant = Tenant.objects.create(name="Alice")
        grant = Grant.objects.create(provider="zoho", environment="production", subject="eu:1", tenant=tenant)
        return Connection.objects.create(
            tenant=tenant,
            grant=grant,
            provider="zoho",
            environment="production",
            remote_id="eu-200",
            data={"centre": "eu", "organization_id": "200", "time_zone": "Europe/Berlin"},
        )


def lists(script: Script) -> None:
    script.done(organizations=[{"organization_id": "200", "name": "Alice GmbH", "currency_code": "EUR"}])
    script.rows(
        currencies=[{"currency_id": "46109", "currency_code": "EUR"}, {"currency_id": "9", "currency_code": "USD"}]
    )
    script.rows(transaction_locks=[])
    script.rows(bankaccounts=[])
    for name in ("chartofaccounts", "items", "contacts"):
        script.rows(**{name: []})


def test_an_opened_connection_renders_once_its_lists_were_read(connection: Connection, europe: Script) -> None:
    post = make.post(make.entry(currency="USD", rate="0.92"))
    with scope(connection.tenant_id):
        with pytest.raises(NotRenderable):
            registry.open_ledger(connection).render([post])
        lists(europe)

        registry.refresh_lists(connection)
        (call,) = registry.open_ledger(connection).render([post])

    assert b'"currency_id":"9","exchange_rate":0.92' in call.body


def test_a_posted_document_has_a_link_and_the_calls_of_the_day_are_kept(connection: Connection, europe: Script) -> None:
    post = make.post(make.entry(number="114-0000001-0000001", currency="EUR"))
    said = {"x_rate_limit_limit": "1000", "x_rate_limit_remaining": "988", "x_rate_limit_reset": "3600"}
    with scope(connection.tenant_id):
        lists(europe)
        registry.refresh_lists(connection)
        ledger = registry.open_ledger(connection)
        (call,) = ledger.render([post])
        company = make.Company("EUR", {"EUR": "46109"})
        row = make.answered(body_of(post, company), journal_id="55")
        europe.will(201, {"code": 0, "journal": row}, **said)

        posted: Any = ledger.send(call, 5.0)["k1"]

        assert posted.url == "https://books.zoho.eu/app/200#/accountant/journals/55"
        assert (Quota.objects.get().daily_limit, Quota.objects.get().remaining) == (1000, 988)


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [(grants.NeedsReconnect("gone"), AuthorizationLost), (grants.RefreshFailed("throttled", 600.0), NotSent)],
)
def test_trouble_with_the_grant_means_that_nothing_was_sent(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, trouble: Exception, outcome: type[Exception]
) -> None:
    def fail(*args: Any, **kwargs: Any) -> str:
        raise trouble

    monkeypatch.setattr(grants, "token_for", fail)

    with scope(connection.tenant_id), pytest.raises(outcome):
        registry.open_ledger(connection).reference()


# Settings ----------------------------------------------------------------------------------------------------------------


def read_settings(tmp_path: Path, code: str, **values: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of their own, as every process of the product does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZOHO_")}
    return subprocess.run(
        [sys.executable, "-c", f"from connector import settings; {code}"],
        env={**kept, "TIEOUT_VAR": str(tmp_path), **values},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_application_serves_all_centres_but_for_those_with_keys_of_their_own(tmp_path: Path) -> None:
    keys = {"ZOHO_CLIENT_ID": "id", "ZOHO_CLIENT_SECRET": "hidden", "ZOHO_CLIENT_SECRET_EU": "hidden in Europe"}

    done = read_settings(tmp_path, "print(settings.ZOHO_CLIENTS['in'], settings.ZOHO_CLIENTS['eu'])", **keys)

    assert done.stdout.strip() == "('id', 'hidden') ('id', 'hidden in Europe')"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"ZOHO_CENTRE": "uk"}, "ZOHO_CENTRE"),
        ({"ZOHO_QUARANTINE_S": "5"}, "ZOHO_DEADLINE_S and ZOHO_QUARANTINE_S"),
        ({"ZOHO_RATE_SCALE": "0"}, "ZOHO_RATE_SCALE"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(tmp_path: Path, values: dict[str, str], named: str) -> None:
    done = read_settings(tmp_path, "pass", **values)

    assert done.returncode
    assert named in done.stderr

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from kit import http, oauth
from kit.http import Http
from kit.oauth import Tokens, authorize_url
from kit.scope import scope, unscoped
from ledgers import registry
from ledgers.models import ListEntry, ReadCount
from ledgers.port import AuthorizationLost, Next, NotRenderable, NotSent
from ledgers.wave import provider as wave
from ledgers.wave.tests import factories as make
from ledgers.wave.tests.scripted import BASE, Script, page, top
from tenants import grants, providers
from tenants.consents import ConsentFailed
from tenants.models import CallCount, Connection, Grant, Tenant
from tenants.providers import TokenRejected


@pytest.fixture
def script(db: None) -> Iterator[Script]:
    made = Script()
    http.mount(BASE, made)
    with override_settings(WAVE_API_BASE=BASE, WAVE_RATE_SCALE=10_000.0):
        yield made
    http.unmount(BASE)


def tokens(**extra: Any) -> Tokens:
    return Tokens(access_token="t", refresh_token="r", expires_in_s=7200, extra=extra)


@pytest.fixture
def connection(script: Script, db: None, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(grants, "access_token", lambda grant_id, rejected="": script.token(rejected))
    with unscoped("a test lays out its tenant"):
        tenant = Tenant.objects.create(name="Alice")
        grant = Grant.objects.create(provider="wave", environment="production", subject="U1")
        return Connection.objects.create(
            tenant=tenant,
            grant=grant,
            provider="wave",
            environment="production",
            remote_id=make.BUSINESS,
            data={"scopes": "business:read"},
        )


def test_wave_is_registered_as_provider_and_ledger() -> None:
    assert providers.provider("wave") is wave.PROVIDER
    assert registry.all_ledgers()["wave"] is wave.LEDGER


@override_settings(WAVE_CLIENT_ID="id", WAVE_CLIENT_SECRET="hidden")
def test_the_consent_asks_for_a_refresh_token_and_for_reading_and_writing() -> None:
    spec = wave.PROVIDER.oauth({})

    address = authorize_url(spec, state="s", redirect_uri="https://tieout.test/connections/wave/callback")

    assert address.startswith(
        "https://api.waveapps.com/oauth2/authorize/?client_id=id&response_type=code&scope=offline"
    )
    assert "transaction%3Awrite" in address
    assert address.endswith("&approval_prompt=force")
    assert not [each for each in spec.scopes if each.endswith((":create", ":*"))]


@override_settings(WAVE_CLIENT_ID="id", WAVE_CLIENT_SECRET="hidden", WAVE_TOKEN_URL=f"{BASE}/token")
def test_a_refresh_sends_the_redirect_address_and_the_credentials_in_the_body() -> None:
    bodies: list[bytes] = []

    def endpoint(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        bodies.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"access_token": "new", "expires_in": 7200}).encode()]

    http.mount(BASE, endpoint)
    fresh = oauth.refresh(Http("test"), wave.PROVIDER.oauth({}), refresh_token="r", redirect_uri="https://x/cb")
    http.unmount(BASE)

    assert set(bodies[0].decode().split("&")) == {
        "grant_type=refresh_token", "refresh_token=r", "redirect_uri=https%3A%2F%2Fx%2Fcb", "client_id=id",
        "client_secret=hidden",
    }  # fmt: skip
    assert (fresh.refresh_token, fresh.expires_in_s) == ("", 7200)  # none came: the old one is kept


def test_a_token_of_one_business_opens_that_one_under_a_grant_of_its_own(script: Script) -> None:
    script.business(name="Shop")

    (identity,) = wave.PROVIDER.identify(tokens(businessId=make.BUSINESS, userId="U1", scope="a:read b:read"), {})

    assert (identity.remote_id, identity.name, identity.subject) == (make.BUSINESS, "Shop", f"U1 {make.BUSINESS}")
    assert identity.data == {"scopes": "a:read b:read"}
    assert script.asked[0]["variables"] == {"businessId": make.BUSINESS}


@pytest.mark.parametrize("named", [True, False], ids=["user in the answer", "user asked for"])
def test_a_token_of_a_person_opens_every_business_on_every_page(script: Script, named: bool) -> None:
    script.data(businesses=page({"id": "B1", "name": "One"}, of=2))
    script.data(businesses=page({"id": "B2", "name": "Two"}, number=2, of=2))
    script.data(user={"id": "U1"})

    found = wave.PROVIDER.identify(tokens(businessId=None, **({"userId": "U1"} if named else {})), {"businessId": "B1"})

    assert [(each.remote_id, each.name, each.subject) for each in found] == [("B1", "One", "U1"), ("B2", "Two", "U1")]


def test_a_consent_is_asked_again_with_what_it_said_first(script: Script) -> None:
    script.business(name="Shop")
    kept = {"businessId": make.BUSINESS, "userId": "U1", "scope": "a:read"}

    (identity,) = wave.PROVIDER.identify(tokens(), kept)

    assert set(kept) == set(wave.PROVIDER.keeps)
    assert (identity.subject, identity.data) == (f"U1 {make.BUSINESS}", {"scopes": "a:read"})


def test_a_token_that_is_not_taken_is_told_from_a_business_that_cannot_be_read(script: Script) -> None:
    script.will(401, {"errors": [top("UNAUTHENTICATED")]})
    script.data(businesses=page({"id": "B1", "name": "One"}))
    script.data(user=None)
    script.data(business={"id": "another"})

    with pytest.raises(TokenRejected):
        wave.PROVIDER.identify(tokens(businessId=make.BUSINESS), {})
    for given in (tokens(), tokens(businessId=make.BUSINESS)):
        with pytest.raises(ConsentFailed):
            wave.PROVIDER.identify(given, {})


def test_an_opened_connection_renders_once_its_lists_were_read_and_counts_its_reads(
    script: Script, connection: Connection
) -> None:
    clearing = {
        "id": make.account("CLEARING"),
        "name": "Amazon Clearing",
        "subtype": {"value": "CASH_AND_BANK"},
        "currency": {"code": "USD"},
    }
    script.business(name="Shop", currency={"code": "USD"}, address=None)
    script.business(accounts=page(clearing))
    script.business(products=page({"id": "9", "name": "Amazon sales"}))
    script.business(customers=page())
    with scope(connection.tenant_id):
        with pytest.raises(NotRenderable):
            registry.open_ledger(connection).render([make.post(make.entry())])

        registry.refresh_lists(connection)
        calls = registry.open_ledger(connection).render([make.post(make.entry())])

        item = make.post(make.item("Amazon sales"))
        [made] = registry.open_ledger(connection).render([item])
        assert registry.open_ledger(connection).send(made, 5)["k1"].next is Next.ADOPT

        ListEntry.objects.filter(external_id=clearing["id"]).update(active=False)
        with pytest.raises(NotRenderable, match="archived"):
            registry.open_ledger(connection).render([make.post(make.entry())])

        assert len(calls) == 1
        assert sum(row.count for row in ReadCount.objects.all()) == 4
    assert [(each.provider, each.environment, each.count) for each in CallCount.objects.all()] == [
        ("wave", "production", 4)
    ]


@pytest.mark.parametrize(
    ("trouble", "outcome"),
    [(grants.NeedsReconnect("gone"), AuthorizationLost), (grants.RefreshFailed("down", 30.0), NotSent)],
)
def test_trouble_with_the_grant_means_that_nothing_was_sent(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, trouble: Exception, outcome: type[Exception]
) -> None:
    def fail(*args: Any, **kwargs: Any) -> str:
        raise trouble

    monkeypatch.setattr(grants, "access_token", fail)

    with scope(connection.tenant_id), pytest.raises(outcome):
        registry.open_ledger(connection).reference()


def test_checks_go_by_what_the_consent_allowed(script: Script, connection: Connection) -> None:
    script.business(name="Shop", currency={"code": "USD"})
    script.business(accounts=page())
    script.business(accounts=page())

    with scope(connection.tenant_id):
        steps = {step.name: step for step in wave.PROVIDER.checks(connection, "summary")}

    assert (steps["Business reachable"].verdict, steps["Permissions"].verdict) == ("passed", "failed")

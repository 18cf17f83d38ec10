from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from kit import http
from kit.oauth import Tokens, authorize_url
from kit.scope import scope, unscoped
from ledgers import reference, registry
from ledgers.models import ReadCount
from ledgers.port import AuthorizationLost, NotRenderable, NotSent
from ledgers.quickbooks import provider as quickbooks
from ledgers.quickbooks.tests import factories as make
from ledgers.quickbooks.tests.rig import BASE, Rig
from tenants import grants, providers
from tenants.consents import ConsentFailed
from tenants.models import Connection, Grant, Tenant


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    http.mount(BASE, made.stand_in)
    with override_settings(QBO_API_BASE=BASE, QBO_ENVIRONMENT="sandbox"):
        yield made
    http.unmount(BASE)


@pytest.fixture
def connection(rig: Rig, db: None, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(grants, "access_token", lambda grant_id, rejected="": rig.token(rejected))
    with unscoped("a test lays out its tenant"):
        tenant = Tenant.objects.create(name="Alice")
        grant = Grant.objects.create(provider="quickbooks", environment="sandbox", subject=rig.realm)
        return Connection.objects.create(
            tenant=tenant, grant=grant, provider="quickbooks", environment="sandbox", remote_id=rig.realm
        )


def test_quickbooks_is_registered_as_provider_and_ledger() -> None:
    assert providers.provider("quickbooks") is quickbooks.PROVIDER
    assert registry.all_ledgers()["quickbooks"] is quickbooks.LEDGER


@override_settings(QBO_CLIENT_ID="id", QBO_CLIENT_SECRET="hidden")
def test_the_consent_asks_for_accounting_only_and_for_the_hard_end_of_the_grant() -> None:
    spec = quickbooks.PROVIDER.oauth({})

    address = authorize_url(spec, state="s", redirect_uri="https://tieout.test/connections/quickbooks/callback")

    assert address.startswith("https://appcenter.intuit.com/connect/oauth2?client_id=id&response_type=code")
    assert "scope=com.intuit.quickbooks.accounting&" in address
    assert (spec.client_auth, spec.revoke_as) == ("basic", "json")
    assert spec.token_headers == {"x-include-refresh-token-hard-expires-in": "true"}


def test_the_company_is_the_one_of_the_callback_and_is_read_once(rig: Rig) -> None:
    tokens = Tokens(access_token=rig.token(), refresh_token="", expires_in_s=3600)

    (identity,) = quickbooks.PROVIDER.identify(tokens, {"realmId": rig.realm})

    assert identity.remote_id == rig.realm
    assert identity.name


@pytest.mark.parametrize("callback", [{}, {"realmId": ""}, {"realmId": "../etc"}, {"realmId": "1234567890123456"}])
def test_a_callback_without_a_company_of_this_token_is_refused(rig: Rig, callback: dict[str, str]) -> None:
    tokens = Tokens(access_token=rig.token(), refresh_token="", expires_in_s=3600)

    with pytest.raises(ConsentFailed):
        quickbooks.PROVIDER.identify(tokens, callback)


def test_an_opened_connection_renders_once_its_lists_were_read_and_counts_its_reads(connection: Connection) -> None:
    with scope(connection.tenant_id):
        with pytest.raises(NotRenderable):
            registry.open_ledger(connection).render([make.post(make.entry())])

        registry.refresh_lists(connection)
        calls = registry.open_ledger(connection).render([make.post(make.entry())])

        assert len(calls) == 1
        assert [(row.endpoint, row.count) for row in ReadCount.objects.all()] == [("batch", 1)]
        assert reference.cached(connection).accounts


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


def test_checks_run_over_the_connection(connection: Connection) -> None:
    with scope(connection.tenant_id):
        steps = quickbooks.PROVIDER.checks(connection, "summary")

    assert steps[0].verdict == "passed"

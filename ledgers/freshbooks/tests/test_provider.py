from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import override_settings

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import Kind
from kit import http
from kit.oauth import Tokens, authorize_url
from kit.scope import scope, unscoped
from ledgers import registry
from ledgers.freshbooks import provider as freshbooks
from ledgers.freshbooks.plan import plan_from
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.tests.scripted import BASE, Script
from ledgers.freshbooks.tests.test_lists import CHART, JOURNAL, REFUSED, me
from ledgers.port import AuthorizationLost, NotRenderable, NotSent
from ledgers.quickbooks.tests.test_patience import start
from tenants import grants, providers
from tenants.consents import ConsentFailed
from tenants.models import Connection, Grant, Tenant
from tenants.providers import TokenRejected

TOKENS = Tokens(access_token="t", refresh_token="", expires_in_s=43200)


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    http.mount(BASE, made)
    with override_settings(FRESHBOOKS_API_BASE=BASE, FRESHBOOKS_RATE_SCALE=1e6):
        yield made
    http.unmount(BASE)


@pytest.fixture
def connection(script: Script, db: None, monkeypatch: pytest.MonkeyPatch) -> Connection:
    monkeypatch.setattr(grants, "access_token", lambda grant_id, rejected="": script.token(rejected))
    with unscoped("a test lays out its tenant"):
        tenant = Tenant.objects.create(name="Alice")
        grant = Grant.objects.create(tenant=tenant, provider="freshbooks", environment="production", subject="4242424")
        return Connection.objects.create(
            tenant=tenant,
            grant=grant,
            provider="freshbooks",
            environment="production",
            remote_id="ACM123",
            data=make.PLAN.data(),
        )


def test_freshbooks_is_registered_as_provider_and_ledger() -> None:
    assert providers.provider("freshbooks") is freshbooks.PROVIDER
    assert registry.all_ledgers()["freshbooks"] is freshbooks.LEDGER


@override_settings(FRESHBOOKS_CLIENT_ID="id", FRESHBOOKS_CLIENT_SECRET="hidden")
def test_the_consent_asks_for_every_scope_once_and_for_none_that_does_not_exist() -> None:
    spec = freshbooks.PROVIDER.oauth({})

    address = urlsplit(
        authorize_url(spec, state="s", redirect_uri="https://tieout.test/connections/freshbooks/callback")
    )

    asked = parse_qs(address.query)["scope"][0].split(" ")
    assert f"{address.scheme}://{address.netloc}{address.path}" == "https://auth.freshbooks.com/oauth/authorize"
    assert len(asked) == len(set(asked)) == 21
    assert {"user:journal_entries:write", "user:invoices:write", "user:profile:read", "user:reports:read"} <= set(asked)
    assert not {"user:profile:write", "user:reports:write", "user:business:write"} & set(asked)
    assert (spec.client_auth, spec.redirect_in_refresh, freshbooks.PROVIDER.single_consent) == ("body", True, True)


def test_a_consent_opens_every_business_with_books_under_the_person(script: Script) -> None:
    script.will(200, me())

    (identity,) = freshbooks.PROVIDER.identify(TOKENS, {})

    assert (identity.remote_id, identity.name, identity.subject) == ("ACM123", "Example Business LLC", "4242424")
    assert plan_from(identity.data, "ACM123") == make.PLAN


def test_who_connected_is_never_logged(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    script.will(200, me())

    freshbooks.PROVIDER.identify(TOKENS, {})

    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("answers", "raised"),
    [
        ([(401, {"error": "unauthenticated"}, {})], TokenRejected),
        ([(503, b"", {})], ConsentFailed),
        ([(403, {"error": "insufficient_scope"}, {})], ConsentFailed),
    ],
)
def test_a_consent_that_opens_nothing_readable_fails(
    script: Script, answers: list[Any], raised: type[Exception]
) -> None:
    script.answers += answers

    with pytest.raises(raised):
        freshbooks.PROVIDER.identify(TOKENS, {})


def test_a_connection_posts_as_its_plan_allows_and_a_changed_plan_is_kept(
    script: Script, connection: Connection
) -> None:
    script.will(200, me(REFUSED))
    script.will_list("journal_entry_accounts", *JOURNAL)
    script.will_list("clients")
    script.will_list("categories")
    script.will_list("items")

    with scope(connection.tenant_id):
        before = registry.open_ledger(connection).capabilities.kinds
        registry.refresh_lists(connection)
        connection.refresh_from_db()
        ledger = registry.open_ledger(connection)

        assert Kind.ENTRY in before
        assert Kind.ENTRY not in ledger.capabilities.kinds
        with pytest.raises(NotRenderable):
            ledger.render([make.post(make.entry())])


def test_lists_that_were_read_are_what_rendering_goes_by(script: Script, connection: Connection) -> None:
    script.will(200, me())
    script.will_list("journal_entry_accounts", *JOURNAL)
    script.will_list("clients")
    script.will(200, {"data": CHART})
    script.will_list("items", {"id": 9, "name": "Mug", "sku": "MUG", "vis_state": 0})

    with scope(connection.tenant_id):
        registry.refresh_lists(connection)
        company = freshbooks._company(connection)

    assert (company.home_currency, company.items, company.sub_types[AccountClass.INCOME]) == (
        "CAD",
        {"9": "Mug"},
        "Revenue",
    )
    assert company.classes["15"] is None
    assert replace(company.plan, name="") == replace(make.PLAN, name="")


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


def test_patience_of_the_settings_is_what_the_outbox_goes_by(connection: Connection) -> None:
    with override_settings(FRESHBOOKS_DEADLINE_S=70, FRESHBOOKS_QUARANTINE_S=65), scope(connection.tenant_id):
        capabilities = registry.open_ledger(connection).capabilities

    assert (capabilities.deadline_s, capabilities.quarantine_s) == (70, 65)
    assert settings.FRESHBOOKS_DEADLINE_S + settings.FRESHBOOKS_QUARANTINE_S >= 120


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"FRESHBOOKS_QUARANTINE_S": "10"}, "FRESHBOOKS_DEADLINE_S and FRESHBOOKS_QUARANTINE_S"),
        ({"FRESHBOOKS_RATE_SCALE": "0"}, "FRESHBOOKS_RATE_SCALE must be above 0"),
    ],
)
def test_settings_that_could_double_a_document_or_ask_for_ever_stop_the_start(
    values: dict[str, str], said: str, tmp_path: Any
) -> None:
    done = start(tmp_path, **values)

    assert done.returncode
    assert said in done.stderr

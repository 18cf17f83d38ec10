import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from kit import http
from kit.oauth import Tokens, authorize_url
from ledgers import registry
from ledgers.zoho import centres
from ledgers.zoho import provider as zoho
from ledgers.zoho.tests.scripted import Script
from tenants import providers
from tenants.consents import ConsentFailed
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


def test_a_token_that_is_not_taken_is_said_so_that_a_fresh_one_is_tried(europe: Script) -> None:
    europe.refuse(57, status=401)

    with pytest.raises(TokenRejected):
        zoho.PROVIDER.identify(tokens(), {"location": "eu"})

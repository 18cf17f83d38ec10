"""What the tests of pages share: signed-in browsers and a provider that only exists here."""

import json

import pytest
from django.test import Client

from kit import http
from kit.oauth import OAuthSpec
from tenants import providers
from tenants.providers import Identity, ManualField, Provider, ProviderKind, Step

ORIGIN = "http://pretend.test"


@pytest.fixture
def signed_in():
    """Return a function that gives a browser in which a person is signed in."""

    def sign_in(user):
        client = Client()
        client.force_login(user)
        return client

    return sign_in


class PretendProvider:
    """A provider whose token endpoint answers ``tokens`` (a status and a body) and whose test gives ``steps``."""

    slug = "pretend"

    def __init__(self):
        self.tokens = (200, {"access_token": "a", "refresh_token": "r", "expires_in": 3600})
        self.steps = [Step("Sign in", "passed", "All is well.")]
        self.calls = 0
        self.companies = [Identity("company-1", "Acme Books Ltd")]

    def wsgi(self, environ, start_response):
        self.calls += 1
        status, body = self.tokens
        start_response(f"{status} OK", [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    def spec(self):
        return Provider(
            slug=self.slug,
            name="Pretend Books",
            kind=ProviderKind.LEDGER,
            role="Books that only exist in tests.",
            oauth=lambda extra: OAuthSpec("id", "secret", f"{ORIGIN}/authorize", f"{ORIGIN}/token"),
            environment=lambda extra: "sandbox",
            identify=lambda tokens, params: self.companies,
            checks=lambda connection, mode: self.steps,
            choices=(ManualField("region", "Region", choices=(("NA", "North America"), ("EU", "Europe"))),),
            manual=(
                ManualField("client_id", "Client id"),
                ManualField("client_secret", "Client secret", secret=True),
                ManualField("refresh_token", "Refresh token", secret=True),
            ),
        )


@pytest.fixture
def pretend(monkeypatch):
    made = PretendProvider()
    monkeypatch.setitem(providers._providers, made.slug, made.spec())
    http.mount(ORIGIN, made.wsgi)
    yield made
    http.unmount(ORIGIN)

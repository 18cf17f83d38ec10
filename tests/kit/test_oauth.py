"""Consent addresses and token calls, against a token endpoint in this process."""

import base64
import json
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from kit import http, oauth
from kit.http import Http
from kit.oauth import ClientRefused, InvalidGrant, OAuthSpec, Throttled, TokenEndpointDown

TOKEN_URL = "https://tokens.test/token"
REDIRECT = "https://tieout.test/connections/books/callback"


def spec(**changes):
    values = {
        "client_id": "our-id",
        "client_secret": "our-secret",
        "authorize_url": "https://consent.test/authorize",
        "token_url": TOKEN_URL,
        "revoke_url": "https://tokens.test/revoke",
    }
    return OAuthSpec(**(values | changes))


class Endpoint:
    def __init__(self):
        self.status, self.body, self.seen = "200 OK", {"access_token": "a", "expires_in": 3600}, []

    def __call__(self, environ, start_response):
        self.seen.append((environ, environ["wsgi.input"].read().decode()))
        if isinstance(self.body, Exception):
            raise self.body
        start_response(self.status, [("Content-Type", "application/json")])
        return [self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()]

    @property
    def form(self):
        return dict(parse_qsl(self.seen[-1][1]))


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    http.mount("https://tokens.test", endpoint)
    yield endpoint
    http.unmount("https://tokens.test")


def refresh(**changes):
    return oauth.refresh(Http("t"), spec(**changes), refresh_token="r1", redirect_uri=REDIRECT)


def test_consent_address_has_the_standard_parameters():
    url = oauth.authorize_url(spec(scopes=("read", "write")), state="s", redirect_uri=REDIRECT)

    assert parse_qs(urlsplit(url).query) == {
        "client_id": ["our-id"],
        "response_type": ["code"],
        "scope": ["read write"],
        "redirect_uri": [REDIRECT],
        "state": ["s"],
    }


def test_consent_address_takes_quirks_as_data():
    quirky = spec(
        authorize_url="https://consent.test/authorize?region=eu",
        authorize_extra={"application_id": "app", "version": "beta"},
        authorize_omit=frozenset({"client_id", "response_type", "scope"}),
    )

    url = oauth.authorize_url(quirky, state="s", redirect_uri=REDIRECT)

    assert parse_qs(urlsplit(url).query) == {
        "region": ["eu"],
        "application_id": ["app"],
        "version": ["beta"],
        "redirect_uri": [REDIRECT],
        "state": ["s"],
    }


def test_code_is_exchanged_with_basic_authentication(endpoint):
    endpoint.body = {
        "access_token": "a",
        "refresh_token": "r",
        "expires_in": 3600,
        "x_refresh_token_expires_in": 8640000,
        "realm": "9",
    }

    tokens = oauth.exchange(Http("t"), spec(), code="c", redirect_uri=REDIRECT)

    assert endpoint.form == {"grant_type": "authorization_code", "code": "c", "redirect_uri": REDIRECT}
    assert endpoint.seen[0][0]["HTTP_AUTHORIZATION"] == f"Basic {base64.b64encode(b'our-id:our-secret').decode()}"
    assert (tokens.access_token, tokens.refresh_token, tokens.expires_in_s) == ("a", "r", 3600)
    assert (tokens.refresh_expires_in_s, tokens.hard_expires_in_s, tokens.extra["realm"]) == (8640000, None, "9")


def test_credentials_go_into_the_body_where_the_provider_wants_them(endpoint):
    refresh(client_auth="body", redirect_in_refresh=True)

    assert endpoint.form == {
        "grant_type": "refresh_token",
        "refresh_token": "r1",
        "redirect_uri": REDIRECT,
        "client_id": "our-id",
        "client_secret": "our-secret",
    }
    assert "HTTP_AUTHORIZATION" not in endpoint.seen[0][0]


def test_secrets_do_not_show_in_texts():
    tokens = oauth.Tokens("hush", "hush", 3600, extra={"id_token": "hush"})

    assert "hush" not in repr(tokens)
    assert "our-secret" not in repr(spec())


def test_missing_refresh_token_is_empty(endpoint):
    assert refresh().refresh_token == ""


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "200 OK"])
def test_dead_grant_is_told_by_the_body(endpoint, status):
    endpoint.status, endpoint.body = status, {"error": "invalid_grant"}

    with pytest.raises(InvalidGrant):
        refresh()


def test_provider_may_have_its_own_word_for_a_dead_grant(endpoint):
    endpoint.body = {"error": "invalid_code"}

    with pytest.raises(InvalidGrant):
        refresh(dead_grant=frozenset({"invalid_code", "invalid_grant"}))


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client", "invalid_request", "something_new"])
def test_refused_application_is_no_dead_grant(endpoint, error):
    endpoint.status, endpoint.body = "400 Bad Request", {"error": error}

    with pytest.raises(ClientRefused, match=error):
        refresh()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param("503 Service Unavailable", {"error": "temporarily_unavailable"}, id="503"),
        pytest.param("500 Error", {}, id="500"),
        pytest.param("429 Too Many Requests", {"error": "invalid_request"}, id="429"),
        pytest.param("502 Bad Gateway", b"<html>", id="html"),
        pytest.param("200 OK", b"", id="empty"),
        pytest.param("200 OK", {}, id="no token"),
        pytest.param("200 OK", [], id="list"),
        pytest.param("200 OK", RuntimeError("dropped"), id="dropped"),
    ],
)
def test_unusable_answer_may_have_been_carried_out(endpoint, status, body):
    endpoint.status, endpoint.body = status, body

    with pytest.raises(TokenEndpointDown) as down:
        refresh()
    assert down.value.answer_lost


def test_too_many_tokens_say_nothing_about_the_grant(endpoint):
    endpoint.body = {"error": "Access Denied", "status": "failure"}
    rationed = spec(throttled=frozenset({"Access Denied"}), throttle_s=600)

    with pytest.raises(Throttled) as caught:
        oauth.refresh(Http("test"), rationed, refresh_token="r")

    assert (caught.value.after_s, caught.value.answer_lost) == (600, False)


def test_refused_connection_was_not_carried_out(endpoint):
    endpoint.body = ConnectionRefusedError()

    with pytest.raises(TokenEndpointDown) as down:
        refresh()
    assert not down.value.answer_lost


@pytest.mark.parametrize("as_", ["form", "json"])
def test_token_is_revoked(endpoint, as_):
    oauth.revoke(Http("t"), spec(revoke_as=as_), token="r1")

    environ, body = endpoint.seen[0]
    assert environ["PATH_INFO"] == "/revoke"
    assert (json.loads(body) if as_ == "json" else endpoint.form) == {"token": "r1"}


def test_token_the_provider_no_longer_knows_counts_as_revoked(endpoint):
    endpoint.status = "400 Bad Request"

    oauth.revoke(Http("t"), spec(), token="r1")


def test_provider_without_revocation_is_left_alone(endpoint):
    oauth.revoke(Http("t"), spec(revoke_url=""), token="r1")

    assert endpoint.seen == []

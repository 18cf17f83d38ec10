"""OAuth 2.0 for confidential clients: the consent address and three calls, with each provider's quirks as data."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from kit.http import Answer, AnswerLost, ConnectFailed, Http

# A refresh whose answer is lost may cost the whole grant, so the endpoint gets long to answer.
DEADLINE_S = 60.0
MAX_BYTES = 256 * 1024
DEFAULT_LIFE_S = 3600  # RFC 6749 lets a server leave expires_in out; an hour is what most of them mean


@dataclass(frozen=True, slots=True)
class OAuthSpec:
    """One provider's endpoints and our credentials there.

    ``other_secrets`` are further secrets of the same application, tried in their order where the token endpoint refuses the
    one before: while a secret is being replaced both work for some days, and nobody knows which of them still does.
    ``refused`` is told of those that were refused once another one was taken.
    """

    client_id: str
    client_secret: str = field(repr=False)
    authorize_url: str
    token_url: str
    revoke_url: str = ""
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    client_auth: Literal["basic", "body"] = "basic"
    # Sent to the consent page besides the standard parameters, and standard ones it does not know.
    authorize_extra: Mapping[str, str] = field(default_factory=dict)
    authorize_omit: frozenset[str] = frozenset()
    token_headers: Mapping[str, str] = field(default_factory=dict)
    redirect_in_refresh: bool = False
    revoke_as: Literal["form", "json"] = "form"
    # Error codes of the token endpoint that mean: only a new consent helps.
    dead_grant: frozenset[str] = frozenset({"invalid_grant"})
    # Error codes that mean: later, nothing is wrong with the grant.
    try_later: frozenset[str] = frozenset({"server_error", "temporarily_unavailable"})
    # Error codes that mean: too many tokens were asked for; nothing is asked for ``throttle_s`` then.
    throttled: frozenset[str] = frozenset()
    throttle_s: float = 0
    other_secrets: tuple[str, ...] = field(default=(), repr=False)
    refused: Callable[[tuple[str, ...]], None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave; lifetimes in seconds from now, None where it did not say.

    ``refresh_token`` is "" when none came back: the old one stays good. ``extra`` has the other keys of the answer.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int
    refresh_expires_in_s: int | None = None
    hard_expires_in_s: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


class OAuthError(Exception):
    """The token endpoint gave no tokens."""


class InvalidGrant(OAuthError):
    """The code or refresh token is used, revoked or expired: only a new consent helps."""


class ClientRefused(OAuthError):
    """The application itself was refused: its id, secret or set-up at the provider is wrong.

    ``unknown``: the token endpoint does not know this pair of id and secret, and looked at nothing else.
    """

    def __init__(self, text: str, *, unknown: bool = False) -> None:
        super().__init__(text)
        self.unknown = unknown


class TokenEndpointDown(OAuthError):
    """No usable answer. ``answer_lost`` when the request may have been carried out, and a rotated token with it."""

    def __init__(self, text: str, *, answer_lost: bool) -> None:
        super().__init__(text)
        self.answer_lost = answer_lost


class Throttled(TokenEndpointDown):
    """Too many tokens were asked for. Nothing is wrong with the grant; asking again before ``after_s`` prolongs it."""

    def __init__(self, text: str, after_s: float) -> None:
        super().__init__(text, answer_lost=False)
        self.after_s = after_s


def authorize_url(spec: OAuthSpec, *, state: str, redirect_uri: str) -> str:
    """Return the address of the consent page. An authorize_url that already has a query keeps it."""
    standard = {
        "client_id": spec.client_id,
        "response_type": "code",
        "scope": spec.scope_separator.join(spec.scopes),
        "redirect_uri": redirect_uri,
        "state": state,
    }
    params = {name: value for name, value in standard.items() if value and name not in spec.authorize_omit}
    joint = "&" if urlsplit(spec.authorize_url).query else "?"
    return f"{spec.authorize_url}{joint}{urlencode(params | dict(spec.authorize_extra))}"


def exchange(http: Http, spec: OAuthSpec, *, code: str, redirect_uri: str) -> Tokens:
    """Trade the code of a callback for tokens. Exactly once: a second try may revoke what the first gave.

    Raises:
        InvalidGrant, ClientRefused, TokenEndpointDown
    """
    return _tokens(http, spec, {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri})


def refresh(http: Http, spec: OAuthSpec, *, refresh_token: str, redirect_uri: str = "") -> Tokens:
    """Trade a refresh token for tokens. The caller holds the grant's lease: many providers' tokens are single use.

    Raises:
        InvalidGrant, ClientRefused, TokenEndpointDown
    """
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    if spec.redirect_in_refresh:
        form["redirect_uri"] = redirect_uri
    return _tokens(http, spec, form)


def client_credentials(http: Http, spec: OAuthSpec, *, scope: str) -> Tokens:
    """Get a token for the application itself, nobody's account: RFC 6749, 4.4. No refresh token comes with it.

    Raises:
        InvalidGrant, ClientRefused (also for a scope the application does not have), TokenEndpointDown
    """
    return _tokens(http, spec, {"grant_type": "client_credentials", "scope": scope})


def revoke(http: Http, spec: OAuthSpec, *, token: str) -> None:
    """End a token at the provider; does nothing where it has no such endpoint.

    A token the provider no longer knows is fine (RFC 7009, 2.2).

    Raises:
        ClientRefused, TokenEndpointDown
    """
    if not spec.revoke_url:
        return
    if spec.revoke_as == "json":
        answer = _post(http, spec, spec.revoke_url, json.dumps({"token": token}).encode(), "application/json")
    else:
        answer = _post_form(http, spec, spec.revoke_url, {"token": token})
    if answer.status in (401, 403):
        raise ClientRefused(f"the application was refused while revoking ({answer.status})")
    if answer.status >= 500 or answer.status == 429:
        raise TokenEndpointDown(f"revoking was answered {answer.status}", answer_lost=False)


def _tokens(http: Http, spec: OAuthSpec, form: dict[str, str]) -> Tokens:
    """Ask with each secret in turn: one that is not known is refused before anything else of the request is looked at."""
    refused: list[str] = []
    for secret in (spec.client_secret, *spec.other_secrets):
        try:
            tokens = _tokens_with(http, replace(spec, client_secret=secret), form)
        except ClientRefused as error:
            if not error.unknown:
                raise
            refused.append(secret)
            last = error
            continue
        except InvalidGrant:
            _tell_refused(spec, refused)  # a secret that is refused itself never gets this far
            raise
        _tell_refused(spec, refused)
        return tokens
    raise last


def _tell_refused(spec: OAuthSpec, refused: list[str]) -> None:
    if refused and spec.refused is not None:
        spec.refused(tuple(refused))


def _tokens_with(http: Http, spec: OAuthSpec, form: dict[str, str]) -> Tokens:
    answer = _post_form(http, spec, spec.token_url, form)
    # A status alone proves nothing: some endpoints answer 200 with an error in the body.
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise TokenEndpointDown(f"the token endpoint answered {answer.status} without JSON", answer_lost=True)
    error = str(said.get("error") or "")
    if error in spec.dead_grant:
        raise InvalidGrant(f"the token endpoint says {error}")
    if error in spec.throttled:
        raise Throttled(f"the token endpoint says {error}", spec.throttle_s)
    if answer.status >= 500 or answer.status == 429 or error in spec.try_later:
        raise TokenEndpointDown(f"the token endpoint answered {answer.status} {error}".rstrip(), answer_lost=True)
    if error or answer.status >= 400:
        said_of = f"the token endpoint refused the application: {answer.status} {error}".rstrip()
        raise ClientRefused(said_of, unknown=error == "invalid_client")
    if not said.get("access_token"):
        raise TokenEndpointDown("the token endpoint answered without a token", answer_lost=True)
    return Tokens(
        access_token=str(said["access_token"]),
        refresh_token=str(said.get("refresh_token") or ""),
        expires_in_s=_seconds(said.get("expires_in")) or DEFAULT_LIFE_S,
        # Intuit's names, and the only ones in use for these two.
        refresh_expires_in_s=_seconds(said.get("x_refresh_token_expires_in")),
        hard_expires_in_s=_seconds(said.get("x_refresh_token_hard_expires_in")),
        extra={name: value for name, value in said.items() if name not in ("access_token", "refresh_token")},
    )


def _post_form(http: Http, spec: OAuthSpec, url: str, form: dict[str, str]) -> Answer:
    if spec.client_auth == "body":
        form = form | {"client_id": spec.client_id, "client_secret": spec.client_secret}
    return _post(http, spec, url, urlencode(form).encode(), "application/x-www-form-urlencoded;charset=UTF-8")


def _post(http: Http, spec: OAuthSpec, url: str, body: bytes, content_type: str) -> Answer:
    headers = {"Accept": "application/json", "Content-Type": content_type, **spec.token_headers}
    if spec.client_auth == "basic":
        pair = f"{spec.client_id}:{spec.client_secret}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    try:
        return http.request("POST", url, headers=headers, body=body, deadline_s=DEADLINE_S, max_bytes=MAX_BYTES)
    except ConnectFailed as error:
        raise TokenEndpointDown(str(error), answer_lost=False) from None
    except AnswerLost as error:
        raise TokenEndpointDown(str(error), answer_lost=True) from None


def _seconds(value: Any) -> int | None:
    try:
        return int(value) if value is not None else None
    except (TypeError, ValueError):
        return None

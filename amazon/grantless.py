"""Calls that belong to the application and to no seller: notification destinations, the rotation of its secret.

Their tokens are LWA's client credentials, one per application and scope, kept in the memory of the process: they open no seller's
data, and a new one costs a single call. Source: SP-API, grantless operations.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from django.conf import settings

from amazon.client import Client, Forbidden, ServerTrouble
from amazon.connect import HTTP, api_base, application
from amazon.rates import Pacer, Priority
from amazon.secrets import own
from kit import oauth
from kit.clock import now
from kit.oauth import OAuthError, OAuthSpec, TokenEndpointDown
from tenants import grants, secrets
from tenants.models import Connection

NOTIFICATIONS: Final = "sellingpartnerapi::notifications"
AHEAD: Final = timedelta(minutes=5)
DOWN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str = field(repr=False)
    got_at: datetime
    until: datetime

    def good(self, at: datetime) -> bool:
        """A clock that was set back must not make it last longer than it does."""
        return self.got_at <= at < self.until


# By the secret, too: whoever only knows an application's id gets nobody else's token.
_kept: dict[tuple[str, str, str, str], _Kept] = {}
_lock = Lock()


def client(connection: Connection, scope: str, *, sandbox: bool = False) -> Client:
    """Return a client for the application that serves a connection, in the connection's region or in Amazon's sandbox there."""
    return _client(grants.spec_of(connection.grant), connection.data["region"], scope, sandbox=sandbox)


def own_client(region: str, scope: str) -> Client:
    """Return a client for the installation's own application.

    Raises Forbidden: the installation has none.
    """
    if not settings.AMAZON_CLIENT_ID:
        raise Forbidden("this installation has no Amazon application of its own")
    return _client(secrets.with_all(application(), own()), region, scope)


def token(spec: OAuthSpec, scope: str, rejected: str = "") -> str:
    """Return an application's token for a scope; ``rejected`` is one that Amazon no longer takes.

    Raises:
        ServerTrouble: no usable answer.
        Forbidden: the application, or the scope, was refused.
    """
    key = (spec.token_url, spec.client_id, spec.client_secret, scope)
    kept = _kept.get(key)
    if kept is not None and kept.good(now()) and kept.token != rejected:
        return kept.token
    with _lock:
        kept = _kept.get(key)
        if kept is not None and kept.good(now()) and kept.token != rejected:
            return kept.token
        try:
            fresh = oauth.client_credentials(HTTP, spec, scope=scope)
        except TokenEndpointDown as error:
            raise ServerTrouble(str(error), DOWN_S) from error
        except OAuthError as error:
            raise Forbidden(f"{scope}: {error}") from error
        at = now()
        life = timedelta(seconds=fresh.expires_in_s)
        _kept[key] = _Kept(fresh.access_token, at, at + life - min(AHEAD, life / 4))
        return fresh.access_token


def forget() -> None:
    """Drop every token of this process."""
    _kept.clear()


def _client(spec: OAuthSpec, region: str, scope: str, *, sandbox: bool = False) -> Client:
    def give(rejected: str = "") -> str:
        return token(spec, scope, rejected)

    turns = Pacer(spec.client_id, f"{region}:grantless", Priority.PERSON)
    return Client(HTTP, api_base(region, sandbox=sandbox), give, turns.take, too_fast=turns.too_fast)

"""From a connection to a client that may call Amazon for it."""

import platform
from typing import Final

from django.conf import settings

from amazon.client import ENDPOINTS, PATIENCE_S, Client, ServerTrouble
from amazon.rates import Priority, pacer
from kit.http import Http
from kit.oauth import OAuthSpec
from tenants.grants import RefreshFailed, token_for
from tenants.models import Connection

SLUG: Final = "amazon"
# Mandatory at Amazon, in this form, at most 500 characters.
USER_AGENT: Final = f"Tieout/1.0 (Language=Python/{platform.python_version()}; Platform={platform.system()})"
HTTP: Final = Http(USER_AGENT)


def application() -> OAuthSpec:
    """Return the token endpoint with what the settings say of this installation's own application."""
    return OAuthSpec(
        client_id=settings.AMAZON_CLIENT_ID,
        client_secret=settings.AMAZON_CLIENT_SECRET,
        authorize_url="",
        token_url=settings.AMAZON_TOKEN_URL,
        client_auth="body",
        authorize_omit=frozenset({"client_id", "response_type", "scope"}),
    )


def label(connection: Connection) -> str:
    """Return what tells a seller account from the others in a list: one seller's accounts in several regions share a name."""
    return f"{connection} ({connection.data.get('region') or connection.environment}, {connection.remote_id})"


def api_base(region: str, *, sandbox: bool = False) -> str:
    """Return the endpoint of a region (NA, EU, FE), or the one base that plays them all; or Amazon's own sandbox beside either."""
    if settings.AMAZON_API_BASE:
        return settings.AMAZON_API_BASE + ("/sandbox" if sandbox else "")
    return ENDPOINTS[region].replace("https://", "https://sandbox.") if sandbox else ENDPOINTS[region]


def client_for(
    connection: Connection, priority: Priority = Priority.SCHEDULE, patience_s: float = PATIENCE_S
) -> Client:
    """Return a client in the connection's region, paced with everybody else who calls for this seller. It sleeps at most
    ``patience_s`` for its turn."""

    def token(rejected: str = "") -> str:
        try:
            return token_for(connection, rejected=rejected)
        except RefreshFailed as error:
            raise ServerTrouble(str(error), error.after_s) from error

    turns = pacer(connection, priority)
    base = api_base(connection.data["region"])
    return Client(HTTP, base, token, turns.take, patience_s=patience_s, too_fast=turns.too_fast)

"""The access token of a connection, as every ledger's client asks for it."""

from typing import Protocol

from ledgers.port import AuthorizationLost, NotSent
from tenants import grants
from tenants.models import Connection


class TokenOf(Protocol):
    """Returns an access token. ``rejected`` is one that the ledger did not take: it is not returned again."""

    def __call__(self, rejected: str = "") -> str: ...


def token_of(connection: Connection) -> TokenOf:
    """Return what gives the connection's token, refreshed where it has to be, and raises AuthorizationLost or NotSent."""

    def token(rejected: str = "") -> str:
        try:
            return grants.token_for(connection, rejected=rejected)
        except grants.NeedsReconnect as error:
            raise AuthorizationLost(str(error)) from error
        except grants.RefreshFailed as error:
            raise NotSent(str(error), error.after_s) from error

    return token

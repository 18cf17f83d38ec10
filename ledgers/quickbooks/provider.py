"""QuickBooks Online as a provider: its OAuth as data, who a consent is for, and how a connection is opened.

Sources: developer.intuit.com, "OAuth 2.0"; blogs.intuit.com 2025-11-12 for the hard end of a grant after five years.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

from django.conf import settings

from bookkeeping.accounts import AccountClass
from kit.http import Http
from kit.oauth import OAuthSpec, Tokens
from ledgers import reference
from ledgers.models import Company as CachedCompany
from ledgers.models import ListEntry
from ledgers.port import AuthorizationLost, Check, Ledger, NotSent
from ledgers.quickbooks import accounts
from ledgers.quickbooks.bodies import Company
from ledgers.quickbooks.client import CAPABILITIES, QuickBooks
from ledgers.registry import LedgerSpec
from ledgers.tokens import token_of
from tenants.consents import ConsentFailed
from tenants.models import Connection
from tenants.providers import Identity, Provider, ProviderKind

SLUG: Final = "quickbooks"
NAME: Final = "QuickBooks Online"
LOGO: Final = "ledgers/quickbooks.svg"
_REALM: Final = re.compile(r"[1-9][0-9]{0,29}")
_HTTP: Final = Http("Tieout/1.0 (Language=Python)")
_BASES: Final = {
    "production": "https://quickbooks.api.intuit.com",
    "sandbox": "https://sandbox-quickbooks.api.intuit.com",
}
_WEBS: Final = {"production": "https://app.qbo.intuit.com/app", "sandbox": "https://app.sandbox.qbo.intuit.com/app"}


def _oauth(choice: Mapping[str, Any]) -> OAuthSpec:
    return OAuthSpec(
        client_id=settings.QBO_CLIENT_ID,
        client_secret=settings.QBO_CLIENT_SECRET,
        authorize_url=settings.QBO_AUTHORIZE_URL,
        token_url=settings.QBO_TOKEN_URL,
        revoke_url=settings.QBO_REVOKE_URL,
        scopes=("com.intuit.quickbooks.accounting",),  # the only accounting scope; there is no read-only one
        client_auth="basic",
        # Without this header the answer does not say when the grant ends for good.
        token_headers={"x-include-refresh-token-hard-expires-in": "true"},
        revoke_as="json",
    )


def _environment(choice: Mapping[str, Any]) -> str:
    return str(settings.QBO_ENVIRONMENT)


def _identify(tokens: Tokens, callback: Mapping[str, str]) -> Sequence[Identity]:
    """The company's id comes on the callback alone; one read proves that environment and rights fit.

    Raises:
        ConsentFailed: no company came back, or it cannot be read with these tokens.
    """
    realm = callback.get("realmId", "")
    # Spelled otherwise ("0123"), one company would pass for two: posted to twice, and nobody warned.
    if not _REALM.fullmatch(realm):
        raise ConsentFailed("QuickBooks did not say which company was chosen.", "Connect again and choose a company.")

    def token(rejected: str = "") -> str:
        if rejected:
            raise AuthorizationLost("QuickBooks does not take the consent it has just given.")
        return tokens.access_token

    ledger = QuickBooks(_HTTP, _base(), realm, token, lambda endpoint: None)
    try:
        name = ledger.company_name()
    except (AuthorizationLost, NotSent) as error:
        raise ConsentFailed(
            f"The company could not be read: {error}",
            "Check that the application's keys belong to this environment and that you are an administrator of the "
            "company, then connect again.",
        ) from error
    return [Identity(remote_id=realm, name=name)]


def _checks(connection: Connection, mode: str) -> Sequence[Check]:
    return open_ledger(connection).checks(mode)


def open_ledger(connection: Connection) -> Ledger:
    """Return the client of a connection, with what rendering has to know from the cached lists. Calls nobody."""
    return QuickBooks(
        _HTTP,
        _base(),
        connection.remote_id,
        token_of(connection),
        lambda endpoint: reference.count_read(connection, endpoint),
        company=_company(connection),
        web="" if settings.QBO_API_BASE else _WEBS[settings.QBO_ENVIRONMENT],
        rate_scale=settings.QBO_RATE_SCALE,
        deadline_s=settings.QBO_DEADLINE_S,
        quarantine_s=settings.QBO_QUARANTINE_S,
    )


def _base() -> str:
    return settings.QBO_API_BASE or _BASES[settings.QBO_ENVIRONMENT]


def _company(connection: Connection) -> Company | None:
    known = CachedCompany.objects.filter(connection=connection).first()
    if known is None:
        return None
    rows = ListEntry.objects.filter(connection=connection, list=ListEntry.List.ACCOUNT)
    classes = rows.values_list("external_id", "account_class")
    return Company(
        home_currency=known.home_currency,
        multicurrency=known.multicurrency,
        country=known.country,
        classes={account: AccountClass(of) if of else None for account, of in classes},
        name=known.name,
    )


def _sandbox() -> AbstractContextManager[Any]:
    from ledgers.quickbooks.tests.rig import rig

    return rig()


PROVIDER: Final = Provider(
    slug=SLUG,
    name=NAME,
    kind=ProviderKind.LEDGER,
    role="The books: invoices, payments, journal entries and bank deposits are written here.",
    oauth=_oauth,
    environment=_environment,
    identify=_identify,
    checks=_checks,
    logo=LOGO,
)
LEDGER: Final = LedgerSpec(
    slug=SLUG,
    name=NAME,
    provider=PROVIDER,
    open=open_ledger,
    layouts=lambda connection: CAPABILITIES.layouts,
    account_types=accounts.TYPES,
    sandbox=_sandbox,
    logo=LOGO,
)

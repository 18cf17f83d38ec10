"""Zoho Books as a provider: its OAuth as data, what a consent opens, and how a connection is opened.

A consent begins at the data centre the person chose. Where it went on is what the callback says, ``location`` and
``accounts-server``, and where the API is what the token answer says, ``api_domain``: all three come from outside, so only
what is on the list of ``centres`` is believed. A token is a person's and opens every organization they see.

Sources: Zoho Books API, "OAuth"; Zoho Accounts, "Multi-DC support" and "Token validity".
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, timedelta, tzinfo
from importlib import import_module
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings

from bookkeeping.accounts import AccountClass
from kit import clock
from kit.http import Http
from kit.oauth import OAuthSpec, Tokens
from ledgers import reference
from ledgers.models import Company as CachedCompany
from ledgers.models import ListEntry
from ledgers.port import AuthorizationLost, Check, Ledger, NotSent
from ledgers.registry import LedgerSpec
from ledgers.tokens import token_of
from ledgers.zoho import accounts, centres, lists, wire
from ledgers.zoho.bodies import Company
from ledgers.zoho.centres import CENTRES, Centre
from ledgers.zoho.client import CAPABILITIES, ZohoBooks
from ledgers.zoho.remote import Declined, Quota, Remote, Row
from tenants.consents import ConsentFailed
from tenants.models import Connection
from tenants.providers import Identity, ManualField, Provider, ProviderKind, TokenRejected

SLUG: Final = "zoho"
NAME: Final = "Zoho Books"
LOGO: Final = "ledgers/zoho.svg"
CHOICE: Final = "centre"
KEEPS: Final = ("location", "accounts-server", "api_domain")
_HTTP: Final = Http("Tieout/1.0 (Language=Python)")
_AGAIN: Final = "Connect again and choose the data centre in whose address you sign in, such as zoho.eu."
# Items, currencies and the organization are settings; journals, accounts, locks and ledger lines are the accountant's.
SCOPES: Final = tuple(
    f"ZohoBooks.{group}.{right}"
    for group, rights in (
        ("settings", ("CREATE", "READ")),
        ("contacts", ("CREATE", "READ")),
        ("invoices", ("CREATE", "READ", "DELETE")),
        ("customerpayments", ("CREATE", "READ", "DELETE")),
        ("accountants", ("CREATE", "READ", "DELETE")),
        ("banking", ("CREATE", "READ", "DELETE")),
    )
    for right in rights
)


def _oauth(choice: Mapping[str, Any]) -> OAuthSpec:
    """Raises ConsentFailed where the callback named a server that is not on the list."""
    centre = _centre(choice)
    root = f"{_accounts(centre)}/oauth/v2"
    client_id, client_secret = settings.ZOHO_CLIENTS[centre.location]
    return OAuthSpec(
        client_id=client_id,
        client_secret=client_secret,
        authorize_url=f"{root}/auth",
        token_url=f"{root}/token",
        revoke_url=f"{root}/token/revoke",
        scopes=SCOPES,
        scope_separator=",",
        client_auth="body",
        # Without the first there is no refresh token, without the second none at a person's next consent.
        authorize_extra={"access_type": "offline", "prompt": "consent"},
        dead_grant=frozenset({"invalid_code", "invalid_grant"}),
        # More than ten access tokens in ten minutes with one refresh token; it says nothing about the consent.
        throttled=frozenset({"Access Denied"}),
        throttle_s=600,
    )


def _environment(choice: Mapping[str, Any]) -> str:
    # Not the centre: it is known only after the consent began. The company's id names it.
    return "production"


def _identify(tokens: Tokens, params: Mapping[str, str]) -> Sequence[Identity]:
    """Return every active organization this person sees.

    Raises:
        TokenRejected: Zoho does not take the token. ConsentFailed: it cannot say now what the token opens.
    """
    centre = _centre(params)
    domain = str(tokens.extra.get("api_domain") or params.get("api_domain") or "")
    at = _api_centre(domain, centre)

    def token(rejected: str = "") -> str:
        if rejected:
            raise TokenRejected(
                "Zoho Books did not let us see which organizations there are.",
                "Connect again, signed in as an administrator, and leave every right ticked on Zoho's page.",
            )
        return tokens.access_token

    try:
        seen = [row for row in Remote(_HTTP, _api(at), "", token).organizations() if lists.is_active(row)]
        if not seen:
            return []
        first = min(seen, key=lambda row: (row.get("is_default_org") is not True, _organization(row)))
        subject = _person(Remote(_HTTP, _api(at), _organization(first), token), centre, _organization(first))
    except AuthorizationLost as error:
        raise ConsentFailed(
            f"Zoho Books was not connected: {error}",
            "Sign in to Zoho Books as an administrator of the organization, then connect again.",
        ) from error
    except (NotSent, Declined) as error:
        raise ConsentFailed(
            f"Zoho Books could not be asked which organizations there are: {error}", "Connect again in a few minutes."
        ) from error
    return [
        Identity(
            remote_id=f"{at.location}-{_organization(row)}",
            name=wire.text(row.get("name")),
            subject=subject,
            data={
                "centre": at.location,
                "organization_id": _organization(row),
                "time_zone": wire.text(row.get("time_zone")),
                "plan": wire.text(row.get("plan_name")),
            },
        )
        for row in seen
    ]


def _person(remote: Remote, centre: Centre, organization: str) -> str:
    """Return who agreed, as a name that says nothing about them: from the address they sign in with, which is the same in
    all organizations. Where Zoho does not tell us, from the organization they see first. Raises NotSent: by another name the same
    consent would be a second one."""
    try:
        user = remote.get("/users/me").get("user")
    except (AuthorizationLost, Declined):
        user = None
    mails = wire.rows(user.get("email_ids")) if isinstance(user, Mapping) else []
    mail = next((each for each in mails if each.get("is_selected") is True), mails[0] if mails else {})
    who = wire.text(mail.get("email")).strip().casefold() or organization
    return f"{centre.location}:{hashlib.sha256(who.encode()).hexdigest()[:32]}"


def _organization(row: Row) -> str:
    return wire.text(row.get("organization_id"))


# Data centres --------------------------------------------------------------------------------------------------------------


def _centre(choice: Mapping[str, Any]) -> Centre:
    """Return the centre whose accounts server is asked: the callback's, else the chosen one. Raises ConsentFailed."""
    try:
        location = str(choice.get("location") or choice.get(CHOICE) or settings.ZOHO_CENTRE)
        centre = centres.named(location)
    except centres.UnknownCentre as error:
        raise ConsentFailed(f"{error}. Nothing was sent there.", _AGAIN) from error
    server = str(choice.get("accounts-server") or "")
    if not server or server.rstrip("/") == _accounts(centre):
        return centre
    named = centres.of_accounts(server)
    if named is None or ("location" in choice and named is not centre):
        raise ConsentFailed(
            "The answer named a server that is not Zoho's for this data centre. Nothing was sent there.", _AGAIN
        )
    return named


def _api_centre(domain: str, centre: Centre) -> Centre:
    """Return the centre whose API a token answer names, if it is on the list; else that of the accounts server."""
    return centres.of_api(domain) or centre


def _accounts(centre: Centre) -> str:
    return str(settings.ZOHO_ACCOUNTS_BASE).replace("{location}", centre.location).rstrip("/") or centre.accounts


def _api(centre: Centre) -> str:
    return str(settings.ZOHO_API_BASE).replace("{location}", centre.location).rstrip("/") or centre.api


# Connections -----------------------------------------------------------------------------------------------------------------


def _checks(connection: Connection, mode: str) -> Sequence[Check]:
    return open_ledger(connection).checks(mode)


def open_ledger(connection: Connection) -> Ledger:
    """Return the client of a connection, with what rendering has to know from the cached lists. Calls nobody."""
    centre = centres.named(connection.data["centre"])
    organization = str(connection.data["organization_id"])
    web = "" if settings.ZOHO_API_BASE else f"{centre.web}/{organization}"
    return ZohoBooks(
        _HTTP,
        _api(centre),
        organization,
        token_of(connection),
        company=_company(connection, web),
        quota=_quota_of(connection),
        time_zone=str(connection.data.get("time_zone", "")),
        rate_scale=settings.ZOHO_RATE_SCALE,
        deadline_s=settings.ZOHO_DEADLINE_S,
        quarantine_s=settings.ZOHO_QUARANTINE_S,
    )


def _quota_of(connection: Connection) -> Quota:
    zone = _zone(str(connection.data.get("time_zone", "")))

    def quota(limit: int, remaining: int, resets_s: int) -> None:
        resets_at = clock.now() + timedelta(seconds=resets_s)
        reference.note_quota(connection, limit, remaining, resets_at.astimezone(zone))

    return quota


def _zone(name: str) -> tzinfo:
    """Return the organization's time zone, in which its day of calls ends; UTC where Zoho names none we know."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def _company(connection: Connection, web: str) -> Company:
    """Return what the cached lists say; without a home currency where they were never read."""
    known = CachedCompany.objects.filter(connection=connection).first()
    if known is None:
        return Company(home_currency="", web=web)
    rows = ListEntry.objects.filter(connection=connection)
    found = list(rows.filter(list=ListEntry.List.ACCOUNT).values_list("external_id", "account_class", "type"))
    currencies = rows.filter(list=ListEntry.List.CURRENCY, active=True).values_list("name", "external_id")
    return Company(
        home_currency=known.home_currency,
        currencies=dict(currencies),
        classes={account: AccountClass(of) if of else None for account, of, _ in found},
        types={account: kind for account, _, kind in found},
        name=known.name,
        web=web,
    )


def _sandbox() -> AbstractContextManager[Any]:
    opened: AbstractContextManager[Any] = import_module("ledgers.zoho.tests.rig").rig()
    return opened


def _choices() -> tuple[tuple[str, str], ...]:
    """Return the data centres for a person, the one our application is registered in first."""
    ordered = sorted(CENTRES.values(), key=lambda each: each.location != settings.ZOHO_CENTRE)
    return tuple((each.location, each.name) for each in ordered)


PROVIDER: Final = Provider(
    slug=SLUG,
    name=NAME,
    kind=ProviderKind.LEDGER,
    role="The books: invoices, payments, journals and transfers are written here.",
    needs="Any plan of Zoho Books. Free and trial plans allow 1,000 calls a day, together with everything else the organization uses: "
    "enough for summaries, and for orders only where there are few. Sign in as somebody who may write invoices and journals.",
    oauth=_oauth,
    environment=_environment,
    identify=_identify,
    checks=_checks,
    keeps=KEEPS,
    choices=(
        ManualField(
            CHOICE,
            "Data centre",
            help_text="Where you sign in to Zoho: look at the address, for example books.zoho.eu.",
            choices=_choices(),
        ),
    ),
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

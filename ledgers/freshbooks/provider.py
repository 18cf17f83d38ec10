"""FreshBooks as a provider: its OAuth as data, which businesses a consent opens, and how a connection is opened.

Source: freshbooks.com/api/authentication and /me_endpoint. A refresh token is used once, and one person has one living
pair of tokens, whatever they may open: so a grant is a person's, and their businesses share it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from bookkeeping.accounts import AccountClass
from kit.http import Http
from kit.oauth import OAuthSpec, Tokens
from ledgers import reference
from ledgers.freshbooks import accounts
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.client import PAUSE_S, FreshBooks, capabilities
from ledgers.freshbooks.plan import Plan, person, plan_from, plans
from ledgers.freshbooks.remote import Remote, RemoteRefused
from ledgers.models import Company as CachedCompany
from ledgers.models import ListEntry
from ledgers.port import AuthorizationLost, Check, Ledger, NotSent
from ledgers.registry import LedgerSpec
from ledgers.tokens import token_of
from tenants.consents import ConsentFailed
from tenants.models import Connection
from tenants.providers import Identity, Provider, ProviderKind, TokenRejected

SLUG: Final = "freshbooks"
NAME: Final = "FreshBooks"
LOGO: Final = "ledgers/freshbooks.svg"
SCOPES_OF: Final = "scopes"  # of a connection's data: what the consent was given for
ENVIRONMENT: Final = "production"  # there is no other: a trial account is the test bed
_API: Final = "https://api.freshbooks.com"
_HTTP: Final = Http("Tieout/1.0 (Language=Python)")
_OBJECTS: Final = (
    "clients", "invoices", "payments", "expenses", "other_income", "credit_notes", "journal_entries", "taxes",
    "billable_items",
)  # fmt: skip
# Asked for once and for every plan: scopes are fixed at consent, and one that a plan lacks fails only where it is used.
# One that does not exist fails the whole consent; these three have no ":write".
SCOPES: Final = (
    "user:profile:read",
    "user:business:read",
    "user:reports:read",
    *(f"user:{each}:{right}" for each in _OBJECTS for right in ("read", "write")),
)


def _oauth(choice: Mapping[str, Any]) -> OAuthSpec:
    return OAuthSpec(
        client_id=settings.FRESHBOOKS_CLIENT_ID,
        client_secret=settings.FRESHBOOKS_CLIENT_SECRET,
        authorize_url=settings.FRESHBOOKS_AUTHORIZE_URL,
        token_url=settings.FRESHBOOKS_TOKEN_URL,
        revoke_url=settings.FRESHBOOKS_REVOKE_URL,
        scopes=SCOPES,
        client_auth="body",
        redirect_in_refresh=True,
    )


def _environment(choice: Mapping[str, Any]) -> str:
    return ENVIRONMENT


def _identify(tokens: Tokens, callback: Mapping[str, str]) -> Sequence[Identity]:
    """Return every business with books that the person may open.

    Raises:
        TokenRejected: another token may do. ConsentFailed: who connected cannot be read.
    """

    def token(rejected: str = "") -> str:
        if rejected:
            raise TokenRejected(
                "FreshBooks did not let us see which businesses there are.",
                "Connect again, signed in as the owner, and leave every permission ticked.",
            )
        return tokens.access_token

    try:
        me = Remote(_HTTP, _base(), token, lambda endpoint: None, pause_s=PAUSE_S).me()
    except (AuthorizationLost, NotSent, RemoteRefused) as error:
        raise ConsentFailed(
            f"FreshBooks did not say which businesses this opens: {error}",
            "Connect again, and leave every permission ticked.",
        ) from error
    subject = person(me)
    said = {SCOPES_OF: str(tokens.extra.get("scope") or callback.get("scope") or "")}
    return [Identity(plan.account_id, plan.name, {**plan.data(), **said}, subject) for plan in plans(me)]


def _checks(connection: Connection, mode: str) -> Sequence[Check]:
    return open_ledger(connection).checks(mode)


def open_ledger(connection: Connection) -> Ledger:
    """Return the client of a connection, with its plan and what rendering has to know from the cached lists. Calls nobody."""
    return FreshBooks(
        _HTTP,
        _base(),
        token_of(connection),
        lambda endpoint: reference.count_read(connection, endpoint),
        _company(connection),
        learned=_keeper_of(connection),
        scopes=frozenset(str(connection.data.get(SCOPES_OF, "")).split()),
        rate_scale=settings.FRESHBOOKS_RATE_SCALE,
        deadline_s=settings.FRESHBOOKS_DEADLINE_S,
        quarantine_s=settings.FRESHBOOKS_QUARANTINE_S,
    )


def _keeper_of(connection: Connection) -> Callable[[Plan], None]:
    """Return what keeps the plan with the connection when FreshBooks says another one."""

    def learned(plan: Plan) -> None:
        if connection.data == {**connection.data, **plan.data()}:
            return
        with transaction.atomic():
            # Read anew and locked: what the company lacks may have been learned since.
            kept = Connection.objects.select_for_update().get(pk=connection.pk)
            connection.data = kept.data = {**kept.data, **plan.data()}
            kept.save(update_fields=["data"])

    return learned


def _base() -> str:
    return settings.FRESHBOOKS_API_BASE or _API


def _company(connection: Connection) -> Company:
    plan = plan_from(connection.data, connection.remote_id)
    known = CachedCompany.objects.filter(connection=connection).first()
    if known is None:
        return Company(plan)
    rows = ListEntry.objects.filter(connection=connection)
    columns = ("external_id", "account_class", "number", "type")
    listed = [
        (account, AccountClass(of) if of else None, number, type_)
        for account, of, number, type_ in rows.filter(list=ListEntry.List.ACCOUNT).values_list(*columns)
    ]
    items = rows.filter(list=ListEntry.List.ITEM).values_list("external_id", "name")
    return Company(
        plan=plan,
        home_currency=known.home_currency,
        name=known.name,
        classes={account: of for account, of, _, _ in listed},
        items=dict(items),
        sub_types=accounts.sub_types((of, number, type_) for _, of, number, type_ in listed),
    )


def _sandbox() -> AbstractContextManager[Any]:
    opened: AbstractContextManager[Any] = import_module("ledgers.freshbooks.tests.rig").rig()
    return opened


PROVIDER: Final = Provider(
    slug=SLUG,
    name=NAME,
    kind=ProviderKind.LEDGER,
    role="The books: journal entries or, on the small plan, invoices and expenses are written here.",
    needs="Plus, Premium or Select with Advanced Accounting switched on, which the owner does in FreshBooks under Accounting, for full "
    "books. Without that, and on Lite, income and expenses are booked, and payouts, reserves, taxes and loans are not. Sign in as the "
    "owner of the business or with the rights of one.",
    oauth=_oauth,
    environment=_environment,
    identify=_identify,
    checks=_checks,
    keeps=("scope",),
    single_consent=True,
    logo=LOGO,
)
LEDGER: Final = LedgerSpec(
    slug=SLUG,
    name=NAME,
    provider=PROVIDER,
    open=open_ledger,
    layouts=lambda connection: capabilities(plan_from(connection.data, connection.remote_id)).layouts,
    account_types=accounts.TYPES,
    sandbox=_sandbox,
    logo=LOGO,
)

"""Wave as a provider: its OAuth as data, which businesses a consent opens, and how a connection is opened.

Source: developer.waveapps.com, "OAuth guide" and "OAuth scopes".
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, Final

from django.conf import settings

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import Kind
from kit.http import Http
from kit.oauth import OAuthSpec, Tokens
from ledgers import reference
from ledgers.models import Company as CachedCompany
from ledgers.models import ListEntry
from ledgers.port import AuthorizationLost, Check, Ledger, NotSent, Post, Shown
from ledgers.registry import LedgerSpec
from ledgers.tokens import token_of
from ledgers.wave import accounts, operations, transactions, wire
from ledgers.wave.bound import Company, why_shut
from ledgers.wave.client import CAPABILITIES, OF_ALL, PAUSE_S, Wave
from ledgers.wave.remote import ReadRefused, Remote, Row, is_last
from ledgers.wave.wire import text_of
from tenants import quotas
from tenants.consents import ConsentFailed
from tenants.models import Connection
from tenants.providers import Identity, Provider, ProviderKind, TokenRejected

SLUG: Final = "wave"
NAME: Final = "Wave"
ENVIRONMENT: Final = "production"  # Wave has no other
DAILY_CALLS: Final = 5000  # of the application, all companies together, as an aggregator reports it
LOGO: Final = "ledgers/wave.svg"
# ":write" does not include ":read", and without offline_access there is no refresh token.
SCOPES: Final = (
    "offline_access", "user:read", "business:read", "account:read", "account:write", "customer:read", "customer:write",
    "product:read", "product:write", "sales_tax:read", "sales_tax:write", "invoice:read", "invoice:write",
    "transaction:write",
)  # fmt: skip
_SHUT: Final = (
    "Wave did not let us in. Only a business on Wave Pro, or of a Wave advisor, can be connected, by somebody who may edit its "
    "books and who agrees to everything that is asked."
)
_UNSHUT: Final = "See in Wave under Settings which plan the business is on, then connect again."
_BASE: Final = "https://gql.waveapps.com"
_HTTP: Final = Http("Tieout/1.0 (Language=Python)")


def _oauth(choice: Mapping[str, Any]) -> OAuthSpec:
    return OAuthSpec(
        client_id=settings.WAVE_CLIENT_ID,
        client_secret=settings.WAVE_CLIENT_SECRET,
        authorize_url=settings.WAVE_AUTHORIZE_URL,
        token_url=settings.WAVE_TOKEN_URL,
        revoke_url=settings.WAVE_REVOKE_URL,
        scopes=SCOPES,
        client_auth="body",
        # Else a person who agreed before is not asked which business it is for this time.
        authorize_extra={"approval_prompt": "force"},
        redirect_in_refresh=True,
    )


def _environment(choice: Mapping[str, Any]) -> str:
    return ENVIRONMENT


def _identify(tokens: Tokens, kept: Mapping[str, str]) -> Sequence[Identity]:
    """A token opens the one business that the token answer named, or every business of the person.

    One of a single business is a grant of its own, so that it never serves another one. Raises:
        TokenRejected: a fresh token may do.
        ConsentFailed: no business came back, or none can be read with these tokens.
    """

    def token(rejected: str = "") -> str:
        if rejected:
            raise TokenRejected(_SHUT, _UNSHUT)
        return tokens.access_token

    said = tokens.extra or kept  # later only what was said first is known
    single, person = (str(said.get(name) or "") for name in ("businessId", "userId"))
    pause_s = PAUSE_S / settings.WAVE_RATE_SCALE
    remote = Remote(_HTTP, _base(), single, token, lambda operation: None, _count_call, pause_s)
    try:
        rows = [remote.business(operations.COMPANY)] if single else _businesses(remote)
        person = person or text_of(remote.ask(operations.USER), "user", "id")
    except NotSent as error:
        raise ConsentFailed(f"The business could not be read: {error}.", "Connect again in a few minutes.") from error
    except (AuthorizationLost, ReadRefused) as error:
        raise ConsentFailed(
            f"The business could not be read: {error}",
            "Check that it is on Wave Pro and that you may edit its books, then connect again.",
        ) from error
    if not person:
        raise ConsentFailed(
            "Wave did not say who agreed.", "Connect again and agree to everything that is asked there."
        )
    data = {"scopes": str(said.get("scope") or "")}
    subject = f"{person} {single}".strip()
    return [Identity(text_of(row, "id"), text_of(row, "name"), data, subject) for row in rows]


def _businesses(remote: Remote) -> list[Row]:
    rows: list[Row] = []
    page = 1
    while True:
        answered = remote.ask(operations.BUSINESSES, page=page, pageSize=operations.PAGE_SIZE)
        listed = answered.get("businesses")
        connection = listed if isinstance(listed, Mapping) else {}
        rows += wire.rows_of(connection)
        if is_last(connection, page):
            return rows
        page += 1


def _checks(connection: Connection, mode: str) -> Sequence[Check]:
    return open_ledger(connection).checks(mode)


def open_ledger(connection: Connection) -> Ledger:
    """Return the client of a connection, with what rendering has to know from the cached lists. Calls nobody."""
    return Wave(
        _HTTP,
        _base(),
        connection.remote_id,
        token_of(connection),
        lambda operation: reference.count_read(connection, operation),
        _count_call,
        company=_company(connection),
        listed=lambda kind, name: ListEntry.objects.filter(
            connection=connection, list=kind.value, name=name, active=True
        ).exists(),
        scopes=frozenset(str(connection.data.get("scopes", "")).split()),
        rate_scale=settings.WAVE_RATE_SCALE,
        deadline_s=settings.WAVE_DEADLINE_S,
        quarantine_s=settings.WAVE_QUARANTINE_S,
        confirm_s=settings.WAVE_BALANCE_LAG_S,
    )


def _count_call() -> None:
    quotas.count_call(SLUG, ENVIRONMENT)


def _base() -> str:
    return settings.WAVE_API_BASE or _BASE


def _company(connection: Connection) -> Company | None:
    known = CachedCompany.objects.filter(connection=connection).first()
    if known is None:
        return None
    rows = list(ListEntry.objects.filter(connection=connection, list=ListEntry.List.ACCOUNT))
    shut = {row.external_id: why_shut(row.active, row.currency, known.home_currency) for row in rows}
    return Company(
        connection.remote_id,
        home_currency=known.home_currency,
        classes={row.external_id: AccountClass(row.account_class) if row.account_class else None for row in rows},
        name=known.name,
        shut={account: why for account, why in shut.items() if why},
    )


def _shown(connection: Connection, post: Post) -> Shown | None:
    company = _company(connection)
    return transactions.shown(post, company) if company else None


def _sandbox() -> AbstractContextManager[Any]:
    opened: AbstractContextManager[Any] = import_module("ledgers.wave.tests.rig").rig()
    return opened


PROVIDER: Final = Provider(
    slug=SLUG,
    name=NAME,
    kind=ProviderKind.LEDGER,
    role="The books: money transactions, invoices and payments are written here.",
    needs="A business on Wave Pro, or of a Wave advisor, and somebody who may edit its books. A business on the free plan can agree, but "
    "nothing can be read or written in it.",
    oauth=_oauth,
    environment=_environment,
    identify=_identify,
    checks=_checks,
    keeps=("businessId", "userId", "scope"),
    daily_calls=DAILY_CALLS,
    shared=lambda: {name: plan.scaled(settings.WAVE_RATE_SCALE) for name, plan in OF_ALL.items()},
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
    kind_names={Kind.ENTRY: "Transaction"},  # a deposit or a withdrawal of its page of transactions
    shown=_shown,
    shows_ids=False,  # its pages show none, and what the API names a document by is no number of theirs
    logo=LOGO,
)

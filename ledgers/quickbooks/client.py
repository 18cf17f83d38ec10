"""The ledger port over one QuickBooks Online company."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bookkeeping.documents import How, Kind
from bookkeeping.money import BadAmount
from bookkeeping.policy import Policy
from kit import clock
from kit.http import Http
from kit.rate import RatePlan
from ledgers.port import (
    SUMMARY,
    Absent,
    Call,
    CannotTell,
    Capabilities,
    Changes,
    Check,
    Found,
    Kept,
    Layout,
    Lookup,
    NotRenderable,
    NotSent,
    Post,
    Posted,
    Reference,
    Refused,
)
from ledgers.quickbooks import accounts, answers, changed, checks, forget, lists, translate
from ledgers.quickbooks.bodies import Company
from ledgers.quickbooks.lookups import Lookups
from ledgers.quickbooks.remote import ReadRefused, Remote, Token

# "Limits and throttles": 10 requests a second and 500 a minute per company and app, 40 batches a minute. A bucket lets
# burst + rate × time pass, so each pair stays below its limit in any second and any minute.
_CALLS: Final = RatePlan(rate_per_s=7.0, burst=3)
_BATCHES: Final = RatePlan(rate_per_s=0.6, burst=4)

_DOCUMENTS: Final = frozenset(translate.ENTITIES)
_SUMMARY: Final = replace(
    SUMMARY,
    about="One balanced journal entry for each settlement and month, and the payout. Income, refunds and every kind of fee are on "
    "their own accounts.",
    books=f"{SUMMARY.books} The bank line matches the payout in one click.",
)
CAPABILITIES: Final = Capabilities(
    kinds=_DOCUMENTS | {Kind.UNDO},
    lookup=dict.fromkeys(_DOCUMENTS | {Kind.UNDO}, Lookup.EXACT),
    undo={
        Kind.INVOICE: How.VOID,
        **dict.fromkeys((Kind.PAYMENT, Kind.ENTRY, Kind.TRANSFER, Kind.DEPOSIT), How.DELETE),
    },
    quarantine_s=30,
    deadline_s=130,  # QuickBooks itself gives up after 120 s
    layouts=(
        Layout(
            "deposit",
            "One bank deposit per settlement",
            Policy(deposit=True, deposit_classes=accounts.DEPOSIT_CLASSES),
            "The deposit carries the fees of its month and is the one line your bank shows.",
            summary=_SUMMARY,
        ),
        Layout("journal", "Journal entries and a transfer", Policy(), summary=_SUMMARY),
    ),
    readable=_DOCUMENTS,
    multicurrency=True,
)
_REFUSED_READ_AGAIN_S: Final = 300.0


class QuickBooks:
    """One company, authorised.

    ``base`` ends before ``/v3``; ``web`` is the web application's address for links, "" for none. ``company`` is what
    the cached lists say; without it nothing is rendered until ``reference()`` was read. ``rate_scale`` speeds the rate
    plans up for a stand-in that is scaled likewise. ``deadline_s`` and ``quarantine_s`` are those of the capabilities.
    """

    def __init__(
        self,
        http: Http,
        base: str,
        realm: str,
        token: Token,
        meter: Callable[[str], None],
        *,
        company: Company | None = None,
        web: str = "",
        rate_scale: float = 1.0,
        deadline_s: int = CAPABILITIES.deadline_s,
        quarantine_s: int = CAPABILITIES.quarantine_s,
    ) -> None:
        self._remote = Remote(http, base, realm, token, meter)
        self._company = company or Company(home_currency="")
        self._web = web
        self._rate_scale = rate_scale
        self._capabilities = replace(CAPABILITIES, deadline_s=deadline_s, quarantine_s=quarantine_s)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def company_name(self) -> str:
        """Return the company's name. Raises NotSent, AuthorizationLost."""
        try:
            row = self._remote.get("CompanyInfo", self._remote.realm)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        return str((row or {}).get("CompanyName", ""))

    def checks(self, mode: str, currency: str = "") -> list[Check]:
        return checks.run(self._remote, mode, currency, self._company.name)

    def reference(self) -> Reference:
        try:
            reference = lists.reference(self._remote)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        self._company = company_from(reference)
        return reference

    def limits(self, call: Call) -> Mapping[str, RatePlan]:
        plans = {"calls": _CALLS, "batches": _BATCHES} if call.operation == "batch" else {"calls": _CALLS}
        return {name: plan.scaled(self._rate_scale) for name, plan in plans.items()}

    def render(self, posts: Sequence[Post]) -> list[Call]:
        return translate.render(posts, self._company)

    def before(self, call: Call) -> Mapping[str, int]:
        return {}

    def send(self, call: Call, deadline_s: float) -> Mapping[str, Posted | Refused]:
        return answers.outcome(call, self._remote.write(call, deadline_s), self._company, self._web)

    def read(self, kind: Kind, external_id: str) -> Posted | None:
        entity = translate.ENTITIES[kind]
        try:
            row = self._remote.get(entity, external_id)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        return None if row is None else answers.posted(entity, row, self._company, self._web)

    def find(self, post: Post) -> Found | Absent | CannotTell:
        return Lookups(self._remote, self._company, self._web).find(post)

    def changes(self, kinds: Collection[Kind], since: datetime) -> Changes:
        return changed.changes(self._remote, kinds, since, clock.now())

    def kept(self, kind: Kind, external_ids: Sequence[str]) -> Sequence[Kept]:
        return changed.kept(self._remote, kind, external_ids)

    def compare(self, post: Post, kept: Kept) -> Found | CannotTell:
        try:
            return answers.found(post, kept.content, self._company, self._web)
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")
        except BadAmount as error:
            return CannotTell(f"QuickBooks answered an amount nobody can read: {error}.")

    def forget(self, external_id: str, name: str, *, hide: bool) -> Refused | None:
        return forget.forget(self._remote, external_id, name, hide=hide)

    def balances(self) -> Mapping[str, int]:
        try:
            return lists.balances(self._remote, self._company.home_currency)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error


def company_from(reference: Reference) -> Company:
    """Return what rendering has to know, from the lists of a company."""
    return Company(
        home_currency=reference.home_currency,
        multicurrency=reference.multicurrency,
        country=reference.country,
        classes={account.id: account.account_class for account in reference.accounts},
        name=reference.company_name,
    )

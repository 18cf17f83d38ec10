"""The ledger port over one Zoho Books organization."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bookkeeping.documents import How, Kind
from bookkeeping.money import BadAmount
from bookkeeping.policy import Policy
from kit.http import Http
from kit.rate import RatePlan
from ledgers.port import (
    Absent,
    AuthorizationLost,
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
    Unknown,
    Words,
)
from ledgers.zoho import accounts, answers, changed, checks, forget, lists, translate, wire
from ledgers.zoho.bodies import Company
from ledgers.zoho.lookups import Lookups
from ledgers.zoho.remote import Declined, Quota, Remote, Token, no_quota
from ledgers.zoho.writes import Writes

_DOCUMENTS: Final = frozenset(translate.RESOURCES)
_BOOKED: Final = frozenset({Kind.INVOICE, Kind.PAYMENT, Kind.ENTRY, Kind.TRANSFER, Kind.REVALUATION})
_POLICY: Final = Policy(card_transfers=False, entry_lines=wire.ENTRY_LINES, revalues=True)
CAPABILITIES: Final = Capabilities(
    kinds=_DOCUMENTS | {Kind.UNDO},
    lookup=dict.fromkeys(_DOCUMENTS | {Kind.UNDO}, Lookup.EXACT),
    undo=dict.fromkeys(_BOOKED, How.DELETE),
    quarantine_s=60,  # what was written is missing from lists for some seconds
    deadline_s=120,
    layouts=(
        Layout(
            "invoices",
            "Invoices and payments",
            _POLICY,
            "In orders mode each order is an invoice of the marketplace's customer, paid by the settlement.",
            accounts.CLASS_OF_KEY,
        ),
        Layout(
            "journals",
            "Journals only",
            replace(_POLICY, order_entries=True),
            "In orders mode each order is a journal: one call instead of several, but no customer and no tax report.",
            accounts.CLASS_OF_KEY,
            orders=Words(
                "a journal for each order",
                "A journal for each order, by what it was for; then the fees, refunds and the payout of the settlement. It names no "
                "customer, and no tax report knows of it.",
                "One document per order, and the settlement’s own.",
            ),
        ),
    ),
    readable=_BOOKED,
    multicurrency=True,
)
# 100 calls a minute and organization: burst + rate × 60 stays below that in any minute, and the people who work there
# share it. A call of invoices takes as many requests as it has invoices and one more; an undo, and what is looked for before
# it is written, take two, and a revaluation up to four.
_RATE_PER_S: Final = 1.2
_BURST: Final = translate.INVOICES + 1
_LISTS: Final = 5  # pages that a reading of several documents usually takes
_REFUSED_READ_AGAIN_S: Final = 300.0


class ZohoBooks:
    """One organization, authorised.

    ``base`` is the API of its data centre and ends before ``/books``. ``company`` is what the cached lists say; without it
    nothing is rendered until ``reference()`` was read. ``quota`` is told how many calls of the day are left. ``rate_scale``
    speeds the rate plan up for a stand-in that is scaled likewise. ``deadline_s`` and ``quarantine_s`` are those of the
    capabilities.
    """

    def __init__(
        self,
        http: Http,
        base: str,
        organization: str,
        token: Token,
        *,
        company: Company | None = None,
        quota: Quota = no_quota,
        time_zone: str = "",
        rate_scale: float = 1.0,
        deadline_s: int = CAPABILITIES.deadline_s,
        quarantine_s: int = CAPABILITIES.quarantine_s,
    ) -> None:
        self._remote = Remote(http, base, organization, token, quota=quota, time_zone=time_zone)
        self._company = company or Company(home_currency="")
        self._rate_scale = rate_scale
        self._capabilities = replace(CAPABILITIES, deadline_s=deadline_s, quarantine_s=quarantine_s)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def checks(self, mode: str, currency: str = "") -> list[Check]:
        return checks.run(self._remote, mode, currency, self._company.name)

    def reference(self) -> Reference:
        try:
            reference = lists.reference(self._remote)
        except lists.NotThere as error:
            raise AuthorizationLost(str(error)) from error
        except Declined as error:
            raise _unread(error) from error
        self._company = company_from(reference, self._company.web)
        return reference

    def limits(self, call: Call) -> Mapping[str, RatePlan]:
        taking_back = 2 if call.method == "DELETE" else 1
        costs = {
            translate.INVOICE_CALL: len(call.keys) + 1,
            translate.LOOKED_FOR: 2,
            translate.REVALUED: 4,
            "batch": _LISTS,
            "read": 2,
            "forget": 3,
        }
        cost = costs.get(call.operation, taking_back)
        return {"calls": RatePlan(_RATE_PER_S, _BURST, cost).scaled(self._rate_scale)}

    def render(self, posts: Sequence[Post]) -> list[Call]:
        return translate.render(posts, self._company)

    def before(self, call: Call) -> Mapping[str, int]:
        return {}

    def send(self, call: Call, deadline_s: float) -> Mapping[str, Posted | Refused]:
        return Writes(self._remote, self._company).send(call, deadline_s)

    def read(self, kind: Kind, external_id: str) -> Posted | None:
        resource = translate.RESOURCES[kind]
        try:
            row = self._remote.one(resource.path, resource.one, external_id)
        except Declined as error:
            raise _unread(error) from error
        return None if row is None else answers.posted(kind, row, self._company)

    def find(self, post: Post) -> Found | Absent | CannotTell:
        return Lookups(self._remote, self._company).find(post)

    def changes(self, kinds: Collection[Kind], since: datetime) -> Changes:
        return changed.changes(self._remote, kinds, since)

    def kept(self, kind: Kind, external_ids: Sequence[str]) -> Sequence[Kept]:
        return changed.kept(self._remote, kind, external_ids)

    def compare(self, post: Post, kept: Kept) -> Found | CannotTell:
        try:
            return answers.found(post, kept.content, self._company)
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")
        except BadAmount as error:
            return CannotTell(f"Zoho Books answered an amount nobody can read: {error}.")

    def forget(self, external_id: str, name: str, *, hide: bool) -> Refused | None:
        return forget.forget(self._remote, external_id, name, hide=hide)

    def balances(self) -> Mapping[str, int]:
        try:
            return lists.balances(self._remote, self._company.home_currency)
        except Declined as error:
            raise _unread(error) from error


def company_from(reference: Reference, web: str = "") -> Company:
    """Return what rendering has to know, from the lists of an organization."""
    return Company(
        home_currency=reference.home_currency,
        currencies={each.name: each.id for each in reference.currencies},
        classes={account.id: account.account_class for account in reference.accounts},
        types={account.id: account.type for account in reference.accounts},
        name=reference.company_name,
        web=web,
    )


def _unread(error: Declined) -> NotSent:
    """Return what a refused read amounts to. Raises AuthorizationLost."""
    try:
        return NotSent(error.refused().text, _REFUSED_READ_AGAIN_S)
    except Unknown as unknown:
        return NotSent(str(unknown), _REFUSED_READ_AGAIN_S)

"""The ledger port over one Wave business."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import How, Kind
from bookkeeping.policy import Policy
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
    Next,
    NotRenderable,
    NotSent,
    Post,
    Posted,
    Reference,
    Refused,
    Words,
)
from ledgers.wave import accounts, answers, changed, checks, forget, lists, operations, translate
from ledgers.wave.bound import Company, why_shut
from ledgers.wave.lookups import Lookups
from ledgers.wave.remote import ReadRefused, Remote, Token

# About 60 calls a minute for a token, two at a time; limits are unpublished, so one at a time and hardly one a second:
# burst + rate × 60 stays below that in any minute. A call that is looked for first takes two, which ``Remote`` keeps apart.
_CALLS: Final = RatePlan(rate_per_s=0.95, burst=2)
# About 5,000 calls a day for the application, all tenants together. A thousand are left for what takes several calls at
# once, such as the lists: burst + rate × a day is 4,000 in any 24 hours. Half of it in a row, so that a company's first day is
# not spent waiting; the last 200 of these are for companies that ask seldom.
OF_ALL: Final[Mapping[str, RatePlan]] = {"app:calls": RatePlan(rate_per_s=2000 / 86400, burst=2000, spared=200)}
PAUSE_S: Final = 1.0

_IN_TRANSIT: Final = Policy(payouts_to=AccountKey.PAYOUTS, charges_to=AccountKey.PAYOUTS, entry_through_clearing=True)
_READABLE: Final = frozenset({Kind.INVOICE, Kind.PAYMENT})
_LISTS: Final = frozenset({Kind.ACCOUNT, Kind.CUSTOMER, Kind.ITEM})
_BY_BALANCE: Final = frozenset({Kind.ENTRY, Kind.TRANSFER})  # money transactions
_SUMMARY: Final = Words(
    "a deposit or withdrawal per settlement and month",
    "One deposit or withdrawal on the clearing account for each settlement and month, with income, refunds and every kind of fee on "
    "their own accounts, and a withdrawal for the payout.",
    SUMMARY.books,
)
CAPABILITIES: Final = Capabilities(
    kinds=_READABLE | _LISTS | _BY_BALANCE | {Kind.UNDO},
    # An undo by reversal is looked up as the entry it is.
    lookup={
        **dict.fromkeys(_READABLE | _LISTS | {Kind.UNDO}, Lookup.EXACT),
        **dict.fromkeys(_BY_BALANCE, Lookup.DELTA),
    },
    undo={**dict.fromkeys(_BY_BALANCE, How.REVERSE), **dict.fromkeys(_READABLE, How.DELETE)},
    quarantine_s=60,
    deadline_s=60,
    layouts=(
        Layout(
            "feed",
            "Your bank feeds Wave",
            _IN_TRANSIT,
            "With a bank feed you categorise the deposit, and what a card was charged, as Amazon Payouts in Transit: that "
            "account back at zero proves that the money came.",
            accounts.CLASS_OF_KEY,
            summary=replace(_SUMMARY, books=f"{_SUMMARY.books} You categorise the bank’s line as payouts in transit."),
        ),
        Layout(
            "direct",
            "Without a bank feed",
            replace(_IN_TRANSIT, onward=True),
            "Without one the payout is booked on to your bank account, and a charge to your card, as well.",
            accounts.CLASS_OF_KEY,
            summary=_SUMMARY,
        ),
    ),
    readable=_READABLE,
    multicurrency=False,
    confirm_s=60,
)
_REFUSED_READ_AGAIN_S: Final = 300.0
# Of these there may be many thousands: whether a name is in use is told by the lists as they were read last.
_MANY: Final[Mapping[str, Kind]] = {operations.CUSTOMER_CREATE: Kind.CUSTOMER, operations.PRODUCT_CREATE: Kind.ITEM}


class Wave:
    """One business, authorised.

    ``base`` ends before ``/graphql``. ``company`` is what the cached lists say; without it nothing is rendered until
    ``reference()`` was read. ``listed`` tells whether those lists have a customer or an item of a name. ``scopes`` are those of
    the consent, empty where unknown. ``rate_scale`` speeds the rate plans up for a stand-in that is scaled likewise.
    ``deadline_s``, ``quarantine_s`` and ``confirm_s`` are those of the capabilities.
    """

    def __init__(
        self,
        http: Http,
        base: str,
        business_id: str,
        token: Token,
        meter: Callable[[str], None],
        count: Callable[[], None],
        *,
        company: Company | None = None,
        listed: Callable[[Kind, str], bool] = lambda kind, name: False,
        scopes: frozenset[str] = frozenset(),
        rate_scale: float = 1.0,
        deadline_s: int = CAPABILITIES.deadline_s,
        quarantine_s: int = CAPABILITIES.quarantine_s,
        confirm_s: int = CAPABILITIES.confirm_s,
    ) -> None:
        self._remote = Remote(http, base, business_id, token, meter, count, PAUSE_S / rate_scale)
        self._walk = changed.Walk(self._remote)
        self._company = company or Company(business_id)
        self._listed = listed
        self._scopes = scopes
        self._rate_scale = rate_scale
        self._capabilities = replace(
            CAPABILITIES, deadline_s=deadline_s, quarantine_s=quarantine_s, confirm_s=confirm_s
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def checks(self, mode: str, currency: str = "") -> list[Check]:
        return checks.run(self._remote, mode, currency, self._company.name, self._scopes)

    def reference(self) -> Reference:
        try:
            reference = lists.reference(self._remote)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        self._company = company_from(self._remote.business_id, reference)
        return reference

    def limits(self, call: Call) -> Mapping[str, RatePlan]:
        cost = 2 if call.operation == translate.LOOKED_FOR else 1
        plans = {"calls": _CALLS, **OF_ALL}
        return {name: replace(plan, cost=cost).scaled(self._rate_scale) for name, plan in plans.items()}

    def render(self, posts: Sequence[Post]) -> list[Call]:
        return translate.render(posts, self._company)

    def before(self, call: Call) -> Mapping[str, int]:
        operation, sent = translate.request_of(call)
        if operation != operations.TRANSACTION_CREATE:
            return {}
        account = str(sent["anchor"]["accountId"])
        try:
            _, _, balance = self._lookups().balance(account)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        return {account: balance}

    def send(self, call: Call, deadline_s: float) -> Mapping[str, Posted | Refused]:
        [key] = call.keys
        until = time.monotonic() + deadline_s
        if taken := self._number_taken(call) or self._name_taken(call):
            return {key: taken}
        return {key: answers.outcome(call, self._remote.write(call, until - time.monotonic()), self._company)}

    def read(self, kind: Kind, external_id: str) -> Posted | None:
        self._expect_readable(kind)
        try:
            row = self._lookups().document(kind, external_id)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        if row is None:
            return None
        return answers.invoice(row) if kind is Kind.INVOICE else answers.payment(row, self._company)

    def find(self, post: Post) -> Found | Absent | CannotTell:
        return self._lookups().find(post)

    def changes(self, kinds: Collection[Kind], since: datetime) -> Changes:
        return changed.changes(self._remote, self._lookups(), kinds, since)

    def kept(self, kind: Kind, external_ids: Sequence[str]) -> Sequence[Kept]:
        self._expect_readable(kind)
        return changed.kept(self._lookups(), self._walk, kind, external_ids)

    def compare(self, post: Post, kept: Kept) -> Found | CannotTell:
        try:
            return answers.found(post, kept.content, self._as_it_was())
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")

    def forget(self, external_id: str, name: str, *, hide: bool) -> Refused | None:
        return forget.forget(self._remote, external_id, name)

    def balances(self) -> Mapping[str, int]:
        try:
            return lists.balances(self._remote, self._company.classes)
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error

    def _number_taken(self, call: Call) -> Refused | None:
        """Return the refusal of an invoice whose number is in use: Wave may well take it twice, for nobody knows."""
        operation, sent = translate.request_of(call)
        if operation != operations.INVOICE_CREATE:
            return None
        try:
            there = self._lookups().numbered(str(sent["invoiceNumber"]))
        except ReadRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        if not there:
            return None
        return Refused(
            "number_taken",
            "The number of this invoice is already used in Wave.",
            "If another connector posts the same orders, stop one of the two. Else renumber the other invoice and replay.",
            Next.ADOPT,
            "input.invoiceNumber",
        )

    def _name_taken(self, call: Call) -> Refused | None:
        """Return the refusal of an account, customer or product whose name is in use: Wave may well make a second one."""
        operation, sent = translate.request_of(call)
        if operation in _MANY:
            there = self._listed(_MANY[operation], str(sent["name"]))
        elif operation == operations.ACCOUNT_CREATE:
            try:
                found = self._lookups().named(str(sent["name"]), operations.ACCOUNTS, "accounts", lists.ACTIVE)
            except ReadRefused as error:
                raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
            there = found is not None
        else:
            return None
        if not there:
            return None
        return Refused(
            "name_taken",
            "Wave has one of this name already.",
            "Rename the other one in Wave or choose it in the mapping, then replay.",
            Next.ADOPT,
            "input.name",
        )

    def _expect_readable(self, kind: Kind) -> None:
        if kind not in self._capabilities.readable:
            raise ValueError(f"Wave gives no {kind.value} back")

    def _lookups(self) -> Lookups:
        return Lookups(self._remote, self._as_it_was())

    def _as_it_was(self) -> Company:
        """Return the business as it was when documents were posted: an account may have been archived since."""
        return replace(self._company, shut={})


def company_from(business_id: str, reference: Reference) -> Company:
    """Return what rendering has to know, from the lists of a business."""
    return Company(
        business_id,
        home_currency=reference.home_currency,
        classes={account.id: account.account_class for account in reference.accounts},
        name=reference.company_name,
        shut={
            account.id: why
            for account in reference.accounts
            if (why := why_shut(account.active, account.currency, reference.home_currency))
        },
    )

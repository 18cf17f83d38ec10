"""The ledger port over one FreshBooks business."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from bookkeeping.accounts import AccountClass, AccountKey
from bookkeeping.documents import How, Kind
from bookkeeping.money import BadAmount
from bookkeeping.policy import Policy
from kit.http import Http
from kit.rate import RatePlan
from ledgers.freshbooks import accounts, answers, changed, checks, forget, lists, translate
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.lookups import Lookups
from ledgers.freshbooks.plan import Plan
from ledgers.freshbooks.remote import Remote, RemoteRefused, Token
from ledgers.freshbooks.writes import Writes
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
    Words,
)

# The limits are not published: 2 requests a second is what clients of the service begin with. A call takes as many as it
# usually makes; ``Remote`` keeps those apart while the bucket fills up again.
_CALLS: Final = RatePlan(rate_per_s=2.0, burst=3)
_LOOK_AND_WRITE: Final = 2
_REQUESTS: Final = {
    Kind.INVOICE: 3,  # marked as sent at last
    Kind.PAYMENT: 3,  # what is open of the invoice is asked, too
    Kind.CUSTOMER: 3,  # and here how many clients there are
}
PAUSE_S: Final = 0.5
_REFUSED_READ_AGAIN_S: Final = 300.0

_BOTH: Final = frozenset({Kind.CUSTOMER, Kind.ITEM, Kind.INVOICE, Kind.PAYMENT, Kind.UNDO})
_JOURNAL: Final = _BOTH | {Kind.ACCOUNT, Kind.ENTRY, Kind.TRANSFER}
_PLAIN: Final = _BOTH | {Kind.EXPENSE}
# FreshBooks books payments and the income of invoices to accounts of its own; a month's entry moves them on.
_ITS_OWN: Final = Policy(payments_to=AccountKey.PETTY, income_to=AccountKey.REVENUE)
_JOURNAL_LAYOUTS: Final = (
    Layout(
        "feed",
        "Payouts in transit, matched in bank reconciliation",
        replace(_ITS_OWN, payouts_to=AccountKey.PAYOUTS, charges_to=AccountKey.PAYOUTS),
        "For a business whose bank feed brings the deposit into FreshBooks: mark it there as a transfer from the account "
        "of payouts in transit.",
        summary=replace(
            SUMMARY, books=f"{SUMMARY.books} You mark the bank’s line as a transfer from payouts in transit."
        ),
    ),
    Layout(
        "direct",
        "Payouts straight to the bank account",
        _ITS_OWN,
        "For a business without a bank feed: the payout is booked to the bank account, and charges to the card.",
    ),
)
_PLAIN_LAYOUTS: Final = (
    Layout(
        "documents",
        "Income invoices and expenses",
        replace(_ITS_OWN, income_and_expenses=True),
        "Everything meets in Petty Cash. Payouts, reserves, taxes and loans stay in Tieout's own record.",
        # What buyers get back is an expense here: no account of income can be booked to by itself.
        dict.fromkeys((AccountKey.PROMO, AccountKey.REFUNDS, AccountKey.CLAIMS), AccountClass.EXPENSE),
        summary=Words(
            "an income invoice and expenses per settlement and month",
            "One invoice with the income of each settlement and month, paid at once, and an expense for each kind of fee and for "
            "refunds. Everything meets in Petty Cash; the payout itself is not booked.",
            "An invoice, its payment and an expense for each kind of cost.",
        ),
        orders=Words(
            "an invoice for each order, and expenses",
            "An invoice for each order, with its items, paid when Amazon settles it, and an expense for each kind of fee and for "
            "refunds. Everything meets in Petty Cash; the payout itself is not booked.",
            "Two documents per order, and the settlement’s expenses.",
        ),
    ),
)
CAPABILITIES: Final = Capabilities(
    kinds=_JOURNAL,
    lookup=dict.fromkeys(_JOURNAL | _PLAIN, Lookup.EXACT),
    undo={
        **dict.fromkeys((Kind.ENTRY, Kind.TRANSFER), How.REVERSE),
        **dict.fromkeys((Kind.INVOICE, Kind.PAYMENT, Kind.EXPENSE), How.DELETE),
    },
    quarantine_s=60,
    deadline_s=90,
    layouts=_JOURNAL_LAYOUTS,
    readable=changed.READABLE,
    multicurrency=False,
)


def capabilities(plan: Plan) -> Capabilities:
    """Return what a business of this plan can hold."""
    if not plan.journals:
        return replace(CAPABILITIES, kinds=_PLAIN, layouts=_PLAIN_LAYOUTS)
    return CAPABILITIES if plan.chart else replace(CAPABILITIES, kinds=_JOURNAL - {Kind.ACCOUNT})


class FreshBooks:
    """One business, authorised.

    ``base`` ends before ``/accounting``. ``company`` has the plan that the connection keeps and what the cached lists say.
    ``learned`` is told what FreshBooks says of the plan now; ``scopes`` are those the consent was given for, empty where it did
    not say. ``rate_scale`` speeds everything up for a stand-in that is
    scaled likewise. ``deadline_s`` and ``quarantine_s`` are those of the capabilities.
    """

    def __init__(
        self,
        http: Http,
        base: str,
        token: Token,
        meter: Callable[[str], None],
        company: Company,
        *,
        learned: Callable[[Plan], None] = lambda plan: None,
        scopes: frozenset[str] = frozenset(),
        rate_scale: float = 1.0,
        deadline_s: int = CAPABILITIES.deadline_s,
        quarantine_s: int = CAPABILITIES.quarantine_s,
    ) -> None:
        self._remote = Remote(http, base, token, meter, pause_s=PAUSE_S / rate_scale)
        self._company = company
        self._learned = learned
        self._scopes = scopes
        self._rate_scale = rate_scale
        self._deadline_s, self._quarantine_s = deadline_s, quarantine_s

    @property
    def capabilities(self) -> Capabilities:
        known = capabilities(self._company.plan)
        return replace(known, deadline_s=self._deadline_s, quarantine_s=self._quarantine_s)

    def checks(self, mode: str, currency: str = "") -> list[Check]:
        return checks.run(self._remote, self._company, mode, currency, self._learned, self._scopes)

    def reference(self) -> Reference:
        try:
            plan = lists.plan_of(self._remote, self._company.plan.account_id)
            reference = lists.reference(self._remote, plan)
        except RemoteRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        self._company = company_from(plan, reference)
        self._learned(plan)
        return reference

    def limits(self, call: Call) -> Mapping[str, RatePlan]:
        looked_for = {"write": _LOOK_AND_WRITE, "forget": _LOOK_AND_WRITE}.get(call.operation, 1)
        cost = _REQUESTS.get(translate.kind_of(call), looked_for) if call.operation == "write" else looked_for
        return {"calls": replace(_CALLS, cost=cost).scaled(self._rate_scale)}

    def render(self, posts: Sequence[Post]) -> list[Call]:
        return translate.render(posts, self._company)

    def before(self, call: Call) -> Mapping[str, int]:
        return {}

    def send(self, call: Call, deadline_s: float) -> Mapping[str, Posted | Refused]:
        return Writes(self._remote, self._company).send(call, deadline_s)

    def read(self, kind: Kind, external_id: str) -> Posted | None:
        [kept] = changed.kept(self._remote, self._company, kind, [external_id])
        if not kept.live:
            return None
        try:
            found = answers.posted(kind, kept.content, self._company.home_currency)
        except BadAmount as error:
            raise NotSent(f"FreshBooks answered an amount nobody can read: {error}", _REFUSED_READ_AGAIN_S) from error
        return replace(found, external_id=external_id)

    def find(self, post: Post) -> Found | Absent | CannotTell:
        return Lookups(self._remote, self._company).find(post)

    def changes(self, kinds: Collection[Kind], since: datetime) -> Changes:
        return changed.changes(self._remote, self._company, kinds, since)

    def kept(self, kind: Kind, external_ids: Sequence[str]) -> Sequence[Kept]:
        return changed.kept(self._remote, self._company, kind, external_ids)

    def compare(self, post: Post, kept: Kept) -> Found | CannotTell:
        try:
            return answers.found(post, kept.content, self._company)
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")
        except (KeyError, TypeError, ValueError) as error:
            return CannotTell(f"FreshBooks answered something nobody can read ({type(error).__name__}).")

    def forget(self, external_id: str, name: str, *, hide: bool) -> Refused | None:
        return forget.forget(self._remote, self._company, external_id, name, hide=hide)

    def balances(self) -> Mapping[str, int]:
        try:
            return lists.balances(self._remote, self._company)
        except RemoteRefused as error:
            raise NotSent(error.refused.text, _REFUSED_READ_AGAIN_S) from error
        except BadAmount as error:
            raise NotSent(f"FreshBooks answered an amount nobody can read: {error}", _REFUSED_READ_AGAIN_S) from error


def company_from(plan: Plan, reference: Reference) -> Company:
    """Return what rendering has to know, from the lists of a company."""
    return Company(
        plan=plan,
        home_currency=reference.home_currency,
        name=reference.company_name,
        classes={account.id: account.account_class for account in reference.accounts},
        items={item.id: item.name for item in reference.items},
        sub_types=accounts.sub_types((each.account_class, each.number, each.type) for each in reference.accounts),
    )

"""The named steps of *Test connection*: what in this business forbids posting, or wants a warning."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.documents import Kind
from ledgers import steps
from ledgers.freshbooks import answers, lists
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.plan import Plan
from ledgers.freshbooks.remote import Remote, RemoteRefused
from ledgers.freshbooks.translate import RESOURCES, address
from ledgers.freshbooks.wire import Row
from ledgers.port import Check, Verdict
from ledgers.steps import ORDER_ID, ORDERS, POSTING

_PROBED: Final = (Kind.CUSTOMER, Kind.INVOICE, Kind.PAYMENT, Kind.EXPENSE, Kind.ITEM)
_WITHOUT: Final = (
    "income and expenses are booked, everything meets in Petty Cash, and payouts, reserves, taxes and loans stay in Tieout's "
    "own record."
)
_SPOKEN: Final = {Kind.CUSTOMER: "clients"}
_WRITTEN: Final = {"clients": "clients", "invoices": "invoices", "payments": "payments", "billable_items": "items"}


@dataclass(frozen=True, slots=True)
class _Facts:
    """``before`` is what the connection knew, ``plan`` what FreshBooks says now. ``closed`` are what reads were refused."""

    before: Company
    plan: Plan
    mode: str
    currency: str
    home_currency: str
    invoices: Sequence[Row]
    clients: int
    closed: Sequence[str]
    has_journal: bool
    scopes: frozenset[str]


def run(
    remote: Remote,
    company: Company,
    mode: str,
    currency: str,
    learned: Callable[[Plan], None],
    scopes: frozenset[str] = frozenset(),
) -> list[Check]:
    """``learned`` is told what the business may do now; ``scopes`` are those the consent was given for, empty where FreshBooks
    did not say."""

    def read() -> _Facts:
        facts = _read(remote, company, mode, currency, scopes)
        learned(facts.plan)
        return facts

    return steps.run(
        read,
        _STEPS,
        ledger="FreshBooks",
        what="business",
        reconnect="Connect FreshBooks again, signed in as the owner of the business.",
        refused=RemoteRefused,
    )


def _read(remote: Remote, company: Company, mode: str, currency: str, scopes: frozenset[str]) -> _Facts:
    plan = lists.plan_of(remote, company.plan.account_id)
    closed: list[str] = []
    seen: dict[Kind, list[Row]] = {}
    for kind in _PROBED:
        query = [("sort", "invoice_date_desc")] if kind is Kind.INVOICE else []
        try:
            seen[kind] = remote.pages(address(kind, company), RESOURCES[kind].plural, query, most=1)
        except RemoteRefused:
            closed.append(_SPOKEN.get(kind, f"{kind.value}s"))
    account = f"/accounting/account/{plan.account_id}"
    journal: list[Row] = []
    try:
        journal = remote.pages(f"{account}{lists.JOURNAL_ACCOUNTS}", "journal_entry_accounts")
        has_journal = True
    except RemoteRefused:
        has_journal = False
    return _Facts(
        before=company,
        plan=plan,
        mode=mode,
        currency=currency,
        home_currency=lists.home_currency(remote, plan, journal) or company.home_currency,
        invoices=seen.get(Kind.INVOICE, []),
        clients=remote.total(address(Kind.CUSTOMER, company)) if plan.client_limit >= 0 else 0,
        closed=closed,
        has_journal=has_journal,
        scopes=scopes,
    )


def _right_business(name: str, facts: _Facts) -> Check:
    called, known = facts.plan.name, facts.before.name or facts.before.plan.name
    more = f", seen as {facts.plan.role}" if facts.plan.role else ""
    return steps.right(name, "business", called, known, more)


def _subscription(name: str, facts: _Facts) -> Check:
    spoken = facts.plan.subscription.replace("_", " ") or "active"
    if facts.plan.ended:
        action = "Renew the subscription in FreshBooks."
        return Check(name, Verdict.FAILED, f"The subscription is {spoken}: nothing can be posted.", action, POSTING)
    return Check(name, Verdict.PASSED, f"The subscription is {spoken}.")


def _plan(name: str, facts: _Facts) -> Check:
    had, has = facts.before.plan.journals, facts.plan.journals
    if had and not has:
        what, cure = ("its plan", "Change back to FreshBooks Plus or higher")
        if facts.plan.larger:
            what, cure = ("Advanced Accounting", "Ask the owner to switch Advanced Accounting on again")
        return Check(
            name,
            Verdict.FAILED,
            f"The business can make journal entries no longer: {what} or the person's rights were changed.",
            f"{cure} and replay; or refresh the lists of this connection, and map the accounts to categories.",
            POSTING,
        )
    if has and not had:
        return Check(
            name,
            Verdict.WARNING,
            "The business can make journal entries now, and was connected when it could not.",
            "Refresh the lists of this connection and map the accounts anew: journal entries also carry payouts, reserves "
            "and taxes.",
        )
    if facts.plan.larger:
        return Check(name, Verdict.PASSED, "The plan has journal entries.")
    if not has:
        return Check(
            name,
            Verdict.WARNING,
            f"The plan has no journal entries: {_WITHOUT}",
            "That is enough for many. For full books change to FreshBooks Plus or higher, and let the owner switch Advanced "
            "Accounting on.",
        )
    return Check(name, Verdict.PASSED, "The plan has journal entries.")


def _advanced(name: str, facts: _Facts) -> Check:
    if not facts.plan.journals and facts.plan.larger and not facts.before.plan.journals:
        return Check(
            name,
            Verdict.WARNING,
            f"Advanced Accounting is not switched on, or this person may not use it, so there are no journal entries: {_WITHOUT}",
            "For full books ask the owner to switch it on in FreshBooks under Accounting, or connect again as the owner; then "
            "test this connection again, before a flow is created.",
        )
    if not facts.plan.journals:
        return Check(name, Verdict.SKIPPED, "Without journal entries it is not needed.")
    if not facts.plan.advanced or not facts.has_journal:
        return Check(
            name,
            Verdict.FAILED,
            "Advanced Accounting is not switched on, or this person may not use it.",
            "Ask the owner to switch it on in FreshBooks under Accounting, or connect again as the owner.",
            POSTING,
        )
    return Check(name, Verdict.PASSED, "Advanced Accounting is on.")


def _permissions(name: str, facts: _Facts) -> Check:
    if facts.closed:
        return Check(
            name,
            Verdict.FAILED,
            f"FreshBooks does not let us read {', '.join(facts.closed)}.",
            "Connect again, leave every permission ticked, and sign in as the owner or with the rights of one.",
            POSTING,
        )
    own = {"journal_entries": "journal entries"} if facts.plan.journals else {"expenses": "expenses"}
    written = _WRITTEN | own
    lacking = [written[each] for each in written if facts.scopes and f"user:{each}:write" not in facts.scopes]
    if lacking:
        return Check(
            name,
            Verdict.FAILED,
            f"The consent leaves out that we may write {', '.join(lacking)}.",
            "Connect again as the owner and leave every permission ticked.",
            POSTING,
        )
    return Check(name, Verdict.PASSED, "What is needed can be read.")


def _currency(name: str, facts: _Facts) -> Check:
    home = facts.home_currency
    if not home:
        return Check(
            name,
            Verdict.FAILED,
            "FreshBooks does not say in which currency the books are kept.",
            "Make the first client or journal entry there, then test again.",
            POSTING,
        )
    if not facts.currency or facts.currency == home:
        return Check(name, Verdict.PASSED, f"The books are kept in {home}.")
    return Check(
        name,
        Verdict.WARNING,
        f"Amazon settles in {facts.currency} and the books are kept in {home}. FreshBooks reports each currency by itself "
        "and never adds them up.",
        f"Convert to {home} in the flow before anything is posted.",
    )


def _closed(name: str, facts: _Facts) -> Check:
    locked = [
        str(row.get("create_date") or "")
        for row in facts.invoices
        if row.get("lock_status") not in (None, "", "unlocked")
    ]
    if not locked:
        return Check(name, Verdict.PASSED, "None of the latest invoices is locked.")
    return Check(
        name,
        Verdict.PASSED,
        f"The books are closed at least up to {max(locked)}. What falls there is held.",
        "Let the flow start after this date, or open the period before older settlements are posted.",
    )


def _numbers(name: str, facts: _Facts) -> Check:
    if facts.plan.journals and facts.mode != ORDERS:
        return Check(name, Verdict.PASSED, "Summary mode makes no invoices, so your own numbers are untouched.")
    return Check(
        name,
        Verdict.WARNING,
        "FreshBooks numbers the next invoice after the last one, so your own may continue from one of ours.",
        "Give your next own invoice its number by hand"
        + (", or use summary mode." if facts.plan.journals else "; the ones after it follow that."),
    )


def _client_limit(name: str, facts: _Facts) -> Check:
    limit = facts.plan.client_limit
    if limit < 0:
        return Check(name, Verdict.PASSED, "The plan does not limit clients.")
    if facts.clients >= limit:
        return Check(
            name,
            Verdict.WARNING,
            f"The plan allows {limit} clients and there are {facts.clients}: no client for Amazon can be added.",
            "Archive one that you no longer bill, or choose an existing one in the mapping.",
        )
    return Check(name, Verdict.PASSED, f"{facts.clients} of {limit} clients.")


def _others(name: str, facts: _Facts) -> Check:
    foreign = [
        str(row["invoice_number"])
        for row in facts.invoices
        if ORDER_ID.match(str(row.get("invoice_number") or "")) and not answers.marker_of(Kind.INVOICE, row)
    ]
    if not foreign:
        return Check(name, Verdict.PASSED, "No invoices of another Amazon connector were found.")
    return Check(
        name,
        Verdict.WARNING,
        f"Somebody else books Amazon orders here, for example invoice {foreign[0]}.",
        "Stop the other connector, and let the flow start after its last settlement, or sales are booked twice.",
    )


_STEPS: Final[dict[str, Callable[[str, _Facts], Check]]] = {
    "Right business": _right_business,
    "Subscription": _subscription,
    "Plan": _plan,
    "Advanced Accounting": _advanced,
    "Permissions": _permissions,
    "Currency": _currency,
    "Closed period": _closed,
    "Invoice numbers": _numbers,
    "Clients": _client_limit,
    "Other connectors": _others,
}

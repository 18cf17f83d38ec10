"""The named steps of *Test connection*, read in one batch: what in this company forbids posting, or wants a warning."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledgers import steps
from ledgers.port import Check, Refused, Verdict
from ledgers.quickbooks import lists, wire
from ledgers.quickbooks.remote import ReadRefused, Remote, Row
from ledgers.steps import ORDER_ID, ORDERS, POSTING

_ACCOUNT_LIMIT: Final = 250  # active accounts below the plan Advanced
_ACCOUNTS_OF_OURS: Final = 30
_ENDED: Final = re.compile(r"expire|cancel|suspend|ended|unsubscribed|read.?only", re.IGNORECASE)
_STATEMENTS: Final = (
    wire.select("CompanyInfo"),
    wire.select("Preferences"),
    wire.select("Account", columns="COUNT(*)"),
    wire.select("Invoice", ("DocNumber", "LIKE", "%-%-%"))
    + " ORDERBY MetaData.CreateTime DESC STARTPOSITION 1 MAXRESULTS 50",
    wire.select("CompanyCurrency"),
)


@dataclass(frozen=True, slots=True)
class _Facts:
    company: Row
    preferences: Row
    invoices: Sequence[Row]
    currencies: frozenset[str]
    accounts: int | None
    mode: str
    currency: str
    known_name: str

    def preference(self, group: str, name: str) -> Any:
        return (self.preferences.get(group) or {}).get(name)

    @property
    def about(self) -> Mapping[str, str]:
        """The company's name-value pairs, such as OfferingSku and SubscriptionStatus."""
        pairs = self.company.get("NameValue") or ()
        return {str(pair.get("Name")): str(pair.get("Value", "")) for pair in pairs if isinstance(pair, Mapping)}


def run(remote: Remote, mode: str, currency: str, known_name: str) -> list[Check]:
    return steps.run(
        lambda: _read(remote, mode, currency, known_name),
        _STEPS,
        ledger="QuickBooks",
        what="company",
        reconnect="Connect QuickBooks again, signed in as an administrator of the company.",
        refused=ReadRefused,
    )


def _read(remote: Remote, mode: str, currency: str, known_name: str) -> _Facts:
    company, preferences, count, invoices, currencies = remote.queries(_STATEMENTS)
    return _Facts(
        company=lists.one(company),
        preferences=lists.one(preferences),
        invoices=[] if isinstance(invoices, Refused) else invoices,
        currencies=_codes(currencies),
        accounts=None if isinstance(count, Refused) else _count(count),
        mode=mode,
        currency=currency,
        known_name=known_name,
    )


def _right_company(name: str, facts: _Facts) -> Check:
    called = str(facts.company.get("CompanyName", ""))
    return steps.right(name, "company", called, facts.known_name)


def _subscription(name: str, facts: _Facts) -> Check:
    status = facts.about.get("SubscriptionStatus", "")
    if _ENDED.search(status):
        return Check(
            name,
            Verdict.FAILED,
            f"The subscription is {status.lower()}: the company can only be read.",
            "Renew the subscription in QuickBooks.",
            POSTING,
        )
    return Check(name, Verdict.PASSED, f"The subscription is {status.lower() or 'active'}.")


def _plan(name: str, facts: _Facts) -> Check:
    plan = facts.about.get("OfferingSku", "")
    if facts.accounts is None:
        return Check(name, Verdict.SKIPPED, "The number of accounts could not be read.")
    if "advanced" not in plan.lower() and facts.accounts + _ACCOUNTS_OF_OURS > _ACCOUNT_LIMIT:
        return Check(
            name,
            Verdict.WARNING,
            f"The company has {facts.accounts} of the {_ACCOUNT_LIMIT} accounts its plan allows.",
            "Map to accounts that exist instead of creating new ones, or make accounts inactive that nobody uses.",
        )
    return Check(name, Verdict.PASSED, f"{plan or 'The plan'}: {facts.accounts} accounts.")


def _closed(name: str, facts: _Facts) -> Check:
    closed = lists.closed_until(facts.preferences)
    if closed is None:
        return Check(name, Verdict.PASSED, "The books are open.")
    return Check(
        name,
        Verdict.PASSED,
        f"The books are closed up to and including {closed.isoformat()}. What falls there is held.",
        "Let the flow start after this date, or open the period before older settlements are posted.",
    )


def _currency(name: str, facts: _Facts) -> Check:
    home = lists.home_currency(facts.preferences)
    multicurrency = facts.preference("CurrencyPrefs", "MultiCurrencyEnabled") is True
    if not facts.currency or facts.currency == home:
        return Check(name, Verdict.PASSED, f"The books are kept in {home}.")
    if not multicurrency:
        return Check(
            name,
            Verdict.FAILED,
            f"Amazon settles in {facts.currency}, the books are kept in {home} and multicurrency is off.",
            "Convert to home currency in the flow, or switch on multicurrency in QuickBooks (never to be undone).",
            POSTING,
        )
    if facts.currency not in facts.currencies:
        return Check(
            name,
            Verdict.FAILED,
            f"{facts.currency} is not one of the company's currencies.",
            f"Add {facts.currency} in QuickBooks under Currencies.",
            POSTING,
        )
    return Check(name, Verdict.PASSED, f"{facts.currency} is switched on beside {home}.")


def _auto_apply(name: str, facts: _Facts) -> Check:
    switched_on = [
        label
        for key, label in (("AutoApplyCredit", "apply credits"), ("AutoApplyPayments", "apply payments"))
        if facts.preference("SalesFormsPrefs", key) is True
    ]
    if not switched_on:
        return Check(name, Verdict.PASSED, "QuickBooks leaves credits and payments where we put them.")
    return Check(
        name,
        Verdict.FAILED if facts.mode == ORDERS else Verdict.WARNING,
        f"QuickBooks is set to {' and '.join(switched_on)} by itself, to invoices of its own choice.",
        "In QuickBooks: Settings, Account and settings, Advanced, Automation: switch it off. Or use summary mode.",
        ORDERS,
    )


def _numbers(name: str, facts: _Facts) -> Check:
    if facts.preference("SalesFormsPrefs", "CustomTxnNumbers") is True:
        return Check(name, Verdict.PASSED, "Custom transaction numbers are on: invoices carry Amazon's order numbers.")
    if facts.mode != ORDERS:
        return Check(name, Verdict.PASSED, "Summary mode makes no invoices, so your own numbers are untouched.")
    return Check(
        name,
        Verdict.WARNING,
        "Custom transaction numbers are off: your own invoices may continue from an Amazon order number.",
        "In QuickBooks: Settings, Account and settings, Sales, Sales form content: custom transaction numbers on.",
    )


def _tracking(name: str, facts: _Facts) -> Check:
    parts = (
        ("classes on each line", facts.preference("AccountingInfoPrefs", "ClassTrackingPerTxnLine")),
        ("one class per document", facts.preference("AccountingInfoPrefs", "ClassTrackingPerTxn")),
        ("locations", facts.preference("AccountingInfoPrefs", "TrackDepartments")),
    )
    used = [label for label, switched_on in parts if switched_on is True]
    if not used:
        return Check(name, Verdict.SKIPPED, "Neither classes nor locations are switched on.")
    return Check(name, Verdict.PASSED, f"Switched on: {', '.join(used)}.")


def _tax(name: str, facts: _Facts) -> Check:
    if str(facts.company.get("Country", "US")) in ("US", "USA"):
        return Check(name, Verdict.PASSED, "Amazon's documents are written as not taxable.")
    if facts.preference("TaxPrefs", "UsingSalesTax") is not True:
        return Check(name, Verdict.PASSED, "Sales tax is off in QuickBooks.")
    return Check(
        name,
        Verdict.WARNING,
        "Outside the United States QuickBooks may ask for a tax code on every line, and we write none.",
        "Use summary mode, and ask your accountant how the tax on Amazon's sales is filed.",
    )


def _others(name: str, facts: _Facts) -> Check:
    foreign = [
        str(row["DocNumber"])
        for row in facts.invoices
        if ORDER_ID.match(str(row.get("DocNumber", ""))) and not wire.markers(row.get("PrivateNote"))
    ]
    if not foreign:
        return Check(name, Verdict.PASSED, "No invoices of another Amazon connector were found.")
    return Check(
        name,
        Verdict.WARNING,
        f"Somebody else books Amazon orders here, for example invoice {foreign[0]}.",
        "Stop the other connector, and let the flow start after its last settlement, or sales are booked twice.",
    )


def _codes(rows: list[Row] | Refused) -> frozenset[str]:
    """Return the enabled currencies; a company without multicurrency refuses the question."""
    return frozenset() if isinstance(rows, Refused) else frozenset(str(row.get("Code", "")) for row in rows)


def _count(rows: list[Row]) -> int | None:
    return int(rows[0]["totalCount"]) if rows else None


_STEPS: Final[Mapping[str, Callable[[str, _Facts], Check]]] = {
    "Right company": _right_company,
    "Subscription": _subscription,
    "Plan limits": _plan,
    "Closed period": _closed,
    "Currency": _currency,
    "Automatic application": _auto_apply,
    "Transaction numbers": _numbers,
    "Classes and locations": _tracking,
    "Sales tax": _tax,
    "Other connectors": _others,
}

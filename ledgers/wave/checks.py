"""The named steps of *Test connection*: what in this business forbids posting, or wants a warning."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from ledgers import steps
from ledgers.port import Check, Verdict
from ledgers.steps import ORDERS, POSTING
from ledgers.wave import accounts, lists, operations
from ledgers.wave.remote import ReadRefused, Remote, Row
from ledgers.wave.wire import text_of

_FOR_POSTING: Final = ("business:read", "account:read", "account:write", "transaction:write")
_FOR_ORDERS: Final = (
    "invoice:read", "invoice:write", "customer:read", "customer:write", "product:read", "product:write",
)  # fmt: skip

_OBJECTS: Final = {
    "business": "the business", "account": "accounts", "transaction": "money transactions", "invoice": "invoices",
    "customer": "customers", "product": "products",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Facts:
    business: Row
    accounts: Collection[Row]
    mode: str
    currency: str
    known_name: str
    scopes: frozenset[str]


def run(remote: Remote, mode: str, currency: str, known_name: str, scopes: frozenset[str]) -> list[Check]:
    """``scopes`` are those the consent was given for, empty where Wave did not say."""
    return steps.run(
        lambda: _read(remote, mode, currency, known_name, scopes),
        _STEPS,
        ledger="Wave",
        what="business",
        reconnect="See in Wave under Settings that the business is on the Pro plan, then connect Wave again as somebody who "
        "may edit its books.",
        refused=ReadRefused,
    )


def _read(remote: Remote, mode: str, currency: str, known_name: str, scopes: frozenset[str]) -> _Facts:
    business = remote.business(operations.COMPANY)
    rows = [
        row
        for chosen in (lists.ACTIVE, lists.ARCHIVED)
        for row in remote.pages(operations.ACCOUNTS, "accounts", **chosen)
    ]
    return _Facts(business, rows, mode, currency, known_name, scopes)


def _right_business(name: str, facts: _Facts) -> Check:
    called = text_of(facts.business, "name")
    if facts.business.get("isArchived") is True:
        return Check(
            name, Verdict.FAILED, f"{called} is archived in Wave.", "Restore it in Wave, or disconnect it.", POSTING
        )
    return steps.right(name, "business", called, facts.known_name)


def _plan(name: str, facts: _Facts) -> Check:
    return Check(
        name,
        Verdict.PASSED,
        "Wave lets us in. It does so only for a business on Wave Pro or of a Wave advisor: if the plan ends, posting waits.",
    )


def _accounting(name: str, facts: _Facts) -> Check:
    if facts.business.get("isClassicAccounting") is True:
        return Check(
            name,
            Verdict.FAILED,
            "This business still has Wave's classic accounting, which takes no postings of other programs.",
            "Ask Wave to move the business to the new accounting.",
            POSTING,
        )
    return Check(name, Verdict.PASSED, "The business takes postings.")


def _permissions(name: str, facts: _Facts) -> Check:
    if not facts.scopes:
        return Check(name, Verdict.SKIPPED, "Wave did not say what we may do.")
    lacking = [each for each in _FOR_POSTING if not _allows(facts.scopes, each)]
    for_orders = [each for each in _FOR_ORDERS if not _allows(facts.scopes, each)]
    action = "Connect Wave again and agree to everything that is asked there."
    if lacking:
        return Check(name, Verdict.FAILED, f"We may not {_spoken(lacking)}.", action, POSTING)
    if for_orders:
        verdict = Verdict.FAILED if facts.mode == ORDERS else Verdict.WARNING
        return Check(name, verdict, f"We may not {_spoken(for_orders)}.", action, ORDERS)
    return Check(name, Verdict.PASSED, "We may do everything that is needed.")


def _spoken(scopes: Sequence[str]) -> str:
    """Return in words what scopes allow: *read accounts, write money transactions*."""
    return ", ".join(f"{verb} {_OBJECTS[what]}" for what, _, verb in (each.partition(":") for each in scopes))


def _allows(scopes: frozenset[str], scope: str) -> bool:
    return scope in scopes or f"{scope.partition(':')[0]}:*" in scopes


def _currency(name: str, facts: _Facts) -> Check:
    home = text_of(facts.business, "currency", "code")
    if not facts.currency or facts.currency == home:
        return Check(name, Verdict.PASSED, f"The books are kept in {home}.")
    return Check(
        name,
        Verdict.FAILED,
        f"Amazon settles in {facts.currency} and the books are kept in {home}; what we write in Wave can state no rate.",
        f"Convert to {home} in the flow, or connect a business that keeps its books in {facts.currency}.",
        POSTING,
    )


def _accounts(name: str, facts: _Facts) -> Check:
    """Look at the accounts that bear our names: the test does not know the mapping, which is checked with every posting."""
    for key, of_class in ((AccountKey.CLEARING, AccountClass.BANK), (AccountKey.PAYOUTS, AccountClass.CURRENT_ASSET)):
        ours = ACCOUNTS[key].name
        named = [row for row in facts.accounts if text_of(row, "name").startswith(ours)]
        active = [row for row in named if row.get("isArchived") is not True]
        wrong = next(
            (row for row in active if accounts.class_of(text_of(row, "subtype", "value")) is not of_class), None
        )
        if named and not active:
            return Check(
                name,
                Verdict.WARNING,
                f"The account {text_of(named[0], 'name')} is archived in Wave.",
                "Restore it in Wave if the flow uses it: what is posted to it would not be seen.",
            )
        if wrong is not None:
            return Check(
                name,
                Verdict.WARNING,
                f"The account {text_of(wrong, 'name')} is of type {accounts.label(text_of(wrong, 'subtype', 'value'))}.",
                f"Map {ours} to an account of type {accounts.label(accounts.SUBTYPES[of_class])}: nothing can be posted otherwise.",
            )
    return Check(name, Verdict.PASSED, "No account is in the way.")


def _numbers(name: str, facts: _Facts) -> Check:
    if facts.mode != ORDERS:
        return Check(name, Verdict.PASSED, "Summary mode makes no invoices, so your own numbers are untouched.")
    return Check(
        name,
        Verdict.WARNING,
        "Wave gives your next invoice the highest number plus one, and ours are Amazon's order numbers.",
        "Type the number of your own invoices yourself, or use summary mode.",
    )


_STEPS: Final[Mapping[str, Callable[[str, _Facts], Check]]] = {
    "Right business": _right_business,
    "Wave plan": _plan,
    "Accounting": _accounting,
    "Permissions": _permissions,
    "Currency": _currency,
    "Accounts": _accounts,
    "Invoice numbers": _numbers,
}

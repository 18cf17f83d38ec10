"""The named steps of *Test connection*: what in this organization forbids posting, or wants a warning."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from bookkeeping.documents import Kind
from ledgers import steps
from ledgers.port import AuthorizationLost, Check, Verdict
from ledgers.steps import ORDER_ID, ORDERS, POSTING
from ledgers.zoho import answers, lists, wire
from ledgers.zoho.remote import Declined, Remote, RightMissing, Row
from ledgers.zoho.translate import RESOURCES

_ENDED: Final = re.compile(r"expire|cancel|suspend|inactive", re.IGNORECASE)
# E-invoicing editions: an invoice is submitted to the tax authority, and may have no negative line.
_E_INVOICING: Final = frozenset({"IN", "INDIA", "SA", "SAUDI ARABIA", "MX", "MEXICO", "EG", "EGYPT"})
_RECONNECT: Final = "Connect Zoho Books again, signed in as an administrator of the organization."
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Facts:
    """``locked`` and ``currencies`` are None where this person may not read them; ``missing`` names those rights.
    ``foreign`` is the number of an Amazon order's invoice that we did not write, "" where none was seen."""

    about: Row
    currencies: Mapping[str, str] | None
    locked: date | None
    foreign: str
    waiting: Sequence[Row]
    missing: tuple[str, ...]
    mode: str
    currency: str
    known_name: str


def run(remote: Remote, mode: str, currency: str, known_name: str) -> list[Check]:
    return steps.run(
        lambda: _read(remote, mode, currency, known_name),
        _STEPS,
        ledger="Zoho Books",
        what="organization",
        reconnect=_RECONNECT,
        lost=(AuthorizationLost, lists.NotThere),
        refused=Declined,
    )


def _read(remote: Remote, mode: str, currency: str, known_name: str) -> _Facts:
    about = lists.organization(remote)
    missing: list[str] = []

    def allowed(right: str, ask: Callable[[], _T]) -> _T | None:
        try:
            return ask()
        except RightMissing:
            missing.append(right)
            return None

    invoices, journals = RESOURCES[Kind.INVOICE], RESOURCES[Kind.ENTRY]
    newest = {"sort_column": "created_time", "sort_order": "D"}
    currencies = allowed("settings", lambda: lists.currency_ids(remote))
    locked = allowed("transaction locking", lambda: lists.closed_until(remote))
    seen = allowed("invoices", lambda: remote.pages(invoices.path, invoices.many, newest, most=1)[0])
    ours = {"reference_number_startswith": "AMZ-", "status": "draft"}
    drafts = allowed("journals", lambda: remote.pages(journals.path, journals.many, ours, most=1)[0])
    foreign = _foreign(remote, seen or ())
    return _Facts(
        about,
        currencies,
        locked,
        foreign,
        [*(seen or ()), *(drafts or ())],
        tuple(missing),
        mode,
        currency,
        known_name,
    )


def _foreign(remote: Remote, invoices: Sequence[Row]) -> str:
    """Return the number of the newest invoice of an Amazon order that somebody else wrote, "" where there is none.

    Other connectors put the order's id into the number or the reference. What looks like ours, with it in both, is told by
    our mark, which a list leaves out: one is read, for a connector writes all of them alike.
    """
    ours_alike = None
    for row in invoices:
        number, reference = wire.text(row.get("invoice_number")), wire.text(row.get("reference_number"))
        if not (ORDER_ID.match(number) or ORDER_ID.match(reference)):
            continue
        if number[:19] != reference:
            return number
        ours_alike = ours_alike or row
    if ours_alike is None:
        return ""
    resource = RESOURCES[Kind.INVOICE]
    whole = remote.one(resource.path, resource.one, answers.id_of(Kind.INVOICE, ours_alike))
    ours = whole is None or wire.markers(answers.noted(Kind.INVOICE, whole))
    return "" if ours else wire.text(ours_alike.get("invoice_number"))


def _right_one(name: str, facts: _Facts) -> Check:
    called = wire.text(facts.about.get("name"))
    return steps.right(name, "organization", called, facts.known_name)


def _active(name: str, facts: _Facts) -> Check:
    plan = wire.text(facts.about.get("plan_name"))
    if not lists.is_active(facts.about) or _ENDED.search(plan):
        return Check(
            name,
            Verdict.FAILED,
            "The organization is not active: it can only be read.",
            "Activate it, or renew its plan, in Zoho Books.",
            POSTING,
        )
    return Check(name, Verdict.PASSED, f"The plan is {plan.capitalize()}." if plan else "The organization is active.")


def _rights(name: str, facts: _Facts) -> Check:
    if not facts.missing:
        return Check(name, Verdict.PASSED, "The person who connected it may read what posting needs.")
    return Check(
        name,
        Verdict.FAILED,
        f"The person who connected it lacks rights: {', '.join(facts.missing)}.",
        f"{_RECONNECT} Leave every right ticked on Zoho's page.",
        POSTING,
    )


def _currency(name: str, facts: _Facts) -> Check:
    home = wire.text(facts.about.get("currency_code"))
    if not facts.currency or facts.currency == home:
        return Check(name, Verdict.PASSED, f"The books are kept in {home}.")
    if facts.currencies is None:
        return Check(name, Verdict.SKIPPED, "The currencies could not be read.")
    if facts.currency not in facts.currencies:
        return Check(
            name,
            Verdict.FAILED,
            f"Amazon settles in {facts.currency}, which is not one of the organization's currencies.",
            f"Add {facts.currency} in Zoho Books (Settings, Currencies); where the plan has one currency only, convert to "
            f"{home} in the flow.",
            POSTING,
        )
    return Check(name, Verdict.PASSED, f"{facts.currency} is switched on beside {home}.")


def _locked(name: str, facts: _Facts) -> Check:
    if facts.locked is None:
        if "transaction locking" in facts.missing:
            return Check(name, Verdict.SKIPPED, "The locks could not be read.")
        return Check(name, Verdict.PASSED, "The books are open.")
    return Check(
        name,
        Verdict.PASSED,
        f"The books are locked up to and including {facts.locked.isoformat()}. What falls there is held.",
        "Let the flow start after this date, or unlock the period before older settlements are posted.",
    )


def _approval(name: str, facts: _Facts) -> Check:
    waiting = [row for row in facts.waiting if answers.status_of(row) in answers.WAITING]
    if not waiting:
        return Check(name, Verdict.PASSED, "No document was seen that waits for approval.")
    return Check(
        name,
        Verdict.WARNING,
        "Documents wait for approval in this organization; until somebody approves them they are not in the books.",
        "Let documents of the connected person pass without approval (Settings, Approvals), or approve ours as they come.",
    )


def _edition(name: str, facts: _Facts) -> Check:
    country = wire.text(facts.about.get("country_code") or facts.about.get("country")).upper()
    if facts.mode != ORDERS or country not in _E_INVOICING:
        return Check(name, Verdict.PASSED, "Nothing in this edition stands against the documents we write.")
    return Check(
        name,
        Verdict.WARNING,
        "In this edition invoices may have to be submitted to the tax authority, and may have no negative line.",
        "Use summary mode, or switch e-invoicing off for the marketplace's customer.",
    )


def _others(name: str, facts: _Facts) -> Check:
    if not facts.foreign:
        return Check(name, Verdict.PASSED, "No invoices of another Amazon connector were found.")
    return Check(
        name,
        Verdict.WARNING,
        f"Somebody else books Amazon orders here, for example invoice {facts.foreign}. Zoho Inventory does so by itself.",
        "Stop the other connector (in Zoho Inventory: Integrations, Amazon), and let the flow start after its last "
        "settlement, or sales are booked twice.",
    )


_STEPS: Final[Mapping[str, Callable[[str, _Facts], Check]]] = {
    "Right organization": _right_one,
    "Organization active": _active,
    "Rights": _rights,
    "Currency": _currency,
    "Locked period": _locked,
    "Approval": _approval,
    "Edition": _edition,
    "Other connectors": _others,
}

"""What each FreshBooks error means for a bookkeeper, and what becomes of the delivery. Pure.

Every family of addresses has a form of its own: accounting an old and a new one, ledger accounts, sign-in, events and
online payments another. ``errors`` may be one object instead of a list, and errors may come with HTTP 200.
Source: freshbooks.com/api/errors and the official libraries; what is not documented is judged by its words.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ledgers.error_rules import Course, Rule, deciding
from ledgers.port import AuthorizationLost, Next, NotSent, Refused
from ledgers.quoting import quoted

THROTTLE_S: Final = 30.0  # after a 429 that does not say how long; limits are not published


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of an answer. ``code`` is the errno as text, "" where the form has none; ``about`` is the object."""

    code: str
    message: str
    field: str = ""
    about: str = ""


_OURS = "This is a fault in Tieout, not in your books. Nothing was posted. Send the record's trail to support."
_LOOK = "Read what FreshBooks says, mend it there, then replay the record."
_MAPPING = "Refresh the lists of this connection, choose another one in the mapping, then replay the record."


def _bug(what: str) -> Rule:
    return Rule(Course.PARKED, f"FreshBooks did not accept how the document was written: {what}.", _OURS, quote=True)


_DATE: Final = _bug("a date has the wrong form")
_FORM: Final = _bug("a value has the wrong form")
_LIST: Final = _bug("a look-up could not be understood")
_SIGN_IN: Final = Rule(
    Course.AUTHORIZATION_LOST,
    "FreshBooks no longer accepts our authorisation.",
    "Connect FreshBooks again, signed in as the owner of the business.",
)
_SYSTEM: Final = Rule(
    Course.UNKNOWN,
    "FreshBooks had an error of its own and does not say whether the document was kept.",
    "Nothing to do: we look it up and send it again only if it is not there.",
)
_SLOWER: Final = Rule(
    Course.NOT_SENT, "FreshBooks asks us to slow down.", "Nothing to do: the document is sent again later."
)
DUPLICATE: Final = Rule(
    Course.ADOPT,
    "The number of this document is already used in FreshBooks.",
    "If another connector posts the same orders, stop one of the two. Else renumber the other document and replay.",
)
EXISTS: Final = Rule(
    Course.ADOPT,
    "An account, client or item of this name exists already in FreshBooks.",
    "Choose it in the mapping, or rename it in FreshBooks; then replay.",
)
LOCKED: Final = Rule(
    Course.HELD,
    "The date of this document lies in a period that is closed in FreshBooks.",
    "Open the period in FreshBooks and replay; close it again afterwards.",
)
ENDED: Final = Rule(
    Course.HELD,
    "The FreshBooks subscription of this business has ended, so its books can only be read.",
    "Renew the subscription in FreshBooks, then replay what is held.",
)
CLIENTS: Final = Rule(
    Course.HELD,
    "The FreshBooks plan allows no further client.",
    "Archive clients that you no longer bill, choose an existing client in the mapping, or change to a larger plan; "
    "then replay.",
)
OVERPAID: Final = Rule(
    Course.HELD,
    "Less is open on the invoice than Amazon paid for it: FreshBooks would turn the rest into a credit of the client.",
    "Remove the payment or credit that somebody put on the invoice, then replay this.",
)
DRAFT: Final = Rule(
    Course.HELD,
    "The invoice is a draft in FreshBooks, so it is in no books and cannot be paid.",
    "Mark it as sent in FreshBooks, then replay this.",
)
GONE: Final = Rule(
    Course.HELD,
    "The invoice was deleted in FreshBooks.",
    "Undo the settlement and post it anew: it gets a new invoice.",
)
_RIGHTS: Final = Rule(
    Course.HELD,
    "The person who connected FreshBooks may not do this, their consent leaves it out, or the plan does not have it.",
    "Test the connection: it names what is missing. Then connect again as the owner, or change the plan, and replay.",
    quote=True,
)
_MISSING: Final = Rule(Course.HELD, "Something this document needs is gone from FreshBooks.", _MAPPING, quote=True)
_ARCHIVED: Final = Rule(
    Course.HELD,
    "An account or category that this document is mapped to is archived or inactive in FreshBooks.",
    "Make it active again in FreshBooks, or choose another one in the mapping; then replay the record.",
    quote=True,
)
_RACE: Final = Rule(
    Course.FAILED,
    "Something else was saved in FreshBooks at the same moment, so it did not take this.",
    "Nothing to do: it is sent again.",
)

TABLE: Final[Mapping[str, Rule]] = {
    "401": _SIGN_IN,
    "402": ENDED,
    "403": _RIGHTS,
    "404": _MISSING,
    "409": _RACE,
    "429": _SLOWER,
    "500": _SYSTEM,
    "1001": _bug("a required value is missing"),
    "1003": _RIGHTS,
    "1004": _bug("a value is not one of those allowed"),
    "1005": _FORM,
    "1006": _FORM,
    "1007": _DATE,
    "1008": _DATE,
    "1009": _LIST,
    "1010": _LIST,
    "1011": _MISSING,
    "1012": _MISSING,
    "1013": _LIST,
    "1014": _LIST,
    "1015": _bug("a number has the wrong form"),
    "1016": _DATE,
    "1017": _bug("a text is too long"),
    "1018": _FORM,
    "1019": _bug("a line has the same tax twice"),
    **dict.fromkeys(("1020", "1021", "1022"), _bug("a file has the wrong form")),
    "1031": _FORM,
    "1033": _DATE,
    "1038": _bug("a value can only be read"),
    "1039": _bug("two values are the wrong way round"),
    "1042": _ARCHIVED,
}
_UNLISTED: Final = Rule(Course.PARKED, "FreshBooks refused the document.", _LOOK, quote=True)
_FORMAL: Final = frozenset(
    {"401", "402", "403", "404", "409", "429", "500", "1001", "1003", "1005", "1015", "1017", "1038"}
)
# What has no number of its own, by the words of FreshBooks' sentence.
_BY_WORDS: Final = (
    (re.compile(r"subscription|trial (has )?(ended|expired)|account (is |was )?(cancel|suspend|expire)", re.I), ENDED),
    (re.compile(r"client.{0,20}limit|limit.{0,20}client", re.I), CLIENTS),
    (
        re.compile(r"\block(ed)?\b|closed (period|books|date)|(period|books|date)\b.{0,30}\bclosed|closing date", re.I),
        LOCKED,
    ),
    (re.compile(r"archived|inactive", re.I), _ARCHIVED),
)
_SUBSCRIPTION: Final = re.compile(r"subscription.{0,40}\b(ended|expired|cancell?ed|suspended)", re.I)
_TAKEN: Final = re.compile(r"already|duplicate|unique|in use|taken|exists", re.I)
_ALREADY_GONE: Final = frozenset({"404", "1011", "1012"})


def faults(answer: object, status: int = 200) -> list[Fault]:
    """Return the errors in a parsed answer, whatever its form; empty where it has none.

    One without a number of its own goes by the ``status`` of the answer."""
    if not isinstance(answer, Mapping):
        return []
    for read in _FORMS:
        if found := list(read(answer)):
            return [fault if fault.code or status < 400 else replace(fault, code=str(status)) for fault in found]
    return []


def refused(found: Sequence[Fault]) -> Refused:
    """Return the refusal that the errors of one answer amount to.

    Raises:
        NotSent, AuthorizationLost: as the table says. Unknown: an error does not prove that nothing was kept.
    """
    fault, first = deciding([(fault, rule(fault)) for fault in found])
    if first.course is Course.NOT_SENT:
        raise NotSent(first.text, THROTTLE_S)
    if first.course is Course.AUTHORIZATION_LOST:
        raise AuthorizationLost(first.text)
    return refusal(first, fault)


def refusal(known: Rule, fault: Fault) -> Refused:
    """Return a rule that refuses as what becomes of the delivery."""
    text = quoted(known.text, "FreshBooks", fault.message) if known.quote else known.text
    return Refused(fault.code, text, known.action, Next(known.course.value), fault.field)


def rule(fault: Fault) -> Rule:
    """Return what a fault means: by its words where these are plainer than its number, else by the table."""
    if fault.field == "invoice_number" and (fault.code not in _FORMAL or _TAKEN.search(fault.message)):
        return DUPLICATE
    if _SUBSCRIPTION.search(fault.message):
        return ENDED
    if fault.code not in ("403", "1003"):
        for words, known in _BY_WORDS:
            if words.search(f"{fault.field} {fault.message}"):
                return known
    if fault.field == "name" and _TAKEN.search(fault.message):
        return EXISTS
    if fault.field == "lock_status":
        return LOCKED
    return TABLE.get(fault.code, _UNLISTED)


def is_gone(refused: Refused) -> bool:
    """Tell whether a refusal says that the object itself is not there."""
    return refused.code in _ALREADY_GONE


def _accounting(answer: Mapping[str, Any]) -> Iterator[Fault]:
    """``{response: {errors: [{errno, field, message, object}]}}``, or one object in place of the list."""
    response = answer.get("response")
    errors = response.get("errors") if isinstance(response, Mapping) else None
    for error in _each(errors):
        yield Fault(_text(error, "errno"), _text(error, "message"), _text(error, "field"), _text(error, "object"))


def _rpc(answer: Mapping[str, Any]) -> Iterator[Fault]:
    """``{code, message, details: [{reason, metadata: {message, field, object}}]}``; ``code`` is a gRPC status."""
    if "code" not in answer or "details" not in answer:
        return
    status = {"5": "404", "7": "1003", "8": "429", "10": "409", "16": "401"}.get(_text(answer, "code"), "")
    details = list(_details(answer))
    yield from details
    if not details:
        yield Fault(status or "500", _text(answer, "message"))


def _ledger_accounts(answer: Mapping[str, Any]) -> Iterator[Fault]:
    """``{errors: {message, status, details: [{reason, metadata}]}}``."""
    errors = answer.get("errors")
    if not isinstance(errors, Mapping):
        for error in _each(errors):
            yield Fault(_text(error, "errno"), _text(error, "message"), _text(error, "field"))
        return
    details = list(_details(errors))
    yield from details
    if not details:
        yield Fault(_status(_text(errors, "status")), _text(errors, "message"))


def _plain(answer: Mapping[str, Any]) -> Iterator[Fault]:
    """``{error, error_description}``, ``{errno, message, details}``, ``{error_type, message}`` or ``{message}``."""
    if "response" in answer or "data" in answer:
        return
    error, said = answer.get("error"), _text(answer, "message")
    if isinstance(error, str):
        code = {"unauthenticated": "401", "invalid_token": "401", "unauthorized": "401", "forbidden": "1003",
                "insufficient_scope": "1003", "unauthorized_scope": "1003"}.get(error, "")  # fmt: skip
        yield Fault(code, _text(answer, "error_description") or said or error)
    elif isinstance(error, Mapping):
        yield from (Fault(_text(answer, "errno"), str(value), str(name)) for name, value in error.items())
    elif "errno" in answer or "error_type" in answer or said:
        details = answer.get("details")
        more = "; ".join(str(each) for each in details) if isinstance(details, list) else ""
        yield Fault(_text(answer, "errno"), f"{said} {more}".strip() or _text(answer, "error_type"))


_FORMS: Final[Sequence[Callable[[Mapping[str, Any]], Iterator[Fault]]]] = (_accounting, _rpc, _ledger_accounts, _plain)


def _details(answer: Mapping[str, Any]) -> Iterator[Fault]:
    for detail in _each(answer.get("details")):
        more = detail.get("metadata")
        about: Mapping[str, Any] = more if isinstance(more, Mapping) else {}
        said = _text(about, "message") or _text(answer, "message")
        yield Fault(_text(detail, "reason"), said, _text(about, "field"), _text(about, "object"))


def _each(errors: object) -> Iterator[Mapping[str, Any]]:
    listed = errors if isinstance(errors, list) else [errors]
    return (error for error in listed if isinstance(error, Mapping) and error)


def _status(status: str) -> str:
    """Return the code of a status in words or figures, "" where it says nothing of its own."""
    known = {"PERMISSION_DENIED": "1003", "403": "1003", "NOT_FOUND": "404", "UNAUTHENTICATED": "401", "401": "401",
             "404": "404", "429": "429", "500": "500", "INTERNAL": "500", "409": "409", "ABORTED": "409"}  # fmt: skip
    return known.get(status.upper(), "")


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return "" if value is None else str(value)

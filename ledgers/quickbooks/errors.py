"""What each QuickBooks error code means for a bookkeeper, and what becomes of the delivery.

A fault arrives in three shapes: ``Fault`` (documented), ``fault`` in lower case from the gateway, and ``Fault`` inside
HTTP 200 (batch). Codes are text and may carry leading zeros.
Source: developer.intuit.com, "Error codes" and "Handling common errors".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledgers.error_rules import Course, Rule, deciding
from ledgers.port import AuthorizationLost, Next, NotSent, Refused
from ledgers.quoting import quoted

THROTTLE_S: Final = 60.0  # "Limits and throttles": wait 60 s after a 429; no Retry-After is documented


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of an answer. ``code`` has no leading zeros; ``kind`` is the fault's type, "" if there was none."""

    code: str
    message: str
    detail: str
    element: str
    kind: str


_RECONNECT = "Connect QuickBooks again, signed in as an administrator of the company."
_OURS = "This is a fault in Tieout, not in your books. Nothing was posted. Send the record's trail to support."
_ACTIVE_AGAIN = (
    "Make it active again in QuickBooks, or refresh the lists of this connection and choose another one in the mapping. Then "
    "replay the record."
)
_LOOK = "Read what QuickBooks says, mend it there, then replay the record."


def _bug(what: str) -> Rule:
    return Rule(Course.PARKED, f"QuickBooks did not accept how the document was written: {what}.", _OURS, quote=True)


_CREDENTIALS = Rule(Course.AUTHORIZATION_LOST, "QuickBooks no longer accepts our authorisation.", _RECONNECT)
_SEQUENCE = _bug("a required value is missing or unknown")
_NUMBER = _bug("a number has the wrong form")
_DATE = _bug("a date has the wrong form")
_JOURNAL = _bug("the lines of the journal entry are not complete or do not balance")
_DEPENDENT = Rule(
    Course.PARKED,
    "QuickBooks cannot link this document, or other documents depend on it.",
    "Open the documents it is linked to in QuickBooks and see what holds them, then replay the record.",
    quote=True,
)
_BATCH = _bug("too many documents in one request")
_BUSINESS = Rule(Course.PARKED, "QuickBooks refused the document.", _LOOK, quote=True)
_QUERY = _bug("a look-up could not be understood")
_RIGHTS = Rule(
    Course.HELD,
    "The person who connected QuickBooks may not do this in this company.",
    "Give this person the right in QuickBooks, or connect again as an administrator, then replay the record.",
    quote=True,
)
_SYSTEM = Rule(
    Course.UNKNOWN,
    "QuickBooks had an error of its own and does not say whether the document was kept.",
    "Nothing to do: we look it up and send it again only if it is not there.",
)
_LISTED = Rule(Course.PARKED, "QuickBooks refused the document for a rule of its own.", _LOOK, quote=True)
_INVENTORY = Rule(
    Course.HELD,
    "The item keeps stock and its stock starts after the date of this document.",
    "Set an earlier stock start date, or map the SKU to an item that keeps no stock, then replay the record.",
)
_CLOSED = "The date of this document lies in a closed period."

TABLE: Final[Mapping[str, Rule]] = {
    "3200": _CREDENTIALS,
    "3202": _CREDENTIALS,
    **{
        str(code): Rule(
            Course.AUTHORIZATION_LOST, "The person who connected QuickBooks lost access to the company.", _RECONNECT
        )
        for code in range(100, 151)
    },
    "3100": Rule(
        Course.AUTHORIZATION_LOST,
        "This application is not authorised for this company, or its keys belong to the other environment.",
        "Check that production keys are used for a real company, then connect QuickBooks again.",
    ),
    "3001": Rule(
        Course.NOT_SENT, "QuickBooks asks us to slow down.", "Nothing to do: the document is sent again in a minute."
    ),
    "500": _bug("this operation is not supported"),
    "600": Rule(
        Course.UNKNOWN,
        "QuickBooks is already working on this request, or has done it.",
        "Nothing to do: we look the document up.",
    ),
    "2130": _bug("the request id has the wrong form"),
    "610": Rule(
        Course.HELD,
        "Something this document needs is gone from QuickBooks or was made inactive.",
        _ACTIVE_AGAIN,
        quote=True,
    ),
    **dict.fromkeys(("620", "630", "700", "800"), _DEPENDENT),
    **dict.fromkeys(("1010", "1020", "1040", "1050"), _BATCH),
    **{str(code): _SEQUENCE for code in range(2000, 2031)},
    "2010": _bug("it has a property that QuickBooks does not know"),
    "2020": _bug("a required value is missing"),
    "2030": _bug("an id has the wrong form"),
    "2050": _bug("a text is too long"),
    "2060": _DATE,
    "2070": _DATE,
    **{str(code): _NUMBER for code in range(2080, 2111)},
    "2140": _bug("a value has the wrong form"),
    "2170": _bug("a value is not one of those allowed"),
    **dict.fromkeys(("2250", "2260", "2270", "2280", "2290", "2300"), _JOURNAL),
    "2500": Rule(Course.HELD, "Something this document is mapped to does not exist in QuickBooks.", _ACTIVE_AGAIN),
    "2600": _BUSINESS,
    "3000": _BUSINESS,
    **dict.fromkeys(("4000", "4001", "4002"), _QUERY),
    "5000": _BUSINESS,
    "5010": Rule(
        Course.PARKED,
        "Somebody saved this document in QuickBooks after we last read it, so QuickBooks did not take our change.",
        "Open it in QuickBooks and look at what was changed. Then replay this record: the document is read again first.",
    ),
    "5020": _RIGHTS,
    "5030": _RIGHTS,
    "6000": _BUSINESS,
    "6010": _bug("the type of a new account is missing"),
    "6030": _bug("an upload is too large"),
    "6040": _bug("an uploaded file is not valid"),
    "6041": _bug("an uploaded file is not valid"),
    "6050": _bug("a file cannot be attached to this kind of document"),
    "6070": _bug("an amount is not its quantity times its price"),
    "6080": _bug("a name is missing"),
    "6090": _bug("a discount line has no account"),
    "6100": _bug("a tax code may only be TAX or NON"),
    "6140": Rule(
        Course.ADOPT,
        "The number of this document is already used in QuickBooks.",
        "If another connector posts the same orders, stop one of the two. Else renumber the other document and replay.",
    ),
    **dict.fromkeys(("6150", "6160", "6170", "6220", "6230", "6430", "6440", "6470"), _LISTED),
    "6190": Rule(
        Course.HELD,
        "The QuickBooks subscription has ended, so the company can only be read.",
        "Renew the subscription in QuickBooks, then replay what is held.",
    ),
    "6200": Rule(Course.HELD, _CLOSED, "Open the period in QuickBooks and replay; close it again afterwards."),
    "6210": Rule(
        Course.HELD,
        f"{_CLOSED[:-1]}, protected by a password.",
        "Remove the closing date or its password in QuickBooks and replay; set it again afterwards.",
    ),
    "6240": Rule(
        Course.ADOPT,
        "A customer, supplier or employee (or an account or item) of this name exists already.",
        "If it is a supplier or an employee, rename it in QuickBooks, or map to another customer; then replay.",
    ),
    "6250": _INVENTORY,
    "6270": _INVENTORY,
    "6450": Rule(
        Course.PARKED,
        "QuickBooks could not void the document.",
        "Open it in QuickBooks, remove what is linked to it, void it there or replay the record.",
        quote=True,
    ),
    "6480": Rule(
        Course.PARKED,
        "The document is matched to the bank feed or reconciled, so it cannot be deleted.",
        "Undo the match or the reconciliation in QuickBooks and replay, or correct it with a reversing entry.",
    ),
    "6540": Rule(
        Course.HELD,
        "The document is part of a bank deposit and therefore frozen.",
        "Take it out of the deposit in QuickBooks, then replay the record.",
    ),
    **dict.fromkeys(("10000", "10100", "10200"), _SYSTEM),
}
_UNLISTED: Final = Rule(Course.PARKED, "QuickBooks refused the document with a code we do not know.", _LOOK, quote=True)
# Which mapping a 2500 speaks of: the detail names the table in QuickBooks' own words.
_TABLES: Final[Mapping[str, str]] = {
    "klass": "class",
    "class": "class",
    "dept": "location",
    "department": "location",
    "name": "customer",
    "customer": "customer",
    "account": "account",
    "item": "item",
    "taxcode": "tax code",
}
_FIRST_WORD: Final = re.compile(r"invalid reference id\s*:\s*([A-Za-z]+)", re.IGNORECASE)


def faults(answer: object) -> list[Fault]:
    """Return the errors in a parsed answer, or in one item of a batch answer; empty where there is no fault."""
    if not isinstance(answer, Mapping):
        return []
    for name, key, keys in (
        ("Fault", "Error", ("code", "Message", "Detail")),
        ("fault", "error", ("code", "message", "detail")),
    ):
        fault = answer.get(name)
        if isinstance(fault, Mapping):
            errors = fault.get(key)
            listed = [error for error in errors if isinstance(error, Mapping)] if isinstance(errors, list) else []
            kind = str(fault.get("type") or "")
            return [_fault(error, keys, kind) for error in listed] or [Fault("", "", "", "", kind)]
    return []


def _fault(error: Mapping[str, Any], keys: Sequence[str], kind: str) -> Fault:
    code, message, detail = (str(error.get(key) or "") for key in keys)
    return Fault(code.lstrip("0") or code, message, detail, str(error.get("element") or ""), kind)


def rule(fault: Fault) -> Rule:
    """Return what a fault means. An unlisted code is judged by the type of its fault."""
    known = TABLE.get(fault.code)
    if known is not None:
        return known
    kind = fault.kind.lower()
    if kind.startswith("authenti"):
        return _CREDENTIALS
    return _SYSTEM if kind == "systemfault" or not fault.code else _UNLISTED


def refused(found: Sequence[Fault], *, item: bool = False) -> Refused:
    """Return the refusal that the errors of one answer amount to.

    ``item`` marks one item of a batch: what would stop a whole call then stops just that item.

    Raises:
        NotSent, AuthorizationLost: as the table says. Unknown: an error does not prove that nothing was kept.
    """
    fault, first = deciding([(fault, rule(fault)) for fault in found])
    course = first.course
    if course is Course.NOT_SENT:
        if not item:
            raise NotSent(first.text, THROTTLE_S)
        course = Course.FAILED
    if course is Course.AUTHORIZATION_LOST:
        if not item:
            raise AuthorizationLost(first.text)
        course = Course.HELD
    return Refused(fault.code, _text(fault, first), first.action, Next(course.value), _field(fault))


def mapping_of(fault: Fault) -> str:
    """Return which mapping a 2500 broke (account, customer, item, class, location, tax code), or ""."""
    match = _FIRST_WORD.search(f"{fault.message} : {fault.detail}") or _FIRST_WORD.search(fault.detail)
    words: Iterable[str] = [match[1]] if match else re.findall(r"[A-Za-z]+", fault.detail)
    for word in words:
        stem = word.lower()
        for ending in ("", "es", "s"):
            if stem.endswith(ending) and (thing := _TABLES.get(stem.removesuffix(ending))):
                return thing
    return ""


def _text(fault: Fault, known: Rule) -> str:
    if fault.code == "2500" and (thing := mapping_of(fault)):
        return f"The {thing} this document is mapped to does not exist in QuickBooks any more, or is inactive."
    return quoted(known.text, "QuickBooks", fault.detail or fault.message) if known.quote else known.text


def _field(fault: Fault) -> str:
    return fault.element or (mapping_of(fault) if fault.code == "2500" else "")

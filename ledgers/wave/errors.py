"""What Wave's errors mean for a bookkeeper, and what becomes of the delivery. Pure.

There are two kinds: ``errors`` of the whole answer, told apart by ``extensions.code``, and ``inputErrors`` of a mutation that did
not succeed. Codes of the latter are undocumented, so what failed is judged by ``path``, which starts at ``input``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ledgers.port import Next, Refused, Unknown
from ledgers.quoting import quoted

THROTTLE_S: Final = 60.0  # the schema's directives count per 60 s; Retry-After is not always there
# What the token does not open. How a missing scope or a plan that ended is told is not published.
_SHUT: Final = frozenset({"UNAUTHENTICATED", "FORBIDDEN"})
NOT_FOUND: Final = "NOT_FOUND"
# The server parses, validates and reads the variables before it executes anything.
_NOT_EXECUTED: Final = frozenset(
    {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "VARIABLE_VALUE"}
)
_OURS: Final = "This is a fault in Tieout, not in your books. Nothing was posted. Send the record's trail to support."
_MAPPING: Final = "Refresh the lists of this connection, choose another one in the mapping, then replay the record."
_ACTIVE_AGAIN: Final = (
    "If it is archived, make it active again in Wave. Else refresh the lists of this connection and choose another one in the "
    "mapping. Then replay the record."
)
_BUSINESS: Final = "Test the connection: it names what is in the way. Mend that in Wave, then replay the record."
_PERIOD: Final = "If the day is in a closed period, open that in Wave until this is posted, then replay the record."
_LOOK: Final = "Read what Wave says, mend it there, then replay the record."
# Input fields that hold the id of something a tenant mapped or that was posted before.
_NAMED: Final[Mapping[str, str]] = {
    "accountId": "account",
    "paymentAccountId": "account",
    "incomeAccountId": "account",
    "anchor": "account",
    "productId": "product",
    "customerId": "customer",
    "invoiceId": "invoice",
    "businessId": "business",
}
_DATES: Final = frozenset({"date", "invoiceDate", "paymentDate"})
_EXISTS: Final = re.compile(r"already exist|already been used|already in use|duplicate|\bunique\b", re.IGNORECASE)
# What is wrong with the id itself says nothing about an earlier one.
_MALFORMED: Final = re.compile(r"invalid|format|length|too long|required|blank|missing", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One error. ``path`` names the field of the answer, or of the input."""

    code: str
    message: str
    path: tuple[str, ...]


def faults(answer: Mapping[str, Any]) -> list[Fault]:
    """Return the errors of a whole answer."""
    return [
        Fault(_text(_mapping(each.get("extensions")).get("code")), _text(each.get("message")), _path(each))
        for each in _listed(answer.get("errors"))
    ]


def input_faults(payload: Mapping[str, Any]) -> list[Fault]:
    """Return why a mutation did not succeed; empty where Wave gave no reason."""
    return [
        Fault(_text(each.get("code")), _text(each.get("message")), _path(each))
        for each in _listed(payload.get("inputErrors"))
    ]


def is_unauthenticated(status: int, answer: object, *, writes: bool) -> bool:
    """Tell whether the token was not accepted, however the server put it.

    A write of which anything was answered was executed, whatever of its answer the token does not open.
    """
    said = _mapping(answer)
    if writes and any(value is not None for value in _mapping(said.get("data")).values()):
        return False
    return status in (401, 403) or any(fault.code in _SHUT for fault in faults(said))


def refused(found: Sequence[Fault], *, takes_back: bool) -> Refused:
    """Return the refusal that the errors of a whole answer amount to.

    ``takes_back`` marks the deletion of a document: what is gone already is to be looked up.

    Raises:
        Unknown: an error does not prove that nothing was written.
    """
    for fault in found:
        if fault.code not in _NOT_EXECUTED and fault.code != NOT_FOUND:
            raise Unknown(f"Wave had an error of its own and does not say what it kept (code {fault.code or '?'})")
    gone = next((fault for fault in found if fault.code == NOT_FOUND), None)
    if gone is None:
        text = _quoted("Wave did not accept how the document was written.", found[0])
        return Refused(found[0].code, text, _OURS, Next.PARKED)
    if takes_back:
        return Refused(NOT_FOUND, "Wave does not have this document any more.", _LOOK, Next.ADOPT)
    text = _quoted("Something this document needs is gone from Wave, or the business was.", gone)
    return Refused(NOT_FOUND, text, _MAPPING, Next.HELD, ".".join(gone.path))


def input_refused(found: Sequence[Fault], *, takes_back: bool) -> Refused:
    """Return the refusal of a mutation that answered ``didSucceed: false``."""
    if not found:
        return Refused("", "Wave refused the document and gave no reason.", _LOOK, Next.PARKED)
    fault = found[0]
    code, field = fault.code or "input", ".".join(fault.path)
    last = fault.path[-1] if fault.path else ""
    if takes_back:
        text = _quoted("Wave did not remove the document.", fault)
        action = "Open the document in Wave, remove what is linked to it or delete it there, then replay the record."
        return Refused(code, text, action, Next.ADOPT, field)
    if last == "invoiceNumber":
        return Refused(
            code,
            _quoted("Wave did not take the number of this invoice.", fault),
            "If another connector posts the same orders, stop one of the two. Else renumber the other invoice and replay.",
            Next.ADOPT,
            field,
        )
    if last == "name":
        text = _quoted("Wave did not take the name.", fault)
        return Refused(
            code, text, "Rename the other one in Wave or choose it in the mapping, then replay.", Next.ADOPT, field
        )
    if last in _DATES:
        text = _quoted("Wave did not take the date of this document.", fault)
        return Refused(code, text, _PERIOD, Next.HELD, field)
    named = next((_NAMED[part] for part in reversed(fault.path) if part in _NAMED), "")
    if named == "business":
        return Refused(code, _quoted("Wave takes no postings for this business.", fault), _BUSINESS, Next.HELD, field)
    if named:
        text = _quoted(f"Wave did not take the {named} of this document.", fault)
        return Refused(code, text, _ACTIVE_AGAIN, Next.HELD, field)
    return Refused(code, _quoted("Wave refused the document.", fault), _LOOK, Next.PARKED, field)


def says_it_exists(found: Sequence[Fault]) -> bool:
    """Tell whether a money transaction was refused because its ``externalId`` is in the books: it was posted before.

    Nobody has published this refusal, so it is told by its path, or by what it says of nothing else.
    """
    return any(_is_duplicate(fault) for fault in found)


def _is_duplicate(fault: Fault) -> bool:
    of_id = bool(fault.path) and fault.path[-1] == "externalId"
    if of_id and not _MALFORMED.search(fault.message):
        return True
    return (of_id or len(fault.path) < 2) and bool(_EXISTS.search(fault.message))


def _quoted(text: str, fault: Fault) -> str:
    return quoted(text, "Wave", fault.message)


def _path(error: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a path; one client saw it as a single text with dots."""
    path = error.get("path")
    if isinstance(path, str):
        return tuple(path.split("."))
    return tuple(str(part) for part in path) if isinstance(path, list) else ()


def _listed(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return "" if value is None else str(value)

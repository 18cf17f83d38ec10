"""What each Zoho Books code means for a bookkeeper, and what becomes of the delivery.

Every answer has a ``code``; the HTTP status alone proves nothing, and a throttle was seen inside a 500. So the code
decides first, whatever the status. Codes are integers and may arrive as text.
Source: Zoho Books API, "Errors", and codes seen by integrators; what is listed here as unproven was not seen by us.
"""

import re
from collections.abc import Mapping
from typing import Final

from ledgers.error_rules import Course, Rule
from ledgers.port import AuthorizationLost, Next, Refused, Unknown
from ledgers.quoting import quoted

OK: Final = "0"
GONE: Final = "1002"
UNAUTHORIZED: Final = frozenset({"57", "14"})  # a bad token and a missing right have the same code
WRONG_ORGANIZATION: Final = "6041"
BLOCKED, PER_MINUTE, PER_DAY, CONCURRENT = "43", "44", "45", "1070"
THROTTLES: Final = frozenset({BLOCKED, PER_MINUTE, PER_DAY, CONCURRENT})
BLOCK_S: Final = 3600.0  # the live answer's own Retry-After, where it has none
MINUTE_S: Final = 60.0
CONCURRENT_S: Final = 2.0  # and as much again in jitter
_SAID: Final = 300


_RECONNECT: Final = "Connect Zoho Books again, signed in as an administrator of the organization."
_OURS: Final = "This is a fault in Tieout, not in your books. Nothing was posted. Send the record's trail to support."
_LOOK: Final = "Read what Zoho Books says, mend it there, then replay the record."
_MAPPING: Final = "Refresh the lists of this connection, choose another one in the mapping, then replay the record."
_ACTIVE_AGAIN: Final = (
    "Make it active again in Zoho Books, or choose another one in the mapping; then replay the record."
)
_SUMMARY: Final = "Use summary mode for this flow, and ask your accountant how the tax on Amazon's sales is filed."


def _bug(what: str) -> Rule:
    return Rule(Course.PARKED, f"Zoho Books did not accept how the document was written: {what}.", _OURS, quote=True)


_OPTION: Final = Rule(
    Course.HELD,
    "A custom field of this organization does not take the value the document has.",
    "In Zoho Books make the field optional, or give it a default, then replay the record.",
    quote=True,
)
_REVERSE_CHARGE: Final = Rule(
    Course.HELD, "Zoho Books wants other tax details for a reverse charge than the document has.", _SUMMARY, quote=True
)

TABLE: Final[Mapping[str, Rule]] = {
    "2": _bug("a parameter has a value that is not allowed"),
    "4": Rule(Course.HELD, "Zoho Books refused a value of the document.", _LOOK, quote=True),
    "5": _bug("the address is not known"),
    "15": _bug("a text is too long"),
    "1000": Rule(
        Course.UNKNOWN,
        "Zoho Books had an error of its own and does not say whether the document was kept.",
        "Nothing to do: we look it up and send it again only if it is not there.",
    ),
    "1001": Rule(
        Course.ADOPT,
        "An item or account of this name or SKU exists already.",
        "If it is something else, rename it in Zoho Books, or map to another one; then replay.",
    ),
    GONE: Rule(
        Course.HELD,
        "Something this document needs is gone from Zoho Books, or this person may not see it.",
        _MAPPING,
        quote=True,
    ),
    "1038": _bug("it is not JSON that Zoho can read"),
    "2006": Rule(Course.HELD, "The item this document is mapped to was deleted in Zoho Books.", _MAPPING),
    "3032": Rule(
        Course.HELD,
        "Zoho Books wants another tax for the place of supply (IGST, or CGST and SGST).",
        _SUMMARY,
        quote=True,
    ),
    "3062": Rule(
        Course.ADOPT,
        "A contact of this name exists already.",
        "If it is a supplier, rename it in Zoho Books, or map to another customer; then replay.",
    ),
    WRONG_ORGANIZATION: Rule(
        Course.AUTHORIZATION_LOST,
        "The person who connected Zoho Books does not belong to this organization any more, or the organization is not active "
        "or lives in another data centre.",
        _RECONNECT,
    ),
    "9017": Rule(
        Course.AUTHORIZATION_LOST, "The person who connected Zoho Books belongs to no organization.", _RECONNECT
    ),
    "13009": _bug("a line has no account"),
    "13011": Rule(
        Course.ADOPT,
        "The number of this document is already used in Zoho Books.",
        "If another connector posts the same orders, stop one of the two. Else renumber the other document and replay.",
    ),
    "13084": Rule(
        Course.HELD,
        "The SKU is mapped to a composite item that does not keep stock.",
        "Map the SKU to a plain sales item, then replay the record.",
    ),
    "21004": _bug("debits and credits of the journal differ"),
    "24016": Rule(
        Course.ADOPT,
        "The payment is more than what is still open of an invoice.",
        "Open the invoice in Zoho Books: if somebody paid it by hand, remove that payment, then replay the record.",
    ),
    "41016": Rule(
        Course.HELD,
        "In this edition an invoice counts only once it was submitted to the tax authority (e-invoicing).",
        f"Submit or delete the draft in Zoho Books. {_SUMMARY}",
    ),
    "71510": _REVERSE_CHARGE,
    "71512": _REVERSE_CHARGE,
    "108004": Rule(
        Course.HELD,
        "The account of this document is not the one its bank transaction is in.",
        "Choose the same bank account in the mapping as in Zoho Books, then replay the record.",
    ),
    "110817": Rule(
        Course.HELD,
        "Sales tax is not switched on in this organization, though the document was taxed.",
        "Switch off automatic tax for the customer in Zoho Books, then replay the record.",
        quote=True,
    ),
    "110942": Rule(
        Course.HELD,
        "This edition takes no tax on a line of a journal.",
        "Map tax to an account that has no tax of its own, then replay the record.",
        quote=True,
    ),
    "120111": _OPTION,
    "120124": _OPTION,
}
# The codes of a used number, a locked period, an inactive account and a locked record are not known.
UNLISTED: Final = Rule(Course.HELD, "Zoho Books refused the document.", _LOOK, quote=True)
LOCKED: Final = Rule(
    Course.HELD,
    "The date of this document lies in a locked period.",
    "Unlock the period in Zoho Books (Accountant, Transaction locking), then replay the record.",
    quote=True,
)
INACTIVE: Final = Rule(
    Course.HELD,
    "An account, an item or a customer that this document uses was made inactive in Zoho Books.",
    _ACTIVE_AGAIN,
    quote=True,
)
_SAYS_INACTIVE: Final = re.compile(r"\binactive\b", re.IGNORECASE)
NUMBER_TAKEN: Final = TABLE["13011"]
NAME_TAKEN: Final = TABLE["1001"]
CHANGED: Final = Refused(
    code="changed",
    text="Somebody saved this document in Zoho Books after we last read it, so it was left alone.",
    action="Open it in Zoho Books and look at what was changed. Then replay this record: the document is read again "
    "first.",
    next=Next.PARKED,
)


def code_of(answer: object) -> str:
    """Return the code of a parsed answer, "" where there is none."""
    code = answer.get("code") if isinstance(answer, Mapping) else None
    return "" if code is None or isinstance(code, bool) else str(code)


def message_of(answer: object) -> str:
    said = answer.get("message") if isinstance(answer, Mapping) else None
    return str(said or "").strip()[:_SAID]


def refused(answer: object, *, rule: Rule | None = None) -> Refused:
    """Return the refusal that a parsed answer amounts to; ``rule`` overrides what its code says.

    Raises:
        AuthorizationLost: nobody but a person who connects anew can help. Unknown: it does not prove that nothing was kept.
    """
    code, said = code_of(answer), message_of(answer)
    known = rule or TABLE.get(code) or (INACTIVE if _SAYS_INACTIVE.search(said) else UNLISTED)
    if known.course is Course.UNKNOWN:
        raise Unknown(f"{known.text} (code {code})")
    if known.course is Course.AUTHORIZATION_LOST:
        raise AuthorizationLost(known.text)
    text = quoted(known.text, "Zoho Books", said) if known.quote else known.text
    return Refused(code, text, known.action, Next(known.course.value))


def lost(code: str) -> str:
    """Return what a code says of a consent that opens the organization no more, "" for any other code."""
    rule = TABLE.get(code)
    return rule.text if rule and rule.course is Course.AUTHORIZATION_LOST else ""


def is_certain(code: str) -> bool:
    """Tell whether a code alone says why a document was refused."""
    return code in TABLE and code not in ("4", GONE)

"""The wire form of Zoho Books: exact numbers, canonical bytes, loose empties, texts within their lengths."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from bookkeeping.money import BadAmount, exponent, from_decimal, to_decimal
from ledgers.exact_json import decode as decode
from ledgers.exact_json import encode as encode
from ledgers.notes import clipped as clipped
from ledgers.notes import marked
from ledgers.notes import markers as markers

NUMBER: Final = 100  # invoice_number, reference_number
TEXT: Final = 2000  # documented for descriptions of lines and items; taken for notes of invoices and payments too
SHORT: Final = 500  # of journals and bank transactions; their length is documented nowhere
NAME: Final = 100  # accounts, items, contacts, names of lines
ENTRY_LINES: Final = 100  # lines of a journal; no maximum is documented, this many are known to be taken
INVOICES_PAID: Final = 50  # invoices of one customer payment; no maximum is documented either

Body = dict[str, Any]

_CONTROLS: Final = re.compile(r"[\t\r\n]+")


def money(amount: int, currency: str) -> Decimal:
    """Return minor units as Zoho writes them: major units with the currency's own decimals."""
    return to_decimal(amount, currency)


def minor(amount: object, currency: str) -> int:
    """Return an answered amount in minor units: a number, or text of one; "" is nothing. Raises BadAmount."""
    return from_decimal(number(amount), currency)


def number(value: object) -> Decimal:
    """Return an answered number, whichever way it is spelled. Raises BadAmount."""
    if value is None or value == "":
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise BadAmount(f"{value!r} is no number")
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        raise BadAmount(f"{value!r} is no number") from None
    if not parsed.is_finite():
        raise BadAmount(f"{value!r} is no number")
    return parsed


def home_amount(amount: int, currency: str, rate: Decimal, home: str) -> int:
    """Return what the ledger makes of an amount in home currency, in minor units: rounded half up."""
    exact = to_decimal(amount, currency) * rate
    return from_decimal(exact.quantize(Decimal(1).scaleb(-exponent(home)), ROUND_HALF_UP), home)


def rows(value: object) -> list[Mapping[str, Any]]:
    """Return a list of objects; "" and null stand for an empty one."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Return an id or another text; null is none."""
    return "" if value is None else str(value)


def note(markers: Sequence[str], text: str, length: int = TEXT) -> str:
    return marked(markers, [text], length)


def name(given: str) -> str:
    """Return a name on one line, no blanks around it, no longer than Zoho keeps."""
    return clipped(re.sub(r" {2,}", " ", _CONTROLS.sub(" ", given)).strip(), NAME)


def same_name(one: object, other: object) -> bool:
    """Tell whether two names are equal to Zoho: it compares trimmed and without case."""
    return text(one).strip().casefold() == text(other).strip().casefold()


def instant(value: object) -> datetime | None:
    """Return a time such as ``2026-06-09T16:22:34-0400``; None for anything without an offset."""
    try:
        at = datetime.fromisoformat(text(value))
    except ValueError:
        return None
    return at if at.tzinfo else None


def written_instant(at: datetime) -> str:
    """Return a time as the filters want it: to the second, the offset without a colon."""
    return at.strftime("%Y-%m-%dT%H:%M:%S%z")


def call_id(wire_ids: Iterable[str]) -> str:
    """Return the id under which a call is remembered; it does not go over the wire."""
    ids = list(wire_ids)
    if len(ids) == 1:
        return ids[0][:40]
    return base64.b32encode(hashlib.sha256("\n".join(ids).encode()).digest()).decode().rstrip("=").lower()[:40]

"""The wire form of QuickBooks: exact numbers, canonical bytes, texts within their lengths, ids of requests."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bookkeeping.money import BadAmount, exponent, from_decimal, to_decimal

MINOR_VERSION: Final = "75"  # since 2025-08-01 anything lower, or none, is served as 75
BATCH_ITEMS: Final = 30  # "Batch": at most 30 items
REQUEST_ID: Final = 50  # "requestid": at most 50 characters …
BATCH_REQUEST_ID: Final = 36  # … and 36 for a batch, with bIds of at most 10
NUMBER: Final = 21  # DocNumber, PaymentRefNum
TEXT: Final = 4000  # PrivateNote, line Description
NAME: Final = 100  # Account, Item
DISPLAY_NAME: Final = 500  # Customer

Body = dict[str, Any]

_MARKER: Final = re.compile(r"(?<!\S)ref:(\S+)")
_FORBIDDEN: Final = re.compile(r'[:"\t\r\n]+')


def encode(value: object) -> bytes:
    """Return canonical JSON: sorted keys, no blanks, Decimal as a number with its own decimals, no float anywhere."""
    return _text(value).encode()


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        items = (f"{json.dumps(key)}:{_text(value[key])}" for key in sorted(value))
        return "{" + ",".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(item) for item in value) + "]"
    if isinstance(value, float):
        raise TypeError("a float never reaches the wire")
    return json.dumps(value, ensure_ascii=False)


def decode(body: bytes) -> Any:
    """Return parsed JSON with exact numbers. Raises ValueError on anything else."""
    return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)


def _no_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is no amount")


def money(amount: int, currency: str) -> Decimal:
    """Return minor units as QuickBooks writes them. It keeps two decimals, so a currency of three is refused."""
    if exponent(currency) > 2:
        raise BadAmount(f"QuickBooks keeps two decimals, {currency} has three")
    return to_decimal(amount, currency)


def minor(amount: object, currency: str) -> int:
    """Return an answered JSON number in minor units. Raises BadAmount."""
    if isinstance(amount, bool) or not isinstance(amount, (int, Decimal)):
        raise BadAmount(f"{amount!r} is no amount")
    return from_decimal(Decimal(amount), currency)


def note(markers: Sequence[str], *texts: str) -> str:
    """Return a PrivateNote: the texts, shortened where they must be, and every marker whole at the end."""
    tail = " ".join(f"ref:{marker}" for marker in markers)
    head = clipped(" ".join(text.strip() for text in texts if text.strip()), TEXT - len(tail) - 1)
    return f"{head} {tail}" if head else tail


def markers(private_note: object) -> frozenset[str]:
    """Return the markers in a PrivateNote."""
    return frozenset(_MARKER.findall(str(private_note or "")))


def clipped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def name(text: str, length: int) -> str:
    """Return a name that QuickBooks takes: no colon, quote, tab or newline, no blanks around it."""
    return clipped(re.sub(r" {2,}", " ", _FORBIDDEN.sub(" ", text)).strip(), length)


def request_id(wire_ids: Iterable[str], length: int) -> str:
    """Return the requestid of a call: the delivery's own where it carries one, else a hash of all of them."""
    ids = list(wire_ids)
    if len(ids) == 1 and len(ids[0]) <= length:
        return ids[0]
    digest = hashlib.sha256("\n".join(ids).encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()[: min(length, 40)]


Condition = tuple[str, str, str | Sequence[str] | Sequence[bool]]
ANY: Final[Condition] = ("Active", "IN", (True, False))  # inactive list objects are hidden otherwise
ITEM_COLUMNS: Final = "*, Sku"  # the star alone may leave the SKU out


def select(entity: str, *conditions: Condition, columns: str = "*") -> str:
    """Return a statement of the query language, values escaped. A condition is (field, operator, value or values)."""
    where = " AND ".join(f"{field} {operator} {_literal(value)}" for field, operator, value in conditions)
    return " ".join(("SELECT", columns, "FROM", entity, *(("WHERE", where) if where else ())))


def _literal(value: str | Sequence[str] | Sequence[bool] | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return f"({', '.join(_literal(each) for each in value)})"

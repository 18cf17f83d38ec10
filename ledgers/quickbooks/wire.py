"""The wire form of QuickBooks: exact numbers, canonical bytes, texts within their lengths, ids of requests."""

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from bookkeeping.money import BadAmount, exponent, from_decimal, to_decimal
from ledgers.exact_json import decode as decode
from ledgers.exact_json import encode as encode
from ledgers.notes import clipped as clipped
from ledgers.notes import marked
from ledgers.notes import markers as markers

MINOR_VERSION: Final = "75"  # since 2025-08-01 anything lower, or none, is served as 75
BATCH_ITEMS: Final = 30  # "Batch": at most 30 items
REQUEST_ID: Final = 50  # "requestid": at most 50 characters …
BATCH_REQUEST_ID: Final = 36  # … and 36 for a batch, with bIds of at most 10
NUMBER: Final = 21  # DocNumber, PaymentRefNum
TEXT: Final = 4000  # PrivateNote, line Description
NAME: Final = 100  # Account, Item
DISPLAY_NAME: Final = 500  # Customer

Body = dict[str, Any]

_FORBIDDEN: Final = re.compile(r'[:"\t\r\n]+')


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
    """Return a PrivateNote."""
    return marked(markers, texts, TEXT)


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

"""The wire form of Wave: canonical bytes, amounts as text, texts of a moderate length, our ids of money transactions."""

import re
import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bookkeeping.money import BadAmount, exponent, from_decimal, to_text
from ledgers.exact_json import decode as decode
from ledgers.exact_json import encode as encode
from ledgers.notes import clipped as clipped
from ledgers.notes import marked
from ledgers.notes import markers as markers

PATH: Final = "/graphql/public"
# Wave publishes no lengths; these are short enough for any of its fields.
NAME: Final = 100
LINE: Final = 200
TEXT: Final = 1000

Body = dict[str, Any]

_BLANKS: Final = re.compile(r"\s+")


def money(amount: int, currency: str) -> str:
    """Return minor units as Wave reads them: a money transaction has at most two decimals. Raises BadAmount."""
    if exponent(currency) > 2:
        raise BadAmount(f"Wave keeps two decimals, {currency} has three")
    return to_text(amount, currency)


def minor(amount: object, currency: str) -> int:
    """Return an answered decimal text in minor units. Raises BadAmount."""
    return from_decimal(_decimal(amount), currency)


def minor_units(answered: object) -> int:
    """Return a ``Money`` of an answer in minor units of its currency. Raises BadAmount."""
    if not isinstance(answered, Mapping):
        raise BadAmount(f"{answered!r} is no amount")
    amount = _decimal(answered.get("minorUnitValue"))
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise BadAmount(f"{amount} is no whole number of minor units")
    return int(amount)


def _decimal(amount: object) -> Decimal:
    if isinstance(amount, bool) or not isinstance(amount, (str, int, Decimal)):
        raise BadAmount(f"{amount!r} is no amount")
    try:
        return Decimal(amount)
    except InvalidOperation:
        raise BadAmount(f"{amount!r} is no amount") from None


def note(marker: str, *texts: str) -> str:
    """Return a memo."""
    return marked([marker], texts, TEXT)


def name(text: str) -> str:
    """Return a name on one line, as it is sent and as it is looked for."""
    return clipped(_BLANKS.sub(" ", text).strip(), NAME)


def transaction_id(business_id: str, wire_id: str) -> str:
    """Return the ``externalId`` of a money transaction: a UUIDv5 of the delivery's idempotency id within the business."""
    return str(uuid.uuid5(uuid.uuid5(uuid.NAMESPACE_URL, business_id), wire_id))


def filled(body: Body) -> Body:
    """Return a body without what is empty. An empty list stays: Wave reads it as *none*."""
    return {field: value for field, value in body.items() if value not in ("", None)}


def text_of(row: Mapping[str, Any], *path: str) -> str:
    """Return a nested text of an answer, "" where any part of the way is missing. Enum values nobody knows are text too."""
    value: object = row
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return "" if value is None else str(value)


def rows_of(connection: object) -> Sequence[Mapping[str, Any]]:
    """Return the nodes of a connection; a node that was answered as null is left out."""
    edges = connection.get("edges") if isinstance(connection, Mapping) else None
    nodes = [edge.get("node") for edge in edges or () if isinstance(edge, Mapping)]
    return [node for node in nodes if isinstance(node, Mapping)]

"""Values of a request: texts, numbers, days; and how money is rounded and shown."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from ledgers.zoho.sandbox import errors
from sandbox.books import exponent

Doc = dict[str, Any]


def empty(value: object) -> bool:
    return value is None or value == "" or value == []


def text(body: Mapping[str, Any], name: str, longest: int = 500, default: str = "") -> str:
    """The text of a field; numbers and true or false are taken as their text."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, dict | list):
        raise errors.invalid_field(name)
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    if len(shown) > longest:
        raise errors.too_long(name, longest)
    return shown


def needed(body: Mapping[str, Any], name: str, longest: int = 500) -> str:
    value = text(body, name, longest)
    if not value.strip():
        raise errors.missing_field(name)
    return value


def number(value: Any, name: str) -> Decimal:
    """A finite number, given as one or as its text."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise errors.invalid_field(name)
    try:
        result = Decimal(value)
    except InvalidOperation as error:
        raise errors.invalid_field(name) from error
    if not result.is_finite():
        raise errors.invalid_field(name)
    return result


def optional_number(body: Mapping[str, Any], name: str, default: Decimal = Decimal(0)) -> Decimal:
    return default if empty(body.get(name)) else number(body[name], name)


def needed_number(body: Mapping[str, Any], name: str) -> Decimal:
    if empty(body.get(name)):
        raise errors.missing_field(name)
    return number(body[name], name)


def true(value: Any, default: bool = False) -> bool:
    return default if empty(value) else str(value).lower() == "true"


def day(value: Any, name: str) -> str:
    """YYYY-MM-DD of a day that exists."""
    if not isinstance(value, str) or len(value) != 10:
        raise errors.invalid_field(name)
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise errors.invalid_field(name) from error


def objects(body: Mapping[str, Any], name: str) -> list[Doc]:
    """A list of objects; what stands for none is an empty one."""
    value = body.get(name)
    if empty(value):
        return []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise errors.invalid_field(name)
    return value


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Half up, to the precision of the currency."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def plain(value: Decimal | int) -> Decimal | int:
    """A number as answers carry it, without padding: 100, 199.9."""
    if value == int(value):
        return int(value)
    return Decimal(value).normalize()


def folded(value: object) -> str:
    """How texts are compared: without regard to case and to how blanks are set."""
    return " ".join(str(value or "").split()).casefold()


def ids(value: str, name: str, most: int = 200) -> list[str]:
    """Comma separated ids of a query."""
    found = [each.strip() for each in value.split(",") if each.strip()]
    if not found or len(found) > most:
        raise errors.invalid_parameter(name)
    return found

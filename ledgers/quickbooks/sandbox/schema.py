"""What properties a request may carry and of which type; names come from the published schema (``schema.json``)."""

import json
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from ledgers.quickbooks.sandbox import errors

_SCHEMA = json.loads((Path(__file__).parent / "schema.json").read_text(encoding="utf-8"))
TYPES: dict[str, dict[str, str]] = _SCHEMA["types"]
ENUMS: dict[str, list[str]] = _SCHEMA["enums"]

# Longest text per property, sheet §3; the default of a name is 100.
LENGTHS = {
    "DocNumber": 21,
    "PrivateNote": 4000,
    "Description": 4000,
    "DisplayName": 500,
    "CompanyName": 100,
    "GivenName": 100,
    "FamilyName": 100,
    "PaymentRefNum": 21,
    "Sku": 100,
    "Name": 100,
    "City": 255,
    "PostalCode": 30,
    **{f"Line{n}": 500 for n in range(1, 6)},
}
_BY_KIND = {("Account", "Description"): 100, ("CustomerMemo", "value"): 1000, ("BillEmail", "Address"): 100,
            ("PrimaryEmailAddr", "Address"): 100}  # fmt: skip
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def check(kind: str, body: Any) -> dict[str, Any]:
    """The body itself, when every property is known (2010) and of its type (2050, 2060, 2090, 2170)."""
    if not isinstance(body, dict):
        raise errors.Fault("2000", "Invalid request", f"{kind} is an object")
    _check_object(kind, kind, body)
    return body


def _check_object(type_name: str, where: str, body: dict[str, Any]) -> None:
    known = TYPES[type_name]
    for name, value in body.items():
        if name not in known:
            raise errors.unknown_property(name, sorted(known))
        if value is not None:
            _check_value(known[name], where, name, value)


def _check_value(type_name: str, where: str, name: str, value: Any) -> None:
    if type_name.endswith("[]"):
        if not isinstance(value, list):
            raise errors.Fault("2000", "Invalid request", f"{name} is a list", element=name)
        for each in value:
            _check_value(type_name[:-2], where, name, each)
    elif type_name in TYPES:
        if not isinstance(value, dict):
            raise errors.Fault("2000", "Invalid request", f"{name} is an object", element=name)
        _check_object(type_name, name, value)
    else:
        _check_plain(type_name, where, name, value)


def _check_plain(type_name: str, where: str, name: str, value: Any) -> None:
    match type_name:
        case "string":
            if not isinstance(value, str):
                # Numbers in text fields are taken as their text by the real service; ours insists, as the sheet does.
                raise errors.Fault("2000", "Invalid request", f"{name} is a string", element=name)
            longest = _BY_KIND.get((where, name), LENGTHS.get(name, 4000))
            if len(value) > longest:
                raise errors.too_long(name, 0, longest, len(value))
        case "boolean":
            if not isinstance(value, bool):
                raise errors.Fault("2140", "Invalid Boolean", f"{name}: {value}", element=name)
        case "decimal" | "int":
            number(name, value)
        case "date":
            day(name, value)
        case "any" | "dateTime":
            pass
        case _:
            if value not in ENUMS[type_name]:
                raise errors.bad_enum(name, value)


def number(name: str, value: Any) -> Decimal:
    """A finite number, given as a JSON number or as its text."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise errors.bad_number(name, value)
    try:
        result = Decimal(value)
    except InvalidOperation as error:
        raise errors.bad_number(name, value) from error
    if not result.is_finite():
        raise errors.bad_number(name, value)
    return result


def amount(name: str, value: Any) -> Decimal:
    """Money: at most 10 digits before the point and 2 after it."""
    result = number(name, value)
    if abs(result) >= Decimal(10) ** 10 or result != result.quantize(Decimal("0.01")):
        raise errors.bad_number(name, value)
    return result.quantize(Decimal("0.01"))


def day(name: str, value: Any) -> str:
    """YYYY-MM-DD of a day that exists."""
    if not isinstance(value, str) or not _DATE.match(value):
        raise errors.bad_date(name, value)
    try:
        date.fromisoformat(value)
    except ValueError as error:
        raise errors.bad_date(name, value) from error
    return value

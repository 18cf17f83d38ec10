"""Reading the fields of a posted object, with FreshBooks' own complaints (sheet §3, errno)."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from ledgers.freshbooks.sandbox import errors
from sandbox.books import exponent

Doc = dict[str, Any]


def need(body: Mapping[str, Any], names: tuple[str, ...], object_: str) -> None:
    """Raises:
    Refusal: 1001 for every name that is missing or empty.
    """
    missing = [name for name in names if body.get(name) in (None, "")]
    if missing:
        problems = [errors.required(name, object_).problems[0] for name in missing]
        raise errors.Refusal(*problems)


def number(value: Any, field: str, object_: str) -> Decimal:
    try:
        found = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise errors.refusal(errors.NOT_A_NUMBER, f"The field '{field}' must be a number.", field, object_, value)
    return found


def integer(value: Any, field: str, object_: str) -> int:
    found = number(value, field, object_)
    if found != int(found):
        raise errors.refusal(errors.NOT_A_NUMBER, f"The field '{field}' must be a number.", field, object_, value)
    return int(found)


def boolean(value: Any, field: str, object_: str) -> bool:
    if not isinstance(value, bool):
        raise errors.refusal(errors.NOT_A_BOOLEAN, f"The field '{field}' must be a boolean.", field, object_, value)
    return value


def day(value: Any, field: str, object_: str) -> str:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError as error:
        text = f"The field '{field}' must be a date in the form YYYY-MM-DD."
        raise errors.refusal(errors.NO_DATE, text, field, object_, value) from error


def short(value: Any, field: str, object_: str, longest: int) -> str:
    text = "" if value is None else str(value)
    if longest and len(text) > longest:
        message = f"The field '{field}' must be at most {longest} characters."
        raise errors.refusal(errors.TOO_LONG, message, field, object_, value)
    return text


def money(amount: Decimal, code: str) -> Doc:
    """Money as it is answered: text with the decimals of its currency."""
    return {"amount": f"{amount.quantize(Decimal(1).scaleb(-exponent(code))):f}", "code": code}


def amount_of(value: Any, field: str, object_: str, currency: str) -> Decimal:
    """The amount of a Money.

    Raises:
        Refusal: 1006 when it is no Money, 1015 when it is no number, 1004 when it is in another currency than
            ``currency`` or finer than that has.
    """
    if not isinstance(value, Mapping):
        message = f"The field '{field}' must be an object with amount and code."
        raise errors.refusal(errors.UNMAPPED, message, field, object_, value)
    if value.get("code", currency) != currency:
        message = f"The currency of '{field}' must be {currency}."
        raise errors.invalid(message, f"{field}.code", object_, value["code"])
    return exact(value.get("amount"), field, object_, currency)


def exact(value: Any, field: str, object_: str, currency: str) -> Decimal:
    """A plain amount. Nothing is rounded for the caller: what is finer than the currency is refused."""
    found = number(value, field, object_)
    rounded = found.quantize(Decimal(1).scaleb(-exponent(currency)))
    if rounded != found:
        raise errors.invalid(f"The field '{field}' has too many decimals.", field, object_, value)
    return rounded


def currency_of(value: Any, default: str, object_: str) -> str:
    """The currency a Money names, else ``default``."""
    code = value.get("code") if isinstance(value, Mapping) else None
    return code_of(code or default, "code", object_)


def code_of(value: Any, field: str, object_: str) -> str:
    """Raises:
    Refusal: 1004 for what is no currency code.
    """
    if not re.fullmatch("[A-Z]{3}", str(value)):
        raise errors.invalid(f"{field} must be a currency code.", field, object_, value)
    return str(value)

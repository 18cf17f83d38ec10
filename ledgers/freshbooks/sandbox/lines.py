"""Lines of invoices and credit notes, and what they add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import Business
from ledgers.freshbooks.sandbox.fields import Doc, amount_of, money, number
from ledgers.freshbooks.sandbox.items import percent
from sandbox.books import exponent


@dataclass(frozen=True, slots=True)
class Totals:
    """``total`` = ``subtotal`` − ``discount`` + ``tax``."""

    subtotal: Decimal
    discount: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount + self.tax


def read(business: Business, given: Any, currency: str, object_: str) -> list[Doc]:
    """The lines of a body as they are stored and answered.

    Raises:
        Refusal: 1004 for a line that is none, 1015 for what is no number, 1018 and 1019 for taxes.
    """
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise errors.invalid("Lines must be a list.", "lines", object_)
    return [_line(business, at, each, currency, object_) for at, each in enumerate(given, start=1)]


def _line(business: Business, at: int, given: Any, currency: str, object_: str) -> Doc:
    if not isinstance(given, Mapping):
        raise errors.invalid("A line must be an object.", "lines", object_, given)
    kind = given.get("type", 0)
    if kind not in (0, 1):
        raise errors.invalid("A line is of type 0 or 1.", "lines.type", object_, kind)
    qty = number(given.get("qty", 1), "qty", object_)
    cost = amount_of(given.get("unit_cost", {"amount": 0}), "unit_cost", object_, currency)
    value = _rounded(qty * cost, currency)
    if value < 0 and business.switches["negative_lines"] == "refused":
        raise errors.invalid("A line cannot be negative.", "unit_cost", object_, cost)
    line: Doc = {
        "lineid": str(at),
        "type": kind,
        "name": str(given.get("name") or ""),
        "description": str(given.get("description") or ""),
        "qty": qty,
        "unit_cost": money(cost, currency),
        "amount": money(value, currency),
        "compounded_tax": bool(given.get("compounded_tax", False)),
    }
    for side in ("1", "2"):
        name, rate = given.get(f"taxName{side}") or None, given.get(f"taxAmount{side}")
        line[f"taxName{side}"] = name
        line[f"taxAmount{side}"] = f"{percent(rate, f'taxAmount{side}', object_):f}" if name and rate else None
    if line["taxName1"] and line["taxName1"] == line["taxName2"]:
        message = "The same tax cannot be applied twice to a line."
        raise errors.refusal(errors.SAME_TAX_TWICE, message, "taxName2", object_, line["taxName2"])
    return line


def totals(lines: Sequence[Doc], discount_percent: Decimal, currency: str) -> Totals:
    """What lines come to. Taxes are on what is left after the discount, each rounded by itself, half up."""
    subtotal = sum((Decimal(line["amount"]["amount"]) for line in lines), Decimal(0))
    tax = Decimal(0)
    for line in lines:
        base = Decimal(line["amount"]["amount"]) * (100 - discount_percent) / 100
        first = _tax(base, line["taxAmount1"], currency)
        tax += first + _tax(base + (first if line["compounded_tax"] else 0), line["taxAmount2"], currency)
    return Totals(subtotal, _rounded(subtotal * discount_percent / 100, currency), tax)


def _tax(base: Decimal, rate: str | None, currency: str) -> Decimal:
    return _rounded(base * Decimal(rate) / 100, currency) if rate else Decimal(0)


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)

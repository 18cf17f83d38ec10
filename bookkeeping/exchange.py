"""Exchange rates as exact decimals, and what an amount is worth in another currency. No floats anywhere.

A rate is decimal text: units of the home currency for one unit of the foreign one.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Final

from bookkeeping.money import exponent, to_decimal

MOST_DAYS_OLD: Final = 7  # weekends and holidays have no rates of their own; older ones are no rates of a day
_RATE: Final = re.compile(r"\d{1,9}(\.\d{1,12})?")
_DIGITS: Final = 10  # significant digits of a rate that is turned round
# Zoho Books and QuickBooks keep about this many decimals of a rate; fewer do not always give the amount received.
_FEWEST, _MOST = 6, 12


class BadRate(ValueError):
    """Text that is no exact rate above zero."""


@dataclass(frozen=True, slots=True)
class DatedRate:
    """The rate that is in force from a day on, until there is a later one."""

    on: date
    rate: str


def rate_text(text: str) -> str:
    """Return the rate as it is kept and compared: plain decimals without zeros at the end."""
    given = text.strip()
    if not _RATE.fullmatch(given) or not Decimal(given):
        raise BadRate(f"{text!r} is not a rate. Write it as a number above zero with a decimal point, like 1.2345.")
    plain = format(Decimal(given), "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def turned_round(rate: str) -> str:
    """Return the rate the other way round: foreign units per home unit becomes home units per foreign unit."""
    turned = 1 / Fraction(rate)
    decimals = _DIGITS - len(str(int(turned))) if turned >= 1 else _DIGITS
    text = _decimal(turned, min(decimals, _MOST))
    if not Decimal(text):
        raise BadRate(f"{rate} is too large to be turned round.")
    return rate_text(text)


def converted(amount: int, currency: str, rate: str, home: str) -> int:
    """Return what signed minor units of a currency are in minor units of ``home``: half-even, so signs are symmetric."""
    return round(exactly(amount, currency, rate, home))


def exactly(amount: int, currency: str, rate: str, home: str) -> Fraction:
    """Return the same before it is rounded, for what is rounded once over a sum."""
    return Fraction(amount) * Fraction(rate) * Fraction(10) ** (exponent(home) - exponent(currency))


def rate_of(sent: int, currency: str, received: int, home: str) -> str:
    """Return the rate at which ``sent`` became ``received``, of one sign, with the fewest decimals that give exactly that.

    They do so however a ledger rounds: half up as Zoho Books, or half-even as we do.

    Raises:
        BadRate: none of 12 decimals does; amounts are far beyond those of a settlement then.
    """
    exact = Fraction(received) / Fraction(sent) * Fraction(10) ** (exponent(currency) - exponent(home))
    for decimals in range(_FEWEST, _MOST + 1):
        text = _decimal(exact, decimals)
        if abs(exactly(sent, currency, text, home) - received) < Fraction(1, 2):
            return rate_text(text)
    raise BadRate(
        f"No rate of {_MOST} decimals turns {to_decimal(sent, currency)} {currency} into "
        f"{to_decimal(received, home)} {home}."
    )


def _decimal(value: Fraction, decimals: int) -> str:
    scaled = Decimal(round(value * 10**decimals)).scaleb(-decimals)
    return format(scaled.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN), "f")

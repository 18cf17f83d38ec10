"""Amounts as banks write them: ``1.234,56``, ``1 234.56-``, ``(12.00)``, ``USD 5.00 CR``. They never pass through a float."""

import re
from decimal import Decimal
from typing import Final

from bookkeeping.money import SOUND, BadAmount, from_decimal

_AROUND: Final = re.compile(r"^(?:[A-Z]{3}|[$€£¥₹])|(?:[A-Z]{3}|[$€£¥₹])$")
_SPACES: Final = re.compile(r"[\s'’]")
_LONGEST: Final = 80
_PLAIN: Final = {
    # India writes 12,34,567.00; the last group has three digits, or 12,50 would be twelve hundred.
    ".": re.compile(r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}|\d+)(?:\.\d+)?|\.\d+"),
    ",": re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?|,\d+"),
}


def amount_of(text: str, mark: str, currency: str) -> int:
    """Return an amount in minor units; ``mark`` stands before its decimals. Raises BadAmount with a sentence."""
    if len(text) > _LONGEST:  # thousands of digits take long to be made a number of
        raise BadAmount(f"{text.strip()[:40]!r}... is too long for an amount")
    plain = _SPACES.sub("", text).upper().replace("−", "-")
    negative = False
    for tail, means in (("CR", False), ("DR", True)):
        if plain.endswith(tail):
            plain, negative = plain.removesuffix(tail), means
    if plain.startswith("(") and plain.endswith(")"):
        plain, negative = plain[1:-1], True
    for _ in range(2):  # a sign outside the currency, or inside
        if plain[:1] in "+-" and plain[:1]:
            negative, plain = negative ^ (plain[0] == "-"), plain[1:]
        elif plain[-1:] in "+-" and plain[-1:]:
            negative, plain = negative ^ (plain[-1] == "-"), plain[:-1]
        plain = _AROUND.sub("", plain)
    if not _PLAIN[mark].fullmatch(plain):
        raise BadAmount(f"{text.strip()[:40]!r} is not an amount")
    number = plain.replace("," if mark == "." else ".", "").replace(",", ".")
    try:
        found = from_decimal(Decimal(number), currency)
    except BadAmount:
        raise BadAmount(f"{text.strip()[:40]!r} is not an exact amount of {currency}") from None
    if found > SOUND:
        raise BadAmount(f"{text.strip()[:40]!r} is more than any account of a seller holds")
    return -found if negative else found

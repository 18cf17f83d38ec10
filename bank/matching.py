"""Which line of a bank account is which payout: by amount and day, and by the bank's own name of the transfer where the text has
it. What is not the only possibility is nobody's: a person chooses."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

# A transfer starts on the deposit date and arrives three to five business days later (Amazon's help on payments).
WITHIN: Final = timedelta(days=10)
BY_HAND_BEFORE: Final = timedelta(days=5)
BY_HAND_WITHIN: Final = timedelta(days=60)
_SHORTEST_TRACE: Final = 6  # characters; shorter ones occur in other texts by chance


@dataclass(frozen=True, slots=True)
class Payout:
    """What should arrive: minor units of the account's currency, from a day on. ``trace`` is the bank's name of the transfer."""

    key: int
    amount: int
    on: date
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    key: int
    amount: int
    on: date
    text: str = ""
    amazon: bool = False


def fits(payout: Payout, line: Line) -> bool:
    """Whether a line may be a payout without anybody having to say so."""
    return line.amount == payout.amount and payout.on <= line.on <= payout.on + WITHIN


def fits_by_hand(payout: Payout, line: Line) -> bool:
    """Whether a person may say that a line is a payout: the amount must be the same, the day may be further off."""
    return line.amount == payout.amount and payout.on - BY_HAND_BEFORE <= line.on <= payout.on + BY_HAND_WITHIN


def matched(payouts: Iterable[Payout], lines: Iterable[Line]) -> dict[int, int]:
    """Return the line of each payout, both by key, where either is the other's only one.

    A line that has the trace id of one of the payouts goes before those that name Amazon, and they before others.
    """
    by_amount: dict[int, list[Line]] = {}
    for line in lines:
        by_amount.setdefault(line.amount, []).append(line)
    pairs = [
        (_surety(payout, line), payout.key, line.key)
        for payout in payouts
        for line in by_amount.get(payout.amount, ())
        if fits(payout, line)
    ]
    lines_of = _best((payout, line, surety) for surety, payout, line in pairs)
    payouts_of = _best((line, payout, surety) for surety, payout, line in pairs)
    return {
        payout: found[0] for payout, found in lines_of.items() if len(found) == 1 and payouts_of[found[0]] == [payout]
    }


def _best(pairs: Iterable[tuple[int, int, int]]) -> dict[int, Sequence[int]]:
    """Return for each first one the second ones of which it is surest."""
    found: dict[int, tuple[int, list[int]]] = {}
    for one, other, surety in pairs:
        best, others = found.get(one, (-1, []))
        if surety > best:
            found[one] = (surety, [other])
        elif surety == best:
            others.append(other)
    return {one: others for one, (_, others) in found.items()}


def _surety(payout: Payout, line: Line) -> int:
    trace = _letters(payout.trace)
    if len(trace) >= _SHORTEST_TRACE and trace in _letters(line.text):
        return 2
    return 1 if line.amazon else 0


def _letters(text: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "", text).upper()

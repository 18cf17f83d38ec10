"""What Amazon owed and what the books had of it over time, as a drawing: two lines, and marks where something is left over.

The lines are stretched to the width there is; texts have places in percent, so that they keep their size on a telephone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bookkeeping.months import next_month
from bookkeeping.owed import Owed
from flows.owed import Day, State
from flows.waterfall import shown

WIDTH: Final = 1000
HEIGHT: Final = 200
_MOST_MONTHS: Final = 6
_APART: Final = 20


@dataclass(frozen=True, slots=True)
class Tick:
    """A text beside an axis; ``at`` is where, in the units of the drawing, ``percent`` the same as a share of it."""

    at: int
    percent: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``amazon``, ``books`` and ``off`` are paths: Amazon's total, what the books have, and the days on which something is left over."""

    amazon: str
    books: str
    off: str
    amounts: tuple[Tick, ...]
    months: tuple[Tick, ...]
    summary: str


def draw(days: Sequence[Day], currency: str) -> Chart | None:
    """Return the drawing of days in order, amounts in minor units of ``currency``; None where there are not two to draw."""
    known = [(one, one.owed, one.owed.total) for one in days if one.owed is not None and one.owed.total is not None]
    if len(known) < 2:
        return None
    compared = any(owed.books for _, owed, _ in known)
    amounts = [0, *(total for *_, total in known), *(owed.in_books for _, owed, _ in known if compared)]
    low, span = min(amounts), max(1, max(amounts) - min(amounts))
    first, last = known[0][0].on, known[-1][0].on
    length = (last - first).days

    def x(on: date) -> int:
        return (on - first).days * WIDTH // length

    def y(amount: int) -> int:
        return HEIGHT - (amount - low) * HEIGHT // span

    def line(of: Callable[[Owed], int], which: Iterable[tuple[Day, Owed, int]]) -> str:
        steps, before = [], date.min
        for one, owed, _ in which:
            joined = one.on - timedelta(days=1) == before
            steps.append(f"{'L' if joined else 'M'}{x(one.on)} {y(of(owed))}{'' if joined else 'h0'}")
            before = one.on
        return "".join(steps)

    off = [each for each in known if each[0].state in (State.DIFFERS, State.YOUNG)]
    # A text that would stand on that of zero is left out.
    marked = [one for one in sorted({0, max(amounts), low}, reverse=True) if not one or abs(y(one) - y(0)) > _APART]
    end = known[-1][1]
    owes, has = shown(end.total or 0, currency), shown(end.in_books, currency)
    summary = f"From {first:%-d %B %Y} to {last:%-d %B %Y}, {len(known)} days. At the end Amazon owed {owes} {currency}"
    summary += f", and the books had {has} of it" if compared else ""
    summary += f". On {len(off)} of the days something is left over"
    return Chart(
        amazon=line(lambda owed: owed.total or 0, known),
        books=line(lambda owed: owed.in_books, known) if compared else "",
        off="".join(f"M{x(one.on)} {y(total)}h0" for one, _, total in off),
        amounts=tuple(Tick(y(amount), _percent(y(amount), HEIGHT), shown(amount, currency)) for amount in marked),
        months=tuple(Tick(x(month), _percent(x(month), WIDTH), f"{month:%b}") for month in _months(first, last)),
        summary=summary,
    )


def _months(first: date, last: date) -> list[date]:
    found, month = [], next_month(first.replace(day=1))
    while month <= last:
        found.append(month)
        month = next_month(month)
    return found[:: max(1, -(-len(found) // _MOST_MONTHS))]


def _percent(at: int, of: int) -> str:
    hundredths = at * 10_000 // of
    return f"{hundredths // 100}.{hundredths % 100:02}"

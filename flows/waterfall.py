"""The waterfall from gross sales to the payout as a drawing: where each bar begins and ends, in hundredths of a percent.

The drawing has no width of its own: positions are percentages, so that text keeps its size on a telephone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.money import to_text
from bookkeeping.proof import Step

ROW_HEIGHT: Final = 40  # CSS pixels: a line of text and a bar
BAR_TOP: Final = 20
BAR_HEIGHT: Final = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """One step. ``x``, ``width`` and ``end`` (where the next step begins) are percentages as text; ``y`` is in CSS pixels."""

    name: str
    amount: int
    running: int
    rows: int
    shown: str
    tone: str
    y: int
    x: str
    width: str
    end: str


@dataclass(frozen=True, slots=True)
class Chart:
    """``bars`` has the steps and, last, the total. ``zero`` is where nothing is left, in percent."""

    bars: tuple[Bar, ...]
    zero: str
    height: int
    summary: str


def draw(steps: Sequence[Step], total: int, currency: str) -> Chart:
    """Return the drawing of the steps; amounts are minor units of ``currency``."""
    heights = [0, total, *(step.running for step in steps)]
    low, span = min(heights), max(1, max(heights) - min(heights))

    def place(amount: int) -> int:
        return (amount - low) * 10_000 // span

    bars = []
    before = 0
    for row, step in enumerate(steps):
        tone = "up" if step.amount > 0 else "down" if step.amount < 0 else "level"
        bars.append(_bar(step, row, tone, place(before), place(step.running), currency))
        before = step.running
    whole = Step("What the settlement comes to", total, total, sum(step.rows for step in steps))
    bars.append(_bar(whole, len(steps), "total", place(0), place(total), currency))
    first = steps[0].name.lower() if steps else "nothing"
    summary = f"From {first} to {shown(total, currency)} {currency} in {len(steps)} steps"
    return Chart(tuple(bars), _percent(place(0)), ROW_HEIGHT * len(bars), summary)


def shown(amount: int, currency: str) -> str:
    """Return an amount as plain text for a drawing, with thousands separated and a real minus."""
    whole, _, decimals = to_text(abs(amount), currency).partition(".")
    return f"{'−' if amount < 0 else ''}{int(whole):,}{f'.{decimals}' if decimals else ''}"


def _bar(step: Step, row: int, tone: str, begin: int, end: int, currency: str) -> Bar:
    return Bar(
        name=step.name,
        amount=step.amount,
        running=step.running,
        rows=step.rows,
        shown=shown(step.amount, currency),
        tone=tone,
        y=row * ROW_HEIGHT,
        x=_percent(min(begin, end)),
        width=_percent(abs(end - begin)),
        end=_percent(end),
    )


def _percent(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}"

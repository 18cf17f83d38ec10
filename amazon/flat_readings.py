"""What the summary row states, and how the cells of this file are to be read.

Decimal mark and order of dates are not stated anywhere. Every cell rules out the readings under which it makes no
sense: an amount that is none, a settlement that ends before it starts, a row outside the period. Usually the summary
row and the first row leave one reading. If every row is read and two are left, the one wins under which the rows add up
to the total; a file that makes good sense in two ways is refused.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from amazon.flat_cells import (
    MARKS,
    Amounts,
    Instants,
    Period,
    Reading,
    date_readings,
    moment,
    not_a_number,
    outside,
    readings,
)
from amazon.flat_errors import BadSettlementFile
from amazon.flat_layouts import CURRENCY, DEPOSIT, END, SETTLEMENT_ID, START, TOTAL, TYPE, Layout, posted
from amazon.flat_rows import Lines, Rows
from bookkeeping.facts import Header
from bookkeeping.money import BadAmount, exponent

_ID: Final = re.compile(r"\d{1,20}", re.ASCII)
_RE_FORMATTED: Final = "not a date of a form that settlements use; a spreadsheet may have re-formatted it."


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary row as it is spelled."""

    line: int
    layout: Layout
    cells: Mapping[str, str]
    exponent: int

    @classmethod
    def of(cls, layout: Layout, line: int, text: str) -> "Summary":
        spelled = [cell.strip() for cell in text.split("\t")]
        spelled += [""] * (len(layout.columns) - len(spelled))
        cells = dict(zip(layout.columns, spelled, strict=False))
        if cells[TYPE] or any(text for _, text in layout.amounts(cells)):
            raise BadSettlementFile(line, "This should be the summary row, but it has a transaction of its own.")
        empty = next((name for name in (SETTLEMENT_ID, START, END, TOTAL, CURRENCY) if not cells[name]), None)
        if empty:
            raise BadSettlementFile(line, f"This should be the summary row, but its {empty} is empty.")
        if not _ID.fullmatch(cells[SETTLEMENT_ID]):
            raise BadSettlementFile(
                line,
                f"settlement-id is {cells[SETTLEMENT_ID]}, which is no settlement id: a spreadsheet has changed it.",
            )
        try:
            decimals = exponent(cells[CURRENCY])
        except BadAmount as error:
            raise BadSettlementFile(line, f"{error}.") from None
        return cls(line, layout, cells, decimals)

    def bad(self, column: str, problem: str) -> BadSettlementFile:
        return BadSettlementFile(self.line, f"The cell {column} ({self.cells[column]!r}) is {problem}")

    def lines(self) -> Lines:
        return Lines(self.layout, self.cells[SETTLEMENT_ID], self.cells[CURRENCY])


class Understood(NamedTuple):
    """A file with all its readings settled."""

    header: Header
    summary: Summary
    mark: str
    posted: Reading

    def rows(self) -> Rows:
        """Return a fresh reader of the lines behind the summary row."""
        period = Period(self.header.starts_at, self.header.ends_at)
        return Rows(self.summary.lines(), Amounts(self.mark, self.summary.exponent), Instants(self.posted, period))


def understand(summary: Summary, lines: Iterator[tuple[int, str]]) -> Understood:
    """Settle the readings with the lines behind the summary row, taking no more of them than are needed."""
    numbers, dates = _Numbers(summary), _Dates(summary)
    split = summary.lines()
    for line, text in lines:
        cells = split.cells(line, text)
        for column, amount in summary.layout.amounts(cells):
            numbers.see(line, column, amount)
        dates.see(line, *posted(cells))
        if numbers.settled and dates.settled:
            break
    mark, total = numbers.result()
    if total > 0 and not summary.cells[DEPOSIT]:
        raise summary.bad(DEPOSIT, "empty, although the settlement pays out.")
    ends, reading = dates.result()
    header = Header(
        settlement_id=summary.cells[SETTLEMENT_ID],
        starts_at=ends.period.start,
        ends_at=ends.period.end,
        deposit_on=ends.deposit_on,
        total=total,
        currency=summary.cells[CURRENCY],
    )
    return Understood(header, summary, mark, reading)


class _Numbers:
    """The decimal marks that are still possible, with the sum of the rows under each."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        # Without decimals both marks group thousands, so there is only one reading.
        marks = MARKS if summary.exponent else MARKS[:1]
        self._totals = readings(summary.cells[TOTAL], marks, summary.exponent)
        if not self._totals:
            raise summary.bad(TOTAL, not_a_number(summary.cells[TOTAL]))
        self._sums = dict.fromkeys(self._totals, 0)
        self._differ = len(set(self._totals.values())) > 1

    @property
    def settled(self) -> bool:
        return len(self._sums) == 1

    def see(self, line: int, column: str, text: str) -> None:
        values = readings(text, self._sums, self._summary.exponent)
        if not values:
            raise BadSettlementFile(line, f"The cell {column} ({text!r}) is {not_a_number(text)}")
        self._sums = {mark: self._sums[mark] + value for mark, value in values.items()}
        self._differ |= len(set(values.values())) > 1

    def result(self) -> tuple[str, int]:
        """Return the mark and the total. A file that ties under no mark is left to be refused with its difference."""
        tie = [mark for mark in self._sums if self._sums[mark] == self._totals[mark]]
        if len(self._sums) > 1 and len(tie) > 1 and self._differ:
            raise BadSettlementFile(
                self._summary.line, "The amounts of this file can be read in two ways, and both add up."
            )
        mark = (tie or list(self._sums))[0]
        return mark, self._totals[mark]


class _Ends(NamedTuple):
    """One reading of the summary row's dates."""

    reading: Reading
    period: Period
    deposit_on: date


class _Dates:
    """The pairs of readings, of the summary row's and of the rows' dates, that are still possible."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._ends = _ends(summary)
        self._pairs: list[tuple[_Ends, Reading]] | None = None
        self._differ = len({(ends.period, ends.deposit_on) for ends in self._ends}) > 1

    @property
    def settled(self) -> bool:
        return self._pairs is not None and len(self._pairs) == 1

    def see(self, line: int, column: str, text: str) -> None:
        if self._pairs is None:
            self._pairs = [
                (ends, reading)
                for ends in self._ends
                for reading in date_readings(text)
                if reading == ends.reading or reading.separator != ends.reading.separator
            ]
        read = [(pair, found) for pair in self._pairs if (found := moment(text, pair[1])) is not None]
        if not read:
            raise BadSettlementFile(line, f"The cell {column} ({text!r}) is {_RE_FORMATTED}")
        placed = [(pair, at) for pair, found in read if (at := pair[0].period.place(found)) is not None]
        if not placed:
            raise BadSettlementFile(line, f"The cell {column} ({text!r}) is {outside(read[0][0][0].period)}")
        self._pairs = [pair for pair, _ in placed]
        self._differ |= len({at for _, at in placed}) > 1

    def result(self) -> tuple[_Ends, Reading]:
        if self._pairs is None:
            raise BadSettlementFile(self._summary.line, "There are no rows behind the summary row.")
        if len(self._pairs) > 1 and self._differ:
            raise BadSettlementFile(
                self._summary.line, "Day and month cannot be told apart: all dates make sense both ways."
            )
        return self._pairs[0]


def _ends(summary: Summary) -> list[_Ends]:
    """Return every sensible reading of start, end and deposit. A period in whole days includes the last of them."""
    cells = summary.cells
    read = [(reading, moment(cells[START], reading)) for reading in date_readings(cells[START])]
    started = [(reading, start) for reading, start in read if start is not None]
    if not started:
        raise summary.bad(START, _RE_FORMATTED)
    ended = [(reading, start, end) for reading, start in started if (end := moment(cells[END], reading)) is not None]
    if not ended:
        raise summary.bad(END, _RE_FORMATTED)
    # A settlement that pays nothing out may leave the deposit date empty.
    paid = [
        (reading, Period(start.at, end.at + timedelta(days=end.whole_day)), end.at.date(), deposit.at.date())
        for reading, start, end in ended
        if (deposit := moment(cells[DEPOSIT], reading) if cells[DEPOSIT] else end) is not None
    ]
    if not paid:
        raise summary.bad(DEPOSIT, _RE_FORMATTED)
    forward = [ends for ends in paid if ends[1].start < ends[1].end]
    if not forward:
        raise summary.bad(END, "not after the start of the period.")
    paid_after = [ends for ends in forward if ends[3] >= ends[2]]
    return [_Ends(reading, period, deposit_on) for reading, period, _, deposit_on in paid_after or forward]

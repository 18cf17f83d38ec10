"""A table of exchange rates as text, read whole or refused with every line that is wrong. Pure.

Three layouts, told apart by the first line: ``date,currency,rate`` (home units for one of the currency), ``date,base,currency,rate``
(units of the currency for one of the base, either way round), or ``date`` and a column for each pair: ``GBP/USD`` holds
dollars for one pound. Days are ``2025-10-15``, ``15 Oct 2025``, or have slashes where all of them can be read in one way only.
Semicolons and tabs separate as commas do; with semicolons, decimals may have a comma.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from bookkeeping.exchange import BadRate, rate_text, turned_round
from bookkeeping.money import CURRENCIES

MOST_BYTES: Final = 2_000_000
MOST_RATES: Final = 10_000  # stored in one transaction, which keeps all other writers waiting on a small site
EARLIEST: Final = date(2010, 1, 1)
_NAMED: Final = 10  # wrong lines that a refusal names
_PAIR: Final = re.compile(r"([A-Z]{3})[/ -]?([A-Z]{3})")
_WORDS: Final = ("%d %b %Y", "%d %B %Y")
_SLASHES: Final = ("%d/%m/%Y", "%m/%d/%Y")


class BadRateFile(ValueError):
    """Nothing of the file was used. ``problems`` says what is wrong in it, a sentence with its line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = len(problems) - _NAMED
        self.problems = [*problems[:_NAMED], *([f"{more} more lines are wrong."] if more > 0 else [])]
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of ``currency`` is ``rate`` units of the home currency on a day. ``line`` is where a file says so."""

    currency: str
    on: date
    rate: str
    line: int = field(default=0, compare=False)


def read(content: bytes, home: str, until: date) -> list[Rate]:
    """Return the rates into ``home`` that a file states, each day and currency once, of no day after ``until``. Raises
    BadRateFile."""
    if len(content) > MOST_BYTES:
        raise BadRateFile([f"The file has more than {MOST_BYTES // 1_000_000} MB: leave out what is not needed."])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRateFile(["The file is no text in UTF-8. Save it as CSV (UTF-8)."]) from None
    lines = text.splitlines()
    if not lines or not lines[0].strip():
        raise BadRateFile(["Line 1: the names of the columns are missing, for example date,currency,rate."])
    separator = next((mark for mark in (";", "\t") if mark in lines[0]), ",")
    try:
        table = list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        raise BadRateFile(["A cell does not end: look for a quotation mark that nothing closes."]) from None
    return _Reader(home, until, table[0], comma=separator == ";").read(table[1:])


class _Reader:
    def __init__(self, home: str, until: date, header: Sequence[str], *, comma: bool) -> None:
        self.home, self.until, self.comma = home, until, comma
        self.formats: tuple[str, ...] = _WORDS
        names = [name.strip().casefold() for name in header]
        if "date" not in names:
            raise BadRateFile(["Line 1: no column is called date."])
        self.day = names.index("date")
        self.pairs = {
            n: (pair[1], pair[2]) for n, name in enumerate(header) if (pair := _PAIR.fullmatch(name.strip().upper()))
        }
        self.columns = {name: names.index(name) for name in ("base", "currency", "rate") if name in names}
        if not self.pairs and not {"currency", "rate"} <= self.columns.keys():
            raise BadRateFile(["Line 1: name the columns date,currency,rate, or date and pairs like GBP/USD."])

    def read(self, rows: Sequence[Sequence[str]]) -> list[Rate]:
        found: dict[tuple[str, date], tuple[str, int]] = {}
        problems: list[str] = []
        self._settle_on_slashes([cell for row in rows if "/" in (cell := self._cell(row, self.day))])
        for n, row in enumerate(rows, start=2):
            if not any(cell.strip() for cell in row):
                continue
            try:
                for one in self._rates(row):
                    if len(found) >= MOST_RATES:
                        raise BadRateFile(
                            [f"The file has more than {MOST_RATES:,} rates: split it, or leave out old days."]
                        )
                    before = found.setdefault((one.currency, one.on), (one.rate, n))
                    if before[0] != one.rate:
                        raise BadRate(f"{one.currency} of {one.on} has another rate in line {before[1]}.")
            except BadRate as error:
                problems.append(f"Line {n}: {error}")
        if problems:
            raise BadRateFile(problems)
        if not found:
            raise BadRateFile(["The file has no rates below its first line."])
        return [Rate(currency, on, rate, line) for (currency, on), (rate, line) in sorted(found.items())]

    def _settle_on_slashes(self, days: Sequence[str]) -> None:
        """Read days with slashes in the one way in which all of them can be read."""
        ways = {each: [_day(day, [each]) for day in days] for each in _SLASHES}
        fitting = [each for each, read in ways.items() if None not in read]
        if days and len(fitting) == len(ways) and len({tuple(read) for read in ways.values()}) > 1:
            raise BadRateFile([f"Days like {days[0]} can be read in two ways. Write them like 2025-10-15."])
        self.formats = (*_WORDS, *fitting[:1])

    def _rates(self, row: Sequence[str]) -> Iterator[Rate]:
        on = _day(self._cell(row, self.day), self.formats)
        if on is None:
            raise BadRate(f"{self._cell(row, self.day)!r} is not a day. Write it like 2025-10-15 or 15 Oct 2025.")
        if on < EARLIEST:
            raise BadRate(f"{on} is before any settlement: leave out the days before {EARLIEST.year}.")
        if on > self.until:
            raise BadRate(f"{on} has not come yet: nobody knows its rate.")
        if self.pairs:
            for at, (base, quoted) in self.pairs.items():
                if text := self._cell(row, at):
                    yield self._rate(on, base, quoted, text)
            return
        currency = self._cell(row, self.columns["currency"]).upper()
        text = self._cell(row, self.columns["rate"])
        if "base" in self.columns:
            yield self._rate(on, self._cell(row, self.columns["base"]).upper(), currency, text)
        else:
            yield self._rate(on, currency, self.home, text)

    def _rate(self, on: date, base: str, quoted: str, text: str) -> Rate:
        """Return the rate of a pair: ``text`` units of ``quoted`` for one of ``base``."""
        for code in (base, quoted):
            if code not in CURRENCIES:
                raise BadRate(f"{code!r} is no currency code like GBP.")
        rate = rate_text(text.replace(",", ".") if self.comma else text)
        if base == quoted or self.home not in (base, quoted):
            raise BadRate(f"{base}/{quoted} is no rate between {self.home} and another currency.")
        return Rate(base, on, rate) if quoted == self.home else Rate(quoted, on, turned_round(rate))

    def _cell(self, row: Sequence[str], at: int) -> str:
        return row[at].strip() if at < len(row) else ""


def _day(text: str, formats: Sequence[str]) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    for each in formats:
        try:
            return datetime.strptime(text, each).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    return None

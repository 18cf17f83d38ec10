"""Amounts and dates as cells spell them.

Both are localised, and the file does not say how. A *reading* is one way to understand its cells; cells rule readings
out until one is left, and the sum of all rows proves the choice. Nothing passes through a float or a locale library.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from amazon.flat_errors import BadCell

MARKS: Final = (".", ",")
_CACHED: Final = 8192  # distinct texts kept per cache, so that memory stays flat
_DIGITS: Final = 13  # of an amount in minor units; no cell of a settlement comes near, and all sums fit 64 bits

_BLANKS: Final = " \u00a0\u202f\u2009'’"


def _number(mark: str) -> re.Pattern[str]:
    """Digits, perhaps grouped by thousands (or the Indian way), perhaps a fraction behind the mark."""
    group = _BLANKS + {".": ",", ",": ".", "": ",."}[mark]
    whole = rf"\d{{1,3}}(?P<g>[{group}])(?:\d{{3}}(?P=g))*\d{{3}}|\d+"
    if mark == ".":
        whole += r"|\d{1,2},(?:\d\d,)+\d{3}"
    fraction = rf"{re.escape(mark)}(?P<fraction>\d+)" if mark else r"[.,](?P<fraction>0{1,2})"
    return re.compile(rf"(?P<whole>{whole})(?:{fraction})?", re.ASCII)


_NUMBERS: Final = {mark: _number(mark) for mark in (*MARKS, "")}
_NOT_DIGIT: Final = re.compile(r"\D")


def amount(text: str, mark: str, exponent: int) -> int | None:
    """Return a cell in minor units under one decimal mark, None where it is no exact amount of that form.

    A minus sign may stand before or behind, or the number in parentheses. In a currency without decimals both marks
    group thousands and a fraction can only be a zero or two, so there the mark does not matter.
    """
    body = text.strip().replace("\u2212", "-")
    negative = False
    if body[:1] == "-":
        negative, body = True, body[1:]
    elif body[-1:] == "-":
        negative, body = True, body[:-1]
    elif body[:1] == "(" and body[-1:] == ")":
        negative, body = True, body[1:-1]
    found = _NUMBERS[mark if exponent else ""].fullmatch(body)
    if found is None:
        return None
    fraction = found["fraction"] or ""
    if fraction[exponent:].strip("0"):
        return None
    digits = _NOT_DIGIT.sub("", found["whole"]) + fraction[:exponent].ljust(exponent, "0")
    if len(digits) > _DIGITS:
        return None
    return -int(digits) if negative else int(digits)


def readings(text: str, marks: Iterable[str], exponent: int) -> dict[str, int]:
    """Return what the cell says under each of the decimal marks that can read it."""
    values = ((mark, amount(text, mark, exponent)) for mark in marks)
    return {mark: value for mark, value in values if value is not None}


class Amounts(dict[str, int]):
    """A cache from cell text to minor units, under the file's decimal mark."""

    def __init__(self, mark: str, exponent: int) -> None:
        super().__init__()
        self._mark, self._exponent = mark, exponent

    def __missing__(self, text: str) -> int:
        whole, _, fraction = text.partition(self._mark)
        digits = whole.removeprefix("-") + fraction
        if 0 < len(fraction) == self._exponent < len(digits) <= _DIGITS and digits.isascii() and digits.isdigit():
            value: int | None = int(whole + fraction)  # the usual form, without a pattern
        else:
            value = amount(text, self._mark, self._exponent)
        if value is None:
            raise BadCell(not_a_number(text))
        if len(self) >= _CACHED:
            self.clear()
        self[text] = value
        return value


def not_a_number(text: str) -> str:
    if not text:
        return "empty."
    if text[0] == text[-1] == '"':
        return "in quotation marks, which a spreadsheet adds."
    if re.fullmatch(r"-?\d(?:[.,]\d+)?E[+-]?\d+", text, re.IGNORECASE):
        return "written as a power of ten by a spreadsheet."
    return "not an amount in the number format and currency of this file."


class Reading(NamedTuple):
    """One order of day, month and year with its separator: ``dmy`` and ``.`` reads 05.03.2026 as 5 March."""

    order: str
    separator: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A cell's instant in UTC. A cell without a time says only which day; then ``at`` is its first instant."""

    at: datetime
    whole_day: bool


# Others are a slip, and months outside of this century have no page; a day may move by a zone at either end.
_YEARS: Final = range(2001, 2099)
_DATE: Final = re.compile(
    r"(\d{4}|\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d\d):(\d\d)(?:\.\d+)?)? ?(UTC|GMT|Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)


def date_readings(text: str) -> list[Reading]:
    """Return every reading that can make a date of the cell, the likelier first."""
    found = _DATE.fullmatch(text)
    if found is None:
        return []
    separator = found[2]
    day_first = ["dmy"] if separator == "." else ["dmy", "mdy"]
    orders = ["ymd"] if len(found[1]) == 4 else day_first
    return [reading for order in orders if moment(text, reading := Reading(order, separator)) is not None]


def moment(text: str, reading: Reading) -> Moment | None:
    """Return the instant of a cell under a reading, None where it is no date of that form."""
    found = _DATE.fullmatch(text)
    if found is None or found[2] != reading.separator:
        return None
    parts = dict(zip(reading.order, (found[1], found[3], found[4]), strict=True))
    if len(parts["y"]) not in (2, 4) or len(parts["m"]) > 2 or len(parts["d"]) > 2:
        return None
    year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)
    if year not in _YEARS:
        return None
    try:
        day = date(year, int(parts["m"]), int(parts["d"]))
        clock = time(int(found[5]), int(found[6]), int(found[7])) if found[5] else time()
    except ValueError:
        return None
    return Moment(datetime.combine(day, clock, UTC) - _offset(found[8]), whole_day=found[5] is None)


def _offset(zone: str | None) -> timedelta:
    if not zone or zone[0] not in "+-":
        return timedelta()
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return -size if zone[0] == "-" else size


@dataclass(frozen=True, slots=True)
class Period:
    """The instants a settlement covers, the end exclusive."""

    start: datetime
    end: datetime

    def place(self, posted: Moment) -> datetime | None:
        """Return the instant of a posted cell, None when it lies outside.

        A cell that names only a day becomes noon UTC of it, which is that same day in every marketplace's zone, moved
        inside the period on its first and last day.
        """
        if not posted.whole_day:
            return posted.at if self.start <= posted.at < self.end else None
        if posted.at + timedelta(days=1) <= self.start or posted.at >= self.end:
            return None
        noon = posted.at + timedelta(hours=12)
        return min(max(noon, self.start), self.end - timedelta(seconds=1))


class Instants(dict[str, datetime]):
    """A cache from posted cell to its instant, under the file's reading and within its period."""

    def __init__(self, reading: Reading, period: Period) -> None:
        super().__init__()
        self._reading, self._period = reading, period
        self._year_first, self._day_first = reading == Reading("ymd", "-"), reading == Reading("dmy", ".")

    def __missing__(self, text: str) -> datetime:
        at = self._usual(text)
        if at is None or not self._period.start <= at < self._period.end:
            found = moment(text.strip(), self._reading)
            if found is None:
                raise BadCell("not a date of the form this file uses; a spreadsheet may have re-formatted it.")
            at = self._period.place(found)
            if at is None:
                raise BadCell(outside(self._period))
        if len(self) >= _CACHED:
            self.clear()
        self[text] = at
        return at

    def _usual(self, text: str) -> datetime | None:
        """Read ``2021-01-05 12:34:56 UTC`` and ``05.03.2026 09:08:07 UTC`` without a pattern."""
        if text[19:] != " UTC":
            return None
        if self._day_first:
            text = f"{text[6:10]}-{text[3:5]}-{text[:2]}{text[10:19]}"
        elif not self._year_first:
            return None
        try:
            return datetime.fromisoformat(text[:19] + "+00:00")
        except ValueError:
            return None


def outside(period: Period) -> str:
    return f"outside the settlement's period, {period.start:%Y-%m-%d %H:%M:%S} to {period.end:%Y-%m-%d %H:%M:%S} UTC."

"""Blocks of rows as they come out of a file, to be had one by one or grouped for summing.

``Columns`` holds a plain V2 block by columns and makes rows only when they are asked for; ``Listed`` holds rows that were
read line by line. Both are a ``bookkeeping.batches.Batch``.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from amazon.flat_errors import BadCell
from amazon.flat_layouts import (
    AMOUNT,
    AMOUNT_TYPE,
    DESCRIPTION,
    FULFILMENT,
    ITEM,
    MARKETPLACE,
    ORDER,
    QUANTITY,
    SKU,
    TYPE,
)
from bookkeeping.facts import Label, Row

_UNITS: Final = re.compile(r"(-?\d{1,9})(?:[.,]0+)?", re.ASCII)
_REMEMBERED: Final = 4096  # distinct texts kept per cache, so that memory stays flat


class Labels(dict[tuple[str, str, str], Label]):
    def __missing__(self, triple: tuple[str, str, str]) -> Label:
        label = Label(*map(str.strip, triple))
        if not label.transaction_type:
            raise BadCell("empty.")
        if len(self) >= _REMEMBERED:
            self.clear()
        self[triple] = label
        return label


class Units(dict[str, int]):
    def __missing__(self, text: str) -> int:
        found = _UNITS.fullmatch(text.strip())
        if found is None and text.strip():
            raise BadCell("not a whole number.")
        if len(self) >= _REMEMBERED:
            self.clear()
        units = self[text] = int(found[1]) if found else 0
        return units


class Caches(NamedTuple):
    """What cells of one file mean, by their text. Each raises BadCell for a cell that means nothing."""

    labels: Mapping[tuple[str, str, str], Label]
    amounts: Mapping[str, int]
    instants: Mapping[str, datetime]
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ColumnGroup:
    """A group of a plain block; ``at`` are its rows' places in the block's columns."""

    label: Label
    marketplace: str
    amounts: list[int]
    at: list[int]
    first_line: int
    order_column: list[str]

    def lines(self) -> Iterator[int]:
        return (self.first_line + at for at in self.at)

    def order_ids(self) -> Iterator[str]:
        return (self.order_column[at].strip() for at in self.at)


class Columns:
    """The rows of a plain V2 block, column by column; every cell of them is known to be readable."""

    def __init__(
        self, line: int, count: int, column: Callable[[str], list[str]], posted_at: list[str], caches: Caches
    ) -> None:
        self._lines, self._column, self._caches = range(line, line + count), column, caches
        self._posted_at = posted_at
        self._types = column(TYPE), column(AMOUNT_TYPE), column(DESCRIPTION)
        self._units = column(QUANTITY)
        self.amounts = list(map(caches.amounts.__getitem__, column(AMOUNT)))
        self._instants = [caches.instants[text] for text in set(posted_at)]
        if not all(map(str.strip, set(self._types[0]))):
            raise BadCell("empty.")
        for text in set(self._units):
            caches.units[text]

    def __len__(self) -> int:
        return len(self._lines)

    def __iter__(self) -> Iterator[Row]:
        column, caches = self._column, self._caches
        cells = zip(
            self._lines,
            map(caches.labels.__getitem__, zip(*self._types, strict=True)),
            self.amounts,
            map(caches.instants.__getitem__, self._posted_at),
            map(str.strip, column(ORDER)),
            map(str.strip, column(ITEM)),
            map(str.strip, column(SKU)),
            map(caches.units.__getitem__, self._units),
            map(str.strip, column(MARKETPLACE)),
            map(str.strip, column(FULFILMENT)),
            strict=True,
        )
        return map(Row._make, cells)

    def span(self) -> tuple[datetime, datetime]:
        return min(self._instants), max(self._instants)

    def groups(self) -> list[ColumnGroup]:
        types, kinds, names = self._types
        marketplaces, orders = self._column(MARKETPLACE), self._column(ORDER)
        places: defaultdict[tuple[str, str, str, str], list[int]] = defaultdict(list)
        for at, place in enumerate(zip(types, kinds, names, marketplaces, strict=True)):
            places[place].append(at)
        labels, amounts = self._caches.labels, self.amounts
        return [
            ColumnGroup(
                labels[place[:3]], place[3].strip(), [amounts[at] for at in found], found, self._lines.start, orders
            )
            for place, found in places.items()
        ]


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group of a block that was read line by line."""

    label: Label
    marketplace: str
    amounts: list[int]
    rows: list[Row]

    def lines(self) -> Iterator[int]:
        return (row.line for row in self.rows)

    def order_ids(self) -> Iterator[str]:
        return (row.order_id for row in self.rows)


class Listed:
    """The rows of a block that was read line by line."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows
        self.amounts = [row.amount for row in rows]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def span(self) -> tuple[datetime, datetime]:
        posted_at = [row.posted_at for row in self._rows]
        return min(posted_at), max(posted_at)

    def groups(self) -> list[ListedGroup]:
        places: defaultdict[tuple[Label, str], list[Row]] = defaultdict(list)
        for row in self._rows:
            places[row.label, row.marketplace].append(row)
        return [
            ListedGroup(label, marketplace, [row.amount for row in found], found)
            for (label, marketplace), found in places.items()
        ]


Block = Columns | Listed

"""Lines become rows. The careful way looks at every cell; the usual V2 block is read column by column instead.

Both ways give the same rows. Whatever the quick way cannot vouch for goes the careful way, which also finds the line
and the column of an error.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from amazon.flat_blocks import Block, Caches, Columns, Labels, Listed, Units
from amazon.flat_cells import Amounts, Instants
from amazon.flat_errors import BadCell, BadSettlementFile
from amazon.flat_layouts import (
    AMOUNT,
    AMOUNT_TYPE,
    CURRENCY,
    DAY,
    DESCRIPTION,
    FULFILMENT,
    INSTANT,
    ITEM,
    MARKETPLACE,
    ORDER,
    QUANTITY,
    SETTLEMENT_ID,
    SKU,
    TOTAL,
    TYPE,
    V1_AMOUNTS,
    Layout,
    Name,
    posted,
    v2_label,
)
from bookkeeping.facts import Label, Row

T = TypeVar("T")

_IDS: Final = (ORDER, "merchant-order-id", "adjustment-id", "shipment-id", ITEM, "merchant-order-item-id")
# Twice what Amazon uses, and what the database holds.
_LONGEST: Final = {ORDER: 36, SKU: 120, MARKETPLACE: 60, TYPE: 120, AMOUNT_TYPE: 200, DESCRIPTION: 300}
_POWER_OF_TEN: Final = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.ASCII)
_ONE_EACH: Final = "Upload each settlement as a file of its own, as Seller Central offers it."


class Lines:
    """Splits and checks the lines that follow the summary row."""

    def __init__(self, layout: Layout, settlement_id: str, currency: str) -> None:
        self.layout, self.settlement_id, self.currency = layout, settlement_id, currency
        self._short = False

    def cells(self, line: int, text: str, *, cut: bool = False) -> dict[str, str]:
        """Return the cells by column name, without the blanks around them; trimmed trailing cells come back as "".

        ``cut`` says that the file ends here without a line end.
        """
        cells = [cell.strip() for cell in text.split("\t")]
        columns = self.layout.columns
        if len(cells) < len(columns):
            if cut and not self._short:
                raise BadSettlementFile(line, "The file is cut off in the middle of this line.")
            self._short = True
            cells += [""] * (len(columns) - len(cells))
        elif any(cells[len(columns) :]):
            raise BadSettlementFile(line, f"The line has more cells than the header has columns ({len(columns)}).")
        named = dict(zip(columns, cells, strict=False))
        self._belongs(line, named)
        self._undamaged(line, named)
        return named

    def _belongs(self, line: int, cells: Mapping[str, str]) -> None:
        found = cells[SETTLEMENT_ID]
        if found.casefold() == SETTLEMENT_ID:
            raise BadSettlementFile(line, "A second header row: two settlement files were put together.", _ONE_EACH)
        if found != self.settlement_id:
            named = f"settlement {found}" if found else "no settlement"
            raise BadSettlementFile(
                line, f"The row names {named}, but the file is that of settlement {self.settlement_id}.", _ONE_EACH
            )
        if cells[TOTAL]:
            raise BadSettlementFile(line, "A second summary row: two settlements were put together.", _ONE_EACH)
        if cells[CURRENCY] not in ("", self.currency):
            raise BadSettlementFile(line, f"The row is in {cells[CURRENCY]}, the settlement in {self.currency}.")

    def _undamaged(self, line: int, cells: Mapping[str, str]) -> None:
        for name in _IDS:
            if _POWER_OF_TEN.fullmatch(cells.get(name, "")):
                raise BadSettlementFile(
                    line, f"{name} is {cells[name]}: a spreadsheet turned the id into a number and lost its digits."
                )
        for name in (TYPE, AMOUNT_TYPE, ORDER, ITEM, INSTANT, DAY):
            if quoted(cells.get(name, "")):
                raise BadSettlementFile(line, f"{name} is {cells[name]}: a spreadsheet added quotation marks.")
        for name, longest in _LONGEST.items():
            if len(cells.get(name, "")) > longest:
                raise BadSettlementFile(line, f"{name} is longer than {longest} characters: cells have moved.")
        if not cells[TYPE]:
            raise BadSettlementFile(line, "The row has no transaction-type: cells are missing or have moved.")


def quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


class Rows:
    """Turns the lines of one file, after its summary row, into rows."""

    def __init__(self, lines: Lines, amounts: Amounts, instants: Instants) -> None:
        self._lines, self._caches = lines, Caches(Labels(), amounts, instants, Units())
        self._header_of: tuple[str, ...] = ()
        self._header_units = 0

    def block(self, line: int, text: str) -> Block:
        """Return the rows of a block of whole lines, of which the first is line number ``line``.

        Raises:
            BadSettlementFile: at the first line that is wrong.
        """
        plain = self._by_columns(line, text) if self._lines.layout.name is Name.V2 else None
        return Listed(list(self._by_lines(line, text))) if plain is None else plain

    def _by_columns(self, line: int, text: str) -> Columns | None:
        """Read a block column by column; None where some line of it needs a closer look.

        Every line has exactly the header's number of cells when the settlement id stands at every such cell: the cell
        behind an id is the start date and never the id again, so no line could fall out of step and back in.
        """
        if '"' in text or ("+" in text and "E+" in text):
            return None
        names = self._lines.layout.columns
        cells = text.replace("\n", "\t").split("\t")
        if text[-1:] == "\n":
            cells.pop()
        count, left = divmod(len(cells), len(names))

        def column(name: str) -> list[str]:
            return cells[names.index(name) :: len(names)]

        if left or column(SETTLEMENT_ID).count(self._lines.settlement_id) != count or any(column(TOTAL)):
            return None
        if not {"", self._lines.currency}.issuperset(column(CURRENCY)):
            return None
        if any(max(map(len, column(name))) > longest for name, longest in _LONGEST.items()):
            return None
        posted_at = column(INSTANT if INSTANT in names else DAY)
        try:
            return Columns(line, count, column, posted_at, self._caches)
        except BadCell:
            return None

    def _by_lines(self, first: int, text: str) -> Iterator[Row]:
        *whole, rest = text.split("\n")
        for line, one in enumerate(whole, first):
            if one.strip():
                yield from self._line(line, self._lines.cells(line, one))
        if rest.strip():
            line = first + len(whole)
            yield from self._line(line, self._lines.cells(line, rest, cut=True))

    def _line(self, line: int, cells: dict[str, str]) -> Iterator[Row]:
        column, text = posted(cells)
        at = _read(line, column, text, self._caches.instants)
        units = _read(line, QUANTITY, cells[QUANTITY], self._caches.units)
        for label, amount in self._entries(line, cells, units):
            stated = units or self._header_units_for(cells, label)
            yield Row(
                line,
                label,
                amount,
                at,
                cells[ORDER],
                cells[ITEM],
                cells[SKU],
                stated,
                cells[MARKETPLACE],
                cells[FULFILMENT],
            )

    def _entries(self, line: int, cells: dict[str, str], units: int) -> Iterator[tuple[Label, int]]:
        """Yield the amounts of a line under the labels V2 gives them."""
        if self._lines.layout.name is Name.V2:
            label = self._caches.labels[cells[TYPE], cells[AMOUNT_TYPE], cells[DESCRIPTION]]
            yield label, _read(line, AMOUNT, cells[AMOUNT], self._caches.amounts)
            return
        kinds = [kind for kind in V1_AMOUNTS if cells.get(kind.amount)]
        if not kinds:
            self._header_of, self._header_units = _item(cells), units
        for kind in kinds:
            yield v2_label(kind, cells), _read(line, kind.amount, cells[kind.amount], self._caches.amounts)

    def _header_units_for(self, cells: dict[str, str], label: Label) -> int:
        """Return the units that V1 states on the header row of an item, once: on its Principal row."""
        if (
            label.amount_description != "Principal"
            or label.amount_type != "ItemPrice"
            or _item(cells) != self._header_of
        ):
            return 0
        units, self._header_units = self._header_units, 0
        return units


def _item(cells: Mapping[str, str]) -> tuple[str, ...]:
    return cells[TYPE], cells[ORDER], cells[ITEM], cells[SKU]


def _read(line: int, column: str, text: str, cache: Mapping[str, T]) -> T:
    try:
        return cache[text]
    except BadCell as error:
        raise BadSettlementFile(line, f"The cell {column} ({text!r}) is {error}") from None

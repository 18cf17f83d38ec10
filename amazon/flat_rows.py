"""Lines become rows. The careful way looks at every cell; the usual V2 block is read column by column instead.

Both ways give the same rows. Whatever the quick way cannot vouch for goes the careful way, which also finds the line
and the column of an error.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeVar

from amazon.flat_cells import Amounts, Instants
from amazon.flat_errors import BadCell, BadSettlementFile
from amazon.flat_layouts import (
    AMOUNT,
    AMOUNT_TYPE,
    BLANKS,
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
_POWER_OF_TEN: Final = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.ASCII)
_UNITS: Final = re.compile(r"(-?\d+)(?:[.,]0+)?", re.ASCII)
_REMEMBERED: Final = 4096
# A block with none of these has no blanks around values, no quotation marks and no powers of ten.
_SUSPICIOUS: Final = (" \t", "\t ", " \n", "\n ", '"', "E+", *BLANKS[1:])
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
        cells = [cell.strip(BLANKS) for cell in text.split("\t")]
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
        if not cells[TYPE]:
            raise BadSettlementFile(line, "The row has no transaction-type: cells are missing or have moved.")


def quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


class Rows:
    """Turns the lines of one file, after its summary row, into rows."""

    def __init__(self, lines: Lines, amounts: Amounts, instants: Instants) -> None:
        self._lines, self._amounts, self._instants = lines, amounts, instants
        self._labels, self._units = _Labels(), _Units()
        self._header_of: tuple[str, ...] = ()
        self._header_units = 0

    def block(self, line: int, text: str) -> list[Row]:
        """Return the rows of a block of whole lines, of which the first is line number ``line``.

        Raises:
            BadSettlementFile: at the first line that is wrong.
        """
        rows = self._by_columns(line, text) if self._lines.layout.name is Name.V2 else None
        return list(self._by_lines(line, text)) if rows is None else rows

    def _by_columns(self, line: int, text: str) -> list[Row] | None:
        """Read a block column by column; None where some line of it needs a closer look.

        Every line has exactly the header's number of cells when the settlement id stands at every such cell: the cell
        behind an id is the start date and never the id again, so no line could fall out of step and back in.
        """
        if any(mark in text for mark in _SUSPICIOUS):
            return None
        columns = self._lines.layout.columns
        width, start = len(columns), columns.index
        cells = text.replace("\n", "\t").split("\t")
        if text[-1:] == "\n":
            cells.pop()
        count = len(cells) // width
        if (
            count * width != len(cells)
            or cells[start(SETTLEMENT_ID) :: width].count(self._lines.settlement_id) != count
        ):
            return None
        if any(cells[start(TOTAL) :: width]):
            return None
        if not {"", self._lines.currency}.issuperset(cells[start(CURRENCY) :: width]):
            return None
        at = cells[start(INSTANT if INSTANT in columns else DAY) :: width]
        if "" in at:
            return None
        labels = zip(*(cells[start(name) :: width] for name in (TYPE, AMOUNT_TYPE, DESCRIPTION)), strict=True)
        try:
            rows = zip(
                range(line, line + count),
                map(self._labels.__getitem__, labels),
                map(self._amounts.__getitem__, cells[start(AMOUNT) :: width]),
                map(self._instants.__getitem__, at),
                cells[start(ORDER) :: width],
                cells[start(ITEM) :: width],
                cells[start(SKU) :: width],
                map(self._units.__getitem__, cells[start(QUANTITY) :: width]),
                cells[start(MARKETPLACE) :: width],
                cells[start(FULFILMENT) :: width],
                strict=True,
            )
            return list(map(Row._make, rows))
        except BadCell:
            return None

    def _by_lines(self, first: int, text: str) -> Iterator[Row]:
        *whole, rest = text.split("\n")
        for line, one in enumerate(whole, first):
            if one.strip(BLANKS + "\t"):
                yield from self._line(line, self._lines.cells(line, one))
        if rest.strip(BLANKS + "\t"):
            line = first + len(whole)
            yield from self._line(line, self._lines.cells(line, rest, cut=True))

    def _line(self, line: int, cells: dict[str, str]) -> Iterator[Row]:
        column, text = posted(cells)
        at = _read(line, column, text, self._instants)
        units = _read(line, QUANTITY, cells[QUANTITY], self._units)
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
            label = self._labels[cells[TYPE], cells[AMOUNT_TYPE], cells[DESCRIPTION]]
            yield label, _read(line, AMOUNT, cells[AMOUNT], self._amounts)
            return
        kinds = [kind for kind in V1_AMOUNTS if cells.get(kind.amount)]
        if not kinds:
            self._header_of, self._header_units = _item(cells), units
        for kind in kinds:
            yield v2_label(kind, cells), _read(line, kind.amount, cells[kind.amount], self._amounts)

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


class _Labels(dict[tuple[str, str, str], Label]):
    def __missing__(self, triple: tuple[str, str, str]) -> Label:
        if not triple[0]:
            raise BadCell("empty.")
        if len(self) >= _REMEMBERED:
            self.clear()
        label = self[triple] = Label(*triple)
        return label


class _Units(dict[str, int]):
    def __missing__(self, text: str) -> int:
        found = _UNITS.fullmatch(text)
        if found is None and text:
            raise BadCell("not a whole number.")
        if len(self) >= _REMEMBERED:
            self.clear()
        units = self[text] = int(found[1]) if found else 0
        return units

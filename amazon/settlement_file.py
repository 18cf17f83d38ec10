"""Reads a settlement flat file as a stream: what its summary row states, and its rows.

The file is read in whole, line by line, and proves itself: its rows must add up to its total, to the minor unit. Dates
and numbers are localised and the file does not say how, so the readings are settled first: as a rule by the summary row
and one more line, and only a file that stays ambiguous is read through once for this purpose. Memory does not grow
with the file. Pure: no Django, clock or network.
"""

from collections.abc import Callable, Iterable, Iterator

from amazon.flat_blocks import Block
from amazon.flat_bytes import TextBlocks, decompressed
from amazon.flat_errors import BadSettlementFile
from amazon.flat_layouts import Layout, Name
from amazon.flat_readings import Summary, Understood, understand
from bookkeeping.facts import Header, Row
from bookkeeping.money import to_text

OpenChunks = Callable[[], Iterable[bytes]]


class SettlementFile:
    """A settlement file that is understood, not yet proved: it counts only when an iteration over it has ended well.

    Iterating yields its rows in the order of the file, and may be repeated.

    Raises, while iterating:
        BadSettlementFile: at the first row that is wrong, or at the end, when the rows do not add up to the total.
    """

    def __init__(self, text: Callable[[], TextBlocks], understood: Understood) -> None:
        self._text, self._understood = text, understood
        self.header: Header = understood.header
        self.layout: Name = understood.summary.layout.name
        self.codec = "ascii"  # the character set that was needed, known after an iteration

    def __iter__(self) -> Iterator[Row]:
        for batch in self.batches():
            yield from batch

    def batches(self) -> Iterator[Block]:
        """Yield the rows some hundreds at a time, as they come out of the file."""
        known, blocks = self._understood, self._text()
        rows = known.rows()
        total = count = 0
        for line, text in blocks:
            while line <= known.summary.line and text:
                _, _, text = text.partition("\n")
                line += 1
            batch = rows.block(line, text)
            if batch:
                count += len(batch)
                total += sum(batch.amounts)
                yield batch
        self.codec = blocks.codec
        if not count:
            raise BadSettlementFile(known.summary.line, "There are no rows behind the summary row.")
        if total != self.header.total:
            raise BadSettlementFile(known.summary.line, self._difference(total, count, blocks.terminated))

    def _difference(self, total: int, count: int, terminated: bool) -> str:
        currency, stated = self.header.currency, self.header.total
        end = "" if terminated else " The last line has no line end, so the file may be cut off."
        return (
            f"The {count} rows add up to {to_text(total, currency)} {currency}, but the summary row says "
            f"{to_text(stated, currency)}: a difference of {to_text(total - stated, currency)}.{end}"
        )


def read(open_chunks: OpenChunks, *, charset: str = "", legacy: str = "") -> SettlementFile:
    """Understand a settlement file, V2 or V1, from its unzipped bytes.

    ``open_chunks`` starts the bytes from the beginning on every call; it is called here, once more for every iteration.
    ``charset`` is the one of the download's Content-Type, ``legacy`` the page for a file that is not UTF-8; without it
    the settlement's currency tells: cp932 for Japan, cp1252 elsewhere.

    Raises:
        BadSettlementFile: the file is no settlement, or damaged, or can be read in more than one way.
    """

    # What has to be understood first is plain ASCII, and Latin-1 decodes whatever stands beside it.
    lines = _numbered(TextBlocks(open_chunks(), charset, legacy or "latin-1"))
    _, header = next(lines, (0, ""))
    if not header:
        raise BadSettlementFile(0, "The file is empty.")
    layout = Layout.of(header)
    line, summary = next(lines, (1, ""))
    if not summary:
        raise BadSettlementFile(1, "There is a header, but nothing behind it.")
    understood = understand(Summary.of(layout, line, summary), lines)
    page = legacy or ("cp932" if understood.header.currency == "JPY" else "cp1252")
    return SettlementFile(lambda: TextBlocks(open_chunks(), charset, page), understood)


def _numbered(blocks: TextBlocks) -> Iterator[tuple[int, str]]:
    for first, text in blocks:
        for line, one in enumerate(text.split("\n"), first):
            if one.strip():
                yield line, one


__all__ = ["BadSettlementFile", "Name", "SettlementFile", "decompressed", "read"]

"""Lines of a CSV file (RFC 4180) that a spreadsheet opens as it is meant."""

import csv
import io
from collections.abc import Iterable
from typing import Final

BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"  # without it Excel takes UTF-8 for something older

# Full-width signs too: Excel takes them for the plain ones where such text is written.
_FORMULAS: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")


def line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()


def text(value: str) -> str:
    """Keep a spreadsheet from taking text for a formula. Not for figures: a minus sign belongs to them."""
    return f"'{value}" if value.startswith(_FORMULAS) else value

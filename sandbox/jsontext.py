"""JSON with exact decimals: a ``Decimal`` is written and read as a JSON number, never through a binary float."""

import json
import re
import secrets
from decimal import Decimal
from typing import Any

_MARK = secrets.token_hex(12)
_MARKED = re.compile(f'"{_MARK}([^"]*)"')


def _mark(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value:f}"
    raise TypeError(f"not JSON: {type(value).__name__}")


def dumps(value: object) -> str:
    """Compact JSON. ``Decimal('1.10')`` becomes ``1.10``.

    Raises:
        TypeError: a value that JSON has no shape for.
    """
    return _MARKED.sub(r"\1", json.dumps(value, default=_mark, separators=(",", ":"), ensure_ascii=False))


def loads(text: str | bytes) -> Any:
    """Parsed JSON; a number with a point or an exponent arrives as ``Decimal``.

    Raises:
        ValueError: not JSON (``json.JSONDecodeError`` and ``UnicodeDecodeError`` are kinds of it).
    """
    return json.loads(text, parse_float=Decimal)

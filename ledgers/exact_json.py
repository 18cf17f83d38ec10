"""JSON of exact numbers and canonical bytes, so that a frozen call is the same whenever it is rendered. Pure."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def encode(value: object) -> bytes:
    """Return canonical JSON: sorted keys, no blanks, Decimal as a number with its own decimals, no float anywhere."""
    return _text(value).encode()


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        items = (f"{json.dumps(key)}:{_text(value[key])}" for key in sorted(value))
        return "{" + ",".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(_text(item) for item in value) + "]"
    if isinstance(value, float):
        raise TypeError("a float never reaches the wire")
    return json.dumps(value, ensure_ascii=False)


def decode(body: bytes) -> Any:
    """Return parsed JSON with exact numbers. Raises ValueError on anything else."""
    return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)


def _no_constant(name: str) -> Decimal:
    raise ValueError(f"{name} is no amount")

"""Pretend sellers from what a tester posts: dataclasses and times out of JSON."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.seller import Account, Shape, seller

_CLOSED_BEFORE = timedelta(days=3)


def built(kind: Any, values: Mapping[str, Any]) -> Any:
    """A dataclass from JSON. Raises ValueError for a name it does not have."""
    known = {field.name for field in fields(kind)}
    if extra := set(values) - known:
        raise ValueError(f"unknown: {', '.join(sorted(extra))}")
    return kind(**{name: _value(kind, name, value) for name, value in values.items()})


def account_of(values: Mapping[str, Any], seed: int, now: datetime, *, seller_id: str = "") -> Account:
    """An account of a shape; unless that says so, its last period closed three days before ``now``."""
    shape = built(Shape, values)
    if "last_end" not in values:
        last_end = now - _CLOSED_BEFORE
        # Accounts of one seller close at different times of the day: only one that is asked for alone at the usual one.
        if not seller_id:
            last_end = last_end.replace(hour=22, minute=7, second=19)
        shape = replace(shape, last_end=last_end.replace(microsecond=0).astimezone(UTC))
    return seller(shape, seed, seller_id)


def _value(kind: Any, name: str, value: Any) -> Any:
    if name == "last_end":
        return datetime.fromisoformat(value)
    if isinstance(value, list):
        return tuple(value)
    return float(value) if any(each.name == name and each.type is float for each in fields(kind)) else value

"""A statement as JSON, as a plan keeps it for its pages and its proof. The orders are left out: they are in the file."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from bookkeeping.accounts import Category
from bookkeeping.facts import Header, Label
from bookkeeping.figures import Movement, MovementKind, Part, Statement, Sum, TaxResidual, UnknownLabel
from bookkeeping.remarks import Flag, FlagKind


def to_json(statement: Statement) -> dict[str, Any]:
    plain: dict[str, Any] = _plain({**asdict(statement), "orders": {}})
    return plain


def from_json(plain: Mapping[str, Any]) -> Statement:
    header = plain["header"]
    return Statement(
        header=Header(
            settlement_id=header["settlement_id"],
            starts_at=datetime.fromisoformat(header["starts_at"]),
            ends_at=datetime.fromisoformat(header["ends_at"]),
            deposit_on=date.fromisoformat(header["deposit_on"]),
            total=header["total"],
            currency=header["currency"],
        ),
        parts=tuple(
            Part(
                part["n"], date.fromisoformat(part["month"]), date.fromisoformat(part["on"]), part.get("before", False)
            )
            for part in plain["parts"]
        ),
        rows=plain["rows"],
        sums=tuple(
            Sum(**{**one, "category": Category(one["category"]), "label": Label(*one["label"])})
            for one in plain["sums"]
        ),
        totals={int(part): by_key for part, by_key in plain["totals"].items()},
        movements=tuple(
            Movement(
                **{
                    **one,
                    "kind": MovementKind(one["kind"]),
                    "on": date.fromisoformat(one["on"]),
                    "label": Label(*one["label"]),
                }
            )
            for one in plain["movements"]
        ),
        opening_debt=plain["opening_debt"],
        unknown=tuple(UnknownLabel(**{**one, "label": Label(*one["label"])}) for one in plain["unknown"]),
        taxes=tuple(TaxResidual(**one) for one in plain["taxes"]),
        reserve_held=plain["reserve_held"],
        reserve_released=plain["reserve_released"],
        flags=flags_from_json(plain["flags"]),
    )


def flags_to_json(flags: tuple[Flag, ...]) -> list[dict[str, Any]]:
    return [_plain(asdict(flag)) for flag in flags]


def flags_from_json(plain: list[dict[str, Any]]) -> tuple[Flag, ...]:
    return tuple(
        Flag(**{**one, "kind": FlagKind(one["kind"]), "label": Label(*one["label"]) if one["label"] else None})
        for one in plain
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, date):
        return value.isoformat()
    return value

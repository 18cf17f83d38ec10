"""The stand-in's own shape of the API, with scalars that read and write as Wave's do (sheet §1)."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from graphql import (
    FloatValueNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    IntValueNode,
    StringValueNode,
    ValueNode,
    build_schema,
)

SDL: Final = (Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def make_schema() -> GraphQLSchema:
    """A schema without resolvers."""
    schema = build_schema(SDL)
    _scalar(schema, "Decimal", _decimal, lambda value: f"{value:f}")
    _scalar(schema, "Date", _date, str)
    _scalar(schema, "DateTime", _instant, str)
    return schema


def _scalar(schema: GraphQLSchema, name: str, read: Callable[[Any], Any], write: Callable[[Any], Any]) -> None:
    scalar = schema.type_map[name]
    assert isinstance(scalar, GraphQLScalarType)

    def literal(node: ValueNode, *_more: object) -> Any:
        plain = (StringValueNode, IntValueNode, FloatValueNode) if name == "Decimal" else (StringValueNode,)
        if not isinstance(node, plain):
            raise GraphQLError(f"{name} cannot represent the value", node)
        return read(node.value)

    scalar.coerce_input_value = read
    scalar.coerce_input_literal = literal
    scalar.coerce_output_value = write


def _decimal(value: Any) -> Decimal:
    """A string or a number; JSON's numbers arrive as int or Decimal."""
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise InvalidOperation
        number = Decimal(value)
        if not number.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise GraphQLError(f"Decimal cannot represent {value!r}") from None
    return number


def _date(value: Any) -> str:
    try:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValueError
        date.fromisoformat(value)
    except ValueError:
        raise GraphQLError(f"Date cannot represent {value!r}: yyyy-MM-dd") from None
    return value


def _instant(value: Any) -> str:
    try:
        if not isinstance(value, str):
            raise ValueError
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
    except ValueError:
        raise GraphQLError(f"DateTime cannot represent {value!r}: yyyy-MM-ddTHH:mm:ss.SSSZ") from None
    return value

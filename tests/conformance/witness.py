"""A stand-in of a GraphQL API behind a witness: every request and every answer is held against the published schema."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "specs"
# How scalars arrive in JSON; amounts are texts, so that nobody's floats touch them.
_SCALARS: Mapping[str, type] = {"Int": int, "Float": float, "Boolean": bool}


@cache
def published(path: str) -> GraphQLSchema | None:
    """The schema of that name beside the checkout, None where there is none."""
    file = PUBLISHED / path
    return build_schema(file.read_text(encoding="utf-8")) if file.is_file() else None


class Witness:
    """``seen`` counts the exchanges that were held against the schema, ``faults`` says what does not fit it."""

    def __init__(self, app: Callable[..., Iterable[bytes]], schema: GraphQLSchema) -> None:
        self._app, self._schema = app, schema
        self.seen = 0
        self.faults: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        operation = self._asked(json.loads(body))
        answered = b""
        for chunk in self._app({**environ, "wsgi.input": BytesIO(body)}, start_response):
            answered += chunk
            yield chunk
        self._answered(operation, answered)

    def _asked(self, request: Mapping[str, Any]) -> OperationDefinitionNode:
        document, faults = _read(self._schema, request["query"])
        operation = next(
            each
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode) and each.name and each.name.value == request["operationName"]
        )
        read = get_variable_values(self._schema, operation.variable_definitions or (), request["variables"])
        self.faults += faults + ([str(each) for each in read] if isinstance(read, list) else [])
        return operation

    def _answered(self, operation: OperationDefinitionNode, body: bytes) -> None:
        try:
            answer = json.loads(body)
        except ValueError:
            return  # a proxy's page
        self.seen += 1
        of = self._schema.query_type if operation.operation is OperationType.QUERY else self._schema.mutation_type
        assert of
        if answer.get("data") is not None:
            self.faults += _wrong(of, operation, answer["data"], of.name)
        for error in answer.get("errors", ()):
            if not isinstance(error.get("message"), str) or not isinstance(error["extensions"].get("code"), str):
                self.faults.append(f"an error without message and code: {error}")


@cache
def _read(schema: GraphQLSchema, query: str) -> tuple[Any, list[str]]:
    document = parse(query)
    return document, [str(each) for each in validate(schema, document)]


def _wrong(of: GraphQLObjectType, node: OperationDefinitionNode | FieldNode, value: Any, path: str) -> Iterator[str]:
    """What of an object is not as its type has it; our documents have neither fragments nor aliases."""
    fields = [each for each in node.selection_set.selections if isinstance(each, FieldNode)]  # type: ignore[union-attr]
    names = [each.name.value for each in fields]
    if sorted(value) != sorted(names):
        yield f"{path}: {sorted(value)} instead of {sorted(names)}"
        return
    for each in fields:
        name = each.name.value
        yield from _misfit(of.fields[name].type, each, value[name], f"{path}.{name}")


def _misfit(of: GraphQLType, node: FieldNode, value: Any, path: str) -> Iterator[str]:
    if isinstance(of, GraphQLNonNull):
        if value is None:
            yield f"{path} is null"
        else:
            yield from _misfit(of.of_type, node, value, path)
    elif value is None:
        return
    elif isinstance(of, GraphQLList):
        for at, each in enumerate(value):
            yield from _misfit(of.of_type, node, each, f"{path}.{at}")
    elif isinstance(of, GraphQLObjectType):
        yield from _wrong(of, node, value, path)
    elif isinstance(of, GraphQLEnumType):
        if value not in of.values:
            yield f"{path} is {value}"
    elif type(value) is not _SCALARS.get(of.name, str):  # type: ignore[attr-defined]
        yield f"{path} is {value!r}"

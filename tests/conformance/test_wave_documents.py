"""Every document the Wave client sends is valid by the public schema, and so is every input it writes."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import graphql
import pytest

from bookkeeping.documents import How, Kind, Undo
from ledgers.port import External
from ledgers.wave import accounts, operations, translate
from ledgers.wave.tests import factories as make

SCHEMA = Path(__file__).resolve().parents[3] / "shared" / "specs" / "wave" / "schema.graphql"
NEVER = {"archivable", "raw", "price"}  # null though declared non-null, overflowing, deprecated

pytestmark = [
    pytest.mark.specs,
    pytest.mark.skipif(not SCHEMA.is_file(), reason="the public schema is not beside the checkout"),
]
POSTED = {"inv1": External("I1"), "p1": External("P1")}
POSTS = [
    make.post(make.new_account()),
    make.post(make.customer()),
    make.post(make.item(sku="MUG")),
    make.post(make.invoice(memo="Order")),
    make.post(make.payment(), refs=POSTED),
    make.post(make.entry()),
    make.post(make.transfer(source="CLEARING", target="PAYOUTS")),
    make.post(make.undo("inv1", Kind.INVOICE), refs=POSTED),
    make.post(make.undo("p1", Kind.PAYMENT), refs=POSTED),
    make.post(Undo("e1", Kind.ENTRY, How.REVERSE, make.entry())),
]


@cache
def schema() -> graphql.GraphQLSchema:
    return graphql.build_schema(SCHEMA.read_text())


DOCUMENTS = {
    **operations.QUERIES,
    **{name: mutation.document for name, mutation in operations.MUTATIONS.items()},
}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_valid_and_carries_its_operation_alone(name: str) -> None:
    parsed = graphql.parse(DOCUMENTS[name])

    (operation,) = parsed.definitions
    assert graphql.validate(schema(), parsed) == []
    assert isinstance(operation, graphql.OperationDefinitionNode)
    assert operation.name is not None
    assert operation.name.value == name
    assert NEVER.isdisjoint(_fields(operation))


@pytest.mark.parametrize("post", POSTS, ids=lambda post: type(post.document).__name__)
def test_an_input_is_one_the_schema_takes(post: Any) -> None:
    (call,) = translate.render([post], make.COMPANY)

    request = json.loads(call.body)
    operation = graphql.parse(request["query"]).definitions[0]
    assert isinstance(operation, graphql.OperationDefinitionNode)
    read = graphql.execution.values.get_variable_values(
        schema(), operation.variable_definitions or (), request["variables"]
    )
    assert not isinstance(read, list), read


def test_every_subtype_we_create_may_be_created_and_every_one_we_read_exists() -> None:
    creatable = schema().type_map["AccountSubtypeValueCreateInput"]
    known = schema().type_map["AccountSubtypeValue"]

    assert isinstance(creatable, graphql.GraphQLEnumType)
    assert isinstance(known, graphql.GraphQLEnumType)
    assert set(accounts.SUBTYPES.values()) <= creatable.values.keys()
    assert set(accounts._CLASSES) <= known.values.keys()


def _fields(node: graphql.Node) -> set[str]:
    found: set[str] = set()

    class Names(graphql.Visitor):
        def enter_field(self, field: graphql.FieldNode, *_: Any) -> None:
            found.add(field.name.value)

    graphql.visit(node, Names())
    return found

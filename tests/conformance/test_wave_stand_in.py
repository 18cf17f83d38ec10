"""Whatever the Wave stand-in speaks is in the published shape of the API, and says the same there."""

from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    EnumTypeDefinitionNode,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    parse,
    print_ast,
)

from ledgers.wave.sandbox.graph import RESOLVERS, SCOPES
from ledgers.wave.sandbox.schema import SDL, make_schema
from ledgers.wave.sandbox.subtypes import SUBTYPES

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "specs" / "wave" / "schema.graphql"
needs_published = pytest.mark.skipif(not PUBLISHED.is_file(), reason="the published schema is not beside the checkout")


def facts(document: DocumentNode) -> dict[str, str]:
    """``Type``, ``Type.field``, ``Type.field(argument)`` → what is said of it: kind, type with nullability, default."""
    found: dict[str, str] = {}
    for each in document.definitions:
        match each:
            case ScalarTypeDefinitionNode():
                found[each.name.value] = "scalar"
            case EnumTypeDefinitionNode():
                found[each.name.value] = "enum"
                found |= {f"{each.name.value}.{value.name.value}": "value" for value in each.values or ()}
            case InputObjectTypeDefinitionNode():
                found[each.name.value] = "input"
                found |= {f"{each.name.value}.{field.name.value}": said(field) for field in each.fields or ()}
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                found[each.name.value] = "object"
                for above in each.interfaces or ():
                    found[f"{each.name.value} implements {above.name.value}"] = "yes"
                for field in each.fields or ():
                    place = f"{each.name.value}.{field.name.value}"
                    found[place] = print_ast(field.type)
                    found |= {f"{place}({argument.name.value})": said(argument) for argument in field.arguments or ()}
    return found


def said(node) -> str:
    default = f" = {print_ast(node.default_value)}" if node.default_value else ""
    return f"{print_ast(node.type)}{default}"


def required(sdl: dict[str, str]) -> set[str]:
    """Arguments and input fields that must be given."""
    inputs = {name for name, kind in sdl.items() if kind == "input"}
    return {
        place
        for place, what in sdl.items()
        if what.endswith("!") and (place.endswith(")") or place.partition(".")[0] in inputs)
    }


@needs_published
@pytest.mark.specs
def test_every_type_field_argument_and_value_is_published_as_it_is_spoken():
    ours, published = facts(parse(SDL)), facts(parse(PUBLISHED.read_text(encoding="utf-8")))

    strange = {place: (what, published.get(place)) for place, what in ours.items() if published.get(place) != what}

    assert strange == {}


@needs_published
@pytest.mark.specs
def test_nothing_that_must_be_given_is_left_out():
    ours, published = facts(parse(SDL)), facts(parse(PUBLISHED.read_text(encoding="utf-8")))

    missing = {
        place
        for place in required(published) - set(ours)
        if place.removesuffix(")").split("(")[0] in ours or (place.partition(".")[0] in ours and "(" not in place)
    }

    assert missing == set()


@needs_published
@pytest.mark.specs
@pytest.mark.parametrize("name", ["AccountSubtypeValue", "AccountSubtypeValueCreateInput", "CurrencyCode", "InvoiceStatus",
                                  "InvoicePaymentMethod", "BalanceType"])  # fmt: skip
def test_enumerations_that_matter_are_complete(name):
    ours, published = facts(parse(SDL)), facts(parse(PUBLISHED.read_text(encoding="utf-8")))

    assert [each for each in published if each.startswith(f"{name}.") and each not in ours] == []


def test_a_field_that_says_something_else_would_be_seen():
    assert facts(parse("type A { b(c: Int = 1): [D!]! } enum E { F } input G { h: Int! = 2 }")) == {
        "A": "object", "A.b": "[D!]!", "A.b(c)": "Int = 1", "E": "enum", "E.F": "value", "G": "input",
        "G.h": "Int! = 2",
    }  # fmt: skip


def test_every_resolver_and_every_scope_belongs_to_a_field():
    types = make_schema().type_map
    places = [*((kind, name) for kind, fields in RESOLVERS.items() for name in fields), *SCOPES]

    assert [place for place in places if place[1] not in types[place[0]].fields] == []
    assert set(types["Query"].fields) == set(RESOLVERS["Query"])
    assert set(types["Mutation"].fields) == set(RESOLVERS["Mutation"])
    assert set(types["AccountSubtypeValue"].values) == set(SUBTYPES)

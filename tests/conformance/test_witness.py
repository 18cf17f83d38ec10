"""What the witness of a GraphQL stand-in would see."""

import json
from io import BytesIO

import pytest
from graphql import build_schema

from tests.conformance.witness import Witness

SCHEMA = build_schema("""
type Query { account(id: ID!): Account }
type Account { id: ID! balance: Decimal sub: [Kind!]! }
enum Kind { A B }
scalar Decimal
""")
QUERY = "query Q($id: ID!) { account(id: $id) { id balance sub } }"
FITS = {"data": {"account": {"id": "1", "balance": "1.50", "sub": ["A"]}}}


def faults(answer, query=QUERY, **variables):
    body = json.dumps({"operationName": "Q", "query": query, "variables": variables or {"id": "1"}}).encode()
    answered = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    witness = Witness(lambda environ, start_response: [answered], SCHEMA)
    assert b"".join(witness({"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}, None)) == answered
    return witness.faults


@pytest.mark.parametrize(
    "answer",
    [
        FITS,
        {"data": {"account": None}},
        {"data": None, "errors": [{"message": "No", "extensions": {"code": "X"}}]},
        b"<html>",
    ],
)
def test_what_fits_is_no_fault(answer):
    assert faults(answer) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id": None}, "Query.account.id is null"),
        ({"balance": 1.5}, "Query.account.balance is 1.5"),
        ({"sub": ["A", "C"]}, "Query.account.sub.1 is C"),
        ({"more": 1}, "Query.account: ['balance', 'id', 'more', 'sub'] instead of ['balance', 'id', 'sub']"),
    ],
)
def test_an_answer_of_another_shape_is_seen(changed, said):
    assert faults({"data": {"account": {**FITS["data"]["account"], **changed}}}) == [said]


def test_an_error_without_a_code_is_seen():
    assert len(faults({"data": None, "errors": [{"message": "No", "extensions": {}}]})) == 1


def test_a_document_or_variable_of_another_shape_is_seen():
    assert len(faults(b"", query="query Q($id: ID!) { account(id: $id) { id name } }")) == 1
    assert len(faults(b"", id=["1"])) == 1

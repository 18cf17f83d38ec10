"""Every property that is written to FreshBooks is one that its described models take, and all they require are there."""

import json
from pathlib import Path

import pytest
import yaml

from bookkeeping.documents import Kind
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.translate import RESOURCES, render
from ledgers.port import External

SPEC = Path(__file__).resolve().parents[3] / "shared" / "specs" / "freshbooks" / "openapi.yaml"
# What the description is known to leave out, though the documentation has it.
LEFT_OUT = {
    Kind.INVOICE: {"invoice_number"},
    Kind.PAYMENT: {"send_client_notification"},
}
INVOICE = {"inv1": External("91", "v")}
POSTS = {
    Kind.INVOICE: (make.post(make.invoice()), make.COMPANY, "InvoiceRequest"),
    Kind.PAYMENT: (make.post(make.payment(), refs=INVOICE), make.COMPANY, "PaymentRequest"),
    Kind.EXPENSE: (make.post(make.expense(), bindings=make.CATEGORIES), make.LITE, "ExpenseRequest"),
    Kind.ENTRY: (make.post(make.entry()), make.COMPANY, "JournalEntryRequest"),
    Kind.CUSTOMER: (make.post(make.customer()), make.COMPANY, "ClientRequest"),
    Kind.ITEM: (make.post(make.item(sku="MUG")), make.COMPANY, "ItemRequest"),
}

pytestmark = [
    pytest.mark.specs,
    pytest.mark.skipif(not SPEC.is_file(), reason="the description is not beside the checkout"),
]


@pytest.fixture(scope="module")
def schemas():
    return yaml.safe_load(SPEC.read_text())["components"]["schemas"]


def resolved(schemas, schema):
    return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def strange(schemas, schema, value, where):
    """What of a value the schema does not know, or misses."""
    schema = resolved(schemas, schema)
    if isinstance(value, list):
        return [each for item in value for each in strange(schemas, schema["items"], item, where)]
    if not isinstance(value, dict):
        return [f"{where} is not one of its values"] if value not in schema.get("enum", [value]) else []
    known = schema["properties"]
    missing = [f"{where}.{name} is missing" for name in schema.get("required", ()) if name not in value]
    unknown = [f"{where}.{name}" for name in value if name not in known]
    inner = [strange(schemas, known[name], part, f"{where}.{name}") for name, part in value.items() if name in known]
    return [*missing, *unknown, *(each for part in inner for each in part)]


@pytest.mark.parametrize("kind", POSTS)
def test_what_is_written_is_what_the_description_takes(schemas, kind):
    post, company, request = POSTS[kind]
    [call] = render([post], company)

    found = strange(schemas, schemas[request], json.loads(call.body), "")

    assert found == [f".{RESOURCES[kind].name}.{name}" for name in sorted(LEFT_OUT.get(kind, ()))]


@pytest.mark.parametrize("kind", POSTS)
def test_what_is_written_goes_to_an_address_that_is_described(kind):
    post, company, _ = POSTS[kind]
    [call] = render([post], company)

    path = call.path.replace(company.plan.account_id, "{accountId}")

    assert call.method.lower() in yaml.safe_load(SPEC.read_text())["paths"][path]

"""Zoho's own OpenAPI files as tests read them, and the places where the live service is known to differ from them.

The files describe successes only, and are partly wrong (``SOURCE.md`` beside them). ``DIFFERENCES`` are the places where
the observed service wins; each must still be needed (``test_conformance``).
"""

import json
import re
from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft4Validator

SPECS = Path(__file__).resolve().parents[5] / "shared" / "specs" / "zoho" / "openapi"


def resolved(document, schema):
    """A schema without references, as JSON Schema takes it."""
    if isinstance(schema, list):
        return [resolved(document, each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found = document
        for part in schema["$ref"].lstrip("#/").split("/"):
            found = found[part]
        return resolved(document, found)
    return {key: resolved(document, value) for key, value in schema.items() if key not in ("example", "format")}


@cache
def described():
    """(method, path pattern, path) → statuses and schema of its success."""
    found = {}
    for file in sorted(SPECS.glob("*.yml")):
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if method not in ("get", "post", "put", "delete"):
                    continue
                for status, response in operation["responses"].items():
                    schema = response.get("content", {}).get("application/json", {}).get("schema")
                    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path.lstrip("/")))
                    found[method.upper(), path.lstrip("/")] = (
                        re.compile(f"{pattern}\\Z"),
                        int(status),
                        document,
                        schema,
                    )
    return found


def description_of(method, path):
    """The described operation that means this call: the one with the fewest variable parts."""
    fitting = [key for key, value in described().items() if key[0] == method and value[0].match(path)]
    return min(fitting, key=lambda key: key[1].count("{"), default=None)


# Sheet §3 says otherwise than the description, so the sheet wins. Reason → does (operation, place, answered) fit it?
NUMBERS_ON_TEXT = {"total", "balance", "shipping_charge", "debit_amount"}
DIFFERENCES = {
    "money is a JSON number": lambda operation, place, value: (
        place.rpartition("/")[2] in NUMBERS_ON_TEXT and isinstance(value, int | float)
    ),
    "empty values come as an empty text": lambda operation, place, value: value == "",
    "page_context is an object": lambda operation, place, value: (
        place == "page_context" and operation in ("GET invoices", "GET expenses")
    ),
    "a list of credit notes is a list": lambda operation, place, value: (
        (operation, place) == ("GET creditnotes", "creditnotes")
    ),
    "the first month of the fiscal year is a text": lambda operation, place, value: (
        place.endswith("fiscal_year_start_month") and value == "1"
    ),
    "a new exchange rate is answered as a record": lambda operation, place, value: (
        operation.endswith("/exchangerates") and place == "exchange_rate"
    ),
}
# "Status: create 201, everything else 200 (also for POST status changes)."
STATUSES = {
    "POST basecurrencyadjustment": 201,
    "POST creditnotes/{creditnote_id}/refunds": 201,
    "POST customerpayments/{customer_payment_id}/refunds": 201,
    "POST expenses": 201,
    "POST chartofaccounts/{account_id}/active": 200,
    "POST chartofaccounts/{account_id}/inactive": 200,
    "POST journals/{journal_id}/status/publish": 200,
}
# Described nowhere, seen live (sheet §3, §7), or in a record that is described without a shape.
LIVE_FIELDS = {
    "api_name", "auto_exchange_rate_enabled", "available_receivables_credits", "bcy_rounding_mode", "bcy_sub_total",
    "bcy_tax_total", "customerpayments", "date_format", "invoice_numbers", "invoice_source", "journal_number_prefix",
    "journal_number_suffix", "org_settings", "payment_status", "rounding_mode", "roundoff_value", "tax_rounding",
    "total_refunded_amount", "transaction_rounding_type", "unused_amount", "fcy_amount", "creditnote_invoice_id",
}  # fmt: skip


def problems(method, path, status, answer):
    """(operation, place, value, what) of everything in an answer, given as bytes, that does not fit."""
    key = description_of(method, path)
    operation = " ".join(key)
    wanted = STATUSES.get(operation, described()[key][1])
    if status != wanted:
        yield operation, "status", status, f"described: {wanted}"
    yield from misfits(operation, _answered(key), json.loads(answer))


def request_problems(method, path, query, sent):
    """(operation, place, value, what) of everything in a request that is not described; ``sent`` are bytes."""
    key = description_of(method, path)
    if key is None:
        yield f"{method} {path}", "path", path, "no such operation"
        return
    operation, (names, prose, schema) = " ".join(key), _asked(key)
    for name in query:
        # Variants of a filter are written in its text alone.
        if name not in names and name not in prose:
            yield operation, f"?{name}", query[name], "no such parameter"
    if sent and schema is None:
        yield operation, "body", sent, "no body is described"
    elif sent:
        yield from misfits(operation, schema, json.loads(sent))


def misfits(operation, schema, body):
    for error in Draft4Validator(schema).iter_errors(body):
        place = "/".join("*" if isinstance(part, int) else part for part in error.absolute_path)
        yield operation, place, error.instance, error.message[:200]
    for place in undescribed(schema, body, ""):
        yield operation, place, None, "no such field"


@cache
def _answered(key):
    _, _, document, schema = described()[key]
    return resolved(document, schema)


@cache
def _asked(key):
    """The parameters of an operation, their texts, and the schema of its body."""
    document, (method, path) = described()[key][2], key
    operation = document["paths"][f"/{path}"][method.lower()]
    parameters = [resolved(document, each) for each in operation.get("parameters", ())]
    prose = " ".join(each.get("description", "") for each in parameters)
    content = operation.get("requestBody", {}).get("content", {}).values()
    schema = next((resolved(document, each["schema"]) for each in content), None)
    return {each["name"] for each in parameters}, prose, schema


def undescribed(schema, value, place):
    if isinstance(value, list):
        for each in value:
            yield from undescribed(schema.get("items", {}), each, f"{place}/*")
    elif isinstance(value, dict) and "properties" in schema:
        for name, each in value.items():
            if name in schema["properties"]:
                yield from undescribed(schema["properties"][name], each, f"{place}/{name}")
            elif name not in LIVE_FIELDS and name not in property_names():
                yield f"{place}/{name}"


@cache
def property_names():
    """Every field name any of the files knows: live records carry more fields than one file says, but no other words."""
    names = set()

    def walk(node):
        if isinstance(node, dict):
            names.update(node.get("properties", ()))
            for each in node.values():
                walk(each)
        elif isinstance(node, list):
            for each in node:
                walk(each)

    for document in {id(document): document for _, _, document, _ in described().values()}.values():
        walk(document)
    return names

"""The official models of the Selling Partner API as a yardstick: operations, answers that fit, and static sandbox cases.

A file ``amazon_calls_<area>.py`` beside this one lists in ``CALLS`` what is called of that area; every one of them is checked
by ``test_amazon_stand_in``.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker
from werkzeug.test import TestResponse

from tests.sandbox.amazon_caller import Caller

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "amazon"
needs_models = [
    pytest.mark.specs,
    pytest.mark.skipif(not SPECS.is_dir(), reason="the official models are not beside the checkout"),
]
FORMATS = FormatChecker()

NOT_OURS = {"updateShipmentStatus", "getOrderRegulatedInfo", "updateVerificationStatus", "confirmShipment"}
"""Operations of Orders v0 that ship orders; bookkeeping needs none of them."""

WITHOUT_MODEL = {"rotateApplicationClientSecret"}
"""Operations of ours whose official model is not among the saved ones."""

GRANTLESS = {
    "createDestination",
    "getDestinations",
    "getDestination",
    "deleteDestination",
    "getSubscriptionById",
    "deleteSubscriptionById",
    "sendTestNotification",
}
"""Operations that are called with the application's own token, not with a seller's."""


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Call:
    """One call and the status it is answered with. ``path`` and ``query`` may hold ``{name}``: what ``given`` answers."""

    operation: str
    query: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    given: Callable[[Caller], Mapping[str, str]] = lambda _: {}

    def __str__(self) -> str:
        return f"{self.operation}-{self.status}{''.join(f'-{name}' for name in self.query)}"


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    described: dict[str, Any]
    model: str

    def required(self) -> dict[str, str]:
        """Name → place (``query``, ``path``, ``body``) of each parameter that must be there."""
        return {each["name"]: each["in"] for each in self.described.get("parameters", ()) if each.get("required")}


@cache
def model(name: str) -> dict[str, Any]:
    return json.loads((SPECS / name).read_text())


@cache
def operations() -> dict[str, Operation]:
    """Every operation of the models that is ours; Orders v0's getOrder is called getOrderV0."""
    found = {}
    for file in sorted(SPECS.glob("*.json")):
        for path, methods in model(file.name)["paths"].items():
            for method, described in methods.items():
                if method in ("get", "post", "delete") and described["operationId"] not in NOT_OURS:
                    old = path == "/orders/v0/orders/{orderId}"
                    name = described["operationId"] + ("V0" if old else "")
                    found[name] = Operation(method, path, described, file.name)
    return found


def strict(schema: Any) -> Any:
    """A schema that allows no property it does not name: a misspelt one must not pass as an extra."""
    if isinstance(schema, dict):
        made = {name: strict(value) for name, value in schema.items()}
        if "properties" in schema and "additionalProperties" not in schema:
            made["additionalProperties"] = False
        return made
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


@cache
def _definitions(name: str) -> Any:
    known = model(name)["definitions"]
    return strict({each: _merged(schema, known) for each, schema in known.items()})


def _merged(schema: Any, known: Mapping[str, Any]) -> Any:
    """One object with the properties of all parts: parts that each allow nothing else would refuse each other's."""
    if "allOf" not in schema:
        return schema
    parts = [known[each["$ref"].rpartition("/")[2]] if "$ref" in each else each for each in schema["allOf"]]
    return {
        "type": "object",
        "properties": {name: value for part in parts for name, value in part.get("properties", {}).items()},
        "required": [name for part in parts for name in part.get("required", [])],
    }


@cache
def _validator(operation: str, status: int) -> Draft4Validator | None:
    known = operations()[operation]
    schema = known.described["responses"][str(status)].get("schema")
    if schema is None:
        return None
    return Draft4Validator({**strict(schema), "definitions": _definitions(known.model)}, format_checker=FORMATS)


def check(operation: str, answer: TestResponse) -> None:
    """The answer is what the model documents for its status; no body where none is documented."""
    validator = _validator(operation, answer.status_code)
    if validator is None:
        assert answer.data == b""
        return
    problems = sorted(validator.iter_errors(answer.json), key=str)
    assert not problems, "\n".join(f"{'/'.join(map(str, each.path))}: {each.message[:300]}" for each in problems)


def calls() -> list[Call]:
    """What the areas list."""
    files = sorted(Path(__file__).parent.glob("amazon_calls_*.py"))
    return [each for file in files for each in importlib.import_module(f"tests.conformance.{file.stem}").CALLS]


def send(
    caller: Caller, operation: str, path: Mapping[str, str], query: Mapping[str, str], body: Any, root: str = ""
) -> TestResponse:
    """Call an operation with the kind of token it wants; a name of its path that is not given stays as it is spelt."""
    known = operations()[operation]
    address = known.path
    for name, value in path.items():
        address = address.replace(f"{{{name}}}", value)
    headers = caller.headers()
    if operation in GRANTLESS:
        answer = caller.token("client_credentials", scope="sellingpartnerapi::notifications")
        headers = caller.headers(**{"x-amz-access-token": answer.json["access_token"]})
    return caller.client.open(
        root + address.replace("{", "").replace("}", ""),
        method=known.method.upper(),
        query_string=dict(query),
        headers=headers,
        json=body,
    )


def make(caller: Caller, call: Call) -> TestResponse:
    known = call.given(caller)

    def filled(values: Mapping[str, str]) -> dict[str, str]:
        return {name: value.format(**known) for name, value in values.items()}

    return send(caller, call.operation, filled(call.path), filled(call.query), call.body)


# Static sandbox cases


def static_cases() -> list[dict[str, Any]]:
    """Every case of the models, in the shape the stand-in takes: operation, parameters, required, status, response."""
    if not SPECS.is_dir():
        return []
    return [
        {
            "operation": name,
            "parameters": {key: each["value"] for key, each in case["request"]["parameters"].items()},
            "required": list(operation.required()),
            "status": int(status),
            "response": case.get("response"),
        }
        for name, operation in operations().items()
        for status, described in operation.described["responses"].items()
        for case in (described.get("x-amzn-api-sandbox") or {}).get("static", [])
    ]


def replay(caller: Caller, case: Mapping[str, Any]) -> TestResponse:
    """Send what a case lists, and something for each parameter it does not list but the operation requires."""
    operation = operations()[case["operation"]]
    path: dict[str, str] = {}
    query: dict[str, str] = {}
    given: dict[str, Any] = dict.fromkeys(case["required"], "ANYTHING") | dict(case["parameters"])
    for name, value in given.items():
        text = ",".join(value) if isinstance(value, list) else value
        if f"{{{name}}}" in operation.path:
            path[name] = text
        elif name != "body":
            query[name] = text
    body = given.get("body")
    return send(caller, case["operation"], path, query, {} if body == "ANYTHING" else body, root="/sandbox")

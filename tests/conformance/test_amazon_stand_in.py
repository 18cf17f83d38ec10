"""Every answer of the pretend Amazon fits the official models, and their static sandbox cases can be replayed on it."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, FormatChecker

from amazon.sandbox.plans import PLANS
from tests.sandbox.amazon_caller import SETTLEMENTS, demo_caller

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "amazon"
pytestmark = [
    pytest.mark.specs,
    pytest.mark.skipif(not SPECS.is_dir(), reason="the official models are not beside the checkout"),
]

MODELS = {
    "searchOrders": "orders_2026-01-01.json",
    "getOrder": "orders_2026-01-01.json",
    "getReports": "reports_2021-06-30.json",
    "getReport": "reports_2021-06-30.json",
    "createReport": "reports_2021-06-30.json",
    "getReportDocument": "reports_2021-06-30.json",
    "getMarketplaceParticipations": "sellers.json",
    "listFinancialEventGroups": "financesV0.json",
}
GROUPS = "/finances/v0/financialEventGroups"
EVERYTHING = "PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT,FULFILLMENT_ORDERS"
FORMATS = FormatChecker()


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    from datetime import datetime

    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def model(operation: str) -> dict[str, Any]:
    return json.loads((SPECS / MODELS[operation]).read_text())


def operation_of(operation: str) -> tuple[str, str, dict[str, Any]]:
    """(method, path, description) of an operation in its model."""
    for path, methods in model(operation)["paths"].items():
        for method, described in methods.items():
            if method != "parameters" and described.get("operationId") == operation:
                return method, path, described
    raise AssertionError(f"{operation} is not in its model")


def strict(schema: Any) -> Any:
    """A schema that allows no property it does not name: a misspelt one must not pass as an extra."""
    if isinstance(schema, dict):
        made = {name: strict(value) for name, value in schema.items()}
        if "properties" in schema and "additionalProperties" not in schema:
            made["additionalProperties"] = False
        return made
    return [strict(each) for each in schema] if isinstance(schema, list) else schema


def check(operation: str, answer: Any) -> None:
    described = operation_of(operation)[2]["responses"][str(answer.status_code)]
    schema = {**strict(described["schema"]), "definitions": strict(model(operation)["definitions"])}
    problems = sorted(Draft4Validator(schema, format_checker=FORMATS).iter_errors(answer.json), key=str)
    assert not problems, "\n".join(f"{'/'.join(map(str, each.path))}: {each.message[:300]}" for each in problems)


@pytest.fixture(scope="module")
def caller():
    return demo_caller()


@pytest.fixture(scope="module")
def report(caller):
    return caller.settlements().json["reports"][0]


@pytest.mark.parametrize(
    ("operation", "path", "query", "status"),
    [
        ("getMarketplaceParticipations", "/sellers/v1/marketplaceParticipations", {}, 200),
        ("getReports", "/reports/2021-06-30/reports", {"reportTypes": SETTLEMENTS, "pageSize": "4"}, 200),
        ("getReports", "/reports/2021-06-30/reports", {}, 400),
        ("getReport", "/reports/2021-06-30/reports/{report}", {}, 200),
        ("getReport", "/reports/2021-06-30/reports/none", {}, 404),
        ("getReportDocument", "/reports/2021-06-30/documents/{document}", {}, 200),
        ("getReportDocument", "/reports/2021-06-30/documents/none", {}, 404),
        (
            "searchOrders",
            "/orders/2026-01-01/orders",
            {"createdAfter": "2026-08-01T00:00:00Z", "includedData": EVERYTHING},
            200,
        ),
        (
            "searchOrders",
            "/orders/2026-01-01/orders",
            {"lastUpdatedAfter": "2026-08-01T00:00:00Z", "maxResultsPerPage": "5"},
            200,
        ),
        ("searchOrders", "/orders/2026-01-01/orders", {}, 400),
        ("listFinancialEventGroups", GROUPS, {"FinancialEventGroupStartedAfter": "2026-08-01T00:00:00Z"}, 200),
        (
            "listFinancialEventGroups",
            GROUPS,
            {"FinancialEventGroupStartedAfter": "2026-08-01T00:00:00Z", "MaxResultsPerPage": "2"},
            200,
        ),
        ("listFinancialEventGroups", GROUPS, {"MaxResultsPerPage": "10"}, 400),
        ("getOrder", "/orders/2026-01-01/orders/{order}", {"includedData": EVERYTHING}, 200),
        ("getOrder", "/orders/2026-01-01/orders/{order}", {}, 200),
        ("getOrder", "/orders/2026-01-01/orders/111-0000000-0000000", {}, 404),
    ],
    ids=lambda value: str(value) if isinstance(value, (str, int)) else "",
)
def test_answer_fits_the_model(caller, report, operation, path, query, status):
    order_id = caller.control("truth", seller_id=caller.seller_id)["orders"]["ids"][0]
    filled = path.format(report=report["reportId"], document=report["reportDocumentId"], order=order_id)

    answer = caller.get(filled, **query)

    assert answer.status_code == status
    check(operation, answer)


def test_refused_report_request_fits_the_model(caller):
    answer = caller.post(
        "/reports/2021-06-30/reports", {"reportType": SETTLEMENTS, "marketplaceIds": ["ATVPDKIKX0DER"]}
    )

    assert answer.status_code == 400
    check("createReport", answer)


@pytest.mark.parametrize("status", [403, 429, 500, 503])
@pytest.mark.parametrize("operation", sorted(MODELS))
def test_error_bodies_fit_the_model(caller, operation, status):
    fault = caller.stand_in.faults.add(operation=operation, boundary="before_commit", do="status", status=status)
    method, path, _ = operation_of(operation)

    filled = path.replace("{", "").replace("}", "")
    answer = caller.get(filled) if method == "get" else caller.post(filled, {})
    caller.stand_in.faults.remove(fault)

    assert answer.status_code == status
    check(operation, answer)


@pytest.mark.parametrize("operation", sorted(PLANS))
def test_usage_plan_is_the_published_one(operation):
    described = operation_of(operation)[2]["description"]

    (row,) = [line for line in described.splitlines() if line.startswith("| ") and line.split()[1][0].isdigit()]

    rate, burst = (cell.strip() for cell in row.strip("| ").split("|"))
    assert (float(rate), int(burst)) == PLANS[operation]


def static_cases() -> list[dict[str, Any]]:
    if not SPECS.is_dir():
        return []
    return [
        {
            "operation": operation,
            "parameters": {name: each["value"] for name, each in case["request"]["parameters"].items()},
            "status": int(status),
            "response": case.get("response"),
        }
        for operation in MODELS
        for status, described in operation_of(operation)[2]["responses"].items()
        for case in described.get("x-amzn-api-sandbox", {}).get("static", [])
    ]


def name_of(case: dict[str, Any]) -> str:
    return f"{case['operation']}-{case['status']}"


@pytest.mark.parametrize("case", static_cases(), ids=name_of)
def test_static_case_is_replayed(case):
    caller = demo_caller()
    caller.control("static_cases", cases=static_cases())
    method, path, _ = operation_of(case["operation"])
    query = {}
    for name, value in case["parameters"].items():
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", value)
        elif name != "body":
            query[name] = ",".join(value) if isinstance(value, list) else value

    if method == "post":
        answer = caller.post(path, case["parameters"]["body"], root="/sandbox")
    else:
        answer = caller.get(path, root="/sandbox", **query)

    assert (answer.status_code, answer.json) == (case["status"], case["response"])

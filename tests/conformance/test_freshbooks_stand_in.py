"""Every answer of the pretend FreshBooks fits the published description; where the two differ, the facts win by name.

The description is a third party's (its SOURCE.md says what is wrong with it); the facts are what was seen on the live
service and what FreshBooks documents.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ledgers.freshbooks.sandbox import FreshBooksStandIn
from ledgers.freshbooks.sandbox.tests.conftest import CLEARING, NOW, SALES, business
from sandbox.clock import frozen

SPEC = Path(__file__).resolve().parents[3] / "shared" / "specs" / "freshbooks" / "openapi.yaml"
pytestmark = [
    pytest.mark.specs,
    pytest.mark.skipif(not SPEC.is_file(), reason="the published description is not beside the checkout"),
]

IDS = "ids are text in the description, numbers in recordings of the service"
TEXT = "amounts and percentages are text on the wire"
# Where the service differs from its description: schema.property → why the facts win.
DIFFERENCES = {
    "Payment.id": IDS,
    "Payment.invoiceid": IDS,
    "Payment.clientid": IDS,
    "CreditNote.clientid": IDS,
    "OtherIncome.incomeid": IDS,
    "Line.taxAmount1": TEXT,
    "Line.taxAmount2": TEXT,
    "JournalEntryDetail.debit": TEXT,
    "JournalEntryDetail.credit": TEXT,
    "JournalEntryAccount.balance": TEXT,
    "Invoice.autobill_status": "the list of values has the word null and leaves out the null that is sent",
}
# What the service answers beyond its description: schema → names the facts have.
BEYOND = {
    "Invoice": {
        "uuid", "version", "lock_status", "series", "sender_address", "discount", "net_paid_amount",
        "fulfillment_date", "attach_pdf_to_email", "ownerid", "sentid", "ext_archive", "current_organization",
    },
    "Client": {"userid", "uuid", "username", "role", "level", "exceeds_client_limit"},
    "Expense": {
        "version", "is_cogs", "billable", "isduplicate", "background_jobid", "bill_matches", "profileid",
        "ext_invoiceid", "ext_systemid", "ext_accountid", "transactionid", "account_name", "bank_name",
        "include_receipt",
    },
    "ExpenseCategory": {"transaction_posted"},
    "Payment": {
        "logid", "creditid", "overpaymentid", "from_credit", "bulk_paymentid", "transaction_uuid", "orderid",
        "accounting_systemid",
    },
    "CreditNote": {"accounting_systemid", "updated"},
    "JournalEntryDetail": {"id", "detailid", "name", "user_entered_date"},
    "JournalEntryAccount": {"sub_accounts"},
    "Tax": {"vis_state"},
}  # fmt: skip
# Parts of FreshBooks that nothing here needs.
ABSENT = ("/bills/", "/bill_payments/", "/bill_vendors/", "/projects/", "/estimates/", "/comments/", "/timetracking/",
          "/payment_options")  # fmt: skip


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return yaml.safe_load(SPEC.read_text())


@pytest.fixture(scope="module")
def api():
    """A business in which every kind of object exists, in the shapes that answers have."""
    remote = FreshBooksStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    api = business(remote, chart="bookkeeper", items=["Amazon order"])
    tax = {"taxName1": "GST", "taxAmount1": "5", "taxName2": "PST", "taxAmount2": "7.125"}
    line = {"name": "SALES", "description": "2 × A", "qty": 2, "unit_cost": {"amount": "10.00", "code": "USD"}}
    paid = api.sent(lines=[{**line, **tax}], discount_value="10", notes="ref:1", po_number="7")
    api.pay(paid, "100.00")
    partly = api.sent("50.00", due_offset_days=30)
    api.pay(partly, "10.00", type="Credit")
    api.post("invoices/invoices", api.invoice())
    api.post("expenses/expenses", api.expense("11.00", taxName1="GST", taxPercent1="10", clientid=api.client))
    api.post("other_incomes/other_incomes", api.income("5.00", taxes=[{"name": "HST", "amount": "13"}]))
    api.post("taxes/taxes", {"name": "GST", "amount": "5", "number": "1"})
    api.post("journal_entries/journal_entries", api.journal((CLEARING, "5"), (SALES, "-5")))
    path = f"/events/account/{api.account}/events/callbacks"
    api.send("POST", path, {"callback": {"event": "invoice", "uri": "https://tieout.example.com/hooks"}})
    return api


def described(spec, method, template, status):
    answers = spec["paths"][template][method.lower()]["responses"]
    return answers[str(status)].get("content", {}).get("application/json", {}).get("schema")


def differences(spec, schema, value) -> set[str]:
    """``Schema.property`` of every value that is not as described, whatever its depth."""
    found = set()
    for error in Draft202012Validator({**schema, "components": spec["components"]}).iter_errors(value):
        for leaf in _leaves(error):
            refs = [str(each) for each in leaf.absolute_schema_path]
            found.add(
                f"{_owner(spec, schema, refs)}.{[each for each in leaf.absolute_path if isinstance(each, str)][-1]}"
            )
    return found


def _leaves(error):
    return [leaf for each in error.context for leaf in _leaves(each)] if error.context else [error]


def _owner(spec, schema, steps) -> str:
    """The name of the last schema a path of a validator goes through that describes the property."""
    names, here = [], schema
    for at, step in enumerate(steps):
        while "$ref" in here if isinstance(here, dict) else False:
            name = here["$ref"].rpartition("/")[2]
            names.append((at, name))
            here = spec["components"]["schemas"][name]
            if step == "$ref":
                break
        if step == "$ref":
            continue
        here = here[int(step)] if isinstance(here, list) else here.get(step, {})
    with_properties = [name for _, name in names if "properties" in spec["components"]["schemas"][name]]
    return with_properties[-1] if with_properties else ""


def beyond(spec, schema, value, owner="") -> set[str]:
    """``Schema.property`` of every answered name that no description has."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return beyond(spec, spec["components"]["schemas"][name], value, name)
    if "allOf" in schema:
        merged = {
            "properties": {k: v for part in schema["allOf"] for k, v in _resolved(spec, part)["properties"].items()}
        }
        return beyond(spec, merged, value, owner)
    if isinstance(value, list):
        return {each for inner in value for each in beyond(spec, schema.get("items", {}), inner, owner)}
    if not isinstance(value, dict) or "properties" not in schema or owner == "":
        inner = schema.get("properties", {}) if isinstance(value, dict) else {}
        return {each for key in inner if key in value for each in beyond(spec, inner[key], value[key], owner)}
    extra = {f"{owner}.{key}" for key in value if key not in schema["properties"]}
    known = {key: part for key, part in schema["properties"].items() if key in value}
    return extra | {each for key, part in known.items() for each in beyond(spec, part, value[key], owner)}


def _resolved(spec, schema):
    return spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


A, CALLBACKS = "/accounting/account/{accountId}", "/events/account/{accountId}/events/callbacks"
READS = [
    *(f"{A}/{path}" for path in (
        "users/clients", "invoices/invoices", "payments/payments", "expenses/expenses", "expenses/categories",
        "items/items", "taxes/taxes", "credit_notes/credit_notes", "other_incomes/other_incomes",
        "journal_entry_accounts/journal_entry_accounts", "reports/accounting/payments_collected",
        "reports/accounting/profitloss_entity", "reports/accounting/taxsummary",
    )),
    CALLBACKS,
]  # fmt: skip
SINGLES = {
    f"{A}/users/clients/{{clientId}}": "clients",
    f"{A}/invoices/invoices/{{invoiceId}}": "invoices",
    f"{A}/payments/payments/{{paymentId}}": "payments",
    f"{A}/expenses/expenses/{{expenseId}}": "expenses",
    f"{A}/expenses/categories/{{categoryId}}": "categories",
    f"{A}/items/items/{{itemId}}": "items",
    f"{A}/taxes/taxes/{{taxId}}": "taxes",
    f"{A}/credit_notes/credit_notes/{{creditId}}": "credit_notes",
    f"{A}/other_incomes/other_incomes/{{otherIncomeId}}": "other_income",
    f"{CALLBACKS}/{{callbackId}}": "callbacks",
}
WRITES = (
    "users/clients", "invoices/invoices", "payments/payments", "expenses/expenses", "items/items", "taxes/taxes",
    "credit_notes/credit_notes", "other_incomes/other_incomes", "journal_entries/journal_entries",
)  # fmt: skip


def concrete(api, template, id_=""):
    return re.sub(r"{accountId}", api.account, re.sub(r"{(?!accountId)\w+}", str(id_), template))


def new_objects(api):
    cents = {"amount": "1.00"}
    credit = {"clientid": api.client, "create_date": "2026-11-10", "lines": [{"name": "sorry", "unit_cost": cents}]}
    return {
        "users/clients": {"client": {"organization": "x"}},
        "invoices/invoices": {"invoice": api.invoice()},
        "payments/payments": {"payment": api.payment(api.sent(), "1.00")},
        "expenses/expenses": {"expense": api.expense("1.00")},
        "items/items": {"item": {"name": "x", "unit_cost": cents}},
        "taxes/taxes": {"tax": {"name": "x", "amount": 3}},
        "credit_notes/credit_notes": {"credit_notes": credit},
        "other_incomes/other_incomes": {"other_income": api.income("1.00")},
        "journal_entries/journal_entries": {"journal_entry": api.journal((CLEARING, "5"), (SALES, "-5"))},
    }


@pytest.fixture(scope="module")
def walked(spec, api):
    """(method, path template) → what every call of it differed in: values, and names beyond the description."""
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}

    def walk(method, template, path, body=None, **query):
        answer = api.send(method, path, body, **query)
        schema = described(spec, method, template, answer.status_code)
        values, names = found.setdefault((method, template), (set(), set()))
        values |= differences(spec, schema, answer.json)
        names |= beyond(spec, schema, answer.json)
        return answer.json["response"]["result"]

    lines = {"include[]": "lines", "per_page": "100"}
    for template in READS:
        walk("GET", template, concrete(api, template), **lines)
    for template, plural in SINGLES.items():
        listed = concrete(api, template.rpartition("/")[0])
        docs = api.send("GET", listed, per_page="100").json["response"]["result"][plural]
        for doc in docs[:5]:
            id_ = doc.get("id") or doc.get("incomeid") or doc.get("callbackid")
            walk("GET", template, concrete(api, template, id_), **lines)
    for path, body in new_objects(api).items():
        walk("POST", f"{A}/{path}", concrete(api, f"{A}/{path}"), body, **lines)
    share = f"{A}/invoices/invoices/{{invoiceId}}/share_link"
    walk("GET", share, concrete(api, share, api.sent()["id"]), share_method="share_link")
    return found


@pytest.mark.parametrize(
    ("method", "template"),
    [*(("GET", each) for each in (*READS, *SINGLES)), *(("POST", f"{A}/{path}") for path in WRITES)],
)
def test_answers_are_as_described(walked, method, template):
    values, names = walked[method, template]

    assert values <= set(DIFFERENCES)
    assert names <= {f"{name}.{key}" for name, keys in BEYOND.items() for key in keys}


def test_every_difference_and_name_beyond_the_description_is_met(walked):
    values = {each for found, _ in walked.values() for each in found}
    names = {each for _, found in walked.values() for each in found}

    assert values == set(DIFFERENCES)
    assert names == {f"{name}.{key}" for name, keys in BEYOND.items() for key in keys}


# Differences of shape, each by name


def test_identity_has_no_result_level_whatever_is_described(spec, api):
    schema = described(spec, "GET", "/auth/api/v1/users/me", 200)
    user = schema["properties"]["response"]["properties"]["result"]["properties"]["user"]

    me = api.send("GET", "/auth/api/v1/users/me").json["response"]

    assert "result" not in me
    assert differences(spec, user, me) == set()


def test_errors_have_the_envelopes_of_the_wire_not_those_of_a_client_library(spec, api):
    refused = api.send("GET", f"/accounting/account/{api.account}/invoices/invoices/999")
    schema = spec["components"]["responses"]["NotFound"]["content"]["application/json"]["schema"]

    assert list(Draft202012Validator({**schema, "components": spec["components"]}).iter_errors(refused.json))
    assert set(refused.json["response"]["errors"][0]) == {"errno", "field", "message", "object", "value"}


def test_a_page_has_15_objects_unless_asked_whatever_is_described(spec, api):
    assert spec["components"]["parameters"]["PerPage"]["schema"]["default"] == 30

    assert api.page("expenses/categories")["per_page"] == 15


def test_every_described_path_is_there_or_named_as_absent(spec, api):
    missing = {
        (template, method)
        for template, methods in spec["paths"].items()
        for method in methods
        if method != "parameters"
        and not any(part in template for part in ABSENT)
        and api.http.open(concrete(api, template, 1), method=method.upper(), json={}).status_code in (404, 405)
    }

    assert missing == set()


def test_a_wrong_type_or_name_would_be_seen(spec):
    schema = {"$ref": "#/components/schemas/Invoice"}
    wrong = {"id": "1", "invoiceid": 1, "lines": [{"qty": "2", "colour": "red"}], "amount": {"amount": 1}}

    assert differences(spec, schema, wrong) == {"Invoice.id", "Line.qty", "Money.amount"}
    assert beyond(spec, schema, wrong) == {"Line.colour"}

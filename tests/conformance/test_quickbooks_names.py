"""Every property the QuickBooks stand-in answers with is one the published schema knows, of a type it allows."""

import re
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ledgers.quickbooks.sandbox import QuickBooksStandIn
from ledgers.quickbooks.sandbox import schema as accepted
from ledgers.quickbooks.sandbox.tests.conftest import NOW, Api
from sandbox.clock import frozen
from sandbox.jsontext import loads

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs" / "quickbooks"
XS = "{http://www.w3.org/2001/XMLSchema}"
# JSON spellings of what the XML has as attributes or text.
REFERENCE = {"value", "name", "type"}

pytestmark = [
    pytest.mark.specs,
    pytest.mark.skipif(not SPECS.is_dir(), reason="the published schema is not beside the checkout"),
]


class Xsd:
    """Complex types with their properties (inherited ones included), enumerations, and what plain types look like."""

    def __init__(self, folder: Path) -> None:
        self.types, self.elements, self.simple = {}, {}, {}
        for name in ("IntuitBaseTypes", "IntuitNamesTypes", "Finance", "IntuitRestServiceDef"):
            root = ElementTree.parse(folder / f"{name}.xsd").getroot()
            self.types |= {each.get("name"): each for each in root.findall(f"{XS}complexType")}
            self.elements |= {each.get("name"): _local(each.get("type")) for each in root.findall(f"{XS}element")}
            self.simple |= {each.get("name"): each for each in root.findall(f"{XS}simpleType")}

    def properties(self, name: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for extension in self.types[name].iter(f"{XS}extension"):
            if _local(extension.get("base")) in self.types:
                found |= self.properties(_local(extension.get("base")))
        for each in self.types[name].iter(f"{XS}element"):
            property_name = each.get("name") or _local(each.get("ref"))
            found[property_name] = _local(each.get("type")) or self.elements.get(property_name, "")
        found |= {each.get("name"): _local(each.get("type")) for each in self.types[name].iter(f"{XS}attribute")}
        return found

    def enumeration(self, name: str) -> set[str]:
        simple = self.simple.get(name)
        return {each.get("value") for each in simple.iter(f"{XS}enumeration")} if simple is not None else set()


def _local(name: str | None) -> str:
    return (name or "").split(":")[-1]


def strange(xsd: Xsd, type_name: str, value: object, where: str) -> list[str]:
    """What of an answer the schema does not know."""
    if isinstance(value, list):
        return [each for inner in value for each in strange(xsd, type_name, inner, where)]
    if isinstance(value, dict):
        if type_name in ("ReferenceType", "MemoRef"):
            return [f"{where}.{key}" for key in value if key not in REFERENCE]
        if type_name not in xsd.types:
            return [f"{where} is no object ({type_name})"]
        known = xsd.properties(type_name)
        unknown = [f"{where}.{key}" for key in value if key not in known]
        return unknown + [
            each
            for key, inner in value.items()
            if key in known
            for each in strange(xsd, known[key], inner, f"{where}.{key}")
        ]
    if (allowed := xsd.enumeration(type_name)) and value not in allowed:
        return [f"{where}={value} is not one of {type_name}"]
    shapes = {
        "decimal": lambda v: isinstance(v, int | Decimal) and not isinstance(v, bool),
        "boolean": lambda v: isinstance(v, bool),
        "date": lambda v: isinstance(v, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", v),
        "dateTime": lambda v: isinstance(v, str) and re.fullmatch(r"[\d:T.-]+[+-]\d{2}:\d{2}", v),
        "string": lambda v: isinstance(v, str),
        "id": lambda v: isinstance(v, str),
    }
    return [] if shapes.get(type_name, bool)(value) or type_name not in shapes else [f"{where}={value!r} ({type_name})"]


@pytest.fixture(scope="module")
def xsd():
    return Xsd(SPECS)


@pytest.fixture(scope="module")
def api():
    """A company in which every kind of object exists, in the shapes that answers have."""
    remote = QuickBooksStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    made = remote.control(
        "create_company",
        {
            "chart": "bookkeeper",
            "currencies": {"GBP": "1.25"},
            "customers": ["Amazon.com (USD)"],
            "vendors": ["Printer"],
            "classes": ["Amazon"],
            "departments": ["US"],
        },
    )
    api = Api(remote, made)
    usd = {"CurrencyRef": {"value": "USD"}}
    line_class = {"ClassRef": {"value": api.query("select * from Class")["Class"][0]["Id"]}}
    address = {"Line1": "1 Road", "City": "Town", "PostalCode": "1"}
    api.post(
        "Customer", {"DisplayName": "Buyer", "BillAddr": address, "PrimaryEmailAddr": {"Address": "a@example.com"}}
    )
    body = api.invoice(10, DocNumber="1", CustomerMemo={"value": "thanks"}, ShipAddr=address, TrackingNum="1Z", **usd)
    body["Line"][0]["SalesItemLineDetail"] |= {"Qty": 2, **line_class}
    invoice = api.post("Invoice", body)
    paid = api.post("Payment", api.payment(10, (invoice, 10), PaymentRefNum="AMZ-1", **usd))
    api.post("Deposit", api.deposit(paid, ("Merchant Fees:AMZ Referral Fees", -1), PrivateNote="ref:1", **usd))
    for kind in ("SalesReceipt", "CreditMemo"):
        api.post(kind, api.invoice(3, **usd))
    api.post("RefundReceipt", api.invoice(3, DepositToAccountRef=api.account("Chase Operating x4417"), **usd))
    entry = api.journal(("A/R - Wholesale", 5), ("Amazon Lending", -5), **usd)
    entry["Line"][0]["JournalEntryLineDetail"]["Entity"] = {"Type": "Customer", "EntityRef": api.customer()}
    entry["Line"][1]["JournalEntryLineDetail"] |= line_class
    api.post("JournalEntry", entry)
    move = {"FromAccountRef": api.account("Wise Multi-Currency"), "ToAccountRef": api.account("Chase Operating x4417")}
    api.post("Transfer", {**move, "Amount": 5, **usd})
    spent = {"AccountRef": api.account("Bank & Wire Fees")}
    line = {"Amount": 3, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": spent}
    card = api.account("Amex Plum x1003")
    api.post("Purchase", {"AccountRef": card, "PaymentType": "CreditCard", "Line": [line], **usd})
    voided = api.post("Invoice", api.invoice(7, **usd))
    api.post("Invoice", {"Id": voided["Id"], "SyncToken": "0"}, operation="void")
    return api


KINDS = [
    *("Account", "Item", "Customer", "Vendor", "Class", "Department", "CompanyCurrency", "TaxCode"),
    *("Invoice", "Payment", "Deposit", "SalesReceipt", "CreditMemo", "RefundReceipt"),
    *("JournalEntry", "Transfer", "Purchase", "CompanyInfo", "Preferences"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_answers_have_only_names_and_types_of_the_schema(api, xsd, kind):
    found = api.query(f"select * from {kind}")[kind]

    assert found
    assert strange(xsd, kind, found, kind) == []


def test_exchange_rate_has_only_names_of_the_schema(api, xsd):
    answer = api.send("GET", "exchangerate", sourcecurrencycode="GBP", asofdate="2026-11-10")

    assert strange(xsd, "ExchangeRate", loads(answer.get_data())["ExchangeRate"], "ExchangeRate") == []


def test_a_name_the_schema_does_not_know_would_be_seen(xsd):
    assert strange(xsd, "Invoice", {"DocNumbr": "1", "Line": [{"Amount": "1"}]}, "Invoice") == [
        "Invoice.DocNumbr",
        "Invoice.Line.Amount='1' (decimal)",
    ]


@pytest.mark.parametrize("kind", sorted(accepted.TYPES))
def test_accepted_properties_are_those_of_the_schema(xsd, kind):
    if kind in ("ReferenceType", "MemoRef"):
        assert set(accepted.TYPES[kind]) <= REFERENCE
        return
    known = {name for name in xsd.properties(kind) if not name.endswith("Ex")}
    assert set(accepted.TYPES[kind]) == known


def test_faults_have_only_names_of_the_schema(api, xsd):
    fault = api.send("GET", "invoice/999").json["Fault"]

    assert set(fault) <= set(xsd.properties("Fault"))
    assert all(set(each) <= set(xsd.properties("Error")) for each in fault["Error"])

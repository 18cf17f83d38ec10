"""The auditor must see what it is there for: each planted fault shows in its findings."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from django.conf import settings

from amazon.sandbox import AmazonStandIn
from ledgers.quickbooks.sandbox import QuickBooksStandIn
from ledgers.quickbooks.sandbox.tests.conftest import Api
from sandbox.serve import serve
from tests.independent import auditor, quickbooks
from tests.independent.reading import Books as Found

NAMES = {"CLEARING": "AMZ US Settlement Clearing", "BANK": "Chase Operating x4417"}


@pytest.fixture
def amazon():
    made = AmazonStandIn()
    made.switches["rate_scale"] = 0
    with made.store.transaction():
        made.controls()["demo"]({})
    return made


@pytest.fixture
def api():
    made = QuickBooksStandIn()
    made.switches["rate_scale"] = 0
    return Api(made, made.control("create_company", {"name": "Acme Books", "chart": "bookkeeper"}))


@pytest.fixture
def audit(amazon, api):
    """Run the auditor as a script of its own, against both stand-ins over sockets."""
    servers = [serve(amazon), serve(api.remote)]
    with amazon.store.transaction():
        grant = amazon.controls()["authorise"]({"seller_id": "A2TIEOUTDEMO01"})

    def run(**accounts):
        question = {
            "amazon": {"base": servers[0].url, **grant},
            "ledgers": [
                {
                    "name": "acme",
                    "ledger": "quickbooks",
                    "base": servers[1].url,
                    "company": api.realm,
                    "token": api.tokens["access_token"],
                    "accounts": accounts,
                }
            ],
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.independent.auditor"],
            cwd=settings.BASE_DIR,
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    yield run
    for server in servers:
        server.stop()


class Books:
    """A company of literal objects, as the query endpoint gives them."""

    def __init__(self, **kinds):
        self.kinds = {
            "Account": [
                account("1", "Checking", "Bank", "Asset", 0),
                account("2", "Receivable", "Accounts Receivable"),
            ],
            "Item": [{"Id": "9", "IncomeAccountRef": {"value": "3"}}],
            **kinds,
        }

    def all(self, kind, where=""):
        return self.kinds.get(kind, [])


def findings(remote, accounts):
    return auditor.company_findings(quickbooks.company_books(remote), accounts)


def account(id_, name, type_, classification="Asset", balance=0):
    return {
        "Id": id_,
        "Name": name,
        "FullyQualifiedName": name,
        "AccountType": type_,
        "Classification": classification,
        "CurrentBalance": Decimal(balance),
        "CurrencyRef": {"value": "USD"},
    }


def entry(*lines, id_="1", **fields):
    return {
        "Id": id_,
        "Line": [
            {"Amount": Decimal(amount), "JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": of}}}
            for side, of, amount in lines
        ],
        **fields,
    }


def test_rows_are_added_up_as_they_stand_in_the_file():
    head = {"settlement-id": "1", "total-amount": "3.50", "settlement-start-date": "a", "settlement-end-date": "b"}

    found = auditor.settlement_findings([head, {"amount": "5.00"}, {"amount": " -1.25 "}, {"amount": ""}])

    assert (found["rows"], found["header"], found["added"]) == (3, "3.50", "3.75")


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("JournalEntry", entry(("Debit", "1", "5"), ("Credit", "3", "5"))),
        (
            "Deposit",
            {
                "DepositToAccountRef": {"value": "1"},
                "TotalAmt": Decimal(5),
                "Line": [{"Amount": Decimal(5), "DepositLineDetail": {"AccountRef": {"value": "3"}}}],
            },
        ),
        (
            "Transfer",
            {"FromAccountRef": {"value": "3"}, "ToAccountRef": {"value": "1"}, "Amount": Decimal(5)},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_document_is_read_as_debit_of_the_bank(kind, document):
    found = dict(quickbooks.effects(kind, document, quickbooks.Chart([], [])))

    assert found == {"1": 5, "3": -5}


def test_payment_closes_the_receivable_that_its_invoice_opened():
    sale = {
        "Amount": Decimal(7),
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "9"}},
    }
    dollars = {"CurrencyRef": {"value": "USD"}, "TotalAmt": Decimal(7)}
    invoice = {"Id": "1", "Balance": Decimal(0), "Line": [sale], **dollars}
    payment = {"Id": "2", "DepositToAccountRef": {"value": "1"}, **dollars}
    books = Books(Invoice=[invoice], Payment=[payment])
    books.kinds["Account"] += [account("3", "Sales", "Income", "Revenue")]

    found = findings(books, {"BANK": "1", "AR": "2", "SALES": "3"})

    assert found["balances"] == {"BANK": "7", "AR": "0", "SALES": "-7"}
    assert found["unbalanced"] == []


def test_document_that_does_not_balance_is_named():
    books = Books(JournalEntry=[entry(("Debit", "1", "5"), ("Credit", "2", "4.99"), id_="77")])

    assert findings(books, {})["unbalanced"] == ["JournalEntry 77"]


def test_line_that_nobody_can_read_stops_the_audit():
    invoice = {
        "Id": "1",
        "CurrencyRef": {"value": "USD"},
        "TotalAmt": Decimal(7),
        "Line": [{"DetailType": "DiscountLineDetail"}],
    }

    with pytest.raises(ValueError, match="DiscountLineDetail"):
        findings(Books(Invoice=[invoice]), {})


def test_balance_without_documents_is_named():
    books = Books(Account=[account("1", "Checking", "Bank", "Asset", 5), account("3", "Sales", "Income", "Revenue", 8)])

    assert findings(books, {})["stated_otherwise"] == ["Checking"]


def test_mark_on_two_documents_and_number_on_two_invoices_are_there_twice():
    note = {"PrivateNote": "AMZ-1 ref:abc"}
    entries = [entry(id_="1", **note), entry(id_="2", **note), entry(id_="3", PrivateNote="ref:other")]
    invoices = [{"DocNumber": "701-1"}, {"DocNumber": "701-1"}, {"DocNumber": ""}, {"DocNumber": ""}]

    found = Found({})
    for each in entries:
        found.add("JournalEntry", "1", [], each["PrivateNote"])
    found.add("Transfer", "2", [], note["PrivateNote"])
    found.numbers = [each["DocNumber"] for each in invoices]

    assert found.twice() == ["Invoice number 701-1", "JournalEntry abc"]


def test_every_page_of_the_books_is_read(monkeypatch):
    asked = []

    def page(url, **how):
        asked.append(url)
        return {"QueryResponse": {"Item": [{"Id": str(n)} for n in range(quickbooks.PAGE if len(asked) == 1 else 3)]}}

    monkeypatch.setattr(quickbooks, "fetch_json", page)

    found = quickbooks.QuickBooks("http://books", "1", "token").all("Item")

    assert len(found) == quickbooks.PAGE + 3
    assert "startposition+1001" in asked[1]


def test_what_a_person_books_by_hand_is_in_the_findings(api, audit):
    amounts = (("AMZ US Settlement Clearing", "12.34"), ("Chase Operating x4417", "-12.34"))
    by_hand = api.journal(*((name, Decimal(amount)) for name, amount in amounts), PrivateNote="ref:same")
    for _ in range(2):
        api.remote.control("add", {"realm": api.realm, "kind": "JournalEntry", "body": by_hand})

    found = audit(**{key: api.made["accounts"][name] for key, name in NAMES.items()})["ledgers"]["acme"]

    assert found["balances"] == {"CLEARING": "24.68", "BANK": "-24.68"}
    assert found["twice"] == ["JournalEntry same"]
    assert (found["unbalanced"], found["stated_otherwise"], found["documents"]["JournalEntry"]) == ([], [], 2)


def test_settlements_are_read_once_each_and_add_up(amazon, audit):
    truth = amazon.store.get("truth", "A2TIEOUTDEMO01")

    found = audit()["settlements"]

    assert [one["settlement_id"] for one in found] == sorted(one["settlement_id"] for one in truth["settlements"])
    assert all(Decimal(one["header"]) == Decimal(one["added"]) for one in found)

"""A company to talk to over the stand-in's own HTTP, in-process."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from werkzeug.test import Client

from ledgers.quickbooks.sandbox import QuickBooksStandIn
from sandbox.clock import frozen
from sandbox.jsontext import dumps, loads

NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)


class Api:
    """What an application does: JSON in, JSON out, with a bearer token."""

    def __init__(self, remote, made):
        self.remote, self.made, self.realm = remote, made, made["realm"]
        self.tokens = remote.control("issue_tokens", {"realm": self.realm})
        self.http = Client(remote)

    def send(self, method, path, body=None, **query):
        return self.http.open(
            f"/v3/company/{self.realm}/{path}",
            method=method,
            query_string={"minorversion": "75", **query},
            data=dumps(body) if body is not None else None,
            headers={
                "Authorization": f"Bearer {self.tokens['access_token']}",
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )

    def post(self, kind, body, **query):
        """The object, or the fault's code."""
        return self._object(kind, self.send("POST", kind.lower(), body, **query))

    def get(self, kind, id_):
        return self._object(kind, self.send("GET", f"{kind.lower()}/{id_}"))

    def _object(self, kind, answer):
        body = loads(answer.get_data())
        return body[kind] if answer.status_code == 200 else body["Fault"]["Error"][0]["code"]

    def query(self, text):
        body = loads(self.send("GET", "query", query=text).get_data())
        return body["QueryResponse"] if "QueryResponse" in body else body["Fault"]["Error"][0]["code"]

    def account(self, name):
        return {"value": self.made["accounts"][name]}

    def balance(self, name):
        """Home currency as a decimal, debit positive."""
        return Decimal(self.remote.books(self.realm).balance(name)) / 100

    def customer(self, name="Amazon.com (USD)"):
        return {"value": self.made["customers"][name]}

    def item(self, name="Amazon order"):
        return {"value": self.made["items"][name]}

    # Smallest valid documents

    def invoice(self, *amounts, **fields):
        lines = [
            {
                "Amount": Decimal(str(amount)),
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {"ItemRef": self.item(), "TaxCodeRef": {"value": "NON"}},
            }
            for amount in amounts or (100,)
        ]
        return {"CustomerRef": self.customer(), "TxnDate": "2026-11-10", "Line": lines, **fields}

    def payment(self, amount, *invoices, **fields):
        lines = [
            {"Amount": part, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
            for invoice, part in invoices
        ]
        return {"CustomerRef": self.customer(), "TotalAmt": amount, "TxnDate": "2026-11-12", "Line": lines, **fields}

    def journal(self, *sides, **fields):
        """``sides``: (account name, amount), debit positive."""
        lines = [
            {
                "Amount": abs(Decimal(str(amount))),
                "DetailType": "JournalEntryLineDetail",
                "JournalEntryLineDetail": {
                    "PostingType": "Debit" if amount > 0 else "Credit",
                    "AccountRef": self.account(name),
                },
            }
            for name, amount in sides
        ]
        return {"TxnDate": "2026-11-10", "Line": lines, **fields}

    def deposit(self, *lines, **fields):
        """``lines``: (account name, amount) or a payment."""
        shown = []
        for line in lines:
            if isinstance(line, tuple):
                inner = {"AccountRef": self.account(line[0])}
                shown.append({"Amount": line[1], "DetailType": "DepositLineDetail", "DepositLineDetail": inner})
            else:
                linked = {"TxnId": line["Id"], "TxnType": "Payment", "TxnLineId": "0"}
                shown.append({"Amount": 0, "LinkedTxn": [linked]})
        return {
            "DepositToAccountRef": self.account("Chase Operating x4417"),
            "TxnDate": "2026-11-14",
            "Line": shown,
            **fields,
        }


@pytest.fixture
def remote():
    remote = QuickBooksStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    return remote


@pytest.fixture
def api(remote):
    made = remote.control(
        "create_company",
        {"chart": "bookkeeper", "customers": ["Amazon.com (USD)", "Somebody"], "vendors": ["Amazon"]},
    )
    return Api(remote, made)


@pytest.fixture
def foreign(remote):
    """A company with several currencies."""
    made = remote.control(
        "create_company",
        {
            "chart": "bookkeeper",
            "currencies": {"GBP": "1.25", "EUR": "1.10"},
            "customers": ["Amazon.com (USD)", {"DisplayName": "Amazon.co.uk (GBP)", "CurrencyRef": {"value": "GBP"}}],
        },
    )
    return Api(remote, made)

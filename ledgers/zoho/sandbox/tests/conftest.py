"""An organization to talk to over the stand-in's own HTTP, in-process."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from werkzeug.test import Client

from ledgers.zoho.sandbox import ZohoStandIn
from sandbox.clock import frozen
from sandbox.jsontext import dumps, loads

NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
CUSTOMER = "Amazon.com customers (USD)"


def in_currency(api, code, rate=None):
    return {"currency_id": api.currency(code)} | ({"exchange_rate": Decimal(rate)} if rate else {})


class Refused(Exception):
    """What the API said no with; equal to its code."""

    def __init__(self, status, body):
        super().__init__(f"{status} {body}")
        self.status, self.code, self.message = status, body["code"], body["message"]


class Api:
    """What an application does: JSON in, JSON out, with an access token."""

    def __init__(self, remote, made):
        self.remote, self.made, self.id, self.dc = remote, made, made["organization_id"], made["location"]
        self.tokens = remote.control("issue_tokens", {"user": made["user"]})
        self.http = Client(remote)

    def send(self, method, path, body=None, *, headers=None, organization_id=None, token=None, data=None, **query):
        return self.http.open(
            f"/{self.dc}/books/v3/{path}",
            method=method,
            query_string={"organization_id": organization_id or self.id, **query},
            data=dumps(body) if body is not None else data,
            headers={
                "Authorization": f"Zoho-oauthtoken {token or self.tokens['access_token']}",
                "Content-Type": "application/json",
                **(headers or {}),
            },
        )

    def call(self, method, path, body=None, **query):
        """The body of an answer that says yes."""
        answer = self.send(method, path, body, **query)
        parsed = loads(answer.get_data())
        if parsed["code"] or answer.status_code >= 300:
            raise Refused(answer.status_code, parsed)
        return parsed

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def post(self, path, body=None, **query):
        return self.call("POST", path, body, **query)

    def put(self, path, body=None, **query):
        return self.call("PUT", path, body, **query)

    def delete(self, path, **query):
        return self.call("DELETE", path, **query)

    def code(self, method, path, body=None, **query):
        """The code of a refusal, 0 where there is none."""
        try:
            self.call(method, path, body, **query)
        except Refused as refused:
            return refused.code
        return 0

    def control(self, action, **values):
        return self.remote.control(action, {"organization_id": self.id, **values})

    def account(self, name):
        return self.made["accounts"][name]

    def currency(self, code):
        return self.made["currencies"][code]

    def balance(self, name):
        """Base currency, debit positive."""
        return Decimal(self.remote.books(self.id).balance(name)) / 100

    def balance_in(self, name, currency):
        return Decimal(self.remote.books(self.id).balance_in(name, currency)) / 100

    # Smallest valid documents

    def contact(self, name=None):
        return self.made["contacts"][name or next(iter(self.made["contacts"]))]

    def invoice(self, *amounts, **fields):
        lines = [
            {"name": "Product", "account_id": self.account("Amazon Sales"), "rate": Decimal(str(each)), "quantity": 1}
            for each in amounts or (100,)
        ]
        return {"customer_id": self.contact(), "date": "2026-11-10", "line_items": lines, **fields}

    def invoiced(self, *amounts, sent=True, **fields):
        """An invoice in the books."""
        made = self.post("invoices", self.invoice(*amounts, **fields))["invoice"]
        if sent:
            self.post(f"invoices/{made['invoice_id']}/status/sent")
        return made

    def payment(self, amount, *parts, account="Amazon Clearing US (USD)", **fields):
        """``parts``: (invoice, amount)."""
        return {
            "customer_id": self.contact(),
            "payment_mode": "others",
            "amount": amount,
            "date": "2026-11-12",
            "account_id": self.account(account),
            "invoices": [{"invoice_id": each["invoice_id"], "amount_applied": part} for each, part in parts],
            **fields,
        }

    def journal(self, *sides, **fields):
        """``sides``: (account name, amount), debit positive."""
        lines = [
            {
                "account_id": self.account(name),
                "debit_or_credit": "debit" if amount > 0 else "credit",
                "amount": abs(Decimal(str(amount))),
            }
            for name, amount in sides
        ]
        return {"journal_date": "2026-11-10", "line_items": lines, **fields}

    def transfer(self, source, target, amount, **fields):
        return {
            "transaction_type": "transfer_fund",
            "from_account_id": self.account(source),
            "to_account_id": self.account(target),
            "amount": amount,
            "date": "2026-11-14",
            **fields,
        }


@pytest.fixture
def remote():
    remote = ZohoStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    remote.switches["search_lag_s"] = 0
    return remote


@pytest.fixture
def api(remote):
    """US dollars only, sales tax off."""
    return Api(remote, remote.control("create_organization", {"chart": "us", "contacts": [CUSTOMER, "Somebody"]}))


@pytest.fixture
def foreign(remote):
    """Pounds at home, euros and US dollars besides."""
    contacts = [
        {"contact_name": "Amazon.de customers (EUR)", "currency_code": "EUR"},
        {"contact_name": "Amazon.co.uk customers (GBP)"},
    ]
    made = remote.control("create_organization", {"chart": "uk", "location": "eu", "contacts": contacts})
    return Api(remote, made)


@pytest.fixture
def g1(remote):
    """US dollars at home, a clearing account in pounds and no stored rate: recipes' example G1."""
    values = {
        "chart": "us",
        "currencies": {"GBP": None},
        "accounts": [{"account_name": "Amazon Clearing UK (GBP)", "account_type": "bank", "currency_code": "GBP"}],
        "contacts": [{"contact_name": "Amazon.co.uk customers (GBP)", "currency_code": "GBP"}],
    }
    return Api(remote, remote.control("create_organization", values))

"""A business to talk to over the stand-in's own HTTP, in-process."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from werkzeug.test import Client

from ledgers.freshbooks.sandbox import FreshBooksStandIn
from sandbox.clock import frozen

NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
CLEARING, SALES = "Amazon Clearing USD", "Revenue:Amazon Sales"
WRAPPED = {
    "users/clients": "client",
    "invoices/invoices": "invoice",
    "payments/payments": "payment",
    "expenses/expenses": "expense",
    "items/items": "item",
    "taxes/taxes": "tax",
    "credit_notes/credit_notes": "credit_notes",
    "other_incomes/other_incomes": "other_income",
    "journal_entries/journal_entries": "journal_entry",
}


class Api:
    """What an application does: JSON in, JSON out, with a bearer token."""

    def __init__(self, remote, made):
        self.remote, self.made, self.account = remote, made, made["account_id"]
        self.tokens = remote.control("issue_tokens", {"person": made["person"]})
        self.http = Client(remote)

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def send(self, method, path, body=None, headers=None, **query):
        """``path`` is below the account, or absolute."""
        path = path if path.startswith("/") else f"/accounting/account/{self.account}/{path}"
        return self.http.open(
            path, method=method, json=body, query_string=query, headers={**self.headers, **(headers or {})}
        )

    def business(self, method, path, body=None, **query):
        return self.send(method, f"/accounting/businesses/{self.made['business_uuid']}/{path}", body, **query)

    def write(self, method, path, body, **query):
        """The object, or the number of what is wrong."""
        key = WRAPPED["/".join(path.split("/")[:2])]
        return self._object(self.send(method, path, {key: body}, **query), key)

    def post(self, path, body, **query):
        return self.write("POST", path, body, **query)

    def put(self, path, id_, body, **query):
        return self.write("PUT", f"{path}/{id_}", body, **query)

    def get(self, path, id_, **query):
        return self._object(self.send("GET", f"{path}/{id_}", **query), WRAPPED.get(path, "category"))

    def _object(self, answer, key):
        body = answer.json["response"]
        return body["errors"][0]["errno"] if "errors" in body else body["result"][key]

    def list(self, path, **query):
        """The objects of one page."""
        return next(each for each in self.page(path, **query).values() if isinstance(each, list))

    def page(self, path, **query):
        return self.send("GET", path, **query).json["response"]["result"]

    def balance(self, name, currency=""):
        """As a decimal, debit positive."""
        return Decimal(self.remote.books(self.account, currency).balance(name)) / 100

    def do(self, action, **values):
        return self.remote.control(action, {"account": self.account, **values})

    @property
    def client(self):
        return self.made["clients"]["Amazon.com"]

    def category(self, name="Commissions"):
        return self.made["categories"][name]

    # Smallest valid objects, and what is made of them

    def invoice(self, *amounts, **fields):
        lines = [
            {"type": 0, "name": "SALES", "qty": 1, "unit_cost": {"amount": str(amount), "code": "USD"}}
            for amount in amounts or ("100.00",)
        ]
        return {"customerid": self.client, "create_date": "2026-11-10", "lines": lines, **fields}

    def sent(self, *amounts, **fields):
        draft = self.post("invoices/invoices", self.invoice(*amounts, **fields))
        return self.put("invoices/invoices", draft["id"], {"action_mark_as_sent": True})

    def payment(self, invoice, amount, /, **fields):
        return {
            "invoiceid": invoice["id"],
            "amount": {"amount": str(amount), "code": invoice["currency_code"]},
            "date": "2026-11-12",
            "type": "Other",
            "note": "AMZ-1-1",
            "send_client_notification": False,
            **fields,
        }

    def pay(self, invoice, amount, /, **fields):
        return self.post("payments/payments", self.payment(invoice, amount, **fields))

    def expense(self, amount, /, **fields):
        return {
            "amount": {"amount": str(amount), "code": "USD"},
            "categoryid": self.category(),
            "staffid": 1,
            "date": "2026-11-12",
            "vendor": "Amazon.com",
            "notes": "AMZ-1-1:FEE_SELLING",
            **fields,
        }

    def income(self, amount, /, **fields):
        money = {"amount": str(amount), "code": "USD"}
        return {"amount": money, "category_name": "online_sales", "payment_type": "Other", "date": "2026-11-12",
                "source": "Amazon", **fields}  # fmt: skip

    def journal(self, *sides, **fields):
        """``sides``: (account name or sub-account id, amount), debit positive."""
        details = [
            {
                "sub_accountid": self.made["accounts"].get(name, name),
                "debit" if Decimal(str(amount)) > 0 else "credit": str(abs(Decimal(str(amount)))),
            }
            for name, amount in sides
        ]
        return {"name": "AMZ-1-1", "currency_code": "USD", "user_entered_date": "2026-11-14", "details": details,
                "description": "ref:1", **fields}  # fmt: skip

    def details(self, name, **query):
        """Every journal detail of an account."""
        id_ = str(self.made["accounts"][name])
        return self.list(
            "journal_entries/journal_entry_details", **{"search[sub_accountid]": id_, "per_page": 100, **query}
        )


@pytest.fixture
def remote():
    remote = FreshBooksStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    return remote


def business(remote, **values):
    made = remote.control("create_business", {"clients": ["Amazon.com"], **values})
    return Api(remote, made)


@pytest.fixture
def api(remote):
    """A Plus business that an accountant has set up."""
    return business(remote, chart="bookkeeper")


@pytest.fixture
def lite(remote):
    """A Lite business that nobody has touched."""
    return business(remote, plan="Lite", person="lite@example.com")

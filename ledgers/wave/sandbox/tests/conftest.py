"""A business to talk to over the stand-in's own HTTP, in-process."""

from datetime import UTC, datetime

import pytest
from werkzeug.test import Client

from ledgers.wave.sandbox import WaveStandIn
from sandbox.clock import frozen
from sandbox.jsontext import dumps, loads

NOW = datetime(2026, 11, 20, 18, tzinfo=UTC)
ACCOUNTS = {
    "Clearing": "CASH_AND_BANK",
    "Bank": "CASH_AND_BANK",
    "Card": "CREDIT_CARD",
    "Transit": "MONEY_IN_TRANSIT",
    "Payouts": "OTHER_CURRENT_ASSETS",
    "Reserve": "OTHER_CURRENT_ASSETS",
    "Tax": "OTHER_CURRENT_LIABILITY",
    "Goods": "INCOME",
    "Promo": "DISCOUNTS",
    "Fees": "PAYMENT_PROCESSING_FEES",
}


class Api:
    """What an application does: documents and variables out, JSON in, with a bearer token."""

    def __init__(self, remote, made, **tokens):
        self.remote, self.made, self.id = remote, made, made["business"]
        self.tokens = remote.control("issue_tokens", {"business": self.id, **tokens})
        self.http = Client(remote)

    def send(self, document, variables=None, token=None, **more):
        token = self.tokens["access_token"] if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        body = dumps({"query": document, "variables": variables or {}, **more})
        return self.http.post("/graphql/public", data=body, headers={**headers, "Content-Type": "application/json"})

    def ask(self, document, **variables):
        """``data``; errors are not expected."""
        body = loads(self.send(document, variables).get_data())
        assert "errors" not in body, body["errors"]
        return body["data"]

    def errors(self, document, variables=None, **more):
        """[(code, path)] of the answer's errors."""
        body = loads(self.send(document, variables, **more).get_data())
        return [(each["extensions"]["code"], each.get("path")) for each in body["errors"]]

    def of(self, selection, **variables):
        """Fields of the business; ``$name: Type`` of the variables are given as name=(Type, value)."""
        declared = "".join(f", ${name}: {kind}" for name, (kind, _) in variables.items())
        document = f"query($b: ID!{declared}) {{ business(id: $b) {{ {selection} }} }}"
        return self.ask(document, b=self.id, **{name: value for name, (_, value) in variables.items()})["business"]

    def do(self, mutation, selection="", **given):
        """The object that the mutation answers, or the paths of its input errors."""
        kind = mutation[0].upper() + mutation[1:]
        answer = self.ask(
            f"mutation($input: {kind}Input!) {{ {mutation}(input: $input)"
            f" {{ didSucceed inputErrors {{ code message path }} {selection} }} }}",
            input=given,
        )[mutation]
        if not answer["didSucceed"]:
            return answer
        assert answer["inputErrors"] is None
        return next((value for key, value in answer.items() if key not in ("didSucceed", "inputErrors")), {})

    def refused(self, mutation, selection="", **given):
        """[path] of the input errors, joined by dots."""
        answer = self.do(mutation, selection, **given)
        assert answer["didSucceed"] is False
        return [".".join(each["path"]) for each in answer["inputErrors"]]

    # Smallest valid documents

    def account(self, name):
        return self.made["accounts"][name]

    def posting(self, amount, *lines, anchor="Clearing", external="e1", **fields):
        """``amount`` > 0 deposits; ``lines``: (account name, amount), positive ones are credits."""
        direction = "WITHDRAWAL" if str(amount).startswith("-") else "DEPOSIT"
        return {
            "externalId": external,
            "date": "2026-10-31",
            "description": "AMZ-1",
            "anchor": {"accountId": self.account(anchor), "amount": str(amount).lstrip("-"), "direction": direction},
            "lineItems": [self.line(name, each) for name, each in lines],
            **fields,
        }

    def line(self, name, amount, **fields):
        balance = "DEBIT" if str(amount).startswith("-") else "CREDIT"
        return {"accountId": self.account(name), "amount": str(amount).lstrip("-"), "balance": balance, **fields}

    def post(self, *given, **fields):
        """The transaction's id, or the answer with its errors."""
        made = self.do(
            "moneyTransactionCreate", "transaction { id }", businessId=self.id, **self.posting(*given, **fields)
        )
        return made.get("id", made)

    def post_refused(self, *given, **fields):
        return self.refused(
            "moneyTransactionCreate", "transaction { id }", businessId=self.id, **self.posting(*given, **fields)
        )

    def invoice(self, *prices, selection="id", **fields):
        """A saved invoice over ``prices`` of the product Goods, or the paths of its errors."""
        given = {
            "businessId": self.id,
            "customerId": self.made["customers"]["Amazon"],
            "status": "SAVED",
            "invoiceDate": "2026-10-20",
            "dueDate": "2026-12-31",
            "items": [{"productId": self.made["products"]["Goods"], "unitPrice": str(price)} for price in prices],
            **fields,
        }
        return self.do("invoiceCreate", f"invoice {{ {selection} }}", **given)

    def pay(self, invoice, amount, selection="id", into="Clearing", **fields):
        given = {
            "invoiceId": invoice["id"],
            "paymentAccountId": self.account(into),
            "amount": str(amount),
            "paymentDate": "2026-10-31",
            "paymentMethod": "OTHER",
            "exchangeRate": "1",
            "memo": "AMZ-1",
            **fields,
        }
        return self.do("invoicePaymentCreateManual", f"invoicePayment {{ {selection} }}", **given)

    def read(self, invoice, selection):
        return self.of(f"invoice(id: $i) {{ {selection} }}", i=("ID!", invoice["id"]))["invoice"]

    def balances(self):
        """{account name: home currency as text, debit positive}, without zeros, from the general ledger."""
        return self.remote.control("balances", {"business": self.id})


def business(remote, **values):
    return remote.control(
        "create_business",
        {
            "chart": "bare",
            "accounts": ACCOUNTS,
            "customers": ["Amazon"],
            "products": {"Goods": "Goods", "Promo": "Promo"},
            **values,
        },
    )


@pytest.fixture
def remote():
    remote = WaveStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    return remote


@pytest.fixture
def api(remote):
    return Api(remote, business(remote))

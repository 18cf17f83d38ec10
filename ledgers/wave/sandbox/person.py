"""What people do in the browser while our client works: the control actions of the stand-in.

Each takes a JSON object and answers one; ``business`` is the id of the business, ``id`` that of the object. Accounts
may be named. A person passes the client's rules (scopes, plan, throttles, externalId) and keeps those of the books.
"""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from ledgers.wave.sandbox import invoices, lists, transactions
from ledgers.wave.sandbox.business import Business, Doc
from ledgers.wave.sandbox.businesses import create_business
from ledgers.wave.sandbox.charts import CHARTS
from ledgers.wave.sandbox.oauth import DEFAULT_APP, EVERYTHING
from ledgers.wave.sandbox.refusals import InputRefused
from sandbox.books import from_minor
from sandbox.wsgi import Control

if TYPE_CHECKING:
    from ledgers.wave.sandbox.api import WaveStandIn

_NAMES = (
    "create_business",
    "charts",
    "businesses",
    "issue_tokens",
    "register_app",
    "expire_access",
    "revoke",
    "set_plan",
    "set_classic",
    "set_rate",
    "close_period",
    "archive_account",
    "restore_account",
    "rename_account",
    "archive_product",
    "restore_product",
    "touch",
    "add_invoice",
    "take_number",
    "edit_invoice",
    "view_invoice",
    "delete_invoice",
    "add_payment",
    "edit_payment",
    "delete_payment",
    "transactions",
    "add_transaction",
    "edit_transaction",
    "categorise",
    "delete_transaction",
    "balances",
    "trial_balance",
    "entries",
    "calls",
)


class Person:
    def __init__(self, stand_in: "WaveStandIn") -> None:
        self._stand_in = stand_in

    def actions(self) -> Mapping[str, Control]:
        return {name: self._guarded(getattr(self, name)) for name in _NAMES}

    def _guarded(self, action: Control) -> Control:
        def act(values: dict[str, Any]) -> Any:
            try:
                return action(values)
            except (InputRefused, GraphQLError) as refusal:
                raise ValueError(str(refusal)) from refusal

        return act

    def _business(self, values: dict[str, Any]) -> Business:
        return self._stand_in.business(str(values["business"]))

    # Businesses and access

    def create_business(self, values: dict[str, Any]) -> Doc:
        """See ``businesses.create_business``."""
        return create_business(self._stand_in.store, self._stand_in.clock, self._stand_in.switches, values)

    def charts(self, values: dict[str, Any]) -> Doc:
        return {slug: {"about": chart.about, "expected": dict(chart.expected)} for slug, chart in CHARTS.items()}

    def businesses(self, values: dict[str, Any]) -> list[Doc]:
        every = [Business(self._stand_in.store, self._stand_in.clock, self._stand_in.switches, each)
                 for each in self._stand_in.store.all("business")]  # fmt: skip
        return [{"business": each.id, "name": each.info["name"], "plan": each.info["plan"]} for each in every]

    def issue_tokens(self, values: dict[str, Any]) -> Doc:
        """``{business, all?, scope?, client_id?}``: the answer of the token endpoint, without a browser.

        ``all`` is for a token that spans every business of the owner. Every scope there is, if none is said.
        """
        info, oauth = self._business(values).info, self._stand_in.oauth
        client_id = values.get("client_id", DEFAULT_APP["client_id"])
        oauth.app(client_id)
        only = "" if values.get("all") else info["uuid"]
        return oauth.issue(oauth.new_grant(client_id, only, values.get("scope", EVERYTHING), info["user"]), rotate=True)

    def register_app(self, values: dict[str, Any]) -> Doc:
        """``{client_id, client_secret, name, redirect_uris}``, each optional."""
        return self._stand_in.oauth.register_app(values)

    def expire_access(self, values: dict[str, Any]) -> Doc:
        return {"expired": self._stand_in.oauth.expire_access(self._business(values).uuid)}

    def revoke(self, values: dict[str, Any]) -> Doc:
        """The user disconnects the application inside Wave."""
        return {"ended": self._stand_in.oauth.end_business(self._business(values).uuid)}

    # The business itself

    def set_plan(self, values: dict[str, Any]) -> Doc:
        """``{business, plan: pro|free}``."""
        if values["plan"] not in ("pro", "free"):
            raise ValueError("plan is pro or free")
        return self._set(values, "plan", values["plan"])

    def set_classic(self, values: dict[str, Any]) -> Doc:
        """``{business, classic: true|false}``: classic accounting, which takes no money transactions."""
        return self._set(values, "classic", bool(values.get("classic", True)))

    def close_period(self, values: dict[str, Any]) -> Doc:
        """``{business, date}``: closed through that day; "" opens everything."""
        return self._set(values, "closed_through", values["date"])

    def set_rate(self, values: dict[str, Any]) -> Doc:
        """``{business, currency, rate}``: home units per unit."""
        rates = self._business(values).info["rates"]
        return self._set(values, "rates", {**rates, values["currency"]: str(Decimal(str(values["rate"])))})

    def _set(self, values: dict[str, Any], field: str, value: Any) -> Doc:
        business = self._business(values)
        business.info[field] = value
        self._stand_in.store.put("business", business.uuid, business.info)
        return {field: value}

    # Lists

    def archive_account(self, values: dict[str, Any]) -> Doc:
        return self._change_account(values, {"isArchived": True})

    def restore_account(self, values: dict[str, Any]) -> Doc:
        return self._change_account(values, {"isArchived": False})

    def rename_account(self, values: dict[str, Any]) -> Doc:
        """``{business, account, name}``."""
        return self._change_account(values, {"name": values["name"]})

    def _change_account(self, values: dict[str, Any], changes: Doc) -> Doc:
        business = self._business(values)
        return lists.change_account(business, self._account(business, values["account"]), changes)

    def _account(self, business: Business, name: str) -> Doc:
        return business.need("Account", business.account_id(name))

    def archive_product(self, values: dict[str, Any]) -> Doc:
        """``{business, id}``."""
        business = self._business(values)
        return lists.archive(business, "Product", business.need("Product", values["id"]))

    def restore_product(self, values: dict[str, Any]) -> Doc:
        """``{business, id}``: what only the browser can."""
        business = self._business(values)
        return business.changed("Product", business.need("Product", values["id"]), {"isArchived": False})

    def touch(self, values: dict[str, Any]) -> Doc:
        """``{business, kind, id}``: saved again unchanged; modifiedAt moves, of an account the sequence."""
        business, kind = self._business(values), values["kind"]
        doc = business.need(kind, values["id"])
        return lists.change_account(business, doc, {}) if kind == "Account" else business.changed(kind, doc, {})

    # Invoices and payments

    def add_invoice(self, values: dict[str, Any]) -> Doc:
        """``{business, body}``: the input of invoiceCreate without businessId; amounts as text or numbers."""
        business = self._business(values)
        return self._invoice(business, invoices.create(business, _decimals(values["body"])))

    def take_number(self, values: dict[str, Any]) -> Doc:
        """``{business, number, customer, product}``: somebody else's invoice of 1.00 has the number."""
        body = {"customerId": values["customer"], "invoiceNumber": values["number"], "status": "SAVED",
                "items": [{"productId": values["product"], "unitPrice": "1"}]}  # fmt: skip
        return self.add_invoice({**values, "body": body})

    def edit_invoice(self, values: dict[str, Any]) -> Doc:
        """``{business, id, changes}``: the input of invoicePatch without its id."""
        business = self._business(values)
        invoice = business.need("Invoice", values["id"])
        return self._invoice(business, invoices.patch(business, invoice, _decimals(values["changes"])))

    def view_invoice(self, values: dict[str, Any]) -> Doc:
        """The customer opens the invoice."""
        business = self._business(values)
        invoice = business.need("Invoice", values["id"])
        return self._invoice(business, business.changed("Invoice", invoice, {"viewedAt": invoice["modifiedAt"]}))

    def delete_invoice(self, values: dict[str, Any]) -> Doc:
        business = self._business(values)
        invoices.delete(business, business.need("Invoice", values["id"]))
        return {}

    def add_payment(self, values: dict[str, Any]) -> Doc:
        """``{business, invoice, amount, account, date, memo?}``: somebody records a payment."""
        business = self._business(values)
        invoice = business.need("Invoice", values["invoice"])
        given = {"amount": Decimal(str(values["amount"])), "exchangeRate": Decimal(1),
                 "paymentAccountId": business.account_id(values["account"]), "paymentDate": values["date"],
                 "paymentMethod": "OTHER", "memo": values.get("memo")}  # fmt: skip
        return invoices.create_payment(business, invoice, given)

    def edit_payment(self, values: dict[str, Any]) -> Doc:
        """``{business, id, changes}``: the input of invoicePaymentPatch without its id."""
        business = self._business(values)
        payment = business.need("InvoicePayment", values["id"])
        return invoices.patch_payment(business, payment, _decimals(values["changes"]))

    def delete_payment(self, values: dict[str, Any]) -> Doc:
        business = self._business(values)
        invoices.delete_payment(business, business.need("InvoicePayment", values["id"]))
        return {}

    def _invoice(self, business: Business, invoice: Doc) -> Doc:
        return {**invoice, "status": invoices.status(business, invoice)}

    # Transactions: the view that the API does not have

    def transactions(self, values: dict[str, Any]) -> list[Doc]:
        """``{business}``: every stored money transaction, as it was sent, by ``api`` or ``person``."""
        return self._business(values).all("Transaction")

    def add_transaction(self, values: dict[str, Any]) -> Doc:
        """``{business, date, description, sides: {account: amount}}``: a journal transaction by hand.

        Amounts in home currency, debit positive; they add up to nothing.
        """
        description = values.get("description", "Journal")
        business = self._business(values)
        return transactions.create_by_hand(business, values["date"], description, self._sides(business, values))

    def edit_transaction(self, values: dict[str, Any]) -> Doc:
        """``{business, id, date, sides}``: a person gives a transaction, anybody's, other content."""
        business = self._business(values)
        transaction = business.need("Transaction", values["id"])
        return transactions.edit_by_hand(business, transaction, values["date"], self._sides(business, values))

    def _sides(self, business: Business, values: dict[str, Any]) -> list[tuple[Doc, Decimal]]:
        return [(self._account(business, name), Decimal(str(amount))) for name, amount in values["sides"].items()]

    def categorise(self, values: dict[str, Any]) -> Doc:
        """``{business, bank, account, amount, date, description?}``: a line of the bank feed gets its category.

        A positive amount arrived on ``bank`` and credits ``account``; a negative one left it.
        """
        amount = Decimal(str(values["amount"]))
        sides = {values["bank"]: amount, values["account"]: -amount}
        return self.add_transaction({"description": "Bank feed", **values, "sides": sides})

    def delete_transaction(self, values: dict[str, Any]) -> Doc:
        """``{business, id}``: a person deletes it in the browser."""
        business = self._business(values)
        transactions.delete_by_hand(business, business.need("Transaction", values["id"]))
        return {}

    # The books, for a judge without the API

    def balances(self, values: dict[str, Any]) -> Doc:
        """``{business}`` → {account name: home currency in major units as text, debit positive}, zeros left out."""
        business = self._business(values)
        names = {account["id"]: account["name"] for account in business.all("Account")}
        found = business.books.trial_balance(end=values.get("end", "9999-12-31"))
        return {names[id_]: f"{from_minor(minor, business.home):f}" for id_, minor in found.items()}

    def trial_balance(self, values: dict[str, Any]) -> Doc:
        """``{business, start?, end?}`` → {account id: home minor units, debit positive}."""
        books = self._business(values).books
        return books.trial_balance(values.get("start", "0000-01-01"), values.get("end", "9999-12-31"))

    def entries(self, values: dict[str, Any]) -> list[Doc]:
        """``{business, account?}`` → [{source, on_date, postings: [{account, currency, amount, home_amount, memo}]}]."""
        books = self._business(values).books
        return [asdict(entry) for entry in books.entries(values.get("account", ""))]

    def calls(self, values: dict[str, Any]) -> Doc:
        """``{client_id?}`` → calls of the application by UTC day."""
        client_id = values.get("client_id", DEFAULT_APP["client_id"])
        store = self._stand_in.store
        days = [day for day in store.ids("calls") if day.startswith(f"{client_id} ")]
        return {day.rpartition(" ")[2]: (store.get("calls", day) or {})["calls"] for day in days}


_AMOUNTS = ("amount", "exchangeRate", "quantity", "unitPrice")


def _decimals(body: Any) -> Any:
    """Input of a mutation from JSON: amounts as decimals."""
    if isinstance(body, list):
        return [_decimals(each) for each in body]
    if isinstance(body, dict):
        return {
            key: Decimal(str(value)) if key in _AMOUNTS and value is not None else _decimals(value)
            for key, value in body.items()
        }
    return body

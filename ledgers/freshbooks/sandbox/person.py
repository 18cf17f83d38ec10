"""What people do in the browser while our client works: the control actions of the stand-in.

Each takes a JSON object and answers one; ``account`` is an account id or a business uuid. They pass the client's doors
(tokens, scopes, throttles) and keep the rules of the books.
"""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledgers.freshbooks.sandbox import accounts, businesses, webhooks, writes
from ledgers.freshbooks.sandbox.business import ARCHIVED, DELETED, Business, Entry, Line
from ledgers.freshbooks.sandbox.charts import CHARTS
from ledgers.freshbooks.sandbox.errors import Refusal
from ledgers.freshbooks.sandbox.fields import Doc
from ledgers.freshbooks.sandbox.oauth import SCOPES
from ledgers.freshbooks.sandbox.resources import RESOURCES, Resource
from sandbox.wsgi import Control

if TYPE_CHECKING:
    from ledgers.freshbooks.sandbox.api import FreshBooksStandIn

_NAMES = (
    "create_business",
    "businesses",
    "charts",
    "issue_tokens",
    "disconnect",
    "expire_access",
    "register_app",
    "set_plan",
    "set_role",
    "lose_access",
    "add",
    "edit",
    "delete",
    "archive",
    "mark_paid",
    "rename_account",
    "archive_account",
    "restore_account",
    "close_books",
    "transfer",
    "trial_balance",
    "entries",
    "mails",
    "take_webhooks",
)


class Person:
    def __init__(self, stand_in: "FreshBooksStandIn") -> None:
        self._stand_in = stand_in

    def actions(self) -> Mapping[str, Control]:
        return {name: self._guarded(getattr(self, name)) for name in _NAMES}

    def _guarded(self, action: Control) -> Control:
        def act(values: dict[str, Any]) -> Any:
            try:
                return action(values)
            except Refusal as refusal:
                raise ValueError(str(refusal)) from refusal

        return act

    def _business(self, values: dict[str, Any]) -> Business:
        return self._stand_in.business(str(values["account"]))

    def _resource(self, values: dict[str, Any]) -> Resource:
        return next(each for each in RESOURCES if each.kind == values["kind"])

    # Businesses and access

    def create_business(self, values: dict[str, Any]) -> Doc:
        """See ``businesses.create_business``."""
        store = self._stand_in.store
        return businesses.create_business(store, self._stand_in.clock, self._stand_in.switches, values)

    def businesses(self, values: dict[str, Any]) -> list[Doc]:
        names = ("account_id", "uuid", "id", "name", "plan")
        return [{name: each[name] for name in names} for each in self._stand_in.store.all("business")]

    def charts(self, values: dict[str, Any]) -> Doc:
        return {slug: {"about": chart.about, "expected": dict(chart.expected),
                       "categories": dict(chart.categories)} for slug, chart in CHARTS.items()}  # fmt: skip

    def issue_tokens(self, values: dict[str, Any]) -> Doc:
        """``{person, client_id?, scope?}``: the answer of the token endpoint, without a browser."""
        oauth = self._stand_in.oauth
        if self._stand_in.store.get("person", str(values["person"])) is None:
            raise KeyError(f"no person {values['person']}")
        scope = values.get("scope", " ".join(SCOPES))
        return oauth.issue(oauth.grant(values.get("client_id", "sandbox-client"), str(values["person"]), scope))

    def disconnect(self, values: dict[str, Any]) -> Doc:
        """``{person}``: the person takes the application's access away in FreshBooks."""
        return {"ended": self._stand_in.oauth.end_person(str(values["person"]))}

    def expire_access(self, values: dict[str, Any]) -> Doc:
        """``{person}``."""
        return {"expired": self._stand_in.oauth.expire_access(str(values["person"]))}

    def register_app(self, values: dict[str, Any]) -> Doc:
        """See ``oauth.OAuth.register_app``."""
        return self._stand_in.oauth.register_app(values)

    def set_plan(self, values: dict[str, Any]) -> Doc:
        """``{account, plan?, status?, advanced_accounting?}``: answers the permissions that follow."""
        business = self._business(values)
        for name in ("plan", "status", "advanced_accounting"):
            if name in values:
                business.info[name] = values[name]
        business.save_info()
        return business.permissions()

    def set_role(self, values: dict[str, Any]) -> Doc:
        """``{account, person, role}``."""
        return self._memberships(values, lambda each: {**each, "role": values["role"]})

    def lose_access(self, values: dict[str, Any]) -> Doc:
        """``{account, person}``: the person is removed from the business."""
        return self._memberships(values, lambda each: None)

    def _memberships(self, values: dict[str, Any], turn: Any) -> Doc:
        scope, store = self._business(values).scope, self._stand_in.store
        person = store.get("person", str(values["person"]))
        if person is None:
            raise KeyError(f"no person {values['person']}")
        turned = [turn(each) if each["business"] == scope else each for each in person["memberships"]]
        person = {**person, "memberships": [each for each in turned if each]}
        store.put("person", person["email"], person)
        return person

    # Objects

    def add(self, values: dict[str, Any]) -> Doc:
        """``{account, kind, body}``: a new object, made in the browser; an invoice is a draft."""
        business, resource = self._business(values), self._resource(values)
        return resource.show(business, writes.create(business, resource, values["body"]), {"lines"})

    def edit(self, values: dict[str, Any]) -> Doc:
        """``{account, kind, id, changes}``."""
        business, resource = self._business(values), self._resource(values)
        return resource.show(business, writes.change(business, resource, values["id"], values["changes"]), {"lines"})

    def delete(self, values: dict[str, Any]) -> Doc:
        """``{account, kind, id}``."""
        return self.edit({**values, "changes": {"vis_state": DELETED}})

    def archive(self, values: dict[str, Any]) -> Doc:
        """``{account, kind, id}``."""
        return self.edit({**values, "changes": {"vis_state": ARCHIVED}})

    def mark_paid(self, values: dict[str, Any]) -> Doc:
        """``{account, id, date?, amount?}``: the payment of an invoice, in full unless an amount is given."""
        business = self._business(values)
        invoice = business.need("invoice", values["id"])
        amount = {"amount": values["amount"], "code": invoice["currency_code"]} if "amount" in values else None
        body = {
            "invoiceid": invoice["id"],
            "amount": amount or invoice["outstanding"],
            "date": values.get("date") or business.today(),
            "type": "Check",
            "note": "",
            "send_client_notification": False,
        }
        return self.add({**values, "kind": "payment", "body": body})

    # Accounts and periods

    def rename_account(self, values: dict[str, Any]) -> Doc:
        """``{account, id, name}``: ``id`` is a sub-account id, an account's uuid, or a name."""
        return self._account(values, {"name": values["name"]})

    def archive_account(self, values: dict[str, Any]) -> Doc:
        """``{account, id}``."""
        return self._account(values, {"state": "archived"})

    def restore_account(self, values: dict[str, Any]) -> Doc:
        """``{account, id}``."""
        return self._account(values, {"state": "active"})

    def _account(self, values: dict[str, Any], changes: Doc) -> Doc:
        business = self._business(values)
        id_ = str(values["id"])
        uuid = id_ if business.get("account", id_) else business.account(id_)["uuid"]
        return accounts.change(business, uuid, changes)

    def close_books(self, values: dict[str, Any]) -> Doc:
        """``{account, date: YYYY-MM-DD | null}``: null opens them again."""
        business = self._business(values)
        business.info["closed_until"] = values.get("date") or ""
        business.save_info()
        return {"closed_until": business.info["closed_until"]}

    def transfer(self, values: dict[str, Any]) -> Doc:
        """``{account, from, to, amount, date, currency?}``: bank reconciliation marks money as moved between two
        accounts (names or sub-account ids), which no call of the API can do."""
        business = self._business(values)
        amount, id_ = Decimal(str(values["amount"])), business.next_id("transfer")
        entry = Entry(
            f"transfer:{id_}", values["date"], values.get("currency", business.home), "bank_transfer", "Transfer"
        )
        lines = [
            Line(business.account(str(values["to"])), amount),
            Line(business.account(str(values["from"])), -amount),
        ]
        return {"entryid": business.book(entry, lines)[0]["entryid"]}

    # For a judge without the API

    def trial_balance(self, values: dict[str, Any]) -> Doc:
        """``{account, currency?, start?, end?}`` → {sub-account id: minor units, debit positive}."""
        books = self._business(values).books(values.get("currency", ""))
        return books.trial_balance(values.get("start", "0000-01-01"), values.get("end", "9999-12-31"))

    def entries(self, values: dict[str, Any]) -> list[Doc]:
        """``{account, currency?, of?}`` → [{source, on_date, postings}]; ``of`` names an account."""
        books = self._business(values).books(values.get("currency", ""))
        return [asdict(entry) for entry in books.entries(values.get("of", ""))]

    def mails(self, values: dict[str, Any]) -> list[Doc]:
        """What FreshBooks sent to clients: {about, to}."""
        return self._business(values).all("mail")

    def take_webhooks(self, values: dict[str, Any]) -> list[Doc]:
        """See ``webhooks.take``."""
        return webhooks.take(self._business(values))

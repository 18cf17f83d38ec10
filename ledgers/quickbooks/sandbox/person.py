"""What people do in the browser while our client works: the control actions of the stand-in.

Each takes a JSON object and answers one; ``realm`` names the company. They pass the client's rules where a person
would (numbers, tokens, throttles) and keep those of the books (a void of a deposited payment is refused here as well).
"""

from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ledgers.quickbooks.sandbox import companies, reads, writes
from ledgers.quickbooks.sandbox.charts import CHARTS
from ledgers.quickbooks.sandbox.company import Company, Doc
from ledgers.quickbooks.sandbox.errors import Fault
from sandbox.wsgi import Control

if TYPE_CHECKING:
    from ledgers.quickbooks.sandbox.api import QuickBooksStandIn

_NAMES = (
    "create_company",
    "charts",
    "companies",
    "issue_tokens",
    "disconnect",
    "expire_access",
    "register_app",
    "add",
    "edit",
    "touch",
    "void",
    "delete",
    "rename_account",
    "inactivate",
    "reactivate",
    "close_books",
    "set_preferences",
    "reconcile",
    "lose_access",
    "lapse",
    "set_rate",
    "trial_balance",
    "entries",
    "coreplus",
)


class Person:
    def __init__(self, stand_in: "QuickBooksStandIn") -> None:
        self._stand_in = stand_in

    def actions(self) -> Mapping[str, Control]:
        return {name: self._guarded(getattr(self, name)) for name in _NAMES}

    def _guarded(self, action: Control) -> Control:
        def act(values: dict[str, Any]) -> Any:
            try:
                return action(values)
            except Fault as fault:
                raise ValueError(f"{fault.code} {fault.detail}") from fault

        return act

    def _company(self, values: dict[str, Any]) -> Company:
        return self._stand_in.company(str(values["realm"]))

    # Companies and access

    def create_company(self, values: dict[str, Any]) -> Doc:
        """See ``companies.create_company``."""
        return companies.create_company(self._stand_in.store, self._stand_in.clock, self._stand_in.switches, values)

    def charts(self, values: dict[str, Any]) -> Doc:
        return {slug: {"about": chart.about, "expected": dict(chart.expected)} for slug, chart in CHARTS.items()}

    def companies(self, values: dict[str, Any]) -> list[Doc]:
        return [{"realm": each["realm"], "name": each["name"]} for each in self._stand_in.store.all("company")]

    def issue_tokens(self, values: dict[str, Any]) -> Doc:
        """``{realm, client_id?}``: the answer of the token endpoint, without a browser; ``realmId`` beside it."""
        oauth = self._stand_in.oauth
        realm = self._company(values).realm
        grant = self._stand_in.store.get("grant", oauth.new_grant(values.get("client_id", "sandbox-client"), realm))
        oauth.supersede(grant or {})
        return {**oauth.issue(grant or {}, rotate=True), "realmId": realm}

    def disconnect(self, values: dict[str, Any]) -> Doc:
        """The user disconnects the application inside QuickBooks."""
        return {"ended": self._stand_in.oauth.end_company(self._company(values).realm)}

    def expire_access(self, values: dict[str, Any]) -> Doc:
        return {"expired": self._stand_in.oauth.expire_access(self._company(values).realm)}

    def register_app(self, values: dict[str, Any]) -> Doc:
        """``{client_id, client_secret, name, redirect_uris}``, each optional."""
        return self._stand_in.oauth.register_app(values)

    def lose_access(self, values: dict[str, Any]) -> Doc:
        """``{realm, lost: true|false}``: the connecting user is removed from the company (120)."""
        return self._flag(values, "access_lost", "lost")

    def lapse(self, values: dict[str, Any]) -> Doc:
        """``{realm, lapsed: true|false}``: the subscription ends, the company is read-only (6190)."""
        return self._flag(values, "lapsed", "lapsed")

    def _flag(self, values: dict[str, Any], field: str, given: str) -> Doc:
        company = self._company(values)
        company.info[field] = bool(values.get(given, True))
        company.save_info()
        return {field: company.info[field]}

    # Objects

    def add(self, values: dict[str, Any]) -> Doc:
        """``{realm, kind, body}``: a new object; a person may repeat a document number."""
        company = self._company(values)
        made = writes.create(company, values["kind"], values["body"], allow_duplicate=True)
        return reads.one(company, values["kind"], company.need(values["kind"], made["Id"]))

    def edit(self, values: dict[str, Any]) -> Doc:
        """``{realm, kind, id, changes}``: only what is named changes."""
        company, kind = self._company(values), values["kind"]
        body = {**values["changes"], **self._current(company, values), "sparse": True}
        if kind == "Purchase":
            body.setdefault("PaymentType", company.need(kind, str(values["id"]))["PaymentType"])
        return reads.one(company, kind, writes.update(company, kind, body, allow_duplicate=True))

    def touch(self, values: dict[str, Any]) -> Doc:
        """``{realm, kind, id}``: saved without a change that shows; the SyncToken rises."""
        company = self._company(values)
        doc = company.need(values["kind"], str(values["id"]))
        company.touch(values["kind"], doc)
        return reads.one(company, values["kind"], doc)

    def void(self, values: dict[str, Any]) -> Doc:
        """``{realm, kind, id}``."""
        company = self._company(values)
        return reads.one(company, values["kind"], writes.void(company, values["kind"], self._current(company, values)))

    def delete(self, values: dict[str, Any]) -> Doc:
        """``{realm, kind, id}``."""
        company = self._company(values)
        return writes.delete(company, values["kind"], self._current(company, values))

    def _current(self, company: Company, values: dict[str, Any]) -> Doc:
        doc = company.need(values["kind"], str(values["id"]))
        return {"Id": doc["Id"], "SyncToken": doc["SyncToken"]}

    def rename_account(self, values: dict[str, Any]) -> Doc:
        """``{realm, id, name}``."""
        return self.edit({**values, "kind": "Account", "changes": {"Name": values["name"]}})

    def inactivate(self, values: dict[str, Any]) -> Doc:
        """``{realm, kind, id}``."""
        return self.edit({**values, "changes": {"Active": False}})

    def reactivate(self, values: dict[str, Any]) -> Doc:
        return self.edit({**values, "changes": {"Active": True}})

    def reconcile(self, values: dict[str, Any]) -> Doc:
        """``{realm, kind, id}``: matched to the bank feed, cannot be deleted any more (6480)."""
        company = self._company(values)
        doc = company.need(values["kind"], str(values["id"]))
        doc["_"]["reconciled"] = True
        company.put(values["kind"], doc)
        return reads.one(company, values["kind"], doc)

    # The company's settings

    def close_books(self, values: dict[str, Any]) -> Doc:
        """``{realm, date: YYYY-MM-DD | null, password: false}``: null opens them again."""
        company = self._company(values)
        section = company.info["preferences"]["AccountingInfoPrefs"]
        section.pop("BookCloseDate", None)
        if values.get("date"):
            section["BookCloseDate"] = values["date"]
        company.info["close_password"] = bool(values.get("password", False))
        company.info["preferences_token"] += 1
        company.save_info()
        return reads.preferences(company)

    def set_preferences(self, values: dict[str, Any]) -> Doc:
        """``{realm, preferences: {section: {name: value}}}``."""
        company = self._company(values)
        for section, given in values["preferences"].items():
            company.info["preferences"].setdefault(section, {}).update(given)
        company.info["preferences_token"] += 1
        company.save_info()
        return reads.preferences(company)

    def set_rate(self, values: dict[str, Any]) -> Doc:
        """``{realm, currency, date, rate}``."""
        company = self._company(values)
        company.set_rate(values["currency"], values["date"], Decimal(str(values["rate"])))
        return {}

    # The books, for a judge without the API

    def trial_balance(self, values: dict[str, Any]) -> Doc:
        """``{realm, start?, end?}`` → {account id: home minor units, debit positive}."""
        company = self._company(values)
        return company.books.trial_balance(values.get("start", "0000-01-01"), values.get("end", "9999-12-31"))

    def entries(self, values: dict[str, Any]) -> list[Doc]:
        """``{realm, account?}`` → [{source, on_date, postings: [{account, currency, amount, home_amount, memo}]}]."""
        books = self._company(values).books
        return [asdict(entry) for entry in books.entries(values.get("account", ""))]

    def coreplus(self, values: dict[str, Any]) -> Doc:
        """Metered reads of this month."""
        return {"reads": self._stand_in.meters.reads(self._stand_in.clock.now())}

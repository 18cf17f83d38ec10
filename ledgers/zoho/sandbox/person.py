"""What people do in the browser while our client works: the control actions of the stand-in.

Each takes a JSON object and answers one; ``organization_id`` names the organization. They keep the rules of the books:
a person cannot write into a locked period either, until the lock is lifted.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from ledgers.zoho.sandbox import (
    accounts,
    banking,
    creditnotes,
    expenses,
    invoices,
    journals,
    masters,
    organizations,
    payments,
)
from ledgers.zoho.sandbox.charts import CHARTS
from ledgers.zoho.sandbox.errors import Fault
from ledgers.zoho.sandbox.fields import Doc, day
from ledgers.zoho.sandbox.oauth import DEFAULT_APP, FULL_ACCESS
from ledgers.zoho.sandbox.organization import MODULES, Organization, visible
from sandbox.wsgi import Control

if TYPE_CHECKING:
    from ledgers.zoho.sandbox.api import ZohoStandIn

_NAMES: Final = (
    "create_user", "create_organization", "charts", "organizations", "register_app", "issue_tokens", "disconnect",
    "expire_access", "add_user", "remove_user", "set_active", "upgrade", "add", "edit", "void", "delete", "lock", "unlock",
    "archive", "restore", "rename_account", "match", "unmatch", "mark_sent", "approve", "set_rate", "block", "spend_quota", "busy",
    "trial_balance", "entries", "records",
)  # fmt: skip


class Person:
    def __init__(self, stand_in: "ZohoStandIn") -> None:
        self._stand_in = stand_in

    def actions(self) -> Mapping[str, Control]:
        return {name: self._guarded(getattr(self, name)) for name in _NAMES}

    def _guarded(self, action: Control) -> Control:
        def act(values: dict[str, Any]) -> Any:
            try:
                return action(values)
            except Fault as fault:
                raise ValueError(f"{fault.code} {fault.message}") from fault

        return act

    def _organization(self, values: dict[str, Any]) -> Organization:
        return self._stand_in.organization(str(values["organization_id"]))

    # Users, organizations, access

    def create_user(self, values: dict[str, Any]) -> Doc:
        """``{email?, location?}`` → ``{id, email, location}``."""
        return organizations.create_user(self._stand_in.store, values)

    def create_organization(self, values: dict[str, Any]) -> Doc:
        """See ``organizations.create_organization``."""
        it = self._stand_in
        return organizations.create_organization(it.store, it.clock, it.switches, values)

    def charts(self, values: dict[str, Any]) -> Doc:
        return {slug: {"about": chart.about, "expected": dict(chart.expected)} for slug, chart in CHARTS.items()}

    def organizations(self, values: dict[str, Any]) -> list[Doc]:
        found = self._stand_in.store.all("organization")
        return [{name: each[name] for name in ("organization_id", "name", "users")} for each in found]

    def register_app(self, values: dict[str, Any]) -> Doc:
        """``{client_id, client_secret, secrets, name, locations, redirect_uris}``, each optional."""
        return self._stand_in.oauth.register_app(values)

    def issue_tokens(self, values: dict[str, Any]) -> Doc:
        """``{user, client_id?, scope?}``: what the token endpoint answers after a consent, and ``location``."""
        oauth = self._stand_in.oauth
        user = self._stand_in.store.get("user", str(values["user"]))
        if user is None:
            raise KeyError(f"no user {values['user']}")
        client = values.get("client_id", DEFAULT_APP["client_id"])
        grant = oauth.new_grant(str(client), str(user["id"]), values.get("scope", FULL_ACCESS))
        return {**oauth.issue(grant), "refresh_token": grant["token"], "location": user["location"]}

    def disconnect(self, values: dict[str, Any]) -> Doc:
        """``{user}``: the user removes the application on the page of connected applications."""
        return {"ended": self._stand_in.oauth.end_user(str(values["user"]))}

    def expire_access(self, values: dict[str, Any]) -> Doc:
        """``{user}``: every access token of the user expires now."""
        return {"expired": self._stand_in.oauth.expire_access(str(values["user"]))}

    def add_user(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, user}``."""
        organization = self._organization(values)
        organization.info["users"] = sorted({*organization.info["users"], str(values["user"])})
        organization.save_info()
        return {"users": organization.info["users"]}

    def remove_user(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, user}``: from then on 6041."""
        organization = self._organization(values)
        organization.info["users"] = [each for each in organization.info["users"] if each != str(values["user"])]
        organization.save_info()
        return {"users": organization.info["users"]}

    def set_active(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, active}``: the organization is marked as inactive, or active again."""
        organization = self._organization(values)
        organization.info["is_org_active"] = bool(values["active"])
        organization.save_info()
        return {"is_org_active": organization.info["is_org_active"]}

    def upgrade(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, multicurrency?, sales_tax?, approvals?, quota?}``: settings and what a plan gives."""
        organization = self._organization(values)
        for name in ("multicurrency", "sales_tax", "approvals", "quota"):
            if name in values:
                organization.info[name] = values[name]
        organization.save_info()
        return {name: organization.info[name] for name in ("multicurrency", "sales_tax", "approvals", "quota")}

    # Documents. ``kind``: invoice, payment, creditnote, journal, transaction, expense, item, contact, account

    def add(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, kind, body}``: a new record; a document has the number the body gives it. An invoice
        stays a draft until it is marked as sent or paid."""
        return visible(_save(self._organization(values), values["kind"], values["body"], None))

    def edit(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, kind, id, changes}``: only what is named changes."""
        organization, kind = self._organization(values), values["kind"]
        return visible(_save(organization, kind, values["changes"], organization.need(kind, str(values["id"]))))

    def mark_sent(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, id}``: a draft invoice is marked as sent."""
        organization = self._organization(values)
        draft = organization.need("invoice", str(values["id"]))
        return visible(invoices.set_state(organization, draft, "sent"))

    def void(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, kind: invoice | creditnote, id}``."""
        organization, kind = self._organization(values), values["kind"]
        states = {"invoice": invoices.set_state, "creditnote": creditnotes.set_state}
        return visible(states[kind](organization, organization.need(kind, str(values["id"])), "void"))

    def delete(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, kind, id}``; an account or item goes whatever it was used for."""
        organization, kind, id_ = self._organization(values), values["kind"], str(values["id"])
        removers = {
            "invoice": invoices.remove,
            "payment": payments.remove,
            "creditnote": creditnotes.remove,
            "journal": journals.remove,
            "transaction": banking.remove,
            "expense": expenses.remove,
        }
        if kind in removers:
            removers[kind](organization, id_)
        else:
            organization.need(kind, id_)
            organization.bury(kind, id_)
        return {"deleted": id_}

    def match(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, id}``: a bank transaction is matched with a line of the bank feed."""
        return self._mark(values, "matched")

    def unmatch(self, values: dict[str, Any]) -> Doc:
        return self._mark(values, "manually_added")

    def _mark(self, values: dict[str, Any], status: str) -> Doc:
        organization = self._organization(values)
        doc = organization.need("transaction", str(values["id"]))
        return visible(organization.put("transaction", {**doc, "status": status}))

    def approve(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, kind: invoice | journal, id}``."""
        organization, kind = self._organization(values), values["kind"]
        doc = organization.need(kind, str(values["id"]))
        if kind == "journal":
            return visible(journals.publish(organization, doc["journal_id"], approved=True))
        return visible(organization.put("invoice", {**doc, "_": {**doc["_"], "approved": True}}))

    # Settings

    def lock(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, date, module: all | sales | purchase | accountant | banking, reason?}``: nothing dated
        on or before ``date`` can be written."""
        organization = self._organization(values)
        module = values.get("module", "all")
        if module != "all" and module not in MODULES:
            raise ValueError(f"no module {module!r}")
        kept = [each for each in organization.info["locks"] if each["module"] != module]
        lock = {"module": module, "date": day(values["date"], "date"), "reason": values.get("reason", "Year-end"),
                "by": "Accountant"}  # fmt: skip
        organization.info["locks"] = [*kept, lock]
        organization.save_info()
        return {"locks": organization.info["locks"]}

    def unlock(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, module?}``; without a module every lock."""
        organization = self._organization(values)
        module = values.get("module")
        organization.info["locks"] = [
            each for each in organization.info["locks"] if module and each["module"] != module
        ]
        organization.save_info()
        return {"locks": organization.info["locks"]}

    def archive(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, kind: account | item | contact, id}``: marked as inactive."""
        return self._archived(values, active=False)

    def restore(self, values: dict[str, Any]) -> Doc:
        return self._archived(values, active=True)

    def _archived(self, values: dict[str, Any], *, active: bool) -> Doc:
        organization, kind, id_ = self._organization(values), values["kind"], str(values["id"])
        if kind == "account":
            return visible(accounts.set_active(organization, id_, active=active))
        return visible(masters.set_status(organization, kind, id_, "active" if active else "inactive"))

    def rename_account(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, id, name}``."""
        return self.edit({**values, "kind": "account", "changes": {"account_name": values["name"]}})

    def set_rate(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, currency_code, date, rate}``."""
        organization = self._organization(values)
        currency = organization.currency_of(values["currency_code"])
        rate = str(values["rate"])
        return visible(masters.add_rate(organization, currency["currency_id"], day(values["date"], "date"), rate))

    # Other integrations, sharing the limits

    def block(self, values: dict[str, Any]) -> Doc:
        """``{user, seconds?}``: a burst has blocked the user: 429 code 43 with Retry-After."""
        it = self._stand_in
        seconds = int(values.get("seconds", it.switches["block_s"]))
        it.limits.block(str(values["user"]), it.clock.now(), seconds)
        return {"seconds": seconds}

    def spend_quota(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, calls}``: somebody else has used that many of today's calls."""
        it, organization = self._stand_in, self._organization(values)
        it.limits.spend(organization.info, it.clock.now(), int(values["calls"]))
        return it.limits.headers(organization.info, it.clock.now())

    def busy(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, calls}``: that many calls of others are in flight until the next ``busy``."""
        organization = self._organization(values)
        organization.info["busy"] = int(values["calls"])
        organization.save_info()
        return {"busy": organization.info["busy"]}

    # The books, for a judge without the API

    def trial_balance(self, values: dict[str, Any]) -> Doc:
        """``{organization_id, start?, end?}`` → {account id: base minor units, debit positive}."""
        books = self._organization(values).books
        return books.trial_balance(values.get("start", "0000-01-01"), values.get("end", "9999-12-31"))

    def entries(self, values: dict[str, Any]) -> list[Doc]:
        """``{organization_id, account?}`` → [{source, on_date, postings: [{account, currency, amount, home_amount,
        memo}]}]."""
        books = self._organization(values).books
        return [asdict(entry) for entry in books.entries(values.get("account", ""))]

    def records(self, values: dict[str, Any]) -> list[Doc]:
        """``{organization_id, kind}``: every record of a kind, as stored."""
        return [visible(doc) for doc in self._organization(values).all(values["kind"])]


def _save(organization: Organization, kind: str, given: Doc, old: Doc | None) -> Doc:
    match kind:
        case "invoice":
            return invoices.save(organization, given, old, own_number=bool(old or given.get("invoice_number")))
        case "creditnote":
            return creditnotes.save(organization, given, old, own_number=bool(old or given.get("creditnote_number")))
    savers = {
        "payment": payments.save,
        "journal": journals.save,
        "transaction": banking.save,
        "expense": expenses.save,
        "item": masters.save_item,
        "contact": masters.save_contact,
        "account": accounts.save,
    }
    return savers[kind](organization, given, old)

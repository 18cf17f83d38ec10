"""The stand-in, mounted in process, with a connected client and a business that has what settlements need.

This is what the contract suite asks of every ledger; what it says about the books comes from the stand-in's own general
ledger, never from the client.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import Document, Kind
from kit import http
from kit.http import Http
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.client import FreshBooks
from ledgers.freshbooks.plan import Plan, plans
from ledgers.freshbooks.remote import Remote
from ledgers.freshbooks.sandbox import FreshBooksStandIn
from ledgers.freshbooks.tests import factories as make
from ledgers.port import Binding, External, Ledger, Post, Posted
from tests.contract.furnished import furnish

BASE = "https://freshbooks.stand-in.test"
_ACCOUNTS = (
    AccountKey.CLEARING, AccountKey.PAYOUTS, AccountKey.CHARGE_METHOD, AccountKey.BANK, AccountKey.SALES,
    AccountKey.SHIP_INCOME, AccountKey.PROMO, AccountKey.FEE_SELLING,
)  # fmt: skip
_ITEMS = (AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.PROMO)
# What FreshBooks books by itself, by the name that every business has for it.
_OWN: Final = {
    AccountKey.PETTY: "Petty Cash",
    AccountKey.REVENUE: "Revenue",
    AccountKey.AR: "Accounts Receivable",
}
# Categories that a plan without journal entries books expenses to.
_CATEGORIES: Final = {
    AccountKey.FEE_SELLING: "Commissions",
    AccountKey.ADS: "Advertising",
    AccountKey.REFUNDS: "Other Expenses",
}
# A look-up goes before each write, so what goes wrong with a write has to name it.
_WRITES: Final = ("*.create", "*.delete")


class Rig:
    currency = "USD"
    customer = make.BUYER
    hides = True  # whether a customer can be made inactive
    # FreshBooks never says what was deleted, and of entries not what was changed.
    incomplete = frozenset({Kind.INVOICE, Kind.PAYMENT, Kind.EXPENSE, Kind.ENTRY, Kind.TRANSFER})
    # It takes a document back whatever a person made of it: the look at it before has to notice.
    refuses_stale = False
    # It takes the same document twice, so each is looked for before it is written.
    idempotent = False

    def __init__(self, plan: str = "Plus", chart: str = "default", **switches: Any) -> None:
        self.stand_in = FreshBooksStandIn()
        self.stand_in.switches["rate_scale"] = 0
        self.made = self.stand_in.control("create_business", {"name": "Rig", "plan": plan, "chart": chart})
        for name, value in switches.items():
            self.stand_in.switches[name] = value
        self._token = self._issue()
        self.renewed = 0
        self.metered: list[str] = []
        self.learned: list[Plan] = []
        self.bindings: dict[str, Binding] = {}
        self.ledger: Ledger

    def at(self, base: str) -> FreshBooks:
        """A client of this business under another address, good for sending what the rig's own has rendered."""
        return FreshBooks(
            Http("contract"),
            base,
            self.token,
            self.metered.append,
            Company(self._plan(), home_currency=self.currency),
            learned=self.learned.append,
            rate_scale=1e6,
        )

    def _plan(self) -> Plan:
        """What the business may do, as the consent would have told."""
        remote = Remote(Http("contract"), BASE, self.token, self.metered.append)
        return next(plan for plan in plans(remote.me()) if plan.account_id == self.made["account_id"])

    def token(self, rejected: str = "") -> str:
        if rejected == self._token:
            self._token = self._issue()
            self.renewed += 1
        return self._token

    def furnish(self) -> None:
        """Create accounts, items and the customer the way deliveries do."""
        self.ledger = self.at(BASE)
        self.ledger.reference()
        posts = [self.post(make.customer("Amazon.com (rig)"), "customer")]
        journals = Kind.ACCOUNT in self.ledger.capabilities.kinds
        if journals:
            posts += [
                self.post(make.new_account(key.value, f"{ACCOUNTS[key].name} (rig)"), f"account:{key}")
                for key in _ACCOUNTS
            ]
        made = self.deliver(*posts)
        if journals:
            self.bindings |= {key.value: Binding(account=made[f"account:{key}"].external_id) for key in _ACCOUNTS}
            self.bindings |= {key.value: Binding(account=self._account(name)) for key, name in _OWN.items()}
        else:
            categories = self.made["categories"]
            self.bindings |= {
                key.value: Binding(account=f"category-{categories[name]}") for key, name in _CATEGORIES.items()
            }
        self.bindings[make.BUYER] = Binding(customer=made["customer"].external_id)
        made = self.deliver(
            *(self.post(make.item(f"{ACCOUNTS[key].name} (rig)", key.value), f"item:{key}") for key in _ITEMS)
        )
        for key in _ITEMS:
            known = self.bindings.get(key.value, Binding())
            self.bindings[key.value] = replace(known, item=made[f"item:{key}"].external_id)

    def read(self) -> None:
        """Read the lists of the business as it is now."""
        self.ledger = self.at(BASE)
        self.ledger.reference()

    def deliver(self, *posts: Post) -> dict[str, Posted]:
        """Send posts that must be taken, and return what became of each."""
        outcomes: dict[str, Posted] = {}
        for call in self.ledger.render(posts):
            for key, answer in self.ledger.send(call, 10.0).items():
                assert isinstance(answer, Posted), answer
                outcomes[key] = answer
        return outcomes

    def post(self, document: Document, key: str, refs: Mapping[str, Posted] | None = None) -> Post:
        known = {name: External(each.external_id, each.version) for name, each in (refs or {}).items()}
        return make.post(document, key, known, self.bindings)

    # What the books say ------------------------------------------------------------------------------------------------

    def balance(self, key: AccountKey) -> int:
        """Minor units, debit positive, from the stand-in's general ledger."""
        return int(self._books().balance(_OWN.get(key) or self.bindings[key.value].account))

    def balances(self) -> dict[AccountKey, int]:
        """Every balance of the rig's accounts that is not zero."""
        found = {key: self.balance(key) for key in (*_ACCOUNTS, *_OWN)}
        return {key: amount for key, amount in found.items() if amount}

    def total(self) -> dict[str, int]:
        """Every account that is not zero, by its id."""
        return {account: amount for account, amount in self._books().trial_balance().items() if amount}

    def count(self, kind: str) -> int:
        """How many objects of a kind are not deleted."""
        return sum(not row.get("vis_state") for row in self.stand_in.business(self.made["account_id"]).all(kind))

    def customer_of(self, external_id: str) -> str:
        """All that is kept of a customer."""
        return str(
            [
                row
                for row in self.stand_in.business(self.made["account_id"]).all("client")
                if str(row["id"]) == external_id
            ]
        )

    def _books(self) -> Any:
        return self.stand_in.books(self.made["account_id"])

    def _account(self, name: str) -> str:
        return str(self.stand_in.business(self.made["account_id"]).account_id(name))

    # What goes wrong --------------------------------------------------------------------------------------------------

    def lose_next_answer(self, *, batch: bool = False) -> None:
        """The next write is kept; its answer never arrives. No write carries more than one document."""
        self._fault(boundary="after_commit", do="drop_answer")

    def lose_next_request(self) -> None:
        """The next write arrives and is not kept; no answer comes."""
        self._fault(boundary="before_commit", do="drop_answer")

    def commit_next_late(self, seconds: float) -> None:
        """The next write gets no answer and is kept ``seconds`` later."""
        self._fault(boundary="before_commit", do="late_commit", seconds=seconds)

    def pass_time(self, seconds: float) -> None:
        self.stand_in.clock.advance(seconds)
        self.stand_in.run_late()

    def answer_next(
        self, status: int, body: str = "json", headers: Mapping[str, str] | None = None, times: int = 1
    ) -> None:
        """The next calls are not kept and answered with this status, in this form (json, xml, html): any call, and for an
        error of the server the next write, for the look-up before it changes nothing."""
        operations = _WRITES if status >= 500 else ("*",)
        for nth in range(1, times + 1):
            values = {"status": status, "body": body, "headers": dict(headers or {}), "nth": nth}
            self._fault(*operations, boundary="before_commit", do="status", **values)

    def fail_after_commit(self, status: int, body: str = "html") -> None:
        """The next write is kept and answered with this status."""
        self._fault(boundary="after_commit", do="status", status=status, body=body)

    def cut_next_answer(self) -> None:
        """The next write is kept; half of its answer arrives."""
        self._fault(boundary="mid_answer", do="cut_body")

    def reject_token(self) -> None:
        """The access token in use is no longer good."""
        self.stand_in.control("expire_access", {"person": self.made["person"]})

    def touch(self, kind: Kind, external_id: str) -> None:
        """A person saves the document again."""
        self._person("edit", kind=kind.value, id=external_id, changes={})

    def now(self) -> datetime:
        """The remote's clock."""
        return self.stand_in.clock.now()

    def edit_amount(self, kind: Kind, external_id: str, minor: int) -> None:
        """A person gives a payment another amount."""
        amount = {"amount": str(Decimal(minor) / 100), "code": self.currency}
        self._person("edit", kind=kind.value, id=external_id, changes={"amount": amount})

    def rename(self, kind: Kind, external_id: str, memo: str) -> None:
        """A person writes a memo of their own."""
        self._person("edit", kind=kind.value, id=external_id, changes={"notes": memo})

    def take_number(self, number: str) -> None:
        """Another program posts an invoice of 1.00 under this number."""
        line = {"name": "x", "qty": 1, "unit_cost": {"amount": "1.00", "code": self.currency}}
        customer = self.bindings[make.BUYER].customer
        body = {"invoice_number": number, "customerid": customer, "create_date": make.ON.isoformat(), "lines": [line]}
        draft = self._person("add", kind="invoice", body=body)
        self._person("edit", kind="invoice", id=draft["id"], changes={"action_mark_as_sent": True})

    def close_books(self, through: str) -> None:
        self._person("close_books", date=through)

    def fault(self, operation: str, **rule: Any) -> None:
        self.stand_in.faults.add(operation=operation, **rule)

    def _person(self, action: str, **values: Any) -> Any:
        return self.stand_in.control(action, {"account": self.made["account_id"], **values})

    def _issue(self) -> str:
        return str(self.stand_in.control("issue_tokens", {"person": self.made["person"]})["access_token"])

    def _fault(self, *operations: str, **rule: Any) -> None:
        for operation in operations or _WRITES:
            self.fault(operation, **rule)


@contextmanager
def rig(plan: str = "Plus", **switches: Any) -> Iterator[Rig]:
    made = Rig(plan, **switches)
    http.mount(BASE, made.stand_in)
    try:
        furnish(made, ("freshbooks", plan, *sorted(switches.items())))
        yield made
    finally:
        http.unmount(BASE)

"""The stand-in, mounted in process, with a connected client and a company that has what settlements need.

This is what the contract suite asks of every ledger; what it says about the books comes from the stand-in's own general
ledger, never from the client.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import Document, Kind
from kit import http
from kit.http import Http
from ledgers.port import Binding, External, Ledger, Post, Posted
from ledgers.quickbooks.client import QuickBooks
from ledgers.quickbooks.sandbox import QuickBooksStandIn
from ledgers.quickbooks.tests import factories as make
from tests.contract.furnished import furnish

BASE = "https://quickbooks.stand-in.test"
_ACCOUNTS = (
    AccountKey.CLEARING, AccountKey.RESERVE, AccountKey.TAX_CLEARING, AccountKey.LOAN, AccountKey.CHARGE_METHOD,
    AccountKey.BANK, AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.PROMO, AccountKey.REFUNDS, AccountKey.REIMB,
    AccountKey.FEE_SELLING, AccountKey.FEE_INBOUND, AccountKey.ADS,
)  # fmt: skip
_ITEMS = (AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.PROMO)
_KINDS = {Kind.INVOICE: "Invoice", Kind.ENTRY: "JournalEntry", Kind.DEPOSIT: "Deposit", Kind.TRANSFER: "Transfer"}


class Rig:
    currency = "USD"
    customer = make.BUYER
    hides = True  # whether a customer can be made inactive
    # What QuickBooks never says all about, and whether it refuses to take back what a person changed meanwhile.
    incomplete: frozenset[Kind] = frozenset()
    refuses_stale = True
    # A request that is repeated is known again.
    idempotent = True

    def __init__(self, chart: str = "us_default") -> None:
        self.stand_in = QuickBooksStandIn()
        self.stand_in.switches["rate_scale"] = 0
        made = self.stand_in.control("create_company", {"chart": chart})
        self.realm: str = made["realm"]
        self.expected: dict[str, str | None] = made["expected"]
        self._token = self._issue()
        self.renewed = 0
        self.metered: list[str] = []
        self.bindings: dict[str, Binding] = {}
        self.ledger: Ledger = self.at(BASE)

    def at(self, base: str) -> QuickBooks:
        """A client of this company under another address, good for sending what the rig's own has rendered."""
        return QuickBooks(Http("contract"), base, self.realm, self.token, self.metered.append)

    def token(self, rejected: str = "") -> str:
        if rejected == self._token:
            self._token = self._issue()
            self.renewed += 1
        return self._token

    def furnish(self) -> None:
        """Create accounts, items and the customer the way deliveries do."""
        self.ledger.reference()
        names = {key: f"{ACCOUNTS[key].name} (rig)" for key in _ACCOUNTS}
        made = self.deliver(
            *(self.post(make.new_account(key.value, name), f"account:{key}") for key, name in names.items()),
            self.post(make.customer("Amazon.com (rig)"), "customer"),
        )
        for key in _ACCOUNTS:
            self.bindings[key.value] = Binding(account=made[f"account:{key}"].external_id)
        self.bindings[make.BUYER] = Binding(customer=made["customer"].external_id)
        made = self.deliver(
            *(self.post(make.item(f"{ACCOUNTS[key].name} (rig)", key.value), f"item:{key}") for key in _ITEMS)
        )
        for key in _ITEMS:
            account = self.bindings[key.value].account
            self.bindings[key.value] = Binding(account=account, item=made[f"item:{key}"].external_id)

    def read(self) -> None:
        """Read the lists of the company as it is now."""
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

    def post(self, document: Document, key: str, refs: Mapping[str, Posted] | None = None, generation: int = 1) -> Post:
        known = {name: External(each.external_id, each.version) for name, each in (refs or {}).items()}
        return make.post(document, key, known, self.bindings, generation)

    # What the books say ------------------------------------------------------------------------------------------------

    def balance(self, key: AccountKey) -> int:
        """Minor units, debit positive, from the stand-in's general ledger."""
        if key is AccountKey.AR:
            return sum(self._books().balance(account) for account in self._receivables())
        return int(self._books().balance(self.bindings[key.value].account))

    def balances(self) -> dict[AccountKey, int]:
        """Every balance of the rig's accounts that is not zero."""
        found = {key: self.balance(key) for key in (*_ACCOUNTS, AccountKey.AR)}
        return {key: amount for key, amount in found.items() if amount}

    def customer_of(self, external_id: str) -> str:
        """All that is kept of a customer."""
        return str(self.stand_in.company(self.realm).get("Customer", external_id))

    def _books(self) -> Any:
        return self.stand_in.books(self.realm)

    def _receivables(self) -> list[str]:
        listed = self.ledger.reference().accounts
        return [account.id for account in listed if account.type.startswith("Accounts Receivable")]

    # What goes wrong --------------------------------------------------------------------------------------------------

    def lose_next_answer(self, *, batch: bool = False) -> None:
        """The next write, or the next batch, is kept; its answer never arrives."""
        self._fault(operation="batch" if batch else "*", boundary="after_commit", do="drop_answer")

    def stop_batch_after(self, items: int) -> None:
        """Of the next batch only so many items are kept; no answer comes."""
        self._fault(operation="batch.item", boundary="after_commit", do="drop_answer", nth=items)

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
        """The next calls are not kept and answered with this status, in this form (json, xml, html)."""
        for nth in range(1, times + 1):
            self._fault(
                boundary="before_commit", do="status", status=status, body=body, headers=dict(headers or {}), nth=nth
            )

    def fail_after_commit(self, status: int, body: str = "html") -> None:
        """The next write is kept and answered with this status."""
        self._fault(boundary="after_commit", do="status", status=status, body=body)

    def cut_next_answer(self) -> None:
        """The next write is kept; half of its answer arrives."""
        self._fault(boundary="mid_answer", do="cut_body")

    def reject_token(self) -> None:
        """The access token in use is no longer good."""
        self.stand_in.control("expire_access", {"realm": self.realm})

    def touch(self, kind: Kind, external_id: str) -> None:
        """A person saves the document again."""
        self.stand_in.control("touch", {"realm": self.realm, "kind": _KINDS[kind], "id": external_id})

    def now(self) -> datetime:
        """The remote's clock."""
        return self.stand_in.clock.now()

    def edit_amount(self, kind: Kind, external_id: str, minor: int) -> None:
        """A person gives a transfer another amount."""
        assert kind is Kind.TRANSFER
        self._edit("Transfer", external_id, {"Amount": Decimal(minor) / 100})

    def rename(self, kind: Kind, external_id: str, memo: str) -> None:
        """A person writes a memo of their own."""
        self._edit(_KINDS[kind], external_id, {"PrivateNote": memo})

    def _edit(self, kind: str, external_id: str, changes: dict[str, Any]) -> None:
        self.stand_in.control("edit", {"realm": self.realm, "kind": kind, "id": external_id, "changes": changes})

    def take_number(self, number: str) -> None:
        """Another program posts an invoice of 1.00 under this number."""
        sales = self.bindings["SALES"].item
        line = {"Amount": 1, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": {"ItemRef": {"value": sales}}}
        body = {"DocNumber": number, "CustomerRef": {"value": self.bindings[make.BUYER].customer}, "Line": [line]}
        self.stand_in.control("add", {"realm": self.realm, "kind": "Invoice", "body": body})

    def close_books(self, through: str) -> None:
        self.stand_in.control("close_books", {"realm": self.realm, "date": through})

    def _issue(self) -> str:
        return str(self.stand_in.control("issue_tokens", {"realm": self.realm})["access_token"])

    def _fault(self, **rule: Any) -> None:
        self.stand_in.faults.add(operation=rule.pop("operation", "*"), **rule)


@contextmanager
def rig() -> Iterator[Rig]:
    made = Rig()
    http.mount(BASE, made.stand_in)
    try:
        furnish(made, "quickbooks")
        yield made
    finally:
        http.unmount(BASE)

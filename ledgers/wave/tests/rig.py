"""The stand-in, mounted in process, with a connected client and a business that has what settlements need.

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
from ledgers.wave.bound import Company
from ledgers.wave.client import Wave, company_from
from ledgers.wave.sandbox import WaveStandIn
from ledgers.wave.tests import factories as make
from tests.conformance.witness import Witness, published
from tests.contract.furnished import furnish

BASE = "https://wave.stand-in.test"
_ACCOUNTS = (
    AccountKey.CLEARING, AccountKey.PAYOUTS, AccountKey.RESERVE, AccountKey.TAX_CLEARING, AccountKey.LOAN,
    AccountKey.CHARGE_METHOD, AccountKey.BANK, AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.PROMO,
    AccountKey.REFUNDS, AccountKey.REIMB, AccountKey.FEE_SELLING, AccountKey.FEE_INBOUND, AccountKey.ADS,
)  # fmt: skip
_ITEMS = (AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.PROMO)
_KINDS = {Kind.INVOICE: "Invoice", Kind.PAYMENT: "InvoicePayment"}
_WRITES = "mutation.*"


class Rig:
    currency = "USD"
    customer = make.BUYER
    hides = False  # whether a customer can be made inactive
    # What Wave never says all about: nothing tells which invoices were deleted.
    incomplete = frozenset({Kind.INVOICE})
    # It takes a document back whatever a person made of it: the look at it before has to notice.
    refuses_stale = False
    # A request that is repeated is known again.
    idempotent = True

    def __init__(self) -> None:
        self.stand_in = WaveStandIn()
        self.stand_in.switches["rate_scale"] = 0
        made = self.stand_in.control("create_business", {"name": "Rig", "chart": "default"})
        self.business: str = made["business"]
        self._token = self._issue()
        self.renewed = 0
        self.metered: list[str] = []
        self.bindings: dict[str, Binding] = {}
        self.ledger: Ledger = self.at(BASE)

    def at(self, base: str, company: Company | None = None) -> Wave:
        """A client of this business under another address, good for sending what the rig's own has rendered."""
        return Wave(
            Http("contract"),
            base,
            self.business,
            self.token,
            self.metered.append,
            lambda: None,
            company=company,
            listed=self._listed,
            rate_scale=1_000_000.0,
        )

    def _listed(self, kind: Kind, name: str) -> bool:
        """The lists, as if they had been read just now."""
        rows = self.stand_in.business(self.business).all("Customer" if kind is Kind.CUSTOMER else "Product")
        return any(row["name"] == name for row in rows)

    def token(self, rejected: str = "") -> str:
        if rejected == self._token:
            self._token = self._issue()
            self.renewed += 1
        return self._token

    def furnish(self) -> None:
        """Create accounts, products and the customer the way deliveries do."""
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
        """Read the lists of the business as it is now."""
        self.ledger = self.at(BASE, company_from(self.business, self.at(BASE).reference()))

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
        if key is AccountKey.AR:
            return sum(self._books().balance(account) for account in self._receivables())
        return int(self._books().balance(self.bindings[key.value].account))

    def balances(self) -> dict[AccountKey, int]:
        """Every balance of the rig's accounts that is not zero."""
        found = {key: self.balance(key) for key in (*_ACCOUNTS, AccountKey.AR)}
        return {key: amount for key, amount in found.items() if amount}

    def transactions(self) -> list[dict[str, Any]]:
        """Every money transaction in the books, oldest first, by the stand-in's side door."""
        found: list[dict[str, Any]] = self._person("transactions")
        return found

    def customer_of(self, external_id: str) -> str:
        """All that is kept of a customer."""
        return str([row for row in self.stand_in.business(self.business).all("Customer") if row["id"] == external_id])

    def _books(self) -> Any:
        return self.stand_in.books(self.business)

    def _receivables(self) -> list[str]:
        every = self.stand_in.business(self.business).all("Account")
        return [account["id"] for account in every if account["subtype"] == "RECEIVABLE_INVOICES"]

    # What goes wrong --------------------------------------------------------------------------------------------------

    def lose_next_answer(self, *, batch: bool = False) -> None:
        """The next write is kept; its answer never arrives. No write carries more than one document."""
        self._fault(operation=_WRITES, boundary="after_commit", do="drop_answer")

    def lose_next_request(self) -> None:
        """The next write arrives and is not kept; no answer comes."""
        self._fault(operation=_WRITES, boundary="before_commit", do="drop_answer")

    def commit_next_late(self, seconds: float) -> None:
        """The next write gets no answer and is kept ``seconds`` later."""
        self._fault(operation=_WRITES, boundary="before_commit", do="late_commit", seconds=seconds)

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
        self._fault(operation=_WRITES, boundary="after_commit", do="status", status=status, body=body)

    def cut_next_answer(self) -> None:
        """The next write is kept; half of its answer arrives."""
        self._fault(operation=_WRITES, boundary="mid_answer", do="cut_body")

    def reject_token(self) -> None:
        """The access token in use is no longer good."""
        self._person("expire_access")

    def touch(self, kind: Kind, external_id: str) -> None:
        """A person saves the document again."""
        self._person("touch", kind=_KINDS[kind], id=external_id)

    def now(self) -> datetime:
        """The remote's clock."""
        return self.stand_in.clock.now()

    def edit_amount(self, kind: Kind, external_id: str, minor: int) -> None:
        """A person gives a payment another amount."""
        assert kind is Kind.PAYMENT
        self._person("edit_payment", id=external_id, changes={"amount": str(Decimal(minor) / 100)})

    def rename(self, kind: Kind, external_id: str, memo: str) -> None:
        """A person writes a memo of their own."""
        action = "edit_invoice" if kind is Kind.INVOICE else "edit_payment"
        self._person(action, id=external_id, changes={"memo": memo})

    def take_number(self, number: str) -> None:
        """Another program posts an invoice of 1.00 under this number."""
        product, customer = self.bindings["SALES"].item, self.bindings[make.BUYER].customer
        self._person("take_number", number=number, product=product, customer=customer)

    def close_books(self, through: str) -> None:
        self._person("close_period", date=through)

    def _person(self, action: str, **values: Any) -> Any:
        return self.stand_in.control(action, {"business": self.business, **values})

    def _issue(self) -> str:
        return str(self.stand_in.control("issue_tokens", {"business": self.business})["access_token"])

    def _fault(self, **rule: Any) -> None:
        self.stand_in.faults.add(operation=rule.pop("operation", "*"), **rule)


@contextmanager
def rig() -> Iterator[Rig]:
    """Where the published schema is beside the checkout, whatever was said has to fit it."""
    made = Rig()
    schema = published("wave/schema.graphql")
    witness = Witness(made.stand_in, schema) if schema else None
    http.mount(BASE, witness or made.stand_in)
    try:
        furnish(made, "wave")
        yield made
    finally:
        http.unmount(BASE)
    if witness:
        assert witness.seen
        assert witness.faults == []

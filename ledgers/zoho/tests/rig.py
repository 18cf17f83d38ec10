"""The stand-in, mounted in process, with a connected client and an organization that has what settlements need.

This is what the contract suite asks of every ledger; what it says about the books comes from the stand-in's own general
ledger, never from the client. A search finds at once what was written: ``pass_search_lag`` is for tests that switch the lag on.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import Document, EntryLine, Kind, Revaluation
from bookkeeping.entries import reversed_lines
from kit import http
from kit.http import Http
from ledgers.port import Binding, External, Ledger, Post, Posted
from ledgers.zoho.client import ZohoBooks
from ledgers.zoho.sandbox import ZohoStandIn
from ledgers.zoho.sandbox.tests.description import SPECS
from ledgers.zoho.tests import factories as make
from ledgers.zoho.tests.witness import Witness
from tests.contract.furnished import furnish

BASE: Final = "https://zoho.stand-in.test"
_ACCOUNTS: Final = (
    AccountKey.CLEARING, AccountKey.RESERVE, AccountKey.TAX_CLEARING, AccountKey.LOAN, AccountKey.CHARGE_METHOD,
    AccountKey.BANK, AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.PROMO, AccountKey.REFUNDS, AccountKey.REIMB,
    AccountKey.FEE_SELLING, AccountKey.FEE_INBOUND, AccountKey.ADS,
)  # fmt: skip
_ORGANIZATION: Final = {"name": "Rig", "chart": "us", "multicurrency": True, "currencies": {"GBP": "1.25"}}
_POUNDS: Final = "CLEARING/pounds"
_ITEMS: Final = (AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.PROMO)
_KINDS: Final = {
    Kind.INVOICE: "invoice", Kind.PAYMENT: "payment", Kind.ENTRY: "journal", Kind.TRANSFER: "transaction",
    Kind.REVALUATION: "base_currency_adjustment",
}  # fmt: skip
_MEMOS: Final = {Kind.INVOICE: "notes", Kind.ENTRY: "notes"}
_CREATE: Final = "*.create"
_WRITES: Final = "*.[cd]*te"  # create and delete: a journal and a transfer are looked for before they are written
_BATCH: Final = "invoices.bulk_sent"


class Rig:
    currency = "USD"
    customer = make.BUYER
    hides = True  # whether a customer can be made inactive
    # Zoho never says what was deleted, and lists neither payments nor transfers by when they changed.
    incomplete = frozenset(_KINDS)
    refuses_stale = True
    # It takes the same journal twice, so each is looked for before it is written.
    idempotent = False

    def __init__(self, **values: Any) -> None:
        """``values`` are the organization's, as ``sandbox.organizations.create_organization`` takes them."""
        self.stand_in = ZohoStandIn()
        self.stand_in.switches["rate_scale"] = 0
        self.stand_in.switches["search_lag_s"] = 0
        self.made = self.stand_in.control("create_organization", {**_ORGANIZATION, **values})
        self.organization: str = self.made["organization_id"]
        self._time_zone = str(values.get("time_zone", "America/New_York"))
        self._token = self._issue()
        self.renewed = 0
        self.metered: list[tuple[int, int]] = []
        self.bindings: dict[str, Binding] = {}
        self.ledger: Ledger = self.at(BASE)

    def at(self, base: str) -> ZohoBooks:
        """A client of this organization under another address, good for sending what the rig's own has rendered."""
        http_ = Http("contract")
        return ZohoBooks(http_, base, self.organization, self.token, quota=self._note_quota, time_zone=self._time_zone)

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

    def post(self, document: Document, key: str, refs: Mapping[str, Posted] | None = None) -> Post:
        known = {name: External(each.external_id, each.version) for name, each in (refs or {}).items()}
        return make.post(document, key, known, self.bindings)

    # Another currency ---------------------------------------------------------------------------------------------------

    def leave_residue(self, number: str = "AMZ-19000000001") -> Revaluation:
        """Book 77.00 GBP at 1.3000 and out again for 99.40 USD, and return what revalues the 0.70 that this leaves."""
        if _POUNDS not in self.bindings:
            made = self.deliver(self.post(make.new_account(_POUNDS, "Pounds (rig)", "GBP"), "account:pounds"))
            self.bindings[_POUNDS] = Binding(account=made["account:pounds"].external_id)
            self.ledger.reference()
        lines = (EntryLine(_POUNDS, debit=7700), EntryLine("SALES", credit=7700))
        booked = make.entry(number=f"{number}-1", currency="GBP", rate="1.3", lines=lines)
        gone = replace(booked, number=f"{number}-P", rate="1.290909", lines=tuple(reversed_lines(lines)))
        self.deliver(self.post(booked, f"{number}-1"), self.post(gone, f"{number}-P"))
        return make.revaluation(number=f"{number}-R", foreign="GBP", account=_POUNDS)

    def pounds(self) -> tuple[int, int]:
        """What the account in pounds holds, in pence and in cents."""
        account = self.bindings[_POUNDS].account
        books = self.stand_in.books(self.organization)
        return int(books.balance_in(account, "GBP")), int(books.balance(account))

    # What the books say ------------------------------------------------------------------------------------------------

    def balance(self, key: AccountKey) -> int:
        """Minor units, debit positive, from the stand-in's general ledger."""
        account = "Accounts Receivable" if key is AccountKey.AR else self.bindings[key.value].account
        return int(self.stand_in.books(self.organization).balance(account))

    def balances(self) -> dict[AccountKey, int]:
        """Every balance of the rig's accounts that is not zero."""
        found = {key: self.balance(key) for key in (*_ACCOUNTS, AccountKey.AR)}
        return {key: amount for key, amount in found.items() if amount}

    def records(self, kind: Kind) -> list[dict[str, Any]]:
        """Every document of a kind that is there, by the stand-in's side door."""
        found: list[dict[str, Any]] = self.person("records", kind=_KINDS[kind])
        return found

    # What goes wrong --------------------------------------------------------------------------------------------------

    def customer_of(self, external_id: str) -> str:
        """All that is kept of a customer."""
        return str(self.stand_in.organization(self.organization).get("contact", external_id))

    def lose_next_answer(self, *, batch: bool = False) -> None:
        """The next write, or marking the next batch as sent, is kept; its answer never arrives."""
        self.fault(operation=_BATCH if batch else _WRITES, boundary="after_commit", do="drop_answer")

    def stop_batch_after(self, items: int) -> None:
        """Of the next batch only so many items are kept; no answer comes."""
        self.fault(operation=_CREATE, boundary="after_commit", do="drop_answer", nth=items)

    def lose_next_request(self) -> None:
        """The next write arrives and is not kept; no answer comes."""
        self.fault(operation=_WRITES, boundary="before_commit", do="drop_answer")

    def commit_next_late(self, seconds: float) -> None:
        """The next write gets no answer and is kept ``seconds`` later."""
        self.fault(operation=_WRITES, boundary="before_commit", do="late_commit", seconds=seconds)

    def pass_time(self, seconds: float) -> None:
        self.stand_in.clock.advance(seconds)
        self.stand_in.run_late()

    def answer_next(
        self, status: int, body: str = "json", headers: Mapping[str, str] | None = None, times: int = 1
    ) -> None:
        """The next calls are not kept and answered with this status, in this form (json, html). A failure of the server
        meets a write, for one of the look before it says nothing about the document."""
        for nth in range(1, times + 1):
            self.fault(
                operation=_WRITES if status >= 500 else "*",
                boundary="before_commit",
                do="status",
                status=status,
                body=body,
                headers=dict(headers or {}),
                nth=nth,
            )

    def fail_after_commit(self, status: int, body: str = "html") -> None:
        """The next write is kept and answered with this status."""
        self.fault(operation=_WRITES, boundary="after_commit", do="status", status=status, body=body)

    def cut_next_answer(self) -> None:
        """The next write is kept; half of its answer arrives."""
        self.fault(operation=_WRITES, boundary="mid_answer", do="cut_body")

    def reject_token(self) -> None:
        """The access token in use is no longer good."""
        self.stand_in.control("expire_access", {"user": self.made["user"]})

    def touch(self, kind: Kind, external_id: str) -> None:
        """A person saves the document again, a second later: Zoho tells versions by the second."""
        self.pass_time(1)
        self._edit(kind, external_id, {})

    def now(self) -> datetime:
        """The remote's clock."""
        return self.stand_in.clock.now()

    def edit_amount(self, kind: Kind, external_id: str, minor: int) -> None:
        """A person gives a transfer another amount."""
        self._edit(kind, external_id, {"amount": Decimal(minor) / 100})

    def rename(self, kind: Kind, external_id: str, memo: str) -> None:
        """A person writes a memo of their own."""
        self._edit(kind, external_id, {_MEMOS[kind]: memo})

    def _edit(self, kind: Kind, external_id: str, changes: dict[str, Any]) -> None:
        self.person("edit", kind=_KINDS[kind], id=external_id, changes=changes)

    def take_number(self, number: str) -> None:
        """Another program posts an invoice of 1.00 under this number."""
        line = {"name": "Thing", "account_id": self.bindings["SALES"].account, "rate": 1, "quantity": 1}
        body = {
            "invoice_number": number,
            "customer_id": self.bindings[make.BUYER].customer,
            "line_items": [line],
        }
        made = self.person("add", kind="invoice", body=body)
        self.person("mark_sent", id=made["invoice_id"])

    def close_books(self, through: str) -> None:
        self.person("lock", date=through)

    def person(self, action: str, **values: Any) -> Any:
        """What a person does in the organization."""
        return self.stand_in.control(action, {"organization_id": self.organization, **values})

    def fault(self, **rule: Any) -> None:
        self.stand_in.faults.add(operation=rule.pop("operation", "*"), **rule)

    def calls(self, operation: str = "*") -> int:
        """How often an operation reached the stand-in, stored or not."""
        return len(self.stand_in.log(operation))

    def _note_quota(self, limit: int, remaining: int, resets_s: int) -> None:
        self.metered.append((limit, remaining))

    def _issue(self) -> str:
        return str(self.stand_in.control("issue_tokens", {"user": self.made["user"]})["access_token"])


@contextmanager
def rig(**values: Any) -> Iterator[Rig]:
    """Where Zoho's description is beside the checkout, whatever was said has to fit it."""
    made = Rig(**values)
    witness = Witness(made.stand_in) if SPECS.is_dir() else None
    http.mount(BASE, witness or made.stand_in)
    try:
        furnish(made, ("zoho", *sorted(values.items())))
        yield made
    finally:
        http.unmount(BASE)
    if witness:
        assert witness.seen
        assert not witness.faults, "\n".join(sorted(witness.faults))

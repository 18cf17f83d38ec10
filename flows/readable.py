"""Documents as a bookkeeper reads them: accounts by name, debits and credits, and what each line can be traced to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from bookkeeping.accounts import ACCOUNTS, PASSING, SYSTEM, AccountKey, account_key
from bookkeeping.buyers import hash_in
from bookkeeping.documents import (
    Customer,
    Deposit,
    Document,
    Expense,
    How,
    Invoice,
    Item,
    JournalEntry,
    Kind,
    NewAccount,
    Payment,
    Revaluation,
    Transfer,
    Undo,
    document_from,
)
from bookkeeping.money import shown
from flows.mapping import TenantMapping, marketplace_of
from flows.models import Delivery
from ledgers.models import ListEntry
from ledgers.registry import ledger_spec
from tenants.models import Connection

# The net of other lines, or what is moved on: no row of Amazon's stands behind these alone.
_NOBODYS: Final = PASSING | SYSTEM | {AccountKey.DEFERRED}
KIND_NAMES: Final[Mapping[str, str]] = {
    Kind.ACCOUNT: "New account",
    Kind.CUSTOMER: "New customer",
    Kind.ITEM: "New item",
    Kind.INVOICE: "Invoice",
    Kind.PAYMENT: "Payment",
    Kind.ENTRY: "Journal entry",
    Kind.TRANSFER: "Transfer",
    Kind.DEPOSIT: "Bank deposit",
    Kind.EXPENSE: "Expense",
    Kind.REVALUATION: "Revaluation",
    Kind.UNDO: "Taking back",
}


def kinds_of(company: Connection) -> Mapping[str, str]:
    """Return what the kinds of documents are called on the pages of the company's ledger."""
    return {**KIND_NAMES, **ledger_spec(company.provider).kind_names}


# Where a ledger books what rates moved, whatever accounts are mapped.
GAIN_OR_LOSS: Final = "The ledger's own exchange gain or loss"
# How a document is taken back, for a bookkeeper.
WAYS_BACK: Final[Mapping[str, str]] = {
    How.VOID: "voided",
    How.DELETE: "deleted",
    How.REVERSE: "reversed by an entry of its own",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document; exactly one of ``debit`` and ``credit`` is set. ``rows`` selects the source rows behind it, if any."""

    account: str
    debit: int = 0
    credit: int = 0
    note: str = ""
    quantity: int = 0
    rows: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Paper:
    """A delivery's document for reading. ``facts`` are pairs that are no lines (customer, memo, tracking)."""

    delivery: Delivery
    kind: str
    facts: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]

    @property
    def debit(self) -> int:
        return sum(line.debit for line in self.lines)

    @property
    def credit(self) -> int:
        return sum(line.credit for line in self.lines)


class Names:
    """Names of a company's accounts, items and customers, for the deliveries it is made with: two queries."""

    def __init__(self, company: Connection, deliveries: Sequence[Delivery], known: TenantMapping | None = None) -> None:
        wanted = {value for row in deliveries for target in row.bindings.values() for value in target.values()}
        made = {value[1:] for value in wanted if value.startswith("@")}
        made |= {row.plain_document["cover"]["invoice"] for row in deliveries if row.kind == Kind.PAYMENT}
        made |= {row.plain_document["target"] for row in deliveries if row.kind == Kind.UNDO}
        rows = ListEntry.objects.filter(connection=company, external_id__in=[*wanted])
        self._names = {(row.list, row.external_id): row.name for row in rows}
        self._made = {}
        documents = Delivery.objects.filter(remote_key=company.remote_key, key__in=made).order_by("live")
        for key, number, document in documents.values_list("key", "number", "document"):
            self._made[key] = json.loads(document).get("name", "") or number
        self._known = known
        self.kinds = kinds_of(company)

    def account(self, row: Delivery, symbol: str) -> str:
        """Return the account of a line as the company names it, else what it stands for."""
        name = self._name("account", row.bindings.get(symbol, {}).get("account", ""))
        return name or ("Accounts receivable" if symbol == AccountKey.AR else self._meaning(symbol))

    def item(self, row: Delivery, symbol: str) -> str:
        return self._name("item", row.bindings.get(symbol, {}).get("item", ""))

    def customer(self, row: Delivery, symbol: str) -> str:
        found = self._name("customer", row.bindings.get(symbol, {}).get("customer", ""))
        return found or ("The buyer" if hash_in(symbol) else f"The customer of {marketplace_of(symbol)}")

    def document(self, key: str) -> str:
        """Return the number of a document that another one refers to by its key."""
        return self._made.get(key, key)

    def split(self, symbol: str) -> str:
        """Return what a mapping split is about, empty for a base key."""
        return self._known.label(symbol) if self._known and "/" in symbol else ""

    def _name(self, name: str, value: str) -> str:
        if value.startswith("@"):
            return self._made.get(value[1:], "")
        return self._names.get((name, value), "")

    def _meaning(self, symbol: str) -> str:
        return f"{ACCOUNTS[account_key(symbol)].name} (no account chosen yet)"


def papers(deliveries: Sequence[Delivery], names: Names) -> list[Paper]:
    return [paper(row, names) for row in deliveries]


def paper(row: Delivery, names: Names) -> Paper:
    document = document_from(row.plain_document)
    return Paper(row, names.kinds[row.kind], _facts(row, document, names), _lines(row, document, names))


def _lines(row: Delivery, document: Document, names: Names) -> tuple[Line, ...]:
    """Return what the document does to the accounts, each line with its note and its way back to the rows."""

    def line(
        key: str, signed: int, note: str = "", quantity: int = 0, rows: Mapping[str, Any] = MappingProxyType({})
    ) -> Line:
        note = " · ".join(part for part in (names.split(key), note) if part)
        return Line(names.account(row, key), max(signed, 0), max(-signed, 0), note, quantity, rows)

    match document:
        case JournalEntry(lines=entry_lines, order_id=order_id):
            return tuple(
                line(one.key, one.debit - one.credit, one.description, rows=_rows_of(row, one.key, order_id))
                for one in entry_lines
            )
        case Deposit(account=account, lines=deposit_lines):
            paid = line(account, document.total)
            carried = (
                line(one.key, -one.amount, one.description, rows=_rows_of(row, one.key)) for one in deposit_lines
            )
            return (paid, *carried)
        case Transfer(source=source, target=target, amount=amount, received=received):
            # Of an account in home money: what it gets or gives there.
            moved = shown(received, row.flow.home) if received else ""
            notes = ("", moved) if target == AccountKey.CLEARING else (moved, "")
            return line(target, amount, notes[0]), line(source, -amount, notes[1])
        case Invoice(lines=invoice_lines, order_id=order_id, income=income):
            receivable = line(AccountKey.AR, document.total)
            sold = (
                line(
                    income or one.key,
                    -one.amount,
                    " · ".join(
                        part
                        for part in (
                            names.account(row, one.key) if income else "",
                            names.item(row, one.key),
                            one.sku,
                            one.description,
                        )
                        if part
                    ),
                    one.quantity,
                    _rows_of(row, one.key, order_id),
                )
                for one in invoice_lines
            )
            return (receivable, *sold)
        case Payment(account=account):
            return line(account, document.total), line(AccountKey.AR, -document.total)
        case Undo(reversal=JournalEntry() as reversal):
            return tuple(line(one.key, one.debit - one.credit, one.description) for one in reversal.lines)
        case Expense(key=key, amount=amount, account=account):
            return line(key, amount, rows=_rows_of(row, key)), line(account, -amount)
        case Revaluation(account=account, amount=amount):
            return Line(GAIN_OR_LOSS, max(amount, 0), max(-amount, 0)), line(account, -amount)
        case _:
            return ()


def _rows_of(row: Delivery, key: str, order_id: str = "") -> dict[str, Any]:
    if not row.part or account_key(key) in _NOBODYS:
        return {}
    return {"part": row.part, "key": key, **({"order": order_id} if order_id else {})}


def _facts(row: Delivery, document: Document, names: Names) -> tuple[tuple[str, str], ...]:
    match document:
        case Invoice(customer=customer, memo=memo, tracking=tracking, order_id=order_id):
            found = [
                ("Customer", names.customer(row, customer)),
                ("Order", order_id),
                ("Tracking", tracking),
                ("Memo", memo),
            ]
        case Payment(customer=customer, memo=memo, cover=cover):
            found = [
                ("Customer", names.customer(row, customer)),
                ("Pays invoice", names.document(cover.invoice)),
                ("Memo", memo),
            ]
        case JournalEntry(memo=memo) | Transfer(memo=memo) | Deposit(memo=memo):
            found = [("Memo", memo)]
        case Expense(vendor=vendor, memo=memo):
            found = [("Paid to", vendor), ("Memo", memo)]
        case Revaluation(memo=memo, foreign=foreign, rate=rate, currency=currency):
            found = [("Memo", memo), ("Rate", f"{rate} {currency} for one {foreign}")]
        case NewAccount(name=name, key=key):
            found = [("Name", name), ("Stands for", ACCOUNTS[account_key(key)].meaning)]
        case Customer(name=name, currency=currency):
            found = [("Name", name or "The buyer's, kept sealed"), ("Currency", currency)]
        case Item(name=name, key=key, sku=sku):
            found = [("Name", name), ("SKU", sku), ("Income account", names.account(row, key))]
        case Undo(target=target, how=how, reversal=reversal):
            found = [("Takes back", names.document(target)), ("How", WAYS_BACK[how])]
            if reversal is not None:
                found += [("Its entry", reversal.number), ("Dated", f"{reversal.on.day} {reversal.on:%b %Y}")]
        case _:
            found = []
    return tuple((name, value) for name, value in found if value)


def line_of_movement(row: Delivery) -> int:
    """Return the line of Amazon's file that a movement carries, 0 for any other document."""
    parts = row.key.split("/")
    place = parts[3] if len(parts) > 3 and parts[:2] == ["amazon", "settlement"] else ""
    return int(place[1:]) if place.startswith("L") and place[1:].isdigit() else 0

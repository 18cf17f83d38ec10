"""Neutral documents: what is to be written, in terms no single ledger owns.

Amounts are integer minor units of the document's one currency; ``rate`` is what one unit of it is worth in the books'
home currency, as decimal text, "" where they are the same. Accounts, items and customers are named by symbol (a line key, or a
customer or item symbol); the delivery's *bindings* say which remote id each symbol means. A document has one canonical
JSON form, so that planning the same facts twice gives the same bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Any, ClassVar, Final

from bookkeeping.accounts import LineKey


@unique
class Kind(StrEnum):
    ACCOUNT = "account"
    CUSTOMER = "customer"
    ITEM = "item"
    INVOICE = "invoice"
    PAYMENT = "payment"
    ENTRY = "entry"
    TRANSFER = "transfer"
    DEPOSIT = "deposit"
    EXPENSE = "expense"
    REVALUATION = "revaluation"
    UNDO = "undo"


# What books an order: an invoice, or an entry in its place.
BOOKING: Final = (Kind.INVOICE, Kind.ENTRY)


class Document:
    """Base of all documents; gives the canonical form."""

    __slots__ = ()
    kind: ClassVar[Kind]

    def canonical(self) -> bytes:
        """Return the canonical JSON bytes: sorted keys, no blanks, dates in ISO form."""
        return json.dumps(_plain(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def digest(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()


@dataclass(frozen=True, slots=True)
class NewAccount(Document):
    """An account to be created; ``key`` is the AccountKey it will serve."""

    kind: ClassVar = Kind.ACCOUNT
    key: LineKey
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class Customer(Document):
    """A customer to be created. ``symbol`` is how invoices name it, for example ``customer:Amazon.com:USD``.

    A buyer's has no name until it is sent: ``person`` and ``email`` are filled in with it, and never stored here.
    """

    kind: ClassVar = Kind.CUSTOMER
    symbol: str
    name: str
    currency: str
    person: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Item(Document):
    """A product or service to be created; its income goes to the account of ``key``."""

    kind: ClassVar = Kind.ITEM
    symbol: str
    name: str
    key: LineKey
    sku: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """``amount`` is the extended amount, negative for a promotion. ``item`` is the symbol of the item, else the key's own."""

    key: LineKey
    amount: int
    quantity: int = 1
    sku: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Invoice(Document):
    """An invoice over one order, or over the part of it that one settlement month brings. Its total is > 0.

    ``order_id`` is "" for one over a month's income. ``income`` is the one account that the ledger books every line to,
    whatever it says; "" where each goes to its own.
    """

    kind: ClassVar = Kind.INVOICE
    number: str
    on: date
    currency: str
    customer: str
    lines: tuple[InvoiceLine, ...]
    order_id: str
    memo: str = ""
    tracking: str = ""
    income: LineKey = ""
    rate: str = ""

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Cover:
    """``invoice`` is the delivery key of the invoice that ``amount`` (> 0) is taken off."""

    invoice: str
    amount: int


@dataclass(frozen=True, slots=True)
class Payment(Document):
    """Money received for one invoice, into ``account`` (normally CLEARING). Ledgers may send several in one call."""

    kind: ClassVar = Kind.PAYMENT
    reference: str
    on: date
    currency: str
    customer: str
    account: LineKey
    cover: Cover
    memo: str = ""
    rate: str = ""

    @property
    def total(self) -> int:
        return self.cover.amount


@dataclass(frozen=True, slots=True)
class EntryLine:
    """``debit`` and ``credit`` are both >= 0 and exactly one is set."""

    key: LineKey
    debit: int = 0
    credit: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class JournalEntry(Document):
    """A balanced entry: sum of debits = sum of credits, at least two lines.

    ``order_id`` names the order that it books in an invoice's place, "" for any other entry.
    """

    kind: ClassVar = Kind.ENTRY
    number: str
    on: date
    currency: str
    lines: tuple[EntryLine, ...]
    memo: str = ""
    rate: str = ""
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class Transfer(Document):
    """``amount`` (> 0) moves from the account ``source`` (credited) to the account ``target`` (debited).

    ``received`` is what arrives there in minor units of the home currency, where that is not the document's; 0 where it is.
    """

    kind: ClassVar = Kind.TRANSFER
    number: str
    on: date
    currency: str
    source: LineKey
    target: LineKey
    amount: int
    memo: str = ""
    rate: str = ""
    received: int = 0


@dataclass(frozen=True, slots=True)
class DepositLine:
    """``amount`` is signed: > 0 credits the account of ``key``, < 0 debits it."""

    key: LineKey
    amount: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class Deposit(Document):
    """The one bank line that closes a settlement: debits ``account`` with the sum of its lines, which is > 0."""

    kind: ClassVar = Kind.DEPOSIT
    number: str
    on: date
    currency: str
    account: LineKey
    lines: tuple[DepositLine, ...]
    memo: str = ""
    rate: str = ""

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)


@dataclass(frozen=True, slots=True)
class Expense(Document):
    """Money spent from ``account`` (credited) on ``key`` (debited), ``amount`` > 0, paid to ``vendor``."""

    kind: ClassVar = Kind.EXPENSE
    number: str
    on: date
    currency: str
    key: LineKey
    amount: int
    account: LineKey
    vendor: str
    memo: str = ""
    rate: str = ""


@dataclass(frozen=True, slots=True)
class Revaluation(Document):
    """Takes to FX what ``account`` holds in home money beyond what it holds in its own currency, ``foreign``.

    ``currency`` is the home currency and ``rate`` what one unit of ``foreign`` is worth in it. ``amount``, never 0, is debited
    to FX and credited to the account; below 0 it is the other way round. The ledger works it out itself, from documents that
    it rounded itself, and may come to ``rounding`` more or less.
    """

    kind: ClassVar = Kind.REVALUATION
    number: str
    on: date
    currency: str
    foreign: str
    account: LineKey
    amount: int
    rounding: int = 0
    memo: str = ""
    rate: str = ""


@unique
class How(StrEnum):
    VOID = "void"
    DELETE = "delete"
    REVERSE = "reverse"


@dataclass(frozen=True, slots=True)
class Undo(Document):
    """Takes back the document of the delivery whose key is ``target``.

    ``reversal`` is the entry that does so where the ledger neither deletes nor voids such documents (``How.REVERSE``).
    """

    kind: ClassVar = Kind.UNDO
    target: str
    target_kind: Kind
    how: How
    reversal: JournalEntry | None = None


_DOCUMENTS: Final[Mapping[str, type[Document]]] = {
    cls.kind: cls
    for cls in (
        *(NewAccount, Customer, Item, Invoice, Payment, JournalEntry, Transfer, Deposit, Expense, Revaluation),
        Undo,
    )
}
_NESTED: Final[Mapping[type[Document], Mapping[str, type]]] = {
    Invoice: {"lines": InvoiceLine},
    JournalEntry: {"lines": EntryLine},
    Deposit: {"lines": DepositLine},
}


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        plain = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"kind": value.kind.value, **plain} if isinstance(value, Document) else plain
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


def document_from(plain: Mapping[str, Any]) -> Document:
    """Return the document whose canonical form, parsed, is ``plain``. Raises KeyError or TypeError on anything else."""
    values = dict(plain)
    cls = _DOCUMENTS[values.pop("kind")]
    if "on" in values:
        values["on"] = date.fromisoformat(values["on"])
    for name, part in _NESTED.get(cls, {}).items():
        values[name] = tuple(part(**item) for item in values[name])
    if cls is Payment:
        values["cover"] = Cover(**values["cover"])
    if cls is Undo:
        values |= {"target_kind": Kind(values["target_kind"]), "how": How(values["how"])}
        if values.get("reversal"):
            values["reversal"] = document_from(values["reversal"])
    return cls(**values)


__all__ = [
    "BOOKING",
    "Cover",
    "Customer",
    "Deposit",
    "DepositLine",
    "Document",
    "EntryLine",
    "Expense",
    "How",
    "Invoice",
    "InvoiceLine",
    "Item",
    "JournalEntry",
    "Kind",
    "NewAccount",
    "Payment",
    "Revaluation",
    "Transfer",
    "Undo",
    "document_from",
]

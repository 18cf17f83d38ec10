"""The smallest valid neutral documents; a test states what matters to it."""

from datetime import date
from typing import Any

from bookkeeping.documents import (
    Cover,
    Customer,
    Deposit,
    DepositLine,
    EntryLine,
    How,
    Invoice,
    InvoiceLine,
    Item,
    JournalEntry,
    Kind,
    NewAccount,
    Payment,
    Revaluation,
    Transfer,
    Undo,
)

ON = date(2026, 10, 14)
BUYER = "customer:Amazon.com:USD"


def invoice(**changes: Any) -> Invoice:
    values: dict[str, Any] = {
        "number": "113-0000001-0000001",
        "on": ON,
        "currency": "USD",
        "customer": BUYER,
        "lines": (InvoiceLine("SALES", 4000, 2, "MUG", "Mug"), InvoiceLine("PROMO", -500)),
        "order_id": "113-0000001-0000001",
    }
    return Invoice(**{**values, **changes})


def payment(invoice_key: str = "inv1", amount: int = 3500, **changes: Any) -> Payment:
    values: dict[str, Any] = {
        "reference": "AMZ-17000000001-1",
        "on": ON,
        "currency": "USD",
        "customer": BUYER,
        "account": "CLEARING",
        "cover": Cover(invoice_key, amount),
    }
    return Payment(**{**values, **changes})


def entry(**changes: Any) -> JournalEntry:
    values: dict[str, Any] = {
        "number": "AMZ-17000000001-1",
        "on": ON,
        "currency": "USD",
        "lines": (
            EntryLine("SALES", credit=10000),
            EntryLine("FEE_SELLING", debit=1500),
            EntryLine("CLEARING", debit=8500),
        ),
        "memo": "Amazon settlement 17000000001",
    }
    return JournalEntry(**{**values, **changes})


def transfer(**changes: Any) -> Transfer:
    values: dict[str, Any] = {
        "number": "AMZ-17000000001-P",
        "on": ON,
        "currency": "USD",
        "source": "CLEARING",
        "target": "BANK",
        "amount": 8500,
    }
    return Transfer(**{**values, **changes})


def deposit(**changes: Any) -> Deposit:
    values: dict[str, Any] = {
        "number": "AMZ-17000000001-P",
        "on": ON,
        "currency": "USD",
        "account": "BANK",
        "lines": (DepositLine("FEE_SELLING", -1500), DepositLine("CLEARING", 10000)),
        "memo": "Amazon settlement 17000000001",
    }
    return Deposit(**{**values, **changes})


def revaluation(**changes: Any) -> Revaluation:
    values: dict[str, Any] = {
        "number": "AMZ-19000000001-R",
        "on": ON,
        "currency": "USD",
        "foreign": "EUR",
        "account": "CLEARING",
        "amount": 70,
        "rounding": 2,
        "memo": "What the exchange rate moved",
        "rate": "1.302",
    }
    return Revaluation(**{**values, **changes})


def undo(target: str, kind: Kind, how: How = How.DELETE) -> Undo:
    return Undo(target=target, target_kind=kind, how=how)


def new_account(key: str = "CLEARING", name: str = "Amazon Clearing", currency: str = "USD") -> NewAccount:
    return NewAccount(key=key, name=name, currency=currency)


def customer(name: str = "Amazon.com (USD)", currency: str = "USD") -> Customer:
    return Customer(symbol=BUYER, name=name, currency=currency)


def item(name: str = "Amazon sales", key: str = "SALES", sku: str = "") -> Item:
    return Item(symbol=f"item:{name}", name=name, key=key, sku=sku)

"""Deliveries for QuickBooks: the neutral documents of the contract suite, bound to remote ids."""

from collections.abc import Mapping

from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import Document
from ledgers.port import Binding, External, Post
from ledgers.quickbooks.bodies import Company
from tests.contract.documents import (
    BUYER,
    ON,
    customer,
    deposit,
    entry,
    invoice,
    item,
    new_account,
    payment,
    transfer,
    undo,
)

__all__ = [
    "BINDINGS",
    "BUYER",
    "COMPANY",
    "ON",
    "account",
    "customer",
    "deposit",
    "entry",
    "invoice",
    "item",
    "new_account",
    "payment",
    "post",
    "transfer",
    "undo",
]

COMPANY = Company(home_currency="USD")
# Account ids are the position of the key, items 1000 + position: never mixed up by accident.
BINDINGS = {
    key.value: Binding(account=str(position + 1), item=str(1001 + position)) for position, key in enumerate(ACCOUNTS)
} | {BUYER: Binding(customer="77")}


def account(key: AccountKey) -> str:
    return BINDINGS[key.value].account


def post(
    document: Document,
    key: str = "k1",
    refs: Mapping[str, External] | None = None,
    bindings: Mapping[str, Binding] | None = None,
    generation: int = 1,
) -> Post:
    return Post(
        key=key,
        marker=f"m-{key}",
        wire_id=f"w{generation}-{key}",
        document=document,
        bindings=BINDINGS if bindings is None else bindings,
        refs=refs or {},
    )

"""Deliveries for FreshBooks: the neutral documents of the contract suite, bound to remote ids."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from bookkeeping.documents import Document, Expense
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.plan import Plan
from ledgers.port import Binding, External, Post
from tests.contract import documents
from tests.contract.documents import BUYER, ON, customer, entry, invoice, item, new_account, transfer, undo

__all__ = [
    "BINDINGS",
    "BUYER",
    "COMPANY",
    "LITE",
    "ON",
    "account",
    "customer",
    "entry",
    "expense",
    "invoice",
    "item",
    "new_account",
    "payment",
    "post",
    "transfer",
    "undo",
]

PLAN = Plan(
    account_id="ACM123",
    business_uuid="b-uuid",
    business_id="8675309",
    name="Example Business LLC",
    role="owner",
    country="United States",
    subscription="active",
    journals=True,
    advanced=True,
    chart=True,
    larger=True,
)
# Account ids are 70001 + the position of the key, items 1001 + position: never mixed up by accident.
BINDINGS = {
    key.value: Binding(account=str(70001 + position), item=str(1001 + position))
    for position, key in enumerate(ACCOUNTS)
} | {BUYER: Binding(customer="77")}
COMPANY = Company(
    plan=PLAN,
    home_currency="USD",
    name="Example Business LLC",
    items={BINDINGS["SALES"].item: "Mug of clay"},
    sub_types={AccountClass.CURRENT_ASSET: "Current Asset", AccountClass.INCOME: "Revenue"},
)
LITE = Company(
    plan=replace(PLAN, journals=False, advanced=False, chart=False, larger=False, client_limit=5),
    home_currency="USD",
    name=PLAN.name,
)
CATEGORIES = {key.value: Binding(account=f"category-{position + 1}") for position, key in enumerate(ACCOUNTS)}


def account(key: AccountKey) -> int:
    return int(BINDINGS[key.value].account)


def payment(invoice_key: str = "inv1", amount: int = 3500, **changes: Any) -> Document:
    return documents.payment(invoice_key, amount, **{"account": "PETTY", **changes})


def expense(**changes: Any) -> Expense:
    values: dict[str, Any] = {
        "number": "AMZ-17000000001-1:FEE_FBA",
        "on": ON,
        "currency": "USD",
        "key": "FEE_FBA",
        "amount": 1480,
        "account": "PETTY",
        "vendor": "Amazon Amazon.com",
    }
    return Expense(**{**values, **changes})


def post(
    document: Document,
    key: str = "k1",
    refs: Mapping[str, External] | None = None,
    bindings: Mapping[str, Binding] | None = None,
) -> Post:
    return Post(
        key=key,
        marker=f"m-{key}",
        wire_id=f"w-{key}",
        document=document,
        bindings=BINDINGS if bindings is None else bindings,
        refs=refs or {},
    )

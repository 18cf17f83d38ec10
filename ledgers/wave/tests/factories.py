"""Deliveries for Wave: the neutral documents of the contract suite, bound to ids that look like Wave's."""

import base64
from collections.abc import Mapping

from bookkeeping.accounts import ACCOUNTS, AccountKey, LineKey
from bookkeeping.documents import Document
from ledgers.port import Binding, External, Post
from ledgers.wave import accounts
from ledgers.wave.bound import Company
from tests.contract.documents import (
    BUYER,
    ON,
    customer,
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
    "BUSINESS",
    "BUYER",
    "COMPANY",
    "ON",
    "Company",
    "account",
    "customer",
    "entry",
    "invoice",
    "item",
    "money",
    "new_account",
    "opaque",
    "payment",
    "post",
    "product",
    "remote_invoice",
    "transfer",
    "undo",
]


def opaque(text: str) -> str:
    """Return an id as Wave makes them."""
    return base64.b64encode(text.encode()).decode()


_UUID = "8d5fa1f3-3c0f-4d6e-9d9f-6b1f5f0a0c11"
BUSINESS = opaque(f"Business:{_UUID}")
BINDINGS = {
    key.value: Binding(
        account=opaque(f"Account:{1000 + position};Business:{_UUID}"),
        item=opaque(f"Business:{_UUID};Product:{2000 + position}"),
    )
    for position, key in enumerate(ACCOUNTS)
} | {BUYER: Binding(customer=opaque(f"Business:{_UUID};Customer:77"))}
COMPANY = Company(
    BUSINESS,
    home_currency="USD",
    classes={BINDINGS[key.value].account: accounts.class_for(key) for key in ACCOUNTS},
)


def account(key: LineKey) -> str:
    return BINDINGS[AccountKey(key).value].account


def product(key: LineKey) -> str:
    return BINDINGS[AccountKey(key).value].item


def post(
    document: Document,
    key: str = "k1",
    refs: Mapping[str, External] | None = None,
    bindings: Mapping[str, Binding] | None = None,
    before: Mapping[str, int] | None = None,
) -> Post:
    return Post(
        key=key,
        marker=f"m-{key}",
        wire_id=f"w-{key}",
        document=document,
        bindings=BINDINGS if bindings is None else bindings,
        refs=refs or {},
        before=before or {},
    )


def money(minor: int) -> dict[str, str]:
    return {"minorUnitValue": str(minor)}


def remote_invoice(**changes: object) -> dict[str, object]:
    """Return the invoice of ``invoice()`` under key k1 as Wave answers it."""
    return {
        "id": opaque(f"Business:{_UUID};Invoice:501"),
        "invoiceNumber": "113-0000001-0000001",
        "invoiceDate": ON.isoformat(),
        "status": "SAVED",
        "memo": "ref:m-k1",
        "modifiedAt": "2026-10-14T08:00:00.000Z",
        "customer": {"id": BINDINGS[BUYER].customer},
        "currency": {"code": "USD"},
        "total": money(3500),
        "amountDue": money(3500),
        "items": [
            {"product": {"id": product("SALES")}, "subtotal": money(4000)},
            {"product": {"id": product("PROMO")}, "subtotal": money(-500)},
        ],
        **changes,
    }

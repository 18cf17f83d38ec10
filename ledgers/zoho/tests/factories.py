"""Deliveries for Zoho Books: the neutral documents of the contract suite, bound to remote ids."""

from collections.abc import Mapping
from typing import Any

from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import Document
from ledgers.port import Binding, External, Post
from ledgers.zoho import wire
from ledgers.zoho.bodies import Company
from tests.contract.documents import (
    BUYER,
    ON,
    customer,
    entry,
    invoice,
    item,
    new_account,
    payment,
    revaluation,
    transfer,
    undo,
)

__all__ = [
    "BINDINGS",
    "BUYER",
    "COMPANY",
    "ON",
    "Company",
    "account",
    "answered",
    "customer",
    "entry",
    "invoice",
    "item",
    "new_account",
    "payment",
    "post",
    "revaluation",
    "transfer",
    "undo",
]

COMPANY = Company(home_currency="USD", currencies={"USD": "46097", "EUR": "46109", "JPY": "46111"})
# Account ids are 18 digits and end in the position of the key: never mixed up by accident.
BINDINGS = {key.value: Binding(account=f"460000000000{100 + at:06d}") for at, key in enumerate(ACCOUNTS)} | {
    BUYER: Binding(customer="460000000000000077")
}


def account(key: AccountKey) -> str:
    return BINDINGS[key.value].account


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


def answered(body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return what Zoho answers for an object that came out as it was written."""
    row = wire.decode(wire.encode(body))
    lines = row.get("line_items", [])
    if "invoice_number" in row:
        total = sum(line["rate"] * line["quantity"] for line in lines)
        row |= {"total": total, "balance": total, "status": "draft"}
    return {**row, "last_modified_time": "2026-10-14T09:00:00-0400", **changes}

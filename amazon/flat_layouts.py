"""The two flat-file layouts of a settlement: which column holds what.

V2 has one amount per line, named by a triple. The withdrawn V1 has a column pair per kind of amount and lets the
transaction type name the thing itself; ``v2_label`` says how V2 would name such an amount, so that one table of
meanings serves both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final, NamedTuple

from amazon.flat_errors import BadSettlementFile
from bookkeeping.facts import Label

SETTLEMENT_ID, START, END, DEPOSIT, TOTAL, CURRENCY = SUMMARY = (
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
)
TYPE, ORDER, MARKETPLACE, FULFILMENT = "transaction-type", "order-id", "marketplace-name", "fulfillment-id"
DAY, INSTANT, ITEM, SKU, QUANTITY = "posted-date", "posted-date-time", "order-item-code", "sku", "quantity-purchased"
AMOUNT_TYPE, DESCRIPTION, AMOUNT = "amount-type", "amount-description", "amount"

_SHARED: Final = (*SUMMARY, TYPE, ORDER, MARKETPLACE, FULFILMENT, DAY, ITEM, SKU, QUANTITY)
_V2: Final = (*_SHARED, AMOUNT_TYPE, DESCRIPTION, AMOUNT)


@unique
class Name(StrEnum):
    V1 = "V1"
    V2 = "V2"


class V1Amount(NamedTuple):
    """A V1 amount column: where its kind is named, and the amount type V2 gives such a row ("": see ``v2_label``)."""

    amount: str
    kind: str
    amount_type: str


_FEE: Final = V1Amount("item-related-fee-amount", "item-related-fee-type", "ItemFees")
V1_AMOUNTS: Final = (
    V1Amount("shipment-fee-amount", "shipment-fee-type", "Shipment-Fees"),
    V1Amount("order-fee-amount", "order-fee-type", "Order-Fees"),
    V1Amount("price-amount", "price-type", "ItemPrice"),
    _FEE,
    V1Amount("misc-fee-amount", "", ""),
    V1Amount("other-fee-amount", "other-fee-reason-description", ""),
    V1Amount("promotion-amount", "promotion-type", "Promotion"),
    V1Amount("direct-payment-amount", "direct-payment-type", "direct-payment"),
    V1Amount("other-amount", "", ""),
)
_V1: Final = (
    *_SHARED,
    "price-amount",
    "price-type",
    "item-related-fee-amount",
    "item-related-fee-type",
    "other-amount",
)

_COLUMNS: Final = {*_V2, *_V1, *(name for kind in V1_AMOUNTS for name in kind if name)}

# Transaction types that V2 keeps, because the row belongs to an order or a service; compared case-folded.
_KEPT: Final = ("order", "refund", "chargeback", "a-to-z", "servicefee", "adjustment")
# Types that V2 repeats as amount type.
_REPEATED: Final = (
    "coupon",
    "vine",
    "deal",
    "lightning deal",
    "liquidations",
    "safe-t",
    "seller rewards",
    "commingling",
)
# Reason codes that V2 files under one amount type.
_REIMBURSED: Final = (
    *("warehouse_", "customer_damage", "reversal_reimbursement", "compensated_clawback", "free_replacement_"),
    *("missing_from_inbound", "inbound_carrier_damage", "removal_order_", "multichannel_order_", "creturn_"),
    *("cs_error_", "incorrect_fees_", "payment_retraction_", "re_evaluation"),
)


def v2_label(kind: V1Amount, cells: Mapping[str, str]) -> Label:
    """Return the label V2 gives the amount that a V1 line has in the column of ``kind``."""
    thing, name = cells[TYPE], cells.get(kind.kind, "")
    folded = thing.casefold()
    if folded == "servicefee":
        if kind is _FEE:
            return Label(thing, name, "TransactionTotalAmount")
        return Label(thing, cells[_FEE.kind] or "other-transaction", name or thing)
    if kind.amount_type:
        return Label(thing, kind.amount_type, name)
    if name or folded.startswith(_KEPT) or folded.endswith("retrocharge"):
        return Label(thing, "other-transaction", name or thing)
    if folded.startswith(_REIMBURSED):
        return Label("other-transaction", "FBA Inventory Reimbursement", thing)
    if folded.startswith(_REPEATED):
        return Label(thing, thing, thing)
    return Label("other-transaction", "other-transaction", thing)


@dataclass(frozen=True, slots=True)
class Layout:
    """Which layout a file has, and the names of its columns in their order."""

    name: Name
    columns: tuple[str, ...]

    @classmethod
    def of(cls, header: str) -> "Layout":
        """Read the column header (line 1). Columns nobody knows are kept and ignored.

        Raises:
            BadSettlementFile: no settlement, or one that a spreadsheet has damaged.
        """
        names = [cell.strip().casefold() for cell in header.split("\t")]
        if SETTLEMENT_ID not in names:
            raise BadSettlementFile(1, *_no_settlement(header))
        twice = next((name for name in names if name and names.count(name) > 1), None)
        if twice:
            raise BadSettlementFile(1, f"The column {twice!r} occurs twice in the header.")
        layout = Name.V2 if AMOUNT in names or AMOUNT_TYPE in names else Name.V1
        missing = [name for name in (_V2 if layout is Name.V2 else _V1) if name not in names]
        if missing:
            raise BadSettlementFile(1, _missing(missing, names))
        return cls(layout, tuple(names))

    def amounts(self, cells: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return the amounts of a line as (column, text). A V2 line has always one, a V1 line any number."""
        if self.name is Name.V2:
            return [(AMOUNT, cells[AMOUNT])]
        return [(kind.amount, cells[kind.amount]) for kind in V1_AMOUNTS if cells.get(kind.amount)]


def posted(cells: Mapping[str, str]) -> tuple[str, str]:
    """Return (column, text) of when a line was posted: posted-date-time wins over posted-date."""
    column = INSTANT if cells.get(INSTANT) else DAY
    return column, cells[column]


def _no_settlement(header: str) -> tuple[str, str]:
    folded = header.casefold()
    if SETTLEMENT_ID in folded:
        if "\t" not in header and ("," in header or ";" in header):
            return (
                "The columns are separated by commas or semicolons, so a spreadsheet has saved this file as CSV.",
                "Upload the original tab-separated file from Seller Central without opening it.",
            )
        return (
            f"The header has no column {SETTLEMENT_ID!r} of its own: columns are fused or put in quotation marks.",
            "Upload the original tab-separated file from Seller Central without opening it.",
        )
    choose = "In Seller Central choose Reports > Payments > Reports repository, and there a settlement as flat file V2."
    if "date/time" in folded or "settlement id" in folded:
        return "This is a date range or transaction report, not a settlement.", choose
    return f"This is no settlement: its first line has no column {SETTLEMENT_ID!r}.", choose


def _missing(missing: list[str], names: list[str]) -> str:
    fused = [name for name in names if name not in _COLUMNS and any(lost in name for lost in missing)]
    if fused:
        return f"The columns in {fused[0]!r} are fused into one."
    return f"The header lacks the column {', '.join(repr(name) for name in missing)}."

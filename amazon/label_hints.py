"""What a label without a rule probably means, for the person who decides. Nothing is booked by a hint. Pure.

The labels are attested in settlement files; what they are booked to is not, so they have no rule in the table.
"""

from dataclasses import dataclass
from typing import Final

from amazon.labels import TENANT_RULE, LabelRule, classify
from bookkeeping.accounts import Category
from bookkeeping.facts import Label


@dataclass(frozen=True, slots=True)
class Hint:
    """``reason`` is a sentence for the person who decides."""

    category: Category
    reason: str


_C: Final = Category
_HINTS: Final = (
    (
        LabelRule("*", "Shipment-Fees", "FBA*", _C.FBA_FEE),
        "Amazon charges it for an order that it ships, beside the fulfilment fee of the order.",
    ),
    (
        LabelRule("*", "MCF Inventory Reimbursement", "*", _C.REIMBURSEMENT),
        "Amazon pays for stock that it lost on an order from another channel, like any lost stock.",
    ),
    (
        LabelRule("*", "Refund for Advertiser", "*", _C.ADVERTISING),
        "Amazon gives advertising charges back, so it lowers what advertising cost.",
    ),
    (
        LabelRule("*", "*", "*LowInventory*", _C.FBA_FEE),
        "Amazon adds it to the fulfilment fee of units that were low in stock.",
    ),
    (
        LabelRule("*", "*", "INCORRECT_FEES*", _C.REIMBURSEMENT),
        "Under FBA Inventory Reimbursement, Amazon's own word for fees it charged wrongly and pays back.",
    ),
    (
        LabelRule("*", "Capacity Reservation Fee", "*Tax*", _C.FEE_TAX),
        "It is the tax on the fee for reserved storage space.",
    ),
    (
        LabelRule("*", "Capacity Reservation Fee", "*", _C.STORAGE_FEE),
        "It is the fee for reserved storage space; performance credits lower it.",
    ),
)


def hint(label: Label) -> Hint | None:
    """Return what a label probably means, None where nothing is known of it."""
    for rule, reason in _HINTS:
        if classify(label, (rule,)).rule == TENANT_RULE:
            return Hint(rule.category, reason)
    return None

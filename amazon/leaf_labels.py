"""The leaves of Amazon's finances in the words of its settlement files.

The two name the same thing differently (OurPricePrincipal, Principal), and neither has a published list. Translated, a leaf
means what the row of the settlement will mean that brings it, by the one table of :mod:`amazon.labels` and by what a person
decided about that row. A leaf that nobody knows keeps its own words, and a person has to decide.
Source: transactions of Finances 2024-06-19 as seen; pure.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from amazon.labels import fold
from bookkeeping.facts import Label

_TYPES: Final[Mapping[str, str]] = {
    "shipment": "Order",
    "refund": "Refund",
    "chargeback": "Chargeback Refund",
    "guaranteeclaim": "A-to-z Guarantee Refund",
    "retrocharge": "Order_Retrocharge",
}
_PRICE: Final = "ItemPrice"
_FEES: Final = "ItemFees"
_PROMOTION: Final = "Promotion"
_LEAVES: Final[Mapping[str, tuple[str, str]]] = {
    fold(leaf): (amount_type, description)
    for amount_type, leaves in {
        _PRICE: {
            "OurPricePrincipal": "Principal",
            "OurPriceTax": "Tax",
            "ShippingPrincipal": "Shipping",
            "ShippingTax": "ShippingTax",
            "GiftwrapPrincipal": "GiftWrap",
            "GiftwrapTax": "GiftWrapTax",
            "GoodwillPrincipal": "Goodwill",
            "RestockingDeductionPrincipal": "RestockingFee",
            "RestockingDeductionTax": "Tax",
        },
        _PROMOTION: {
            "OurPriceDiscount": "Principal",
            "ShippingDiscount": "Shipping",
        },
        _FEES: {
            name: name
            for name in (
                *("Commission", "RefundCommission", "VariableClosingFee", "FixedClosingFee", "DigitalServicesFee"),
                *("FBAPerUnitFulfillmentFee", "FBAPerOrderFulfillmentFee", "FBAWeightBasedFee"),
                *("ShippingChargeback", "GiftwrapChargeback", "ShippingHB", "TechnologyFee", "TaxOnFees"),
            )
        },
    }.items()
    for leaf, description in leaves.items()
}
_WITHHELD: Final = tuple(
    fold(prefix) for prefix in ("MarketplaceFacilitatorTax-", "MarketplaceFacilitatorVAT-", "LowValueGoodsTax-", "TCS-")
)


def label_of(kind: str, containers: Sequence[str], leaf: str) -> Label:
    """Return the label under which a settlement file will have this leaf of a transaction of this ``kind``.

    ``containers`` are the sums it is part of, outermost first.
    """
    transaction_type = _TYPES.get(fold(kind), kind)
    name = fold(leaf)
    if known := _LEAVES.get(name):
        return Label(transaction_type, *known)
    if name.startswith(_WITHHELD):
        return Label(transaction_type, "ItemWithheldTax", leaf)
    return Label(transaction_type, containers[-1] if containers else "", leaf)

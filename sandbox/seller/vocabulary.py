"""The labels Amazon writes into a settlement and what the generator means by each.

The triples are those Amazon is known to write (settlement report V2). The meaning is stated here by the side that
invents the row, so a truth file never has to classify anything. ``rule`` is the number of the classification rule a
row exercises.
"""

from typing import NamedTuple

ACCOUNT_OF = {
    "product sales": "SALES",
    "shipping charged to buyers": "SHIP_INCOME",
    "gift wrap charged to buyers": "WRAP_INCOME",
    "promotions": "PROMO",
    "tax collected": "TAX",
    "tax withheld": "TAX",
    "tax credits": "TAX_WITHHELD_ASSET",
    "selling fees": "FEE_SELLING",
    "refund administration fees": "FEE_REFUND_ADMIN",
    "fulfilment fees": "FEE_FBA",
    "refunds": "REFUNDS",
    "claims": "CLAIMS",
    "sales charged again": "SALES",
    "shipping charged again": "SHIP_INCOME",
    "liquidations": "LIQUIDATION",
    "liquidation fees": "FEE_REMOVAL",
    "advertising": "ADS",
    "deals": "DEALS",
    "reimbursements": "REIMB",
    "storage": "FEE_STORAGE",
    "inbound": "FEE_INBOUND",
    "removals": "FEE_REMOVAL",
    "subscription": "SUBSCRIPTION",
    "shipping labels": "SHIP_LABELS",
    "loan": "LOAN",
    "fee adjustments": "FEE_OTHER",
    "levies": "FEE_OTHER",
    "reserve": "RESERVE",
    "opening debt": "CLEARING",
    "card charge": "CHARGE_METHOD",
    "payout returned": "BANK",
    "bank movement": "BANK",
    "unknown": "UNKNOWN",
}
"""Plain meaning → the default account it is booked to. TAX is no account: its legs cancel, see ``truth.py``."""

MOVEMENTS = frozenset({"card charge", "payout returned", "bank movement"})
"""Meanings that are money moving between accounts, booked one by one rather than inside a month's entry."""

INVOICED = frozenset({"product sales", "shipping charged to buyers", "gift wrap charged to buyers", "promotions"})
"""Meanings that an invoice can carry when they stand on an ``Order`` row with an order id."""


class Label(NamedTuple):
    transaction_type: str
    amount_type: str
    amount_description: str
    meaning: str
    rule: int


_OTHER = "other-transaction"
_REIMBURSED = "FBA Inventory Reimbursement"
_WITHHELD = ("MarketplaceFacilitatorTax", "MarketplaceFacilitatorVAT", "LowValueGoodsTax")
_WITHHELD_USES = ("Principal", "Shipping", "Giftwrap")

_TABLE = (
    ("Order", "ItemPrice", "Principal", "product sales", 1),
    ("Order", "ItemPrice", "Shipping", "shipping charged to buyers", 2),
    ("Order", "ItemPrice", "GiftWrap", "gift wrap charged to buyers", 3),
    ("*", "ItemPrice", "Tax", "tax collected", 4),
    ("*", "ItemPrice", "ShippingTax", "tax collected", 4),
    ("*", "ItemPrice", "GiftWrapTax", "tax collected", 4),
    *(("*", "ItemWithheldTax", f"{name}-{use}", "tax withheld", 5) for name in _WITHHELD for use in _WITHHELD_USES),
    ("*", "ItemWithheldTax", "TCS-CGST", "tax credits", 6),
    ("*", "Promotion", "TaxDiscount", "tax collected", 7),
    ("*", "Promotion", "Principal", "promotions", 8),
    ("*", "Promotion", "Shipping", "promotions", 8),
    ("*", "ItemFees", "Commission", "selling fees", 9),
    ("*", "ItemFees", "VariableClosingFee", "selling fees", 9),
    ("*", "ItemFees", "FixedClosingFee", "selling fees", 9),
    ("*", "ItemFees", "ShippingHB", "selling fees", 9),
    ("*", "ItemFees", "DigitalServicesFee", "selling fees", 9),
    ("*", "ItemFees", "RefundCommission", "refund administration fees", 10),
    ("*", "ItemFees", "FBAPerUnitFulfillmentFee", "fulfilment fees", 11),
    ("*", "ItemFees", "ShippingChargeback", "fulfilment fees", 12),
    ("*", "ItemFees", "GiftwrapChargeback", "fulfilment fees", 12),
    ("*", "ItemFees", "FBACustomerReturnPerUnitFee", "fulfilment fees", 13),
    ("*", "ItemFees", "TaxOnFees", "selling fees", 14),
    ("A-to-z Guarantee Refund", "ItemPrice", "Principal", "claims", 15),
    ("A-to-z Guarantee Refund", "ItemPrice", "Shipping", "claims", 15),
    ("Chargeback Refund", "ItemPrice", "Principal", "claims", 15),
    ("Chargeback Refund", "ItemPrice", "Shipping", "claims", 15),
    ("Refund", "ItemPrice", "Principal", "refunds", 16),
    ("Refund", "ItemPrice", "Shipping", "refunds", 16),
    ("Refund", "ItemPrice", "GiftWrap", "refunds", 16),
    ("Refund", "ItemPrice", "Goodwill", "refunds", 16),
    ("Refund", "ItemPrice", "RestockingFee", "refunds", 16),
    ("Refund", "ItemPrice", "ReturnShipping", "refunds", 16),
    ("Order_Retrocharge", "ItemPrice", "Principal", "sales charged again", 17),
    ("Order_Retrocharge", "ItemPrice", "Shipping", "shipping charged again", 17),
    ("Liquidations", "ItemPrice", "Principal", "liquidations", 18),
    ("Liquidations", "ItemFees", "Liquidations Brokerage Fee", "liquidation fees", 19),
    ("ServiceFee", "Cost of Advertising", "TransactionTotalAmount", "advertising", 20),
    ("ServiceFee", "Deals", "Promotion Fee", "deals", 21),
    ("AmazonFees", "Vine Enrollment Fee", "Base fee", "deals", 21),
    ("AmazonFees", "Vine Enrollment Fee", "Discount on fee", "deals", 21),
    ("Lightning Deal Fee", _OTHER, "LightningDealFee", "deals", 22),
    (_OTHER, _REIMBURSED, "WAREHOUSE_DAMAGE", "reimbursements", 23),
    (_OTHER, _REIMBURSED, "WAREHOUSE_LOST", "reimbursements", 23),
    (_OTHER, _REIMBURSED, "REVERSAL_REIMBURSEMENT", "reimbursements", 23),
    (_OTHER, _REIMBURSED, "COMPENSATED_CLAWBACK", "reimbursements", 23),
    ("SAFE-T Reimbursement", "SAFE-T Reimbursement", "SAFE-T Reimbursement", "reimbursements", 24),
    ("FBAFees", "FBA Inventory Storage Fee", "Base fee", "storage", 25),
    ("FBAFees", "FBA Inventory Storage Fee", "Discount on fee", "storage", 25),
    ("FBAFees", "FBA Amazon-Partnered Carrier Shipment Fee", "Base fee", "inbound", 26),
    ("FBAFees", "Inbound Defect Fee", "Base fee", "inbound", 26),
    ("FBAFees", "FBA Removal Order: Disposal Fee", "Base fee", "removals", 27),
    ("FBAFees", "FBA Removal Order: Return Fee", "Base fee", "removals", 27),
    ("FBAFees", "FBA Low Inventory Level Fee", "Tax on fee", "fulfilment fees", 28),
    ("FBAFees", "FBA Low Inventory Level Fee", "Base fee", "fulfilment fees", 29),
    (_OTHER, _OTHER, "Storage Fee", "storage", 30),
    (_OTHER, _OTHER, "StorageRenewalBilling", "storage", 30),
    (_OTHER, _OTHER, "FBAInboundTransportationFee", "inbound", 31),
    (_OTHER, _OTHER, "RemovalComplete", "removals", 32),
    (_OTHER, _OTHER, "DisposalComplete", "removals", 32),
    (_OTHER, _OTHER, "Subscription Fee", "subscription", 33),
    (_OTHER, _OTHER, "Shipping label purchase", "shipping labels", 34),
    (_OTHER, _OTHER, "Current Reserve Amount", "reserve", 35),
    (_OTHER, _OTHER, "Previous Reserve Amount Balance", "reserve", 36),
    (_OTHER, _OTHER, "Payable to Amazon", "opening debt", 37),
    (_OTHER, _OTHER, "Successful charge", "card charge", 38),
    (_OTHER, _OTHER, "Transfer of funds unsuccessful: Please update your bank account", "payout returned", 39),
    ("Transfers", "Micro Deposit", "Micro Deposit", "bank movement", 40),
    (_OTHER, _OTHER, "Amazon Capital Services", "loan", 42),
    (_OTHER, _OTHER, "Fee Adjustment", "fee adjustments", 43),
    (_OTHER, _OTHER, "Commingling VAT", "levies", 44),
    ("Order", "Points", "PointsFee", "promotions", 45),
    ("Order", "ItemPrice", "CODItemCharge", "shipping charged to buyers", 46),
)
_KNOWN = {(kind, group, text): (meaning, rule) for kind, group, text, meaning, rule in _TABLE}

RETURNED_TEXT = "Transfer of funds unsuccessful: Please update your bank account"


def label(transaction_type: str, amount_type: str, amount_description: str) -> Label:
    """Return the label of a known triple. Raises KeyError: the generator never writes what it cannot explain."""
    known = _KNOWN.get((transaction_type, amount_type, amount_description))
    meaning, rule = known or _KNOWN["*", amount_type, amount_description]
    return Label(transaction_type, amount_type, amount_description, meaning, rule)


def other(amount_description: str) -> Label:
    """Return the label of an account-level row that Amazon files under ``other-transaction`` twice."""
    return label(_OTHER, _OTHER, amount_description)


def coupon(text: str) -> Label:
    """Return the label of a coupon redemption fee, whose description is the seller's own text."""
    return Label("CouponRedemptionFee", "CouponRedemptionFee", text, "deals", 21)


def unknown(text: str) -> Label:
    """Return a label that no classification rule covers: a person has to decide it."""
    return Label(_OTHER, _OTHER, text, "unknown", 48)

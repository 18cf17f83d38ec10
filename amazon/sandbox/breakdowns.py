"""What a posting is called in the finances API, and the tree of amounts that makes it up.

Leaves carry the money, containers are their sums. Names are those seen in real answers; a fee that has none of its own there
keeps the name it has in the settlement.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from sandbox.seller import Line
from sandbox.seller.marketplaces import EXPONENTS
from sandbox.seller.postings import Posting

_LEAVES: Final = {
    ("ItemPrice", "Principal"): ("ProductCharges", "OurPricePrincipal"),
    ("ItemPrice", "Shipping"): ("Shipping", "ShippingPrincipal"),
    ("ItemPrice", "GiftWrap"): ("Other", "GiftwrapPrincipal"),
    ("ItemPrice", "Tax"): ("Tax", "OurPriceTax"),
    ("ItemPrice", "ShippingTax"): ("Tax", "ShippingTax"),
    ("ItemPrice", "GiftWrapTax"): ("Tax", "GiftwrapTax"),
    ("ItemPrice", "Goodwill"): ("Other", "GoodwillPrincipal"),
    ("ItemPrice", "RestockingFee"): ("Other", "RestockingDeductionPrincipal"),
    ("Promotion", "Principal"): ("PromoRebates", "OurPriceDiscount"),
    ("Promotion", "Shipping"): ("PromoRebates", "ShippingDiscount"),
    ("Promotion", "TaxDiscount"): ("Tax", "OurPriceTax"),
    ("ItemFees", "FBAPerUnitFulfillmentFee"): ("FBAFees", "FBAPerUnitFulfillmentFee"),
    ("ItemFees", "ShippingHB"): ("AmazonFees", "Commission"),
    ("ItemFees", "FBACustomerReturnPerUnitFee"): ("FBAFees", "CustomerReturnHRRUnitFee"),
}
"""(amount-type, amount-description) of a settlement row → container and leaf."""

_EXPENSES: Final = frozenset({"AmazonFees", "FBAFees"})

_ACCOUNT_LEVEL: Final = {
    "Subscription Fee": ("ServiceFee", "Subscription", "Subscription"),
    "Storage Fee": ("ServiceFee", "FBAStorageBilling", "FBAStorageFee"),
    "StorageRenewalBilling": ("ServiceFee", "FBALongTermStorageBilling", "FBALongTermStorageFee"),
    "FBAInboundTransportationFee": ("ServiceFee", "FBAInboundTransportationFee", "FBAInboundTransportationFee"),
    "RemovalComplete": ("ServiceFee", "FBARemovalFee", "FBARemovalFee"),
    "DisposalComplete": ("ServiceFee", "FBADisposalFee", "FBADisposalFee"),
    "Shipping label purchase": ("ServiceFee", "ShippingServices", "PaidServicesFee"),
    "TransactionTotalAmount": ("ProductAdsPayment", "Sponsored ads", "AdvertisingFee"),
    "LightningDealFee": ("SellerDealPayment", "Deal fee", "PaidServicesFee"),
    "Promotion Fee": ("SellerDealPayment", "Deal fee", "PaidServicesFee"),
    "COMPENSATED_CLAWBACK": ("FBAInventoryReimbursement", "FBAInventoryReimbursement", "FBAReversedReimbursement"),
    "Current Reserve Amount": ("Adjustment", "ReserveDebit", "ReserveDebit"),
    "Previous Reserve Amount Balance": ("Adjustment", "ReserveCredit", "ReserveCredit"),
    "Payable to Amazon": ("MiscellaneousLedgerAdjustment", "Payable to Amazon", "Other"),
    "Successful charge": ("DebtRecovery", "Successful charge", "Other"),
    "Amazon Capital Services": ("LoanServicing", "Amazon Capital Services", "Other"),
    "Fee Adjustment": ("Adjustment", "Fee Adjustment", "Other"),
}
"""amount-description → transactionType, description and leaf."""

_BY_GROUP: Final = {
    "FBA Inventory Reimbursement": ("FBAInventoryReimbursement", "FBAInventoryReimbursement"),
    "SAFE-T Reimbursement": ("Adjustment", "Other"),
    "FBA Inventory Storage Fee": ("ServiceFee", "FBAStorageFee"),
    "FBA Amazon-Partnered Carrier Shipment Fee": ("ServiceFee", "FBAInboundTransportationFee"),
    "Inbound Defect Fee": ("ServiceFee", "FBAInboundConvenienceFee"),
    "FBA Removal Order: Disposal Fee": ("ServiceFee", "FBADisposalFee"),
    "FBA Removal Order: Return Fee": ("ServiceFee", "FBARemovalFee"),
    "FBA Low Inventory Level Fee": ("ServiceFee", "Other"),
    "Vine Enrollment Fee": ("ServiceFee", "PaidServicesFee"),
    "CouponRedemptionFee": ("CouponPayment", "CouponParticipationFee"),
    "Micro Deposit": ("Transfer", "FundTransfer"),
}
"""amount-type → transactionType and leaf; the description is the amount type."""

_ORDERS: Final = {
    "Order": ("Shipment", "Order Payment", "Sales", "Expenses"),
    "Refund": ("Refund", "Refund Order", "Refunded Sales", "Refunded Expenses"),
    "A-to-z Guarantee Refund": ("GuaranteeClaim", "A-to-z Guarantee Refund", "Refunded Sales", "Refunded Expenses"),
    "Chargeback Refund": ("Chargeback", "Chargeback Refund", "Refunded Sales", "Refunded Expenses"),
    "Order_Retrocharge": ("Retrocharge", "Retrocharge", "Sales", "Expenses"),
    "Refund_Retrocharge": ("Retrocharge", "Retrocharge", "Refunded Sales", "Refunded Expenses"),
    "Liquidations": ("RemovalShipment", "Liquidations", "Sales", "Expenses"),
}
"""transaction-type → transactionType, description, and the two containers at the top."""

_RETURNED: Final = ("Transfer", "FundTransfer")


def named(posting: Posting) -> tuple[str, str]:
    """Return transactionType and description of a posting."""
    label = posting.lines[0].label
    if label.transaction_type in _ORDERS:
        return _ORDERS[label.transaction_type][:2]
    if label.meaning == "payout returned":
        return _RETURNED[0], label.amount_description
    if label.amount_description in _ACCOUNT_LEVEL:
        return _ACCOUNT_LEVEL[label.amount_description][:2]
    if label.amount_type in _BY_GROUP:
        return _BY_GROUP[label.amount_type][0], label.amount_type
    return "MiscellaneousLedgerAdjustment", label.amount_description


def money(amount: int, currency: str) -> dict[str, Any]:
    return {"currencyCode": currency, "currencyAmount": Decimal(amount).scaleb(-EXPONENTS[currency])}


def tree(lines: Iterable[Line], currency: str) -> list[dict[str, Any]]:
    """Return the breakdowns of some rows: for an order Sales and Expenses with what is in them, else one branch."""
    top: dict[str, dict[str, dict[str, int]]] = {}
    for line in lines:
        outer, inner, leaf = _place(line)
        leaves = top.setdefault(outer, {}).setdefault(inner, {})
        leaves[leaf] = leaves.get(leaf, 0) + line.amount
    return [
        _node(outer, [_node(inner, _leaves(leaves, currency), currency) for inner, leaves in within.items()], currency)
        for outer, within in top.items()
    ]


def container(line: Line) -> str:
    """Return the container at the top under which a row stands."""
    return _place(line)[0]


def _place(line: Line) -> tuple[str, str, str]:
    label = line.label
    if label.transaction_type in _ORDERS:
        sales, expenses = _ORDERS[label.transaction_type][2:]
        inner, leaf = _leaf_of_order(label.amount_type, label.amount_description)
        return (expenses if inner in _EXPENSES else sales), inner, leaf
    if label.meaning == "payout returned":
        return "Other", "Other", _RETURNED[1]
    if label.amount_description in _ACCOUNT_LEVEL:
        leaf = _ACCOUNT_LEVEL[label.amount_description][2]
    else:
        leaf = _BY_GROUP.get(label.amount_type, ("", "Other"))[1]
    if leaf in ("ReserveDebit", "ReserveCredit", "FundTransfer", "Other"):
        return "Other", "Other", leaf
    if line.amount > 0:
        return "Sales", "Other", leaf
    return "Expenses", "FBAFees" if leaf.startswith("FBA") else "AmazonFees", leaf


def _leaf_of_order(group: str, description: str) -> tuple[str, str]:
    if known := _LEAVES.get((group, description)):
        return known
    if group == "ItemWithheldTax":
        return "Tax", description.replace("-Giftwrap", "-Other")
    if group == "ItemFees":
        return "AmazonFees", "RecommerceLiquidation" if description.startswith("Liquidations") else description
    return "Other", description


def _leaves(leaves: dict[str, int], currency: str) -> list[dict[str, Any]]:
    return [
        {"breakdownType": leaf, "breakdownAmount": money(amount, currency), "breakdowns": []}
        for leaf, amount in leaves.items()
    ]


def _node(name: str, children: list[dict[str, Any]], currency: str) -> dict[str, Any]:
    amount = sum(each["breakdownAmount"]["currencyAmount"] for each in children)
    return {
        "breakdownType": name,
        "breakdownAmount": {"currencyCode": currency, "currencyAmount": amount},
        "breakdowns": children,
    }

"""What the labels of these tests mean. Small on purpose: the full table is the source's."""

from bookkeeping.accounts import AccountKey as K
from bookkeeping.accounts import Category as C
from bookkeeping.classification import Classification
from bookkeeping.facts import Label

_ORDER = {
    ("ItemPrice", "Principal"): (C.PRODUCT_SALE, K.SALES),
    ("ItemPrice", "Shipping"): (C.SHIPPING_CHARGE, K.SHIP_INCOME),
    ("ItemPrice", "GiftWrap"): (C.GIFT_WRAP, K.WRAP_INCOME),
    ("Promotion", "Principal"): (C.PROMO_REBATE, K.PROMO),
    ("Promotion", "Shipping"): (C.PROMO_REBATE, K.PROMO),
}
_ANY_ITEM = {
    ("ItemPrice", "Tax"): (C.TAX_COLLECTED, K.TAX_CLEARING),
    ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"): (C.TAX_WITHHELD, K.TAX_CLEARING),
    ("ItemFees", "Commission"): (C.SELLING_FEE, K.FEE_SELLING),
    ("ItemFees", "RefundCommission"): (C.REFUND_ADMIN_FEE, K.FEE_REFUND_ADMIN),
    ("ItemFees", "FBAPerUnitFulfillmentFee"): (C.FBA_FEE, K.FEE_FBA),
    ("ItemFees", "GiftwrapChargeback"): (C.FBA_SHIP_CHARGEBACK, K.FEE_FBA),
}
_ITEM_PRICE = {
    "Refund": (C.REFUND, K.REFUNDS),
    "Chargeback Refund": (C.CLAIM, K.CLAIMS),
    "A-to-z Guarantee Refund": (C.CLAIM, K.CLAIMS),
    "Order_Retrocharge": (C.RECHARGE, K.SALES),
}
_OTHER = {
    "TransactionTotalAmount": (C.ADVERTISING, K.ADS),
    "Storage Fee": (C.STORAGE_FEE, K.FEE_STORAGE),
    "WAREHOUSE_DAMAGE": (C.REIMBURSEMENT, K.REIMB),
    "Fee Adjustment": (C.FEE_ADJUSTMENT, K.FEE_OTHER),
    "Subscription Fee": (C.SUBSCRIPTION, K.SUBSCRIPTION),
    "FBA Inbound Transportation Fee": (C.INBOUND_FEE, K.FEE_INBOUND),
    "Current Reserve Amount": (C.RESERVE_HELD, K.RESERVE),
    "Previous Reserve Amount Balance": (C.RESERVE_RELEASED, K.RESERVE),
    "Payable to Amazon": (C.OPENING_DEBT, None),
    "Successful charge": (C.DEBT_COLLECTED, K.CHARGE_METHOD),
    "Transfer of funds unsuccessful": (C.PAYOUT_REVERSED, K.BANK),
    "Micro Deposit": (C.PAYOUT_MOVEMENT, K.BANK),
    "Cross-marketplace transfer": (C.CROSS_MARKET, K.PAYOUTS),
}


def classify(label: Label) -> Classification:
    item = (label.amount_type, label.amount_description)
    if label.transaction_type == "Order" and item in _ORDER:
        return Classification(*_ORDER[item], coverable=True, rule=1)
    found = _ANY_ITEM.get(item) or _OTHER.get(label.amount_description)
    if found is None and label.amount_type == "ItemPrice":
        found = _ITEM_PRICE.get(label.transaction_type)
    if found is None and label.amount_type == "Promotion":
        found = (C.PROMO_REBATE, K.PROMO)
    if found is None:
        return Classification(C.UNKNOWN, None, coverable=False, rule=48)
    return Classification(*found, coverable=False, rule=2)

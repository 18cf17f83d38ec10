"""What the labels of these tests mean. Small on purpose: the full table is the source's."""

from bookkeeping.accounts import AccountKey, Category
from bookkeeping.classification import Classification
from bookkeeping.facts import Label

_ORDER = {
    ("ItemPrice", "Principal"): (Category.PRODUCT_SALE, AccountKey.SALES),
    ("ItemPrice", "Shipping"): (Category.SHIPPING_CHARGE, AccountKey.SHIP_INCOME),
    ("ItemPrice", "GiftWrap"): (Category.GIFT_WRAP, AccountKey.WRAP_INCOME),
    ("Promotion", "Principal"): (Category.PROMO_REBATE, AccountKey.PROMO),
    ("Promotion", "Shipping"): (Category.PROMO_REBATE, AccountKey.PROMO),
}
_ANY_ITEM = {
    ("ItemPrice", "Tax"): (Category.TAX_COLLECTED, AccountKey.TAX_CLEARING),
    ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal"): (Category.TAX_WITHHELD, AccountKey.TAX_CLEARING),
    ("ItemFees", "Commission"): (Category.SELLING_FEE, AccountKey.FEE_SELLING),
    ("ItemFees", "RefundCommission"): (Category.REFUND_ADMIN_FEE, AccountKey.FEE_REFUND_ADMIN),
    ("ItemFees", "FBAPerUnitFulfillmentFee"): (Category.FBA_FEE, AccountKey.FEE_FBA),
    ("ItemFees", "GiftwrapChargeback"): (Category.FBA_SHIP_CHARGEBACK, AccountKey.FEE_FBA),
}
_ITEM_PRICE = {
    "Refund": (Category.REFUND, AccountKey.REFUNDS),
    "Chargeback Refund": (Category.CLAIM, AccountKey.CLAIMS),
    "A-to-z Guarantee Refund": (Category.CLAIM, AccountKey.CLAIMS),
    "Order_Retrocharge": (Category.RECHARGE, AccountKey.SALES),
}
_OTHER = {
    "TransactionTotalAmount": (Category.ADVERTISING, AccountKey.ADS),
    "Storage Fee": (Category.STORAGE_FEE, AccountKey.FEE_STORAGE),
    "WAREHOUSE_DAMAGE": (Category.REIMBURSEMENT, AccountKey.REIMB),
    "Fee Adjustment": (Category.FEE_ADJUSTMENT, AccountKey.FEE_OTHER),
    "Subscription Fee": (Category.SUBSCRIPTION, AccountKey.SUBSCRIPTION),
    "FBA Inbound Transportation Fee": (Category.INBOUND_FEE, AccountKey.FEE_INBOUND),
    "Current Reserve Amount": (Category.RESERVE_HELD, AccountKey.RESERVE),
    "Previous Reserve Amount Balance": (Category.RESERVE_RELEASED, AccountKey.RESERVE),
    "Payable to Amazon": (Category.OPENING_DEBT, None),
    "Successful charge": (Category.DEBT_COLLECTED, AccountKey.CHARGE_METHOD),
    "Transfer of funds unsuccessful": (Category.PAYOUT_REVERSED, AccountKey.BANK),
    "Micro Deposit": (Category.PAYOUT_MOVEMENT, AccountKey.BANK),
    "Cross-marketplace transfer": (Category.CROSS_MARKET, AccountKey.PAYOUTS),
}


def classify(label: Label) -> Classification:
    item = (label.amount_type, label.amount_description)
    if label.transaction_type == "Order" and item in _ORDER:
        return Classification(*_ORDER[item], coverable=True, rule=1)
    found = _ANY_ITEM.get(item) or _OTHER.get(label.amount_description)
    if found is None and label.amount_type == "ItemPrice":
        found = _ITEM_PRICE.get(label.transaction_type)
    if found is None and label.amount_type == "Promotion":
        found = (Category.PROMO_REBATE, AccountKey.PROMO)
    if found is None:
        return Classification(Category.UNKNOWN, None, coverable=False, rule=48)
    return Classification(*found, coverable=False, rule=2)

"""Which sign an amount normally has. The other sign is booked just the same, and flagged."""

from typing import Final

from bookkeeping.accounts import Category
from bookkeeping.facts import Label

_SALE: Final = frozenset({Category.PRODUCT_SALE, Category.SHIPPING_CHARGE, Category.GIFT_WRAP})
_FEES: Final = frozenset({Category.SELLING_FEE, Category.FBA_FEE, Category.FBA_SHIP_CHARGEBACK})
_ORDER: Final = {
    **dict.fromkeys(_SALE, 1),
    **dict.fromkeys(_FEES, -1),
    Category.PROMO_REBATE: -1,
    Category.TAX_COLLECTED: 1,
    Category.TAX_WITHHELD: -1,
}
_REFUND: Final = {
    Category.REFUND: -1,
    Category.CLAIM: -1,
    Category.REFUND_ADMIN_FEE: -1,
    Category.PROMO_REBATE: 1,
    Category.TAX_COLLECTED: -1,
    Category.TAX_WITHHELD: 1,
}
_ANY: Final = {
    Category.RESERVE_HELD: -1,
    Category.RESERVE_RELEASED: 1,
    Category.OPENING_DEBT: -1,
    Category.DEBT_COLLECTED: 1,
    Category.PAYOUT_REVERSED: 1,
}
_REFUNDING: Final = frozenset({"refund", "chargeback refund", "a-to-z guarantee refund"})


def expected_sign(category: Category, label: Label) -> int:
    """Return 1 or -1, or 0 where both signs are ordinary."""
    if category is Category.TAX_COLLECTED and label.amount_type.casefold() == "promotion":
        return 0  # the tax on a discount takes the discount's sign
    transaction = label.transaction_type.casefold()
    if transaction == "order":
        return _ORDER.get(category, 0)
    if transaction in _REFUNDING:
        # A restocking fee is kept from a refund, so it is the one positive amount among them.
        return 0 if "restocking" in label.amount_description.casefold() else _REFUND.get(category, 0)
    return _ANY.get(category, 0)

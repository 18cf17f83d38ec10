"""The categories a person can give a label: grouped, named and explained for somebody who sees the label for the first time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from amazon.labels import ACCOUNT_OF_CATEGORY, CATEGORY_NAMES
from bookkeeping.accounts import ACCOUNTS, Category

_C = Category
_GROUPS: Final[Mapping[str, Mapping[Category, str]]] = {
    "Sales": {
        _C.PRODUCT_SALE: "What a buyer paid for a product.",
        _C.SHIPPING_CHARGE: "What a buyer paid for shipping.",
        _C.GIFT_WRAP: "What a buyer paid for gift wrap.",
        _C.PROMO_REBATE: "A discount you gave: it lowers your sales.",
        _C.RECHARGE: "A buyer is charged again for a product, for example because a return never came.",
        _C.RECHARGE_SHIPPING: "A buyer is charged again for shipping.",
        _C.LIQUIDATION: "Stock that Amazon sold off for you.",
    },
    "Refunds and claims": {
        _C.REFUND: "Money given back to a buyer.",
        _C.CLAIM: "A chargeback or an A-to-z claim that was decided for the buyer.",
        _C.RECHARGE_REVERSAL: "A second charge that was given back.",
    },
    "Fees": {
        _C.SELLING_FEE: "Amazon's share of a sale: referral, closing and per-item fees.",
        _C.REFUND_ADMIN_FEE: "What Amazon keeps of its fee when you refund.",
        _C.FBA_FEE: "Picking, packing and sending by Amazon.",
        _C.FBA_SHIP_CHARGEBACK: "Amazon takes back shipping or gift wrap the buyer paid, because it shipped the order.",
        _C.STORAGE_FEE: "Keeping your stock in Amazon's warehouses.",
        _C.INBOUND_FEE: "Bringing stock to Amazon: carrier, placement, defects.",
        _C.REMOVAL_FEE: "Sending stock back to you, or destroying it.",
        _C.LIQUIDATION_FEE: "Amazon's share of stock it sold off.",
        _C.SUBSCRIPTION: "The monthly selling plan.",
        _C.SHIPPING_LABEL: "Postage you bought from Amazon for orders you ship yourself.",
        _C.ADVERTISING: "Sponsored products and other advertising.",
        _C.DEAL_FEE: "Fees for coupons, deals and Vine.",
        _C.FEE_TAX: "Tax that Amazon adds to its own fees.",
        _C.FEE_ADJUSTMENT: "A correction of fees, or a cost or credit that fits nowhere else.",
    },
    "Paid to you by Amazon": {
        _C.REIMBURSEMENT: "Amazon pays for stock it lost or damaged.",
    },
    "Tax": {
        _C.TAX_COLLECTED: "Sales tax or VAT that buyers paid.",
        _C.TAX_WITHHELD: "The same tax, kept by Amazon to remit it itself.",
        _C.TAX_CREDIT: "Tax withheld on your own account, which you can claim (TCS, TDS).",
        _C.OTHER_TAX_OR_LEVY: "Any other tax or levy that you bear.",
    },
    "Money that only moves": {
        _C.RESERVE_HELD: "Your money, held back until later.",
        _C.RESERVE_RELEASED: "Money held back earlier, given back now.",
        _C.OPENING_DEBT: "What you owed at the end of the settlement before.",
        _C.DEBT_COLLECTED: "A debt that Amazon charged to your card or bank.",
        _C.PAYOUT_REVERSED: "A payout that the bank sent back.",
        _C.PAYOUT_MOVEMENT: "Another transfer to or from your bank.",
        _C.CROSS_MARKET: "Moved between your marketplaces.",
        _C.LOAN: "A loan from Amazon: paid out to you, or paid back.",
    },
}


@dataclass(frozen=True, slots=True)
class Choice:
    """``account`` is the default name of the account it is booked to, empty where it only moves money."""

    category: Category
    name: str
    meaning: str
    account: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    choices: tuple[Choice, ...]


def _choice(category: Category, meaning: str) -> Choice:
    key = ACCOUNT_OF_CATEGORY[category]
    return Choice(category, CATEGORY_NAMES[category], meaning, ACCOUNTS[key].name if key else "")


GROUPS: Final = tuple(
    Group(name, tuple(_choice(category, meaning) for category, meaning in of_group.items()))
    for name, of_group in _GROUPS.items()
)

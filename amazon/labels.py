"""What the labels of Amazon's settlement rows mean: one table, looked up by the raw triple.

Amazon publishes no list of its labels, spells them in several ways and renames fees without notice. So labels are
compared without case, blanks, dashes and underscores; a name with ``*`` stands for anything; the first line that fits,
in the order of the table, wins; and what no line fits is UNKNOWN, which a person has to decide. Nothing is guessed.
Pure: no Django, clock or network.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from bookkeeping.accounts import AccountKey, Category
from bookkeeping.classification import Classification
from bookkeeping.facts import Label
from bookkeeping.signs import expected_sign

CATEGORY_NAMES: Final[Mapping[Category, str]] = {
    Category.PRODUCT_SALE: "Product sales",
    Category.SHIPPING_CHARGE: "Shipping paid by buyers",
    Category.GIFT_WRAP: "Gift wrap paid by buyers",
    Category.PROMO_REBATE: "Promotional rebates",
    Category.TAX_COLLECTED: "Tax collected from buyers",
    Category.TAX_WITHHELD: "Tax withheld and remitted by Amazon",
    Category.TAX_CREDIT: "Tax withheld on your account (TCS, TDS)",
    Category.SELLING_FEE: "Selling fees",
    Category.REFUND_ADMIN_FEE: "Refund administration fees",
    Category.FBA_FEE: "FBA fulfilment fees",
    Category.FBA_SHIP_CHARGEBACK: "Shipping and gift wrap chargebacks (FBA)",
    Category.FEE_TAX: "Tax on Amazon's fees",
    Category.REFUND: "Refunds",
    Category.CLAIM: "Chargebacks and A-to-z claims",
    Category.RECHARGE: "Products charged again",
    Category.RECHARGE_SHIPPING: "Shipping charged again",
    Category.RECHARGE_REVERSAL: "Second charges given back",
    Category.LIQUIDATION: "Liquidation proceeds",
    Category.LIQUIDATION_FEE: "Liquidation fees",
    Category.ADVERTISING: "Advertising",
    Category.DEAL_FEE: "Coupons, deals and Vine",
    Category.REIMBURSEMENT: "Reimbursements for lost or damaged stock",
    Category.STORAGE_FEE: "Storage fees",
    Category.INBOUND_FEE: "Inbound freight and placement",
    Category.REMOVAL_FEE: "Removal and disposal",
    Category.SUBSCRIPTION: "Subscription",
    Category.SHIPPING_LABEL: "Shipping labels",
    Category.RESERVE_HELD: "Reserve held back",
    Category.RESERVE_RELEASED: "Reserve given back",
    Category.OPENING_DEBT: "Debt carried from the settlement before",
    Category.DEBT_COLLECTED: "Debt charged to your card",
    Category.PAYOUT_REVERSED: "Payout that failed",
    Category.PAYOUT_MOVEMENT: "Movement to or from the bank",
    Category.CROSS_MARKET: "Transfer between marketplaces",
    Category.LOAN: "Loan advance or repayment",
    Category.FEE_ADJUSTMENT: "Fee adjustments",
    Category.OTHER_TAX_OR_LEVY: "Other taxes and levies",
    Category.UNKNOWN: "Not known yet",
}

# None: nothing is booked under an account of its own, or a person must decide first.
ACCOUNT_OF_CATEGORY: Final[Mapping[Category, AccountKey | None]] = {
    Category.PRODUCT_SALE: AccountKey.SALES,
    Category.SHIPPING_CHARGE: AccountKey.SHIP_INCOME,
    Category.GIFT_WRAP: AccountKey.WRAP_INCOME,
    Category.PROMO_REBATE: AccountKey.PROMO,
    Category.TAX_COLLECTED: AccountKey.TAX_CLEARING,
    Category.TAX_WITHHELD: AccountKey.TAX_CLEARING,
    Category.TAX_CREDIT: AccountKey.TAX_WITHHELD_ASSET,
    Category.SELLING_FEE: AccountKey.FEE_SELLING,
    Category.REFUND_ADMIN_FEE: AccountKey.FEE_REFUND_ADMIN,
    Category.FBA_FEE: AccountKey.FEE_FBA,
    Category.FBA_SHIP_CHARGEBACK: AccountKey.FEE_FBA,
    Category.FEE_TAX: AccountKey.INPUT_TAX,
    Category.REFUND: AccountKey.REFUNDS,
    Category.CLAIM: AccountKey.CLAIMS,
    Category.RECHARGE: AccountKey.SALES,
    Category.RECHARGE_SHIPPING: AccountKey.SHIP_INCOME,
    Category.RECHARGE_REVERSAL: AccountKey.REFUNDS,
    Category.LIQUIDATION: AccountKey.LIQUIDATION,
    Category.LIQUIDATION_FEE: AccountKey.FEE_REMOVAL,
    Category.ADVERTISING: AccountKey.ADS,
    Category.DEAL_FEE: AccountKey.DEALS,
    Category.REIMBURSEMENT: AccountKey.REIMB,
    Category.STORAGE_FEE: AccountKey.FEE_STORAGE,
    Category.INBOUND_FEE: AccountKey.FEE_INBOUND,
    Category.REMOVAL_FEE: AccountKey.FEE_REMOVAL,
    Category.SUBSCRIPTION: AccountKey.SUBSCRIPTION,
    Category.SHIPPING_LABEL: AccountKey.SHIP_LABELS,
    Category.RESERVE_HELD: AccountKey.RESERVE,
    Category.RESERVE_RELEASED: AccountKey.RESERVE,
    Category.OPENING_DEBT: None,
    Category.DEBT_COLLECTED: AccountKey.CHARGE_METHOD,
    Category.PAYOUT_REVERSED: AccountKey.BANK,
    Category.PAYOUT_MOVEMENT: AccountKey.BANK,
    Category.CROSS_MARKET: AccountKey.PAYOUTS,
    Category.LOAN: AccountKey.LOAN,
    Category.FEE_ADJUSTMENT: AccountKey.FEE_OTHER,
    Category.OTHER_TAX_OR_LEVY: AccountKey.FEE_OTHER,
    Category.UNKNOWN: None,
}

# What an invoice to the buyer can carry.
_INVOICED: Final = frozenset(
    {Category.PRODUCT_SALE, Category.SHIPPING_CHARGE, Category.GIFT_WRAP, Category.PROMO_REBATE}
)
_NOISE: Final = re.compile(r"[\s\-_\u2010-\u2015]+")
UNKNOWN_RULE: Final = 48
TENANT_RULE: Final = 0


def fold(text: str) -> str:
    """Return a label's text as it is compared: without case, blanks, dashes and underscores."""
    return _NOISE.sub("", text.casefold())


@dataclass(frozen=True, slots=True)
class LabelRule:
    """A person's decision on a label. Each text may hold ``*`` for anything; "" stands for an empty text only."""

    transaction_type: str
    amount_type: str
    amount_description: str
    category: Category


class _Rule(NamedTuple):
    """One line of the table. Each field lists the names that fit; ``!tax`` fits what has no "tax" in it.

    ``review`` marks wording that is plausible but not attested in public files, so a person should look at it once.
    """

    number: int
    category: Category
    transaction_type: tuple[str, ...]
    amount_type: tuple[str, ...]
    amount_description: tuple[str, ...]
    review: bool = False


_C: Final = Category
_ANY: Final = ("*",)
_TAXES: Final = ("Tax", "ShippingTax", "GiftWrapTax")
_CLAIMS: Final = ("Chargeback Refund", "A-to-z Guarantee Refund")
_RETRO: Final = ("Order_Retrocharge", "BuyerRecharge", "*Retrocharge*")
_RETRO_BACK: Final = ("Refund_Retrocharge", "*Retrocharge*Reversal*")
_OTHER: Final = ("other-transaction",)
_SERVICE: Final = ("other-transaction", "ServiceFee")
_FBA_FEES: Final = ("FBAFees",)
_PRICE: Final = ("ItemPrice",)
_FEES: Final = ("ItemFees",)
_WITHHELD: Final = ("ItemWithheldTax",)
_PROMOTION: Final = ("Promotion",)
_REIMBURSEMENT: Final = ("FBA Inventory Reimbursement",)

# In order of precedence: amount types that belong to an order, then amount types that name the thing, then exact
# descriptions, then descriptions by pattern. Free text of coupons and promotions thus never reaches a pattern.
_TABLE: Final = (
    _Rule(4, _C.TAX_COLLECTED, _ANY, _PRICE, _TAXES),
    _Rule(15, _C.CLAIM, _CLAIMS, _PRICE, ("!tax",)),
    _Rule(16, _C.REFUND, ("Refund",), _PRICE, ("!tax",)),
    _Rule(17, _C.RECHARGE_REVERSAL, _RETRO_BACK, _PRICE, ("Principal", "Shipping")),
    _Rule(17, _C.RECHARGE, _RETRO, _PRICE, ("Principal",)),
    _Rule(17, _C.RECHARGE_SHIPPING, _RETRO, _PRICE, ("Shipping",)),
    _Rule(18, _C.LIQUIDATION, ("Liquidations*",), _PRICE, ("Principal",)),
    _Rule(1, _C.PRODUCT_SALE, ("Order",), _PRICE, ("Principal",)),
    _Rule(2, _C.SHIPPING_CHARGE, ("Order",), _PRICE, ("Shipping",)),
    _Rule(3, _C.GIFT_WRAP, ("Order",), _PRICE, ("GiftWrap",)),
    _Rule(46, _C.SHIPPING_CHARGE, ("Order",), _PRICE, ("COD*Charge",), review=True),
    _Rule(
        5,
        _C.TAX_WITHHELD,
        _ANY,
        _WITHHELD,
        ("MarketplaceFacilitatorTax-*", "MarketplaceFacilitatorVAT-*", "LowValueGoodsTax-*"),
    ),
    _Rule(6, _C.TAX_CREDIT, _ANY, _WITHHELD, ("TCS-*", "TDS*")),
    _Rule(7, _C.TAX_COLLECTED, _ANY, _PROMOTION, ("TaxDiscount*",), review=True),
    _Rule(8, _C.PROMO_REBATE, _ANY, _PROMOTION, _ANY),
    _Rule(14, _C.FEE_TAX, _ANY, _FEES, ("TaxOnFees",)),
    _Rule(14, _C.FEE_TAX, _ANY, _FEES, ("*Tax on fee*",), review=True),
    _Rule(19, _C.LIQUIDATION_FEE, ("Liquidations*",), _FEES, _ANY),
    _Rule(10, _C.REFUND_ADMIN_FEE, _ANY, _FEES, ("RefundCommission",)),
    _Rule(12, _C.FBA_SHIP_CHARGEBACK, _ANY, _FEES, ("ShippingChargeback", "GiftwrapChargeback")),
    _Rule(13, _C.FBA_FEE, _ANY, _FEES, ("FBACustomerReturn*",), review=True),
    _Rule(
        9,
        _C.SELLING_FEE,
        _ANY,
        _FEES,
        (
            *("Commission", "VariableClosingFee", "FixedClosingFee", "ShippingHB", "DigitalServicesFee"),
            *("TechnologyFee", "SalesTaxCollectionFee", "SalesTaxServiceFee"),
        ),
    ),
    _Rule(
        9,
        _C.SELLING_FEE,
        _ANY,
        _FEES,
        ("PerItemFee", "HighVolumeListingFee", "GetPaidFaster*", "CODChargeback"),
        review=True,
    ),
    _Rule(
        11,
        _C.FBA_FEE,
        _ANY,
        _FEES,
        ("FBAPerUnitFulfillmentFee", "FBAPerOrderFulfillmentFee", "FBAWeightBasedFee", "FBA*Fulfil*"),
    ),
    _Rule(20, _C.ADVERTISING, _ANY, ("Cost of Advertising",), _ANY),
    _Rule(21, _C.DEAL_FEE, _ANY, ("CouponRedemptionFee", "Coupon*", "*Deal*", "Vine*"), _ANY),
    _Rule(23, _C.REIMBURSEMENT, _ANY, _REIMBURSEMENT, _ANY),
    _Rule(28, _C.FEE_TAX, _FBA_FEES, _ANY, ("*Tax*",), review=True),
    _Rule(25, _C.STORAGE_FEE, _FBA_FEES, ("*Storage*",), _ANY),
    _Rule(26, _C.INBOUND_FEE, _FBA_FEES, ("*Partnered Carrier*", "*Inbound*", "*Placement*", "*Defect*"), _ANY),
    _Rule(27, _C.REMOVAL_FEE, _FBA_FEES, ("*Removal*", "*Disposal*"), _ANY),
    _Rule(27, _C.REMOVAL_FEE, _FBA_FEES, ("*Return*",), _ANY, review=True),
    _Rule(29, _C.FBA_FEE, _FBA_FEES, ("*LowInventory*",), _ANY),
    _Rule(29, _C.FBA_FEE, _FBA_FEES, _ANY, _ANY, review=True),
    _Rule(22, _C.DEAL_FEE, ("Vine*", "Lightning Deal*", "Deal*", "Coupon*"), _ANY, _ANY),
    _Rule(35, _C.RESERVE_HELD, _OTHER, _ANY, ("Current Reserve Amount",)),
    _Rule(36, _C.RESERVE_RELEASED, _OTHER, _ANY, ("Previous Reserve Amount Balance",)),
    _Rule(37, _C.OPENING_DEBT, _OTHER, _ANY, ("Payable to Amazon",)),
    _Rule(38, _C.DEBT_COLLECTED, _OTHER, _ANY, ("Successful charge",)),
    _Rule(
        43,
        _C.FEE_ADJUSTMENT,
        ("other-transaction", "Adjustment"),
        _ANY,
        (
            *("Fee Adjustment", "Overpaid Fees Adjustment", "FBA Pick & Pack Fee Adjustment"),
            *("Non-subscription Fee Adjustment", "Manual Processing Fee*", "Reversal"),
        ),
    ),
    _Rule(44, _C.OTHER_TAX_OR_LEVY, _ANY, _ANY, ("Commingling VAT",)),
    _Rule(44, _C.OTHER_TAX_OR_LEVY, _ANY, _ANY, ("EPR*",), review=True),
    _Rule(24, _C.REIMBURSEMENT, ("SAFE-T Reimbursement",), _ANY, _ANY),
    # Not "SAFE-T*": without the dash that would take in everything that speaks of safety.
    _Rule(24, _C.REIMBURSEMENT, _ANY, _ANY, ("SAFE-T", "SAFE-T Reimbursement*", "SAFE-T Claim*")),
    _Rule(39, _C.PAYOUT_REVERSED, _OTHER, _ANY, ("Transfer of funds unsuccessful*", "Failed*")),
    _Rule(41, _C.CROSS_MARKET, _ANY, _ANY, ("*Cross-marketplace*",)),
    _Rule(42, _C.LOAN, _ANY, _ANY, ("*Loan*", "*Lending*", "*Capital Services*"), review=True),
    _Rule(40, _C.PAYOUT_MOVEMENT, ("Transfer*", "other-transaction"), _ANY, ("Micro Deposit", "Transfer*")),
    _Rule(30, _C.STORAGE_FEE, _SERVICE, _ANY, ("StorageRenewalBilling", "*Storage*", "STAR*")),
    _Rule(31, _C.INBOUND_FEE, _SERVICE, _ANY, ("*Inbound*", "*Placement*", "*Upstream*Transportation*")),
    _Rule(32, _C.REMOVAL_FEE, _SERVICE, _ANY, ("*Removal*", "*Disposal*")),
    _Rule(33, _C.SUBSCRIPTION, _SERVICE, _ANY, ("Subscription*",)),
    _Rule(34, _C.SHIPPING_LABEL, _OTHER, _ANY, ("*Shipping label*", "Postage*", "*Buy Shipping*")),
    _Rule(45, _C.PROMO_REBATE, _ANY, _ANY, ("PointsFee", "CostOfPoints*", "Points*"), review=True),
)


@lru_cache(maxsize=4096)
def classify(label: Label, rules: tuple[LabelRule, ...] = (), *, recovers_fee_tax: bool = False) -> Classification:
    """Return what a label means.

    ``rules`` are the tenant's own, in the order of precedence, and win over the table; their ``rule`` is TENANT_RULE.
    A label that nothing fits is UNKNOWN with rule 48. Tax on Amazon's fees is recoverable for those registered for
    VAT or GST (``recovers_fee_tax``) and otherwise a cost like the fee itself.
    """
    folded = Label(*map(fold, label))
    for tenant_rule in rules:
        if _fits(_decided(tenant_rule), folded):
            return _classification(tenant_rule.category, folded, TENANT_RULE)
    for rule, patterns in _COMPILED:
        if _fits(patterns, folded):
            account = None
            if rule.category is Category.FEE_TAX and not recovers_fee_tax:
                account = _account_of_fee(label)
            return _classification(rule.category, folded, rule.number, account=account, review=rule.review)
    return _classification(Category.UNKNOWN, folded, UNKNOWN_RULE)


def conflicts(label: Label, classification: Classification, amount: int) -> bool:
    """Tell whether an amount has the opposite sign of what such a row has (rule 47); its category stays the same."""
    return expected_sign(classification.category, label) * amount < 0


def _classification(
    category: Category, folded: Label, rule: int, *, account: AccountKey | None = None, review: bool = False
) -> Classification:
    return Classification(
        category=category,
        account=account or ACCOUNT_OF_CATEGORY[category],
        coverable=category in _INVOICED and folded.transaction_type == "order",
        rule=rule,
        review=review,
    )


def _account_of_fee(label: Label) -> AccountKey | None:
    """Return the account of the fee that a tax was charged on, as far as the label names it."""
    if fold(label.amount_type) == "itemfees":
        return AccountKey.FEE_SELLING
    return classify(label._replace(amount_description="Base fee")).account


_Patterns = tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    parts = ("(?!.*tax).*" if name == "!tax" else re.escape(fold(name)).replace(r"\*", ".*") for name in names)
    return re.compile("|".join(parts), re.DOTALL)


@lru_cache(maxsize=1024)
def _decided(rule: LabelRule) -> _Patterns:
    return _pattern([rule.transaction_type]), _pattern([rule.amount_type]), _pattern([rule.amount_description])


def _fits(patterns: _Patterns, folded: Label) -> bool:
    return all(pattern.fullmatch(text) for pattern, text in zip(patterns, folded, strict=True))


_COMPILED: Final = tuple(
    (rule, (_pattern(rule.transaction_type), _pattern(rule.amount_type), _pattern(rule.amount_description)))
    for rule in _TABLE
)

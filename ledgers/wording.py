"""The words by which accounts are recognised: what bookkeepers call the same thing, and what each key is about. Data.

American and British usage; a word stands for its plural, its spellings and its synonyms (``_SAME``).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bookkeeping.accounts import AccountClass, AccountKey

_C, _K = AccountClass, AccountKey
_NUMBER: Final = re.compile(r"x?\d+")  # an account number, the last digits of a bank account


@dataclass(frozen=True, slots=True)
class Pattern:
    """One word of every group has to be said. ``weight`` is what that alone is worth, in points of 100; a ``hint`` never
    makes an account sure."""

    weight: int
    groups: tuple[frozenset[str], ...]
    hint: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """An account of ``near_classes`` may be meant, but never surely. One whose name says a word of ``never`` is about
    something else; ``no_strangers``: likewise one that is about other providers' charges, unless it says Amazon."""

    classes: frozenset[AccountClass]
    near_classes: frozenset[AccountClass]
    patterns: tuple[Pattern, ...]
    never: frozenset[str]
    no_strangers: bool = False


def words(name: str) -> list[str]:
    """Return the words of a name as they are compared: without numbers, in the singular, each as its group's first word."""
    text = re.sub(r"a[\s-]*(?:to|2)[\s-]*z", " atoz ", name.lower())
    found = re.findall(r"[a-z0-9]+", text)
    return [stem(word) for word in found if not _NUMBER.fullmatch(word)]


def stem(word: str) -> str:
    """Return the one spelling of a word."""
    if len(word) > 4 and word.endswith("ies"):
        singular = f"{word[:-3]}y"
    elif word.endswith(("xes", "ches", "shes", "sses")):
        singular = word[:-2]
    else:
        singular = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return _SAME.get(singular, singular)


_SAME: Final[Mapping[str, str]] = {
    "amz": "amazon",
    "amzn": "amazon",
    **dict.fromkeys(("fulfilment", "fulfillment", "fulfilled"), "fulfil"),
    **dict.fromkeys(("ad", "advert", "ppc", "sponsored"), "advertising"),
    **dict.fromkeys(("ship", "shipment", "delivery", "delivered", "despatch", "dispatch"), "shipping"),
    **dict.fromkeys(("promotion", "promotional", "rebate"), "promo"),
    **dict.fromkeys(("seller", "sell"), "selling"),
    **dict.fromkeys(("warehousing", "warehouse"), "storage"),
    **dict.fromkeys(("giftwrap", "wrapping"), "wrap"),
    **dict.fromkeys(("reserved", "unavailable", "retained", "withholding"), "reserve"),
    **dict.fromkeys(("lending", "borrowing"), "loan"),
    **dict.fromkeys(("miscellaneous", "misc", "sundry"), "other"),
    "adj": "adjustment",
    **dict.fromkeys(("administration", "administrative"), "admin"),
    "returned": "return",
    **dict.fromkeys(("revenue", "proceed", "turnover", "taking"), "income"),
    **dict.fromkeys(("carriage", "haulage"), "freight"),
    **dict.fromkeys(("inward", "incoming"), "inbound"),
    **dict.fromkeys(("outward", "outgoing"), "outbound"),
    **dict.fromkeys(("stock", "merchandise"), "inventory"),
    **dict.fromkeys(("voucher", "couponing"), "coupon"),
    **dict.fromkeys(("fbm", "mfn"), "unfulfilled"),
    **dict.fromkeys(("liquidated", "liquidating"), "liquidation"),
    **dict.fromkeys(("payable", "owed", "liability"), "payable"),
    **dict.fromkeys(("reclaimable", "recoverable", "reclaim"), "recoverable"),
    **dict.fromkeys(("disbursement", "remittance"), "payout"),
    **dict.fromkeys(("reimbursed", "compensation"), "reimbursement"),
    **dict.fromkeys(("picking", "picked"), "pick"),
    **dict.fromkeys(("packing", "packed"), "pack"),
}


def _one_of(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in text.split("|"))


AMAZON: Final = frozenset({"amazon", "fba"})
# A sub-account called so takes its meaning from the account above it.
QUALIFIERS: Final = AMAZON | _one_of("us|usa|uk|eu|na|gb|ca|de|fr|it|es|com|co|usd|gbp|eur|cad|central|europe|inc")
NEUTRAL: Final = QUALIFIERS | _one_of(
    "fee|charge|charged|cost|expense|income|account|and|of|the|to|from|by|on|for|in|selling|marketplace|other|sale|amount|"
    "total|paid|given|allowed|customer|buyer|collected|received|billed"
)
OTHER_CHANNELS: Final = _one_of(
    "shopify|ebay|etsy|walmart|paypal|stripe|square|wayfair|target|tiktok|faire|woocommerce|bigcommerce|onbuy|"
    "google|facebook|meta|instagram|bing|microsoft|pinterest|newegg|rakuten|overstock|temu|shein|venmo|worldpay|sumup|klarna"
)
_CURRENCIES: Final = (
    *("USD", "GBP", "EUR", "CAD", "MXN", "AUD", "JPY", "SEK"),
    *("PLN", "SGD", "AED", "SAR", "INR", "BRL", "ZAR", "EGP"),
)
# What says in a name of which currency's settlements an account is.
OF_CURRENCY: Final[Mapping[str, str]] = {
    **dict.fromkeys(("us", "usa"), "USD"),
    **dict.fromkeys(("uk", "gb"), "GBP"),
    **dict.fromkeys(("eu", "de", "fr", "es"), "EUR"),
    **{code.lower(): code for code in _CURRENCIES},
}
STRANGERS: Final = _one_of("merchant|processing|bank|legal|professional|credit|card|agent|agency|broker")
DAILY_BANK: Final = _one_of("checking|operating|current|main|primary|business|chequing|trading")
NO_PAYOUT_BANK: Final = _one_of(
    "saving|cash|petty|clearing|payroll|tax|vat|reserve|escrow|trust|market|undeposited|transit|sweep|amazon|fba|old|deposit"
)


def _says(weight: int, *groups: str) -> Pattern:
    return Pattern(weight, tuple(_one_of(group) for group in groups))


def _hint(*groups: str) -> Pattern:
    return Pattern(0, tuple(_one_of(group) for group in groups), hint=True)


def _rule(
    classes: Iterable[AccountClass],
    *patterns: Pattern,
    never: str = "",
    near: Iterable[AccountClass] = (),
    no_strangers: bool = False,
) -> Rule:
    return Rule(frozenset(classes), frozenset(near), patterns, _one_of(never) if never else frozenset(), no_strangers)


_ASSET = (_C.CURRENT_ASSET,)
_LIABILITY = (_C.CURRENT_LIABILITY,)
_INCOME = (_C.INCOME, _C.OTHER_INCOME)
_CONTRA = (_C.CONTRA_INCOME, _C.INCOME)
_COST = (_C.EXPENSE, _C.COST_OF_SALES)
_NO_REFUND_TO_BUYERS = (
    "fee|admin|processing|commission|tax|vat|purchase|supplier|vendor|promo|atoz|chargeback|label|shipping|insurance|"
    "outbound|bank|reimbursement|removal"
)
_NO_FEE_OF_ITS_OWN = (
    "fba|fulfil|storage|inbound|placement|removal|disposal|refund|advertising|subscription|shipping|freight|label|postage|"
    "loan|interest|tax|vine|coupon|deal|prep|return|chargeback|gift|vat|duty|staff|payroll|reimbursement|plan"
)

RULES: Final[Mapping[AccountKey, Rule]] = {
    _K.CLEARING: _rule(
        _ASSET,
        _says(65, "amazon", "clearing"),
        _says(50, "amazon", "receivable|settlement|due|holding|balance|pending|control"),
        _says(50, "amazon", "seller"),  # "Amazon Seller Account", as people call it where it is a bank account
        _hint("clearing"),
        _hint("amazon", "amazon"),
        never="reserve|deferred|loan|tax|vat|inventory|transit|payout|payroll|prepaid|prepayment|card|credit|bank|security",
    ),
    _K.RESERVE: _rule(
        _ASSET,
        _says(60, "amazon", "reserve|held|hold"),
        _hint("reserve", "reserve"),
        never="deferred|loan|tax|vat|inventory",
    ),
    _K.DEFERRED: _rule(
        _ASSET, _says(60, "amazon", "deferred"), _hint("deferred", "receivable|income|sale"), never="tax"
    ),
    _K.TAX_WITHHELD_ASSET: _rule(_ASSET, _says(60, "tax", "withheld|reserve"), _says(60, "tds|tcs")),
    _K.PAYOUTS: _rule(
        _ASSET, _says(65, "payout|cash|fund|money", "transit"), _says(50, "amazon", "payout"), never="inventory"
    ),
    _K.INPUT_TAX: _rule(
        _ASSET,
        _says(65, "vat|gst|hst|tax", "recoverable|input|receivable"),
        never="income|corporation|withheld|payable|output",
    ),
    _K.TAX_CLEARING: _rule(
        _LIABILITY,
        _says(65, "amazon|marketplace|facilitator", "tax", "clearing|facilitator|marketplace|collected|remitted"),
        _says(50, "amazon", "tax"),
        _hint("sale|vat", "clearing"),
        _hint("tax|vat", "marketplace|facilitator|clearing"),
        never="payroll|income|payable|federal|corporation",
    ),
    _K.OUTPUT_TAX: _rule(
        _LIABILITY,
        _says(60, "sale", "tax", "payable|due|remit|owed"),
        _says(60, "vat|gst", "payable|output"),
        _hint("sale", "tax"),
        _hint("vat|gst"),
        never="payroll|marketplace|facilitator|clearing|input|recoverable|income|corporation|deferred",
    ),
    _K.LOAN: _rule((_C.LOAN, _C.CURRENT_LIABILITY), _says(65, "amazon", "loan|capital|advance"), never="interest"),
    _K.SALES: _rule(
        (_C.INCOME,),
        _says(65, "amazon", "sale|income"),
        _says(60, "sale"),
        _says(56, "product|good", "income"),
        never=(
            "shipping|freight|postage|refund|return|discount|promo|coupon|wrap|tax|liquidation|fee|service|wholesale|retail|"
            "reimbursement|other|uncategorized|uncategorised|billable|interest|claim|consulting|allowance|rental|rent|"
            "unapplied|scrap|commission|grant|asset"
        ),
        near=(_C.OTHER_INCOME,),
    ),
    _K.SHIP_INCOME: _rule(
        _INCOME,
        _says(65, "shipping|freight|postage"),
        never="refund|discount|promo|return|wrap|label|claim|reimbursement",
    ),
    _K.WRAP_INCOME: _rule(
        _INCOME, _says(70, "wrap"), _hint("gift", "income|charge"), never="refund|discount|card|received"
    ),
    _K.LIQUIDATION: _rule(_INCOME, _says(70, "liquidation"), _hint("clearance|salvage"), never="asset|fee|refund"),
    _K.PROMO: _rule(
        _CONTRA,
        _says(70, "promo"),
        _says(65, "discount|coupon"),
        never="earned|received|purchase|supplier|vendor|return|advertising|marketing|agency|fee",
        near=_COST,
    ),
    _K.REFUNDS: _rule(
        _CONTRA,
        _says(70, "refund"),
        _says(70, "return"),
        never=_NO_REFUND_TO_BUYERS,
        near=_COST,
    ),
    _K.CLAIMS: _rule(
        (*_CONTRA, _C.EXPENSE),
        _says(70, "chargeback"),
        _says(70, "atoz"),
        _says(45, "amazon|guarantee", "claim"),
        _hint("dispute"),
        never="insurance|fee|tax|vat|warranty|reimbursement",
        near=(_C.COST_OF_SALES,),
    ),
    _K.REIMB: _rule(
        _INCOME,
        _says(65, "reimbursement"),
        _says(60, "lost|damaged", "inventory|storage|amazon"),
        never="expense|employee|staff|mileage|billable|travel|customer|client|insurance|director|cost|health",
        near=(*_COST, _C.CONTRA_INCOME),
    ),
    _K.FEE_SELLING: _rule(
        _COST,
        _says(65, "selling|referral|marketplace", "fee|commission"),
        _says(65, "amazon", "commission|referral"),
        _says(45, "amazon", "fee|charge|cost|expense"),
        _says(56, "commission"),
        _hint("selling|referral|marketplace|platform|channel|online", "fee|commission|charge|cost"),
        never=f"{_NO_FEE_OF_ITS_OWN}|other|adjustment|sale",
        no_strangers=True,
    ),
    _K.FEE_REFUND_ADMIN: _rule(
        _COST,
        _says(70, "refund|return", "admin|commission|processing"),
        _says(55, "amazon", "refund", "fee"),
        _hint("refund|return", "fee|charge"),
        never="tax|vat|shipping|label|postage|removal",
    ),
    _K.FEE_FBA: _rule(
        _COST,
        _says(65, "fba", "fee|fulfil|charge|cost|expense|pick|pack|shipping"),
        _says(65, "fulfil"),
        _says(60, "pick", "pack"),
        never=(
            "storage|inbound|placement|removal|disposal|return|refund|reimbursement|prep|label|freight|supply|selling|referral|"
            "postage|unfulfilled|merchant|vat|third|3pl|commission"
        ),
    ),
    _K.FEE_STORAGE: _rule(
        _COST,
        _says(65, "storage"),
        never="cloud|data|rent|lease|document|inbound|removal|backup|unit|self|damage|damaged|lost|shelving|wage|equipment",
    ),
    _K.FEE_INBOUND: _rule(
        _COST,
        _says(70, "inbound"),
        _says(65, "placement"),
        _says(65, "freight", "in"),
        _hint("freight|shipping"),
        never="storage|removal|outbound|advertising|label|postage|unfulfilled|fulfil|supply|recruitment|call",
    ),
    _K.FEE_REMOVAL: _rule(
        _COST,
        _says(70, "removal|disposal", "amazon|fba|fee|order|inventory"),
        _hint("removal|disposal"),
        never="asset|equipment|snow|trash|waste|gain|loss|vehicle|fixture|refuse",
    ),
    _K.SHIP_LABELS: _rule(
        _COST,
        _says(70, "label", "shipping|postage|amazon"),
        _says(65, "postage"),
        _says(60, "shipping"),
        _says(71, "shipping", "courier"),
        _says(60, "freight", "outbound|out"),
        _hint("unfulfilled", "fee|cost|fulfil"),
        never="inbound|fba|supply|import|international|duty|customs|packaging|in|storage|insurance",
    ),
    _K.ADS: _rule(
        _COST,
        _says(65, "advertising"),
        _says(55, "amazon", "marketing"),
        _hint("marketing"),
        never="agency|payable|print|vine|coupon|trade|fair|recruitment|consultant",
    ),
    _K.DEALS: _rule(
        _COST,
        _says(70, "vine"),
        _says(60, "coupon", "fee|deal|amazon"),
        _says(60, "deal", "fee|amazon|lightning"),
        _hint("coupon|deal"),
    ),
    _K.SUBSCRIPTION: _rule(
        _COST,
        _says(65, "subscription"),
        _says(70, "subscription", "due|membership"),
        _says(55, "amazon", "plan|monthly|professional"),
        never="software|saas|cloud|app|magazine|adobe|computer|website|tool|box|it|journal|charity|trade",
    ),
    _K.FX: _rule(
        (_C.OTHER_INCOME, _C.EXPENSE),
        _says(65, "exchange|currency|forex", "gain|loss|difference"),
        never="unrealized|asset",
    ),
    _K.FX_COST: _rule(_COST, _says(65, "currency|exchange", "conversion|fee|cost|charge"), never="gain|loss|telephone"),
    _K.FEE_OTHER: _rule(
        _COST,
        _says(60, "amazon", "other|adjustment"),
        _hint("fee", "other|adjustment"),
        never=f"{_NO_FEE_OF_ITS_OWN}|referral|commission",
        no_strangers=True,
    ),
}

# Where what buyers get back can only be a cost: a category called after promotions is as likely to be about advertising,
# and one called after returns about handling them.
COST_RULES: Final[Mapping[AccountKey, Rule]] = {
    _K.REFUNDS: _rule((_C.EXPENSE,), _says(70, "refund"), _hint("return"), never=_NO_REFUND_TO_BUYERS, near=_COST),
    _K.PROMO: _rule(
        (_C.EXPENSE,),
        _hint("promo|discount"),
        never="earned|received|purchase|supplier|vendor|advertising|marketing|agency|fee",
        near=_COST,
    ),
    _K.CLAIMS: replace(RULES[_K.CLAIMS], classes=frozenset({_C.EXPENSE}), near_classes=frozenset(_COST)),
}

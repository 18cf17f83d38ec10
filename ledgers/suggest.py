"""Which of a company's own accounts serves which key: suggestions by name, type and usual bookkeeping words. Pure.

A wrong suggestion is worse than none: an account must fit the key's class, say what the key is about, say nothing else, and
be clearly better than the next one. Accounts of other sales channels are never suggested.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from ledgers.port import RemoteAccount

_C, _K = AccountClass, AccountKey
_LEAST: Final = 0.55
_MARGIN: Final = 0.05
_AMAZON_BONUS: Final = 0.25
_EXTRA_WORD: Final = 0.08
_EXACT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``confidence`` is above 0.5 and at most 1; ``reason`` is a sentence for the person who confirms it."""

    account_id: str
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One word of every group has to be in the name. ``weight`` is what that alone is worth."""

    weight: float
    groups: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    classes: frozenset[AccountClass]
    patterns: tuple[_Pattern, ...]
    never: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Candidate:
    account: RemoteAccount
    words: frozenset[str]  # of its own name, and "amazon" where a parent says so
    plain: str


def suggest(keys: Iterable[AccountKey], accounts: Sequence[RemoteAccount]) -> dict[AccountKey, Suggestion]:
    """Return the suggestions that can be made; a key without one is left to a person."""
    candidates = [_candidate(account) for account in accounts if account.active]
    usable = [each for each in candidates if not each.words & _OTHER_CHANNELS]
    channels = {each.account.account_class for each in candidates if each.words & _OTHER_CHANNELS}
    found = {key: _for_key(key, usable, channels) for key in keys}
    return {key: suggestion for key, suggestion in found.items() if suggestion}


def _for_key(
    key: AccountKey, candidates: Sequence[_Candidate], channels: set[AccountClass | None]
) -> Suggestion | None:
    if key is _K.OPENING:
        return _only(
            [each for each in candidates if each.account.type.endswith("OpeningBalanceEquity")],
            "It is the ledger's own account for opening balances.",
        )
    if key is _K.AR:
        return _only(_of(candidates, {_C.RECEIVABLE}), "It is the only receivables account.")
    if key is _K.BANK:
        return _bank(_of(candidates, {_C.BANK}))
    if key is _K.CHARGE_METHOD:
        return _only(_of(candidates, {_C.CARD}), "It is the only credit card.", 0.6)
    rule = _RULES[key]
    default = _plain(ACCOUNTS[key].name)
    scored = sorted(
        ((_score(key, rule, each, default, channels), each) for each in _of(candidates, rule.classes)),
        key=lambda pair: -pair[0],
    )
    return _best(scored, key)


def _best(scored: Sequence[tuple[float, _Candidate]], key: AccountKey) -> Suggestion | None:
    if not scored or scored[0][0] < _LEAST:
        return None
    score, best = scored[0]
    if len(scored) > 1 and score - scored[1][0] < _MARGIN:
        return None
    what = ACCOUNTS[key].meaning
    return Suggestion(
        best.account.id, round(score, 2), f"“{best.account.name}” fits by name and type: {what[:1].lower() + what[1:]}."
    )


def _score(
    key: AccountKey, rule: _Rule, candidate: _Candidate, default: str, channels: set[AccountClass | None]
) -> float:
    if candidate.plain == default:
        return _EXACT
    if candidate.words & rule.never:
        return 0.0
    return max((_pattern_score(key, pattern, candidate, channels) for pattern in rule.patterns), default=0.0)


def _pattern_score(
    key: AccountKey, pattern: _Pattern, candidate: _Candidate, channels: set[AccountClass | None]
) -> float:
    if not all(candidate.words & group for group in pattern.groups):
        return 0.0
    amazon = bool(candidate.words & _AMAZON)
    if key is _K.SALES and not amazon and candidate.account.account_class in channels:
        return 0.0  # who keeps channels apart does not book Amazon on the account for the rest
    said = frozenset().union(*pattern.groups)
    extra = len(candidate.words - said - _NEUTRAL - _AMAZON)
    score = pattern.weight + (_AMAZON_BONUS if amazon else 0.0) - _EXTRA_WORD * extra
    return min(score, _EXACT - 0.01)


def _bank(banks: Sequence[_Candidate]) -> Suggestion | None:
    """The payout account is the one bank account for daily business; with several of them nobody can know."""
    daily = [each for each in banks if not each.words & _NO_PAYOUT_BANK]
    if len(daily) == 1:
        return _only(daily, "It is the only bank account for daily business.", 0.8)
    named = [each for each in daily if each.words & _DAILY_BANK]
    return _only(named, "It is the only bank account named for daily business.", 0.7)


def _only(candidates: Sequence[_Candidate], reason: str, confidence: float = 0.95) -> Suggestion | None:
    return Suggestion(candidates[0].account.id, confidence, reason) if len(candidates) == 1 else None


def _of(candidates: Iterable[_Candidate], classes: Collection[AccountClass]) -> list[_Candidate]:
    return [each for each in candidates if each.account.account_class and each.account.account_class in classes]


# Words ------------------------------------------------------------------------------------------------------------------


def _candidate(account: RemoteAccount) -> _Candidate:
    *parents, own = account.name.split(":")
    words = frozenset(_words(own))
    if any(frozenset(_words(parent)) & _AMAZON for parent in parents):
        words |= {"amazon"}
    # A sub-account of another channel stays that channel's, whatever it is called itself.
    words |= frozenset(word for parent in parents for word in _words(parent) if word in _OTHER_CHANNELS)
    return _Candidate(account, words, _plain(own))


def _plain(name: str) -> str:
    return " ".join(sorted(_words(name)))


def _words(name: str) -> list[str]:
    text = re.sub(r"a[\s-]*(?:to|2)[\s-]*z", " atoz ", name.lower())
    return [_stem(word) for word in re.findall(r"[a-z0-9]+", text)]


def _stem(word: str) -> str:
    singular = word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
    return _SAME.get(singular, singular)


_SAME: Final[Mapping[str, str]] = {
    "amz": "amazon",
    "amzn": "amazon",
    **dict.fromkeys(("fulfilment", "fulfillment", "fulfilled"), "fulfil"),
    **dict.fromkeys(("ad", "ads", "advert", "ppc", "sponsored"), "advertising"),
    **dict.fromkeys(("ship", "shipment", "delivery", "delivered"), "shipping"),
    **dict.fromkeys(("promotion", "promotional", "rebate"), "promo"),
    **dict.fromkeys(("seller", "sell"), "selling"),
    **dict.fromkeys(("warehousing", "warehouse"), "storage"),
    **dict.fromkeys(("giftwrap", "wrapping"), "wrap"),
    **dict.fromkeys(("reserved", "reserves"), "reserve"),
    **dict.fromkeys(("lending", "loans"), "loan"),
    **dict.fromkeys(("miscellaneous", "misc"), "other"),
    **dict.fromkeys(("adjustment", "adj"), "adjustment"),
    **dict.fromkeys(("administration", "administrative"), "admin"),
    **dict.fromkeys(("returned", "return"), "return"),
    **dict.fromkeys(("revenue", "proceed"), "income"),
    **dict.fromkeys(("withholding", "withheld"), "withheld"),
}


def _one_of(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in text.split("|"))


_AMAZON: Final = frozenset({"amazon", "fba"})
_NEUTRAL: Final = _one_of(
    "fee|charge|cost|expense|income|account|and|of|the|to|from|by|on|for|in|com|central|selling|"
    "marketplace|other|inc|us|usa|usd|sale|amount|total|paid|given|allowed"
)
_OTHER_CHANNELS: Final = _one_of(
    "shopify|ebay|etsy|walmart|paypal|stripe|square|wayfair|target|tiktok|faire|woocommerce|bigcommerce|"
    "google|facebook|meta|instagram|bing|microsoft|pinterest|newegg|rakuten|overstock|temu|shein|venmo"
)
_DAILY_BANK: Final = frozenset({"checking", "operating", "current", "main", "primary", "business", "chequing"})
_NO_PAYOUT_BANK: Final = _one_of(
    "saving|cash|petty|clearing|payroll|tax|reserve|escrow|trust|market|undeposited|transit|sweep|amazon|fba|old"
)


def _says(weight: float, *groups: str) -> _Pattern:
    return _Pattern(weight, tuple(_one_of(group) for group in groups))


def _rule(classes: Iterable[AccountClass], *patterns: _Pattern, never: str = "") -> _Rule:
    return _Rule(frozenset(classes), patterns, _one_of(never) if never else frozenset())


_ASSET = (_C.CURRENT_ASSET,)
_LIABILITY = (_C.CURRENT_LIABILITY,)
_INCOME = (_C.INCOME, _C.OTHER_INCOME)
_CONTRA = (_C.CONTRA_INCOME, _C.INCOME)
_COST = (_C.EXPENSE, _C.COST_OF_SALES)
_NO_FEE_OF_ITS_OWN = (
    "fba|fulfil|storage|inbound|placement|removal|disposal|refund|advertising|subscription|shipping|freight|label|postage|"
    "loan|interest|tax|vine|coupon|deal|prep|return|chargeback|merchant|processing|bank|legal|professional|credit|card|gift"
)

_RULES: Final[Mapping[AccountKey, _Rule]] = {
    _K.CLEARING: _rule(
        _ASSET,
        _says(0.65, "amazon", "clearing"),
        _says(0.5, "amazon", "receivable|settlement|due|holding|balance|pending"),
        never="reserve|deferred|loan|tax|inventory|transit|payout",
    ),
    _K.RESERVE: _rule(_ASSET, _says(0.6, "amazon", "reserve"), never="deferred|loan|tax"),
    _K.DEFERRED: _rule(_ASSET, _says(0.6, "amazon", "deferred")),
    _K.TAX_WITHHELD_ASSET: _rule(_ASSET, _says(0.6, "tax", "withheld"), _says(0.6, "tds|tcs")),
    _K.PAYOUTS: _rule(
        _ASSET, _says(0.65, "payout|cash|fund|money", "transit"), _says(0.5, "amazon", "payout"), never="inventory"
    ),
    _K.INPUT_TAX: _rule(_ASSET, _says(0.65, "vat|gst|hst|tax", "recoverable|input|reclaimable|receivable")),
    _K.TAX_CLEARING: _rule(
        _LIABILITY,
        _says(0.65, "amazon|marketplace|facilitator", "tax", "clearing|facilitator|marketplace|collected|remitted"),
        _says(0.5, "amazon", "tax"),
        never="payroll|income|payable|federal",
    ),
    _K.OUTPUT_TAX: _rule(
        _LIABILITY,
        _says(0.6, "sale", "tax", "payable"),
        _says(0.6, "vat|gst", "payable|output"),
        never="payroll|marketplace|facilitator|clearing",
    ),
    _K.LOAN: _rule((_C.LOAN, _C.CURRENT_LIABILITY), _says(0.65, "amazon", "loan"), never="interest"),
    _K.SALES: _rule(
        (_C.INCOME,),
        _says(0.65, "amazon", "sale|income"),
        _says(0.6, "sale"),
        _says(0.56, "product", "income"),
        never=(
            "shipping|freight|postage|refund|return|discount|promo|coupon|wrap|tax|liquidation|fee|service|wholesale|retail|"
            "reimbursement|other|uncategorized|billable|interest|claim|consulting|allowance|rental|unapplied|scrap"
        ),
    ),
    _K.SHIP_INCOME: _rule(
        _INCOME, _says(0.65, "shipping|freight|postage"), never="refund|discount|promo|return|wrap|label"
    ),
    _K.WRAP_INCOME: _rule(_INCOME, _says(0.7, "wrap"), never="refund|discount"),
    _K.LIQUIDATION: _rule(_INCOME, _says(0.7, "liquidation")),
    _K.PROMO: _rule(
        _CONTRA, _says(0.7, "promo"), _says(0.65, "discount|coupon"), never="earned|purchase|supplier|vendor|return"
    ),
    _K.REFUNDS: _rule(
        _CONTRA, _says(0.7, "refund"), _says(0.7, "return"), never="fee|admin|tax|purchase|supplier|vendor|promo|claim"
    ),
    _K.CLAIMS: _rule(
        (*_CONTRA, _C.EXPENSE),
        _says(0.7, "chargeback"),
        _says(0.7, "atoz"),
        _says(0.45, "amazon", "claim"),
        never="insurance",
    ),
    _K.REIMB: _rule(
        _INCOME,
        _says(0.65, "reimbursement|reimbursed"),
        never="expense|employee|mileage|billable|travel|customer|client|insurance",
    ),
    _K.FEE_SELLING: _rule(
        _COST,
        _says(0.65, "selling|referral|marketplace", "fee|commission"),
        _says(0.65, "amazon", "commission|referral"),
        _says(0.45, "amazon", "fee|charge|cost|expense"),
        _says(0.56, "commission", "fee"),
        never=f"{_NO_FEE_OF_ITS_OWN}|other|adjustment|sale",
    ),
    _K.FEE_REFUND_ADMIN: _rule(
        _COST, _says(0.7, "refund", "admin|commission|processing"), _says(0.55, "amazon", "refund", "fee")
    ),
    _K.FEE_FBA: _rule(
        _COST,
        _says(0.65, "fba", "fee|fulfil|charge|cost|expense"),
        _says(0.65, "fulfil"),
        never="storage|inbound|placement|removal|disposal|return|reimbursement|prep|label|freight|supply|selling|referral",
    ),
    _K.FEE_STORAGE: _rule(
        _COST, _says(0.65, "storage"), never="fulfil|cloud|data|rent|lease|document|inbound|removal|backup|unit"
    ),
    _K.FEE_INBOUND: _rule(
        _COST,
        _says(0.7, "inbound"),
        _says(0.65, "placement"),
        _says(0.65, "freight", "in"),
        never="storage|removal|outbound|advertising",
    ),
    _K.FEE_REMOVAL: _rule(
        _COST,
        _says(0.7, "removal|disposal", "amazon|fba|fee|order|inventory"),
        never="asset|equipment|snow|trash|waste|gain|loss",
    ),
    _K.SHIP_LABELS: _rule(
        _COST,
        _says(0.7, "label", "shipping|postage|amazon"),
        _says(0.65, "postage"),
        _says(0.6, "shipping"),
        never="inbound|fba|fulfil|supply|import|international|duty|customs|packaging|in",
    ),
    _K.ADS: _rule(
        _COST,
        _says(0.65, "advertising"),
        _says(0.55, "amazon", "marketing"),
        never="agency|payable|print|vine|coupon|trade",
    ),
    _K.DEALS: _rule(
        _COST, _says(0.7, "vine"), _says(0.6, "coupon", "fee|deal|amazon"), _says(0.6, "deal", "fee|amazon|lightning")
    ),
    _K.SUBSCRIPTION: _rule(
        _COST,
        _says(0.65, "subscription"),
        _says(0.55, "amazon", "plan|monthly|professional"),
        never="software|saas|cloud|app|magazine|adobe|computer|website|tool|box|it",
    ),
    _K.FEE_OTHER: _rule(_COST, _says(0.6, "amazon", "other|adjustment"), never=_NO_FEE_OF_ITS_OWN),
}

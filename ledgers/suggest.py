"""Which of a company's own accounts serves which key: suggestions by name, path, type and the trade's usual words. Pure.

There are three steps. *Sure*: the account fits the key's class, says what the key is about, says little else, and is clearly
better than the next one. *Near*: it may be meant, and only a person can tell; it is shown, never taken, and nothing new is made
beside it unasked. *Nothing*: no account of the company is about this, so one can be made. A wrong suggestion is worse than
none, and accounts of other sales channels are never suggested. The words are in ``ledgers.wording``.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from ledgers.port import RemoteAccount
from ledgers.wording import (
    AMAZON,
    COST_RULES,
    DAILY_BANK,
    NEUTRAL,
    NO_PAYOUT_BANK,
    OF_CURRENCY,
    OTHER_CHANNELS,
    QUALIFIERS,
    RULES,
    STRANGERS,
    Pattern,
    Rule,
    words,
)

_C, _K = AccountClass, AccountKey
_SURE: Final = 55  # points of 100
_MARGIN: Final = 5
_AMAZON_BONUS: Final = 25
_EXTRA_WORD: Final = 8
_OTHER_CLASS: Final = 6  # the class fits, but the key's own class is another
_EXACT: Final = 100
_NAMED: Final = 3  # near accounts that are shown
# Where an account is the only one of its class, its name needs not say what it is.
_SOLE: Final[Mapping[AccountKey, AccountClass]] = {_K.SALES: _C.INCOME, _K.REFUNDS: _C.CONTRA_INCOME}
# Settlements of one account and currency pass through these: each has its own, also where all are kept in home money.
OF_ONE_CURRENCY: Final = frozenset({_K.CLEARING, _K.RESERVE})
_PATH: Final = re.compile(r":|\s[-–—]\s")  # people write the parent before a dash, too


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``accounts`` are ids, the likeliest first: exactly one where it is sure. ``reason`` is a sentence for the person who
    decides."""

    accounts: tuple[str, ...]
    reason: str
    sure: bool

    @property
    def account_id(self) -> str:
        return self.accounts[0]


@dataclass(frozen=True, slots=True)
class _Candidate:
    account: RemoteAccount
    own: frozenset[str]  # of its own name, and "amazon" where a parent says so
    path: frozenset[str]  # with those of its parents
    plain: str


def suggest(
    keys: Iterable[AccountKey],
    accounts: Sequence[RemoteAccount],
    taken: Collection[str] = (),
    classes: Mapping[AccountKey, AccountClass] = MappingProxyType({}),
    currency: str = "",
    elsewhere: Collection[str] = (),
) -> dict[AccountKey, Suggestion]:
    """Return the suggestions that can be made; a key without one has nothing like it among the accounts.

    ``taken`` are ids that serve other keys already: they are not shown as near. ``classes`` are those of the layout.
    ``currency`` is that of the settlements; ``elsewhere`` are ids through which other settlements pass: those, and what
    is named for another, are no suggestion for what only one currency passes through."""
    candidates = [_candidate(account) for account in accounts if account.active]
    usable = [each for each in candidates if not each.path & OTHER_CHANNELS]
    channels = {each.account.account_class for each in candidates if each.path & OTHER_CHANNELS}
    wanted = list(keys)
    rules = {**RULES, **{key: _rule_for(key, of) for key, of in classes.items() if key in RULES}}
    own = [each for each in usable if each.account.id not in elsewhere and _may_be_of(currency, each.account.name)]
    scored = {
        key: _scored(key, rules[key], own if key in OF_ONE_CURRENCY else usable, channels)
        for key in wanted
        if key in rules
    }
    found = {
        key: _plain_one(key, usable) if key not in rules else _sure(key, rules[key], scored[key]) for key in wanted
    }
    served = {*taken, *(one.account_id for one in found.values() if one and one.sure)}
    return {
        key: each
        for key, one in found.items()
        if (each := one or _near(key, scored.get(key, ()), usable, served)) is not None
    }


def _may_be_of(currency: str, name: str) -> bool:
    """Whether an account's name says no other currency, nor a marketplace of another one."""
    said = {OF_CURRENCY[word] for word in re.findall(r"[a-z]+", name.lower()) if word in OF_CURRENCY}
    return not currency or not said or currency in said


def _rule_for(key: AccountKey, of: AccountClass) -> Rule:
    """Return the rule of a key whose account is of this class."""
    return COST_RULES[key] if of is _C.EXPENSE and key in COST_RULES else replace(RULES[key], classes=frozenset({of}))


def is_own(key: AccountKey, account: RemoteAccount) -> bool:
    """Whether an account is the one to which its ledger books by itself what goes to a key (PETTY, REVENUE): its type says so,
    with the name of the key's account after a slash."""
    return account.type.endswith(f"/{ACCOUNTS[key].name}")


def _plain_one(key: AccountKey, candidates: Sequence[_Candidate]) -> Suggestion | None:
    """Return what is found by class alone."""
    match key:
        case _K.OPENING:
            own = [each for each in candidates if each.account.type.endswith("OpeningBalanceEquity")]
            return _only(own, "It is the ledger's own account for opening balances.")
        case _K.PETTY | _K.REVENUE:
            own = [each for each in candidates if is_own(key, each.account)]
            return _only(own, "It is the ledger's own account, to which it books by itself.")
        case _K.AR:
            return _only(_of(candidates, {_C.RECEIVABLE}), "It is the only receivables account.")
        case _K.BANK:
            return _bank(_of(candidates, {_C.BANK}))
        case _K.CHARGE_METHOD:
            cards = _of(candidates, {_C.CARD})
            which = "Which of these cards does Amazon charge?"
            return _only(cards, "It is the only credit card.") or _one_of(cards, which)
    return None


def _bank(banks: Sequence[_Candidate]) -> Suggestion | None:
    """The payout account is the one bank account for daily business; with several of them nobody can know."""
    daily = [each for each in banks if not each.own & NO_PAYOUT_BANK]
    if len(daily) == 1:
        return _only(daily, "It is the only bank account for daily business.")
    named = [each for each in daily if each.own & DAILY_BANK]
    return _only(named, "It is the only bank account named for daily business.") or _one_of(
        daily, "Which of these bank accounts receives the payouts?"
    )


def _only(candidates: Sequence[_Candidate], reason: str) -> Suggestion | None:
    return Suggestion((candidates[0].account.id,), reason, sure=True) if len(candidates) == 1 else None


def _one_of(candidates: Sequence[_Candidate], reason: str) -> Suggestion | None:
    ids = tuple(each.account.id for each in candidates[:_NAMED])
    return Suggestion(ids, reason, sure=False) if ids else None


def _sure(key: AccountKey, rule: Rule, scored: Sequence[tuple[int, _Candidate]]) -> Suggestion | None:
    fitting = [(score, each) for score, each in scored if each.account.account_class in rule.classes]
    if not fitting or fitting[0][0] < _SURE or (len(fitting) > 1 and fitting[0][0] - fitting[1][0] < _MARGIN):
        return None
    best = fitting[0][1].account
    what = ACCOUNTS[key].meaning
    reason = f"“{best.name}” fits by name and type: {what[:1].lower() + what[1:]}."
    return Suggestion((best.id,), reason, sure=True)


def _near(
    key: AccountKey, scored: Sequence[tuple[int, _Candidate]], candidates: Sequence[_Candidate], served: set[str]
) -> Suggestion | None:
    near = [each for score, each in scored if score and each.account.id not in served]
    if near:
        best, more = near[0].account.name, len(near) > 1
        return _one_of(
            near,
            f"“{best}” and “{near[1].account.name}” could both be meant." if more else f"“{best}” has a name like it.",
        )
    if key in _SOLE:
        free = [each for each in candidates if not each.own & RULES[key].never]
        sole = _of(free, {_SOLE[key]})
        if len(sole) == 1 and sole[0].account.id not in served:
            return _one_of(sole, f"“{sole[0].account.name}” is the only account of its type.")
    return None


def _scored(
    key: AccountKey, rule: Rule, candidates: Sequence[_Candidate], channels: set[AccountClass | None]
) -> list[tuple[int, _Candidate]]:
    """Return the candidates of a class that may serve the key with their points, the best first."""
    default = _plain(ACCOUNTS[key].name)
    possible = _of(candidates, rule.classes | rule.near_classes)
    scored = [(_score(key, rule, each, default, channels), each) for each in possible]
    return sorted(scored, key=lambda pair: -pair[0])


def _score(key: AccountKey, rule: Rule, candidate: _Candidate, default: str, channels: set[AccountClass | None]) -> int:
    if candidate.plain == default:
        return _EXACT
    amazon = bool(candidate.own & AMAZON)
    if candidate.own & rule.never or (rule.no_strangers and not amazon and candidate.own & STRANGERS):
        return 0
    if key is _K.SALES and not amazon and candidate.account.account_class in channels:
        return 0  # who keeps channels apart does not book Amazon on the account for the rest
    said = frozenset(word for pattern in rule.patterns for group in pattern.groups for word in group)
    extra = len(candidate.own - said - NEUTRAL - AMAZON)
    other_class = candidate.account.account_class not in {ACCOUNTS[key].account_class, *rule.classes}
    less = _EXTRA_WORD * extra + _OTHER_CLASS * other_class
    found = [pattern for pattern in rule.patterns if _matches(pattern, candidate)]
    points = [1 if each.hint else max(each.weight + _AMAZON_BONUS * amazon - less, 1) for each in found]
    return min(max(points, default=0), _EXACT - 1)


def _matches(pattern: Pattern, candidate: _Candidate) -> bool:
    """Whether a word of every group is in the name or a parent's, and at least one of them in the name itself."""
    return all(candidate.path & group for group in pattern.groups) and any(
        candidate.own & group for group in pattern.groups
    )


def _of(candidates: Iterable[_Candidate], classes: Collection[AccountClass]) -> list[_Candidate]:
    return [each for each in candidates if each.account.account_class and each.account.account_class in classes]


def _candidate(account: RemoteAccount) -> _Candidate:
    parts = [frozenset(words(part)) for part in _PATH.split(account.name)]
    own = parts.pop()
    while parts and own <= QUALIFIERS:  # "Sales:Amazon US" says of which sales it is, not what it is
        own |= parts.pop()
    above = frozenset().union(*parts)
    if above & AMAZON:
        own |= {"amazon"}
    return _Candidate(account, own, own | above, _plain(account.name.rpartition(":")[2]))


def _plain(name: str) -> str:
    return " ".join(sorted(words(name)))

"""Which account may serve which kind of amount, which usually does, and how accounts are grouped where one is chosen."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from ledgers.port import RemoteAccount

# What accounts are instead of the usual class, by key: Layout.classes.
Classes = Mapping[AccountKey, AccountClass]
USUAL: Final[Classes] = MappingProxyType({})
UNUSUAL: Final = "Unusual here: "

_C, _K = AccountClass, AccountKey
# One currency passes through it, so the account has to be kept in it. Ledgers keep other assets in home money.
_OF_ONE_CURRENCY: Final = frozenset({_K.CLEARING})
_P_AND_L: Final = frozenset({_C.INCOME, _C.CONTRA_INCOME, _C.OTHER_INCOME, _C.EXPENSE, _C.COST_OF_SALES})
_FITS: Final[Mapping[AccountClass, frozenset[AccountClass]]] = {
    _C.BANK: frozenset({_C.BANK}),
    _C.CARD: frozenset({_C.CARD, _C.BANK}),
    _C.CURRENT_ASSET: frozenset({_C.CURRENT_ASSET}),
    _C.CURRENT_LIABILITY: frozenset({_C.CURRENT_LIABILITY}),
    _C.LOAN: frozenset({_C.LOAN, _C.CURRENT_LIABILITY}),
    _C.EQUITY: frozenset({_C.EQUITY}),
    **dict.fromkeys(_P_AND_L, _P_AND_L),
}
# In the order in which a report shows them; the ledger takes any of them, a bookkeeper does not.
_USUAL: Final[Mapping[AccountClass, tuple[AccountClass, ...]]] = {
    _C.INCOME: (_C.INCOME, _C.OTHER_INCOME),
    _C.CONTRA_INCOME: (_C.CONTRA_INCOME, _C.INCOME),
    _C.OTHER_INCOME: (_C.OTHER_INCOME, _C.INCOME),
    _C.EXPENSE: (_C.EXPENSE, _C.COST_OF_SALES),
    _C.COST_OF_SALES: (_C.COST_OF_SALES, _C.EXPENSE),
}
_USUAL_OF_KEY: Final[Mapping[AccountKey, tuple[AccountClass, ...]]] = {
    _K.SALES: (_C.INCOME,),  # sales are not other income: gross profit starts with them
    _K.CLAIMS: (_C.CONTRA_INCOME, _C.INCOME, _C.EXPENSE),
    _K.REIMB: (_C.OTHER_INCOME, _C.INCOME, _C.COST_OF_SALES),  # the recovery of a loss of stock
    _K.FX: (_C.OTHER_INCOME, _C.INCOME, _C.EXPENSE),  # a gain or a loss
}
_WORDS: Final[Mapping[AccountClass, str]] = {
    _C.INCOME: "income",
    _C.CONTRA_INCOME: "discounts and refunds",
    _C.OTHER_INCOME: "other income",
    _C.EXPENSE: "expenses",
    _C.COST_OF_SALES: "cost of goods sold",
    _C.CARD: "cards",
    _C.BANK: "bank accounts",
    _C.LOAN: "loans",
    _C.CURRENT_LIABILITY: "current liabilities",
}


def fits(key: AccountKey, account: RemoteAccount, currency: str = "", classes: Classes = USUAL) -> bool:
    """Whether an account of this class may serve the key: a bank for the bank, an asset for clearing, profit and loss among
    themselves. With a currency, also whether money of it may pass through."""
    if currency and key in _OF_ONE_CURRENCY and account.currency not in ("", currency):
        return False
    return usable(key, account.account_class, classes)


def usable(key: AccountKey, account_class: AccountClass | None, classes: Classes = USUAL) -> bool:
    """Whether an account of this class may serve the key, whatever its currency."""
    return account_class in _FITS[_of_class(key, classes)]


def usual(key: AccountKey, classes: Classes = USUAL) -> tuple[AccountClass, ...]:
    """Return the classes in which a bookkeeper looks for the key's account, the likeliest first."""
    of_class = _of_class(key, classes)
    return (
        (None if key in classes else _USUAL_OF_KEY.get(key))
        or _USUAL.get(of_class)
        or tuple(sorted(_FITS[of_class], key=lambda one: one != of_class))
    )


def warning(key: AccountKey, account: RemoteAccount, classes: Classes = USUAL) -> str:
    """Return what an account of an unusual class does to the reports; "" where it is usual, or does not fit at all."""
    expected_classes = usual(key, classes)
    if (
        account.account_class in expected_classes
        or not fits(key, account, "", classes)
        or account.account_class is None
    ):
        return ""
    expected = " or ".join(_WORDS[each] for each in expected_classes)
    found = _WORDS[account.account_class]
    return (
        f"{ACCOUNTS[key].name} usually belongs to {expected}, and {account.name} is among {found}. The profit comes out the "
        f"same, but the profit and loss report shows it among {found}. Choose another account unless you mean that."
    )


def grouped(
    keys: Collection[AccountKey],
    accounts: Iterable[RemoteAccount],
    first: Sequence[str] = (),
    classes: Classes = USUAL,
) -> list[tuple[str, list[RemoteAccount]]]:
    """Return accounts in groups with a heading: ``first`` (ids) under *Perhaps*, then the usual types of all keys, then the
    others. Within a group as they come."""
    found = list(accounts)
    groups: dict[tuple[int, str], list[RemoteAccount]] = {}
    for account in found:
        if account.id in first:
            continue
        ranks = [_rank(key, account, classes) for key in keys]
        unusual = any(rank is None for rank in ranks)
        kind = account.type.partition("/")[0]
        heading = f"{UNUSUAL}{kind}" if unusual else kind
        groups.setdefault((99 if unusual else max((rank or 0 for rank in ranks), default=0), heading), []).append(
            account
        )
    merged: dict[str, list[RemoteAccount]] = {}
    for (_, heading), some in sorted(groups.items()):
        merged.setdefault(heading, []).extend(some)
    perhaps = [account for wanted in first for account in found if account.id == wanted]
    return [("Perhaps", perhaps)] * bool(perhaps) + list(merged.items())


def _rank(key: AccountKey, account: RemoteAccount, classes: Classes) -> int | None:
    wanted = usual(key, classes)
    return wanted.index(account.account_class) if account.account_class in wanted else None


def _of_class(key: AccountKey, classes: Classes) -> AccountClass:
    return classes.get(key) or ACCOUNTS[key].account_class

"""Account types of Zoho Books, both ways: what we create, and what an existing account may be used for.

Source: Zoho Books API, Chart of Accounts and Bank Accounts, ``account_type``; the choice per key is the bookkeeping of
Amazon settlements.
"""

from collections.abc import Mapping
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key

TYPES: Final[Mapping[AccountClass, tuple[str, ...]]] = {
    AccountClass.BANK: ("bank",),
    AccountClass.CARD: ("credit_card",),
    AccountClass.CURRENT_ASSET: ("other_current_asset",),
    AccountClass.CURRENT_LIABILITY: ("other_current_liability",),
    AccountClass.LOAN: ("other_current_liability",),
    AccountClass.INCOME: ("income",),
    AccountClass.CONTRA_INCOME: ("income",),
    AccountClass.OTHER_INCOME: ("other_income",),
    AccountClass.EXPENSE: ("expense",),
    AccountClass.COST_OF_SALES: ("cost_of_goods_sold",),
    AccountClass.RECEIVABLE: ("accounts_receivable",),
    AccountClass.EQUITY: ("equity",),
}
# Money passes the clearing account: a transfer of the payout, a payment's deposit account and a currency of its own
# are documented for bank accounts alone.
CLASS_OF_KEY: Final[Mapping[AccountKey, AccountClass]] = {AccountKey.CLEARING: AccountClass.BANK}
_CLASSES: Final[Mapping[str, AccountClass]] = {
    "bank": AccountClass.BANK,
    "cash": AccountClass.BANK,
    "payment_clearing": AccountClass.BANK,
    "credit_card": AccountClass.CARD,
    "other_asset": AccountClass.CURRENT_ASSET,
    "other_current_asset": AccountClass.CURRENT_ASSET,
    "other_current_liability": AccountClass.CURRENT_LIABILITY,
    "other_liability": AccountClass.CURRENT_LIABILITY,
    "long_term_liability": AccountClass.LOAN,
    "income": AccountClass.INCOME,
    "other_income": AccountClass.OTHER_INCOME,
    "expense": AccountClass.EXPENSE,
    "other_expense": AccountClass.EXPENSE,
    "cost_of_goods_sold": AccountClass.COST_OF_SALES,
    "accounts_receivable": AccountClass.RECEIVABLE,
    "equity": AccountClass.EQUITY,
}
_BANKING: Final = frozenset({"bank", "credit_card"})
_PROFIT_AND_LOSS: Final = frozenset({"income", "other_income", "expense", "other_expense", "cost_of_goods_sold"})


def type_for(key: LineKey) -> str:
    """Return the account type of the account we create for a key."""
    known = account_key(key)
    return TYPES[CLASS_OF_KEY.get(known) or ACCOUNTS[known].account_class][0]


def is_banking(account_type: str) -> bool:
    """Tell whether accounts of this type are made as bank accounts."""
    return account_type in _BANKING


def moves_money(account_type: str) -> bool:
    """Tell whether a transfer may use accounts of this type on either side."""
    return account_type in {"bank", "cash", "payment_clearing"}


def has_currency(account_type: str) -> bool:
    """Tell whether an account of this type has a currency of its own; income and expense are kept in base currency."""
    return account_type not in _PROFIT_AND_LOSS


def class_of(account_type: str) -> AccountClass | None:
    """Return what an existing account may be used for, None for one we never post to (stock, fixed assets, payables)."""
    return _CLASSES.get(account_type)

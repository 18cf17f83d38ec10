"""Account subtypes of Wave, both ways: what we create, and what an existing account may be used for.

Source: AccountSubtypeValue and AccountSubtypeValueCreateInput of the public schema; the choice per key is the
bookkeeping of Amazon settlements.
"""

from collections.abc import Mapping
from typing import Any, Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key

SUBTYPES: Final[Mapping[AccountClass, str]] = {
    AccountClass.BANK: "CASH_AND_BANK",
    AccountClass.CARD: "CREDIT_CARD",
    AccountClass.CURRENT_ASSET: "OTHER_CURRENT_ASSETS",
    AccountClass.CURRENT_LIABILITY: "OTHER_CURRENT_LIABILITY",
    # Not LOANS: money moves through those accounts in Wave, and what money moves through may be refused as a line.
    AccountClass.LOAN: "OTHER_CURRENT_LIABILITY",
    AccountClass.INCOME: "INCOME",
    AccountClass.CONTRA_INCOME: "DISCOUNTS",
    AccountClass.OTHER_INCOME: "OTHER_INCOME",
    AccountClass.EXPENSE: "EXPENSE",
    AccountClass.COST_OF_SALES: "COST_OF_GOODS_SOLD",
    AccountClass.RECEIVABLE: "RECEIVABLE",
    AccountClass.EQUITY: "NON_RETAINED_EARNINGS",
}
# A money transaction is anchored on an account that money moves through; clearing is the anchor of nearly all of ours.
CLASS_OF_KEY: Final[Mapping[AccountKey, AccountClass]] = {AccountKey.CLEARING: AccountClass.BANK}
# An account of these is the anchor of a money transaction, and never one of its lines: that would be a transfer
# between banks, which the API cannot make.
MONEY: Final = frozenset({AccountClass.BANK, AccountClass.CARD})
_CLASSES: Final[Mapping[str, AccountClass]] = {
    "CASH_AND_BANK": AccountClass.BANK,
    "MONEY_IN_TRANSIT": AccountClass.BANK,
    "CREDIT_CARD": AccountClass.CARD,
    "OTHER_CURRENT_ASSETS": AccountClass.CURRENT_ASSET,
    "VENDOR_PREPAYMENTS_AND_CREDITS": AccountClass.CURRENT_ASSET,
    "OTHER_CURRENT_LIABILITY": AccountClass.CURRENT_LIABILITY,
    "CUSTOMER_PREPAYMENTS_AND_CREDITS": AccountClass.CURRENT_LIABILITY,
    "LOANS": AccountClass.LOAN,
    "OTHER_LONG_TERM_LIABILITY": AccountClass.LOAN,
    "INCOME": AccountClass.INCOME,
    "DISCOUNTS": AccountClass.CONTRA_INCOME,
    "OTHER_INCOME": AccountClass.OTHER_INCOME,
    "EXPENSE": AccountClass.EXPENSE,
    "PAYMENT_PROCESSING_FEES": AccountClass.EXPENSE,
    "COST_OF_GOODS_SOLD": AccountClass.COST_OF_SALES,
    "RECEIVABLE_INVOICES": AccountClass.RECEIVABLE,
    "NON_RETAINED_EARNINGS": AccountClass.EQUITY,
    "RETAINED_EARNINGS": AccountClass.EQUITY,
}


def class_for(key: LineKey) -> AccountClass:
    """Return the class of the account that serves a key in Wave, where nothing else is known of it."""
    known = account_key(key)
    return CLASS_OF_KEY.get(known, ACCOUNTS[known].account_class)


def subtype_for(key: LineKey) -> str:
    """Return the subtype of the account we create for a key."""
    return SUBTYPES[class_for(key)]


def class_of(subtype: str) -> AccountClass | None:
    """Return what an existing account may be used for; None for one we never post to: made by Wave itself, stock,
    payroll, sales tax, or of a subtype nobody knew yet."""
    return _CLASSES.get(subtype)


def label(subtype: str) -> str:
    """Return a subtype as Wave's pages spell it, or nearly: *Cash and bank*."""
    return subtype.replace("_", " ").capitalize()


TYPES: Final[Mapping[AccountClass, tuple[str, ...]]] = {of: (label(subtype),) for of, subtype in SUBTYPES.items()}


def debit_positive(account: Mapping[str, Any], amount: int) -> int:
    """Return an account's balance debit positive. Wave states it in the account's own sense: what a card owes, and what was
    earned, is a positive ``balance`` of an account whose ``normalBalanceType`` is CREDIT."""
    return -amount if account.get("normalBalanceType") == "CREDIT" else amount

"""What a ledger can hold and a tenant wants, as plain data: the planner asks this value, never a ledger's name."""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key


@unique
class Mode(StrEnum):
    """Whether new invoices are made. Open invoices are covered in either mode."""

    SUMMARY = "summary"
    ORDERS = "orders"


# QuickBooks Deposit, Line.DepositLineDetail.AccountRef: Income, Other Income, Expense, Other Expense, Cost of Goods
# Sold, Other Current Asset and Equity are documented; liabilities and bank accounts are not.
DOCUMENTED_DEPOSIT_CLASSES: Final = frozenset(
    {
        AccountClass.CURRENT_ASSET,
        AccountClass.INCOME,
        AccountClass.CONTRA_INCOME,
        AccountClass.OTHER_INCOME,
        AccountClass.EXPENSE,
        AccountClass.COST_OF_SALES,
    }
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How documents are cut.

    ``payouts_to`` is BANK, or PAYOUTS where money passes an in-transit account. ``deposit`` closes a settlement in
    orders mode with one deposit whose lines may use ``deposit_classes`` only; without it, and wherever a deposit
    cannot be made, entries and a transfer do the same. ``negative_lines`` False leaves promotions off invoices.
    ``card_transfers`` False charges a card by an entry.
    """

    payouts_to: LineKey = AccountKey.BANK
    deposit: bool = False
    deposit_classes: frozenset[AccountClass] = DOCUMENTED_DEPOSIT_CLASSES
    negative_lines: bool = True
    card_transfers: bool = True


def default_class(key: LineKey) -> AccountClass:
    """Return the class of the account that is made for a key when the tenant has none."""
    return ACCOUNTS[account_key(key)].account_class

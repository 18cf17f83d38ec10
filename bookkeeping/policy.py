"""What a ledger can hold and a tenant wants, as plain data: the planner asks this value, never a ledger's name."""

from dataclasses import dataclass, replace
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

    ``payouts_to`` is BANK, or PAYOUTS where money passes an in-transit account; ``charges_to`` likewise is the card, or
    PAYOUTS. ``onward``: what passes PAYOUTS is moved on to the bank or card by a second transfer, for there is no feed.
    ``deposit`` closes a settlement in orders mode with one deposit whose lines may use ``deposit_classes`` only; without
    it, and wherever a deposit cannot be made, entries and a transfer do the same. ``negative_lines`` False leaves
    promotions off invoices. ``card_transfers`` False charges a card by an entry.

    ``payments_to`` and ``income_to`` are where a ledger books payments and the income of invoices whatever they say
    (FreshBooks: PETTY and REVENUE); a month's entry then moves them on. ``income_to`` "": each line to its own account.
    ``entry_through_clearing``: every entry needs a CLEARING line, so one of net 0 becomes two. ``entry_lines``: the most
    lines an entry may have, 0 for no limit; ``spare_lines`` of them are left for what comes when an entry is converted.
    ``order_entries`` books an order by an entry instead of invoice and payment.
    ``income_and_expenses``: the ledger has no entries at all, so income invoices and expenses carry what they can, and
    balance-sheet rows stay in our own record. ``revalues``: the ledger can be told to revalue an account in another currency;
    where it cannot, a person is told to.
    """

    payouts_to: LineKey = AccountKey.BANK
    charges_to: LineKey = AccountKey.CHARGE_METHOD
    onward: bool = False
    deposit: bool = False
    deposit_classes: frozenset[AccountClass] = DOCUMENTED_DEPOSIT_CLASSES
    negative_lines: bool = True
    card_transfers: bool = True
    payments_to: LineKey = AccountKey.CLEARING
    income_to: LineKey = ""
    entry_through_clearing: bool = False
    entry_lines: int = 0
    spare_lines: int = 0
    order_entries: bool = False
    income_and_expenses: bool = False
    revalues: bool = False


CONVERTED_LINES: Final = 2  # what conversion adds to an entry at most: exchange gains, and the cent on CLEARING
_OF_ORDERS: Final = ("deposit", "deposit_classes", "negative_lines", "payments_to", "income_to", "order_entries")


def in_summary(policy: Policy) -> Policy:
    """Return what is left of a policy where no order has a document of its own."""
    return replace(policy, **{name: getattr(Policy(), name) for name in _OF_ORDERS})


def default_class(key: LineKey) -> AccountClass:
    """Return the class of the account that is made for a key when the tenant has none."""
    return ACCOUNTS[account_key(key)].account_class

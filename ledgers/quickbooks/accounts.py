"""Account types of QuickBooks, both ways: what we create, and what an existing account may be used for.

Source: Account entity, AccountType and AccountSubType; the choice per key is the bookkeeping of Amazon settlements.
"""

from collections.abc import Mapping
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key

AccountType = tuple[str, str]  # AccountType, AccountSubType

TYPES: Final[Mapping[AccountClass, AccountType]] = {
    AccountClass.BANK: ("Bank", "Checking"),
    AccountClass.CARD: ("Credit Card", "CreditCard"),
    AccountClass.CURRENT_ASSET: ("Other Current Asset", "OtherCurrentAssets"),
    AccountClass.CURRENT_LIABILITY: ("Other Current Liability", "OtherCurrentLiabilities"),
    AccountClass.LOAN: ("Other Current Liability", "LoanPayable"),
    AccountClass.INCOME: ("Income", "SalesOfProductIncome"),
    AccountClass.CONTRA_INCOME: ("Income", "DiscountsRefundsGiven"),
    AccountClass.OTHER_INCOME: ("Other Income", "OtherMiscellaneousIncome"),
    AccountClass.EXPENSE: ("Expense", "OtherBusinessExpenses"),
    AccountClass.COST_OF_SALES: ("Cost of Goods Sold", "ShippingFreightDeliveryCos"),
    AccountClass.RECEIVABLE: ("Accounts Receivable", "AccountsReceivable"),
    AccountClass.EQUITY: ("Equity", "OpeningBalanceEquity"),
}
_OF_KEY: Final[Mapping[AccountKey, AccountType]] = {
    AccountKey.LIQUIDATION: ("Income", "OtherPrimaryIncome"),
    AccountKey.FEE_FBA: ("Expense", "ShippingFreightDelivery"),
    AccountKey.SHIP_LABELS: ("Expense", "ShippingFreightDelivery"),
    AccountKey.ADS: ("Expense", "AdvertisingPromotional"),
    AccountKey.DEALS: ("Expense", "AdvertisingPromotional"),
    AccountKey.SUBSCRIPTION: ("Expense", "DuesSubscriptions"),
}
# Deposit lines are documented for these types (and Equity, which no line of ours needs). Liabilities and Bank are not.
DEPOSIT_CLASSES: Final = frozenset(
    {
        AccountClass.INCOME,
        AccountClass.CONTRA_INCOME,
        AccountClass.OTHER_INCOME,
        AccountClass.EXPENSE,
        AccountClass.COST_OF_SALES,
        AccountClass.CURRENT_ASSET,
    }
)
_CLASSES: Final[Mapping[str, AccountClass]] = {
    "Bank": AccountClass.BANK,
    "Credit Card": AccountClass.CARD,
    "Other Current Asset": AccountClass.CURRENT_ASSET,
    "Other Current Liability": AccountClass.CURRENT_LIABILITY,
    "Long Term Liability": AccountClass.LOAN,
    "Income": AccountClass.INCOME,
    "Other Income": AccountClass.OTHER_INCOME,
    "Expense": AccountClass.EXPENSE,
    "Other Expense": AccountClass.EXPENSE,
    "Cost of Goods Sold": AccountClass.COST_OF_SALES,
    "Accounts Receivable": AccountClass.RECEIVABLE,
    "Equity": AccountClass.EQUITY,
}
_CLASSES_OF_SUBTYPE: Final[Mapping[str, AccountClass]] = {
    "LoanPayable": AccountClass.LOAN,
    "LineOfCredit": AccountClass.LOAN,
    "DiscountsRefundsGiven": AccountClass.CONTRA_INCOME,
}
# QuickBooks manages these itself: items, payroll, the sales-tax centre, currency revaluation.
_NEVER: Final = frozenset(
    {
        "UndepositedFunds",
        "Inventory",
        "SalesTaxPayable",
        "GlobalTaxPayable",
        "GlobalTaxSuspense",
        "PayrollClearing",
        "PayrollTaxPayable",
        "DirectDepositPayable",
        "UnappliedCashPaymentIncome",
        "UnappliedCashBillPaymentExpense",
        "ExchangeGainOrLoss",
    }
)
_PROFIT_AND_LOSS: Final = frozenset({"Income", "Other Income", "Expense", "Other Expense", "Cost of Goods Sold"})


def type_for(key: LineKey) -> AccountType:
    """Return AccountType and AccountSubType of the account we create for a key."""
    known = account_key(key)
    return _OF_KEY.get(known) or TYPES[ACCOUNTS[known].account_class]


def foreign_type_for(key: LineKey) -> AccountType:
    """Return the type where the account is kept in a foreign currency: a clearing account is then of type Bank."""
    return ("Bank", "CashOnHand") if account_key(key) is AccountKey.CLEARING else type_for(key)


def has_currency(account_type: str) -> bool:
    """Tell whether an account of this type has a currency of its own; income and expense are kept in home currency."""
    return account_type not in _PROFIT_AND_LOSS


def class_of(account_type: str, sub_type: str) -> AccountClass | None:
    """Return what an existing account may be used for, None for one we never post to."""
    if sub_type in _NEVER:
        return None
    return _CLASSES_OF_SUBTYPE.get(sub_type) or _CLASSES.get(account_type)

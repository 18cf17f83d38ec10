"""The accounts a settlement touches and the categories its rows fall into.

Keys are stable identifiers used in code, columns and API; names are what is created when a tenant has nothing mapped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class AccountClass(StrEnum):
    BANK = "bank"
    CARD = "card"
    CURRENT_ASSET = "current_asset"
    CURRENT_LIABILITY = "current_liability"
    LOAN = "loan"
    INCOME = "income"
    CONTRA_INCOME = "contra_income"
    OTHER_INCOME = "other_income"
    EXPENSE = "expense"
    COST_OF_SALES = "cost_of_sales"
    RECEIVABLE = "receivable"
    EQUITY = "equity"


@unique
class AccountKey(StrEnum):
    CLEARING = "CLEARING"
    RESERVE = "RESERVE"
    DEFERRED = "DEFERRED"
    TAX_WITHHELD_ASSET = "TAX_WITHHELD_ASSET"
    PAYOUTS = "PAYOUTS"
    AR = "AR"
    INPUT_TAX = "INPUT_TAX"
    TAX_CLEARING = "TAX_CLEARING"
    OUTPUT_TAX = "OUTPUT_TAX"
    LOAN = "LOAN"
    CHARGE_METHOD = "CHARGE_METHOD"
    BANK = "BANK"
    SALES = "SALES"
    SHIP_INCOME = "SHIP_INCOME"
    WRAP_INCOME = "WRAP_INCOME"
    LIQUIDATION = "LIQUIDATION"
    PROMO = "PROMO"
    REFUNDS = "REFUNDS"
    CLAIMS = "CLAIMS"
    REIMB = "REIMB"
    FEE_SELLING = "FEE_SELLING"
    FEE_REFUND_ADMIN = "FEE_REFUND_ADMIN"
    FEE_FBA = "FEE_FBA"
    FEE_STORAGE = "FEE_STORAGE"
    FEE_INBOUND = "FEE_INBOUND"
    FEE_REMOVAL = "FEE_REMOVAL"
    SHIP_LABELS = "SHIP_LABELS"
    ADS = "ADS"
    DEALS = "DEALS"
    SUBSCRIPTION = "SUBSCRIPTION"
    FEE_OTHER = "FEE_OTHER"
    OPENING = "OPENING"
    FX = "FX"
    FX_COST = "FX_COST"
    REVENUE = "REVENUE"
    PETTY = "PETTY"


@dataclass(frozen=True, slots=True)
class Account:
    """A default account: what it is called and of which class it is made when the tenant has none."""

    key: AccountKey
    name: str
    account_class: AccountClass
    meaning: str


_K, _C = AccountKey, AccountClass
# Money passes through these on its way to the bank; all else is what it was for.
PASSING: Final = frozenset({_K.CLEARING, _K.BANK, _K.PAYOUTS, _K.AR, _K.PETTY})
# Every ledger that books to them has them of its own: nobody makes or maps them.
SYSTEM: Final = frozenset({_K.AR, _K.REVENUE, _K.PETTY})

ACCOUNTS: Final[Mapping[AccountKey, Account]] = {
    account.key: account
    for account in (
        Account(_K.CLEARING, "Amazon Clearing", _C.CURRENT_ASSET, "What Amazon owes you and has not paid out yet"),
        Account(_K.RESERVE, "Amazon Reserved Balances", _C.CURRENT_ASSET, "Your money that Amazon holds back"),
        Account(_K.DEFERRED, "Amazon Deferred Receivable", _C.CURRENT_ASSET, "Shipped sales Amazon has not released"),
        Account(_K.TAX_WITHHELD_ASSET, "Tax Withheld by Amazon", _C.CURRENT_ASSET, "Tax credits (TCS, TDS)"),
        Account(_K.PAYOUTS, "Amazon Payouts in Transit", _C.CURRENT_ASSET, "Payouts on their way to the bank"),
        Account(_K.AR, "Accounts Receivable", _C.RECEIVABLE, "The ledger's own receivables"),
        Account(_K.INPUT_TAX, "Recoverable Tax on Amazon Fees", _C.CURRENT_ASSET, "VAT or GST on Amazon's fees"),
        Account(_K.TAX_CLEARING, "Amazon Sales Tax Clearing", _C.CURRENT_LIABILITY, "Tax Amazon collects and remits"),
        Account(_K.OUTPUT_TAX, "Sales Tax Payable (Amazon)", _C.CURRENT_LIABILITY, "Tax you have to remit yourself"),
        Account(_K.LOAN, "Amazon Lending", _C.LOAN, "Loans from Amazon"),
        Account(_K.CHARGE_METHOD, "Card Charged by Amazon", _C.CARD, "Your card or bank that Amazon charges"),
        Account(_K.BANK, "Payout Bank Account", _C.BANK, "Your bank account that receives the payouts"),
        Account(_K.SALES, "Amazon Sales", _C.INCOME, "What buyers paid for products"),
        Account(_K.SHIP_INCOME, "Amazon Shipping Income", _C.INCOME, "What buyers paid for shipping"),
        Account(_K.WRAP_INCOME, "Amazon Gift Wrap Income", _C.INCOME, "What buyers paid for gift wrap"),
        Account(_K.LIQUIDATION, "Amazon Liquidation Proceeds", _C.INCOME, "Stock sold off through Amazon"),
        Account(_K.PROMO, "Amazon Promotional Rebates", _C.CONTRA_INCOME, "Discounts you gave"),
        Account(_K.REFUNDS, "Amazon Refunds", _C.CONTRA_INCOME, "Money returned to buyers"),
        Account(_K.CLAIMS, "Amazon Chargebacks & A-to-z Claims", _C.CONTRA_INCOME, "Claims decided for buyers"),
        Account(_K.REIMB, "Amazon Reimbursements", _C.OTHER_INCOME, "Amazon pays for lost or damaged stock"),
        Account(_K.FEE_SELLING, "Amazon Selling Fees", _C.EXPENSE, "Referral and closing fees"),
        Account(_K.FEE_REFUND_ADMIN, "Amazon Refund Administration Fees", _C.EXPENSE, "What Amazon keeps of a refund"),
        Account(_K.FEE_FBA, "Amazon FBA Fulfilment Fees", _C.EXPENSE, "Pick, pack and ship"),
        Account(_K.FEE_STORAGE, "Amazon Storage Fees", _C.EXPENSE, "Warehouse storage"),
        Account(_K.FEE_INBOUND, "Amazon Inbound Freight & Placement", _C.COST_OF_SALES, "Bringing stock to Amazon"),
        Account(_K.FEE_REMOVAL, "Amazon Removal & Disposal", _C.EXPENSE, "Taking stock out of Amazon"),
        Account(_K.SHIP_LABELS, "Amazon Shipping Labels", _C.EXPENSE, "Labels for orders you ship yourself"),
        Account(_K.ADS, "Amazon Advertising", _C.EXPENSE, "Sponsored products and other advertising"),
        Account(_K.DEALS, "Amazon Coupons, Deals & Vine", _C.EXPENSE, "Fees for coupons, deals and Vine"),
        Account(_K.SUBSCRIPTION, "Amazon Subscription", _C.EXPENSE, "The monthly selling plan"),
        Account(_K.FEE_OTHER, "Amazon Other Fees & Adjustments", _C.EXPENSE, "Everything else Amazon adjusts"),
        Account(_K.OPENING, "Opening Balance Equity", _C.EQUITY, "Other side of the opening entry"),
        Account(_K.FX, "Amazon Exchange Gain or Loss", _C.OTHER_INCOME, "What moving exchange rates gave or took"),
        Account(
            _K.FX_COST, "Amazon Currency Conversion Cost", _C.EXPENSE, "What Amazon kept when it converted a payout"
        ),
        Account(
            _K.REVENUE, "Revenue", _C.INCOME, "Where a ledger books all invoices whatever they say (FreshBooks 4000)"
        ),
        Account(
            _K.PETTY, "Petty Cash", _C.BANK, "Where a ledger books all payments whatever they say (FreshBooks 1000-1)"
        ),
    )
}


@unique
class Category(StrEnum):
    """What one settlement row is, whatever its label says. One category per row."""

    PRODUCT_SALE = "product_sale"
    SHIPPING_CHARGE = "shipping_charge"
    GIFT_WRAP = "gift_wrap"
    PROMO_REBATE = "promo_rebate"
    TAX_COLLECTED = "tax_collected"
    TAX_WITHHELD = "tax_withheld"
    TAX_CREDIT = "tax_credit"
    SELLING_FEE = "selling_fee"
    REFUND_ADMIN_FEE = "refund_admin_fee"
    FBA_FEE = "fba_fee"
    FBA_SHIP_CHARGEBACK = "fba_ship_chargeback"
    FEE_TAX = "fee_tax"
    REFUND = "refund"
    CLAIM = "claim"
    RECHARGE = "recharge"
    RECHARGE_SHIPPING = "recharge_shipping"
    RECHARGE_REVERSAL = "recharge_reversal"
    LIQUIDATION = "liquidation"
    LIQUIDATION_FEE = "liquidation_fee"
    ADVERTISING = "advertising"
    DEAL_FEE = "deal_fee"
    REIMBURSEMENT = "reimbursement"
    STORAGE_FEE = "storage_fee"
    INBOUND_FEE = "inbound_fee"
    REMOVAL_FEE = "removal_fee"
    SUBSCRIPTION = "subscription"
    SHIPPING_LABEL = "shipping_label"
    RESERVE_HELD = "reserve_held"
    RESERVE_RELEASED = "reserve_released"
    OPENING_DEBT = "opening_debt"
    DEBT_COLLECTED = "debt_collected"
    PAYOUT_REVERSED = "payout_reversed"
    PAYOUT_MOVEMENT = "payout_movement"
    CROSS_MARKET = "cross_market"
    LOAN = "loan"
    FEE_ADJUSTMENT = "fee_adjustment"
    OTHER_TAX_OR_LEVY = "other_tax_or_levy"
    UNKNOWN = "unknown"


# A line key names the account of a line: an AccountKey, or an AccountKey and, after a slash, the mapping split that
# sends part of it elsewhere ("SALES/widgets"). Grouping, coverage and documents never look behind the slash.
LineKey = str


def account_key(key: LineKey) -> AccountKey:
    """Return the account key of a line key, without its mapping split."""
    return AccountKey(key.partition("/")[0])

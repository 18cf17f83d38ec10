"""Charts of accounts an organization starts with: what Zoho makes, and what a seller's bookkeeper has added.

``expected`` maps an account key to the account a careful bookkeeper would use, None where the chart has none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

RECEIVABLE: Final = "Accounts Receivable"
PAYABLE: Final = "Accounts Payable"
SALES: Final = "Sales"
DISCOUNT: Final = "Discount"
SHIPPING: Final = "Shipping Charge"
OTHER_CHARGES: Final = "Other Charges"
EXCHANGE: Final = "Exchange Gain or Loss"
BANK_FEES: Final = "Bank Fees and Charges"
TAX_PAYABLE: Final = "Tax Payable"
UNEARNED: Final = "Unearned Revenue"
UNDEPOSITED: Final = "Undeposited Funds"

_INCOME, _EXPENSE, _COGS, _OCA, _OCL = (
    "income",
    "expense",
    "cost_of_goods_sold",
    "other_current_asset",
    "other_current_liability",
)

# Sheet §7, the default US chart recorded; True: a system account, which cannot be deleted.
SYSTEM: Final[tuple[tuple[str, str, bool], ...]] = (
    (SALES, _INCOME, True),
    ("General Income", _INCOME, True),
    ("Interest Income", _INCOME, True),
    ("Late Fee Income", _INCOME, True),
    (SHIPPING, _INCOME, True),
    (DISCOUNT, _INCOME, True),
    (OTHER_CHARGES, _INCOME, True),
    (BANK_FEES, _EXPENSE, True),
    ("Bad Debt", _EXPENSE, True),
    ("Uncategorized", _EXPENSE, True),
    ("Cost of Goods Sold", _COGS, True),
    (EXCHANGE, "other_expense", True),
    ("Inventory Asset", "stock", True),
    (UNDEPOSITED, "cash", True),
    ("Petty Cash", "cash", True),
    (RECEIVABLE, "accounts_receivable", True),
    (PAYABLE, "accounts_payable", True),
    (TAX_PAYABLE, _OCL, True),
    (UNEARNED, _OCL, True),
    ("Opening Balance Adjustments", _OCL, True),
    ("Opening Balance Offset", "equity", True),
    ("Retained Earnings", "equity", True),
    ("Drawings", "equity", True),
    ("Owner's Equity", "equity", True),
    ("Advance Tax", _OCA, True),
    ("Employee Advance", _OCA, True),
    ("Prepaid Expenses", _OCA, False),
    ("Advertising And Marketing", _EXPENSE, False),
    ("Postage", _EXPENSE, False),
    ("IT and Internet Expenses", _EXPENSE, False),
    ("Office Supplies", _EXPENSE, False),
    ("Rent Expense", _EXPENSE, False),
)

TYPES: Final = {
    "other_asset": "asset",
    "other_current_asset": "asset",
    "cash": "asset",
    "bank": "asset",
    "fixed_asset": "asset",
    "stock": "asset",
    "payment_clearing": "asset",
    "accounts_receivable": "asset",
    "other_current_liability": "liability",
    "credit_card": "liability",
    "long_term_liability": "liability",
    "other_liability": "liability",
    "accounts_payable": "liability",
    "equity": "equity",
    "income": "income",
    "other_income": "income",
    "expense": "expense",
    "cost_of_goods_sold": "expense",
    "other_expense": "expense",
}
OWN_CURRENCY: Final = frozenset({"bank", "credit_card", "cash", "payment_clearing"})
MONEY: Final = frozenset({"bank", "cash", "credit_card"})


@dataclass(frozen=True, slots=True)
class SeedAccount:
    name: str
    account_type: str
    currency: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    slug: str
    about: str
    country: str
    time_zone: str
    home: str
    accounts: tuple[SeedAccount, ...]
    expected: Mapping[str, str | None]
    currencies: Mapping[str, str | None] = field(default_factory=dict)  # code → rate, None: no rate is stored
    taxes: Mapping[str, str] = field(default_factory=dict)  # name → percentage
    items: Mapping[str, str] = field(default_factory=dict)  # name → income account


def _seller(region: str) -> tuple[SeedAccount, ...]:
    return (
        SeedAccount(f"Amazon Reserved Balances {region}", _OCA),
        SeedAccount("Amazon Deferred Receivable", _OCA),
        SeedAccount("Amazon Payouts in Transit", _OCA),
        SeedAccount("Marketplace Tax Collected and Remitted", _OCL),
        SeedAccount("Amazon Lending", _OCL),
        SeedAccount("Amazon Sales", _INCOME),
        SeedAccount("Amazon Shipping Income", _INCOME),
        SeedAccount("Amazon Gift Wrap Income", _INCOME),
        SeedAccount("Amazon Liquidation Proceeds", _INCOME),
        SeedAccount("Amazon Promotional Rebates", _INCOME),
        SeedAccount("Amazon Refunds", _INCOME),
        SeedAccount("Amazon Chargebacks & A-to-z Claims", _INCOME),
        SeedAccount("Amazon Reimbursements", "other_income"),
        SeedAccount("Amazon Selling Fees", _EXPENSE),
        SeedAccount("Amazon Refund Administration Fees", _EXPENSE),
        SeedAccount("Amazon FBA Fulfilment Fees", _EXPENSE),
        SeedAccount("Amazon Storage Fees", _EXPENSE),
        SeedAccount("Amazon Inbound Freight & Placement", _COGS),
        SeedAccount("Amazon Removal & Disposal", _EXPENSE),
        SeedAccount("Amazon Shipping Labels", _EXPENSE),
        SeedAccount("Amazon Advertising", _EXPENSE),
        SeedAccount("Amazon Coupons, Deals & Vine", _EXPENSE),
        SeedAccount("Amazon Subscription", _EXPENSE),
        SeedAccount("Amazon Other Fees & Adjustments", _EXPENSE),
        SeedAccount("Amazon Currency Conversion Cost", _EXPENSE),
    )


def _expected(region: str, **named: str) -> dict[str, str | None]:
    return {
        "RESERVE": f"Amazon Reserved Balances {region}",
        "TAX_CLEARING": "Marketplace Tax Collected and Remitted",
        "DEFERRED": "Amazon Deferred Receivable",
        "PAYOUTS": "Amazon Payouts in Transit",
        "SALES": "Amazon Sales",
        "SHIP_INCOME": "Amazon Shipping Income",
        "WRAP_INCOME": "Amazon Gift Wrap Income",
        "PROMO": "Amazon Promotional Rebates",
        "REFUNDS": "Amazon Refunds",
        "CLAIMS": "Amazon Chargebacks & A-to-z Claims",
        "REIMB": "Amazon Reimbursements",
        "FEE_SELLING": "Amazon Selling Fees",
        "FEE_FBA": "Amazon FBA Fulfilment Fees",
        "FEE_REFUND_ADMIN": "Amazon Refund Administration Fees",
        "FEE_STORAGE": "Amazon Storage Fees",
        "FEE_INBOUND": "Amazon Inbound Freight & Placement",
        "FEE_REMOVAL": "Amazon Removal & Disposal",
        "SHIP_LABELS": "Amazon Shipping Labels",
        "ADS": "Amazon Advertising",
        "DEALS": "Amazon Coupons, Deals & Vine",
        "SUBSCRIPTION": "Amazon Subscription",
        "FEE_OTHER": "Amazon Other Fees & Adjustments",
        "LOAN": "Amazon Lending",
        "LIQUIDATION": "Amazon Liquidation Proceeds",
        "FX": EXCHANGE,
        "FX_COST": "Amazon Currency Conversion Cost",
        **named,
    }


US = Chart(
    slug="us",
    about="A seller in New York, US dollars only, sales tax switched off",
    country="US",
    time_zone="America/New_York",
    home="USD",
    accounts=(
        SeedAccount("Business Checking", "bank"),
        SeedAccount("Business Visa", "credit_card"),
        SeedAccount("Amazon Clearing US (USD)", "bank"),
        SeedAccount("Sales Tax Payable (seller)", _OCL),
        *_seller("US"),
    ),
    expected=_expected(
        "US",
        CLEARING="Amazon Clearing US (USD)",
        BANK="Business Checking",
        CHARGE_METHOD="Business Visa",
        OUTPUT_TAX="Sales Tax Payable (seller)",
    ),
    items={"Amazon order": "Amazon Sales"},
)

UK = Chart(
    slug="uk",
    about="A VAT-registered seller in London with clearing accounts in pounds, euros and US dollars",
    country="GB",
    time_zone="Europe/London",
    home="GBP",
    accounts=(
        SeedAccount("Barclays Current", "bank"),
        SeedAccount("Wise EUR", "bank", "EUR"),
        SeedAccount("Barclaycard", "credit_card"),
        SeedAccount("Amazon Clearing UK (GBP)", "bank"),
        SeedAccount("Amazon Clearing DE (EUR)", "bank", "EUR"),
        SeedAccount("Amazon Clearing US (USD)", "bank", "USD"),
        SeedAccount("Output VAT (seller)", _OCL),
        *_seller("UK"),
    ),
    expected=_expected(
        "UK",
        CLEARING="Amazon Clearing UK (GBP)",
        BANK="Barclays Current",
        CHARGE_METHOD="Barclaycard",
        OUTPUT_TAX="Output VAT (seller)",
    ),
    currencies={"EUR": "0.86", "USD": "0.79", "JPY": None},
    taxes={"Standard Rate": "20", "Zero Rate": "0"},
    items={"Amazon order": "Amazon Sales"},
)

CHARTS = {chart.slug: chart for chart in (US, UK)}

"""Charts of accounts as FreshBooks businesses really have them, and what a bookkeeper would map in each.

``expected`` maps an account key to an account (``Parent:Child`` for a sub-account), ``categories`` the keys that a plan
without journal entries books as expenses to an expense category; None where the chart has nothing a careful bookkeeper
would use.
"""

from collections.abc import Mapping
from dataclasses import dataclass

KEYS = (
    "CLEARING",
    "PAYOUTS",
    "RESERVE",
    "SALES",
    "SHIP_INCOME",
    "WRAP_INCOME",
    "PROMO",
    "REFUNDS",
    "CLAIMS",
    "REIMB",
    "FEE_SELLING",
    "FEE_FBA",
    "FEE_REFUND_ADMIN",
    "FEE_STORAGE",
    "FEE_INBOUND",
    "FEE_REMOVAL",
    "SHIP_LABELS",
    "ADS",
    "DEALS",
    "SUBSCRIPTION",
    "FEE_OTHER",
    "OUTPUT_TAX",
    "LOAN",
    "LIQUIDATION",
    "BANK",
    "CHARGE_METHOD",
)
EXPENSE_KEYS = (
    "PROMO",
    "REFUNDS",
    "CLAIMS",
    "FEE_SELLING",
    "FEE_FBA",
    "FEE_REFUND_ADMIN",
    "FEE_STORAGE",
    "FEE_INBOUND",
    "FEE_REMOVAL",
    "SHIP_LABELS",
    "ADS",
    "DEALS",
    "SUBSCRIPTION",
    "FEE_OTHER",
)

# (id, type, name, base number): what /sub_types lists.
SUB_TYPES = (
    ("cash_and_bank", "asset", "Cash & Bank", 1000),
    ("current_asset", "asset", "Current Asset", 1200),
    ("fixed_asset", "asset", "Property, Plant, and Equipment", 1500),
    ("current_liability", "liability", "Current Liability", 2000),
    ("credit_card", "liability", "Credit Card", 2100),
    ("equity", "equity", "Equity", 3000),
    ("income", "income", "Income", 4000),
    ("cost_of_goods_sold", "expense", "Cost of Goods Sold", 5000),
    ("operating_expense", "expense", "Operating Expense", 6000),
)
TYPES = ("asset", "liability", "equity", "income", "expense")
# Types whose balance is shown as it is; the others' with the sign turned.
DEBIT_SIDE = ("asset", "expense")

PETTY_CASH, RECEIVABLE, CUSTOMER_CREDIT = "Petty Cash", "Accounts Receivable", "Customer Credit"
TAXES_PAYABLE, REVENUE, DISCOUNTS = "Taxes Payable", "Revenue", "Discounts"
COGS, OPERATING = "Cost of Goods Sold", "Operating Expenses"


@dataclass(frozen=True, slots=True)
class SeedAccount:
    """``name`` is ``Parent:Child`` for a sub-account. ``posts`` is False where only sub-accounts take entries;
    ``sub_name`` is what the older world calls the place where an account without parent takes them."""

    name: str
    sub_type: str
    number: str = ""
    posts: bool = True
    sub_name: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """``accounts`` are what a user added; ``categories`` likewise. Every business has ``SYSTEM`` and ``CATEGORIES``."""

    slug: str
    about: str
    expected: Mapping[str, str | None]
    categories: Mapping[str, str | None]
    accounts: tuple[SeedAccount, ...] = ()

    def __post_init__(self) -> None:
        names = {account.name for account in (*SYSTEM, *self.accounts)}
        used = {name for name in self.expected.values() if name}
        if set(self.expected) != set(KEYS) or not used <= names | {f"{OPERATING}:{name}" for name in _CATEGORY_NAMES}:
            raise ValueError(f"chart {self.slug}: every key is expected once and names an account of the chart")
        if set(self.categories) != set(EXPENSE_KEYS):
            raise ValueError(f"chart {self.slug}: every expense key has a category or None")


SYSTEM = (
    SeedAccount("Cash", "Cash & Bank", "1000", posts=False),
    SeedAccount("Cash:Petty Cash", "Cash & Bank", "1000-1"),
    SeedAccount(RECEIVABLE, "Current Asset", "1200"),
    SeedAccount("Customer Deposits", "Current Asset", "1201"),
    SeedAccount("Deferred Discounts", "Current Asset", "1202"),
    SeedAccount("Deposits", "Current Asset", "1203"),
    SeedAccount("Prepaid", "Current Asset", "1204"),
    SeedAccount("Accounts Payable", "Current Liability", "2000"),
    SeedAccount("Accruals", "Current Liability", "2001"),
    SeedAccount("Credit Cards", "Credit Card", "2003"),
    SeedAccount(CUSTOMER_CREDIT, "Current Liability", "2004"),
    SeedAccount(TAXES_PAYABLE, "Current Liability", "2005"),
    SeedAccount("Unearned Revenue", "Current Liability", "2006"),
    SeedAccount("Common Stock", "Equity", "3000"),
    SeedAccount("Opening Balance", "Equity", "3001"),
    # Sales of invoices and other income meet in one sub-account, discounts in another.
    SeedAccount(REVENUE, "Income", "4000", sub_name="Sales"),
    SeedAccount("Revenue:Discounts", "Income", "4000-2"),
    SeedAccount(COGS, "Cost of Goods Sold", "5000", posts=False),
    SeedAccount(OPERATING, "Operating Expense", "6000", posts=False),
)

# The categories of a new account: parent → its own; 59 in all (sheet §5).
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "Advertising": (),
    "Car & Truck Expenses": ("Gas", "Mileage", "Repairs", "Vehicle Insurance", "Vehicle Licensing"),
    "Contractors": (),
    "Cost of Goods Sold": ("Cost of Shipping & Handling", "Packaging of Goods"),
    "Education and Training": (),
    "Employee Benefits": ("Accident Insurance", "Health Insurance", "Life Insurance"),
    "Meals & Entertainment": ("Entertainment", "Restaurants/Dining"),
    "Office Expenses & Postage": (
        "Hardware",
        "Office Supplies",
        "Packaging",
        "Postage",
        "Printing",
        "Shipping & Couriers",
        "Software",
        "Stationery",
    ),
    "Other Expenses": (
        "Bank Fees",
        "Business Insurance",
        "Commissions",
        "Depreciation",
        "Interest - Mortgage",
        "Interest - Other",
        "Online Services",
        "Reference Materials",
        "Repairs & Maintenance",
        "Subscriptions/Dues/Memberships",
        "Taxes & Licenses",
        "Wages",
    ),
    "Personal": (),
    "Professional Services": ("Accounting", "Legal Fees"),
    "Rent or Lease": ("Equipment", "Machinery", "Office Space", "Vehicles"),
    "Supplies": (),
    "Travel": ("Airfare", "Hotel/Lodging/Accommodation", "Taxi & Parking"),
    "Uncategorized Expenses": (),
    "Utilities": ("Gas & Electrical", "Phone"),
}
_CATEGORY_NAMES = {*CATEGORIES, *(name for names in CATEGORIES.values() for name in names)}


def _expect(keys: tuple[str, ...], **named: str) -> dict[str, str | None]:
    return {key: named.get(key) for key in keys}


DEFAULT = Chart(
    slug="default",
    about="A new account that nobody has touched: the system accounts and the default categories",
    expected=_expect(
        KEYS,
        SALES=REVENUE,
        SHIP_INCOME=REVENUE,
        WRAP_INCOME=REVENUE,
        PROMO="Revenue:Discounts",
        OUTPUT_TAX=TAXES_PAYABLE,
        ADS="Operating Expenses:Advertising",
        DEALS="Operating Expenses:Advertising",
        FEE_SELLING="Operating Expenses:Commissions",
        FEE_REFUND_ADMIN="Operating Expenses:Commissions",
        FEE_OTHER="Operating Expenses:Commissions",
        SUBSCRIPTION="Operating Expenses:Subscriptions/Dues/Memberships",
        SHIP_LABELS="Operating Expenses:Shipping & Couriers",
        CHARGE_METHOD="Credit Cards",
    ),
    categories=_expect(
        EXPENSE_KEYS,
        FEE_SELLING="Commissions",
        FEE_REFUND_ADMIN="Commissions",
        FEE_OTHER="Commissions",
        FEE_FBA="Cost of Shipping & Handling",
        FEE_INBOUND="Cost of Shipping & Handling",
        SHIP_LABELS="Shipping & Couriers",
        ADS="Advertising",
        DEALS="Advertising",
        SUBSCRIPTION="Subscriptions/Dues/Memberships",
    ),
)

_ASSET, _INCOME, _EXPENSE = "Current Asset", "Income", "Operating Expense"

BOOKKEEPER = Chart(
    slug="bookkeeper",
    about="An accountant set the account up for Amazon: own accounts for clearing, reserve, income and each fee",
    accounts=(
        SeedAccount("Cash:Mercury Checking 7741", "Cash & Bank", "1000-2"),
        SeedAccount("Amazon Clearing USD", _ASSET, "1210"),
        SeedAccount("Amazon Payouts in Transit", _ASSET, "1211"),
        SeedAccount("Amazon Reserve USD", _ASSET, "1212"),
        SeedAccount("Credit Cards:Amex Blue 1002", "Credit Card", "2003-1"),
        SeedAccount("Amazon Tax Collected", "Current Liability", "2010"),
        SeedAccount("Amazon Lending", "Current Liability", "2020"),
        SeedAccount("Revenue:Amazon Sales", _INCOME, "4000-3"),
        SeedAccount("Revenue:Amazon Shipping Income", _INCOME, "4000-4"),
        SeedAccount("Revenue:Amazon Gift Wrap", _INCOME, "4000-5"),
        SeedAccount("Revenue:Amazon Promotions", _INCOME, "4000-6"),
        SeedAccount("Revenue:Amazon Refunds", _INCOME, "4000-7"),
        SeedAccount("Revenue:Amazon Chargebacks & Claims", _INCOME, "4000-8"),
        SeedAccount("Revenue:Amazon Reimbursements", _INCOME, "4000-9"),
        SeedAccount("Revenue:Amazon Liquidations", _INCOME, "4000-10"),
        SeedAccount("Operating Expenses:Amazon Referral Fees", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon FBA Fulfilment", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Refund Fees", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Storage", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Inbound Freight", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Removals", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Shipping Labels", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon PPC", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Coupons & Deals", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Subscription", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Other Fees", _EXPENSE),
        SeedAccount("Operating Expenses:Amazon Refunds Paid", _EXPENSE),
    ),
    expected=_expect(
        KEYS,
        CLEARING="Amazon Clearing USD",
        PAYOUTS="Amazon Payouts in Transit",
        RESERVE="Amazon Reserve USD",
        SALES="Revenue:Amazon Sales",
        SHIP_INCOME="Revenue:Amazon Shipping Income",
        WRAP_INCOME="Revenue:Amazon Gift Wrap",
        PROMO="Revenue:Amazon Promotions",
        REFUNDS="Revenue:Amazon Refunds",
        CLAIMS="Revenue:Amazon Chargebacks & Claims",
        REIMB="Revenue:Amazon Reimbursements",
        LIQUIDATION="Revenue:Amazon Liquidations",
        FEE_SELLING="Operating Expenses:Amazon Referral Fees",
        FEE_FBA="Operating Expenses:Amazon FBA Fulfilment",
        FEE_REFUND_ADMIN="Operating Expenses:Amazon Refund Fees",
        FEE_STORAGE="Operating Expenses:Amazon Storage",
        FEE_INBOUND="Operating Expenses:Amazon Inbound Freight",
        FEE_REMOVAL="Operating Expenses:Amazon Removals",
        SHIP_LABELS="Operating Expenses:Amazon Shipping Labels",
        ADS="Operating Expenses:Amazon PPC",
        DEALS="Operating Expenses:Amazon Coupons & Deals",
        SUBSCRIPTION="Operating Expenses:Amazon Subscription",
        FEE_OTHER="Operating Expenses:Amazon Other Fees",
        OUTPUT_TAX="Amazon Tax Collected",
        LOAN="Amazon Lending",
        BANK="Cash:Mercury Checking 7741",
        CHARGE_METHOD="Credit Cards:Amex Blue 1002",
    ),
    categories=_expect(
        EXPENSE_KEYS,
        PROMO="Amazon Refunds Paid",
        REFUNDS="Amazon Refunds Paid",
        CLAIMS="Amazon Refunds Paid",
        FEE_SELLING="Amazon Referral Fees",
        FEE_FBA="Amazon FBA Fulfilment",
        FEE_REFUND_ADMIN="Amazon Refund Fees",
        FEE_STORAGE="Amazon Storage",
        FEE_INBOUND="Amazon Inbound Freight",
        FEE_REMOVAL="Amazon Removals",
        SHIP_LABELS="Amazon Shipping Labels",
        ADS="Amazon PPC",
        DEALS="Amazon Coupons & Deals",
        SUBSCRIPTION="Amazon Subscription",
        FEE_OTHER="Amazon Other Fees",
    ),
)

CHARTS = {chart.slug: chart for chart in (DEFAULT, BOOKKEEPER)}

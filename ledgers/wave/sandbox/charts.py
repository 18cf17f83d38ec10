"""Charts of accounts as Wave businesses have them, and what a bookkeeper would map in each.

``expected`` maps an account key to the name of the account a careful bookkeeper would use; keys that are not there have
none in the chart (one would be created).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chart:
    """``accounts``: name → subtype; ``archived`` ones are no longer used."""

    slug: str
    about: str
    accounts: Mapping[str, str]
    expected: Mapping[str, str] = field(default_factory=dict)
    archived: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if unknown := {*self.expected.values(), *self.archived} - set(self.accounts):
            raise ValueError(f"chart {self.slug}: no account {sorted(unknown)}")


_OWN = {
    "Accounts Payable": "PAYABLE_BILLS",
    "Uncategorized Income": "UNCATEGORIZED_INCOME",
    "Uncategorized Expense": "UNCATEGORIZED_EXPENSE",
    "Gain on Foreign Exchange": "GAIN_ON_FOREIGN_EXCHANGE",
    "Loss on Foreign Exchange": "LOSS_ON_FOREIGN_EXCHANGE",
    "Owner's Equity": "RETAINED_EARNINGS",
}

DEFAULT = Chart(
    slug="default",
    about="What Wave makes for a new business that sells goods",
    accounts={
        **_OWN,
        "Cash on Hand": "CASH_AND_BANK",
        "Sales": "INCOME",
        "Shipping Income": "INCOME",
        "Owner Investment / Drawings": "NON_RETAINED_EARNINGS",
        "Accounting Fees": "EXPENSE",
        "Advertising & Promotion": "EXPENSE",
        "Bank Service Charges": "EXPENSE",
        "Computer – Hardware": "EXPENSE",
        "Computer – Software": "EXPENSE",
        "Dues & Subscriptions": "EXPENSE",
        "Insurance – General Liability": "EXPENSE",
        "Meals and Entertainment": "EXPENSE",
        "Office Supplies": "EXPENSE",
        "Professional Fees": "EXPENSE",
        "Rent Expense": "EXPENSE",
        "Repairs & Maintenance": "EXPENSE",
        "Telephone – Wireless": "EXPENSE",
        "Travel Expense": "EXPENSE",
        "Utilities": "EXPENSE",
        "Cost of Goods Sold": "COST_OF_GOODS_SOLD",
        "Merchant Account Fees": "PAYMENT_PROCESSING_FEES",
    },
    expected={
        "SALES": "Sales",
        "SHIP_INCOME": "Shipping Income",
        "ADS": "Advertising & Promotion",
        "DEALS": "Advertising & Promotion",
        "SUBSCRIPTION": "Dues & Subscriptions",
    },
)

SELLER = Chart(
    slug="seller",
    about="A seller whose bookkeeper has an Amazon section in the chart, with a bank, a card and a loan",
    accounts={
        **_OWN,
        "Business Checking": "CASH_AND_BANK",
        "Amazon Seller Account (USD)": "CASH_AND_BANK",
        "Business Visa": "CREDIT_CARD",
        "Amazon Payouts": "OTHER_CURRENT_ASSETS",
        "Amazon Reserve": "OTHER_CURRENT_ASSETS",
        "Inventory on Hand": "INVENTORY",
        "Amazon Lending": "LOANS",
        "Sales Tax to Remit": "OTHER_CURRENT_LIABILITY",
        "Owner Investment / Drawings": "NON_RETAINED_EARNINGS",
        "Amazon Sales": "INCOME",
        "Amazon Shipping Charged": "INCOME",
        "Amazon Gift Wrap": "INCOME",
        "Website Sales": "INCOME",
        "Amazon Promotions": "DISCOUNTS",
        "Amazon Returns": "DISCOUNTS",
        "Amazon Reimbursements": "OTHER_INCOME",
        "Amazon Referral Fees": "PAYMENT_PROCESSING_FEES",
        "Amazon FBA Fees": "EXPENSE",
        "Amazon Storage": "EXPENSE",
        "Amazon Advertising": "EXPENSE",
        "Amazon Subscription": "EXPENSE",
        "Amazon Other Fees": "EXPENSE",
        "Amazon Fees (old)": "EXPENSE",
        "Postage": "EXPENSE",
        "Cost of Goods Sold": "COST_OF_GOODS_SOLD",
        "Stripe Fees": "PAYMENT_PROCESSING_FEES",
    },
    expected={
        "CLEARING": "Amazon Seller Account (USD)",
        "PAYOUTS": "Amazon Payouts",
        "RESERVE": "Amazon Reserve",
        "SALES": "Amazon Sales",
        "SHIP_INCOME": "Amazon Shipping Charged",
        "WRAP_INCOME": "Amazon Gift Wrap",
        "PROMO": "Amazon Promotions",
        "REFUNDS": "Amazon Returns",
        "CLAIMS": "Amazon Returns",
        "REIMB": "Amazon Reimbursements",
        "FEE_SELLING": "Amazon Referral Fees",
        "FEE_REFUND_ADMIN": "Amazon Referral Fees",
        "FEE_FBA": "Amazon FBA Fees",
        "FEE_STORAGE": "Amazon Storage",
        "FEE_OTHER": "Amazon Other Fees",
        "SHIP_LABELS": "Postage",
        "ADS": "Amazon Advertising",
        "DEALS": "Amazon Advertising",
        "SUBSCRIPTION": "Amazon Subscription",
        "OUTPUT_TAX": "Sales Tax to Remit",
        "LOAN": "Amazon Lending",
        "BANK": "Business Checking",
        "CHARGE_METHOD": "Business Visa",
    },
    archived=("Amazon Fees (old)",),
)

BARE = Chart(slug="bare", about="Nothing but what the system needs, and one bank account",
             accounts={**_OWN, "Checking": "CASH_AND_BANK"}, expected={"BANK": "Checking"})  # fmt: skip

CHARTS = {chart.slug: chart for chart in (DEFAULT, SELLER, BARE)}

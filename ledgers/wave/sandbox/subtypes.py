"""The 38 account subtypes: what type they are, what people call them, who makes them (sheet §4)."""

from typing import Final

ASSET, LIABILITY, EQUITY, INCOME, EXPENSE = "ASSET", "LIABILITY", "EQUITY", "INCOME", "EXPENSE"

# subtype → (type, name)
SUBTYPES: Final = {
    "CASH_AND_BANK": (ASSET, "Cash and Bank"),
    "COST_OF_GOODS_SOLD": (EXPENSE, "Cost of Goods Sold"),
    "CREDIT_CARD": (LIABILITY, "Credit Card"),
    "CUSTOMER_PREPAYMENTS_AND_CREDITS": (LIABILITY, "Customer Prepayments and Customer Credits"),
    "DEPRECIATION_AND_AMORTIZATION": (ASSET, "Depreciation and Amortization"),
    "DISCOUNTS": (INCOME, "Discount"),
    "DUE_FOR_PAYROLL": (LIABILITY, "Due For Payroll"),
    "DUE_TO_YOU_AND_OTHER_OWNERS": (LIABILITY, "Due to You and Other Business Owners"),
    "EXPENSE": (EXPENSE, "Operating Expense"),
    "GAIN_ON_FOREIGN_EXCHANGE": (INCOME, "Gain on Foreign Exchange"),
    "INCOME": (INCOME, "Income"),
    "INVENTORY": (ASSET, "Inventory"),
    "LOANS": (LIABILITY, "Loan and Line of Credit"),
    "LOSS_ON_FOREIGN_EXCHANGE": (EXPENSE, "Loss on Foreign Exchange"),
    "MONEY_IN_TRANSIT": (ASSET, "Money in Transit"),
    "NON_RETAINED_EARNINGS": (EQUITY, "Business Owner Contribution and Drawing"),
    "OTHER_CURRENT_ASSETS": (ASSET, "Other Short-Term Asset"),
    "OTHER_CURRENT_LIABILITY": (LIABILITY, "Other Short-Term Liability"),
    "OTHER_INCOME": (INCOME, "Other Income"),
    "OTHER_LONG_TERM_ASSETS": (ASSET, "Other Long-Term Asset"),
    "OTHER_LONG_TERM_LIABILITY": (LIABILITY, "Other Long-Term Liability"),
    "PAYABLE": (LIABILITY, "Expected Payments to Vendors"),
    "PAYABLE_BILLS": (LIABILITY, "Payable Bills"),
    "PAYABLE_OTHER": (LIABILITY, "Payable Other"),
    "PAYMENT_PROCESSING_FEES": (EXPENSE, "Payment Processing Fee"),
    "PAYROLL_EXPENSES": (EXPENSE, "Payroll Expense"),
    "PROPERTY_PLANT_EQUIPMENT": (ASSET, "Property, Plant, Equipment"),
    "RECEIVABLE": (ASSET, "Expected Payments from Customers"),
    "RECEIVABLE_INVOICES": (ASSET, "Receivable Invoices"),
    "RECEIVABLE_OTHER": (ASSET, "Receivable Other"),
    "RETAINED_EARNINGS": (EQUITY, "Retained Earnings: Profit"),
    "SALES_TAX": (LIABILITY, "Sales Taxes"),
    "SYSTEM_CUSTOMER_CREDITS": (LIABILITY, "System Customer Credits"),
    "TRANSFERS": (ASSET, "Transfers"),
    "UNCATEGORIZED_EXPENSE": (EXPENSE, "Uncategorized Expense"),
    "UNCATEGORIZED_INCOME": (INCOME, "Uncategorized Income"),
    "UNKNOWN_ACCOUNT": (ASSET, "Unknown Account"),
    "VENDOR_PREPAYMENTS_AND_CREDITS": (ASSET, "Vendor Prepayments and Vendor Credits"),
}
SYSTEM: Final = frozenset({
    "GAIN_ON_FOREIGN_EXCHANGE", "LOSS_ON_FOREIGN_EXCHANGE", "PAYABLE_BILLS", "PAYABLE_OTHER", "RECEIVABLE_INVOICES",
    "RECEIVABLE_OTHER", "SALES_TAX", "SYSTEM_CUSTOMER_CREDITS", "TRANSFERS", "UNCATEGORIZED_EXPENSE",
    "UNCATEGORIZED_INCOME", "UNKNOWN_ACCOUNT",
})  # fmt: skip
TYPES: Final = {ASSET: "Assets", EQUITY: "Equity", EXPENSE: "Expenses", INCOME: "Income", LIABILITY: "Liabilities"}

# INCREASE and DECREASE mean the other side here.
CONTRA: Final = frozenset({"DISCOUNTS", "DEPRECIATION_AND_AMORTIZATION"})
SOLD_INTO: Final = frozenset({"INCOME", "DISCOUNTS", "OTHER_INCOME"})
BOUGHT_FROM: Final = frozenset({"EXPENSE", "COST_OF_GOODS_SOLD", "PAYMENT_PROCESSING_FEES", "PAYROLL_EXPENSES"})
PAID_INTO: Final = frozenset({"CASH_AND_BANK", "MONEY_IN_TRANSIT"})


def type_of(subtype: str) -> str:
    return SUBTYPES[subtype][0]


def normal_side(type_: str) -> str:
    return "DEBIT" if type_ in (ASSET, EXPENSE) else "CREDIT"

"""Charts of accounts as companies really have them, and what a bookkeeper would map in each: the truth that mapping
suggestions are measured by.

``expected`` maps an account key to the account's fully qualified name, or to None where the chart has no account a
careful bookkeeper would use (one would be created).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

KEYS = (
    "CLEARING",
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

_BANK, _OCA, _OCL, _CARD = "Bank", "Other Current Asset", "Other Current Liability", "Credit Card"
_INCOME, _COGS, _EXPENSE = "Income", "Cost of Goods Sold", "Expense"


@dataclass(frozen=True, slots=True)
class SeedAccount:
    """``name`` is fully qualified: ``Parent:Child``; the parent comes earlier in the chart."""

    name: str
    account_type: str
    subtype: str
    number: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    slug: str
    about: str
    accounts: tuple[SeedAccount, ...]
    expected: Mapping[str, str | None]
    items: Mapping[str, str] = field(default_factory=dict)
    numbers: bool = False

    def __post_init__(self) -> None:
        names = {account.name for account in self.accounts}
        if set(self.expected) != set(KEYS) or not {name for name in self.expected.values() if name} <= names:
            raise ValueError(f"chart {self.slug}: every key is expected once and names an account of the chart")


def _expect(**named: str) -> dict[str, str | None]:
    return {key: named.get(key) for key in KEYS}


US_DEFAULT = Chart(
    slug="us_default",
    about="What QuickBooks makes for a US small business that answered the set-up questions and changed nothing",
    accounts=(
        SeedAccount("Checking", _BANK, "Checking"),
        SeedAccount("Savings", _BANK, "Savings"),
        SeedAccount("Business Visa", _CARD, "CreditCard"),
        SeedAccount("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
        SeedAccount("Inventory Asset", _OCA, "Inventory"),
        SeedAccount("Payments to deposit", _OCA, "UndepositedFunds"),
        SeedAccount("Prepaid expenses", _OCA, "PrepaidExpenses"),
        SeedAccount("Furniture & fixtures", "Fixed Asset", "FurnitureAndFixtures"),
        SeedAccount("Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
        SeedAccount("Sales tax to pay", _OCL, "SalesTaxPayable"),
        SeedAccount("Short-term business loans", _OCL, "LoanPayable"),
        SeedAccount("Long-term business loans", "Long Term Liability", "NotesPayable"),
        SeedAccount("Opening balance equity", "Equity", "OpeningBalanceEquity"),
        SeedAccount("Owner investments", "Equity", "OwnersEquity"),
        SeedAccount("Retained Earnings", "Equity", "RetainedEarnings"),
        SeedAccount("Sales", _INCOME, "SalesOfProductIncome"),
        SeedAccount("Services", _INCOME, "ServiceFeeIncome"),
        SeedAccount("Discounts given", _INCOME, "DiscountsRefundsGiven"),
        SeedAccount("Refunds to customers", _INCOME, "DiscountsRefundsGiven"),
        SeedAccount("Shipping income", _INCOME, "OtherPrimaryIncome"),
        SeedAccount("Uncategorized Income", _INCOME, "ServiceFeeIncome"),
        SeedAccount("Cost of goods sold", _COGS, "SuppliesMaterialsCogs"),
        SeedAccount("Cost of goods sold:Shipping", _COGS, "ShippingFreightDeliveryCos"),
        SeedAccount("Advertising & marketing", _EXPENSE, "AdvertisingPromotional"),
        SeedAccount("Commissions & fees", _EXPENSE, "CommissionsAndFees"),
        SeedAccount("Contract labor", _EXPENSE, "CostOfLabor"),
        SeedAccount("Insurance", _EXPENSE, "Insurance"),
        SeedAccount("Interest paid", _EXPENSE, "InterestPaid"),
        SeedAccount("Legal & accounting services", _EXPENSE, "LegalProfessionalFees"),
        SeedAccount("Meals", _EXPENSE, "EntertainmentMeals"),
        SeedAccount("Memberships & subscriptions", _EXPENSE, "DuesSubscriptions"),
        SeedAccount("Office expenses", _EXPENSE, "OfficeGeneralAdministrativeExpenses"),
        SeedAccount("Office expenses:Bank fees & service charges", _EXPENSE, "BankCharges"),
        SeedAccount("Rent", _EXPENSE, "RentOrLeaseOfBuildings"),
        SeedAccount("Repairs & maintenance", _EXPENSE, "RepairMaintenance"),
        SeedAccount("Shipping & postage", _EXPENSE, "ShippingFreightDelivery"),
        SeedAccount("Supplies", _EXPENSE, "SuppliesMaterials"),
        SeedAccount("Taxes paid", _EXPENSE, "TaxesPaid"),
        SeedAccount("Travel", _EXPENSE, "Travel"),
        SeedAccount("Utilities", _EXPENSE, "Utilities"),
        SeedAccount("Uncategorized Expense", _EXPENSE, "OtherMiscellaneousServiceCost"),
        SeedAccount("Interest earned", "Other Income", "InterestEarned"),
        SeedAccount("Other income", "Other Income", "OtherMiscellaneousIncome"),
        SeedAccount("Depreciation", "Other Expense", "Depreciation"),
    ),
    expected=_expect(
        SALES="Sales",
        SHIP_INCOME="Shipping income",
        PROMO="Discounts given",
        REFUNDS="Refunds to customers",
        CLAIMS="Refunds to customers",
        REIMB="Other income",
        FEE_SELLING="Commissions & fees",
        FEE_REFUND_ADMIN="Commissions & fees",
        FEE_INBOUND="Cost of goods sold:Shipping",
        SHIP_LABELS="Shipping & postage",
        ADS="Advertising & marketing",
        DEALS="Advertising & marketing",
        SUBSCRIPTION="Memberships & subscriptions",
        FEE_OTHER="Commissions & fees",
        OUTPUT_TAX="Sales tax to pay",
        LOAN="Short-term business loans",
        BANK="Checking",
        CHARGE_METHOD="Business Visa",
    ),
    items={"Services": "Services", "Hours": "Services"},
)

BOOKKEEPER = Chart(
    slug="bookkeeper",
    about="An e-commerce seller's chart, drawn up by a bookkeeper, numbered, one account per Amazon category",
    numbers=True,
    accounts=(
        SeedAccount("Chase Operating x4417", _BANK, "Checking", "10100"),
        SeedAccount("Chase Tax Savings x9920", _BANK, "Savings", "10110"),
        SeedAccount("Wise Multi-Currency", _BANK, "Checking", "10150"),
        SeedAccount("AMZ US Settlement Clearing", _OCA, "OtherCurrentAssets", "11500"),
        SeedAccount("AMZ US Unavailable Balance", _OCA, "OtherCurrentAssets", "11510"),
        SeedAccount("Shopify Clearing", _OCA, "OtherCurrentAssets", "11600"),
        SeedAccount("Undeposited Funds", _OCA, "UndepositedFunds", "11900"),
        SeedAccount("A/R - Wholesale", "Accounts Receivable", "AccountsReceivable", "12000"),
        SeedAccount("Inventory - FBA", _OCA, "Inventory", "13000"),
        SeedAccount("Inventory - In Transit", _OCA, "Inventory", "13100"),
        SeedAccount("A/P", "Accounts Payable", "AccountsPayable", "20000"),
        SeedAccount("Amex Plum x1003", _CARD, "CreditCard", "21000"),
        SeedAccount("Sales Tax Liability", _OCL, "SalesTaxPayable", "22000"),
        SeedAccount("Marketplace Facilitator Tax", _OCL, "OtherCurrentLiabilities", "22050"),
        SeedAccount("Amazon Lending", _OCL, "LoanPayable", "24000"),
        SeedAccount("SBA EIDL Loan", "Long Term Liability", "NotesPayable", "27000"),
        SeedAccount("Opening Balance Equity", "Equity", "OpeningBalanceEquity", "30000"),
        SeedAccount("Member Draw", "Equity", "PartnerDistributions", "31000"),
        SeedAccount("Retained Earnings", "Equity", "RetainedEarnings", "39000"),
        SeedAccount("Product Revenue", _INCOME, "SalesOfProductIncome", "40000"),
        SeedAccount("Product Revenue:Amazon US", _INCOME, "SalesOfProductIncome", "40100"),
        SeedAccount("Product Revenue:Shopify", _INCOME, "SalesOfProductIncome", "40200"),
        SeedAccount("Product Revenue:Wholesale", _INCOME, "SalesOfProductIncome", "40300"),
        SeedAccount("Shipping Charged to Customers", _INCOME, "OtherPrimaryIncome", "40800"),
        SeedAccount("Gift Wrap Revenue", _INCOME, "OtherPrimaryIncome", "40850"),
        SeedAccount("Sales Discounts & Coupons", _INCOME, "DiscountsRefundsGiven", "41000"),
        SeedAccount("Returns & Refunds", _INCOME, "DiscountsRefundsGiven", "41100"),
        SeedAccount("Chargebacks & A-to-z Claims", _INCOME, "DiscountsRefundsGiven", "41200"),
        SeedAccount("Liquidation Revenue", _INCOME, "OtherPrimaryIncome", "42000"),
        SeedAccount("FBA Reimbursements (Lost/Damaged)", "Other Income", "OtherMiscellaneousIncome", "49000"),
        SeedAccount("COGS", _COGS, "SuppliesMaterialsCogs", "50000"),
        SeedAccount("COGS:Product Cost", _COGS, "SuppliesMaterialsCogs", "50100"),
        SeedAccount("COGS:Freight In to FBA", _COGS, "ShippingFreightDeliveryCos", "50200"),
        SeedAccount("Merchant Fees", _EXPENSE, "CommissionsAndFees", "60000"),
        SeedAccount("Merchant Fees:AMZ Referral Fees", _EXPENSE, "CommissionsAndFees", "60100"),
        SeedAccount("Merchant Fees:AMZ Refund Processing", _EXPENSE, "CommissionsAndFees", "60150"),
        SeedAccount("Merchant Fees:Stripe/Shopify Payments", _EXPENSE, "CommissionsAndFees", "60200"),
        SeedAccount("Fulfillment - FBA Pick & Pack", _COGS, "ShippingFreightDeliveryCos", "51100"),
        SeedAccount("Fulfillment - FBA Storage", _EXPENSE, "OtherBusinessExpenses", "61200"),
        SeedAccount("Fulfillment - FBA Removals & Disposals", _EXPENSE, "OtherBusinessExpenses", "61300"),
        SeedAccount("Fulfillment - MFN Postage", _EXPENSE, "ShippingFreightDelivery", "61400"),
        SeedAccount("PPC - Amazon Sponsored", _EXPENSE, "AdvertisingPromotional", "62100"),
        SeedAccount("PPC - Meta/Google", _EXPENSE, "AdvertisingPromotional", "62200"),
        SeedAccount("Lightning Deals, Coupons & Vine", _EXPENSE, "AdvertisingPromotional", "62300"),
        SeedAccount("Software & SaaS", _EXPENSE, "DuesSubscriptions", "63000"),
        SeedAccount("AMZ Professional Plan", _EXPENSE, "DuesSubscriptions", "63010"),
        SeedAccount("AMZ Misc Fees", _EXPENSE, "OtherBusinessExpenses", "60900"),
        SeedAccount("Bank & Wire Fees", _EXPENSE, "BankCharges", "64000"),
        SeedAccount("Accounting & Legal", _EXPENSE, "LegalProfessionalFees", "65000"),
        SeedAccount("Ask My Accountant", _EXPENSE, "OtherMiscellaneousServiceCost", "99999"),
    ),
    expected=_expect(
        CLEARING="AMZ US Settlement Clearing",
        RESERVE="AMZ US Unavailable Balance",
        SALES="Product Revenue:Amazon US",
        SHIP_INCOME="Shipping Charged to Customers",
        WRAP_INCOME="Gift Wrap Revenue",
        PROMO="Sales Discounts & Coupons",
        REFUNDS="Returns & Refunds",
        CLAIMS="Chargebacks & A-to-z Claims",
        REIMB="FBA Reimbursements (Lost/Damaged)",
        FEE_SELLING="Merchant Fees:AMZ Referral Fees",
        FEE_FBA="Fulfillment - FBA Pick & Pack",
        FEE_REFUND_ADMIN="Merchant Fees:AMZ Refund Processing",
        FEE_STORAGE="Fulfillment - FBA Storage",
        FEE_INBOUND="COGS:Freight In to FBA",
        FEE_REMOVAL="Fulfillment - FBA Removals & Disposals",
        SHIP_LABELS="Fulfillment - MFN Postage",
        ADS="PPC - Amazon Sponsored",
        DEALS="Lightning Deals, Coupons & Vine",
        SUBSCRIPTION="AMZ Professional Plan",
        FEE_OTHER="AMZ Misc Fees",
        OUTPUT_TAX="Sales Tax Liability",
        LOAN="Amazon Lending",
        LIQUIDATION="Liquidation Revenue",
        BANK="Chase Operating x4417",
        CHARGE_METHOD="Amex Plum x1003",
    ),
    items={"Amazon order": "Product Revenue:Amazon US", "Wholesale case": "Product Revenue:Wholesale"},
)

ODD = Chart(
    slug="odd",
    about="A minimal chart with names that mislead: another platform's clearing, a savings account called Amazon, a"
    " vendor loan, two look-alike fee accounts",
    accounts=(
        SeedAccount("Main", _BANK, "Checking"),
        SeedAccount("Amazon rainy day", _BANK, "Savings"),
        SeedAccount("Etsy clearing", _OCA, "OtherCurrentAssets"),
        SeedAccount("Undeposited Funds", _OCA, "UndepositedFunds"),
        SeedAccount("AR", "Accounts Receivable", "AccountsReceivable"),
        SeedAccount("Loan from Dad", "Long Term Liability", "NotesPayable"),
        SeedAccount("Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
        SeedAccount("Retained Earnings", "Equity", "RetainedEarnings"),
        SeedAccount("Money in", _INCOME, "SalesOfProductIncome"),
        SeedAccount("Money back", _INCOME, "DiscountsRefundsGiven"),
        SeedAccount("Stuff we sell", _COGS, "SuppliesMaterialsCogs"),
        SeedAccount("Platform fees", _EXPENSE, "CommissionsAndFees"),
        SeedAccount("Trade fair fees", _EXPENSE, "AdvertisingPromotional"),
        SeedAccount("Everything else", _EXPENSE, "OtherMiscellaneousServiceCost"),
        SeedAccount("Warehouse rent", _EXPENSE, "RentOrLeaseOfBuildings"),
    ),
    expected=_expect(
        SALES="Money in",
        REFUNDS="Money back",
        CLAIMS="Money back",
        PROMO="Money back",
        FEE_SELLING="Platform fees",
        FEE_FBA="Platform fees",
        FEE_REFUND_ADMIN="Platform fees",
        FEE_OTHER="Platform fees",
        SUBSCRIPTION="Platform fees",
        BANK="Main",
        CHARGE_METHOD="Main",
    ),
)

CHARTS = {chart.slug: chart for chart in (US_DEFAULT, BOOKKEEPER, ODD)}

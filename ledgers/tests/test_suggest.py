import pytest

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from ledgers.port import RemoteAccount
from ledgers.suggest import suggest

C, K = AccountClass, AccountKey


def chart(*accounts: tuple[str, AccountClass | None]) -> list[RemoteAccount]:
    """Accounts whose id is their name."""
    return [RemoteAccount(id=name, name=name, type="", account_class=of) for name, of in accounts]


def suggested(key: AccountKey, *accounts: tuple[str, AccountClass | None]) -> str:
    suggestion = suggest([key], chart(*accounts)).get(key)
    return suggestion.account_id if suggestion else ""


def test_our_own_default_names_are_recognised() -> None:
    defaults = [
        RemoteAccount(
            key.value, account.name, "Equity/OpeningBalanceEquity" if key is K.OPENING else "", account.account_class
        )
        for key, account in ACCOUNTS.items()
    ]

    found = suggest(ACCOUNTS, defaults)

    assert {key: suggestion.account_id for key, suggestion in found.items()} == {key: key.value for key in ACCOUNTS}


@pytest.mark.parametrize(
    ("key", "name", "account_class"),
    [
        (K.CLEARING, "AMZ Settlement Clearing", C.CURRENT_ASSET),
        (K.RESERVE, "Amazon reserve", C.CURRENT_ASSET),
        (K.SALES, "Sales - Amazon.com", C.INCOME),
        (K.SALES, "Sales of Product Income", C.INCOME),
        (K.SHIP_INCOME, "Shipping Income", C.INCOME),
        (K.REFUNDS, "Sales Returns & Allowances", C.CONTRA_INCOME),
        (K.REFUNDS, "Discounts/Refunds Given", C.CONTRA_INCOME),
        (K.PROMO, "Discounts/Refunds Given", C.CONTRA_INCOME),
        (K.REIMB, "FBA Inventory Reimbursements", C.OTHER_INCOME),
        (K.FEE_SELLING, "Amazon Seller Fees", C.EXPENSE),
        (K.FEE_SELLING, "Amazon Fees:Referral Fees", C.COST_OF_SALES),
        (K.FEE_FBA, "Amazon Fees:Fulfillment", C.EXPENSE),
        (K.FEE_STORAGE, "FBA storage", C.EXPENSE),
        (K.FEE_INBOUND, "Freight In", C.COST_OF_SALES),
        (K.ADS, "Advertising & Marketing", C.EXPENSE),
        (K.ADS, "Amazon PPC", C.EXPENSE),
        (K.SUBSCRIPTION, "Dues & Subscriptions", C.EXPENSE),
        (K.LOAN, "Amazon Lending Loan", C.LOAN),
        (K.TAX_CLEARING, "Marketplace Facilitator Tax", C.CURRENT_LIABILITY),
        (K.AR, "Accounts Receivable (A/R)", C.RECEIVABLE),
    ],
)
def test_usual_names_are_recognised(key: AccountKey, name: str, account_class: AccountClass) -> None:
    assert suggested(key, (name, account_class)) == name


@pytest.mark.parametrize(
    ("key", "name", "account_class"),
    [
        (K.CLEARING, "Shopify Clearing", C.CURRENT_ASSET),
        (K.CLEARING, "Amazon Clearing", C.BANK),
        (K.CLEARING, "Amazon Clearing", None),
        (K.CLEARING, "Clearing account", C.CURRENT_ASSET),
        (K.SALES, "Consulting Sales", C.INCOME),
        (K.SALES, "Etsy:Sales", C.INCOME),
        (K.FEE_SELLING, "PayPal Fees", C.EXPENSE),
        (K.FEE_SELLING, "Merchant Account Fees", C.EXPENSE),
        (K.FEE_STORAGE, "Cloud Storage", C.EXPENSE),
        (K.ADS, "Google Ads", C.EXPENSE),
        (K.REIMB, "Employee Expense Reimbursement", C.OTHER_INCOME),
        (K.LOAN, "PPP Loan", C.LOAN),
        (K.SUBSCRIPTION, "Software Subscriptions", C.EXPENSE),
        (K.SHIP_LABELS, "Shipping Supplies", C.EXPENSE),
        (K.REFUNDS, "Tax Refunds", C.INCOME),
        (K.BANK, "Business Savings", C.BANK),
        (K.BANK, "Petty Cash", C.BANK),
    ],
)
def test_what_only_resembles_is_left_to_a_person(
    key: AccountKey, name: str, account_class: AccountClass | None
) -> None:
    assert suggested(key, (name, account_class)) == ""


def test_amazons_own_account_wins_over_the_general_one() -> None:
    accounts = [("Advertising & Marketing", C.EXPENSE), ("Amazon Advertising", C.EXPENSE)]

    assert suggested(K.ADS, *accounts) == "Amazon Advertising"


def test_two_that_fit_alike_are_left_to_a_person() -> None:
    assert suggested(K.SALES, ("Amazon Sales US", C.INCOME), ("Amazon Sales USA", C.INCOME)) == ""


def test_the_general_sales_account_is_not_amazons_where_channels_are_kept_apart() -> None:
    assert suggested(K.SALES, ("Sales", C.INCOME), ("Shopify Sales", C.INCOME)) == ""


def test_the_payout_bank_is_suggested_only_where_it_is_plain() -> None:
    plain = [("Chase Checking", C.BANK), ("Chase Savings", C.BANK)]
    open_question = [*plain, ("Wells Fargo Checking", C.BANK)]

    assert suggested(K.BANK, *plain) == "Chase Checking"
    assert suggested(K.BANK, *open_question) == ""


def test_an_inactive_account_is_never_suggested() -> None:
    gone = RemoteAccount("1", "Amazon Sales", "", C.INCOME, active=False)

    assert suggest([K.SALES], [gone]) == {}


def test_a_suggestion_says_why() -> None:
    found = suggest([K.ADS], chart(("Amazon Advertising", C.EXPENSE)))

    assert "Amazon Advertising" in found[K.ADS].reason
    assert 0.5 < found[K.ADS].confidence <= 1

import pytest

from bookkeeping.accounts import ACCOUNTS, SYSTEM, AccountClass, AccountKey
from ledgers.port import RemoteAccount
from ledgers.suggest import suggest

C, K = AccountClass, AccountKey


def chart(*accounts: tuple[str, AccountClass | None]) -> list[RemoteAccount]:
    """Accounts whose id is their name."""
    return [RemoteAccount(id=name, name=name, type="", account_class=of) for name, of in accounts]


def suggested(key: AccountKey, *accounts: tuple[str, AccountClass | None]) -> str:
    """The account that is surely the key's."""
    suggestion = suggest([key], chart(*accounts)).get(key)
    return suggestion.account_id if suggestion and suggestion.sure else ""


def near(key: AccountKey, *accounts: tuple[str, AccountClass | None], taken: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The accounts that only a person can tell from the key's."""
    suggestion = suggest([key], chart(*accounts), taken).get(key)
    return suggestion.accounts if suggestion and not suggestion.sure else ()


def test_our_own_default_names_are_recognised() -> None:
    own = {K.OPENING: "Equity/OpeningBalanceEquity", K.PETTY: "asset/Petty Cash", K.REVENUE: "income/Revenue"}
    defaults = [
        RemoteAccount(key.value, account.name, own.get(key, ""), account.account_class)
        for key, account in ACCOUNTS.items()
    ]

    found = suggest(ACCOUNTS, defaults)

    assert {key: suggestion.account_id for key, suggestion in found.items()} == {key: key.value for key in ACCOUNTS}


@pytest.mark.parametrize(
    ("key", "name", "account_class"),
    [
        (K.CLEARING, "AMZ Settlement Clearing", C.CURRENT_ASSET),
        (K.CLEARING, "11500 · AMZ Settlement Clearing", C.CURRENT_ASSET),
        (K.CLEARING, "Amazon Seller Account (USD)", C.CURRENT_ASSET),
        (K.OUTPUT_TAX, "Sales Tax to Remit", C.CURRENT_LIABILITY),
        (K.RESERVE, "AMZ US Unavailable Balance", C.CURRENT_ASSET),
        (K.SALES, "Product Revenue:Amazon US", C.INCOME),
        (K.SALES, "Sales - Amazon", C.INCOME),
        (K.SHIP_INCOME, "Shipping Charged to Customers", C.INCOME),
        (K.CLAIMS, "Chargebacks & A-to-z Claims", C.CONTRA_INCOME),
        (K.FEE_STORAGE, "Fulfillment - FBA Storage", C.EXPENSE),
        (K.FEE_SELLING, "Merchant Fees:Amazon", C.EXPENSE),
        (K.SHIP_LABELS, "Fulfillment - MFN Postage", C.EXPENSE),
        (K.DEALS, "Lightning Deals, Coupons & Vine", C.EXPENSE),
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
        (K.OUTPUT_TAX, "Sales Taxes Payable", C.CURRENT_LIABILITY),
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


# What stays of a default name once Amazon is not in it, where another account may well be called so.
NOT_AMAZONS = {K.LOAN: "Lending", K.DEFERRED: "Deferred Receivable"}
SPELLINGS = {
    "without Amazon": lambda name: name.replace("Amazon ", ""),
    "as a sub-account": lambda name: f"Amazon:{name.replace('Amazon ', '')}",
    "after a dash": lambda name: f"Amazon - {name.replace('Amazon ', '')}",
    "shortened": lambda name: name.replace("Amazon", "AMZ"),
    "with a number": lambda name: f"4010 {name}",
    "with a country": lambda name: f"{name} US",
    "in capitals": lambda name: name.upper(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_account_that_is_called_nearly_like_a_default_goes_unseen(spelling: str) -> None:
    """Nothing is made beside it: it is taken where it is surely meant, or shown to a person."""
    by_class = {K.BANK, K.CHARGE_METHOD, K.OPENING, *SYSTEM}
    names = {key: SPELLINGS[spelling](account.name) for key, account in ACCOUNTS.items() if key not in by_class}
    alike = {key: name for key, name in names.items() if NOT_AMAZONS.get(key) != name}

    seen = {key: suggest([key], chart((name, ACCOUNTS[key].account_class))) for key, name in alike.items()}

    assert [key for key, found in seen.items() if not found] == []


@pytest.mark.parametrize(
    ("key", "accounts", "named"),
    [
        (K.SALES, [("Amazon Sales US", C.INCOME), ("Amazon Sales USA", C.INCOME)], 2),
        (K.CLEARING, [("Clearing account", C.CURRENT_ASSET)], 1),
        (K.REIMB, [("FBA Reimbursements", C.COST_OF_SALES)], 1),
        (K.FEE_INBOUND, [("Cost of goods sold:Shipping", C.COST_OF_SALES)], 1),
        (K.FEE_SELLING, [("Platform fees", C.EXPENSE)], 1),
        (K.SALES, [("Money in", C.INCOME)], 1),
        (K.REFUNDS, [("Money back", C.CONTRA_INCOME)], 1),
        (K.CHARGE_METHOD, [("Visa", C.CARD), ("Amex", C.CARD)], 2),
        (K.BANK, [("Chase Checking", C.BANK), ("Wells Fargo Checking", C.BANK)], 2),
    ],
)
def test_what_may_be_meant_is_shown_and_not_taken(
    key: AccountKey, accounts: list[tuple[str, AccountClass]], named: int
) -> None:
    assert suggested(key, *accounts) == ""
    assert len(near(key, *accounts)) == named


def test_an_account_of_another_class_is_not_near() -> None:
    assert near(K.FEE_STORAGE, ("Amazon Storage Fees", C.INCOME)) == ()
    assert near(K.SHIP_INCOME, ("Shipping & postage", C.EXPENSE)) == ()


def test_what_serves_another_key_is_not_near() -> None:
    freight = ("Freight & delivery", C.EXPENSE)

    assert near(K.FEE_INBOUND, freight) == ("Freight & delivery",)
    assert near(K.FEE_INBOUND, freight, taken=("Freight & delivery",)) == ()
    assert K.FEE_INBOUND not in suggest([K.FEE_INBOUND, K.SHIP_LABELS], chart(freight))


def test_a_suggestion_says_why() -> None:
    found = suggest([K.ADS], chart(("Amazon Advertising", C.EXPENSE)))

    assert "Amazon Advertising" in found[K.ADS].reason
    assert found[K.ADS].sure


def test_clearing_is_found_among_the_accounts_of_the_class_that_a_ledger_wants() -> None:
    accounts = chart(("Business Checking", C.BANK), ("Amazon Clearing US", C.BANK))

    found = suggest([K.CLEARING, K.BANK], accounts, classes={K.CLEARING: C.BANK})

    assert {key: (one.account_id, one.sure) for key, one in found.items()} == {
        K.CLEARING: ("Amazon Clearing US", True),
        K.BANK: ("Business Checking", True),
    }


@pytest.mark.parametrize("name", ["Amazon Clearing US (USD)", "Amazon Seller Account (USD)", "Amazon Clearing US"])
def test_what_is_named_for_another_currency_is_no_clearing_account(name: str) -> None:
    accounts = chart((name, C.CURRENT_ASSET))

    of_pounds = suggest([K.CLEARING], accounts, currency="GBP")
    of_dollars = suggest([K.CLEARING], accounts, currency="USD")

    assert of_pounds == {}
    assert of_dollars[K.CLEARING].sure


def test_what_another_currency_passes_through_is_suggested_for_all_else() -> None:
    accounts = chart(("Amazon Clearing", C.CURRENT_ASSET), ("Amazon Sales", C.INCOME))

    found = suggest([K.CLEARING, K.SALES], accounts, currency="GBP", elsewhere={"Amazon Clearing", "Amazon Sales"})

    assert set(found) == {K.SALES}

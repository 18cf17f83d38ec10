"""Which account may serve which kind of amount, and how they are grouped for choosing."""

import pytest

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from flows.fitting import fits, grouped, usual, warning
from ledgers.port import RemoteAccount

C, K = AccountClass, AccountKey
SALES = RemoteAccount("1", "Sales", "Income/SalesOfProductIncome", C.INCOME)
GIVEN = RemoteAccount("2", "Discounts given", "Income/DiscountsRefundsGiven", C.CONTRA_INCOME)
FEES = RemoteAccount("3", "Fees", "Expense/OtherBusinessExpenses", C.EXPENSE)
GOODS = RemoteAccount("4", "Cost of goods sold", "Cost of Goods Sold/SuppliesMaterialsCogs", C.COST_OF_SALES)
PROFIT_AND_LOSS = [FEES, GOODS, GIVEN, SALES]


@pytest.mark.parametrize("key", AccountKey)
def test_what_is_usual_fits(key: AccountKey) -> None:
    if key is K.AR:
        return  # the ledger's own

    accounts = [RemoteAccount("", "", "", of_class) for of_class in usual(key)]

    assert accounts
    assert all(fits(key, account) for account in accounts)
    assert usual(key)[0] is ACCOUNTS[key].account_class


@pytest.mark.parametrize(
    ("key", "currency", "fitting"),
    [(K.CLEARING, "USD", True), (K.CLEARING, "", True), (K.CLEARING, "EUR", False), (K.INPUT_TAX, "EUR", True)],
)
def test_money_passes_only_through_accounts_of_its_own_currency(key: AccountKey, currency: str, fitting: bool) -> None:
    account = RemoteAccount("5", "Amazon", "Other Current Asset", C.CURRENT_ASSET, currency)

    assert fits(key, account, "USD") is fitting


@pytest.mark.parametrize(
    ("key", "headings"),
    [
        (K.SALES, ["Income", "Unusual here: Cost of Goods Sold", "Unusual here: Expense", "Unusual here: Income"]),
        (K.REFUNDS, ["Income", "Unusual here: Cost of Goods Sold", "Unusual here: Expense"]),
        (K.FEE_SELLING, ["Expense", "Cost of Goods Sold", "Unusual here: Income"]),
        (K.FEE_INBOUND, ["Cost of Goods Sold", "Expense", "Unusual here: Income"]),
    ],
)
def test_accounts_of_the_usual_types_come_first(key: AccountKey, headings: list[str]) -> None:
    assert [heading for heading, _ in grouped([key], PROFIT_AND_LOSS)] == headings


def test_what_may_be_meant_stands_before_all_and_only_there() -> None:
    groups = grouped([K.SALES], PROFIT_AND_LOSS, first=["2"])

    assert groups[0] == ("Perhaps", [GIVEN])
    assert sum(GIVEN in some for _, some in groups) == 1


@pytest.mark.parametrize(
    ("key", "account", "warned"),
    [
        (K.SALES, SALES, False),
        (K.SALES, FEES, True),
        (K.REFUNDS, SALES, False),
        (K.FEE_SELLING, GOODS, False),
        (K.FEE_SELLING, GIVEN, True),
        (K.REIMB, GOODS, False),
        (K.CLAIMS, FEES, False),
    ],
)
def test_an_unusual_type_is_said(key: AccountKey, account: RemoteAccount, warned: bool) -> None:
    assert bool(warning(key, account)) is warned


def test_a_ledger_may_want_another_class_of_account_for_a_key() -> None:
    asset, bank = (
        RemoteAccount("8", "Amazon", "asset", C.CURRENT_ASSET),
        RemoteAccount("9", "Amazon", "bank", C.BANK),
    )
    in_banks = {K.CLEARING: C.BANK}

    assert (fits(K.CLEARING, asset), fits(K.CLEARING, bank)) == (True, False)
    assert (fits(K.CLEARING, asset, classes=in_banks), fits(K.CLEARING, bank, classes=in_banks)) == (False, True)


def test_where_refunds_can_only_be_a_cost_an_expense_is_usual_for_them() -> None:
    costs = dict.fromkeys((K.REFUNDS, K.CLAIMS), C.EXPENSE)

    assert [bool(warning(K.REFUNDS, account, costs)) for account in (FEES, GOODS, SALES)] == [False, False, True]
    assert usual(K.CLAIMS, costs) == (C.EXPENSE, C.COST_OF_SALES)

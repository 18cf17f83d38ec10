"""Money transactions: what balances, what is refused, what a second one of the same externalId does."""

from decimal import Decimal

import pytest

from .conftest import ACCOUNTS, Api, business

UNBALANCED = "Transaction must have at least one debit and credit line item."


def balance(api, name, field="balance"):
    """As the API answers it."""
    return api.of(f"account(id: $a) {{ {field} }}", a=("ID!", api.account(name)))["account"][field]


def test_deposit_debits_its_anchor_and_lines_may_stand_on_both_sides(api):
    api.post("85.00", ("Goods", "100.00"), ("Fees", "-15.00"))

    assert api.balances() == {"Clearing": "85.00", "Goods": "-100.00", "Fees": "15.00"}
    assert [balance(api, name) for name in ("Clearing", "Goods", "Fees", "Bank")] == [
        "85.00",
        "100.00",
        "15.00",
        "0.00",
    ]
    assert isinstance(balance(api, "Clearing", "balanceInBusinessCurrency"), str)


def test_withdrawal_credits_its_anchor(api):
    api.post("-20", ("Payouts", "-20"), date="2026-10-06")

    assert api.balances() == {"Clearing": "-20.00", "Payouts": "20.00"}
    [kept] = api.remote.control("transactions", {"business": api.id})
    assert (kept["externalId"], kept["date"], kept["anchor"]["direction"], kept["by"]) == ("e1", "2026-10-06",
                                                                                        "WITHDRAWAL", "api")  # fmt: skip


def test_balances_may_all_be_signed_by_the_debit_side(api):
    api.remote.switches["balance_sign"] = "debit_positive"
    api.post("10", ("Goods", "10"))

    assert (balance(api, "Clearing"), balance(api, "Goods")) == ("10.00", "-10.00")


@pytest.mark.parametrize(
    ("name", "word", "side"),
    [("Goods", "INCREASE", -1), ("Goods", "DECREASE", 1), ("Fees", "INCREASE", 1), ("Payouts", "DECREASE", -1),
     ("Tax", "INCREASE", -1), ("Promo", "INCREASE", 1), ("Promo", "DECREASE", -1)],
)  # fmt: skip
def test_increase_follows_the_normal_side_except_for_discounts(api, name, word, side):
    line = api.line(name, "5", balance=word)
    amount = "-5" if side > 0 else "5"
    api.post(amount, lineItems=[line])

    assert Decimal(api.balances()[name]) == side * 5


def test_balance_left_out_is_an_increase(api):
    line = {"accountId": api.account("Goods"), "amount": "5"}

    assert isinstance(api.post("5", lineItems=[line]), str)


@pytest.mark.parametrize(
    ("amount", "lines"),
    [("10", [("Goods", "9.99")]), ("10", [("Goods", "-10")]), ("10", []), ("-10", [("Goods", "10")])],
    ids=["a cent off", "same side as the anchor", "no line", "withdrawal against a credit"],
)
def test_unbalanced_transaction_is_refused_with_the_text_that_was_seen(api, amount, lines):
    answer = api.do("moneyTransactionCreate", "transaction { id }", businessId=api.id, **api.posting(amount, *lines))

    assert [(each["message"], each["path"]) for each in answer["inputErrors"]] == [(UNBALANCED, ["input", "lineItems"])]
    assert answer["transaction"] is None
    assert api.balances() == {}


@pytest.mark.parametrize("amount", ["0", "-5", "1.005", "0.001"])
def test_amounts_are_unsigned_with_two_decimals(api, amount):
    anchor = {"accountId": api.account("Clearing"), "amount": amount, "direction": "DEPOSIT"}

    given = {**api.posting("5", ("Goods", "5")), "anchor": anchor}
    line = {**api.posting("5"), "lineItems": [api.line("Goods", "5") | {"amount": amount}]}
    assert api.refused("moneyTransactionCreate", businessId=api.id, **given) == ["input.anchor.amount"]
    assert api.refused("moneyTransactionCreate", businessId=api.id, **line) == ["input.lineItems.0.amount"]


def test_yen_have_no_decimals(remote):
    api = Api(remote, business(remote, currency="JPY"))
    api.post("500", ("Goods", "500.00"))

    assert api.post_refused("500.5", ("Goods", "500.5"), external="e2") == ["input.anchor.amount"]
    assert balance(api, "Clearing") == "500"
    assert remote.books(api.id).balance("Clearing") == 500


def test_two_decimals_are_the_most_even_where_the_currency_has_three(remote):
    api = Api(remote, business(remote, currency="BHD"))

    assert api.post_refused("1.001", ("Goods", "1.001")) == ["input.anchor.amount"]
    assert isinstance(api.post("1.01", ("Goods", "1.010")), str)
    assert remote.books(api.id).balance("Clearing") == 1010


def test_anchor_is_a_money_account(api):
    for number, (anchor, taken) in enumerate(
        {"Clearing": True, "Card": True, "Transit": False, "Payouts": False, "Goods": False}.items()
    ):
        answer = api.post("5", ("Goods", "5"), anchor=anchor, external=f"a{number}")
        assert isinstance(answer, str) is taken, anchor
    api.remote.switches["money_in_transit_anchor"] = "allowed"
    assert isinstance(api.post("5", ("Goods", "5"), anchor="Transit", external="b"), str)
    api.remote.switches["anchor_whitelist"] = "lenient"
    assert isinstance(api.post("5", ("Goods", "5"), anchor="Payouts", external="c"), str)
    for anchor in ("Fees", "Accounts Receivable"):
        assert api.post_refused("5", ("Goods", "5"), anchor=anchor, external="d") == ["input.anchor.accountId"]


@pytest.mark.parametrize("name", ["Bank", "Card", "Transit", "Accounts Receivable", "Uncategorized Income"])
def test_bank_and_system_accounts_are_no_lines(api, name):
    assert api.post_refused("5", (name, "5")) == ["input.lineItems.0.accountId"]


def test_archived_account_takes_nothing_any_more(api):
    api.do("accountArchive", id=api.account("Goods"))
    api.remote.control("archive_account", {"business": api.id, "account": "Bank"})

    assert api.post_refused("5", ("Goods", "5")) == ["input.lineItems.0.accountId"]
    assert api.post_refused("5", ("Fees", "5"), anchor="Bank") == ["input.anchor.accountId"]
    api.remote.control("restore_account", {"business": api.id, "account": "Goods"})
    assert isinstance(api.post("5", ("Goods", "5")), str)


def test_classic_accounting_takes_no_transactions(api):
    api.remote.control("set_classic", {"business": api.id})

    assert api.of("isClassicAccounting") == {"isClassicAccounting": True}
    assert api.post_refused("5", ("Goods", "5")) == ["input.businessId"]


def test_closed_period_refuses_or_accepts_silently(api):
    api.remote.control("close_period", {"business": api.id, "date": "2026-10-31"})
    refused = api.post_refused("5", ("Goods", "5"))
    later = api.post("5", ("Goods", "5"), external="e2", date="2026-11-01")
    api.remote.switches["closed_period"] = "accept"

    assert refused == ["input.date"]
    assert isinstance(later, str)
    assert isinstance(api.post("5", ("Goods", "5"), external="e3"), str)


def test_line_limit_when_there_is_one(api):
    api.remote.switches["line_limit"] = 2

    assert api.post_refused("3", ("Goods", "1"), ("Goods", "1"), ("Goods", "1")) == ["input.lineItems"]
    assert isinstance(api.post("2", ("Goods", "1"), ("Goods", "1")), str)


# The same externalId again


def test_duplicate_is_refused(api):
    api.post("5", ("Goods", "5"))
    answer = api.do("moneyTransactionCreate", businessId=api.id, **api.posting("5", ("Goods", "5")))

    assert (answer["inputErrors"][0]["path"], "already exists" in answer["inputErrors"][0]["message"]) == (
        ["input", "externalId"], True,
    )  # fmt: skip
    assert api.post_refused("5", ("Goods", "5"), external=" ") == ["input.externalId"]
    assert isinstance(Api(api.remote, business(api.remote)).post("5", ("Goods", "5")), str)


def test_duplicate_answers_the_first(api):
    api.remote.switches["duplicate_external_id"] = "first"
    first, second = api.post("5", ("Goods", "5")), api.post("7", ("Goods", "7"))

    assert first == second
    assert api.balances()["Clearing"] == "5.00"


def test_duplicate_posts_twice(api):
    api.remote.switches["duplicate_external_id"] = "twice"
    first, second = api.post("5", ("Goods", "5")), api.post("5", ("Goods", "5"))

    assert first != second
    assert api.balances()["Clearing"] == "10.00"


def test_external_id_of_a_deleted_transaction_is_taken_or_free(api):
    made = api.post("5", ("Goods", "5"))
    api.remote.control("delete_transaction", {"business": api.id, "id": made})
    gone = api.balances()
    taken = api.post_refused("5", ("Goods", "5"))
    api.remote.switches["external_id_after_delete"] = "free"

    assert (gone, taken) == ({}, ["input.externalId"])
    assert isinstance(api.post("5", ("Goods", "5")), str)
    assert api.balances()["Clearing"] == "5.00"


# Several at once


def bulk(api, *postings):
    return api.ask(
        "mutation($i: MoneyTransactionsCreateInput!) { moneyTransactionsCreate(input: $i)"
        " { didSucceed inputErrors { path } transactions { id } } }",
        i={"businessId": api.id, "transactions": list(postings)},
    )["moneyTransactionsCreate"]


def test_bulk_creates_all(api):
    answer = bulk(api, *(api.posting("5", ("Goods", "5"), external=f"e{number}") for number in range(3)))

    assert (answer["didSucceed"], answer["inputErrors"]) == (True, None)
    assert len({each["id"] for each in answer["transactions"]}) == 3
    assert api.balances()["Clearing"] == "15.00"


@pytest.mark.parametrize("bulk_is", ["atomic", "partial"])
def test_bulk_with_a_refused_one_is_atomic_or_partial(api, bulk_is):
    api.remote.switches["bulk"] = bulk_is
    good, bad = api.posting("5", ("Goods", "5")), api.posting("5", ("Goods", "4"), external="e2")

    answer = bulk(api, good, bad, good)

    assert answer["didSucceed"] is False
    assert [each["path"] for each in answer["inputErrors"]] == [
        ["input", "transactions", "1", "lineItems"],
        ["input", "transactions", "2", "externalId"],
    ]
    if bulk_is == "atomic":
        assert (answer["transactions"], api.balances()) == (None, {})
    else:
        assert [each is None for each in answer["transactions"]] == [False, True, True]
        assert api.balances()["Clearing"] == "5.00"


# Taxes and currencies


@pytest.mark.parametrize(("line_tax", "anchor", "goods"), [("on_top", "105", "-100.00"), ("included", "100", "-95.00")])
def test_tax_of_a_line_goes_to_its_account_on_the_same_side(api, line_tax, anchor, goods):
    api.remote.switches["line_tax"] = line_tax
    tax = api.do("salesTaxCreate", "salesTax { id }", businessId=api.id, name="GST", abbreviation="GST", rate="0.05")
    line = api.line(
        "Goods", "100", taxes=[{"salesTaxId": tax["id"], "amount": "5"}], customerId=api.made["customers"]["Amazon"]
    )

    api.post(anchor, lineItems=[line])

    assert api.balances() == {"Clearing": f"{anchor}.00", "Goods": goods, "GST": "-5.00"}


def test_foreign_anchor_is_converted_at_the_rate_of_the_business(remote):
    pounds = {"subtype": "CASH_AND_BANK", "currency": "GBP"}
    euros = {"subtype": "OTHER_CURRENT_ASSETS", "currency": "EUR"}
    made = business(remote, accounts={**ACCOUNTS, "Pounds": pounds, "Euros": euros}, rates={"GBP": "1.255"})
    api = Api(remote, made)
    api.post("1.01", ("Goods", "0.50"), ("Fees", "0.51"), anchor="Pounds")

    assert (balance(api, "Pounds"), balance(api, "Pounds", "balanceInBusinessCurrency")) == ("1.01", "1.27")
    assert api.balances() == {"Pounds": "1.27", "Goods": "-0.63", "Fees": "-0.64"}
    assert api.post_refused("1", ("Euros", "1"), external="e2") == ["input.lineItems.0.accountId"]
    remote.control("set_rate", {"business": api.id, "currency": "GBP", "rate": "2"})
    api.post("-1.01", ("Goods", "-1.01"), anchor="Pounds", external="e3")
    assert (balance(api, "Pounds"), balance(api, "Pounds", "balanceInBusinessCurrency")) == ("0.00", "-0.75")


def test_what_converting_each_line_leaves_over_goes_to_the_anchor(remote):
    pounds = {"subtype": "CASH_AND_BANK", "currency": "GBP"}
    api = Api(remote, business(remote, accounts={**ACCOUNTS, "Pounds": pounds}, rates={"GBP": "1.25"}))
    api.post("0.30", *((name, "0.10") for name in ("Goods", "Tax", "Promo")), anchor="Pounds")

    assert api.balances() == {"Pounds": "0.39", "Goods": "-0.13", "Tax": "-0.13", "Promo": "-0.13"}


# Fresh and stale balances


def test_balance_shows_a_posting_late(api):
    api.remote.switches["balance_lag_s"] = 90
    api.post("5", ("Goods", "5"))
    at_once = balance(api, "Clearing")
    api.remote.clock.advance(60)
    api.post("3", ("Goods", "3"), external="e2")
    minute = balance(api, "Clearing")
    api.remote.clock.advance(30)
    first = balance(api, "Clearing")
    api.remote.clock.advance(60)

    assert (at_once, minute, first, balance(api, "Clearing")) == ("0.00", "0.00", "5.00", "8.00")
    assert api.balances()["Clearing"] == "8.00"


def test_old_balances_are_forgotten_and_the_last_one_stays(api):
    for number in range(4):
        api.remote.clock.advance(2300 if number else 0)
        api.post("1", ("Goods", "1"), external=f"e{number}")
    rows = api.remote.store.execute("SELECT home FROM wave_balances WHERE account = ?", (api.account("Clearing"),))

    assert [row[0] for row in rows] == [200, 300, 400]
    api.remote.switches["balance_lag_s"] = 3600
    assert balance(api, "Clearing") == "2.00"

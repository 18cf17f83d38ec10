"""Expenses, other income and credits: what they do to Petty Cash."""

from decimal import Decimal

import pytest

EXPENSES = "expenses/expenses"
INCOMES = "other_incomes/other_incomes"
CREDITS = "credit_notes/credit_notes"


# Expenses and other income


def test_expense_goes_from_petty_cash_to_its_category(api):
    made = api.post(EXPENSES, api.expense("12.75"))

    assert (made["status"], made["isduplicate"], made["is_cogs"]) == (0, False, False)
    assert api.balance("Petty Cash") == Decimal("-12.75")
    assert api.balance("Operating Expenses:Commissions") == Decimal("12.75")


def test_same_looking_expense_is_accepted_and_flagged(api):
    api.post(EXPENSES, api.expense("12.75"))

    again = api.post(EXPENSES, api.expense("12.75"))
    other = api.post(EXPENSES, api.expense("12.76"))
    saved = api.put(EXPENSES, other["id"], {"has_receipt": True})

    assert (again["isduplicate"], other["isduplicate"], saved["isduplicate"]) == (True, False, False)
    api.put(EXPENSES, other["id"], {"vis_state": 1})
    assert api.balance("Petty Cash") == Decimal("-25.50")


def test_tax_is_a_part_of_the_expense(api):
    made = api.post(EXPENSES, api.expense("11.00", taxName1="GST", taxPercent1="10"))

    assert made["taxAmount1"]["amount"] == "1.00"
    assert (api.balance("Operating Expenses:Commissions"), api.balance("Taxes Payable")) == (10, 1)


def test_cost_of_goods_category_is_flagged(api):
    made = api.post(EXPENSES, api.expense("5.00", categoryid=api.category("Cost of Shipping & Handling")))

    assert made["is_cogs"] is True


@pytest.mark.parametrize(
    ("fields", "errno"),
    [
        ({"amount": {"amount": "-1.00", "code": "USD"}}, 1004),
        ({"categoryid": 1}, 1012),
        ({"staffid": 9}, 1012),
        ({"staffid": None}, 1001),
        ({"date": "2026-13-01"}, 1033),
        ({"taxName1": "GST", "taxAmount1": {"amount": "5.00", "code": "USD"}}, 1004),
    ],
)
def test_wrong_expense_is_refused(api, fields, errno):
    assert api.post(EXPENSES, api.expense("1.00", **fields)) == errno


def test_expense_in_an_archived_category_is_refused(api):
    api.do("archive_account", id="Operating Expenses:Commissions")

    assert api.post(EXPENSES, api.expense("1.00")) == 1042


def test_deleted_expense_leaves_the_books(api):
    made = api.post(EXPENSES, api.expense("12.75"))

    api.put(EXPENSES, made["id"], {"vis_state": 1})

    assert api.balance("Petty Cash") == 0


def test_other_income_lands_in_petty_cash_with_its_payment_type_put_right(api):
    made = api.post(INCOMES, api.income("113.00", payment_type="Visa", taxes=[{"name": "HST", "amount": "13"}]))

    assert (made["payment_type"], made["incomeid"]) == ("VISA", 2001)
    assert (api.balance("Petty Cash"), api.balance("Revenue"), api.balance("Taxes Payable")) == (113, -100, -13)


@pytest.mark.parametrize(
    ("fields", "errno"),
    [
        ({"category_name": "gifts"}, 1004),
        ({"amount": {"amount": "0", "code": "USD"}}, 1004),
        ({"payment_type": "Shells"}, 1004),
        ({"payment_type": None}, 1001),
    ],
)
def test_wrong_other_income_is_refused(api, fields, errno):
    assert api.post(INCOMES, api.income("1.00", **fields)) == errno


# Credits


def test_goodwill_lowers_income_and_owes_the_client_but_moves_no_cash(api):
    lines = [{"name": "sorry", "qty": 1, "unit_cost": {"amount": "20.00", "code": "USD"}}]

    made = api.post(CREDITS, {"clientid": api.client, "create_date": "2026-11-10", "lines": lines})

    assert (made["credit_type"], made["amount"]["amount"]) == ("goodwill", "20.00")
    assert (api.balance("Customer Credit"), api.balance("Discounts"), api.balance("Petty Cash")) == (-20, 20, 0)


def test_prepayment_came_in_as_money(api):
    lines = [{"name": "advance", "qty": 1, "unit_cost": {"amount": "20.00", "code": "USD"}}]
    body = {"clientid": api.client, "create_date": "2026-11-10", "lines": lines, "credit_type": "prepayment"}

    made = api.send("POST", CREDITS, {"credit_note": body}).json["response"]["result"]["credit_notes"]

    assert (api.balance("Customer Credit"), api.balance("Petty Cash")) == (-20, 20)
    api.put(CREDITS, made["id"], {"vis_state": 1})
    assert api.balance("Petty Cash") == 0

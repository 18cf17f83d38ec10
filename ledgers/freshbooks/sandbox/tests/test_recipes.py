"""The worked example of three settlements and a zero one, posted document by document as the recipes say it for a plan
with journal entries and for one without: the books must come to the figures an accountant has signed."""

from decimal import Decimal

import pytest

from .conftest import CLEARING

JOURNALS, EXPENSES = "journal_entries/journal_entries", "expenses/expenses"
PETTY, PAYOUTS = "Cash:Petty Cash", "Amazon Payouts in Transit"
INCOME = ("SALES", "SHIP_INCOME", "WRAP_INCOME", "REIMB", "FEE_OTHER")
BALANCE_SHEET = ("RESERVE", "OUTPUT_TAX")

# Part: its day, and its rows by account key; a sale is above zero.
PARTS = {
    "AMZ-18000000001-1": ("2026-09-30", {
        "SALES": "110.00", "SHIP_INCOME": "6.00", "WRAP_INCOME": "4.00", "PROMO": "-14.00", "REFUNDS": "-25.00",
        "FEE_SELLING": "-12.75", "FEE_FBA": "-14.80", "FEE_REFUND_ADMIN": "-0.75",
    }),
    "AMZ-18000000001-2": ("2026-10-04", {
        "SALES": "60.00", "SHIP_INCOME": "5.00", "SUBSCRIPTION": "-39.99", "FEE_SELLING": "-6.00",
        "FEE_FBA": "-11.50", "FEE_REFUND_ADMIN": "-0.60", "REFUNDS": "-20.00", "RESERVE": "-20.00",
        "OUTPUT_TAX": "0.40",
    }),
    "AMZ-18000000002-1": ("2026-10-18", {
        "SALES": "84.99", "PROMO": "-3.00", "ADS": "-120.00", "CLAIMS": "-55.00", "FEE_STORAGE": "-18.00",
        "FEE_SELLING": "-3.00", "FEE_FBA": "-7.20", "FEE_REFUND_ADMIN": "-1.20", "FEE_OTHER": "9.00",
        "REIMB": "14.00", "RESERVE": "20.00",
    }),
    "AMZ-18000000003-1": ("2026-10-31", {
        "SALES": "287.00", "SHIP_INCOME": "16.99", "PROMO": "-24.00", "REFUNDS": "-44.99", "FEE_SELLING": "-36.30",
        "FEE_FBA": "-23.60", "FEE_REFUND_ADMIN": "-1.35",
    }),
    "AMZ-18000000003-2": ("2026-11-01", {"SUBSCRIPTION": "-39.99", "RESERVE": "-15.00"}),
    "AMZ-18000000004-1": ("2026-11-15", {
        "SALES": "70.00", "FEE_SELLING": "-10.50", "FEE_FBA": "-5.50", "RESERVE": "-54.00",
    }),
}  # fmt: skip
# Number: its part, its day, and its lines by account key.
ORDERS = {
    "114-0000001-0000001": ("AMZ-18000000001-1", "2026-09-22", {
        "SALES": "80.00", "SHIP_INCOME": "6.00", "WRAP_INCOME": "4.00", "PROMO": "-14.00"}),
    "114-0000001-0000002": ("AMZ-18000000001-1", "2026-09-28", {"SALES": "30.00"}),
    "114-0000001-0000003": ("AMZ-18000000001-2", "2026-10-02", {"SALES": "60.00", "SHIP_INCOME": "5.00"}),
    "114-0000001-0000002-2": ("AMZ-18000000002-1", "2026-10-06", {"SALES": "30.00", "PROMO": "-3.00"}),
    "114-0000001-0000004": ("AMZ-18000000002-1", "2026-10-08", {"SALES": "44.99"}),
    "114-0000001-0000005": ("AMZ-18000000003-1", "2026-10-20", {
        "SALES": "240.00", "SHIP_INCOME": "12.00", "PROMO": "-12.00"}),
    "114-0000001-0000006": ("AMZ-18000000003-1", "2026-10-25", {"SALES": "35.00", "SHIP_INCOME": "4.99"}),
    "114-0000001-0000007": ("AMZ-18000000004-1", "2026-11-05", {"SALES": "70.00"}),
}  # fmt: skip
# Name, day, debited, credited, amount.
MOVEMENTS = (
    ("AMZ-18000000001-P", "2026-10-06", PAYOUTS, CLEARING, "20.01"),
    ("AMZ-18000000003-C1", "2026-10-18", CLEARING, PAYOUTS, "50.00"),
    ("AMZ-18000000003-F1", "2026-10-20", CLEARING, PAYOUTS, "20.01"),
    ("AMZ-18000000003-P", "2026-11-03", PAYOUTS, CLEARING, "109.36"),
)
EXPECTED = {
    "CLEARING": "0.00", "PAYOUTS": "59.36", "RESERVE": "69.00", "OUTPUT_TAX": "-0.40", "SALES": "-611.99",
    "SHIP_INCOME": "-27.99", "WRAP_INCOME": "-4.00", "PROMO": "41.00", "REFUNDS": "89.99", "CLAIMS": "55.00",
    "REIMB": "-14.00", "FEE_OTHER": "-9.00", "FEE_SELLING": "68.55", "FEE_FBA": "62.60", "FEE_REFUND_ADMIN": "3.90",
    "FEE_STORAGE": "18.00", "ADS": "120.00", "SUBSCRIPTION": "79.98",
}  # fmt: skip


def amounts(rows):
    return {key: Decimal(amount) for key, amount in rows.items()}


def journal(api, name, on_date, sides):
    """``sides``: account name → debit positive."""
    kept = [(account, amount) for account, amount in sides.items() if amount]
    made = api.post(JOURNALS, api.journal(*kept, name=name, user_entered_date=on_date))
    assert made["entryid"]


def move(api):
    for name, on_date, to, source, amount in MOVEMENTS:
        journal(api, name, on_date, {to: Decimal(amount), source: -Decimal(amount)})


def account_of(api):
    """Account key → the id of the account a bookkeeper would map."""
    return {key: id_ for key, id_ in api.made["expected"].items() if id_}


def invoice(api, number, on_date, lines):
    shown = [{"name": key, "qty": 1, "unit_cost": {"amount": amount, "code": "USD"}} for key, amount in lines.items()]
    made = api.sent(lines=shown, invoice_number=number, create_date=on_date)
    assert made["status"] == 2
    return made


def balances(api):
    return {key: api.balance(str(api.made["expected"][key])) for key in EXPECTED}


def post_summary(api):
    accounts = account_of(api)
    for name, (on_date, rows) in PARTS.items():
        sides = {accounts[key]: -amount for key, amount in amounts(rows).items()}
        journal(api, name, on_date, {**sides, CLEARING: sum(amounts(rows).values())})
    move(api)


def test_summary_with_journal_entries_comes_to_the_signed_figures(api):
    post_summary(api)

    assert balances(api) == amounts(EXPECTED)
    assert api.balance("Petty Cash") == api.balance("Revenue") == 0
    details = api.list("journal_entries/journal_entry_details", per_page="100")
    assert len({each["entry"]["entryid"] for each in details}) == 10


def test_orders_with_journal_entries_come_to_the_same_figures_and_leave_petty_cash_as_it_was(api):
    accounts = account_of(api)
    covered = {name: dict.fromkeys(rows, Decimal(0)) for name, (_, rows) in PARTS.items()}

    for number, (part, on_date, lines) in ORDERS.items():
        made = invoice(api, number, on_date, lines)
        api.pay(made, made["amount"]["amount"], date=PARTS[part][0], note=part)
        for key, amount in amounts(lines).items():
            covered[part][key] += amount
    in_petty_cash = api.balance("Petty Cash")
    for name, (on_date, rows) in PARTS.items():
        paid = sum(covered[name].values())
        # What payments took off invoices, moved on to its accounts, and the remainder beside it: together the rows.
        sides = {accounts[key]: -amount for key, amount in amounts(rows).items()}
        moved = {CLEARING: sum(amounts(rows).values()), "Revenue": paid, PETTY: -paid}
        journal(api, name, on_date, {**sides, **moved})
    move(api)

    assert in_petty_cash == Decimal("592.98")
    assert balances(api) == amounts(EXPECTED)
    assert api.balance("Petty Cash") == api.balance("Revenue") == api.balance("Accounts Receivable") == 0


def test_bank_and_card_show_the_payouts_once_a_person_has_reconciled(api):
    post_summary(api)
    bank, card = "Cash:Mercury Checking 7741", "Credit Cards:Amex Blue 1002"

    api.do("transfer", **{"from": PAYOUTS, "to": bank, "amount": "109.36", "date": "2026-11-04"})
    api.do("transfer", **{"from": card, "to": PAYOUTS, "amount": "50.00", "date": "2026-10-19"})

    assert (api.balance(bank), api.balance(card), api.balance(PAYOUTS)) == (Decimal("109.36"), -50, 0)


@pytest.mark.parametrize("by_order", [False, True])
def test_lite_plan_leaves_in_petty_cash_what_the_recipes_say(lite, by_order):
    category = lite.category("Uncategorized Expenses")
    numbers = []
    left = {name: amounts(rows) for name, (_, rows) in PARTS.items()}

    if by_order:
        for number, (part, on_date, lines) in ORDERS.items():
            made = invoice(lite, number, on_date, lines)
            numbers.append(lite.pay(made, made["amount"]["amount"], date=PARTS[part][0])["id"])
            for key, amount in amounts(lines).items():
                left[part][key] -= amount
    spent = 0
    for name, rows in left.items():
        on_date = PARTS[name][0]
        rows = {key: amount for key, amount in rows.items() if amount and key not in BALANCE_SHEET}
        income = {key: amount for key, amount in rows.items() if amount > 0}
        if income and "PROMO" in rows and sum(income.values()) + rows["PROMO"] > 0:
            income["PROMO"] = rows["PROMO"]
        if income:
            made = invoice(lite, name, on_date, {key: str(amount) for key, amount in income.items()})
            numbers.append(lite.pay(made, made["amount"]["amount"], date=on_date)["id"])
        for key, amount in rows.items():
            if key not in income:
                body = lite.expense(-amount, categoryid=category, date=on_date, notes=f"{name}:{key}")
                assert lite.post(EXPENSES, body)["id"]
                spent += 1

    assert lite.balance("Petty Cash") == Decimal("127.96")
    assert lite.balance("Accounts Receivable") == 0
    assert lite.balance("Revenue") == Decimal("-637.98" if by_order else "-625.98")
    if not by_order:
        assert (len(numbers), spent) == (5, 22)

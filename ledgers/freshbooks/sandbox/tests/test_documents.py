"""Documents and what they do to the books."""

from decimal import Decimal

import pytest

from .conftest import CLEARING, SALES, business

INVOICES, PAYMENTS, EXPENSES = "invoices/invoices", "payments/payments", "expenses/expenses"
CLIENTS, INCOMES, CREDITS, JOURNALS = (
    "users/clients",
    "other_incomes/other_incomes",
    "credit_notes/credit_notes",
    "journal_entries/journal_entries",
)


# Invoices


def test_draft_is_not_in_the_books_until_it_is_sent(api):
    draft = api.post(INVOICES, api.invoice("70.00", "30.50"))
    before = (api.balance("Accounts Receivable"), draft["status"], draft["v3_status"], draft["fulfillment_date"])

    sent = api.put(INVOICES, draft["id"], {"action_mark_as_sent": True})

    assert before == (0, 1, "draft", None)
    assert (sent["status"], sent["outstanding"], sent["payment_status"]) == (
        2,
        {"amount": "100.50", "code": "USD"},
        "unpaid",
    )
    assert sent["fulfillment_date"] == "2026-11-20"
    assert (api.balance("Accounts Receivable"), api.balance("Revenue")) == (Decimal("100.50"), Decimal("-100.50"))
    assert api.do("mails") == []


def test_sending_by_mail_is_seen(api):
    draft = api.post(INVOICES, api.invoice())

    api.put(INVOICES, draft["id"], {"action_email": True, "email_recipients": ["a@example.com"]})

    assert api.do("mails") == [{"about": f"invoice {draft['id']}", "to": ["a@example.com"]}]


def test_invoice_going_back_to_draft_leaves_the_books(api):
    sent = api.sent()

    api.put(INVOICES, sent["id"], {"status": 1})

    assert api.balance("Accounts Receivable") == 0


@pytest.mark.parametrize(
    ("body", "errno", "status"),
    [
        ({"status": "sent"}, 1015, 422),
        ({"status": 4}, 1004, 422),
        ({"due_date": "2026-12-01"}, 1038, 403),
        ({"amount": {"amount": "1.00", "code": "USD"}}, 1038, 403),
        ({"customerid": 1}, 1012, 422),
        ({"create_date": "soon"}, 1033, 422),
        ({"action_mark_as_sent": "yes"}, 1031, 422),
        ({"vis_state": 7}, 1004, 422),
        ({"discount_value": "101"}, 1018, 422),
        ({"lines": [{"name": "x", "qty": "many", "unit_cost": {"amount": "1", "code": "USD"}}]}, 1015, 422),
        ({"lines": [{"name": "x", "unit_cost": {"amount": "1", "code": "EUR"}}]}, 1004, 422),
        ({"lines": [{"type": 5}]}, 1004, 422),
        ({"lines": [{"name": "x", "unit_cost": "1.00"}]}, 1006, 422),
        ({"lines": [{"name": "x", "unit_cost": {"amount": "0.333"}}]}, 1004, 422),
        ({"currency_code": "EUR"}, 1004, 422),
        ({"currency_code": "dollars"}, 1004, 422),
        ({"lines": "none"}, 1004, 422),
        (
            {
                "lines": [
                    {"unit_cost": {"amount": "1"}, "taxName1": "T", "taxAmount1": 5, "taxName2": "T", "taxAmount2": 5}
                ]
            },
            1019,
            422,
        ),
    ],
)
def test_wrong_invoice_field_is_refused_by_number(api, body, errno, status):
    draft = api.post(INVOICES, api.invoice())

    answer = api.send("PUT", f"{INVOICES}/{draft['id']}", {"invoice": body})

    assert (answer.status_code, answer.json["response"]["errors"][0]["errno"]) == (status, errno)
    assert api.get(INVOICES, draft["id"])["version"] == draft["version"]


def test_status_says_why_it_is_refused(api):
    draft = api.post(INVOICES, api.invoice())

    text = api.send("PUT", f"{INVOICES}/{draft['id']}", {"invoice": {"status": "sent"}}).json
    number = api.send("PUT", f"{INVOICES}/{draft['id']}", {"invoice": {"status": 8}}).json

    assert text["response"]["errors"][0]["message"] == "The field 'status' must be a number."
    assert number["response"]["errors"][0]["message"] == (
        "Status must be one of 'draft', 'sent', 'viewed' or 'disputed'."
    )


def test_invoice_without_client_and_date_is_refused_for_both(api):
    errors = api.send("POST", INVOICES, {"invoice": {"notes": "x"}}).json["response"]["errors"]

    assert [(each["errno"], each["field"]) for each in errors] == [(1001, "customerid"), (1001, "create_date")]


def test_number_counts_on_from_the_last_one_and_keeps_letters(api):
    numbers = [
        api.post(INVOICES, api.invoice(**fields))["invoice_number"]
        for fields in ({}, {}, {"invoice_number": "AMZ-099-X"}, {})
    ]

    assert numbers == ["0000001", "0000002", "AMZ-099-X", "AMZ-100-X"]


def test_own_number_given_twice_is_refused_with_the_number(api):
    first = api.post(INVOICES, api.invoice(invoice_number="114-1"))
    api.put(INVOICES, first["id"], {"vis_state": 1})

    answer = api.send("POST", INVOICES, {"invoice": api.invoice(invoice_number="114-1")})

    error = answer.json["response"]["errors"][0]
    assert (answer.status_code, error["field"], error["value"]) == (422, "invoice_number", "114-1")


def test_number_and_notes_can_be_limited(api):
    api.remote.switches["invoice_number_length"] = 10
    api.remote.switches["notes_length"] = 5

    assert api.post(INVOICES, api.invoice(invoice_number="114-0000001")) == 1017
    assert api.post(INVOICES, api.invoice(notes="ref:123")) == 1017
    assert api.post(INVOICES, api.invoice(invoice_number="114-000001", notes="ref:1"))["id"]


def test_due_date_follows_the_offset(api):
    made = api.post(INVOICES, api.invoice(due_offset_days=20))

    assert made["due_date"] == "2026-11-30"


def test_negative_line_lowers_the_total(api):
    sent = api.sent("70.00", "-20.00")

    assert sent["amount"]["amount"] == "50.00"
    assert api.balance("Revenue") == -50


def test_total_below_zero_is_refused(api):
    assert api.post(INVOICES, api.invoice("20.00", "-20.01")) == 1004


def test_taxes_and_discount_are_posted_apart(api):
    lines = [
        {"name": "SALES", "qty": 2, "unit_cost": {"amount": "50.00", "code": "USD"}, "taxName1": "GST",
         "taxAmount1": "5", "taxName2": "PST", "taxAmount2": "10", "compounded_tax": True}
    ]  # fmt: skip

    made = api.sent(lines=lines, discount_value="10")

    # 90 after the discount; 4.50 and, on top of it, 9.45 of tax.
    assert made["amount"]["amount"] == "103.95"
    assert api.balance("Accounts Receivable") == Decimal("103.95")
    assert (api.balance("Revenue"), api.balance("Discounts")) == (-100, 10)
    assert api.balance("Taxes Payable") == Decimal("-13.95")


def test_currency_comes_from_the_client_and_each_currency_has_its_own_books(api):
    euro = api.post(CLIENTS, {"organization": "Amazon.de", "currency_code": "EUR"})
    lines = [{"name": "SALES", "unit_cost": {"amount": "80.00", "code": "EUR"}}]

    made = api.sent(customerid=euro["id"], lines=lines)

    assert made["currency_code"] == "EUR"
    assert (api.balance("Revenue", "EUR"), api.balance("Revenue")) == (-80, 0)


# Payments


def test_payment_lands_in_petty_cash_and_part_payment_keeps_the_number_of_the_status(api):
    invoice = api.sent("100.00")

    api.pay(invoice, "40.00")
    part = api.get(INVOICES, invoice["id"])
    api.pay(invoice, "60.00")
    whole = api.get(INVOICES, invoice["id"])

    assert (part["status"], part["v3_status"], part["payment_status"]) == (2, "partial", "partial")
    assert len(part["net_paid_amount"]["amount"].partition(".")[2]) == 26
    assert (whole["status"], whole["v3_status"], whole["outstanding"]["amount"]) == (4, "paid", "0.00")
    assert (api.balance("Petty Cash"), api.balance("Accounts Receivable")) == (100, 0)


def test_too_much_becomes_a_credit_that_a_later_payment_can_use(api):
    first, second = api.sent("100.00"), api.sent("30.00")

    paid = api.pay(first, "125.00")
    credit = api.list(CREDITS)[0]
    used = api.pay(second, "25.00", type="Credit")

    assert (paid["overpaymentid"], credit["credit_type"], credit["amount"]["amount"]) == (
        credit["id"],
        "overpayment",
        "25.00",
    )
    assert used["from_credit"] is True
    assert api.list(CREDITS)[0]["payment_status"] == "paid"
    assert (api.balance("Petty Cash"), api.balance("Customer Credit")) == (125, 0)
    assert api.balance("Accounts Receivable") == 5
    assert api.pay(second, "5.00", type="Credit") == 1004


def test_credit_in_use_keeps_its_payment_and_itself(api):
    first, second = api.sent("100.00"), api.sent("30.00")
    paid = api.pay(first, "125.00")
    api.pay(second, "10.00", type="Credit")

    assert api.put(PAYMENTS, paid["id"], {"vis_state": 1}) == 1004
    assert api.put(CREDITS, paid["overpaymentid"], {"vis_state": 1}) == 1004


def test_credit_of_an_overpayment_is_the_payment_s_own(api):
    paid = api.pay(api.sent("100.00"), "125.00")

    assert api.put(CREDITS, paid["overpaymentid"], {"vis_state": 1}) == 1004
    assert api.put(CREDITS, paid["overpaymentid"], {"lines": []}) == 1004
    api.put(PAYMENTS, paid["id"], {"vis_state": 1})
    assert (api.list(CREDITS), api.balance("Customer Credit")) == ([], 0)


def test_deleting_a_payment_opens_the_invoice_again(api):
    invoice = api.sent("100.00")
    paid = api.pay(invoice, "100.00")

    gone = api.put(PAYMENTS, paid["id"], {"vis_state": 1})

    invoice = api.get(INVOICES, invoice["id"])
    assert (gone["vis_state"], invoice["status"], invoice["outstanding"]["amount"]) == (1, 2, "100.00")
    assert (api.balance("Petty Cash"), api.balance("Accounts Receivable")) == (0, 100)
    assert api.get(PAYMENTS, paid["id"])["vis_state"] == 1


def test_changed_payment_is_taken_anew(api):
    invoice = api.sent("100.00")
    paid = api.pay(invoice, "40.00")

    api.put(PAYMENTS, paid["id"], {"amount": {"amount": "70.00", "code": "USD"}, "date": "2026-11-13"})

    assert api.get(INVOICES, invoice["id"])["outstanding"]["amount"] == "30.00"
    assert api.balance("Petty Cash") == 70


@pytest.mark.parametrize(
    ("fields", "errno"),
    [
        ({"type": "Stripe"}, 1004),
        ({"type": "Wire Transfer"}, 1004),
        ({"amount": {"amount": "1.00", "code": "EUR"}}, 1004),
        ({"amount": {"amount": "-1.00", "code": "USD"}}, 1004),
        ({"amount": {"amount": "1.001", "code": "USD"}}, 1004),
        ({"amount": "1.00"}, 1006),
        ({"date": None}, 1001),
        ({"invoiceid": 1}, 1012),
        ({"type": "Credit"}, 1004),
    ],
)
def test_wrong_payment_is_refused(api, fields, errno):
    invoice = api.sent()

    assert api.pay(invoice, "1.00", **fields) == errno
    assert api.balance("Petty Cash") == 0


def test_payment_of_a_draft_is_refused(api):
    draft = api.post(INVOICES, api.invoice())

    assert api.pay(draft, "100.00") == 1004


def test_payment_mails_the_client_unless_told_not_to(api):
    invoice = api.sent()

    api.pay(invoice, "1.00")
    silent = api.do("mails")
    body = api.payment(invoice, "1.00")
    del body["send_client_notification"]
    api.post(PAYMENTS, body)

    assert (len(silent), len(api.do("mails"))) == (0, 1)


def test_invoice_cannot_fall_below_what_was_paid(api):
    invoice = api.sent("100.00")
    api.pay(invoice, "60.00")

    assert api.put(INVOICES, invoice["id"], {"lines": api.invoice("50.00")["lines"]}) == 1004
    assert api.balance("Accounts Receivable") == 40


# Deleting


def test_deleted_invoice_leaves_the_books_and_lists_but_still_answers(api):
    invoice = api.sent("100.00")

    api.put(INVOICES, invoice["id"], {"vis_state": 1})

    assert api.balance("Revenue") == 0
    assert api.list(INVOICES) == []
    assert api.get(INVOICES, invoice["id"])["vis_state"] == 1
    assert api.put(INVOICES, invoice["id"], {"notes": "x"}) == 1011
    api.put(INVOICES, invoice["id"], {"vis_state": 0})
    assert api.balance("Revenue") == -100


def test_archived_invoice_stays_in_the_books_and_in_lists(api):
    invoice = api.sent("100.00")

    api.do("archive", kind="invoice", id=invoice["id"])

    assert (api.balance("Revenue"), api.list(INVOICES)[0]["vis_state"]) == (-100, 2)


def test_invoice_with_payments_cannot_be_deleted(api):
    invoice = api.sent("100.00")
    api.pay(invoice, "40.00")

    assert api.put(INVOICES, invoice["id"], {"vis_state": 1}) == 1004


def test_verb_delete_hides_an_invoice_and_other_income_and_is_missing_elsewhere(api):
    invoice, client = api.sent(), api.client
    income = api.post(INCOMES, api.income("5.00"))

    answers = [
        api.send("DELETE", f"{path}/{id_}").status_code
        for path, id_ in ((INVOICES, invoice["id"]), (INCOMES, income["incomeid"]), (CLIENTS, client))
    ]

    assert answers == [200, 200, 405]
    assert api.get(INVOICES, invoice["id"])["vis_state"] == 1
    assert api.get(INCOMES, income["incomeid"])["vis_state"] == 1
    assert api.remote.books(api.account).trial_balance() == {}


def test_deleted_client_takes_no_invoice(api):
    api.put(CLIENTS, api.client, {"vis_state": 1})

    assert api.post(INVOICES, api.invoice()) == 1011


# Expenses and other income


def test_expense_goes_from_petty_cash_to_its_category(api):
    made = api.post(EXPENSES, api.expense("12.75"))

    assert (made["status"], made["isduplicate"], made["is_cogs"]) == (0, False, False)
    assert api.balance("Petty Cash") == Decimal("-12.75")
    assert api.balance("Operating Expenses:Commissions") == Decimal("12.75")


def test_same_looking_expense_is_accepted_and_flagged(api):
    api.post(EXPENSES, api.expense("12.75"))

    assert api.post(EXPENSES, api.expense("12.75"))["isduplicate"] is True
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


# Journal entries


def test_journal_entry_posts_and_is_found_by_its_details(api):
    made = api.post(JOURNALS, api.journal((CLEARING, "52.70"), (SALES, "-52.70")))

    [detail] = api.details(CLEARING)
    assert (made["entryid"], made["details"][0]["debit"], made["details"][0]["credit"]) == (
        detail["entry"]["entryid"],
        "52.70",
        None,
    )
    assert (detail["name"], detail["description"], detail["user_entered_date"]) == ("AMZ-1-1", "ref:1", "2026-11-14")
    assert (detail["debit"], detail["credit"]) == ({"amount": "52.70", "code": "USD"}, None)
    assert (api.balance(CLEARING), api.balance(SALES)) == (Decimal("52.70"), Decimal("-52.70"))


@pytest.mark.parametrize(
    ("sides", "fields", "errno"),
    [
        (((CLEARING, "10"), (SALES, "-9.99")), {}, 1004),
        (((CLEARING, "10"),), {}, 1004),
        (((CLEARING, "10"), (4711, "-10")), {}, 1012),
        (((CLEARING, "10"), (SALES, "-10")), {"name": ""}, 1001),
        (((CLEARING, "10"), (SALES, "-10")), {"user_entered_date": "x"}, 1033),
        (((CLEARING, "10"), (SALES, "-10")), {"currency_code": ""}, 1001),
    ],
)
def test_wrong_journal_entry_is_refused(api, sides, fields, errno):
    assert api.post(JOURNALS, api.journal(*sides, **fields)) == errno
    assert api.remote.books(api.account).trial_balance() == {}


@pytest.mark.parametrize(
    ("change", "errno"),
    [({"credit": "1"}, 1004), ({"debit": None}, 1004), ({"debit": "-1"}, 1004), ({"debit": "ten"}, 1015)],
)
def test_journal_detail_is_a_debit_or_a_credit_above_zero(api, change, errno):
    body = api.journal((CLEARING, "1"), (SALES, "-1"))
    body["details"][0] |= change

    assert api.post(JOURNALS, body) == errno


def test_journal_entry_on_an_archived_account_is_refused(api):
    api.do("archive_account", id=CLEARING)

    assert api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1"))) == 1042


def test_journal_entry_can_only_be_created(api):
    made = api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1")))

    answers = [api.send(verb, f"{JOURNALS}/{made['entryid']}").status_code for verb in ("GET", "PUT", "DELETE")]

    assert answers == [404, 404, 404]
    assert api.send("GET", JOURNALS).status_code == 405


def test_lite_plan_has_no_journal_entries_and_no_own_accounts(lite):
    body = lite.journal(("Cash:Petty Cash", "1"), ("Revenue", "-1"))

    assert lite.send("POST", JOURNALS, {"journal_entry": body}).status_code == 403
    new = {"name": "Amazon Clearing", "sub_type": "Current Asset", "parent_account": None}
    assert lite.business("POST", "ledger_accounts/accounts", new).status_code == 403


def test_owner_has_to_switch_advanced_accounting_on(remote):
    api = business(remote, chart="bookkeeper", advanced_accounting=False)

    off = api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1")))
    permissions = api.do("set_plan", advanced_accounting=True)

    assert off == 1003
    assert permissions["manual_journal_entries_feature.access"] is True
    assert api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1")))["entryid"]


def test_every_document_shows_its_lines_in_the_journal(api):
    invoice = api.sent("100.00", "-10.00", notes="ref:7")
    api.pay(invoice, "90.00")
    expense = api.post(EXPENSES, api.expense("12.75"))

    details = api.list("journal_entries/journal_entry_details", per_page="100")

    kinds = {(each["detail_type"], each["sub_account"]["account_sub_name"]) for each in details}
    assert kinds == {
        ("invoice", "Accounts Receivable"),
        ("invoice", "Sales"),
        ("payment", "Petty Cash"),
        ("payment", "Accounts Receivable"),
        ("expense", "Commissions"),
        ("expense", "Petty Cash"),
    }
    assert {each["entry"]["expenseid"] for each in details} == {None, expense["id"]}
    names = [each["name"] for each in details if each["sub_account"]["account_sub_name"] == "Sales"]
    assert names == ["SALES", "SALES"]


# Accounts


def test_new_account_takes_entries_in_both_worlds(api):
    new = {"name": "Amazon Deferred", "sub_type": "Current Asset", "parent_account": None}
    answer = api.business("POST", "ledger_accounts/accounts", new)
    made = answer.json["data"]

    api.post(JOURNALS, api.journal((made["jesa_id"], "5"), (SALES, "-5")))

    assert (answer.status_code, made["type"], made["state"], made["number"]) == (201, "asset", "active", "1205")
    assert api.balance("Amazon Deferred") == 5
    read = api.business("GET", f"ledger_accounts/accounts/{made['uuid']}").json["data"]
    assert read == made
    rows = api.business("GET", "reports/chart_of_accounts").json["response"]["result"]["journal_entry_accounts"]
    assert [row["balance"] for row in rows if row["account_uuid"] == made["uuid"]] == ["5.000"]


def test_expense_account_made_through_the_api_is_a_category(api):
    parent = api.business("GET", "ledger_accounts/accounts").json["data"]
    operating = next(each for each in parent if each["name"] == "Operating Expenses")
    new = {"name": "Amazon Vine", "sub_type": "Operating Expense", "parent_account": operating["uuid"]}

    made = api.business("POST", "ledger_accounts/accounts", new).json["data"]

    found = api.list("expenses/categories", per_page="100")
    assert ("Amazon Vine", made["category_id"]) in [(each["category"], each["id"]) for each in found]
    api.post(EXPENSES, api.expense("3.00", categoryid=made["category_id"]))
    assert api.balance("Amazon Vine") == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"sub_type": "Current Asset", "parent_account": None}, "name"),
        ({"name": "x", "parent_account": None}, "sub_type"),
        ({"name": "x", "sub_type": "Current Asset"}, "parent_account"),
        ({"name": "x", "sub_type": "Pocket", "parent_account": None}, "sub_type"),
        ({"name": "x", "sub_type": "Current Asset", "parent_account": "nobody"}, "parent_account"),
    ],
)
def test_wrong_account_is_a_400_of_its_own_shape(api, body, field):
    answer = api.business("POST", "ledger_accounts/accounts", body)

    errors = answer.json["errors"]
    assert (answer.status_code, errors["status"], errors["details"][0]["metadata"]["field"]) == (400, 400, field)


def test_system_account_cannot_be_archived(api):
    petty = next(
        sub
        for top in api.business("GET", "ledger_accounts/accounts").json["data"]
        for sub in top["sub_accounts"]
        if sub["name"] == "Petty Cash"
    )

    answer = api.business("PUT", f"ledger_accounts/accounts/{petty['uuid']}", {"state": "archived"})

    assert answer.status_code == 400


def test_renamed_category_account_renames_the_category(api):
    api.do("rename_account", id="Operating Expenses:Amazon PPC", name="Sponsored ads")

    assert "Sponsored ads" in [each["category"] for each in api.list("expenses/categories", per_page="100")]
    assert api.balance("Sponsored ads") == 0


def test_new_account_has_the_59_default_categories(lite):
    assert lite.page("expenses/categories")["total"] == 59


def test_journal_accounts_need_their_second_page_and_show_balances_by_natural_side(api):
    api.sent("100.00")

    first = api.page("journal_entry_accounts/journal_entry_accounts")
    rows = api.list("journal_entry_accounts/journal_entry_accounts", per_page="100")

    assert (first["per_page"], first["pages"]) == (15, 2)
    revenue = next(row for row in rows if row["account_number"] == "4000")
    assert (revenue["balance"], revenue["sub_accounts"][0]["balance"]) == ("100.00", "100.00")
    assert revenue["sub_accounts"][0]["account_sub_name"] == "Sales"


# Reports


def test_reports_agree_with_the_books(api):
    invoice = api.sent("100.00")
    api.pay(invoice, "90.00")
    api.post(EXPENSES, api.expense("12.75"))

    rows = api.business("GET", "reports/chart_of_accounts", use_ledger_entries="true").json["response"]["result"]
    profit = api.page("reports/accounting/profitloss_entity")["profitloss_entity"]
    collected = api.page("reports/accounting/payments_collected")["payments_collected"]

    cash = next(row for row in rows["journal_entry_accounts"] if row["account_name"] == "Cash")
    assert cash["balance"] == cash["sub_accounts"][0]["balance"] == "77.250"
    assert [each["total"]["amount"] for each in (*profit["income"], *profit["expenses"])] == ["100.00", "12.75"]
    assert collected["totals"] == [{"amount": "90.00", "code": "USD"}]


def test_chart_of_accounts_keeps_to_its_period_state_and_currency(api):
    api.sent("100.00", create_date="2026-10-31")
    api.do("archive_account", id="Amazon Lending")

    def revenue(**query):
        rows = api.business("GET", "reports/chart_of_accounts", **query).json["response"]["result"]
        return {row["account_name"]: row["balance"] for row in rows["journal_entry_accounts"]}

    assert revenue(start_date="2026-10-01", end_date="2026-10-31")["Revenue"] == "100.000"
    assert revenue(start_date="2026-11-01")["Revenue"] == "0.000"
    assert revenue(currency_code="EUR")["Revenue"] == "0.000"
    assert "Amazon Lending" not in revenue(state="active")


# Closed books, and people


def test_closed_books_refuse_and_lock(api):
    invoice = api.sent()
    api.do("close_books", date="2026-11-10")

    assert api.get(INVOICES, invoice["id"])["lock_status"] == "locked"
    assert api.put(INVOICES, invoice["id"], {"notes": "x"}) == 1004
    assert api.post(EXPENSES, api.expense("1.00", date="2026-11-01")) == 1004
    journal = api.journal((CLEARING, "1"), (SALES, "-1"), user_entered_date="2026-11-10")
    assert api.post(JOURNALS, journal) == 1004
    api.do("close_books", date=None)
    assert api.put(INVOICES, invoice["id"], {"notes": "x"})["notes"] == "x"


def test_person_edits_pays_and_deletes_by_hand(api):
    invoice, other = api.sent("100.00"), api.sent("40.00")

    api.do("edit", kind="invoice", id=invoice["id"], changes={"lines": api.invoice("90.00")["lines"]})
    api.do("mark_paid", id=invoice["id"])
    api.do("delete", kind="invoice", id=other["id"])

    seen = api.get(INVOICES, invoice["id"])
    assert (seen["v3_status"], seen["amount"]["amount"]) == ("paid", "90.00")
    assert seen["version"] > invoice["version"]
    assert (api.balance("Petty Cash"), api.balance("Accounts Receivable")) == (90, 0)


def test_bank_reconciliation_moves_money_on(api):
    api.post(EXPENSES, api.expense("12.75"))

    moved = {"from": "Cash:Mercury Checking 7741", "to": "Petty Cash", "amount": "12.75", "date": "2026-11-15"}
    api.do("transfer", **moved)

    assert (api.balance("Petty Cash"), api.balance("Cash:Mercury Checking 7741")) == (0, Decimal("-12.75"))
    assert {each["detail_type"] for each in api.details("Cash:Petty Cash")} == {"expense", "bank_transfer"}


def test_person_cannot_break_the_rules_of_the_books(api):
    invoice = api.sent("100.00")
    api.pay(invoice, "10.00")

    with pytest.raises(ValueError, match="cannot be deleted"):
        api.do("delete", kind="invoice", id=invoice["id"])

"""Invoices, what payments make of them, and how they go."""

from decimal import Decimal

import pytest

CLIENTS = "users/clients"
INVOICES = "invoices/invoices"
PAYMENTS = "payments/payments"
INCOMES = "other_incomes/other_incomes"
CREDITS = "credit_notes/credit_notes"


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

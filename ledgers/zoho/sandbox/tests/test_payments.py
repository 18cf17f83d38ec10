"""Customer payments and credit notes: what they settle, post and refuse (sheet §5, §7, §8)."""

import pytest

CLEARING, SALES, AR = "Amazon Clearing US (USD)", "Amazon Sales", "Accounts Receivable"
ORDER = "114-0000001-0000001"
OWN = {"ignore_auto_number_generation": "true"}


def status(api, invoice):
    return api.get(f"invoices/{invoice['invoice_id']}")["invoice"]["status"]


# Payments


def test_one_payment_settles_many_invoices_into_clearing(api):
    made = [api.invoiced(each) for each in (10, 20, 30)]
    body = api.payment(60, *zip(made, (10, 20, 30), strict=True), reference_number="AMZ-1-1")

    paid = api.post("customerpayments", body)["payment"]

    assert (paid["unused_amount"], len(paid["invoices"])) == (0, 3)
    assert (api.balance(CLEARING), api.balance(AR)) == (60, 0)
    assert {status(api, each) for each in made} == {"paid"}


def test_more_than_the_balance_is_24016(api):
    made = api.invoiced(100)
    api.post("customerpayments", api.payment(100, (made, 100)))

    assert api.code("POST", "customerpayments", api.payment(100, (made, 100))) == 24016
    assert api.code("POST", "customerpayments", api.payment(10, (api.invoiced(50), 20))) == 24016
    assert api.balance(CLEARING) == 100


def test_excess_waits_as_unearned_revenue_and_can_be_refunded(api):
    made = api.invoiced(100)
    paid = api.post("customerpayments", api.payment(130, (made, 100)))["payment"]
    path = f"customerpayments/{paid['payment_id']}"
    waiting = api.balance("Unearned Revenue")
    body = {"date": "2026-11-13", "amount": 20, "from_account_id": api.account(CLEARING)}
    api.post(f"{path}/refunds", body)

    assert (paid["unused_amount"], waiting, api.balance("Unearned Revenue")) == (30, -30, -10)
    assert api.code("POST", f"{path}/refunds", {**body, "amount": 11}) == 12000
    assert api.code("DELETE", path) == 12000


def test_deposit_goes_to_undeposited_funds_unless_said_and_charges_to_their_account(api):
    made = api.invoiced(100)
    body = api.payment(100, (made, 100), bank_charges=3)
    del body["account_id"]

    api.post("customerpayments", body)

    assert (api.balance("Undeposited Funds"), api.balance("Bank Fees and Charges")) == (97, 3)


def test_payment_on_a_draft_sends_it_or_is_refused(api):
    made = [api.invoiced(10, sent=False) for _ in range(2)]
    api.post("customerpayments", api.payment(10, (made[0], 10)))
    api.remote.switches["payment_on_draft"] = "refuse"

    assert status(api, made[0]) == "paid"
    assert api.code("POST", "customerpayments", api.payment(10, (made[1], 10))) == 12000


def test_payment_may_cover_only_so_many_invoices(api):
    api.remote.switches["payment_max_invoices"] = 1
    made = [(api.invoiced(1), 1) for _ in range(2)]

    assert api.code("POST", "customerpayments", api.payment(2, *made)) == 12000
    assert api.code("POST", "customerpayments", api.payment(1, made[0])) == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 0}, 4),
        ({"date": ""}, 4),
        ({"payment_mode": ""}, 4),
        ({"bank_charges": 500}, 4),
        ({"invoices": [{"invoice_id": "46", "amount_applied": 1}]}, 1002),
        ({"reference_number": "x" * 101}, 15),
    ],
    ids=str,
)
def test_payment_that_cannot_be_is_refused(api, changes, code):
    assert api.code("POST", "customerpayments", {**api.payment(10), **changes}) == code


def test_payment_needs_its_own_customer_and_a_balance_sheet_account(api):
    made = api.invoiced(10)
    stranger = {**api.payment(10, (made, 10)), "customer_id": api.contact("Somebody")}

    assert api.code("POST", "customerpayments", stranger) == 12000
    assert api.code("POST", "customerpayments", api.payment(10, (made, 10), account=SALES)) == 4


def test_change_of_a_payment_applies_anew(api):
    made = [api.invoiced(50), api.invoiced(50)]
    paid = api.post("customerpayments", api.payment(50, (made[0], 50)))["payment"]
    parts = [{"invoice_id": made[1]["invoice_id"], "amount_applied": 30}]

    changed = api.put(f"customerpayments/{paid['payment_id']}", {"invoices": parts})["payment"]

    assert changed["unused_amount"] == 20
    assert (status(api, made[0]), status(api, made[1])) == ("overdue", "overdue")
    assert api.balance(AR) == 70


# Credit notes


def test_credit_note_is_open_at_once_and_refunded_from_clearing(api):
    made = api.post("creditnotes", api.invoice(25, creditnote_number=f"{ORDER}-R1"), **OWN)["creditnote"]
    before = api.balance(AR)
    path = f"creditnotes/{made['creditnote_id']}"
    refund = {"date": "2026-11-12", "amount": 25, "from_account_id": api.account(CLEARING)}
    api.post(f"{path}/refunds", refund)

    assert (made["status"], made["creditnote_number"], before) == ("open", f"{ORDER}-R1", -25)
    assert api.get(path)["creditnote"]["status"] == "closed"
    assert [api.balance(each) for each in (AR, CLEARING, SALES)] == [0, -25, 25]
    assert api.code("POST", f"{path}/refunds", refund) == 12000
    assert api.code("DELETE", path) == 12000
    assert api.code("POST", "creditnotes", api.invoice(25, creditnote_number=f"{ORDER}-r1"), **OWN) == 1001


def test_credit_note_settles_an_invoice_as_far_as_it_goes(api):
    made = api.invoiced(100)
    note = api.post("creditnotes", api.invoice(30))["creditnote"]
    path = f"creditnotes/{note['creditnote_id']}"
    part = {"invoices": [{"invoice_id": made["invoice_id"], "amount_applied": 30}]}
    api.post(f"{path}/invoices", part)
    used = api.get(path)["creditnote"]
    balance = api.get(f"invoices/{made['invoice_id']}")["invoice"]["balance"]
    api.delete(f"{path}/invoices/{used['invoices'][0]['creditnote_invoice_id']}")

    assert (used["balance"], balance) == (0, 70)
    assert api.get(path)["creditnote"]["balance"] == 30
    assert api.code("POST", f"{path}/invoices", {"invoices": [{**part["invoices"][0], "amount_applied": 31}]}) == 12000


def test_credit_note_states(api):
    draft = api.post("creditnotes", api.invoice(5, is_draft=True))["creditnote"]
    before = api.balance(AR)
    path = f"creditnotes/{draft['creditnote_id']}"
    api.post(f"{path}/status/open")
    opened = api.balance(AR)
    api.post(f"{path}/status/void")

    assert (draft["status"], before, opened, api.balance(AR)) == ("draft", 0, -5, 0)
    assert api.code("POST", f"{path}/status/open") == 12000


def test_credit_note_of_an_invoice_is_applied_to_it(api):
    made = api.invoiced(100)

    api.post("creditnotes", api.invoice(40), invoice_id=made["invoice_id"])

    assert api.get(f"invoices/{made['invoice_id']}")["invoice"]["balance"] == 60

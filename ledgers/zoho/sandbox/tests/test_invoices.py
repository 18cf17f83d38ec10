"""Invoices, payments and credit notes: numbers, states, what they post, what is refused (sheet §6, §7, §8)."""

from decimal import Decimal

import pytest

from .conftest import CUSTOMER, Api

CLEARING, SALES, AR = "Amazon Clearing US (USD)", "Amazon Sales", "Accounts Receivable"
ORDER = "114-0000001-0000001"
OWN = {"ignore_auto_number_generation": "true"}


def status(api, invoice):
    return api.get(f"invoices/{invoice['invoice_id']}")["invoice"]["status"]


# Numbers


def test_draft_posts_nothing_until_it_is_sent(api):
    made = api.invoiced(100, 20, sent=False)
    before = api.balance(AR)
    api.post(f"invoices/{made['invoice_id']}/status/sent")

    assert (made["status"], before) == ("draft", 0)
    assert (api.balance(AR), api.balance(SALES)) == (120, -120)


def test_own_number_needs_its_flag_and_is_dropped_in_silence_without(api):
    kept = api.post("invoices", api.invoice(invoice_number=ORDER), **OWN)["invoice"]["invoice_number"]
    dropped = api.post("invoices", api.invoice(invoice_number="114-2"))["invoice"]["invoice_number"]
    api.remote.switches["unmarked_number"] = "kept"

    assert (kept, dropped) == (ORDER, "INV-000001")
    assert api.post("invoices", api.invoice(invoice_number="114-3"))["invoice"]["invoice_number"] == "114-3"
    assert api.code("POST", "invoices", api.invoice(), **OWN) == 4
    assert api.code("POST", "invoices", api.invoice(invoice_number="x" * 101), **OWN) == 15


@pytest.mark.parametrize("again", [ORDER, f" {ORDER} ", "114-0000001-000 0001"])
def test_number_that_exists_is_refused_without_regard_to_blanks(api, again):
    api.remote.switches["duplicate_number_code"] = 77
    api.post("invoices", api.invoice(invoice_number=ORDER), **OWN)

    assert api.code("POST", "invoices", api.invoice(invoice_number=again), **OWN) == 77
    assert len(api.get("invoices")["invoices"]) == 1


def test_deleted_number_is_free_again_and_a_void_one_is_not(api):
    made = [api.post("invoices", api.invoice(invoice_number=each), **OWN)["invoice"] for each in ("a", "b")]
    api.delete(f"invoices/{made[0]['invoice_id']}")
    api.post(f"invoices/{made[1]['invoice_id']}/status/void")

    assert api.code("POST", "invoices", api.invoice(invoice_number="A"), **OWN) == 0
    assert api.code("POST", "invoices", api.invoice(invoice_number="B"), **OWN) == 1001


# Amounts


def test_quantity_discount_shipping_and_adjustment_reach_their_accounts(api):
    lines = [
        {"name": "Mug", "account_id": api.account(SALES), "rate": Decimal("3.333"), "quantity": 3, "discount": "10%"},
        {"name": "Promotion", "account_id": api.account("Amazon Promotional Rebates"), "rate": -2},
    ]
    body = {**api.invoice(), "line_items": lines, "shipping_charge": "4", "adjustment": Decimal("-0.5"),
            "discount_type": "item_level"}  # fmt: skip

    made = api.post("invoices", body, send="true")["invoice"]

    assert made["total"] == Decimal("10.5")  # 10.00 − 1.00 − 2.00 + 4.00 − 0.50
    names = (AR, SALES, "Discount", "Amazon Promotional Rebates", "Shipping Charge", "Other Charges")
    assert [api.balance(each) for each in names] == [Decimal("10.5"), -10, 1, 2, -4, Decimal("0.5")]


def test_discount_on_the_whole_invoice_goes_to_discount(api):
    made = api.post("invoices", api.invoice(80, 20, discount="25%"), send="true")["invoice"]

    assert (made["total"], made["discount_type"]) == (75, "entity_level")
    assert (api.balance(SALES), api.balance("Discount")) == (-100, 25)


@pytest.mark.parametrize(("inclusive", "total", "income"), [(False, 120, -100), (True, 100, Decimal("-83.33"))])
def test_tax_is_added_or_inside(foreign, inclusive, total, income):
    tax = foreign.made["taxes"]["Standard Rate"]
    customer = foreign.contact("Amazon.co.uk customers (GBP)")
    line = {"name": "Mug", "account_id": foreign.account(SALES), "rate": 100, "tax_id": tax}
    body = {"customer_id": customer, "date": "2026-11-10", "line_items": [line], "is_inclusive_tax": inclusive}

    made = foreign.post("invoices", body, send="true")["invoice"]

    assert made["total"] == total
    assert foreign.balance(SALES) == income
    assert foreign.balance("Tax Payable") == -(total + income)


def test_tax_is_refused_where_sales_tax_is_off(api):
    line = {"name": "Mug", "rate": 1, "tax_id": "1"}

    assert api.code("POST", "invoices", {**api.invoice(), "line_items": [line]}) == 110817


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"customer_id": ""}, 4),
        ({"customer_id": "46"}, 1002),
        ({"line_items": []}, 4),
        ({"line_items": [{"name": "x", "rate": "abc"}]}, 4),
        ({"line_items": [{"name": "x", "rate": 1, "quantity": 0}]}, 4),
        ({"line_items": [{"rate": 1}]}, 4),
        ({"line_items": [{"name": "x", "rate": 1, "account_id": "46"}]}, 1002),
        ({"line_items": [{"name": "x", "rate": -1}]}, 12000),
        ({"date": "10/11/2026"}, 4),
        ({"reference_number": "x" * 101}, 15),
        ({"currency_id": "46"}, 4),
    ],
    ids=lambda value: str(value)[:40],
)
def test_invoice_that_cannot_be_is_refused(api, changes, code):
    assert api.code("POST", "invoices", {**api.invoice(), **changes}) == code
    assert api.get("invoices")["invoices"] == []


def test_electronic_invoices_have_no_negative_line(remote):
    api = Api(remote, remote.control("create_organization", {"einvoicing": True, "contacts": [CUSTOMER]}))

    assert api.code("POST", "invoices", api.invoice(10, -1)) == 12000


def test_unknown_fields_are_dropped_in_silence(api):
    made = api.post("invoices", {**api.invoice(), "amazon_order": "1"})["invoice"]

    assert "amazon_order" not in api.get(f"invoices/{made['invoice_id']}")["invoice"]


# States and changes


def test_change_merges_and_keeps_lines_and_status(api):
    made = api.invoiced(100)
    changed = api.put(f"invoices/{made['invoice_id']}", {"notes": "Thanks"})["invoice"]
    lines = changed["line_items"]
    more = api.put(
        f"invoices/{made['invoice_id']}",
        {"line_items": [{"line_item_id": lines[0]["line_item_id"], "name": "Product", "rate": 70,
                         "account_id": api.account(SALES)}]},
    )["invoice"]  # fmt: skip

    assert (changed["notes"], changed["total"], changed["status"]) == ("Thanks", 100, "overdue")
    assert more["line_items"][0]["line_item_id"] == lines[0]["line_item_id"]
    assert api.balance(AR) == 70


def test_status_follows_payments_and_due_date(api):
    made = api.invoiced(100, due_date="2026-12-01")
    seen = [status(api, made)]
    paid = api.post("customerpayments", api.payment(40, (made, 40)))["payment"]
    seen.append(status(api, made))
    api.post("customerpayments", api.payment(60, (made, 60)))
    seen.append(status(api, made))
    api.delete(f"customerpayments/{paid['payment_id']}")
    api.remote.clock.advance(12 * 86400)
    api.tokens = api.remote.control("issue_tokens", {"user": api.made["user"]})
    seen.append(status(api, made))

    assert seen == ["sent", "partially_paid", "paid", "overdue"]


def test_void_leaves_the_books_and_returns_as_a_draft(api):
    made = api.invoiced(100)
    api.post(f"invoices/{made['invoice_id']}/status/void")
    void = status(api, made), api.balance(AR)
    changed = api.code("PUT", f"invoices/{made['invoice_id']}", {"notes": "x"})
    api.post(f"invoices/{made['invoice_id']}/status/draft")

    assert (void, changed, status(api, made)) == (("void", 0), 12000, "draft")


def test_bulk_verbs_do_all_or_nothing(api):
    made = [api.invoiced(10, sent=False) for _ in range(3)]
    ids = ",".join(each["invoice_id"] for each in made)
    refused = api.code("POST", "invoices/status/sent", invoice_ids=f"{ids},46")
    before = api.balance(AR)
    api.post("invoices/status/sent", invoice_ids=ids)
    sent = api.balance(AR)
    api.post("invoices/status/void", invoice_ids=made[0]["invoice_id"])
    api.delete("invoices", invoice_ids=made[1]["invoice_id"])

    assert (refused, before, sent, api.balance(AR)) == (1002, 0, 30, 10)


def test_second_delete_is_404(api):
    made = api.invoiced(10)
    api.delete(f"invoices/{made['invoice_id']}")

    again = api.send("DELETE", f"invoices/{made['invoice_id']}")

    assert (again.status_code, again.json["code"]) == (404, 1002)


@pytest.mark.parametrize("verb", ["void", "delete"])
@pytest.mark.parametrize("setting", ["unapply", "refuse"])
def test_paid_invoice_frees_its_payment_or_stays(api, verb, setting):
    api.remote.switches[f"{verb}_paid_invoice"] = setting
    made = api.invoiced(100)
    paid = api.post("customerpayments", api.payment(100, (made, 100)))["payment"]
    path = f"invoices/{made['invoice_id']}"

    code = api.code("POST", f"{path}/status/void") if verb == "void" else api.code("DELETE", path)

    left = api.get(f"customerpayments/{paid['payment_id']}")["payment"]["unused_amount"]
    assert (code, left) == ((0, 100) if setting == "unapply" else (12000, 0))
    assert api.balance("Unearned Revenue") == -left
    assert api.balance(AR) == 0


def test_documents_wait_for_approval_where_that_is_switched_on(remote):
    api = Api(remote, remote.control("create_organization", {"approvals": True, "contacts": [CUSTOMER]}))
    made = api.invoiced(100, sent=False)
    refused = api.code("POST", f"invoices/{made['invoice_id']}/status/sent")
    api.post(f"invoices/{made['invoice_id']}/approve")
    api.post(f"invoices/{made['invoice_id']}/status/sent")
    journal = api.post("journals", api.journal((CLEARING, 5), (SALES, -5)))["journal"]
    before = api.balance(CLEARING)
    api.control("approve", kind="journal", id=journal["journal_id"])

    assert (refused, api.balance(AR), journal["status"]) == (12000, 100, "draft")
    assert (before, api.balance(CLEARING)) == (0, 5)


# Upsert


def test_upsert_finds_by_a_unique_custom_field(remote):
    fields = {"invoice": [{"api_name": "cf_key", "unique": True}, {"api_name": "cf_kind", "options": ["A", "B"]}]}
    api = Api(remote, remote.control("create_organization", {"custom_fields": fields, "contacts": [CUSTOMER]}))
    headers = {"X-Unique-Identifier-Key": "cf_key", "X-Unique-Identifier-Value": "k1"}
    missing = api.code("PUT", "invoices", api.invoice(), headers=headers)
    first = api.put("invoices", api.invoice(10), headers={**headers, "X-Upsert": "true"})["invoice"]
    second = api.put("invoices", api.invoice(20), headers={**headers, "X-Upsert": "true"})["invoice"]
    duplicate = api.invoice(custom_fields=[{"api_name": "cf_key", "value": "k1"}])
    remote.switches["upsert_disagreement"] = "refuse"
    other = api.invoice(custom_fields=[{"api_name": "cf_key", "value": "k2"}])

    assert (missing, first["invoice_id"], second["total"]) == (1002, second["invoice_id"], 20)
    assert second["custom_fields"][0]["value"] == "k1"
    assert api.code("POST", "invoices", duplicate) == 1001
    assert api.code("PUT", "invoices", other, headers=headers) == 4
    assert api.code("PUT", "invoices", {}, headers={**headers, "X-Unique-Identifier-Key": "cf_kind"}) == 4
    assert api.code("POST", "invoices", api.invoice(custom_fields=[{"api_name": "cf_kind", "value": "a"}])) == 120124


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

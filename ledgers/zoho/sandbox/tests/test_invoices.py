"""Invoices: numbers, amounts, states, upsert; what they post and what is refused (sheet §6, §7, §8)."""

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


def test_saudi_invoice_is_submitted_before_it_is_sent(remote):
    values = {"country_code": "SA", "einvoicing": True, "contacts": [CUSTOMER]}
    api = Api(remote, remote.control("create_organization", values))
    made = api.invoiced(10, sent=False)

    assert api.code("POST", f"invoices/{made['invoice_id']}/status/sent") == 41016


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

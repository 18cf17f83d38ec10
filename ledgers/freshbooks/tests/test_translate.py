import json
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import EntryLine, How, InvoiceLine, Kind
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.translate import render
from ledgers.port import Binding, Call, External, NotRenderable, Post

K = AccountKey
INVOICE_REF = {"inv1": External("91", "2026-10-14 10:00:00.000000")}
UNDO_REF = {"k9": External("91", "v")}


def call_of(post: Post, company: Company = make.COMPANY) -> Call:
    (call,) = render([post], company)
    return call


def body(post: Post, name: str, company: Company = make.COMPANY) -> Any:
    return json.loads(call_of(post, company).body)[name]


def test_an_invoice_is_untaxed_and_carries_number_currency_and_mark() -> None:
    made = body(make.post(make.invoice(memo="Part 1")), "invoice")

    assert made == {
        "invoice_number": "113-0000001-0000001",
        "customerid": 77,
        "create_date": "2026-10-14",
        "due_offset_days": 0,
        "currency_code": "USD",
        "language": "en",
        "notes": "Part 1 ref:m-k1",
        "lines": [
            {
                "type": 0,
                "name": "Mug of clay",
                "description": "Mug (MUG)",
                "qty": 2,
                "unit_cost": {"amount": "20.00", "code": "USD"},
            },
            {
                "type": 0,
                "name": "Amazon Promotional Rebates",
                "description": "",
                "qty": 1,
                "unit_cost": {"amount": "-5.00", "code": "USD"},
            },
        ],
    }


def test_an_invoice_asks_for_its_lines_and_knows_their_keys() -> None:
    call = call_of(make.post(make.invoice()))

    assert (call.method, call.path) == ("POST", "/accounting/account/ACM123/invoices/invoices")
    assert (call.query, call.lines) == ({"include[]": "lines"}, {"k1": ("SALES", "PROMO")})


def test_a_price_that_does_not_divide_is_one_unit_of_the_whole() -> None:
    lines = (InvoiceLine("SALES", 1000, 3, "MUG"),)

    (line,) = body(make.post(make.invoice(lines=lines)), "invoice")["lines"]

    assert (line["qty"], line["unit_cost"]["amount"]) == (1, "10.00")
    assert line["description"] == "3 units. (MUG)"


@pytest.mark.parametrize(
    ("company", "order_id"),
    [(make.LITE, "113-0000001-0000001"), (make.LITE, ""), (make.COMPANY, "")],
    ids=["order on Lite", "month on Lite", "month"],
)
def test_a_line_is_named_by_its_key_where_no_journal_says_what_it_was_for(company: Company, order_id: str) -> None:
    lines = (InvoiceLine("SALES/clay", 4000, 2, "MUG", "Mug"), InvoiceLine("REIMB", 700))

    made = body(make.post(make.invoice(lines=lines, order_id=order_id)), "invoice", company)["lines"]

    assert [line["name"] for line in made] == ["SALES", "REIMB"]
    assert made[0]["description"].startswith("MUG")


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "2000"), ("KWD", "2.000"), ("GBP", "20.00")])
def test_amounts_are_text_with_the_decimals_of_their_currency(currency: str, amount: str) -> None:
    made = body(make.post(make.invoice(currency=currency)), "invoice")

    assert made["lines"][0]["unit_cost"] == {"amount": amount, "code": currency}


def test_a_payment_tells_nobody_and_names_its_settlement_and_mark() -> None:
    made = body(make.post(make.payment(), refs=INVOICE_REF), "payment")

    assert made == {
        "invoiceid": 91,
        "amount": {"amount": "35.00", "code": "USD"},
        "date": "2026-10-14",
        "type": "Other",
        "note": "AMZ-17000000001-1 ref:m-k1",
        "send_client_notification": False,
    }


def test_an_entry_names_sub_accounts_and_begins_with_the_clearing_account() -> None:
    call = call_of(make.post(make.entry()))

    made = json.loads(call.body)["journal_entry"]
    assert call.path == "/accounting/account/ACM123/journal_entries/journal_entries"
    assert (made["name"], made["user_entered_date"], made["currency_code"]) == (
        "AMZ-17000000001-1",
        "2026-10-14",
        "USD",
    )
    assert made["description"] == "Amazon settlement 17000000001 ref:m-k1"
    assert made["details"] == [
        {"sub_accountid": make.account(K.CLEARING), "debit": "85.00"},
        {"sub_accountid": make.account(K.SALES), "credit": "100.00"},
        {"sub_accountid": make.account(K.FEE_SELLING), "debit": "15.00"},
    ]


def test_a_transfer_is_an_entry_of_two_lines() -> None:
    made = body(make.post(make.transfer()), "journal_entry")

    assert made["name"] == "AMZ-17000000001-P"
    assert made["details"] == [
        {"sub_accountid": make.account(K.CLEARING), "credit": "85.00"},
        {"sub_accountid": make.account(K.BANK), "debit": "85.00"},
    ]


def test_an_expense_has_category_vendor_owner_and_its_number_in_the_notes() -> None:
    made = body(make.post(make.expense(), bindings=make.CATEGORIES), "expense", make.LITE)

    assert made == {
        "amount": {"amount": "14.80", "code": "USD"},
        "categoryid": int(make.CATEGORIES["FEE_FBA"].account.removeprefix("category-")),
        "staffid": 1,
        "date": "2026-10-14",
        "vendor": "Amazon Amazon.com",
        "notes": "AMZ-17000000001-1:FEE_FBA ref:m-k1",
    }


@pytest.mark.parametrize(
    ("key", "sub_type"), [("CLEARING", "Current Asset"), ("SALES", "Revenue"), ("FEE_FBA", "Operating Expense")]
)
def test_a_new_account_has_a_type_as_the_company_calls_it(key: str, sub_type: str) -> None:
    call = call_of(make.post(make.new_account(key, "Amazon something")))

    made = json.loads(call.body)
    assert call.path == "/accounting/businesses/b-uuid/ledger_accounts/accounts"
    assert (made["name"], made["sub_type"], made["parent_account"]) == ("Amazon something", sub_type, None)


def test_a_client_and_an_item_are_made_with_nothing_about_a_buyer() -> None:
    client = body(make.post(make.customer()), "client")
    item = body(make.post(make.item("Mug of clay", sku="MUG")), "item")

    assert client == {"organization": "Amazon.com (USD)", "currency_code": "USD", "note": "ref:m-k1"}
    assert (item["name"], item["sku"], item["unit_cost"]) == ("Mug of clay", "MUG", {"amount": "0.00", "code": "USD"})


@pytest.mark.parametrize(
    ("kind", "path", "name"),
    [
        (Kind.INVOICE, "invoices/invoices", "invoice"),
        (Kind.PAYMENT, "payments/payments", "payment"),
        (Kind.EXPENSE, "expenses/expenses", "expense"),
    ],
)
def test_what_is_taken_back_is_hidden_and_never_deleted(kind: Kind, path: str, name: str) -> None:
    call = call_of(make.post(make.undo("k9", kind), refs=UNDO_REF))

    assert (call.method, call.path) == ("PUT", f"/accounting/account/ACM123/{path}/91")
    assert json.loads(call.body) == {name: {"vis_state": 1}}


def test_an_entry_is_taken_back_by_its_reversal_under_the_undos_own_mark() -> None:
    back = make.entry(
        number="AMZ-17000000001-1x",
        lines=(EntryLine("CLEARING", credit=8500), EntryLine("SALES", debit=8500)),
    )
    undo = replace(make.undo("k9", Kind.ENTRY, How.REVERSE), reversal=back)

    call = call_of(make.post(undo, "u1", UNDO_REF))

    made = json.loads(call.body)["journal_entry"]
    assert (call.method, call.keys) == ("POST", ("u1",))
    assert (made["name"], made["description"]) == ("AMZ-17000000001-1x", "Amazon settlement 17000000001 ref:m-u1")
    assert made["details"][0] == {"sub_accountid": make.account(K.CLEARING), "credit": "85.00"}


def test_what_others_refer_to_comes_first() -> None:
    posts = [
        make.post(make.payment(), "p1", INVOICE_REF),
        make.post(make.invoice(), "i1"),
        make.post(make.customer(), "c1"),
        make.post(make.undo("k9", Kind.INVOICE), "u1", UNDO_REF),
    ]

    assert [call.keys for call in render(posts, make.COMPANY)] == [("c1",), ("i1",), ("p1",), ("u1",)]


def test_the_same_posts_give_the_same_bytes() -> None:
    assert call_of(make.post(make.entry())) == call_of(make.post(make.entry()))


@pytest.mark.parametrize(
    ("post", "company", "said"),
    [
        (make.post(make.entry()), make.LITE, "has no journal entries"),
        (make.post(make.transfer()), make.LITE, "has no journal entries"),
        (make.post(make.new_account()), make.LITE, "lets nobody add accounts"),
        (make.post(make.entry(rate="1.3")), make.COMPANY, "no exchange rate"),
        (make.post(make.transfer(received=900)), make.COMPANY, "no exchange rate"),
        (make.post(make.payment(account="CLEARING"), refs=INVOICE_REF), make.COMPANY, "Petty Cash"),
        (make.post(make.expense(account="BANK"), bindings=make.CATEGORIES), make.LITE, "Petty Cash"),
        (make.post(make.expense()), make.LITE, "not mapped to a category"),
        (make.post(make.entry(), bindings=make.CATEGORIES), make.COMPANY, "a category of the smaller"),
        (make.post(make.entry(), bindings={}), make.COMPANY, "has no account"),
        (make.post(make.payment()), make.COMPANY, "not in the books"),
        (make.post(make.invoice(lines=(InvoiceLine("PROMO", -500),))), make.COMPANY, "zero or negative"),
        (make.post(make.transfer(target="CLEARING")), make.COMPANY, "two different accounts"),
        (
            make.post(make.entry(lines=(EntryLine("AR", debit=100), EntryLine("SALES", credit=100)))),
            make.COMPANY,
            "receivables",
        ),
        (make.post(make.undo("k9", Kind.ENTRY), refs=UNDO_REF), make.COMPANY, "does not delete"),
        (make.post(make.undo("k9", Kind.INVOICE, How.VOID), refs=UNDO_REF), make.COMPANY, "does not void"),
        (make.post(make.undo("k9", Kind.CUSTOMER), refs=UNDO_REF), make.COMPANY, "cannot hold"),
        (make.post(make.undo("k9", Kind.ENTRY, How.REVERSE), refs=UNDO_REF), make.COMPANY, "by its reversal"),
    ],
)
def test_what_freshbooks_cannot_hold_is_refused_before_anything_is_sent(
    post: Post, company: Company, said: str
) -> None:
    with pytest.raises(NotRenderable) as caught:
        render([post], company)

    assert said in caught.value.text
    assert caught.value.key == post.key
    assert caught.value.action


def test_an_item_that_is_not_in_the_lists_yet_leaves_the_sku() -> None:
    bindings = {**make.BINDINGS, "SALES": Binding(item="9999")}

    line = body(make.post(make.invoice(), bindings=bindings), "invoice")["lines"][0]

    assert (line["name"], line["description"]) == ("MUG", "Mug")

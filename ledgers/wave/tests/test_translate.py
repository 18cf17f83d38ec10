import json
import uuid
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import EntryLine, How, InvoiceLine, Kind, Undo
from ledgers.port import Binding, External, NotRenderable, Shown
from ledgers.wave import transactions, translate, wire
from ledgers.wave.bound import Company, why_shut
from ledgers.wave.tests import factories as make

INVOICE = {"inv1": External("I1")}


def sent(document: Any, **options: Any) -> tuple[str, dict[str, Any]]:
    (call,) = translate.render([make.post(document, **options)], make.COMPANY)
    operation, body = translate.request_of(call)
    return operation, dict(body)


def refused(document: Any, company: Company = make.COMPANY, **options: Any) -> NotRenderable:
    with pytest.raises(NotRenderable) as caught:
        translate.render([make.post(document, **options)], company)
    assert caught.value.key == "k1"
    return caught.value


def swapped(**changes: Any) -> Any:
    lines = (EntryLine("SALES", debit=10000), EntryLine("FEE_SELLING", credit=1500), EntryLine("CLEARING", credit=8500))
    return make.entry(lines=lines, **changes)


# Money transactions ---------------------------------------------------------------------------------------------------


def test_an_entry_that_debits_clearing_is_a_deposit_on_it_with_the_other_lines() -> None:
    operation, body = sent(make.entry())

    assert operation == "MoneyTransactionCreate"
    assert body["anchor"] == {"accountId": make.account("CLEARING"), "amount": "85.00", "direction": "DEPOSIT"}
    assert body["lineItems"] == [
        {"accountId": make.account("SALES"), "amount": "100.00", "balance": "CREDIT"},
        {"accountId": make.account("FEE_SELLING"), "amount": "15.00", "balance": "DEBIT"},
    ]
    assert (body["businessId"], body["date"]) == (make.BUSINESS, "2026-10-14")
    assert body["description"] == "AMZ-17000000001-1 Amazon settlement 17000000001"
    assert body["notes"] == "Amazon settlement 17000000001 ref:m-k1"


def test_an_entry_that_credits_clearing_is_a_withdrawal() -> None:
    _, body = sent(swapped())

    assert body["anchor"] == {"accountId": make.account("CLEARING"), "amount": "85.00", "direction": "WITHDRAWAL"}
    assert [line["balance"] for line in body["lineItems"]] == ["DEBIT", "CREDIT"]


def test_a_person_finds_an_entry_as_the_deposit_or_withdrawal_it_is_and_not_by_its_debits() -> None:
    shown = transactions.shown(make.post(make.entry()), make.COMPANY)
    back = transactions.shown(make.post(swapped()), make.COMPANY)
    undone = transactions.shown(make.post(Undo("k0", Kind.ENTRY, How.REVERSE, swapped())), make.COMPANY)

    account, text = make.account("CLEARING"), "AMZ-17000000001-1 Amazon settlement 17000000001"
    assert shown == Shown("deposit", 8500, account, text)
    assert back == undone == Shown("withdrawal", 8500, account, text)
    assert transactions.shown(make.post(make.invoice()), make.COMPANY) is None


@pytest.mark.parametrize(
    ("source", "target", "anchor", "direction", "line", "side"),
    [
        ("CLEARING", "PAYOUTS", "CLEARING", "WITHDRAWAL", "PAYOUTS", "DEBIT"),
        ("PAYOUTS", "CLEARING", "CLEARING", "DEPOSIT", "PAYOUTS", "CREDIT"),
        ("PAYOUTS", "BANK", "BANK", "DEPOSIT", "PAYOUTS", "CREDIT"),
        ("CHARGE_METHOD", "PAYOUTS", "CHARGE_METHOD", "WITHDRAWAL", "PAYOUTS", "DEBIT"),
    ],
    ids=["payout", "charge", "on to the bank", "off the card"],
)
def test_a_transfer_is_anchored_where_the_money_is(
    source: str, target: str, anchor: str, direction: str, line: str, side: str
) -> None:
    _, body = sent(make.transfer(source=source, target=target, amount=2001))

    assert body["anchor"] == {"accountId": make.account(anchor), "amount": "20.01", "direction": direction}
    assert body["lineItems"] == [{"accountId": make.account(line), "amount": "20.01", "balance": side}]


def test_the_external_id_is_a_uuid_of_business_and_delivery_and_the_same_every_time() -> None:
    ours = [sent(make.entry(), key=key)[1]["externalId"] for key in ("k1", "k1", "k2")]
    elsewhere = wire.transaction_id(make.opaque("Business:other"), "w-k1")

    assert uuid.UUID(ours[0]).version == 5
    assert ours[0] == ours[1]
    assert len({*ours, elsewhere}) == 3


def test_an_entry_that_leaves_clearing_as_it_was_is_refused() -> None:
    lines = (
        EntryLine("CLEARING", debit=500),
        EntryLine("CLEARING", credit=500),
        EntryLine("SALES", credit=1),
        EntryLine("ADS", debit=1),
    )

    refused(make.entry(lines=lines))


@pytest.mark.parametrize(
    "lines",
    [
        (EntryLine("SALES", credit=100), EntryLine("ADS", debit=100)),
        (EntryLine("CLEARING", debit=100), EntryLine("BANK", credit=100)),
        (EntryLine("CLEARING", debit=100), EntryLine("CHARGE_METHOD", credit=100)),
        (EntryLine("CLEARING", debit=100), EntryLine("SALES", credit=99)),
        (EntryLine("CLEARING", debit=100),),
    ],
    ids=["no money account", "bank and clearing", "card and clearing", "unbalanced", "one line"],
)
def test_an_entry_that_is_no_money_transaction_is_refused(lines: tuple[EntryLine, ...]) -> None:
    refused(make.entry(lines=lines))


@pytest.mark.parametrize(
    ("key", "of"),
    [("CLEARING", AccountClass.CURRENT_ASSET), ("PAYOUTS", AccountClass.BANK)],
)
def test_the_account_that_is_mapped_decides_whether_money_moves_through_it(key: str, of: AccountClass) -> None:
    classes = {**make.COMPANY.classes, make.account(key): of}
    company = Company(make.BUSINESS, "USD", classes)

    refusal = refused(make.transfer(source="CLEARING", target="PAYOUTS"), company)

    assert "Cash and bank" in refusal.action


@pytest.mark.parametrize("of", [None, AccountClass.RECEIVABLE])
def test_an_account_of_waves_own_is_no_line(of: AccountClass | None) -> None:
    company = Company(make.BUSINESS, "USD", {make.account("SALES"): of})

    refused(make.entry(), company)


@pytest.mark.parametrize("document", [make.entry(), make.payment(), make.item(key="CLEARING")])
@pytest.mark.parametrize(
    ("active", "currency", "said"), [(False, "USD", "is archived in Wave"), (True, "CAD", "is kept in CAD")]
)
def test_an_account_that_is_archived_or_foreign_is_never_posted_to(
    document: Any, active: bool, currency: str, said: str
) -> None:
    why = why_shut(active, currency, "USD")
    company = replace(make.COMPANY, shut={make.account("CLEARING"): why})

    assert said in str(refused(document, company, refs=INVOICE))
    assert why_shut(True, "USD", "USD") == why_shut(True, "", "USD") == ""


def test_an_account_made_a_moment_ago_is_judged_by_its_key() -> None:
    (call,) = translate.render([make.post(make.entry())], Company(make.BUSINESS, "USD"))

    assert json.loads(call.body)["variables"]["input"]["anchor"]["accountId"] == make.account("CLEARING")


def test_an_undo_with_a_reversal_is_that_entry_under_its_own_id() -> None:
    undo = Undo("e1", Kind.ENTRY, How.REVERSE, swapped(number="AMZ-17000000001-1r"))

    operation, body = sent(undo, key="u1")

    assert operation == "MoneyTransactionCreate"
    assert body["anchor"]["direction"] == "WITHDRAWAL"
    assert body["description"].startswith("AMZ-17000000001-1r")
    assert body["notes"].endswith("ref:m-u1")
    assert body["externalId"] == wire.transaction_id(make.BUSINESS, "w-u1")


# Invoices and payments ------------------------------------------------------------------------------------------------


def test_an_invoice_is_saved_with_our_number_and_a_product_per_line_without_tax() -> None:
    operation, body = sent(make.invoice(memo="Order 113"))

    assert operation == "InvoiceCreate"
    assert (body["status"], body["invoiceNumber"]) == ("SAVED", "113-0000001-0000001")
    assert (body["currency"], body["exchangeRate"], body["memo"]) == ("USD", "1", "Order 113 ref:m-k1")
    assert body["items"] == [
        {
            "productId": make.product("SALES"),
            "quantity": "2",
            "unitPrice": "20.00",
            "description": "Mug",
            "taxes": [],
        },
        {"productId": make.product("PROMO"), "quantity": "1", "unitPrice": "-5.00", "taxes": []},
    ]


def test_a_price_that_does_not_divide_is_one_line_that_names_the_units() -> None:
    _, body = sent(make.invoice(lines=(InvoiceLine("SALES", 1000, 3, "MUG"),)))

    (item,) = body["items"]
    assert (item["quantity"], item["unitPrice"], item["description"]) == ("1", "10.00", "3 units. MUG")


def test_a_payment_names_its_invoice_account_and_reference() -> None:
    operation, body = sent(make.payment(), refs=INVOICE)

    assert operation == "InvoicePaymentCreateManual"
    assert body == {
        "invoiceId": "I1",
        "amount": "35.00",
        "exchangeRate": "1",
        "paymentAccountId": make.account("CLEARING"),
        "paymentDate": "2026-10-14",
        "paymentMethod": "OTHER",
        "memo": "AMZ-17000000001-1 ref:m-k1",
    }


def test_a_payment_into_an_account_that_is_no_bank_is_refused() -> None:
    refused(make.payment(account="PAYOUTS"), refs=INVOICE)


def test_invoices_and_payments_are_deleted_by_their_id() -> None:
    posted = {"p1": External("P1"), "i1": External("I1")}

    assert sent(make.undo("p1", Kind.PAYMENT), refs=posted) == ("InvoicePaymentDelete", {"id": "P1"})
    assert sent(make.undo("i1", Kind.INVOICE), refs=posted) == ("InvoiceDelete", {"invoiceId": "I1"})


# Lists ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "subtype"),
    [
        ("CLEARING", "CASH_AND_BANK"),
        ("PAYOUTS", "OTHER_CURRENT_ASSETS"),
        ("RESERVE", "OTHER_CURRENT_ASSETS"),
        ("PROMO", "DISCOUNTS"),
        ("REIMB", "OTHER_INCOME"),
        ("FEE_INBOUND", "COST_OF_GOODS_SOLD"),
        ("LOAN", "OTHER_CURRENT_LIABILITY"),
    ],
)
def test_a_new_account_is_of_the_subtype_of_its_key(key: str, subtype: str) -> None:
    operation, body = sent(make.new_account(key, "Amazon"))

    assert (operation, body) == (
        "AccountCreate",
        {"businessId": make.BUSINESS, "name": "Amazon", "subtype": subtype},
    )


def test_a_product_has_its_income_account_and_no_price_and_a_customer_the_currency() -> None:
    product, customer = sent(make.item(sku="MUG")), sent(make.customer())

    assert product == (
        "ProductCreate",
        {
            "businessId": make.BUSINESS,
            "name": "Amazon sales",
            "description": "MUG",
            "unitPrice": "0",
            "incomeAccountId": make.account("SALES"),
        },
    )
    assert customer == (
        "CustomerCreate",
        {"businessId": make.BUSINESS, "name": "Amazon.com (USD)", "currency": "USD"},
    )


# What Wave cannot hold, and order -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        make.invoice(currency="CAD"),
        make.entry(currency="CAD"),
        make.transfer(currency="CAD"),
        make.customer(currency="CAD"),
        make.new_account(currency="CAD"),
        make.invoice(lines=(InvoiceLine("SALES", 100), InvoiceLine("PROMO", -100))),
        make.transfer(source="CLEARING", target="PAYOUTS", amount=0),
        make.new_account("AR", "Receivables"),
        make.new_account(name=" "),
        make.undo("a1", Kind.ACCOUNT),
        make.undo("i1", Kind.INVOICE),
    ],
    ids=[
        "invoice", "entry", "transfer", "customer", "account", "zero invoice", "zero transfer", "receivables", "no name",
        "undo of an account", "undo of what is not there",
    ],
)  # fmt: skip
def test_what_wave_cannot_hold_is_refused_before_any_call(document: Any) -> None:
    refused(document)


@pytest.mark.parametrize(
    ("document", "missing"),
    [(make.entry(), "FEE_SELLING"), (make.invoice(), "PROMO"), (make.invoice(), make.BUYER)],
)
def test_a_symbol_without_a_meaning_is_refused(document: Any, missing: str) -> None:
    bindings = {symbol: binding for symbol, binding in make.BINDINGS.items() if symbol != missing}

    refused(document, bindings=bindings)


def test_a_currency_of_three_decimals_is_refused() -> None:
    refused(make.entry(currency="KWD"), Company(make.BUSINESS, "KWD"))


def test_yen_have_no_decimals() -> None:
    (call,) = translate.render([make.post(make.entry(currency="JPY"))], Company(make.BUSINESS, "JPY"))

    assert translate.request_of(call)[1]["anchor"]["amount"] == "8500"


def test_nothing_is_rendered_before_the_currency_of_the_business_is_known() -> None:
    refused(make.entry(), Company(make.BUSINESS))


def test_every_post_is_a_call_of_its_own_in_the_order_in_which_they_refer_to_each_other() -> None:
    posts = [
        make.post(make.undo("old", Kind.INVOICE), "u1", {"old": External("I0")}),
        make.post(make.entry(), "e1"),
        make.post(make.payment(), "p1", INVOICE),
        make.post(make.invoice(), "i1"),
        make.post(make.new_account(), "a1"),
        make.post(make.entry(on=date(2026, 10, 15)), "e2"),
    ]

    calls = translate.render(posts, make.COMPANY)

    assert [call.keys for call in calls] == [("a1",), ("i1",), ("p1",), ("e1",), ("e2",), ("u1",)]
    assert {(call.method, call.path, call.wire_id) for call in calls[:1]} == {("POST", "/graphql/public", "w-a1")}
    assert calls[1].lines == {"i1": ("SALES", "PROMO")}


def test_the_same_posts_give_the_same_bytes() -> None:
    once, again = (translate.render([make.post(make.entry())], make.COMPANY) for _ in range(2))

    assert once == again


def test_a_binding_of_two_keys_to_the_anchor_counts_them_together() -> None:
    bindings = {**make.BINDINGS, "RESERVE": Binding(account=make.account("CLEARING"))}
    lines = (EntryLine("CLEARING", debit=300), EntryLine("RESERVE", credit=100), EntryLine("SALES", credit=200))

    _, body = sent(make.entry(lines=lines), bindings=bindings)

    assert body["anchor"]["amount"] == "2.00"
    assert [line["accountId"] for line in body["lineItems"]] == [make.account("SALES")]

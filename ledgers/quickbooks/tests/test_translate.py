import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookkeeping.accounts import AccountClass, AccountKey
from bookkeeping.documents import DepositLine, EntryLine, How, InvoiceLine, Kind
from ledgers.port import Binding, Call, External, NotRenderable, Post
from ledgers.quickbooks import wire
from ledgers.quickbooks.bodies import Company
from ledgers.quickbooks.tests import factories as make
from ledgers.quickbooks.translate import render

FOREIGN = Company(home_currency="USD", multicurrency=True)


def one(*posts: Post, company: Company = make.COMPANY) -> tuple[Call, dict[str, Any]]:
    (call,) = render(posts, company)
    return call, json.loads(call.body, parse_float=Decimal)


def test_invoice_carries_its_number_lines_marker_and_no_tax() -> None:
    document = make.invoice(memo="Settlement 17000000001", tracking="1Z999")

    call, body = one(make.post(document))

    assert (call.method, call.path, call.keys) == ("POST", "/invoice", ("k1",))
    assert call.query == {"minorversion": "75", "requestid": "w1-k1"}
    assert body["DocNumber"] == "113-0000001-0000001"
    assert body["PrivateNote"] == "Settlement 17000000001 ref:m-k1"
    assert body["TrackingNum"] == "1Z999"
    assert body["CustomerRef"] == {"value": "77"}
    assert "TxnTaxDetail" not in body
    assert [line["SalesItemLineDetail"]["TaxCodeRef"] for line in body["Line"]] == [{"value": "NON"}] * 2
    assert {body[name] for name in body if name.startswith("AllowOnline")} == {False}
    assert call.lines == {"k1": ("SALES", "PROMO")}


@pytest.mark.parametrize(
    ("amount", "quantity", "sent", "description"),
    [
        (4000, 2, (2, "20.00", "40.00"), "Mug"),
        (1000, 3, (1, "10.00", "10.00"), "3 units. Mug"),
        (999, 1, (1, "9.99", "9.99"), "Mug"),
        (999, 0, (1, "9.99", "9.99"), "Mug"),
    ],
    ids=["exact", "not exact", "one", "no quantity"],
)
def test_price_is_sent_only_where_it_is_exact(
    amount: int, quantity: int, sent: tuple[int, str, str], description: str
) -> None:
    document = make.invoice(lines=(InvoiceLine("SALES", amount, quantity, description="Mug"),))

    _, body = one(make.post(document))

    (line,) = body["Line"]
    detail = line["SalesItemLineDetail"]
    assert (detail["Qty"], str(detail["UnitPrice"]), str(line["Amount"])) == sent
    assert line["Description"] == description


@given(st.integers(-(10**9), 10**9).filter(bool), st.integers(-3, 500))
def test_amount_always_equals_quantity_times_price(amount: int, quantity: int) -> None:
    lines = (InvoiceLine("SALES", amount, quantity), InvoiceLine("SHIP_INCOME", 2 * 10**9))

    _, body = one(make.post(make.invoice(lines=lines)))

    line = body["Line"][0]
    detail = line["SalesItemLineDetail"]
    assert line["Amount"] == detail["Qty"] * detail["UnitPrice"] == Decimal(amount) / 100


def test_money_is_a_json_number_with_the_currencys_decimals() -> None:
    yen = Company(home_currency="JPY")

    dollars, _ = one(make.post(make.transfer(amount=10)))
    yens, _ = one(make.post(make.transfer(amount=10, currency="JPY")), company=yen)

    assert b'"Amount":0.10,' in dollars.body
    assert b'"Amount":10,' in yens.body


def test_a_currency_of_three_decimals_is_refused_before_any_call() -> None:
    dinar = Company(home_currency="KWD")

    with pytest.raises(NotRenderable, match="two decimals"):
        render([make.post(make.transfer(currency="KWD"))], dinar)


def test_currency_goes_along_only_where_the_company_has_several() -> None:
    _, single = one(make.post(make.entry()))
    _, several = one(make.post(make.entry()), company=FOREIGN)

    assert "CurrencyRef" not in single
    assert several["CurrencyRef"] == {"value": "USD"}


def test_a_foreign_document_needs_multicurrency() -> None:
    with pytest.raises(NotRenderable, match="in GBP"):
        render([make.post(make.entry(currency="GBP"))], make.COMPANY)


def test_a_foreign_document_carries_its_own_rate_and_one_in_home_money_none() -> None:
    _, entry = one(make.post(replace(make.entry(currency="GBP"), rate="1.2345678")), company=FOREIGN)
    _, payout = one(make.post(replace(make.transfer(currency="GBP"), rate="1.290909", received=9940)), company=FOREIGN)
    _, home = one(make.post(replace(make.entry(), rate="1")), company=FOREIGN)

    assert entry["ExchangeRate"] == Decimal("1.2345678")
    assert (payout["ExchangeRate"], payout["CurrencyRef"]) == (Decimal("1.290909"), {"value": "GBP"})
    assert "ExchangeRate" not in home


def test_nothing_is_rendered_for_a_company_that_was_never_read() -> None:
    with pytest.raises(NotRenderable, match="not known yet"):
        render([make.post(make.entry())], Company(home_currency=""))


def test_entry_has_classes_and_locations_on_its_lines_and_drops_zero_lines() -> None:
    bindings = make.BINDINGS | {"SALES": Binding(account="9", class_="501", department="602")}
    document = make.entry(
        lines=(EntryLine("SALES", credit=100), EntryLine("ADS"), EntryLine("CLEARING", debit=100, description="Rest"))
    )

    _, body = one(make.post(document, bindings=bindings))

    sales, clearing = body["Line"]
    assert sales["JournalEntryLineDetail"] == {
        "AccountRef": {"value": "9"},
        "ClassRef": {"value": "501"},
        "DepartmentRef": {"value": "602"},
        "PostingType": "Credit",
    }
    assert clearing["JournalEntryLineDetail"]["PostingType"] == "Debit"
    assert (clearing["Description"], str(clearing["Amount"])) == ("Rest", "1.00")


def test_an_unbalanced_entry_never_goes_out() -> None:
    document = make.entry(lines=(EntryLine("SALES", credit=100), EntryLine("CLEARING", debit=99)))

    with pytest.raises(NotRenderable, match="balance"):
        render([make.post(document)], make.COMPANY)


def test_an_entry_never_touches_receivables() -> None:
    mapped = Company(home_currency="USD", classes={make.account(AccountKey.CLEARING): AccountClass.RECEIVABLE})

    with pytest.raises(NotRenderable, match="receivables"):
        render([make.post(make.entry())], mapped)


def test_documents_without_a_number_field_carry_it_in_the_note() -> None:
    _, moved = one(make.post(make.transfer(memo="Payout")))
    _, banked = one(make.post(make.deposit()))

    assert moved["PrivateNote"] == "AMZ-17000000001-P Payout ref:m-k1"
    assert banked["PrivateNote"].startswith("AMZ-17000000001-P Amazon settlement 17000000001 ref:")
    assert "DocNumber" not in moved
    assert "DocNumber" not in banked


def test_deposit_has_direct_lines_of_either_sign_and_no_entity() -> None:
    _, body = one(make.post(make.deposit()))

    assert body["DepositToAccountRef"] == {"value": make.account(AccountKey.BANK)}
    assert [(str(line["Amount"]), line["DepositLineDetail"]) for line in body["Line"]] == [
        ("-15.00", {"AccountRef": {"value": make.account(AccountKey.FEE_SELLING)}}),
        ("100.00", {"AccountRef": {"value": make.account(AccountKey.CLEARING)}}),
    ]


BANK, CLEARING = make.account(AccountKey.BANK), make.account(AccountKey.CLEARING)


@pytest.mark.parametrize(
    ("changes", "company"),
    [
        ({"lines": (DepositLine("CLEARING", 0),)}, make.COMPANY),
        ({"lines": (DepositLine("CLEARING", -1),)}, make.COMPANY),
        ({"lines": (DepositLine("CLEARING", 2), DepositLine("BANK", -1))}, make.COMPANY),
        ({"lines": (DepositLine("CLEARING", 2), DepositLine("LOAN", -1))}, make.COMPANY),
        ({"lines": (DepositLine("CLEARING", 2), DepositLine("TAX_CLEARING", -1))}, make.COMPANY),
        ({}, Company(home_currency="USD", classes={CLEARING: AccountClass.BANK})),
        ({}, Company(home_currency="USD", classes={CLEARING: None})),
        ({"currency": "GBP"}, FOREIGN),
    ],
    ids=["zero", "negative", "bank line", "loan", "liability", "clearing is a bank", "undocumented type", "foreign"],
)
def test_deposits_that_quickbooks_cannot_hold_are_refused_without_a_call(
    changes: dict[str, Any], company: Company
) -> None:
    with pytest.raises(NotRenderable) as caught:
        render([make.post(make.deposit(**changes))], company)

    assert caught.value.key == "k1"
    assert "journal entries" in caught.value.action


def test_payments_of_one_day_share_one_call_with_a_link_and_a_marker_each() -> None:
    refs = {f"inv{n}": External(f"9{n}") for n in range(100)}
    posts = [make.post(make.payment(f"inv{n}", 100 + n), key=f"p{n}", refs=refs) for n in range(100)]

    call, body = one(*posts)

    assert call.path == "/payment"
    assert call.keys == tuple(f"p{n}" for n in range(100))
    assert str(body["TotalAmt"]) == "149.50"
    assert body["PaymentRefNum"] == "AMZ-17000000001-1"
    assert body["Line"][7] == {"Amount": Decimal("1.07"), "LinkedTxn": [{"TxnId": "97", "TxnType": "Invoice"}]}
    assert wire.markers(body["PrivateNote"]) == {f"m-p{n}" for n in range(100)}


@pytest.mark.parametrize(
    "changes",
    [
        {"on": make.ON.replace(day=31)},
        {"reference": "AMZ-17000000002-1"},
        {"account": "PAYOUTS"},
        {"rate": "1.25"},
        {"invoice_key": "inv1"},
    ],
    ids=["date", "reference", "account", "rate", "same invoice"],
)
def test_payments_that_differ_do_not_share_a_remote_payment(changes: dict[str, Any]) -> None:
    refs = {"inv1": External("91"), "inv2": External("92")}
    first = make.post(make.payment("inv1"), key="p1", refs=refs)
    second = make.post(make.payment(**{"invoice_key": "inv2", **changes}), key="p2", refs=refs)

    _, body = one(first, second)

    assert [len(item["Payment"]["Line"]) for item in body["BatchItemRequest"]] == [1, 1]


def test_long_markers_close_a_payment_before_its_note_overflows() -> None:
    refs = {f"inv{n}": External(f"9{n}") for n in range(100)}
    posts = [make.post(make.payment(f"inv{n}"), key=f"p{n:090d}", refs=refs) for n in range(100)]

    calls = render(posts, make.COMPANY)

    bodies = [item["Payment"] for call in calls for item in json.loads(call.body)["BatchItemRequest"]]
    assert len(bodies) > 1
    assert all(len(body["PrivateNote"]) <= wire.TEXT for body in bodies)
    assert frozenset().union(*(wire.markers(body["PrivateNote"]) for body in bodies)) == {post.marker for post in posts}


def test_documents_of_one_kind_travel_in_batches_of_thirty() -> None:
    posts = [make.post(make.invoice(number=f"113-{n}"), key=f"i{n}") for n in range(61)]

    calls = render(posts, make.COMPANY)

    assert [len(call.keys) for call in calls] == [30, 30, 1]
    assert [call.path for call in calls] == ["/batch", "/batch", "/invoice"]
    assert [call.operation for call in calls] == ["batch", "batch", "write"]
    assert [key for call in calls for key in call.keys] == [post.key for post in posts]


def test_batch_ids_keep_within_their_lengths() -> None:
    refs = {f"inv{n}": External(f"9{n}") for n in range(100)}
    posts = [
        make.post(make.payment(f"inv{n}", on=make.ON.replace(day=1 + n % 2)), key=f"p{n}", refs=refs)
        for n in range(100)
    ]

    call, body = one(*posts)

    assert len(call.wire_id) <= 36
    assert call.query["requestid"] == call.wire_id
    assert [item["bId"] for item in body["BatchItemRequest"]] == ["0-50", "50-100"]


def test_what_others_refer_to_goes_first_and_taking_back_goes_the_other_way() -> None:
    refs = {"inv1": External("91", "0"), "dep1": External("92", "1")}
    posts = [
        make.post(make.undo("inv1", Kind.INVOICE, How.VOID), key="u1", refs=refs),
        make.post(make.undo("dep1", Kind.DEPOSIT), key="u2", refs=refs),
        make.post(make.payment(), key="p1", refs=refs),
        make.post(make.invoice(), key="i1"),
        make.post(make.new_account(), key="a1"),
    ]

    calls = render(posts, make.COMPANY)

    assert [call.keys for call in calls] == [("a1",), ("i1",), ("p1",), ("u2",), ("u1",)]


def test_undo_voids_an_invoice_and_deletes_the_rest_with_id_and_version() -> None:
    refs = {"inv1": External("91", "3"), "je1": External("92", "0")}

    void, voided = one(make.post(make.undo("inv1", Kind.INVOICE, How.VOID), refs=refs))
    delete, deleted = one(make.post(make.undo("je1", Kind.ENTRY), refs=refs))

    assert (void.path, void.query["operation"], voided) == ("/invoice", "void", {"Id": "91", "SyncToken": "3"})
    assert (delete.path, delete.query["operation"], deleted) == (
        "/journalentry",
        "delete",
        {"Id": "92", "SyncToken": "0"},
    )


def test_voids_in_a_batch_are_updates_with_an_option() -> None:
    refs = {"inv1": External("91", "3"), "inv2": External("92", "0")}
    posts = [make.post(make.undo(key, Kind.INVOICE, How.VOID), key=f"u-{key}", refs=refs) for key in refs]

    _, body = one(*posts)

    assert body["BatchItemRequest"][0] == {
        "bId": "0-1",
        "operation": "update",
        "optionsData": "void",
        "Invoice": {"Id": "91", "SyncToken": "3"},
    }


def test_payments_that_share_a_remote_payment_are_taken_back_in_one_delete() -> None:
    refs = {"p1": External("91", "0"), "p2": External("91", "0")}
    posts = [make.post(make.undo(key, Kind.PAYMENT), key=f"u-{key}", refs=refs) for key in refs]

    call, body = one(*posts)

    assert (call.path, call.keys, body) == ("/payment", ("u-p1", "u-p2"), {"Id": "91", "SyncToken": "0"})


@pytest.mark.parametrize("document", [make.undo("x", Kind.CUSTOMER), make.undo("x", Kind.ENTRY, How.VOID)])
def test_undo_that_quickbooks_does_not_know_is_refused(document: Any) -> None:
    with pytest.raises(NotRenderable):
        render([make.post(document, refs={"x": External("1", "0")})], make.COMPANY)


def test_new_accounts_get_the_type_of_their_key() -> None:
    _, clearing = one(make.post(make.new_account()))
    _, fees = one(make.post(make.new_account("FEE_FBA/widgets", "Amazon FBA: Fees")))
    _, abroad = one(make.post(make.new_account(currency="GBP")), company=FOREIGN)

    assert (clearing["AccountType"], clearing["AccountSubType"]) == ("Other Current Asset", "OtherCurrentAssets")
    assert (fees["Name"], fees["AccountSubType"]) == ("Amazon FBA Fees", "ShippingFreightDelivery")
    assert (abroad["AccountType"], abroad["CurrencyRef"]) == ("Bank", {"value": "GBP"})


def test_customers_and_items_are_made_with_what_quickbooks_asks_for() -> None:
    _, buyer = one(make.post(make.customer("Amazon.com:\tUSD")))
    _, thing = one(make.post(make.item(sku="MUG-1")))

    assert buyer == {"DisplayName": "Amazon.com USD", "Taxable": False}
    assert thing == {
        "Name": "Amazon sales",
        "Sku": "MUG-1",
        "Type": "Service",
        "Taxable": False,
        "IncomeAccountRef": {"value": make.account(AccountKey.SALES)},
    }


@pytest.mark.parametrize(
    ("document", "missing"),
    [(make.invoice(), "SALES"), (make.invoice(), make.BUYER), (make.entry(), "CLEARING"), (make.payment(), "CLEARING")],
    ids=["item", "customer", "entry account", "payment account"],
)
def test_a_symbol_without_a_binding_is_named(document: Any, missing: str) -> None:
    bindings = {symbol: target for symbol, target in make.BINDINGS.items() if symbol != missing}

    with pytest.raises(NotRenderable, match="has no"):
        render([make.post(document, refs={"inv1": External("9")}, bindings=bindings)], make.COMPANY)


def test_a_payment_waits_for_its_invoice() -> None:
    with pytest.raises(NotRenderable, match="not in the books"):
        render([make.post(make.payment())], make.COMPANY)


def test_a_number_too_long_is_never_cut() -> None:
    with pytest.raises(NotRenderable, match="longer than the 21"):
        render([make.post(make.invoice(number="1" * 22))], make.COMPANY)


def test_a_long_memo_is_cut_and_the_marker_stays_whole() -> None:
    _, body = one(make.post(make.entry(memo="x" * 5000)))

    assert len(body["PrivateNote"]) <= 4000
    assert wire.markers(body["PrivateNote"]) == {"m-k1"}


def test_a_marker_is_not_found_inside_another() -> None:
    assert "ab" not in wire.markers("Payout ref:abc")
    assert "ab" not in wire.markers("xref:ab")


def test_same_posts_give_the_same_bytes() -> None:
    posts = [make.post(make.invoice(number=f"113-{n}"), key=f"i{n}") for n in range(3)]

    assert render(posts, make.COMPANY) == render(posts, make.COMPANY)


def test_outside_the_united_states_no_american_tax_code_is_written() -> None:
    _, body = one(make.post(make.invoice(currency="GBP")), company=Company(home_currency="GBP", country="GBR"))

    assert body["GlobalTaxCalculation"] == "NotApplicable"
    assert all("TaxCodeRef" not in line["SalesItemLineDetail"] for line in body["Line"])


def test_quotes_and_backslashes_of_a_name_stay_inside_the_statement() -> None:
    statement = wire.select("Customer", ("DisplayName", "=", "O'Neil \\ Sons"), wire.ANY)

    assert statement == "SELECT * FROM Customer WHERE DisplayName = 'O\\'Neil \\\\ Sons' AND Active IN (true, false)"


def test_a_float_never_reaches_the_wire() -> None:
    with pytest.raises(TypeError):
        wire.encode({"Amount": 1.5})

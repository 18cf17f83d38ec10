from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from bookkeeping.accounts import AccountClass, AccountKey
from bookkeeping.documents import EntryLine, How, InvoiceLine, Kind
from bookkeeping.exchange import rate_of
from bookkeeping.money import BadAmount
from ledgers.port import Binding, External, NotRenderable, Post
from ledgers.zoho import accounts, answers, wire
from ledgers.zoho.bodies import Company, body_of
from ledgers.zoho.tests import factories as make
from ledgers.zoho.translate import render

PAID = {f"i{n}": External(f"7{n}") for n in range(120)}


def body(post: Post, company: Company = make.COMPANY) -> dict[str, Any]:
    return body_of(post, company)


# Currency and rate -----------------------------------------------------------------------------------------------------


def test_currency_and_rate_are_always_written_even_at_home() -> None:
    posts = [make.post(make.invoice()), make.post(make.entry()), make.post(make.transfer())]

    written = [body(post) for post in posts]

    assert [(each["currency_id"], each["exchange_rate"]) for each in written] == [("46097", Decimal(1))] * 3


def test_a_foreign_document_carries_the_settlements_rate() -> None:
    post = make.post(make.payment(currency="EUR", rate="1.08345"), refs={"inv1": External("71")})

    assert body(post)["exchange_rate"] == Decimal("1.08345")


def test_a_foreign_document_without_a_rate_never_goes_out_at_one() -> None:
    for document in (make.invoice(currency="EUR"), make.entry(currency="EUR"), make.payment(currency="EUR")):
        with pytest.raises(NotRenderable) as caught:
            render([make.post(document, refs={"inv1": External("71")})], make.COMPANY)

        assert "rate" in str(caught.value)


def test_a_currency_that_is_not_switched_on_is_refused_with_what_to_do() -> None:
    for document in (make.entry(currency="GBP", rate="1.3"), make.revaluation(foreign="GBP")):
        with pytest.raises(NotRenderable) as caught:
            render([make.post(document)], make.COMPANY)

        assert "Currencies" in caught.value.action


@pytest.mark.parametrize(
    ("amount", "currency", "received", "home", "rate"),
    [
        (7700, "GBP", 9940, "USD", "1.290909"),
        (9876543, "EUR", 8494111, "USD", "0.8600288"),  # six decimals would come to a cent or two beside it
        (98765, "JPY", 64321, "USD", "0.0065125"),
        (1500000, "EUR", 1500004, "USD", "1.0000027"),  # Zoho rounds half up
    ],
    ids=["small", "large", "no decimals", "half a cent"],
)
def test_a_payout_in_home_money_arrives_to_the_cent(
    amount: int, currency: str, received: int, home: str, rate: str
) -> None:
    found = rate_of(amount, currency, received, home)

    assert wire.home_amount(amount, currency, Decimal(found), home) == received
    assert found == rate


def test_a_received_payout_is_written_at_received_over_sent() -> None:
    post = make.post(make.transfer(currency="EUR", amount=7700, rate="1.3", received=9940))

    written = body(post)

    assert (written["amount"], written["exchange_rate"]) == (Decimal("77.00"), Decimal("1.290909"))


def test_a_rate_kept_with_fewer_decimals_is_said_with_the_cents_it_costs() -> None:
    post = make.post(make.transfer(currency="EUR", amount=9876543, rate="0.86", received=8494111))
    row = make.answered(body(post), transaction_id="9", exchange_rate=Decimal("0.86002"))

    found = answers.found(post, row, make.COMPANY)

    assert not found.equal
    assert "84940.25 USD arrive and not 84941.11" in found.difference


# Invoices --------------------------------------------------------------------------------------------------------------


def test_an_invoice_has_our_number_accounts_and_no_tax() -> None:
    lines = (InvoiceLine("SALES", 4000, 2, "MUG", "Mug"), InvoiceLine("PROMO", -500))

    written = body(make.post(make.invoice(lines=lines, memo="Amazon order")))

    assert (written["invoice_number"], written["reference_number"]) == ("113-0000001-0000001",) * 2
    assert written["notes"] == "Amazon order ref:m-k1"
    assert written["line_items"] == [
        {
            "name": "Mug",
            "account_id": make.account(AccountKey.SALES),
            "description": "Mug",
            "rate": Decimal("20.00"),
            "quantity": 2,
        },
        {
            "name": "Amazon Promotional Rebates",
            "account_id": make.account(AccountKey.PROMO),
            "rate": Decimal("-5.00"),
            "quantity": 1,
        },
    ]


def test_a_price_that_does_not_divide_is_one_of_the_whole() -> None:
    written = body(make.post(make.invoice(lines=(InvoiceLine("SALES", 1000, 3, "MUG", "Mug"),))))

    assert [(each["rate"], each["quantity"], each["description"]) for each in written["line_items"]] == [
        (Decimal("10.00"), 1, "3 units. Mug")
    ]


def test_an_item_is_named_beside_its_account() -> None:
    bindings = {**make.BINDINGS, "SALES": Binding(account="1", item="2")}

    written = body(make.post(make.invoice(lines=(InvoiceLine("SALES", 1000),)), bindings=bindings))

    assert (written["line_items"][0]["item_id"], written["line_items"][0]["account_id"]) == ("2", "1")
    assert "name" not in written["line_items"][0]


def test_yen_have_no_decimals() -> None:
    written = body(make.post(make.invoice(currency="JPY", rate="0.0066", lines=(InvoiceLine("SALES", 1500),))))

    assert str(written["line_items"][0]["rate"]) == "1500"


def test_invoices_travel_by_twenty_five_and_the_same_posts_give_the_same_bytes() -> None:
    posts = [make.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(60)]

    calls = render(posts, make.COMPANY)

    assert [len(call.keys) for call in calls] == [25, 25, 10]
    assert calls == render(posts, make.COMPANY)


# Payments, journals, transfers -----------------------------------------------------------------------------------------


def test_a_payment_covers_fifty_invoices_at_most() -> None:
    posts = [make.post(make.payment(f"i{n}"), f"p{n}", PAID) for n in range(120)]

    calls = render(posts, make.COMPANY)

    assert [len(call.keys) for call in calls] == [50, 50, 20]
    assert len(wire.markers(wire.decode(calls[0].body)["description"])) == 50


@pytest.mark.parametrize(
    "other",
    [{"rate": "1.2"}, {"on": date(2026, 10, 15)}, {"account": "BANK"}, {"reference": "AMZ-17000000001-2"}],
    ids=lambda other: next(iter(other)),
)
def test_payments_that_differ_are_different_payments(other: dict[str, Any]) -> None:
    alike: dict[str, Any] = {"currency": "EUR", "rate": "1.1"}
    posts = [
        make.post(make.payment("i1", **alike), "p1", PAID),
        make.post(make.payment("i2", **{**alike, **other}), "p2", PAID),
    ]

    assert [call.keys for call in render(posts, make.COMPANY)] == [("p1",), ("p2",)]


@pytest.mark.parametrize("document", [make.invoice, make.entry, make.payment, make.transfer])
def test_a_document_that_is_kept_at_another_rate_is_found_different(document: Any) -> None:
    post = make.post(document(currency="EUR", rate="1.1"), refs={"inv1": External("71")})
    row = {**make.answered(body(post)), "status": "published", "invoice_id": "1", "journal_id": "1", "payment_id": "1"}

    same, other = (
        answers.found(post, {**row, "transaction_id": "1", "exchange_rate": rate}, make.COMPANY)
        for rate in (Decimal("1.1"), Decimal("1.2"))
    )

    assert (same.equal, other.equal) == (True, False)
    assert "the exchange rate is 1.2, not 1.1" in other.difference


def test_a_journal_is_published_with_number_and_mark() -> None:
    written = body(make.post(make.entry()))

    assert (written["status"], written["reference_number"]) == ("published", "AMZ-17000000001-1")
    assert written["notes"] == "Amazon settlement 17000000001 ref:m-k1"
    assert [(each["debit_or_credit"], each["amount"]) for each in written["line_items"]] == [
        ("credit", Decimal("100.00")),
        ("debit", Decimal("15.00")),
        ("debit", Decimal("85.00")),
    ]


def test_a_journal_has_a_hundred_lines_at_most() -> None:
    lines = (*[EntryLine("SALES", credit=100)] * 100, EntryLine("CLEARING", debit=10000))

    with pytest.raises(NotRenderable):
        render([make.post(make.entry(lines=lines))], make.COMPANY)


def test_a_journal_never_touches_receivables() -> None:
    company = Company("USD", make.COMPANY.currencies, {make.account(AccountKey.SALES): AccountClass.RECEIVABLE})

    with pytest.raises(NotRenderable):
        render([make.post(make.entry())], company)


def test_a_transfer_moves_money_between_bank_accounts_only() -> None:
    clearing = make.account(AccountKey.CLEARING)
    company = Company("USD", make.COMPANY.currencies, types={clearing: "other_current_asset"})

    with pytest.raises(NotRenderable) as caught:
        render([make.post(make.transfer())], company)

    assert "Bank" in caught.value.action


def test_undo_deletes_payments_that_share_one_object_with_one_call_and_invoices_last() -> None:
    refs = {"p1": External("81"), "p2": External("81"), "i1": External("71", "2026-10-14T09:00:00-0400")}
    posts = [
        make.post(make.undo("i1", Kind.INVOICE), "u-i1", refs),
        make.post(make.undo("p1", Kind.PAYMENT), "u-p1", refs),
        make.post(make.undo("p2", Kind.PAYMENT), "u-p2", refs),
    ]

    calls = render(posts, make.COMPANY)

    assert [(call.method, call.path, call.keys) for call in calls] == [
        ("DELETE", "/customerpayments/81", ("u-p1", "u-p2")),
        ("DELETE", "/invoices/71", ("u-i1",)),
    ]


@pytest.mark.parametrize("target", [(Kind.ACCOUNT, How.DELETE), (Kind.INVOICE, How.VOID)])
def test_what_is_not_taken_back_that_way_is_refused(target: tuple[Kind, How]) -> None:
    with pytest.raises(NotRenderable):
        render([make.post(make.undo("a", *target), refs={"a": External("1")})], make.COMPANY)


@pytest.mark.parametrize(
    "document",
    [
        make.invoice(lines=()),
        make.entry(lines=(EntryLine("SALES", credit=1), EntryLine("CLEARING", debit=2))),
        make.payment(amount=0),
        make.transfer(amount=0),
        make.invoice(number="1" * 101),
    ],
    ids=["empty invoice", "unbalanced", "no payment", "no transfer", "long number"],
)
def test_what_zoho_cannot_hold_is_refused_before_any_call(document: Any) -> None:
    with pytest.raises(NotRenderable):
        render([make.post(document, refs={"inv1": External("71")})], make.COMPANY)


def test_nothing_is_rendered_before_the_lists_were_read() -> None:
    with pytest.raises(NotRenderable):
        render([make.post(make.entry())], Company(home_currency=""))


# Spelling --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "minor"), [("", 0), (None, 0), (100, 10000), (Decimal("199.99"), 19999), ("40.6", 4060), ("0.00", 0)]
)
def test_amounts_are_read_whichever_way_they_are_spelled(said: object, minor: int) -> None:
    assert wire.minor(said, "USD") == minor


@pytest.mark.parametrize("said", ["1,000.00", "NaN", True, [], "-"])
def test_what_is_no_amount_is_refused(said: object) -> None:
    with pytest.raises(BadAmount):
        wire.minor(said, "USD")


def test_empty_lists_come_as_text() -> None:
    assert wire.rows("") == wire.rows(None) == wire.rows([]) == []


def test_every_class_has_a_type_that_is_read_back_as_usable() -> None:
    for of, (kind,) in accounts.TYPES.items():
        assert accounts.class_of(kind) is not None, of
    assert accounts.type_for("CLEARING") == "bank"
    assert accounts.class_of("stock") is None

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import How, InvoiceLine, Kind
from ledgers.port import Call, External, Next, Post, Posted, Refused, Unknown
from ledgers.quickbooks import wire
from ledgers.quickbooks.answers import found, outcome
from ledgers.quickbooks.bodies import body_of
from ledgers.quickbooks.tests import factories as make
from ledgers.quickbooks.translate import render

SUBTOTAL = {"Amount": Decimal("35.00"), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
REFS = {"inv1": External("91", "0"), "inv2": External("92", "0")}


def rendered(*posts: Post) -> Call:
    (call,) = render(posts, make.COMPANY)
    return call


def answered(post: Post, **changes: Any) -> dict[str, Any]:
    """The object as QuickBooks would answer it."""
    return {**body_of(post, make.COMPANY), "Id": "55", "SyncToken": "0", **changes}


def fault(code: str, detail: str = "") -> dict[str, Any]:
    return {"Fault": {"Error": [{"Message": "m", "Detail": detail, "code": code}], "type": "ValidationFault"}}


def test_a_posted_invoice_comes_back_with_its_total_and_its_lines_by_key() -> None:
    post = make.post(make.invoice())
    remote = answered(post, TotalAmt=Decimal("35.00"), DocNumber="113-0000001-0000001")
    remote["Line"] = [*remote["Line"], SUBTOTAL]

    outcomes = outcome(rendered(post), {"Invoice": remote}, make.COMPANY, "https://books.example/app")

    assert outcomes == {
        "k1": Posted(
            external_id="55",
            version="0",
            number="113-0000001-0000001",
            total=3500,
            lines={"SALES": 4000, "PROMO": -500},
            url="https://books.example/app/invoice?txnId=55",
        )
    }


def test_a_total_that_quickbooks_changed_is_reported_as_answered() -> None:
    post = make.post(make.invoice())

    outcomes = outcome(rendered(post), {"Invoice": answered(post, TotalAmt=Decimal("38.15"))}, make.COMPANY)

    assert outcomes["k1"].total == 3815  # type: ignore[union-attr]


def test_lines_of_one_key_add_up() -> None:
    lines = (InvoiceLine("SALES", 1000), InvoiceLine("SALES", 500), InvoiceLine("SHIP_INCOME", 1))
    post = make.post(make.invoice(lines=lines))

    outcomes = outcome(rendered(post), {"Invoice": answered(post)}, make.COMPANY)

    assert outcomes["k1"].lines == {"SALES": 1500, "SHIP_INCOME": 1}  # type: ignore[union-attr]


def test_each_payment_of_a_shared_one_gets_what_its_own_invoice_was_covered_with() -> None:
    posts = [make.post(make.payment(f"inv{n}", 100 * n), key=f"p{n}", refs=REFS) for n in (1, 2)]
    call = rendered(*posts)
    body = wire.decode(call.body)

    outcomes = outcome(call, {"Payment": {**body, "Id": "60", "SyncToken": "0"}}, make.COMPANY)

    assert {key: (each.external_id, each.total) for key, each in outcomes.items()} == {  # type: ignore[union-attr]
        "p1": ("60", 100),
        "p2": ("60", 200),
    }


def test_a_payment_that_lost_a_link_shows_nothing_covered() -> None:
    posts = [make.post(make.payment(f"inv{n}", 100 * n), key=f"p{n}", refs=REFS) for n in (1, 2)]
    call = rendered(*posts)
    body = wire.decode(call.body)

    outcomes = outcome(call, {"Payment": {**body, "Line": body["Line"][:1], "Id": "60"}}, make.COMPANY)

    assert [outcomes[key].total for key in ("p1", "p2")] == [100, 0]  # type: ignore[union-attr]


def test_totals_of_entries_transfers_and_deposits_are_read_back() -> None:
    entry, transfer, deposit = make.post(make.entry()), make.post(make.transfer()), make.post(make.deposit())

    totals = [
        outcome(rendered(post), {name: answered(post, **extra)}, make.COMPANY)["k1"].total  # type: ignore[union-attr]
        for post, name, extra in (
            (entry, "JournalEntry", {}),
            (transfer, "Transfer", {}),
            (deposit, "Deposit", {"TotalAmt": 85}),
        )
    ]

    assert totals == [10000, 8500, 8500]


def batch(count: int = 3) -> tuple[list[Post], Call]:
    posts = [make.post(make.invoice(number=f"113-{n}"), key=f"i{n}") for n in range(count)]
    return posts, rendered(*posts)


def test_items_of_a_batch_are_matched_by_id_and_refused_one_by_one() -> None:
    posts, call = batch()
    items = [
        {"bId": "2-3", "Invoice": answered(posts[2], Id="70")},
        {"bId": "0-1", "Invoice": answered(posts[0], Id="71")},
        {"bId": "1-2", **fault("6140", "Duplicate Document Number Error : ...")},
    ]

    outcomes = outcome(call, {"BatchItemResponse": items, "time": "now"}, make.COMPANY)

    assert outcomes["i0"].external_id == "71"  # type: ignore[union-attr]
    assert outcomes["i2"].external_id == "70"  # type: ignore[union-attr]
    refused = outcomes["i1"]
    assert isinstance(refused, Refused)
    assert (refused.code, refused.next) == ("6140", Next.ADOPT)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda items: items[:2],
        lambda items: [*items[:2], {"bId": "2-3"}],
        lambda items: [*items[:2], {"bId": "2-3", **fault("10000")}],
        lambda items: [*items[:2], {"bId": "2-3", "Invoice": {"SyncToken": "0"}}],
    ],
    ids=["item missing", "item empty", "system error in an item", "no id"],
)
def test_a_batch_that_leaves_an_item_open_is_unknown_as_a_whole(spoil: Any) -> None:
    posts, call = batch()
    items = [{"bId": f"{n}-{n + 1}", "Invoice": answered(post)} for n, post in enumerate(posts)]

    with pytest.raises(Unknown):
        outcome(call, {"BatchItemResponse": spoil(items)}, make.COMPANY)


def test_a_batch_refused_as_a_whole_refuses_every_delivery() -> None:
    _, call = batch()

    outcomes = outcome(call, fault("1040"), make.COMPANY)

    assert {key: each.code for key, each in outcomes.items()} == dict.fromkeys(("i0", "i1", "i2"), "1040")  # type: ignore[union-attr]


@pytest.mark.parametrize("answer", [{}, [], None, {"time": "now"}, {"Invoice": None}, {"Invoice": {}}])
def test_an_answer_without_the_document_proves_nothing(answer: Any) -> None:
    with pytest.raises(Unknown):
        outcome(rendered(make.post(make.invoice())), answer, make.COMPANY)


@pytest.mark.parametrize("amount", [Decimal("35.001"), "35.00", True])
def test_an_amount_nobody_can_read_proves_nothing(amount: Any) -> None:
    post = make.post(make.invoice())

    with pytest.raises(Unknown):
        outcome(rendered(post), {"Invoice": answered(post, TotalAmt=amount)}, make.COMPANY)


def test_a_deleted_document_needs_no_total() -> None:
    call = rendered(make.post(make.undo("inv1", Kind.ENTRY), refs=REFS))

    outcomes = outcome(call, {"JournalEntry": {"domain": "QBO", "status": "Deleted", "Id": "91"}}, make.COMPANY)

    assert outcomes == {"k1": Posted(external_id="91")}


@pytest.mark.parametrize("how", [How.DELETE, How.VOID])
def test_taking_back_what_is_gone_is_looked_up(how: How) -> None:
    call = rendered(make.post(make.undo("inv1", Kind.INVOICE, how), refs=REFS))

    refused = outcome(call, fault("610"), make.COMPANY)["k1"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.ADOPT


def test_a_missing_reference_of_a_new_document_is_held() -> None:
    refused = outcome(rendered(make.post(make.entry())), fault("610"), make.COMPANY)["k1"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.HELD


def test_a_document_changed_by_somebody_is_left_alone() -> None:
    call = rendered(make.post(make.undo("inv1", Kind.ENTRY), refs=REFS))

    refused = outcome(call, fault("5010", "Stale Object Error : ..."), make.COMPANY)["k1"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.PARKED


DOCUMENTS = {
    "invoice": make.post(make.invoice()),
    "payment": make.post(make.payment(), refs=REFS),
    "entry": make.post(make.entry()),
    "transfer": make.post(make.transfer()),
    "deposit": make.post(make.deposit()),
    "account": make.post(make.new_account()),
    "customer": make.post(make.customer()),
    "item": make.post(make.item()),
}


@pytest.mark.parametrize("post", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_was_written_is_found_live_and_equal(post: Post) -> None:
    remote = wire.decode(wire.encode(answered(post, CurrencyRef={"value": "USD"})))

    result = found(post, remote, make.COMPANY)

    assert (result.live, result.equal, result.posted.external_id) == (True, True, "55")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("invoice", {"TxnDate": "2026-10-15"}),
        ("invoice", {"CustomerRef": {"value": "78"}}),
        ("invoice", {"Line": []}),
        ("payment", {"DepositToAccountRef": {"value": "4"}}),
        ("payment", {"Line": []}),
        ("entry", {"Line": []}),
        ("transfer", {"Amount": Decimal("85.01")}),
        ("transfer", {"ToAccountRef": {"value": "3"}}),
        ("deposit", {"DepositToAccountRef": {"value": "3"}}),
        ("account", {"AccountType": "Bank"}),
        ("customer", {"CurrencyRef": {"value": "GBP"}}),
        ("item", {"IncomeAccountRef": {"value": "3"}}),
    ],
)
def test_what_somebody_changed_is_found_but_not_equal(name: str, change: dict[str, Any]) -> None:
    result = found(DOCUMENTS[name], answered(DOCUMENTS[name], **change), make.COMPANY)

    assert not result.equal


def test_what_differs_is_said_for_a_bookkeeper() -> None:
    invoice, transfer = DOCUMENTS["invoice"], DOCUMENTS["transfer"]

    moved = found(invoice, answered(invoice, TxnDate="2026-10-15", Line=[]), make.COMPANY)
    changed = found(transfer, answered(transfer, Amount=Decimal("85.01")), make.COMPANY)
    same = found(invoice, answered(invoice), make.COMPANY)

    assert moved.difference == "the date is 15 Oct 2026, not 14 Oct 2026, the lines differ"
    assert changed.difference == "the amount is 85.01, not 85.00"
    assert same.difference == ""


def test_what_is_open_of_an_invoice_is_read() -> None:
    post = make.post(make.invoice())

    result = found(post, answered(post, Balance=Decimal("12.50"), CurrencyRef={"value": "USD"}), make.COMPANY)

    assert result.posted.balance == 1250


def test_a_transfer_out_of_a_card_that_is_refused_for_its_accounts_says_what_the_company_lacks() -> None:
    post = make.post(make.transfer())
    card = replace(make.COMPANY, classes={**make.COMPANY.classes, post.bindings["CLEARING"].account: AccountClass.CARD})

    from_card = outcome(rendered(post), fault("6000"), card)["k1"]
    from_bank = outcome(rendered(post), fault("6000"), make.COMPANY)["k1"]
    for_its_date = outcome(rendered(post), fault("6200"), card)["k1"]

    assert isinstance(from_card, Refused)
    assert (from_card.lacks, from_card.next) == ("card_transfers", Next.HELD)
    assert [each.lacks for each in (from_bank, for_its_date) if isinstance(each, Refused)] == ["", ""]


def test_a_shared_payment_is_equal_for_each_of_its_deliveries() -> None:
    posts = [make.post(make.payment(f"inv{n}", 100 * n), key=f"p{n}", refs=REFS) for n in (1, 2)]
    remote = {**wire.decode(rendered(*posts).body), "Id": "60", "SyncToken": "0"}

    results = [found(post, remote, make.COMPANY) for post in posts]

    assert [(result.equal, result.posted.total) for result in results] == [(True, 100), (True, 200)]


def test_a_voided_invoice_is_found_but_not_live() -> None:
    post = make.post(make.invoice())

    result = found(post, answered(post, PrivateNote="Voided - ref:m-k1", TotalAmt=0), make.COMPANY)

    assert not result.live


def test_an_inactive_account_is_found_but_not_live() -> None:
    assert not found(DOCUMENTS["account"], answered(DOCUMENTS["account"], Active=False), make.COMPANY).live

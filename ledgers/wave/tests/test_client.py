from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.documents import How, Kind, Undo
from ledgers.port import (
    Absent,
    AuthorizationLost,
    CannotTell,
    External,
    Found,
    Lookup,
    Next,
    NotSent,
    Posted,
    Refused,
    Unknown,
)
from ledgers.wave import wire
from ledgers.wave.client import CAPABILITIES, Wave
from ledgers.wave.tests import factories as make
from ledgers.wave.tests.scripted import Script, failed, page, scripted, top

OURS = wire.transaction_id(make.BUSINESS, "w-k1")
CLEARING = make.account("CLEARING")
POSTED = {"inv1": External("I1")}
DUPLICATE = {"code": "X", "message": "externalId already exists", "path": ["input", "externalId"]}


@pytest.fixture
def remote() -> Iterator[tuple[Script, Wave]]:
    with scripted() as pair:
        yield pair


def transaction(id_: str = "T1") -> dict[str, Any]:
    return {"moneyTransactionCreate": {"didSucceed": True, "inputErrors": None, "transaction": {"id": id_}}}


def send(client: Wave, document: Any = None, deadline_s: float = 5.0, **options: Any) -> Any:
    (call,) = client.render([make.post(document or make.entry(), **options)])
    return client.send(call, deadline_s)["k1"]


# The door -------------------------------------------------------------------------------------------------------------


def test_a_write_is_one_post_with_its_static_document(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.data(**transaction())

    posted = send(client)

    (asked,) = script.asked
    assert (asked["method"], asked["path"], asked["token"]) == ("POST", "/graphql/public", "t1")
    assert asked["operationName"] == "MoneyTransactionCreate"
    assert asked["query"].strip().startswith("mutation MoneyTransactionCreate(")
    assert posted == Posted(external_id="T1")
    assert script.metered == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"errors": [top("UNAUTHENTICATED")]}),
        (400, {"errors": [top("UNAUTHENTICATED")], "data": None}),
        (401, {"errors": [top("UNAUTHENTICATED")]}),
        (401, b"<html>"),
        (403, b"Forbidden"),
    ],
)
def test_a_token_that_is_not_accepted_is_renewed_once_however_wave_says_it(
    remote: tuple[Script, Wave], status: int, body: Any
) -> None:
    script, client = remote
    script.will(status, body)
    script.data(**transaction())

    send(client)

    assert script.tokens == ["", "t1"]
    assert (script.counted, script.metered) == (2, [])
    assert [asked["token"] for asked in script.asked] == ["t1", "t2"]


def test_a_fresh_token_that_is_not_accepted_either_names_the_plan(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.will(200, {"errors": [top("UNAUTHENTICATED")]})
    script.will(403, b"")

    with pytest.raises(AuthorizationLost, match="Wave Pro"):
        send(client)


@pytest.mark.parametrize(
    ("headers", "least_s", "most_s"), [({}, 60, 75), ({"Retry_After": "7"}, 7, 22), ({"Retry_After": "soon"}, 60, 75)]
)
def test_throttled_means_not_sent(
    remote: tuple[Script, Wave], headers: dict[str, str], least_s: float, most_s: float
) -> None:
    script, client = remote
    script.will(429, b"slow down", **headers)

    with pytest.raises(NotSent) as caught:
        send(client)

    assert least_s <= caught.value.after_s <= most_s


def test_a_refused_connection_is_not_sent_and_a_lost_answer_is_unknown(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.answers += [ConnectionResetError("cut")]

    with pytest.raises(Unknown):
        send(client)
    client._remote._url = "http://127.0.0.1:9"
    with pytest.raises(NotSent):
        send(client)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"<html>Sign in</html>"),
        (200, b'{"data":{"moneyTr'),
        (200, {}),
        (200, {"data": None}),
        (200, {"data": {"moneyTransactionCreate": None}}),
        (200, {"data": {"moneyTransactionCreate": {"transaction": {"id": "T1"}}}}),
        (200, {"data": {"moneyTransactionCreate": {"didSucceed": None}}}),
        (200, {"errors": [top("INTERNAL_SERVER_ERROR")], "data": None}),
        (200, {"errors": [{"message": "who knows"}]}),
        (200, {"errors": [top("INTERNAL_SERVER_ERROR")], "data": transaction()}),
        (200, {"errors": [top("NOT_FOUND")], "data": transaction()}),
        (500, {"errors": [top("INTERNAL_SERVER_ERROR")]}),
        (500, {"message": "x"}),
        (502, b"<html>Bad gateway</html>"),
        (504, b""),
    ],
)
def test_whatever_does_not_prove_an_outcome_is_unknown(remote: tuple[Script, Wave], status: int, body: Any) -> None:
    script, client = remote
    script.will(status, body)

    with pytest.raises(Unknown):
        send(client)


def test_nothing_is_sent_once_the_time_is_over(remote: tuple[Script, Wave]) -> None:
    script, client = remote

    with pytest.raises(NotSent):
        send(client, deadline_s=0)

    assert script.asked == []


def test_a_body_counts_whatever_the_status(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.will(500, {"data": transaction()})
    script.will(400, {"errors": [top("GRAPHQL_VALIDATION_FAILED")]})

    assert send(client) == Posted(external_id="T1")
    assert send(client).next is Next.PARKED


# What was refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "next_", "field"),
    [
        ({"message": "No", "path": ["input", "lineItems", "0", "accountId"]}, Next.HELD, "input.lineItems.0.accountId"),
        ({"message": "No", "path": ["input", "anchor"]}, Next.HELD, "input.anchor"),
        ({"message": "At least one debit and credit.", "path": ["input", "lineItems"]}, Next.PARKED, "input.lineItems"),
        ({"message": "Duplicate accounts", "path": ["input", "lineItems"]}, Next.PARKED, "input.lineItems"),
        ({"message": "Invalid format", "path": ["input", "externalId"]}, Next.PARKED, "input.externalId"),
        ({"message": "Period is locked", "path": ["input", "date"]}, Next.PARKED, "input.date"),
        ({"message": "Period is locked", "path": None}, Next.PARKED, ""),
    ],
)
def test_an_input_error_proves_that_nothing_was_posted(
    remote: tuple[Script, Wave], error: dict[str, Any], next_: Next, field: str
) -> None:
    script, client = remote
    script.data(moneyTransactionCreate={**failed(error), "transaction": None})

    refused = send(client)

    assert isinstance(refused, Refused)
    assert (refused.next, refused.field) == (next_, field)
    assert error["message"] in refused.text


def test_a_refusal_without_a_reason_is_one_all_the_same(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.data(moneyTransactionCreate={"didSucceed": False, "inputErrors": None})

    assert send(client).next is Next.PARKED


@pytest.mark.parametrize(
    "error",
    [
        DUPLICATE,
        {"message": "Must be unique", "path": ["input", "externalId"]},
        {"message": "Transaction already exists", "path": ["input"]},
        {"message": "Duplicate transaction", "path": None},
        {"message": "", "path": ["input", "externalId"]},
        {"message": "Taken", "path": "input.externalId"},
    ],
)
def test_a_duplicate_external_id_means_that_it_is_in_the_books(
    remote: tuple[Script, Wave], error: dict[str, Any]
) -> None:
    script, client = remote
    script.data(moneyTransactionCreate={**failed(error), "transaction": None})

    assert send(client) == Posted(external_id=OURS)


def test_something_unknown_to_wave_holds_the_document_for_the_mapping(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.will(200, {"errors": [top("NOT_FOUND", "moneyTransactionCreate")], "data": {"moneyTransactionCreate": None}})

    assert (send(client).next, script.tokens) == (Next.HELD, [""])


def test_a_number_or_name_that_is_taken_is_looked_up(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoices=page())
    script.data(invoiceCreate=failed({"message": "Taken", "path": ["input", "invoiceNumber"]}))
    script.data(accountCreate=failed({"message": "Taken", "path": ["input", "name"]}))

    assert send(client, make.invoice()).next is Next.ADOPT
    assert send(client, make.new_account()).next is Next.ADOPT


# What was posted ------------------------------------------------------------------------------------------------------


def test_a_posting_without_an_id_goes_by_ours(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.data(moneyTransactionCreate={"didSucceed": True, "inputErrors": [], "transaction": None})

    assert send(client) == Posted(external_id=OURS)


def test_an_invoice_is_answered_with_total_lines_and_balance(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    answered = make.remote_invoice()
    script.business(invoices=page())
    script.data(invoiceCreate={"didSucceed": True, "inputErrors": None, "invoice": answered})

    posted = send(client, make.invoice())

    assert posted == Posted(
        external_id=str(answered["id"]),
        version="2026-10-14T08:00:00.000Z",
        number="113-0000001-0000001",
        total=3500,
        lines={"SALES": 4000, "PROMO": -500},
        balance=3500,
    )


def test_a_number_that_is_in_use_is_seen_before_the_invoice_is_written(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoices=page(make.remote_invoice(memo="")))

    refused = send(client, make.invoice())

    assert (refused.code, refused.next) == ("number_taken", Next.ADOPT)
    assert script.operations() == ["Invoices"]


def test_a_number_that_only_contains_ours_is_not_in_the_way(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoices=page(make.remote_invoice(invoiceNumber="113-0000001-0000001-2")))
    script.data(invoiceCreate={"didSucceed": True, "inputErrors": None, "invoice": make.remote_invoice()})

    assert isinstance(send(client, make.invoice()), Posted)


def test_a_payment_and_a_deletion_are_answered(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    answered = {"id": "P1", "amount": "35.00", "modifiedAt": "m"}
    script.data(invoicePaymentCreateManual={"didSucceed": True, "inputErrors": None, "invoicePayment": answered})
    script.data(invoicePaymentDelete={"didSucceed": True, "inputErrors": None})

    paid = send(client, make.payment(), refs=POSTED)
    deleted = send(client, make.undo("p1", Kind.PAYMENT), refs={"p1": External("P1")})

    assert (paid.external_id, paid.total, paid.version) == ("P1", 3500, "m")
    assert deleted == Posted(external_id="P1")


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [top("NOT_FOUND", "invoiceDelete")], "data": {"invoiceDelete": None}},
        {"data": {"invoiceDelete": failed({"message": "has payments", "path": ["input", "invoiceId"]})}},
    ],
)
def test_a_deletion_that_is_refused_is_looked_up(remote: tuple[Script, Wave], body: Any) -> None:
    script, client = remote
    script.will(200, body)

    assert send(client, make.undo("i1", Kind.INVOICE), refs={"i1": External("I1")}).next is Next.ADOPT


# Money transactions, seen by their balance alone ----------------------------------------------------------------------


def before(client: Wave, document: Any) -> Any:
    (call,) = client.render([make.post(document, refs=POSTED)])
    return client.before(call)


def test_the_balance_of_the_anchor_is_read_before_a_money_transaction_and_nothing_before_others(
    remote: tuple[Script, Wave],
) -> None:
    script, client = remote
    script.balance("120.50")

    noted = before(client, make.entry())

    assert noted == {CLEARING: 12050}
    assert script.asked[0]["variables"] == {"businessId": make.BUSINESS, "accountId": CLEARING}
    assert [before(client, document) for document in (make.invoice(), make.payment(), make.customer())] == [{}] * 3
    assert script.operations() == script.metered == ["Balance"]


def test_the_balance_of_a_card_is_what_is_owed(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.balance("50.00", side="CREDIT")

    assert before(client, make.transfer(source="CHARGE_METHOD", target="PAYOUTS")) == {
        make.account("CHARGE_METHOD"): -5000
    }


WITHDRAWAL = make.transfer(source="CLEARING", target="PAYOUTS", amount=8500)


@pytest.mark.parametrize(
    ("document", "now", "outcome"),
    [
        (make.entry(), "185.00", Found),
        (make.entry(), "100.00", Absent),
        (make.entry(), "15.00", CannotTell),
        (make.entry(), "185.01", CannotTell),
        (WITHDRAWAL, "15.00", Found),
        (WITHDRAWAL, "100.00", Absent),
        (WITHDRAWAL, "185.00", CannotTell),
        (Undo("e1", Kind.ENTRY, How.REVERSE, make.entry()), "185.00", Found),
        (Undo("t1", Kind.TRANSFER, How.REVERSE, make.entry()), "100.00", Absent),
    ],
    ids=[
        "moved", "still", "moved the other way", "moved by more", "withdrawn", "not withdrawn", "deposited instead",
        "reversed", "not reversed",
    ],
)  # fmt: skip
def test_a_money_transaction_is_there_where_the_balance_moved_by_just_its_amount(
    remote: tuple[Script, Wave], document: Any, now: str, outcome: type[Any]
) -> None:
    script, client = remote
    script.balance(now)

    answer = client.find(make.post(document, before={CLEARING: 10000}))

    assert isinstance(answer, outcome)
    if isinstance(answer, Found):
        assert (answer.posted, answer.live, answer.equal) == (Posted(external_id=OURS), True, True)


def test_a_balance_that_others_moved_is_named_with_its_amounts(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.balance("90.00")

    answer = client.find(make.post(make.entry(), before={CLEARING: 10000}))

    assert isinstance(answer, CannotTell)
    assert "Amazon Clearing changed by −10.00 USD" in answer.reason
    assert "85.00 USD" in answer.reason


def test_without_the_balance_before_nobody_can_tell_and_nothing_is_asked(remote: tuple[Script, Wave]) -> None:
    script, client = remote

    answers = [client.find(make.post(make.entry(), before=noted)) for noted in ({}, {"other": 1})]

    assert [type(answer) for answer in answers] == [CannotTell] * 2
    assert script.asked == []


def test_what_was_posted_is_found_though_its_account_was_archived_since() -> None:
    with scripted(replace(make.COMPANY, shut={CLEARING: "is archived in Wave"})) as (script, client):
        script.balance("185.00")

        assert isinstance(client.find(make.post(make.entry(), before={CLEARING: 10000})), Found)


@pytest.mark.parametrize("balance", [None, "a lot", "1.005"])
def test_a_balance_nobody_can_read_is_asked_for_again(remote: tuple[Script, Wave], balance: Any) -> None:
    script, client = remote
    script.balance(balance)

    with pytest.raises(NotSent):
        client.find(make.post(make.entry(), before={CLEARING: 0}))


# What can be read -----------------------------------------------------------------------------------------------------


def found(client: Wave, document: Any, **options: Any) -> Any:
    return client.find(make.post(document, **options))


def test_an_invoice_is_found_by_its_number_and_mark(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    longer = make.remote_invoice(id="I9", invoiceNumber="113-0000001-00000012")
    foreign = make.remote_invoice(id="I8", memo="somebody's")
    script.business(invoices=page(longer, foreign, make.remote_invoice()))
    script.business(invoices=page(longer, foreign))

    there, absent = found(client, make.invoice()), found(client, make.invoice())

    assert (there.posted.external_id, there.live, there.equal, there.difference) == (
        make.remote_invoice()["id"], True, True, "",
    )  # fmt: skip
    assert isinstance(absent, Absent)
    assert script.asked[0]["variables"]["invoiceNumber"] == "113-0000001-0000001"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"invoiceDate": "2026-10-15"}, "the date is 15 Oct 2026, not 14 Oct 2026"),
        ({"customer": {"id": "C9"}}, "the customer differs"),
        ({"status": "DRAFT"}, "the state is a draft, not approved"),
        ({"total": make.money(3850)}, "the total differs"),
        ({"items": []}, "the lines differ"),
    ],
)
def test_an_invoice_that_somebody_changed_says_how(
    remote: tuple[Script, Wave], change: dict[str, Any], said: str
) -> None:
    script, client = remote
    script.business(invoices=page(make.remote_invoice(**change)))

    answer = found(client, make.invoice())

    assert (answer.equal, answer.difference) == (False, said)


def test_a_status_nobody_knows_is_as_good_as_any(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoices=page(make.remote_invoice(status="FACTORED")))

    assert found(client, make.invoice()).equal


def payment(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "P1",
        "amount": "35.00",
        "paymentDate": "2026-10-14",
        "memo": "AMZ-17000000001-1 ref:m-k1",
        "modifiedAt": "m",
        "account": {"id": CLEARING},
        "originInvoicePayment": None,
    }
    return {**row, **changes}


def test_a_payment_is_found_through_its_invoice(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    refund = payment(id="P2", originInvoicePayment={"id": "P1"})
    script.business(invoice=make.remote_invoice(payments=[payment(id="P0", memo="cash"), refund, payment()]))
    script.business(invoice=make.remote_invoice(payments=[payment(amount="34.00")]))
    script.business(invoice=make.remote_invoice(payments=None))
    script.business(invoice=None)

    answers = [found(client, make.payment(), refs=POSTED) for _ in range(4)]

    assert (answers[0].posted.external_id, answers[0].equal, answers[0].posted.total) == ("P1", True, 3500)
    assert (answers[1].equal, answers[1].difference) == (False, "the amount differs")
    assert [type(answer) for answer in answers[2:]] == [Absent, Absent]
    assert script.asked[0]["variables"]["invoiceId"] == "I1"


def test_lists_are_looked_through_for_just_the_name_over_all_pages(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(customers=page({"id": "C1", "name": "Amazon.com (USD) old"}, of=2))
    script.business(customers=page({"id": "C2", "name": "Amazon.com (USD)", "currency": None}, number=2, of=2))
    script.business(accounts=page({"id": "A1", "name": "amazon clearing"}))
    script.business(
        accounts=page({"id": "A2", "name": "Amazon Clearing", "isArchived": True, "subtype": {"value": "X"}})
    )
    script.business(products=page())
    script.business(products=page())

    customer, account, item = (found(client, each) for each in (make.customer(), make.new_account(), make.item()))

    assert (customer.posted.external_id, customer.live, customer.equal) == ("C2", True, True)
    assert (account.posted.external_id, account.live, account.equal) == ("A2", False, False)
    assert isinstance(item, Absent)
    assert [asked["variables"]["page"] for asked in script.asked[:2]] == [1, 2]
    assert [asked["variables"].get("isArchived") for asked in script.asked[2:4]] == [False, True]


def test_a_deleted_invoice_is_gone_and_one_that_stands_is_not(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    undo, refs = make.undo("i1", Kind.INVOICE), {"i1": External("I1")}
    missing = {"errors": [top("NOT_FOUND", "business", "invoice")]}
    script.will(200, {**missing, "data": {"business": {"id": make.BUSINESS, "invoice": None}}})
    script.business(invoice=make.remote_invoice())

    assert isinstance(found(client, undo, refs=refs), Found)
    assert isinstance(found(client, undo, refs=refs), Absent)


def test_a_business_that_the_token_does_not_open_is_lost(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.will(200, {"errors": [top("NOT_FOUND", "business")], "data": {"business": None}})
    script.data(business={"id": "another", "name": "x"})

    for _ in range(2):
        with pytest.raises(AuthorizationLost):
            client.reference()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"errors": [top("INTERNAL_SERVER_ERROR")]}), (502, b""), (200, b"{"), (429, b"")],
)
def test_whatever_goes_wrong_with_a_read_changes_nothing(remote: tuple[Script, Wave], status: int, body: Any) -> None:
    script, client = remote
    script.will(status, body)

    with pytest.raises(NotSent):
        client.balances()


# Lists and balances ---------------------------------------------------------------------------------------------------


def remote_account(id_: str, subtype: str, **changes: Any) -> dict[str, Any]:
    row = {
        "id": id_,
        "name": id_.title(),
        "displayId": None,
        "isArchived": False,
        "normalBalanceType": "DEBIT",
        "balance": "0",
        "currency": {"code": "USD"},
        "type": {"value": "ASSET"},
        "subtype": {"value": subtype},
    }
    return {**row, **changes}


def test_the_lists_of_a_business_are_read_over_pages(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(name="Shop", currency={"code": "CAD"}, address={"country": {"code": "CA"}})
    script.business(accounts=page(remote_account("bank", "CASH_AND_BANK"), of=2))
    script.business(accounts=page(remote_account("new", "SOMETHING_NEW", displayId="10"), number=2, of=2))
    script.business(products=page({"id": "P1", "name": "Mug", "incomeAccount": {"id": "sales"}}))
    script.business(customers=page({"id": "C1", "name": "Amazon", "currency": {"code": "CAD"}}, of=None))

    reference = client.reference()

    assert (reference.company_name, reference.home_currency, reference.country) == ("Shop", "CAD", "CA")
    assert [(each.id, each.type, each.account_class) for each in reference.accounts] == [
        ("bank", "Cash and bank", "bank"),
        ("new", "Something new", None),
    ]
    assert reference.items[0].account == "sales"
    assert reference.customers[0].currency == "CAD"
    assert script.metered == ["Company", "Accounts", "Accounts", "Products", "Customers"]
    assert client.render([make.post(make.customer(currency="CAD"))])


def test_balances_are_debit_positive_whatever_the_side_of_the_account(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    rows = (
        remote_account("bank", "CASH_AND_BANK", balance="12.50"),
        remote_account("overdrawn", "CASH_AND_BANK", balance="-3"),
        remote_account("card", "CREDIT_CARD", balance="50.00", normalBalanceType="CREDIT"),
        remote_account("yen", "CASH_AND_BANK", balance="700", currency={"code": "JPY"}),
        remote_account("none", "EXPENSE", balance=None),
    )
    script.business(accounts=page(*rows))

    assert client.balances() == {"bank": 1250, "overdrawn": -300, "card": -5000, "yen": 700}


# What it can ----------------------------------------------------------------------------------------------------------


def test_every_kind_that_cannot_be_read_back_is_looked_up_by_balance_and_reversed() -> None:
    unread = {Kind.ENTRY, Kind.TRANSFER}

    assert CAPABILITIES.readable == {Kind.INVOICE, Kind.PAYMENT}
    assert {kind for kind, how in CAPABILITIES.lookup.items() if how is Lookup.DELTA} == unread
    assert {kind for kind, how in CAPABILITIES.undo.items() if how is How.REVERSE} == unread
    assert (CAPABILITIES.batch, CAPABILITIES.confirm_s) == (1, 60)
    assert [(each.name, each.policy.onward) for each in CAPABILITIES.layouts] == [("feed", False), ("direct", True)]


def test_limits_keep_below_a_call_a_second_and_five_thousand_a_day_for_all(remote: tuple[Script, Wave]) -> None:
    _, client = remote
    (call,) = client.render([make.post(make.entry())])

    limits = {name: plan.scaled(1 / 10_000) for name, plan in client.limits(call).items()}

    assert limits["calls"].rate_per_s <= 1
    of_all = limits["app:calls"]
    assert of_all.burst + of_all.rate_per_s * 86400 == pytest.approx(4000)


def test_two_calls_of_one_client_keep_their_distance(
    remote: tuple[Script, Wave], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    slept: list[float] = []
    monkeypatch.setattr("ledgers.wave.remote.time.sleep", slept.append)
    client._remote._pause_s = 1.0
    script.balance("0")
    script.balance("0")

    before(client, make.entry())
    before(client, make.entry())

    assert len(slept) == 1
    assert 0.5 < slept[0] <= 1

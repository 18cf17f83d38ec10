from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.documents import How, Kind
from ledgers.port import (
    AuthorizationLost,
    External,
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
        (200, {"errors": [top("FORBIDDEN")], "data": {"moneyTransactionCreate": None}}),
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


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "FORBIDDEN"])
def test_a_write_of_whose_answer_the_token_opens_only_a_part_is_not_sent_again(
    remote: tuple[Script, Wave], code: str
) -> None:
    script, client = remote
    script.business(invoices=page())
    kept = {"didSucceed": True, "inputErrors": None, "invoice": {**make.remote_invoice(), "customer": None}}
    script.will(200, {"errors": [top(code, "invoiceCreate", "invoice", "customer")], "data": {"invoiceCreate": kept}})

    with pytest.raises(Unknown):
        send(client, make.invoice())


@pytest.mark.parametrize(
    ("headers", "least_s", "most_s"),
    [
        ({}, 60, 75),
        ({"Retry_After": "7"}, 7, 22),
        ({"Retry_After": "soon"}, 60, 75),
        ({"Retry_After": "9" * 14}, 3600, 3615),
    ],
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
        (200, {"errors": [top("NOT_FOUND", "moneyTransactionCreate", "transaction", "id")], "data": None}),
        (400, {"errors": [top("BAD_USER_INPUT", "moneyTransactionCreate", "transaction")], "data": None}),
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
        ({"message": "Period is locked", "path": ["input", "date"]}, Next.HELD, "input.date"),
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
    script.business(accounts=page())
    script.data(accountCreate=failed({"message": "Taken", "path": ["input", "name"]}))

    assert send(client, make.invoice()).next is Next.ADOPT
    assert send(client, make.new_account()).next is Next.ADOPT


def test_an_account_of_the_name_is_looked_for_on_every_page_and_no_second_one_made(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(accounts=page({"id": "1", "name": "Amazon"}, of=2))
    script.business(accounts=page({"id": "2", "name": "Amazon Clearing"}, number=2, of=2))

    assert send(client, make.new_account(name="Amazon Clearing")).next is Next.ADOPT
    assert [asked["variables"]["page"] for asked in script.asked] == [1, 2]


@pytest.mark.parametrize(
    ("kind", "document", "field"),
    [
        (Kind.CUSTOMER, make.customer("Amazon.com (USD)"), "customerCreate"),
        (Kind.ITEM, make.item("Amazon sales"), "productCreate"),
    ],
)
def test_of_customers_and_products_the_lists_tell_whether_a_name_is_taken_for_there_may_be_thousands(
    kind: Kind, document: Any, field: str
) -> None:
    known = {(kind, document.name)}
    with scripted(listed=lambda *asked: asked in known) as (script, client):
        refused = send(client, document)
        known.clear()
        script.data(**{field: {"didSucceed": True, "inputErrors": None, field.removesuffix("Create"): {"id": "1"}}})
        (call,) = client.render([make.post(document)])
        made = client.send(call, 5)["k1"]

        assert (refused.next, made) == (Next.ADOPT, Posted(external_id="1"))
        assert len(script.asked) == 1
        assert {plan.cost for plan in client.limits(call).values()} == {1}


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


# What it can ----------------------------------------------------------------------------------------------------------


def test_every_kind_that_cannot_be_read_back_is_looked_up_by_balance_and_reversed() -> None:
    unread = {Kind.ENTRY, Kind.TRANSFER}

    assert CAPABILITIES.readable == {Kind.INVOICE, Kind.PAYMENT}
    assert {kind for kind, how in CAPABILITIES.lookup.items() if how is Lookup.DELTA} == unread
    assert {kind for kind, how in CAPABILITIES.undo.items() if how is How.REVERSE} == unread
    assert CAPABILITIES.confirm_s == 60
    assert [(each.name, each.policy.onward) for each in CAPABILITIES.layouts] == [("feed", False), ("direct", True)]


def test_what_is_looked_for_before_it_is_made_takes_two_calls_of_the_limits(remote: tuple[Script, Wave]) -> None:
    _, client = remote

    (call,) = client.render([make.post(make.entry())])

    assert {plan.cost for plan in client.limits(call).values()} == {2}
    assert {plan.cost for plan in client.limits(replace(call, operation="read")).values()} == {1}


def test_limits_keep_below_sixty_calls_a_minute_and_five_thousand_a_day_for_all(remote: tuple[Script, Wave]) -> None:
    _, client = remote
    (call,) = client.render([make.post(make.entry())])

    limits = {name: plan.scaled(1 / 10_000) for name, plan in client.limits(call).items()}

    assert limits["calls"].burst + limits["calls"].rate_per_s * 60 <= 60
    of_all = limits["app:calls"]
    assert of_all.burst + of_all.rate_per_s * 86400 == pytest.approx(4000)

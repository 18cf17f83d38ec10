"""The transport and the writes: what is asked before, what is sent, and what is known afterwards."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import EntryLine, How, Kind
from ledgers.freshbooks.bodies import body_of
from ledgers.freshbooks.client import FreshBooks
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.tests.scripted import ACCOUNT, Script, scripted
from ledgers.port import AuthorizationLost, External, Next, NotSent, Post, Posted, Refused, Unknown

Pair = tuple[Script, FreshBooks]
INVOICE = make.post(make.invoice())
PAYMENT = make.post(make.payment(), refs={"inv1": External("91", "v1")})
ENTRY = make.post(make.entry())
INVOICES, PAYMENTS = f"{ACCOUNT}/invoices/invoices", f"{ACCOUNT}/payments/payments"
ENTRIES, DETAILS = f"{ACCOUNT}/journal_entries/journal_entries", f"{ACCOUNT}/journal_entries/journal_entry_details"


@pytest.fixture
def remote() -> Iterator[Pair]:
    with scripted() as pair:
        yield pair


def send(client: FreshBooks, post: Post, deadline_s: float = 5.0) -> Any:
    (call,) = client.render([post])
    return client.send(call, deadline_s)[post.key]


def remote_invoice(post: Post = INVOICE, **changes: Any) -> dict[str, Any]:
    lines = [{**line, "amount": {"amount": amount, "code": "USD"}} for line, amount in
             zip(body_of(post, make.COMPANY)["lines"], ("40.00", "-5.00"), strict=True)]  # fmt: skip
    return {
        **body_of(post, make.COMPANY),
        "id": 91,
        "invoiceid": 91,
        "vis_state": 0,
        "status": 2,
        "v3_status": "sent",
        "version": "2026-10-14 10:00:00.000000",
        "updated": "2026-10-14 10:00:00",
        "amount": {"amount": "35.00", "code": "USD"},
        "outstanding": {"amount": "35.00", "code": "USD"},
        "lines": lines,
        **changes,
    }


DRAFT = {"status": 1, "v3_status": "draft"}


def remote_payment(**changes: Any) -> dict[str, Any]:
    values = {"id": 60, "logid": 60, "vis_state": 0, "updated": "2026-10-14 10:00:00", "overpaymentid": None}
    return {**body_of(PAYMENT, make.COMPANY), **values, **changes}


def remote_entry(post: Post = ENTRY) -> dict[str, Any]:
    return {**body_of(post, make.COMPANY), "id": 55, "entryid": 55}


def details(post: Post = ENTRY, entryid: int = 55, **changes: Any) -> list[dict[str, Any]]:
    """The lines of an entry as the journal shows them."""
    body = body_of(post, make.COMPANY)
    return [
        {
            "id": 10 * entryid + number,
            "detailid": 10 * entryid + number,
            "name": body["name"],
            "description": body["description"],
            "user_entered_date": body["user_entered_date"],
            "debit": {"amount": line["debit"], "code": "USD"} if "debit" in line else None,
            "credit": {"amount": line["credit"], "code": "USD"} if "credit" in line else None,
            "sub_account": {"sub_accountid": line["sub_accountid"], "id": line["sub_accountid"]},
            "entry": {"entryid": entryid, "id": entryid},
            **changes,
        }
        for number, line in enumerate(body["details"])
    ]


# The door -------------------------------------------------------------------------------------------------------------


def test_a_write_carries_token_and_version_and_reads_are_counted(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.will_give("journal_entry", remote_entry())

    posted = send(client, ENTRY)

    looked, wrote = script.asked
    assert (looked["method"], looked["path"]) == ("GET", DETAILS)
    assert (wrote["method"], wrote["path"], wrote["token"]) == ("POST", ENTRIES, "t2")
    assert {each["version"] for each in script.asked} == {"2023-02-20"}
    assert (posted.external_id, posted.number, posted.total) == ("55@2026-10-14", "AMZ-17000000001-1", 10000)
    assert script.metered == ["journal_entry_details"]


def test_a_rejected_token_is_renewed_once_and_the_same_bytes_go_again(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.will(401, {"error": "unauthenticated", "error_description": "expired"})
    script.will_give("journal_entry", remote_entry())

    send(client, ENTRY)

    _, first, second = script.asked
    assert first["body"] == second["body"]
    assert script.tokens == ["", "", "t2"]


def test_a_second_401_means_the_grant_is_gone(remote: Pair) -> None:
    script, client = remote
    script.will(401, {"error": "unauthenticated"})
    script.will(401, {"code": 16, "message": "Request failed with status_code: 401", "details": []})

    with pytest.raises(AuthorizationLost):
        client.find(ENTRY)


@pytest.mark.parametrize(
    ("headers", "body", "least_s", "most_s"),
    [
        ({}, {"message": "slow down"}, 30, 35),
        ({"Retry_After": "120"}, b"<html>slow down</html>", 120, 125),
        ({"Retry_After": "86400"}, b"", 3600, 3605),
        ({"Retry_After": "soon"}, b"", 30, 35),
        ({"Retry_After": "Wed, 21 Oct 2015 07:28:00 GMT"}, b"", 1, 6),
    ],
    ids=["bare", "seconds", "a day", "nonsense", "a date that is over"],
)
def test_throttled_before_the_write_means_not_sent(
    remote: Pair, headers: dict[str, str], body: Any, least_s: float, most_s: float
) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.will(429, body, **headers)

    with pytest.raises(NotSent) as caught:
        send(client, ENTRY)

    assert least_s <= caught.value.after_s <= most_s


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"response": {"errors": [{"errno": 1003, "message": "?"}]}}),
        (502, b"<html>Bad gateway</html>"),
        (503, b""),
        (200, b"<html>Sign in</html>"),
        (200, b'{"response":{"resu'),
        (200, {"response": {"result": {}}}),
        (200, []),
        (302, b""),
        (400, {}),
        (404, b"not found"),
        (422, {"response": {"errors": [{"errno": 500, "message": "internal"}]}}),
    ],
)
def test_whatever_does_not_prove_an_outcome_is_unknown(remote: Pair, status: int, body: Any) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.will(status, body)

    with pytest.raises(Unknown):
        send(client, ENTRY)


def test_a_lost_answer_is_unknown_and_a_refused_connection_not_sent(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.answers.append(ConnectionResetError("cut"))
    with pytest.raises(Unknown):
        send(client, ENTRY)

    script.will_list("journal_entry_details")
    script.answers.append(ConnectionRefusedError("closed"))
    with pytest.raises(NotSent):
        send(client, ENTRY)


def test_a_look_up_that_gets_no_answer_lets_nothing_be_sent(remote: Pair) -> None:
    script, client = remote
    script.will(500, b"")

    with pytest.raises(NotSent):
        send(client, ENTRY)

    assert script.writes == []


def test_nothing_is_written_once_the_look_up_has_used_up_the_time(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details")

    with pytest.raises(NotSent):
        send(client, ENTRY, deadline_s=0.0)

    assert script.writes == []


@pytest.mark.parametrize("status", [200, 422])
def test_an_error_is_a_refusal_whatever_the_status_and_form(remote: Pair, status: int) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.will(
        status, {"response": {"errors": {"errno": 1042, "field": "sub_accountid", "message": "inactive account"}}}
    )

    refused = send(client, ENTRY)

    assert isinstance(refused, Refused)
    assert (refused.code, refused.next) == ("1042", Next.HELD)


def test_requests_keep_their_distance(monkeypatch: pytest.MonkeyPatch, remote: Pair) -> None:
    script, client = remote
    slept: list[float] = []
    monkeypatch.setattr("ledgers.freshbooks.remote.time.sleep", slept.append)
    client._remote._pause_s = 0.5
    script.will_list("journal_entry_details")
    script.will_give("journal_entry", remote_entry())

    send(client, ENTRY)

    assert len(slept) == 1
    assert 0.3 < slept[0] <= 0.5


# Invoices --------------------------------------------------------------------------------------------------------------


def test_an_invoice_is_made_and_then_marked_as_sent(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices")
    script.will_give("invoice", remote_invoice(**DRAFT))
    script.will_give("invoice", remote_invoice(version="2026-10-14 10:00:01.000000"))

    posted = send(client, INVOICE)

    made, sent = script.writes
    assert (made["method"], made["path"]) == ("POST", INVOICES)
    assert (sent["method"], sent["path"]) == ("PUT", f"{INVOICES}/91")
    assert sent["body"] == {"invoice": {"action_mark_as_sent": True}}
    assert posted == Posted(
        external_id="91",
        version="2026-10-14 10:00:01.000000",
        number="113-0000001-0000001",
        total=3500,
        lines={"SALES": 4000, "PROMO": -500},
        balance=3500,
    )


def test_lines_that_are_answered_with_the_draft_only_are_kept(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices")
    script.will_give("invoice", remote_invoice(**DRAFT))
    script.will_give("invoice", remote_invoice(lines=None))

    assert send(client, INVOICE).lines == {"SALES": 4000, "PROMO": -500}


@pytest.mark.parametrize(
    "trouble",
    [
        (429, {}, {}),
        (503, b"", {}),
        (200, b"<html/>", {}),
        (200, {"response": {"result": {"invoice": {"id": 91, **DRAFT}}}}, {}),
        ConnectionRefusedError("closed"),
        ConnectionResetError("cut"),
    ],
    ids=["throttled", "down", "html", "still a draft", "unreachable", "cut"],
)
def test_what_fails_between_draft_and_sent_is_unknown_and_never_not_sent(remote: Pair, trouble: Any) -> None:
    script, client = remote
    script.will_list("invoices")
    script.will_give("invoice", remote_invoice(**DRAFT))
    script.answers.append(trouble)

    with pytest.raises(Unknown):
        send(client, INVOICE)


def test_rights_lost_between_draft_and_sent_are_unknown_too(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices")
    script.will_give("invoice", remote_invoice(**DRAFT))
    script.will(401, {"error": "unauthenticated"})
    script.will(401, {"error": "unauthenticated"})

    with pytest.raises(Unknown):
        send(client, INVOICE)


def test_a_refused_sending_says_that_the_draft_is_there_and_sending_again_finishes_it(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices")
    script.will_give("invoice", remote_invoice(**DRAFT))
    script.will_refuse(1004, "lock_status", "the period is locked")
    refused = send(client, INVOICE)

    script.will_list("invoices", remote_invoice(**DRAFT))
    script.will_give("invoice", remote_invoice())
    posted = send(client, INVOICE)

    assert refused.next is Next.HELD
    assert "as a draft" in refused.text
    assert (posted.external_id, [each["method"] for each in script.writes]) == ("91", ["POST", "PUT", "PUT"])


def test_an_invoice_that_is_there_already_is_taken_as_the_answer(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice())

    posted = send(client, INVOICE)

    assert (posted.external_id, posted.lines) == ("91", {"SALES": 4000, "PROMO": -500})
    assert script.writes == []


def test_a_number_of_another_connector_is_looked_up_and_never_used(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(notes="by hand"))

    refused = send(client, INVOICE)

    assert (refused.code, refused.next) == ("taken", Next.ADOPT)
    assert script.writes == []


def test_a_filter_that_freshbooks_ignores_is_seen_through(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(invoice_number="0000007"), remote_invoice(id=92, invoice_number=None))
    script.will_give("invoice", remote_invoice(**DRAFT))
    script.will_give("invoice", remote_invoice())

    assert send(client, INVOICE).external_id == "91"
    assert ("search[invoice_number]", "113-0000001-0000001") in script.asked[0]["query"]


def test_a_draft_of_ours_that_somebody_changed_is_not_sent(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(create_date="2026-10-15", **DRAFT))

    with pytest.raises(Unknown):
        send(client, INVOICE)

    assert script.writes == []


def test_two_that_number_at_the_same_moment_try_again(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices")
    script.will_refuse(409, "invoice_number", "concurrent change", status=409)

    assert send(client, INVOICE).next is Next.FAILED


def test_a_number_that_freshbooks_refuses_as_used_is_looked_up(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices")
    script.will_refuse(1004, "invoice_number", "Invoice number already in use.")

    assert send(client, INVOICE).next is Next.ADOPT


# Payments -----------------------------------------------------------------------------------------------------------------


def test_a_payment_is_made_after_a_look_at_its_invoice(remote: Pair) -> None:
    script, client = remote
    script.will_list("payments", remote_payment(id=59, note="by hand"))
    script.will_give("invoice", remote_invoice())
    script.will_give("payment", remote_payment())

    posted = send(client, PAYMENT)

    assert ("search[invoiceid]", "91") in script.asked[0]["query"]
    assert script.asked[1]["path"] == f"{INVOICES}/91"
    assert (posted.external_id, posted.total, posted.version) == ("60", 3500, "2026-10-14 10:00:00")


@pytest.mark.parametrize(
    ("invoice", "said"),
    [
        ({"outstanding": {"amount": "34.99", "code": "USD"}}, "Less is open"),
        (DRAFT, "draft"),
        ({"vis_state": 1}, "deleted"),
    ],
)
def test_a_payment_that_would_become_a_credit_or_miss_the_books_is_held(
    remote: Pair, invoice: dict[str, Any], said: str
) -> None:
    script, client = remote
    script.will_list("payments")
    script.will_give("invoice", remote_invoice(**invoice))

    refused = send(client, PAYMENT)

    assert refused.next is Next.HELD
    assert said in refused.text
    assert refused.action
    assert script.writes == []


def test_a_payment_whose_rest_became_a_credit_is_looked_up(remote: Pair) -> None:
    script, client = remote
    script.will_list("payments")
    script.will_give("invoice", remote_invoice())
    script.will_give("payment", remote_payment(overpaymentid=5))

    with pytest.raises(Unknown):
        send(client, PAYMENT)


def test_a_payment_that_is_there_already_is_not_made_again(remote: Pair) -> None:
    script, client = remote
    script.will_list("payments", remote_payment())

    assert send(client, PAYMENT).external_id == "60"
    assert script.writes == []


def test_two_payments_with_our_mark_are_never_taken_as_one(remote: Pair) -> None:
    script, client = remote
    script.will_list("payments", remote_payment(), remote_payment(id=61))

    with pytest.raises(Unknown):
        send(client, PAYMENT)

    assert script.writes == []


# Entries, expenses and what they refer to -----------------------------------------------------------------------------


def test_an_entry_that_is_there_already_is_not_made_again(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details", details()[0])
    script.will_list("journal_entry_details", *details(), *details(entryid=56, name="Invoice", description="x"))

    posted = send(client, ENTRY)

    narrow, whole = script.asked
    clearing = str(make.account(AccountKey.CLEARING))
    assert ("search[sub_accountid]", clearing) in narrow["query"]
    assert [each for each in whole["query"] if each[0].startswith("search")] == [
        ("search[start_date]", "2026-10-14"),
        ("search[end_date]", "2026-10-15"),
    ]
    assert (posted.external_id, posted.total) == ("55@2026-10-14", 10000)


def test_an_entry_that_is_there_in_another_currency_is_not_taken(remote: Pair) -> None:
    script, client = remote
    rows = [
        {**row, **{side: {**row[side], "code": "CAD"} for side in ("debit", "credit") if row[side]}}
        for row in details()
    ]
    for found in (rows[:1], rows):
        script.will_list("journal_entry_details", *found)

    with pytest.raises(Unknown):
        send(client, ENTRY)

    assert script.writes == []


def test_an_entry_of_our_name_without_our_mark_stops_the_write(remote: Pair) -> None:
    script, client = remote
    for _ in range(2):
        script.will_list("journal_entry_details", *details(description="by hand"))

    assert send(client, ENTRY).next is Next.ADOPT
    assert script.writes == []


def test_an_expense_is_looked_for_by_vendor_and_day(remote: Pair) -> None:
    post = make.post(make.expense(), bindings=make.CATEGORIES)
    with scripted(make.LITE) as (script, client):
        other = {**body_of(post, make.LITE), "id": 8, "notes": "AMZ-1 ref:other", "vis_state": 0}
        script.will_list("expenses", other)
        script.will_give("expense", {**other, "id": 9, "notes": "x ref:m-k1", "isduplicate": True, "version": "v9"})

        posted = send(client, post)

    searched = [each for each in script.asked[0]["query"] if each[0].startswith("search")]
    assert searched == [
        ("search[vendor]", "Amazon Amazon.com"),
        ("search[date_min]", "2026-10-14"),
        ("search[date_max]", "2026-10-15"),
    ]
    assert (posted.external_id, posted.total, posted.version) == ("9", 1480, "v9")


def test_an_account_is_known_by_the_number_that_journal_lines_name(remote: Pair) -> None:
    script, client = remote
    script.will(200, {"data": [{"uuid": "u1", "name": "Cash", "jesa_id": None}]})
    script.will(201, {"data": {"uuid": "u2", "name": "Amazon Clearing", "sub_type": "Current Asset", "jesa_id": 12108}})

    posted = send(client, make.post(make.new_account()))

    assert posted.external_id == "12108"


def test_an_accounts_number_that_is_not_answered_is_read(remote: Pair) -> None:
    script, client = remote
    made = {"uuid": "u2", "name": "Amazon Clearing", "sub_type": "Current Asset"}
    script.will(200, {"data": []})
    script.will(201, {"data": made})
    script.will(200, {"data": [{**made, "jesa_id": 12108}]})

    assert send(client, make.post(make.new_account())).external_id == "12108"


def test_an_account_of_this_name_is_looked_up_and_not_made_twice(remote: Pair) -> None:
    script, client = remote
    row = {"uuid": "u2", "name": "AMAZON CLEARING", "sub_type": "Current Asset", "jesa_id": 7, "state": "active"}
    script.will(200, {"data": [row]})

    assert send(client, make.post(make.new_account())).next is Next.ADOPT
    assert script.writes == []


def test_a_client_of_another_currency_is_no_duplicate(remote: Pair) -> None:
    script, client = remote
    twin = {"id": 70, "organization": "Amazon.com (USD)", "currency_code": "CAD", "vis_state": 0}
    script.will_list("clients", twin)
    script.will_give("client", {**twin, "id": 71, "currency_code": "USD"})

    assert send(client, make.post(make.customer())).external_id == "71"


def test_a_full_plan_makes_no_client() -> None:
    with scripted(replace(make.LITE, plan=replace(make.LITE.plan, client_limit=5))) as (script, client):
        script.will_list("clients")
        script.will_list("clients", {"id": 1}, total=5, pages=5)

        refused = send(client, make.post(make.customer()))

    assert refused.next is Next.HELD
    assert "allows no further client" in refused.text
    assert script.writes == []


# Undo -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "name"), [(Kind.INVOICE, "invoice"), (Kind.PAYMENT, "payment"), (Kind.EXPENSE, "expense")]
)
def test_a_document_is_hidden_and_one_that_is_gone_is_looked_up(remote: Pair, kind: Kind, name: str) -> None:
    script, client = remote
    undo = make.post(make.undo("k9", kind), "u1", {"k9": External("91", "v")})
    script.will_give(name, {"id": 91, "vis_state": 1, "updated": "now"})
    script.will_refuse(1012, f"{name}id", "not found", status=404)

    hidden, gone = send(client, undo), send(client, undo)

    assert isinstance(hidden, Posted)
    assert gone.next is Next.ADOPT


def test_an_undo_that_hides_nothing_is_unknown(remote: Pair) -> None:
    script, client = remote
    script.will_give("invoice", remote_invoice())

    with pytest.raises(Unknown):
        send(client, make.post(make.undo("k9", Kind.INVOICE), "u1", {"k9": External("91", "v")}))


def test_a_reversal_is_an_entry_of_its_own(remote: Pair) -> None:
    script, client = remote
    back = make.entry(
        number="AMZ-17000000001-1x", lines=(EntryLine("CLEARING", credit=8500), EntryLine("SALES", debit=8500))
    )
    undo = replace(make.undo("k9", Kind.ENTRY, How.REVERSE), reversal=back)
    post = make.post(undo, "u1", {"k9": External("55@2026-10-14")})
    made = make.post(back, "u1")
    script.will_list("journal_entry_details", *details())
    script.will_give("journal_entry", {**remote_entry(made), "entryid": 56, "id": 56})

    posted = send(client, post)

    assert (posted.external_id, posted.total) == ("56@2026-10-14", 8500)


def test_a_business_is_asked_at_most_twice_a_second_one_call_after_the_other() -> None:
    with scripted() as (_, client):
        (call,) = client.render([ENTRY])
        client._rate_scale = 1.0

        assert client.limits(call)["calls"].rate_per_s == 2.0
        assert client.limits(call)["calls"].cost == 2  # it is looked for first
        assert client.before(call) == {}

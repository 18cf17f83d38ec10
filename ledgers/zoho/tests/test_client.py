from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import Kind
from kit import clock
from ledgers.port import (
    Absent,
    AuthorizationLost,
    CannotTell,
    External,
    Found,
    Next,
    NotSent,
    Partly,
    Posted,
    Refused,
    Unknown,
)
from ledgers.zoho.bodies import body_of
from ledgers.zoho.client import ZohoBooks
from ledgers.zoho.remote import RightMissing
from ledgers.zoho.tests import factories as make
from ledgers.zoho.tests.scripted import ORGANIZATION, Script, scripted

# An order's journal: one of a settlement is looked for before it is written.
ENTRY = make.post(make.entry(number="114-0000001-0000001"))
JOURNAL = make.answered(body_of(ENTRY, make.COMPANY), journal_id="55")
INVOICE = make.post(make.invoice())
DRAFT = make.answered(body_of(INVOICE, make.COMPANY), invoice_id="71")
SENT = {**DRAFT, "status": "sent"}


@pytest.fixture
def remote() -> Iterator[tuple[Script, ZohoBooks]]:
    with scripted() as pair:
        yield pair


def send(client: ZohoBooks, *posts: Any) -> Any:
    (call,) = client.render(posts or [ENTRY])
    return client.send(call, 5.0)


# One call ------------------------------------------------------------------------------------------------------------


def test_a_write_names_the_organization_and_carries_the_token_as_zoho_wants_it(
    remote: tuple[Script, ZohoBooks],
) -> None:
    script, client = remote
    script.will(201, {"code": 0, "message": "created", "journal": JOURNAL})

    outcome = send(client)["k1"]

    (asked,) = script.asked
    assert (asked["method"], asked["path"], asked["query"]) == ("POST", "/journals", {"organization_id": ORGANIZATION})
    assert (asked["token"], asked["type"]) == ("Zoho-oauthtoken t1", "application/json")
    assert (outcome.external_id, outcome.total, outcome.number) == ("55", 10000, "114-0000001-0000001")
    assert outcome.version == "2026-10-14T09:00:00-0400"


def test_what_is_left_of_the_day_is_reported(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    said = {"x_rate_limit_limit": "1000", "x_rate_limit_remaining": "988", "x_rate_limit_reset": "3600"}
    script.will(201, {"code": 0, "journal": JOURNAL}, **said)

    send(client)

    assert script.quotas == [(1000, 988, 3600)]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (500, {"code": 1000, "message": "Internal Error"}),
        (500, {"code": 0, "message": "success"}),
        (400, {"code": 1000, "message": "Internal Error"}),
        (502, b"<html>Bad gateway</html>"),
        (200, b'{"code":0,"journal":{"journal_id":"5'),
        (200, {"code": 0, "message": "success"}),
        (201, {"code": 0, "journal": {"journal_id": ""}}),
        (400, {"message": "no code"}),
        (302, b""),
    ],
)
def test_whatever_does_not_prove_an_outcome_is_unknown(
    remote: tuple[Script, ZohoBooks], status: int, said: Any
) -> None:
    script, client = remote
    script.will(status, said)

    with pytest.raises(Unknown):
        send(client)


def test_a_lost_answer_is_unknown(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.answers.append(ConnectionResetError("cut"))

    with pytest.raises(Unknown):
        send(client)


def test_a_success_by_status_with_another_code_is_a_refusal(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(21004, status=200)

    refused = send(client)["k1"]

    assert isinstance(refused, Refused)
    assert (refused.code, refused.next) == ("21004", Next.PARKED)


# Slower --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "status", "headers", "least_s", "most_s"),
    [
        (43, 429, {"Retry_After": "3600"}, 3600, 3605),
        (43, 429, {}, 3600, 3605),
        (44, 429, {}, 60, 65),
        (44, 429, {"Retry_After": "5"}, 60, 65),
        (45, 429, {"x_rate_limit_reset": "7200"}, 7260, 7260),
        (45, 500, {"x_rate_limit_reset": "7200"}, 7260, 7260),
        (1070, 429, {}, 2, 4),
        (99, 429, {"Retry_After": "120"}, 120, 125),
        (99, 429, {"Retry_After": "9" * 14}, 3600, 3605),
        (45, 429, {"x_rate_limit_reset": "9" * 14}, 86400, 25 * 3600 + 60),
    ],
)
def test_a_throttle_is_not_sent_for_as_long_as_its_code_says(
    remote: tuple[Script, ZohoBooks], code: int, status: int, headers: dict[str, str], least_s: float, most_s: float
) -> None:
    script, client = remote
    script.will(status, {"code": code, "message": "slow down"}, **headers)

    with pytest.raises(NotSent) as caught:
        send(client)

    assert least_s <= caught.value.after_s <= most_s


def test_a_used_up_day_lasts_until_midnight_where_the_organization_is(
    remote: tuple[Script, ZohoBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 20, 3, 30, tzinfo=UTC))  # 22:30 in New York
    script.refuse(45, status=429)

    with pytest.raises(NotSent) as caught:
        send(client)

    assert caught.value.after_s == 90 * 60 + 60


def test_a_page_of_a_proxy_that_throttles_is_not_sent(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.will(429, b"<html>slow down</html>")

    with pytest.raises(NotSent) as caught:
        send(client)

    assert caught.value.after_s >= 60


# Who asks --------------------------------------------------------------------------------------------------------------


def test_a_rejected_token_is_renewed_once_and_the_call_made_again(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(57, status=401)
    script.will(201, {"code": 0, "journal": JOURNAL})

    send(client)

    assert script.tokens == ["", "t1"]
    assert script.asked[0]["body"] == script.asked[1]["body"]


def test_a_good_token_that_may_not_do_this_lacks_a_right(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(57, status=401)
    script.refuse(57, status=401)
    script.done(organizations=[{"organization_id": ORGANIZATION}])

    with pytest.raises(RightMissing):
        send(client)

    assert script.asked[2]["query"] == {}
    assert len(script.tokens) == 2


@pytest.mark.parametrize("seen", [None, [{"organization_id": "999"}]], ids=["nothing", "other organizations"])
def test_a_token_that_opens_nothing_wants_a_new_consent(remote: tuple[Script, ZohoBooks], seen: Any) -> None:
    script, client = remote
    script.refuse(57, status=401)
    script.refuse(57, status=401)
    if seen is None:
        script.refuse(57, status=401)
    else:
        script.done(organizations=seen)

    with pytest.raises(AuthorizationLost) as caught:
        send(client)

    assert not isinstance(caught.value, RightMissing)


def test_an_organization_of_somebody_else_is_lost(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(6041)

    with pytest.raises(AuthorizationLost):
        send(client)


# Invoices --------------------------------------------------------------------------------------------------------------


def invoices(count: int) -> list[Any]:
    return [make.post(make.invoice(number=f"113-0000001-000000{n}"), f"i{n}") for n in range(count)]


def draft(post: Any, **changes: Any) -> dict[str, Any]:
    return make.answered(body_of(post, make.COMPANY), invoice_id=f"7{post.key[1:]}", **changes)


def test_invoices_are_created_one_by_one_and_marked_as_sent_together(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    posts = invoices(2)
    for post in posts:
        script.will(201, {"code": 0, "invoice": draft(post)})
    script.done()

    outcomes = send(client, *posts)

    assert script.calls == [("POST", "/invoices"), ("POST", "/invoices"), ("POST", "/invoices/status/sent")]
    assert script.asked[0]["query"]["ignore_auto_number_generation"] == "true"
    assert script.asked[2]["query"]["invoice_ids"] == "70,71"
    assert [(each.external_id, each.total, each.version) for each in outcomes.values()] == [
        ("70", 3500, ""),
        ("71", 3500, ""),
    ]
    assert outcomes["i0"].lines == {"SALES": 4000, "PROMO": -500}


def test_an_answer_lost_between_create_and_sent_leaves_the_rest_to_the_look_up(
    remote: tuple[Script, ZohoBooks],
) -> None:
    script, client = remote
    posts = invoices(3)
    script.will(201, {"code": 0, "invoice": draft(posts[0])})
    script.answers.append(ConnectionResetError("cut"))
    script.done()

    with pytest.raises(Partly) as broke:
        send(client, *posts)

    assert (list(broke.value.answers), broke.value.unknown) == (["i0"], ("i1",))
    assert script.calls[-1] == ("POST", "/invoices/status/sent")
    assert script.asked[-1]["query"]["invoice_ids"] == "70"


@pytest.mark.parametrize("trouble", [44, 57, 1000])
def test_created_invoices_that_could_not_be_marked_are_unknown_never_refused(
    remote: tuple[Script, ZohoBooks], trouble: int
) -> None:
    script, client = remote
    script.will(201, {"code": 0, "invoice": DRAFT})
    for _ in range(3):
        script.refuse(trouble, status=401 if trouble == 57 else 500)

    with pytest.raises(Unknown):
        send(client, INVOICE)


def test_a_throttle_in_the_middle_is_kept_to_and_sends_the_rest_later(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    posts = invoices(3)
    script.will(201, {"code": 0, "invoice": draft(posts[0])})
    script.refuse(44, status=429)

    with pytest.raises(Partly) as broke:
        send(client, *posts)

    assert (dict(broke.value.answers), broke.value.unknown) == ({}, ("i0",))
    assert broke.value.after_s >= 60
    assert script.calls == [("POST", "/invoices")] * 2  # what is created is marked once Zoho may be asked again


def test_a_short_wait_in_the_middle_keeps_what_is_done(
    remote: tuple[Script, ZohoBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    posts, slept = invoices(3), list[float]()
    monkeypatch.setattr("ledgers.zoho.writes.time.sleep", slept.append)
    script.will(201, {"code": 0, "invoice": draft(posts[0])})
    script.refuse(1070, status=429)
    script.done()

    with pytest.raises(Partly) as broke:
        send(client, *posts)

    assert (list(broke.value.answers), broke.value.unknown) == (["i0"], ())
    assert slept == [broke.value.after_s]


def test_what_there_is_no_time_for_is_left_out(
    remote: tuple[Script, ZohoBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    posts = invoices(4)
    for post in posts[:2]:
        script.will(201, {"code": 0, "invoice": draft(post)})
    script.done()
    (call,) = client.render(posts)
    slow = SimpleNamespace(monotonic=lambda: min(len(script.asked), 2) * 40.0, sleep=lambda seconds: None)
    for module in ("writes", "remote"):
        monkeypatch.setattr(f"ledgers.zoho.{module}.time", slow)

    with pytest.raises(Partly) as broke:
        client.send(call, 110.0)

    assert (list(broke.value.answers), broke.value.unknown, broke.value.after_s) == (["i0", "i1"], (), 0)


def test_a_used_number_is_found_out_by_looking_for_it(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(120000)
    script.rows(invoices=[{"invoice_id": "9", "invoice_number": " 113-0000001-0000001"}])

    refused = send(client, INVOICE)["k1"]

    assert refused.next is Next.ADOPT
    assert script.asked[1]["query"]["invoice_number"] == "113-0000001-0000001"


def test_a_filter_that_returns_everything_is_not_believed(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(120000, message="Customer is inactive")
    script.rows(invoices=[{"invoice_id": "9", "invoice_number": "INV-1"}])
    script.rows(transaction_locks="")

    refused = send(client, INVOICE)["k1"]

    assert refused.next is Next.HELD
    assert "Customer is inactive" in refused.text


def test_a_locked_period_is_found_out_by_asking_for_the_locks(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(120000)
    script.rows(
        transaction_locks=[
            {"transaction_lock_status": "enabled", "transaction_lock_date": "2026-10-31"},
            {"transaction_lock_status": "disabled", "transaction_lock_date": "2026-12-31"},
        ]
    )

    refused = send(client)["k1"]

    assert (refused.next, "locked period" in refused.text) == (Next.HELD, True)


@pytest.mark.parametrize(
    "changes",
    [{"exchange_rate": 2}, {"total": 3501}, {"currency_code": "EUR"}, {"invoice_number": "INV-7"}],
    ids=["rate", "total", "currency", "number"],
)
def test_a_draft_that_came_out_otherwise_is_deleted_before_it_is_in_the_books(
    remote: tuple[Script, ZohoBooks], changes: dict[str, Any]
) -> None:
    script, client = remote
    script.will(201, {"code": 0, "invoice": {**DRAFT, **changes}})
    script.done()

    refused = send(client, INVOICE)["k1"]

    assert script.calls[-1] == ("DELETE", "/invoices/71")
    assert (refused.code, refused.next) == ("read_back", Next.HELD)


def test_an_invoice_that_waits_for_approval_is_no_posting(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.will(201, {"code": 0, "invoice": {**DRAFT, "status": "pending_approval"}})

    refused = send(client, INVOICE)["k1"]

    assert (refused.next, len(script.asked)) == (Next.ADOPT, 1)
    assert "approval" in refused.text


def test_only_the_draft_that_may_not_be_sent_stops(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    posts = invoices(2)
    for post in posts:
        script.will(201, {"code": 0, "invoice": draft(post)})
    script.refuse(41016)
    script.done()
    script.refuse(41016)

    outcomes = send(client, *posts)

    assert isinstance(outcomes["i0"], Posted)
    assert (outcomes["i1"].code, outcomes["i1"].next) == ("41016", Next.HELD)


def test_a_look_up_finishes_a_draft_of_ours(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(invoices=[{"invoice_id": "71", "invoice_number": "113-0000001-0000001", "status": "draft"}])
    script.done(invoice=DRAFT)
    script.done()
    script.done(invoice=SENT)

    found = client.find(INVOICE)

    assert isinstance(found, Found)
    assert (found.live, found.equal, found.posted.external_id) == (True, True, "71")
    assert script.asked[2]["query"]["invoice_ids"] == "71"


def test_a_draft_of_ours_that_somebody_changed_is_left_alone(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(invoices=[{"invoice_id": "71", "invoice_number": "113-0000001-0000001"}])
    script.done(invoice={**DRAFT, "date": "2026-10-15"})

    found = client.find(INVOICE)

    assert isinstance(found, CannotTell)
    assert "15 Oct 2026, not 14 Oct 2026" in found.reason


def test_an_invoice_of_another_connector_is_absent_to_us(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(invoices=[{"invoice_id": "71", "invoice_number": "113-0000001-0000001"}])
    script.done(invoice={**SENT, "notes": "Amazon order"})

    assert client.find(INVOICE) == Absent()


# The other documents ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes", [{"status": "draft"}, {"exchange_rate": 3}, {"currency_code": "EUR"}], ids=["draft", "rate", "currency"]
)
def test_a_journal_that_is_not_in_the_books_as_sent_is_looked_up_before_anything_else(
    remote: tuple[Script, ZohoBooks], changes: dict[str, Any]
) -> None:
    script, client = remote
    script.will(201, {"code": 0, "journal": {**JOURNAL, **changes}})

    with pytest.raises(Unknown):
        send(client)


def test_a_journal_is_found_by_reference_and_mark(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    listed = {"journal_id": "55", "reference_number": "114-0000001-0000001", "notes": JOURNAL["notes"]}
    script.rows(journals=[listed, {**listed, "journal_id": "56", "reference_number": "114-0000001-0000001-2"}])
    script.done(journal=JOURNAL)

    found = client.find(ENTRY)

    assert isinstance(found, Found)
    assert (found.equal, found.posted.total) == (True, 10000)


def test_two_journals_with_our_mark_go_to_a_person(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    listed = {"reference_number": "114-0000001-0000001", "notes": JOURNAL["notes"]}
    script.rows(journals=[{**listed, "journal_id": "55"}, {**listed, "journal_id": "56"}])
    script.done(journal=JOURNAL)
    script.done(journal={**JOURNAL, "journal_id": "56"})

    assert isinstance(client.find(ENTRY), CannotTell)


def test_a_journal_that_waits_for_approval_cannot_be_told(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(journals=[{"journal_id": "55", "reference_number": "114-0000001-0000001"}])
    script.done(journal={**JOURNAL, "status": "pending_approval"})

    found = client.find(ENTRY)

    assert isinstance(found, CannotTell)
    assert "Approve" in found.reason


PART = make.post(make.entry())
PARTS_JOURNAL = make.answered(body_of(PART, make.COMPANY), journal_id="57")


def test_a_settlements_journal_is_looked_for_and_written_where_it_is_not(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(journals=[{"journal_id": "58", "reference_number": "AMZ-17000000001-1", "notes": "somebody's"}])
    script.will(201, {"code": 0, "journal": PARTS_JOURNAL})

    assert send(client, PART)["k1"].external_id == "57"
    assert script.calls == [("GET", "/journals"), ("POST", "/journals")]


def test_a_settlements_journal_that_is_there_is_not_written_again(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(journals=[{"journal_id": "57", "reference_number": "AMZ-17000000001-1"}])
    script.done(journal=PARTS_JOURNAL)

    posted = send(client, PART)["k1"]

    assert (posted.external_id, posted.total) == ("57", 10000)
    assert [method for method, _ in script.calls] == ["GET", "GET"]


@pytest.mark.parametrize("changes", [{"journal_date": "2026-10-15"}, {"status": "draft"}], ids=["date", "draft"])
def test_a_settlements_journal_that_is_there_otherwise_is_nothing_to_write_over(
    remote: tuple[Script, ZohoBooks], changes: dict[str, str]
) -> None:
    script, client = remote
    script.rows(journals=[{"journal_id": "57", "reference_number": "AMZ-17000000001-1"}])
    script.done(journal={**PARTS_JOURNAL, **changes})

    with pytest.raises(Unknown):
        send(client, PART)


PAYOUT = make.post(make.transfer(currency="EUR", rate="1.3"))
PAYOUT_ROW = {**make.answered(body_of(PAYOUT, make.COMPANY), transaction_id="61"), "currency_code": "EUR"}


@pytest.mark.parametrize(
    "changes", [{"exchange_rate": 1}, {"amount": "85.01"}, {"date": "2026-10-15"}], ids=["rate", "amount", "date"]
)
def test_a_foreign_transfer_that_is_there_otherwise_is_neither_taken_nor_found_equal(
    remote: tuple[Script, ZohoBooks], changes: dict[str, Any]
) -> None:
    script, client = remote
    listed, kept = {"transaction_id": "61", "reference_number": "AMZ-17000000001-P"}, {**PAYOUT_ROW, **changes}
    for _ in range(2):
        script.rows(banktransactions=[listed])
        script.done(banktransaction=kept)

    with pytest.raises(Unknown):
        send(client, PAYOUT)
    found = client.find(PAYOUT)

    assert isinstance(found, Found)
    assert (found.equal, [method for method, _ in script.calls]) == (False, ["GET"] * 4)


def test_a_foreign_transfer_that_is_there_is_not_written_again(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(banktransactions=[{"transaction_id": "61", "reference_number": "AMZ-17000000001-P"}])
    script.done(banktransaction=PAYOUT_ROW)

    assert send(client, PAYOUT)["k1"].external_id == "61"


def test_a_look_that_took_all_the_time_is_followed_by_no_write(
    remote: tuple[Script, ZohoBooks], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    script.rows(journals=[])
    (call,) = client.render([PART])
    slow = SimpleNamespace(monotonic=lambda: len(script.asked) * 3600.0)
    for module in ("writes", "remote"):
        monkeypatch.setattr(f"ledgers.zoho.{module}.time", slow)

    with pytest.raises(NotSent):
        client.send(call, 5.0)

    assert script.calls == [("GET", "/journals")]


def test_nothing_is_written_where_the_look_before_it_was_refused(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(2)

    with pytest.raises(NotSent):
        send(client, PART)


PAID = {"i1": External("71"), "i2": External("72")}


def test_payments_of_one_part_share_one_remote_payment(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    posts = [make.post(make.payment(key), f"p-{key}", PAID) for key in PAID]
    row = {"payment_id": "81", "amount": 70, "invoices": [], "currency_code": "USD"}
    script.will(201, {"code": 0, "payment": row})

    outcomes = send(client, *posts)

    body = script.asked[0]["body"]
    assert [(line["invoice_id"], line["amount_applied"]) for line in body["invoices"]] == [("71", 35), ("72", 35)]
    assert (body["amount"], body["account_id"]) == (70, make.account(AccountKey.CLEARING))
    assert body["exchange_rate"] == 1
    assert [(each.external_id, each.total) for each in outcomes.values()] == [("81", 3500), ("81", 3500)]


def test_a_payment_that_exceeds_the_invoice_is_looked_up(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(24016)

    refused = send(client, make.post(make.payment("i1"), "p1", PAID))["p1"]

    assert refused.next is Next.ADOPT


def test_the_account_of_a_payment_is_proved_by_its_ledger_lines(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    post = make.post(make.payment("i1"), "p1", PAID)
    row = make.answered(body_of(post, make.COMPANY), payment_id="81")
    del row["account_id"]
    script.done(payments=[{"payment_id": "81"}])
    script.done(payment=row)
    script.done(journal={"line_items": [{"account_id": "elsewhere", "debit_or_credit": "debit", "amount": 35}]})

    found = client.find(post)

    assert isinstance(found, Found)
    assert (found.equal, found.difference) == (False, "the account differs")
    assert script.asked[2]["query"]["entity_type"] == "customer_payment"


def test_of_many_payments_with_one_reference_only_those_with_money_left_are_read(
    remote: tuple[Script, ZohoBooks],
) -> None:
    script, client = remote
    alike = [{"payment_id": f"{n}", "reference_number": "AMZ-17000000001-1"} for n in range(9)]
    script.refuse(1002, status=404)
    script.rows(customerpayments=[*alike, {**alike[0], "payment_id": "90", "unused_amount": 35}])
    script.done(payment={"payment_id": "90", "description": "ref:somebody"})

    assert client.find(make.post(make.payment("i1"), "p1", PAID)) == Absent()
    assert script.calls[-1] == ("GET", "/customerpayments/90")


def test_a_deleted_document_is_looked_up_and_counts_as_taken_back(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    undo = make.post(make.undo("e1", Kind.ENTRY), "u1", {"e1": External("55")})
    script.refuse(1002, status=404)
    script.refuse(1002, status=404)

    refused = send(client, undo)["u1"]
    found = client.find(undo)

    assert (script.calls[0], refused.next) == (("DELETE", "/journals/55"), Next.ADOPT)
    assert isinstance(found, Found)


def test_a_document_somebody_changed_is_not_deleted(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    undo = make.post(make.undo("e1", Kind.ENTRY), "u1", {"e1": External("55", "2026-10-14T08:00:00-0400")})
    script.done(journal=JOURNAL)

    refused = send(client, undo)["u1"]

    assert (refused.next, len(script.asked)) == (Next.PARKED, 1)


def test_a_document_as_we_left_it_is_deleted(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    undo = make.post(make.undo("e1", Kind.ENTRY), "u1", {"e1": External("55", "2026-10-14T09:00:00-0400")})
    script.done(journal=JOURNAL)
    script.done()

    assert isinstance(send(client, undo)["u1"], Posted)
    assert script.asked[1]["body"] is None


# Lists of names ----------------------------------------------------------------------------------------------------------


def test_a_taken_name_is_adopted_only_if_it_is_the_same(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    post = make.post(make.customer())
    script.refuse(3062)
    rows = [
        {"contact_id": "1", "contact_name": "Amazon.com (USD) old", "contact_type": "customer"},
        {"contact_id": "2", "contact_name": "amazon.com (usd)", "contact_type": "vendor", "currency_code": "USD"},
    ]
    script.rows(contacts=rows)
    script.done(contact=rows[1])

    refused, found = send(client, post)["k1"], client.find(post)

    assert refused.next is Next.ADOPT
    assert isinstance(found, Found)
    assert (found.posted.external_id, found.equal) == ("2", False)


@pytest.mark.parametrize(("name", "course"), [("Amazon Clearing ", Next.ADOPT), ("Clearing", Next.HELD)])
def test_a_used_account_name_is_found_out_by_looking_for_it(
    remote: tuple[Script, ZohoBooks], name: str, course: Next
) -> None:
    script, client = remote
    script.refuse(120000)
    script.rows(chartofaccounts=[{"account_id": "5", "account_name": name}])

    assert send(client, make.post(make.new_account()))["k1"].next is course


def test_the_clearing_account_is_made_as_a_bank_account_in_its_currency(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.will(201, {"code": 0, "bankaccount": {"account_id": "5"}})

    outcome = send(client, make.post(make.new_account(currency="EUR")))["k1"]

    (asked,) = script.asked
    assert asked["path"] == "/bankaccounts"
    assert (asked["body"]["account_type"], asked["body"]["currency_id"]) == ("bank", "46109")
    assert outcome.external_id == "5"


# Changes ---------------------------------------------------------------------------------------------------------------


def test_only_what_was_touched_after_it_was_made_is_read_whole(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    since = datetime(2026, 10, 14, 12, tzinfo=UTC)
    made = {"created_time": "2026-10-14T08:59:00-0400", "last_modified_time": "2026-10-14T09:00:00-0400"}
    touched = {**made, "last_modified_time": "2026-10-14T11:00:00-0400"}
    old = {"created_time": "2026-01-01T00:00:00-0400", "last_modified_time": "2026-01-01T00:00:00-0400"}
    script.rows(invoices=[{"invoice_id": "1", **made}, {"invoice_id": "2", **touched}, {"invoice_id": "3", **old}])
    script.done(invoice={**SENT, "invoice_id": "2"})

    found = client.changes([Kind.INVOICE, Kind.PAYMENT], since)

    assert [each.external_id for each in found.documents] == ["1", "2"]
    assert found.incomplete == {Kind.INVOICE, Kind.PAYMENT}
    assert script.asked[0]["query"]["last_modified_time"] == "2026-10-14T12:00:00+0000"


def test_invoices_are_listed_by_the_days_they_were_made_on(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.done(invoice={**SENT, "invoice_id": "9", "created_time": "2026-10-01T09:00:00-0400"})
    script.done(invoice={**SENT, "invoice_id": "71", "created_time": "2026-10-14T09:00:00-0400"})
    script.rows(invoices=[{"invoice_id": "70", "status": "void"}])

    kept = {each.external_id: each.live for each in client.kept(Kind.INVOICE, ["71", "70", "9"])}

    assert kept == {"71": True, "70": False, "9": True}
    query = script.asked[2]["query"]
    assert (query["created_date_start"], query["created_date_end"]) == ("2026-10-01", "2026-10-14")


def test_no_more_than_twenty_changed_documents_are_read_whole_and_open_ones_first(
    remote: tuple[Script, ZohoBooks],
) -> None:
    script, client = remote
    at = {"created_time": "2026-10-14T09:00:00-0400", "last_modified_time": "2026-10-20T09:00:00-0400"}
    rows = [{"invoice_id": f"{n}", "status": "paid", **at} for n in range(30)]
    script.rows(invoices=[*rows, {"invoice_id": "30", "status": "sent", **at}])
    for _ in range(20):
        script.done(invoice=SENT)

    found = client.changes([Kind.INVOICE], datetime(2026, 10, 15, tzinfo=UTC))

    assert (len(found.documents), len(script.asked)) == (31, 21)
    assert ("GET", "/invoices/30") in script.calls


def test_what_no_list_has_any_more_is_asked_for_and_gone(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(journals=[{"journal_id": "55", "journal_date": "2026-10-14", "total": 100}])
    script.refuse(1002, status=404)

    kept = client.kept(Kind.ENTRY, ["55", "56"])

    assert [(each.external_id, each.live) for each in kept] == [("55", True), ("56", False)]
    assert script.asked[0]["query"]["journal_ids"] == "55,56"


@pytest.mark.parametrize(("row", "equal"), [({"total": 100}, True), ({"total": "90.00"}, False)])
def test_a_listed_row_is_compared_by_what_it_states(
    remote: tuple[Script, ZohoBooks], row: dict[str, Any], equal: bool
) -> None:
    script, client = remote
    script.rows(journals=[{"journal_id": "55", "journal_date": "2026-10-14", **row}, {"journal_id": "56"}])

    kept, _ = client.kept(Kind.ENTRY, ["55", "56"])
    answer = client.compare(ENTRY, kept)

    assert isinstance(answer, Found)
    assert answer.equal is equal


@pytest.mark.parametrize("status", ["draft", "pending_approval"])
def test_an_invoice_somebody_made_a_draft_again_is_not_in_the_books(
    remote: tuple[Script, ZohoBooks], status: str
) -> None:
    script, client = remote
    script.done(invoice={**SENT, "status": status})

    (kept,) = client.kept(Kind.INVOICE, ["71"])
    answer = client.compare(INVOICE, kept)

    assert isinstance(answer, Found)
    assert (answer.equal, "not in the books" in answer.difference) == (False, True)


def test_a_read_that_is_refused_is_asked_again_later(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(2)

    with pytest.raises(NotSent) as caught:
        client.read(Kind.ENTRY, "55")

    assert caught.value.after_s == 300


def test_a_call_of_invoices_takes_a_token_for_each_of_its_requests() -> None:
    with scripted() as (_, client):
        (call,) = client.render(invoices(3))
        (one,) = client.render([ENTRY])

    plan = client.limits(call)["calls"]
    assert (plan.cost, client.limits(one)["calls"].cost) == (4, 1)
    assert plan.burst + plan.rate_per_s * timedelta(minutes=1).total_seconds() <= 100

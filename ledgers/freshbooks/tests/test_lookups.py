"""What is found, how it compares with what was sent, and what people changed since."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bookkeeping.documents import EntryLine, How, Kind
from ledgers.freshbooks.bodies import body_of
from ledgers.freshbooks.client import FreshBooks
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.tests.scripted import Script, scripted
from ledgers.freshbooks.tests.test_client import (
    DRAFT,
    ENTRY,
    INVOICE,
    INVOICES,
    PAYMENT,
    details,
    remote_invoice,
    remote_payment,
)
from ledgers.port import Absent, CannotTell, External, Found, Kept, NotSent

Pair = tuple[Script, FreshBooks]
SINCE = datetime(2026, 10, 14, 14, 0, tzinfo=UTC)  # 10:00 in New York


@pytest.fixture
def remote() -> Iterator[Pair]:
    with scripted() as pair:
        yield pair


def test_an_invoice_is_found_by_number_and_mark(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(id=90, notes="ref:other"), remote_invoice())

    found = client.find(INVOICE)

    assert isinstance(found, Found)
    assert (found.posted.external_id, found.live, found.equal) == ("91", True, True)
    assert ("include[]", "lines") in script.asked[0]["query"]
    assert script.writes == []


def test_a_draft_of_ours_is_finished_where_it_is_found(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(**DRAFT))
    script.will_give("invoice", remote_invoice())

    found = client.find(INVOICE)

    assert [(each["method"], each["path"]) for each in script.writes] == [("PUT", f"{INVOICES}/91")]
    assert isinstance(found, Found)
    assert (found.live, found.equal, found.posted.total) == (True, True, 3500)


def test_a_draft_that_cannot_be_finished_now_is_looked_up_again(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(**DRAFT))
    script.will(503, b"")

    with pytest.raises(NotSent):
        client.find(INVOICE)


def test_a_draft_that_freshbooks_refuses_to_send_goes_to_a_person(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(**DRAFT))
    script.will_refuse(1004, "lock_status", "locked")

    found = client.find(INVOICE)

    assert isinstance(found, CannotTell)
    assert "closed" in found.reason


def test_a_draft_that_somebody_changed_is_left_alone_and_differs(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(create_date="2026-10-15", **DRAFT))

    found = client.find(INVOICE)

    assert script.writes == []
    assert isinstance(found, Found)
    assert found.difference == "the date is 15 Oct 2026, not 14 Oct 2026, the state is a draft, not sent"


def test_a_draft_of_somebody_else_is_never_sent(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(notes="by hand", **DRAFT))

    assert client.find(INVOICE) == Absent()
    assert script.writes == []


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"customerid": 78}, "the client differs"),
        ({"currency_code": "CAD"}, "the currency is CAD, not USD"),
        ({"amount": {"amount": "36.00", "code": "USD"}}, "the amount is 36.00 USD, not 35.00 USD"),
        ({"lines": []}, "the lines differ"),
    ],
)
def test_an_invoice_that_was_changed_says_how(remote: Pair, changed: dict[str, Any], difference: str) -> None:
    script, client = remote
    script.will_list("invoices", remote_invoice(**changed))

    found = client.find(INVOICE)

    assert isinstance(found, Found)
    assert (found.equal, found.difference) == (False, difference)


def test_two_documents_with_our_mark_go_to_a_person(remote: Pair) -> None:
    script, client = remote
    script.will_list("payments", remote_payment(), remote_payment(id=61))

    assert isinstance(client.find(PAYMENT), CannotTell)


def test_a_payment_is_found_among_those_of_its_invoice(remote: Pair) -> None:
    script, client = remote
    other = remote_payment(id=58, invoiceid=90)
    script.will_list("payments", other, remote_payment(id=59, note="by hand"), remote_payment(invoiceid="91"))

    found = client.find(PAYMENT)

    assert isinstance(found, Found)
    assert (found.posted.external_id, found.equal) == ("60", True)


def test_a_payment_that_became_a_credit_says_so(remote: Pair) -> None:
    script, client = remote
    script.will_list("payments", remote_payment(overpaymentid=5))

    found = client.find(PAYMENT)

    assert isinstance(found, Found)
    assert not found.equal
    assert "credit of the client" in found.difference


def test_an_entry_is_put_together_from_the_journal_over_all_pages(remote: Pair) -> None:
    script, client = remote
    first, *rest = details()
    script.will_list("journal_entry_details", first)
    script.will_list("journal_entry_details", first, page=1, pages=2, total=3)
    script.will_list("journal_entry_details", *rest, page=2, pages=2, total=3)

    found = client.find(ENTRY)

    assert isinstance(found, Found)
    assert (found.posted.external_id, found.equal, found.posted.total) == ("55@2026-10-14", True, 10000)


def test_a_list_that_changes_while_it_is_read_is_read_once_more(remote: Pair) -> None:
    script, client = remote
    first, *rest = details()
    script.will_list("journal_entry_details", first)
    script.will_list("journal_entry_details", first, page=1, pages=2, total=3)
    script.will_list("journal_entry_details", first, page=2, pages=2, total=3)
    script.will_list("journal_entry_details", first, *rest)

    found = client.find(ENTRY)

    assert isinstance(found, Found)
    assert found.equal


def test_a_list_that_does_not_count_its_pages_is_read_until_one_brings_nothing(remote: Pair) -> None:
    script, client = remote
    first, *rest = details()
    script.will_list("journal_entry_details", first)
    for piece in ([first], rest, rest):
        script.will(200, {"response": {"result": {"journal_entry_details": piece}}})

    found = client.find(ENTRY)

    assert isinstance(found, Found)
    assert found.equal


def test_an_entry_with_another_amount_differs(remote: Pair) -> None:
    script, client = remote
    lines = details()
    lines[0]["debit"] = {"amount": "84.00", "code": "USD"}
    script.will_list("journal_entry_details", lines[0])
    script.will_list("journal_entry_details", *lines)

    found = client.find(ENTRY)

    assert isinstance(found, Found)
    assert (found.equal, found.difference) == (False, "the lines differ")


def test_an_entry_nobody_has_is_absent_and_one_without_mark_goes_to_a_person(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    absent = client.find(ENTRY)
    for _ in range(2):
        script.will_list("journal_entry_details", *details(description=""))
    unmarked = client.find(ENTRY)

    assert absent == Absent()
    assert isinstance(unmarked, CannotTell)
    assert "AMZ-17000000001-1" in unmarked.reason


def test_a_reversal_is_found_under_the_undos_mark(remote: Pair) -> None:
    script, client = remote
    back = make.entry(lines=(EntryLine("CLEARING", credit=8500), EntryLine("SALES", debit=8500)), number="AMZ-1x")
    undo = replace(make.undo("k9", Kind.ENTRY, How.REVERSE), reversal=back)
    made = details(make.post(back, "u1"), entryid=56)
    script.will_list("journal_entry_details", *made)
    script.will_list("journal_entry_details", *made)

    found = client.find(make.post(undo, "u1", {"k9": External("55@2026-10-14")}))

    assert isinstance(found, Found)
    assert (found.posted.external_id, found.equal) == ("56@2026-10-14", True)


@pytest.mark.parametrize(
    ("row", "undone"), [({"vis_state": 0}, False), ({"vis_state": 2}, False), ({"vis_state": 1}, True), (None, True)]
)
def test_an_undo_is_done_where_its_target_is_hidden_or_never_was(
    remote: Pair, row: dict[str, Any] | None, undone: bool
) -> None:
    script, client = remote
    if row is None:
        script.will_refuse(1012, "invoiceid", "not found", status=404)
    else:
        script.will_give("invoice", remote_invoice(**row))

    found = client.find(make.post(make.undo("k9", Kind.INVOICE), "u1", {"k9": External("91", "v")}))

    assert isinstance(found, Found) is undone


@pytest.mark.parametrize(
    ("sub_type", "state", "equal", "live"),
    [
        ("Current Asset", "active", True, True),
        ("Equity", "active", False, True),
        ("Current Asset", "archived", True, False),
    ],
)
def test_an_account_of_this_name_is_adopted_only_as_what_it_was_to_be(
    remote: Pair, sub_type: str, state: str, equal: bool, live: bool
) -> None:
    script, client = remote
    row = {"uuid": "u", "name": "Amazon Clearing", "sub_type": sub_type, "jesa_id": 7, "state": state}
    script.will(200, {"data": [row]})

    found = client.find(make.post(make.new_account()))

    assert isinstance(found, Found)
    assert (found.posted.external_id, found.equal, found.live) == ("7", equal, live)


def test_a_refused_look_up_and_one_that_cannot_be_written_cannot_tell(remote: Pair) -> None:
    script, client = remote
    script.will_refuse(1003, message="access denied", status=403)

    refused, unwritable = client.find(INVOICE), client.find(make.post(make.payment()))

    assert isinstance(refused, CannotTell)
    assert isinstance(unwritable, CannotTell)


# What people changed ---------------------------------------------------------------------------------------------------


def test_a_document_is_read_with_what_is_open_of_it_until_it_is_hidden(remote: Pair) -> None:
    script, client = remote
    script.will_give("invoice", remote_invoice(outstanding={"amount": "12.340000000000", "code": "USD"}))
    script.will_give("invoice", remote_invoice(vis_state=1))

    standing, gone = client.read(Kind.INVOICE, "91"), client.read(Kind.INVOICE, "91")

    assert standing is not None
    assert (standing.total, standing.balance) == (3500, 1234)
    assert gone is None


def test_an_entry_is_read_by_its_day_and_near_it_where_somebody_moved_it(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.will_list("journal_entry_details", *details(user_entered_date="2026-10-20"))

    found = client.read(Kind.ENTRY, "55@2026-10-14")

    assert found is not None
    assert (found.external_id, found.total) == ("55@2026-10-14", 10000)


def test_an_entry_that_is_nowhere_is_gone(remote: Pair) -> None:
    script, client = remote
    script.will_list("journal_entry_details")
    script.will_list("journal_entry_details", *details(entryid=56))

    assert client.read(Kind.ENTRY, "55@2026-10-14") is None


def test_many_documents_are_read_together_and_the_hidden_ones_by_their_address(remote: Pair) -> None:
    script, client = remote
    script.will_list("invoices", *(remote_invoice(id=number) for number in (91, 92, 93)))
    script.will_give("invoice", remote_invoice(id=94, vis_state=1))

    kept = client.kept(Kind.INVOICE, ["91", "92", "93", "94"])

    assert [(each.external_id, each.live, bool(each.content)) for each in kept] == [
        ("91", True, True), ("92", True, True), ("93", True, True), ("94", False, False),
    ]  # fmt: skip
    assert [value for name, value in script.asked[0]["query"] if name == "search[invoiceids][]"] == [
        "91", "92", "93", "94",
    ]  # fmt: skip


def test_a_list_that_ignores_the_ids_is_read_once(remote: Pair) -> None:
    script, client = remote
    wanted = [str(number) for number in range(1, 121)]
    everything = [remote_invoice(id=number) for number in range(1, 151)]
    script.will_list("invoices", *everything[:100], pages=2, total=150)
    script.will_list("invoices", *everything[100:], page=2, pages=2, total=150)

    kept = client.kept(Kind.INVOICE, wanted)

    assert all(each.live for each in kept)
    assert len(script.asked) == 2


@pytest.mark.parametrize(("total", "requests"), [(300, ["1", "100", "100", "100"]), (301, ["1"])])
def test_payments_are_listed_where_that_takes_fewer_requests(remote: Pair, total: int, requests: list[str]) -> None:
    script, client = remote
    everything = [{"id": number, "vis_state": 0, "invoiceid": 91} for number in range(total)]
    script.will_list("payments", everything[0], pages=total, total=total)
    if total == 300:
        for page in (1, 2, 3):
            script.will_list("payments", *everything[page * 100 - 100 : page * 100], page=page, pages=3, total=total)
    else:
        for number in range(4):
            script.will_give("payment", everything[number])

    kept = client.kept(Kind.PAYMENT, ["0", "1", "2", "3"])

    assert all(each.live for each in kept)
    asked = [dict(each["query"]).get("per_page") for each in script.asked]
    assert [each for each in asked if each] == requests


def test_changes_are_compared_with_the_moment_in_eastern_time_and_never_taken_for_complete(remote: Pair) -> None:
    script, client = remote
    script.will_list(
        "invoices", remote_invoice(updated="2026-10-14 10:00:00"), remote_invoice(id=92, updated="2026-10-14 09:59:59")
    )

    found = client.changes(frozenset({Kind.INVOICE, Kind.ENTRY}), SINCE)

    assert ("search[updated_min]", "2026-10-13") in script.asked[0]["query"]
    assert [each.external_id for each in found.documents] == ["91"]
    assert found.incomplete == {Kind.INVOICE, Kind.ENTRY}


def test_what_was_put_back_to_draft_differs(remote: Pair) -> None:
    _, client = remote

    sent = client.compare(INVOICE, Kept(Kind.INVOICE, "91", True, "v", remote_invoice(notes="a note of Bob's")))
    draft = client.compare(INVOICE, Kept(Kind.INVOICE, "91", True, "v", remote_invoice(**DRAFT)))

    assert isinstance(sent, Found)
    assert sent.equal
    assert isinstance(draft, Found)
    assert draft.difference == "the state is a draft, not sent"


def test_an_expense_compares_by_category_amount_and_day() -> None:
    post = make.post(make.expense(), bindings=make.CATEGORIES)
    row = {**body_of(post, make.LITE), "id": 9, "vis_state": 0, "amount": {"amount": "14.8000", "code": "USD"}}

    with scripted(make.LITE) as (_, client):
        same = client.compare(post, Kept(Kind.EXPENSE, "9", True, "v", row))
        moved = client.compare(post, Kept(Kind.EXPENSE, "9", True, "v", {**row, "categoryid": 999, "vendor": "X"}))

    assert isinstance(same, Found)
    assert same.equal
    assert isinstance(moved, Found)
    assert moved.difference == "the category differs"


def test_a_figure_nobody_can_read_cannot_be_compared(remote: Pair) -> None:
    _, client = remote

    answer = client.compare(INVOICE, Kept(Kind.INVOICE, "91", True, "v", remote_invoice(amount={"amount": "many"})))

    assert isinstance(answer, CannotTell)

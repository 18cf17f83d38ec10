"""Points that nobody outside FreshBooks can settle are switches of the stand-in. The client gives the same books either way."""

from collections.abc import Iterator
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import Document, Kind
from ledgers.freshbooks.sandbox import FreshBooksStandIn
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.tests.rig import Rig, rig
from ledgers.port import Absent, CannotTell, Found, Next, NotSent, Posted, Refused, Unknown
from tests.contract.abilities import send, undo

NAMES = (
    "error_form", "errors_are", "errors_status", "filters", "max_filter", "list_order", "duplicate_invoice_number",
    "create_with_status", "negative_total", "payment_on_draft", "delete_paid_invoice", "duplicate_client_email",
    "negative_expense", "edited_entries", "journal_unbalanced_status", "custom_sub_account_names", "account_balances",
    "new_account_is_category", "lite_reads", "lite_permissions", "permission_error",
)  # fmt: skip
_SWITCHES = [switch for switch in FreshBooksStandIn.SWITCHES if switch.name in NAMES]
# All at their second setting, all at their third, and so on; one that has no more stays at its last.
SETTINGS = [
    pytest.param(
        {switch.name: switch.settings[min(n, len(switch.settings) - 1)] for switch in _SWITCHES}, id=f"round {n}"
    )
    for n in range(1, max(len(switch.settings) for switch in _SWITCHES))
]
# How a refusal is said: every form of an error, as a list or bare, with a status line or without.
FORMS = [
    pytest.param({"error_form": form, "errors_are": are, "errors_status": status}, id=f"{form}, {are}, {status}")
    for form in ("old", "new")
    for are in ("list", "object")
    for status in ("http", "200")
]


@pytest.fixture
def switched(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig(**getattr(request, "param", {})) as made:
        yield made


@pytest.fixture
def lite(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig("Lite", **getattr(request, "param", {})) as made:
        yield made


def taken_back(made: Rig, documents: dict[str, Document], posted: dict[str, Posted]) -> None:
    for key, document in reversed(documents.items()):
        made.deliver(made.post(undo(made, key, document), f"u-{key}", posted))


# Both plans, whatever is switched ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("switched", SETTINGS, indirect=True)
def test_a_settlement_is_posted_found_once_and_taken_back(switched: Rig) -> None:
    documents = {
        "i1": make.invoice(),
        "p1": make.payment("i1"),
        "e1": make.entry(),
        "t1": make.transfer(target="PAYOUTS"),
    }
    posted: dict[str, Posted] = {}
    for key, document in documents.items():
        posted |= switched.deliver(switched.post(document, key, posted))

    in_the_books = switched.balances()
    again = {key: send(switched, switched.post(document, key, posted))[key] for key, document in documents.items()}
    found = [switched.ledger.find(switched.post(document, key, posted)) for key, document in documents.items()]
    taken_back(switched, documents, posted)

    assert in_the_books == {K.REVENUE: -3500, K.PETTY: 3500, K.SALES: -10000, K.FEE_SELLING: 1500, K.PAYOUTS: 8500}
    assert [each.external_id for each in again.values()] == [each.external_id for each in posted.values()]
    assert [(each.live, each.equal) for each in found if isinstance(each, Found)] == [(True, True)] * 4
    assert switched.balances() == {}


@pytest.mark.parametrize("lite", SETTINGS, indirect=True)
def test_on_the_small_plan_income_and_an_expense_are_posted_found_once_and_taken_back(lite: Rig) -> None:
    documents = {
        "i1": make.invoice(number="AMZ-17000000001-1", order_id=""),
        "p1": make.payment("i1"),
        "x1": make.expense(key="ADS"),
    }
    posted: dict[str, Posted] = {}
    for key, document in documents.items():
        posted |= lite.deliver(lite.post(document, key, posted))

    in_the_books = lite.total()
    again = {key: send(lite, lite.post(document, key, posted))[key] for key, document in documents.items()}
    found = [lite.ledger.find(lite.post(document, key, posted)) for key, document in documents.items()]
    taken_back(lite, documents, posted)

    assert sorted(in_the_books.values()) == [-3500, 1480, 3500 - 1480]
    assert lite.ledger.capabilities.kinds.isdisjoint({Kind.ENTRY, Kind.TRANSFER, Kind.ACCOUNT})
    assert [each.external_id for each in again.values()] == [each.external_id for each in posted.values()]
    assert [(each.live, each.equal) for each in found if isinstance(each, Found)] == [(True, True)] * 3
    assert lite.total() == {}


def test_on_the_small_plan_a_lost_expense_is_found_and_one_that_looks_the_same_is_another(lite: Rig) -> None:
    lost = lite.post(make.expense(key="ADS"), "x1")
    same = lite.post(make.expense(key="ADS", number="AMZ-17000000002-1:ADS"), "x2")
    lite.lose_next_answer()
    with pytest.raises(Unknown):
        send(lite, lost)

    found, before = lite.ledger.find(lost), lite.ledger.find(same)
    outcome = send(lite, same)["x2"]

    assert isinstance(found, Found)
    assert (found.live, found.equal, before) == (True, True, Absent())
    assert isinstance(outcome, Posted)
    assert sorted(lite.total().values()) == [-2960, 2960]


# How it says no -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("switched", FORMS, indirect=True)
def test_what_is_refused_or_never_was_is_understood_in_every_form(switched: Rig) -> None:
    invoice, entry = switched.post(make.invoice(), "i1"), switched.post(make.entry(), "e1")
    switched.fault("invoice.create", boundary="before_commit", do="status", status=409)

    raced = send(switched, invoice)["i1"]
    posted = send(switched, invoice)["i1"]
    switched.close_books(make.ON.isoformat())
    closed = send(switched, entry)["e1"]

    assert (type(raced), raced.next) == (Refused, Next.FAILED)
    assert isinstance(posted, Posted)
    assert (type(closed), closed.next) == (Refused, Next.HELD)
    assert switched.ledger.read(Kind.INVOICE, "999999") is None
    assert switched.balances() == {K.AR: 3500, K.REVENUE: -3500}


# Numbers ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "switched",
    [
        {"duplicate_invoice_number": "refused"},
        {"duplicate_invoice_number": "accepted"},
        {"duplicate_invoice_number": "accepted", "filters": "ignored"},
    ],
    indirect=True,
)
def test_a_number_that_is_taken_is_never_used_again(switched: Rig) -> None:
    post = switched.post(make.invoice(), "i1")
    switched.take_number(make.invoice().number)

    refused = send(switched, post)["i1"]

    assert (type(refused), refused.next) == (Refused, Next.ADOPT)
    assert switched.ledger.find(post) == Absent()
    assert switched.count("invoice") == 1


@pytest.mark.parametrize("switched", [{"duplicate_invoice_number": "refused"}], indirect=True)
def test_a_number_that_only_a_deleted_invoice_had_is_refused_and_not_adopted(switched: Rig) -> None:
    first = make.invoice()
    posted = switched.deliver(switched.post(first, "i1"))
    switched.deliver(switched.post(undo(switched, "i1", first), "u1", posted))
    again = switched.post(first, "i2")

    refused = send(switched, again)["i2"]

    assert (type(refused), refused.next) == (Refused, Next.ADOPT)
    assert switched.ledger.find(again) == Absent()
    assert switched.balances() == {}


# Between the draft and the books ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"operation": "invoice.create", "boundary": "after_commit", "do": "drop_answer"},
        {"operation": "invoice.create", "boundary": "mid_answer", "do": "cut_body"},
        {"operation": "invoice.send", "boundary": "before_commit", "do": "drop_answer"},
        {"operation": "invoice.send", "boundary": "before_commit", "do": "status", "status": 503, "body": "html"},
        {"operation": "invoice.send", "boundary": "before_commit", "do": "status", "status": 429},
        {"operation": "invoice.send", "boundary": "after_commit", "do": "drop_answer"},
    ],
    ids=lambda each: f"{each['operation']} {each['do']} {each['boundary']}",
)
def test_a_draft_left_behind_is_finished_once(switched: Rig, fault: dict[str, Any]) -> None:
    looked, repeated = (switched.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in (1, 2))
    for post in (looked, repeated):
        switched.fault(**fault)
        with pytest.raises(Unknown):
            send(switched, post)

    found, again = switched.ledger.find(looked), send(switched, repeated)["i2"]

    assert (isinstance(found, Found), isinstance(again, Posted)) == (True, True)
    assert switched.count("invoice") == 2
    assert switched.balances() == {K.AR: 7000, K.REVENUE: -7000}


@pytest.mark.parametrize("switched", [{}, {"payment_on_draft": "sends"}], indirect=True)
def test_a_payment_waits_for_an_invoice_that_is_a_draft(switched: Rig) -> None:
    posted = switched.deliver(switched.post(make.invoice(), "i1"))
    draft = {"status": 1}
    switched.stand_in.control(
        "edit", {"account": switched.made["account_id"], "kind": "invoice", "id": posted["i1"].external_id,
                 "changes": draft},
    )  # fmt: skip

    refused = send(switched, switched.post(make.payment("i1"), "p1", posted))["p1"]

    assert (type(refused), refused.next) == (Refused, Next.HELD)
    assert switched.balances() == {}


def test_a_payment_above_what_is_open_never_becomes_a_credit(switched: Rig) -> None:
    posted = switched.deliver(switched.post(make.invoice(), "i1"))
    switched.stand_in.control(
        "mark_paid", {"account": switched.made["account_id"], "id": int(posted["i1"].external_id), "amount": "10.00"}
    )

    refused = send(switched, switched.post(make.payment("i1"), "p1", posted))["p1"]

    assert (type(refused), refused.next) == (Refused, Next.HELD)
    assert switched.balances() == {K.AR: 2500, K.PETTY: 1000, K.REVENUE: -3500}


# Too fast, too slow, too late -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switched", "room"),
    [
        ({"throttle_body": "json"}, 0),
        ({"throttle_body": "html", "retry_after": "present"}, 1),
        ({"throttle_body": "text", "retry_after": "present"}, 1),
        ({"throttle_body": "json", "error_form": "new"}, 1),
    ],
    indirect=["switched"],
)
def test_a_burst_is_not_sent_and_nothing_is_doubled(switched: Rig, room: int) -> None:
    post = switched.post(make.entry(), "e1")
    switched.stand_in.switches["rate_scale"] = 100
    for _ in range(5 - room):  # a second has room for five requests: one for the look-up, one for the write
        switched.ledger.read(Kind.INVOICE, "999999")

    with pytest.raises(NotSent) as caught:
        send(switched, post)
    switched.pass_time(2)
    outcome = send(switched, post)["e1"]

    assert caught.value.after_s >= 1
    assert isinstance(outcome, Posted)
    assert switched.balances() == {K.SALES: -10000, K.FEE_SELLING: 1500, K.CLEARING: 8500}


def test_a_slow_answer_is_unknown_at_the_deadline_and_found(switched: Rig) -> None:
    post = switched.post(make.entry(), "e1")
    switched.fault("journal_entry.create", boundary="after_commit", do="slow_trickle", seconds=0.4)

    with pytest.raises(Unknown):
        send(switched, post, deadline_s=0.1)

    assert isinstance(switched.ledger.find(post), Found)
    assert switched.balances() == {K.SALES: -10000, K.FEE_SELLING: 1500, K.CLEARING: 8500}


@pytest.mark.parametrize("kind", [Kind.INVOICE, Kind.PAYMENT, Kind.ENTRY], ids=str)
def test_two_of_one_document_are_noticed_however_they_came(switched: Rig, kind: Kind) -> None:
    switched.stand_in.switches["duplicate_invoice_number"] = "accepted"
    posted = switched.deliver(switched.post(make.invoice(number="113-9"), "i9"))
    documents = {
        Kind.INVOICE: make.invoice(),
        Kind.PAYMENT: make.payment("i9", 1000),
        Kind.ENTRY: make.entry(),
    }
    post = switched.post(documents[kind], "k", posted)
    switched.commit_next_late(20)
    with pytest.raises(Unknown):
        send(switched, post)
    send(switched, post)  # what is never done before the quarantine ends

    switched.pass_time(20)

    assert isinstance(switched.ledger.find(post), CannotTell)

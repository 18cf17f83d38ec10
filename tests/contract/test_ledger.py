"""What every ledger keeps, against its own stand-in. Assertions are about the books, not about calls."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey as K
from bookkeeping.buyers import is_buyers_name, ledger_name
from bookkeeping.documents import EntryLine, InvoiceLine, Kind
from ledgers.port import (
    Absent,
    AuthorizationLost,
    CannotTell,
    Found,
    Next,
    NotSent,
    Partly,
    Posted,
    Refused,
    RemoteObject,
    Unknown,
)
from tests.contract import documents as make
from tests.contract.abilities import (
    batches,
    before,
    changeable,
    exact,
    holds,
    need,
    need_batches,
    payment,
    policy,
    removable,
    send,
    transfer,
    undo,
)

DEADLINE_S = 10.0


def call_of(rig: Any, *posts: Any) -> Any:
    (call,) = rig.ledger.render(posts)
    return call


def entry(rig: Any, key: str = "e1", **changes: Any) -> Any:
    return rig.post(make.entry(**changes), key)


def shown(rig: Any) -> tuple[Kind, Any]:
    """A document that the ledger shows to us and lets people change: an entry, or else an invoice."""
    kind = changeable(rig, Kind.ENTRY, Kind.INVOICE)
    return kind, make.entry() if kind is Kind.ENTRY else make.invoice()


ENTRY_BALANCES = {K.SALES: -10000, K.FEE_SELLING: 1500, K.CLEARING: 8500}


# Every kind ----------------------------------------------------------------------------------------------------------------


def test_a_settlement_of_every_kind_comes_out_in_the_books(rig: Any) -> None:
    invoices = rig.deliver(*(rig.post(make.invoice(number=f"113-0000001-000000{n}"), f"i{n}") for n in (1, 2)))
    rig.deliver(*(rig.post(payment(rig, f"i{n}"), f"p{n}", invoices) for n in (1, 2)))
    rig.deliver(entry(rig))
    charged = policy(rig).charges_to
    number = "AMZ-17000000001-C1"
    by_entry = make.entry(number=number, lines=(EntryLine(charged, credit=700), EntryLine("CLEARING", debit=700)))
    by_transfer = make.transfer(number=number, source=charged, target="CLEARING", amount=700)
    rig.deliver(rig.post(by_transfer if policy(rig).card_transfers else by_entry, "t1"))
    paid = policy(rig).payouts_to
    if holds(rig, Kind.DEPOSIT):
        rig.deliver(rig.post(make.deposit(), "d1"))
        closing = {K.FEE_SELLING: 1500, K.CLEARING: -10000, paid: 8500}
    else:
        rig.deliver(rig.post(transfer(rig), "d1"))
        closing = {K.CLEARING: -8500, paid: 8500}

    own = policy(rig).income_to  # one account for the income of every invoice
    invoiced = {own: -7000} if own else {K.SALES: -8000, K.PROMO: 1000}
    expected: Counter[Any] = Counter()
    for part in (
        invoiced,
        {policy(rig).payments_to: 7000},
        ENTRY_BALANCES,
        {charged: -700, K.CLEARING: 700},
        closing,
    ):
        expected.update(part)
    assert rig.balances() == dict(expected)
    assert sum(rig.balances().values()) == 0


def test_the_answer_names_id_total_and_lines(rig: Any) -> None:
    posted = rig.deliver(rig.post(make.invoice(), "i1"))["i1"]

    assert posted.external_id
    assert posted.total == 3500
    assert posted.lines == {"SALES": 4000, "PROMO": -500}


def test_a_document_can_be_read_back_until_it_is_gone(rig: Any) -> None:
    kind, document = shown(rig)
    posted = rig.deliver(rig.post(document, "d1"))["d1"]

    there = rig.ledger.read(kind, posted.external_id)
    rig.deliver(rig.post(undo(rig, "d1", document), "u1", {"d1": posted}))
    after = rig.ledger.read(kind, posted.external_id)

    assert (there.total, after) == (10000 if kind is Kind.ENTRY else 3500, None)


def test_balances_are_those_of_the_books(rig: Any) -> None:
    rig.deliver(entry(rig))

    answered = rig.ledger.balances()

    assert answered[rig.bindings["CLEARING"].account] == rig.balance(K.CLEARING) == 8500


def test_many_documents_are_posted_once_each_in_few_calls(rig: Any) -> None:
    posts = [rig.post(make.invoice(number=f"113-0000001-{n:07d}"), f"i{n}") for n in range(61)]

    calls = rig.ledger.render(posts)
    for call in calls:
        rig.ledger.send(call, DEADLINE_S)

    assert len(calls) <= (3 if batches(rig) else len(posts))
    assert rig.balance(K.AR) == 61 * 3500


def test_a_hundred_payments_close_a_hundred_invoices(rig: Any) -> None:
    invoices = rig.deliver(*(rig.post(make.invoice(number=f"113-0000001-{n:07d}"), f"i{n}") for n in range(100)))

    rig.deliver(*(rig.post(payment(rig, f"i{n}"), f"p{n}", invoices) for n in range(100)))

    assert (rig.balance(K.AR), rig.balance(policy(rig).payments_to)) == (0, 100 * 3500)


def test_undo_in_reverse_order_leaves_nothing(rig: Any) -> None:
    invoices = {f"i{n}": make.invoice(number=f"113-{n}") for n in (1, 2)}
    posted = rig.deliver(*(rig.post(document, key) for key, document in invoices.items()))
    payments = {f"p{n}": payment(rig, f"i{n}") for n in (1, 2)}
    posted |= rig.deliver(*(rig.post(document, key, posted) for key, document in payments.items()))
    others = {"e1": make.entry(), "t1": transfer(rig), "d1": make.deposit()}
    others = {key: document for key, document in others.items() if holds(rig, document.kind)}
    posted |= rig.deliver(*(rig.post(document, key) for key, document in others.items()))

    for group in (*({key: others[key]} for key in ("d1", "e1", "t1") if key in others), payments):
        rig.deliver(*(rig.post(undo(rig, key, document), f"u-{key}", posted) for key, document in group.items()))
    for key, document in invoices.items():
        # Payments on an invoice may have raised its version: it is looked up before it is taken back.
        posted[key] = rig.ledger.find(rig.post(document, key)).posted
        rig.deliver(rig.post(undo(rig, key, document), f"u-{key}", posted))

    assert rig.balances() == {}


# Buyers ----------------------------------------------------------------------------------------------------------------------


def buyer(rig: Any, who: str = "Ann Buyer", hash_: str = "abcdefgh22334455") -> Any:
    return replace(make.customer(ledger_name(who, hash_), rig.currency), person=who, email="x1@marketplace.example")


def named(rig: Any, words: str) -> list[RemoteObject]:
    return [each for each in rig.ledger.reference().customers if words in each.name]


def test_a_forgotten_buyer_has_no_name_left_and_forgetting_again_changes_nothing(rig: Any) -> None:
    made = rig.deliver(rig.post(buyer(rig), "k-buyer"))["k-buyer"].external_id
    assert [each.id for each in named(rig, "Ann Buyer")] == [made]
    assert all(is_buyers_name(each.name) for each in named(rig, "Ann Buyer"))

    done = [
        rig.ledger.forget(made, "Removed buyer (Amazon abcdefgh)", hide=False),
        rig.ledger.forget(made, "Removed buyer (Amazon abcdefgh)", hide=True),
        rig.ledger.forget(made, "Removed buyer (Amazon abcdefgh)", hide=True),
    ]

    assert done == [None, None, None]
    assert not named(rig, "Ann Buyer")
    assert "x1@marketplace.example" not in rig.customer_of(made)
    assert (not [each for each in named(rig, "Removed buyer") if each.active]) == rig.hides


def test_forgetting_is_repeated_after_a_lost_answer(rig: Any) -> None:
    made = rig.deliver(rig.post(buyer(rig), "k-buyer"))["k-buyer"].external_id
    rig.lose_next_answer()

    with suppress(Unknown, NotSent):
        rig.ledger.forget(made, "Removed buyer (Amazon abcdefgh)", hide=True)
    again = rig.ledger.forget(made, "Removed buyer (Amazon abcdefgh)", hide=True)

    assert again is None
    assert not named(rig, "Ann Buyer")


def test_buyers_of_one_name_are_two_customers(rig: Any) -> None:
    made = rig.deliver(rig.post(buyer(rig), "k-one"), rig.post(buyer(rig, hash_="zyxwvuts22334455"), "k-two"))

    assert len({each.external_id for each in made.values()}) == 2
    assert {each.id for each in named(rig, "Ann Buyer")} == {each.external_id for each in made.values()}


# What is found ---------------------------------------------------------------------------------------------------------------


def documents(rig: Any) -> dict[Kind, Any]:
    invoices = rig.deliver(rig.post(make.invoice(number="113-9"), "i9"))
    revaluation = {Kind.REVALUATION: rig.leave_residue()} if holds(rig, Kind.REVALUATION) else {}
    return {
        **{kind: rig.post(document, f"k-{kind.value}") for kind, document in revaluation.items()},
        Kind.INVOICE: rig.post(make.invoice(), "k-invoice"),
        Kind.PAYMENT: rig.post(payment(rig, "i9"), "k-payment", invoices),
        Kind.ENTRY: rig.post(make.entry(), "k-entry"),
        Kind.TRANSFER: rig.post(transfer(rig), "k-transfer"),
        Kind.DEPOSIT: rig.post(make.deposit(), "k-deposit"),
        Kind.ACCOUNT: rig.post(make.new_account("FEE_STORAGE", "Storage of ours"), "k-account"),
        Kind.CUSTOMER: rig.post(make.customer("Amazon.co.uk (rig)"), "k-customer"),
        Kind.ITEM: rig.post(make.item("Another item"), "k-item"),
    }


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNDO])
def test_what_is_not_there_is_absent_and_what_is_there_is_found_live_and_equal(rig: Any, kind: Kind) -> None:
    need(rig, kind)
    post = before(rig, documents(rig)[kind])

    first = rig.ledger.find(post)
    posted = rig.deliver(post)[post.key]
    after = rig.ledger.find(post)

    assert first == Absent()
    assert isinstance(after, Found)
    assert (after.live, after.equal, after.posted.total) == (True, True, posted.total)
    if exact(rig, kind):
        assert after.posted.external_id == posted.external_id


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.UNDO])
def test_an_answer_lost_after_the_commit_is_unknown_and_found(rig: Any, kind: Kind) -> None:
    need(rig, kind)
    post = before(rig, documents(rig)[kind])
    rig.lose_next_answer()

    with pytest.raises(Unknown):
        send(rig, post)

    found = rig.ledger.find(post)
    assert isinstance(found, Found)
    assert (found.live, found.equal) == (True, True)


def test_an_undo_whose_answer_is_lost_is_found_done(rig: Any) -> None:
    posted = rig.deliver(entry(rig))
    post = before(rig, rig.post(undo(rig, "e1", make.entry()), "u1", posted))
    first = rig.ledger.find(post)
    rig.lose_next_answer()

    with pytest.raises(Unknown):
        send(rig, post)

    assert first == Absent()
    assert isinstance(rig.ledger.find(post), Found)
    assert rig.balances() == {}


def test_a_lost_batch_is_found_document_by_document(rig: Any) -> None:
    need_batches(rig)
    posts = [rig.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(3)]
    rig.lose_next_answer(batch=True)

    with pytest.raises(Unknown):
        send(rig, *posts)

    assert [type(rig.ledger.find(post)) for post in posts] == [Found] * 3
    assert rig.balance(K.AR) == 3 * 3500


def test_what_a_batch_left_out_when_it_stopped_is_told_apart_and_sent(rig: Any) -> None:
    need_batches(rig)
    posts = [rig.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(3)]
    rig.stop_batch_after(2)
    with pytest.raises((Unknown, Partly)) as stopped:
        send(rig, *posts)

    found = [rig.ledger.find(post) for post in posts]
    rig.deliver(*(post for post, answer in zip(posts, found, strict=True) if answer == Absent()))

    assert [type(answer) for answer in found] == [Found, Found, Absent]
    assert rig.balance(K.AR) == 3 * 3500
    if isinstance(stopped.value, Partly):
        assert {*stopped.value.answers, *stopped.value.unknown} == {"i0", "i1"}


def test_every_delivery_of_a_lost_shared_payment_is_found(rig: Any) -> None:
    need_batches(rig)
    invoices = rig.deliver(*(rig.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(3)))
    posts = [rig.post(payment(rig, f"i{n}"), f"p{n}", invoices) for n in range(3)]
    rig.lose_next_answer()

    with pytest.raises(Unknown):
        send(rig, *posts)

    found = [rig.ledger.find(post) for post in posts]
    assert [(each.live, each.equal, each.posted.total) for each in found] == [(True, True, 3500)] * 3


def test_a_number_of_another_connector_is_never_adopted(rig: Any) -> None:
    post = rig.post(make.invoice(), "i1")
    rig.take_number(post.document.number)

    refused = send(rig, post)["i1"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.ADOPT
    assert rig.ledger.find(post) == Absent()
    assert rig.balance(K.AR) == 100


# Once ------------------------------------------------------------------------------------------------------------------------


def test_a_request_that_was_never_kept_is_sent_again_and_posts_once(rig: Any) -> None:
    post = before(rig, entry(rig))
    call = call_of(rig, post)
    rig.lose_next_request()
    with pytest.raises(Unknown):
        rig.ledger.send(call, DEADLINE_S)

    found = rig.ledger.find(post)
    rig.ledger.send(call, DEADLINE_S)

    assert found == Absent()
    assert rig.balances() == ENTRY_BALANCES


def test_the_same_bytes_sent_twice_post_once(rig: Any) -> None:
    call = call_of(rig, entry(rig))

    first, second = rig.ledger.send(call, DEADLINE_S), rig.ledger.send(call, DEADLINE_S)

    if exact(rig, Kind.ENTRY):
        assert first["e1"].external_id == second["e1"].external_id
    assert rig.balances() == ENTRY_BALANCES


def test_a_whole_batch_sent_twice_posts_once(rig: Any) -> None:
    calls = rig.ledger.render([rig.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(3)])
    rig.lose_next_answer(batch=len(calls) == 1)
    with pytest.raises(Unknown):
        rig.ledger.send(calls[0], DEADLINE_S)

    for call in calls:
        rig.ledger.send(call, DEADLINE_S)

    assert rig.balance(K.AR) == 3 * 3500


def test_a_commit_that_lands_after_our_look_up_posts_once(rig: Any) -> None:
    post = before(rig, entry(rig))
    call = call_of(rig, post)
    rig.commit_next_late(20)
    with pytest.raises(Unknown):
        rig.ledger.send(call, DEADLINE_S)

    too_early = rig.ledger.find(post)
    with suppress(Unknown):  # the remote may say that it is still working on this request
        rig.ledger.send(call, DEADLINE_S)
    rig.pass_time(60)

    assert too_early == Absent()
    if rig.idempotent:
        assert rig.balances() == ENTRY_BALANCES
        assert isinstance(rig.ledger.find(post), Found)
    else:  # nothing is sent again before the quarantine ends; were it, that would be seen
        assert isinstance(rig.ledger.find(post), CannotTell)


def test_a_late_commit_lands_before_the_quarantine_ends(rig: Any) -> None:
    post = before(rig, entry(rig))
    call = call_of(rig, post)
    capabilities = rig.ledger.capabilities
    rig.commit_next_late(capabilities.deadline_s - 1)
    with pytest.raises(Unknown):
        rig.ledger.send(call, DEADLINE_S)

    rig.pass_time(capabilities.deadline_s + capabilities.quarantine_s)

    assert isinstance(rig.ledger.find(post), Found)
    assert rig.balances() == ENTRY_BALANCES


# Nothing happened --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["json", "xml", "html"])
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "120"}], ids=["bare", "retry-after"])
def test_throttled_is_not_sent(rig: Any, body: str, headers: dict[str, str]) -> None:
    rig.answer_next(429, body, headers)

    with pytest.raises(NotSent) as caught:
        send(rig, entry(rig))

    assert caught.value.after_s >= float(headers.get("Retry-After", 1))
    assert rig.balances() == {}


def test_a_refused_connection_is_not_sent(rig: Any) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
    ledger = rig.at(f"http://{address[0]}:{address[1]}")

    with pytest.raises(NotSent):
        ledger.send(call_of(rig, entry(rig)), DEADLINE_S)


def test_a_token_that_ends_between_two_calls_is_renewed_and_nothing_is_lost_or_doubled(rig: Any) -> None:
    calls = rig.ledger.render([rig.post(make.invoice(number=f"113-{n:07d}"), f"i{n}") for n in range(40)])
    rig.ledger.send(calls[0], DEADLINE_S)
    rig.reject_token()

    for call in calls[1:]:
        rig.ledger.send(call, DEADLINE_S)

    assert rig.renewed == 1
    assert rig.balance(K.AR) == 40 * 3500


def test_a_company_that_keeps_refusing_is_lost(rig: Any) -> None:
    rig.answer_next(401, times=2)

    with pytest.raises(AuthorizationLost):
        send(rig, entry(rig))

    assert rig.balances() == {}


def test_a_closed_period_is_a_refusal_to_be_held(rig: Any) -> None:
    rig.close_books(make.ON.isoformat())

    refused = send(rig, entry(rig))["e1"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.HELD
    assert refused.action
    assert rig.balances() == {}


def test_one_refused_document_of_a_batch_does_not_hold_up_the_others(rig: Any) -> None:
    rig.take_number("113-1")
    posts = [rig.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(3)]

    outcomes = send(rig, *posts)

    assert {key: type(outcome) for key, outcome in outcomes.items()} == {"i0": Posted, "i1": Refused, "i2": Posted}
    assert rig.balance(K.AR) == 100 + 2 * 3500


# Nobody knows -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("body", ["json", "xml", "html"])
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_a_server_error_is_unknown_and_the_look_up_tells(rig: Any, status: int, body: str, kept: bool) -> None:
    post = before(rig, entry(rig))
    if kept:
        rig.fail_after_commit(status, body)
    else:
        rig.answer_next(status, body)

    with pytest.raises(Unknown):
        send(rig, post)

    assert rig.balances() == (ENTRY_BALANCES if kept else {})
    assert isinstance(rig.ledger.find(post), Found if kept else Absent)


def test_a_cut_answer_is_unknown_and_found(rig: Any) -> None:
    post = before(rig, entry(rig))
    rig.cut_next_answer()

    with pytest.raises(Unknown):
        send(rig, post)

    assert rig.balances() == ENTRY_BALANCES
    assert isinstance(rig.ledger.find(post), Found)


@contextmanager
def trickling() -> Iterator[str]:
    """A server that sends its answer a byte at a time and never ends it."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
                )
                while not stop.wait(0.02):
                    connection.sendall(b" ")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        listener.close()
        thread.join()


def test_a_slow_trickle_ends_at_the_deadline_and_is_unknown(rig: Any) -> None:
    call = call_of(rig, entry(rig))
    with trickling() as base:
        started = time.monotonic()

        with pytest.raises(Unknown if rig.idempotent else NotSent):  # what is looked for first was not sent yet
            rig.at(base).send(call, 0.3)

        assert time.monotonic() - started < 2


# Somebody else -----------------------------------------------------------------------------------------------------------


def test_a_document_somebody_changed_is_not_taken_back(rig: Any) -> None:
    if not rig.refuses_stale:
        pytest.skip("this ledger takes back what we name, however it was changed")
    posted = rig.deliver(entry(rig))
    rig.touch(Kind.ENTRY, posted["e1"].external_id)

    refused = send(rig, rig.post(undo(rig, "e1", make.entry()), "u1", posted))["u1"]

    assert isinstance(refused, Refused)
    assert refused.next in {Next.PARKED, Next.HELD}
    assert rig.balances() == ENTRY_BALANCES


def test_after_a_look_up_the_changed_document_can_be_taken_back(rig: Any) -> None:
    kind, document = shown(rig)
    posted = rig.deliver(rig.post(document, "d1"))
    rig.touch(kind, posted["d1"].external_id)

    current = rig.ledger.find(rig.post(document, "d1")).posted
    rig.deliver(rig.post(undo(rig, "d1", document), "u1", {"d1": current}))

    assert rig.balances() == {}


def test_a_document_somebody_deleted_is_looked_up_and_counts_as_taken_back(rig: Any) -> None:
    _, document = shown(rig)
    posted = rig.deliver(rig.post(document, "d1"))
    rig.deliver(rig.post(undo(rig, "d1", document), "u1", posted))
    again = rig.post(undo(rig, "d1", document), "u2", posted)

    outcome = send(rig, again)["u2"]

    assert isinstance(outcome, Posted) or outcome.next is Next.ADOPT
    assert isinstance(rig.ledger.find(again), Found)
    assert rig.balances() == {}


def test_a_name_that_exists_is_adopted_not_doubled(rig: Any) -> None:
    first = rig.deliver(rig.post(make.customer("Amazon.ca (rig)"), "c1"))["c1"]
    again = rig.post(make.customer("Amazon.ca (rig)"), "c2")

    refused = send(rig, again)["c2"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.ADOPT
    assert rig.ledger.find(again).posted.external_id == first.external_id


# Reading ------------------------------------------------------------------------------------------------------------------


def test_lists_have_what_the_mapping_needs(rig: Any) -> None:
    reference = rig.ledger.reference()

    by_id = {account.id: account for account in reference.accounts}
    assert reference.home_currency == rig.currency
    assert by_id[rig.bindings["CLEARING"].account].account_class is not None
    assert rig.bindings["SALES"].item in {item.id for item in reference.items}
    assert rig.bindings[rig.customer].customer in {customer.id for customer in reference.customers}


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_a_healthy_company_passes_its_checks(rig: Any, mode: str) -> None:
    steps = rig.ledger.checks(mode, rig.currency)

    assert len({step.name for step in steps}) == len(steps)
    assert [step for step in steps if step.verdict == "failed"] == []
    assert all(step.action for step in steps if step.verdict == "warning")


def test_an_invoice_line_without_an_exact_price_keeps_its_amount(rig: Any) -> None:
    lines = (InvoiceLine("SALES", 1000, 3), InvoiceLine("SHIP_INCOME", 499))

    posted = rig.deliver(rig.post(make.invoice(lines=lines), "i1"))["i1"]

    assert posted.total == rig.balance(K.AR) == 1499


# What people change ------------------------------------------------------------------------------------------------------

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
CHANGEABLE = (Kind.INVOICE, Kind.PAYMENT, Kind.ENTRY, Kind.TRANSFER, Kind.DEPOSIT, Kind.REVALUATION)


def changes(rig: Any, since: datetime, ours: Mapping[str, Kind] | None = None) -> tuple[dict[str, Any], Any]:
    """Return the documents that changed, by id, and the whole answer; with those of ours that it may leave out, which are
    read by their ids."""
    found = rig.ledger.changes(rig.ledger.capabilities.readable & frozenset(CHANGEABLE), since)
    by_id = {kept.external_id: kept for kept in found.documents}
    for kind in found.incomplete:
        ids = [each for each, of in (ours or {}).items() if of is kind]
        by_id |= {kept.external_id: kept for kept in rig.ledger.kept(kind, ids)}
    return by_id, found


def test_what_we_wrote_is_among_the_changes_and_compares_equal(rig: Any) -> None:
    since = rig.now() - timedelta(minutes=5)
    invoices = rig.deliver(rig.post(make.invoice(number="113-9"), "i9"))
    written = {
        Kind.INVOICE: rig.post(make.invoice(number="113-9"), "i9"),
        Kind.PAYMENT: rig.post(payment(rig, "i9"), "p9", invoices),
        Kind.ENTRY: entry(rig),
        Kind.TRANSFER: rig.post(transfer(rig), "t1"),
        Kind.DEPOSIT: rig.post(make.deposit(), "d1"),
    }
    if holds(rig, Kind.REVALUATION):
        written[Kind.REVALUATION] = rig.post(rig.leave_residue(), "r1")
    posts = {kind: post for kind, post in written.items() if kind in rig.ledger.capabilities.readable}
    posted = {**invoices, **rig.deliver(*(post for kind, post in posts.items() if kind is not Kind.INVOICE))}

    by_id, found = changes(rig, since, {posted[post.key].external_id: kind for kind, post in posts.items()})

    assert found.incomplete == rig.incomplete & frozenset(CHANGEABLE)
    for kind, post in posts.items():
        kept = by_id[posted[post.key].external_id]
        answer = rig.ledger.compare(post, kept)
        assert (kept.kind, kept.live, answer.equal, answer.posted.total) == (kind, True, True, posted[post.key].total)


def test_a_document_changed_by_hand_differs_until_it_is_put_back(rig: Any) -> None:
    kind = changeable(rig, Kind.TRANSFER, Kind.PAYMENT)
    invoices = rig.deliver(rig.post(make.invoice(), "i1"))
    document = transfer(rig, amount=3500) if kind is Kind.TRANSFER else payment(rig, "i1", 3500)
    post = rig.post(document, "d1", invoices)
    posted = rig.deliver(post)["d1"]
    rig.pass_time(3600)
    since, ours = rig.now() - timedelta(minutes=5), {posted.external_id: kind}

    rig.edit_amount(kind, posted.external_id, 3000)
    changed = rig.ledger.compare(post, changes(rig, since, ours)[0][posted.external_id])
    rig.edit_amount(kind, posted.external_id, 3500)
    put_back = rig.ledger.compare(post, changes(rig, since, ours)[0][posted.external_id])

    assert (changed.equal, changed.posted.total, bool(changed.difference)) == (False, 3000, True)
    assert (put_back.equal, put_back.posted.total) == (True, 3500)


def test_a_note_of_a_persons_own_is_no_change_that_matters(rig: Any) -> None:
    kind, document = shown(rig)
    post = rig.post(document, "d1")
    posted = rig.deliver(post)["d1"]
    rig.rename(kind, posted.external_id, "Voided once, and entered again by Bob")

    kept = changes(rig, rig.now() - timedelta(minutes=5))[0][posted.external_id]

    assert kept.live
    assert rig.ledger.compare(post, kept).equal


def test_what_is_gone_or_void_is_named_and_not_live(rig: Any) -> None:
    written = {"i1": make.invoice(), "e1": make.entry()}
    documents = {key: each for key, each in written.items() if removable(rig, each.kind)}
    posted = rig.deliver(*(rig.post(document, key) for key, document in documents.items()))
    rig.pass_time(3600)
    since = rig.now() - timedelta(minutes=5)
    for key, document in documents.items():
        rig.deliver(rig.post(undo(rig, key, document), f"u-{key}", posted))

    by_id, _ = changes(rig, since, {posted[key].external_id: each.kind for key, each in documents.items()})

    assert [by_id[each.external_id].live for each in posted.values()] == [False] * len(documents)


def test_an_unchanged_document_is_not_among_the_changes(rig: Any) -> None:
    _, document = shown(rig)
    posted = rig.deliver(rig.post(document, "d1"))["d1"]
    rig.pass_time(3600)

    by_id, _ = changes(rig, rig.now() - timedelta(minutes=5))

    assert posted.external_id not in by_id


def test_documents_are_read_by_their_ids_the_gone_ones_too(rig: Any) -> None:
    posts = [rig.post(make.invoice(number=f"113-0000001-{n:07d}"), f"i{n}") for n in range(3)]
    posted = rig.deliver(*posts)

    kept = rig.ledger.kept(Kind.INVOICE, [posted[post.key].external_id for post in posts] + ["987654321"])

    by_id = {each.external_id: each for each in kept}
    assert len(by_id) == 4
    assert not by_id["987654321"].live
    assert all(rig.ledger.compare(post, by_id[posted[post.key].external_id]).equal for post in posts)


def test_changes_from_before_what_a_ledger_remembers_are_never_taken_for_complete(rig: Any) -> None:
    kind, document = shown(rig)
    posted = rig.deliver(rig.post(document, "d1"))["d1"]

    by_id, found = changes(rig, LONG_AGO)

    assert posted.external_id in by_id or kind in found.incomplete


def test_asking_what_changed_is_not_sent_when_throttled(rig: Any) -> None:
    rig.answer_next(429)

    with pytest.raises(NotSent):
        rig.ledger.changes(frozenset(CHANGEABLE), rig.now())


# What a rate moved -------------------------------------------------------------------------------------------------------


def test_who_can_revalue_an_account_is_told_to_and_nobody_else(rig: Any) -> None:
    able = rig.ledger.capabilities

    assert {layout.policy.revalues for layout in able.layouts} == {Kind.REVALUATION in able.kinds}
    assert Kind.REVALUATION not in able.kinds or able.multicurrency


def test_a_revaluation_takes_what_is_left_in_home_money_alone_and_gives_it_back(rig: Any) -> None:
    need(rig, Kind.REVALUATION)
    document = rig.leave_residue()
    before_it = rig.pounds()

    posted = rig.deliver(rig.post(document, "r1"))
    after = rig.pounds()
    rig.deliver(rig.post(undo(rig, "r1", document), "u1", posted))

    assert posted["r1"].total == document.amount == 70
    assert (before_it, after, rig.pounds()) == ((0, 70), (0, 0), (0, 70))
    assert rig.ledger.read(Kind.REVALUATION, posted["r1"].external_id) is None


def test_a_revaluation_that_is_sent_again_happens_once(rig: Any) -> None:
    need(rig, Kind.REVALUATION)
    post = rig.post(rig.leave_residue(), "r1")
    first = rig.deliver(post)["r1"]

    again = rig.deliver(post)["r1"]

    assert again == first
    assert rig.pounds() == (0, 0)
    assert len(rig.records(Kind.REVALUATION)) == 1

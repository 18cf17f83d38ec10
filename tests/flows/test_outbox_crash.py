"""A worker that dies at one of our own boundaries, or comes back when its lane is somebody else's."""

import pytest

from audit import trail
from bookkeeping.accounts import AccountKey as K
from flows import attempts, lanes, looking, outbox, outcomes, pace, progress, taking_back, wire
from flows.models import Attempt, Outcome
from ledgers.port import NotSent
from ledgers.quickbooks.client import CAPABILITIES, QuickBooks

PAID = {K.CLEARING: 3500, K.SALES: -4000, K.PROMO: 500}
ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}
LONG = CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


# Killed ---------------------------------------------------------------------------------------------------------------

BOUNDARIES = {
    "before anything is marked as sending": (attempts, "begin"),
    "while it is being marked as sending": (wire, "freeze"),
    "before the first byte": (QuickBooks, "send"),
    "after the answer, before it is recorded": (attempts, "learn"),
    "while the answer is being recorded": (outcomes, "apply_answers"),
    "between a document and what waits for it": (outcomes, "_release_dependants"),
    "between the documents and their plan": (progress, "after_outcome"),
    "while an event is recorded": (trail, "record"),
    "at the end of the transaction that records": (trail, "_write"),
    "after the answer is recorded": (lanes, "healthy"),
    "while it waits for the rate": (pace, "take"),
}
AT_A_LOOK_UP = {
    "before what was interrupted is marked": (looking, "mark_interrupted"),
    "while what was interrupted is marked": (outcomes, "uncertain"),
    "before the look-up": (looking, "look_up"),
    "during the look-up": (QuickBooks, "find"),
    "after the look-up, before it is recorded": (attempts, "learn"),
    "while the look-up is being applied": (outcomes, "apply_look_up"),
    "at the end of the look-up": (trail, "record"),
}


@pytest.mark.parametrize("boundary", BOUNDARIES.values(), ids=BOUNDARIES)
def test_a_worker_that_dies_leaves_nothing_out_and_nothing_twice(books, monkeypatch, boundary):
    books.invoice()
    books.payment()
    books.crash(monkeypatch, *boundary)

    books.restart()
    books.finish()

    assert books.states() == {"i1": "posted", "p1": "posted"}
    assert (books.numbers("Invoice"), books.numbers("Payment")) == ({"113-i1": 1}, {"AMZ-17000000001-1": 1})
    assert books.balances() == PAID


@pytest.mark.parametrize("boundary", AT_A_LOOK_UP.values(), ids=AT_A_LOOK_UP)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_a_worker_that_dies_while_it_clears_an_uncertain_call_leaves_it_to_the_next(books, monkeypatch, boundary, kept):
    books.fault("batch", boundary="after_commit" if kept else "before_commit", do="drop_answer")
    for number in range(3):
        books.entry(f"e{number}")
    books.crash(monkeypatch, attempts, "learn")
    books.restart()
    if boundary[1] not in ("mark_interrupted", "uncertain"):
        books.work()
        books.time.shift(LONG)
    books.crash(monkeypatch, *boundary)

    books.restart()
    books.finish()

    assert books.numbers("JournalEntry") == {"AMZ-e0": 1, "AMZ-e1": 1, "AMZ-e2": 1}
    assert books.balances() == {key: 3 * amount for key, amount in ENTRY.items()}


@pytest.mark.parametrize("boundary", [(taking_back, "done"), (taking_back, "_settle_others")], ids=["done", "others"])
def test_a_worker_that_dies_while_it_takes_back_a_shared_payment_leaves_it_to_the_next(books, monkeypatch, boundary):
    for number in range(3):
        books.invoice(f"i{number}")
        books.payment(f"p{number}", f"i{number}")
    books.work()
    for number in range(3):
        books.undo(f"p{number}")
    books.crash(monkeypatch, *boundary)

    books.restart()
    books.finish()

    assert {books.row(f"p{number}").state for number in range(3)} == {"undone"}
    assert books.numbers("Payment") == {}
    assert books.balances() == {K.AR: 10500, K.SALES: -12000, K.PROMO: 1500}


def test_a_restart_ends_leases_but_not_the_quarantine(books, monkeypatch):
    """The file lock proves our call dead; the remote may still be at it."""
    books.entry()
    books.crash(monkeypatch, attempts, "learn")
    asked = books.calls()

    books.restart()
    books.work()
    books.time.shift(LONG - 1)
    books.work()
    too_early = books.calls() - asked
    books.time.shift(1)
    books.work()

    assert too_early == 0
    assert books.row("e1").state == "posted"


def test_without_a_restart_the_next_owner_waits_for_the_lease(books, monkeypatch):
    books.entry()
    books.crash(monkeypatch, attempts, "learn")

    assert not outbox.work(books.remote_key)
    assert books.row("e1").state == "sending"
    books.time.shift(CAPABILITIES.deadline_s + lanes.LEASE_MARGIN_S)
    books.finish()

    assert books.row("e1").state == "posted"
    assert books.balances() == ENTRY


# Zombies --------------------------------------------------------------------------------------------------------------


def overtaken(books, monkeypatch, after_s, meanwhile=lambda: None):
    """The next call takes so long that the lane passes to another worker, which works before the answer comes back."""
    send = QuickBooks.send

    def sending(self, call, deadline_s):
        answers = send(self, call, deadline_s)
        monkeypatch.setattr(QuickBooks, "send", send)
        books.time.shift(after_s)
        meanwhile()
        outbox.work(books.remote_key)
        return answers

    monkeypatch.setattr(QuickBooks, "send", sending)


def test_a_zombies_answer_is_recorded_but_changes_nothing_that_the_next_owner_decided(books, monkeypatch):
    overtaken(books, monkeypatch, LONG + 1)
    books.entry()

    books.work()

    outcomes_ = list(Outcome.objects.order_by("id").values_list("result", "fence"))
    assert outcomes_ == [("found", 2), ("answered", 1)]
    assert books.row("e1").state == "posted"
    assert books.balances() == ENTRY


def test_a_zombies_answer_clears_the_document_without_another_question(books, monkeypatch):
    """The next owner could not look it up; what the zombie brought back is all it needs."""

    def no_look_ups():
        books.fault("query", boundary="before_commit", do="status", status=503, body="html")

    overtaken(books, monkeypatch, LONG + 1, no_look_ups)
    books.entry()
    books.work()
    assert books.row("e1").state == "uncertain"
    asked = books.calls("query")

    books.finish()

    assert books.row("e1").state == "posted"
    assert books.calls("query") == asked
    assert books.calls("journalentry.create") == 1


def test_a_zombie_that_learns_that_nothing_happened_does_not_put_the_document_back(books, monkeypatch):
    send = QuickBooks.send

    def refused_late(self, call, deadline_s):
        monkeypatch.setattr(QuickBooks, "send", send)
        books.time.shift(LONG + 1)
        outbox.work(books.remote_key)  # the new owner finds it absent and has it sent again
        raise NotSent("QuickBooks cannot be reached")

    monkeypatch.setattr(QuickBooks, "send", refused_late)
    books.entry()
    books.work()
    state = books.row("e1").state

    books.finish()

    assert state == "failed"
    assert books.row("e1").tries == 2
    assert books.numbers("JournalEntry") == {"AMZ-e1": 1}


def test_a_zombie_cannot_put_back_what_the_next_owner_is_sending(books, monkeypatch):
    """Put back, it would be sent a third time while the second call is still out."""
    begin, begun = attempts.begin, []

    def remembered(lease, call, rows, deadline_s, before=None):
        begun.append((lease, begin(lease, call, rows, deadline_s, before), rows))
        return begun[-1][1]

    monkeypatch.setattr(attempts, "begin", remembered)
    books.fault("journalentry.create", boundary="before_commit", do="drop_answer")
    books.entry()
    books.crash(monkeypatch, attempts, "learn")
    send, seen = QuickBooks.send, []

    def sending(self, call, deadline_s):
        lease, attempt, rows = begun[0]
        with pytest.raises(lanes.LeaseLost):
            attempts.learn(lease, attempt, Outcome.Result.NOT_SENT, {}, 0.0, lambda: outcomes.not_sent(rows))
        seen.append(books.row("e1").state)
        return send(self, call, deadline_s)

    monkeypatch.setattr(QuickBooks, "send", sending)
    books.finish()

    assert seen == ["sending"]
    assert Outcome.objects.filter(attempt=begun[0][1], result="not_sent").exists()
    assert books.numbers("JournalEntry") == {"AMZ-e1": 1}


def test_a_zombie_sends_nothing_once_its_lane_was_taken_over(books, monkeypatch):
    take, seen = pace.take, []

    def slow(lease, ledger, call):
        if not seen:
            seen.append(lease)
            books.time.shift(lanes.LEASE_MARGIN_S + 1)
            outbox.work(books.remote_key)
        take(lease, ledger, call)

    monkeypatch.setattr(pace, "take", slow)
    books.entry()

    books.work()

    assert Attempt.objects.count() == 1
    assert Attempt.objects.get().fence == seen[0].fence + 1
    assert books.calls("journalentry.create") == 1

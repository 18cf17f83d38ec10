"""A ledger that shows balances and no documents: whatever happens to a call, its document is in the books once."""

from dataclasses import replace

import pytest

from audit.models import Event
from audit.way import way
from bookkeeping.accounts import AccountKey as K
from flows import answering, attempts, lanes, outcomes, wire
from flows.models import Attempt, Outcome
from kit.rate import RatePlan
from tenants.models import Connection
from tests import factories
from tests.flows import slate
from tests.flows.ledger import attempts_of, results_of
from tests.flows.slate import CAPABILITIES, Slate, no_answer

ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}
LONG = CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def books(db, monkeypatch):
    with slate.opened(monkeypatch) as made:
        yield made


def twice(amounts):
    return {key: 2 * amount for key, amount in amounts.items()}


def in_doubt(books):
    """An entry of which nobody can tell: somebody else posted on its account while its answer was out."""
    books.fault(no_answer(kept=False))
    books.entry()
    books.work()
    books.remote.by_hand(CLEARING=77, SALES=-77)
    books.finish()
    return books.row("e1")


# What became of it --------------------------------------------------------------------------------------------------------


def test_balances_are_read_just_before_a_call_and_kept_with_it(books):
    books.remote.by_hand(CLEARING=500, SALES=-500)

    books.entry()
    books.work()

    [attempt] = attempts_of("e1")
    assert attempt.before == {"CLEARING": 500, "FEE_SELLING": 0, "SALES": -500}
    assert books.row("e1").state == "posted"


def test_a_balance_is_read_with_the_tokens_of_its_call_so_that_neither_waits_for_the_other(books, monkeypatch):
    plan = RatePlan(rate_per_s=0.05, burst=2)
    monkeypatch.setattr(
        Slate, "limits", lambda self, call: {"calls": replace(plan, cost=2 if call.operation == "write" else 1)}
    )
    books.entry()
    books.entry("e2")

    books.finish()

    assert set(books.states().values()) == {"posted"}
    assert books.balances() == twice(ENTRY)


def test_where_documents_are_shown_no_balance_is_read(books):
    books.invoice()
    books.work()

    assert attempts_of("i1")[0].before == {}
    assert books.remote.read == 0


@pytest.mark.parametrize("after_s", [0, LONG - 1], ids=["at once", "as late as it may"])
def test_a_lost_answer_is_found_by_the_balance_and_nothing_is_sent_again(books, after_s):
    books.fault(no_answer(after_s))
    books.entry()

    books.finish()

    row = books.row("e1")
    assert (row.state, bool(row.external_id), row.answered_total) == ("posted", True, None)
    assert len(books.remote.sent) == 1
    assert books.balances() == ENTRY


def test_a_request_that_never_arrived_is_sent_again_only_when_it_was_not_seen_twice(books):
    books.fault(no_answer(kept=False))
    books.entry()
    books.work()
    books.time.shift(LONG)
    books.work()
    once = books.row("e1")
    early = len(books.remote.sent)
    books.time.shift(CAPABILITIES.confirm_s - 1)
    books.work()
    too_early = len(books.remote.sent)

    books.finish()

    assert (once.state, "once more" in once.reason) == ("uncertain", True)
    assert (early, too_early, len(books.remote.sent)) == (1, 1, 2)
    assert books.remote.sent[0] == books.remote.sent[1]
    assert results_of("e1") == ["unknown", "found", "found", "answered"]
    assert len({attempt.wire_id for attempt in attempts_of("e1")}) == 1
    assert books.balances() == ENTRY


def test_it_counts_as_absent_from_the_first_look_on_that_did_not_see_it(books):
    """A replay may look in between: were the last look to count, many of them would put the resend off."""
    books.fault(no_answer(kept=False))
    books.entry()
    books.work()
    books.time.shift(LONG)
    books.work()
    books.time.shift(CAPABILITIES.confirm_s - 20)
    row = books.row("e1")
    row.next_attempt_at = None
    row.save()
    books.work()
    between = (results_of("e1"), len(books.remote.sent))

    books.time.shift(20)
    books.work()

    assert between == (["unknown", "found", "found"], 1)
    assert results_of("e1")[:4] == ["unknown", "found", "found", "found"]
    assert books.row("e1").code == "retry"


def test_a_stale_balance_does_not_double_what_is_booked(books):
    """The entry is there at once; balances show it two and a half minutes later."""
    books.remote.stale_s = LONG + CAPABILITIES.confirm_s - 1
    books.fault(no_answer())
    books.entry()

    books.finish()

    assert books.row("e1").state == "posted"
    assert len(books.remote.sent) == 1
    assert books.balances() == ENTRY


def test_a_commit_that_shows_between_the_second_look_and_the_resend_is_found_instead(books, monkeypatch):
    monkeypatch.setattr(outcomes, "back_off_s", lambda tries, base_s: 30.0)
    books.fault(no_answer(LONG + CAPABILITIES.confirm_s + 10))
    books.entry()
    books.work()
    books.time.shift(LONG)
    books.work()
    books.time.shift(CAPABILITIES.confirm_s)
    books.work()
    proven = books.row("e1")

    books.finish()

    assert (proven.state, proven.code) == ("failed", "retry")
    assert books.row("e1").state == "posted"
    assert len(books.remote.sent) == 1
    assert books.balances() == ENTRY


def test_a_resend_that_the_ledger_knows_already_is_in_the_books_once(books):
    """So late that not even the balance showed it: the id is the second lock."""
    books.fault(no_answer(kept=False))
    books.entry()
    books.work()
    books.time.shift(LONG)
    books.work()
    row = books.row("e1")
    books.remote.post(attempts_of("e1")[0].wire_id, {"SALES": -10000, "FEE_SELLING": 1000, "CLEARING": 9000}, 86400)

    books.finish()
    books.time.shift(86400)

    assert row.state == "uncertain"
    assert books.row("e1").state == "posted"
    assert books.balances() == ENTRY


@pytest.mark.parametrize(
    "boundary",
    [(Slate, "before"), (attempts, "begin"), (Slate, "send"), (attempts, "learn"), (outcomes, "apply_answers")],
    ids=["reading balances", "after reading them", "before the first byte", "after the commit", "recording the answer"],
)
def test_a_worker_that_dies_leaves_nothing_out_and_nothing_twice(books, monkeypatch, boundary):
    books.entry()
    books.crash(monkeypatch, *boundary)

    books.restart()
    books.finish()

    assert books.row("e1").state == "posted"
    assert books.balances() == ENTRY


@pytest.mark.parametrize("name", ["not_seen_yet", "apply_look_up", "seen_moving"])
def test_a_worker_that_dies_over_a_look_up_leaves_it_to_the_next(books, monkeypatch, name):
    late = LONG + CAPABILITIES.confirm_s + 1
    monkeypatch.setattr(outcomes, "back_off_s", lambda tries, base_s: 30.0)
    books.fault(no_answer(late) if name == "seen_moving" else no_answer(kept=False))
    books.entry()
    books.work()
    for wait in {"not_seen_yet": [LONG], "apply_look_up": [LONG, 60], "seen_moving": [LONG, 60, 30]}[name][:-1]:
        books.time.shift(wait)
        books.work()
    books.time.shift({"not_seen_yet": LONG, "apply_look_up": 60, "seen_moving": 30}[name])
    books.crash(monkeypatch, outcomes, name)

    books.restart()
    books.finish()

    assert books.row("e1").state == "posted"
    assert books.balances() == ENTRY


def test_without_balances_nothing_is_sent(books):
    books.remote.reads_fail = 2
    books.entry()
    books.work()
    state, sent = books.row("e1").state, len(books.remote.sent)

    books.finish()

    assert (state, sent, Attempt.objects.count()) == ("ready", 0, 1)
    assert books.row("e1").tries == 1
    assert books.balances() == ENTRY


# One after the other --------------------------------------------------------------------------------------------------------


def test_nothing_else_is_sent_while_it_is_open_what_became_of_one(books):
    books.fault(no_answer(LONG - 1))
    books.entry("e1")
    books.entry("e2")
    books.invoice()
    books.work()
    meanwhile = len(books.remote.sent)
    reason = books.lane().pause_reason

    books.finish()

    assert meanwhile == 1
    assert "last document" in reason
    assert set(books.states().values()) == {"posted"}
    assert len(books.remote.sent) == 3


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("state", ["revoked", "needs_reconnect"])
def test_what_a_tenant_left_open_whose_connection_is_lost_is_told_over_another_one(books, state, kept):
    other = factories.TenantFactory(name="Globex")
    theirs = books.connect(other)
    books.fault(no_answer(kept=kept))
    books.entry("theirs", flow=books.flow_of(other, theirs))
    books.work()
    theirs.state = state
    theirs.save(update_fields=["state"])

    books.entry("ours")
    for _ in range(20):
        books.work()
        books.time.shift(60)

    assert books.states() == {"theirs": "posted" if kept else "failed", "ours": "posted"}
    assert books.balances() == (twice(ENTRY) if kept else ENTRY)


def test_what_was_lost_with_a_connection_goes_out_once_when_it_is_back_whatever_was_booked_since(books):
    other = factories.TenantFactory(name="Globex")
    theirs = books.connect(other)
    books.fault(no_answer(kept=False))
    books.entry("theirs", flow=books.flow_of(other, theirs))
    books.work()
    Connection.objects.filter(pk=theirs.pk).update(state="needs_reconnect")
    books.entry("ours")
    for _ in range(20):
        books.work()
        books.time.shift(60)

    Connection.objects.filter(pk=theirs.pk).update(state="active")
    books.finish()

    assert (books.row("theirs").state, books.row("theirs").code) == ("parked", "cannot_tell")
    assert books.balances() == ENTRY


def test_what_goes_out_again_goes_before_anything_else(books):
    books.fault(no_answer(kept=False))
    books.entry("e1")
    books.work()
    books.entry("e2", priority=0)

    books.finish()

    assert [list(attempt.keys) for attempt in Attempt.objects.order_by("id")] == [["e1"], ["e1"], ["e2"]]
    assert books.balances() == twice(ENTRY)


def test_documents_with_exact_look_ups_go_one_by_one_too(books):
    for number in range(3):
        books.invoice(f"i{number}")

    books.finish()

    assert [len(attempt.keys) for attempt in Attempt.objects.all()] == [1, 1, 1]


# What a person says ---------------------------------------------------------------------------------------------------------


def test_somebody_elses_posting_makes_it_a_persons_to_tell(books):
    row = in_doubt(books)

    assert (row.state, row.code) == ("parked", "cannot_tell")
    assert "say here" in row.action
    assert len(books.remote.sent) == 1
    assert answering.may_be_said(row)


def test_a_person_who_does_not_find_it_has_the_same_bytes_sent_again(books):
    row = in_doubt(books)

    answering.not_there(row, "alice")
    books.finish()

    assert books.row("e1").state == "posted"
    assert books.remote.sent[0] == books.remote.sent[1]
    assert books.balances() == {**ENTRY, K.SALES: -10077, K.CLEARING: 9077}
    assert results_of("e1")[-2:] == ["said", "answered"]


def test_a_person_who_finds_it_has_it_posted_and_what_they_said_is_kept(books):
    row = in_doubt(books)

    answering.in_the_books(row, "alice", external_id="T-1001")

    found = books.row("e1")
    assert (found.state, found.external_id, found.answered_total) == ("posted", wire.wire_id("e1", 1), None)
    assert len(books.remote.sent) == 1
    said = Event.objects.get(kind="attempt.said")
    assert (said.actor, said.data["external_id"]) == ("alice", "T-1001")
    told = {moment.title: moment for moment in way(found)}
    assert told["A person said: it is in the books"].actor == "alice"
    assert "T-1001" in told["A person said: it is in the books"].text


def test_a_note_serves_where_the_ledger_shows_no_number(books):
    row = in_doubt(books)
    with pytest.raises(answering.CannotSay):
        answering.in_the_books(row, "alice", note="  ")

    answering.in_the_books(row, "alice", note="Transactions, 14 October")

    assert books.row("e1").state == "posted"
    assert books.row("e1").external_id


def test_what_is_answered_once_is_not_answered_again(books):
    row = in_doubt(books)
    answering.in_the_books(row, "alice", note="seen")

    with pytest.raises(answering.CannotSay):
        answering.not_there(row, "bob")

    assert len(books.remote.sent) == 1


def test_a_replay_of_what_nobody_can_tell_asks_no_balance_that_others_moved(books):
    """A later document of the same amounts would look like it."""
    in_doubt(books)
    books.entry("e2")
    books.finish()
    row = books.row("e1")
    row.state, row.next_attempt_at = "uncertain", None
    row.save()

    books.finish()

    assert (books.row("e1").state, books.row("e1").code) == ("parked", "cannot_tell")
    assert "other documents" in books.row("e1").reason
    assert len(books.remote.sent) == 2


def test_where_look_ups_are_exact_nobodys_word_is_taken(books):
    books.invoice()
    books.finish()
    row = books.row("i1")
    row.state, row.code = "parked", "cannot_tell"
    row.save()

    with pytest.raises(answering.CannotSay) as caught:
        answering.not_there(row, "alice")

    assert "Replay" in caught.value.action
    assert not Outcome.objects.filter(result="said").exists()


def test_an_answer_that_comes_after_all_counts_for_more_than_balances(books, monkeypatch):
    """A worker that was asleep brings its answer back while the next one waits for balances."""
    send = Slate.send

    def sleeping(self, call, deadline_s):
        monkeypatch.setattr(Slate, "send", send)
        answers = send(self, call, deadline_s)
        books.time.shift(LONG + 1)
        books.remote.by_hand(CLEARING=5, SALES=-5)
        books.remote.reads_fail = 1
        lease = lanes.claim(books.remote_key, 30)
        lanes.release(lease)
        return answers

    monkeypatch.setattr(Slate, "send", sleeping)
    books.entry()
    books.work()

    books.finish()

    assert books.row("e1").state == "posted"
    assert len(books.remote.sent) == 1


def test_what_shows_late_of_one_document_is_not_taken_for_the_next(books):
    """Both move the account alike; the first shows only after the second was sent and lost."""
    books.remote.stale_s = 20
    books.fault(None, no_answer(kept=False))
    books.entry("e1")
    books.entry("e2")

    books.finish()

    assert set(books.states().values()) == {"posted"}
    assert books.balances() == twice(ENTRY)


def test_while_balances_show_what_was_posted_documents_follow_at_once(books):
    for number in range(3):
        books.entry(f"e{number}")

    books.work()

    assert set(books.states().values()) == {"posted"}

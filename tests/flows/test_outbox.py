"""The outbox: the way of a document, what is frozen, what only a proof may change, and whose turn it is."""

from datetime import timedelta

import pytest
from django.db import connection

from amazon.models import Report, Settlement
from audit.models import Event
from bookkeeping.accounts import AccountKey as K
from flows import attempts, lanes, outcomes, wire
from flows.models import Delivery, Flow, Plan
from flows.replay import replay
from kit import clock
from ledgers.quickbooks.client import CAPABILITIES, QuickBooks
from tenants.models import Alert
from tests.flows.ledger import START, attempts_of, results_of, watched

ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


# The way of a document ------------------------------------------------------------------------------------------------


def test_documents_of_every_kind_are_posted_once_and_balance(books):
    books.invoice()
    books.payment()
    books.entry()
    books.transfer()
    books.deposit()
    books.customer()

    books.work()

    assert set(books.states().values()) == {"posted"}
    assert books.balances() == {
        K.SALES: -4000 - 10000,
        K.PROMO: 500,
        K.FEE_SELLING: 1000 + 1500,
        K.CLEARING: 3500 + 9000 - 8500 - 10000,
        K.BANK: 8500 + 8500,
    }


@pytest.mark.parametrize("cents", [115, 229, 429, 1999, 100000001])
def test_amounts_that_no_float_holds_are_posted_to_the_cent(books, cents):
    books.invoice(amount=cents)
    books.payment(amount=cents)

    books.finish()

    assert set(books.states().values()) == {"posted"}
    assert books.balances()[K.CLEARING] == cents


def test_no_transaction_is_open_during_a_call(books, monkeypatch):
    depths = []
    watched(monkeypatch, lambda call, deadline_s: depths.append(len(connection.atomic_blocks)))
    books.entry()
    quiet = len(connection.atomic_blocks)  # the test's own

    books.work()

    assert depths == [quiet]


def test_the_lease_outlives_the_deadline_of_every_call_by_half_a_minute(books, monkeypatch):
    left = []
    watched(
        monkeypatch,
        lambda call, deadline_s: left.append((books.lane().claimed_until - clock.now()).total_seconds() - deadline_s),
    )
    books.entry()
    books.work()
    books.time.shift(10)
    books.entry("e2")
    books.work()

    assert left == [lanes.LEASE_MARGIN_S] * 2


def test_a_worker_that_slept_before_it_sent_sends_nothing(books, monkeypatch):
    begin = attempts.begin

    def slept(*args):
        attempt = begin(*args)
        books.time.shift(CAPABILITIES.deadline_s + 1)
        return attempt

    books.entry()
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "begin", slept)
        books.work()

    assert books.calls("journalentry.create") == 0
    assert (books.row("e1").state, books.row("e1").tries) == ("ready", 0)


def test_the_bytes_and_the_sending_are_committed_before_the_call(books, monkeypatch):
    seen = []
    watched(
        monkeypatch,
        lambda call, deadline_s: seen.append(
            (books.row("e1").state, wire.thaw(attempts_of("e1")[0]).body == call.body)
        ),
    )
    books.entry()

    books.work()

    assert seen == [("sending", True)]


def test_a_document_that_changed_after_it_was_read_is_not_sent_as_it_was(books, monkeypatch):
    posts_for = wire.posts_for
    sent = []
    watched(monkeypatch, lambda call, deadline_s: sent.append(call.body))

    def replaced(rows):
        posts = posts_for(rows)
        if not sent and not Delivery.objects.filter(digest="new").exists():
            document = rows[0].document.replace("10000", "20000").replace("9000", "19000")
            Delivery.objects.filter(pk=rows[0].pk).update(document=document, digest="new")
        return posts

    books.entry()
    monkeypatch.setattr(wire, "posts_for", replaced)
    books.work()

    assert len(sent) == 1
    assert b"200.00" in sent[0]
    assert books.numbers("JournalEntry") == {"AMZ-e1": 1}


def test_a_document_taken_out_of_the_queue_after_it_was_read_is_not_sent(books, monkeypatch):
    posts_for = wire.posts_for

    def held(rows):
        Delivery.objects.filter(pk=rows[0].pk).update(state="held")
        return posts_for(rows)

    books.entry()
    monkeypatch.setattr(wire, "posts_for", held)
    books.work()

    assert books.calls("journalentry.create") == 0
    assert books.row("e1").state == "held"


# Unknown --------------------------------------------------------------------------------------------------------------


def test_an_unknown_answer_is_not_touched_before_deadline_and_quarantine_have_passed(books):
    books.fault("journalentry.create", boundary="before_commit", do="drop_answer")
    books.entry()
    books.work()
    asked = books.calls()

    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s - 1)
    books.work()
    too_early = books.calls() - asked
    books.time.shift(1)
    books.work()

    assert too_early == 0
    assert results_of("e1") == ["unknown", "found"]
    assert books.row("e1").state == "failed"


def test_what_is_absent_goes_out_again_byte_for_byte(books):
    books.fault("batch", boundary="before_commit", do="drop_answer")
    for number in range(3):
        books.invoice(f"i{number}")

    books.finish()

    first, second = attempts_of("i0")
    assert wire.thaw(first) == wire.thaw(second)
    assert {books.row(f"i{number}").generation for number in range(3)} == {1}
    assert books.balances()[K.AR] == 3 * 3500


def test_what_is_absent_goes_out_again_by_itself_whatever_waits_beside_it(books):
    books.fault("batch", boundary="before_commit", do="drop_answer")
    for number in range(3):
        books.entry(f"e{number}")
    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    books.time.shift(5)
    books.entry("another")

    books.work()

    assert [sorted(attempt.keys) for attempt in attempts_of("e0")] == [["e0", "e1", "e2"]] * 2
    assert len({attempt.wire_id for attempt in attempts_of("e0")}) == 1


def test_a_throttled_resend_stays_frozen(books):
    """Were it rendered anew after the 429, a late commit of the first call would be a second document."""
    books.fault("batch", boundary="before_commit", do="late_commit", seconds=400)
    books.fault("batch", boundary="before_commit", do="status", status=429, nth=2)
    for number in range(3):
        books.entry(f"e{number}")

    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    books.time.shift(5)
    books.work()
    books.entry("another")
    books.finish()

    assert len({attempt.body_sha256 for attempt in attempts_of("e0")}) == 1
    assert results_of("e0")[:3] == ["unknown", "found", "not_sent"]
    assert books.numbers("JournalEntry") == {"AMZ-e0": 1, "AMZ-e1": 1, "AMZ-e2": 1, "AMZ-another": 1}


@pytest.mark.parametrize("retention", ["24h", "0"])
def test_what_a_stopped_batch_left_out_is_sent_by_itself_under_the_same_generation(books, retention):
    books.stand_in.switches["requestid_retention"] = retention
    books.fault("batch.item", boundary="after_commit", do="drop_answer", nth=2)
    for number in range(3):
        books.entry(f"e{number}")

    books.finish()

    assert [len(attempts_of(f"e{number}")) for number in range(3)] == [1, 1, 2]
    assert books.row("e2").generation == 1
    assert books.numbers("JournalEntry") == {"AMZ-e0": 1, "AMZ-e1": 1, "AMZ-e2": 1}


def test_a_call_of_which_a_part_was_taken_back_is_not_sent_again_as_a_whole(books):
    books.fault("batch", boundary="before_commit", do="drop_answer")
    for number in range(3):
        books.entry(f"e{number}")
    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    Delivery.objects.filter(key="e1").update(state="dropped", live=False)

    books.finish()

    assert books.numbers("JournalEntry") == {"AMZ-e0": 1, "AMZ-e2": 1}


def test_a_look_up_that_nobody_answers_leaves_it_uncertain(books):
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    books.entry()
    books.work()
    books.fault("query", boundary="before_commit", do="drop_answer")
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    uncertain = books.row("e1").state

    books.finish()

    assert uncertain == "uncertain"
    assert books.calls("journalentry.create") == 1
    assert books.balances() == ENTRY


def test_a_look_up_that_cannot_tell_goes_to_a_person_and_is_looked_up_again_by_a_replay(books):
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    books.entry()
    books.work()
    twin = books.documents("JournalEntry")[0]
    body = {key: twin[key] for key in ("DocNumber", "TxnDate", "PrivateNote", "Line")}
    second = books.person("add", kind="JournalEntry", body=body)
    books.finish()
    parked = books.row("e1")

    books.person("delete", kind="JournalEntry", id=second["Id"])
    done = replay(books.tenant.pk, [parked.pk], "alice")
    books.finish()

    assert (parked.state, parked.code) == ("parked", "cannot_tell")
    assert "one of them is too many" in parked.reason
    assert done.sent == 1
    assert books.row("e1").state == "posted"
    assert books.calls("journalentry.create") == 1


@pytest.mark.parametrize("nth", [1, 2])
def test_a_document_found_void_or_changed_goes_to_a_person_and_is_never_sent_again(books, nth):
    books.fault("invoice.create", boundary="after_commit", do="drop_answer")
    books.invoice()
    books.work()
    [made] = books.documents("Invoice")
    if nth == 1:
        books.person("void", kind="Invoice", id=made["Id"])
    else:
        books.person("edit", kind="Invoice", id=made["Id"], changes={"TxnDate": "2026-10-15"})

    books.finish()

    row = books.row("i1")
    assert (row.state, row.code) == ("parked", "found_void" if nth == 1 else "found_different")
    assert nth == 1 or "the date is 15 Oct 2026, not 14 Oct 2026" in row.reason
    assert books.calls("invoice.create") == 1


def test_a_document_found_changed_and_then_deleted_by_a_person_goes_out_again_by_a_replay(books):
    """Under its old request id the ledger would only repeat its old answer, and nothing would be in the books."""
    books.fault("invoice.create", boundary="after_commit", do="drop_answer")
    books.invoice()
    books.work()
    [made] = books.documents("Invoice")
    books.person("edit", kind="Invoice", id=made["Id"], changes={"TxnDate": "2026-10-15"})
    books.finish()

    books.person("delete", kind="Invoice", id=made["Id"])
    replay(books.tenant.pk, [books.row("i1").pk], "alice")
    books.finish()

    [again] = books.documents("Invoice")
    assert (books.row("i1").state, books.row("i1").external_id) == ("posted", again["Id"])
    assert again["Id"] != made["Id"]


def test_an_answer_that_cannot_be_read_is_unknown_not_lost(books, monkeypatch):
    books.entry()
    send = QuickBooks.send

    def broken(self, call, deadline_s):
        send(self, call, deadline_s)
        raise KeyError("Id")

    with monkeypatch.context() as patch:
        patch.setattr(QuickBooks, "send", broken)
        books.work()
    uncertain = books.row("e1").state
    books.finish()

    assert uncertain == "uncertain"
    assert books.calls("journalentry.create") == 1
    assert books.balances() == ENTRY


# Tries ----------------------------------------------------------------------------------------------------------------


def test_eight_unknown_answers_that_prove_absent_give_it_to_a_person_and_a_replay_sends_the_same_bytes(books):
    books.fault("batch", boundary="before_commit", do="drop_answer", every=1)
    books.entry("e1")
    books.entry("e2")
    books.finish()
    parked = [books.row(key) for key in ("e1", "e2")]

    books.stand_in.faults.clear()
    done = replay(books.tenant.pk, [parked[0].pk], "alice")
    books.finish()

    assert [(row.state, row.code, row.tries) for row in parked] == [("parked", "tries_used_up", 8)] * 2
    assert done.sent == 1
    assert len({attempt.body_sha256 for attempt in attempts_of("e1")}) == 1
    assert books.states() == {"e1": "posted", "e2": "posted"}
    assert books.numbers("JournalEntry") == {"AMZ-e1": 1, "AMZ-e2": 1}


def test_an_outage_uses_up_no_tries_and_people_are_told_once(books):
    books.fault("journalentry.create", boundary="before_commit", do="status", status=429, every=1)
    books.entry()
    for _ in range(20):
        books.work()
        books.time.shift(600)
    told = Alert.objects.filter(kind="company_unreachable", settled_at__isnull=True).count()

    books.stand_in.faults.clear()
    books.finish()

    assert told == 1
    assert books.row("e1").state == "posted"
    assert books.row("e1").tries == 1
    assert not Alert.objects.filter(kind="company_unreachable", settled_at__isnull=True).exists()


def test_patience_with_a_company_doubles_up_to_a_quarter_of_an_hour(books, monkeypatch):
    monkeypatch.setattr(outcomes.random, "random", lambda: 1.0)

    waits = [outcomes.back_off_s(n, 1.0) for n in range(1, 13)]

    assert waits[:5] == [2, 4, 8, 16, 32]
    assert max(waits) == outcomes.BACK_OFF_CAP_S


def test_a_pause_before_a_retry_is_spread_above_a_floor():
    waits = [outcomes.back_off_s(5, 1.7) for _ in range(200)]

    assert min(waits) >= 1.7
    assert max(waits) <= 1.7 * 32
    assert max(waits) - min(waits) > 20


# Order ----------------------------------------------------------------------------------------------------------------


def test_a_person_comes_before_a_notice_the_schedule_and_a_backfill(books, monkeypatch):
    sent = []
    watched(monkeypatch, lambda call, deadline_s: sent.extend(call.keys))
    for priority in (3, 1, 0, 2):
        books.entry(f"e{priority}", priority=priority)

    books.work()

    assert sent == ["e0", "e1", "e2", "e3"]


def test_a_payout_waits_for_its_day(books):
    day = (START + timedelta(days=2)).date()
    books.transfer(not_before=day)

    books.work()
    before = books.row("t1").state
    books.time.shift(2 * 86400)
    books.work()

    assert (before, books.row("t1").state) == ("ready", "posted")


def test_a_paused_flow_sends_nothing_new_but_finds_out_what_it_sent(books):
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    plan = plan_of(books)
    books.entry("sent", plan=plan)
    books.work()
    books.entry("waits", plan=plan)
    Flow.objects.update(state=Flow.State.PAUSED)

    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    paused = books.states()
    Flow.objects.update(state=Flow.State.LIVE)

    assert paused == {"sent": "posted", "waits": "ready"}
    assert lanes.waiting() == [books.remote_key]


def plan_of(books):
    report = Report.objects.create(tenant=books.tenant, origin="upload", state="loaded", created_at=START)
    settlement = Settlement.objects.create(
        tenant=books.tenant,
        report=report,
        settlement_id="17000000001",
        currency="USD",
        starts_at=START - timedelta(days=14),
        ends_at=START,
        deposit_on=START.date(),
        total=0,
        row_count=0,
        created_at=START,
    )
    return Plan.objects.create(
        tenant=books.tenant, flow=books.flow, settlement=settlement, mode="summary", state="posting", mapping_version=0
    )


def test_attempts_and_outcomes_are_only_added(books):
    books.fault("journalentry.create", boundary="before_commit", do="drop_answer")
    books.entry()
    books.finish()

    assert [attempt.outcomes.count() for attempt in attempts_of("e1")] == [2, 1]


def test_the_trail_names_what_each_answer_booked(books, everywhere):
    row = books.entry()

    books.finish()

    event = Event.objects.get(kind="attempt.answered")
    assert event.data["booked"] == {"e1": books.row("e1").external_id}
    assert row.key == "e1"

"""A company that has to be connected again, and faults of our own: nothing is lost, and it shows."""

import json
from dataclasses import replace

import pytest

from audit.way import way
from bookkeeping.accounts import AccountKey as K
from flows import outbox, outcomes, pace
from kit import clock
from ledgers.port import NotRenderable, Partly
from ledgers.quickbooks import translate
from ledgers.quickbooks.client import QuickBooks
from tenants.models import Alert
from tests.flows.ledger import results_of

ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


# Somebody must connect again ------------------------------------------------------------------------------------------


def test_a_lost_authorisation_stops_the_company_alerts_once_and_goes_on_by_itself(books):
    books.person("lose_access", lost=True)
    books.entry()
    for _ in range(5):
        books.work()
        books.time.shift(600)
    waiting, told = books.row("e1"), Alert.objects.filter(kind="needs_reconnect").count()
    asked = books.calls("journalentry.create")

    books.person("lose_access", lost=False)
    books.connection.state = "active"  # what a new consent does
    books.connection.save()
    books.work()

    assert (waiting.state, waiting.tries) == ("ready", 0)
    assert told == 1
    assert asked == 1
    assert books.row("e1").state == "posted"


def test_a_dead_grant_stops_the_company_and_a_new_consent_lets_it_go_on(books):
    books.person("disconnect")
    books.entry()
    books.finish_or_wait()
    state = type(books.connection).objects.get().state
    waiting = books.row("e1").state

    books.reconnect()
    books.finish()

    assert (state, waiting) == ("needs_reconnect", "ready")
    assert Alert.objects.filter(kind="needs_reconnect").count() == 1
    assert books.row("e1").state == "posted"


def test_a_401_between_two_batches_costs_one_refresh_and_no_document(books):
    for number in range(40):
        books.entry(f"e{number}")
    books.fault("batch", boundary="before_commit", do="status", status=401, nth=2)

    books.finish()

    assert books.calls("token") == 1
    assert set(books.numbers("JournalEntry").values()) == {1}
    assert len(books.numbers("JournalEntry")) == 40


def test_a_lost_refresh_answer_loses_no_document(books):
    """The rotated value is gone with the answer: only a person can connect again, and then everything goes on."""
    books.stand_in.switches["refresh_rotates"] = "always"
    books.stand_in.switches["refresh_answer_lost"] = "drop"
    books.person("expire_access")
    books.entry()
    books.finish_or_wait()
    waiting = books.row("e1").state

    books.stand_in.switches["refresh_answer_lost"] = "off"
    books.reconnect()
    books.finish()

    assert waiting == "ready"
    assert books.calls("journalentry.create") == 2  # the one with the dead token reached nobody
    assert books.balances() == ENTRY


# Faults of our own ----------------------------------------------------------------------------------------------------


def test_a_document_that_cannot_be_written_is_held_and_the_others_go_on(books, monkeypatch):
    render = translate.render

    def poisoned(posts, company):
        if any(post.key == "e2" for post in posts):
            raise KeyError("a fault of ours")
        return render(posts, company)

    monkeypatch.setattr(translate, "render", poisoned)
    for number in range(4):
        books.entry(f"e{number}")

    books.finish()

    assert books.states() == {"e0": "posted", "e1": "posted", "e2": "held", "e3": "posted"}
    assert "Nothing was sent" in books.row("e2").reason
    assert Alert.objects.filter(kind="waiting").count() == 1


def test_a_document_the_ledger_cannot_hold_is_held_with_the_ledgers_sentence(books, monkeypatch):
    render = translate.render

    def refusing(posts, company):
        if any(post.key == "e1" for post in posts):
            raise NotRenderable("e1", "It has no account.", "Map it.")
        return render(posts, company)

    monkeypatch.setattr(translate, "render", refusing)
    books.entry("e1")
    books.entry("e2")

    books.finish()

    assert books.states() == {"e1": "held", "e2": "posted"}
    assert (books.row("e1").reason, books.row("e1").action) == ("It has no account.", "Map it.")


def test_a_fault_of_ours_rests_the_lane_says_so_and_people_are_told_if_it_stays(books, monkeypatch):
    books.entry()
    with monkeypatch.context() as patch:
        patch.setattr(pace, "take", lambda *args: 1 / 0)
        for _ in range(pace.OUTAGE):
            with pytest.raises(ZeroDivisionError):
                outbox.work(books.remote_key)
            rested = (books.lane().paused_until - clock.now()).total_seconds()
            books.time.shift(rested + 1)

    assert "ZeroDivisionError" in books.lane().pause_reason
    assert rested >= 1
    assert Alert.objects.filter(kind="company_unreachable").count() == 1
    books.finish()
    assert books.row("e1").state == "posted"
    assert not Alert.objects.filter(kind="company_unreachable", settled_at__isnull=True).exists()


def test_an_outcome_that_cannot_be_applied_is_kept_and_applied_by_the_next_owner(books, monkeypatch):
    books.entry()
    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "apply_answers", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            outbox.work(books.remote_key)
    kept = results_of("e1")
    asked = books.calls()

    books.time.shift(60)
    books.work()

    assert kept == ["answered"]
    assert books.row("e1").state == "posted"
    assert books.calls() == asked


def test_what_a_call_that_broke_off_did_not_come_to_uses_up_no_try(books, monkeypatch):
    """Of one of three it is not known what became; the third was never sent."""
    keys = ("e1", "e2", "e3")
    for key in keys:
        books.entry(key)
    send = QuickBooks.send

    def broken_off(ledger, call, deadline_s):
        monkeypatch.setattr(QuickBooks, "send", send)
        items = json.loads(call.body)["BatchItemRequest"][:1]
        first = replace(call, body=json.dumps({"BatchItemRequest": items}).encode(), keys=call.keys[:1])
        raise Partly("It asks us to slow down.", send(ledger, first, deadline_s), ["e2"], 90)

    monkeypatch.setattr(QuickBooks, "send", broken_off)
    books.work()
    states = [(row.state, row.tries, row.generation) for row in map(books.row, keys)]
    rests = (books.lane().paused_until - clock.now()).total_seconds()
    told = [moment.title for moment in way(books.row("e3"))]

    books.finish()

    assert states == [("posted", 1, 1), ("uncertain", 1, 1), ("ready", 0, 1)]
    assert (rests, "Nothing was sent" in told) == (90, True)
    assert books.states() == dict.fromkeys(keys, "posted")
    assert books.numbers("JournalEntry") == {f"AMZ-{key}": 1 for key in keys}
    assert [books.row(key).tries for key in keys] == [1, 2, 1]

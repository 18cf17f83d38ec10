"""Lanes: one writer per company, and turns that no tenant can take from another. Time is counted in calls, not seconds."""

import pytest
from django.db import transaction

from flows import lanes, outbox
from flows.models import Lane
from ledgers.quickbooks.client import QuickBooks
from tenants import buckets
from tests import factories
from tests.flows.ledger import Books

COMPANY = "quickbooks:production:1"
CALL_S = 1.0


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def slow_calls(books, monkeypatch):
    """Every call takes one second of the test's time; returns what was sent, in order."""
    sent, send = [], QuickBooks.send

    def sending(self, call, deadline_s):
        books.time.shift(CALL_S)
        sent.append(call.keys)
        return send(self, call, deadline_s)

    monkeypatch.setattr(QuickBooks, "send", sending)
    return sent


# The lease ------------------------------------------------------------------------------------------------------------


def test_a_lane_is_held_by_one_owner_until_it_is_released(books):
    first = lanes.claim(COMPANY, 60)

    second = lanes.claim(COMPANY, 60)
    lanes.release(first)
    third = lanes.claim(COMPANY, 60)

    assert second is None
    assert third.fence == first.fence + 1


def test_a_lease_that_ran_out_cannot_be_renewed_even_if_nobody_took_over(books):
    lease = lanes.claim(COMPANY, 60)
    books.time.shift(60)

    with pytest.raises(lanes.LeaseLost):
        lanes.renew(lease, 60)


def test_an_earlier_owner_can_neither_renew_nor_release_nor_rest_a_lane_that_was_taken_over(books):
    earlier = lanes.claim(COMPANY, 60)
    books.time.shift(61)
    now = lanes.claim(COMPANY, 60)

    lanes.release(earlier)
    lanes.fail(earlier, 600, "late")
    with pytest.raises(lanes.LeaseLost):
        lanes.renew(earlier, 60)

    with transaction.atomic():
        assert (lanes.owns(earlier), lanes.owns(now)) == (False, True)
    lane = Lane.objects.get(remote_key=COMPANY)
    assert (lane.fence, lane.failures, lane.paused_until) == (now.fence, 0, None)
    assert lane.claimed_until is not None


def test_a_resting_lane_is_claimed_by_nobody_until_it_has_rested(books):
    lease = lanes.claim(COMPANY, 60)
    lanes.rest(lease, 30, "Keeping to the ledger's rate limit")
    lanes.release(lease)

    before = lanes.claim(COMPANY, 60)
    books.time.shift(30)

    assert before is None
    assert lanes.claim(COMPANY, 60)


def test_keeping_to_the_rate_is_no_failure(books, monkeypatch):
    monkeypatch.setattr(buckets, "take", lambda key, plan: 30.0)
    books.entry()

    books.work()

    lane = books.lane()
    assert (lane.failures, lane.pause_reason) == (0, "Keeping to the ledger's rate limit")
    assert books.row("e1").tries == 0


def test_a_short_wait_for_the_rate_is_slept_unless_another_company_waits(books, monkeypatch):
    other = Books(books.time, books.stand_in, factories.TenantFactory(), "Globex Books")
    waits = iter([0.5] * 2)
    monkeypatch.setattr(buckets, "take", lambda key, plan: next(waits, 0))
    books.entry()

    books.work()
    alone = (books.row("e1").state, books.time.slept)
    waits = iter([0.5])
    books.entry("e2")
    other.entry()
    outbox.work(books.remote_key)

    assert alone == ("posted", [0.5, 0.5])
    assert books.row("e2").state == "ready"
    assert books.lane().paused_until is not None


# Turns ----------------------------------------------------------------------------------------------------------------


def other_tenant(books, name="Globex Books"):
    return Books(books.time, books.stand_in, factories.TenantFactory(name=name), name)


def seconds_until_posted(books, other, workers_busy_with=lambda: None):
    """Return how long the other tenant's one document takes from the moment it is ready, with one worker."""
    workers_busy_with()
    begun = books.time.now()
    other.entry("single")
    for _ in range(1000):
        if other.row("single").state == "posted":
            return books.time.now() - begun
        outbox.take_turn()
    raise AssertionError("never posted")


def test_a_thousand_documents_of_one_tenant_delay_another_tenants_one_by_at_most_twice_its_time(books, slow_calls):
    other = other_tenant(books)
    unloaded = seconds_until_posted(books, other)
    books.many(1000)
    outbox.take_turn()
    third = other_tenant(books, "Initech Books")

    loaded = seconds_until_posted(books, third)

    assert books.states()["many999"] == "ready"
    assert unloaded == CALL_S
    assert loaded <= 2 * unloaded


def test_the_one_document_arrives_in_the_middle_of_a_call_and_is_the_next_to_go(books, slow_calls, monkeypatch):
    other = other_tenant(books)
    books.many(1000)
    send = QuickBooks.send

    def arriving(self, call, deadline_s):
        monkeypatch.setattr(QuickBooks, "send", send)
        answers = send(self, call, deadline_s)
        other.entry("single")
        return answers

    monkeypatch.setattr(QuickBooks, "send", arriving)
    for _ in range(2):
        outbox.take_turn()

    assert [len(keys) for keys in slow_calls] == [30, 1]
    assert other.row("single").state == "posted"


def test_a_tenant_with_ten_companies_gets_no_more_turns_than_one_with_a_single_one(books, slow_calls):
    companies = [books] + [Books(books.time, books.stand_in, books.tenant, f"Acme {n}") for n in range(2, 11)]
    for company in companies:
        company.many(100, prefix="acme-")
    other = other_tenant(books)
    other.many(100, prefix="other-")

    for _ in range(6):
        outbox.take_turn()

    assert [keys[0].partition("-")[0] for keys in slow_calls].count("other") == 3


def test_two_tenants_in_one_company_take_turns_within_its_lane(books, slow_calls):
    globex = factories.TenantFactory(name="Globex")
    shared = books.flow_of(globex, books.connect(globex))
    books.many(1000)
    outbox.work(books.remote_key, slice_s=CALL_S)

    books.entry("single", flow=shared)
    outbox.work(books.remote_key, slice_s=CALL_S)

    assert books.row("single").state == "posted"
    assert [len(keys) for keys in slow_calls][-1] == 1


def test_a_tenants_document_that_arrives_during_a_call_of_another_is_next_in_their_lane(books, slow_calls, monkeypatch):
    globex = factories.TenantFactory(name="Globex")
    shared = books.flow_of(globex, books.connect(globex))
    books.many(1000)
    send = QuickBooks.send

    def arriving(self, call, deadline_s):
        monkeypatch.setattr(QuickBooks, "send", send)
        answers = send(self, call, deadline_s)
        books.entry("single", flow=shared)
        return answers

    monkeypatch.setattr(QuickBooks, "send", arriving)
    outbox.work(books.remote_key, slice_s=2 * CALL_S)

    assert [len(keys) for keys in slow_calls][:2] == [30, 1]


def test_what_is_urgent_is_served_before_a_lane_that_waited_longer(books, slow_calls):
    other = other_tenant(books)
    books.entry()
    other.entry(priority=0)

    outbox.take_turn()

    assert other.row("e1").state == "posted"
    assert books.row("e1").state == "ready"


def test_a_company_that_is_served_rests_or_has_to_be_connected_again_does_not_wait(books):
    served, resting, lost = (other_tenant(books, name) for name in ("Served", "Resting", "Lost"))
    for company in (books, served, resting, lost):
        company.entry()
    lanes.claim(served.remote_key, 60)
    lanes.rest(lanes.claim(resting.remote_key, 60), 60, "asked to")
    lost.connection.state = "needs_reconnect"
    lost.connection.save()

    assert lanes.waiting() == [books.remote_key]

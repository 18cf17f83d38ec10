"""Turns at Amazon: shared by all who call for a seller, the most urgent first."""

from datetime import timedelta

import pytest
import time_machine

from amazon.limits import limits
from amazon.rates import NAMED, PLANS, Pacer, Priority, pacer
from kit.clock import now
from tests import factories

pytestmark = pytest.mark.django_db


def turns(priority=Priority.SCHEDULE, seller="A1"):
    return Pacer("app", f"NA:{seller}", priority)


def taken(pacer, operation):
    """How many calls may be made at once."""
    count = 0
    while pacer.take(operation) == 0:
        count += 1
    return count


def test_what_is_less_urgent_leaves_calls_to_what_is_more():
    with time_machine.travel(now(), tick=False):
        found = [taken(turns(priority), "getReports") for priority in reversed(Priority)]

    assert [priority.name for priority in reversed(Priority)] == ["BACKFILL", "SCHEDULE", "NOTICE", "PERSON"]
    assert found == [6, 2, 1, 1]
    assert sum(found) == PLANS["getReports"].burst


def test_the_least_urgent_gets_its_turn_once_nobody_else_wants_one():
    with time_machine.travel(now(), tick=False) as traveller:
        taken(turns(Priority.BACKFILL), "createReport")
        wait_s = turns(Priority.BACKFILL).take("createReport")
        traveller.shift(timedelta(seconds=wait_s, microseconds=1))

        assert 50 < wait_s < 61
        assert turns(Priority.BACKFILL).take("createReport") == 0


def test_every_operation_has_room_for_the_least_urgent():
    assert all(turns(Priority.BACKFILL).take(operation) == 0 for operation in PLANS)


def test_after_a_refusal_nobody_tries_what_is_left():
    with time_machine.travel(now(), tick=False):
        assert turns().take("listPayouts") == 0

        turns().too_fast("listPayouts")

        assert turns(Priority.PERSON).take("listPayouts") == pytest.approx(3)
        assert turns(Priority.PERSON, seller="A2").take("listPayouts") == 0


def test_calls_that_were_on_the_way_together_are_paid_for_once():
    with time_machine.travel(now(), tick=False):
        assert turns().take("listPayouts") == 0

        for _ in range(3):
            turns().too_fast("listPayouts")

        assert turns(Priority.PERSON).take("listPayouts") == pytest.approx(3)


def test_a_refusal_of_what_was_never_called_changes_nothing():
    turns().too_fast("listPayouts")

    assert turns().take("listPayouts") == 0


def test_two_tenants_share_the_turns_of_a_seller_that_amazon_has_named():
    one, other = (factories.ConnectionFactory(provider="amazon", data={NAMED: True}) for _ in range(2))
    other.remote_id = one.remote_id
    claimed = factories.ConnectionFactory(provider="amazon")
    claimed.remote_id = one.remote_id

    with time_machine.travel(now(), tick=False):
        taken(pacer(one), "getReports")

        assert pacer(other).take("getReports") > 0
        assert pacer(claimed).take("getReports") == 0


def test_the_page_names_the_scarcest_first_and_nothing_that_was_never_called():
    with time_machine.travel(now(), tick=False):
        turns().take("getOrder")
        taken(turns(Priority.PERSON), "getReports")

        found = limits(turns())

    assert [(one.what, one.left, one.burst) for one in found] == [
        ("Lists of reports", 0, 10),
        ("Single orders", 29, 30),
    ]
    assert [round(one.every_s) for one in found] == [45, 2]

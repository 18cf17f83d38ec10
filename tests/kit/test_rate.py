"""The token bucket as values."""

from dataclasses import replace

import pytest

from kit.rate import Level, RatePlan, give_back, owe, take

PLAN = RatePlan(rate_per_s=0.5, burst=3)


def test_full_bucket_gives_its_burst_and_then_makes_wait():
    level, waits = Level(3, 0), []

    for _ in range(4):
        level, wait_s = take(level, PLAN, 0)
        waits.append(wait_s)

    assert waits == [0, 0, 0, 2.0]


def test_bucket_refills_with_time_and_never_beyond_its_burst():
    level, wait_s = take(Level(0, 0), PLAN, 1_000_000)

    assert (level.tokens, wait_s) == (2, 0)


def test_waiting_as_long_as_told_is_enough():
    level, wait_s = take(Level(0.25, 0), PLAN, 0)

    assert take(level, PLAN, wait_s)[1] == 0


def test_clock_that_goes_back_refills_nothing():
    level, wait_s = take(Level(0, 100), PLAN, 50)

    assert (level.tokens, wait_s) == (0, 2)


def test_a_full_bucket_fills_again_only_once_its_call_has_arrived():
    late = replace(PLAN, late_s=1)

    first, _ = take(Level(3, 0), late, 100)
    second, _ = take(first, late, 100.5)
    third, _ = take(second, late, 103)

    assert (first, second, third) == (Level(2, 101), Level(1, 101), Level(1, 103))
    assert take(Level(0, 101), late, 100.5) == (Level(0, 101), 2.5)


def test_cost_beyond_the_burst_is_a_mistake():
    with pytest.raises(ValueError, match="burst"):
        take(Level(3, 0), replace(PLAN, cost=4), 0)


def test_scaled_plan_is_faster_with_the_same_burst():
    assert PLAN.scaled(10) == RatePlan(5.0, 3)


def test_what_is_given_back_never_exceeds_the_burst():
    assert give_back(Level(1, 7), replace(PLAN, cost=2)) == Level(3, 7)
    assert give_back(Level(2.5, 7), PLAN) == Level(3, 7)


def test_what_is_owed_is_paid_before_anything_is_taken():
    level = owe(Level(1, 0), replace(PLAN, cost=3), 2)

    assert level == Level(-1, 2)
    assert take(level, PLAN, 2)[1] == 4
    assert take(level, PLAN, 6) == (Level(0, 6), 0)


def test_a_wait_too_short_for_the_clock_is_still_a_wait():
    now_s, plan = 1_780_315_320.760479, RatePlan(0.0167, 15)

    level, wait_s = take(Level(1 - 1e-9, now_s), plan, now_s)

    assert wait_s > 0
    assert level.tokens < 1

"""The shared token bucket."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine
from django.db import connections

from kit.clock import now
from kit.rate import RatePlan
from tenants.buckets import LOST_RACES_S, take

PLAN = RatePlan(rate_per_s=0.5, burst=2)


@pytest.mark.django_db
def test_bucket_starts_full_and_tells_how_long_to_wait():
    with time_machine.travel(now(), tick=False):
        assert [take("amazon:A1:getReports", PLAN) for _ in range(3)] == [0, 0, 2]


@pytest.mark.django_db
def test_waiting_as_told_is_enough_and_refusal_costs_nothing():
    with time_machine.travel(now(), tick=False) as traveller:
        take("k", replace(PLAN, cost=2))
        take("k", PLAN)
        wait_s = take("k", PLAN)
        traveller.shift(timedelta(seconds=wait_s))

        assert take("k", PLAN) == 0


@pytest.mark.django_db
def test_accounts_do_not_share_a_bucket():
    take("a", replace(PLAN, cost=2))

    assert take("b", PLAN) == 0


def test_many_workers_take_no_more_than_the_burst(shared_database):
    plan, ready = RatePlan(rate_per_s=1e-9, burst=5), threading.Barrier(8)

    def work(_):
        try:
            ready.wait(10)
            waits = []
            while len([w for w in waits if w != LOST_RACES_S]) < 4:
                waits.append(take("k", plan))
            return waits.count(0)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 5

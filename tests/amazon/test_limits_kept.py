"""Many workers at Amazon's limits: the benchmark of Amazon's limits, small. A call is on its way for a random time."""

import pytest
import time_machine

from amazon.rates import PLANS, Priority
from tenants.models import Bucket
from tests.amazon.workers import AT_FIRST, Heedless, Worker, amazon, run

ON_THE_WAY = (0.05, 0.8)
pytestmark = pytest.mark.django_db


@pytest.fixture
def pretend(settings):
    settings.AMAZON_RATE_SCALE = 1
    with time_machine.travel(AT_FIRST, tick=False) as clock, amazon(clock) as pretend:
        yield pretend


def workers(pretend, count, **values):
    return [Worker(pretend, "listPayouts", **values) for _ in range(count)]


def test_workers_who_keep_to_the_published_rate_are_never_refused(pretend):
    found = run(pretend, workers(pretend, 5, priority=Priority.PERSON), 25, on_the_way=ON_THE_WAY)

    assert found.refused == 0
    assert found.seconds == pytest.approx(15 * 2, rel=0.08)  # ten at once, one every two seconds


def test_a_rate_that_is_lower_than_published_costs_few_refusals_and_no_time(pretend):
    pretend.slower("listPayouts", 0.95)

    found = run(pretend, workers(pretend, 3, priority=Priority.PERSON), 60, on_the_way=ON_THE_WAY)

    assert 0 < found.refused <= 0.05 * found.calls
    assert found.seconds <= 1.06 * 50 * 2 / 0.95


def test_a_person_waits_for_one_token_however_much_is_read_beside(pretend):
    person = Worker(pretend, "listPayouts", Priority.PERSON, at=0.5, every=9.0)
    crew = [*workers(pretend, 4, priority=Priority.BACKFILL), person]

    found = run(pretend, crew, 6, counted=lambda worker: worker is person, on_the_way=ON_THE_WAY)

    assert max(found.waited) <= 1 / PLANS["listPayouts"].rate_per_s + ON_THE_WAY[1]


def test_another_application_of_the_seller_takes_nothing_of_ours(pretend):
    application = pretend.another_application()
    another = Worker(pretend, "listPayouts", application=application, every=0.2, turns=Heedless())

    crew = [another, *workers(pretend, 2)]
    found = run(pretend, crew, 20, counted=lambda worker: worker is not another, on_the_way=ON_THE_WAY)

    assert found.refused == 0 < pretend.refused("listPayouts")


def test_a_count_that_was_lost_is_found_again_after_one_refusal(pretend):
    run(pretend, workers(pretend, 1, priority=Priority.PERSON), 10)
    Bucket.objects.all().delete()

    found = run(pretend, workers(pretend, 1), 15, on_the_way=ON_THE_WAY)

    assert found.refused == 1

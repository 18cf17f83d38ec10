"""Calls a provider counts by the day, in words for a page."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

from kit.scope import scope
from ledgers import reference
from tenants import providers, quotas
from tests.factories import ConnectionFactory
from tests.tenants.tokens import make_provider

NEW_YORK = datetime(2026, 6, 10, 0, 0, tzinfo=ZoneInfo("America/New_York"))


@pytest.fixture
def connection(acme, endpoint):
    with scope(acme.pk), time_machine.travel("2026-06-09T16:00:00Z", tick=False):
        yield ConnectionFactory(tenant=acme)


def test_what_is_left_names_the_place_whose_midnight_ends_the_day(connection):
    reference.note_quota(connection, 2000, 1241, NEW_YORK)
    reference.note_quota(connection, 2000, 1240, NEW_YORK - timedelta(seconds=2))

    assert quotas.of(connection).text == "1,240 of 2,000 calls left today, until midnight in New York (04:00 UTC)"


@pytest.mark.parametrize(
    ("resets_at", "end"),
    [
        (datetime(2026, 6, 10, 4, 0, tzinfo=UTC), "04:00 UTC"),
        (datetime(2026, 6, 10, 9, 30, tzinfo=ZoneInfo("Asia/Kolkata")), "09:30 in Kolkata (04:00 UTC)"),
    ],
    ids=["no place is known", "not at midnight"],
)
def test_the_end_of_the_day_claims_only_what_is_known(connection, resets_at, end):
    reference.note_quota(connection, 2000, 1240, resets_at)

    assert quotas.of(connection).text == f"1,240 of 2,000 calls left today, until {end}"


def test_a_used_up_day_says_when_work_goes_on(connection):
    reference.note_quota(connection, 1000, 0, NEW_YORK)

    assert quotas.of(connection).used_up == "What waits goes on by itself after midnight in New York (04:00 UTC)."


def test_what_was_said_before_the_day_ended_is_not_said_of_today(connection):
    reference.note_quota(connection, 1000, 0, NEW_YORK)

    with time_machine.travel(NEW_YORK, tick=False):
        left = quotas.of(connection)

    assert (left.text, left.used_up) == ("1,000 a day; none made since midnight in New York (04:00 UTC)", "")


def test_nothing_is_said_of_a_provider_that_says_nothing(connection):
    assert quotas.of(connection) is None
    assert quotas.of_all(connection) == ""


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (0, "0 % of 100 used"),
        (1, "about 5 % of 100 used"),
        (35, "about 35 %"),
        (99, "about 95 %"),
        (101, "100 % of 100"),
    ],
)
def test_calls_of_all_companies_are_a_coarse_share_and_no_figure(connection, made, said):
    providers.register(make_provider(daily_calls=100))
    for _ in range(made):
        reference.count_call(connection)

    assert quotas.of_all(connection).startswith(said)


def test_calls_count_by_the_day(connection):
    reference.count_call(connection)

    with time_machine.travel("2026-06-10T00:00:00Z", tick=False):
        assert quotas.calls_today(connection.provider, connection.environment) == 0
    assert quotas.calls_today(connection.provider, connection.environment) == 1

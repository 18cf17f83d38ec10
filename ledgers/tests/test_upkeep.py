"""The lists of connected companies are read once a day, and no oftener: providers meter reads."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from kit.clock import now
from kit.scope import unscoped
from ledgers import registry, tasks, upkeep
from ledgers.models import Company
from ledgers.port import AuthorizationLost, NotSent, Reference
from ledgers.tests.test_reference import READ, connection
from tenants.models import Access, Alert, Connection

pytestmark = pytest.mark.django_db


class Readings:
    """A ledger that counts how often its lists are read, and does not answer while it is ``down``."""

    def __init__(self) -> None:
        self.count = 0
        self.down: Exception | None = None

    def reference(self) -> Reference:
        self.count += 1
        if self.down:
            raise self.down
        return READ


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readings]:
    ledger: Any = Readings()
    monkeypatch.setattr(registry, "open_ledger", lambda connection: ledger)
    monkeypatch.setattr(tasks.read_lists_of, "delay", tasks.read_lists_of)
    return ledger


def test_lists_are_read_once_a_day(readings: Readings) -> None:
    connection()
    start = now()

    for hour in range(72):
        with time_machine.travel(start + timedelta(hours=hour), tick=False):
            tasks.read_lists()

    assert readings.count == 3


@pytest.mark.parametrize("state", [Access.NEEDS_RECONNECT, Access.REVOKED])
def test_a_company_that_cannot_be_read_is_not_asked(readings: Readings, state: str) -> None:
    connection()
    with unscoped("arranging"):
        Connection.objects.update(state=state)

    tasks.read_lists()

    assert readings.count == 0


def test_a_source_has_no_lists(readings: Readings) -> None:
    connection()
    with unscoped("arranging"):
        Connection.objects.update(provider="amazon")

    assert upkeep.stale_connections() == []


def test_a_company_that_is_closed_to_us_waits_for_a_person(readings: Readings) -> None:
    mine = connection()
    readings.down = AuthorizationLost("The administrator has lost access.")

    assert not upkeep.refresh_if_stale(mine.pk)

    assert upkeep.stale_connections() == []
    with unscoped("looking"):
        mine.refresh_from_db()
        assert mine.state == "needs_reconnect"
        assert "The administrator has lost access." in Alert.objects.get().text


def test_a_ledger_that_does_not_answer_leaves_the_lists_and_is_asked_again(readings: Readings) -> None:
    mine = connection()
    readings.down = NotSent("busy", 60)
    assert not upkeep.refresh_if_stale(mine.pk)
    with unscoped("looking"):
        assert not Company.objects.exists()

    readings.down = None

    assert upkeep.stale_connections() == [mine.pk]
    assert upkeep.refresh_if_stale(mine.pk)
    assert upkeep.stale_connections() == []


def test_a_second_message_reads_nothing(readings: Readings) -> None:
    mine = connection()

    assert upkeep.refresh_if_stale(mine.pk)
    assert not upkeep.refresh_if_stale(mine.pk)
    assert readings.count == 1

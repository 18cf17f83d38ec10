"""The fixed entries of the schedule lead to tasks that exist, on queues that somebody serves."""

from importlib import import_module

import pytest
from celery.schedules import crontab
from django.conf import settings

from connector.celery import app
from connector.management.commands.serve import POOLS


def entries():
    return settings.CELERY_BEAT_SCHEDULE.items()


@pytest.mark.parametrize(("name", "entry"), entries(), ids=dict(entries()))
def test_an_entry_names_a_task_that_exists(name, entry):
    module, _, function = entry["task"].rpartition(".")

    assert getattr(import_module(module), function).name == entry["task"]
    assert entry["task"] in app.tasks


def test_a_routed_task_exists_and_its_queue_is_served():
    routes = settings.CELERY_TASK_ROUTES
    app.loader.import_default_modules()

    assert routes.keys() <= app.tasks.keys()
    assert {route["queue"] for route in routes.values()} | {settings.CELERY_TASK_DEFAULT_QUEUE} == POOLS.keys()


def test_a_machine_that_is_off_at_night_misses_nothing():
    others = [entry["schedule"] for name, entry in entries() if name != "tick"]

    assert all(isinstance(each, crontab) and len(each.hour) == 24 for each in others)


def test_a_tick_that_nobody_ran_does_not_pile_up():
    tick = settings.CELERY_BEAT_SCHEDULE["tick"]

    assert tick["schedule"] < tick["options"]["expires"] <= 30

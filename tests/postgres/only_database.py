"""A plugin for the run on Postgres: it keeps the tests that use the database, wherever they are.

Tests that start processes of their own bring their database with them and stay out.
"""

import pytest

DATABASE = frozenset({"db", "transactional_db", "django_db_setup", "live_server"})
OWN_PROCESSES = ("browser", "crash", "postgres", "redis")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, left = [], []
    for item in items:
        uses = DATABASE.intersection(getattr(item, "fixturenames", ())) or item.get_closest_marker("django_db")
        alone = any(item.get_closest_marker(name) for name in OWN_PROCESSES)
        (kept if uses and not alone else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)

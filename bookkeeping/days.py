"""Calendar days in a marketplace's time zone.

A row belongs to the calendar month of its posting in the zone of its marketplace, neither to the month of the payout
nor to UTC's.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_QUARTER_HOURS: Final = 96  # Every zone in use is a whole number of quarter hours away from UTC.


class LocalDays:
    """The local day of an instant, fast when instants come nearly sorted.

    ``day`` is the day ``move`` was last asked for; it holds for every instant from ``starts_at`` up to, not
    including, ``ends_at``.
    """

    __slots__ = ("_known", "day", "ends_at", "month", "starts_at", "zone")

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.starts_at = self.ends_at = datetime.min.replace(tzinfo=UTC)
        self.day = self.month = date.min
        self._known: dict[int, tuple[datetime, datetime, date, date]] = {}

    def move(self, at: datetime) -> None:
        """Make the local day of ``at`` (aware UTC) the current one."""
        quarter = at.toordinal() * _QUARTER_HOURS + at.hour * 4 + at.minute // 15
        found = self._known.get(quarter)
        if found is None:
            day = local_day(at, self.zone)
            found = (self._midnight(day), self._midnight(day + timedelta(days=1)), day, day.replace(day=1))
            self._known[quarter] = found
        self.starts_at, self.ends_at, self.day, self.month = found

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)


def local_day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def last_of_month(month: date) -> date:
    """Return the last day of the month that ``month`` is the first day of."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)

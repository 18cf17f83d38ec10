"""The stand-in's own time: real, or moved by a test, never shared with the product."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def _system_now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """Now, as an aware UTC time, ``offset`` ahead of ``source``.

    A served stand-in uses the system's time and really sleeps. Pass a ``source`` (a function of no arguments) and
    the time stands where the source says; then ``sleep`` only moves the offset, so no test waits.
    """

    def __init__(self, source: Callable[[], datetime] | None = None) -> None:
        self._source = source or _system_now
        self._sleeps = source is None
        self.offset = timedelta()

    def now(self) -> datetime:
        return self._source() + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)

    def move_to(self, moment: datetime) -> None:
        self.offset = moment - self._source()

    def sleep(self, seconds: float) -> None:
        if self._sleeps:
            time.sleep(seconds)
        else:
            self.advance(seconds)


def frozen(moment: datetime) -> Clock:
    """A clock that stands at ``moment`` until it is advanced; sleeping costs nothing."""
    return Clock(source=lambda: moment)

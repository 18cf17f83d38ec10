"""How much may be asked: 60 a minute per field and token, 2 at once per token, 5,000 a day per application (sheet §0.10)."""

from collections import defaultdict, deque
from datetime import UTC, datetime
from threading import Lock
from typing import Final

from ledgers.wave.sandbox.refusals import TooFast
from sandbox.store import Store
from sandbox.switches import Switches

PER_FIELD, AT_ONCE = 60, 2
_WINDOW_S: Final = 60.0
_DAY_S: Final = 86_400


class Meters:
    """Sliding windows kept in memory: a restart forgets them. The calls of a day are counted for good."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store, self._switches = store, switches
        self._fields: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._at_once: dict[str, int] = defaultdict(int)
        self._lock = Lock()

    @property
    def _scale(self) -> int:
        return int(self._switches["rate_scale"])

    def field(self, token: str, field: str, now: datetime) -> None:
        """Count one use of a field. Raises TooFast."""
        if not self._scale:
            return
        at, window = now.timestamp(), self._fields[token, field]
        while window and window[0] <= at - _WINDOW_S:
            window.popleft()
        if len(window) + 1 > PER_FIELD * self._scale / 100:
            raise TooFast(max(1, round(window[0] + _WINDOW_S - at)) if window else round(_WINDOW_S))
        window.append(at)

    def call(self, application: str, now: datetime) -> None:
        """Count a call of the application. Raises TooFast when the day's are used up."""
        day = f"{application} {now.astimezone(UTC):%Y-%m-%d}"
        kept = self._store.get("calls", day)
        calls = int(kept["calls"]) if kept else 0
        if self._scale and calls + 1 > self._switches["daily_calls"] * self._scale / 100:
            raise TooFast(_DAY_S - round(now.timestamp()) % _DAY_S)
        self._store.put("calls", day, {"calls": calls + 1})

    def enter(self, token: str) -> bool:
        """A request begins; False when it is one too many of this token beside those that are being served."""
        with self._lock:
            self._at_once[token] += 1
            return not self._scale or self._at_once[token] <= AT_ONCE

    def leave(self, token: str) -> None:
        with self._lock:
            self._at_once[token] -= 1
            if not self._at_once[token]:
                del self._at_once[token]

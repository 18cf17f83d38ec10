"""How much an application may ask: 500 requests a minute, 10 a second, 40 batches a minute, metered reads (sheet §7)."""

from collections import defaultdict, deque
from datetime import datetime
from typing import Final

from sandbox.store import Store
from sandbox.switches import Switches

PER_MINUTE, PER_SECOND, BATCHES_PER_MINUTE = 500, 10, 40
_MINUTE_S: Final = 60.0


class Meters:
    """Sliding windows per company, kept in memory: a restart of the stand-in forgets them. Reads are counted for good."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store, self._switches = store, switches
        self._requests: dict[str, deque[float]] = defaultdict(deque)
        self._batches: dict[str, deque[float]] = defaultdict(deque)

    def admit(self, realm: str, now: datetime, *, cost: int = 1, batch: bool = False) -> bool:
        """Count a request; False when it is one too many, and then it does not count."""
        scale = self._switches["rate_scale"]
        if scale == 0:
            return True
        at = now.timestamp()
        requests, batches = self._requests[realm], self._batches[realm]
        for window in (requests, batches):
            while window and window[0] <= at - _MINUTE_S:
                window.popleft()
        last_second = sum(1 for each in requests if each > at - 1)
        if (
            len(requests) + cost > PER_MINUTE * scale / 100
            or last_second + 1 > PER_SECOND * scale / 100
            or (batch and len(batches) + 1 > BATCHES_PER_MINUTE * scale / 100)
        ):
            return False
        requests.extend([at] * cost)
        if batch:
            batches.append(at)
        return True

    # CorePlus: successful reads, per calendar month

    def reads_left(self, now: datetime) -> bool:
        return self.reads(now) < int(self._switches["coreplus_monthly_block"])

    def count_reads(self, now: datetime, reads: int = 1) -> None:
        if reads:
            month = now.strftime("%Y-%m")
            self._store.put("coreplus", month, {"reads": self.reads(now) + reads})

    def reads(self, now: datetime) -> int:
        kept = self._store.get("coreplus", now.strftime("%Y-%m"))
        return int(kept["reads"]) if kept else 0

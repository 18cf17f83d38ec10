"""How much an application may ask of one account. FreshBooks publishes nothing; a number had to be assumed (sheet §3)."""

import math
from collections import defaultdict, deque
from datetime import datetime

from sandbox.switches import Switches

PER_SECOND = 5


class Meters:
    """Sliding windows of a second per business, kept in memory: a restart of the stand-in forgets them."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._requests: dict[str, deque[float]] = defaultdict(deque)

    def admit(self, business: str, now: datetime) -> int:
        """Count a request; 0, or the seconds to wait when it is one too many, and then it does not count."""
        scale = self._switches["rate_scale"]
        if scale == 0:
            return 0
        at, window = now.timestamp(), self._requests[business]
        while window and window[0] <= at - 1:
            window.popleft()
        if len(window) + 1 > PER_SECOND * scale / 100:
            return max(1, math.ceil(window[0] + 1 - at)) if window else 1
        window.append(at)
        return 0

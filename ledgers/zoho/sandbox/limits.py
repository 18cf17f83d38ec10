"""How much may be asked: calls a minute, in flight, a day, and the block after a burst (sheet §4)."""

import threading
from collections import Counter, defaultdict, deque
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ledgers.zoho.sandbox.errors import Fault
from ledgers.zoho.sandbox.fields import Doc
from sandbox.store import Store
from sandbox.switches import Switches

PER_MINUTE: Final = 100
_MINUTE_S: Final = 60.0
PER_DAY = {"Free": 1000, "Standard": 2000, "Professional": 5000, "Premium": 10000, "Elite": 10000, "Ultimate": 10000}
TRIAL_PER_DAY: Final = 1000
IN_FLIGHT_FREE, IN_FLIGHT_PAID = 5, 10


class Limits:
    """Windows are kept in memory: a restart forgets them. The day's calls and blocks are kept for good."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store, self._switches = store, switches
        self._lock = threading.Lock()
        self._minutes: dict[str, deque[float]] = defaultdict(deque)
        self._bursts: dict[str, deque[float]] = defaultdict(deque)
        self._running: Counter[str] = Counter()

    # In flight

    def enter(self, organization_id: str) -> None:
        with self._lock:
            self._running[organization_id] += 1

    def leave(self, organization_id: str) -> None:
        with self._lock:
            self._running[organization_id] -= 1

    # Before a call

    def check_user(self, user: str, now: datetime) -> Fault | None:
        """Count a call of the user; the block after too many in a minute, while it lasts."""
        scale = self._switches["rate_scale"]
        kept = self._store.get("block", user)
        if kept and now < (until := datetime.fromisoformat(kept["until"])):
            return _blocked(round((until - now).total_seconds()))
        if scale == 0:
            return None
        calls = _trimmed(self._bursts[user], now)
        calls.append(now.timestamp())
        if len(calls) <= self._switches["burst_per_minute"] * scale / 100:
            return None
        self.block(user, now, self._switches["block_s"])
        return _blocked(self._switches["block_s"])

    def block(self, user: str, now: datetime, seconds: int) -> None:
        self._store.put("block", user, {"until": (now + timedelta(seconds=seconds)).isoformat()})

    def check(self, info: Doc, now: datetime) -> Fault | None:
        """Count a call of the organization, or say why it is refused."""
        refused = self._refusal(info, now) if self._switches["rate_scale"] else None
        if refused is None or self._switches["refused_calls_count"] == "yes":
            self.spend(info, now, 1)
        return refused

    def _refusal(self, info: Doc, now: datetime) -> Fault | None:
        scale = self._switches["rate_scale"]
        id_ = info["organization_id"]
        most = IN_FLIGHT_FREE if info["plan_name"] == "Free" else IN_FLIGHT_PAID
        if self._running[id_] + info["busy"] > most * scale / 100:
            return Fault(1070, "The maximum number of concurrent requests has been reached.", 429)
        if self.spent(info, now) >= info["quota"]:
            return Fault(
                45,
                f"For security reasons you have been blocked for some time as you have exceeded the maximum call rate"
                f" limit of {info['quota']} per day.",
                int(self._switches["quota_status"]),
            )
        calls = _trimmed(self._minutes[id_], now)
        if len(calls) + 1 > PER_MINUTE * scale / 100:
            return Fault(44, "For security reasons you have been blocked as you have exceeded the maximum number of"
                         f" requests per minute ({PER_MINUTE}).", 429)  # fmt: skip
        calls.append(now.timestamp())
        return None

    # The day

    def spend(self, info: Doc, now: datetime, calls: int) -> None:
        today = _local(info, now).date().isoformat()
        spent = self.spent(info, now) + calls
        self._store.put("quota", info["organization_id"], {"day": today, "calls": spent})

    def spent(self, info: Doc, now: datetime) -> int:
        kept = self._store.get("quota", info["organization_id"])
        return int(kept["calls"]) if kept and kept["day"] == _local(info, now).date().isoformat() else 0

    def headers(self, info: Doc, now: datetime) -> dict[str, str]:
        """The daily quota; ``reset`` is seconds to midnight where the organization is."""
        local = _local(info, now)
        midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return {
            "x-rate-limit-limit": str(info["quota"]),
            "x-rate-limit-remaining": str(max(0, info["quota"] - self.spent(info, now))),
            "x-rate-limit-reset": str(round(midnight.timestamp() - now.timestamp())),
        }


def _local(info: Doc, now: datetime) -> datetime:
    return now.astimezone(ZoneInfo(info["time_zone"]))


def _trimmed(window: deque[float], now: datetime) -> deque[float]:
    while window and window[0] <= now.timestamp() - _MINUTE_S:
        window.popleft()
    return window


def _blocked(seconds: int) -> Fault:
    text = "For security reasons you have been blocked for some time as you have exceeded the maximum call rate limit."
    return Fault(43, text, 429, {"Retry-After": str(seconds)})

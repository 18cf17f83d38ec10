"""How long does the address for notifications take to answer, next to a view that only says ``ok``?

One site (``serve``, embedded database), which handles the notices meanwhile. A notice and a bare request take turns, each over
a connection that stays open: first from one caller, then from eight at once. Asked: 300 ms at the 99th percentile.

    python -m benchmarks.notices                     # a minute; writes results/notices.json
"""

import hashlib
import hmac
import http.client
import json
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from benchmarks import rig

ASKED_S = 0.3
EACH, CALLERS = 500, 8  # below what the site takes of one company in a minute


def main() -> int:
    with rig.opened() as place:
        place.connect_seller("demo", {})
        address, secret = _endpoint()
        seller_id = place.seller["seller"]["seller_id"]
        alone = _measured(address, secret, seller_id, range(EACH))
        share = EACH // CALLERS
        parts = [range(EACH + n * share, EACH + (n + 1) * share) for n in range(CALLERS)]
        with ThreadPoolExecutor(CALLERS) as pool:
            found = list(pool.map(lambda part: _measured(address, secret, seller_id, part), parts))
        crowd = ([s for notices, _ in found for s in notices], [s for _, bare in found for s in bare])
    result = {"asked_p99_s": ASKED_S, "one": _told(*alone), f"{CALLERS} at once": _told(*crowd)}
    rig.write("notices", result)
    return 0 if max(_p99(alone[0]), _p99(crowd[0])) < ASKED_S else 1


def _endpoint() -> tuple[str, str]:
    from amazon import notice_endpoints
    from tenants.models import Tenant

    endpoint, secret = notice_endpoints.new_secret(Tenant.objects.get().pk, "benchmark")
    return notice_endpoints.url_of(endpoint), secret


def _measured(address: str, secret: str, seller_id: str, numbers: range) -> tuple[list[float], list[float]]:
    """Return the seconds of each notice, and of each bare request."""
    parts = urlsplit(address)
    site = http.client.HTTPConnection(parts.netloc, timeout=30)
    notices, bare = [], []
    for number in numbers:
        body = json.dumps(_notice(seller_id, number)).encode()
        stamp = str(int(time.time()))
        signature = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Tieout-Timestamp": stamp,
            "X-Tieout-Signature": f"sha256={signature}",
        }
        notices.append(_timed(site, 202, "POST", parts.path, body, headers))
        bare.append(_timed(site, 200, "GET", "/health/live"))
    site.close()
    return notices, bare


def _timed(site: http.client.HTTPConnection, status: int, *request: Any) -> float:
    began = time.perf_counter()
    site.request(*request)
    answer = site.getresponse()
    answer.read()
    took = time.perf_counter() - began
    if answer.status != status:
        raise SystemExit(f"{request[:2]} answered {answer.status}")
    return took


def _notice(seller_id: str, number: int) -> dict[str, Any]:
    return {
        "NotificationType": "ORDER_CHANGE",
        "EventTime": "2026-01-01T00:00:00Z",
        "Payload": {"OrderChangeNotification": {"SellerId": seller_id, "AmazonOrderId": f"701-0000000-{number:07}"}},
        "NotificationMetadata": {"NotificationId": f"benchmark-{number}"},
    }


def _p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def _told(notices: list[float], bare: list[float]) -> dict[str, float]:
    return {
        "median_ms": round(statistics.median(notices) * 1000, 1),
        "p99_ms": round(_p99(notices) * 1000, 1),
        "bare_median_ms": round(statistics.median(bare) * 1000, 1),
        "bare_p99_ms": round(_p99(bare) * 1000, 1),
        "median_ratio": round(statistics.median(notices) / statistics.median(bare), 2),
        "p99_ratio": round(_p99(notices) / _p99(bare), 2),
    }


if __name__ == "__main__":
    sys.exit(main())

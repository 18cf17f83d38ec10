"""How long does the address for notifications take to answer, next to a view that only says ``ok``; and how long is it from an
order that ships, over Amazon's notification and a forwarder, to its invoice in the books?

One site (``serve``, embedded database), which handles the notices meanwhile. A notice and a bare request take turns, each over
a connection that stays open: first from one caller, then from eight at once. Asked: 300 ms at the 99th percentile, and seconds
to the books.

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
ASKED_POSTED_S = 10.0
EACH, CALLERS = 500, 8  # below what the site takes of one company in a minute
QUEUE = "arn:aws:sqs:us-east-1:123456789012:tieout"
WITHIN_S = 90.0


def main() -> int:
    with rig.opened() as place:
        place.connect_seller("demo", {})
        address, secret = _endpoint()
        posted = _until_posted(place, address, secret)
        seller_id = place.seller["seller"]["seller_id"]
        alone = _measured(address, secret, seller_id, range(EACH))
        share = EACH // CALLERS
        parts = [range(EACH + n * share, EACH + (n + 1) * share) for n in range(CALLERS)]
        with ThreadPoolExecutor(CALLERS) as pool:
            found = list(pool.map(lambda part: _measured(address, secret, seller_id, part), parts))
        crowd = ([s for notices, _ in found for s in notices], [s for _, bare in found for s in bare])
    result = {
        "asked_p99_s": ASKED_S,
        "one": _told(*alone),
        f"{CALLERS} at once": _told(*crowd),
        "asked_shipped_to_posted_s": ASKED_POSTED_S,
        "shipped_to_posted_s": [round(took_s, 2) for took_s in posted],
    }
    rig.write("notices", result)
    soon = max(_p99(alone[0]), _p99(crowd[0])) < ASKED_S and max(posted) < ASKED_POSTED_S
    return 0 if soon else 1


def _until_posted(place: rig.Rig, address: str, secret: str) -> list[float]:
    """Let orders ship at the stand-in, one after the other, and return the seconds until each is invoiced in the books."""
    from amazon import subscriptions
    from amazon.models import Order
    from connector.demo import job
    from connector.demo.outside import tell
    from flows import setup
    from flows.models import Delivery, Flow
    from kit.scope import scope

    realm = place.connect_company("Soon")
    with scope(job.tenant_of(rig.EMAIL).pk):
        flow = place.new_flow(realm, "orders")
        job.wait_until_planned(flow, WITHIN_S)
        setup.accept_suggestions(flow, rig.EMAIL, create_missing=True)
        Flow.objects.filter(pk=flow.pk).update(trigger=Flow.Trigger.SHIPPED)
        flow.refresh_from_db()
        setup.go_live(flow, rig.EMAIL)
        subscriptions.turn_on(flow.source, "forwarder", QUEUE, rig.EMAIL)
        found = []
        for order in Order.objects.filter(status="UNSHIPPED", channel="AMAZON"):
            invoice = Delivery.objects.filter(
                flow=flow, kind="invoice", number=order.order_id, state=Delivery.State.POSTED
            )
            seller = {"seller_id": flow.source.remote_id, "order_id": order.order_id, "status": "SHIPPED"}
            tell(place.stage.amazon, "update_order", seller)
            tell(place.stage.amazon, "forward", {"arn": QUEUE, "url": address, "secret": secret, "as": "hmac"})
            found.append(rig.wait_until(invoice.exists, WITHIN_S, every_s=0.01))
        return found


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

"""A Selling Partner API that makes all-orders reports: as many calls as the usage plans allow, and each report takes its time."""

import gzip
import json
from collections import Counter
from datetime import datetime, timedelta

from kit.clock import now
from kit.rate import Level, RatePlan, take
from tests.amazon.fake_api import FILES

# Facts of the usage plans, not of the product: rate per second and burst.
LIMITS = {
    "createReport": RatePlan(0.0167, 15),
    "getReport": RatePlan(2.0, 15),
    "getReportDocument": RatePlan(0.0167, 15),
}
_NAMES = """
amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel
order-channel ship-service-level product-name sku asin item-status quantity currency item-price item-tax
shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount
ship-city ship-state ship-postal-code ship-country promotion-ids buyer-company-name is-replacement-order
"""
COLUMNS = _NAMES.split()
USUAL = {
    "amazon-order-id": "701-0000000-0000001",
    "purchase-date": "2026-05-10T08:00:00+00:00",
    "last-updated-date": "2026-05-12T09:00:00+00:00",
    "order-status": "Shipped",
    "fulfillment-channel": "Amazon",
    "sales-channel": "Amazon.com",
    "product-name": "Lamp",
    "sku": "LAMP-1",
    "asin": "B000000001",
    "item-status": "Shipped",
    "quantity": "1",
    "currency": "USD",
    "item-price": "24.00",
    "ship-city": "Springfield",
    "ship-postal-code": "00001",
    "ship-country": "US",
    "buyer-company-name": "Ann Buyer Inc",
}


def line(**cells):
    """Return a line's cells by column, with dashes for underscores."""
    return USUAL | {name.replace("_", "-"): value for name, value in cells.items()}


def report(*lines, columns=COLUMNS, encoding="utf-8"):
    rows = ["\t".join(columns), *("\t".join(one.get(name, "") for name in columns) for one in lines)]
    return ("\n".join(rows) + "\n").encode(encoding)


class BulkReports:
    """``rows(starts_at, ends_at)`` are the bytes of a window's report, None where it has no data.

    ``ends[n]`` says how the n-th report asked for ends, else it is DONE. ``on_download`` may change what a download answers.
    """

    def __init__(self, rows, takes=timedelta(minutes=2)):
        self.rows, self.takes = rows, takes
        self.ends, self.calls, self.refused = {}, Counter(), 0
        self.asked, self.tokens = [], []
        self.on_download = None
        self._levels = {}

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        body = environ["wsgi.input"].read()
        status, headers, content = self._answer(environ, path, body)
        start_response(f"{status} -", list(headers.items()))
        return [content]

    def _answer(self, environ, path, body):
        if path.startswith("/file/"):
            self.tokens.append(environ.get("HTTP_X_AMZ_ACCESS_TOKEN"))
            return self._file(path.removeprefix("/file/"))
        kind, _, name = path.removeprefix("/reports/2021-06-30/").partition("/")
        operation = "getReportDocument" if kind == "documents" else "getReport" if name else "createReport"
        self.calls[operation] += 1
        plan = LIMITS[operation]
        at_s = now().timestamp()
        level, wait_s = take(self._levels.get(operation, Level(plan.burst, at_s)), plan, at_s)
        self._levels[operation] = level
        if wait_s:
            self.refused += 1
            return _json(429, {"errors": [{"code": "QuotaExceeded", "message": "too fast"}]})
        if operation == "createReport":
            self.asked.append(json.loads(body) | {"at": now()})
            return _json(202, {"reportId": str(len(self.asked))})
        if operation == "getReport":
            return _json(200, self._report(int(name)))
        return _json(200, {"reportDocumentId": name, "url": f"{FILES}/file/{name}", "compressionAlgorithm": "GZIP"})

    def _report(self, number):
        asked = self.asked[number - 1]
        found = {
            "reportId": str(number),
            "reportType": asked["reportType"],
            "marketplaceIds": asked["marketplaceIds"],
            "createdTime": asked["at"].isoformat(),
            "processingStatus": "IN_PROGRESS",
        }
        if now() - asked["at"] >= self.takes:
            ends = self.ends.get(number, "DONE" if self._content(number) is not None else "CANCELLED")
            found["processingStatus"] = ends
            if ends in ("DONE", "FATAL"):
                found["reportDocumentId"] = f"doc-{number}"
        return found

    def _file(self, name):
        number = int(name.removeprefix("doc-"))
        fatal = self.ends.get(number) == "FATAL"
        content = b"The date range is not valid" if fatal else self._content(number)
        answer = (200, {"Content-Type": "text/plain; charset=UTF-8"}, gzip.compress(content, mtime=0))
        return self.on_download(number, answer) if self.on_download else answer

    def _content(self, number):
        asked = self.asked[number - 1]
        return self.rows(datetime.fromisoformat(asked["dataStartTime"]), datetime.fromisoformat(asked["dataEndTime"]))


def _json(status, body):
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()

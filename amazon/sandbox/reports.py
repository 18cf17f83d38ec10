"""Reports API 2021-06-30: the reports there are, their documents, and the presigned downloads.

Settlement reports appear when a period closes; others are asked for (``report_requests``). Report ids are unique only
together with the seller, and every seller counts from the same number here. Source: official model reports_2021-06-30.
"""

import gzip
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from werkzeug.wrappers import Request, Response

from amazon.sandbox.all_orders import TYPES as ALL_ORDERS
from amazon.sandbox.errors import Refused, denied, error, invalid
from amazon.sandbox.lwa import FINANCE_ROLE, ORDERS_ROLE, Caller
from amazon.sandbox.signed import Signer
from amazon.sandbox.telling import Silent, Teller
from amazon.sandbox.times import instant, number, words, written
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switch
from sandbox.wsgi import json_response

SETTLEMENT = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
RETIRED = ("GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE", "GET_V2_SETTLEMENT_REPORT_DATA_XML")
STATUSES = ("CANCELLED", "DONE", "FATAL", "IN_PROGRESS", "IN_QUEUE")
KEPT = timedelta(days=90)
ORDERS_KEPT = timedelta(days=30)
_HEARD_OF = timedelta(minutes=1)
"""A report that ended longer ago when it is published belongs to the past: nobody is told."""
LINK_LIVES_S = 300
FIRST_REPORT = 50_001_020_777
_DEFAULT_PAGE, _LARGEST_PAGE, _MOST = 10, 100, 10
_TOKEN_LIVES = timedelta(hours=24)

SWITCHES: Final = (
    Switch("document_compression", ("gzip", "none", "truncated"), "how documents are delivered"),
    Switch("document_charset", ("as written", "none"), "whether the download's Content-Type names a charset"),
    Switch("document_link", ("alive", "first expired"), "whether the first link to each document has expired already"),
)


class Reports:
    """``teller`` hears of every report that is finished."""

    def __init__(self, store: Store, clock: Clock, signer: Signer, teller: Teller | None = None) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self.teller = teller or Silent()

    # Publishing, the tester's side

    def publish(
        self,
        seller_id: str,
        content: bytes | None,
        *,
        report_type: str = SETTLEMENT,
        marketplace_ids: list[str],
        period: tuple[datetime, datetime],
        created_at: datetime,
        status: str = "DONE",
        content_type: str = "text/plain;charset=UTF-8",
        takes_s: int = 60,
        schedule_id: str = "",
        awaited: bool = False,
    ) -> str:
        """Make a report that is finished ``takes_s`` after its creation; answers its id.

        ``content`` are the bytes of the document before compression, None for a report without one. With ``awaited`` it
        stays unfinished until ``end`` is called, however much time has passed.
        """
        if status not in STATUSES:
            raise ValueError(f"status is one of {', '.join(STATUSES)}")
        report_id = str(self._store.next_number(f"report:{seller_id}", FIRST_REPORT))
        ends_at = created_at + timedelta(seconds=takes_s)
        report = {
            "reportId": report_id,
            "reportType": report_type,
            "marketplaceIds": marketplace_ids,
            "dataStartTime": written(period[0]),
            "dataEndTime": written(period[1]),
            "reportScheduleId": schedule_id,
            "createdTime": written(created_at),
            "processingStartTime": written(created_at + timedelta(seconds=takes_s / 4)),
            "processingEndTime": written(ends_at),
            "processingStatus": "IN_PROGRESS" if awaited else status,
            "reportDocumentId": "",
        }
        self._store.put("report", report_id, report, scope=seller_id)
        if content is not None:
            report["reportDocumentId"] = self.keep_document(seller_id, report_id, content, content_type)
            self._store.put("report", report_id, report, scope=seller_id)
        if awaited or ends_at > self._clock.now() - _HEARD_OF:
            due = {"seller_id": seller_id, "report_id": report_id, "at": written(ends_at)}
            self._store.put("report_due", f"{seller_id} {report_id}", due)
        return report_id

    def keep_document(
        self, seller_id: str, report_id: str, content: bytes, content_type: str, *, packed: bool = False
    ) -> str:
        """Keep the document of a report; answers its id. ``packed``: the bytes are compressed already."""
        report = self._store.get("report", report_id, scope=seller_id) or {}
        number_ = int(report_id)
        document_id = f"amzn1.spdoc.1.4.na.{seller_id.lower()}-{number_}.T{number_ % 977:03d}.2651"
        self._store.put_blob("document", document_id, content if packed else gzip.compress(content, mtime=0))
        kept = {
            "seller_id": seller_id,
            "report_type": report["reportType"],
            "content_type": content_type,
            "created_at": report["createdTime"],
        }
        self._store.put("document", document_id, kept)
        return document_id

    # The end of a report

    def due(self) -> list[tuple[str, str]]:
        """Seller and report id of every report whose time is over and whose end nobody was told of."""
        now = written(self._clock.now())
        return [(each["seller_id"], each["report_id"]) for each in self._store.all("report_due") if each["at"] <= now]

    def end(
        self, seller_id: str, report_id: str, status: str = "", document_id: str = "", *, started: bool = True
    ) -> None:
        """Let a report end, and tell. ``status`` "": as it was published; ``started`` False: now, out of the queue."""
        self._store.delete("report_due", f"{seller_id} {report_id}")
        report = self._store.get("report", report_id, scope=seller_id) or {}
        if status:
            report |= {"processingStatus": status, "reportDocumentId": document_id}
        if not started:
            report |= {"processingStartTime": "", "processingEndTime": written(self._clock.now())}
        self._store.put("report", report_id, report, scope=seller_id)
        self.teller.tell("REPORT_PROCESSING_FINISHED", seller_id, _as_of(report, written(self._clock.now())))

    def content(self, seller_id: str, report_id: str) -> bytes:
        """The bytes of a report's document before compression."""
        report = self._store.get("report", report_id, scope=seller_id)
        blob = self._store.get_blob("document", report["reportDocumentId"]) if report else None
        if blob is None:
            raise KeyError(report_id)
        return gzip.decompress(blob)

    # The API

    def find(self, request: Request, caller: Caller) -> Response:
        """GET /reports/2021-06-30/reports: by filters, or by ``nextToken`` and nothing else."""
        query = self._resumed(request, caller) if "nextToken" in request.args else self._query(request, caller)
        since, until = query["since"], query["until"]
        found = [
            report
            for report in self._visible(caller.seller_id)
            if report["reportType"] in query["types"]
            and since <= report["createdTime"] <= until
            and (not query["statuses"] or report["processingStatus"] in query["statuses"])
            # A settlement report belongs to the whole account: the marketplace filter does not part them.
            and (
                not query["marketplaces"]
                or report["reportType"] == SETTLEMENT
                or set(query["marketplaces"]) & set(report["marketplaceIds"])
            )
        ]
        found.sort(key=lambda report: (report["createdTime"], report["reportId"]), reverse=True)
        start, size = query["start"], query["size"]
        answer: dict[str, Any] = {"reports": found[start : start + size]}
        if start + size < len(found):
            answer["nextToken"] = self._signer.token({**query, "start": start + size})
        return json_response(answer)

    def _query(self, request: Request, caller: Caller) -> dict[str, Any]:
        types = words(request, "reportTypes", most=_MOST)
        if not types:
            raise invalid("reportTypes is required when no nextToken is given.")
        for each in types:
            check_role(each, caller)
        now = self._clock.now()
        since, until = instant(request, "createdSince") or now - KEPT, instant(request, "createdUntil") or now
        # A minute's grace, so that a caller whose clock is a little behind may say "90 days ago".
        if since < now - KEPT - timedelta(minutes=1) or until < since:
            raise invalid("createdSince must be within the last 90 days and before createdUntil.")
        return {
            "seller": caller.seller_id,
            "types": types,
            "statuses": words(request, "processingStatuses", STATUSES),
            "marketplaces": words(request, "marketplaceIds", most=_MOST),
            "size": number(request, "pageSize", _DEFAULT_PAGE, _LARGEST_PAGE),
            "since": written(since),
            "until": written(until),
            "start": 0,
            "expires": written(now + _TOKEN_LIVES),
        }

    def _resumed(self, request: Request, caller: Caller) -> dict[str, Any]:
        if len(request.args) > 1:
            raise invalid("nextToken must be the only parameter.")
        query = self._signer.value(request.args["nextToken"])
        if query is None or query.get("seller") != caller.seller_id or query["expires"] <= written(self._clock.now()):
            raise invalid("Invalid nextToken.")
        return query

    def get(self, caller: Caller, report_id: str) -> Response:
        """GET /reports/2021-06-30/reports/{reportId}."""
        report = self.visible(caller.seller_id, report_id)
        check_role(report["reportType"], caller)
        return json_response(report)

    def visible(self, seller_id: str, report_id: str) -> dict[str, Any]:
        """One report as it stands now.

        Raises:
            Refused: there is none, or no longer.
        """
        report = next((each for each in self._visible(seller_id) if each["reportId"] == report_id), None)
        if report is None:
            raise Refused(error(404, f"Report {report_id} is not found."))
        return report

    def _visible(self, seller_id: str) -> list[dict[str, Any]]:
        """The seller's reports as they stand now, without those that are no longer kept."""
        now = self._clock.now()
        return [
            _as_of(report, written(now))
            for report in self._store.all("report", scope=seller_id)
            if written(now - _kept(report["reportType"])) <= report["createdTime"] <= written(now)
        ]

    # Documents

    def document(
        self, request: Request, caller: Caller, document_id: str, base: str, *, compression: str, link: str
    ) -> Response:
        """GET /reports/2021-06-30/documents/{reportDocumentId}: a link that lives five minutes."""
        kept, now = self._store.get("document", document_id), self._clock.now()
        known = kept is not None and kept["seller_id"] == caller.seller_id
        if kept is None or not known or kept["created_at"] < written(now - _kept(kept["report_type"])):
            raise Refused(error(404, f"Document {document_id} is not found."))
        check_role(kept["report_type"], caller)
        first = self._store.next_number(f"link:{document_id}") == 1
        made_at = now - timedelta(seconds=LINK_LIVES_S) if first and link == "first expired" else now
        signed = {
            "X-Amz-Date": made_at.strftime("%Y%m%dT%H%M%SZ"),
            "X-Amz-Expires": str(LINK_LIVES_S),
            "compression": compression,
            "encoded": request.args.get("enableContentEncodingUrlHeader", "false"),
        }
        path = f"/documents/{quote(document_id)}"
        signature = self._signer.signature(f"{path}?{urlencode(signed)}")
        answer = {
            "reportDocumentId": document_id,
            "url": f"{base}{path}?{urlencode({**signed, 'X-Amz-Signature': signature})}",
        }
        if compression != "none":
            answer["compressionAlgorithm"] = "GZIP"
        return json_response(answer)

    def download(self, request: Request, document_id: str, charset: str) -> Response:
        """GET of a presigned link: the bytes, or 403 and XML. ``charset`` "none" leaves it out of the Content-Type."""
        signed = {name: value for name, value in request.args.items() if name != "X-Amz-Signature"}
        signature = self._signer.signature(f"/documents/{quote(document_id)}?{urlencode(signed)}")
        if signature != request.args.get("X-Amz-Signature"):
            return _storage_error("SignatureDoesNotMatch", "The request signature we calculated does not match.")
        if "x-amz-access-token" in request.headers or "authorization" in request.headers:
            return _storage_error("AccessDenied", "There were headers present in the request which were not signed")
        made = datetime.strptime(f"{signed['X-Amz-Date']}+0000", "%Y%m%dT%H%M%SZ%z")
        if self._clock.now() >= made + timedelta(seconds=int(signed["X-Amz-Expires"])):
            return _storage_error("AccessDenied", "Request has expired")
        kept = self._store.get("document", document_id) or {}
        content = self._store.get_blob("document", document_id)
        if content is None:
            return _storage_error("NoSuchKey", "The specified key does not exist.", 404)
        compression = signed["compression"]
        if compression == "none":
            content = gzip.decompress(content)
        elif compression == "truncated":
            content = content[: len(content) * 2 // 3]
        kind = kept["content_type"]
        response = Response(content, content_type=kind.partition(";")[0] if charset == "none" else kind)
        # The library adds a charset to text types by itself; storage does not.
        response.headers["Content-Type"] = kind.partition(";")[0] if charset == "none" else kind
        if signed["encoded"] == "true" and compression != "none":
            response.headers["Content-Encoding"] = "gzip"
        return response


def _kept(report_type: str) -> timedelta:
    return ORDERS_KEPT if report_type in ALL_ORDERS else KEPT


def check_role(report_type: str, caller: Caller) -> None:
    """Settlements belong to one role, everything else known here to another."""
    role = FINANCE_ROLE if "SETTLEMENT" in report_type else ORDERS_ROLE
    if role not in caller.roles:
        raise denied("The application is not authorized for the role of this report.")


def _as_of(report: dict[str, Any], now: str) -> dict[str, Any]:
    """A report as it looks at ``now``: queued, then in progress, then what it was made to end as."""
    made = {name: value for name, value in report.items() if value}
    # One that is asked for has no end of its own before it has been worked on.
    if now < report["processingEndTime"] or report["processingStatus"] == "IN_PROGRESS":
        made.pop("reportDocumentId", None)
        made.pop("processingEndTime")
        made["processingStatus"] = "IN_PROGRESS"
    if now < report["processingStartTime"]:
        made.pop("processingStartTime")
        made["processingStatus"] = "IN_QUEUE"
    return made


def _storage_error(code: str, message: str, status: int = 403) -> Response:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Response(body, status=status, content_type="application/xml")

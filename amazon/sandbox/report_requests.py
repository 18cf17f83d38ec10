"""Reports that a seller asks for: createReport, cancelReport, and what becomes of them as time goes by.

A request waits, is worked on, and ends; its file is made at that moment, of the orders that are known then. Nothing runs by
itself: every request to the stand-in first settles what is due. Source: official model reports_2021-06-30; what integrators
report about identical requests and long ranges is a switch each.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from amazon.sandbox.all_orders import TYPES as ALL_ORDERS
from amazon.sandbox.all_orders import UNHEARD_OF, columns, packed, text_of
from amazon.sandbox.errors import Refused, error, invalid
from amazon.sandbox.lwa import Caller
from amazon.sandbox.order_book import OrderBook
from amazon.sandbox.orders import HISTORY
from amazon.sandbox.reports import RETIRED, SETTLEMENT, Reports, check_role
from sandbox.clock import Clock
from sandbox.jsontext import dumps
from sandbox.store import Store
from sandbox.switches import Switch
from sandbox.wsgi import json_response, posted_json

WITHOUT_DATA: Final = (
    "FEE_DISCOUNTS_REPORT",
    "GET_AFN_INVENTORY_DATA",
    "GET_FBA_FULFILLMENT_CUSTOMER_TAXES_DATA",
    "GET_MERCHANT_LISTINGS_ALL_DATA",
)
"""Types that can be asked for, and of which no seller here has anything."""

LONGEST: Final = timedelta(days=30)
CLOSE_TOGETHER: Final = timedelta(minutes=30)
_MOST_MARKETPLACES: Final = 25
_JAPAN: Final = "A1VC38T7YXB528"
_WHY: Final = '{"errorDetails": "The report could not be created. Please request it again later."}'
_AT_ONCE: Final = 20_000
"""Lines of files after which the reports that are still due wait for the next request: nobody shall wait for all of them."""
_GRACE: Final = timedelta(minutes=1)  # for a caller whose clock is a little ahead

SWITCHES: Final = (
    Switch(
        "report_takes_s", (120,), "seconds from createReport to the end of processing; a quarter of them in the queue"
    ),
    Switch(
        "report_outcome",
        ("by data", "fatal", "fatal with a document", "cancelled"),
        "what becomes of requested reports: done or, without data, cancelled; or this",
    ),
    # Refused: a range that is too long is the caller's mistake, and this is the setting that shows it at once.
    Switch(
        "report_long_range",
        ("refused", "cut", "fatal", "whole"),
        "an all-orders report over more than 30 days: 400, the first 30 days of it, FATAL, or all of it",
    ),
    Switch(
        "report_identical",
        ("made anew", "same report", "earlier document", "cancelled"),
        "an identical request within half an hour: a report of its own, the earlier report's id, a new report with the"
        " earlier document, or one that is cancelled",
    ),
    Switch(
        "report_columns",
        ("usual", "turned"),
        "columns of all-orders files as usual, or from last to first with one more",
    ),
)


@dataclass(frozen=True, slots=True)
class ReportRules:
    """The switches of this module as they stand for the caller."""

    takes_s: int
    outcome: str
    long_range: str
    identical: str
    columns: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for; ``period`` in UTC, both ends inclusive."""

    report_type: str
    marketplace_ids: list[str]
    period: tuple[datetime, datetime]
    schedule_id: str = ""


class Requests:
    def __init__(self, store: Store, clock: Clock, reports: Reports, book: OrderBook) -> None:
        self._store = store
        self._clock = clock
        self._reports = reports
        self._book = book

    # The API

    def create(self, request: Request, caller: Caller, rules: ReportRules) -> Response:
        """POST /reports/2021-06-30/reports: settlements cannot be asked for, and withdrawn types no longer."""
        body = asked(request)
        check_type(body["reportType"], (*ALL_ORDERS, *WITHOUT_DATA), caller)
        now = self._clock.now()
        starts_at, ends_at = (_moment(body, name, now) for name in ("dataStartTime", "dataEndTime"))
        if starts_at > ends_at or ends_at > now + _GRACE:
            raise invalid("dataStartTime and dataEndTime must be in order, and not later than now.")
        outcome = rules.outcome
        if body["reportType"] in ALL_ORDERS and ends_at - starts_at > LONGEST:
            match rules.long_range:
                case "refused":
                    raise invalid("The range between dataStartTime and dataEndTime is longer than 30 days.")
                case "cut":
                    ends_at = starts_at + LONGEST
                case "fatal":
                    outcome = "fatal with a document"
        earlier = self._earlier(caller.seller_id, body)
        if earlier and rules.identical == "same report":
            return json_response({"reportId": earlier}, 202)
        if earlier and rules.identical == "cancelled":
            outcome = "cancelled"
        wanted = Wanted(body["reportType"], body["marketplaceIds"], (starts_at, ends_at))
        copied = earlier if rules.identical == "earlier document" else ""
        report_id = self.enter(caller.seller_id, wanted, rules, outcome=outcome, copied=copied)
        if not earlier:
            self._remember(caller.seller_id, body, report_id)
        return json_response({"reportId": report_id}, 202)

    def cancel(self, caller: Caller, report_id: str) -> Response:
        """DELETE /reports/2021-06-30/reports/{reportId}: only while it waits."""
        report = self._reports.visible(caller.seller_id, report_id)
        check_role(report["reportType"], caller)
        if report["processingStatus"] != "IN_QUEUE":
            raise invalid("Only reports that are IN_QUEUE can be cancelled.")
        self._reports.end(caller.seller_id, report_id, "CANCELLED", started=False)
        return Response(b"")

    # What becomes of it

    def enter(
        self, seller_id: str, wanted: Wanted, rules: ReportRules, *, outcome: str = "by data", copied: str = ""
    ) -> str:
        """Put a report into the queue; answers its id. ``copied``: the report whose end it will share."""
        report_id = self._reports.publish(
            seller_id,
            None,
            report_type=wanted.report_type,
            marketplace_ids=wanted.marketplace_ids,
            period=wanted.period,
            created_at=self._clock.now(),
            takes_s=rules.takes_s,
            schedule_id=wanted.schedule_id,
            awaited=True,
        )
        made = {"outcome": outcome, "copied": copied, "columns": rules.columns}
        self._store.put("report_made", report_id, made, scope=seller_id)
        return report_id

    def settle(self) -> None:
        """Bring the reports that are due by now to their end; of very long files, some."""
        written_lines = 0
        for seller_id, report_id in self._reports.due():
            if written_lines >= _AT_ONCE:
                return
            made = self._store.get("report_made", report_id, scope=seller_id)
            if made is None:
                self._reports.end(seller_id, report_id)
            else:
                written_lines += self._finish(seller_id, report_id, made)

    def _finish(self, seller_id: str, report_id: str, made: dict[str, str]) -> int:
        """Returns how many lines its file has."""
        if made["copied"] and (earlier := self._store.get("report", made["copied"], scope=seller_id)):
            self._reports.end(seller_id, report_id, earlier["processingStatus"], earlier["reportDocumentId"])
        elif made["outcome"] == "fatal":
            self._reports.end(seller_id, report_id, "FATAL")
        elif made["outcome"] == "fatal with a document":
            explained = self._reports.keep_document(seller_id, report_id, _WHY.encode(), "text/plain;charset=UTF-8")
            self._reports.end(seller_id, report_id, "FATAL", explained)
        elif made["outcome"] == "cancelled":
            self._reports.end(seller_id, report_id, "CANCELLED")
        else:
            return self._make(seller_id, report_id, made["columns"])
        return 0

    def _make(self, seller_id: str, report_id: str, sequence: str) -> int:
        """Write the file of a report, unless there is nothing in its range; returns how many lines it has."""
        report = self._store.get("report", report_id, scope=seller_id) or {}
        places = report["marketplaceIds"]
        names = columns(places) if sequence == "usual" else [UNHEARD_OF, *reversed(columns(places))]
        codec, charset = ("cp932", "windows-31j") if _JAPAN in places else ("utf-8", "UTF-8")
        content, lines = packed(names, self._texts(seller_id, report, names), codec)
        if not lines:
            self._reports.end(seller_id, report_id, "CANCELLED")
            return 0
        kept = self._reports.keep_document(seller_id, report_id, content, f"text/plain;charset={charset}", packed=True)
        self._reports.end(seller_id, report_id, "DONE", kept)
        return lines

    def _texts(self, seller_id: str, report: dict[str, Any], names: list[str]) -> Iterator[str]:
        """The lines of a report: orders in its range that are not older than two years, on its marketplaces or on none."""
        if (field := ALL_ORDERS.get(report["reportType"])) is None:
            return iter(())
        starts_at, ends_at = (datetime.fromisoformat(report[name]) for name in ("dataStartTime", "dataEndTime"))
        places = (*report["marketplaceIds"], None)

        def write(order: dict[str, Any]) -> str:
            return text_of(order, names) if order["salesChannel"].get("marketplaceId") in places else ""

        return self._book.texts(seller_id, field, self._clock.now() - HISTORY, starts_at, ends_at, write)

    # Identical requests

    def _earlier(self, seller_id: str, body: dict[str, Any]) -> str:
        kept = self._store.get("report_asked", _digest(body), scope=seller_id)
        close = kept and self._clock.now() - datetime.fromisoformat(kept["at"]) <= CLOSE_TOGETHER
        return str(kept["report_id"]) if kept and close else ""

    def _remember(self, seller_id: str, body: dict[str, Any], report_id: str) -> None:
        kept = {"report_id": report_id, "at": self._clock.now().isoformat()}
        self._store.put("report_asked", _digest(body), kept, scope=seller_id)


def asked(request: Request) -> dict[str, Any]:
    """The body of a request for a report or a schedule.

    Raises:
        Refused: it is no JSON object, or lacks a type or 1 to 25 marketplaces, or its options are no texts.
    """
    try:
        body = posted_json(request)
    except ValueError:
        raise invalid("The body is not JSON.") from None
    if not isinstance(body, dict) or not isinstance(body.get("reportType"), str):
        raise invalid("reportType and marketplaceIds are required.")
    places, options = body.get("marketplaceIds"), body.get("reportOptions", {})
    if not isinstance(places, list) or not 1 <= len(places) <= _MOST_MARKETPLACES or not _are_texts(places):
        raise invalid("marketplaceIds must list 1 to 25 marketplaces.")
    if not isinstance(options, dict) or not _are_texts(options.values()):
        raise invalid("reportOptions must be a map of text to text.")
    return body


def check_type(report_type: str, allowed: tuple[str, ...], caller: Caller) -> None:
    """Raises:
    Refused: a type that cannot be asked for (400), or not by this caller (403).
    """
    if report_type == SETTLEMENT:
        raise invalid("The report type 1118 is not allowed at this time.")
    if report_type in RETIRED:
        raise invalid("The report type is no longer available.")
    if report_type not in allowed:
        raise invalid("Invalid Report Type")
    check_role(report_type, caller)


def _are_texts(values: Any) -> bool:
    return all(isinstance(each, str) and each for each in values)


def _moment(body: dict[str, Any], name: str, default: datetime) -> datetime:
    text = body.get(name)
    if text is None:
        return default
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise Refused(error(400, f"{name} is not a date-time")) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _digest(body: dict[str, Any]) -> str:
    same = {**body, "marketplaceIds": sorted(body["marketplaceIds"])}
    return hashlib.sha256(dumps(dict(sorted(same.items()))).encode()).hexdigest()

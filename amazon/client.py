"""The thin client of Amazon's Selling Partner API: reports, orders, payouts and the seller's marketplaces.

Whatever may pass by itself is a :class:`WaitFor`, which says in how many seconds to come back. Nothing is retried here
except once with a new access token. Source: SP-API models
Orders 2026-01-01, Reports 2021-06-30, Finances v0 and Sellers v1; developer guide, usage plans and errors.
"""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from urllib.parse import quote, urlencode

from amazon.rates import plan
from kit.clock import now
from kit.http import Answer, AnswerLost, ConnectFailed, Http

ENDPOINTS: Final = {
    "NA": "https://sellingpartnerapi-na.amazon.com",
    "EU": "https://sellingpartnerapi-eu.amazon.com",
    "FE": "https://sellingpartnerapi-fe.amazon.com",
}
SETTLEMENT_REPORT: Final = (
    "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"  # the only settlement type left since 2026-11-11
)
REPORTS_PAGE: Final = 100  # Reports 2021-06-30 getReports, pageSize, 1-100
ORDERS_PAGE: Final = 100  # Orders 2026-01-01 searchOrders, maxResultsPerPage, 1-100
GROUPS_PAGE: Final = 100  # Finances v0 listFinancialEventGroups, MaxResultsPerPage, 1-100
# Without BUYER and RECIPIENT (personal data) and TAX (buyers' registrations): bookkeeping needs none of them.
INCLUDED_DATA: Final = "PROCEEDS,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES"
WITH_BUYERS: Final = f"{INCLUDED_DATA},BUYER"  # only for a tenant who asked for it; needs a restricted role
CALL_DEADLINE_S: Final = 30.0
DOWNLOAD_DEADLINE_S: Final = 280.0  # a document's address dies after 300 s
DOWNLOAD_MAX_BYTES: Final = 1 << 30  # never held in memory; the unpacker refuses earlier and says why
PATIENCE_S: Final = (
    5.0  # a wait up to here is slept, unless a caller says otherwise; a longer one goes back to the caller
)
TROUBLE_WAIT_S: Final = 30.0


class AmazonError(Exception):
    """Amazon refused a call. ``request_id`` is what Amazon's support asks for."""

    def __init__(self, text: str, request_id: str = "") -> None:
        super().__init__(text)
        self.request_id = request_id


class WaitFor(AmazonError):
    """Nothing is wrong that time does not mend: come back after ``seconds``."""

    def __init__(self, text: str, seconds: float, request_id: str = "") -> None:
        super().__init__(text, request_id)
        self.seconds = seconds


class Throttled(WaitFor):
    """429: too fast although we paced ourselves (someone else uses the same application for this seller)."""


class ServerTrouble(WaitFor):
    """5xx, no connection, a lost or unreadable answer."""


class Forbidden(AmazonError):
    """401 or 403 with a fresh token: a missing role, another region, or an authorization that ended."""


class NotFound(AmazonError):
    """404."""


class BadRequest(AmazonError):
    """Any other 4xx. The text is Amazon's own and often hides the reason."""


class Conflict(BadRequest):
    """409: what was to be made is there already."""


class DocumentExpired(Exception):
    """The address of a document is dead (five minutes); ask for a new one."""


class Token(Protocol):
    def __call__(self, rejected: str = "") -> str:
        """Return an access token; ``rejected`` is one that Amazon no longer takes."""
        ...


@dataclass(frozen=True, slots=True)
class Participation:
    """One marketplace the seller sells in. ``country`` is ISO 3166 (GB, not UK)."""

    marketplace_id: str
    country: str
    name: str
    currency: str
    store_name: str
    active: bool


@dataclass(frozen=True, slots=True)
class ReportInfo:
    """A report Amazon has produced; ``document_id`` is "" unless ``status`` is DONE (or, rarely, FATAL)."""

    report_id: str
    report_type: str
    status: str
    created_at: datetime
    document_id: str
    marketplace_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Where a report's bytes are for five minutes. ``url`` is a secret: it opens without a token."""

    url: str
    gzipped: bool

    def __repr__(self) -> str:
        return f"Document(gzipped={self.gzipped})"


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """One page of orders as Amazon sent them; ``covered_until`` is the bound up to which the whole walk is complete."""

    orders: tuple[Mapping[str, Any], ...]
    next_token: str
    covered_until: datetime | None


def moment(text: str) -> datetime:
    """Return an ISO 8601 time of the API as an aware UTC instant. Raises ValueError."""
    value = datetime.fromisoformat(text)
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # an hour of the year 1 that is none in UTC
        raise ValueError(f"{text!r} is out of range") from None


def stamp(at: datetime) -> str:
    """Return an instant as the API wants it, in whole milliseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


class Client:
    """One seller's door. ``base`` is the regional endpoint; ``take`` and ``too_fast`` are those of ``amazon.rates.Pacer``."""

    def __init__(
        self,
        http: Http,
        base: str,
        token: Token,
        take: Callable[[str], float],
        sleep: Callable[[float], None] = time.sleep,
        patience_s: float = PATIENCE_S,
        too_fast: Callable[[str], None] = lambda operation: None,
    ) -> None:
        self._patience_s, self._too_fast = patience_s, too_fast
        self._http, self._base, self._token, self._take, self._sleep = http, base.rstrip("/"), token, take, sleep
        self._refreshed = False
        self.clock_skew: timedelta | None = None  # ours minus Amazon's, by the Date of its last answer

    def authorize(self) -> None:
        """Get an access token now. Raises ServerTrouble, and whatever else the token's keeper raises."""
        self._token()

    def marketplace_participations(self) -> list[Participation]:
        answer = self.get("marketplaceParticipations", "/sellers/v1/marketplaceParticipations")
        with reading("marketplaceParticipations"):
            return [_participation(item) for item in answer["payload"]]

    def settlement_reports(self, created_since: datetime) -> Iterator[ReportInfo]:
        """Yield every finished settlement report created since then (Amazon answers at most 90 days back).

        Settlement reports cannot be requested, only found. No marketplace is given: it would not narrow the answer.
        """
        params = {
            "reportTypes": SETTLEMENT_REPORT,
            "processingStatuses": "DONE",
            "pageSize": str(REPORTS_PAGE),
            "createdSince": stamp(created_since),
        }
        seen: set[str] = set()
        while True:
            answer = self.get("getReports", "/reports/2021-06-30/reports", params)
            with reading("getReports"):
                reports = [_report(item) for item in answer["reports"]]
            yield from reports
            token = answer.get("nextToken") or ""
            if not token:
                return
            refuse_loop(token, seen)
            params = {"nextToken": token}  # any other parameter beside the token is a 400

    def report(self, report_id: str) -> ReportInfo:
        answer = self.get("getReport", f"/reports/2021-06-30/reports/{quote(report_id, safe='')}")
        with reading("getReport"):
            return _report(answer)

    def report_document(self, document_id: str) -> Document:
        answer = self.get("getReportDocument", f"/reports/2021-06-30/documents/{quote(document_id, safe='')}")
        with reading("getReportDocument"):
            return Document(answer["url"], (answer.get("compressionAlgorithm") or "").upper() == "GZIP")

    @contextmanager
    def download(self, document: Document) -> Iterator[tuple[str, Iterator[bytes]]]:
        """Yield (content type, chunks) of a document as it comes over the wire, at most ``DOWNLOAD_MAX_BYTES`` of it.

        No token goes along: it can break the address's own signature. Raises DocumentExpired, NotFound, ServerTrouble.
        """
        try:
            with self._http.stream(
                document.url, headers={}, deadline_s=DOWNLOAD_DEADLINE_S, max_bytes=DOWNLOAD_MAX_BYTES
            ) as (answer, chunks):
                if answer.status == 403:
                    raise DocumentExpired
                if answer.status == 404:
                    raise NotFound("the report's document is gone")
                if answer.status != 200:
                    raise ServerTrouble(f"the download answered {answer.status}", TROUBLE_WAIT_S)
                yield answer.headers.get("content-type", ""), chunks
        except (ConnectFailed, AnswerLost) as error:
            raise ServerTrouble(f"the download failed: {error}", TROUBLE_WAIT_S) from error

    def search_orders(
        self, after: datetime, before: datetime, page_token: str = "", *, buyers: bool = False
    ) -> OrdersPage:
        """Return one page of the orders updated within [after, before]; ``before`` must be two minutes old.

        The same bounds have to come with every token of a walk, and a token lives 24 hours. ``buyers`` asks for names and
        e-mails too: Forbidden where the application lacks the restricted role.
        """
        params = {
            "lastUpdatedAfter": stamp(after),
            "lastUpdatedBefore": stamp(before),
            "maxResultsPerPage": str(ORDERS_PAGE),
            "includedData": WITH_BUYERS if buyers else INCLUDED_DATA,
        }
        if page_token:
            params["paginationToken"] = page_token
        answer = self.get("searchOrders", "/orders/2026-01-01/orders", params)
        bound = answer.get("lastUpdatedBefore")
        with reading("searchOrders"):
            return OrdersPage(
                orders=tuple(answer["orders"]),
                next_token=(answer.get("pagination") or {}).get("nextToken") or "",
                covered_until=moment(bound) if bound else None,
            )

    def order(self, order_id: str, *, buyers: bool = False) -> Mapping[str, Any]:
        """Return one order; ``buyers`` as for ``search_orders``."""
        path = f"/orders/2026-01-01/orders/{quote(order_id, safe='')}"
        answer = self.get("getOrder", path, {"includedData": WITH_BUYERS if buyers else INCLUDED_DATA})
        with reading("getOrder"):
            order: Mapping[str, Any] = answer["order"]
        return order

    def event_groups(self, after: datetime, before: datetime) -> Iterator[Mapping[str, Any]]:
        """Yield the financial event groups that opened within [after, before), as Amazon sends them.

        ``before`` must be two minutes old. Bounds more than 180 days apart are answered with nothing.
        """
        params = {
            "FinancialEventGroupStartedAfter": stamp(after),
            "FinancialEventGroupStartedBefore": stamp(before),
            "MaxResultsPerPage": str(GROUPS_PAGE),
        }
        seen: set[str] = set()
        while True:
            answer = self.get("listFinancialEventGroups", "/finances/v0/financialEventGroups", params)
            with reading("listFinancialEventGroups"):
                payload = answer["payload"]
                groups: list[Mapping[str, Any]] = list(payload.get("FinancialEventGroupList") or ())
                token = payload.get("NextToken") or ""
            yield from groups  # an empty page with a token is normal
            if not token:
                return
            refuse_loop(token, seen)
            params = {**params, "NextToken": token}

    def get(self, operation: str, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the JSON object that a read answers with; ``operation`` names its usage plan."""
        return self.call(operation, "GET", path, params)

    def call(
        self,
        operation: str,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Make one call and return the JSON object it answers with; {} where it answers with nothing.

        Raises AmazonError. After ServerTrouble a call that is no GET may have been carried out all the same.
        """
        # Encoded here, because page tokens hold + / = and a literal + would arrive as a blank.
        url = self._base + path + (f"?{urlencode(params, quote_via=quote, safe='')}" if params else "")
        token = self._token()
        answer = self._send(operation, method, url, token, body)
        if answer.status in (401, 403) and self._worth_a_new_token(answer):
            self._refreshed = True
            answer = self._send(operation, method, url, self._token(rejected=token), body)
        if answer.status == 429:
            self._too_fast(operation)
        if not 200 <= answer.status < 300:
            raise _refusal(operation, answer)
        if not answer.body:
            return {}
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ServerTrouble(f"{operation} answered something that is not JSON", TROUBLE_WAIT_S, _request_id(answer))
        return found

    def _send(self, operation: str, method: str, url: str, token: str, body: Mapping[str, Any] | None) -> Answer:
        self._wait_for_turn(operation)
        headers, sent = {"x-amz-access-token": token}, b""
        if body is not None:
            headers["content-type"], sent = "application/json", json.dumps(body).encode()
        try:
            answer = self._http.request(method, url, headers=headers, body=sent, deadline_s=CALL_DEADLINE_S)
        except (ConnectFailed, AnswerLost) as error:
            raise ServerTrouble(f"{operation}: {error}", TROUBLE_WAIT_S) from error
        self.clock_skew = _skew(answer.headers.get("date", ""))
        return answer

    def _wait_for_turn(self, operation: str) -> None:
        patience = self._patience_s
        while (wait := self._take(operation)) > 0:
            if wait > patience:
                raise WaitFor(f"Amazon allows {operation} again in {wait:.0f} s", wait)
            patience -= wait
            self._sleep(wait)

    def _worth_a_new_token(self, answer: Answer) -> bool:
        """An expired token always; otherwise once, because Amazon words a stale token like a missing role."""
        code, text = _fault(answer)
        return code != "MissingAuthenticationToken" and ("expired" in text.lower() or not self._refreshed)


@contextmanager
def reading(operation: str) -> Iterator[None]:
    """Tell an answer of a shape that nobody knows as trouble of the server."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ServerTrouble(f"{operation} answered in an unknown shape: {error!r}", TROUBLE_WAIT_S) from error


def refuse_loop(token: str, seen: set[str]) -> None:
    """Raise ServerTrouble for a page token that came before; else remember it."""
    if token in seen:
        raise ServerTrouble("Amazon sent the same page token twice", TROUBLE_WAIT_S)
    seen.add(token)


def _refusal(operation: str, answer: Answer) -> AmazonError:
    code, text = _fault(answer)
    said, request_id = f"{operation}: {answer.status} {code} {text}".strip(), _request_id(answer)
    if answer.status == 429:
        # Full jitter with a floor; whoever keeps count of failures doubles it.
        pause = random.uniform(0.5, 1.0) / plan(operation).rate_per_s  # noqa: S311 - spreads load, guards nothing
        return Throttled(said, pause, request_id)
    if answer.status >= 500 or answer.status < 400:
        return ServerTrouble(said, TROUBLE_WAIT_S, request_id)
    kinds: Mapping[int, type[AmazonError]] = {401: Forbidden, 403: Forbidden, 404: NotFound, 409: Conflict}
    return kinds.get(answer.status, BadRequest)(said, request_id)


def _fault(answer: Answer) -> tuple[str, str]:
    """Return (code, message and details) of Amazon's error list; ("", "") for a body of another shape."""
    try:
        first = answer.json()["errors"][0]
        return str(first.get("code") or ""), f"{first.get('message') or ''} {first.get('details') or ''}".strip()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return "", ""


def _skew(date: str) -> timedelta | None:
    try:
        return now() - parsedate_to_datetime(date)
    except (ValueError, TypeError):
        return None


def _request_id(answer: Answer) -> str:
    return answer.headers.get("x-amzn-requestid", "")


def _participation(item: Mapping[str, Any]) -> Participation:
    marketplace, state = item["marketplace"], item.get("participation") or {}
    return Participation(
        marketplace_id=marketplace["id"],
        country=marketplace.get("countryCode") or "",
        name=marketplace.get("name") or "",
        currency=marketplace.get("defaultCurrencyCode") or "",
        store_name=item.get("storeName") or "",
        active=bool(state.get("isParticipating")),
    )


def _report(item: Mapping[str, Any]) -> ReportInfo:
    return ReportInfo(
        report_id=item["reportId"],
        report_type=item["reportType"],
        status=item["processingStatus"],
        created_at=moment(item["createdTime"]),
        document_id=item.get("reportDocumentId") or "",
        marketplace_ids=tuple(item.get("marketplaceIds") or ()),
    )

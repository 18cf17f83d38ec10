"""One company's HTTP door: status lines and faults become the port's outcomes, reads are counted.

A write that may have arrived raises Unknown. A read changes nothing, so whatever goes wrong with it is NotSent.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from kit.http import Answer, AnswerLost, ConnectFailed, Http
from ledgers.port import AuthorizationLost, Call, NotSent, Refused, Unknown
from ledgers.quickbooks import errors, wire

READ_DEADLINE_S: Final = 60.0
READ_AGAIN_S: Final = 30.0
PAGE: Final = 1000  # "Data queries": MAXRESULTS at most 1000
_JITTER_S: Final = 15.0

log = logging.getLogger(__name__)

Row = Mapping[str, Any]


class Token(Protocol):
    """Returns an access token. ``rejected`` is one that QuickBooks answered 401 to: it is not returned again."""

    def __call__(self, rejected: str = "") -> str: ...


class ReadRefused(Exception):
    """QuickBooks understood a read and refused it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused


class Remote:
    """``base`` ends before ``/v3``; ``meter`` is told the endpoint of each read that QuickBooks may bill."""

    def __init__(self, http: Http, base: str, realm: str, token: Token, meter: Callable[[str], None]) -> None:
        self._http = http
        self._root = f"{base.rstrip('/')}/v3/company/{realm}"
        self._token = token
        self._meter = meter
        self.realm = realm

    def write(self, call: Call, deadline_s: float) -> object:
        """Return the parsed answer of a call: documents, or a fault that proves a refusal.

        Raises:
            NotSent, AuthorizationLost, Unknown.
        """
        answer = self._exchange(call.method, call.path, call.query, call.body, deadline_s)
        parsed = self._parsed(answer)
        if answer.status >= 500:
            raise Unknown(f"QuickBooks had an error of its own (HTTP {answer.status})")
        if answer.status != 200 and not errors.faults(parsed):
            raise Unknown(f"QuickBooks answered HTTP {answer.status} without saying what became of the document")
        return parsed

    def query(self, statement: str) -> list[Row]:
        """Return the rows of one page. Raises NotSent, AuthorizationLost, ReadRefused."""
        parsed = self._read("GET", "/query", {"query": statement}, b"")
        self._meter("query")
        return _rows(parsed)

    def queries(self, statements: Sequence[str]) -> list[list[Row] | Refused]:
        """Return the rows of several statements in one call, a refusal where one statement was refused.

        Raises NotSent, AuthorizationLost, ReadRefused.
        """
        items = [{"bId": str(number), "Query": statement} for number, statement in enumerate(statements)]
        parsed = self._read("POST", "/batch", {}, wire.encode({"BatchItemRequest": items}))
        self._meter("batch")
        answered = {item.get("bId"): item for item in parsed.get("BatchItemResponse", ()) if isinstance(item, Mapping)}
        results: list[list[Row] | Refused] = []
        for item in items:
            part = answered.get(item["bId"])
            if part is None:
                raise NotSent("QuickBooks left a look-up unanswered", READ_AGAIN_S)
            try:
                found = errors.faults(part)
                results.append(errors.refused(found, item=True) if found else _rows(part))
            except Unknown as error:
                raise NotSent(str(error), READ_AGAIN_S) from error
        return results

    def pages(self, select: str, start: int = 1) -> list[Row]:
        """Return every row from position ``start`` on, ordered by id: deep paging is unstable otherwise."""
        rows: list[Row] = []
        while True:
            page = self.query(f"{select} ORDERBY Id STARTPOSITION {start + len(rows)} MAXRESULTS {PAGE}")
            rows += page
            if len(page) < PAGE:
                return rows

    def get(self, entity: str, external_id: str) -> Row | None:
        """Return one object, None where it is gone. Raises NotSent, AuthorizationLost, ReadRefused."""
        try:
            parsed = self._read("GET", f"/{entity.lower()}/{external_id}", {}, b"")
        except ReadRefused as error:
            if error.refused.code == "610":
                return None
            raise
        self._meter(entity.lower())
        row = parsed.get(entity)
        if not isinstance(row, Mapping):
            raise NotSent(f"QuickBooks answered without the {entity}", READ_AGAIN_S)
        return row

    def changed(self, entities: Sequence[str], since: datetime) -> Row:
        """Return what changed at ``since`` or later: ``QueryResponse``, a list with a part for each entity, and the
        ``time`` of the answer. Raises NotSent, AuthorizationLost, ReadRefused."""
        # With an offset: a bare time is read as Pacific.
        query = {"entities": ",".join(entities), "changedSince": since.isoformat(timespec="seconds")}
        parsed = self._read("GET", "/cdc", query, b"")
        self._meter("cdc")
        listed = parsed.get("CDCResponse")
        inner = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else {}
        _refuse(inner)
        parts = inner.get("QueryResponse")
        if not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
            raise NotSent("QuickBooks answered without saying what changed", READ_AGAIN_S)
        return {"QueryResponse": parts, "time": parsed.get("time")}

    def _read(self, method: str, path: str, query: Mapping[str, str], body: bytes) -> Row:
        try:
            params = {**query, "minorversion": wire.MINOR_VERSION}
            answer = self._exchange(method, path, params, body, READ_DEADLINE_S)
            parsed = self._parsed(answer)
        except Unknown as error:
            raise NotSent(str(error), READ_AGAIN_S) from error
        _refuse(parsed)
        if answer.status != 200 or not isinstance(parsed, Mapping):
            raise NotSent(f"QuickBooks did not answer a look-up (HTTP {answer.status})", READ_AGAIN_S)
        return parsed

    def _exchange(self, method: str, path: str, query: Mapping[str, str], body: bytes, deadline_s: float) -> Answer:
        """Return the answer of one call; after a 401 the token is renewed once and the call made once more."""
        until = time.monotonic() + deadline_s
        rejected = ""
        for _ in range(2):
            token = self._token(rejected)
            try:
                answer = self._http.request(
                    method,
                    self._root + path,
                    params=query,
                    headers=_headers(token, body),
                    body=body,
                    deadline_s=until - time.monotonic(),
                )
            except ConnectFailed as error:
                raise NotSent("QuickBooks cannot be reached") from error
            except AnswerLost as error:
                raise Unknown("QuickBooks did not answer in full") from error
            # Intuit's support asks for the transaction id of a call.
            log.info("%s %s: %s, intuit_tid %s", method, path, answer.status, answer.headers.get("intuit_tid", "-"))
            if answer.status != 401:
                _refuse_throttled(answer)
                return answer
            rejected = token
        raise AuthorizationLost("QuickBooks does not let us in any more, though the consent was just renewed.")

    @staticmethod
    def _parsed(answer: Answer) -> object:
        try:
            return answer.json()
        except ValueError as error:
            raise Unknown(f"QuickBooks answered HTTP {answer.status} with something that is not JSON") from error


def _headers(token: str, body: bytes) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    return headers | {"Content-Type": "application/json"} if body else headers


def _refuse(answer: object) -> None:
    """Raise ReadRefused for a fault in what a read answered; NotSent for one that proves nothing."""
    if found := errors.faults(answer):
        try:
            refused = errors.refused(found)
        except Unknown as error:
            raise NotSent(str(error), READ_AGAIN_S) from error
        raise ReadRefused(refused)


def _refuse_throttled(answer: Answer) -> None:
    """Raise NotSent for 429, whatever its body, and for 403 with the throttle's code as older answers had it."""
    if answer.status not in (403, 429):
        return
    if answer.status == 403:
        try:
            found = errors.faults(answer.json())
        except ValueError:
            return
        if not any(fault.code == "3001" for fault in found):
            return
    asked = answer.headers.get("Retry-After", "")
    wait_s = float(asked) if asked.isdigit() else errors.THROTTLE_S
    raise NotSent("QuickBooks asks us to slow down.", wait_s + random.uniform(0, _JITTER_S))  # noqa: S311


def _rows(answer: Row) -> list[Row]:
    """Return the rows of a QueryResponse; an empty page is an empty object, a count one row with ``totalCount``."""
    response = answer.get("QueryResponse")
    if not isinstance(response, Mapping):
        return []
    if "totalCount" in response and len(response) == 1:
        return [response]
    return next((list(rows) for rows in response.values() if isinstance(rows, list)), [])

"""One business's GraphQL door: HTTP, tokens and errors of the whole answer become the port's outcomes, reads are counted.

The body is read whatever the HTTP status says, because top-level errors come with any. A write that may have arrived
raises Unknown. A read changes nothing, so whatever goes wrong with it is NotSent.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from kit.http import Answer, AnswerLost, ConnectFailed, Http
from ledgers import further
from ledgers.port import AuthorizationLost, Call, NotSent, Refused, Unknown
from ledgers.wave import errors, operations, wire

READ_DEADLINE_S: Final = 60.0
READ_AGAIN_S: Final = 30.0
LONGEST_REST_S: Final = 3600.0  # who is to wait that long has not just been too fast
_JITTER_S: Final = 15.0
_LOCKED_OUT: Final = (
    "Wave does not let us in. Either the person who connected it lost access, or something that we ask for was not agreed "
    "to, or the business is not on Wave Pro: only those, and those of a Wave advisor, can be connected."
)

log = logging.getLogger(__name__)

Row = Mapping[str, Any]


class Token(Protocol):
    """Returns an access token. ``rejected`` is one that Wave did not accept: it is not returned again."""

    def __call__(self, rejected: str = "") -> str: ...


class ReadRefused(Exception):
    """Wave understood a read and refused it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused


class Remote:
    """``base`` ends before ``/graphql``; ``business_id`` is "" before it is known which business it is.

    ``meter`` is told the operation of each read, ``count`` of every call. At least ``pause_s`` pass between two calls of one
    client: Wave counts about 60 in a minute.
    """

    def __init__(
        self,
        http: Http,
        base: str,
        business_id: str,
        token: Token,
        meter: Callable[[str], None],
        count: Callable[[], None],
        pause_s: float,
    ) -> None:
        self._http = http
        self._url = base.rstrip("/") + wire.PATH
        self._token = token
        self._meter = meter
        self._count = count
        self._pause_s = pause_s
        self._free_at = 0.0
        self.business_id = business_id

    def write(self, call: Call, deadline_s: float) -> Row:
        """Return the parsed answer of a call. Raises NotSent, AuthorizationLost, Unknown."""
        return self._exchange(call.body, deadline_s, writes=True)

    def ask(self, operation: str, **variables: object) -> Row:
        """Return the ``data`` of a read, in which what does not exist is null.

        Raises:
            NotSent, AuthorizationLost, ReadRefused.
        """
        request = {
            "operationName": operation,
            "query": operations.QUERIES[operation],
            "variables": {name: value for name, value in variables.items() if value is not None},
        }
        further.request()
        try:
            answer = self._exchange(wire.encode(request), READ_DEADLINE_S, writes=False)
            self._meter(operation)
            found = [fault for fault in errors.faults(answer) if fault.code != errors.NOT_FOUND]
            if found:
                raise ReadRefused(errors.refused(found, takes_back=False))
        except Unknown as error:
            raise NotSent(str(error), READ_AGAIN_S) from error
        data = answer.get("data")
        return data if isinstance(data, Mapping) else {}

    def business(self, operation: str, **variables: object) -> Row:
        """Return the business of an answer, with what was asked of it; what does not exist in it is null.

        Raises:
            AuthorizationLost: also where the token does not open this business.
            NotSent, ReadRefused.
        """
        row = self.ask(operation, businessId=self.business_id, **variables).get("business")
        if not isinstance(row, Mapping):
            raise AuthorizationLost("The authorisation does not open this Wave business any more.")
        if row.get("id", self.business_id) != self.business_id:
            raise AuthorizationLost("The authorisation opens another Wave business than this one.")
        return row

    def pages(self, operation: str, listed: str, **variables: object) -> list[Row]:
        """Return every row of a list of the business, each once. Raises NotSent, AuthorizationLost, ReadRefused."""
        rows: dict[str, Row] = {}
        page = 1
        while True:
            connection = self.business(operation, page=page, pageSize=operations.PAGE_SIZE, **variables).get(listed)
            if not isinstance(connection, Mapping):
                raise NotSent(f"Wave answered without the {listed}", READ_AGAIN_S)
            # Pages are no snapshot: what moved to the next one meanwhile comes twice.
            rows |= {str(row.get("id")): row for row in wire.rows_of(connection)}
            if is_last(connection, page):
                return list(rows.values())
            page += 1

    def _exchange(self, body: bytes, deadline_s: float, *, writes: bool) -> Row:
        """Return the answer of one call; where the token is not accepted it is renewed once and the call made once more."""
        until = time.monotonic() + deadline_s
        rejected = ""
        for _ in range(2):
            token = self._token(rejected)
            self._keep_pace()
            answer = self._request(token, body, until - time.monotonic())
            parsed = _parsed(answer)
            if not errors.is_unauthenticated(answer.status, parsed, writes=writes):
                return _said(answer, parsed)
            rejected = token
        raise AuthorizationLost(_LOCKED_OUT)

    def _request(self, token: str, body: bytes, deadline_s: float) -> Answer:
        if deadline_s <= 0:
            raise NotSent("There was no time left to ask Wave")
        self._count()
        try:
            return self._http.request(
                "POST",
                self._url,
                headers={
                    "Authorization": f"Bearer {token}",
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                },
                body=body,
                deadline_s=deadline_s,
            )
        except ConnectFailed as error:
            raise NotSent("Wave cannot be reached") from error
        except AnswerLost as error:
            raise Unknown("Wave did not answer in full") from error

    def _keep_pace(self) -> None:
        wait_s = self._free_at - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        self._free_at = time.monotonic() + self._pause_s


def is_last(connection: Row, page: int) -> bool:
    """Tell whether a page of a list is the last one; how many there are may not be said."""
    total = (connection.get("pageInfo") or {}).get("totalPages")
    size = len(connection.get("edges") or ())
    return not size or (page >= total if isinstance(total, int) else size < operations.PAGE_SIZE)


def _parsed(answer: Answer) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


def _said(answer: Answer, parsed: object) -> Row:
    """Return what was answered where it is an answer of Wave's. Raises NotSent where we were too fast, Unknown."""
    if answer.status == 429:
        asked = answer.headers.get("Retry-After", "")
        asked_s = float(asked) if asked.isdecimal() else errors.THROTTLE_S
        text = (
            "The calls that Wave allows this site in a day are used up."
            if asked_s >= LONGEST_REST_S
            else "Wave asks us to slow down."
        )
        raise NotSent(text, min(asked_s, LONGEST_REST_S) + random.uniform(0, _JITTER_S))  # noqa: S311
    if not isinstance(parsed, Mapping) or not parsed.keys() & {"data", "errors"}:
        raise Unknown(f"Wave answered HTTP {answer.status} with something else than a result")
    codes = [fault.code for fault in errors.faults(parsed)]
    log.info("HTTP %s, errors: %s", answer.status, ", ".join(codes) or "none")
    return parsed

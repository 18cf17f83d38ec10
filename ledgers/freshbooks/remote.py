"""One business's HTTP door: status lines and errors become the port's outcomes, requests keep their distance.

A write that may have arrived raises Unknown. A read changes nothing, so whatever goes wrong with it is NotSent. No
answer is logged: who connected is told with a credential.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from kit import clock
from kit.http import Answer, AnswerLost, ConnectFailed, Http
from ledgers.freshbooks import errors, wire
from ledgers.freshbooks.wire import Row
from ledgers.port import AuthorizationLost, NotSent, Refused, Unknown

READ_DEADLINE_S: Final = 60.0
READ_AGAIN_S: Final = 30.0
LONGEST_REST_S: Final = 3600.0
_JITTER_S: Final = 5.0
_ME: Final = "/auth/api/v1/users/me"

log = logging.getLogger(__name__)

Pairs = Sequence[tuple[str, str]]


class Token(Protocol):
    """Returns an access token. ``rejected`` is one that FreshBooks answered 401 to: it is not returned again."""

    def __call__(self, rejected: str = "") -> str: ...


class RemoteRefused(Exception):
    """FreshBooks understood a request and refused it."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.text)
        self.refused = refused


class Remote:
    """``base`` ends before ``/accounting``; ``meter`` is told the kind of each read. ``pause_s`` is the shortest time from
    one request to the next of this object: the limits of FreshBooks are not published, and some calls need several."""

    def __init__(
        self, http: Http, base: str, token: Token, meter: Callable[[str], None], *, pause_s: float = 0.0
    ) -> None:
        self._http = http
        self._root = base.rstrip("/")
        self._token = token
        self._meter = meter
        self._pause_s = pause_s
        self._asked_at: float | None = None
        self.until: float | None = None  # by the monotonic clock; reads that go with a write end with it

    def write(self, method: str, path: str, query: Mapping[str, str], body: bytes, deadline_s: float) -> Row:
        """Return the parsed answer of a write.

        Raises:
            RemoteRefused: nothing was kept. NotSent, AuthorizationLost, Unknown.
        """
        answer = self._exchange(method, path, list(query.items()), body, deadline_s)
        parsed = self._parsed(answer)
        if answer.status >= 500:
            raise Unknown(f"FreshBooks had an error of its own (HTTP {answer.status})")
        if found := errors.faults(parsed, answer.status):
            raise RemoteRefused(errors.refused(found))
        if answer.status not in (200, 201) or not isinstance(parsed, Mapping):
            raise Unknown(f"FreshBooks answered HTTP {answer.status} without saying what became of the document")
        return parsed

    def me(self) -> Row:
        """Return who connected, with the businesses they may open. Raises NotSent, AuthorizationLost, RemoteRefused."""
        found = self._read(_ME, ()).get("response")
        self._meter("me")
        if not isinstance(found, Mapping):
            raise NotSent("FreshBooks answered without saying who connected", READ_AGAIN_S)
        return found

    def get(self, path: str, name: str, query: Pairs = ()) -> Row | None:
        """Return one object, None where it never was; a deleted one is still answered.

        Raises NotSent, AuthorizationLost, RemoteRefused."""
        try:
            parsed = self._read(path, query)
        except RemoteRefused as error:
            if errors.is_gone(error.refused):
                return None
            raise
        self._meter(name)
        row = result_of(parsed).get(name)
        if not isinstance(row, Mapping):
            raise NotSent(f"FreshBooks answered without the {name}", READ_AGAIN_S)
        return row

    def pages(self, path: str, plural: str, query: Pairs = (), *, most: int | None = None) -> list[Row]:
        """Return every row of a list, or of its first ``most`` pages.

        Filters that FreshBooks does not know are ignored without a word: whoever asks compares again. A list that changed
        while it was read is read once more.

        Raises NotSent, AuthorizationLost, RemoteRefused.
        """
        for _ in range(2):
            rows, total = self._pages(path, plural, query, most)
            if most is not None or len(rows) >= total:
                return rows
        raise NotSent("A list of FreshBooks changes faster than it can be read", READ_AGAIN_S)

    def total(self, path: str, query: Pairs = ()) -> int:
        """Return how many rows a list has. Raises NotSent, AuthorizationLost, RemoteRefused."""
        found = result_of(self._read(path, [*query, ("page", "1"), ("per_page", "1")])).get("total")
        self._meter("total")
        return found if isinstance(found, int) else 0

    def ledger_accounts(self, path: str) -> list[Row]:
        """Return every ledger account, with those that are answered below another: this list has no pages.

        Raises NotSent, AuthorizationLost, RemoteRefused.
        """
        found = self._read(path, ()).get("data")
        self._meter("ledger_accounts")
        if not isinstance(found, list):
            raise NotSent("FreshBooks answered without its ledger accounts", READ_AGAIN_S)
        return list(_with_those_below(found).values())

    def _pages(self, path: str, plural: str, query: Pairs, most: int | None) -> tuple[list[Row], int]:
        rows: dict[str, Row] = {}
        page, total = 0, 0
        while True:
            page += 1
            result = result_of(self._read(path, [*query, ("page", str(page)), ("per_page", str(wire.PAGE))]))
            self._meter(plural)
            listed = result.get(plural)
            if not isinstance(listed, list):
                raise NotSent(f"FreshBooks answered without the {plural}", READ_AGAIN_S)
            known = len(rows)
            for row in listed:
                rows.setdefault(str(row.get("detailid") or row.get("id") or len(rows)), row)
            total = result["total"] if isinstance(result.get("total"), int) else len(rows)
            # 0 where the list is empty. A list that does not say how many there are ends with a page that brings nothing.
            pages = result["pages"] if isinstance(result.get("pages"), int) else page + (len(rows) > known)
            if page >= pages or page == most or not listed:
                return list(rows.values()), total

    def _read(self, path: str, query: Pairs) -> Row:
        try:
            left_s = READ_DEADLINE_S if self.until is None else min(READ_DEADLINE_S, self.until - time.monotonic())
            answer = self._exchange("GET", path, query, b"", left_s)
            if answer.status >= 500:
                raise NotSent(f"FreshBooks did not answer a look-up (HTTP {answer.status})", READ_AGAIN_S)
            parsed = self._parsed(answer)
            if found := errors.faults(parsed, answer.status):
                raise RemoteRefused(errors.refused(found))
        except Unknown as error:
            raise NotSent(str(error), READ_AGAIN_S) from error
        if answer.status != 200 or not isinstance(parsed, Mapping):
            raise NotSent(f"FreshBooks did not answer a look-up (HTTP {answer.status})", READ_AGAIN_S)
        return parsed

    def _exchange(self, method: str, path: str, query: Pairs, body: bytes, deadline_s: float) -> Answer:
        """Return the answer of one request; after a 401 the token is renewed once and the request made once more."""
        until = time.monotonic() + deadline_s
        # A name may come several times in a query, which a mapping cannot say.
        url = f"{self._root}{path}{'?' if query else ''}{urlencode(query)}"
        rejected = ""
        for _ in range(2):
            token = self._token(rejected)
            self._keep_distance()
            try:
                answer = self._http.request(
                    method, url, headers=_headers(token, body), body=body, deadline_s=until - time.monotonic()
                )
            except ConnectFailed as error:
                raise NotSent("FreshBooks cannot be reached") from error
            except AnswerLost as error:
                raise Unknown("FreshBooks did not answer in full") from error
            log.info("%s %s: %s", method, path, answer.status)
            if answer.status != 401:
                _refuse_throttled(answer)
                return answer
            rejected = token
        raise AuthorizationLost("FreshBooks does not let us in any more, though the consent was just renewed.")

    def _keep_distance(self) -> None:
        now = time.monotonic()
        if self._asked_at is not None and (wait_s := self._asked_at + self._pause_s - now) > 0:
            time.sleep(wait_s)
            now += wait_s
        self._asked_at = now

    @staticmethod
    def _parsed(answer: Answer) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise Unknown(f"FreshBooks answered HTTP {answer.status} with something that is not JSON") from error


def result_of(parsed: Row) -> Row:
    """Return what an accounting answer carries."""
    response = parsed.get("response")
    result = response.get("result") if isinstance(response, Mapping) else None
    return result if isinstance(result, Mapping) else {}


def _with_those_below(found: Iterable[Any], parent: str | None = None) -> dict[str, Row]:
    """Return accounts by uuid, each once and with its parent, whether the list is flat, nested or both."""
    rows: dict[str, Row] = {}
    for row in found:
        if isinstance(row, Mapping):
            uuid = str(row.get("uuid"))
            rows.setdefault(uuid, row if row.get("parent_account") else {**row, "parent_account": parent})
            rows |= _with_those_below(row.get("sub_accounts") or (), uuid)
    return rows


def _headers(token: str, body: bytes) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "X-API-VERSION": wire.API_VERSION}
    return headers | {"Content-Type": "application/json"} if body else headers


def _refuse_throttled(answer: Answer) -> None:
    if answer.status == 429:
        wait_s = min(_retry_after_s(answer.headers.get("Retry-After", "")), LONGEST_REST_S)
        raise NotSent("FreshBooks asks us to slow down.", wait_s + random.uniform(0, _JITTER_S))  # noqa: S311


def _retry_after_s(asked: str) -> float:
    """Return the seconds of a Retry-After header, which may be seconds or a date."""
    if asked.isdigit():
        return float(asked)
    try:
        at = parsedate_to_datetime(asked)
    except ValueError:
        return errors.THROTTLE_S
    return max(((at if at.tzinfo else at.replace(tzinfo=UTC)) - clock.now()).total_seconds(), 1.0)

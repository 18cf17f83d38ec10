"""One organization's HTTP door: status lines and codes become the port's outcomes, the daily quota is reported.

A write that may have arrived raises Unknown. A read changes nothing, so whatever goes wrong with it is NotSent.
"""

import copy
import logging
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from kit import clock
from kit.http import Answer, AnswerLost, ConnectFailed, Http
from ledgers.error_rules import Rule
from ledgers.port import AuthorizationLost, NotSent, Refused, Unknown
from ledgers.zoho import errors, wire

READ_DEADLINE_S: Final = 60.0
READ_AGAIN_S: Final = 30.0
PAGE: Final = 200  # the most that per_page takes
_PAGES: Final = 250
_JITTER_S: Final = 5.0
_MIDNIGHT_MARGIN_S: Final = 60.0
_LONGEST_DAY_S: Final = 25 * 3600  # to midnight in the organization's zone, over the end of summer time

log = logging.getLogger(__name__)

Row = Mapping[str, Any]


class Token(Protocol):
    """Returns an access token. ``rejected`` is one that Zoho refused: it is not returned again."""

    def __call__(self, rejected: str = "") -> str: ...


class Quota(Protocol):
    """Told after every answer that says so: the day's limit of calls, how many are left, and in how many seconds the day of
    the organization ends."""

    def __call__(self, limit: int, remaining: int, resets_s: int) -> None: ...


class RightMissing(AuthorizationLost):
    """The token is good, but the person or the consent lacks a right: connecting anew with more of them helps."""


class Declined(Exception):
    """A parsed answer that is no success: for a write it proves that nothing was kept."""

    def __init__(self, answer: Row) -> None:
        super().__init__(errors.message_of(answer))
        self.answer = answer
        self.code = errors.code_of(answer)

    def refused(self, rule: Rule | None = None) -> Refused:
        """Raises AuthorizationLost, Unknown."""
        return errors.refused(self.answer, rule=rule)


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    parsed: object


def no_quota(limit: int, remaining: int, resets_s: int) -> None:
    """Nobody wants to know."""


class Remote:
    """``base`` ends before ``/books``; ``time_zone`` is the organization's, in which its quota's day ends."""

    def __init__(
        self,
        http: Http,
        base: str,
        organization: str,
        token: Token,
        *,
        quota: Quota = no_quota,
        time_zone: str = "",
    ) -> None:
        self._http = http
        self._root = f"{base.rstrip('/')}/books/v3"
        self._token, self._quota, self._time_zone = token, quota, time_zone
        self._until = math.inf
        self.organization = organization

    def within(self, until: float) -> "Remote":
        """Return the same door for a call that has to end at this moment of the monotonic clock, its reads as well."""
        bounded = copy.copy(self)
        bounded._until = until
        return bounded

    def write(self, method: str, path: str, query: Mapping[str, str], body: bytes, deadline_s: float) -> Row:
        """Return the parsed answer of a success.

        Raises:
            Declined: nothing was kept. NotSent, AuthorizationLost, Unknown.
        """
        reply = self._exchange(method, path, query, body, deadline_s)
        code = errors.code_of(reply.parsed)
        if not isinstance(reply.parsed, Mapping) or not code:
            raise Unknown(f"Zoho Books answered HTTP {reply.status} without saying what became of the document")
        if reply.status >= 500:
            raise Unknown(f"Zoho Books had an error of its own (HTTP {reply.status}, code {code})")
        if code == errors.OK and 200 <= reply.status < 300:
            return reply.parsed
        if code == errors.OK:
            raise Unknown(f"Zoho Books answered HTTP {reply.status} and success at once")
        raise _declined(reply.parsed)

    def get(self, path: str, query: Mapping[str, str] | None = None, *, scoped: bool = True) -> Row:
        """Return the parsed answer of a read. Raises NotSent, AuthorizationLost, Declined."""
        try:
            reply = self._exchange("GET", path, query or {}, b"", READ_DEADLINE_S, scoped=scoped)
        except Unknown as error:
            raise NotSent(str(error), READ_AGAIN_S) from error
        code = errors.code_of(reply.parsed)
        if reply.status >= 500 or not code or not isinstance(reply.parsed, Mapping):
            raise NotSent(f"Zoho Books did not answer a look-up (HTTP {reply.status})", READ_AGAIN_S)
        if code != errors.OK:
            raise _declined(reply.parsed)
        return reply.parsed

    def one(self, path: str, key: str, external_id: str) -> Row | None:
        """Return one object, None where it is gone. Raises NotSent, AuthorizationLost, Declined."""
        try:
            row = self.get(f"{path}/{external_id}").get(key)
        except Declined as error:
            if error.code == errors.GONE:
                return None
            raise
        if not isinstance(row, Mapping):
            raise NotSent(f"Zoho Books answered without the {key}", READ_AGAIN_S)
        return row

    def pages(
        self, path: str, keys: tuple[str, ...], query: Mapping[str, str] | None = None, *, most: int = _PAGES
    ) -> tuple[list[Row], bool]:
        """Return the rows of a list, and whether that is all of them: at most ``most`` pages are read.

        ``keys`` are the names the rows may go by. Raises NotSent, AuthorizationLost, Declined.
        """
        rows: list[Row] = []
        for page in range(1, most + 1):
            answer = self.get(path, {**(query or {}), "page": str(page), "per_page": str(PAGE)})
            rows += next((wire.rows(answer[key]) for key in keys if key in answer), [])
            context = answer.get("page_context")
            context = context[0] if isinstance(context, list) and context else context
            if not isinstance(context, Mapping) or context.get("has_more_page") is not True:
                return rows, True
        return rows, False

    def organizations(self) -> list[Row]:
        """Return the organizations this person sees; the one call that belongs to none of them. Raises as ``get``."""
        return wire.rows(self.get("/organizations", scoped=False).get("organizations"))

    def _exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        deadline_s: float,
        *,
        scoped: bool = True,
    ) -> _Reply:
        """Return the answer of one call; a refused token is renewed once and the call made once more."""
        until = time.monotonic() + deadline_s
        rejected = ""
        for _ in range(2):
            token = self._token(rejected)
            reply = self._ask(method, path, query, body, token, until - time.monotonic(), scoped=scoped)
            if not _unauthorized(reply):
                return reply
            rejected = token
        raise self._lost(rejected)

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes,
        token: str,
        deadline_s: float,
        *,
        scoped: bool,
    ) -> _Reply:
        left_s = min(deadline_s, self._until - time.monotonic())
        if left_s <= 0:
            raise NotSent("No time was left to ask Zoho Books", READ_AGAIN_S)
        try:
            answer = self._http.request(
                method,
                self._root + path,
                params={**query, "organization_id": self.organization} if scoped else query,
                headers=_headers(token, body),
                body=body,
                deadline_s=left_s,
            )
        except ConnectFailed as error:
            raise NotSent("Zoho Books cannot be reached") from error
        except AnswerLost as error:
            raise Unknown("Zoho Books did not answer in full") from error
        if scoped:
            self._report(answer)
        try:
            parsed = answer.json()
        except ValueError:
            parsed = None
        self._refuse_throttled(answer, errors.code_of(parsed))
        return _Reply(answer.status, parsed)

    def _lost(self, token: str) -> Exception:
        """Say why a token that was just renewed is refused: what it opens is asked without an organization."""
        try:
            reply = self._ask("GET", "/organizations", {}, b"", token, READ_DEADLINE_S, scoped=False)
        except (NotSent, Unknown) as error:
            return NotSent(str(error), READ_AGAIN_S)
        if _unauthorized(reply) or errors.code_of(reply.parsed) != errors.OK or not isinstance(reply.parsed, Mapping):
            return AuthorizationLost("Zoho Books does not let us in any more, though the consent was just renewed.")
        seen = wire.rows(reply.parsed.get("organizations"))
        if self.organization and self.organization not in {wire.text(each.get("organization_id")) for each in seen}:
            return AuthorizationLost(
                "The person who connected Zoho Books does not belong to this organization any more."
            )
        return RightMissing(
            "The person who connected Zoho Books may not do this, or did not agree to all of it. Connect again as an "
            "administrator and leave every right ticked."
        )

    def _report(self, answer: Answer) -> None:
        said = [answer.headers.get(f"x-rate-limit-{name}", "") for name in ("limit", "remaining", "reset")]
        if all(each.isdecimal() for each in said):
            limit, remaining, reset_s = (int(each) for each in said)
            self._quota(limit, remaining, min(reset_s, _LONGEST_DAY_S))

    def _refuse_throttled(self, answer: Answer, code: str) -> None:
        """Raise NotSent for a throttle: by its code whatever the status, else for any other 429."""
        if code not in errors.THROTTLES and answer.status != 429:
            return
        asked = answer.headers.get("Retry-After", "")
        jitter = random.random()  # noqa: S311  # jitter, not a secret
        if code == errors.PER_DAY:
            raise NotSent("The day's calls of this Zoho Books organization are used up.", self._until_midnight(answer))
        if code == errors.CONCURRENT:
            raise NotSent(
                "Zoho Books is busy with other calls of this organization.", errors.CONCURRENT_S * (1 + jitter)
            )
        least_s = errors.BLOCK_S if code == errors.BLOCKED else errors.MINUTE_S
        wait_s = min(float(asked), errors.BLOCK_S) if asked.isdecimal() else least_s
        if code == errors.PER_MINUTE:
            wait_s = max(wait_s, least_s)
        raise NotSent("Zoho Books asks us to slow down.", wait_s + _JITTER_S * jitter)

    def _until_midnight(self, answer: Answer) -> float:
        """Return the seconds until the organization's day ends: as Zoho says, else by its time zone, else an hour."""
        if (said := answer.headers.get("x-rate-limit-reset", "")).isdecimal() and int(said):
            return min(int(said), _LONGEST_DAY_S) + _MIDNIGHT_MARGIN_S
        try:
            here = clock.now().astimezone(ZoneInfo(self._time_zone))
        except (KeyError, ValueError, OSError):
            return errors.BLOCK_S
        midnight = datetime.combine(here.date() + timedelta(days=1), datetime.min.time(), tzinfo=here.tzinfo)
        return (midnight - here).total_seconds() + _MIDNIGHT_MARGIN_S


def _declined(answer: Row) -> Declined | AuthorizationLost:
    """Return what a refusal is raised as: nothing else is asked of an organization that this person does not belong to."""
    lost = errors.lost(errors.code_of(answer))
    return AuthorizationLost(lost) if lost else Declined(answer)


def _headers(token: str, body: bytes) -> dict[str, str]:
    headers = {"Authorization": f"Zoho-oauthtoken {token}", "Accept": "application/json"}
    return headers | {"Content-Type": "application/json"} if body else headers


def _unauthorized(reply: _Reply) -> bool:
    code = errors.code_of(reply.parsed)
    return code in errors.UNAUTHORIZED or (reply.status == 401 and code not in errors.TABLE)

"""Outgoing HTTP with one total deadline, and a strict line between "nothing was sent" and "the answer was lost".

``requests`` bounds each read, not their sum, so a server that trickles a byte now and then holds a worker for ever.
Here every read and write of the socket gets what is left of the deadline (``_wire``). Name resolution and connecting
are bounded by the resolver and ``CONNECT_S`` per address; what remains is checked before the first byte goes out.

TLS is always verified, redirects are not followed, cookies are not kept (one process serves many tenants), and neither
query strings, bodies nor headers are logged or named in an error.
"""

import json
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict

from kit import _mounted, _wire

CONNECT_S = 10.0
CHUNK = 64 * 1024
MAX_BYTES = 32 * 1024 * 1024

mount = _mounted.mount
unmount = _mounted.unmount

_UNKEPT: Final = re.compile(rb"\\u(?:0000|d[89a-f])|\xed[\xa0-\xbf]", re.IGNORECASE)

log = logging.getLogger(__name__)
# urllib3 writes whole URLs, query strings included, at DEBUG.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class HttpError(Exception):
    """No usable answer. The text names the method, host and cause, never a query string."""


class ConnectFailed(HttpError):
    """Not a byte of the request went out: refused, no such name, no TLS, no time left. Safe to send again."""


class AnswerLost(HttpError):
    """The request may have reached the server: timed out, reset, cut short or too large. The outcome is unknown."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: CaseInsensitiveDict[str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body, fractions as ``Decimal``, texts without what no database keeps: zero bytes, and halves of
        a sign such as a title that was cut within an emoji ends in.

        Raises:
            ValueError: the body is not JSON (an HTML error page, a cut text, NaN), or is nested too deeply.
        """
        try:
            found = json.loads(self.body, parse_float=Decimal, parse_constant=_refuse_constant)
            return _kept(found) if _UNKEPT.search(self.body) else found
        except RecursionError:
            raise ValueError("the answer is nested too deeply") from None


class Http:
    """One thread-safe client; connections are pooled per thread and reused for a few seconds."""

    def __init__(self, user_agent: str) -> None:
        self.user_agent = user_agent
        self._local = threading.local()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        deadline_s: float,
        max_bytes: int = MAX_BYTES,
    ) -> Answer:
        """Perform one call and return its whole answer, whatever the status.

        Raises:
            ConnectFailed: nothing was sent.
            AnswerLost: the request may have arrived; also when the answer is larger than ``max_bytes``.
        """
        with self._open(method, url, params, headers, body, deadline_s) as exchange:
            content = b"".join(exchange.chunks(max_bytes))
            return exchange.answer(content)

    @contextmanager
    def stream(
        self, url: str, *, headers: Mapping[str, str] | None = None, deadline_s: float, max_bytes: int
    ) -> Iterator[tuple[Answer, Iterator[bytes]]]:
        """GET a large body: yield the answer with an empty body, and its chunks of at most 64 KiB.

        The chunks raise ``AnswerLost`` when the body is cut short, stalls past the deadline or exceeds ``max_bytes``.
        """
        with self._open("GET", url, None, headers, b"", deadline_s) as exchange:
            yield exchange.answer(b""), exchange.chunks(max_bytes)

    @contextmanager
    def _open(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: bytes,
        deadline_s: float,
    ) -> Iterator["_Exchange"]:
        session = self._session()
        request = session.prepare_request(
            # The empty auth keeps a .netrc of the machine from replacing our Authorization header.
            requests.Request(method, url, params=params, headers=dict(headers or {}), data=body or None, auth=_no_auth)
        )
        exchange = _Exchange(session, request, deadline_s)
        try:
            exchange.send()
            yield exchange
        finally:
            exchange.close()

    def _session(self) -> requests.Session:
        # A forked child must not share its parent's sockets, hence the process id.
        key = os.getpid()
        if getattr(self._local, "owner", None) != key:
            self._local.owner, self._local.session = key, _Session(self.user_agent)
        session: requests.Session = self._local.session
        return session


class _Exchange:
    """One request and its answer, under one deadline."""

    def __init__(self, session: requests.Session, request: requests.PreparedRequest, deadline_s: float) -> None:
        self.session, self.request, self.deadline_s = session, request, deadline_s
        self.call = _wire.Call(time.monotonic() + deadline_s)
        self.started = time.monotonic()
        self.response: requests.Response | None = None
        parts = urlsplit(request.url or "")
        self.label = f"{request.method} {parts.netloc.rpartition('@')[2]}"
        self.path = parts.path

    def send(self) -> None:
        settings = self.session.merge_environment_settings(self.request.url or "", {}, True, None, None)
        failure: HttpError | None = None
        with _wire.during(self.call):
            try:
                self.response = self.session.send(
                    self.request,
                    allow_redirects=False,
                    timeout=(min(CONNECT_S, self.deadline_s), self.deadline_s),
                    **settings,
                )
            except Exception as error:
                failure = self._failure(error)
                if failure is None:
                    raise
        if failure is not None:  # raised outside the handler: the original's text holds the whole URL
            self._log(type(failure).__name__)
            raise failure
        self._log(str(self._got().status_code))

    def answer(self, content: bytes) -> Answer:
        return Answer(self._got().status_code, self._got().headers, content)

    def chunks(self, max_bytes: int) -> Iterator[bytes]:
        failure: HttpError | None = None
        size = 0
        try:
            for chunk in self._got().iter_content(CHUNK):
                size += len(chunk)
                if size > max_bytes:
                    failure = AnswerLost(f"{self.label}: the answer is larger than {max_bytes} bytes")
                    break
                self.call.remaining()
                yield chunk
        except Exception as error:
            failure = self._failure(error) or AnswerLost(f"{self.label}: {type(error).__name__} while reading")
        if failure is not None:
            raise failure

    def close(self) -> None:
        if self.response is not None:
            self.response.close()

    def _got(self) -> requests.Response:
        assert self.response is not None
        return self.response

    def _failure(self, error: Exception) -> HttpError | None:
        """Return what an error means, or None for one that is a fault of ours."""
        text = f"{self.label}: {_cause(error)}"
        if self.call.sent:
            return AnswerLost(text)
        if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | OSError):
            return ConnectFailed(text)
        return None

    def _log(self, outcome: str) -> None:
        elapsed_ms = round((time.monotonic() - self.started) * 1000)
        log.info("%s%s %s %d ms", self.label, self.path, outcome, elapsed_ms)


class _Session(requests.Session):
    def __init__(self, user_agent: str) -> None:
        super().__init__()
        self.headers["User-Agent"] = user_agent
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", _DeadlineAdapter())
        self.mount("http://", _DeadlineAdapter())

    def get_adapter(self, url: str) -> BaseAdapter:
        app = _mounted.find(url)
        return _mounted.WsgiAdapter(app) if app else super().get_adapter(url)


class _DeadlineAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _wire.POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _wire.POOLS
        return manager


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _kept(found: Any) -> Any:
    if isinstance(found, str):
        return found.replace("\0", "").encode(errors="replace").decode()
    if isinstance(found, list):
        return [_kept(each) for each in found]
    if isinstance(found, dict):
        return {_kept(name): _kept(value) for name, value in found.items()}
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_IN_WORDS: Final[Mapping[type[OSError], str]] = {
    socket.gaierror: "its address cannot be found, or this machine is offline",
    ConnectionRefusedError: "it refuses the connection",
    ConnectionResetError: "it broke off the connection",
}


def _cause(error: BaseException) -> str:
    """Return the innermost cause in words, or as "Type: what the system said"; outer texts repeat the URL with its query."""
    while True:
        reasons = (error.__cause__, getattr(error, "reason", None), *error.args, error.__context__)
        inner = next((reason for reason in reasons if isinstance(reason, BaseException)), None)
        if inner is None:
            break
        error = inner
    said = error.strerror if isinstance(error, OSError) and error.strerror else ""
    words = next((words for kind, words in _IN_WORDS.items() if isinstance(error, kind)), "")
    if words:
        return f"{words} ({said})" if said else words
    return f"{type(error).__name__}: {said}" if said else type(error).__name__

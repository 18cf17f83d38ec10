"""Answers URLs under a prefix from a WSGI application in this process: tests meet the stand-ins without a socket."""

import io
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse

from kit import _wire

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_apps: dict[str, WsgiApp] = {}


def mount(prefix: str, app: WsgiApp) -> None:
    """Answer every URL that starts with ``prefix`` (scheme and host at least) by ``app``; the longest prefix wins.

    The application sees the whole path as PATH_INFO. It runs in the caller's thread. An exception raised by it or by
    its body is a lost answer; ``ConnectionRefusedError`` raised by the application is what it says.
    """
    _apps[prefix.rstrip("/")] = app


def unmount(prefix: str) -> None:
    _apps.pop(prefix.rstrip("/"), None)


def find(url: str) -> WsgiApp | None:
    matching = [prefix for prefix in _apps if url == prefix or url.startswith((f"{prefix}/", f"{prefix}?"))]
    return _apps[max(matching, key=len)] if matching else None


class WsgiAdapter(BaseAdapter):
    def __init__(self, app: WsgiApp) -> None:
        super().__init__()
        self.app = app

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        call = _wire.current()
        call.remaining()
        call.sent = True
        started: list[tuple[str, list[tuple[str, str]]]] = []
        try:
            body = self.app(_environ(request), lambda status, headers, exc_info=None: started.append((status, headers)))
        except ConnectionRefusedError:
            call.sent = False
            raise
        chunks = iter(body)
        first = next(chunks, b"")  # WSGI lets an application start its answer with the first chunk
        status, headers = started[-1]
        call.remaining()
        response = requests.Response()
        response.status_code = int(status.split()[0])
        response.headers = CaseInsensitiveDict(headers)
        response.request, response.url = request, request.url or ""
        response.raw = HTTPResponse(
            _Body(first, chunks, body),
            headers=dict(headers),
            status=response.status_code,
            preload_content=False,
            request_method=request.method,
        )
        return response

    def close(self) -> None:
        pass


class _Body(io.RawIOBase):
    """The application's iterable as a file; closes the iterable, as a server must."""

    def __init__(self, first: bytes, chunks: Iterator[bytes], body: Iterable[bytes]) -> None:
        self._rest, self._chunks, self._body = first, chunks, body

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size or size < 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                size = len(self._rest)
                break
            self._rest += chunk
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None and not self.closed:
            close()
        super().close()


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    parts = urlsplit(request.url or "")
    body = request.body or b""
    data = body.encode() if isinstance(body, str) else bytes(body)
    headers: Mapping[str, str | bytes] = request.headers
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method or "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname or "",
        "SERVER_PORT": str(parts.port or (443 if parts.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc,
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": threading.active_count() > 1,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    return environ

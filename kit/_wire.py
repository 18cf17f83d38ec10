"""Sockets that know the deadline of the call they serve, and whether a byte of its request has gone out."""

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# A server may close an idle connection at the moment we write to it, which would look like a lost answer.
REUSE_S = 4.0


class Call:
    """One request: when it must be over (monotonic seconds), and whether the server may have seen any of it."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.sent = False

    def remaining(self) -> float:
        """Return the seconds left.

        Raises:
            TimeoutError: none are left.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        return left


_call: ContextVar[Call | None] = ContextVar("http_call", default=None)


@contextmanager
def during(call: Call) -> Iterator[None]:
    token = _call.set(call)
    try:
        yield
    finally:
        _call.reset(token)


def current() -> Call:
    call = _call.get()
    if call is None:
        raise RuntimeError("HTTP is spoken through kit.http only")
    return call


class DeadlineSocket:
    """A connected socket whose every read and write gets what is left of its call's deadline.

    A pooled connection serves one call after another; it belongs to the call that last wrote to it.
    """

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._call: Call | None = None
        self.used_at = time.monotonic()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def fileno(self) -> int:
        fileno: int = self._sock.fileno()
        return fileno

    def limit(self) -> None:
        if self._call is not None:
            self._sock.settimeout(self._call.remaining())
        self.used_at = time.monotonic()

    def sendall(self, data: Any, flags: int = 0) -> None:
        self._call = _call.get()
        with memoryview(data) as view, view.cast("B") as rest:
            done = 0
            while done < len(rest):
                self.limit()
                if self._call is not None:
                    self._call.sent = True
                done += self._sock.send(rest[done:])

    def makefile(self, mode: str, buffering: int | None = None) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self, self._sock.makefile("rb", buffering=0)))


class _DeadlineReader(io.RawIOBase):
    def __init__(self, sock: DeadlineSocket, raw: socket.SocketIO) -> None:
        self._sock, self._raw = sock, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.limit()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _Reuse:
    """Wraps the socket once it is connected (and through TLS), and refuses one that has been idle for long."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self.sock = DeadlineSocket(self.sock)

    @property
    def is_connected(self) -> bool:
        fresh = self.sock is not None and time.monotonic() - self.sock.used_at < REUSE_S
        return fresh and bool(super().is_connected)  # type: ignore[misc]


class _Plain(_Reuse, HTTPConnection):
    pass


class _Tls(_Reuse, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


POOLS: dict[str, Any] = {"http": _PlainPool, "https": _TlsPool}

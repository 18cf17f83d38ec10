"""A remote that answers what a test wrote down, in order, and remembers what it was asked. For the transport alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from kit import http
from kit.http import Http
from ledgers.quickbooks import wire
from ledgers.quickbooks.client import QuickBooks
from ledgers.quickbooks.tests import factories as make

BASE = "https://quickbooks.test"


@dataclass
class Script:
    answers: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)  # what the client said was rejected, call by call
    metered: list[str] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.asked.append(
            {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "query": {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()},
                "token": environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "),
                "accept": environ.get("HTTP_ACCEPT", ""),
                "body": environ["wsgi.input"].read(length),
            }
        )
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        payload = body if isinstance(body, bytes) else wire.encode(body)
        start_response(f"{status} Whatever", [("Content-Type", "application/json"), *headers.items()])
        return [payload]

    def will(self, status: int, body: Any, **headers: str) -> None:
        self.answers.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def token(self, rejected: str = "") -> str:
        self.tokens.append(rejected)
        return f"t{len(self.tokens)}"


@contextmanager
def scripted() -> Iterator[tuple[Script, QuickBooks]]:
    script = Script()
    http.mount(BASE, script)
    try:
        client = QuickBooks(Http("test"), BASE, "4620816365", script.token, script.metered.append, company=make.COMPANY)
        yield script, client
    finally:
        http.unmount(BASE)

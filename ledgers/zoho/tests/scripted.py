"""A remote that answers what a test wrote down, in order, and remembers what it was asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from kit import http
from kit.http import Http
from ledgers.zoho import wire
from ledgers.zoho.client import ZohoBooks
from ledgers.zoho.tests import factories as make

BASE = "https://zoho.test"
ORGANIZATION = "10234695"


@dataclass
class Script:
    answers: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)  # what the client said was rejected, call by call
    quotas: list[tuple[int, int, int]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        self.asked.append(
            {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"].removeprefix("/books/v3"),
                "query": {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()},
                "token": environ.get("HTTP_AUTHORIZATION", ""),
                "type": environ.get("CONTENT_TYPE", ""),
                "body": wire.decode(body) if body else None,
            }
        )
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, said, headers = answer
        payload = said if isinstance(said, bytes) else wire.encode(said)
        start_response(f"{status} Whatever", [("Content-Type", "application/json"), *headers.items()])
        return [payload]

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(each["method"], each["path"]) for each in self.asked]

    def will(self, status: int, said: Any, **headers: str) -> None:
        self.answers.append((status, said, {name.replace("_", "-"): value for name, value in headers.items()}))

    def done(self, **resources: Any) -> None:
        """Answer a success that carries these."""
        self.will(200, {"code": 0, "message": "success", **resources})

    def refuse(self, code: int, status: int = 400, message: str = "no") -> None:
        self.will(status, {"code": code, "message": message})

    def rows(self, more: bool = False, **lists: Any) -> None:
        """Answer a page of a list."""
        self.done(**lists, page_context={"page": 1, "per_page": 200, "has_more_page": more})

    def token(self, rejected: str = "") -> str:
        self.tokens.append(rejected)
        return f"t{len(self.tokens)}"

    def quota(self, limit: int, remaining: int, resets_s: int) -> None:
        self.quotas.append((limit, remaining, resets_s))


@contextmanager
def scripted(**changes: Any) -> Iterator[tuple[Script, ZohoBooks]]:
    script = Script()
    http.mount(BASE, script)
    try:
        values = {"company": make.COMPANY, "quota": script.quota, "time_zone": "America/New_York", **changes}
        yield script, ZohoBooks(Http("test"), BASE, ORGANIZATION, script.token, **values)
    finally:
        http.unmount(BASE)

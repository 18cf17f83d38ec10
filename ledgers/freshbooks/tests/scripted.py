"""A remote that answers what a test wrote down, in order, and remembers what it was asked; answers are in FreshBooks' forms."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from kit import http
from kit.http import Http
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.client import FreshBooks
from ledgers.freshbooks.plan import Plan
from ledgers.freshbooks.tests import factories as make

BASE = "https://freshbooks.test"
ACCOUNT = "/accounting/account/ACM123"


@dataclass
class Script:
    answers: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)  # what the client said was rejected, call by call
    metered: list[str] = field(default_factory=list)
    learned: list[Plan] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        self.asked.append(
            {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "query": parse_qsl(environ["QUERY_STRING"]),
                "token": environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "),
                "version": environ.get("HTTP_X_API_VERSION", ""),
                "body": json.loads(sent) if sent else None,
            }
        )
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        start_response(f"{status} Whatever", [("Content-Type", "application/json"), *headers.items()])
        return [body if isinstance(body, bytes) else json.dumps(body).encode()]

    def will(self, status: int, body: Any, **headers: str) -> None:
        self.answers.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def will_list(
        self, plural: str, *found: Any, page: int = 1, pages: int | None = None, total: int | None = None
    ) -> None:
        count = len(found) if total is None else total
        paged = {
            "page": page,
            "pages": (1 if found else 0) if pages is None else pages,
            "per_page": 100,
            "total": count,
        }
        self.will(200, {"response": {"result": {plural: list(found), **paged}}})

    def will_give(self, name: str, one: Any) -> None:
        self.will(200, {"response": {"result": {name: one}}})

    def will_refuse(self, errno: int, field: str = "", message: str = "m", status: int = 422) -> None:
        self.will(
            status, {"response": {"errors": [{"errno": errno, "field": field, "message": message, "object": "o"}]}}
        )

    def token(self, rejected: str = "") -> str:
        self.tokens.append(rejected)
        return f"t{len(self.tokens)}"

    @property
    def writes(self) -> list[dict[str, Any]]:
        return [each for each in self.asked if each["method"] != "GET"]


@contextmanager
def scripted(company: Company = make.COMPANY) -> Iterator[tuple[Script, FreshBooks]]:
    script = Script()
    http.mount(BASE, script)
    try:
        yield (
            script,
            FreshBooks(
                Http("test"), BASE, script.token, script.metered.append, company,
                learned=script.learned.append, rate_scale=1e6,
            ),
        )  # fmt: skip
    finally:
        http.unmount(BASE)

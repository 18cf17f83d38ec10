"""A remote that answers what a test wrote down, in order, and remembers what it was asked."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bookkeeping.documents import Kind
from kit import http
from kit.http import Http
from ledgers.wave.bound import Company
from ledgers.wave.client import Wave
from ledgers.wave.tests import factories as make

BASE = "https://wave.test"


@dataclass
class Script:
    answers: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)  # method, path, token, and the parsed body
    tokens: list[str] = field(default_factory=list)  # what the client said was rejected, call by call
    metered: list[str] = field(default_factory=list)
    counted: int = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        self.asked.append(
            {
                "method": environ["REQUEST_METHOD"],
                "path": environ["PATH_INFO"],
                "token": environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer "),
                **json.loads(environ["wsgi.input"].read(length)),
            }
        )
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        start_response(f"{status} Whatever", [("Content-Type", "application/json"), *headers.items()])
        return [payload]

    def will(self, status: int, body: Any, **headers: str) -> None:
        self.answers.append((status, body, {name.replace("_", "-"): value for name, value in headers.items()}))

    def data(self, **data: Any) -> None:
        """The next call is answered with this data."""
        self.will(200, {"data": data})

    def business(self, **fields: Any) -> None:
        """The next call is answered with these fields of the business."""
        self.data(business={"id": make.BUSINESS, **fields})

    def balance(self, amount: str, name: str = "Amazon Clearing", side: str = "DEBIT") -> None:
        account = {"id": "a", "name": name, "normalBalanceType": side, "balance": amount, "currency": {"code": "USD"}}
        self.business(account=account)

    def operations(self) -> list[str]:
        return [asked["operationName"] for asked in self.asked]

    def count(self) -> None:
        self.counted += 1

    def token(self, rejected: str = "") -> str:
        self.tokens.append(rejected)
        return f"t{len(self.tokens)}"


def page(*rows: Mapping[str, Any], number: int = 1, of: int | None = 1) -> dict[str, Any]:
    """Return a page of a list as Wave answers it."""
    return {"edges": [{"node": row} for row in rows], "pageInfo": {"currentPage": number, "totalPages": of}}


def failed(*errors: Mapping[str, Any]) -> dict[str, Any]:
    return {"didSucceed": False, "inputErrors": list(errors)}


def top(code: str, *path: str) -> dict[str, Any]:
    """Return an error of a whole answer."""
    return {"message": "m", "path": list(path), "extensions": {"id": "i", "code": code}}


@contextmanager
def scripted(
    company: Company = make.COMPANY, listed: Callable[[Kind, str], bool] = lambda kind, name: False
) -> Iterator[tuple[Script, Wave]]:
    script = Script()
    http.mount(BASE, script)
    try:
        client = Wave(
            Http("test"),
            BASE,
            make.BUSINESS,
            script.token,
            script.metered.append,
            script.count,
            company=company,
            listed=listed,
            rate_scale=10_000.0,
        )
        yield script, client
    finally:
        http.unmount(BASE)

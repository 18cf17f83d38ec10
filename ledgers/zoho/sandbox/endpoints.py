"""What a part of the API offers: one ``Endpoint`` per method and path, and the call an action is given."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from werkzeug.wrappers import Request

from ledgers.zoho.sandbox import errors
from ledgers.zoho.sandbox.fields import Doc
from sandbox.jsontext import loads


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its query, its headers and its JSON body (``JSONString`` of a form is one)."""

    args: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    content_type: str

    @classmethod
    def of(cls, request: Request) -> "Call":
        headers = {name.lower(): value for name, value in request.headers.items()}
        # The body has been read before (sandbox.wsgi), so werkzeug's own form parsing would find nothing.
        return cls(request.args.to_dict(), headers, request.get_data(), request.mimetype)

    def arg(self, name: str, default: str = "") -> str:
        return self.args.get(name, default)

    def body(self) -> Doc:
        """Raises:
        Fault: 1038.
        """
        raw: bytes | str = self.raw
        if self.content_type == "application/x-www-form-urlencoded":
            raw = parse_qs(self.raw.decode("utf-8", "replace"), keep_blank_values=True).get("JSONString", [""])[0]
        elif self.content_type != "application/json":
            raw = self.args.get("JSONString", "")
        try:
            found = loads(raw)
        except ValueError as error:
            raise errors.not_json() from error
        if not isinstance(found, dict):
            raise errors.not_json()
        return found


Action = Callable[..., Doc]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``path`` after ``/books/v3/``; ``action(organization, call, **path values)`` answers the body without code.

    ``scope`` is ``group.VERB``.
    """

    method: str
    path: str
    operation: str
    scope: str
    action: Action
    status: int = 200


def said(text: str, **values: Any) -> Doc:
    return {"message": text, **values}

"""How each family of the API says no (sheet §3): five bodies for one fact."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.wrappers import Response

from sandbox.wsgi import json_response

REQUIRED, DENIED, INVALID, UNPARSED, UNMAPPED, DELETED, NOT_FOUND = 1001, 1003, 1004, 1005, 1006, 1011, 1012
BAD_PER_PAGE, BAD_PAGE, NOT_A_NUMBER, TOO_LONG, NOT_A_PERCENT = 1013, 1014, 1015, 1017, 1018
SAME_TAX_TWICE, NOT_A_BOOLEAN, NO_DATE, READ_ONLY, INACTIVE_ACCOUNT = 1019, 1031, 1033, 1038, 1042

# google.rpc.Code, as the newer form of an error carries it.
_RPC: Final = {400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 10, 422: 3, 429: 8, 500: 13, 502: 14, 503: 14, 504: 4}
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. ``field`` is the wire name, ``object`` the kind of thing, ``value`` what was sent."""

    errno: int
    message: str
    field: str = ""
    object: str = ""
    value: str = ""


class Refusal(Exception):
    """A call that is answered with ``problems``; nothing of it is stored."""

    def __init__(self, *problems: Problem, status: int = 422) -> None:
        super().__init__("; ".join(each.message for each in problems))
        self.problems, self.status = problems, status


def refusal(errno: int, message: str, field: str = "", object_: str = "", value: object = "") -> Refusal:
    """A refusal with the status that its number has."""
    status = {DENIED: 403, READ_ONLY: 403, 409: 409}.get(errno, 422)
    return Refusal(Problem(errno, message, field, object_, _text(value)), status=status)


def required(field: str, object_: str) -> Refusal:
    return refusal(REQUIRED, f"The field '{field}' is required.", field, object_)


def invalid(message: str, field: str, object_: str, value: object = "") -> Refusal:
    return refusal(INVALID, message, field, object_, value)


def read_only(field: str, object_: str, value: object) -> Refusal:
    return refusal(READ_ONLY, f"Write access denied for field {field}.", field, object_, value)


def unknown_reference(field: str, object_: str, value: object) -> Refusal:
    """Something named in a body that is not there: the body is wrong, not the address."""
    return refusal(NOT_FOUND, f"{field} not found.", field, object_, value)


def no_such(object_: str, id_: object) -> Refusal:
    """The address names something that is not there."""
    name = object_.replace("_", " ").capitalize()
    return Refusal(Problem(NOT_FOUND, f"{name} not found.", f"{object_}id", object_, _text(id_)), status=404)


def unauthenticated() -> Refusal:
    text = "The server could not verify that you are authorized to access the URL requested."
    return Refusal(Problem(DENIED, text), status=401)


def denied(text: str, field: str = "", object_: str = "") -> Refusal:
    return Refusal(Problem(DENIED, text, field, object_), status=403)


def _text(value: object) -> str:
    return "" if value is None else str(value)


# Bodies


def family_of(path: str) -> str:
    """accounting, ledger, events or auth."""
    if path.startswith("/events/"):
        return "events"
    if "/ledger_accounts/" in path:
        return "ledger"
    return "accounting" if path.startswith("/accounting/") else "auth"


def answer(refused: Refusal, family: str, *, new: bool, switches: Mapping[str, Any]) -> Response:
    """The refusal as ``family`` says it; ``new`` chooses between the two forms of accounting."""
    if family == "auth":
        error = {401: "unauthenticated", 403: "forbidden", 404: "not_found", 429: "rate_limited"}
        name = error.get(refused.status, "invalid_request")
        return json_response({"error": name, "error_description": str(refused)}, refused.status)
    if family == "events":
        return json_response(_events(refused), refused.status)
    if family == "ledger":
        status = 400 if refused.status == 422 else refused.status
        return json_response(_ledger(refused, status), status)
    status = 200 if switches["errors_status"] == "200" and refused.status in (403, 404, 422) else refused.status
    return json_response(_new(refused) if new else _old(refused, switches["errors_are"] == "object"), status)


def _old(refused: Refusal, bare: bool) -> dict[str, Any]:
    errors = [
        {"errno": each.errno, "field": each.field, "message": each.message, "object": each.object, "value": each.value}
        for each in refused.problems
    ]
    return {"response": {"errors": errors[0] if bare else errors}}


def _new(refused: Refusal) -> dict[str, Any]:
    details = [
        {
            "@type": _ERROR_INFO,
            "reason": str(each.errno),
            "domain": "accounting.api.freshbooks.com",
            "metadata": {
                "object": each.object,
                "message": each.message,
                "value": each.value,
                "field": each.field,
            },
        }
        for each in refused.problems
    ]
    message = f"Request failed with status_code: {refused.status}"
    return {"code": _RPC.get(refused.status, 2), "message": message, "details": details}


def _events(refused: Refusal) -> dict[str, Any]:
    body: dict[str, Any] = {"errno": refused.status, "message": str(refused)}
    if refused.status == 422:
        body["details"] = [each.message for each in refused.problems]
    return body


def _ledger(refused: Refusal, status: int) -> dict[str, Any]:
    details = [
        {"reason": str(each.errno), "metadata": {"message": each.message, "field": each.field}}
        for each in refused.problems
    ]
    return {"errors": {"message": str(refused), "status": status, "details": details}}


def html_error(status: int, title: str) -> Response:
    body = f"<html><head><title>{status} {title}</title></head><body><h1>{status} {title}</h1></body></html>"
    return Response(body, status=status, content_type="text/html; charset=utf-8")

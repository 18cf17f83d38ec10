"""Every way QuickBooks says no: the fault envelope, its codes, the gateway's other spelling, XML and HTML."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from werkzeug.wrappers import Response

from sandbox.jsontext import dumps


class Fault(Exception):
    """One fault of the API. ``timed`` is False for the few bodies that carry no ``time``."""

    def __init__(
        self,
        code: str,
        message: str,
        detail: str = "",
        *,
        element: str = "",
        status: int = 400,
        kind: str = "ValidationFault",
        timed: bool = True,
    ) -> None:
        super().__init__(f"{code} {message}: {detail}")
        self.code, self.message, self.detail, self.element = code, message, detail or message, element
        self.status, self.kind, self.timed = status, kind, timed

    def body(self) -> dict[str, Any]:
        """``{"Error": [...], "type": ...}``, as it stands under ``Fault`` in an answer or in a batch item."""
        error = {"Message": self.message, "Detail": self.detail, "code": self.code}
        if self.element:
            error["element"] = self.element
        return {"Error": [error], "type": self.kind}


def required(name: str) -> Fault:
    return Fault(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {name} is missing in the request",
        element=name,
    )


def business(text: str, element: str = "") -> Fault:
    return Fault("6000", "A business validation error has occurred while processing your request",
                 f"Business Validation Error: {text}", element=element)  # fmt: skip


def invalid_reference(table: str, value: str, element: str) -> Fault:
    """``table`` is QuickBooks' own word: Accounts, Klasses, Depts, Names, Items."""
    return Fault("2500", "Invalid Reference Id", f"Invalid Reference Id : {table} element id {value} not found",
                 element=element)  # fmt: skip


def inactive(element: str = "") -> Fault:
    return Fault(
        "610",
        "Object Not Found",
        "Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts,"
        " customers, items, vendors or employees.",
        element=element,
    )


def not_found(what: str) -> Fault:
    return Fault("610", "Object Not Found", f"Object Not Found : {what}")


def unsupported(what: str) -> Fault:
    return Fault("500", "Unsupported Operation", f"Operation {what} is not supported.", kind="SystemFault")


def too_long(name: str, low: int, high: int, length: int) -> Fault:
    return Fault(
        "2050",
        "String length is either shorter or longer than supported by specification",
        f"String length specified does not match the supported length. Min:{low} Max:{high} supplied:{length}",
        element=name,
    )


def bad_number(name: str, value: object) -> Fault:
    return Fault("2090", "Invalid Number", f"Invalid Number : {value}", element=name)


def bad_enum(name: str, value: object) -> Fault:
    return Fault("2170", "Invalid Enumeration", f"Invalid Enumeration : {value}", element=name)


def bad_date(name: str, value: object) -> Fault:
    return Fault("2060", "Invalid Date", f"Invalid Date : {value}", element=name)


def unknown_property(name: str, known: list[str]) -> Fault:
    return Fault(
        "2010",
        "Request has invalid or unsupported property",
        f"Property Name:{name} specified is unsupported or invalid. Accepted properties: {', '.join(known)}",
        element=name,
    )


def bad_id(value: str) -> Fault:
    return Fault(
        "2030", "Invalid ID", f"Id should be a valid number. Supplied value:{value}", element="Id", timed=False
    )


def stale() -> Fault:
    return Fault(
        "5010",
        "Stale Object Error",
        "Stale Object Error : You and someone else were working on this at the same time. Refresh and try again.",
    )


def duplicate_name(element: str = "Name") -> Fault:
    return Fault(
        "6240", "Duplicate Name Exists Error", "The name supplied already exists. Duplicate Name Exists Error",
        element=element,
    )  # fmt: skip


def duplicate_number(number: str, kind: str, id_: str) -> Fault:
    return Fault(
        "6140",
        "Duplicate Document Number Error",
        "Duplicate Document Number Error : You must specify a different number. This number has already been used."
        f" DocNumber={number} is assigned to TxnType={kind} with TxnId={id_}",
        element="DocNumber",
    )


def in_a_deposit() -> Fault:
    return Fault(
        "6540",
        "Transaction is in a deposit",
        "Deposited Transaction cannot be changed: The transaction is linked to a deposit; remove it from it first.",
    )


def query_error(text: str) -> Fault:
    return Fault("4001", "Invalid query", f"QueryValidationError: {text}")


def query_parse_error(text: str) -> Fault:
    return Fault("4000", "Error parsing query", f"QueryParserError: {text}")


# Bodies

_GATEWAY_EMPTY: Mapping[str, Any] = {
    "warnings": None,
    "intuitObject": None,
    "report": None,
    "queryResponse": None,
    "batchItemResponse": [],
    "attachableResponse": [],
    "syncErrorResponse": None,
    "requestId": None,
    "status": None,
    "cdcresponse": [],
}


def gateway_body(epoch_ms: int, code: str, name: str, status: int, kind: str, detail: str) -> dict[str, Any]:
    """The lower-case fault of the gateway: 401 (``AUTHENTICATION``) and throttling (``SERVICE``)."""
    error = {
        "message": f"message={name}; errorCode={code.zfill(6)}; statusCode={status}",
        "detail": detail,
        "code": code,
        "element": None,
    }
    return {**_GATEWAY_EMPTY, "fault": {"error": [error], "type": kind}, "time": epoch_ms}


def unauthorised(epoch_ms: int, detail: str = "Token expired") -> Response:
    body = gateway_body(epoch_ms, "3200", "AuthenticationFailed", 401, "AUTHENTICATION", detail)
    return Response(
        json.dumps(body),
        status=401,
        content_type="application/json;charset=UTF-8",
        headers={"WWW-Authenticate": 'Bearer realm="Intuit", error="invalid_token"'},
    )


def throttled(epoch_ms: int, form: str) -> Response:
    """429 as ``json``, ``xml`` or ``html``."""
    detail = "The request limit was reached"
    if form == "json":
        body = gateway_body(epoch_ms, "3001", "ThrottleExceeded", 429, "SERVICE", detail)
        return Response(json.dumps(body), status=429, content_type="application/json;charset=UTF-8")
    if form == "xml":
        fault = Fault("003001", "message=ThrottleExceeded; errorCode=003001; statusCode=429", detail, kind="SERVICE")
        return Response(fault_xml(fault, ""), status=429, content_type="text/xml")
    return html_error(429, "Too Many Requests")


def html_error(status: int, text: str) -> Response:
    body = f"<html><head><title>{status} {text}</title></head><body><h1>{status} {text}</h1></body></html>"
    return Response(body, status=status, content_type="text/html")


def fault_xml(fault: Fault, time: str) -> str:
    element = f' element="{escape(fault.element)}"' if fault.element else ""
    stamp = f' time="{time}"' if time else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse{stamp} xmlns="http://schema.intuit.com/finance/v3"><Fault type="{escape(fault.kind)}">'
        f'<Error code="{escape(fault.code)}"{element}><Message>{escape(fault.message)}</Message>'
        f"<Detail>{escape(fault.detail)}</Detail></Error></Fault></IntuitResponse>"
    )


def fault_json(fault: Fault, time: str) -> str:
    body: dict[str, Any] = {"Fault": fault.body()}
    if fault.timed and time:
        body["time"] = time
    return dumps(body)


def value_xml(name: str, value: object) -> str:
    """An answer as XML, element per property; attributes of the real schema are elements here too."""
    if isinstance(value, list):
        return "".join(value_xml(name, each) for each in value)
    if isinstance(value, dict):
        return f"<{name}>{''.join(value_xml(key, each) for key, each in value.items())}</{name}>"
    text = ("true" if value else "false") if isinstance(value, bool) else "" if value is None else str(value)
    return f"<{name}>{escape(text)}</{name}>"

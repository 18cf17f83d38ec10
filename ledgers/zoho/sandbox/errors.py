"""Every way Zoho Books says no: ``{"code": n, "message": "..."}`` under an HTTP status that need not fit (sheet §5)."""

from werkzeug.wrappers import Response

from sandbox.wsgi import json_response

BY_STATUS = {400: 4, 401: 57, 404: 1002, 405: 5, 429: 44, 500: 1000, 502: 1000, 503: 1000}


class Fault(Exception):
    def __init__(self, code: int, message: str, status: int = 400, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{code} {message}")
        self.code, self.message, self.status, self.headers = code, message, status, headers or {}

    def response(self) -> Response:
        return json_response({"code": self.code, "message": self.message}, self.status, self.headers)


def invalid_parameter(name: str) -> Fault:
    return Fault(2, f"Invalid value passed for {name}")


def invalid_field(name: str) -> Fault:
    return Fault(4, f"Invalid value passed for {name}")


def missing_field(name: str) -> Fault:
    return Fault(4, f"Invalid value passed for {name}: a value is required")


def too_long(name: str, longest: int) -> Fault:
    return Fault(15, f"Please ensure that the {name} has less than {longest} characters.")


def unknown_url() -> Fault:
    return Fault(5, "Invalid URL Passed", 404)


def not_json() -> Fault:
    return Fault(1038, "JSON is not well formed")


def not_found(what: str, status: int = 404) -> Fault:
    return Fault(1002, f"{what} does not exist.", status)


def bad_token(text: str = "Invalid OAuth token.") -> Fault:
    return Fault(57, text, 401)


def old_token() -> Fault:
    return Fault(14, "Invalid value passed for authtoken.", 401)


def scope_missing() -> Fault:
    return Fault(57, "You are not authorized to perform this operation", 401)


def not_associated(organization_id: str) -> Fault:
    return Fault(6041, f"This user is not associated with the CompanyID/CompanyName:{organization_id}.")


def html_error(status: int) -> Response:
    body = f"<html><head><title>{status}</title></head><body><h1>{status}</h1><p>ZGS</p></body></html>"
    return Response(body, status=status, content_type="text/html;charset=UTF-8")

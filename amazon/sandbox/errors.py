"""How the Selling Partner API says no.

Bodies are ``{"errors": [{"code", "message", "details"}]}``; the message hides the reason on purpose, ``details`` may
be empty.
"""

from werkzeug.wrappers import Response

from sandbox.wsgi import json_response

NOT_VALID = "The request has one or more inputs that are not valid. Please check your input and try again."
DENIED = "Access to requested resource is denied."
QUOTA = "You exceeded your quota for the requested resource."

_CODES = {
    400: ("InvalidInput", NOT_VALID),
    401: ("Unauthorized", DENIED),
    403: ("Unauthorized", DENIED),
    404: ("NotFound", "The requested resource is not found."),
    409: ("Conflict", "The resource specified conflicts with the current state."),
    413: ("RequestTooLarge", "The request size exceeded the maximum accepted size."),
    415: ("UnsupportedMediaType", "The entity of the request is in a format not supported by the requested resource."),
    429: ("QuotaExceeded", QUOTA),
    500: ("InternalFailure", "We encountered an internal error. Please try again."),
    503: ("ServiceUnavailable", "Service is temporarily unavailable. Please try again."),
}


def error(status: int, details: str = "", *, code: str = "", message: str = "") -> Response:
    usual_code, usual_message = _CODES.get(status, _CODES[500])
    body = {"code": code or usual_code, "message": message or usual_message, "details": details}
    return json_response({"errors": [body]}, status)


class Refused(Exception):
    """A rule of the API is broken; ``response`` says which, as far as Amazon says it."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def invalid(details: str = "", message: str = "") -> Refused:
    return Refused(error(400, details, message=message))


def error_named(message: str) -> Refused:
    """A refusal whose reason is its message as well: newer operations say what is wrong."""
    return invalid(message, message)


def denied(details: str) -> Refused:
    return Refused(error(403, details))

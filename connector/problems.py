"""One shape for everything that went wrong, whoever noticed it: what is wrong, and what to do.

``{"detail": …, "action": …, "code": …}``, and where it helps ``fields`` (name -> what is wrong with it), ``problems``
(everything in the way) and ``line`` (of an uploaded file). Texts are sentences for a person; ``code`` is for programs.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

log = logging.getLogger(__name__)

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "not_authenticated": (
        "This needs an API key.",
        "Send it in the header Authorization: Bearer. Keys are made under Settings, API keys.",
    ),
    "authentication_failed": (
        "This API key is not valid, or it was revoked.",
        "Make one under Settings, API keys.",
    ),
    "permission_denied": (
        "The API key lacks the scope this needs.",
        "Use a key with the scope read to look, with the scope write to change something.",
    ),
    "not_found": (
        "There is no such thing in this company.",
        "Check the address and the ids; an API key sees its own company only.",
    ),
    "invalid": ("The request cannot be used as it is.", "Mend what fields names and send it again."),
    "parse_error": ("The body cannot be read.", "Send it as the content type says."),
    "method_not_allowed": ("This address does not know that method.", "See /api/docs/ for what it knows."),
    "not_acceptable": ("This interface answers in JSON.", "Accept application/json."),
    "unsupported_media_type": ("A body of this type is not understood here.", "See /api/docs/ for what is."),
    "throttled": (
        "This API key asks too often.",
        "Wait as many seconds as the header Retry-After says, then send the request again.",
    ),
    "error": (
        "Something broke here. It was noted; nothing is left half done that cannot be done again.",
        "Send the request again. If it stays, tell whoever runs this installation.",
    ),
}


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """Return the problem an exception stands for. What nobody expected is logged and becomes a 500."""
    if request := context.get("request"):
        # Whatever was asked for, a problem is JSON.
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, RecursionError):  # JSON nested thousands deep
        error = exceptions.ParseError()
    if not isinstance(error, exceptions.APIException):
        return _broken(error, context)
    answer = exception_handler(error, context)
    assert answer is not None  # an APIException always has an answer
    answer.data = _problem(error)
    return answer


class TooLarge(exceptions.APIException):
    """A body larger than anything this interface takes. Files go to disk in pieces and are measured where they are read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"
    default_detail = "The body is too large."
    action = "Send it in smaller pieces."


def refuse_large_body(request: Request) -> None:
    """Raise TooLarge before a body that is no form is read into memory."""
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and not request.content_type.startswith("multipart/form-data"):
        raise TooLarge


def no_such_address(request: HttpRequest, **kwargs: object) -> JsonResponse:
    return JsonResponse(
        {"detail": "There is no such address.", "action": "See /api/docs/ for the addresses.", "code": "not_found"},
        status=status.HTTP_404_NOT_FOUND,
    )


def _problem(error: exceptions.APIException) -> dict[str, Any]:
    code = "invalid" if isinstance(error, exceptions.ValidationError) else str(error.default_code)
    detail, action = WORDS.get(code, ("", ""))
    if isinstance(error, exceptions.ValidationError):
        return {"detail": detail, "action": action, "code": code, "fields": _fields(error.detail)}
    more: dict[str, Any] = getattr(error, "more", {})
    told = error.detail != error.default_detail and not isinstance(error, exceptions.Throttled)
    own = str(error.detail) if told or not detail else detail
    return {"detail": own, "action": getattr(error, "action", action), "code": code, **more}


def _fields(detail: Any) -> dict[str, list[str]]:
    """Return a path of names (``target.account``, ``ids.3``) -> what is wrong there; ``body`` is the whole."""
    found: dict[str, list[str]] = {}

    def walk(value: Any, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, (*path, str(name)) if name != "non_field_errors" else path)
        elif isinstance(value, list):
            for place, inner in enumerate(value):
                walk(inner, (*path, str(place)) if isinstance(inner, dict | list) else path)
        else:
            found.setdefault(".".join(path) or "body", []).append(str(value))

    walk(detail, ())
    return found


def _broken(error: Exception, context: dict[str, Any]) -> Response:
    request = getattr(context.get("request"), "_request", None)
    got_request_exception.send(sender=handle, request=request)
    log.error("a request to the REST interface broke", exc_info=error)
    detail, action = WORDS["error"]
    return Response({"detail": detail, "action": action, "code": "error"}, status=status.HTTP_500_INTERNAL_SERVER_ERROR)

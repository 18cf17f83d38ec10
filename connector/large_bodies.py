"""Reads no large body for strangers: a form with a file goes to disk before any view, or its form, is asked."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase


class LargeBodyMiddleware:
    """Answers 413 to a stranger's large form. REST looks at the key before it reads anything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE and not (
            request.user.is_authenticated or request.path.startswith("/api/")
        ):
            return HttpResponse("Sign in first.\n", status=413, content_type="text/plain")
        return self.get_response(request)

"""Puts each request into the scope of one tenant."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from kit.scope import outside, scope
from tenants.members import SESSION_KEY, member_of


class TenantMiddleware:
    """Sets ``request.tenant`` and ``request.member`` (both None for strangers) and enters the tenant's scope.

    It is the tenant chosen in the session, else the person's first. Without one no tenant's row can be read; what an
    API key's authentication enters later ends with the request.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        member = None
        if request.user.is_authenticated:
            member = member_of(request.user, request.session.get(SESSION_KEY))
        request.member = member  # type: ignore[attr-defined]
        request.tenant = member.tenant if member else None  # type: ignore[attr-defined]
        with outside():
            if member is None:
                return self.get_response(request)
            with scope(member.tenant_id):
                response = self.get_response(request)
        # What a company's page showed must not be left in the browser for whoever sits there next.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

"""REST callers: an API key in ``Authorization: Bearer``, its tenant's scope, and its own scopes."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kit.scope import enter
from tenants import apikeys
from tenants.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView

SAFE = ("GET", "HEAD", "OPTIONS")


class ApiKeyAuthentication(BaseAuthentication):
    """Finds the key and enters its tenant's scope for the rest of the request; ``request.auth`` is the key.

    A key is no person, so ``request.user`` stays anonymous; the trail names the key.
    """

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].casefold() != "bearer":
            return None
        key = apikeys.find(words[1]) if len(words) == 2 else None
        if key is None:
            raise AuthenticationFailed
        enter(key.tenant_id)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """Looking wants the scope ``read``, everything else ``write``."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        wanted = ApiKey.Scope.READ if request.method in SAFE else ApiKey.Scope.WRITE
        return wanted in key.scopes


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "connector.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API key made under Settings, API keys."}

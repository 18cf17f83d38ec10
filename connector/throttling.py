"""How often an API key may ask: a loop that never pauses must not slow the others' work."""

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from tenants.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView


class PerKey(SimpleRateThrottle):
    """So many requests a minute for each key, counted in the cache. Who has no key is refused before this."""

    scope = "key"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        return f"requests-of-key-{request.auth.pk}" if isinstance(request.auth, ApiKey) else None

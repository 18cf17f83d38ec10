"""The client secret of Amazon applications, which Amazon has renewed every 180 days.

A rotation is asked for here (or in the developer console); the new secret arrives by notification only, or is typed in. The old
one works for seven more days. Source: SP-API Application Management 2023-11-30; facts of LWA credentials.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from amazon.connect import SLUG
from tenants import secrets
from tenants.models import Grant
from tenants.secrets import Application

LIFE: Final = timedelta(days=180)
SCOPE: Final = "sellingpartnerapi::client_credential:rotation"


def own() -> Application:
    """Return the installation's own application."""
    return Application(SLUG, settings.AMAZON_CLIENT_ID)


def arrived(
    client_id: str,
    new_secret: str,
    new_ends_at: datetime,
    old_ends_at: datetime | None = None,
    *,
    tenant_id: int | None = None,
) -> bool:
    """Keep what APPLICATION_OAUTH_CLIENT_NEW_SECRET brought; return False where nothing is new, or the application unknown.

    Any number of times, in any order. ``tenant_id`` is whose queue brought it: it then counts for that tenant's private
    application only. Without one it counts for ours, and for a private one of whoever has it.
    """
    new = False
    for application in _named(client_id, tenant_id):
        new = secrets.keep(application, new_secret, new_ends_at, old_ends_at) or new
    return new


def expires(client_id: str, ends_at: datetime, *, tenant_id: int | None = None) -> None:
    """Keep what APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY said. As ``arrived``."""
    for application in _named(client_id, tenant_id):
        secrets.ends(application, ends_at)


def _named(client_id: str, tenant_id: int | None) -> list[Application]:
    if not client_id:
        return []
    grants = Grant.objects.filter(provider=SLUG, application=client_id, tenant__isnull=False)
    if tenant_id is not None:
        grants = grants.filter(tenant=tenant_id)
    found = [Application(SLUG, client_id, owner) for owner in sorted(set(grants.values_list("tenant_id", flat=True)))]
    ours = tenant_id is None and client_id == settings.AMAZON_CLIENT_ID
    return [own(), *found] if ours else found

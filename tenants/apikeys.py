"""API keys: shown once, kept as a digest, with scopes."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from audit.trail import record, recorded
from kit.clock import now
from kit.scope import scope, unscoped
from tenants.models import ApiKey, Tenant, User

PREFIX = "tie_"
SHOWN = 12
TOUCH_EVERY = timedelta(minutes=1)  # a busy key must not write a row with every call


def issue(tenant: Tenant, user: User, name: str, scopes: Iterable[str]) -> tuple[ApiKey, str]:
    """Make a key; return it and its only readable copy."""
    value = PREFIX + secrets.token_urlsafe(32)
    with recorded(), scope(tenant.pk):
        key = ApiKey.objects.create(
            name=name.strip(),
            prefix=value[:SHOWN],
            digest=_digest(value),
            scopes=sorted({str(ApiKey.Scope(s)) for s in scopes}),
            created_by=user,
        )
        record("api_key.issued", f"api_key:{key.pk}", actor=user.actor, scopes=key.scopes)
    return key, value


def find(value: str) -> ApiKey | None:
    """Return the live key of a value, with its tenant, and note that it was used."""
    at = now()
    with unscoped("a key says which tenant it belongs to"):
        key = ApiKey.objects.select_related("tenant").filter(digest=_digest(value), revoked_at__isnull=True).first()
        if key and (key.last_used_at is None or key.last_used_at < at - TOUCH_EVERY):
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=at)
    return key


def revoke(key: ApiKey, user: User) -> None:
    """End a key at once."""
    with recorded(), scope(key.tenant_id):
        if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now()):
            record("api_key.revoked", f"api_key:{key.pk}", actor=user.actor)


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()

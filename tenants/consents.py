"""The ``state`` of consents under way: made when a person leaves for the provider, used once when they come back."""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from kit.clock import now
from kit.scope import scope, unscoped
from tenants.models import ConsentState, Tenant, User

LIFE = timedelta(minutes=30)  # for a person who has to look for their password at the provider


class ConsentError(Exception):
    """Why nothing was connected. ``text`` says what happened and ``action`` what to do, both for a page."""

    def __init__(self, text: str, action: str) -> None:
        super().__init__(text)
        self.text, self.action = text, action


class ConsentRefused(ConsentError):
    """The person, or the provider on their behalf, said no."""


class ConsentExpired(ConsentError):
    """Too late: the consent began too long ago, or its code ran out."""


class ConsentForeign(ConsentError):
    """Not begun here, or by another person, for another company or another provider."""


class ConsentReplayed(ConsentError):
    """The answer of this consent was used before."""


class ConsentFailed(ConsentError):
    """The provider did not answer, or answered what we cannot use. Nothing was connected."""


class ConsentUnavailable(ConsentError):
    """This installation has no credentials of its own at the provider."""


def make_state(user: User, tenant: Tenant, provider: str, environment: str, extra: Mapping[str, Any]) -> str:
    """Return a new state value; only its digest is kept."""
    value = secrets.token_urlsafe(32)
    at = now()
    with scope(tenant.pk):
        ConsentState.objects.filter(user=user, expires_at__lt=at - LIFE).delete()
        ConsentState.objects.create(
            user=user,
            provider=provider,
            environment=environment,
            digest=_digest(value),
            extra=dict(extra),
            expires_at=at + LIFE,
        )
    return value


def use_state(value: str, user: User, tenant: Tenant, provider: str) -> ConsentState:
    """Use a state up and return it; a foreign one is left as it is.

    Raises:
        ConsentForeign, ConsentReplayed, ConsentExpired
    """
    with transaction.atomic(), unscoped("the state of another tenant must be told from one that never was"):
        found = ConsentState.objects.filter(digest=_digest(value)).first()
        mine = found is not None and (found.user_id, found.tenant_id, found.provider) == (user.pk, tenant.pk, provider)
        if found is None or not mine:
            raise ConsentForeign(
                "This answer does not belong to a connection you began here for this company.",
                "Sign in as the person who began it, choose the right company, and connect again from Connections.",
            )
        if not ConsentState.objects.filter(pk=found.pk, used_at__isnull=True).update(used_at=now()):
            raise ConsentReplayed(
                "This answer was used before; nothing was done a second time.",
                "Look at Connections: if the company is not there, connect again.",
            )
    if found.expires_at <= now():
        raise ConsentExpired(
            f"The connection was begun more than {LIFE.seconds // 60} minutes ago.", "Connect again from Connections."
        )
    return found


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()

"""What ends on a day that is known: consents and secrets of private applications. Told in steps, once each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from django.utils.formats import date_format

from kit.clock import now
from kit.scope import scope, unscoped
from tenants import renewing
from tenants.alerts import alert
from tenants.grants import CONNECTIONS_PATH, CONSENT_STEPS, expiry_key
from tenants.models import Access, Alert, Connection
from tenants.providers import provider

SECRET_STEPS: Final = (90, 30, 7)  # days ahead; Amazon's own warnings begin 90 days before


def warn_of_expiry() -> int:
    """Tell each tenant 60, 30 and 7 days ahead of the grants it uses whose consent ends; return how many there are."""
    soon = now() + timedelta(days=max(CONSENT_STEPS))
    with unscoped("grants serve connections of any tenant"):
        active = Connection.objects.filter(state=Access.ACTIVE, grant__hard_expires_at__lte=soon)
        connections = list(active.select_related("grant").order_by("tenant_id", "grant_id", "pk"))
    count = 0
    for (tenant_id, grant), group in groupby(connections, key=lambda each: (each.tenant_id, each.grant)):
        assert grant.hard_expires_at is not None
        served, system = list(group), provider(grant.provider)
        day, names = date_format(grant.hard_expires_at, "j F Y"), ", ".join(map(str, served))
        how = "press Renew now" if system.consent_life else f"connect {system.name} again"
        _tell(
            tenant_id,
            "consent_ends",
            [expiry_key(grant.pk, step) for step in CONSENT_STEPS],
            _step(CONSENT_STEPS, grant.hard_expires_at),
            grant.consented_at,
            f"The consent of {system.name} for {names} ends on {day}",
            f"{system.name} lets a consent live for a limited time. After {day} work for {names} stops.",
            f"Open the connection and {how} before that day. Nothing else changes, and nothing is lost by doing it early.",
            f"{CONNECTIONS_PATH}{served[0].pk}/" if len(served) == 1 else CONNECTIONS_PATH,
        )
        count += 1
    return count


def warn_of_secrets(tenant_id: int | None = None) -> int:
    """Tell each tenant, or one, 90, 30 and 7 days ahead when the secret of its private application ends; return how many do soon.

    Where a newer one came meanwhile, what was told is settled.
    """
    with unscoped("applications of any tenant"):
        private = Connection.objects.filter(state=Access.ACTIVE).exclude(grant__application="")
        if tenant_id is not None:
            private = private.filter(tenant=tenant_id)
        connections = list(private.select_related("grant").order_by("tenant_id", "grant__application", "pk"))
    count = 0
    for (owner_id, client_id), group in groupby(connections, key=lambda each: (each.tenant_id, each.grant.application)):
        first = next(group)
        ending = renewing.secret_ending(first)
        if ending is None:
            continue
        system, day = provider(first.provider), date_format(ending.at, "j F Y")
        by = f"on {day} at the latest" if ending.assumed else f"on {day}"
        step = _step(SECRET_STEPS, ending.at)
        _tell(
            owner_id,
            "secret_ends",
            [f"application:{first.provider}:{client_id}:secret_ends:{each}" for each in SECRET_STEPS],
            step,
            ending.at - (system.secret_life or timedelta(0)),
            f"The client secret of your application at {system.name} ends {by}",
            f"After that day {system.name} refuses every call of the application {client_id}. The authorization survives it.",
            f"Have {system.name} make a new one, open the connection and enter it by New client secret. The old one goes on "
            "working for some days, so nothing stops meanwhile.",
            f"{CONNECTIONS_PATH}{first.pk}/",
        )
        count += step is not None
    return count


def _step(steps: Sequence[int], at: datetime) -> int | None:
    """Return the place of the narrowest step that has begun, None before the first one."""
    left = at - now()
    begun = [place for place, days in enumerate(steps) if left <= timedelta(days=days)]
    return begun[-1] if begun else None


def _tell(
    tenant_id: int,
    kind: str,
    keys: Sequence[str],
    step: int | None,
    since: datetime,
    title: str,
    text: str,
    action: str,
    url: str,
) -> None:
    """Raise the alert of a step, once since what ends began, even where a person settled it; and settle all others."""
    current = None if step is None else keys[step]
    with scope(tenant_id):
        Alert.objects.filter(key__in=[key for key in keys if key != current], settled_at=None).update(settled_at=now())
        told = Alert.objects.filter(key=current, raised_at__gte=since).exists()
    if current and not told:
        alert(tenant_id, kind, current, title, text, action, url)

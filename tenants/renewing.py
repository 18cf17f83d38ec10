"""What is renewed while connections go on: the secret of a private application, and what waited for it."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from audit.trail import record, recorded
from kit import oauth
from kit.clock import now
from kit.oauth import ClientRefused, InvalidGrant, OAuthError, OAuthSpec
from kit.scope import scope, unscoped
from kit.sealed import open_from
from tenants import companies, grants, secrets
from tenants.consents import ConsentError, ConsentExpired, ConsentRefused
from tenants.models import Access, ApplicationSecret, Connection, Grant, User
from tenants.providers import provider

TRIED_FOR: Final = timedelta(days=1)


def renewable_secret(connection: Connection) -> bool:
    """Tell whether an owner can bring a new secret for a connection: its application is private, and its secrets end."""
    limited = provider(connection.provider).secret_life is not None
    return limited and bool(connection.grant.application) and connection.state != Access.REVOKED


def secret_ending(connection: Connection) -> secrets.Ending | None:
    """Return when the secret of a connection's application ends, None where nothing is known."""
    grant = connection.grant
    return secrets.ending(secrets.application_of(grant), grant.consented_at if grant.application else None)


def renew_secret(connection: Connection, secret: str, ends_at: datetime | None, user: User) -> None:
    """Take a new secret of a private application, once the token endpoint took it. Never inside a transaction.

    Connections that wait because the one before was refused go on, in every region that the application serves.

    Raises:
        ConsentRefused: the token endpoint does not know it.
        ConsentExpired: it does, and the authorization has ended: the secret is kept all the same.
        ConsentFailed: it gave no usable answer.
    """
    spec, grant = provider(connection.provider), connection.grant
    tried = replace(grants.spec_of(grant), client_secret=secret, other_secrets=(), refused=None)
    ended = False
    try:
        _refresh(grant, tried)
    except ClientRefused as error:
        raise ConsentRefused(
            f"{spec.name} does not take this secret: {error}.",
            f"Copy the new secret of the application {grant.application} once more.",
        ) from None
    except InvalidGrant:
        ended = True
    except OAuthError as error:
        raise companies.failed(spec, error) from None
    secrets.keep(secrets.application_of(grant), secret, ends_at, actor=user.actor)
    for other in _waiting().filter(application=grant.application, tenant=grant.tenant).exclude(pk=grant.pk):
        _try(other)
    if ended:
        raise ConsentExpired(
            f"The secret is right and kept, but the authorization at {spec.name} has ended.",
            f"Authorize the application again at {spec.name}, and connect it with what you get.",
        )


def reopen_waiting() -> int:
    """Try the grants of private applications whose new secret arrived after the one before had been refused; return how many
    go on."""
    fresh = ApplicationSecret.objects.filter(tenant__isnull=False, created_at__gt=now() - TRIED_FOR).exclude(secret="")
    named = set(fresh.values_list("provider", "client_id", "tenant_id"))
    return sum(_try(grant) for grant in _waiting() if (grant.provider, grant.application, grant.tenant_id) in named)


def _waiting() -> QuerySet[Grant]:
    return (
        Grant.objects.filter(state=Access.NEEDS_RECONNECT, tenant__isnull=False).exclude(application="").order_by("pk")
    )


def _try(grant: Grant) -> bool:
    try:
        _refresh(grant, grants.spec_of(grant))
    except (OAuthError, ConsentError):
        return False
    return True


def _refresh(grant: Grant, spec: OAuthSpec) -> None:
    """Refresh outside the lease, as nobody else refreshes a grant that waits, and let what it serves go on."""
    redirect_uri = grants.redirect_uri(grant.provider)
    tokens = oauth.refresh(
        grants.HTTP, spec, refresh_token=open_from(grant, "refresh_token"), redirect_uri=redirect_uri
    )
    with recorded(), unscoped("the grant names its tenant"):
        current = Grant.objects.select_for_update().get(pk=grant.pk)
        if current.state == Access.REVOKED or current.version != grant.version:
            return  # a newer pair came in, or a person ended it
        grants.store_tokens(current, tokens)
        waited, current.state = current.state == Access.NEEDS_RECONNECT, Access.ACTIVE
        current.save()
        if waited:
            _go_on(current)


def _go_on(grant: Grant) -> None:
    assert grant.tenant_id is not None
    with scope(grant.tenant_id):
        again = list(Connection.objects.filter(grant=grant, state=Access.NEEDS_RECONNECT).order_by("pk"))
        Connection.objects.filter(pk__in=[each.pk for each in again]).update(state=Access.ACTIVE)
        companies.settle_reconnect(grant.tenant_id, grant.pk)
        for each in again:
            record("connection.opened_again", f"connection:{each.pk}", provider=each.provider)

"""Connecting and disconnecting: the consent in the browser, pasted credentials, the named test, the end."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import F

from audit.trail import record, recorded
from kit import oauth
from kit.clock import now
from kit.http import HttpError
from kit.oauth import InvalidGrant, OAuthError, OAuthSpec, TokenEndpointDown, Tokens
from kit.scope import scope, unscoped
from kit.sealed import open_from, seal_into
from tenants import grants, sharing
from tenants.alerts import settle_alert
from tenants.consents import (
    ConsentError,
    ConsentExpired,
    ConsentFailed,
    ConsentForeign,
    ConsentRefused,
    ConsentReplayed,
    ConsentUnavailable,
    make_state,
    use_state,
)
from tenants.models import Access, Connection, Grant, Tenant, User
from tenants.providers import CheckStep, Identity, Provider, Step, provider

__all__ = [
    "ConsentError",
    "ConsentExpired",
    "ConsentFailed",
    "ConsentForeign",
    "ConsentRefused",
    "ConsentReplayed",
    "ConsentUnavailable",
    "begin_consent",
    "connect_with_credentials",
    "disconnect",
    "finish_consent",
    "run_checks",
]

log = logging.getLogger(__name__)

CREDENTIALS = ("client_id", "client_secret", "refresh_token")
AGAIN = "Connect again from Connections."


@dataclass(frozen=True, slots=True)
class _Private:
    """A tenant's own application at the provider; empty for ours."""

    client_id: str = ""
    client_secret: str = ""


def begin_consent(user: User, tenant: Tenant, provider_slug: str, *, extra: Mapping[str, Any] | None = None) -> str:
    """Return the address of the provider's consent page for this person and company.

    ``extra`` is what the person chose before (the provider's ``choices``).

    Raises:
        ConsentUnavailable: the installation has no credentials there.
    """
    spec = provider(provider_slug)
    chosen = dict(extra or {})
    endpoints = spec.oauth(chosen)
    if not endpoints.client_id:
        raise ConsentUnavailable(
            f"This installation is not registered with {spec.name}.",
            f"Ask whoever runs it to set the credentials of its application at {spec.name}.",
        )
    state = make_state(user, tenant, spec.slug, spec.environment(chosen), chosen)
    return oauth.authorize_url(endpoints, state=state, redirect_uri=grants.redirect_uri(spec.slug))


def finish_consent(user: User, tenant: Tenant, provider_slug: str, params: Mapping[str, str]) -> list[Connection]:
    """Turn the callback of a consent into connections, one per company it opened. Never inside a transaction.

    ``params`` is the callback's query. A company that is already connected keeps its connection, with the new tokens.

    Raises:
        ConsentForeign, ConsentReplayed, ConsentExpired: about the state; nothing was asked of the provider.
        ConsentRefused: the consent page said no.
        ConsentFailed: the provider gave no tokens, or nothing we can connect.
    """
    spec = provider(provider_slug)
    begun = use_state(params.get("state", ""), user, tenant, spec.slug)
    code = params.get(spec.code_param, "")
    if params.get("error") or not code:
        raise ConsentRefused(
            f"{spec.name} was not connected: the consent was declined there.",
            f"If that was not meant, connect again and agree on {spec.name}'s page as an administrator of the company.",
        )
    endpoints = spec.oauth(begun.extra)
    try:
        tokens = oauth.exchange(grants.HTTP, endpoints, code=code, redirect_uri=grants.redirect_uri(spec.slug))
    except InvalidGrant:
        raise ConsentExpired(f"{spec.name} no longer takes the code of this consent.", AGAIN) from None
    except OAuthError as error:
        raise _failed(spec, error) from None
    # What was chosen before stands: the query comes by way of the browser.
    found = _identify(spec, tokens, {**params, **begun.extra})
    return _connect(user, tenant, spec, begun.environment, begun.extra, _Private(), tokens, found)


def connect_with_credentials(
    user: User, tenant: Tenant, provider_slug: str, values: Mapping[str, str]
) -> list[Connection]:
    """Connect by pasted credentials of a tenant's own application. Never inside a transaction.

    ``values`` has the provider's ``manual`` fields. They are tried with one refresh before anything is stored.

    Raises:
        ConsentRefused: the provider does not take them.
        ConsentFailed: it gave no usable answer.
    """
    spec = provider(provider_slug)
    for field in spec.manual:
        if field.pattern and not re.fullmatch(field.pattern, values[field.name].strip()):
            raise ConsentRefused(f"{values[field.name].strip()!r} is no {field.label.lower()}.", field.help_text)
    private = _Private(values["client_id"].strip(), values["client_secret"].strip())
    pasted = values["refresh_token"].strip()
    data = {name: value for name, value in values.items() if name not in CREDENTIALS}
    endpoints = _as_private(spec.oauth(data), private)
    try:
        tokens = oauth.refresh(
            grants.HTTP, endpoints, refresh_token=pasted, redirect_uri=grants.redirect_uri(spec.slug)
        )
    except TokenEndpointDown as error:
        raise _failed(spec, error) from None
    except OAuthError as error:
        raise ConsentRefused(
            f"{spec.name} does not take these credentials: {error}.",
            "Compare client id, client secret and refresh token with your application's page; they belong together.",
        ) from None
    kept = replace(tokens, refresh_token=tokens.refresh_token or pasted)
    found = _identify(spec, kept, data)
    return _connect(user, tenant, spec, spec.environment(data), data, private, kept, found)


def run_checks(connection: Connection, mode: str = "", *, actor: str = "") -> list[CheckStep]:
    """Run the provider's named steps of *Test connection*, keep and return them. Never inside a transaction.

    ``mode`` is the flow's mode, "" for any.
    """
    try:
        steps: list[CheckStep] = list(provider(connection.provider).checks(connection, mode))
    except grants.NeedsReconnect as error:
        steps = [Step("Authorisation", "failed", str(error), AGAIN, "posting")]
    except grants.RefreshFailed as error:
        steps = [Step("Authorisation", "failed", str(error), "Try again in a few minutes.", "posting")]
    shared = sharing.step(connection)
    steps += [shared] if shared else []
    names = ("name", "verdict", "detail", "action", "blocks")
    kept = [{name: str(getattr(step, name)) for name in names} for step in steps]
    with recorded(), scope(connection.tenant_id):
        connection.checks, connection.last_checked_at = kept, now()
        connection.save(update_fields=["checks", "last_checked_at"])
        failed = [step["name"] for step in kept if step["verdict"] == "failed"]
        record("connection.tested", f"connection:{connection.pk}", actor=actor, mode=mode, failed=failed)
    return list(steps)


def disconnect(connection: Connection, *, actor: str = "") -> None:
    """End a connection. Never inside a transaction.

    The authorisation is withdrawn at the provider when no other connection needs it: withdrawn first, then forgotten.
    If the provider does not answer, our copy of the tokens goes all the same.
    """
    if not _used_at_the_provider(connection):
        _revoke(connection.grant)
    with recorded(), scope(connection.tenant_id):
        connection.state = Access.REVOKED
        connection.save(update_fields=["state"])
        if not _used(connection.grant_id, but=connection.pk):
            _forget(connection.grant_id)
        settle_alert(connection.tenant_id, grants.reconnect_key(connection.grant_id))
        sharing.settle(connection)
        record("connection.revoked", f"connection:{connection.pk}", actor=actor, provider=connection.provider)


def _connect(
    user: User,
    tenant: Tenant,
    spec: Provider,
    environment: str,
    data: Mapping[str, Any],
    private: _Private,
    tokens: Tokens,
    found: Sequence[Identity],
) -> list[Connection]:
    """Store what a consent gave: one grant per subject, one connection per company, and the trail of it."""
    connected: list[Connection] = []
    with recorded(), scope(tenant.pk):
        for person, subject in dict.fromkeys(map(_granted_by, found)):
            owner = None if person else tenant
            grant = _grant(spec, environment, subject, owner, data, private, tokens)
            opened = [identity for identity in found if _granted_by(identity) == (person, subject)]
            connected.extend(_connection(user, grant, identity) for identity in opened)
            # Of this tenant only: another tenant's person must agree to its own access.
            Connection.objects.filter(grant=grant, state=Access.NEEDS_RECONNECT).update(state=Access.ACTIVE)
            settle_alert(tenant.pk, grants.reconnect_key(grant.pk))
            settle_alert(tenant.pk, grants.expiry_key(grant.pk))
        for connection in connected:
            sharing.tell(connection)
            record(
                "connection.connected",
                f"connection:{connection.pk}",
                actor=user.actor,
                provider=spec.slug,
                environment=environment,
                company=connection.remote_id,
                private_application=bool(private.client_id),
            )
    return connected


def _granted_by(identity: Identity) -> tuple[bool, str]:
    """Return whether the provider named the person who agreed, and the person or else the company."""
    return bool(identity.subject), identity.subject or identity.remote_id


def _grant(
    spec: Provider,
    environment: str,
    subject: str,
    owner: Tenant | None,
    data: Mapping[str, Any],
    private: _Private,
    tokens: Tokens,
) -> Grant:
    grant, _ = Grant.objects.get_or_create(
        provider=spec.slug, environment=environment, application=private.client_id, subject=subject, tenant=owner
    )
    grant = Grant.objects.select_for_update().get(pk=grant.pk)
    grants.store_tokens(grant, tokens)
    grant.state, grant.consented_at, grant.data = Access.ACTIVE, now(), dict(data)
    if private.client_id:
        seal_into(grant, "client_secret", private.client_secret)
    elif spec.consent_life and tokens.hard_expires_in_s is None:
        grant.hard_expires_at = grant.consented_at + spec.consent_life
    grant.save()
    return grant


def _connection(user: User, grant: Grant, identity: Identity) -> Connection:
    connection = Connection.objects.filter(
        provider=grant.provider, environment=grant.environment, remote_id=identity.remote_id
    ).first()
    before = connection.grant_id if connection else None
    if connection is None:
        connection = Connection(
            provider=grant.provider, environment=grant.environment, remote_id=identity.remote_id, created_by=user
        )
    connection.grant, connection.state = grant, Access.ACTIVE
    connection.remote_name, connection.data = identity.name[:255], dict(identity.data)
    connection.save()
    if before is not None and before != grant.pk and not _used(before):
        _forget(before)
    return connection


def _identify(spec: Provider, tokens: Tokens, params: Mapping[str, str]) -> Sequence[Identity]:
    try:
        found = spec.identify(tokens, params)
    except ConsentError:
        raise
    except Exception as error:  # whatever a provider's client raises: the person gets a page, we get the trace
        log.exception("%s could not be asked what a consent opens", spec.slug)
        raise _failed(spec, error) from None
    if not found:
        raise ConsentFailed(
            f"{spec.name} agreed, but the person has no company there that can be connected.",
            f"Sign in to {spec.name} as an administrator of the company, then connect again.",
        )
    return found


def _failed(spec: Provider, error: Exception) -> ConsentFailed:
    # Other errors may quote what the provider said, personal data included.
    why = str(error) if isinstance(error, OAuthError | HttpError) else "its answer could not be used"
    return ConsentFailed(
        f"{spec.name} was not connected: {why}. Nothing was changed.",
        "Connect again in a few minutes. If it fails the same way, ask whoever runs this installation.",
    )


def _as_private(endpoints: OAuthSpec, private: _Private) -> OAuthSpec:
    return replace(endpoints, client_id=private.client_id, client_secret=private.client_secret)


def _used(grant_id: int, *, but: int = 0) -> bool:
    """Tell whether a connection of any tenant, other than ``but``, needs a grant."""
    with unscoped("a grant may serve another tenant's connection"):
        return Connection.objects.filter(grant_id=grant_id).exclude(state=Access.REVOKED).exclude(pk=but).exists()


def _used_at_the_provider(connection: Connection) -> bool:
    """Tell whether withdrawing a connection's consent may end another one's: providers count by company or by person."""
    grant = connection.grant
    alike = Grant.objects.filter(
        provider=grant.provider, environment=grant.environment, application=grant.application, subject=grant.subject
    )
    return any(_used(pk, but=connection.pk) for pk in alike.values_list("pk", flat=True))


def _revoke(grant: Grant) -> None:
    token = open_from(grant, "refresh_token") or open_from(grant, "access_token")
    if not token:
        return
    try:
        oauth.revoke(grants.HTTP, grants.spec_of(grant), token=token)
    except OAuthError as error:
        log.warning("grant %s could not be withdrawn at %s: %s", grant.pk, grant.provider, error)


def _forget(grant_id: int) -> None:
    """Drop the tokens of a grant nobody uses. The version tells a refresh under way that its answer is not wanted."""
    Grant.objects.filter(pk=grant_id).update(
        access_token="", refresh_token="", client_secret="", state=Access.REVOKED, version=F("version") + 1
    )

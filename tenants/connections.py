"""Connecting and disconnecting: the consent in the browser, pasted credentials, the named test, the end."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from audit.trail import record, recorded
from kit import oauth
from kit.clock import now
from kit.oauth import InvalidGrant, OAuthError, OAuthSpec, TokenEndpointDown, Tokens
from kit.scope import scope
from tenants import companies, grants, secrets, sharing
from tenants.companies import Consented
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
from tenants.models import Access, Connection, Tenant, User
from tenants.providers import CheckStep, Identity, Provider, Step, TokenRejected, provider

__all__ = [
    "RENEWED",
    "ConsentError",
    "ConsentExpired",
    "ConsentFailed",
    "ConsentForeign",
    "ConsentRefused",
    "ConsentReplayed",
    "ConsentUnavailable",
    "Consented",
    "begin_consent",
    "begin_renewal",
    "connect_with_credentials",
    "disconnect",
    "finish_consent",
    "run_checks",
]

CREDENTIALS = ("client_id", "client_secret", "refresh_token")
RENEWED = "only_company"  # chosen before a consent: the one company it may be of, by its remote id
AGAIN = "Connect again from Connections."


def begin_consent(user: User, tenant: Tenant, provider_slug: str, *, extra: Mapping[str, Any] | None = None) -> str:
    """Return the address of the provider's consent page for this person and company.

    ``extra`` is what the person chose before (the provider's ``choices``).

    Raises:
        ConsentUnavailable: the installation has no credentials there.
    """
    spec = provider(provider_slug)
    chosen = dict(extra or {})
    endpoints = secrets.endpoints(spec, chosen)
    if not endpoints.client_id:
        raise ConsentUnavailable(
            f"This installation is not registered with {spec.name}.",
            f"Ask whoever runs it to set the credentials of its application at {spec.name}.",
        )
    state = make_state(user, tenant, spec.slug, spec.environment(chosen), chosen)
    return oauth.authorize_url(endpoints, state=state, redirect_uri=grants.redirect_uri(spec.slug))


def begin_renewal(user: User, connection: Connection) -> str:
    """Return the address of the consent page that renews what a connection's consent began with, for the same company.

    Raises:
        ConsentUnavailable: the installation has no credentials there, or the consent is of a private application.
        ConsentError: what was chosen for it is not known any more; it has to be chosen again.
    """
    spec = provider(connection.provider)
    if connection.grant.application:
        raise ConsentUnavailable(
            "This consent was given to a private application.",
            f"Authorize it again in {spec.name} and paste the result.",
        )
    chosen = {field.name: connection.grant.data.get(field.name, "") for field in spec.choices}
    return begin_consent(user, connection.tenant, spec.slug, extra=chosen | {RENEWED: connection.remote_id})


def finish_consent(user: User, tenant: Tenant, provider_slug: str, params: Mapping[str, str]) -> Consented:
    """Turn the callback of a consent into a connection, or into a choice of companies. Never inside a transaction.

    ``params`` is the callback's query. A company that is already connected keeps its connection, with the new tokens.

    Raises:
        ConsentForeign, ConsentReplayed, ConsentExpired: about the state; nothing was asked of the provider.
        ConsentRefused: the consent page said no.
        ConsentFailed: the provider gave no tokens, or nothing we can connect; or the callback names a server that the
            provider does not know, and nothing was sent there.
    """
    spec = provider(provider_slug)
    begun = use_state(params.get("state", ""), user, tenant, spec.slug)
    code = params.get(spec.code_param, "")
    if params.get("error") or not code:
        raise ConsentRefused(
            f"{spec.name} was not connected: the consent was declined there.",
            f"If that was not meant, connect again and agree on {spec.name}'s page as an administrator of the company.",
        )
    # What was chosen before stands: the query comes by way of the browser.
    brought = {name: params[name] for name in spec.keeps if name in params} | begun.extra
    endpoints = secrets.endpoints(spec, brought)
    try:
        tokens = oauth.exchange(grants.HTTP, endpoints, code=code, redirect_uri=grants.redirect_uri(spec.slug))
    except InvalidGrant:
        raise ConsentExpired(f"{spec.name} no longer takes the code of this consent.", AGAIN) from None
    except OAuthError as error:
        raise companies.failed(spec, error) from None
    said = {name: str(tokens.extra[name]) for name in spec.keeps if tokens.extra.get(name) is not None}
    kept = brought | said | begun.extra
    found = _ask(spec, tokens, {**params, **kept})
    kept.pop(RENEWED, None)
    return companies.store(user, tenant, spec, begun.environment, kept, companies.Private(), tokens, found)


def connect_with_credentials(user: User, tenant: Tenant, provider_slug: str, values: Mapping[str, str]) -> Consented:
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
    private = companies.Private(values["client_id"].strip(), values["client_secret"].strip())
    pasted = values["refresh_token"].strip()
    data = {name: value for name, value in values.items() if name not in CREDENTIALS}
    endpoints = _as_private(spec.oauth(data), private)
    try:
        tokens = oauth.refresh(
            grants.HTTP, endpoints, refresh_token=pasted, redirect_uri=grants.redirect_uri(spec.slug)
        )
    except TokenEndpointDown as error:
        raise companies.failed(spec, error) from None
    except OAuthError as error:
        raise ConsentRefused(
            f"{spec.name} does not take these credentials: {error}.",
            "Compare client id, client secret and refresh token with your application's page; they belong together.",
        ) from None
    kept = replace(tokens, refresh_token=tokens.refresh_token or pasted)
    found = _ask(spec, kept, data)
    return companies.store(user, tenant, spec, spec.environment(data), data, private, kept, found)


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
    if not companies.used_at_the_provider(connection.grant, but=connection.pk):
        companies.withdraw(connection.grant_id)
    with recorded(), scope(connection.tenant_id):
        connection.state = Access.REVOKED
        connection.save(update_fields=["state"])
        if not companies.used(connection.grant_id, but=connection.pk):
            companies.forget(connection.grant_id)
        companies.settle_reconnect(connection.tenant_id, connection.grant_id)
        sharing.settle(connection)
        record("connection.revoked", f"connection:{connection.pk}", actor=actor, provider=connection.provider)


def _ask(spec: Provider, tokens: Tokens, params: Mapping[str, str]) -> Sequence[Identity]:
    """Ask what tokens that have just come open."""
    try:
        return companies.ask(spec, tokens, params)
    except TokenRejected as error:
        raise companies.not_taken(spec, error) from None


def _as_private(endpoints: OAuthSpec, private: companies.Private) -> OAuthSpec:
    return replace(endpoints, client_id=private.client_id, client_secret=private.client_secret)

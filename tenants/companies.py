"""The companies a consent opens: which of them are connected, and what one person's consent serves.

A consent to one company connects it at once. Where it opens several, the person chooses, then and later, without agreeing
anew: some providers end a user's first consent with the twenty-first, and some with the second.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from audit.trail import record, recorded
from kit import oauth
from kit.clock import now
from kit.http import HttpError
from kit.oauth import OAuthError, Tokens
from kit.scope import scope, unscoped
from kit.sealed import open_from, seal_into
from tenants import asking, grants, sharing
from tenants.alerts import settle_alert
from tenants.consents import ConsentError, ConsentFailed
from tenants.models import Access, ApplicationSecret, Connection, Grant, Member, Tenant, User
from tenants.providers import Identity, Provider, TokenRejected, provider
from tenants.roles import Action, can

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Private:
    """A tenant's own application at the provider; empty for ours."""

    client_id: str = ""
    client_secret: str = ""


@dataclass(frozen=True, slots=True)
class Consented:
    """What a consent led to. ``choose``: it opens companies that are not connected here, and a person says which to."""

    grant: Grant
    connected: list[Connection]
    choose: bool


@dataclass(frozen=True, slots=True)
class Company:
    """A company that a consent opens.

    ``connection`` is this tenant's, if it is connected; ``elsewhere`` are the other tenants of the person that are.
    """

    identity: Identity
    connection: Connection | None
    elsewhere: tuple[str, ...]

    @property
    def choosable(self) -> bool:
        """Tell whether it can be connected: it is not, or has been lost though the consent lives."""
        return self.connection is None or self.connection.state == Access.NEEDS_RECONNECT


def own_grants(user: User, provider_slug: str = "") -> QuerySet[Grant]:
    """Select the living consents of a person that may open further companies, the newest first."""
    mine = Grant.objects.filter(user=user, state=Access.ACTIVE).order_by("-consented_at", "-pk")
    return mine.filter(provider=provider_slug) if provider_slug else mine


def serves(grant: Grant, user: User) -> list[str]:
    """Return the names of what a person's consent is used for, as far as they belong to the tenants that do."""
    with unscoped("a person's consent serves every tenant they connect companies in"):
        used = Connection.objects.filter(grant=grant, tenant__in=_tenants_of(user)).exclude(state=Access.REVOKED)
        return [str(connection) for connection in used.order_by("remote_name", "pk")]


def offered(user: User, tenant: Tenant, grant: Grant) -> list[Company]:
    """Ask the provider which companies a person's consent opens now. Never in a transaction.

    Raises:
        ConsentFailed: the provider gave no usable answer, or was asked too often.
        grants.NeedsReconnect, grants.RefreshFailed: it has no token for us.
    """
    spec = provider(grant.provider)
    try:
        asking.ask_provider(tenant.pk, grant.provider, grant.environment)
    except asking.AskedTooOften as error:
        raise ConsentFailed(error.text, error.action) from error
    found = _ask_again(spec, grant)
    with scope(tenant.pk):
        known = Connection.objects.filter(provider=grant.provider, environment=grant.environment)
        here = {each.remote_id: each for each in known.exclude(state=Access.REVOKED)}
    elsewhere = _elsewhere(user, tenant, grant, {identity.remote_id for identity in found})
    return [
        Company(one, here.get(one.remote_id), elsewhere.get(one.remote_id, ()))
        for one in sorted(found, key=lambda one: (one.name.casefold(), one.remote_id))
    ]


def connect(user: User, tenant: Tenant, grant: Grant, remote_ids: Collection[str]) -> list[Connection]:
    """Connect the choosable ones of the companies that a person's consent opens now. Never in a transaction.

    Raises: as ``offered``.
    """
    wanted = [each.identity for each in offered(user, tenant, grant) if each.choosable]
    with recorded(), scope(tenant.pk):
        made = [_connection(user, grant, identity) for identity in wanted if identity.remote_id in remote_ids]
        settle_reconnect(tenant.pk, grant.pk)
        _tell(made, user)
    return made


def store(
    user: User,
    tenant: Tenant,
    spec: Provider,
    environment: str,
    data: Mapping[str, Any],
    private: Private,
    tokens: Tokens,
    found: Sequence[Identity],
) -> Consented:
    """Store what a consent gave: the grant, and the companies that it connects or opens again, with their trail."""
    opened = {identity.remote_id: identity for identity in found}
    with recorded(), scope(tenant.pk):
        grant = _grant(user, tenant, spec, environment, found[0], data, private, tokens)
        here = Connection.objects.filter(provider=spec.slug, environment=environment, remote_id__in=opened)
        known = {each.remote_id: each for each in here.exclude(state=Access.REVOKED).select_related("grant")}
        taken = [one for one in found if len(found) == 1 or _takes_over(grant, known.get(one.remote_id))]
        made = [_connection(user, grant, one) for one in taken]
        _open_again(grant, opened, user)
        if spec.single_consent and grant.user_id:
            _end_earlier(grant, spec)
        _tell(made, user)
    return Consented(grant, made, choose=bool(opened.keys() - known.keys() - {one.remote_id for one in taken}))


def ask(spec: Provider, tokens: Tokens, params: Mapping[str, str]) -> Sequence[Identity]:
    """Ask what tokens open. Raises TokenRejected, or ConsentError for whatever else is wrong."""
    try:
        found = spec.identify(tokens, params)
        if len(found) > 1 and (len({one.subject for one in found}) > 1 or not found[0].subject):
            raise ValueError("several companies of a consent, but not one person who gave it")
    except (ConsentError, TokenRejected):
        raise
    except Exception as error:  # whatever a provider's client raises: the person gets a page, we get the trace
        log.exception("%s could not be asked what a consent opens", spec.slug)
        raise failed(spec, error) from None
    if not found:
        raise ConsentFailed(
            f"{spec.name} agreed, but the person has no company there that can be connected.",
            f"Sign in to {spec.name} as an administrator of the company, then connect again.",
        )
    return found


def failed(spec: Provider, error: Exception) -> ConsentFailed:
    # Other errors may quote what the provider said, personal data included.
    why = str(error) if isinstance(error, OAuthError | HttpError) else "its answer could not be used"
    return ConsentFailed(
        f"{spec.name} was not connected: {why}. Nothing was changed.",
        "Connect again in a few minutes. If it fails the same way, ask whoever runs this installation.",
    )


def not_taken(spec: Provider, error: TokenRejected) -> ConsentFailed:
    """Return what it means that a provider does not take the token it has just given."""
    return ConsentFailed(
        error.text or f"{spec.name} does not take the consent that it has just given.",
        error.action or "Try again in a few minutes, or connect again.",
    )


def used(grant_id: int, *, but: int = 0) -> bool:
    """Tell whether a connection of any tenant, other than ``but``, needs a grant."""
    with unscoped("a grant may serve another tenant's connection"):
        return Connection.objects.filter(grant_id=grant_id).exclude(state=Access.REVOKED).exclude(pk=but).exists()


def used_at_the_provider(grant: Grant, *, but: int = 0) -> bool:
    """Tell whether withdrawing a consent may end a connection other than ``but``: providers count by company or person."""
    alike = _alike(grant) | Grant.objects.filter(pk=grant.pk)
    return any(used(pk, but=but) for pk in alike.values_list("pk", flat=True))


def withdraw(grant_id: int) -> None:
    """End a consent at the provider. One that does not answer is left: our copy of the tokens goes all the same."""
    grant = Grant.objects.get(pk=grant_id)  # with the tokens of now: a provider may take no others
    token = open_from(grant, "refresh_token") or open_from(grant, "access_token")
    if not token:
        return
    try:
        oauth.revoke(grants.HTTP, grants.spec_of(grant), token=token)
    except (OAuthError, ConsentError) as error:
        log.warning("grant %s could not be withdrawn at %s: %s", grant.pk, grant.provider, error)


def forget(grant_id: int) -> None:
    """Drop the tokens of a grant nobody uses, and the further secrets of a private application that has no other.

    The version tells a refresh under way that its answer is not wanted.
    """
    Grant.objects.filter(pk=grant_id).update(
        access_token="", refresh_token="", client_secret="", state=Access.REVOKED, version=F("version") + 1
    )
    grant = Grant.objects.get(pk=grant_id)
    alike = {"provider": grant.provider, "tenant": grant.tenant_id}
    living = Grant.objects.filter(application=grant.application, **alike).exclude(state=Access.REVOKED)
    if grant.application and not living.exists():
        ApplicationSecret.objects.filter(client_id=grant.application, **alike).delete()


def settle_reconnect(tenant_id: int, grant_id: int) -> None:
    """End a tenant's alert that a grant has to be given anew, unless one of its connections still waits for that."""
    with scope(tenant_id):
        if not Connection.objects.filter(grant=grant_id, state=Access.NEEDS_RECONNECT).exists():
            settle_alert(tenant_id, grants.reconnect_key(grant_id))


def _ask_again(spec: Provider, grant: Grant) -> Sequence[Identity]:
    """Return what a stored consent opens now, asked once more with a fresh token if the remote refuses the one we have."""
    rejected, why = "", TokenRejected()
    for _ in range(2):
        token = grants.access_token(grant.pk, rejected=rejected)
        try:
            found = ask(spec, Tokens(access_token=token, refresh_token="", expires_in_s=0), grant.data)
        except TokenRejected as error:
            rejected, why = token, error
            continue
        if all(identity.subject == grant.subject for identity in found):
            return found
        # Never another person's companies, whatever came back.
        raise ConsentFailed(
            f"{spec.name} did not say clearly whose companies these are. Nothing was changed.",
            "Try again in a few minutes; if it stays like that, connect again.",
        )
    raise not_taken(spec, why)


def _elsewhere(user: User, tenant: Tenant, grant: Grant, remote_ids: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return, by company, the names of the person's other tenants that are connected to it."""
    with unscoped("a person sees what they connected in their other tenants"):
        same = Connection.objects.filter(
            provider=grant.provider,
            environment=grant.environment,
            remote_id__in=remote_ids,
            tenant__in=_tenants_of(user),
        )
        rows = same.exclude(state=Access.REVOKED).exclude(tenant=tenant).order_by("tenant__name", "pk")
        named: dict[str, tuple[str, ...]] = {}
        for remote_id, name in rows.values_list("remote_id", "tenant__name"):
            named[remote_id] = (*named.get(remote_id, ()), name)
    return named


def _tenants_of(user: User, *, may: Action = Action.SEE) -> list[int]:
    """Return the tenants a person belongs to, and may do something in."""
    return [member.tenant_id for member in Member.objects.filter(user=user) if can(member, may)]


def _grant(
    user: User,
    tenant: Tenant,
    spec: Provider,
    environment: str,
    identity: Identity,
    data: Mapping[str, Any],
    private: Private,
    tokens: Tokens,
) -> Grant:
    grant, _ = Grant.objects.get_or_create(
        provider=spec.slug,
        environment=environment,
        application=private.client_id,
        subject=identity.subject or identity.remote_id,
        tenant=None if identity.subject else tenant,
        user=user if identity.subject else None,
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


def _takes_over(grant: Grant, connection: Connection | None) -> bool:
    """Tell whether a new consent serves a connected company from now on: the same remote user's, or one that waits."""
    if connection is None:
        return False
    before = connection.grant
    same_user = (before.application, before.subject) == (grant.application, grant.subject)
    return same_user or connection.state == Access.NEEDS_RECONNECT


def _connection(user: User, grant: Grant, identity: Identity) -> Connection:
    connection = Connection.objects.filter(
        provider=grant.provider, environment=grant.environment, remote_id=identity.remote_id
    ).first()
    before = connection.grant_id if connection else None
    if connection is None:
        connection = Connection(
            provider=grant.provider, environment=grant.environment, remote_id=identity.remote_id, created_by=user
        )
    connection.grant, connection.state, connection.rests_until = grant, Access.ACTIVE, None
    connection.remote_name = identity.name[:255]
    connection.data = {**connection.data, **identity.data}  # what was learned since the last consent stays
    connection.save()
    if before is not None and before != grant.pk:
        settle_reconnect(connection.tenant_id, before)
        _settle_expiry(connection.tenant_id, before)
        if not used(before):
            forget(before)
    return connection


def _open_again(grant: Grant, opened: Collection[str], user: User) -> None:
    """Let the connections that waited for this consent go on, in every tenant where its person may connect companies.

    Of another tenant's person's nothing: they must agree to their own access. Nor of a company it no longer opens.
    """
    with unscoped("a person's consent serves every tenant they connect companies in"):
        waiting = Connection.objects.filter(
            grant=grant,
            state=Access.NEEDS_RECONNECT,
            remote_id__in=opened,
            tenant__in=_tenants_of(user, may=Action.CONNECT),
        )
        again = list(waiting.order_by("tenant_id", "pk"))
        Connection.objects.filter(pk__in=[each.pk for each in again]).update(state=Access.ACTIVE)
        tenants = set(Connection.objects.filter(grant=grant).values_list("tenant_id", flat=True))
    for tenant_id in sorted(tenants):
        settle_reconnect(tenant_id, grant.pk)
        _settle_expiry(tenant_id, grant.pk)
    for each in again:
        with scope(each.tenant_id):
            record("connection.opened_again", f"connection:{each.pk}", actor=user.actor, provider=each.provider)


def _settle_expiry(tenant_id: int, grant_id: int) -> None:
    for step in grants.CONSENT_STEPS:
        settle_alert(tenant_id, grants.expiry_key(grant_id, step))


def _end_earlier(grant: Grant, spec: Provider) -> None:
    """Mark what a provider ends by itself with a user's next consent, so that nobody finds out from a refusal."""
    for earlier in _alike(grant).filter(state=Access.ACTIVE).order_by("pk"):
        if used(earlier.pk):
            grants.end(
                earlier,
                f"Somebody connected {spec.name} from another Tieout account as the same {spec.name} user, and "
                f"{spec.name} lets only a user's latest consent live.",
            )
        else:
            forget(earlier.pk)


def _alike(grant: Grant) -> QuerySet[Grant]:
    """Select the other consents to the same company, or of the same user at the provider, whoever of ours gave them."""
    alike = Grant.objects.filter(
        provider=grant.provider, environment=grant.environment, application=grant.application, subject=grant.subject
    )
    return alike.exclude(pk=grant.pk)


def _tell(made: Sequence[Connection], user: User) -> None:
    for connection in made:
        sharing.tell(connection)
        record(
            "connection.connected",
            f"connection:{connection.pk}",
            actor=user.actor,
            provider=connection.provider,
            environment=connection.environment,
            company=connection.remote_id,
            private_application=bool(connection.grant.application),
        )

"""Access tokens, refreshed under a lease: many workers cause one refresh, and a new pair is stored before it is used.

Refresh tokens are single use at most providers, so a second refresh with the same value may end the grant. One worker
takes the lease with a compare-and-set, calls with no transaction open, and stores the whole answer guarded by the
version; the others read again. A worker that dies leaves a lease that ends by itself.
"""

import time
import uuid
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, models

from audit.trail import record, recorded
from kit import oauth
from kit.clock import now
from kit.http import Http
from kit.oauth import ClientRefused, InvalidGrant, OAuthSpec, Throttled, TokenEndpointDown, Tokens
from kit.scope import scope, unscoped
from kit.sealed import open_from, seal_into
from tenants import secrets
from tenants.alerts import alert
from tenants.consents import ConsentError
from tenants.models import Access, Connection, Grant
from tenants.providers import provider

HTTP = Http("Tieout/1.0 (Language=Python)")
AHEAD = timedelta(minutes=5)
# A provider that hands out shorter tokens would otherwise be refreshed at every call.
AHEAD_SHARE = 4
CONNECTIONS_PATH = "/connections/"
CONSENT_STEPS = (60, 30, 7)  # days ahead of a consent's end at which it is told
TRIES = 3
STORE_TRIES = 5
PAUSE_S = 1.0
LEASE = timedelta(seconds=oauth.DEADLINE_S + 30)
POLL_S = 0.1
WAIT_S = LEASE.total_seconds() * TRIES
BACKOFF_S, BACKOFF_CAP_S = 15, 900
# What lasts longer than this was written by a clock that ran ahead. Far more than machines that work together differ by, as
# a lease that is taken away too early may cost a single-use token.
FAR_AHEAD = timedelta(hours=2)


class NeedsReconnect(Exception):
    """The provider no longer takes our token. Only a new consent by a person helps; nothing happened remotely."""


class RefreshFailed(Exception):
    """No token now, though the grant may be fine. Nothing happened remotely; ask again after ``after_s`` seconds."""

    def __init__(self, text: str, after_s: float) -> None:
        super().__init__(text)
        self.after_s = after_s


def access_token(grant_id: int, *, rejected: str = "") -> str:
    """Return a token that is good for a call now. Never inside a transaction: it may call the provider.

    ``rejected`` is a token the remote answered 401 to; another one is returned, refreshed if need be.

    Raises:
        NeedsReconnect: a person must consent again; the members are alerted.
        RefreshFailed: the token endpoint gave no usable answer.
    """
    _refuse_transaction()
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        grant = _read(grant_id)
        token = _usable(grant, rejected)
        if token and not _wants_refresh(grant):
            return token
        wait_s = _pause_s(grant)
        if wait_s > 0:
            if token:
                return token
            raise RefreshFailed("the last refresh got no answer; it is tried again by itself", wait_s)
        lease = _take_lease(grant)
        if lease:
            fresh = _refresh(grant, lease)
            if fresh:
                return fresh
        elif token:
            return token  # somebody refreshes ahead of time; this one is still good
        else:
            time.sleep(POLL_S)
    raise RefreshFailed("another worker's refresh did not end", BACKOFF_S)


def token_for(connection: Connection, *, rejected: str = "") -> str:
    """Return a token for a call over a connection, as ``access_token``: its consent may go on serving other ones.

    Raises:
        NeedsReconnect: also where a person ended the connection, has to agree to it anew, or who agreed has left.
        RefreshFailed: the token endpoint gave no usable answer.
    """
    # A person's consent serves the tenants they belong to, whatever way they left one.
    served = models.Q(grant__user__isnull=True) | models.Q(grant__user__memberships__tenant=models.F("tenant"))
    with scope(connection.tenant_id):
        open_now = Connection.objects.filter(served, pk=connection.pk, state=Access.ACTIVE).exists()
    if not open_now:
        raise NeedsReconnect(f"{provider(connection.provider).name} is not connected any more: connect it again")
    return access_token(connection.grant_id, rejected=rejected)


def lost(connection: Connection, reason: str) -> None:
    """The company is closed to us although the grant may live on: work waits until a person connects it again."""
    with recorded(), scope(connection.tenant_id):
        if not Connection.objects.filter(pk=connection.pk, state=Access.ACTIVE).update(state=Access.NEEDS_RECONNECT):
            return
        # One alert for all that one consent has to open again.
        waiting = Connection.objects.filter(grant=connection.grant_id, state=Access.NEEDS_RECONNECT).order_by("pk")
        names = ", ".join(map(str, waiting))
        alert(
            connection.tenant_id,
            "needs_reconnect",
            reconnect_key(connection.grant_id),
            f"{names} {'has' if len(waiting) == 1 else 'have'} to be connected again",
            f"{reason} What waits for it is kept.",
            "Open Connections and connect it again. What waits then goes on by itself.",
            CONNECTIONS_PATH,
        )
        record(
            "connection.needs_reconnect", f"connection:{connection.pk}", tenant_id=connection.tenant_id, reason=reason
        )


def refresh_now(grant_id: int) -> None:
    """Refresh a grant whatever its token's age. Never inside a transaction.

    Raises:
        NeedsReconnect, RefreshFailed: as ``access_token``.
    """
    access_token(grant_id, rejected=_usable(_read(grant_id), ""))


def end_leases() -> None:
    """End every lease of a refresh. Only for the embedded server, whose file lock proves earlier owners dead.

    A refresh whose answer died with its owner is asked for again with the same value, as after any lost answer.
    """
    Grant.objects.filter(leased_until__isnull=False).update(lease="", leased_until=None)


def spec_of(grant: Grant) -> OAuthSpec:
    """Return the provider's endpoints with the credentials that belong to this grant. Raises ConsentError: none it knows."""
    system = provider(grant.provider)
    spec = system.oauth(grant.data)
    if grant.application:
        spec = replace(spec, client_id=grant.application, client_secret=open_from(grant, "client_secret"))
    if system.secret_life is None:
        return spec
    return secrets.with_all(
        spec, secrets.Application(system.slug, spec.client_id, grant.tenant_id if grant.application else None)
    )


def store_tokens(grant: Grant, tokens: Tokens) -> None:
    """Put tokens into a grant in hand and count its version; the caller saves.

    Where no refresh token came, the old one stays.
    """
    at = now()
    seal_into(grant, "access_token", tokens.access_token)
    if tokens.refresh_token:
        seal_into(grant, "refresh_token", tokens.refresh_token)
    grant.expires_at = at + timedelta(seconds=tokens.expires_in_s)
    if tokens.refresh_expires_in_s is not None:
        grant.refresh_expires_at = at + timedelta(seconds=tokens.refresh_expires_in_s)
    if tokens.hard_expires_in_s is not None:
        grant.hard_expires_at = at + timedelta(seconds=tokens.hard_expires_in_s)
    grant.refreshed_at, grant.version = at, grant.version + 1
    grant.lease, grant.leased_until, grant.failures, grant.retry_at = "", None, 0, None


TOKEN_COLUMNS = (
    "access_token", "refresh_token", "expires_at", "refresh_expires_at", "hard_expires_at",
    "refreshed_at", "version", "lease", "leased_until", "failures", "retry_at",
)  # fmt: skip


def redirect_uri(slug: str) -> str:
    """Return the callback address of a provider, exactly as it is registered there."""
    return f"{settings.SITE_URL}{CONNECTIONS_PATH}{slug}/callback"


def reconnect_key(grant_id: int) -> str:
    """Name the alert that a grant needs a new consent."""
    return f"grant:{grant_id}:reconnect"


def expiry_key(grant_id: int, step: int) -> str:
    """Name the alert that a grant's consent will end; ``step`` is one of ``CONSENT_STEPS``."""
    return f"grant:{grant_id}:consent_ends:{step}"


def _refuse_transaction() -> None:
    """Raise where a transaction is open: it would last as long as the provider's answer. A test's own is allowed."""
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise RuntimeError("access_token() may call the provider and must not run inside a transaction")


def _read(grant_id: int) -> Grant:
    grant = Grant.objects.get(pk=grant_id)
    if grant.state != Access.ACTIVE:
        raise NeedsReconnect(f"{provider(grant.provider).name} wants a new consent: connect it again")
    return grant


def _usable(grant: Grant, rejected: str) -> str:
    """Return the stored token, or "" if it ended or was rejected."""
    if not grant.access_token or grant.expires_at is None or grant.expires_at <= now():
        return ""
    token = open_from(grant, "access_token")
    return "" if token == rejected else token


def _wants_refresh(grant: Grant) -> bool:
    if grant.expires_at is None:
        return True
    ahead = AHEAD
    if grant.refreshed_at:
        ahead = min(AHEAD, (grant.expires_at - grant.refreshed_at) / AHEAD_SHARE)
    return grant.expires_at - ahead <= now()


def _pause_s(grant: Grant) -> float:
    """Return how long to leave the provider alone. A pause longer than any we make is of a clock that ran ahead then."""
    wait_s = (grant.retry_at - now()).total_seconds() if grant.retry_at else 0.0
    return wait_s if wait_s <= FAR_AHEAD.total_seconds() else 0.0


def _free(at: datetime) -> models.Q:
    """Select grants that nobody refreshes: a lease that lasts longer than one can was taken by a clock that ran ahead."""
    none, over = models.Q(leased_until__isnull=True), models.Q(leased_until__lte=at)
    return none | over | models.Q(leased_until__gt=at + FAR_AHEAD)


def _take_lease(grant: Grant) -> str:
    """Return a lease on the version in hand, or "" if another worker has one or stored tokens meanwhile."""
    at, lease = now(), uuid.uuid4().hex
    mine = Grant.objects.filter(_free(at), pk=grant.pk, version=grant.version)
    return lease if mine.update(lease=lease, leased_until=at + LEASE) else ""


def _refresh(grant: Grant, lease: str) -> str:
    """Refresh as the holder of the lease; return the new token, or "" if the grant changed hands meanwhile."""
    held = Grant.objects.filter(pk=grant.pk, lease=lease, version=grant.version)
    try:
        spec, token = spec_of(grant), open_from(grant, "refresh_token")
    except ConsentError as error:  # the server it was given at is on the provider's list no longer
        return _ended(grant, held, error.text)
    failure, least_s = "", 0.0
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S)
            if not held.update(leased_until=now() + LEASE):
                return ""
        try:
            tokens = oauth.refresh(HTTP, spec, refresh_token=token, redirect_uri=redirect_uri(grant.provider))
        except InvalidGrant:
            return _ended(grant, held, "The provider no longer accepts our authorisation.")
        except ClientRefused as error:
            if grant.application:
                return _ended(grant, held, f"The application's own id or secret was refused ({error}).")
            failure = str(error)
            break  # our application's set-up: the same answer to every grant, and no person of the tenant can mend it
        except Throttled as error:
            failure, least_s = str(error), error.after_s
            break
        except TokenEndpointDown as error:
            # The same value again: if nothing was rotated it still works; if it was, asking once more costs nothing.
            failure = str(error)
            continue
        return tokens.access_token if _store(grant, tokens) else ""
    after_s = max(least_s, min(BACKOFF_CAP_S, BACKOFF_S * 2 ** min(grant.failures, 10)))
    retry_at = now() + timedelta(seconds=after_s)
    held.update(lease="", leased_until=None, failures=models.F("failures") + 1, retry_at=retry_at)
    raise RefreshFailed(f"{provider(grant.provider).name} gave no token: {failure}", after_s)


def _store(grant: Grant, tokens: Tokens) -> bool:
    """Store a refreshed pair unless another came in since; the lease may have passed on, the pair is still the newest.

    The provider may already have burnt the old value, so a busy database is asked again before the pair is given up.
    """
    unchanged = Grant.objects.filter(pk=grant.pk, version=grant.version)
    store_tokens(grant, tokens)
    columns = {name: getattr(grant, name) for name in TOKEN_COLUMNS}
    for left in reversed(range(STORE_TRIES)):
        try:
            return bool(unchanged.update(**columns))
        except (OperationalError, InterfaceError):
            if not left:
                raise
            connection.close_if_unusable_or_obsolete()
            time.sleep(PAUSE_S)
    raise AssertionError("unreachable")


def end(grant: Grant, why: str) -> None:
    """Mark a grant that its provider is known to take no more; ``why`` is told to every tenant it serves."""
    _end(grant, Grant.objects.filter(pk=grant.pk, state=Access.ACTIVE), why)


def _ended(grant: Grant, held: models.QuerySet[Grant], why: str) -> str:
    """End a grant as the holder of its lease and raise NeedsReconnect; or return "" if new tokens came in meanwhile."""
    if not _end(grant, held, why):
        return ""
    raise NeedsReconnect(f"{provider(grant.provider).name} wants a new consent: connect it again")


def _end(grant: Grant, held: models.QuerySet[Grant], why: str) -> bool:
    """Mark the grant and its connections and alert every tenant once; return False if ``held`` no longer is."""
    name = provider(grant.provider).name
    with recorded(), unscoped("one grant serves the connections of several tenants"):
        if not held.update(state=Access.NEEDS_RECONNECT, lease="", leased_until=None):
            return False
        affected = list(grant.connections.filter(state=Access.ACTIVE).order_by("tenant_id", "pk"))
        Connection.objects.filter(pk__in=[c.pk for c in affected]).update(state=Access.NEEDS_RECONNECT)
        for tenant_id in sorted({c.tenant_id for c in affected}):
            names = ", ".join(str(c) for c in affected if c.tenant_id == tenant_id)
            alert(
                tenant_id,
                "needs_reconnect",
                reconnect_key(grant.pk),
                f"{name} wants a new consent: {names}",
                f"{why} Work for {names} waits; nothing is lost.",
                f"Open Connections and connect {name} again. What waits then goes on by itself.",
                CONNECTIONS_PATH,
            )
        for affected_one in affected:
            record(
                "connection.needs_reconnect",
                f"connection:{affected_one.pk}",
                tenant_id=affected_one.tenant_id,
                provider=grant.provider,
                reason=why,
            )
    return True

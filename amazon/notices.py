"""Notices: stored the moment they come, handled afterwards. A notice only says where to look; whatever it says comes by
polling as well, so one that is lost, late, forged or repeated changes nothing but how soon."""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from django.db import connection
from django.db.models import F, Min, Q

from amazon.connect import SLUG
from amazon.envelopes import SELLERS, Envelope
from amazon.models import Notice, PoisonMessage, Subscription
from kit.clock import now
from kit.scope import scope, unscoped
from tenants.models import Access, Connection

KEPT_FOR: Final = timedelta(days=30)
LEASE: Final = timedelta(minutes=2)  # whoever took notices and has not said what became of them is dead by then
AT_ONCE: Final = 500
PURGED_AT_ONCE: Final = 5000
# SQLite lets writers try again and again, and some of many never in time; threads of one process wait in line instead.
_WRITES: Final = Lock()
State = Notice.State


def keep(tenant_id: int, envelopes: Iterable[Envelope]) -> None:
    """Store notices of a tenant's sellers, each once. What is told of an application's secret was kept before, elsewhere."""
    at = now()
    with scope(tenant_id):
        sellers = connected_sellers()
        rows = [_row(tenant_id, envelope, sellers, at) for envelope in envelopes]
        told = {row.notification_id for row in rows}
        known = set(Notice.objects.filter(notification_id__in=told).values_list("notification_id", flat=True))
        # What comes ten times is looked up and not written; whoever comes at the same moment is stopped by the constraint.
        fresh = {row.notification_id: row for row in rows if row.notification_id not in known}
        if fresh:
            with _WRITES if connection.vendor == "sqlite" else nullcontext():
                Notice.objects.bulk_create(fresh.values(), ignore_conflicts=True)


def connected_sellers() -> set[str]:
    """Return the seller ids of the tenant in scope."""
    connected = Connection.objects.filter(provider=SLUG).exclude(state=Access.REVOKED)
    return set(connected.values_list("remote_id", flat=True))


def tenants_of(envelope: Envelope) -> list[int]:
    """Return the tenants who connected a notice's seller by the installation's own application, and subscribed to it.

    Which seller somebody connected is said by their browser: that it is theirs only shows in the subscription, whose id Amazon
    gave for their authorization.
    """
    if not envelope.subscription_id:
        return []
    with unscoped("the installation's queue carries the notices of every tenant"):
        found = Subscription.objects.filter(connection__provider=SLUG, connection__remote_id=envelope.seller_id)
        living = found.filter(connection__grant__application="").exclude(connection__state=Access.REVOKED)
        ids = [
            (tenant_id, known.get(envelope.kind, {})) for tenant_id, known in living.values_list("tenant", "subscribed")
        ]
    return sorted({tenant_id for tenant_id, known in ids if known.get("id") == envelope.subscription_id})


def waiting() -> list[tuple[int, str]]:
    """Return (tenant, seller) of what is to be handled now, the longest waiting first, each tenant's first before anyone's
    second."""
    with unscoped("the schedule serves every tenant"):
        due = Notice.objects.filter(state=State.WAITING, due_at__lte=now())
        found = due.values("tenant_id", "seller_id").annotate(since=Min("received_at")).order_by("since")[:200]
        rank: dict[int, int] = {}
        ranked = []
        for each in found:
            rank[each["tenant_id"]] = rank.get(each["tenant_id"], 0) + 1
            ranked.append((rank[each["tenant_id"]], each["tenant_id"], each["seller_id"]))
    return [(tenant_id, seller_id) for _, tenant_id, seller_id in sorted(ranked, key=lambda one: one[0])]


def take(seller_id: str) -> list[Notice]:
    """Claim the notices about a seller of the tenant in scope that are due, the oldest first; each time is an attempt."""
    at, claim = now(), secrets.token_hex(16)
    due = Notice.objects.filter(seller_id=seller_id, state=State.WAITING, due_at__lte=at)
    ids = list(due.order_by("received_at", "pk").values_list("pk", flat=True)[:AT_ONCE])
    due.filter(pk__in=ids).update(claim=claim, due_at=at + LEASE, attempts=F("attempts") + 1)
    return list(Notice.objects.filter(claim=claim, pk__in=ids).order_by("received_at", "pk"))


def handled(notices: Sequence[Notice], outcome: str) -> None:
    """Say what became of notices that were taken; one that somebody else took over meanwhile stays theirs."""
    for claim in {notice.claim for notice in notices}:
        ids = [notice.pk for notice in notices if notice.claim == claim]
        mine = Notice.objects.filter(pk__in=ids, claim=claim, state=State.WAITING)
        mine.update(state=State.HANDLED, handled_at=now(), outcome=outcome, due_at=None, claim="")


def later(notices: Sequence[Notice], seconds: float) -> None:
    """Put notices that were taken off."""
    for notice in notices:
        mine = Notice.objects.filter(pk=notice.pk, claim=notice.claim, state=State.WAITING)
        mine.update(due_at=now() + timedelta(seconds=seconds), claim="")


def told_before(notices: Sequence[Notice]) -> list[Notice]:
    """Return those among taken notices whose very change was told and handled before, under another id."""
    keys = {notice.business_key for notice in notices} - {""}
    past = set(Notice.objects.filter(business_key__in=keys, state=State.HANDLED).values_list("business_key", flat=True))
    return [notice for notice in notices if notice.business_key in past]


def purge() -> int:
    """Delete notices of long ago, and what is kept of unreadable messages; what they led to stays."""
    PoisonMessage.objects.filter(taken_at__lt=now() - KEPT_FOR).delete()
    with unscoped("old notices of every tenant go"):
        old = Notice.objects.filter(~Q(state=State.WAITING), received_at__lt=now() - KEPT_FOR)
        ids = list(old.values_list("pk", flat=True)[:PURGED_AT_ONCE])
        return Notice.objects.filter(pk__in=ids).delete()[0]


def _row(tenant_id: int, envelope: Envelope, sellers: set[str], at: datetime) -> Notice:
    state = State.WAITING if envelope.kind in SELLERS else State.IGNORED
    if envelope.secret is not None:
        state = State.HANDLED
    if state == State.WAITING and envelope.seller_id not in sellers:
        state = State.UNKNOWN_SELLER
    return Notice(
        tenant_id=tenant_id,
        seller_id=envelope.seller_id,
        kind=envelope.kind,
        notification_id=envelope.notification_id,
        business_key=envelope.business_key,
        subject=envelope.subject,
        detail=envelope.detail,
        status=envelope.status,
        marketplace_id=envelope.marketplace_id,
        happened_at=envelope.happened_at,
        state=state,
        received_at=at,
        handled_at=at if state == State.HANDLED else None,
        due_at=at if state == State.WAITING else None,
    )

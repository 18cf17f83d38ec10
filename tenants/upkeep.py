"""What grants need over time: refresh tokens that lapse when unused, consents that nobody uses."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q

from kit.clock import now
from kit.scope import unscoped
from tenants import companies
from tenants.grants import NeedsReconnect, RefreshFailed, refresh_now
from tenants.models import Access, Connection, ConsentState, Grant

IDLE = timedelta(days=30)  # the shortest known idle life is 60 days (Xero), Intuit's is 100
BATCH = 50
UNUSED = timedelta(days=1)  # for a person who wants to think about which companies to connect
CONSENTS_KEPT = timedelta(days=1)  # so that a late answer is told from a foreign one


def refresh_idle() -> int:
    """Refresh grants that nobody used for a month, so that none lapses; return how many were refreshed."""
    stale = now() - IDLE
    idle = Grant.objects.filter(Q(refreshed_at__lt=stale) | Q(refreshed_at__isnull=True, consented_at__lt=stale))
    with unscoped("grants serve connections of any tenant"):
        wanted = Connection.objects.filter(state=Access.ACTIVE).values("grant_id")
        usable = idle.filter(state=Access.ACTIVE, pk__in=wanted).order_by("refreshed_at")
        due = list(usable.values_list("pk", flat=True)[:BATCH])
    done = 0
    for grant_id in due:
        try:
            refresh_now(grant_id)
        except (NeedsReconnect, RefreshFailed):
            continue  # alerted, or tried again with the next round
        done += 1
    return done


def withdraw_unused() -> int:
    """End the consents of people who then connected no company, or whose last one went over to another consent.

    Return how many.
    """
    with unscoped("grants serve connections of any tenant"):
        needed = Connection.objects.exclude(state=Access.REVOKED).values("grant_id")
        old = Grant.objects.filter(user__isnull=False, consented_at__lt=now() - UNUSED).exclude(state=Access.REVOKED)
        unused = list(old.exclude(pk__in=needed).order_by("pk")[:BATCH])
    ended = 0
    for grant in unused:
        if companies.used(grant.pk):
            continue  # somebody has chosen a company while the others were withdrawn
        if not companies.used_at_the_provider(grant):
            companies.withdraw(grant.pk)
        companies.forget(grant.pk)
        ended += 1
    return ended


def purge() -> int:
    """Delete sessions that ended and consents that nobody can come back from; return how many rows went."""
    at = now()
    with unscoped("what has ended is of no use to any tenant"):
        gone, _ = ConsentState.objects.filter(expires_at__lt=at - CONSENTS_KEPT).delete()
    ended, _ = Session.objects.filter(expire_date__lt=at).delete()
    # The list of a person's sessions is kept beside the sessions themselves.
    listed, _ = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    return gone + ended + listed

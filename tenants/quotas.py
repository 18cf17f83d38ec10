"""Calls a provider counts by the day: of one company, as its answers say, and of the application, as we count them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.db.models import F

from kit.clock import now, time_of_day
from tenants.models import CallCount, Connection, Quota
from tenants.providers import provider

STEP = 5  # percent; a finer share would tell a tenant what the others do


@dataclass(frozen=True, slots=True)
class Left:
    """A company's calls of the day in words; ``used_up`` says when work goes on, or is empty while there are some left."""

    text: str
    used_up: str


def note(connection: Connection, limit: int, remaining: int, resets_at: datetime) -> None:
    """Keep what an answer said of a company's calls of the day.

    ``resets_at`` is when the provider counts anew, aware; in the ``ZoneInfo`` of the company where that is known, as the
    page then names the place whose midnight it is. Kept to the minute: providers say it in seconds from their answer.
    """
    zone = resets_at.tzinfo.key if isinstance(resets_at.tzinfo, ZoneInfo) else ""
    said = {
        "daily_limit": max(limit, 0),
        "remaining": max(remaining, 0),
        "resets_at": (resets_at + timedelta(seconds=30)).replace(second=0, microsecond=0),
        "zone": zone,
        "seen_at": now(),
    }
    row = Quota.objects.filter(connection=connection)
    if row.update(**said):
        return
    try:
        with transaction.atomic():
            Quota.objects.create(tenant_id=connection.tenant_id, connection=connection, **said)
    except IntegrityError:
        row.update(**said)


def of(connection: Connection) -> Left | None:
    """Return what is left of a company's calls of today; None where its provider never said."""
    row = Quota.objects.filter(connection=connection).first()
    if row is None:
        return None
    end = time_of_day(row.resets_at, row.zone)
    if row.resets_at <= now():
        return Left(f"{row.daily_limit:,} a day; none made since {end}", "")
    text = f"{row.remaining:,} of {row.daily_limit:,} calls left today, until {end}"
    return Left(text, "" if row.remaining else f"What waits goes on by itself after {end}.")


def count_call(provider_slug: str, environment: str) -> None:
    """Count one call of today. A day's first call may meet another worker's."""
    day = now().astimezone(UTC).date()
    row = CallCount.objects.filter(provider=provider_slug, environment=environment, day=day)
    if row.update(count=F("count") + 1):
        return
    try:
        with transaction.atomic():
            CallCount.objects.create(provider=provider_slug, environment=environment, day=day, count=1)
    except IntegrityError:
        row.update(count=F("count") + 1)


def zones(connections: Iterable[Connection]) -> dict[int, str]:
    """Return the time zones by which providers count the days of companies, by connection, where they said. One query."""
    known = Quota.objects.filter(connection__in=connections).exclude(zone="")
    return dict(known.values_list("connection_id", "zone"))


def calls_today(provider_slug: str, environment: str) -> int:
    """Return how many calls the whole installation made today (UTC)."""
    day = now().astimezone(UTC).date()
    row = CallCount.objects.filter(provider=provider_slug, environment=environment, day=day)
    return row.values_list("count", flat=True).first() or 0


def of_all(connection: Connection) -> str:
    """Return in words how much of the application's calls of today all companies have used; empty where none are counted.

    The share is coarse, rounded up, and 100 only when all are used.
    """
    allowed = provider(connection.provider).daily_calls
    if not allowed:
        return ""
    made = calls_today(connection.provider, connection.environment)
    share = 100 if made >= allowed else min(-(-made * 100 // (allowed * STEP)) * STEP, 100 - STEP)
    return f"{'' if share in (0, 100) else 'about '}{share} % of {allowed:,} used today, until 00:00 UTC"

"""Token buckets in the database: one row per (application, remote account, operation), shared by every process."""

from collections.abc import Mapping

from django.db import IntegrityError, transaction
from django.db.models import F

from kit.clock import now
from kit.rate import Level, RatePlan, tokens_at
from kit.rate import give_back as give_back_to
from kit.rate import owe as owe_to
from kit.rate import take as take_from
from tenants.models import Bucket

TRIES = 20
LOST_RACES_S = 0.2


def take(key: str, plan: RatePlan) -> float:
    """Take tokens for one call; return 0, or the seconds after which to ask again (then nothing was taken).

    A bucket that is new starts full. Whoever loses the race for the row that often waits a moment instead.
    """
    for _ in range(TRIES):
        at_s = now().timestamp()
        row = Bucket.objects.filter(pk=key).first()
        level = Level(row.tokens, row.at_s) if row else Level(plan.burst, at_s)
        left, wait_s = take_from(level, plan, at_s)
        if wait_s:
            return wait_s
        if row is None:
            try:
                with transaction.atomic():
                    Bucket.objects.create(key=key, tokens=left.tokens, at_s=left.at_s)
            except IntegrityError:
                continue
            return 0.0
        if _put(row, left):
            return 0.0
    return LOST_RACES_S


def take_all(plans: Mapping[str, RatePlan]) -> float:
    """Take tokens from every bucket; return 0, or the seconds after which to ask again (then nothing was taken of any)."""
    taken: dict[str, RatePlan] = {}
    for key, plan in plans.items():
        if wait_s := take(key, plan):
            give_back(taken)
            return wait_s
        taken[key] = plan
    return 0.0


def give_back(plans: Mapping[str, RatePlan]) -> None:
    """Put tokens back that were taken for calls that are not made. Lost where others are at the bucket all the time."""
    for key, plan in plans.items():
        for _ in range(TRIES):
            row = Bucket.objects.filter(pk=key).first()
            if row is None or _put(row, give_back_to(Level(row.tokens, row.at_s), plan)):
                break


def owe(plans: Mapping[str, RatePlan]) -> None:
    """Count a call that is made whatever is in the buckets: whoever takes next waits for what it took, too. Lost where others are
    at the bucket all the time."""
    for key, plan in plans.items():
        for _ in range(TRIES):
            at_s = now().timestamp()
            row, _made = Bucket.objects.get_or_create(key=key, defaults={"tokens": plan.burst, "at_s": at_s})
            if _put(row, owe_to(Level(row.tokens, row.at_s), plan, at_s)):
                break


def empty(key: str, owed: float = 0.0) -> None:
    """Take what is left in a bucket: the remote, which counts on its own, says that nothing is. ``owed`` has to flow in before there is
    anything again; who hears of it twice owes it once."""
    filled = Bucket.objects.filter(pk=key, tokens__gt=-owed)
    filled.update(tokens=-owed, at_s=now().timestamp(), version=F("version") + 1)


def level(key: str, plan: RatePlan) -> float | None:
    """Return the tokens in a bucket now; None for one that nobody has used."""
    row = Bucket.objects.filter(pk=key).first()
    return tokens_at(Level(row.tokens, row.at_s), plan, now().timestamp()) if row else None


def _put(row: Bucket, level: Level) -> bool:
    mine = Bucket.objects.filter(pk=row.pk, version=row.version)
    return bool(mine.update(tokens=level.tokens, at_s=level.at_s, version=row.version + 1))

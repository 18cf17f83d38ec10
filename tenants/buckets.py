"""Token buckets in the database: one row per (application, remote account, operation), shared by every process."""

from django.db import IntegrityError, transaction

from kit.clock import now
from kit.rate import Level, RatePlan
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
        mine = Bucket.objects.filter(pk=key, version=row.version)
        if mine.update(tokens=left.tokens, at_s=left.at_s, version=row.version + 1):
            return 0.0
    return LOST_RACES_S

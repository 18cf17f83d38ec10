"""What do Amazon's limits cost twenty workers, and what happens where our count of them is not Amazon's?

Twenty workers call for one seller as fast as they get their turn, against the pretend Amazon's own buckets (``tests.amazon.workers``);
a call is on its way for 50 to 800 ms. Time is virtual, so this is the same on every machine. The bound is what nobody can beat: the
calls beyond the burst, at Amazon's rate.

Asked: at the published rates no call answered 429. At rates 5 % lower at most 5 % of them, and at most 1.06 times the bound. A person
waits at most for one token, whatever works beside. Another application's calls cost ours nothing.

    python -m benchmarks.amazon_limits               # a minute or two; writes results/amazon_limits.json
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "connector.settings"
ASKED_RATIO, ASKED_REFUSED = 1.06, 0.05
LOWER = 0.95
WORKERS = 20
CALLS = 120  # beyond the burst
ON_THE_WAY = (0.05, 0.8)
SCARCE = ("searchOrders", "getReports", "createReport", "getReportDocument")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as place:
        os.environ["TIEOUT_VAR"] = place
        _prepare()
        from amazon.rates import Priority
        from tests.amazon import workers

        urgent = (Priority.SCHEDULE, Priority.PERSON)
        rows = [_kept(each, priority, scale) for each in workers.CALLS for priority in urgent for scale in (1.0, LOWER)]
        rows += [_kept("createReport", Priority.BACKFILL, scale) for scale in (1.0, LOWER)]
        # Nobody but a backfill asks for reports.
        persons = [_person(operation) for operation in SCARCE if operation != "createReport"]
        lost = [_lost(operation, count) for operation in SCARCE for count in (1, WORKERS)]
        others = [_beside_another(operation) for operation in SCARCE]
    reached = all(row["reached"] for row in [*rows, *persons, *others])
    from benchmarks import rig

    found = {"rows": rows, "a_person": persons, "lost_bucket": lost, "another_application": others}
    rig.write("amazon_limits", {"asked_ratio": ASKED_RATIO, "asked_refused": ASKED_REFUSED, **found})
    return 0 if reached else 1


def _prepare() -> None:
    import django
    from django.db import connection
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    connection.creation.create_test_db(verbosity=0, serialize=False)


@contextmanager
def _amazon() -> Iterator[Any]:
    import time_machine
    from django.db import transaction
    from django.test import override_settings

    from tests.amazon import workers

    block = transaction.atomic()
    block._from_testcase = True  # as a test's: what must not run inside a transaction may run in this one
    with block, time_machine.travel(workers.AT_FIRST, tick=False) as clock, override_settings(AMAZON_RATE_SCALE=1):
        with workers.amazon(clock) as pretend:
            yield pretend
        transaction.set_rollback(True)


def _kept(operation: str, priority: Any, scale: float) -> dict[str, Any]:
    """Let all workers call, at Amazon's rate times ``scale``."""
    from amazon.rates import PLANS
    from tests.amazon.workers import Worker, run

    plan = PLANS[operation]
    with _amazon() as pretend:
        pretend.slower(operation, scale)
        crew = [Worker(pretend, operation, priority) for _ in range(WORKERS)]
        found = run(pretend, crew, plan.burst + CALLS, on_the_way=ON_THE_WAY)
    bound_s = CALLS / (plan.rate_per_s * scale)
    ratio, refused = found.seconds / bound_s, found.refused / found.calls
    return {
        "operation": operation,
        "priority": priority.name.lower(),
        "rate": scale,
        "calls": found.calls,
        "refused": found.refused,
        "refused_share": round(refused, 4),
        "seconds": round(found.seconds, 1),
        "bound_s": round(bound_s, 1),
        "ratio": round(ratio, 3),
        "reached": not refused if scale == 1 else refused <= ASKED_REFUSED and ratio <= ASKED_RATIO,
    }


def _person(operation: str) -> dict[str, Any]:
    """Let a person ask now and then, while a backfill takes whatever it gets."""
    from amazon.rates import PLANS, Priority
    from tests.amazon.workers import Worker, run

    token_s = 1 / PLANS[operation].rate_per_s
    with _amazon() as pretend:
        crew = [Worker(pretend, operation, Priority.BACKFILL) for _ in range(WORKERS - 1)]
        person = Worker(pretend, operation, Priority.PERSON, at=0.3 * token_s, every=7.3 * token_s)
        found = run(pretend, [*crew, person], 20, counted=lambda worker: worker is person, on_the_way=ON_THE_WAY)
        refused = pretend.refused(operation)
    waited = max(found.waited)
    return {
        "operation": operation,
        "asked": len(found.waited),
        "longest_wait_s": round(waited, 1),
        "mean_wait_s": round(sum(found.waited) / len(found.waited), 1),
        "token_s": round(token_s, 1),
        "refused": refused,
        "reached": waited <= token_s + ON_THE_WAY[1] and not refused,
    }


def _lost(operation: str, count: int) -> dict[str, Any]:
    """Let our count begin anew where Amazon's bucket has just been emptied."""
    from amazon.rates import PLANS, Priority
    from tenants.models import Bucket
    from tests.amazon.workers import Worker, run

    plan = PLANS[operation]
    with _amazon() as pretend:
        run(pretend, [Worker(pretend, operation, Priority.PERSON)], plan.burst)
        Bucket.objects.all().delete()
        found = run(pretend, [Worker(pretend, operation) for _ in range(count)], 60, on_the_way=ON_THE_WAY)
    bound_s = 60 / plan.rate_per_s
    return {
        "operation": operation,
        "workers": count,
        "refused": found.refused,
        "seconds": round(found.seconds, 1),
        "bound_s": round(bound_s, 1),
        "ratio": round(found.seconds / bound_s, 3),
    }


def _beside_another(operation: str) -> dict[str, Any]:
    """Let another application call for the same seller, much too fast, while ours keeps to its rate."""
    from amazon.rates import PLANS
    from tests.amazon.workers import Heedless, Worker, run

    plan = PLANS[operation]
    with _amazon() as pretend:
        application = pretend.another_application()
        another = Worker(pretend, operation, application=application, every=0.2 / plan.rate_per_s, turns=Heedless())
        ours = [Worker(pretend, operation) for _ in range(5)]
        crew = [another, *ours]
        found = run(pretend, crew, plan.burst + 30, counted=lambda worker: worker is not another, on_the_way=ON_THE_WAY)
        refused = pretend.refused(operation) - found.refused
    return {
        "operation": operation,
        "calls": found.calls,
        "refused": found.refused,
        "refused_of_the_other": refused,
        "reached": not found.refused and refused > 0,
    }


if __name__ == "__main__":
    sys.exit(main())

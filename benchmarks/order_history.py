"""How long do two years of order history take, beside what Amazon's limits ask for?

Reports of 30 days are asked for, polled and fetched from a pretend Amazon that keeps to the published limits and takes some
time over each report. Time is virtual: it passes only where somebody waits, so this is the same on every machine. The bound
is what nobody can beat: the calls that do not fit into the burst, at one a minute, and the making of the last report.

Asked: at most 1.1 times that, and no call answered 429.

    python -m benchmarks.order_history               # seconds; writes results/order_history.json
"""

import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "connector.settings"
ASKED = 1.1
MAKING = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))  # of one report
ORDERS_A_DAY = 40
START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as place:
        os.environ["TIEOUT_VAR"] = place
        _prepare()
        rows = [_measured(making) for making in MAKING]
    from benchmarks import rig

    worst = max(row["ratio"] for row in rows)
    rig.write("order_history", {"asked": ASKED, "ratio": worst, "rows": rows})
    return 0 if worst <= ASKED and not any(row["refused"] for row in rows) else 1


def _prepare() -> None:
    import django
    from django.db import connection
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    connection.creation.create_test_db(verbosity=0, serialize=False)


def _measured(making: timedelta) -> dict[str, Any]:
    import time_machine
    from django.db import transaction
    from django.test import override_settings

    from amazon.models import BackfillWindow, Order
    from kit import http
    from kit.scope import scope
    from tests import factories
    from tests.amazon.bulk_reports import LIMITS, BulkReports
    from tests.amazon.fake_api import BASE, FILES

    block = transaction.atomic()
    block._from_testcase = True  # as a test's: what must not run inside a transaction may run in this one
    amazon = BulkReports(_orders_of, making)
    with block, time_machine.travel(START, tick=False) as clock, override_settings(AMAZON_RATE_SCALE=1):
        for base in (BASE, FILES):
            http.mount(base, amazon)
        tenant = factories.TenantFactory()
        place = {"id": "ATVPDKIKX0DER", "country": "US", "name": "Amazon.com", "currency": "USD", "active": True}
        seller = factories.ConnectionFactory(
            tenant=tenant, provider="amazon", remote_id="A1", data={"region": "NA", "marketplaces": [place]}
        )
        with scope(tenant.pk):
            seconds = _read(seller, clock)
            reports, orders = BackfillWindow.objects.count(), Order.objects.count()
        transaction.set_rollback(True)
    plan = LIMITS["createReport"]
    bound_s = (reports - plan.burst) / plan.rate_per_s + making.total_seconds()
    return {
        "making_s": making.total_seconds(),
        "reports": reports,
        "orders": orders,
        "calls": sum(amazon.calls.values()),
        "refused": amazon.refused,
        "seconds": round(seconds, 1),
        "bound_s": round(bound_s, 1),
        "ratio": round(seconds / bound_s, 3),
    }


def _read(seller: Any, clock: Any) -> float:
    """Read the history as workers do, a step whenever it is worth one, and return the seconds it took."""
    from amazon import backfill
    from amazon.client import Client, WaitFor
    from amazon.models import Backfill
    from amazon.rates import Priority, pacer
    from kit.clock import now
    from kit.http import Http
    from tests.amazon.fake_api import BASE

    def sleep(seconds: float) -> None:
        clock.shift(max(seconds, 0.001))  # the clock has no parts of a microsecond

    turns = pacer(seller, Priority.BACKFILL)
    client = Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", turns.take, sleep=sleep)
    began = now()
    found = backfill.begin(seller)
    while found.state == Backfill.State.RUNNING:
        try:
            backfill.step(seller, client)
        except WaitFor as wait:
            sleep(wait.seconds)
        found.refresh_from_db()
    return (now() - began).total_seconds()


def _orders_of(starts_at: datetime, ends_at: datetime) -> bytes:
    from tests.amazon.bulk_reports import line, report

    step = timedelta(days=1) / ORDERS_A_DAY
    lines, at = [], starts_at
    while at < ends_at:
        changed = at + timedelta(days=1)
        order_id = f"{at:%y%j}-{at:%H%M%S}0-0000001"
        lines.append(
            line(amazon_order_id=order_id, purchase_date=at.isoformat(), last_updated_date=changed.isoformat())
        )
        at += step
    return report(*lines)


if __name__ == "__main__":
    sys.exit(main())

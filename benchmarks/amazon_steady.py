"""How many calls of Amazon's API does a settlement take, and how many the looking for what is new?

A seller goes on selling, and a flow reads at its cadence: orders every hour, settlements every six (``tests.amazon.steady``). The
pretend Amazon counts. Time is virtual, so this is the same on every machine. Counted as a settlement's are the list of reports that
shows it, its document, its payout and its summary; every other list finds nothing and is counted apart.

Asked: at most four calls to a settlement, whatever its size, and at most a tenth of what Amazon allows of ``searchOrders`` in a day.

    python -m benchmarks.amazon_steady               # some minutes; writes results/amazon_steady.json
"""

import os
import sys
import tempfile
from datetime import timedelta
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "connector.settings"
ASKED, ASKED_ORDERS = 4, 0.1
FORTNIGHTS = 2
ORDERS = (20, 300)
OF_SETTLEMENTS = ("getReportDocument", "listPayouts", "listSummary", "listFinancialEventGroups")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as place:
        os.environ["TIEOUT_VAR"] = place
        _prepare()
        rows = [_measured(orders) for orders in ORDERS]
    from benchmarks import rig

    rig.write("amazon_steady", {"asked": ASKED, "asked_of_search_orders": ASKED_ORDERS, "rows": rows})
    kept = [row["calls_per_settlement"] <= ASKED and row["search_orders_share"] <= ASKED_ORDERS for row in rows]
    return 0 if all(kept) else 1


def _prepare() -> None:
    import django
    from django.db import connection
    from django.test.utils import setup_test_environment

    django.setup()
    setup_test_environment()
    connection.creation.create_test_db(verbosity=0, serialize=False)


def _measured(orders: int) -> dict[str, Any]:
    import time_machine
    from django.db import transaction
    from django.test import override_settings

    from amazon.models import Settlement
    from amazon.rates import PLANS
    from amazon.sandbox import DEMO_APPLICATION
    from kit.scope import scope
    from tests.amazon import steady

    ours = {
        "AMAZON_RATE_SCALE": 1,
        "AMAZON_APPLICATION_ID": DEMO_APPLICATION["application_id"],
        "AMAZON_CLIENT_ID": DEMO_APPLICATION["client_id"],
        "AMAZON_CLIENT_SECRET": DEMO_APPLICATION["client_secret"],
    }
    block = transaction.atomic()
    block._from_testcase = True  # as a test's: what must not run inside a transaction may run in this one
    with block, time_machine.travel(steady.AT_FIRST, tick=False) as clock, override_settings(**ours):
        with steady.steady(clock, fortnights=FORTNIGHTS, orders=orders) as seller:
            calls = seller.run(steady.FORTNIGHT * FORTNIGHTS)
            with scope(seller.tenant_id):
                found = list(Settlement.objects.all())
        transaction.set_rollback(True)
    of_settlements = len(found) + sum(calls[name] for name in OF_SETTLEMENTS)
    allowed = PLANS["searchOrders"].rate_per_s * timedelta(days=1).total_seconds()
    days = steady.FORTNIGHT.days * FORTNIGHTS
    return {
        "settlements": len(found),
        "rows_per_settlement": round(sum(one.row_count for one in found) / len(found)),
        "paid_and_summarised": sum(one.transferred and one.summary_total == one.total for one in found),
        "calls_per_settlement": of_settlements / len(found),
        "looking_per_day": {
            name: round((count - (len(found) if name == "getReports" else 0)) / days, 2)
            for name, count in sorted(calls.items())
            if name not in {*OF_SETTLEMENTS, "downloadDocument"}
        },
        "search_orders_share": round(calls["searchOrders"] / days / allowed, 4),
        "calls_per_fortnight": {
            name: round(count / FORTNIGHTS, 1) for name, count in sorted(calls.items()) if name != "downloadDocument"
        },
    }


if __name__ == "__main__":
    sys.exit(main())

"""How many calls does a settlement take in each ledger, and how long does keeping to the limits make it wait?

A settlement of some 600 orders is posted through the outbox into a fresh company of each ledger, in each layout and mode
(``metered``). Counted are calls per order and per settlement beside the fewest that anybody could do with that API, what was
answered 429, and the time from the first call to the last beside what our own limits ask for that many calls. Accounts,
customers and items, which are made once, are counted apart.

Asked: at most 1.05 times that bound, give or take a tick of the schedule, and at most 1 % of calls answered 429.

    python -m benchmarks.ledger_calls                # minutes; writes results/ledger_calls.json
    python -m benchmarks.ledger_calls --only wave
"""

import argparse
import logging
import math
import os
import sys
import tempfile
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "connector.settings"
ASKED_RATIO, ASKED_REFUSED = 1.05, 0.01
ORDERS = 640  # some of them only refund
CASES = (
    ("quickbooks", "deposit", "", ("orders", "summary")),
    ("quickbooks", "journal", "", ("orders", "summary")),
    ("freshbooks", "feed", "Plus", ("orders", "summary")),
    ("freshbooks", "documents", "Lite", ("orders", "summary")),
    ("wave", "feed", "", ("orders", "summary")),
    ("zoho", "invoices", "", ("orders", "summary")),
    ("zoho", "journals", "", ("orders",)),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    only = parser.parse_args().only
    rows = []
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as place:
        os.environ["TIEOUT_VAR"] = place
        _prepare()
        for slug, layout, plan, modes in CASES:
            if only in ("", slug):
                rows += [_measured(slug, layout, plan, mode) for mode in modes]
    print(", ".join(rows[0]))
    for row in rows:
        print(*(f"{'-' if value is None else value!s:<10}" for value in row.values()))
    reached = all(row["reached"] for row in rows)
    if not only:
        from benchmarks import rig

        rig.write("ledger_calls", {"asked_ratio": ASKED_RATIO, "asked_refused": ASKED_REFUSED, "rows": rows})
    return 0 if reached else 1


def _prepare() -> None:
    import django
    from django.db import connection
    from django.test.utils import setup_test_environment

    django.setup()
    logging.disable(logging.ERROR)
    setup_test_environment()
    connection.creation.create_test_db(verbosity=0, serialize=False)


def _measured(slug: str, layout: str, plan: str, mode: str) -> dict[str, Any]:
    from django.db import transaction

    from benchmarks import metered

    block = transaction.atomic()
    block._from_testcase = True  # as a test's: what must not run inside a transaction may run in this one
    with block:
        run = metered.posted(_into(slug), ORDERS, {"plan": plan} if plan else {}, mode=mode, layout=layout)
        transaction.set_rollback(True)
    bound_s, calls = run.bound_s, run.count()
    fewest = _fewest(slug, run.objects)
    return {
        "ledger": slug,
        "layout": layout,
        "mode": mode,
        "orders": run.orders,
        "calls_per_order": round(run.count("order") / run.orders, 2) if run.orders else None,
        "fewest_per_order": round(fewest["order"] / run.orders, 2) if run.orders else None,
        "calls_per_settlement": run.count("settlement"),
        "fewest_per_settlement": fewest["settlement"],
        "writes": run.count("", "write"),
        "reads_before_writes": run.count("", "read before a write"),
        "lists": run.count("", "list"),
        "set_up": run.count("set-up"),
        "refused": run.refused,
        "seconds": round(run.seconds, 1),
        "bound_s": round(bound_s, 1),
        "ratio": round(run.seconds / bound_s, 3) if bound_s >= 5 * metered.TICK_S else None,
        "reached": run.seconds <= ASKED_RATIO * bound_s + metered.TICK_S and run.refused <= ASKED_REFUSED * calls,
    }


def _into(slug: str) -> Any:
    from ledgers.freshbooks.tests.e7 import FreshBooksBusiness
    from ledgers.quickbooks.tests.e7 import QuickBooksCompany
    from ledgers.wave.tests.e7 import WaveBusiness
    from ledgers.zoho.tests.e7 import ZohoOrganization

    ledgers = (FreshBooksBusiness, QuickBooksCompany, WaveBusiness, ZohoOrganization)
    return next(each for each in ledgers if each.slug == slug)


def _fewest(slug: str, objects: Any) -> dict[str, int]:
    """Return the fewest calls for what is in the books: ``order`` and ``settlement``.

    QuickBooks: 30 objects to a batch, and no two kinds that refer to each other in one. FreshBooks: one call for each object,
    and another that marks an invoice as sent. Wave: one for each object, and a balance for each money transaction, which nothing
    else can find again. Zoho Books: one for each object, and one that marks all invoices as sent.
    """
    found = {}
    for part in ("order", "settlement"):
        of = {kind: count for (name, kind), count in objects.items() if name == part}
        invoices, others = of.get("invoice", 0), sum(of.values()) - of.get("invoice", 0)
        match slug:
            case "quickbooks":
                found[part] = math.ceil(invoices / 30) + math.ceil(others / 30)
            case "freshbooks":
                found[part] = 2 * invoices + others
            case "wave":
                found[part] = invoices + others + of.get("entry", 0) + of.get("transfer", 0)
            case _:
                found[part] = invoices + others + (invoices > 0)
    return found


if __name__ == "__main__":
    sys.exit(main())

"""How long does the site take to plan a settlement of 20,000 orders as an invoice and a payment each, and in how much memory?

The site (``serve``, embedded database) fetches the seller's report and plans it in orders mode, as on its schedule; nothing is
posted. Its memory is told before and after, by itself and with the children it starts to read large files. Asked: at most
half a gibibyte for the site, and a plan that has every order.

    python -m benchmarks.planning                    # some minutes; writes results/planning.json
"""

import argparse
import sys
import time

from benchmarks import rig

ROWS, ASKED_MIB = 184_000, 512  # nine rows an order
WITHIN_S = 900.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    rows = parser.parse_args().rows
    with rig.opened() as place:
        place.connect_seller("big", {"rows": rows, "seed": 5})
        realm = place.connect_company("Planning")
        with rig.Memory(place.children[-1].pid) as watched:
            before = watched.own
            seconds, planned = _plan(place, realm)
        memory = {"before_mib": before, "site_mib": watched.own, "with_children_mib": watched.together}
    found = {"rows": rows, "asked_mib": ASKED_MIB, **planned, "seconds": round(seconds, 1), "memory": memory}
    rig.write("planning", found)
    return 0 if memory["site_mib"] <= ASKED_MIB else 1


def _plan(place: rig.Rig, realm: str) -> tuple[float, dict[str, int]]:
    """Return the seconds from the new flow to its plan, and how many documents it has."""
    from connector.demo import job
    from flows.models import Delivery
    from kit.scope import scope

    with scope(job.tenant_of(rig.EMAIL).pk):
        started = time.perf_counter()
        flow = place.new_flow(realm, "orders")
        job.wait_until_planned(flow, WITHIN_S)
        seconds = time.perf_counter() - started
        rows = Delivery.objects.filter(flow=flow, live=True)
        return seconds, {name: rows.filter(kind=name[:-1]).count() for name in ("invoices", "payments")}


if __name__ == "__main__":
    sys.exit(main())

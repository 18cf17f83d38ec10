"""How long does one tenant's single delivery wait while another tenant has a thousand in the queue?

Two companies, two tenants, one site (``serve``, embedded database, limits off, so that the busy tenant never has to pause).
The quiet tenant's document becomes due and is in the books some time later: first while nobody else has work, then again and
again while the busy tenant's thousand are on their way. Asked: at most twice the time without them, by the median.

    python -m benchmarks.fairness                    # some minutes; writes results/fairness.json
"""

import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import rig

ASKED = 2.0
QUEUED, ORDERS, ROUNDS = 1000, 650, 3
ALONE = 15
QUIET_EMAIL = "quiet@tieout.example"
SHAPE = {"settlements": 1, "orders": ORDERS, "negative": 0, "zero": 0, "failed": 0}
WITHIN_S = 60.0


def main() -> int:
    with rig.opened() as place:
        place.connect_seller("seller", {"shape": SHAPE, "seed": 5})
        busy = [_planned(place, place.connect_company(f"Busy {number}")) for number in range(ROUNDS)]
        place.sign_up("Quiet Goods", QUIET_EMAIL)
        quiet = _quiet_flow(place, place.connect_company("Quiet"))

        alone = [_one(quiet, number) for number in range(ALONE)]
        beside: list[float] = []
        queued = []
        for flow in busy:
            queued.append(_go_live(flow))
            while _waiting(flow):
                beside.append(_one(quiet, ALONE + len(beside)))
    ratio = round(statistics.median(beside) / statistics.median(alone), 2)
    rig.write(
        "fairness",
        {
            "asked": ASKED,
            "ratio": ratio,
            "queued": queued,
            "alone": _told(alone),
            "beside": _told(beside),
        },
    )
    return 0 if ratio <= ASKED and min(queued) >= QUEUED else 1


def _planned(place: rig.Rig, realm: str) -> Any:
    """Return a flow of the busy tenant whose thousand documents only wait for it to go live."""
    from connector.demo import job
    from flows import setup
    from kit.scope import scope

    with scope(job.tenant_of(rig.EMAIL).pk):
        flow = place.new_flow(realm, "orders")
        job.wait_until_planned(flow, WITHIN_S)
        setup.accept_suggestions(flow, rig.EMAIL, create_missing=True)
    return flow


def _quiet_flow(place: rig.Rig, realm: str) -> Any:
    from connector.demo.job import tenant_of
    from flows import creation
    from kit.scope import scope
    from ledgers.registry import refresh_lists
    from tenants.models import Connection

    tenant = tenant_of(QUIET_EMAIL)
    with scope(tenant.pk):
        target = Connection.objects.get(provider="quickbooks", remote_id=realm)
        refresh_lists(target)
        values = {"name": "Quiet", "source": None, "target": target, "currency": "USD", "mode": "summary"}
        return creation.create(tenant.pk, QUIET_EMAIL, values)


def _one(flow: Any, number: int) -> float:
    """Let one document become due at a moment of chance, and return the seconds until it is in the books."""
    from bookkeeping.accounts import AccountClass
    from flows.models import Delivery
    from kit.scope import scope
    from ledgers import reference
    from tests.contract.documents import entry

    time.sleep(random.random() * 2)  # the schedule looks every two seconds
    with scope(flow.tenant_id):
        document = entry(number=f"Q-{number}")
        ours = {one.account_class: one.id for one in reference.cached(flow.target).accounts}
        wanted = {"SALES": AccountClass.INCOME, "FEE_SELLING": AccountClass.EXPENSE, "CLEARING": AccountClass.BANK}
        bindings = {key: {"account": ours[of]} for key, of in wanted.items()}
        row = Delivery.objects.create(
            tenant_id=flow.tenant_id,
            flow=flow,
            remote_key=flow.target.remote_key,
            key=f"bench/{number}/entry/1",
            kind=document.kind,
            document=document.canonical().decode(),
            digest=document.digest(),
            bindings=bindings,
            number=document.number,
            on=document.on,
            currency=document.currency,
            state=Delivery.State.READY,
        )
        posted: Callable[[], bool] = Delivery.objects.filter(pk=row.pk, state=Delivery.State.POSTED).exists
        return rig.wait_until(posted, WITHIN_S, every_s=0.01)


def _go_live(flow: Any) -> int:
    """Let the busy flow go live, and return how many deliveries are then in the queue."""
    from flows import setup
    from kit.scope import scope

    with scope(flow.tenant_id):
        setup.go_live(flow, rig.EMAIL)
    return _waiting(flow)


def _waiting(flow: Any) -> int:
    from flows.models import Delivery
    from kit.scope import scope

    states = [Delivery.State.READY, Delivery.State.BLOCKED, Delivery.State.SENDING, Delivery.State.PLANNED]
    with scope(flow.tenant_id):
        return Delivery.objects.filter(flow=flow, live=True, state__in=states).count()


def _told(times: list[float]) -> dict[str, float]:
    return {
        "times": len(times),
        "median_s": round(statistics.median(times), 2),
        "p95_s": round(rig.p95(times), 2),
        "longest_s": round(max(times), 2),
    }


if __name__ == "__main__":
    sys.exit(main())

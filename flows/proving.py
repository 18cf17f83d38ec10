"""When plans are proved: after the outcome that changed them is committed, for a proof may read thousands of documents.

An outcome leaves ``prove_at`` on the plan. Whoever proves it claims it by a later instant and clears that at the end: one
who dies is succeeded, and what changes meanwhile has it proved again instead of keeping what is no longer so.
"""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from audit import trail
from flows import prove
from flows.models import Delivery, Plan
from kit import clock
from kit.scope import unscoped

LEASE: Final = timedelta(minutes=5)  # one who needs longer for a proof is presumed dead

log = logging.getLogger(__name__)


def ask(plan: Plan) -> None:
    """Have a plan proved: its documents have changed. In the transaction that changed them."""
    Plan.objects.filter(pk=plan.pk).update(prove_at=clock.now())


def ask_unproved() -> int:
    """Have every plan in the books proved that never was: it was posted before anybody asked. Returns how many there are."""
    with unscoped("every tenant's plans are kept up"):
        found = Plan.objects.filter(state=Plan.State.POSTED, prove_at=None, verdict__verdict__isnull=True)
        return found.update(prove_at=clock.now())


def waiting() -> list[int]:
    """Return the plans that are to be proved and that nobody is at."""
    with unscoped("the dispatcher serves every tenant"):
        return list(_due().values_list("pk", flat=True))


def catch_up(remote_key: str) -> None:
    """Prove what is due of a company, outside any transaction."""
    with unscoped("a company may be shared by tenants"):
        of_company = Exists(Delivery.objects.filter(plan=OuterRef("pk"), remote_key=remote_key))
        found = list(_due().filter(of_company).values_list("pk", flat=True))
    for plan_id in found:
        prove_now(plan_id)


def prove_now(plan_id: int) -> None:
    """Prove a plan that is due, unless somebody is at it. What fails is tried again later."""
    with unscoped("the plan names its tenant"):
        until = clock.now() + LEASE
        if not _due().filter(pk=plan_id).update(prove_at=until):
            return
        plan = Plan.objects.select_related("settlement", "flow__target").get(pk=plan_id)
        try:
            proof = prove.proof_of(plan)
        except Exception:
            log.exception("plan %s could not be proved", plan_id)
            return
        with trail.recorded():
            if prove.keep(plan_id, until, proof):
                trail.record(
                    "plan.proved",
                    f"plan:{plan_id}",
                    tenant_id=plan.tenant_id,
                    settlement=plan.settlement.settlement_id,
                    verdict=proof.verdict,
                )


def free_all() -> None:
    """End every claim of a proof. Only for the embedded server, whose file lock proves earlier owners dead."""
    with unscoped("the dispatcher serves every tenant"):
        Plan.objects.filter(prove_at__gt=clock.now()).update(prove_at=clock.now())


def _due() -> QuerySet[Plan]:
    # Both conditions: SQLite uses a partial index only where a query repeats its condition.
    return Plan.objects.filter(prove_at__isnull=False, prove_at__lte=clock.now())

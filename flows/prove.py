"""The proof of a settlement: computed from what the ledger answered, stored with the plan, shown as it was compared."""

import json
from dataclasses import asdict
from typing import Any

from bookkeeping.documents import document_from
from bookkeeping.planned import Carrier as Carrying
from bookkeeping.planned import Pairing, Planned
from bookkeeping.planned import Plan as Planning
from bookkeeping.proof import Answer, Proof, Verdict, prove, waterfall
from bookkeeping.remarks import Hold, HoldReason
from flows import statements
from flows.models import Carrier, Delivery, Dependency, Plan
from kit import clock

State = Delivery.State


def proof_of(plan: Plan) -> Proof:
    """Return the proof of a plan from its rows as they are now."""
    rows = list(Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE]).order_by("id"))
    answers = {row.key: Answer(row.answered_total) for row in rows if row.state == State.POSTED}
    return prove(statements.from_json(plan.statement), as_planning(plan, rows), answers)


def prove_plan(plan: Plan) -> Verdict:
    """Compute the proof and keep it with the plan."""
    proof = proof_of(plan)
    verdict: dict[str, Any] = json.loads(json.dumps(asdict(proof)))
    verdict["differs"] = plan.verdict.get("differs", [])
    Plan.objects.filter(pk=plan.pk).update(
        verdict=verdict, proved_at=clock.now() if proof.verdict in (Verdict.PROVED, Verdict.UNCOMPARED) else None
    )
    return proof.verdict


def as_planning(plan: Plan, rows: list[Delivery]) -> Planning:
    """Return a stored plan as bookkeeping's own value; its coverage and invoices are left out."""
    needs: dict[int, list[str]] = {}
    for row_id, key in Dependency.objects.filter(delivery__plan=plan).values_list("delivery_id", "key"):
        needs.setdefault(row_id, []).append(key)
    keys = {row.pk: row.key for row in rows}
    carriers = Carrier.objects.filter(plan=plan).select_related("delivery")
    return Planning(
        settlement_id=plan.settlement.settlement_id,
        documents=tuple(
            Planned(
                key=row.key,
                document=document_from(json.loads(row.document)),
                depends_on=tuple(key for key in needs.get(row.pk, []) if not key.startswith("company/")),
                held=_hold(row),
                part=row.part,
                not_before=row.not_before,
            )
            for row in rows
        ),
        coverage=(),
        invoices=(),
        carriers=tuple(
            Carrying(one.part, one.order_id, one.line_key, one.amount, keys.get(one.delivery_id) or one.delivery.key)
            for one in carriers
        ),
        pairings=tuple(Pairing(**pairing) for pairing in plan.pairings),
        flags=(),
    )


def steps(plan: Plan):  # type: ignore[no-untyped-def]  # tuple[bookkeeping.proof.Step, ...]
    """Return the waterfall from gross sales to the payout."""
    return waterfall(statements.from_json(plan.statement))


def _hold(row: Delivery) -> Hold | None:
    if row.state not in (State.HELD, State.PARKED, State.FAILED, State.UNCERTAIN):
        return None
    known = row.code in set(HoldReason)
    return Hold(HoldReason(row.code) if known else HoldReason.UNMAPPED_ACCOUNT, row.reason or row.get_state_display())

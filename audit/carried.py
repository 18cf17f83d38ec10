"""What a document carries of which settlement, by month and account, with the way to the rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db.models.fields.json import KeyTransform

from amazon.models import Settlement
from flows import mapping
from flows.models import Carrier, Coverage, Delivery, Plan

SHOWN: Final = 60  # a settlement has some twenty accounts a month


@dataclass(frozen=True, slots=True)
class Piece:
    """``part``, ``key`` and ``order_id`` select the rows behind it. ``amount``: minor units, positive where it raises the payout."""

    settlement: Settlement
    plan_id: int
    month: date | None
    part: int
    key: str
    name: str
    order_id: str
    amount: int


def pieces(row: Delivery) -> list[Piece]:
    """Return what a delivery carries. A payment carries what it takes off its invoice."""
    carriers = Carrier.objects.filter(delivery=row).select_related("plan__settlement").defer(*_heavy("plan__"))
    found = [(one.plan, one.part, one.line_key, one.order_id, one.amount) for one in carriers.order_by("part")[:SHOWN]]
    covered = Coverage.objects.filter(payment=row).select_related("plan__settlement", "invoice")
    for one in covered.defer(*_heavy("plan__")).order_by("part")[:SHOWN]:
        if one.plan is not None:  # an invoice that was closed out is settled by no settlement
            found += [(one.plan, one.part, key, one.invoice.order_id, amount) for key, amount in one.amounts.items()]
    if not found:
        return []
    months = _months({plan.pk for plan, *_ in found})
    known = mapping.load(row.flow, row.mapping_version)
    return [
        Piece(plan.settlement, plan.pk, months.get((plan.pk, part)), part, key, known.label(key), order_id, amount)
        for plan, part, key, order_id, amount in found[:SHOWN]
    ]


def _months(plan_ids: Iterable[int]) -> Mapping[tuple[int, int], date]:
    plans = Plan.objects.filter(pk__in=plan_ids).annotate(parts=KeyTransform("parts", "statement"))
    return {
        (pk, part["n"]): date.fromisoformat(part["month"])
        for pk, parts in plans.values_list("pk", "parts")
        for part in parts or []
    }


def _heavy(prefix: str) -> list[str]:
    return [f"{prefix}{name}" for name in ("statement", "verdict", "flags", "pairings")]

"""What a plan covers and carries, as rows: brought up to date by difference, so that planning again writes only what changed."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model

from bookkeeping.coverage import OpenInvoice
from bookkeeping.documents import Payment
from bookkeeping.planned import Plan as Planning
from flows.models import Carrier, Coverage, Delivery, Flow, InvoiceBalance, Plan
from flows.rows import chunked

State = Delivery.State
_M = TypeVar("_M", bound=Model)
_K = TypeVar("_K")


def digest_of(planning: Planning) -> str:
    """Return a digest of everything ``store`` would keep."""
    digest = hashlib.sha256()
    for one in planning.coverage:
        digest.update(_line("c", one.invoice, one.part, one.by_key, one.units))
    for invoice in planning.invoices:
        digest.update(_line("i", invoice.key, invoice.lines, invoice.units))
    for carrier in planning.carriers:
        digest.update(_line("k", carrier.part, carrier.order_id, carrier.key, carrier.amount, carrier.document))
    return digest.hexdigest()


def store(plan: Plan, planning: Planning) -> None:
    """Keep what the plan covers and carries, and the balances of the invoices it made. Its documents are stored already."""
    own = Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE])
    by_key = dict(own.values_list("key", "pk"))
    # What the ledger answered stays; what is only planned follows the plan.
    answered = set(own.filter(state=State.POSTED, kind="invoice").values_list("key", flat=True))
    keep_balances(plan.tenant_id, by_key, [one for one in planning.invoices if one.key not in answered])
    _store_coverage(plan, planning, by_key)
    _store_carriers(plan, planning, by_key)


def keep_balances(
    tenant_id: int, by_key: Mapping[str, int], invoices: Iterable[OpenInvoice], *, from_shipment: bool = False
) -> None:
    """Keep how settlements find these invoices; ``by_key`` gives the deliveries' ids."""
    for some in chunked([one for one in invoices if one.key in by_key]):
        InvoiceBalance.objects.bulk_create(
            [
                InvoiceBalance(
                    tenant_id=tenant_id,
                    delivery_id=by_key[one.key],
                    order_id=one.order_id,
                    lines=dict(one.lines),
                    units=dict(one.units),
                    not_for=list(one.not_for),
                    from_shipment=from_shipment,
                )
                for one in some
            ],
            update_conflicts=True,
            unique_fields=["delivery"],
            update_fields=["lines", "units", "not_for"],
        )


def _store_coverage(plan: Plan, planning: Planning, by_key: Mapping[str, int]) -> None:
    balances = _balances(plan, {one.invoice for one in planning.coverage})
    payments = {
        (planned.document.cover.invoice, planned.part): by_key.get(planned.key)
        for planned in planning.documents
        if isinstance(planned.document, Payment)
    }
    wanted = {
        (balances[one.invoice], one.part): {
            "settlement_id": one.settlement_id,
            "amount": one.amount,
            "amounts": dict(one.by_key),
            "units": dict(one.units),
            "payment_id": payments.get((one.invoice, one.part)),
        }
        for one in planning.coverage
    }
    _differ(
        Coverage,
        plan,
        wanted,
        lambda row: (row.invoice_id, row.part),
        lambda place: {"invoice_id": place[0], "part": place[1]},
    )


def _store_carriers(plan: Plan, planning: Planning, by_key: Mapping[str, int]) -> None:
    elsewhere = _elsewhere(plan.flow, {one.document for one in planning.carriers} - {"", *by_key})
    everywhere: dict[str, int | None] = {**elsewhere, **by_key, "": None}
    wanted = {
        (one.part, one.order_id, one.key): {"amount": one.amount, "delivery_id": everywhere[one.document]}
        for one in planning.carriers
    }
    _differ(
        Carrier,
        plan,
        wanted,
        lambda row: (row.part, row.order_id, row.line_key),
        lambda place: {"part": place[0], "order_id": place[1], "line_key": place[2]},
    )


def _differ(
    model: type[_M],
    plan: Plan,
    wanted: dict[_K, dict[str, Any]],
    place_of: Callable[[Any], _K],
    placed: Callable[[_K], dict[str, Any]],
) -> None:
    """Make the plan's rows of a table equal to ``wanted`` (place -> values)."""
    rows: Any = model._default_manager.filter(plan=plan)
    names = list(next(iter(wanted.values()), {}))
    gone: list[int] = []
    changed: list[Any] = []
    for row in rows.iterator(chunk_size=2000):
        values = wanted.pop(place_of(row), None)
        if values is None:
            gone.append(row.pk)
        elif any(getattr(row, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(row, name, value)
            changed.append(row)
    for some in chunked(gone):
        rows.filter(pk__in=some).delete()
    for pairs in chunked(changed):
        model._default_manager.bulk_update(pairs, names)
    for places in chunked(list(wanted.items())):
        with transaction.atomic():
            model._default_manager.bulk_create(
                [model(tenant_id=plan.tenant_id, plan=plan, **placed(place), **values) for place, values in places]
            )


def _balances(plan: Plan, keys: set[str]) -> dict[str, int]:
    """Return the ids of invoices by key: the plan's own, else those that count in the company."""
    found: dict[str, int] = {}
    for some in chunked(sorted(keys)):
        rows = InvoiceBalance.objects.filter(delivery__remote_key=plan.flow.target.remote_key, delivery__key__in=some)
        found |= dict(rows.filter(delivery__live=True).values_list("delivery__key", "pk"))
        found |= dict(rows.filter(delivery__plan=plan).values_list("delivery__key", "pk"))
    return found


def _elsewhere(flow: Flow, keys: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunked(sorted(keys)):
        rows = Delivery.objects.filter(remote_key=flow.target.remote_key, key__in=some, live=True)
        found |= dict(rows.values_list("key", "pk"))
    return found


def _line(*values: object) -> bytes:
    plain: Sequence[object] = [dict(value) if isinstance(value, Mapping) else value for value in values]
    return json.dumps(plain, sort_keys=True).encode() + b"\n"

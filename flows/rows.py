"""Outbox rows of a plan: stored, brought up to date in place, released. Writes go in chunks, so that a large plan freezes nobody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from bookkeeping.documents import Document, Invoice, JournalEntry
from bookkeeping.entries import dated, own_total
from bookkeeping.planned import Plan as Planning
from bookkeeping.planned import Planned
from bookkeeping.remarks import Hold, HoldReason
from flows.models import Carrier, Coverage, Delivery, Dependency, Flow, InvoiceBalance, Plan
from ledgers.port import Binding

CHUNK: Final = 1000
ELSEWHERE: Final = "carried_elsewhere"
# Holds that planning made and planning may lift; what a ledger refused is lifted by a person.
_OURS: Final = frozenset({*HoldReason, ELSEWHERE})
# An answer is still out, or a person has to look: the row stays as it was sent.
LOOK_FIRST: Final = ("cannot_tell", "found_void", "found_different")

State = Delivery.State
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Draft:
    """A planned document with the remote ids of its symbols; ``needs`` are keys of deliveries it has to wait for."""

    planned: Planned
    bindings: Mapping[str, Binding]
    hold: Hold | None
    needs: tuple[str, ...]


def store(plan: Plan, drafts: Sequence[Draft]) -> list[str]:
    """Make the plan's rows equal to the drafts wherever that is still possible.

    Returns the keys of documents in the books, or on their way, that would come out differently now."""
    existing = {row.key: row for row in _live(plan)}
    differs: list[str] = []
    new: list[Draft] = []
    changed: list[tuple[Delivery, Draft]] = []
    for draft in drafts:
        row = existing.pop(draft.planned.key, None)
        if row is None:
            new.append(draft)
        elif is_frozen(row):
            if row.digest != draft.planned.document.digest():
                differs.append(row.key)
        else:
            changed.append((row, draft))
    differs += [row.key for row in existing.values() if is_frozen(row)]
    for some in chunked([row.pk for row in existing.values() if not is_frozen(row)]):
        Delivery.objects.filter(pk__in=some).update(state=State.DROPPED, live=False)
    for some_changed in chunked(changed):
        _update(some_changed)
    for some_new in chunked(new):
        _create(plan.flow, plan, some_new, State.PLANNED)
    return differs


def ensure(flow: Flow, draft: Draft, state: str) -> None:
    """Create a row that belongs to no plan, unless the company has a live one of its key already."""
    if not Delivery.objects.filter(remote_key=flow.target.remote_key, key=draft.planned.key, live=True).exists():
        _create(flow, None, [draft], state)


def add(plan: Plan, drafts: Sequence[Draft], state: str) -> None:
    """Add rows to a plan beside those it has."""
    for some in chunked(drafts):
        _create(plan.flow, plan, some, state)


def is_frozen(row: Delivery) -> bool:
    """Whether a row must stay as it was sent: it is in the books, its answer is out, or its bytes go out again."""
    return (
        row.state in (State.SENDING, State.UNCERTAIN, State.POSTED)
        or row.resend_id is not None
        or row.code in LOOK_FIRST
    )


def release(found: QuerySet[Delivery]) -> int:
    """Let planned rows go, and the customers, items and accounts they wait for. Returns how many rows were released."""
    ids = list(found.filter(state=State.PLANNED).values_list("pk", flat=True))
    released = len(ids)
    while ids:
        for some in chunked(ids):
            _open(some)
        # What they wait for may be planned too, and wait for more.
        waiting = Delivery.objects.filter(state=State.PLANNED, plan=None, live=True)
        needed = Dependency.objects.filter(
            delivery__state=State.BLOCKED, remote_key=OuterRef("remote_key"), key=OuterRef("key")
        )
        ids = list(waiting.filter(Exists(needed)).values_list("pk", flat=True))
    return released


def open_state(row: Delivery) -> str:
    """Return the state a row takes when nothing holds it: blocked while something it refers to is not in the books."""
    return State.BLOCKED if _missing().filter(delivery=row.pk).exists() else State.READY


def store_coverage(plan: Plan, planning: Planning) -> None:
    """Replace what the plan covers and carries. Invoices made by the plan get their balance."""
    by_key = dict(Delivery.objects.filter(plan=plan, live=True).values_list("key", "pk"))
    tenant_id = plan.tenant_id
    with transaction.atomic():
        Coverage.objects.filter(plan=plan).delete()
        Carrier.objects.filter(plan=plan).delete()
        InvoiceBalance.objects.filter(delivery__plan=plan, delivery__live=False).delete()
    # What the ledger answered stays; what is only planned follows the plan.
    posted = set(Delivery.objects.filter(plan=plan, state=State.POSTED).values_list("key", flat=True))
    for some in chunked([one for one in planning.invoices if one.key in by_key and one.key not in posted]):
        InvoiceBalance.objects.bulk_create(
            [
                InvoiceBalance(
                    tenant_id=tenant_id,
                    delivery_id=by_key[one.key],
                    order_id=one.order_id,
                    lines=dict(one.lines),
                    units=dict(one.units),
                )
                for one in some
            ],
            update_conflicts=True,
            unique_fields=["delivery"],
            update_fields=["lines", "units"],
        )
    balances = _balances(plan.flow, {one.invoice for one in planning.coverage})
    payments = {
        planned.depends_on[0]: by_key.get(planned.key)
        for planned in planning.documents
        if planned.document.kind == "payment"
    }
    for covered in chunked(planning.coverage):
        Coverage.objects.bulk_create(
            Coverage(
                tenant_id=tenant_id,
                plan=plan,
                invoice_id=balances[one.invoice],
                part=one.part,
                amounts=dict(one.by_key),
                units=dict(one.units),
                payment_id=payments.get(one.invoice),
            )
            for one in covered
        )
    everywhere = by_key | _keys(plan.flow, {one.document for one in planning.carriers} - by_key.keys())
    for carried in chunked(planning.carriers):
        Carrier.objects.bulk_create(
            Carrier(
                tenant_id=tenant_id,
                plan=plan,
                part=one.part,
                order_id=one.order_id,
                line_key=one.key,
                amount=one.amount,
                delivery_id=everywhere[one.document],
            )
            for one in carried
        )


def chunked(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def _live(plan: Plan) -> QuerySet[Delivery]:
    return Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE])


def _create(flow: Flow, plan: Plan | None, drafts: Sequence[Draft], state: str) -> None:
    remote_key = flow.target.remote_key
    keys = [draft.planned.key for draft in drafts]
    taken = set(Delivery.objects.filter(remote_key=remote_key, key__in=keys, live=True).values_list("key", flat=True))
    with transaction.atomic():
        created = Delivery.objects.bulk_create(
            [_row(flow, plan, remote_key, draft, state, draft.planned.key in taken) for draft in drafts]
        )
        _depend(list(zip(created, drafts, strict=True)))


def _row(flow: Flow, plan: Plan | None, remote_key: str, draft: Draft, state: str, taken: bool) -> Delivery:
    row = Delivery(tenant_id=flow.tenant_id, flow=flow, plan=plan, remote_key=remote_key, key=draft.planned.key)
    row.live = not taken
    _fill(row, draft)
    if taken:
        row.state, row.code = State.HELD, ELSEWHERE
        row.reason = "This is already booked in the same company by another flow."
        row.action = "Keep one of the two flows, or undo it there first."
    elif draft.hold is None:
        row.state = state
    return row


def _fill(row: Delivery, draft: Draft) -> None:
    planned = draft.planned
    document: Document = planned.document
    row.kind, row.part = document.kind, planned.part
    row.document, row.digest = document.canonical().decode(), document.digest()
    row.bindings = {symbol: _plain(binding) for symbol, binding in sorted(draft.bindings.items())}
    row.mapping_version = row.flow.mapping_version
    row.order_id = document.order_id if isinstance(document, Invoice) else ""
    row.number = getattr(document, "number", "") or getattr(document, "reference", "") or getattr(document, "name", "")
    row.on, row.amount, row.currency = dated(document), own_total(document), getattr(document, "currency", "")
    row.not_before = planned.not_before
    if draft.hold is not None:
        row.state, row.code = State.HELD, draft.hold.reason
        row.reason, row.action = draft.hold.text, ""
    elif isinstance(document, JournalEntry) and not document.lines:
        row.state, row.code, row.reason = State.HELD, HoldReason.UNKNOWN_LABEL, "Nothing of this month is decided yet."


def _update(pairs: Sequence[tuple[Delivery, Draft]]) -> None:
    """Bring rows that were never committed up to date; only what changed is written."""
    touched: list[tuple[Delivery, Draft]] = []
    for row, draft in pairs:
        before = (row.digest, row.bindings, row.state, row.code, row.reason, row.not_before)
        was_ours = row.state == State.HELD and row.code in _OURS
        held_by_ledger = row.state in (State.HELD, State.PARKED, State.FAILED) and not was_ours
        reason, action, code, state = row.reason, row.action, row.code, row.state
        _fill(row, draft)
        same = (row.digest, row.bindings) == before[:2]
        if draft.hold is None and (was_ours or not same) and row.live:
            row.state, row.reason, row.action, row.code = State.PLANNED, "", "", ""
        elif draft.hold is None and held_by_ledger:
            row.state, row.reason, row.action, row.code = state, reason, action, code
        if (row.digest, row.bindings, row.state, row.code, row.reason, row.not_before) != before:
            touched.append((row, draft))
    if not touched:
        return
    with transaction.atomic():
        Dependency.objects.filter(delivery__in=[row for row, _ in touched]).delete()
        Delivery.objects.bulk_update(
            [row for row, _ in touched],
            [
                "part",
                "document",
                "digest",
                "bindings",
                "mapping_version",
                "order_id",
                "number",
                "on",
                "amount",
                "currency",
                "not_before",
                "state",
                "code",
                "reason",
                "action",
            ],
        )
        _depend(touched)


def _depend(pairs: Sequence[tuple[Delivery, Draft]]) -> None:
    Dependency.objects.bulk_create(
        Dependency(tenant_id=row.tenant_id, delivery=row, remote_key=row.remote_key, key=key)
        for row, draft in pairs
        for key in draft.needs
    )


def _open(ids: Sequence[int]) -> None:
    planned = Delivery.objects.filter(pk__in=ids, state=State.PLANNED, live=True)
    planned.filter(Exists(_missing().filter(delivery=OuterRef("pk")))).update(state=State.BLOCKED)
    planned.update(state=State.READY)


def _missing() -> QuerySet[Dependency]:
    """Return the dependencies whose delivery is not in the books."""
    in_the_books = Delivery.objects.filter(
        remote_key=OuterRef("remote_key"), key=OuterRef("key"), live=True, state=State.POSTED
    )
    return Dependency.objects.exclude(Exists(in_the_books))


def _balances(flow: Flow, keys: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunked(sorted(keys)):
        rows = InvoiceBalance.objects.filter(
            delivery__remote_key=flow.target.remote_key, delivery__key__in=some, delivery__live=True
        )
        found |= dict(rows.values_list("delivery__key", "pk"))
    return found


def _keys(flow: Flow, keys: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunked(sorted(keys)):
        rows = Delivery.objects.filter(remote_key=flow.target.remote_key, key__in=some, live=True)
        found |= dict(rows.values_list("key", "pk"))
    return found


def _plain(binding: Binding) -> dict[str, str]:
    return {name: value for name, value in asdict(binding).items() if value}

"""Outbox rows of documents: stored, brought up to date in place, released.

Writes go in chunks, so that a large plan freezes nobody. A row is taken out of motion before its content changes, and
only while nobody has sent it: what the outbox holds is always one whole version of a document.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from bookkeeping.accounts import PASSING
from bookkeeping.documents import Document, Invoice, JournalEntry, Kind, document_from
from bookkeeping.entries import dated, effect, own_total
from bookkeeping.planned import Planned
from bookkeeping.remarks import Hold, HoldReason
from flows import bindings, lanes
from flows.models import Delivery, Dependency, Flow, InvoiceBalance, Plan
from kit.scope import unscoped
from ledgers.port import Binding
from tenants.models import Access

CHUNK: Final = 500  # with what a delivery waits for, some 2,000 rows
ROUNDS: Final = 5  # how often rows are compared again that were sent meanwhile
NUMBER_LENGTH: Final = 40
ELSEWHERE: Final = "carried_elsewhere"
_TAKEN: Final = "This is already booked in the same company by another flow."
_WHAT_NOW: Final = "Keep one of the two flows, or undo it there first."
# Holds that planning made and planning may lift; what a ledger refused is lifted by a person.
_OURS: Final = frozenset({*HoldReason, ELSEWHERE})
# What moves accounts. All else makes accounts, customers and items, or takes documents back.
BOOKED: Final = (
    *(Kind.INVOICE, Kind.PAYMENT, Kind.ENTRY, Kind.TRANSFER, Kind.DEPOSIT, Kind.EXPENSE),
    Kind.REVALUATION,
)
# An answer is still out, or a person has to look: the row stays as it was sent.
LOOK_FIRST: Final = ("cannot_tell", "found_void", "found_different")
VOID: Final = "found_void"
DIFFERENT: Final = "found_different"

State = Delivery.State
_MOVING: Final = (State.BLOCKED, State.READY, State.FAILED)
_SENT: Final = (State.SENDING, State.UNCERTAIN, State.POSTED)
_WRITTEN: Final = (
    "kind",
    "part",
    "document",
    "original",
    "original_amount",
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
    "live",
    "code",
    "reason",
    "action",
    "tries",
    "next_attempt_at",
)
_COMPARED: Final = ("part", "digest", "bindings", "not_before", "state", "live", "code", "reason", "action")
_READ: Final = (
    *_COMPARED,
    *("key", "kind", "remote_key", "tenant", "plan", "external_id", "resend", "mapping_version", "tries"),
    "next_attempt_at",
)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Draft:
    """A planned document with the remote ids of its symbols; ``needs`` are keys of deliveries it has to wait for."""

    planned: Planned
    bindings: Mapping[str, Binding]
    hold: Hold | None
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What storing drafts means. ``differs`` are keys of sent rows that would come out otherwise now; ``conflict``: so
    otherwise that the rest cannot follow, because money would be carried twice or not at all.
    """

    new: list[Draft] = field(default_factory=list)
    changed: list[tuple[Delivery, Draft]] = field(default_factory=list)
    gone: list[Delivery] = field(default_factory=list)
    differs: list[str] = field(default_factory=list)
    conflict: bool = False

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.gone)


class Moved(Exception):
    """A row was sent while it was to be changed. Compare again."""


def compare(existing: QuerySet[Delivery], drafts: Sequence[Draft], mapping_version: int) -> Changes:
    """Return what storing the drafts over these rows would change. Writes nothing."""
    rows = {row.key: row for row in existing.only(*_READ)}
    _take_over([row for row in rows.values() if row.code == ELSEWHERE])
    found = Changes()
    sent: list[tuple[Delivery, Draft | None]] = []
    made = cache(bindings.made_in)
    for draft in drafts:
        row = rows.pop(draft.planned.key, None)
        if row is None:
            found.new.append(draft)
        elif is_frozen(row):
            if row.digest != draft.planned.document.digest() or _means_other(row, draft, made):
                sent.append((row, draft))
        elif _brought_up_to_date(row, draft, mapping_version):
            found.changed.append((row, draft))
    sent += [(row, None) for row in rows.values() if is_frozen(row)]
    found.gone.extend(row for row in rows.values() if not is_frozen(row))
    found.differs.extend(row.key for row, _ in sent)
    conflict = any(_passing(row, draft) for row, draft in sent)
    return Changes(found.new, found.changed, found.gone, found.differs, conflict)


def calm(changes: Changes) -> bool:
    """Take out of motion what is about to change. False where the outbox was faster: compare again."""
    moving = [row.pk for row in (*(row for row, _ in changes.changed), *changes.gone)]
    taken = 0
    for some in chunked(moving):
        rows = Delivery.objects.filter(pk__in=some, resend=None, external_id="")
        rows.filter(state__in=_MOVING).exclude(code__in=LOOK_FIRST).update(state=State.PLANNED)
        taken += rows.exclude(state__in=_SENT).exclude(code__in=LOOK_FIRST).count()
    return taken == len(moving)


def write(flow: Flow, plan: Plan | None, changes: Changes, mapping_version: int) -> None:
    """Store what ``compare`` found. Raises Moved where a row was sent meanwhile; what is written by then stays written."""
    for some in chunked([row.pk for row in changes.gone]):
        with transaction.atomic():
            _still(some)
            InvoiceBalance.objects.filter(delivery__in=some).delete()
            Delivery.objects.filter(pk__in=some).update(state=State.DROPPED, live=False)
    for pairs in chunked(changes.changed):
        with transaction.atomic():
            _still([row.pk for row, _ in pairs])
            _wrest(flow.target.remote_key, flow.tenant_id, [row.key for row, _ in pairs if row.live])
            Dependency.objects.filter(delivery__in=[row for row, _ in pairs]).delete()
            Delivery.objects.bulk_update([row for row, _ in pairs], _WRITTEN)
            _depend(pairs)
    for drafts in chunked(changes.new):
        _create(flow, plan, drafts, State.PLANNED, mapping_version)


def stored(flow: Flow, changes: Changes, mapping_version: int) -> bool:
    """Store changes of rows that belong to no plan. False where the outbox was faster: compare again."""
    if not calm(changes):
        return False
    try:
        write(flow, None, changes, mapping_version)
    except Moved:
        return False
    return True


def ensure(flow: Flow, drafts: Iterable[Draft], state: str) -> None:
    """Create rows that belong to no plan, but for those of which the company has a live one of the key already."""
    by_key = {draft.planned.key: draft for draft in drafts}
    for keys in chunked(list(by_key)):
        owned, _ = _past(flow.target.remote_key, flow.tenant_id, keys)
        if wanted := [by_key[key] for key in keys if key not in owned]:
            _create(flow, None, wanted, state, flow.mapping_version)


def add(plan: Plan, drafts: Sequence[Draft], state: str, priority: int = Delivery.Priority.SCHEDULE) -> None:
    """Add rows to a plan beside those it has."""
    for some in chunked(drafts):
        _create(plan.flow, plan, some, state, plan.flow.mapping_version, priority)


def unsaved(flow: Flow, plan: Plan | None, draft: Draft) -> Delivery:
    """Return a draft as a row that is never stored, for reading."""
    row = Delivery(
        tenant_id=flow.tenant_id, flow=flow, plan=plan, remote_key=flow.target.remote_key, key=draft.planned.key
    )
    _fill(row, draft, flow.mapping_version)
    return row


def is_frozen(row: Delivery) -> bool:
    """Whether a row must stay as it was sent: it is in the books, its answer is out, or its bytes go out again.

    A row with a remote id is in the books whatever its state says: one that came out differently is held there.
    """
    return row.state in _SENT or bool(row.external_id) or row.resend_id is not None or row.code in LOOK_FIRST


def changed_by_hand() -> Q:
    """What was booked and is otherwise in the ledger now, or void or gone there: somebody changed it, and a person decides."""
    return Q(state=State.PARKED, code__in=(VOID, DIFFERENT), external_id__gt="")


def gone_by_hand() -> Q:
    """What somebody voided or deleted in the ledger: it is not there, and nothing will post it by itself."""
    return Q(state=State.PARKED, code=VOID, external_id__gt="")


def is_changed_by_hand(row: Delivery) -> bool:
    return row.state == State.PARKED and row.code in (VOID, DIFFERENT) and bool(row.external_id)


def in_the_books(of: str = "") -> Q:
    """What is in the ledger, as it was sent or otherwise. ``of`` leads to the delivery: ``"payment__"``."""
    state, code, external_id = f"{of}state", f"{of}code", f"{of}external_id__gt"
    return Q(**{state: State.POSTED}) | Q(**{state: State.PARKED, code: DIFFERENT, external_id: ""})


def missing_dependencies() -> QuerySet[Dependency]:
    """Return the dependencies whose delivery is not in the books. An undo may also take back what somebody changed there."""
    with unscoped("a company may be shared by tenants"):
        named = Delivery.objects.filter(remote_key=OuterRef("remote_key"), key=OuterRef("key"), live=True)
    found = Dependency.objects.exclude(Exists(named.filter(state=State.POSTED)))
    return found.exclude(Exists(named.filter(changed_by_hand())), delivery__kind=Kind.UNDO)


def release(found: QuerySet[Delivery]) -> int:
    """Let planned rows go, and the customers, items and accounts they wait for. Returns how many rows were released."""
    ids = list(found.filter(state=State.PLANNED, live=True).values_list("pk", flat=True))
    released = len(ids)
    with unscoped("what they wait for may be made by another tenant of the company"):
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
    return State.BLOCKED if missing_dependencies().filter(delivery=row.pk).exists() else State.READY


def chunked(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]


def live(plan: Plan) -> QuerySet[Delivery]:
    """Return the rows of a plan that count, undos left out."""
    return (
        Delivery.objects.filter(plan=plan)
        .exclude(state__in=[State.DROPPED, State.UNDONE])
        .exclude(kind=Kind.UNDO)
        .order_by("pk")
    )


def _means_other(row: Delivery, draft: Draft, made: Callable[[str], dict[str, str]]) -> bool:
    """Whether a sent row was booked to other accounts, items or customers than it would be now. ``made`` reads what a company
    calls what we made there: only where two names differ."""
    now = {symbol: bindings.plain(binding) for symbol, binding in draft.bindings.items()}
    return bindings.mean_others(row.bindings, now, {}) and bindings.mean_others(row.bindings, now, made(row.remote_key))


def _passing(row: Delivery, draft: Draft | None) -> bool:
    """Whether a sent row moves the passing accounts otherwise than its draft would."""
    sent = effect(document_from(row.plain_document))
    now = effect(draft.planned.document) if draft else {}
    return any(sent.get(key, 0) != now.get(key, 0) for key in PASSING)


def _still(ids: Sequence[int]) -> None:
    """Lock rows that are to be written, and see that nobody has sent one since. Raises Moved."""
    rows = Delivery.objects.select_for_update().filter(pk__in=ids)
    if any(is_frozen(row) or row.state in _MOVING for row in rows.only("state", "resend", "code", "external_id")):
        raise Moved


def _create(
    flow: Flow,
    plan: Plan | None,
    drafts: Sequence[Draft],
    state: str,
    mapping_version: int,
    priority: int = Delivery.Priority.SCHEDULE,
) -> None:
    remote_key = flow.target.remote_key

    def create() -> None:
        # Planners of one company go one after the other: only one of them may find a fact free.
        lanes.lock(remote_key)
        keys = [draft.planned.key for draft in drafts]
        _wrest(remote_key, flow.tenant_id, keys, plan)
        taken, generations = _past(remote_key, flow.tenant_id, keys)
        elsewhere = _is_elsewhere(plan, remote_key)
        # Two people may let a flow go live in the same moment: what belongs to no plan, it has once.
        known = Delivery.objects.filter(flow=flow, plan=None, key__in=keys, live=True)
        there = set(known.values_list("key", flat=True)) if plan is None else set()
        wanted = [draft for draft in drafts if draft.planned.key not in there]
        rows = []
        for draft in wanted:
            key = draft.planned.key
            row = Delivery(tenant_id=flow.tenant_id, flow=flow, plan=plan, remote_key=remote_key, key=key, state=state)
            row.generation, row.priority = generations.get(key, 0) + 1, priority
            _fill(row, draft, mapping_version)
            if draft.hold is not None:
                _hold(row, draft.hold)
            if key in taken or (elsewhere and row.kind != Kind.UNDO):
                row.live, row.state, row.code = False, State.HELD, ELSEWHERE
                row.reason, row.action = _TAKEN, _WHAT_NOW
            rows.append(row)
        _depend(list(zip(Delivery.objects.bulk_create(rows), wanted, strict=True)))

    with transaction.atomic():
        create()


def _past(remote_key: str, tenant_id: int, keys: Iterable[str]) -> tuple[set[str], dict[str, int]]:
    """Return the keys that somebody owns in the company, and the highest generation that each key ever had there.

    A key that comes back goes on counting: under an old generation the ledger would only repeat its old answer.
    """
    with unscoped("a company may be shared by tenants"):
        rows = Delivery.objects.filter(remote_key=remote_key, key__in=list(keys))
        generations = dict(rows.order_by().values_list("key").annotate(Max("generation")))
        owned = rows.filter(live=True).exclude(pk__in=_idle_elsewhere(remote_key, tenant_id).values("pk"))
        return set(owned.values_list("key", flat=True)), generations


def _is_elsewhere(plan: Plan | None, remote_key: str) -> bool:
    """Whether another flow has the plan's settlement in the company: in whatever mode and revision, and whosever it is."""
    if plan is None:
        return False
    with unscoped("a company may be shared by tenants"):
        rows = Delivery.objects.filter(remote_key=remote_key, live=True, plan__in=_plans_beside(plan))
        rows = rows.exclude(plan__state=Plan.State.UNDONE).exclude(kind=Kind.UNDO)
        return rows.exclude(pk__in=_idle_elsewhere(remote_key, plan.tenant_id).values("pk")).exists()


def _plans_beside(plan: Plan) -> list[int]:
    """Return the other plans of a plan's settlement, whosever they are: most often none."""
    with unscoped("a company may be shared by tenants"):
        same = Plan.objects.filter(settlement__settlement_id=plan.settlement.settlement_id).exclude(pk=plan.pk)
        return list(same.values_list("pk", flat=True))


def _idle_elsewhere(remote_key: str, tenant_id: int) -> QuerySet[Delivery]:
    """Return what other tenants of the company own and book nothing with: what they only planned in a flow that is not live,
    or had approved before they lost the company. A plan of which anything may be in the books, or is on its way, stays whole.
    """
    lost = ~Q(flow__target__state=Access.ACTIVE)
    in_the_books = Q(state__in=_SENT) | ~Q(external_id="") | Q(resend__isnull=False) | Q(code__in=LOOK_FIRST)
    busy = in_the_books | (Q(state__in=_MOVING) & ~lost)
    rows = Delivery.objects.filter(remote_key=remote_key, live=True).exclude(tenant_id=tenant_id)
    rows = rows.exclude(kind=Kind.UNDO).exclude(busy).filter(lost | ~Q(flow__state=Flow.State.LIVE))
    return rows.exclude(Exists(Delivery.objects.filter(busy, plan=OuterRef("plan"), live=True)))


def _wrest(remote_key: str, tenant_id: int, keys: Sequence[str], plan: Plan | None = None) -> None:
    """Take what is idle elsewhere: keys have no tenant in them, and a stranger's mere plan must keep nobody from booking."""
    wanted = Q(key__in=keys)
    if plan is not None:
        wanted |= Q(plan__in=_plans_beside(plan))
    with unscoped("a company may be shared by tenants"):
        ids = list(_idle_elsewhere(remote_key, tenant_id).filter(wanted).values_list("pk", flat=True))
        for some in chunked(ids):
            rows = Delivery.objects.filter(pk__in=some, live=True).exclude(state__in=_SENT)
            rows.filter(key__startswith="company/").update(state=State.DROPPED, live=False)
            rows.update(state=State.HELD, live=False, code=ELSEWHERE, reason=_TAKEN, action=_WHAT_NOW)


def _take_over(rows: Sequence[Delivery]) -> None:
    """Let rows own their keys that another flow owned and has given up."""
    for some in chunked(rows):
        taken, _ = _past(some[0].remote_key, some[0].tenant_id, [row.key for row in some])
        elsewhere = _is_elsewhere(some[0].plan, some[0].remote_key)
        for row in some:
            row.live = row.key not in taken and not elsewhere


def _brought_up_to_date(row: Delivery, draft: Draft, mapping_version: int) -> bool:
    """Give an unsent row the content of its draft; tells whether anything of it is different now."""
    before = {name: getattr(row, name) for name in _COMPARED}
    if row.code == ELSEWHERE:
        before["live"] = False
    was_ours = row.state == State.HELD and row.code in _OURS
    version = row.mapping_version
    _fill(row, draft, mapping_version)
    same = (row.digest, row.bindings) == (before["digest"], before["bindings"])
    if not same:
        row.tries, row.next_attempt_at = 0, None
    if not row.live:
        pass
    elif draft.hold is not None:
        _hold(row, draft.hold)
    elif was_ours or not same:
        row.state, row.reason, row.action, row.code = State.PLANNED, "", "", ""
    different = {name: getattr(row, name) for name in _COMPARED} != before
    if not different:
        row.mapping_version = version
    return different


def _fill(row: Delivery, draft: Draft, mapping_version: int) -> None:
    planned = draft.planned
    document: Document = planned.document
    row.kind, row.part = document.kind, planned.part
    canonical = document.canonical()
    row.document, row.digest = canonical.decode(), hashlib.sha256(canonical).hexdigest()
    row.original = planned.original.canonical().decode() if planned.original else ""
    row.original_amount = own_total(planned.original) if planned.original else None
    row.bindings = {symbol: bindings.plain(binding) for symbol, binding in sorted(draft.bindings.items())}
    row.mapping_version = mapping_version
    row.order_id = document.order_id if isinstance(document, (Invoice, JournalEntry)) else ""
    named = getattr(document, "number", "") or getattr(document, "reference", "") or getattr(document, "name", "")
    row.number = named[:NUMBER_LENGTH]  # the name of an item may be as long as an account's
    row.on, row.amount, row.currency = dated(document), own_total(document), getattr(document, "currency", "")
    row.not_before = planned.not_before


def _hold(row: Delivery, hold: Hold) -> None:
    row.state, row.code, row.reason, row.action = State.HELD, hold.reason, hold.text, ""


def _depend(pairs: Sequence[tuple[Delivery, Draft]]) -> None:
    Dependency.objects.bulk_create(
        Dependency(tenant_id=row.tenant_id, delivery=row, remote_key=row.remote_key, key=key)
        for row, draft in pairs
        for key in draft.needs
    )


def _open(ids: Sequence[int]) -> None:
    planned = Delivery.objects.filter(pk__in=ids, state=State.PLANNED, live=True)
    planned.filter(Exists(missing_dependencies().filter(delivery=OuterRef("pk")))).update(state=State.BLOCKED)
    planned.update(state=State.READY)

"""What people made of our documents since they were posted: the ledger is asked once a day, and when somebody wants to know.

A document that is void, gone or otherwise than it was sent is given to a person and the proof goes by what the ledger
has now; nothing is written to the ledger. What we wrote ourselves comes back as a change too: it is as it was sent, so
nothing follows. The lane's lease is held meanwhile, so nothing of ours is on its way.
"""

import random
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from audit import trail
from bookkeeping.documents import Kind
from bookkeeping.money import shown
from flows import balance_check, balances, lanes, looking, outcomes, pace, planner, progress, proving, rows, taking_back
from flows.balances import EVERY
from flows.lanes import LEASE_MARGIN_S, LeaseLost
from flows.looking import Reader
from flows.models import Delivery, Plan, ReadBack
from flows.readable import kinds_of
from kit import clock
from kit.scope import unscoped
from ledgers.port import CannotTell, Changes, Found, Kept
from ledgers.registry import all_ledgers, ledger_spec, open_ledger
from tenants.models import Access, Connection

SPREAD_S: Final = 1800.0  # so that not every company is asked at once
AGAIN: Final = timedelta(minutes=5)  # after one that came to nothing; until then only what is posted occupies the lane
PAUSE: Final = timedelta(minutes=1)  # between two that people ask for: providers meter reads
OVERLAP: Final = timedelta(
    minutes=10
)  # a change may show late, and clocks differ; what was seen twice is compared twice
CHUNK: Final = 500
READ_AT_ONCE: Final = 1000
ROUNDS: Final = (
    5  # of changes that a ledger names piece by piece, each taking many reads; the rest is seen the next day
)
BATCH: Final = 200

State = Delivery.State


# When -----------------------------------------------------------------------------------------------------------------


def begin() -> int:
    """Let every company be read back from a day after its first posting on. Returns how many begin."""
    now = clock.now()
    with unscoped("every tenant's books are compared"):
        posted = Delivery.objects.filter(_booked(), flow__target=OuterRef("pk"), posted_at__lte=now - EVERY)
        new = Connection.objects.filter(Exists(posted), provider__in=all_ledgers(), read_back=None)
        made = [ReadBack(tenant_id=each.tenant_id, connection=each, next_at=now) for each in new[:BATCH]]
        ReadBack.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def due() -> list[int]:
    """Return the connected companies that are to be read back now and may be asked, the longest due first."""
    with unscoped("every tenant's books are compared"):
        found = list(_due().select_related("connection").order_by("next_at", "pk"))
    away = lanes.resting_or_busy() if found else set()
    return [each.connection_id for each in found if each.connection.remote_key not in away][:BATCH]


def ask(target: Connection, actor: str) -> None:
    """Have a company read back as soon as its lane is free, at most once in a ``PAUSE``. Calls nobody."""
    now = clock.now()
    with trail.recorded():
        found, _ = ReadBack.objects.get_or_create(
            connection=target, defaults={"tenant_id": target.tenant_id, "next_at": now}
        )
        next_at = max(now, found.checked_at + PAUSE) if found.checked_at else now
        ReadBack.objects.filter(pk=found.pk).update(next_at=next_at)
        trail.record("connection.check_asked", f"connection:{target.pk}", tenant_id=target.tenant_id, actor=actor)
        transaction.on_commit(lambda: planner.hint("flows.tasks.check_books", target.pk, "short"))


def look_now(target: Connection) -> None:
    """Compare a company at this moment, unless it was in the last ``PAUSE``, its lane is busy or it does not answer: then
    what was seen last stands. So it does where much was written since: that takes longer than a person waits.
    """
    now = clock.now()
    found, _ = ReadBack.objects.get_or_create(
        connection=target, defaults={"tenant_id": target.tenant_id, "next_at": now}
    )
    if found.checked_at and found.checked_at > now - PAUSE:
        return
    written = _of(target).filter(posted_at__gt=found.seen_until) if found.seen_until else _of(target)
    if written.count() <= READ_AT_ONCE:
        ReadBack.objects.filter(pk=found.pk).update(next_at=now)
        check(target.pk)


def check(connection_id: int) -> bool:
    """Compare what changed in a company with what was posted there. False where it is not due, or has to wait."""
    with unscoped("what a document refers to may have been made by another tenant of the company"):
        target = Connection.objects.get(pk=connection_id)
        lease = lanes.claim(target.remote_key, LEASE_MARGIN_S)
        if lease is None:
            return False
        try:
            known = _begun(target)
            if known is None:
                return False  # somebody else just did
            _check(Reader(lease, target), known)
        except (LeaseLost, pace.Resting):
            return False
        finally:
            lanes.release(lease)
    proving.catch_up(target.remote_key)
    return True


def _begun(target: Connection) -> ReadBack | None:
    """Return what is due of a company, put off until ``_remember`` says when the next one is: one that fails or dies neither
    asks again at once, for reads are metered, nor keeps documents from being posted."""
    known = _due().filter(connection=target).first()
    if known is not None:
        known.next_at = clock.now() + AGAIN
        known.save(update_fields=["next_at"])
    return known


def _due() -> QuerySet[ReadBack]:
    now = clock.now()
    found = ReadBack.objects.filter(next_at__lte=now, connection__state=Access.ACTIVE)
    return found.exclude(connection__rests_until__gt=now)


# What -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Judged:
    """What became of a row's document. ``right`` is what the ledger has where that is as it was sent, else ``code``,
    ``reason``, ``action`` and ``total`` say what is wrong."""

    row: Delivery
    right: Found | None = None
    code: str = ""
    reason: str = ""
    action: str = ""
    total: int | None = 0


def _booked() -> Q:
    return (Q(state=State.POSTED) | rows.changed_by_hand()) & Q(live=True, kind__in=rows.BOOKED, external_id__gt="")


def _of(target: Connection) -> QuerySet[Delivery]:
    """Return what a connection has in its company, of the kinds that the ledger shows. What is being taken out of the books is
    looked at by its undo."""
    going = [Plan.State.UNDOING, Plan.State.UNDONE]
    readable = open_ledger(target).capabilities.readable
    found = Delivery.objects.filter(_booked(), flow__target=target, kind__in=readable)
    return found.exclude(plan__state__in=going).select_related("flow__target", "plan__settlement")


def _check(reader: Reader, known: ReadBack) -> None:
    started, mine = clock.now(), _of(reader.target)
    # What was found by a look-up, but not as it was sent, was never posted.
    when = Min(Coalesce("posted_at", "created_at"))
    # In one look: an undo that begins meanwhile takes its rows out of ``mine``.
    if first := dict(mine.order_by().values_list("kind").annotate(first=when)):
        # With the tokens of a piece of each kind: else one that rests there asks for the changes anew and comes no further.
        with reader.together(looking.READ, *[looking.BATCH] * len(first)):
            since = known.seen_until or min(first.values()) - OVERLAP
            started, until = _read(reader, mine, {Kind(kind) for kind in first}, known, started, since)
    else:
        until = started
    _remember(known, started, until - OVERLAP)
    balance_check.compare_daily(reader)


def _read(
    reader: Reader,
    mine: QuerySet[Delivery],
    kinds: Collection[Kind],
    known: ReadBack,
    started: datetime,
    since: datetime,
) -> tuple[datetime, datetime]:
    """Compare what changed of these kinds; return when that began, and up to when the ledger named changes."""
    compared: set[tuple[Kind, str]] = set()
    for _ in range(ROUNDS):
        changes = reader.changes(kinds, since)
        until = min(started, changes.until or started)
        _take(reader, mine, changes.documents)
        _take(reader, mine, _gone_payments(reader, mine.filter(posted_at__lte=started - OVERLAP), changes))
        compared |= {(kept.kind, kept.external_id) for kept in changes.documents}
        if not changes.more or changes.until is None:
            break
        # One that is interrupted goes on from here. What may show late is asked for again, but for nothing that is older.
        _seen(known, min(changes.until, started - OVERLAP))
        since = changes.until
    for kind in sorted(set(kinds) - changes.incomplete):
        _compare_again(reader, mine, kind, {external_id for of, external_id in compared if of == kind})
    if changes.incomplete:
        # One that was interrupted goes on where it was; what changed since it began is seen the next time.
        known.reading_since = known.reading_since or started
        started, until = known.reading_since, min(until, known.reading_since)
        for kind in sorted(changes.incomplete):
            _read_own(reader, mine, kind, known)
    return started, until


def _gone_payments(reader: Reader, mine: QuerySet[Delivery], changes: Changes) -> list[Kept]:
    """Return what is gone of our payments on invoices whose remaining payments the ledger named. ``mine`` are rows that it
    had time to show."""
    if not changes.paid:
        return []
    there = {kept.external_id for kept in changes.documents if kept.kind is Kind.PAYMENT}
    invoices = Delivery.objects.filter(remote_key=reader.lease.remote_key, kind=Kind.INVOICE)
    keys = invoices.filter(external_id__in=changes.paid).values_list("key", flat=True)
    own = mine.filter(kind=Kind.PAYMENT, dependencies__key__in=list(keys)).exclude(external_id__in=there)
    return [Kept(Kind.PAYMENT, each, live=False) for each in own.values_list("external_id", flat=True).distinct()]


def _compare_again(reader: Reader, mine: QuerySet[Delivery], kind: Kind, just_compared: Collection[str]) -> None:
    """Read what could not be compared before: changes since then do not name it any more."""
    found = set(mine.filter(kind=kind).exclude(not_compared="").values_list("external_id", flat=True))
    ids = sorted(found - set(just_compared))
    for start in range(0, len(ids), READ_AT_ONCE):
        _take(reader, mine, reader.kept(kind, ids[start : start + READ_AT_ONCE]))


def _read_own(reader: Reader, mine: QuerySet[Delivery], kind: Kind, known: ReadBack) -> None:
    """Read every document of ours of a kind: the ledger could not say which of them changed.

    What was posted a moment before it began may not show yet; its changes are seen the next time.
    """
    assert known.reading_since is not None
    own = mine.filter(kind=kind, posted_at__lte=known.reading_since - OVERLAP).order_by("external_id")
    own = own.filter(external_id__gt=known.own_read.get(kind.value, ""))
    ids = list(own.values_list("external_id", flat=True).distinct())
    for start in range(0, len(ids), READ_AT_ONCE):
        piece = ids[start : start + READ_AT_ONCE]
        _take(reader, mine, reader.kept(kind, piece))
        known.own_read[kind.value] = piece[-1]
        known.save(update_fields=["reading_since", "own_read"])


def _remember(known: ReadBack, started: datetime, until: datetime) -> None:
    """Keep how far changes were compared."""
    read_back = ReadBack.objects.filter(pk=known.pk)
    read_back.update(checked_at=started, reading_since=None, own_read={})
    _seen(known, until)
    # Who has asked meanwhile wants to know what happened until then.
    spread = timedelta(seconds=random.uniform(0, SPREAD_S))  # noqa: S311  # jitter, not a secret
    read_back.filter(next_at=known.next_at).update(next_at=started + EVERY + spread)


def _seen(known: ReadBack, until: datetime) -> None:
    later = Q(seen_until=None) | Q(seen_until__lt=until)
    ReadBack.objects.filter(later, pk=known.pk).update(seen_until=until)


def _take(reader: Reader, mine: QuerySet[Delivery], documents: Collection[Kept]) -> None:
    """Compare these documents with the rows that posted them. One that cannot be compared is remembered by its row."""
    by_id = {(kept.kind, kept.external_id): kept for kept in documents}
    ids = sorted({external_id for _, external_id in by_id})
    for start in range(0, len(ids), CHUNK):
        found = mine.filter(remote_key=reader.lease.remote_key, external_id__in=ids[start : start + CHUNK]).order_by(
            "pk"
        )
        named = [(row, kept) for row in found if (kept := by_id.get((Kind(row.kind), row.external_id)))]
        touched = [(row, kept) for row, kept in named if not _as_posted(row, kept)]
        there = [pair for pair in touched if pair[1].live]
        judged = [_gone(reader, row, kept) for row, kept in touched if not kept.live]
        unclear: dict[int, str] = {}
        for (row, _), answer in zip(there, reader.compare(there), strict=True):
            if isinstance(answer, CannotTell):
                unclear[row.pk] = answer.reason
            else:
                judged.append(_judge(reader, row, answer))
        _apply(reader, [one for one in judged if _is_news(one)])
        for row, _ in named:
            if row.not_compared != (reason := unclear.get(row.pk, "")):
                Delivery.objects.filter(pk=row.pk).update(not_compared=reason)


def _as_posted(row: Delivery, kept: Kept) -> bool:
    """Whether nobody touched the document since we wrote it."""
    return row.state == State.POSTED and kept.live and bool(kept.version) and kept.version == row.version


def _is_news(one: _Judged) -> bool:
    row = one.row
    if one.right is not None:
        return row.state == State.PARKED
    return (row.state, row.code, row.reason, row.answered_total) != (State.PARKED, one.code, one.reason, one.total)


def _gone(reader: Reader, row: Delivery, kept: Kept) -> _Judged:
    ledger = ledger_spec(reader.target.provider).name
    what = "voided" if kept.content else "deleted"
    reason = f"Somebody {what} it in {ledger} after it was posted."
    again = "take the settlement out of the books and post it again here"
    # An invoice that was made before its order settled: what settles is booked without it.
    action = f"Put it back in {ledger} as it was, or {again if row.plan_id else 'leave it so'}."
    return _Judged(row, None, rows.VOID, reason, action)


def _judge(reader: Reader, row: Delivery, answer: Found) -> _Judged:
    difference = _difference(row, answer)
    if not difference:
        return _Judged(row, answer)
    ledger = ledger_spec(reader.target.provider).name
    reason = f"Somebody changed it in {ledger} after it was posted: {difference}."
    again = ", or delete it there, take the settlement out of the books and post it again here" if row.plan_id else ""
    return _Judged(row, None, rows.DIFFERENT, reason, f"Put it back in {ledger} as it was{again}.", answer.posted.total)


def _difference(row: Delivery, answer: Found) -> str:
    """Return what differs for a bookkeeper, "" where the document is as it was sent, or as the ledger booked it at once."""
    now = answer.posted.total
    if row.state == State.POSTED and taking_back.differs(row) and now == row.answered_total:
        return ""
    said = [] if answer.equal else [answer.difference or "its content differs"]
    if now is not None and not taking_back.comes_to(row, now) and "amount" not in answer.difference:
        is_now, was = (shown(amount, row.currency) for amount in (now, row.amount))
        said.append(f"it comes to {is_now}, not {was}")
    return ", ".join(said)


def _apply(reader: Reader, news: Sequence[_Judged]) -> None:
    """Change the rows that are still as they were read, and tell people. Raises LeaseLost."""
    if not news:
        return
    with trail.recorded():
        if not lanes.owns(reader.lease):
            raise LeaseLost(reader.lease.remote_key)
        touched = []
        for one in news:
            fresh = _of(reader.target).filter(pk=one.row.pk, state=one.row.state).first()
            if fresh is None:
                continue
            touched.append(fresh)
            if one.right is not None:
                outcomes.right_again(fresh, one.right.posted)
            else:
                outcomes.changed_by_hand(fresh, one.code, one.reason, one.action, one.total)
        _tell(touched)


def _tell(touched: Sequence[Delivery]) -> None:
    progress.after_outcome(touched)
    for plan, own in _by_plan(touched):
        progress.tell_changed(own[0].flow, plan)
        if plan is not None:
            trail.record(
                "settlement.read_back",
                f"settlement:{plan.settlement_id}",
                tenant_id=plan.tenant_id,
                settlement=plan.settlement.settlement_id,
                changed=[row.number or row.kind for row in own if row.state == State.PARKED][:100],
                right_again=[row.number or row.kind for row in own if row.state == State.POSTED][:100],
            )


def _by_plan(touched: Iterable[Delivery]) -> Iterator[tuple[Plan | None, list[Delivery]]]:
    groups: dict[tuple[int, int | None], list[Delivery]] = {}
    for row in touched:
        groups.setdefault((row.flow_id, row.plan_id), []).append(row)
    for own in groups.values():
        yield own[0].plan, own


# For pages ------------------------------------------------------------------------------------------------------------


def last(target: Connection) -> ReadBack | None:
    """Return when a company was read back, None where it never was."""
    return ReadBack.objects.filter(connection=target).first()


def only_shown(target: Connection) -> str:
    """Return what is compared where a ledger does not show every document, "" where it does."""
    if not balances.unseen(target):
        return ""
    able, kinds = open_ledger(target).capabilities, kinds_of(target)
    seen = " and ".join(kinds[kind].lower() + "s" for kind in rows.BOOKED if kind in able.readable & able.kinds)
    rest = "all else" if seen else "what is posted"
    ledger = ledger_spec(target.provider).name
    one_by_one = f"{ledger} shows {seen} one by one; " if seen else ""
    return f"{one_by_one}{rest} is compared by the balance of the clearing account."


def compared_at(known: ReadBack | None, plan: Plan) -> datetime | None:
    """Return when a company was last read back with all that is posted of a settlement, None where something was posted since."""
    if known is None or known.checked_at is None:
        return None
    since = Delivery.objects.filter(plan=plan, live=True, state=State.POSTED, posted_at__gt=known.checked_at)
    return None if since.exclude(kind=Kind.UNDO).exists() else known.checked_at


def not_compared(plan: Plan) -> QuerySet[Delivery]:
    """Return the documents of a settlement that could not be compared with what the ledger has, each with the reason."""
    return Delivery.objects.filter(_booked(), plan=plan).exclude(not_compared="").order_by("part", "id")


def changed(plan: Plan) -> QuerySet[Delivery]:
    """Return what somebody changed in the ledger of a settlement's documents."""
    return Delivery.objects.filter(rows.changed_by_hand(), plan=plan).order_by("part", "id")

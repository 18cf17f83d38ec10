"""What follows from an outcome: the state changes of deliveries, once, in one place.

Every function runs inside the caller's ``trail.recorded()``, while the caller owns the lane.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, F, OuterRef

from audit import trail
from bookkeeping.documents import Kind
from flows import progress, taking_back, wire
from flows.models import Attempt, Delivery, Dependency, InvoiceBalance, Plan
from flows.rows import missing_dependencies
from kit import clock
from ledgers.port import Absent, CannotTell, Found, Next, Posted, Refused
from tenants.models import Connection

MAX_TRIES = 8
SHORTEST_RETRY_S = 1.0
BACK_OFF_CAP_S = 900.0
ADOPTING: Final = "adopting"  # refused because it exists: looked up, and adopted only if it is ours
CANNOT_TELL: Final = "cannot_tell"  # looked up, and nobody knows
PLAN_ANEW: Final = "plan_anew"  # refused for an ability the company lacks: planned again without it

_LOOK_AND_REPLAY: Final = "Look for it in the ledger, then replay this: it is looked up again before anything is sent."
_LOOK_AND_SAY: Final = "Look for it in the ledger, by its date and amount. Then say here whether it is there."

State = Delivery.State


def apply_answers(
    rows: Sequence[Delivery], answers: Mapping[str, Posted | Refused], base_s: float = SHORTEST_RETRY_S
) -> None:
    """Apply what the ledger answered to each delivery of a call. ``base_s`` is the shortest pause before a retry."""
    posted: list[Delivery] = []
    refused: list[Delivery] = []
    for row in rows:
        answer = answers[row.key]
        if isinstance(answer, Posted):
            posted.append(row)
        else:
            refused.append(row)
    _posted([(row, answers[row.key]) for row in posted])  # type: ignore[misc]  # told apart above
    together = _shared(refused, answers)
    for row in refused:
        answer = answers[row.key]
        assert isinstance(answer, Refused)
        _refused(row, answer, base_s, shared=row.pk in together)
    progress.after_outcome(rows)


def apply_look_up(
    attempt: Attempt,
    rows: Sequence[Delivery],
    found: Mapping[str, Found | Absent | CannotTell],
    base_s: float = SHORTEST_RETRY_S,
) -> None:
    """Apply a look-up to the uncertain deliveries of an attempt.

    If nothing of the call is there, the same bytes go out again; if part of it is, the rest is rendered anew, for a
    resend of the whole call would name documents that exist.
    """
    absent = [row for row in rows if isinstance(found[row.key], Absent) and row.code != ADOPTING]
    posted: list[tuple[Delivery, Posted]] = []
    for row in rows:
        answer = found[row.key]
        match answer:
            case Found(posted=document, live=True, equal=True):
                posted.append((row, document))
            case _ if row.code == ADOPTING:
                _not_ours(row, answer)
            case Found(posted=document, live=False):
                row.answered_total = 0
                park(
                    row,
                    "found_void",
                    "The document is in the books but somebody voided it.",
                    "Look at it in the ledger. To book it again, undo the settlement and post it anew.",
                )
            case Found(posted=document, difference=difference):
                # Without a version: it is not as we wrote it, whatever is compared with it later.
                row.external_id, row.version, row.url = document.external_id, "", document.url
                row.answered_total = document.total
                park(
                    row,
                    "found_different",
                    f"A document with our mark is in the books, but not as it was sent: {difference or 'it was changed'}.",
                    "Compare both in the ledger. Mend it there and replay this, or undo the settlement and post it anew.",
                )
            case CannotTell(reason=reason):
                park(
                    row,
                    CANNOT_TELL,
                    f"Nobody can say whether this was booked: {reason}",
                    _LOOK_AND_SAY if attempt.before else _LOOK_AND_REPLAY,
                )
            case Absent():
                pass
    _posted(posted)
    _absent(attempt, absent, base_s)
    progress.after_outcome(rows)
    for row in {(row.flow_id, row.plan_id): row for row in rows}.values():
        progress.tell_changed(row.flow, row.plan)


def uncertain(rows: Iterable[Delivery], look_at: datetime) -> None:
    """Let nothing happen to these before ``look_at``; then they are looked up."""
    ids = [row.pk for row in rows]
    Delivery.objects.filter(pk__in=ids, state=State.SENDING).update(
        state=State.UNCERTAIN,
        next_attempt_at=look_at,
        code="no_answer",
        reason="The ledger did not answer. It may or may not have booked this; it will be looked up before anything is sent again.",
        action="",
    )


def not_seen_yet(rows: Iterable[Delivery], look_at: datetime) -> None:
    """Balances do not show these, and may lag behind: they are looked for once more before they count as absent."""
    Delivery.objects.filter(pk__in=[row.pk for row in rows], state=State.UNCERTAIN).update(
        next_attempt_at=look_at,
        reason="The ledger did not answer, and its balances do not show this. They may lag behind: they are read once more "
        "before it is sent again.",
    )


def seen_moving(rows: Iterable[Delivery]) -> None:
    """Balances moved since these were found absent, so they are looked up again instead of being sent; it counts as a try."""
    Delivery.objects.filter(pk__in=[row.pk for row in rows], live=True, state__in=[State.READY, State.FAILED]).update(
        state=State.UNCERTAIN,
        tries=F("tries") + 1,
        next_attempt_at=clock.now(),
        resend=None,
        code="no_answer",
        reason="The ledger's balances moved before this was sent again, so it is looked up once more.",
        action="",
    )


def look_again(ids: Sequence[int], at: datetime) -> None:
    Delivery.objects.filter(pk__in=ids, state=State.UNCERTAIN).update(next_attempt_at=at)


def not_sent(rows: Iterable[Delivery]) -> None:
    """Nothing happened remotely: the try does not count; the lane rests, not the row. A frozen call stays frozen."""
    Delivery.objects.filter(pk__in=[row.pk for row in rows], state=State.SENDING).update(
        state=State.READY, tries=F("tries") - 1
    )


def back_off_s(tries: int, base_s: float) -> float:
    """Doubling with full jitter above a floor, capped. ``base_s`` is the floor."""
    step = min(BACK_OFF_CAP_S, base_s * 2.0 ** min(tries, 30))
    return base_s + random.random() * max(0.0, step - base_s)  # noqa: S311  # jitter, not a secret


def hold(row: Delivery, code: str, reason: str, action: str) -> None:
    """Keep it from being sent until a person has mended the cause and replays it."""
    _stop(row, State.HELD, code, reason, action)


def park(row: Delivery, code: str, reason: str, action: str) -> None:
    _stop(row, State.PARKED, code, reason, action)


def changed_by_hand(row: Delivery, code: str, reason: str, action: str, total: int | None) -> None:
    """What is in the books is found void or different there, as ``apply_look_up`` says it of what was never answered.

    ``total`` is the document's own as the ledger has it now, 0 where it is gone: the proof and later plans go by it.
    """
    was, row.answered_total = row.answered_total, total
    row.state, row.code, row.reason, row.action = State.PARKED, code, reason, action
    row.save(update_fields=_CHANGED)
    trail.record(
        "delivery.changed_in_ledger",
        f"delivery:{row.pk}",
        tenant_id=row.tenant_id,
        code=code,
        reason=reason,
        action=action,
        document=row.external_id,
        posted=row.amount,
        was=was,
        now=total,
        currency=row.currency,
    )
    if row.plan is not None:
        Plan.objects.filter(pk=row.plan.pk, state=Plan.State.POSTED).update(state=Plan.State.POSTING)
    if row.kind == Kind.INVOICE and not total:
        taking_back.plan_anew_without([row])


def right_again(row: Delivery, found: Posted) -> None:
    """What somebody had changed in the ledger is there again as it was sent."""
    _posted([(row, found)])
    trail.record("delivery.right_again", f"delivery:{row.pk}", tenant_id=row.tenant_id, document=found.external_id)
    if row.kind == Kind.INVOICE:
        # What was planned without it meanwhile may pay it again.
        moving = [Plan.State.PLANNING, Plan.State.PLANNED, Plan.State.POSTING]
        Plan.objects.filter(flow=row.flow_id, state__in=moving).update(asked=F("asked") + 1)


def said_posted(row: Delivery) -> None:
    """A person has found it in the books. What it comes to there, and under which number, nobody has read."""
    _posted([(row, Posted(""))])
    progress.after_outcome([row])


def said_absent(row: Delivery, attempt: Attempt) -> None:
    """A person has looked, and it is not in the books: the same bytes go out again."""
    row.state, row.code, row.reason, row.action = State.READY, "", "", ""
    row.resend, row.next_attempt_at, row.tries = attempt, None, 0
    row.priority = Delivery.Priority.PERSON
    row.save(update_fields=[*_CHANGED, "tries", "priority"])
    progress.after_outcome([row])


def settled(row: Delivery, found: Posted) -> None:
    """What is taken back already needs no call of ours."""
    _posted([(row, found)])
    trail.record("delivery.found_done", f"delivery:{row.pk}", tenant_id=row.tenant_id, document=found.external_id)


# In the books ---------------------------------------------------------------------------------------------------------


def _posted(answered: Sequence[tuple[Delivery, Posted]]) -> None:
    now = clock.now()
    for row, answer in answered:
        row.state, row.reason, row.action, row.code = State.POSTED, "", "", ""
        # What only a balance shows, or a person, has no id that the ledger told us: it goes by the one that we sent.
        external_id = answer.external_id or wire.wire_id(row.key, row.generation)
        if row.external_id != external_id or row.posted_at is None:
            row.posted_at = now
        row.external_id, row.version = external_id, answer.version
        row.answered_total, row.answered_lines, row.url = answer.total, dict(answer.lines), answer.url
        row.resend, row.next_attempt_at, row.updated_at = None, None, now
        if taking_back.must_go(row):
            row.state, row.code = State.HELD, taking_back.DIFFERENT
            row.reason = taking_back.sentence(row, "It is being taken out of the books again.")
            row.action = "Find out what changed the amount, for instance automatic sales tax, and switch it off there."
    rows = [row for row, _ in answered]
    Delivery.objects.bulk_update(
        rows,
        [
            "state", "reason", "action", "code", "external_id", "version", "answered_total", "answered_lines", "url",
            "posted_at", "resend", "next_attempt_at", "updated_at",
        ],
    )  # fmt: skip
    _keep_lines(rows)
    settled: list[Delivery] = []
    for row in rows:
        if row.code == taking_back.DIFFERENT:
            taking_back.begin(row)
        elif taking_back.differs(row):
            progress.answered_differently(row)
        elif row.kind == Kind.UNDO:
            settled += taking_back.done(row)
    _release_dependants([row for row in (*rows, *settled) if row.state == State.POSTED])


def _keep_lines(rows: Sequence[Delivery]) -> None:
    """Keep an invoice as the ledger answered it, where that is not as it was planned."""
    invoices = [row for row in rows if row.kind == Kind.INVOICE and row.state == State.POSTED]
    # A converted invoice is answered in home money, and settlements cover it in their own.
    answered = {row.pk: row.answered_lines for row in invoices if row.answered_lines and not row.original}
    kept = InvoiceBalance.objects.filter(delivery__in=answered).values_list("delivery_id", "lines") if answered else ()
    for delivery_id, lines in kept:
        if lines != answered[delivery_id]:
            InvoiceBalance.objects.filter(delivery=delivery_id).update(lines=answered[delivery_id])


def _release_dependants(posted: Sequence[Delivery]) -> None:
    """Make ready what waited for these deliveries and now lacks nothing."""
    if not posted:
        return
    needing = Dependency.objects.filter(
        remote_key=posted[0].remote_key, key__in=[row.key for row in posted], delivery__state=State.BLOCKED
    )
    waiting = list(needing.values_list("delivery_id", flat=True))
    if not waiting:
        return
    missing = missing_dependencies().filter(delivery=OuterRef("pk"))
    Delivery.objects.filter(pk__in=waiting, state=State.BLOCKED).exclude(Exists(missing)).update(
        state=State.READY, reason="", action="", code=""
    )


# Refused --------------------------------------------------------------------------------------------------------------


def _shared(refused: Sequence[Delivery], answers: Mapping[str, Posted | Refused]) -> set[int]:
    """Return the payments refused with others in one breath: many invoices may share one remote payment, and one of them may
    be the cause."""
    alike: dict[object, list[int]] = {}
    for row in refused:
        if row.kind == Kind.PAYMENT:
            document = row.plain_document
            alike.setdefault((str(answers[row.key]), document["on"], document["reference"]), []).append(row.pk)
    return {pk for pks in alike.values() if len(pks) > 1 for pk in pks}


def _refused(row: Delivery, answer: Refused, base_s: float, *, shared: bool) -> None:
    """A proven refusal: the fact may go out again only under the next generation."""
    row.generation += 1
    if shared:
        row.state, row.code, row.reason, row.action = State.READY, taking_back.ALONE, answer.text, ""
        row.next_attempt_at = row.resend = None
        row.save(update_fields=_CHANGED)
    elif answer.lacks:
        _plan_anew(row, answer)
    else:
        match answer.next:
            case Next.FAILED:
                _again(row, answer.text, base_s)
            case Next.HELD:
                hold(row, answer.code, answer.text, answer.action)
            case Next.ADOPT:
                row.state, row.code, row.reason, row.action = State.UNCERTAIN, ADOPTING, answer.text, answer.action
                row.next_attempt_at, row.resend = clock.now(), None
                row.save(update_fields=_CHANGED)
            case Next.PARKED:
                park(row, answer.code, answer.text, answer.action)


def _plan_anew(row: Delivery, answer: Refused) -> None:
    """Remember what the company lacks, and have everything that is not in the books planned without it."""
    hold(row, PLAN_ANEW, f"{answer.text} It is booked by another kind of document instead.", "Nothing to do.")
    # Read anew and locked: what is known of the company may be older than what somebody learned of it since.
    target = Connection.objects.select_for_update().get(pk=row.flow.target_id)
    if target.data.get(answer.lacks) is False:
        return
    target.data = {**target.data, answer.lacks: False}
    target.save(update_fields=["data"])
    Plan.objects.filter(flow__target=target).exclude(state__in=[Plan.State.UNDOING, Plan.State.UNDONE]).update(
        asked=F("asked") + 1
    )
    trail.record(
        "connection.lacks", f"connection:{target.pk}", tenant_id=row.tenant_id, ability=answer.lacks, said=answer.text
    )


def _not_ours(row: Delivery, answer: Found | Absent | CannotTell) -> None:
    """The name or number is taken, but not by this document: it is held with the ledger's sentence."""
    reason, action = row.reason, row.action
    match answer:
        case Found(live=False):
            reason = f"{reason} What carries it was made void or inactive."
        case Found(difference=difference):
            reason = f"{reason} What carries it is not what was to be made: {difference or 'it was changed'}."
        case CannotTell(reason=why):
            reason = f"{reason} In detail: {why}"
        case Absent():
            reason = f"{reason} No document of ours carries it."
    hold(row, "taken", reason, action or "Look for it in the ledger, then replay this.")


# Absent ---------------------------------------------------------------------------------------------------------------


def _absent(attempt: Attempt, rows: Sequence[Delivery], base_s: float) -> None:
    """Send what the ledger proved not to have again: the whole call byte for byte, or what is left of it anew."""
    whole = len(rows) == len(attempt.keys) and not any(row.external_id for row in rows)
    tries = max((row.tries for row in rows), default=0)
    next_at = clock.now() + timedelta(seconds=back_off_s(tries, base_s))
    for row in rows:
        if row.external_id:
            # It was found once and is gone now: under its old request id the ledger might only repeat its old answer.
            row.external_id = row.version = row.url = ""
            row.generation += 1
        row.answered_total = None
        row.resend = attempt if whole else None
        if tries >= MAX_TRIES:
            _used_up(row, "The ledger never answered and does not have it")
            continue
        row.state, row.code, row.reason, row.action = State.FAILED, "retry", "The ledger does not have it.", ""
        row.next_attempt_at = next_at
        row.save(update_fields=_CHANGED)


def _again(row: Delivery, reason: str, base_s: float) -> None:
    """Send it again after a growing pause, or give it to a person after the last try."""
    row.resend = None
    if row.tries >= MAX_TRIES:
        _used_up(row, reason.rstrip("."))
        return
    row.state, row.code, row.reason, row.action = State.FAILED, "retry", reason, ""
    row.next_attempt_at = clock.now() + timedelta(seconds=back_off_s(row.tries, base_s))
    row.save(update_fields=_CHANGED)


def _used_up(row: Delivery, reason: str) -> None:
    _stop(
        row,
        State.PARKED,
        "tries_used_up",
        f"{reason}; tried {row.tries} times.",
        "Find out what is wrong, then replay it.",
        resend=row.resend,
    )


_CHANGED: Final = [
    "state", "code", "reason", "action", "generation", "next_attempt_at", "resend", "external_id", "version", "url",
    "answered_total", "updated_at",
]  # fmt: skip


def _stop(row: Delivery, state: str, code: str, reason: str, action: str, resend: Attempt | None = None) -> None:
    row.state, row.code, row.reason, row.action = state, code[:60], reason, action
    row.next_attempt_at, row.resend = None, resend
    row.save(update_fields=_CHANGED)
    trail.record(
        f"delivery.{state}", f"delivery:{row.pk}", tenant_id=row.tenant_id, code=code, reason=reason, action=action
    )

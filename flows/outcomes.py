"""What follows from an outcome: the state changes of deliveries, once, in one place.

Every function runs inside the caller's transaction, while the caller owns the lane.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from audit import trail
from bookkeeping.documents import Kind
from flows import progress
from flows.models import Attempt, Delivery, Dependency, InvoiceBalance
from kit import clock
from ledgers.port import Absent, CannotTell, Found, Next, Posted, Refused
from tenants.alerts import alert
from tenants.grants import reconnect_key
from tenants.models import Access, Connection

MAX_TRIES = 8
BACK_OFF_S = 2.0  # doubled with each try, jittered
BACK_OFF_CAP_S = 900.0
ADOPTING = "adopting"  # refused because it exists: looked up, and adopted only if it is ours

State = Delivery.State


def apply_answers(rows: Sequence[Delivery], answers: Mapping[str, Posted | Refused]) -> None:
    """Apply what the ledger answered to each delivery of a call."""
    posted: list[Delivery] = []
    for row in rows:
        answer = answers[row.key]
        if isinstance(answer, Posted):
            _posted(row, answer)
            posted.append(row)
        else:
            _refused(row, answer)
    release_dependants(posted)
    progress.after_outcome(rows)


def apply_look_up(attempt: Attempt, rows: Sequence[Delivery], found: Mapping[str, Found | Absent | CannotTell]) -> None:
    """Apply a look-up to the deliveries of an uncertain attempt.

    If nothing of it is there, the same bytes go out again; if part of it is, the rest is rendered anew, for a resend of
    the whole call would name documents that exist.
    """
    absent = [row for row in rows if isinstance(found[row.key], Absent)]
    posted: list[Delivery] = []
    for row in rows:
        answer = found[row.key]
        match answer:
            case Found(posted=document, live=True, equal=True):
                _posted(row, document)
                posted.append(row)
            case Found(live=False):
                park(
                    row,
                    "found_void",
                    "The document is in the books but somebody voided it.",
                    "Look at it in the ledger.",
                )
            case Found():
                park(
                    row,
                    "found_different",
                    "A document with our mark is in the books, but its content is not what was sent.",
                    "Compare both in the ledger; undo the settlement and post it again, or leave it as it is.",
                )
            case CannotTell(reason=reason):
                park(
                    row,
                    "cannot_tell",
                    f"Nobody can say whether this was booked: {reason}",
                    "Look for it in the ledger.",
                )
            case Absent() if row.code == ADOPTING:
                hold(
                    row,
                    "number_taken",
                    f"The number {row.number} is already used by a document that another program or person made.",
                    "Find out who books these orders too; one of the two has to stop. Then replay this.",
                )
            case Absent():
                again(row, "The ledger does not have it", resend=attempt if len(absent) == len(rows) else None)
    release_dependants(posted)
    progress.after_outcome(rows)


def uncertain(rows: Iterable[Delivery], look_at: datetime) -> None:
    ids = [row.pk for row in rows]
    Delivery.objects.filter(pk__in=ids, state=State.SENDING).update(
        state=State.UNCERTAIN,
        next_attempt_at=look_at,
        code="no_answer",
        reason="The ledger did not answer. It may or may not have booked this; it will be looked up before anything is sent again.",
        action="",
    )


def look_again(ids: Sequence[int], at: datetime) -> None:
    Delivery.objects.filter(pk__in=ids, state=State.UNCERTAIN).update(next_attempt_at=at)


def not_sent(rows: Iterable[Delivery]) -> None:
    """Nothing happened remotely: the try does not count; the lane rests, not the row."""
    Delivery.objects.filter(pk__in=[row.pk for row in rows], state=State.SENDING).update(
        state=State.READY, tries=F("tries") - 1
    )


def again(row: Delivery, reason: str, *, resend: Attempt | None) -> None:
    """Send it again after a growing pause, or give it to a person after the last try."""
    if row.tries >= MAX_TRIES:
        park(row, "tries_used_up", f"{reason}; tried {row.tries} times.", "Find out what is wrong, then replay it.")
        return
    if resend is None:
        row.generation += 1
    row.state, row.resend, row.reason, row.code = State.FAILED, resend, reason, "retry"
    row.next_attempt_at = clock.now() + timedelta(seconds=back_off_s(row.tries))
    row.save(update_fields=["state", "resend", "reason", "code", "generation", "next_attempt_at", "updated_at"])


def back_off_s(tries: int) -> float:
    """Doubling with full jitter above a floor of half the step; capped."""
    step = min(BACK_OFF_CAP_S, BACK_OFF_S * 2.0 ** max(0, tries - 1))
    return step / 2 + random.random() * step / 2  # noqa: S311  # jitter, not a secret


def hold(row: Delivery, code: str, reason: str, action: str) -> None:
    """Keep it from being sent until a person has mended the cause and replays it."""
    _stop(row, State.HELD, code, reason, action)


def park(row: Delivery, code: str, reason: str, action: str) -> None:
    _stop(row, State.PARKED, code, reason, action)


def release_dependants(posted: Sequence[Delivery]) -> None:
    """Make ready what waited for these deliveries and now lacks nothing."""
    if not posted:
        return
    in_the_books = Delivery.objects.filter(
        remote_key=OuterRef("remote_key"), key=OuterRef("key"), live=True, state=State.POSTED
    )
    waiting = Dependency.objects.filter(
        remote_key=posted[0].remote_key, key__in=[row.key for row in posted], delivery__state=State.BLOCKED
    ).values("delivery_id")
    missing = Dependency.objects.filter(delivery=OuterRef("pk")).exclude(Exists(in_the_books))
    Delivery.objects.filter(pk__in=waiting, state=State.BLOCKED).exclude(Exists(missing)).update(
        state=State.READY, reason="", action="", code=""
    )


def connection_lost(connection: Connection, reason: str) -> None:
    """The company is closed to us although the grant may live on: its work waits until a person connects it again."""
    with transaction.atomic():
        if not Connection.objects.filter(pk=connection.pk, state=Access.ACTIVE).update(state=Access.NEEDS_RECONNECT):
            return
        alert(
            connection.tenant_id,
            "needs_reconnect",
            reconnect_key(connection.grant_id),
            f"{connection.remote_name} has to be connected again",
            f"{reason} What waits for it is kept.",
            "Open Connections and connect it again.",
            "/connections/",
        )
        trail.record(
            "connection.needs_reconnect", f"connection:{connection.pk}", tenant_id=connection.tenant_id, reason=reason
        )


def _posted(row: Delivery, answer: Posted) -> None:
    row.state, row.reason, row.action, row.code = State.POSTED, "", "", ""
    row.external_id, row.version = answer.external_id, answer.version
    row.answered_total, row.answered_lines, row.url = answer.total, dict(answer.lines), answer.url
    row.posted_at, row.resend = clock.now(), None
    row.save()
    if row.kind == Kind.INVOICE and answer.lines:
        InvoiceBalance.objects.filter(delivery=row).update(lines=dict(answer.lines))
    if answer.total is not None and row.amount and answer.total != row.amount:
        progress.answered_differently(row)
    if row.kind == Kind.UNDO:
        progress.taken_back(row)


def _refused(row: Delivery, answer: Refused) -> None:
    """A proven refusal: the fact may go out again only under the next generation."""
    row.generation += 1
    match answer.next:
        case Next.FAILED:
            row.generation -= 1  # again() raises it
            again(row, answer.text, resend=None)
        case Next.HELD:
            hold(row, answer.code, answer.text, answer.action)
        case Next.ADOPT:
            row.state, row.code, row.reason, row.action = State.UNCERTAIN, ADOPTING, answer.text, answer.action
            row.next_attempt_at, row.resend = clock.now(), None
            row.save()
        case Next.PARKED:
            park(row, answer.code, answer.text, answer.action)


def _stop(row: Delivery, state: str, code: str, reason: str, action: str) -> None:
    row.state, row.code, row.reason, row.action = state, code[:60], reason, action
    row.next_attempt_at = row.resend = None
    row.save(
        update_fields=[
            "state",
            "code",
            "reason",
            "action",
            "generation",
            "next_attempt_at",
            "resend",
            "updated_at",
        ]
    )
    trail.record(
        f"delivery.{state}", f"delivery:{row.pk}", tenant_id=row.tenant_id, code=code, reason=reason, action=action
    )

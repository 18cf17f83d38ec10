"""What a person says of a document of which nobody can tell whether it is in the books: it is, or it is not.

Only where a ledger shows no single documents, and balances could not tell. Where look-ups are exact, a replay asks the ledger.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from audit import trail
from bookkeeping.documents import Kind
from flows import lanes, outcomes, planning, wire
from flows.cannot import Cannot
from flows.models import Attempt, Delivery, Lane, Outcome
from flows.readable import kinds_of
from kit import clock
from ledgers.models import ListEntry
from ledgers.port import NotRenderable, Shown
from ledgers.registry import ledger_spec

LONGEST: Final = 120  # of an id or a note

State = Delivery.State


class CannotSay(Cannot):
    """Why a person's word is not taken, and what to do."""


def may_be_said(row: Delivery) -> bool:
    """Whether a person is asked what became of a document."""
    if not row.live or row.state != State.PARKED or row.code != outcomes.CANNOT_TELL:
        return False
    attempt = _attempt(row)
    return attempt is not None and bool(attempt.before)


@dataclass(frozen=True, slots=True)
class Sought:
    """What a person looks for in the ledger, as its pages list it. ``amount`` is in minor units of ``currency``."""

    kind: str
    amount: int
    currency: str
    on: date | None
    account: str
    description: str


def sought(row: Delivery) -> Sought:
    """Return what a document looks like in the ledger: as we list it, where that is how the ledger does."""
    target = row.flow.target
    seen: Shown | None = None
    with suppress(wire.Waiting, NotRenderable):
        [post] = wire.posts_for([row])
        seen = ledger_spec(target.provider).shown(target, post)
    on, currency = row.on, row.currency
    if seen is None:
        return Sought(kinds_of(target)[row.kind].lower(), row.amount, currency, on, "", row.number)
    plain = row.plain_document
    written = plain.get("reversal") or plain
    return Sought(
        seen.kind,
        seen.amount,
        currency or str(written["currency"]),
        on or date.fromisoformat(str(written["on"])),
        _name(row, seen.account),
        seen.description,
    )


def _name(row: Delivery, account: str) -> str:
    """Return what the company calls an account; of one that we have just made, what we called it."""
    listed = ListEntry.objects.filter(connection=row.flow.target, list=ListEntry.List.ACCOUNT, external_id=account)
    made = Delivery.objects.filter(remote_key=row.remote_key, kind=Kind.ACCOUNT, external_id=account)
    return listed.values_list("name", flat=True).first() or made.values_list("number", flat=True).first() or ""


def in_the_books(row: Delivery, actor: str, *, external_id: str = "", note: str = "") -> None:
    """Take a person's word that a document is in the books. ``external_id`` is the ledger's own, where it shows one, ``note``
    says where it was found: one of them is needed. Both are kept as said; the document goes by the id that was sent, for what
    somebody typed may be any other's too. Raises CannotSay."""
    external_id, note = external_id.strip()[:LONGEST], note.strip()[:LONGEST]
    if not external_id and not note:
        raise CannotSay("It is not said where it was found.", "Give the ledger's own number of it, or a note.")
    with trail.recorded():
        fresh, attempt = _asked(row)
        _remember(fresh, attempt, actor, {"in_the_books": True, "external_id": external_id, "note": note})
        outcomes.said_posted(fresh)


def not_there(row: Delivery, actor: str) -> None:
    """Take a person's word that a document is not in the books: it goes out again, byte for byte. Raises CannotSay."""
    with trail.recorded():
        fresh, attempt = _asked(row)
        _remember(fresh, attempt, actor, {"in_the_books": False})
        outcomes.said_absent(fresh, attempt)
    planning.kick(row.remote_key)


def _asked(row: Delivery) -> tuple[Delivery, Attempt]:
    """Return the row as it is now, and the call in doubt; nobody decides anything about the company until it is said."""
    lanes.lock(row.remote_key)
    fresh = Delivery.objects.select_related("flow__target", "plan").get(pk=row.pk)
    attempt = _attempt(fresh)
    if attempt is None or not may_be_said(fresh):
        raise no_question()
    return fresh, attempt


def no_question() -> CannotSay:
    return CannotSay(
        "This is not a document of which nobody can tell whether it is in the books.",
        "Replay it: the ledger is asked before anything is sent.",
    )


def _attempt(row: Delivery) -> Attempt | None:
    return row.attempts.order_by("-id").first()


def _remember(row: Delivery, attempt: Attempt, actor: str, said: dict[str, object]) -> None:
    Outcome.objects.create(
        tenant_id=attempt.tenant_id,
        attempt=attempt,
        at=clock.now(),
        fence=Lane.objects.values_list("fence", flat=True).get(remote_key=row.remote_key),
        result=Outcome.Result.SAID,
        detail={row.key: said},
    )
    trail.record(
        f"attempt.{Outcome.Result.SAID}",
        f"attempt:{attempt.pk}",
        tenant_id=attempt.tenant_id,
        actor=actor,
        deliveries=[row.key],
        request=attempt.wire_id,
        **said,
    )

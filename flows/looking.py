"""Asking a company what it has: what became of an answer that was lost, and whether somebody changed a document of ours."""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db import DatabaseError, transaction

from audit import trail
from bookkeeping.documents import Kind
from bookkeeping.money import shown
from flows import attempts, buyers, lanes, outcomes, pace, wire
from flows.lanes import LEASE_MARGIN_S, Lease, LeaseLost
from flows.models import Attempt, Delivery, Outcome, Plan
from flows.rows import DIFFERENT
from kit import clock
from ledgers import further
from ledgers.port import (
    Absent,
    AuthorizationLost,
    Call,
    CannotTell,
    Changes,
    Found,
    Kept,
    Ledger,
    NotRenderable,
    NotSent,
    Post,
    Posted,
    Refused,
    Unknown,
)
from ledgers.registry import open_ledger
from tenants.models import Connection

LOOK_AGAIN_S = 60.0  # after a look-up that got no answer
ASK_S = 300.0  # for one read; a step of several renews the lease with each
READ: Final = Call(method="GET", path="", query={}, body=b"", wire_id="", keys=(), operation="read")
FORGET: Final = replace(READ, operation="forget")
BATCH: Final = replace(READ, operation="batch")

log = logging.getLogger(__name__)

State = Delivery.State
Answer = Found | Absent | CannotTell
_T = TypeVar("_T")
_TO_BE_SENT: Final = (State.READY, State.FAILED)


class Reader:
    """Reads of one company under the lane's lease and at its pace. Every method may raise Resting or LeaseLost."""

    def __init__(self, lease: Lease, target: Connection) -> None:
        self.lease, self.target = lease, target
        self.ledger: Ledger = open_ledger(target)
        self.pay: Callable[[Call], None] = lambda call: pace.take(lease, self.ledger, call)

    @contextmanager
    def together(self, *calls: Call) -> Iterator[None]:
        """Make these calls, or fewer, with tokens that are taken before the first: see ``pace.together``."""
        alone = self.pay
        with pace.together(self.lease, self.ledger, calls) as self.pay:
            try:
                yield
            finally:
                self.pay = alone

    def find(self, row: Delivery) -> Answer:
        """Return what a delivery became. What nobody can find out is CannotTell, with the reason."""
        try:
            [post] = wire.posts_for([row])
        except wire.Waiting:
            return CannotTell("what it refers to is not in the books.")
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")
        attempt = row.attempts.order_by("-id").first()
        if attempt is not None and attempt.before:
            if attempts.went_out_since(attempt):
                return CannotTell("other documents were booked since, so its account's balance no longer tells.")
            post = replace(post, before=attempt.before)
        return buyers.silent(row, self._ask(lambda: self._find(post)))

    def balances(self) -> Mapping[str, int]:
        """Return the balance of each account, in minor units, debit positive."""
        return self._ask(lambda: self.ledger.balances())

    def before(self, call: Call) -> Mapping[str, int]:
        """Return the balances that ``find`` compares with should the answer of this call be lost.

        Paced with the call: were each to wait for its own tokens, one would begin anew whenever the other has to wait."""
        return self._ask(lambda: self.ledger.before(call), None)

    def find_again(self, row: Delivery) -> Answer:
        """Return what became of a delivery of which the ledger's own id is known: by that, whatever its number or date is
        by now, else wherever it may be."""
        if self._is_known(row):
            [kept] = self.kept(Kind(row.kind), [row.external_id])
            if kept.content:
                [answer] = self.compare([(row, kept)])
                return answer
        return self.find(row)

    def finding_again(self, rows: Sequence[Delivery]) -> list[Call]:
        """Return the calls that ``find_again`` may make for these."""
        return [READ] * len(rows) + [BATCH] * sum(map(self._is_known, rows))

    def _is_known(self, row: Delivery) -> bool:
        return bool(row.external_id) and row.kind in self.ledger.capabilities.readable

    def read(self, kind: Kind, external_id: str) -> Posted | None:
        """Return a document as the ledger has it now, None where it is gone."""
        return self._ask(lambda: self.ledger.read(kind, external_id))

    def changes(self, kinds: Collection[Kind], since: datetime) -> Changes:
        """Return what was changed in the company, whoever did it."""
        return self._ask(lambda: self.ledger.changes(kinds, since))

    def kept(self, kind: Kind, external_ids: Sequence[str]) -> Sequence[Kept]:
        """Return documents as the ledger has them now, the gone ones too."""
        return self._ask(lambda: self.ledger.kept(kind, external_ids), BATCH)

    def forget(self, external_id: str, name: str, *, hide: bool) -> Refused | None:
        """Take a person out of a customer. Safe to repeat, so whatever got no answer is only tried again."""
        return self._ask(lambda: self.ledger.forget(external_id, name, hide=hide), FORGET)

    def compare(self, pairs: Sequence[tuple[Delivery, Kept]]) -> list[Found | CannotTell]:
        """Compare documents that are there with what was sent, in order. Calls nobody."""
        try:
            posts = wire.posts_for([row for row, _ in pairs]) if pairs else []
        except wire.Waiting:
            if len(pairs) == 1:
                return [CannotTell("what it refers to is not in the books.")]
            return [answer for pair in pairs for answer in self.compare([pair])]
        return [self.ledger.compare(post, kept) for post, (_, kept) in zip(posts, pairs, strict=True)]

    def _find(self, post: Post) -> Answer:
        try:
            return self.ledger.find(post)
        except (NotSent, Unknown, AuthorizationLost, LeaseLost, DatabaseError):
            raise
        except Exception as error:
            # A look-up that cannot be understood must not stop the lane: a person looks instead.
            log.exception("the look-up of %s failed", post.key)
            return CannotTell(f"the look-up failed ({type(error).__name__}).")

    def _go_on(self) -> None:
        """A step takes another request."""
        pace.owe(self.lease, self.ledger, READ)
        lanes.renew(self.lease, ASK_S + LEASE_MARGIN_S)

    def _ask(self, ask: Callable[[], _T], call: Call | None = READ) -> _T:
        pace.awake(self.target)
        if call is not None:
            self.pay(call)
        lanes.renew(self.lease, ASK_S + LEASE_MARGIN_S)
        try:
            with further.told_to(self._go_on):
                return ask()
        except NotSent as error:
            raise pace.unreachable(self.lease, self.target, error) from error
        except Unknown as error:  # a read that got no answer changed nothing
            raise pace.unreachable(self.lease, self.target, NotSent(str(error))) from error
        except AuthorizationLost as error:
            raise pace.shut_out(self.target, error) from error


# What became of it ----------------------------------------------------------------------------------------------------


def mark_interrupted(lease: Lease) -> None:
    """Whatever is still *sending* when the lane changes hands was sent by somebody who is gone.

    A late commit may still land until the deadline and the quarantine have passed, whoever we are. Where the sender
    recorded its answer and died, or came too late for the lane, there is nothing to wait for.
    """
    rows = list(
        Delivery.objects.filter(remote_key=lease.remote_key, state=State.SENDING).select_related("flow__target")
    )
    if not rows:
        return
    with transaction.atomic():
        if not lanes.owns(lease):
            raise LeaseLost(lease.remote_key)
        for row in rows:
            attempt = row.attempts.latest("id")
            quarantine = timedelta(seconds=open_ledger(row.flow.target).capabilities.quarantine_s)
            known = row.key in _answered(attempt)
            outcomes.uncertain([row], clock.now() if known else attempt.deadline_at + quarantine)


def look_up(lease: Lease, row: Delivery, over: Connection | None = None) -> None:
    """Clear an uncertain attempt: by what a late worker recorded, else by asking the ledger, ``over`` another connection to the
    company than the row's own where that is given. Only *absent* permits a resend.

    Raises Resting, LeaseLost: it stays uncertain.
    """
    attempt = row.attempts.latest("id")
    started = time.monotonic()
    uncertain = attempt.deliveries.filter(state=State.UNCERTAIN, code=row.code)
    rows = list(uncertain.select_related("flow__target").order_by("id"))
    reader = Reader(lease, over or row.flow.target)
    base_s = pace.shortest_retry_s(reader.ledger, wire.thaw(attempt))
    # What is known by its id had its answer long ago: the question is what somebody made of it since.
    known = _answered(attempt) if row.code != outcomes.ADOPTING and not row.external_id else {}
    if told := [each for each in rows if each.key in known]:
        with trail.recorded():
            if not lanes.owns(lease):
                raise LeaseLost(lease.remote_key)
            outcomes.apply_answers(told, known, base_s)
        return
    try:
        with reader.together(*reader.finding_again(rows)):
            found = {each.key: reader.find_again(each) for each in rows}
    except pace.Resting:
        outcomes.look_again([each.pk for each in rows], clock.now() + timedelta(seconds=LOOK_AGAIN_S))
        raise
    look_again_at = _not_yet_absent(attempt, found, reader.ledger.capabilities.confirm_s)
    attempts.learn(
        lease,
        attempt,
        Outcome.Result.FOUND,
        _as_json(found),
        started,
        lambda: (
            outcomes.not_seen_yet(rows, look_again_at)
            if look_again_at
            else outcomes.apply_look_up(attempt, rows, found, base_s)
        ),
    )


def _not_yet_absent(attempt: Attempt, found: Mapping[str, Answer], confirm_s: float) -> datetime | None:
    """Return when to look again for what a balance does not show: it may lag behind. None where it counts as absent, for it
    was not seen ``confirm_s`` earlier either, or where the answer is another."""
    if not attempt.before or not any(isinstance(answer, Absent) for answer in found.values()):
        return None
    now = clock.now()
    first = now
    for one in attempt.outcomes.order_by("-id"):
        if not any(told.get("found") == Absent.__name__ for told in one.detail.values() if isinstance(told, dict)):
            break
        first = one.at
    sure_at = first + timedelta(seconds=confirm_s)
    return sure_at if sure_at > now else None


def _answered(attempt: Attempt) -> Mapping[str, Posted | Refused]:
    """Return what was answered to a call, by key; of one that broke off, what is known."""
    found = attempt.outcomes.filter(result=Outcome.Result.ANSWERED).order_by("id").first()
    return wire.answers_from_json(found.detail) if found is not None else {}


def _as_json(found: Mapping[str, Answer]) -> dict[str, object]:
    return {key: {"found": type(answer).__name__, **asdict(answer)} for key, answer in found.items()}


# What somebody changed by hand ----------------------------------------------------------------------------------------


def still_in(lease: Lease, rows: list[Delivery]) -> list[Delivery]:
    """Return the undos whose targets are in the books as far as we know; the others have nothing left to do. Calls nobody.
    Raises LeaseLost."""
    targets = _targets(rows)
    gone = [(row, target) for row in rows if (target := targets.get(row.pk)) is not None and not target.live]
    for row, target in gone:
        _settle(lease, [(row, target)], Posted(target.external_id))
    settled = {row.pk for row, _ in gone}
    return [row for row in rows if row.pk not in settled]


def looks(ledger: Ledger, rows: list[Delivery]) -> list[Call]:
    """Return the reads that ``unchanged`` may make: each object, and each document in one whose version is another."""
    shown = [each for each in _targets(rows).values() if each.kind in ledger.capabilities.readable]
    return [READ] * (len({(each.kind, each.external_id) for each in shown}) + len(shown))


def unchanged(reader: Reader, rows: list[Delivery]) -> list[Delivery]:
    """Return the undos whose targets are in the ledger as we left them; their versions are the current ones afterwards.

    A target that is gone or void needs no call. One that somebody changed is never overwritten: its undo goes to a
    person, with the difference. Raises Resting, LeaseLost.
    """
    targets = _targets(rows)
    objects: dict[tuple[str, str], list[tuple[Delivery, Delivery]]] = {}
    kept = []
    for row in rows:
        target = targets.get(row.pk)
        if target is None or target.kind not in reader.ledger.capabilities.readable:
            kept.append(row)  # rendering says what is missing; where nothing can be read it goes by what we know
        else:
            objects.setdefault((target.kind, target.external_id), []).append((row, target))
    for together in objects.values():
        if _as_we_left_it(reader, together):
            kept += [row for row, _ in together]
    return kept


def _as_we_left_it(reader: Reader, together: list[tuple[Delivery, Delivery]]) -> bool:
    """Whether a remote object may be taken back; else the undos of what it carries are settled or parked.

    ``together`` has (undo, target) for each delivery that the object carries: all of them must be as they were.
    """
    target = together[0][1]
    now = reader.read(Kind(target.kind), target.external_id)
    if now is None:
        _settle(reader.lease, together, Posted(target.external_id))
        return False
    if target.version and now.version == target.version:
        return True
    gone, why = False, ""
    for _, each in together:
        match reader.find(each):
            case Found(posted=posted) if posted.external_id != each.external_id:
                why = "another document carries its mark"
            case Found(live=False):
                gone = True
            case Found(equal=False, difference=difference):
                why = difference or "its content was changed"
            case Found():
                pass
            case Absent():
                why = "its number, date or note was changed"
            case CannotTell(reason=reason):
                why = reason.rstrip(".")
    if why:
        _leave_alone(reader.lease, together, why, now)
        return False
    if gone:
        _settle(reader.lease, together, now)
        return False
    Delivery.objects.filter(pk__in=[each.pk for _, each in together], live=True).update(version=now.version)
    return True


def _leave_alone(lease: Lease, together: list[tuple[Delivery, Delivery]], why: str, now: Posted) -> None:
    name = together[0][1].number or together[0][1].kind
    reason = f"{name} was changed in the ledger after it was posted, so it is left alone: {why}."
    action = "Put it back as it was, or delete it there; then replay this."
    for row, _ in together:
        attempts.decide(lease, row, _TO_BE_SENT, lambda fresh: outcomes.park(fresh, "changed_by_hand", reason, action))
    for _, target in together:
        if target.plan is not None and target.plan.state == Plan.State.UNDOING:
            # What is shared has no total of its own that the object's would tell.
            its_own = now.total if len(together) == 1 else target.answered_total
            _mark(lease, target, reason, action, its_own)


def _mark(lease: Lease, target: Delivery, reason: str, action: str, total: int | None) -> None:
    """Keep on a document that it is not in the books as it was posted, for whoever counts what is."""
    attempts.decide(
        lease,
        target,
        (State.POSTED,),
        lambda fresh: outcomes.changed_by_hand(fresh, DIFFERENT, reason, action, total),
    )


def _settle(lease: Lease, together: list[tuple[Delivery, Delivery]], found: Posted) -> None:
    for row, _ in together:
        attempts.decide(lease, row, _TO_BE_SENT, lambda fresh: outcomes.settled(fresh, found))


def _targets(rows: list[Delivery]) -> dict[int, Delivery]:
    """Return what each undo takes back, by its id: the live row of the key, or else the last that was in the books."""
    keys = {row.pk: row.plain_document["target"] for row in rows}
    found = Delivery.objects.filter(remote_key=rows[0].remote_key, key__in=keys.values(), external_id__gt="")
    by_key = {each.key: each for each in found.select_related("flow__target", "plan").order_by("live", "id")}
    return {pk: by_key[key] for pk, key in keys.items() if key in by_key}


def explain(lease: Lease, row: Delivery) -> None:
    """Name the cause where a payment was refused because somebody paid, voided or deleted its invoice by hand.

    Raises Resting, LeaseLost: the refusal's own sentence stays.
    """
    cover = row.plain_document["cover"]
    invoice = Delivery.objects.filter(remote_key=row.remote_key, key=cover["invoice"], live=True).first()
    if invoice is None or not invoice.external_id:
        return
    now = Reader(lease, row.flow.target).read(Kind.INVOICE, invoice.external_id)
    if now is None:
        what = "was deleted"
    elif now.total == 0 and invoice.answered_total:
        what = "was voided"
    elif now.balance is not None and now.balance < cover["amount"]:
        still, wanted = (shown(amount, row.currency) for amount in (now.balance, cover["amount"]))
        what = f"was paid or changed: {still} of it is open, and Amazon paid {wanted}"
    else:
        return
    action = (
        "Remove the payment or credit that somebody put on it in the ledger, then replay this."
        if now is not None and now.total
        else "Undo the settlement and post it anew: it then gets a new invoice."
    )
    reason = f"Invoice {invoice.number} {what} in the ledger by hand."
    stopped = (State.HELD, State.PARKED)
    attempts.decide(lease, row, stopped, lambda fresh: outcomes.hold(fresh, "invoice_changed", reason, action))

"""What the clearing account of a flow should hold by the documents in the books, and what the ledger said when it was asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, F, Max, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from audit import trail
from audit.models import Event
from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import Kind, document_from
from bookkeeping.entries import effect
from flows import balances, currencies, drafts, holdings
from flows.bindings import made_in
from flows.models import Delivery, Flow, Plan
from flows.rows import gone_by_hand, in_the_books
from kit import clock
from kit.scope import unscoped
from ledgers.registry import open_ledger

COMPARED: Final = "clearing.compared"  # the kind of the trail's event
_MOVING: Final = (Kind.PAYMENT, *holdings.FEW, Kind.UNDO)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger had on an account at a moment, beside what the documents of all its flows came to then: minor units, debit
    positive."""

    account: str
    at: datetime
    actual: int
    then: int

    @property
    def difference(self) -> int:
        return self.actual - self.then


@dataclass(frozen=True, slots=True)
class Clearing:
    """``expected`` is what the documents in the books left on the clearing account, debit positive; ``to_come`` how far
    what waits of approved settlements will move it: ``waiting`` documents, and ``undecided`` of it labels to be decided.
    ``posted``: some document is in the books at all.

    ``account`` is the ledger's id of it, "" while it is not there. ``others`` are the other flows that use it, ``together`` is what
    the documents of all of them left. ``answer`` is the last comparison, None where there was none; ``stale``: something was
    posted there since.

    ``instead`` says what stands in its place where the books have none: then ``expected`` is what the documents left on the
    ledger's own account of payments, which is never compared, for others move it too."""

    expected: int
    currency: str
    to_come: int = 0
    waiting: int = 0
    undecided: int = 0
    posted: bool = False
    account: str = ""
    others: tuple[str, ...] = ()
    together: int = 0
    answer: Answer | None = None
    stale: bool = False
    instead: str = ""

    @property
    def then_holds(self) -> int:
        return self.expected + self.to_come


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last comparison of a clearing account with the ledger, None where there was none. ``others`` are the other flows that
    use it; ``stale``: something was posted there since."""

    others: tuple[str, ...]
    answer: Answer | None
    stale: bool


def clearings(flows: Sequence[Flow]) -> dict[int, Clearing]:
    """Return what the clearing accounts hold by the documents in the books, and the last comparison. Twelve queries, and another
    for each company."""
    accounts, sharing = _sharing(flows)
    involved = list({flow.pk: flow for flow in [*flows, *(one for some in sharing.values() for one in some)]}.values())
    live = Delivery.objects.filter(flow__in=flows, live=True)
    expected = _moved(involved, Delivery.objects.filter(in_the_books(), flow__in=involved, live=True))
    approved = live.filter(plan__state__in=[Plan.State.POSTING, Plan.State.POSTED]).exclude(in_the_books())
    approved = approved.exclude(gone_by_hand())
    to_come = _moved(flows, approved)
    undecided = dict.fromkeys(to_come, 0)
    for flow_id, amount in _undecided(flows):
        undecided[flow_id] += amount
    waiting = dict(approved.order_by().values_list("flow_id").annotate(Count("pk")))
    moved_at, answers = _moved_at(involved), _answers(involved)
    found = {}
    for flow in flows:
        group, account = sharing.get(flow.pk, [flow]), accounts.get(flow.pk, "")
        compared = _comparison(flow, account, group, moved_at, answers)
        found[flow.pk] = Clearing(
            expected=expected[flow.pk],
            currency=flow.books_currency,
            to_come=to_come[flow.pk] + undecided[flow.pk],
            waiting=waiting.get(flow.pk, 0),
            undecided=undecided[flow.pk],
            posted=flow.pk in moved_at,
            account=account,
            others=compared.others,
            together=sum(expected[other.pk] for other in group),
            answer=compared.answer,
            stale=compared.stale,
            instead=drafts.layout_of(flow).help if _account(flow) is AccountKey.PETTY else "",
        )
    return found


def last_comparison(flow: Flow) -> Comparison:
    """Return the last comparison of a flow's clearing account. Five queries, and another where we made the account."""
    accounts, sharing = _sharing([flow])
    group = sharing.get(flow.pk, [flow])
    return _comparison(flow, accounts.get(flow.pk, ""), group, _moved_at(group), _answers(group))


def _comparison(
    flow: Flow,
    account: str,
    group: Sequence[Flow],
    moved_at: Mapping[int, datetime],
    answers: Mapping[int, Sequence[Answer]],
) -> Comparison:
    asked = [one for other in group for one in answers.get(other.pk, ()) if one.account == account]
    answer = max(asked, key=lambda one: one.at, default=None)
    return Comparison(
        others=tuple(sorted(other.name for other in group if other.pk != flow.pk)),
        answer=answer,
        stale=answer is not None and any(moved_at[one.pk] > answer.at for one in group if one.pk in moved_at),
    )


def _moved_at(flows: Sequence[Flow]) -> dict[int, datetime]:
    """Return when a document that may move the account was last booked, by flow. One query."""
    posted = Delivery.objects.filter(flow__in=flows, kind__in=_MOVING, posted_at__isnull=False).order_by()
    return dict(posted.values_list("flow_id").annotate(Max("posted_at")))


def differences(flows: Sequence[Flow]) -> dict[int, int]:
    """Return by how much the ledger's clearing account was off when it was last compared, by flow, where it was and that is
    somebody's doing. Two queries."""
    found = {flow_id: (event.at, _answer(event).difference) for flow_id, event in _compared(flows).items()}
    for flow_id, read in balances.of_clearings(flows).items():
        if read.ours is not None and (flow_id not in found or found[flow_id][0] < read.at):
            found[flow_id] = (read.at, read.ledger - read.ours if read.alarm else 0)
    return {flow_id: off for flow_id, (_, off) in found.items() if off}


def _sharing(flows: Sequence[Flow]) -> tuple[dict[int, str], dict[int, list[Flow]]]:
    """Return the clearing account of each flow, and all flows that use the same one, where it has one."""
    every = Flow.objects.filter(target__in={flow.target_id for flow in flows}).select_related("target")
    companions = [flow for flow in every if _account(flow) is AccountKey.CLEARING]
    accounts = holdings.accounts_of(companions, AccountKey.CLEARING)
    groups: dict[tuple[int, str], list[Flow]] = {}
    for flow in companions:
        if flow.pk in accounts:
            groups.setdefault((flow.target_id, accounts[flow.pk]), []).append(flow)
    return accounts, {flow.pk: groups[flow.target_id, accounts[flow.pk]] for flow in flows if flow.pk in accounts}


def _answers(flows: Sequence[Flow]) -> dict[int, list[Answer]]:
    """Return the last comparison that somebody asked for, and the last that was made by itself, by flow. Two queries."""
    found = {flow_id: [_answer(event)] for flow_id, event in _compared(flows).items()}
    for flow_id, read in balances.of_clearings(flows).items():
        if read.ours is not None:
            found.setdefault(flow_id, []).append(Answer(read.account, read.at, read.ledger, read.ours))
    return found


def _answer(event: Event) -> Answer:
    return Answer(event.data["account"], event.at, event.data["actual"], event.data["expected"])


def _compared(flows: Sequence[Flow]) -> dict[int, Event]:
    """Return the last comparison that somebody asked for, by flow. One query."""
    newest = Window(RowNumber(), partition_by=F("subject"), order_by=F("seq").desc())
    subjects = {f"flow:{flow.pk}": flow.pk for flow in flows}
    events = Event.objects.filter(kind=COMPARED, subject__in=list(subjects))
    return {subjects[event.subject]: event for event in events.annotate(rank=newest).filter(rank=1)}


class NoClearing(Exception):
    """Why the clearing account cannot be compared yet, and what to do."""


def compare_clearing(flow: Flow, actor: str) -> Answer:
    """Read the clearing account's balance from the ledger, and keep it in the trail beside what is expected.

    Every flow that uses the same account counts. Calls the ledger. Raises NoClearing, NotSent, AuthorizationLost, Unknown."""
    account = _clearing_account(flow)
    answered = open_ledger(flow.target).balances()
    if account not in answered:
        raise NoClearing("The clearing account is no longer in the ledger. Choose another one on the mapping page.")
    with unscoped("an account is one for all tenants of its company"):
        ours = holdings.ours(flow.target.remote_key, account, made_in(flow.target.remote_key))
    trail.record(
        COMPARED,
        f"flow:{flow.pk}",
        tenant_id=flow.tenant_id,
        actor=actor,
        account=account,
        actual=answered[account],
        expected=ours,
        currency=flow.books_currency,
    )
    return Answer(account, clock.now(), answered[account], ours)


def _moved(flows: Sequence[Flow], rows: QuerySet[Delivery]) -> dict[int, int]:
    """Return how far documents move the account, by flow. Payments that go there are summed, the few others are read.

    A payout that waits for the amount received is still in the settlement's currency; it takes off what it stands for."""
    moved = dict.fromkeys((flow.pk for flow in flows), 0)
    accounts = {flow.pk: _account(flow) for flow in flows}
    for account in set(accounts.values()):
        paid = rows.filter(kind="payment", document__contains=f'"account":"{account}"').order_by()
        for flow_id, amount in paid.values_list("flow_id").annotate(Sum("amount")):
            moved[flow_id] += amount if accounts[flow_id] is account else 0
    others = rows.filter(kind__in=holdings.FEW)
    by_pk = {flow.pk: flow for flow in flows}
    columns = ("flow_id", "document", "currency", "plan__exchange")
    for flow_id, document, currency, terms in others.values_list(*columns).iterator(chunk_size=500):
        amount = effect(document_from(json.loads(document))).get(accounts[flow_id], 0)
        flow = by_pk[flow_id]
        moved[flow_id] += amount if currency == flow.books_currency else currencies.in_books(flow, amount, terms or {})
    return moved


def _account(flow: Flow) -> AccountKey:
    """Return the account that a settlement passes: where the ledger books no entries, that of its payments."""
    return AccountKey.PETTY if drafts.policy_of(flow).income_and_expenses else AccountKey.CLEARING


def _undecided(flows: Sequence[Flow]) -> Iterator[tuple[int, int]]:
    """Yield what the labels of approved settlements come to in the books that no document carries before somebody decides."""
    by_pk = {flow.pk: flow for flow in flows}
    plans = Plan.objects.filter(flow__in=flows, state__in=[Plan.State.POSTING, Plan.State.POSTED])
    rows = plans.exclude(statement__unknown=[]).values_list("flow_id", "statement__unknown", "exchange")
    for flow_id, unknown, terms in rows:
        yield flow_id, currencies.in_books(by_pk[flow_id], sum(label["amount"] for label in unknown or []), terms)


def _clearing_account(flow: Flow) -> str:
    if (passed := _account(flow)) is not AccountKey.CLEARING:
        raise NoClearing(
            f"These books have no clearing account: everything passes {ACCOUNTS[passed].name}, where other entries are too. "
            "Each settlement's page compares its own documents."
        )
    account = holdings.accounts_of([flow], AccountKey.CLEARING).get(flow.pk)
    if not account:
        raise NoClearing("No clearing account is in the books yet. It is created or chosen with the mapping.")
    return account

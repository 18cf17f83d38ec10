"""What the clearing account of a flow should hold by the documents in the books, and what the ledger said when it was asked."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, F, QuerySet, Sum, Window
from django.db.models.functions import RowNumber

from audit import trail
from audit.models import Event
from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import document_from
from bookkeeping.entries import effect
from flows import balances, currencies, drafts, mapping
from flows.models import Delivery, Flow, Plan
from flows.rows import gone_by_hand, in_the_books
from kit import clock
from kit.scope import unscoped
from ledgers.registry import open_ledger

COMPARED: Final = "clearing.compared"  # the kind of the trail's event


@dataclass(frozen=True, slots=True)
class Clearing:
    """``expected`` is what the documents in the books left on the clearing account, debit positive; ``to_come`` how far
    what waits of approved settlements will move it: ``waiting`` documents, and ``undecided`` of it labels to be decided. ``actual`` is what
    the ledger said ``at`` that time, beside what was expected ``then``; None where nobody asked yet.

    ``instead`` says what stands in its place where the books have none: then ``expected`` is what the documents left on the
    ledger's own account of payments, which is never compared, for others move it too."""

    expected: int
    currency: str
    to_come: int = 0
    waiting: int = 0
    undecided: int = 0
    actual: int | None = None
    then: int | None = None
    at: datetime | None = None
    instead: str = ""

    @property
    def then_holds(self) -> int:
        return self.expected + self.to_come

    @property
    def difference(self) -> int | None:
        return None if self.actual is None or self.then is None else self.actual - self.then


def clearings(flows: Sequence[Flow]) -> dict[int, Clearing]:
    """Return what the clearing accounts hold by the documents in the books, and the last comparison. Seven queries."""
    live = Delivery.objects.filter(flow__in=flows, live=True)
    expected = _moved(flows, live.filter(in_the_books()))
    approved = live.filter(plan__state__in=[Plan.State.POSTING, Plan.State.POSTED]).exclude(in_the_books())
    approved = approved.exclude(gone_by_hand())
    to_come = _moved(flows, approved)
    undecided = dict.fromkeys(to_come, 0)
    for flow_id, amount in _undecided(flows):
        undecided[flow_id] += amount
    waiting = dict(approved.order_by().values_list("flow_id").annotate(Count("pk")))
    last = _compared(flows)
    found = {}
    for flow in flows:
        event = last.get(flow.pk)
        known = {"actual": event.data["actual"], "then": event.data["expected"], "at": event.at} if event else {}
        found[flow.pk] = Clearing(
            expected=expected[flow.pk],
            currency=flow.books_currency,
            to_come=to_come[flow.pk] + undecided[flow.pk],
            waiting=waiting.get(flow.pk, 0),
            undecided=undecided[flow.pk],
            instead=drafts.layout_of(flow).help if _account(flow) is AccountKey.PETTY else "",
            **known,
        )
    return found


def differences(flows: Sequence[Flow]) -> dict[int, int]:
    """Return by how much the ledger's clearing account was off when it was last compared, by flow, where it was. Two queries."""
    found: dict[int, tuple[datetime, int]] = {
        flow_id: (event.at, event.data["actual"] - event.data["expected"])
        for flow_id, event in _compared(flows).items()
    }
    for flow_id, read in balances.of_clearings(flows).items():
        if read.ours is not None and (flow_id not in found or found[flow_id][0] < read.at):
            found[flow_id] = (read.at, read.ledger - read.ours)
    return {flow_id: off for flow_id, (_, off) in found.items() if off}


def _compared(flows: Sequence[Flow]) -> dict[int, Event]:
    """Return the last comparison that somebody asked for, by flow. One query."""
    newest = Window(RowNumber(), partition_by=F("subject"), order_by=F("seq").desc())
    subjects = {f"flow:{flow.pk}": flow.pk for flow in flows}
    events = Event.objects.filter(kind=COMPARED, subject__in=list(subjects))
    return {subjects[event.subject]: event for event in events.annotate(rank=newest).filter(rank=1)}


def last_compared(flow: Flow) -> Clearing | None:
    """Return the last comparison of the clearing account with the ledger: what was expected, and what it said, that day."""
    event = Event.objects.filter(kind=COMPARED, subject=f"flow:{flow.pk}").order_by("-seq").first()
    if event is None:
        return None
    expected = event.data["expected"]
    return Clearing(expected, flow.books_currency, actual=event.data["actual"], then=expected, at=event.at)


class NoClearing(Exception):
    """Why the clearing account cannot be compared yet, and what to do."""


def compare_clearing(flow: Flow, actor: str) -> Clearing:
    """Read the clearing account's balance from the ledger, and keep it in the trail beside what is expected.

    Every flow that uses the same account counts. Calls the ledger. Raises NoClearing, NotSent, AuthorizationLost, Unknown."""
    account = _clearing_account(flow)
    sharing = [
        other
        for other in Flow.objects.filter(target=flow.target).select_related("target")
        if other.pk == flow.pk or _clearing_id(other) == account
    ]
    balances = open_ledger(flow.target).balances()
    if account not in balances:
        raise NoClearing("The clearing account is no longer in the ledger. Choose another one on the mapping page.")
    booked = Delivery.objects.filter(in_the_books(), flow__in=sharing, live=True)
    expected = sum(_moved(sharing, booked).values())
    trail.record(
        COMPARED,
        f"flow:{flow.pk}",
        tenant_id=flow.tenant_id,
        actor=actor,
        actual=balances[account],
        expected=expected,
        currency=flow.books_currency,
    )
    return Clearing(expected, flow.books_currency, actual=balances[account], then=expected, at=clock.now())


def _moved(flows: Sequence[Flow], rows: QuerySet[Delivery]) -> dict[int, int]:
    """Return how far documents move the account, by flow. Payments that go there are summed, the few others are read.

    A payout that waits for the amount received is still in the settlement's currency; it takes off what it stands for."""
    moved = dict.fromkeys((flow.pk for flow in flows), 0)
    accounts = {flow.pk: _account(flow) for flow in flows}
    for account in set(accounts.values()):
        paid = rows.filter(kind="payment", document__contains=f'"account":"{account}"').order_by()
        for flow_id, amount in paid.values_list("flow_id").annotate(Sum("amount")):
            moved[flow_id] += amount if accounts[flow_id] is account else 0
    others = rows.filter(kind__in=["entry", "transfer", "deposit", "expense"])
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
    account = _clearing_id(flow)
    if not account:
        raise NoClearing("No clearing account is in the books yet. It is created or chosen with the mapping.")
    return account


def _clearing_id(flow: Flow) -> str:
    """Return the ledger's id of the flow's clearing account, "" where it has none yet."""
    base = mapping.load(flow).base.get(AccountKey.CLEARING)
    if base is None or not base.account.startswith("@"):
        return base.account if base else ""
    with unscoped("what another tenant of the company made is shared, not made twice"):
        made = Delivery.objects.filter(remote_key=flow.target.remote_key, key=base.account[1:], live=True).first()
    return made.external_id if made else ""

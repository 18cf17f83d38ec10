"""One plan for its pages: its documents, what is still to be decided, and what taking it back would mean."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet, Sum

from audit import trail
from bookkeeping.documents import Kind
from bookkeeping.facts import Label
from bookkeeping.numbering import undo_key
from flows import mapping, opening, rows
from flows.models import Delivery, Plan
from flows.readable import WAYS_BACK, Names, Paper, kinds_of, papers
from flows.verdicts import TakingBack
from kit import clock
from ledgers.registry import open_ledger

State = Delivery.State
# Few per settlement, and each with lines worth reading; invoices and payments may be thousands.
ENTRIES: Final = (Kind.ENTRY, Kind.DEPOSIT, Kind.TRANSFER, Kind.EXPENSE, Kind.REVALUATION)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A label nobody has given a category. ``line`` is its first row's and names it in a form."""

    label: Label
    line: int
    rows: int
    amount: int

    @property
    def name(self) -> str:
        return " / ".join(dict.fromkeys(text for text in self.label if text))


@dataclass(frozen=True, slots=True)
class Consequence:
    """What undoing does to the documents of one kind: ``how`` they are taken back."""

    kind: str
    count: int
    how: str


def documents_of(plan: Plan) -> QuerySet[Delivery]:
    """Return a plan's documents as they were planned, what was replaced before it was sent left out."""
    found = Delivery.objects.filter(plan=plan).exclude(state=State.DROPPED)
    return found.prefetch_related("dependencies").order_by("id")


def made_first(plan: Plan) -> QuerySet[Delivery]:
    """Return the accounts, customers and items that have to be made for a plan and are not in the books yet."""
    planned = Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE])
    keys = planned.filter(dependencies__key__startswith="company/").values("dependencies__key")
    found = Delivery.objects.filter(plan=None, remote_key=plan.flow.target.remote_key, key__in=keys, live=True)
    return found.exclude(state=State.POSTED).order_by("kind", "id")


def opening_of(plan: Plan) -> Paper | None:
    """Return the flow's opening entry where this is the first settlement after it: then it is the first document."""
    row = opening.entry(plan.flow)
    earlier = Plan.objects.filter(flow=plan.flow, settlement__ends_at__lt=plan.settlement.ends_at)
    return paper_of(row) if row is not None and not earlier.exists() else None


def papers_of(plan: Plan, deliveries: Iterable[Delivery]) -> list[Paper]:
    """Return documents for reading, with the names of the plan's mapping."""
    found = list(deliveries)
    return papers(found, Names(plan.flow.target, found, mapping.load(plan.flow, plan.mapping_version)))


def paper_of(row: Delivery) -> Paper:
    """Return one document for reading, with the names of the mapping it was planned with."""
    [found] = papers([row], Names(row.flow.target, [row], mapping.load(row.flow, row.mapping_version)))
    return found


def totals_by_kind(plan: Plan) -> list[tuple[str, int, int]]:
    """Return (kind in words, how many, their sum in minor units of the documents' currency: 0 for what is in home money alone)."""
    found = Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE])
    amount = Sum("amount", filter=Q(currency__in=["", plan.flow.books_currency]), default=0)
    sums = found.order_by("kind").values_list("kind").annotate(Count("pk"), total=amount)
    kinds = kinds_of(plan.flow.target)
    return [(kinds[kind], count, amount) for kind, count, amount in sums]


def counts_by_state(plan: Plan) -> dict[str, int]:
    """Return how many documents of a plan are in which state; what was taken back within it, and its undo, count no more."""
    found = Delivery.objects.filter(plan=plan).exclude(state__in=[State.DROPPED, State.UNDONE])
    found = found.exclude(kind=Kind.UNDO, state=State.POSTED)
    return dict(found.order_by().values_list("state").annotate(Count("pk")))


def unknown_labels(plan: Plan) -> list[Unknown]:
    """Return the labels that wait for a category, each once over all months."""
    found: dict[Label, Unknown] = {}
    for one in plan.statement.get("unknown", []):
        label = Label(*one["label"])
        before = found.get(label, Unknown(label, one["line"], 0, 0))
        found[label] = Unknown(label, before.line, before.rows + one["rows"], before.amount + one["amount"])
    return list(found.values())


def changed_since(plan: Plan) -> list[Delivery]:
    """Return the documents in the books that would come out otherwise now."""
    keys = plan.verdict.get("differs", [])
    return list(Delivery.objects.filter(plan=plan, key__in=keys).exclude(state=State.DROPPED).order_by("part", "id"))


def other_revisions(plan: Plan) -> list[Plan]:
    """Return the plans of the same settlement in the same flow that were taken back, or came after."""
    others = Plan.objects.filter(flow=plan.flow, settlement=plan.settlement).exclude(pk=plan.pk)
    return list(others.defer("statement", "verdict", "flags", "pairings").order_by("-revision"))


def may_be_posted_again(plan: Plan) -> bool:
    """Whether a plan was taken back and nothing took its place."""
    live = Plan.objects.filter(flow=plan.flow, settlement=plan.settlement).exclude(state=Plan.State.UNDONE)
    return plan.state == Plan.State.UNDONE and not live.exists()


def consequences_of_undo(plan: Plan) -> list[Consequence]:
    """Return what happens to the documents that are in the books."""
    how = open_ledger(plan.flow.target).capabilities.undo
    posted = Delivery.objects.filter(rows.in_the_books(), plan=plan).exclude(kind=Kind.UNDO)
    counts = posted.order_by("kind").values_list("kind").annotate(Count("pk"))
    kinds = kinds_of(plan.flow.target)
    return [
        Consequence(kinds[kind], count, WAYS_BACK.get(how.get(Kind(kind), ""), "taken back")) for kind, count in counts
    ]


def to_revalue() -> Q:
    """Return what to look for where a payout in the books has left home money on clearing that only a person can revalue."""
    residue = Q(exchange__residue__gt=0) | Q(exchange__residue__lt=0)
    return residue & Q(state=Plan.State.POSTED, revalued_at=None)


def state_revalued(plan: Plan, actor: str) -> None:
    """Note that a person has revalued in the ledger what the plan's payout left on clearing."""
    with trail.recorded():
        if Plan.objects.filter(to_revalue(), pk=plan.pk).update(revalued_at=clock.now()):
            trail.record(
                "plan.revalued",
                f"plan:{plan.pk}",
                tenant_id=plan.tenant_id,
                actor=actor,
                settlement=plan.settlement.settlement_id,
                amount=plan.exchange["residue"],
                currency=plan.exchange["home"],
            )


def taking_back(plan: Plan) -> TakingBack | None:
    """Return how far the taking back of a plan is, None where it is not being taken back. Two queries."""
    if plan.state != Plan.State.UNDOING:
        return None
    light = Delivery.objects.filter(plan=plan).defer("document", "bindings", "answered_lines")
    targets = {row.key: row for row in light.exclude(kind=Kind.UNDO).exclude(state=State.DROPPED).order_by("id")}
    undos = light.filter(kind=Kind.UNDO).exclude(state=State.DROPPED).order_by("id")
    pairs = [(targets[key], undo) for undo in undos if (key := undo.key.removesuffix(undo_key(""))) in targets]
    return TakingBack(
        out=tuple(target for target, undo in pairs if undo.state == State.POSTED),
        still=tuple(pair for pair in pairs if pair[1].state != State.POSTED),
    )


def not_sent_yet(plan: Plan) -> int:
    """Return how many documents would be dropped, because they never reached the books."""
    found = Delivery.objects.filter(plan=plan).exclude(kind=Kind.UNDO)
    found = found.exclude(rows.in_the_books()).exclude(rows.changed_by_hand())
    return found.exclude(state__in=[State.DROPPED, State.UNDONE]).count()


def plans() -> QuerySet[Plan]:
    """Return plans with everything a page of one needs."""
    return Plan.objects.select_related("flow__target", "flow__source", "settlement")

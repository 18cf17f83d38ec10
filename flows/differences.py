"""What is in the books of a settlement, beside what would be posted with the mapping and Amazon's data as they are now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bookkeeping.documents import Kind
from flows import booked, making, rows
from flows.bindings import made_in, mean_others
from flows.models import Delivery, Plan
from flows.readable import Names, Paper, papers
from flows.reposting import Moves

State = Delivery.State


@dataclass(frozen=True, slots=True)
class Moved:
    """What all documents together do to one account, debit positive, in minor units: in the books, and now."""

    account: str
    before: int
    now: int

    @property
    def difference(self) -> int:
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class Difference:
    """``documents`` are the ones that would be other ones, or new, or not be made at all. ``accounts`` lists every account."""

    accounts: tuple[Moved, ...]
    documents: tuple[tuple[Paper | None, Paper | None], ...]

    def __bool__(self) -> bool:
        return bool(self.documents)


@dataclass(frozen=True, slots=True)
class Moving:
    """What moving accounts does to them, and its documents. Nothing where no account changed."""

    accounts: tuple[Moved, ...]
    papers: tuple[Paper, ...]

    def __bool__(self) -> bool:
        return bool(self.papers)


def difference(plan: Plan) -> Difference:
    """Compare what is in the books with what posting the settlement anew would book: in the flow's mode, with its mapping
    and Amazon's data as they are now. Reads the settlement's file; writes nothing.

    Documents are compared under the numbers they have. Months whose accounts were moved are compared by account.
    """
    made = making.make(plan, plan.flow.mode)
    posted = _in_the_books(plan)
    now = list(made.drafts)
    moved = plan.last_revision != plan.revision
    same = {row.part for row in posted} - booked.months_that_differ(plan, now) if moved else set[int]()
    drafted = [rows.unsaved(plan.flow, plan, draft) for draft in now]
    names = Names(plan.flow.target, [*posted, *drafted], made.mapping)
    before_papers = {_fact(one.delivery): one for one in papers(posted, names)}
    now_papers = {_fact(one.delivery): one for one in papers(drafted, names)}
    pairs = [(before_papers.get(fact), now_papers.get(fact)) for fact in dict.fromkeys([*before_papers, *now_papers])]
    known = made_in(plan.flow.target.remote_key)
    return Difference(
        accounts=_accounts(before_papers.values(), now_papers.values()),
        documents=tuple(pair for pair in pairs if _differ(*pair, known) and not _carries_one_of(same, *pair)),
    )


def moving(plan: Plan, found: Moves) -> Moving:
    """Return what moving the accounts of a plan would do, for reading. Writes nothing."""
    before = list(booked.staying(plan).filter(state=State.POSTED).order_by("id"))
    new = [rows.unsaved(plan.flow, plan, draft) for draft in found.drafts]
    back = {row.plain_document["target"] for row in new if row.kind == Kind.UNDO}
    numbers = {row.key: row for row in before}
    for row in new:
        if row.kind == Kind.UNDO:
            target = numbers[row.plain_document["target"]]
            row.number, row.amount, row.currency = target.number, target.amount, target.currency
    names = Names(plan.flow.target, [*before, *new], found.mapping)
    made = papers(new, names)
    then = [*papers([row for row in before if row.key not in back], names), *made]
    return Moving(_accounts(papers(before, names), then) if made else (), tuple(made))


def _in_the_books(plan: Plan) -> list[Delivery]:
    """Return the documents that are in the books and stay there; a reversed entry and its reversal come to nothing."""
    posted = list(booked.staying(plan).filter(state=State.POSTED).order_by("id"))
    reversed_ = {row.key.replace("/reversal", "/entry") for row in posted if "/reversal" in row.key}
    return [row for row in posted if row.key not in reversed_ and "/reversal" not in row.key]


def _fact(row: Delivery) -> str:
    """Return what a document is about: its key without the revision, which moving accounts raises."""
    return row.key.rpartition("/")[0]


def _carries_one_of(parts: set[int], *pair: Paper | None) -> bool:
    return any(one is not None and one.delivery.part in parts and booked.is_carrying(one.delivery) for one in pair)


def _differ(before: Paper | None, now: Paper | None, made: Mapping[str, str]) -> bool:
    if before is None or now is None or (before.lines, before.facts) != (now.lines, now.facts):
        return True
    # Two accounts may have one name, and what was taken off the lists has none.
    return mean_others(before.delivery.bindings, now.delivery.bindings, made)


def _accounts(before: Iterable[Paper], now: Iterable[Paper]) -> tuple[Moved, ...]:
    sums: dict[str, list[int]] = {}
    for place, found in enumerate((before, now)):
        for paper in found:
            for line in paper.lines:
                sums.setdefault(line.account, [0, 0])[place] += line.debit - line.credit
    return tuple(Moved(account, *both) for account, both in sorted(sums.items()))

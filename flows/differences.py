"""What is in the books of a settlement, beside what would be posted with the mapping and Amazon's data as they are now."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from bookkeeping.entries import dated, own_total
from flows import making
from flows.models import Delivery, Plan
from flows.readable import Names, Paper, papers
from flows.rows import Draft

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


def difference(plan: Plan) -> Difference:
    """Compare a posted plan with what it would be now. Reads the settlement's file; writes nothing."""
    made = making.make(plan, plan.mode)
    posted = list(Delivery.objects.filter(plan=plan, state=State.POSTED).exclude(kind="undo").order_by("id"))
    now = [_unsaved(plan, draft) for draft in made.drafts]
    names = Names(plan.flow.target, [*posted, *now], made.mapping)
    before_papers = {one.delivery.key: one for one in papers(posted, names)}
    now_papers = {one.delivery.key: one for one in papers(now, names)}
    pairs = ((before_papers.get(key), now_papers.get(key)) for key in dict.fromkeys([*before_papers, *now_papers]))
    return Difference(
        accounts=_accounts(before_papers.values(), now_papers.values()),
        documents=tuple((before, new) for before, new in pairs if _differ(before, new)),
    )


def _differ(before: Paper | None, now: Paper | None) -> bool:
    return before is None or now is None or (before.lines, before.facts) != (now.lines, now.facts)


def _accounts(before: Iterable[Paper], now: Iterable[Paper]) -> tuple[Moved, ...]:
    sums: dict[str, list[int]] = {}
    for place, found in enumerate((before, now)):
        for paper in found:
            for line in paper.lines:
                sums.setdefault(line.account, [0, 0])[place] += line.debit - line.credit
    return tuple(Moved(account, *both) for account, both in sorted(sums.items()))


def _unsaved(plan: Plan, draft: Draft) -> Delivery:
    """Return a draft as a row that is never stored, for reading."""
    document = draft.planned.document
    return Delivery(
        tenant_id=plan.tenant_id,
        flow=plan.flow,
        plan=plan,
        remote_key=plan.flow.target.remote_key,
        key=draft.planned.key,
        kind=document.kind,
        part=draft.planned.part,
        document=document.canonical().decode(),
        bindings={
            symbol: {name: value for name, value in asdict(binding).items() if value}
            for symbol, binding in draft.bindings.items()
        },
        number=getattr(document, "number", "") or getattr(document, "reference", ""),
        on=dated(document),
        amount=own_total(document),
        currency=getattr(document, "currency", ""),
        state=State.PLANNED,
    )

"""A settlement that came again with other rows: what differs, and a person's decision."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from amazon.labels import CATEGORY_NAMES, classify
from amazon.load import accept_revision, read, reject_revision
from amazon.models import Report
from amazon.settlement_file import SettlementFile
from bookkeeping.accounts import Category
from bookkeeping.facts import Label, Row
from flows import chain, planning
from flows.models import Plan

SHOWN: Final = 200  # labels, and rows, that differ; more than that is another settlement altogether


@dataclass(frozen=True, slots=True)
class Difference:
    """One label whose rows are others now. Amounts are minor units of the settlement's currency."""

    label: Label
    rows_before: int
    rows_now: int
    before: int
    now: int


@dataclass(frozen=True, slots=True)
class OfCategory:
    """What the rows of one category came to, and come to now, by the meaning that Tieout's own table gives their labels."""

    category: Category
    rows_before: int
    rows_now: int
    before: int
    now: int

    @property
    def name(self) -> str:
        return CATEGORY_NAMES[self.category]

    @property
    def difference(self) -> int:
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class OtherRow:
    """One row that differs: ``before`` is None where it was added, ``now`` where it was removed."""

    before: Row | None
    now: Row | None

    @property
    def row(self) -> Row:
        found = self.now or self.before
        assert found is not None
        return found

    @property
    def kind(self) -> str:
        return "added" if self.before is None else "removed" if self.now is None else "changed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both versions side by side: labels and categories that differ in count or amount, and the rows themselves.

    A row is changed where one of the same label, order, item and SKU was removed and one added. ``rows`` are the first of
    those that differ, in the order of the files.
    """

    total_before: int
    total_now: int
    rows_before: int
    rows_now: int
    labels: tuple[Difference, ...]
    categories: tuple[OfCategory, ...]
    added: int
    removed: int
    changed: int
    rows: tuple[OtherRow, ...]

    @property
    def rows_more(self) -> int:
        return self.added + self.removed + self.changed - len(self.rows)


def compare(report: Report) -> Comparison:
    """Compare a version that waits for a decision with the one that counts. Raises ValueError where nothing waits."""
    settlement = report.settlement
    if report.state != Report.State.REVISION or settlement is None:
        raise ValueError(f"{report} does not wait for a decision")
    old, new = read(settlement.report), read(report)
    left: Counter[int] = Counter()
    before, now = _sums(old, left, 1), _sums(new, left, -1)
    labels = [
        Difference(label, *_pair(before, now, label, 0), *_pair(before, now, label, 1))
        for label in sorted({*before, *now})
        if before.get(label) != now.get(label)
    ]
    rows = _other_rows(old, new, left) if any(left.values()) else []
    kinds = Counter(one.kind for one in rows)
    return Comparison(
        total_before=sum(amount for _, amount in before.values()),
        total_now=sum(amount for _, amount in now.values()),
        rows_before=sum(rows for rows, _ in before.values()),
        rows_now=sum(rows for rows, _ in now.values()),
        labels=tuple(labels[:SHOWN]),
        categories=tuple(_categories(labels)),
        added=kinds["added"],
        removed=kinds["removed"],
        changed=kinds["changed"],
        rows=tuple(rows[:SHOWN]),
    )


def accept(report: Report, actor: str) -> int:
    """Let the new version count and plan again what was made of the old one; returns in how many flows.

    What is in the books stays as it is and is shown as different: a person takes it back and posts it again.
    Raises ValueError where nothing waits.
    """
    settlement = accept_revision(report, actor)
    plans = Plan.objects.filter(settlement=settlement).exclude(state=Plan.State.UNDONE)
    found = list(plans.select_related("settlement", "flow__source", "flow__target"))
    for plan in found:
        planning.replan(plan)
    chain.tell()
    return len(found)


def reject(report: Report, actor: str) -> None:
    """Keep the version that counts. Raises ValueError where nothing waits."""
    reject_revision(report, actor)


def _sums(file: SettlementFile, left: Counter[int], step: int) -> dict[Label, tuple[int, int]]:
    """Return rows and amount by label, read from the file; each of its rows moves ``left`` by ``step``."""
    sums: dict[Label, tuple[int, int]] = {}
    for row in file:
        rows, amount = sums.get(row.label, (0, 0))
        sums[row.label] = (rows + 1, amount + row.amount)
        left[hash(row[1:])] += step
    return sums


def _other_rows(old: SettlementFile, new: SettlementFile, left: Counter[int]) -> list[OtherRow]:
    """Return the rows that are in one version only, those of one thing side by side. ``left`` says how often each is."""
    removed = _only(old, left, 1)
    waiting: dict[tuple[object, ...], deque[Row]] = {}
    for row in removed:
        waiting.setdefault(_thing(row), deque()).append(row)
    found = []
    for row in _only(new, left, -1):
        same = waiting.get(_thing(row))
        found.append(OtherRow(same.popleft() if same else None, row))
    found += [OtherRow(row, None) for rows in waiting.values() for row in rows]
    return sorted(found, key=lambda one: one.row.line)


def _only(file: Iterable[Row], left: Counter[int], sign: int) -> list[Row]:
    found = []
    for row in file:
        key = hash(row[1:])
        if left[key] * sign > 0:
            left[key] -= sign
            found.append(row)
    return found


def _thing(row: Row) -> tuple[object, ...]:
    return row.label, row.order_id, row.item_code, row.sku


def _categories(labels: Iterable[Difference]) -> list[OfCategory]:
    sums: dict[Category, list[int]] = {}
    for one in labels:
        of = sums.setdefault(classify(one.label).category, [0, 0, 0, 0])
        for n, figure in enumerate((one.rows_before, one.rows_now, one.before, one.now)):
            of[n] += figure
    return [OfCategory(category, *sums[category]) for category in sorted(sums)]


def _pair(
    before: dict[Label, tuple[int, int]], now: dict[Label, tuple[int, int]], label: Label, which: int
) -> tuple[int, int]:
    return before.get(label, (0, 0))[which], now.get(label, (0, 0))[which]

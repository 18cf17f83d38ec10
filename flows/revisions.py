"""A settlement that came again with other rows: what differs, and a person's decision."""

from dataclasses import dataclass
from typing import Final

from amazon.load import accept_revision, read, reject_revision
from amazon.models import Report
from bookkeeping.facts import Label
from flows import chain, planning
from flows.models import Plan

SHOWN: Final = 200  # labels that differ; more than that is another settlement altogether


@dataclass(frozen=True, slots=True)
class Difference:
    """One label whose rows are others now. Amounts are minor units of the settlement's currency."""

    label: Label
    rows_before: int
    rows_now: int
    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both versions side by side, and the labels that differ in count or amount."""

    total_before: int
    total_now: int
    rows_before: int
    rows_now: int
    labels: tuple[Difference, ...]


def compare(report: Report) -> Comparison:
    """Compare a version that waits for a decision with the one that counts. Raises ValueError where nothing waits."""
    settlement = report.settlement
    if report.state != Report.State.REVISION or settlement is None:
        raise ValueError(f"{report} does not wait for a decision")
    before, now = _sums(settlement.report), _sums(report)
    labels = [
        Difference(label, *_pair(before, now, label, 0), *_pair(before, now, label, 1))
        for label in sorted({*before, *now})
        if before.get(label) != now.get(label)
    ]
    return Comparison(
        total_before=sum(amount for _, amount in before.values()),
        total_now=sum(amount for _, amount in now.values()),
        rows_before=sum(rows for rows, _ in before.values()),
        rows_now=sum(rows for rows, _ in now.values()),
        labels=tuple(labels[:SHOWN]),
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


def _sums(report: Report) -> dict[Label, tuple[int, int]]:
    """Return rows and amount by label, read from the file."""
    sums: dict[Label, tuple[int, int]] = {}
    for row in read(report):
        rows, amount = sums.get(row.label, (0, 0))
        sums[row.label] = (rows + 1, amount + row.amount)
    return sums


def _pair(
    before: dict[Label, tuple[int, int]], now: dict[Label, tuple[int, int]], label: Label, which: int
) -> tuple[int, int]:
    return before.get(label, (0, 0))[which], now.get(label, (0, 0))[which]

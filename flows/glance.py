"""Every flow in a line: whether what it has in the books ties, what waits for a person, and who acts next.

The number of queries is the same for one flow and for forty, and no document is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum, unique
from typing import Final

from django.db.models import Count, Q

from bookkeeping.proof import Verdict
from flows import clearing_account, overview
from flows.models import Flow, Plan, Run
from flows.overview import Motion, Wait
from flows.selectors import ledger_name
from flows.setup import PAUSED
from flows.verdicts import Standing


@unique
class Need(IntEnum):
    """What a flow needs, the most urgent first; one that needs several things is in the line of the first."""

    OFF = 0  # a settlement does not tie
    CLEARING = 1  # the ledger's clearing account was not as it should be
    CLOSED = 2  # a connection wants a new consent
    FAILED = 3  # the last run failed
    HELD = 4
    APPROVE = 5
    SETUP = 6
    WORK = 7  # it is at it
    PAUSED = 8
    NONE = 9  # nothing is in the books yet
    LATER = 10  # the rest comes by itself: a payout on its day, a comparison
    TIES = 11


@unique
class Group(StrEnum):
    YOU = "you"
    WORK = "work"
    TIES = "ties"
    REST = "rest"


_GROUPS: Final = {
    **dict.fromkeys((each for each in Need if each <= Need.SETUP), Group.YOU),
    Need.WORK: Group.WORK,
    Need.TIES: Group.TIES,
}


@dataclass(frozen=True, slots=True)
class Tally:
    """Settlements of one flow: all but those taken back, those that tie to the cent, those that wait for approval."""

    settlements: int = 0
    tied: int = 0
    to_approve: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One flow. ``standing`` says how it stands as a whole, ``last`` is its newest settlement; ``off`` are the settlements
    that do not tie, the newest last. ``clearing_off`` is what the ledger's clearing account had beside what it should have,
    in minor units of the books' currency, when it was last compared."""

    flow: Flow
    ledger: str
    need: Need
    standing: Standing
    motion: Motion
    tally: Tally
    waits: tuple[Wait, ...]
    off: tuple[Plan, ...]
    clearing_off: int
    last: Plan | None

    @property
    def group(self) -> Group:
        return _GROUPS.get(self.need, Group.REST)

    @property
    def held(self) -> int:
        return sum(wait.count for wait in self.waits)


def lines(flows: Sequence[Flow]) -> list[Line]:
    """Return a line for each flow, those first that need a person, the most urgent of them first. Fourteen queries."""
    motions, waiting, tallies, off = overview.motions(flows), overview.waits(flows), _tallies(flows), _off(flows)
    newest, clearing = overview.latest_plans(flows, most=1), clearing_account.differences(flows)
    found = []
    for flow in flows:
        motion, tally = motions[flow.pk], tallies.get(flow.pk, Tally())
        waits = tuple(wait for wait in waiting.get(flow.pk, ()) if wait.code != PAUSED)
        last, last_standing = next(iter(newest.get(flow.pk, ())), (None, None))
        differing = tuple(off.get(flow.pk, ()))
        clearing_off = clearing.get(flow.pk, 0)
        need = _need(flow, motion, tally, waits, differing, clearing_off, last_standing)
        standing = _standing(need, flow, differing, tally, last_standing)
        found.append(Line(flow, ledger_name(flow), need, standing, motion, tally, waits, differing, clearing_off, last))
    return sorted(found, key=lambda line: (line.need, line.flow.name, line.flow.pk))


def grouped(found: Iterable[Line]) -> dict[Group, list[Line]]:
    """Return the lines of each group, in their order."""
    groups: dict[Group, list[Line]] = {group: [] for group in Group}
    for line in found:
        groups[line.group].append(line)
    return groups


def _need(
    flow: Flow,
    motion: Motion,
    tally: Tally,
    waits: Sequence[Wait],
    off: Sequence[Plan],
    clearing_off: int,
    last: Standing | None,
) -> Need:
    met = {
        Need.OFF: bool(off),
        Need.CLEARING: bool(clearing_off),
        Need.CLOSED: bool(motion.closed),
        Need.FAILED: motion.run is not None and motion.run.state == Run.State.FAILED and not motion.running,
        Need.HELD: bool(waits),
        Need.APPROVE: bool(tally.to_approve) and flow.state != Flow.State.SETUP,
        Need.SETUP: flow.state == Flow.State.SETUP,
        Need.WORK: motion.busy,
        Need.PAUSED: flow.state == Flow.State.PAUSED,
        Need.NONE: not tally.settlements,
        # What ties but was changed since, or whose payout failed, says so itself.
        Need.TIES: tally.tied == tally.settlements and last is not None and last.state == "proved",
    }
    return next((need for need, is_met in met.items() if is_met), Need.LATER)


def _standing(need: Need, flow: Flow, off: Sequence[Plan], tally: Tally, last: Standing | None) -> Standing:
    match need:
        case Need.OFF:
            return Standing("off", f"{len(off)} do{'es' if len(off) == 1 else ''} not tie")
        case Need.CLEARING:
            return Standing("off", "Clearing is off")
        case Need.CLOSED:
            return Standing("needs_reconnect", "Connect again")
        case Need.FAILED:
            return Standing("failed", "The last run failed")
        case Need.HELD:
            return Standing("held", "Something is held")
        case Need.APPROVE:
            return Standing("pending", "Waits for approval")
        case Need.WORK:
            return Standing("running", "At work")
        case Need.NONE:
            return Standing("planned", "Nothing yet")
        case Need.SETUP | Need.PAUSED:
            return Standing(flow.state, flow.get_state_display())
        case Need.TIES:
            return Standing("proved", "Ties")
    if last is not None and last.state != "proved":
        return last
    return Standing("pending", f"{tally.settlements - tally.tied} not compared yet")


def _tallies(flows: Sequence[Flow]) -> dict[int, Tally]:
    plans = Plan.objects.filter(flow__in=flows).exclude(state=Plan.State.UNDONE).order_by().values("flow_id")
    tied = Q(state=Plan.State.POSTED, verdict__verdict=Verdict.PROVED)
    counted = plans.annotate(
        settlements=Count("pk"),
        tied=Count("pk", filter=tied),
        to_approve=Count("pk", filter=Q(state=Plan.State.PLANNED)),
    )
    return {row["flow_id"]: Tally(row["settlements"], row["tied"], row["to_approve"]) for row in counted}


def _off(flows: Sequence[Flow]) -> dict[int, list[Plan]]:
    plans = Plan.objects.filter(flow__in=flows, verdict__verdict=Verdict.DIFFERS)
    plans = plans.exclude(state__in=[Plan.State.UNDONE, Plan.State.UNDOING]).order_by("settlement__ends_at")
    found: dict[int, list[Plan]] = {}
    for plan in plans.only("flow_id", "settlement_id"):
        found.setdefault(plan.flow_id, []).append(plan)
    return found

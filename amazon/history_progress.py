"""How far a seller's order history is read, and how long the rest takes."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Final

from amazon.backfill import OPEN, UNREAD
from amazon.models import Backfill, BackfillWindow
from amazon.rates import Priority, pacer, plan
from tenants.models import Access, Connection

State = BackfillWindow.State
_MAKING_S: Final = 180.0  # of one report, as long as none was measured
_MEASURED: Final = 10  # latest reports that tell how long the next one takes


@dataclass(frozen=True, slots=True)
class Progress:
    """``read`` of ``windows`` months need nothing more. ``unread`` are those that wait for a person, the newest first.

    ``seconds_left`` is what Amazon's limits ask for and what its reports took lately; None where nothing goes on.
    """

    connection: Connection
    state: str
    since: datetime | None
    begun_at: datetime | None
    finished_at: datetime | None
    skipped_before: datetime | None
    windows: int
    read: int
    empty: int
    orders: int
    seconds_left: int | None
    problem: str
    unread: list[BackfillWindow]

    @property
    def running(self) -> bool:
        return self.state == Backfill.State.RUNNING

    @property
    def minutes_left(self) -> int | None:
        return None if self.seconds_left is None else max(1, round(self.seconds_left / 60))


def progress(connection: Connection) -> Progress:
    """Return how the history of a connection stands; ``state`` is "" where nobody began one."""
    found = Backfill.objects.filter(connection=connection).first()
    if found is None:
        return Progress(connection, "", None, None, None, None, 0, 0, 0, 0, None, "", [])
    rows = list(BackfillWindow.objects.filter(backfill=found).order_by("-ends_at"))
    states = Counter(row.state for row in rows)
    problem = found.problem
    if connection.state != Access.ACTIVE:
        problem = "The connection needs a new consent; the history goes on after that."
    return Progress(
        connection=connection,
        state=found.state,
        since=found.since,
        begun_at=found.begun_at,
        finished_at=found.finished_at,
        skipped_before=found.skipped_before,
        windows=len(rows),
        read=states[State.DONE] + states[State.EMPTY],
        empty=states[State.EMPTY],
        orders=sum(row.orders for row in rows),
        seconds_left=_seconds_left(connection, rows) if found.state == Backfill.State.RUNNING else None,
        problem=problem if found.state == Backfill.State.RUNNING else "",
        unread=[row for row in rows if row.state in UNREAD],
    )


def _seconds_left(connection: Connection, rows: list[BackfillWindow]) -> int:
    states = Counter(row.state for row in rows)
    held = pacer(connection, Priority.BACKFILL).left()
    needed = {"createReport": states[State.WAITING], "getReportDocument": sum(states[state] for state in OPEN)}
    paced = [
        (count - held.get(operation, plan(operation).burst)) / plan(operation).rate_per_s
        for operation, count in needed.items()
    ]
    took = [(row.made_at - row.requested_at).total_seconds() for row in rows if row.made_at and row.requested_at]
    being_made = states[State.WAITING] + states[State.REQUESTED]
    making = (median(took[-_MEASURED:]) if took else _MAKING_S) if being_made else 0.0
    return int(max(0.0, *paced) + making)

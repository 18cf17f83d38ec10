"""From a figure on a page back to the rows of Amazon's file, a page of them at a time.

The file is streamed and left as soon as the page is full, so nothing but one page is held in memory.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from amazon.child import run_in_child
from amazon.load import settlement_rows
from amazon.models import Report, Settlement
from bookkeeping.accounts import LineKey
from bookkeeping.facts import Label, Row
from bookkeeping.figures import Statement
from flows import mapping, reading, statements
from flows.models import Coverage, Plan

PAGE_ROWS: Final = 100
QUICK_ROWS: Final = 100_000  # rows that are read in a fraction of a second, while a person waits for the page
# Reading so many rows takes less than a second; a process of its own would take longer to start.
LONG_READ_ROWS: Final = 300_000


class NoSuchRows(LookupError):
    """Somebody asks for a month, account or line that the settlement does not have."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows: those behind a line key of a month (of one order), of a raw label, of an order, on one line, or all."""

    part: int = 0
    key: LineKey = ""
    order_id: str = ""
    label: Label | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """``total`` and ``count`` are what all pages add up to, None where only reading the whole file would tell.

    ``covered`` is what payments take off invoices of these rows: the entry carries the rest.
    """

    title: str
    rows: tuple[Row, ...]
    more: bool
    count: int | None
    total: int | None
    covered: int = 0


def rows_of(settlement: Settlement, plan: Plan | None, wanted: Wanted, page: int) -> Found:
    """Return one page of rows, counted from 1. Raises NoSuchRows.

    They are read as the plan was made: from the file it was made from, rows behind a line with the mapping and labels of its
    version. Without a plan they are those of the file that counts.
    """
    how = reading.reading(plan.flow, mapping.load(plan.flow, plan.mapping_version)) if plan else None
    built = statements.from_json(plan.statement) if plan and plan.statement else None
    title, count, total = _described(settlement, built, how, wanted)
    start = (page - 1) * PAGE_ROWS
    arguments = (settlement.pk, plan.report_id if plan else None, how, built, wanted, start, start + PAGE_ROWS + 1)
    read_rows = min(start + PAGE_ROWS, settlement.row_count) if wanted == Wanted() else settlement.row_count
    found = run_in_child(read, *arguments) if read_rows > LONG_READ_ROWS else read(*arguments)
    covered = _covered(plan, wanted) if plan and wanted.key and not wanted.order_id else 0
    return Found(title, tuple(found[:PAGE_ROWS]), len(found) > PAGE_ROWS, count, total, covered)


def read(
    settlement_pk: int,
    report_pk: int | None,
    how: reading.Reading | None,
    built: Statement | None,
    wanted: Wanted,
    start: int,
    stop: int,
) -> list[Row]:
    """Return rows ``start`` to ``stop`` of what is wanted, in file order, of the file that counts or of another report."""
    settlement = Settlement.objects.get(pk=settlement_pk)
    report = Report.objects.get(pk=report_pk) if report_pk else None
    return list(islice(_rows(settlement, report, how, built, wanted), start, stop))


def _rows(
    settlement: Settlement,
    report: Report | None,
    how: reading.Reading | None,
    built: Statement | None,
    wanted: Wanted,
) -> Iterator[Row]:
    if wanted.key and how is not None and built is not None:
        return reading.source_rows(settlement, how, built, wanted.part, wanted.key, wanted.order_id, report)
    _, rows = settlement_rows(settlement, report)
    if wanted.line:
        return islice((row for row in rows if row.line == wanted.line), 1)
    if wanted.label is not None:
        return (row for row in rows if row.label == wanted.label)
    if wanted.order_id:
        return (row for row in rows if row.order_id == wanted.order_id)
    return iter(rows)


def _described(
    settlement: Settlement, built: Statement | None, how: reading.Reading | None, wanted: Wanted
) -> tuple[str, int | None, int | None]:
    if wanted.line:
        return f"Line {wanted.line}", 1, None
    if wanted.label is not None:
        title = " / ".join(text for text in wanted.label if text)
        sums = [one for one in built.sums if one.label == wanted.label] if built else []
        known = bool(sums)
        return title, sum(one.rows for one in sums) if known else None, sum(o.amount for o in sums) if known else None
    if wanted.key:
        return _behind_line(built, how, wanted)
    if wanted.order_id:
        return f"Order {wanted.order_id}", None, None
    if built:
        return "Every row", built.rows, built.header.total
    return "Every row", settlement.row_count, settlement.total


def _behind_line(
    built: Statement | None, how: reading.Reading | None, wanted: Wanted
) -> tuple[str, int | None, int | None]:
    if built is None or how is None or not 1 <= wanted.part <= len(built.parts):
        raise NoSuchRows("The settlement has no such month.")
    try:
        title = f"{how.mapping.label(wanted.key)}, {built.part(wanted.part).month:%B %Y}"
    except (KeyError, ValueError):
        raise NoSuchRows("There is no such account.") from None
    if wanted.order_id:
        return f"{title}, order {wanted.order_id}", None, None
    sums = [one for one in built.sums if one.part == wanted.part and one.key == wanted.key]
    if not sums:  # netted tax: its rows are told only by reading
        return title, None, built.totals.get(wanted.part, {}).get(wanted.key)
    return title, sum(one.rows for one in sums), sum(one.amount for one in sums)


def _covered(plan: Plan, wanted: Wanted) -> int:
    amounts = Coverage.objects.filter(plan=plan, part=wanted.part).values_list("amounts", flat=True)
    return sum(each.get(wanted.key, 0) for each in amounts)


def rows_of_order(settlements: Sequence[Settlement], order_id: str) -> list[tuple[Settlement, list[Row]]]:
    """Return an order's rows in each of these settlements that has any. Many rows are read in a child process."""
    ids = [one.pk for one in settlements]
    rows = sum(one.row_count for one in settlements)
    found = run_in_child(find_order, ids, order_id) if rows > LONG_READ_ROWS else find_order(ids, order_id)
    return [(one, found[one.pk]) for one in settlements if found.get(one.pk)]


def find_order(settlement_pks: Sequence[int], order_id: str) -> dict[int, list[Row]]:
    """Return an order's rows by settlement, at most a page of them in each."""
    found = {}
    for settlement in Settlement.objects.filter(pk__in=settlement_pks).select_related("report"):
        _, rows = settlement_rows(settlement)
        found[settlement.pk] = list(islice((row for row in rows if row.order_id == order_id), PAGE_ROWS))
    return found

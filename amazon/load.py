"""From a stored file to a settlement: read it whole, and only then let it count.

Everything that becomes true with it becomes true in one small transaction: the report's state, the settlement, the
cursor, the trail.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from enum import Enum, auto
from functools import partial
from typing import Any, Final

from django.db import IntegrityError
from django.db.models import QuerySet
from django.urls import reverse

from amazon import settlement_file
from amazon.child import run_in_child
from amazon.flat_errors import BadSettlementFile
from amazon.labels import classify
from amazon.models import Report, Settlement
from amazon.reports import open_report
from amazon.settlement_file import SettlementFile
from audit.trail import record, recorded
from bookkeeping.accounts import Category
from bookkeeping.facts import Header, Row
from kit.clock import now
from tenants.alerts import alert, settle_alert

LONG_FILE_LINES: Final = 50_000  # read in a child process from here on, so that pages keep answering


class Fate(Enum):
    NEW = auto()
    SAME = auto()  # the settlement is already here with exactly these rows
    REVISION = auto()  # the settlement is already here with other rows; a person decides


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one pass over a whole file tells. Amounts are minor units of the settlement's currency.

    ``digest`` covers header and rows in their order, not their spelling: the same settlement in another character set,
    with other line ends or number style, has the same one.
    """

    header: Header
    row_count: int
    marketplaces: tuple[str, ...]
    opening_debt: int
    reserve_held: int
    reserve_released: int
    digest: str


@dataclass(frozen=True, slots=True)
class Loaded:
    settlement: Settlement
    fate: Fate


def analyse(report: Report) -> Analysis:
    """Read a stored file from its first to its last row. Raises BadSettlementFile."""
    if report.lines > LONG_FILE_LINES:
        return run_in_child(analyse_report, report.pk)
    return analyse_report(report.pk)


def read(report: Report) -> SettlementFile:
    """Open a stored file for reading. Raises BadSettlementFile.

    The character set is the one its download declared, else a mark in the file, else UTF-8, else the page of the
    marketplace, which the currency tells: Japan's, or the western one.
    """
    return settlement_file.read(partial(open_report, report), charset=declared_charset(report.content_type))


def settlement_rows(settlement: Settlement, report: Report | None = None) -> tuple[Header, SettlementFile]:
    """Read a settlement's rows again, from the file that counts or from another of its ``reports`` (a revision)."""
    found = read(report or settlement.report)
    return found.header, found


def analyse_report(report_id: int) -> Analysis:
    found = read(Report.objects.get(pk=report_id))
    header = found.header
    digest = hashlib.sha256("\x1f".join(_header_words(header)).encode())
    count = total = 0
    marketplaces: set[str] = set()
    chain = dict.fromkeys((Category.OPENING_DEBT, Category.RESERVE_HELD, Category.RESERVE_RELEASED), 0)
    categories: dict[Any, Category] = {}
    for row in found:
        count, total = count + 1, total + row.amount
        digest.update("\x1f".join(_row_words(row)).encode())
        marketplaces.add(row.marketplace)
        category = categories.get(row.label)
        if category is None:
            category = categories[row.label] = classify(row.label).category
        if category in chain:
            chain[category] += row.amount
    if total != header.total:  # the reader has checked this; without it nothing may ever count
        raise BadSettlementFile(0, f"The rows add up to {total}, the summary row says {header.total} (minor units).")
    if header.starts_at >= header.ends_at:
        raise BadSettlementFile(0, "The settlement ends before it starts.")
    return Analysis(
        header=header,
        row_count=count,
        marketplaces=tuple(sorted(marketplaces - {""})),
        opening_debt=chain[Category.OPENING_DEBT],
        reserve_held=chain[Category.RESERVE_HELD],
        reserve_released=chain[Category.RESERVE_RELEASED],
        digest=digest.hexdigest(),
    )


def accept(report: Report, found: Analysis, *, moved: Callable[[], None] = lambda: None) -> Loaded:
    """Let a good file count. ``moved`` moves the cursor, in the same transaction."""
    for again in (True, False):
        try:
            with recorded():
                return _accept(report, found, moved)
        except IntegrityError:  # another process brought the same settlement a moment ago
            if not again:
                raise
    raise AssertionError("unreachable")


def refuse(report: Report, error: BadSettlementFile, *, moved: Callable[[], None] = lambda: None) -> None:
    """Keep what is wrong with a file, where, and what to do. Nothing of it counts."""
    with recorded():
        report.state = Report.State.REFUSED
        report.refused_line = error.line or None
        report.problem, report.action = error.problem, error.action
        report.save(update_fields=["state", "refused_line", "problem", "action"])
        if report.origin == Report.Origin.API:  # who uploads a file is told at once
            _announce_refusal(report, error)
        moved()
        record(
            "report.refused",
            f"report:{report.pk}",
            tenant_id=report.tenant_id,
            actor=report.actor,
            line=error.line,
            problem=error.problem,
        )


def accept_revision(report: Report, actor: str) -> Settlement:
    """Let another version of a settlement take the place of the one that counts; the old file stays, linked.

    Raises ValueError for a report that is no revision, or not one any more.
    """
    found = analyse(report)
    with recorded():
        _decide(report, Report.State.LOADED)
        settlement = Settlement.objects.select_for_update().get(reports=report)
        earlier = settlement.report_id
        for name, value in _figures(found).items():
            setattr(settlement, name, value)
        if report.seller_id and not settlement.seller_id:
            settlement.seller_id, settlement.connection_id = report.seller_id, report.connection_id
        settlement.report = report
        settlement.revision += 1
        settlement.save()
        _waiting(settlement).filter(content_digest=report.content_digest).update(state=Report.State.LOADED)
        _settle_if_decided(settlement)
        record(
            "settlement.revised",
            f"settlement:{settlement.pk}",
            tenant_id=report.tenant_id,
            actor=actor,
            report=report.pk,
            earlier_report=earlier,
            revision=settlement.revision,
        )
    return settlement


def reject_revision(report: Report, actor: str) -> None:
    """Keep the version that counts. Raises ValueError for a report that is no revision, or not one any more."""
    with recorded():
        _decide(report, Report.State.REFUSED, problem="A person kept the earlier version of this settlement.")
        settlement = Settlement.objects.get(reports=report)
        same = _waiting(settlement).filter(content_digest=report.content_digest)
        same.update(state=Report.State.REFUSED, problem=report.problem)
        _settle_if_decided(settlement)
        record(
            "settlement.revision_rejected",
            f"settlement:{settlement.pk}",
            tenant_id=report.tenant_id,
            actor=actor,
            report=report.pk,
        )


def _accept(report: Report, found: Analysis, moved: Callable[[], None]) -> Loaded:
    settlement, fate = _known(report, found), Fate.NEW
    if settlement is None:
        settlement = Settlement.objects.create(
            tenant_id=report.tenant_id,
            connection_id=report.connection_id,
            seller_id=report.seller_id,
            settlement_id=found.header.settlement_id,
            report=report,
            created_at=now(),
            **_figures(found),
        )
    elif settlement.report.content_digest == found.digest:
        fate = Fate.SAME
        _adopt(settlement, report)
    elif report.origin == Report.Origin.API and _waiting(settlement).filter(content_digest=found.digest).exists():
        fate = Fate.SAME  # the same other version once more: it waits already
    else:
        fate = Fate.REVISION
        _announce_revision(settlement, report)
    report.state = Report.State.REVISION if fate is Fate.REVISION else Report.State.LOADED
    report.settlement, report.content_digest = settlement, found.digest
    report.starts_at, report.ends_at = found.header.starts_at, found.header.ends_at
    report.save(update_fields=["state", "settlement", "content_digest", "starts_at", "ends_at"])
    moved()
    record(
        {Fate.NEW: "settlement.loaded", Fate.SAME: "settlement.seen_again", Fate.REVISION: "settlement.differs"}[fate],
        f"settlement:{settlement.pk}",
        tenant_id=report.tenant_id,
        actor=report.actor,
        report=report.pk,
        settlement_id=settlement.settlement_id,
        sha256=report.sha256,
        rows=found.row_count,
        total=found.header.total,
        currency=found.header.currency,
    )
    return Loaded(settlement, fate)


def _known(report: Report, found: Analysis) -> Settlement | None:
    """Return the settlement this file speaks of; a file without a known seller speaks of any seller's."""
    same = Settlement.objects.select_for_update().filter(settlement_id=found.header.settlement_id)
    if report.seller_id:
        same = same.filter(seller_id__in=(report.seller_id, ""))
    return same.order_by("-seller_id").first()


def _adopt(settlement: Settlement, report: Report) -> None:
    """A settlement that was uploaded before its seller was connected now has a seller."""
    if report.seller_id and not settlement.seller_id:
        settlement.seller_id, settlement.connection_id = report.seller_id, report.connection_id
        settlement.save(update_fields=["seller_id", "connection"])


def _announce_refusal(report: Report, error: BadSettlementFile) -> None:
    where = f"Line {error.line}: " if error.line else ""
    alert(
        report.tenant_id,
        kind="file_refused",
        key=refusal_key(report),
        title=f"Amazon's settlement file ({report}) was refused",
        text=f"{where}{error.problem}",
        action=error.action,
    )


def refusal_key(report: Report) -> str:
    return f"report:{report.pk}:refused"


def _announce_revision(settlement: Settlement, report: Report) -> None:
    alert(
        report.tenant_id,
        kind="settlement_differs",
        key=_revision_key(settlement),
        title=f"Settlement {settlement.settlement_id} came again with other rows",
        text=f"{report} is the same settlement as {settlement.report} with other rows. The first one still counts.",
        action="Compare the two versions and accept or reject the new one.",
        url=reverse("flows:revision", args=[report.pk]),
    )


def _waiting(settlement: Settlement) -> QuerySet[Report]:
    return settlement.reports.filter(state=Report.State.REVISION)


def _settle_if_decided(settlement: Settlement) -> None:
    """End the alert, unless yet another version waits."""
    if not _waiting(settlement).exists():
        settle_alert(settlement.tenant_id, _revision_key(settlement))


def _decide(report: Report, state: Report.State, **changes: Any) -> None:
    waiting = Report.objects.filter(pk=report.pk, state=Report.State.REVISION)
    if not waiting.update(state=state, **changes):
        raise ValueError(f"{report} does not wait for a decision")
    report.refresh_from_db()


def declared_charset(content_type: str) -> str:
    """Return the character set that a Content-Type states, "" where it states none."""
    header = Message()
    header["Content-Type"] = content_type
    return header.get_content_charset("")


def _revision_key(settlement: Settlement) -> str:
    return f"settlement:{settlement.pk}:differs"


def _figures(found: Analysis) -> dict[str, Any]:
    header = found.header
    return {
        "currency": header.currency,
        "starts_at": header.starts_at,
        "ends_at": header.ends_at,
        "deposit_on": header.deposit_on,
        "total": header.total,
        "row_count": found.row_count,
        "marketplaces": list(found.marketplaces),
        "opening_debt": found.opening_debt,
        "reserve_held": found.reserve_held,
        "reserve_released": found.reserve_released,
    }


def _header_words(header: Header) -> tuple[str, ...]:
    return (
        header.settlement_id,
        header.starts_at.isoformat(),
        header.ends_at.isoformat(),
        header.deposit_on.isoformat(),
        str(header.total),
        header.currency,
    )


def _row_words(row: Row) -> tuple[str, ...]:
    return (
        *row.label,
        str(row.amount),
        row.posted_at.isoformat(),
        row.order_id,
        row.item_code,
        row.sku,
        str(row.quantity),
        row.marketplace,
        row.fulfillment,
        "\n",
    )

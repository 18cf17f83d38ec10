"""The way from a new company to a live flow: which steps are done, and the one that is next."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from amazon.models import Settlement
from flows import setup
from flows.models import Flow, Plan, Run
from tenants.models import Access, Connection
from tenants.providers import ProviderKind, providers


@unique
class StepName(StrEnum):
    SELLER = "seller"
    BOOKS = "books"
    FLOW = "flow"
    FETCH = "fetch"
    MAPPING = "mapping"
    DRY_RUN = "dry_run"
    LIVE = "live"


LABELS: Final = {
    StepName.SELLER: "Amazon",
    StepName.BOOKS: "Books",
    StepName.FLOW: "Flow",
    StepName.FETCH: "First fetch",
    StepName.MAPPING: "Accounts",
    StepName.DRY_RUN: "Dry run",
    StepName.LIVE: "Live",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a company is with one flow (None: it has none in set-up). ``hints`` say how a step stands, in a few words."""

    flow: Flow | None
    done: frozenset[StepName]
    next: StepName
    hints: dict[StepName, str]
    left_to_map: int = 0
    planned: int = 0
    run: Run | None = None


def connected(kind: ProviderKind) -> list[Connection]:
    """Return the connections of one kind that work, oldest first."""
    slugs = [spec.slug for spec in providers(kind)]
    return list(Connection.objects.filter(provider__in=slugs, state=Access.ACTIVE).order_by("created_at", "pk"))


def progress(flow: Flow | None) -> Progress:
    """Return how far the tenant in scope is on its way to having this flow live; None: it has no flow yet."""
    done: set[StepName] = set()
    hints: dict[StepName, str] = {}
    sellers, books = connected(ProviderKind.SOURCE), connected(ProviderKind.LEDGER)
    uploaded = not sellers and Settlement.objects.exists()
    if sellers or uploaded or (flow and flow.source is None):
        done.add(StepName.SELLER)
        hints[StepName.SELLER] = _names(sellers) or "Uploaded files"
    if books or flow:
        done.add(StepName.BOOKS)
        hints[StepName.BOOKS] = str(flow.target) if flow else _names(books)
    if flow is None:
        return Progress(None, frozenset(done), _first_open(done), hints)
    done.add(StepName.FLOW)
    hints[StepName.FLOW] = f"{flow.currency}, {Flow.Mode(flow.mode).value}"
    run = Run.objects.filter(flow=flow).order_by("-started_at").first()
    planned = Plan.objects.filter(flow=flow).exclude(state=Plan.State.PLANNING).count()
    if planned:
        done.add(StepName.FETCH)
        hints[StepName.FETCH] = f"{planned} settlement{'s' if planned != 1 else ''}"
    left = _left_to_map(flow) if planned else 0
    if planned and not left:
        done.add(StepName.MAPPING)
    elif left:
        hints[StepName.MAPPING] = f"{left} to decide"
    if flow.state != Flow.State.SETUP:
        done |= set(StepName)
    return Progress(flow, frozenset(done), _first_open(done), hints, left, planned, run)


def _left_to_map(flow: Flow) -> int:
    return sum(bool(line.problem) or (line.needed and not line.target.account) for line in setup.choices(flow))


def _first_open(done: set[StepName]) -> StepName:
    return next((step for step in StepName if step not in done), StepName.LIVE)


def _names(connections: Sequence[Connection]) -> str:
    return ", ".join(str(connection) for connection in connections[:2]) + ("…" if len(connections) > 2 else "")

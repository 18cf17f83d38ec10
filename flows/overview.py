"""The dashboard's figures for several flows at once, in a number of queries that does not grow with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import Final

from django.db.models import Count, F, Min, Window
from django.db.models.functions import RowNumber

from amazon.models import STANDARD_ORDERS, Settlement
from bookkeeping.money import shown
from bookkeeping.remarks import HoldReason
from flows import access, drafts, transit
from flows.clearing_account import Clearing, clearings
from flows.models import Delivery, Flow, Lane, Plan, Run
from flows.payouts import Payouts
from flows.plans import to_revalue
from flows.rows import DIFFERENT, ELSEWHERE, LOOK_FIRST, VOID
from flows.selectors import ledger_name, payout_days, plans_for_lists
from flows.setup import PAUSED
from flows.transit import Transit
from flows.verdicts import MOVING, NEEDS_PERSON, Standing, standing, stopped
from kit import clock
from tenants import quotas
from tenants.models import Connection

State = Delivery.State
REVALUE: Final = "revalue"  # no document's: what a payout left on clearing is a person's to revalue
LEFT_ALONE: Final = "changed_by_hand"  # an undo that found its document changed
SHOWN_PLANS: Final = 5


@unique
class Place(StrEnum):
    """Where a person mends what waits."""

    LABELS = "labels"
    ACCOUNTS = "accounts"
    SKUS = "skus"
    FLOW = "flow"
    RATES = "rates"
    RECORDS = "records"
    SETTLEMENTS = "settlements"


_WAITS: Final[Mapping[str, tuple[str, Place]]] = {
    HoldReason.UNKNOWN_LABEL: ("Amazon used a label that nobody has decided on", Place.LABELS),
    HoldReason.UNMAPPED_ACCOUNT: ("No account is chosen", Place.ACCOUNTS),
    HoldReason.UNMAPPED_SKU: ("A SKU has no item", Place.SKUS),
    HoldReason.ITEM_ACCOUNT: ("An item books to another account than the mapping", Place.SKUS),
    HoldReason.CONTINUITY: ("A settlement before is missing", Place.RECORDS),
    HoldReason.OVERLAP: ("It may be another seller's", Place.RECORDS),
    HoldReason.PAYOUT_UNMATCHED: ("A payout came back that is not known", Place.RECORDS),
    HoldReason.PAYOUT_FAILED: ("A payout failed", Place.RECORDS),
    HoldReason.NO_RATE: ("An exchange rate is missing", Place.RATES),
    HoldReason.AMOUNT_RECEIVED: ("Nobody has said how much of a payout arrived", Place.RECORDS),
    HoldReason.BOOKS_CURRENCY: ("The ledger does not say in which currency the books are kept", Place.ACCOUNTS),
    HoldReason.NUMBERS_USED_UP: ("The order's invoice numbers are used up", Place.RECORDS),
    ELSEWHERE: ("Another flow has booked this already", Place.RECORDS),
    PAUSED: ("Held back by the pause", Place.FLOW),
    **dict.fromkeys(LOOK_FIRST, ("Look in the ledger before it is sent again", Place.RECORDS)),
    VOID: ("Voided or deleted in the ledger", Place.RECORDS),
    DIFFERENT: ("Changed in the ledger", Place.RECORDS),
    LEFT_ALONE: ("Changed by hand, so left alone", Place.RECORDS),
}
_REFUSED: Final = ("The ledger refused it", Place.RECORDS)


@dataclass(frozen=True, slots=True)
class Wait:
    """Documents of one flow that wait for a person for one cause; ``reason`` and ``action`` are those of one of them."""

    code: str
    title: str
    place: Place
    count: int
    reason: str
    action: str


@dataclass(frozen=True, slots=True)
class Motion:
    """What a flow is doing now. ``asked``: a run is due and not begun. Documents are counted where they may move.
    ``resting`` says why the company is sent nothing, "" where it is, and ``rest`` in words until when; ``closed`` which connection
    has to be made again before anything goes on."""

    flow: Flow
    run: Run | None
    asked: bool
    running: bool
    posted: int
    moving: int
    planning: int
    resting: str = ""
    rest: str = ""
    closed: tuple[str, ...] = ()

    @property
    def busy(self) -> bool:
        posting = self.moving > 0 and self.flow.state == "live" and not access.target_closed(self.flow)
        return self.asked or self.running or bool(self.planning) or posting

    @property
    def of(self) -> int:
        return self.posted + self.moving


@dataclass(frozen=True, slots=True)
class Card:
    """The only flow of a dashboard."""

    flow: Flow
    ledger: str
    motion: Motion
    waits: tuple[Wait, ...]
    plans: tuple[tuple[Plan, Standing], ...]
    to_approve: int
    clearing: Clearing
    transit: Transit | None = None
    makes: str = ""


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Settlements that no flow takes: of a currency, an account type ("" for the usual one) and a seller ("" where the tenant has
    but one)."""

    currency: str
    count: int
    account_type: str = ""
    seller: str = ""


def cards(flows: Sequence[Flow]) -> list[Card]:
    moving, waiting, plans = motions(flows), waits(flows), latest_plans(flows)
    clearing, in_transit = clearings(flows), transit.of_flows(flows)
    counted = Plan.objects.filter(flow__in=flows, state=Plan.State.PLANNED)
    to_approve = dict(counted.order_by().values_list("flow_id").annotate(Count("pk")))
    return [
        Card(
            flow=flow,
            ledger=ledger_name(flow),
            motion=moving[flow.pk],
            waits=tuple(waiting.get(flow.pk, ())),
            plans=tuple(plans.get(flow.pk, ())),
            to_approve=to_approve.get(flow.pk, 0),
            clearing=clearing[flow.pk],
            transit=in_transit.get(flow.pk),
            makes=drafts.words_of(drafts.layout_of(flow), flow.mode).short,
        )
        for flow in flows
    ]


def motions(flows: Sequence[Flow]) -> dict[int, Motion]:
    """Return what each flow is doing. Four queries, five where a company rests."""
    now = clock.now()
    newest = Window(RowNumber(), partition_by=F("flow_id"), order_by=[F("started_at").desc(), F("pk").desc()])
    runs = {run.flow_id: run for run in Run.objects.filter(flow__in=flows).annotate(rank=newest).filter(rank=1)}
    counts: dict[int, dict[str, int]] = {}
    rows = Delivery.objects.filter(flow__in=flows, live=True, state__in=[*MOVING, State.POSTED])
    rows = rows.exclude(state__in=[State.READY, State.BLOCKED], not_before__gt=now.date())
    for flow_id, state, count in rows.order_by().values_list("flow_id", "state").annotate(Count("pk")):
        counts.setdefault(flow_id, {})[state] = count
    over = [Plan.State.UNDOING, Plan.State.UNDONE]
    unplanned = Plan.objects.filter(flow__in=flows, asked__gt=F("made")).exclude(state__in=over)
    planning = dict(unplanned.order_by().values_list("flow_id").annotate(Count("pk")))
    lanes = Lane.objects.filter(remote_key__in={flow.target.remote_key for flow in flows}, paused_until__gt=now)
    paused = {lane.remote_key: (lane.paused_until, lane.pause_reason) for lane in lanes}
    resting_targets = [flow.target for flow in flows if flow.target.remote_key in paused or flow.target.rests_until]
    zones = quotas.zones(resting_targets) if resting_targets else {}
    found = {}
    for flow in flows:
        rests = [(flow.target.rests_until, flow.target.rest_reason), paused.get(flow.target.remote_key, (None, ""))]
        until, resting = max(((at, why) for at, why in rests if at), default=(now, ""))
        claimed = bool(flow.claimed_until and flow.claimed_until > now)
        due = bool(flow.next_run_at and flow.next_run_at <= now) and flow.state != Flow.State.PAUSED
        run = runs.get(flow.pk)
        of_flow = counts.get(flow.pk, {})
        found[flow.pk] = Motion(
            flow=flow,
            run=run,
            asked=due and not claimed,
            running=claimed,
            posted=of_flow.get(State.POSTED, 0),
            moving=sum(of_flow.get(state, 0) for state in (State.READY, State.SENDING, State.UNCERTAIN)),
            planning=planning.get(flow.pk, 0),
            resting=resting if until > now else "",
            closed=tuple(access.closed(flow)),
            rest=_rest(until, now, zones.get(flow.target_id, "")),
        )
    return found


def _rest(until: datetime, now: datetime, zone: str) -> str:
    """Return in words for how long a company is sent nothing; where that takes hours, the time of day as well."""
    minutes = max(0, round((until - now).total_seconds() / 60))
    if minutes >= 60:
        hours = round(minutes / 60)
        nearest = until + timedelta(seconds=30)  # a remote says in whole seconds, which begin anywhere in ours
        return f"in about {hours} hour{'' if hours == 1 else 's'}, at {clock.time_of_day(nearest, zone)}"
    return f"in {minutes} minute{'' if minutes == 1 else 's'}" if minutes else "in a moment"


def cause(code: str) -> str:
    """Return in words why a document waits, by the code of its reason."""
    return _WAITS.get(code, _REFUSED)[0]


def waits(flows: Sequence[Flow]) -> dict[int, list[Wait]]:
    """Return what waits for a person, by flow, the largest group first. Two queries at most."""
    held = Delivery.objects.filter(flow__in=flows, state__in=NEEDS_PERSON)
    groups = held.order_by().values_list("flow_id", "code").annotate(Count("pk"), Min("reason"), Min("action"))
    found: dict[int, list[Wait]] = {}
    for flow_id, code, count, reason, action in groups:
        title, place = _WAITS.get(code, _REFUSED)
        found.setdefault(flow_id, []).append(Wait(code, title, place, count, reason, action))
    for flow_id, plan in _to_revalue(flows):
        found.setdefault(flow_id, []).append(plan)
    return {flow_id: sorted(of_flow, key=lambda wait: -wait.count) for flow_id, of_flow in found.items()}


def _to_revalue(flows: Sequence[Flow]) -> Iterator[tuple[int, Wait]]:
    """Yield what a person has to revalue in the ledger, by flow. One query, where any flow keeps another currency as it is."""
    native = [flow for flow in flows if flow.home and not flow.converts]
    plans = Plan.objects.filter(to_revalue(), flow__in=native).only("flow_id", "exchange") if native else ()
    left: dict[tuple[int, str], list[int]] = {}
    for plan in plans:
        left.setdefault((plan.flow_id, plan.exchange["home"]), []).append(plan.exchange["residue"])
    for (flow_id, home), amounts in left.items():
        reason = f"Payouts left {shown(sum(amounts), home)} there: what exchange rates moved. It goes to exchange gain or loss."
        yield flow_id, Wait(REVALUE, "Revalue the clearing account", Place.SETTLEMENTS, len(amounts), reason, "")


def waits_of(plan: Plan) -> list[Wait]:
    """Return what waits for a person in one plan, the largest group first. One query."""
    held = Delivery.objects.filter(plan=plan, state__in=NEEDS_PERSON)
    groups = held.order_by().values_list("code").annotate(Count("pk"), Min("reason"), Min("action"))
    found = [Wait(code, *_WAITS.get(code, _REFUSED), count, reason, action) for code, count, reason, action in groups]
    return sorted(found, key=lambda wait: -wait.count)


def wait_of(row: Delivery) -> Wait:
    """Return why one document waits for a person."""
    return Wait(row.code, *_WAITS.get(row.code, _REFUSED), 1, row.reason, row.action)


def latest_plans(flows: Sequence[Flow], most: int = SHOWN_PLANS) -> dict[int, list[tuple[Plan, Standing]]]:
    """Return the newest settlements of each flow with their standing. Five queries."""
    newest = Window(RowNumber(), partition_by=F("flow_id"), order_by=F("settlement__ends_at").desc())
    plans = (
        plans_for_lists()
        .select_related("settlement")
        .filter(flow__in=flows)
        .exclude(state=Plan.State.UNDONE)
        .annotate(rank=newest)
        .filter(rank__lte=most)
        .order_by("flow_id", "rank")
    )
    listed = list(plans)
    held = Delivery.objects.filter(stopped(), plan__in=listed)
    waiting = dict(held.order_by().values_list("plan_id").annotate(Count("pk")))
    later, known = payout_days(listed), Payouts(plan.settlement for plan in listed)
    found: dict[int, list[tuple[Plan, Standing]]] = {}
    for plan in listed:
        shown = standing(
            plan.state,
            plan.proof or "",  # type: ignore[attr-defined]
            waiting.get(plan.pk, 0),
            bool(plan.differs),  # type: ignore[attr-defined]
            later.get(plan.pk),
            payout_failed=known.failed(plan.settlement),
        )
        found.setdefault(plan.flow_id, []).append((plan, shown))
    return found


def uncovered() -> list[Uncovered]:
    """Return what settlements there are that no flow takes. Two queries, three with several sellers."""
    kind = ("currency", "account_type", "seller_id")
    found = list(Settlement.objects.order_by(*kind).values_list(*kind).annotate(Count("pk")))
    flows = Flow.objects.values_list("currency", "account_type", "source__remote_id")
    taken = {(currency, account_type, seller_id or "") for currency, account_type, seller_id in flows}
    sellers = {seller_id for _, _, seller_id, _ in found}
    named = Connection.objects.filter(remote_id__in=sellers).values_list("remote_id", "remote_name")
    names = dict(named) if len(sellers) > 1 else {}
    return [
        Uncovered(
            currency,
            count,
            "" if account_type == STANDARD_ORDERS else account_type,
            (names.get(seller_id) or seller_id) if len(sellers) > 1 else "",
        )
        for currency, account_type, seller_id, count in found
        if (currency, account_type, seller_id) not in taken
    ]

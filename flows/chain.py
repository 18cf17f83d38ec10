"""The chain of settlements: of one seller, account type and currency, each starts exactly where the one before ended.

What carries over must agree: the next one gives back the reserve that was held, and opens with the debt that was left. A
break means that a settlement is missing; nobody can be told its rows, but its neighbours tell its period, and often more.

Files do not state their account type, so two kinds (standard and invoiced orders) may run side by side under one: then each
settlement follows the one that ends where it starts, and a strand that merely begins beside another one misses nothing.
Settlements that may be another seller's (see ``amazon.overlaps``) are nobody's neighbours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from django.urls import reverse

from amazon.models import Payout, Report, Settlement
from amazon.overlaps import doubt, doubted
from bookkeeping.money import shown
from bookkeeping.planned import Previous
from flows import history
from flows.models import Flow
from flows.verdicts import day
from kit import clock
from tenants.alerts import alert, settle_alert
from tenants.models import Alert

MISSING: Final = "settlement_missing"
OVERLAPS: Final = "settlement_overlaps"
HANDED_OUT_FOR: Final = timedelta(days=90)  # how long Amazon's interface lists a report


@dataclass(frozen=True, slots=True)
class Around:
    """The settlements around one. ``before`` ends exactly where it starts, ``after`` starts exactly where it ends.

    ``gap_after`` is the last one before a period of which nothing is known: at least one settlement is missing.
    ``parallel``: another one runs where it starts, so it follows none of them (an account of another type).
    """

    before: Settlement | None
    gap_after: Settlement | None
    after: Settlement | None
    parallel: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """At least one settlement is missing between two that are here."""

    before: Settlement
    after: Settlement

    @property
    def key(self) -> str:
        """Name the alert of the gap."""
        return f"gap:{self.before.pk}:{self.after.pk}"

    @property
    def too_old(self) -> bool:
        """Whether Amazon's interface no longer hands out what is missing, so that a person has to fetch it."""
        return self.before.ends_at < clock.now() - HANDED_OUT_FOR

    @property
    def period(self) -> str:
        return f"{day(self.before.ends_at.date())} to {day(self.after.starts_at.date())}"

    def told(self) -> list[str]:
        """Return what can be told of the money of what is missing, a sentence each. One query."""
        currency, found = self.after.currency, []
        for payout in self._payouts():
            of = f" for settlement {payout.settlement_id}" if payout.settlement_id else ""
            found.append(f"Amazon says that it paid out {shown(payout.amount or 0, payout.currency)}{of} in between.")
        if debt := self.after.opening_debt:
            found.append(
                f"The last one that is missing comes to {shown(debt, currency)}: the next one opens with that."
            )
        held, released = -self.before.reserve_held, self.after.reserve_released
        if held != released:
            found.append(
                f"It gives back a reserve of {shown(held, currency)} and the last one holds back {shown(released, currency)}."
            )
        return found

    def _payouts(self) -> Iterable[Payout]:
        own = Payout.objects.filter(connection=self.after.connection_id, expected=False, currency=self.after.currency)
        within = own.filter(starts_at__gte=self.before.ends_at - timedelta(days=1), amount__isnull=False)
        within = within.filter(ends_at__lte=self.after.starts_at + timedelta(days=1))
        return within.exclude(settlement_id__in=[self.before.settlement_id, self.after.settlement_id]).order_by("pk")


def around(flow: Flow, settlement: Settlement) -> Around:
    """Return a settlement's neighbours in the books of a flow."""
    others = history.settlements_of(flow).exclude(pk=settlement.pk).exclude(doubted())
    strands = _strands([*others, settlement])
    own = next(strand for strand in strands if settlement in strand)
    at = own.index(settlement)
    last = own[at - 1] if at else None
    after = own[at + 1] if at + 1 < len(own) and own[at + 1].starts_at == settlement.ends_at else None
    if last is not None and last.ends_at == settlement.starts_at:
        return Around(last, None, after)
    start = settlement.starts_at
    parallel = any(one.starts_at < start < one.ends_at for strand in strands for one in strand)
    if last is not None and history.ended_before(flow, last):
        last = None  # it is not in the books: what lies between does not concern them
    return Around(None, last, after, parallel)


def previous(flow: Flow, settlement: Settlement) -> Previous | None:
    """Return what the settlement before left behind, or the opening balances where the books begin with this one.

    None where neither is known: the settlement before is missing, or nobody said how the books begin.
    """
    found = around(flow, settlement)
    before = found.before
    if before is not None and not history.ended_before(flow, before):
        return Previous(before.total, before.reserve_held)
    stated = bool(flow.opening_clearing or flow.opening_reserve)
    if found.gap_after is None and not found.parallel and (stated or before is not None):
        return Previous(flow.opening_clearing, -flow.opening_reserve)
    return None


def gaps() -> list[Gap]:
    """Return every gap of the company that concerns books of its, the oldest first. Two queries, however many flows."""
    flows = list(Flow.objects.select_related("source").order_by("pk"))
    chains: dict[tuple[str, str, str], list[Settlement]] = {}
    for one in Settlement.objects.exclude(doubted()):
        chains.setdefault((one.seller_id, one.account_type, one.currency), []).append(one)
    found = [gap for settlements in chains.values() for gap in _gaps(settlements) if _concerns(gap, flows)]
    return sorted(found, key=lambda gap: (gap.before.ends_at, gap.before.pk))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a settlement stands, whatever the flow: its neighbours, and the gap before it."""

    before: Settlement | None = None
    after: Settlement | None = None
    gap: Gap | None = None


def place_of(settlement: Settlement) -> Place:
    """Return where a settlement stands. Two queries."""
    found = Settlement.objects.exclude(doubted()).filter(
        seller_id=settlement.seller_id, account_type=settlement.account_type, currency=settlement.currency
    )
    strand = next((strand for strand in _strands(found) if settlement in strand), [settlement])
    at = strand.index(settlement)
    before = strand[at - 1] if at else None
    after = strand[at + 1] if at + 1 < len(strand) and strand[at + 1].starts_at == settlement.ends_at else None
    if before is None or before.ends_at == settlement.starts_at:
        return Place(before, after)
    gap = Gap(before, settlement)
    return Place(None, after, gap if _concerns(gap, Flow.objects.select_related("source")) else None)


def tell() -> None:
    """Bring the alerts up to date: one for each gap, one for each settlement that overlaps others. What is mended settles."""
    wanted = set()
    for gap in gaps():
        wanted.add(gap.key)
        _tell_of_gap(gap)
    for settlement in Settlement.objects.filter(doubted()):
        if why := doubt(settlement):
            wanted.add(key := f"overlap:{settlement.pk}")
            alert(
                settlement.tenant_id,
                OVERLAPS,
                key,
                f"Settlement {settlement.settlement_id} overlaps another one",
                why,
                "Say whether it belongs to this account. Until then nothing of it is posted.",
                reverse("flows:belongs", args=[settlement.pk]),
            )
    open_ones = Alert.objects.filter(kind__in=[MISSING, OVERLAPS], settled_at__isnull=True).exclude(key__in=wanted)
    for tenant_id, key in list(open_ones.values_list("tenant_id", "key")):
        settle_alert(tenant_id, key)


def _tell_of_gap(gap: Gap) -> None:
    before, after = gap.before, gap.after
    text = f"Nothing is known of {gap.period}, between settlements {before.settlement_id} and {after.settlement_id}."
    if gap.too_old:
        action = "Amazon no longer hands it out by itself: download it in Seller Central and upload it here."
    elif Report.objects.filter(settlement=after, origin=Report.Origin.API).exists():
        action = "It is fetched by itself once Amazon lists it. If it is archived there, see how to get it."
    else:
        action = "Download it in Seller Central and upload it here."
    said = " ".join([text, *gap.told()])
    if Alert.objects.filter(key=gap.key, text=said).exclude(settled_at=None).exists():
        return  # a person has settled exactly this; the list of settlements goes on showing it
    title = f"A settlement is missing after {before.settlement_id}, in {after.currency}"
    alert(before.tenant_id, MISSING, gap.key, title, said, action, f"{reverse('flows:upload')}?before={after.pk}")


def _gaps(settlements: Iterable[Settlement]) -> Iterator[Gap]:
    for strand in _strands(settlements):
        for before, after in pairwise(strand):
            if before.ends_at != after.starts_at:
                yield Gap(before, after)


def _concerns(gap: Gap, flows: Iterable[Flow]) -> bool:
    """Whether books of the company have both sides of a gap."""
    of, before = (gap.before.seller_id, gap.before.account_type, gap.before.currency), gap.before
    taking = (
        one for one in flows if (one.source.remote_id if one.source else "", one.account_type, one.currency) == of
    )
    return any(not history.ended_before(flow, before) for flow in taking)


def _strands(found: Iterable[Settlement]) -> list[list[Settlement]]:
    """Sort one chain's settlements into strands. In each, the next starts where the one before ends, or after a gap."""
    strands: list[list[Settlement]] = []
    ordered = sorted(found, key=lambda one: (one.starts_at, one.ends_at, one.settlement_id))
    starts = {one.starts_at for one in ordered}
    for one in ordered:
        ended = [strand for strand in strands if strand[-1].ends_at <= one.starts_at]
        joining = [strand for strand in ended if strand[-1].ends_at == one.starts_at]
        # A strand that another settlement continues is not the one this settlement resumes after a gap.
        broken = [strand for strand in ended if strand[-1].ends_at not in starts]
        if joining or broken:
            candidates: Sequence[list[Settlement]] = joining or broken
            max(candidates, key=lambda strand: (*_fits(strand[-1], one), strand[-1].ends_at)).append(one)
        else:
            strands.append([one])
    return strands


def _fits(before: Settlement, after: Settlement) -> tuple[bool, bool]:
    """Whether the debt and the reserve that one settlement left are those with which the other one begins."""
    return after.opening_debt == min(before.total, 0), after.reserve_released == -before.reserve_held

"""How fast a company is asked, and how long it is left alone after it did not answer."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from flows import lanes, outcomes, progress
from flows.lanes import Lease
from flows.outcomes import SHORTEST_RETRY_S
from kit import clock
from kit.rate import RatePlan
from ledgers.port import AuthorizationLost, Call, Ledger, NotSent
from tenants import buckets, grants
from tenants.models import Access, Connection

SHORT_WAIT_S = 2.0  # waits up to this are slept where nobody else waits, longer ones let the lane rest
FOR_ALL = "app:"  # begins the names of limits that a provider sets for the application, over all companies
ALIKE = 4  # tokens of a shared limit that a step waits for, whatever it takes of them
A_DAY_S = 86400.0
OUTAGE = 6  # times in a row without an answer, after which people are told


class Resting(Exception):
    """Nothing more is asked of this company for a while; what is due stays due."""


class Aside(Resting):
    """Nothing more is asked over one connection; others to the company go on."""


class OutOfTokens(Resting):
    """It rests because of a limit that we keep to: nothing is wrong."""


def take(lease: Lease, ledger: Ledger, call: Call) -> None:
    """Take the call's tokens from the buckets that all processes share. Raises OutOfTokens where that would take long."""
    _take(lease, ledger.limits(call))


def owe(lease: Lease, ledger: Ledger, call: Call) -> None:
    """Count a request that a step makes beyond its first: it goes out whatever there is, and what is asked later waits for it.

    Were the step to stop until there is a token, it would begin anew: of a long list nobody would ever see the end.
    """
    plans = ledger.limits(call)
    own = {f"{lease.remote_key}:{name}": _seldom(plan) for name, plan in plans.items() if plan.spared}
    buckets.owe(own | {_key(lease, name): plan for name, plan in plans.items()})


@contextmanager
def together(lease: Lease, ledger: Ledger, calls: Iterable[Call]) -> Iterator[Callable[[Call], None]]:
    """Take the tokens of calls that belong together before the first of them; yields what pays for each, and gives back what was
    left. Raises OutOfTokens while they are not all there.

    Were each to wait for its own, the ones before it would be made and paid for anew with every try: where few tokens come in,
    nothing would ever be written. What a bucket cannot hold at once is taken as the calls go.
    """
    left: dict[str, RatePlan] = {}
    for call in calls:
        for name, plan in ledger.limits(call).items():
            cost = plan.cost + (left[name].cost if name in left else 0)
            left[name] = replace(plan, cost=min(cost, plan.burst - plan.spared))
    _take(lease, left)

    def pay(call: Call) -> None:
        plans = ledger.limits(call)
        there = {name: left[name].cost if name in left else 0 for name in plans}
        missing = {name: replace(each, cost=each.cost - there[name]) for name, each in plans.items()}
        _take(lease, {name: each for name, each in missing.items() if each.cost > 0}, begun=True)
        left.update({name: replace(each, cost=max(0, there[name] - each.cost)) for name, each in plans.items()})

    try:
        yield pay
    finally:
        buckets.give_back({_key(lease, name): plan for name, plan in left.items() if plan.cost})


def _take(lease: Lease, plans: Mapping[str, RatePlan], *, begun: bool = False) -> None:
    """Take of every bucket or of none. What is ``begun`` is finished, whoever waits, unless it takes long."""
    while wait_s := _lacks_s(lease, plans):
        if wait_s > SHORT_WAIT_S or (not begun and lanes.others_wait(lease)):
            lanes.rest(lease, wait_s, "Keeping to the ledger's rate limit")
            raise OutOfTokens
        time.sleep(wait_s)


def _lacks_s(lease: Lease, plans: Mapping[str, RatePlan]) -> float:
    """Take of every bucket or of none; return 0, or the seconds after which to ask again.

    The last tokens of a limit that all companies share (``RatePlan.spared``) are for those that asked seldom in the last day: a
    small one need not wait for what a large one leaves. The others wait for as many each: one that needs few at a time would
    else always be before one that needs more, and so whoever was served least lately is next.
    """
    keyed = {_key(lease, name): plan for name, plan in plans.items()}
    shared = {name: plan for name, plan in plans.items() if plan.spared}
    if not shared:
        return buckets.take_all(keyed)
    own = {f"{lease.remote_key}:{name}": _seldom(plan) for name, plan in shared.items()}
    freely = {key: replace(plan, spared=0) for key, plan in keyed.items()}
    wait_s = buckets.take_all(own | freely) if all(plan.cost <= plan.burst for plan in own.values()) else math.inf
    if not wait_s:
        return 0.0
    alike = {
        _key(lease, name): replace(plan, spared=plan.spared + max(0, ALIKE - plan.cost))
        for name, plan in shared.items()
    }
    return min(wait_s, buckets.take_all(keyed | alike))


def _seldom(plan: RatePlan) -> RatePlan:
    """Return how often a company may ask in a day and still count as one that asks seldom: two of them leave each other some."""
    calls = plan.spared // 2
    return RatePlan(calls / A_DAY_S, calls, plan.cost)


def _key(lease: Lease, name: str) -> str:
    """Return the name of a bucket: the company's, or its provider's in that environment."""
    shared_by = ":".join(lease.remote_key.split(":")[:2]) if name.startswith(FOR_ALL) else lease.remote_key
    return f"{shared_by}:{name}"


def shortest_retry_s(ledger: Ledger, call: Call) -> float:
    """Return the shortest pause before a document is sent again: the time between two calls to its company, at least a
    second."""
    own = [plan for name, plan in ledger.limits(call).items() if not name.startswith(FOR_ALL)]
    return max([SHORTEST_RETRY_S, *(1 / plan.rate_per_s for plan in own)])


def unreachable(lease: Lease, target: Connection, error: NotSent) -> Resting:
    """Nothing happened: let the lane rest as long as the remote asked, else with doubling patience up to 15 minutes.

    Where others open the company as well, the cause may be this connection's own consent, so it alone rests.
    """
    same = Connection.objects.filter(Connection.of_company(target.remote_key), state=Access.ACTIVE)
    if not same.exclude(pk=target.pk).exists():
        _rest(lease, str(error), error.after_s)
        return Resting()
    target.failures += 1
    wait_s = error.after_s or outcomes.back_off_s(target.failures, SHORTEST_RETRY_S)
    target.rests_until, target.rest_reason = clock.now() + timedelta(seconds=wait_s), str(error)[:200]
    target.save(update_fields=["failures", "rests_until", "rest_reason"])
    if target.failures == OUTAGE:
        progress.lane_stuck(lease.remote_key, str(error), target.tenant_id)
    return Aside()


def awake(target: Connection) -> None:
    """Raises Aside where nothing is to be asked over this connection now."""
    if target.rests_until is not None and target.rests_until > clock.now():
        raise Aside


def answered(lease: Lease, target: Connection) -> None:
    """Forget that calls to a company, or over this connection, had failed."""
    if lanes.healthy(lease):
        progress.lane_well(lease.remote_key)
    if target.failures:
        target.failures = 0
        target.save(update_fields=["failures"])
        progress.lane_well(lease.remote_key, target.tenant_id)


def faulty(lease: Lease, error: Exception) -> None:
    """A fault of ours must not spin: the lane rests, says so, and is tried again."""
    _rest(lease, f"Tieout met a fault of its own ({type(error).__name__})")


def _rest(lease: Lease, reason: str, wait_s: float = 0) -> None:
    patience_s = outcomes.back_off_s(lanes.failures(lease) + 1, SHORTEST_RETRY_S)
    if lanes.fail(lease, wait_s or patience_s, reason) == OUTAGE:
        progress.lane_stuck(lease.remote_key, reason)


def shut_out(target: Connection, error: AuthorizationLost) -> Resting:
    """A person has to connect the company again: its rows wait as they are, and are due again once somebody did."""
    grants.lost(target, str(error))
    return Aside()

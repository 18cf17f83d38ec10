"""How fast a company is asked, and how long it is left alone after it did not answer."""

import time

from flows import lanes, outcomes, progress
from flows.lanes import Lease
from flows.outcomes import SHORTEST_RETRY_S
from ledgers.port import AuthorizationLost, Call, Ledger, NotSent
from tenants import buckets, grants
from tenants.models import Connection

SHORT_WAIT_S = 2.0  # waits up to this are slept where nobody else waits, longer ones let the lane rest
FOR_ALL = "app:"  # begins the names of limits that a provider sets for the application, over all companies
OUTAGE = 6  # times in a row without an answer, after which people are told


class Resting(Exception):
    """Nothing more is asked of this company for a while; what is due stays due."""


def take(lease: Lease, ledger: Ledger, call: Call) -> None:
    """Take the call's tokens from the buckets that all processes share. Raises Resting where that would take long."""
    for name, plan in ledger.limits(call).items():
        while wait_s := buckets.take(f"{_shared_by(lease, name)}:{name}", plan):
            if wait_s > SHORT_WAIT_S or lanes.others_wait(lease):
                lanes.rest(lease, wait_s, "Keeping to the ledger's rate limit")
                raise Resting
            time.sleep(wait_s)


def _shared_by(lease: Lease, name: str) -> str:
    """Return whose bucket it is: the company's, or its provider's in that environment."""
    return ":".join(lease.remote_key.split(":")[:2]) if name.startswith(FOR_ALL) else lease.remote_key


def shortest_retry_s(ledger: Ledger, call: Call) -> float:
    """Return the shortest pause before a document is sent again: the time between two calls to its company, at least a
    second."""
    own = [plan for name, plan in ledger.limits(call).items() if not name.startswith(FOR_ALL)]
    return max([SHORTEST_RETRY_S, *(1 / plan.rate_per_s for plan in own)])


def unreachable(lease: Lease, error: NotSent) -> Resting:
    """Nothing happened: let the lane rest as long as the remote asked, else with doubling patience up to 15 minutes."""
    _rest(lease, str(error), error.after_s)
    return Resting()


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
    return Resting()

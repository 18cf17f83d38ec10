"""How often Amazon lets us call: the published plans as data, one bucket per (application, seller, operation).

An answer that says we were too fast carries no limit and no Retry-After, so calls are paced from this table alone.
Source: SP-API usage plans, defaults, rate per second and burst; a seller's real plan is never below them.
"""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from django.conf import settings

from kit.rate import RatePlan
from tenants import buckets
from tenants.models import Connection


class Priority(IntEnum):
    """Who wants a call. The value is how many tokens of the bucket are left to those who come before."""

    PERSON = 0
    NOTICE = 1
    SCHEDULE = 2
    BACKFILL = 4


# Nobody else asks for reports; and a month of history waits for nothing but the calls themselves, so it leaves one call for
# documents, and takes none while settlements are being fetched (amazon.backfill).
_LEFT_BY_BACKFILL: Final = {"createReport": 0, "getReportDocument": 1}
_ON_THE_WAY_S: Final = 1.0  # until a call arrives: of a full bucket, Amazon counts what flows in from there
# Our count was ahead of Amazon's by some part of a token. With none owed, a rate 5 % below the published one has one call in twenty
# refused; this makes it one in thirty, and no call is made later for it: what we do not take is there at Amazon.
_OWED_AFTER_REFUSAL: Final = 0.5
NAMED: Final = "named_by_amazon"  # in a connection's data: an answer of Amazon's named the seller
PLANS: Final = {
    "marketplaceParticipations": RatePlan(0.016, 15),
    "getReports": RatePlan(0.0222, 10),
    "createReport": RatePlan(0.0167, 15),
    "getReport": RatePlan(2.0, 15),
    "getReportDocument": RatePlan(0.0167, 15),
    "searchOrders": RatePlan(0.0056, 20),
    "getOrder": RatePlan(0.5, 30),
    "listFinancialEventGroups": RatePlan(0.5, 30),
    "listTransactions": RatePlan(0.5, 10),
    "listBalances": RatePlan(0.5, 10),
    "listSummary": RatePlan(0.5, 10),
    "listPayouts": RatePlan(0.5, 10),
    "listExpectedPayouts": RatePlan(0.5, 10),
    "createDestination": RatePlan(1.0, 5),
    "getDestinations": RatePlan(1.0, 5),
    "deleteDestination": RatePlan(1.0, 5),
    "createSubscription": RatePlan(1.0, 5),
    "getSubscription": RatePlan(1.0, 5),
    "deleteSubscriptionById": RatePlan(1.0, 5),
    "sendTestNotification": RatePlan(1.0, 5),
    "rotateApplicationClientSecret": RatePlan(0.0167, 1),
}


def plan(operation: str) -> RatePlan:
    """Return the plan of an operation, its rate times ``AMAZON_RATE_SCALE`` (1 at Amazon, more against a stand-in)."""
    published = PLANS[operation]
    return RatePlan(published.rate_per_s * settings.AMAZON_RATE_SCALE, published.burst, late_s=_ON_THE_WAY_S)


@dataclass(frozen=True, slots=True)
class Pacer:
    """The turns of all who call for one seller with one application, in every process.

    ``account`` is the seller as Amazon itself has named it, else the authorization: anybody can say that they are this
    seller, and would slow its owner down.
    """

    application: str
    account: str
    priority: Priority = Priority.SCHEDULE

    def take(self, operation: str) -> float:
        """Return 0 when a call is allowed now, else the seconds to wait before asking again."""
        full = plan(operation)
        spared = _LEFT_BY_BACKFILL.get(operation) if self.priority is Priority.BACKFILL else None
        spared = self.priority if spared is None else spared
        return buckets.take(self._key(operation), replace(full, spared=min(spared, full.burst - full.cost)))

    def too_fast(self, operation: str) -> None:
        """Amazon refused a call that we had a token for: nobody else needs to try what is left."""
        buckets.empty(self._key(operation), _OWED_AFTER_REFUSAL)

    def left(self) -> dict[str, float]:
        """Return how many calls may be made at once, for each operation that was called before."""
        found = {operation: buckets.level(self._key(operation), plan(operation)) for operation in PLANS}
        return {operation: tokens for operation, tokens in found.items() if tokens is not None}

    def _key(self, operation: str) -> str:
        return f"amazon:{self.application}:{self.account}:{operation}"


def pacer(connection: Connection, priority: Priority = Priority.SCHEDULE) -> Pacer:
    """Return the turns of a connection."""
    application = connection.grant.application or settings.AMAZON_CLIENT_ID
    account = connection.remote_id if connection.data.get(NAMED) else f"grant:{connection.grant_id}"
    return Pacer(application, f"{connection.environment}:{account}", priority)

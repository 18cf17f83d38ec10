"""How often Amazon lets us call: the published plans as data, one bucket per (application, authorization, operation).

An answer that says we were too fast carries no limit and no Retry-After, so calls are paced from this table alone.
Source: SP-API usage plans, defaults, rate per second and burst; a seller's real plan is never below them.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings

from kit.rate import RatePlan
from tenants.buckets import take

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
}


def plan(operation: str) -> RatePlan:
    """Return the plan of an operation, its rate times ``AMAZON_RATE_SCALE`` (1 at Amazon, more against a stand-in)."""
    published = PLANS[operation]
    return RatePlan(published.rate_per_s * settings.AMAZON_RATE_SCALE, published.burst)


def pacer(application: str, authorization: str) -> Callable[[str], float]:
    """Return ``take(operation)``: 0 when a call is allowed now, else the seconds to wait before asking again."""
    return lambda operation: take(f"amazon:{application}:{authorization}:{operation}", plan(operation))

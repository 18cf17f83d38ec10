"""Usage plans: one token bucket per application, seller and operation; per application alone for a grantless one.

A request takes one token whether it succeeds or not. The answer to an empty bucket tells nothing about when to come
back. Source: the ``Usage Plan`` tables of the official models; the sandbox host has one plan for everything.
"""

from datetime import datetime
from typing import NamedTuple

from sandbox.store import Store


class Plan(NamedTuple):
    """``rate`` tokens per second flow in, at most ``burst`` are kept."""

    rate: float
    burst: int


_SOON = Plan(0.5, 30)
_MONEY = Plan(0.5, 10)
_REPORTS = Plan(0.0222, 10)
_TOLD = Plan(1, 5)

PLANS = {
    "searchOrders": Plan(0.0056, 20),
    "getOrder": _SOON,
    "getOrders": Plan(0.0167, 20),
    "getOrderV0": _SOON,
    "getOrderBuyerInfo": _SOON,
    "getOrderAddress": _SOON,
    "getOrderItems": _SOON,
    "getOrderItemsBuyerInfo": _SOON,
    "getReports": _REPORTS,
    "getReport": Plan(2, 15),
    "createReport": Plan(0.0167, 15),
    "cancelReport": _REPORTS,
    "createReportSchedule": _REPORTS,
    "getReportSchedules": _REPORTS,
    "getReportSchedule": _REPORTS,
    "cancelReportSchedule": _REPORTS,
    "getReportDocument": Plan(0.0167, 15),
    "listFinancialEventGroups": _SOON,
    "listFinancialEventsByGroupId": _SOON,
    "listFinancialEventsByOrderId": _SOON,
    "listFinancialEvents": _SOON,
    "listTransactions": _MONEY,
    "listBalances": _MONEY,
    "listSummary": _MONEY,
    "listPayouts": _MONEY,
    "listExpectedPayouts": _MONEY,
    "getPaymentMethods": _SOON,
    "initiatePayout": Plan(0.017, 2),
    "getMarketplaceParticipations": Plan(0.016, 15),
    "getAccount": Plan(0.016, 15),
    "createRestrictedDataToken": Plan(1, 10),
    "createDestination": _TOLD,
    "getDestinations": _TOLD,
    "getDestination": _TOLD,
    "deleteDestination": _TOLD,
    "createSubscription": _TOLD,
    "getSubscription": _TOLD,
    "getSubscriptions": _TOLD,
    "getSubscriptionById": _TOLD,
    "deleteSubscriptionById": _TOLD,
    "sendTestNotification": _TOLD,
    "rotateApplicationClientSecret": Plan(0.0167, 1),
}
SANDBOX_PLAN = Plan(5, 15)


class Buckets:
    def __init__(self, store: Store) -> None:
        self._store = store

    def plan(self, seller_id: str, operation: str) -> Plan:
        """The plan of an operation; busy sellers may have a higher one of their own."""
        own = self._store.get("plan", operation, scope=seller_id)
        return Plan(float(own["rate"]), int(own["burst"])) if own else PLANS[operation]

    def set_plan(self, seller_id: str, operation: str, rate: str, burst: int) -> None:
        if operation not in PLANS:
            raise KeyError(operation)
        self._store.put("plan", operation, {"rate": str(float(rate)), "burst": burst}, scope=seller_id)

    def take(self, key: str, plan: Plan, now: datetime) -> bool:
        """Take one token; False when there is none."""
        kept = self._store.get("bucket", key)
        tokens = float(plan.burst)
        if kept:
            passed = max(0.0, (now - datetime.fromisoformat(kept["at"])).total_seconds())
            tokens = min(float(plan.burst), float(kept["tokens"]) + passed * plan.rate)
        # A token that is due now must not be missing by the last bit of a sum of fractions.
        if taken := tokens >= 1 - 1e-9:
            tokens -= 1
        self._store.put("bucket", key, {"tokens": repr(tokens), "at": now.isoformat()})
        return taken

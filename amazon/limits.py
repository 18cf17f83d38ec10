"""What Amazon's limits leave of a seller's calls at this moment, for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from amazon import notice_health
from amazon.rates import Pacer, pacer, plan
from tenants.models import Connection
from tenants.providers import Panel

_CALLED: Final[Mapping[str, str]] = {
    "marketplaceParticipations": "Marketplaces of the seller",
    "getReports": "Lists of reports",
    "createReport": "Requests for reports",
    "getReport": "States of reports",
    "getReportDocument": "Report files",
    "searchOrders": "Lists of orders",
    "getOrder": "Single orders",
    "listFinancialEventGroups": "Transfers",
    "listTransactions": "Transactions",
    "listBalances": "Balances",
    "listSummary": "Summaries of settlements",
    "listPayouts": "Payouts",
    "listExpectedPayouts": "Expected payouts",
    "createSubscription": "Subscriptions to notifications",
    "getSubscription": "States of subscriptions",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """``left`` of ``burst`` calls may be made at once; another one is added every ``every_s`` seconds."""

    what: str
    operation: str
    left: int
    burst: int
    every_s: float

    @property
    def used_up(self) -> bool:
        return self.left == 0


def limits(turns: Pacer) -> list[Limit]:
    """Return the limit of each operation that was called before, the scarcest first."""
    found = []
    for operation, tokens in turns.left().items():
        full = plan(operation)
        found.append(Limit(_CALLED.get(operation, operation), operation, int(tokens), full.burst, 1 / full.rate_per_s))
    return sorted(found, key=lambda one: (one.left / one.burst, one.what))


def panels(connection: Connection) -> list[Panel]:
    """Return what a seller's connection shows beside what every connection does."""
    return [*notice_health.panels(connection), Panel("amazon/_limits.html", limits(pacer(connection)))]

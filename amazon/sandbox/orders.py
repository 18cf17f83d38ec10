"""Orders API 2026-01-01: searchOrders and getOrder.

Stored orders are complete; what is shown depends on ``includedData`` and on the order's state. Source: official model
orders_2026-01-01 and its parameter descriptions.
"""

from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import Refused, denied, error, invalid
from amazon.sandbox.lwa import ORDERS_ROLE, Caller
from amazon.sandbox.signed import Signer
from amazon.sandbox.times import instant, number, words, written
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import json_response

STATUSES = (
    "PENDING_AVAILABILITY",
    "PENDING",
    "UNSHIPPED",
    "PARTIALLY_SHIPPED",
    "SHIPPED",
    "CANCELLED",
    "UNFULFILLABLE",
)
FULFILLERS = ("MERCHANT", "AMAZON")
MOST_MARKETPLACES = 50
PAGE_SIZE = 100
TOKEN_LIVES = timedelta(hours=24)
NEWEST = timedelta(minutes=2)
"""No upper bound may be younger than this; without one it is what the answer covers."""
HISTORY = timedelta(days=730)

DATA_SETS = {
    "BUYER": ("buyer",),
    "RECIPIENT": ("recipient",),
    "PROCEEDS": ("proceeds",),
    "EXPENSE": ("expense",),
    "PROMOTION": ("promotion",),
    "CANCELLATION": ("cancellation",),
    "FULFILLMENT": ("fulfillment",),
    "PACKAGES": ("packages",),
    "TAX": ("tax",),
    "PAYMENT": ("payment",),
    "FULFILLMENT_ORDERS": ("fulfillmentOrders",),
}
_PERSONAL = ("BUYER", "RECIPIENT")
_PERSONAL_ROLES = ("Direct-to-Consumer Shipping", "Tax Invoicing")
_OPTIONAL = {part for parts in DATA_SETS.values() for part in parts}
_BOUND = (
    "createdAfter",
    "createdBefore",
    "lastUpdatedAfter",
    "lastUpdatedBefore",
    "marketplaceIds",
    "fulfillmentStatuses",
    "fulfilledBy",
)
_BAD_TOKEN = (
    "The paginationToken is not valid. All parameters must match the original request except maxResultsPerPage."
)


class Orders:
    def __init__(self, store: Store, clock: Clock, signer: Signer) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        store.index("order", "$.createdTime")
        store.index("order", "$.lastUpdatedTime")

    def search(
        self, request: Request, caller: Caller, *, visible_after_s: int, newest_first: bool, buyers: str
    ) -> Response:
        """GET /orders/2026-01-01/orders."""
        included = self._included(request, caller, buyers)
        field, after, before = self._window(request)
        statuses = words(request, "fulfillmentStatuses", STATUSES)
        fulfillers = words(request, "fulfilledBy", FULFILLERS)
        marketplaces = words(request, "marketplaceIds", most=MOST_MARKETPLACES)
        size = number(request, "maxResultsPerPage", PAGE_SIZE, PAGE_SIZE)
        start = 0
        if "paginationToken" in request.args:
            start, before = self._resumed(request, caller)
        oldest = self._clock.now() - HISTORY
        youngest = written(self._clock.now() - timedelta(seconds=visible_after_s))
        found = [
            order
            for order in self._store.between(
                "order", f"$.{field}", written(max(after, oldest)), written(before), caller.seller_id
            )
            if order["createdTime"] <= youngest
            and (not statuses or order["fulfillment"]["fulfillmentStatus"] in statuses)
            and (not fulfillers or order["fulfillment"]["fulfilledBy"] in fulfillers)
            and (not marketplaces or order["salesChannel"]["marketplaceId"] in marketplaces)
        ]
        found.sort(key=lambda order: (order[field], order["orderId"]), reverse=newest_first)
        answer: dict[str, Any] = {"orders": [shown(order, included) for order in found[start : start + size]]}
        if start + size < len(found):
            answer["pagination"] = {"nextToken": self._token(request, caller, start + size, before)}
        answer["createdBefore" if field == "createdTime" else "lastUpdatedBefore"] = written(before)
        return json_response(answer)

    def get(self, request: Request, caller: Caller, order_id: str, *, visible_after_s: int, buyers: str) -> Response:
        """GET /orders/2026-01-01/orders/{orderId}."""
        included = self._included(request, caller, buyers)
        order = self._store.get("order", order_id, scope=caller.seller_id)
        youngest = written(self._clock.now() - timedelta(seconds=visible_after_s))
        if order is None or order["createdTime"] > youngest:
            raise Refused(error(404, f"Order {order_id} is not found."))
        return json_response({"order": shown(order, included)})

    def _included(self, request: Request, caller: Caller, buyers: str) -> list[str]:
        if ORDERS_ROLE not in caller.roles:
            raise denied("The application is not authorized for the role of this operation.")
        included = words(request, "includedData", DATA_SETS)
        may = set(_PERSONAL_ROLES) & set(caller.roles)
        if buyers == "by role" and not may and set(_PERSONAL) & set(included):
            raise denied("Buyer and recipient data need a role this application does not have.")
        return [
            name for name in included if name not in _PERSONAL or (may and buyers == "by role") or buyers == "given"
        ]

    def _window(self, request: Request) -> tuple[str, datetime, datetime]:
        """The time that is searched, its lower and its upper bound, both inclusive."""
        kinds = [kind for kind in ("created", "lastUpdated") if f"{kind}After" in request.args]
        if len(kinds) != 1:
            raise invalid("Exactly one of createdAfter and lastUpdatedAfter is required.")
        (kind,) = kinds
        other = "lastUpdated" if kind == "created" else "created"
        if f"{other}Before" in request.args:
            raise invalid(f"{other}Before cannot be combined with {kind}After.")
        after = instant(request, f"{kind}After")
        before = instant(request, f"{kind}Before")
        newest = self._clock.now() - NEWEST
        # Amazon does not say that this is what is wrong.
        if after is None or (before or newest) > newest or (before or newest) < after:
            raise invalid()
        return f"{kind}Time", after, before or newest

    def _token(self, request: Request, caller: Caller, start: int, before: datetime) -> str:
        until = (self._clock.now() + TOKEN_LIVES).isoformat()
        if "paginationToken" in request.args:
            kept = self._signer.value(request.args["paginationToken"]) or {}
            until = kept.get("until", until)
        return self._signer.token(
            {
                "seller": caller.seller_id,
                "bound": {name: request.args.get(name) for name in _BOUND},
                "start": start,
                "before": before.isoformat(),
                "until": until,
            }
        )

    def _resumed(self, request: Request, caller: Caller) -> tuple[int, datetime]:
        kept = self._signer.value(request.args["paginationToken"])
        same = kept is not None and kept.get("bound") == {name: request.args.get(name) for name in _BOUND}
        if kept is None or not same or kept["seller"] != caller.seller_id:
            raise invalid(message=_BAD_TOKEN)
        if datetime.fromisoformat(kept["until"]) <= self._clock.now():
            raise invalid(message=_BAD_TOKEN)
        return int(kept["start"]), datetime.fromisoformat(kept["before"])


def shown(order: dict[str, Any], included: list[str]) -> dict[str, Any]:
    """An order with the data sets that were asked for; an unpaid one shows no money."""
    wanted = {part for name in included for part in DATA_SETS[name]}
    unpaid = order["fulfillment"]["fulfillmentStatus"] in ("PENDING", "PENDING_AVAILABILITY")
    if unpaid:
        wanted -= {"proceeds", "payment", "tax"}
    hidden = _OPTIONAL - wanted

    def without(part: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in part.items() if name not in hidden}

    made = without(order)
    made["orderItems"] = [without(item) for item in order["orderItems"]]
    for item in made["orderItems"] if unpaid else []:
        item["product"] = {name: value for name, value in item["product"].items() if name != "price"}
    return made

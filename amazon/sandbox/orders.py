"""Orders API 2026-01-01: searchOrders and getOrder.

Orders are kept complete; what is shown depends on ``includedData`` and on the order's state. Pages follow one another by
the key of the last order seen, so a walk through the longest history holds one page at a time. Source: official model
orders_2026-01-01 and its parameter descriptions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import Refused, denied, error, invalid
from amazon.sandbox.lwa import ORDERS_ROLE, Caller
from amazon.sandbox.order_book import OrderBook
from amazon.sandbox.proceeds import SWITCHES as PROCEEDS_SWITCHES
from amazon.sandbox.proceeds import stated
from amazon.sandbox.signed import Signer
from amazon.sandbox.times import instant, number, words, written
from sandbox.clock import Clock
from sandbox.seller.history import Key
from sandbox.switches import Switch
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
UNPAID = ("PENDING", "PENDING_AVAILABILITY")
FULFILLERS = ("MERCHANT", "AMAZON")
MOST_MARKETPLACES = 50
PAGE_SIZE = 100
TOKEN_LIVES = timedelta(hours=24)
NEWEST = timedelta(minutes=2)
"""No upper bound may be younger than this; without one it is what the answer covers."""
HISTORY = timedelta(days=730)
LONG_HISTORY = datetime(2016, 1, 1, tzinfo=UTC)
WITH_LONG_HISTORY = ("A19VAU5U5O7RUS", "A39IBJ37TRP1C6", "A1VC38T7YXB528")  # SG, AU, JP

SWITCHES: Final = (
    Switch("order_visible_after_s", (180,), "seconds until an order appears in the Orders API"),
    Switch(
        "buyers",
        ("by role", "given", "left out"),
        "buyer and recipient data: refused without a restricted role, given to anybody, or left out of the answer",
    ),
    Switch("order_sequence", ("oldest first", "newest first", "out of order"), "how searchOrders sorts its pages"),
    Switch(
        "order_pages",
        ("once", "token loop", "duplicated page"),
        "page tokens of searchOrders: each page once, the second one for ever, or the first one twice",
    ),
    *PROCEEDS_SWITCHES,
)

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


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The switches of this module as they stand for the caller."""

    visible_after_s: int
    buyers: str
    sequence: str
    pages: str
    prices: str
    discounts: str


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk through pages goes on: up to which moment, after which order, until when its token lives."""

    before: datetime
    until: datetime
    after: Key | None = None


class Orders:
    def __init__(self, book: OrderBook, clock: Clock, signer: Signer) -> None:
        self._book = book
        self._clock = clock
        self._signer = signer

    def search(self, request: Request, caller: Caller, rules: OrderRules) -> Response:
        """GET /orders/2026-01-01/orders."""
        included = self._included(request, caller, rules.buyers)
        field, after, before = self._window(request)
        statuses = words(request, "fulfillmentStatuses", STATUSES)
        fulfillers = words(request, "fulfilledBy", FULFILLERS)
        marketplaces = words(request, "marketplaceIds", most=MOST_MARKETPLACES)
        size = number(request, "maxResultsPerPage", PAGE_SIZE, PAGE_SIZE)
        place = _Place(before, self._clock.now() + TOKEN_LIVES)
        if "paginationToken" in request.args:
            place = self._resumed(request, caller)
        found = (
            order
            for order in self._walk(caller.seller_id, field, after, place, rules.sequence)
            if self._is_there(order, rules.visible_after_s)
            and (not statuses or status_of(order) in statuses)
            and (not fulfillers or order.get("fulfillment", {}).get("fulfilledBy") in fulfillers)
            and (not marketplaces or order["salesChannel"].get("marketplaceId") in marketplaces)
        )
        page = list(islice(found, size + 1))
        answer: dict[str, Any] = {"orders": [_shown(order, included, rules) for order in page[:size]]}
        if len(page) > size:
            last = _key(page[size - 1], field, rules.sequence)
            answer["pagination"] = {"nextToken": self._next(request, caller, place, last, rules.pages)}
        answer["createdBefore" if field == "createdTime" else "lastUpdatedBefore"] = written(place.before)
        return json_response(answer)

    def _walk(
        self, seller_id: str, field: str, low: datetime, place: _Place, sequence: str
    ) -> Iterator[dict[str, Any]]:
        if sequence != "out of order":
            newest_first = sequence == "newest first"
            yield from self._book.walk(
                seller_id, field, low, place.before, after=place.after, newest_first=newest_first
            )
            return
        everything = self._book.walk(seller_id, field, low, place.before)
        for order in sorted(everything, key=lambda each: _key(each, field, sequence)):
            if place.after is None or _key(order, field, sequence) > place.after:
                yield order

    def _is_there(self, order: dict[str, Any], visible_after_s: int) -> bool:
        """Orders appear some minutes after the purchase, and are kept for two years, in some countries for longer."""
        now = self._clock.now()
        long = order["salesChannel"].get("marketplaceId") in WITH_LONG_HISTORY
        oldest = LONG_HISTORY if long else now - HISTORY
        return written(oldest) <= str(order["createdTime"]) <= written(now - timedelta(seconds=visible_after_s))

    def get(self, request: Request, caller: Caller, order_id: str, rules: OrderRules) -> Response:
        """GET /orders/2026-01-01/orders/{orderId}."""
        included = self._included(request, caller, rules.buyers)
        order = self._book.get(caller.seller_id, order_id)
        if order is None or not self._is_there(order, rules.visible_after_s):
            raise Refused(error(404, f"Order {order_id} is not found."))
        return json_response({"order": _shown(order, included, rules)})

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

    def _next(self, request: Request, caller: Caller, place: _Place, last: Key, pages: str) -> str:
        given = request.args.get("paginationToken")
        if pages == "token loop" and given:
            return given
        repeats = pages == "duplicated page" and not given
        return self._signer.token(
            {
                "seller": caller.seller_id,
                "bound": {name: request.args.get(name) for name in _BOUND},
                "after": [] if repeats else list(last),
                "before": place.before.isoformat(),
                "until": place.until.isoformat(),
            }
        )

    def _resumed(self, request: Request, caller: Caller) -> _Place:
        kept = self._signer.value(request.args["paginationToken"])
        same = kept is not None and kept.get("bound") == {name: request.args.get(name) for name in _BOUND}
        if kept is None or not same or kept["seller"] != caller.seller_id:
            raise invalid(message=_BAD_TOKEN)
        before, until = (datetime.fromisoformat(kept[name]) for name in ("before", "until"))
        if until <= self._clock.now():
            raise invalid(message=_BAD_TOKEN)
        return _Place(before, until, (kept["after"][0], kept["after"][1]) if kept["after"] else None)


def _key(order: dict[str, Any], field: str, sequence: str) -> Key:
    """What pages are sorted by. Out of order: by the end of the id, which has nothing to do with time."""
    return (order["orderId"][::-1] if sequence == "out of order" else order[field], order["orderId"])


def status_of(order: dict[str, Any]) -> str:
    """An order's fulfilment status; "" for one that has none, which the model allows."""
    return str(order.get("fulfillment", {}).get("fulfillmentStatus", ""))


def _shown(order: dict[str, Any], included: list[str], rules: OrderRules) -> dict[str, Any]:
    """An order with the data sets that were asked for; an unpaid one shows no money."""
    order = stated(order, prices=rules.prices, discounts=rules.discounts)
    wanted = {part for name in included for part in DATA_SETS[name]}
    unpaid = status_of(order) in UNPAID
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

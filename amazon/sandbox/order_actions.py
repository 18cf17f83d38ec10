"""What a tester can do to orders: the actions of ``/_control/do/`` that are about them."""

import copy
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from amazon.sandbox.order_book import OrderBook
from amazon.sandbox.orders import STATUSES
from amazon.sandbox.telling import Silent, Teller
from amazon.sandbox.times import written
from sandbox.clock import Clock
from sandbox.seller import MARKETPLACES, History

_LINKS: Final = ("REPLACEMENT_ORIGINAL_ID", "EXCHANGE_ORIGINAL_ID")
_YEARS: Final = timedelta(days=728)
_SETTLED: Final = timedelta(days=3)
"""The last order of a history is older than this, so that all of them have been shipped by now."""


class OrderActions:
    """``register`` lets a seller exist: seller id, store name, country."""

    def __init__(
        self, book: OrderBook, clock: Clock, register: Callable[[str, str, str], None], teller: Teller | None = None
    ) -> None:
        self._book = book
        self._clock = clock
        self._register = register
        self.teller = teller or Silent()

    def actions(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {
            "history": self._history,
            "put_order": self._put,
            "update_order": self._update,
            "replace_order": self._replace,
            "odd_orders": self._odd,
        }

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let a seller have ``orders`` orders in ``country`` between ``starts_at`` and ``ends_at`` (two years, to three days
        ago), beside those it has; answers their truth."""
        seller_id, country = given["seller_id"], given.get("country", "US")
        now = self._clock.now()
        ends_at = datetime.fromisoformat(given["ends_at"]) if "ends_at" in given else now - _SETTLED
        starts_at = datetime.fromisoformat(given["starts_at"]) if "starts_at" in given else now - _YEARS
        if int(given["orders"]) < 1 or starts_at >= ends_at:
            raise ValueError("orders is at least 1, and starts_at is before ends_at")
        number = self._book.histories(seller_id) + 1
        history = History(int(given["orders"]), starts_at, ends_at, country, int(given.get("seed", 1)), number)
        self._register(seller_id, given.get("store_name", "Long Standing Goods"), country)
        self._book.add_history(seller_id, history)
        return history.truth()

    def _put(self, given: dict[str, Any]) -> dict[str, Any]:
        """Add or replace an order, given complete in the shape of the Orders API."""
        self._book.put(given["seller_id"], given["order"])
        return {}

    def _update(self, given: dict[str, Any]) -> dict[str, str]:
        """Change an order as Amazon or the seller would, now or at ``at``: its ``status``, and with it the units of each item
        that have been shipped (``shipped``: item id → units; else none, half or all of them) or who cancelled it
        (``cancelled_by``)."""
        seller_id, status = given["seller_id"], given["status"]
        order = self._known(seller_id, given["order_id"])
        if status not in STATUSES:
            raise ValueError(f"status is one of {', '.join(STATUSES)}")
        order["fulfillment"]["fulfillmentStatus"] = status
        order["lastUpdatedTime"] = given["at"] if "at" in given else written(self._clock.now())
        for item in order["orderItems"]:
            ordered = item["quantityOrdered"]
            usual = {"SHIPPED": ordered, "PARTIALLY_SHIPPED": ordered // 2}.get(status, 0)
            done = given.get("shipped", {}).get(item["orderItemId"], usual)
            item["fulfillment"] = {"quantityFulfilled": done, "quantityUnfulfilled": ordered - done}
            if status == "CANCELLED":
                item["fulfillment"]["quantityUnfulfilled"] = 0
                execution = {"cancelledBy": given.get("cancelled_by", "BUYER"), "cancelReason": "CUSTOMER_CANCELLED"}
                item["cancellation"] = {"cancellationExecution": execution}
        self._book.put(seller_id, order)
        self.teller.tell("ORDER_CHANGE", seller_id, order)
        return {"lastUpdatedTime": order["lastUpdatedTime"]}

    def _replace(self, given: dict[str, Any]) -> dict[str, str]:
        """Send the goods of an order again, for nothing: a new order that names the old one; ``as`` says as what."""
        seller_id, kind = given["seller_id"], given.get("as", "REPLACEMENT_ORIGINAL_ID")
        if kind not in _LINKS:
            raise ValueError(f"as is one of {', '.join(_LINKS)}")
        original = self._known(seller_id, given["order_id"])
        now = written(self._clock.now())
        made = _without_price(original) | {
            "orderId": _another_id(original["orderId"], "7"),
            "orderAliases": [],
            "createdTime": now,
            "lastUpdatedTime": now,
            "associatedOrders": [{"orderId": original["orderId"], "associationType": kind}],
        }
        made["fulfillment"]["fulfillmentStatus"] = "UNSHIPPED"
        made.pop("packages", None)
        for item in made["orderItems"]:
            item["fulfillment"] = {"quantityFulfilled": 0, "quantityUnfulfilled": item["quantityOrdered"]}
        self._book.put(seller_id, made)
        self.teller.tell("ORDER_CHANGE", seller_id, made)
        return {"order_id": made["orderId"]}

    def _odd(self, given: dict[str, Any]) -> dict[str, str]:
        """Copies of an order that a strict reader would choke on, each with one oddity; answers oddity → order id."""
        seller_id = given["seller_id"]
        original = self._known(seller_id, given["order_id"])
        made = {}
        for number, (oddity, change) in enumerate(_ODDITIES.items()):
            order = copy.deepcopy(original)
            order["orderId"] = _another_id(original["orderId"], str(number))
            change(order)
            self._book.put(seller_id, order)
            made[oddity] = str(order["orderId"])
        return made

    def _known(self, seller_id: str, order_id: str) -> dict[str, Any]:
        order = self._book.get(seller_id, order_id)
        if order is None:
            raise KeyError(order_id)
        return order


def _another_id(order_id: str, digit: str) -> str:
    """An id like this one that no other order has: the seller's orders do not begin with 2 or 3."""
    return f"30{digit}{order_id[3:]}"


def _without_price(order: dict[str, Any]) -> dict[str, Any]:
    """The order with zero wherever it says an amount."""

    def zero(part: Any) -> Any:
        if isinstance(part, dict):
            free = {"amount": "0" if "." not in str(part["amount"]) else "0.00"} if "amount" in part else {}
            return {name: zero(value) for name, value in part.items()} | free
        return [zero(each) for each in part] if isinstance(part, list) else part

    made: dict[str, Any] = zero(order)
    return made


# Oddities


def _status_unheard_of(order: dict[str, Any]) -> None:
    order["fulfillment"]["fulfillmentStatus"] = "INVOICE_UNCONFIRMED"


def _words_unheard_of(order: dict[str, Any]) -> None:
    order["programs"] = [*order.get("programs", []), "MOON_DELIVERY"]
    order["fulfillment"] |= {"fulfilledBy": "THIRD_PARTY", "fulfillmentServiceLevel": "TELEPORT"}
    order["salesChannel"]["channelName"] = "METAVERSE"
    for breakdown in order["orderItems"][0].get("proceeds", {}).get("breakdowns", [])[:1]:
        breakdown["type"] = "STARDUST"


def _only_what_is_required(order: dict[str, Any]) -> None:
    required = ("orderId", "createdTime", "lastUpdatedTime", "salesChannel", "orderItems")
    for name in set(order) - set(required):
        del order[name]
    order["salesChannel"] = {"channelName": order["salesChannel"]["channelName"]}
    order["orderItems"] = [
        {name: item[name] for name in ("orderItemId", "quantityOrdered")} | {"product": {}}
        for item in order["orderItems"]
    ]


def _no_items(order: dict[str, Any]) -> None:
    order["orderItems"] = []


def _marketplace_blank(order: dict[str, Any]) -> None:
    order["salesChannel"]["marketplaceName"] = ""


def _other_channel(order: dict[str, Any]) -> None:
    countries = {each.marketplace_id: each for each in MARKETPLACES.values()}
    shop = countries[order["salesChannel"]["marketplaceId"]]
    order["salesChannel"] |= {"channelName": "NON_AMAZON", "marketplaceName": shop.multi_channel}
    order.pop("proceeds", None)
    for item in order["orderItems"]:
        item.pop("proceeds", None)


def _id_of_another_form(order: dict[str, Any]) -> None:
    order["orderId"] = f"S99-{order['orderId']}-X"


def _more_than_the_model(order: dict[str, Any]) -> None:
    order["addedLater"] = {"since": "2027-01-01", "values": [1, None]}
    order["orderItems"][0]["addedLater"] = None


def _back_in_time(order: dict[str, Any]) -> None:
    """Last updated before it was created."""
    created = datetime.fromisoformat(order["createdTime"])
    order["lastUpdatedTime"] = written(created - timedelta(minutes=1))


_ODDITIES: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "unknown status": _status_unheard_of,
    "unknown words": _words_unheard_of,
    "only what is required": _only_what_is_required,
    "no items": _no_items,
    "blank marketplace name": _marketplace_blank,
    "other channel": _other_channel,
    "id of another form": _id_of_another_form,
    "more fields": _more_than_the_model,
    "updated before created": _back_in_time,
}

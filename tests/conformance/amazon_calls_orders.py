"""Calls of the Orders API 2026-01-01 whose answers are held against its model."""

from tests.conformance.amazon_models import Call

EVERYTHING = "PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT,FULFILLMENT_ORDERS"
SINCE = "2026-08-01T00:00:00Z"
AN_ORDER = {"orderId": "{order}"}


def an_order(caller):
    return {"order": caller.control("truth", seller_id=caller.seller_id)["orders"]["ids"][0]}


def in_state(status):
    """An order after it came into this state."""

    def given(caller):
        order_id = an_order(caller)["order"]
        caller.control("update_order", seller_id=caller.seller_id, order_id=order_id, status=status)
        return {"order": order_id}

    return given


def a_replacement(caller):
    made = caller.control("replace_order", seller_id=caller.seller_id, order_id=an_order(caller)["order"])
    caller.stand_in.clock.advance(180)
    return {"order": made["order_id"]}


def of_a_history(caller):
    stated = caller.control("history", seller_id=caller.seller_id, orders=50)
    return {"order": stated["last"]}


CALLS = [
    Call("searchOrders", {"createdAfter": SINCE, "includedData": EVERYTHING}),
    Call("searchOrders", {"lastUpdatedAfter": SINCE, "maxResultsPerPage": "5"}),
    Call("searchOrders", status=400),
    Call("getOrder", {"includedData": EVERYTHING}, path=AN_ORDER, given=an_order),
    *(
        Call("getOrder", {"includedData": EVERYTHING}, path=AN_ORDER, given=in_state(status))
        for status in ("PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED")
    ),
    Call("getOrder", {"includedData": EVERYTHING}, path=AN_ORDER, given=a_replacement),
    Call("getOrder", {"includedData": EVERYTHING}, path=AN_ORDER, given=of_a_history),
    Call("getOrder", path=AN_ORDER, given=an_order),
    Call("getOrder", status=404, path={"orderId": "111-0000000-0000000"}),
]

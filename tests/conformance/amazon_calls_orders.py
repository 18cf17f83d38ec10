"""Calls of the Orders API 2026-01-01 whose answers are held against its model."""

from tests.conformance.amazon_models import Call

EVERYTHING = "PROCEEDS,EXPENSE,PROMOTION,CANCELLATION,FULFILLMENT,PACKAGES,TAX,PAYMENT,FULFILLMENT_ORDERS"
SINCE = "2026-08-01T00:00:00Z"
AN_ORDER = {"orderId": "{order}"}


def an_order(caller):
    return {"order": caller.control("truth", seller_id=caller.seller_id)["orders"]["ids"][0]}


CALLS = [
    Call("searchOrders", {"createdAfter": SINCE, "includedData": EVERYTHING}),
    Call("searchOrders", {"lastUpdatedAfter": SINCE, "maxResultsPerPage": "5"}),
    Call("searchOrders", status=400),
    Call("getOrder", {"includedData": EVERYTHING}, path=AN_ORDER, given=an_order),
    Call("getOrder", path=AN_ORDER, given=an_order),
    Call("getOrder", status=404, path={"orderId": "111-0000000-0000000"}),
]

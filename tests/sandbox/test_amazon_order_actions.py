"""What can happen to orders of the pretend Amazon: shipments in parts, cancellations, replacements, oddities, long histories."""

import pytest

from amazon.sandbox.telling import Silent
from tests.sandbox.amazon_caller import Caller, demo_caller

SINCE = "2026-08-01T00:00:00Z"
EVERYTHING = "PROCEEDS,FULFILLMENT,CANCELLATION,PACKAGES"


class Listener(Silent):
    def __init__(self):
        self.heard = []

    def tell(self, kind, seller_id, payload):
        self.heard.append((kind, seller_id, payload["orderId"], payload["fulfillment"]["fulfillmentStatus"]))


@pytest.fixture
def caller():
    return demo_caller()


@pytest.fixture
def order_id(caller):
    """An order of two units that nobody has shipped yet."""
    order = caller.orders(createdAfter=SINCE, fulfillmentStatuses="UNSHIPPED").json["orders"][0]
    stored = caller.stand_in.order_book.get(caller.seller_id, order["orderId"])
    stored["orderItems"][0]["quantityOrdered"] = 2
    caller.control("put_order", seller_id=caller.seller_id, order=stored)
    return order["orderId"]


def shown(caller, order_id):
    answer = caller.order(order_id, includedData=EVERYTHING)
    assert answer.status_code == 200
    return answer.json["order"]


def update(caller, order_id, status, **more):
    return caller.control("update_order", seller_id=caller.seller_id, order_id=order_id, status=status, **more)


def test_order_is_shipped_in_parts_and_told_of_each_time(caller, order_id):
    listener = Listener()
    caller.stand_in.order_actions.teller = listener
    item = shown(caller, order_id)["orderItems"][0]["orderItemId"]
    parts = []

    for status, more in (("PARTIALLY_SHIPPED", {}), ("PARTIALLY_SHIPPED", {"shipped": {item: 2}}), ("SHIPPED", {})):
        update(caller, order_id, status, **more)
        fulfillment = shown(caller, order_id)["orderItems"][0]["fulfillment"]
        parts.append((fulfillment["quantityFulfilled"], fulfillment["quantityUnfulfilled"]))

    assert parts == [(1, 1), (2, 0), (2, 0)]
    assert [each[3] for each in listener.heard] == ["PARTIALLY_SHIPPED", "PARTIALLY_SHIPPED", "SHIPPED"]
    assert {each[:3] for each in listener.heard} == {("ORDER_CHANGE", caller.seller_id, order_id)}


def test_cancelled_order_says_who_cancelled_it(caller, order_id):
    update(caller, order_id, "CANCELLED", cancelled_by="MERCHANT")

    order = shown(caller, order_id)

    assert order["fulfillment"]["fulfillmentStatus"] == "CANCELLED"
    for item in order["orderItems"]:
        assert item["cancellation"]["cancellationExecution"]["cancelledBy"] == "MERCHANT"
        assert item["fulfillment"] == {"quantityFulfilled": 0, "quantityUnfulfilled": 0}


def test_update_can_carry_a_time_before_the_last_one(caller, order_id):
    update(caller, order_id, "SHIPPED", at="2026-11-01T00:00:00.000Z")

    assert shown(caller, order_id)["lastUpdatedTime"] == "2026-11-01T00:00:00.000Z"


def test_replacement_costs_nothing_and_names_its_original(caller, order_id):
    made = caller.control("replace_order", seller_id=caller.seller_id, order_id=order_id)["order_id"]
    caller.stand_in.clock.advance(180)

    order = shown(caller, made)

    assert order["associatedOrders"] == [{"orderId": order_id, "associationType": "REPLACEMENT_ORIGINAL_ID"}]
    assert order["proceeds"]["grandTotal"]["amount"] == "0.00"
    assert {item["proceeds"]["proceedsTotal"]["amount"] for item in order["orderItems"]} == {"0.00"}
    assert "packages" not in order


def test_odd_orders_are_listed_like_any_other(caller, order_id):
    made = caller.control("odd_orders", seller_id=caller.seller_id, order_id=order_id)

    found = {
        each["orderId"]: each for each in caller.orders(createdAfter=SINCE, includedData=EVERYTHING).json["orders"]
    }

    assert set(made.values()) <= set(found)
    bare = found[made["only what is required"]]
    assert set(bare) == {"orderId", "createdTime", "lastUpdatedTime", "salesChannel", "orderItems"}
    assert found[made["unknown status"]]["fulfillment"]["fulfillmentStatus"] == "INVOICE_UNCONFIRMED"
    assert found[made["blank marketplace name"]]["salesChannel"]["marketplaceName"] == ""
    assert found[made["other channel"]]["salesChannel"]["marketplaceName"] == "Non-Amazon US"
    assert "proceeds" not in found[made["other channel"]]
    assert found[made["no items"]]["orderItems"] == []
    late = found[made["updated before created"]]
    assert late["lastUpdatedTime"] < late["createdTime"]


def test_odd_orders_do_not_break_the_report(caller, order_id):
    caller.control("odd_orders", seller_id=caller.seller_id, order_id=order_id)
    body = {"dataStartTime": "2026-10-21T00:00:00Z", "dataEndTime": "2026-11-20T00:00:00Z"}
    made = caller.request_report("GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL", **body).json["reportId"]
    caller.stand_in.clock.advance(120)

    assert caller.report(made)["processingStatus"] == "DONE"


def test_page_tokens_can_lead_nowhere_or_back(caller):
    query = {"createdAfter": SINCE, "maxResultsPerPage": "5"}

    def pages(count):
        found, token = [], {}
        for _ in range(count):
            answer = caller.orders(**query, **token).json
            found.append([each["orderId"] for each in answer["orders"]])
            token = {"paginationToken": answer["pagination"]["nextToken"]}
        return found

    plain = pages(3)
    caller.switch(order_pages="token loop")
    loop = pages(4)
    caller.switch(order_pages="duplicated page")
    twice = pages(3)

    assert len({each for page in plain for each in page}) == 15
    assert loop == [plain[0], plain[1], plain[1], plain[1]]
    assert twice == [plain[0], plain[0], plain[1]]


def test_pages_out_of_order_hold_every_order_once(caller):
    caller.switch(order_sequence="out of order")
    query, found, answer = {"lastUpdatedAfter": SINCE, "maxResultsPerPage": "20"}, [], None
    while answer is None or "pagination" in answer:
        token = {"paginationToken": answer["pagination"]["nextToken"]} if answer else {}
        answer = caller.orders(**query, **token).json
        found += answer["orders"]

    times = [each["lastUpdatedTime"] for each in found]
    assert times != sorted(times)
    assert times != sorted(times, reverse=True)
    assert len({each["orderId"] for each in found}) == len(found) > 40


@pytest.mark.parametrize("sequence", ["oldest first", "newest first"])
def test_history_is_read_page_by_page_in_order_beside_stored_orders(caller, order_id, sequence):
    caller.control(
        "history", seller_id=caller.seller_id, orders=150, starts_at="2026-11-01T00:00:00+00:00", country="US"
    )
    caller.switch(order_sequence=sequence)
    query, found, answer = {"lastUpdatedAfter": SINCE}, [], None
    while answer is None or "pagination" in answer:
        token = {"paginationToken": answer["pagination"]["nextToken"]} if answer else {}
        answer = caller.orders(**query, **token).json
        found += [(each["lastUpdatedTime"], each["orderId"]) for each in answer["orders"]]

    assert (
        len(found) == len(set(found)) == 150 + len(caller.control("truth", seller_id=caller.seller_id)["orders"]["ids"])
    )
    assert found == sorted(found, reverse=sequence == "newest first")


def test_order_of_a_history_can_be_read_and_changed(caller):
    stated = caller.control("history", seller_id="ABIGHISTORY001", orders=100_000)
    big = Caller(caller.stand_in, "ABIGHISTORY001")
    first, last = (shown(big, stated[name]) for name in ("first", "last"))
    update(big, stated["last"], "CANCELLED")
    caller.stand_in.clock.advance(120)

    updated = big.orders(lastUpdatedAfter="2026-11-19T00:00:00Z", includedData="FULFILLMENT").json["orders"]

    assert first["createdTime"][:10] == "2024-11-22"
    assert last["createdTime"] < "2026-11-17T12:00:00.000Z"
    assert [each["orderId"] for each in updated if each["fulfillment"]["fulfillmentStatus"] == "CANCELLED"] == [
        stated["last"]
    ]
    assert big.order("116-0100000-0000001").status_code == 404

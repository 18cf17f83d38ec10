"""Orders of the pretend Amazon: windows, page tokens, visibility, data sets."""

import copy
from datetime import timedelta

import pytest

from sandbox.seller import demo_seller, order_json
from tests.sandbox.amazon_caller import NOON, TODAY, demo_caller, first_error

SINCE = "2026-08-01T00:00:00Z"
EVERYTHING = "PROCEEDS,FULFILLMENT,PACKAGES,PROMOTION,CANCELLATION,TAX,PAYMENT"


@pytest.fixture
def caller():
    return demo_caller()


def all_pages(caller, **query):
    found, answer = [], caller.orders(**query).json
    while True:
        found += answer["orders"]
        if "pagination" not in answer:
            return found
        answer = caller.orders(**query, paginationToken=answer["pagination"]["nextToken"]).json


def new_order(caller, order_id, created_at):
    order = copy.deepcopy(order_json(demo_seller(TODAY).orders[0], demo_seller(TODAY).marketplace))
    text = created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    caller.control(
        "put_order",
        seller_id=caller.seller_id,
        order={**order, "orderId": order_id, "createdTime": text, "lastUpdatedTime": text},
    )


def test_pages_hold_every_order_once_and_the_last_one_has_no_pagination(caller):
    found = all_pages(caller, createdAfter=SINCE, maxResultsPerPage="7")

    truth = caller.control("truth", seller_id=caller.seller_id)
    assert sorted(order["orderId"] for order in found) == truth["orders"]["ids"]


def test_without_upper_bound_the_answer_covers_up_to_two_minutes_ago(caller):
    answer = caller.orders(lastUpdatedAfter=SINCE).json

    assert answer["lastUpdatedBefore"] == "2026-11-20T11:58:00.000Z"
    assert "createdBefore" not in answer


def test_given_upper_bound_is_echoed_and_inclusive(caller):
    order = caller.orders(createdAfter=SINCE, maxResultsPerPage="1").json["orders"][0]

    answer = caller.orders(createdAfter=SINCE, createdBefore=order["createdTime"]).json

    assert [each["orderId"] for each in answer["orders"]] == [order["orderId"]]
    assert answer["createdBefore"] == order["createdTime"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"createdAfter": SINCE, "lastUpdatedAfter": SINCE},
        {"createdAfter": SINCE, "lastUpdatedBefore": "2026-11-01T00:00:00Z"},
        {"createdAfter": SINCE, "createdBefore": "2026-07-01T00:00:00Z"},
        {"createdAfter": "soon"},
        {"createdAfter": SINCE, "maxResultsPerPage": "101"},
        {"createdAfter": SINCE, "fulfillmentStatuses": "Shipped"},
        {"createdAfter": SINCE, "fulfilledBy": "AFN"},
        {"createdAfter": SINCE, "includedData": "MONEY"},
        {"createdAfter": SINCE, "marketplaceIds": ",".join(["ATVPDKIKX0DER"] * 51)},
    ],
    ids=["nothing", "both", "crossed", "turned", "no date", "page", "status", "fulfiller", "data set", "marketplaces"],
)
def test_search_refuses(caller, query):
    answer = caller.orders(**query)

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_bound_younger_than_two_minutes_is_refused_without_saying_why(caller):
    answer = caller.orders(createdAfter=SINCE, createdBefore="2026-11-20T11:58:01Z")

    assert answer.status_code == 400
    assert first_error(answer)["details"] == ""
    assert "not valid" in first_error(answer)["message"]


def test_page_token_is_bound_to_the_parameters_but_not_to_page_size_and_data_sets(caller):
    query = {"createdAfter": SINCE, "fulfilledBy": "AMAZON", "maxResultsPerPage": "5"}
    token = caller.orders(**query).json["pagination"]["nextToken"]

    changed = caller.orders(createdAfter=SINCE, maxResultsPerPage="5", paginationToken=token)
    added = caller.orders(**query, fulfillmentStatuses="SHIPPED", paginationToken=token)
    allowed = caller.orders(**{**query, "maxResultsPerPage": "9"}, includedData="PROCEEDS", paginationToken=token)

    assert (changed.status_code, added.status_code, allowed.status_code) == (400, 400, 200)
    assert "All parameters must match the original request except maxResultsPerPage" in first_error(changed)["message"]
    assert len(allowed.json["orders"]) == 9


def test_page_token_keeps_the_first_pages_upper_bound(caller):
    first = caller.orders(lastUpdatedAfter=SINCE, maxResultsPerPage="5").json
    caller.stand_in.clock.advance(1800)

    second = caller.orders(
        lastUpdatedAfter=SINCE, maxResultsPerPage="5", paginationToken=first["pagination"]["nextToken"]
    ).json

    assert second["lastUpdatedBefore"] == first["lastUpdatedBefore"]


def test_page_walk_must_end_within_a_day(caller):
    query = {"createdAfter": SINCE, "maxResultsPerPage": "5"}
    first = caller.orders(**query).json["pagination"]["nextToken"]
    caller.stand_in.clock.advance(23 * 3600)
    caller.access_token = caller.refresh()["access_token"]
    second = caller.orders(**query, paginationToken=first).json["pagination"]["nextToken"]
    caller.stand_in.clock.advance(3600)
    caller.access_token = caller.refresh()["access_token"]

    third = caller.orders(**query, paginationToken=second)

    assert third.status_code == 400


def test_new_order_appears_after_three_minutes(caller):
    new_order(caller, "113-1111111-1111111", NOON - timedelta(seconds=150))
    caller.stand_in.clock.advance(29)
    early = (
        caller.order("113-1111111-1111111").status_code,
        len(caller.orders(createdAfter="2026-11-20T00:00:00Z").json["orders"]),
    )
    caller.stand_in.clock.advance(1)
    late = (
        caller.order("113-1111111-1111111").status_code,
        len(caller.orders(createdAfter="2026-11-20T00:00:00Z").json["orders"]),
    )

    assert early == (404, 0)
    assert late == (200, 1)


def test_update_shows_under_last_updated_only(caller):
    order_id = caller.orders(createdAfter=SINCE, fulfillmentStatuses="UNSHIPPED").json["orders"][0]["orderId"]
    caller.control("update_order", seller_id=caller.seller_id, order_id=order_id, status="SHIPPED")
    caller.stand_in.clock.advance(120)

    updated = caller.orders(lastUpdatedAfter="2026-11-20T00:00:00Z", includedData="FULFILLMENT").json["orders"]
    created = caller.orders(createdAfter="2026-11-20T00:00:00Z").json["orders"]

    assert [(each["orderId"], each["fulfillment"]["fulfillmentStatus"]) for each in updated] == [(order_id, "SHIPPED")]
    assert created == []


def test_data_sets_come_only_when_asked_for(caller):
    order_id = caller.orders(createdAfter=SINCE, fulfilledBy="MERCHANT").json["orders"][0]["orderId"]

    bare = caller.order(order_id).json["order"]
    full = caller.order(order_id, includedData=EVERYTHING).json["order"]

    assert not {"proceeds", "fulfillment", "packages", "buyer", "recipient", "tax", "payment"} & set(bare)
    assert "proceeds" not in bare["orderItems"][0]
    assert {"proceeds", "fulfillment", "packages", "tax", "payment"} <= set(full)
    assert full["packages"][0]["trackingNumber"]
    assert "buyer" not in full


def test_buyer_data_needs_a_role_the_demo_application_does_not_have(caller):
    answer = caller.orders(createdAfter=SINCE, includedData="PROCEEDS,BUYER")

    assert answer.status_code == 403


def test_buyers_are_given_or_left_out_as_the_switch_says(caller):
    caller.switch(buyers="given")
    given = caller.orders(createdAfter=SINCE, includedData="BUYER", fulfilledBy="MERCHANT").json["orders"]
    from_amazon = caller.orders(createdAfter=SINCE, includedData="BUYER", fulfilledBy="AMAZON").json["orders"]
    caller.switch(buyers="left out")
    left_out = caller.orders(createdAfter=SINCE, includedData="BUYER,FULFILLMENT")

    assert all(order["buyer"]["buyerName"] and order["buyer"]["buyerEmail"] for order in given)
    assert {tuple(order["buyer"]) for order in from_amazon} == {("buyerName",)}
    assert left_out.status_code == 200
    assert not any("buyer" in order for order in left_out.json["orders"])


def test_pending_order_shows_no_money_until_it_is_paid(caller):
    query = {"includedData": "PROCEEDS,PAYMENT,TAX,FULFILLMENT"}
    order_id = caller.orders(createdAfter=SINCE, fulfillmentStatuses="PENDING").json["orders"][0]["orderId"]
    pending = caller.order(order_id, **query).json["order"]
    caller.control("update_order", seller_id=caller.seller_id, order_id=order_id, status="UNSHIPPED")

    paid = caller.order(order_id, **query).json["order"]

    assert "proceeds" not in pending
    assert "proceeds" not in pending["orderItems"][0]
    assert "price" not in pending["orderItems"][0]["product"]
    assert paid["proceeds"]["grandTotal"]["currencyCode"] == "USD"
    assert paid["orderItems"][0]["product"]["price"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"fulfillmentStatuses": "CANCELLED,PARTIALLY_SHIPPED"}, 2),
        ({"fulfilledBy": "MERCHANT"}, 1),
        ({"marketplaceIds": "A2EUQ1WTGCTBG2"}, 0),
        ({"marketplaceIds": "ATVPDKIKX0DER,A2EUQ1WTGCTBG2", "fulfillmentStatuses": "PENDING"}, 1),
    ],
    ids=["status", "fulfiller", "other marketplace", "two filters"],
)
def test_filters(caller, query, expected):
    assert len(caller.orders(createdAfter=SINCE, **query).json["orders"]) == expected


def test_orders_can_come_newest_first(caller):
    oldest_first = [order["createdTime"] for order in all_pages(caller, createdAfter=SINCE, maxResultsPerPage="20")]
    caller.switch(order_sequence="newest first")

    newest_first = [order["createdTime"] for order in all_pages(caller, createdAfter=SINCE, maxResultsPerPage="20")]

    assert oldest_first == sorted(oldest_first)
    assert newest_first == sorted(newest_first, reverse=True)


def test_orders_older_than_two_years_are_gone(caller):
    new_order(caller, "113-2222222-2222222", NOON - timedelta(days=731))
    new_order(caller, "113-3333333-3333333", NOON - timedelta(days=729))

    found = caller.orders(createdAfter="2020-01-01T00:00:00Z", createdBefore="2025-01-01T00:00:00Z").json["orders"]

    assert [order["orderId"] for order in found] == ["113-3333333-3333333"]


def test_prices_and_discounts_are_stated_as_the_switches_say_and_the_total_stays(caller):
    def totals():
        """Of every item: prices, tax, discounts and total in cents; and the orders' own sums likewise."""
        items, orders = [], []
        for order in all_pages(caller, createdAfter=SINCE, includedData="PROCEEDS"):
            for place, part in [(orders, order), *((items, item) for item in order["orderItems"])]:
                if "proceeds" in part:
                    kinds = {each["type"]: each["subtotal"]["amount"] for each in part["proceeds"]["breakdowns"]}
                    sums = {kind: int(text.replace(".", "")) for kind, text in kinds.items()}
                    prices = sum(sums.get(kind, 0) for kind in ("ITEM", "SHIPPING", "GIFT_WRAP"))
                    total = part["proceeds"].get("proceedsTotal") or part["proceeds"]["grandTotal"]
                    paid = int(total["amount"].replace(".", ""))
                    place.append((prices, sums.get("TAX", 0), sums.get("DISCOUNT", 0), paid))
        return items, orders

    usual = totals()
    caller.switch(order_prices="with tax", order_discounts="negative")
    other = totals()

    for before, after in zip(usual, other, strict=True):
        assert any(tax for _, tax, _, _ in before)
        assert any(discount for _, _, discount, _ in before)
        assert all(prices + tax - discount == paid for prices, tax, discount, paid in before)
        assert all(prices + discount == paid for prices, _, discount, paid in after)
        assert [paid for *_, paid in before] == [paid for *_, paid in after]

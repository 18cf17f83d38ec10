"""The all-orders file of the pretend Amazon: columns, words and amounts as sellers' real files have them."""

import gzip
from datetime import timedelta
from decimal import Decimal

import pytest

from amazon.sandbox.all_orders import BY_ORDER_DATE, PERSONAL, UNHEARD_OF, columns, rows, text_of
from tests.sandbox.amazon_caller import NOON, Caller, demo_caller

RANGE = {"dataStartTime": "2026-10-21T00:00:00Z", "dataEndTime": "2026-11-20T00:00:00Z"}
BLANK, FILLED = "L-1", "L-2"
US, GB, DE, JP = "ATVPDKIKX0DER", "A1F83G8C2ARO7P", "A1PA6795UKMFR9", "A1VC38T7YXB528"


@pytest.fixture
def caller():
    return demo_caller()


def lines(caller, **body):
    report_id = caller.request_report(BY_ORDER_DATE, **RANGE, **body).json["reportId"]
    caller.stand_in.clock.advance(120)
    document = caller.document(caller.report(report_id)["reportDocumentId"]).json
    header, *found = gzip.decompress(caller.download(document["url"]).data).decode().splitlines()
    return [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in found]


def amount_paid(row):
    """What the buyer paid for a line of a file whose prices are without tax."""
    plus = [name for name in row if name.endswith(("-price", "-tax"))]
    minus = [name for name in row if name.endswith("-promotion-discount")]
    return sum(Decimal(row[name] or 0) for name in plus) - sum(Decimal(row[name] or 0) for name in minus)


def order(marketplace_id=GB, status="SHIPPED", sku=FILLED, **more):
    """One item for 16.66 and 3.33 tax, 2.00 shipping, a discount of 1.00 on the item."""

    def money(amount):
        return {"amount": amount, "currencyCode": "GBP"}

    return {
        "orderId": "202-0000000-0000001",
        "createdTime": "2026-11-01T10:00:00.000Z",
        "lastUpdatedTime": "2026-11-02T10:00:00.000Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": marketplace_id, "marketplaceName": "Amazon.co.uk"},
        "recipient": {"deliveryAddress": {"city": "Exampleton", "postalCode": "EX1 2AM", "countryCode": "GB"}},
        "fulfillment": {
            "fulfillmentStatus": status,
            "fulfilledBy": "MERCHANT",
            "fulfillmentServiceLevel": "SECOND_DAY",
        },
        "orderItems": [
            {
                "orderItemId": "1",
                "quantityOrdered": 2,
                "product": {"title": "Lamp", "sellerSku": sku, "asin": "B0LAMP"},
                "proceeds": {
                    "proceedsTotal": money("20.99"),
                    "breakdowns": [
                        {"type": "ITEM", "subtotal": money("16.66")},
                        {"type": "SHIPPING", "subtotal": money("2.00")},
                        {
                            "type": "TAX",
                            "subtotal": money("3.33"),
                            "detailedBreakdowns": [{"subtype": "ITEM", "value": money("3.33")}],
                        },
                        {
                            "type": "DISCOUNT",
                            "subtotal": money("1.00"),
                            "detailedBreakdowns": [{"subtype": "ITEM", "value": money("1.00")}],
                        },
                    ],
                },
            }
        ],
        **more,
    }


def test_file_has_a_line_for_every_item_of_every_order_in_its_range(caller):
    orders = caller.orders(createdAfter=RANGE["dataStartTime"], createdBefore=RANGE["dataEndTime"]).json["orders"]

    found = lines(caller)

    wanted = [(each["orderId"], item["product"]["sellerSku"]) for each in orders for item in each["orderItems"]]
    assert wanted
    assert [(line["amazon-order-id"], line["sku"]) for line in found] == wanted


def test_personal_columns_are_filled(caller):
    caller.control("put_order", seller_id=caller.seller_id, order=order(US, programs=["AMAZON_BUSINESS"]))

    found = lines(caller)

    assert all(line["ship-city"] and line["ship-postal-code"] for line in found)
    (business,) = rows(order(programs=["AMAZON_BUSINESS"]))
    assert all(business[name] for name in PERSONAL)
    assert business["is-business-order"] == "true"


@pytest.mark.parametrize(("place", "price"), [(GB, "19.99"), (US, "16.66")], ids=["with tax", "without tax"])
def test_price_holds_the_tax_where_the_marketplaces_prices_do(place, price):
    (line,) = rows(order(place))

    assert (line["item-price"], line["item-tax"], line["vat-exclusive-item-price"]) == (price, "3.33", "16.66")
    assert (line["shipping-price"], line["item-promotion-discount"], line["quantity"]) == ("2.00", "1.00", "2")


def test_words_and_dates_are_those_of_real_files():
    (line,) = rows(order(status="PARTIALLY_SHIPPED"))
    (cancelled,) = rows(order(status="CANCELLED"))

    assert line["purchase-date"] == "2026-11-01T10:00:00+00:00"
    assert (line["order-status"], line["fulfillment-channel"], line["ship-service-level"]) == (
        "PartiallyShipped",
        "Merchant",
        "SecondDay",
    )
    assert (cancelled["order-status"], cancelled["item-status"], cancelled["quantity"]) == ("Cancelled",) * 2 + ("0",)


@pytest.mark.parametrize("status", ["PENDING", "CANCELLED"])
def test_some_unpaid_lines_are_without_currency_and_prices(status):
    (blank,) = rows(order(status=status, sku=BLANK))
    (filled,) = rows(order(status=status, sku=FILLED))

    assert not {"currency", "item-price", "item-tax", "shipping-price"} & set(blank)
    assert (filled["currency"], filled["item-price"]) == ("GBP", "19.99")


def test_columns_depend_on_the_marketplaces():
    america, europe, japan = columns([US]), columns([GB, DE]), columns([JP])

    assert len(europe) > 50
    assert {"buyer-vat-number", "vat-exclusive-item-price", "is-replacement-order"} <= set(europe) - set(america)
    assert "tax-collection-model" in america
    assert "payment-method-details" in japan
    assert len(set(europe)) == len(europe)


def test_columns_may_come_turned_with_one_more(caller):
    usual = lines(caller)
    caller.switch(report_columns="turned")

    turned = lines(caller)

    assert list(turned[0]) == [UNHEARD_OF, *reversed(usual[0])]
    assert [line["amazon-order-id"] for line in turned] == [line["amazon-order-id"] for line in usual]


def test_japanese_file_comes_in_its_own_character_set(caller):
    caller.control("history", seller_id="AJAPAN00000001", orders=3, country="JP", starts_at="2026-11-01T00:00:00+00:00")
    japan = Caller(caller.stand_in, "AJAPAN00000001")
    report_id = japan.request_report(BY_ORDER_DATE, **RANGE, marketplaceIds=[JP]).json["reportId"]
    caller.stand_in.clock.advance(120)

    answer = japan.download(japan.document(japan.report(report_id)["reportDocumentId"]).json["url"])

    assert answer.headers["Content-Type"] == "text/plain;charset=windows-31j"
    assert gzip.decompress(answer.data).decode("cp932").count("\n") >= 4


@pytest.mark.parametrize("field", ["createdTime", "lastUpdatedTime"])
def test_lines_of_a_history_are_those_of_its_orders_written_one_by_one(caller, field):
    caller.control("history", seller_id=caller.seller_id, orders=400, starts_at="2026-10-01T00:00:00.123+00:00")
    since, names, book = NOON - timedelta(days=30), columns([US]), caller.stand_in.order_book

    texts = list(book.texts(caller.seller_id, field, since, since, NOON, lambda each: text_of(each, names)))

    orders = list(book.walk(caller.seller_id, field, since, NOON))
    created = [each for each in orders if each["createdTime"] >= since.isoformat()]
    assert len(created) > 100
    assert texts == [text_of(each, names) for each in created]


def test_years_of_a_big_seller_come_in_reports_that_add_up(caller):
    stated = caller.control("history", seller_id="ABIGHISTORY001", orders=600)
    big = Caller(caller.stand_in, "ABIGHISTORY001")
    asked = []
    for month in range(25):
        ends_at = NOON - timedelta(days=30 * month)
        body = {"dataStartTime": (ends_at - timedelta(days=30)).isoformat(), "dataEndTime": ends_at.isoformat()}
        asked.append(big.request_report(BY_ORDER_DATE, **body).json["reportId"])
    caller.stand_in.clock.advance(120)

    found = {}
    for report_id in asked:
        document = big.document(big.report(report_id)["reportDocumentId"]).json
        header, *rest = gzip.decompress(big.download(document["url"]).data).decode().splitlines()
        for line in rest:
            row = dict(zip(header.split("\t"), line.split("\t"), strict=True))
            # A line on the border of two ranges is in both files.
            found[(row["amazon-order-id"], row["sku"])] = row
    orders = {order_id for order_id, _ in found}
    paid = sum(amount_paid(row) for row in found.values() if row["order-status"] != "Cancelled")

    assert len(orders) == stated["orders"] == 600
    assert len(found) == stated["lines"]
    assert paid == sum(map(Decimal, stated["paid_by_month"].values())) > 0

"""Reading one order of the Orders API into our terms."""

from datetime import UTC, datetime

import pytest

from amazon.orders import BadOrder, parse_order, scrubbed


def money(amount, currency="USD"):
    return {"amount": amount, "currencyCode": currency}


def item(total="24.00", currency="USD", **subtotals):
    breakdowns = [{"type": kind, "subtotal": money(amount, currency)} for kind, amount in subtotals.items()]
    return {
        "orderItemId": "1001",
        "quantityOrdered": 2,
        "product": {"asin": "B01", "title": "Lamp", "sellerSku": "LAMP-1"},
        "fulfillment": {"quantityFulfilled": 1},
        "proceeds": {"proceedsTotal": money(total, currency), "breakdowns": breakdowns},
    }


def order(*items, status="SHIPPED", **fields):
    return {
        "orderId": "701-0000000-0000001",
        "createdTime": "2026-01-10T08:00:00Z",
        "lastUpdatedTime": "2026-01-12T09:30:00.123Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER", "marketplaceName": "Amazon.com"},
        "proceeds": {"grandTotal": money("24.00")},
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"},
        "orderItems": list(items),
        **fields,
    }


@pytest.mark.parametrize(
    ("total", "subtotals", "basis"),
    [
        pytest.param("24.00", {"ITEM": "20.00", "SHIPPING": "4.00"}, "none", id="no tax"),
        pytest.param("25.60", {"ITEM": "20.00", "SHIPPING": "4.00", "TAX": "1.60"}, "added", id="tax on top"),
        pytest.param("24.00", {"ITEM": "20.00", "SHIPPING": "4.00", "TAX": "4.00"}, "included", id="tax inside"),
        pytest.param(
            "21.00", {"ITEM": "20.00", "SHIPPING": "4.00", "DISCOUNT": "3.00"}, "none", id="discount positive"
        ),
        pytest.param(
            "21.00", {"ITEM": "20.00", "SHIPPING": "4.00", "DISCOUNT": "-3.00"}, "none", id="discount negative"
        ),
        pytest.param("24.01", {"ITEM": "20.00", "SHIPPING": "4.00"}, "unclear", id="a cent off"),
        pytest.param("24.00", {"ITEM": "20.00", "SURPRISE": "4.00"}, "unclear", id="unknown breakdown"),
        pytest.param("24.00", {"ITEM": "20.001", "SHIPPING": "3.999"}, "unclear", id="fractions of a cent"),
    ],
)
def test_each_item_names_the_identity_its_amounts_fulfil(total, subtotals, basis):
    parsed = parse_order(order(item(total, **subtotals)))

    assert parsed.items[0].tax_basis == basis


def test_discounts_are_negative_whichever_sign_amazon_sends():
    plus = parse_order(order(item("21.00", ITEM="24.00", DISCOUNT="3.00"))).items[0]
    minus = parse_order(order(item("21.00", ITEM="24.00", DISCOUNT="-3.00"))).items[0]

    assert plus.subtotals == minus.subtotals == {"ITEM": 2400, "DISCOUNT": -300}


def test_yen_amounts_have_no_decimals():
    sent = order(item("1994", "JPY", ITEM="1994"), proceeds={"grandTotal": money("1994", "JPY")})

    parsed = parse_order(sent)

    assert (parsed.total, parsed.items[0].total, parsed.currency) == (1994, 1994, "JPY")


def test_a_pending_order_has_no_amounts_even_if_some_are_sent():
    parsed = parse_order(order(item(ITEM="24.00"), status="PENDING"))

    assert (parsed.total, parsed.currency, parsed.items[0].total, parsed.items[0].subtotals) == (None, "", None, {})


def test_an_unknown_status_is_kept_as_it_came():
    assert parse_order(order(status="INVOICE_UNCONFIRMED")).status == "INVOICE_UNCONFIRMED"


def test_the_latest_package_tells_when_the_order_shipped():
    packages = [
        {"trackingNumber": "T1", "carrier": "UPS", "shipTime": "2026-01-11T10:00:00Z"},
        {"trackingNumber": "T2", "carrier": "UPS", "shipTime": "2026-01-12T10:00:00Z"},
        {"packageReferenceId": "3"},
    ]

    parsed = parse_order(order(packages=packages))

    assert parsed.ship_time == datetime(2026, 1, 12, 10, tzinfo=UTC)
    assert [package["number"] for package in parsed.tracking] == ["T1", "T2"]


def test_an_order_without_its_required_fields_is_named_in_the_error():
    sent = order()
    del sent["lastUpdatedTime"]

    with pytest.raises(BadOrder, match="701-0000000-0000001"):
        parse_order(sent)


def test_personal_data_is_removed_wherever_it_is():
    sent = order(
        {**item(), "product": {"sellerSku": "S", "customization": {"customizedUrl": "u"}},
         "fulfillment": {"packing": {"giftOption": {"giftMessage": "Dear Ann", "giftWrapLevel": "Red"}}}},
        buyer={"buyerName": "Ann"},
        recipient={"deliveryAddress": {"name": "Ann"}},
        packages=[{"trackingNumber": "T1", "shipFromAddress": {"name": "Shop"}}],
        tax={"taxRegistrations": [{"legalName": "Ann Ltd"}], "taxInvoicing": {}},
    )  # fmt: skip

    kept = scrubbed(sent)

    assert "Ann" not in str(kept)
    assert "customizedUrl" not in str(kept)
    assert "Shop" not in str(kept)
    assert kept["orderItems"][0]["fulfillment"]["packing"]["giftOption"] == {"giftWrapLevel": "Red"}
    assert kept["packages"][0]["trackingNumber"] == "T1"

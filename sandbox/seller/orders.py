"""Orders in the shape of the Orders API 2026-01-01, with every data set a caller could ask for.

In the US and in Canada prices stand without tax; here they do everywhere, discounts are positive, and an item's total
is price + shipping + gift wrap + tax - discount. Source: official model orders_2026-01-01, ``Order``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.seller.account import Item, Order
from sandbox.seller.marketplaces import Marketplace

_BUYERS = (
    "Robin Example", "Sam Sample", "Kim Specimen", "Alex Muster", "Noor Voorbeeld", "Dana Beispiel", "Lou Exemple",
)  # fmt: skip
_SHIPPED_UNITS = {"SHIPPED": 1.0, "PARTIALLY_SHIPPED": 0.5}


def order_json(order: Order, marketplace: Marketplace) -> dict[str, Any]:
    """Return the whole order, with every data set a caller may ask for, prices of an unpaid one included.

    ``marketplace`` is where its account sells first; an order that was bought elsewhere says so itself.
    """
    marketplace = order.sold_on or marketplace
    priced = not order.multi_channel
    made: dict[str, Any] = {
        "orderId": order.order_id,
        "orderAliases": [{"aliasId": order.order_id, "aliasType": "SELLER_ORDER_ID"}],
        "createdTime": _instant(order.purchased_at),
        "lastUpdatedTime": _instant(order.updated_at),
        "programs": ["PRIME"] if order.fulfilled_by == "AMAZON" and not order.multi_channel else [],
        "associatedOrders": [],
        "salesChannel": {
            "channelName": "NON_AMAZON" if order.multi_channel else "AMAZON",
            "marketplaceId": marketplace.marketplace_id,
            "marketplaceName": marketplace.multi_channel if order.multi_channel else marketplace.site,
        },
        "buyer": _buyer(order),
        "recipient": {"deliveryAddress": _address(marketplace)},
        "fulfillment": _fulfillment(order),
        "orderItems": [_item(item, order, marketplace, priced=priced) for item in order.items],
    }
    if priced:
        made["proceeds"] = _order_proceeds(order, marketplace)
        made["payment"] = {
            "paymentExecutions": [{"paymentMethod": "STANDARD", "paymentAmount": made["proceeds"]["grandTotal"]}]
        }
        made["tax"] = {"taxRegistrations": []}
    if order.tracking and order.shipped_at:
        made["packages"] = [_package(order, order.shipped_at, marketplace)]
    return made


def _buyer(order: Order) -> dict[str, Any]:
    """One of a few buyers, so that some buy twice. The anonymised e-mail comes only with orders the merchant ships."""
    name = _BUYERS[sum(order.order_id.encode()) % len(_BUYERS)]
    email = {"buyerEmail": f"{name.split()[0].lower()}@marketplace.example"} if order.fulfilled_by == "MERCHANT" else {}
    return {"buyerName": name, **email}


def _fulfillment(order: Order) -> dict[str, Any]:
    ship_by = order.purchased_at + timedelta(days=2)
    return {
        "fulfillmentStatus": order.status,
        "fulfilledBy": order.fulfilled_by,
        "fulfillmentServiceLevel": "STANDARD",
        "shipByWindow": {"earliestDateTime": _instant(order.purchased_at), "latestDateTime": _instant(ship_by)},
    }


def _item(item: Item, order: Order, marketplace: Marketplace, *, priced: bool) -> dict[str, Any]:
    fulfilled = int(item.quantity * _SHIPPED_UNITS.get(order.status, 0))
    made: dict[str, Any] = {
        "orderItemId": item.code,
        "quantityOrdered": item.quantity,
        "programs": [],
        "product": {
            "asin": item.product.asin,
            "title": item.product.title,
            "sellerSku": item.product.sku,
            "condition": {"conditionType": "NEW", "conditionSubtype": "NEW", "conditionNote": ""},
        },
        "fulfillment": {"quantityFulfilled": fulfilled, "quantityUnfulfilled": item.quantity - fulfilled},
    }
    if priced:
        made["product"]["price"] = {"unitPrice": _money(item.product.price, marketplace)}
        made["proceeds"] = _item_proceeds(item, marketplace)
        made["tax"] = {
            "taxCollections": [{"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services, Inc."}]
        }
    if item.discount or item.shipping_discount:
        made["promotion"] = {"breakdowns": [{"promotionId": f"PLM-Principal-{item.code[:6]}"}]}
    if order.status == "CANCELLED":
        made["cancellation"] = {"cancellationExecution": {"cancelledBy": "BUYER", "cancelReason": "BUYER_CANCELED"}}
    return made


def _parts(item: Item) -> dict[str, int]:
    return {
        "ITEM": item.price,
        "SHIPPING": item.shipping,
        "GIFT_WRAP": item.wrap,
        "TAX": item.tax - item.tax_discount + item.shipping_tax + item.wrap_tax,
        "DISCOUNT": item.discount + item.shipping_discount,
    }


def _total(item: Item) -> int:
    parts = _parts(item)
    return sum(parts.values()) - 2 * parts["DISCOUNT"]


def _item_proceeds(item: Item, marketplace: Marketplace) -> dict[str, Any]:
    details = {
        "TAX": {
            "ITEM": item.tax,
            "SHIPPING": item.shipping_tax,
            "GIFT_WRAP": item.wrap_tax,
            "DISCOUNT": item.tax_discount,
        },
        "DISCOUNT": {"ITEM": item.discount, "SHIPPING": item.shipping_discount},
    }
    breakdowns = []
    for kind, amount in _parts(item).items():
        if not amount and kind != "ITEM":
            continue
        breakdown: dict[str, Any] = {"type": kind, "subtotal": _money(amount, marketplace)}
        if kind in details:
            breakdown["detailedBreakdowns"] = [
                {"subtype": subtype, "value": _money(value, marketplace)}
                for subtype, value in details[kind].items()
                if value
            ]
        breakdowns.append(breakdown)
    return {"proceedsTotal": _money(_total(item), marketplace), "breakdowns": breakdowns}


def _order_proceeds(order: Order, marketplace: Marketplace) -> dict[str, Any]:
    sums: dict[str, int] = {}
    for item in order.items:
        for kind, amount in _parts(item).items():
            sums[kind] = sums.get(kind, 0) + amount
    return {
        "grandTotal": _money(sum(_total(item) for item in order.items), marketplace),
        "breakdowns": [
            {"type": kind, "subtotal": _money(amount, marketplace)} for kind, amount in sums.items() if amount
        ],
    }


def _package(order: Order, shipped_at: datetime, marketplace: Marketplace) -> dict[str, Any]:
    return {
        "packageReferenceId": "1",
        "createdTime": _instant(order.purchased_at + timedelta(hours=20)),
        "packageStatus": {"status": "DELIVERED", "detailedStatus": "DELIVERED"},
        "carrier": "UPS",
        "shipTime": _instant(shipped_at),
        "shippingService": "UPS Ground",
        "trackingNumber": order.tracking,
        "shipFromAddress": _address(marketplace),
        "packageItems": [{"orderItemId": item.code, "quantity": item.quantity} for item in order.items],
    }


def _address(marketplace: Marketplace) -> dict[str, str]:
    return {
        "name": "Robin Example",
        "addressLine1": "1 Example Street",
        "city": "Exampleton",
        "stateOrRegion": "WA",
        "postalCode": "98101",
        "countryCode": marketplace.country,
    }


def _money(amount: int, marketplace: Marketplace) -> dict[str, str]:
    whole, part = divmod(abs(amount), 10**marketplace.exponent)
    text = f"{whole}.{part:0{marketplace.exponent}d}" if marketplace.exponent else str(whole)
    return {"amount": f"-{text}" if amount < 0 else text, "currencyCode": marketplace.currency}


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

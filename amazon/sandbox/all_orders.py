"""The file of an all-orders report: tab separated, one line per order item, written as a stream.

Prices and discounts stand in the buyer's terms: with tax where the marketplace's prices include it, without in the US and in
Canada; discounts are positive. Lines that are not paid for leave currency and prices blank or not, as real files do. Which columns
there are depends on the marketplaces; city, postal code and the buyer's company and tax ids are personal.
Source: report types GET_FLAT_FILE_ALL_ORDERS_DATA_BY_…_GENERAL, and files that sellers published.
"""

import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from sandbox.seller.marketplaces import MARKETPLACES, Marketplace

BY_ORDER_DATE: Final = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
BY_LAST_UPDATE: Final = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
TYPES: Final = {BY_ORDER_DATE: "createdTime", BY_LAST_UPDATE: "lastUpdatedTime"}
"""Report type → the time of an order that its range is about."""

PERSONAL: Final = (
    "ship-city",
    "ship-postal-code",
    "buyer-company-name",
    "buyer-vat-number",
    "buyer-tax-registration-id",
)
UNHEARD_OF: Final = "carrier-pigeon-ring"

_BEFORE_PRICES: Final = (
    "amazon-order-id",
    "merchant-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "fulfillment-channel",
    "sales-channel",
    "order-channel",
    "url",
    "ship-service-level",
    "product-name",
    "sku",
    "asin",
    "number-of-items",
    "item-status",
    "tax-collection-model",
    "tax-collection-responsible-party",
    "quantity",
    "currency",
)
_PRICES: Final = (
    "item-price",
    "item-tax",
    "shipping-price",
    "shipping-tax",
    "gift-wrap-price",
    "gift-wrap-tax",
    "item-promotion-discount",
    "ship-promotion-discount",
)
_AFTER_PRICES: Final = (
    "address-type",
    "ship-city",
    "ship-state",
    "ship-postal-code",
    "ship-country",
    "promotion-ids",
    "payment-method-details",
    "item-extensions-data",
    "cpf",
    "is-business-order",
    "purchase-order-number",
    "price-designation",
)
_VAT_PRICES: Final = ("vat-exclusive-item-price", "vat-exclusive-shipping-price", "vat-exclusive-giftwrap-price")
_EUROPE: Final = (
    "fulfilled-by",
    "buyer-company-name",
    "buyer-vat-number",
    "buyer-tax-registration-id",
    "buyer-tax-registration-country",
    "buyer-tax-registration-type",
    "is-replacement-order",
    "is-exchange-order",
    "original-order-id",
    "is-amazon-invoiced",
    *_VAT_PRICES,
    "is-iba",
    "is-buyer-requested-cancellation",
    "buyer-requested-cancel-reason",
    "ioss-number",
    "ship-from-city",
    "ship-from-state",
    "ship-from-postal-code",
    "ship-from-country",
    "is-transparency",
    "signature-confirmation-recommended",
)
_NOT_EVERYWHERE: Final = {
    "url": ("US", "CA", "MX", "JP"),
    "number-of-items": ("US", "CA", "MX", "BR", "JP"),
    "tax-collection-model": ("US", "CA", "MX", "BR"),
    "tax-collection-responsible-party": ("US", "CA", "MX", "BR"),
    "address-type": ("US", "CA"),
    "payment-method-details": ("JP",),
    "item-extensions-data": ("JP", "US"),
    "cpf": ("BR",),
}
_BY_ID: Final = {each.marketplace_id: each for each in MARKETPLACES.values()}
_TAX_EXTRA: Final = ("US", "CA")  # everywhere else a price includes the tax on it


def columns(marketplace_ids: Iterable[str]) -> list[str]:
    """The columns of a report on these marketplaces, in their usual order."""
    shops = [_BY_ID[each] for each in marketplace_ids if each in _BY_ID]
    countries = {each.country for each in shops}
    base = [
        each
        for each in (*_BEFORE_PRICES, *_PRICES, *_AFTER_PRICES)
        if each not in _NOT_EVERYWHERE or countries & set(_NOT_EVERYWHERE[each])
    ]
    return [*base, *_EUROPE] if any(each.region == "EU" for each in shops) else base


def text_of(order: dict[str, Any], names: list[str]) -> str:
    """The lines of one order, each with its end."""
    return "".join("\t".join([row.get(name, "") for name in names]) + "\n" for row in rows(order))


def packed(names: list[str], texts: Iterable[str], codec: str) -> tuple[bytes, int]:
    """The gzip bytes of a file, and how many lines it has below its header. Only the bytes are held, however long it is."""
    packer, lines = zlib.compressobj(1, wbits=31), 0
    made = [packer.compress(("\t".join(names) + "\n").encode())]
    for text in texts:
        lines += text.count("\n")
        # What a character set cannot say is lost at the source, as "?".
        made.append(packer.compress(text.encode(codec, errors="replace")))
    return b"".join([*made, packer.flush()]), lines


def rows(order: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The lines of one order, columns by name, those of all marketplaces; blank ones may be left out."""
    shop = _BY_ID.get(order["salesChannel"].get("marketplaceId", ""))
    common = _of_order(order, shop)
    for item in order["orderItems"]:
        yield {**common, **_of_item(item, order, shop)}


def _of_order(order: dict[str, Any], shop: Marketplace | None) -> dict[str, str]:
    fulfillment = order.get("fulfillment", {})
    address = order.get("recipient", {}).get("deliveryAddress", {})
    programs = order.get("programs", [])
    links = {each["associationType"]: each["orderId"] for each in order.get("associatedOrders", [])}
    aliases = [each["aliasId"] for each in order.get("orderAliases", []) if each["aliasType"] == "SELLER_ORDER_ID"]
    business = "AMAZON_BUSINESS" in programs
    company = order.get("buyer", {}).get("buyerCompanyName", "Example Trading Ltd")
    return {
        "amazon-order-id": order["orderId"],
        "merchant-order-id": aliases[0] if aliases else "",
        "purchase-date": _date(order["createdTime"]),
        "last-updated-date": _date(order["lastUpdatedTime"]),
        "order-status": _word(fulfillment.get("fulfillmentStatus", "")),
        "fulfillment-channel": _word(fulfillment.get("fulfilledBy", "")),
        "sales-channel": order["salesChannel"].get("marketplaceName", ""),
        "ship-service-level": _word(fulfillment.get("fulfillmentServiceLevel", "")),
        "number-of-items": str(len(order["orderItems"])),
        "address-type": "Residential",
        "ship-city": address.get("city", ""),
        "ship-state": address.get("stateOrRegion", ""),
        "ship-postal-code": address.get("postalCode", ""),
        "ship-country": address.get("countryCode", ""),
        "payment-method-details": "Standard",
        "is-business-order": _flag(business),
        "purchase-order-number": f"PO-{order['orderId'][-4:]}" if business else "",
        "fulfilled-by": _word(fulfillment.get("fulfilledBy", "")),
        "buyer-company-name": company if business else "",
        "buyer-vat-number": f"{shop.country}123456789" if business and shop else "",
        "buyer-tax-registration-id": f"{shop.country}123456789" if business and shop else "",
        "buyer-tax-registration-country": shop.country if business and shop else "",
        "buyer-tax-registration-type": "VAT" if business else "",
        "is-replacement-order": _flag("REPLACEMENT_ORIGINAL_ID" in links),
        "is-exchange-order": _flag("EXCHANGE_ORIGINAL_ID" in links),
        "original-order-id": next(iter(links.values()), ""),
        "is-amazon-invoiced": "false",
        "is-iba": _flag("INVOICE_BY_AMAZON" in programs),
        "ship-from-country": shop.country if shop else "",
        "signature-confirmation-recommended": "false",
    }


def _of_item(item: dict[str, Any], order: dict[str, Any], shop: Marketplace | None) -> dict[str, str]:
    status = order.get("fulfillment", {}).get("fulfillmentStatus", "")
    product = item["product"]
    cancelled = status == "CANCELLED" or "cancellationExecution" in item.get("cancellation", {})
    collections = item.get("tax", {}).get("taxCollections", [])
    made = {
        "product-name": product.get("title", ""),
        "sku": product.get("sellerSku", ""),
        "asin": product.get("asin", ""),
        "item-status": "Cancelled" if cancelled else _word(status),
        "tax-collection-model": "MarketplaceFacilitator" if collections else "",
        "tax-collection-responsible-party": collections[0].get("responsibleParty", "") if collections else "",
        "quantity": "0" if cancelled else str(item["quantityOrdered"]),
        "promotion-ids": ",".join(each["promotionId"] for each in item.get("promotion", {}).get("breakdowns", [])),
        "price-designation": "Business Price" if product.get("price", {}).get("priceDesignation") else "",
        "is-buyer-requested-cancellation": _flag("cancellationRequest" in item.get("cancellation", {})),
        "is-transparency": "false",
    }
    # Real files leave the prices of some unpaid lines blank and fill those of others; here the product decides.
    blank = sum(product.get("sellerSku", "").encode()) % 2 == 0
    unpaid = cancelled or status in ("PENDING", "PENDING_AVAILABILITY")
    if "proceedsTotal" in item.get("proceeds", {}) and not (unpaid and blank):
        made |= _prices(item["proceeds"], with_tax=shop is not None and shop.country not in _TAX_EXTRA)
    return made


def _prices(proceeds: dict[str, Any], *, with_tax: bool) -> dict[str, str]:
    """What the buyer pays for a line. Stored amounts are without tax."""
    currency = proceeds["proceedsTotal"]["currencyCode"]
    zero = Decimal(proceeds["proceedsTotal"]["amount"]) * 0
    sums = {each["type"]: Decimal(each["subtotal"]["amount"]) for each in proceeds.get("breakdowns", [])}
    details = {
        (each["type"], detail["subtype"]): Decimal(detail["value"]["amount"])
        for each in proceeds.get("breakdowns", [])
        for detail in each.get("detailedBreakdowns", ())
    }
    made = {"currency": currency}
    for kind, name in (("ITEM", "item"), ("SHIPPING", "shipping"), ("GIFT_WRAP", "gift-wrap")):
        net, tax = sums.get(kind, zero), details.get(("TAX", kind), zero)
        made[f"{name}-price"] = _amount(net + tax if with_tax else net)
        made[f"{name}-tax"] = _amount(tax)
        made[f"vat-exclusive-{name.replace('gift-wrap', 'giftwrap')}-price"] = _amount(net)
    saved = details.get(("TAX", "DISCOUNT"), zero) if with_tax else zero
    made["item-promotion-discount"] = _amount(details.get(("DISCOUNT", "ITEM"), zero) + saved)
    made["ship-promotion-discount"] = _amount(details.get(("DISCOUNT", "SHIPPING"), zero))
    return made


def _amount(value: Decimal) -> str:
    return f"{value:f}"


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _date(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0).isoformat()


def _word(text: str) -> str:
    """``SECOND_DAY`` as these files write it: ``SecondDay``. So statuses read as in Orders v0, but Cancelled has two l."""
    return "".join(part.capitalize() for part in text.split("_"))

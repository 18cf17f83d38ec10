"""An order's proceeds as amounts by account: what a shipment invoice is made of."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from amazon.models import Order
from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.figures import OrderItem
from bookkeeping.shipment import ShippedOrder
from flows.mapping import TenantMapping
from flows.models import Flow

# Orders API 2026-01-01, item.proceeds.breakdowns.type. TAX is never invoiced here: the marketplace remits it.
_KEYS: Final[Mapping[str, AccountKey]] = {
    "ITEM": AccountKey.SALES,
    "SHIPPING": AccountKey.SHIP_INCOME,
    "GIFT_WRAP": AccountKey.WRAP_INCOME,
    "COD_FEE": AccountKey.SHIP_INCOME,
    "DISCOUNT": AccountKey.PROMO,
}


def shipped_order(order: Order, flow: Flow, known: TenantMapping, on: date) -> ShippedOrder:
    """Return the order as an invoice needs it: amounts without tax, by line key, with their total as Amazon states it.

    The stated total is None where the order's own figures do not say what is net of tax: an amount of no known kind, an
    identity that does not hold, or items that do not add up to the order.
    """
    items = tuple(_item(item, order, known, on) for item in order.items)
    totals = [_stated(item) for item in order.items]
    whole = [item["total"] for item in order.items]
    clear = all(total is not None for total in totals) and (
        order.total is None or order.total == sum(total for total in whole if total is not None)
    )
    placed = flow.trigger == Flow.Trigger.PLACED
    return ShippedOrder(
        order_id=order.order_id,
        marketplace=order.marketplace,
        currency=order.currency,
        shipped_at=order.purchased_at if placed else order.shipped_at or order.purchased_at,
        on=on,
        items=items,
        stated_total=sum(total for total in totals if total is not None) if clear else None,
        sold_on_amazon=order.channel == "AMAZON",
        tracking=_tracking(order.tracking),
        placed=placed,
    )


def _item(item: Mapping[str, Any], order: Order, known: TenantMapping, on: date) -> OrderItem:
    amounts: dict[LineKey, int] = {}
    inside = item["taxes"] if item["tax_basis"] == "included" else {}
    for kind, subtotal in item["subtotals"].items():
        account = _KEYS.get(kind)
        if account is None:
            continue
        key = known.line_key(account, item["sku"], order.marketplace, on)
        amounts[key] = amounts.get(key, 0) + subtotal - inside.get(kind, 0)
    return OrderItem(
        item_code=item["item_id"],
        sku=item["sku"],
        units=item["quantity"],
        amounts={key: amount for key, amount in sorted(amounts.items()) if amount},
    )


def _stated(item: Mapping[str, Any]) -> int | None:
    """Return the item's own total without tax, None where that cannot be told."""
    basis, total, subtotals = item["tax_basis"], item["total"], item["subtotals"]
    tax = subtotals.get("TAX", 0)
    if total is None or subtotals.get("OTHER", 0) or basis not in ("none", "added", "included"):
        return None
    if basis == "included" and (sum(item["taxes"].values()) != tax or "DISCOUNT" in item["taxes"]):
        return None
    return int(total) - (0 if basis == "none" else int(tax))


def _tracking(packages: Iterable[Mapping[str, str]]) -> str:
    return ", ".join(dict.fromkeys(package["number"] for package in packages))

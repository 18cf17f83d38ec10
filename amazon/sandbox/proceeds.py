"""The two ways in which an order's money may be stated, because Amazon documents neither.

Orders are kept with prices without tax and with discounts above zero. Whether prices and discounts hold their tax, and which
sign a discount has, is a switch each; an item's and an order's total are the same in every case.
"""

from collections import Counter
from decimal import Decimal
from typing import Any, Final

from sandbox.switches import Switch

SWITCHES: Final = (
    Switch("order_prices", ("without tax", "with tax"), "whether prices in an order's proceeds hold their tax"),
    Switch("order_discounts", ("positive", "negative"), "the sign of discounts in an order's proceeds"),
)
_PRICES: Final = ("ITEM", "SHIPPING", "GIFT_WRAP")


def stated(order: dict[str, Any], *, prices: str, discounts: str) -> dict[str, Any]:
    """The order with its proceeds as these settings of the switches say."""
    if (prices, discounts) == ("without tax", "positive") or "proceeds" not in order:
        return order
    taxes: Counter[str] = Counter()
    items = []
    for item in order["orderItems"]:
        own = _taxes(item.get("proceeds", {}))
        taxes.update(own)
        items.append(_stated(item, own, prices, discounts))
    return {**_stated(order, taxes, prices, discounts), "orderItems": items}


def _taxes(proceeds: dict[str, Any]) -> Counter[str]:
    """The tax on each kind of price."""
    made: Counter[str] = Counter()
    for each in proceeds.get("breakdowns", []):
        if each["type"] == "TAX":
            made.update({detail["subtype"]: _value(detail["value"]) for detail in each.get("detailedBreakdowns", [])})
    return made


def _stated(part: dict[str, Any], taxes: Counter[str], prices: str, discounts: str) -> dict[str, Any]:
    if "proceeds" not in part:
        return part
    with_tax, sign = prices == "with tax", -1 if discounts == "negative" else 1
    breakdowns = []
    for each in part["proceeds"].get("breakdowns", []):
        kind, made = each["type"], dict(each)
        tax = taxes[kind] if with_tax else 0
        if kind in _PRICES:
            made["subtotal"] = _money(made["subtotal"], _value(made["subtotal"]) + tax)
        elif kind == "DISCOUNT":
            made["subtotal"] = _money(made["subtotal"], sign * (_value(made["subtotal"]) + tax))
            details = []
            for detail in made.get("detailedBreakdowns", []):
                # The tax that a discount saves is that on the item.
                more = tax if detail["subtype"] == "ITEM" else 0
                details.append({**detail, "value": _money(detail["value"], sign * (_value(detail["value"]) + more))})
            if details:
                made["detailedBreakdowns"] = details
        breakdowns.append(made)
    return {**part, "proceeds": {**part["proceeds"], "breakdowns": breakdowns}}


def _value(money: dict[str, Any]) -> Any:
    return Decimal(money["amount"])


def _money(money: dict[str, Any], value: Decimal) -> dict[str, Any]:
    return {**money, "amount": f"{value:f}"}

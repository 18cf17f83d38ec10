"""One order as Amazon sends it, read into our terms and freed of personal data. Pure.

Source: Orders API 2026-01-01. Whether TAX is inside ITEM and with which sign DISCOUNT comes is documented nowhere, so
each item says which identity its own numbers fulfil.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from bookkeeping.money import BadAmount, from_decimal

PENDING: Final = frozenset({"PENDING", "PENDING_AVAILABILITY"})  # no prices yet: not to be posted
SHIPPED: Final = "SHIPPED"
CANCELLED: Final = frozenset({"CANCELLED", "UNFULFILLABLE"})  # nothing more will ship
_GROSS: Final = ("ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE", "OTHER")
# Nodes that hold personal data wherever they appear: names, addresses, tax numbers, messages, card details.
_PERSONAL: Final = frozenset(
    {"buyer", "recipient", "taxRegistrations", "customization", "giftMessage", "shipFromAddress", "payment"}
)

TaxBasis = Literal["none", "added", "included", "unclear", ""]


class BadOrder(ValueError):
    """An order without the fields every order has."""


@dataclass(frozen=True, slots=True)
class Item:
    """One order item; amounts are minor units of the order's currency, ``None`` or empty while it is pending.

    ``subtotals`` has Amazon's breakdown types (ITEM, SHIPPING, GIFT_WRAP, COD_FEE, OTHER, TAX ≥ 0; DISCOUNT ≤ 0),
    ``taxes`` and ``discounts`` their detail by subtype with the same signs. ``tax_basis`` names the identity that
    holds, always with the discount off: ``none`` total = Σ gross, ``added`` total = Σ gross + TAX, ``included`` total
    = Σ gross with TAX inside, ``unclear`` neither.
    """

    item_id: str
    sku: str
    asin: str
    title: str
    quantity: int
    fulfilled: int
    total: int | None
    subtotals: dict[str, int]
    taxes: dict[str, int]
    discounts: dict[str, int]
    tax_basis: TaxBasis


@dataclass(frozen=True, slots=True)
class Parsed:
    """An order. ``ship_time`` is the latest one of its packages (orders the merchant ships); times are aware UTC."""

    order_id: str
    status: str
    channel: str
    fulfilled_by: str
    purchased_at: datetime
    last_updated_at: datetime
    ship_time: datetime | None
    marketplace_id: str
    marketplace: str
    currency: str
    total: int | None
    items: tuple[Item, ...]
    tracking: tuple[dict[str, str], ...]

    def items_as_dicts(self) -> list[dict[str, Any]]:
        return [asdict(item) for item in self.items]


def parse_order(order: Mapping[str, Any]) -> Parsed:
    """Read one order; unknown statuses and missing optional parts are accepted. Raises BadOrder."""
    try:
        fulfillment, channel = order.get("fulfillment") or {}, order["salesChannel"]
        status = str(fulfillment.get("fulfillmentStatus") or "")
        grand_total = {} if status in PENDING else (order.get("proceeds") or {}).get("grandTotal") or {}
        items = order["orderItems"] or []
        currency = _currency(grand_total, items) if status not in PENDING else ""
        packages = order.get("packages") or []
        return Parsed(
            order_id=str(order["orderId"]),
            status=status,
            channel=channel.get("channelName") or "",
            fulfilled_by=fulfillment.get("fulfilledBy") or "",
            purchased_at=_moment(order["createdTime"]),
            last_updated_at=_moment(order["lastUpdatedTime"]),
            ship_time=max((_moment(p["shipTime"]) for p in packages if p.get("shipTime")), default=None),
            marketplace_id=channel.get("marketplaceId") or "",
            marketplace=channel.get("marketplaceName") or "",
            currency=currency,
            total=_amount(grand_total, currency) if grand_total else None,
            items=tuple(_item(item, currency) for item in items),
            tracking=tuple(_tracking(package) for package in packages if package.get("trackingNumber")),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadOrder(f"order {order.get('orderId', '?')!r}: {error!r}") from error


def scrubbed(value: Any) -> Any:
    """Return an order's JSON without the nodes that hold personal data."""
    if isinstance(value, Mapping):
        return {key: scrubbed(inner) for key, inner in value.items() if key not in _PERSONAL}
    if isinstance(value, list | tuple):
        return [scrubbed(inner) for inner in value]
    return value


def _item(item: Mapping[str, Any], currency: str) -> Item:
    product, fulfillment, proceeds = item["product"], item.get("fulfillment") or {}, item.get("proceeds") or {}
    total: int | None = None
    subtotals: dict[str, int] = {}
    taxes: dict[str, int] = {}
    discounts: dict[str, int] = {}
    basis: TaxBasis = ""
    if currency and proceeds:
        breakdowns = proceeds.get("breakdowns") or []
        total = _amount(proceeds.get("proceedsTotal") or {}, currency)
        try:
            subtotals = _sums(((b["type"], b["subtotal"]) for b in breakdowns), currency)
            taxes, discounts = _detail(breakdowns, "TAX", currency), _detail(breakdowns, "DISCOUNT", currency)
            if "DISCOUNT" in subtotals:
                subtotals["DISCOUNT"] = -abs(subtotals["DISCOUNT"])
            basis = _basis(total, subtotals)
        except BadAmount:
            basis = "unclear"
    return Item(
        item_id=str(item["orderItemId"]),
        sku=product.get("sellerSku") or "",
        asin=product.get("asin") or "",
        title=product.get("title") or "",
        quantity=int(item["quantityOrdered"]),
        fulfilled=int(fulfillment.get("quantityFulfilled") or 0),
        total=total,
        subtotals=subtotals,
        taxes=taxes,
        discounts={name: -abs(amount) for name, amount in discounts.items()},
        tax_basis=basis,
    )


def _basis(total: int | None, subtotals: Mapping[str, int]) -> TaxBasis:
    if total is None or not set(subtotals) <= {*_GROSS, "TAX", "DISCOUNT"}:
        return "unclear"
    gross = sum(subtotals.get(kind, 0) for kind in _GROSS) + subtotals.get("DISCOUNT", 0)
    tax = subtotals.get("TAX", 0)
    if total == gross:
        return "included" if tax else "none"
    return "added" if total == gross + tax else "unclear"


def _detail(breakdowns: Iterable[Mapping[str, Any]], kind: str, currency: str) -> dict[str, int]:
    details = (d for b in breakdowns if b["type"] == kind for d in b.get("detailedBreakdowns") or [])
    return _sums(((d["subtype"], d["value"]) for d in details), currency)


def _sums(parts: Iterable[tuple[str, Mapping[str, Any]]], currency: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, money in parts:
        amount = _amount(money, currency)
        if amount is None:
            raise BadAmount(f"{name} is not an amount of {currency}")
        sums[name] = sums.get(name, 0) + amount
    return sums


def _amount(money: Mapping[str, Any], currency: str) -> int | None:
    """Return minor units, or None for anything that is not an exact amount of the order's currency."""
    if not money or money.get("currencyCode") != currency:
        return None
    try:
        return from_decimal(Decimal(str(money["amount"])), currency)
    except (BadAmount, InvalidOperation, KeyError):
        return None


def _currency(grand_total: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> str:
    totals = [grand_total, *((item.get("proceeds") or {}).get("proceedsTotal") or {} for item in items)]
    return next((str(money["currencyCode"]) for money in totals if money.get("currencyCode")), "")


def _tracking(package: Mapping[str, Any]) -> dict[str, str]:
    return {
        "carrier": package.get("carrier") or "",
        "number": package["trackingNumber"],
        "shipped_at": package.get("shipTime") or "",
    }


def _moment(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:  # an hour of the year 1 that is none in UTC
        raise ValueError(f"{text!r} is out of range") from None

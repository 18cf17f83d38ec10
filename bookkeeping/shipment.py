"""Invoices made before the settlement: when the order ships, or is placed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum, unique

from bookkeeping.carry import NONE_TAKEN
from bookkeeping.check import check_documents
from bookkeeping.coverage import OpenInvoice
from bookkeeping.figures import OrderItem, OrderPart
from bookkeeping.invoices import (
    CheckLine,
    CustomerOf,
    amounts_of,
    buyer,
    customer_symbol,
    invoice_lines,
    order_document,
    receivable_of,
)
from bookkeeping.numbering import NumbersUsedUp, invoice_number, shipment_key
from bookkeeping.planned import Planned
from bookkeeping.policy import Policy


@dataclass(frozen=True, slots=True)
class ShippedOrder:
    """An order as its proceeds state it, in minor units, tax that the marketplace remits left out.

    ``items`` hold amounts by line key (a discount negative). ``on`` is the local invoice date, frozen when the
    shipment was first seen; ``shipped_at`` the instant. ``stated_total`` is the order's own total of the same
    amounts, None where it cannot be told. ``placed``: it is invoiced on the day it was placed, and that is ``shipped_at``.
    """

    order_id: str
    marketplace: str
    currency: str
    shipped_at: datetime
    on: date
    items: tuple[OrderItem, ...]
    stated_total: int | None
    sold_on_amazon: bool = True
    tracking: str = ""
    placed: bool = False


@unique
class NoInvoice(StrEnum):
    """Why a shipped order gets no invoice now. None of these loses anything: its rows are carried when they settle."""

    BEFORE_CUT_OVER = "before_cut_over"
    NOT_AMAZON = "not_amazon"
    TOTALS_UNCLEAR = "totals_unclear"
    CARRIED_ALREADY = "carried_already"
    NOTHING_TO_PAY = "nothing_to_pay"
    PERIOD_CLOSED = "period_closed"
    NUMBERS_USED_UP = "numbers_used_up"


@dataclass(frozen=True, slots=True)
class Shipment:
    """The planned invoice and how settlements will find it; or, with neither, the reason."""

    planned: Planned | None = None
    invoice: OpenInvoice | None = None
    reason: NoInvoice | None = None


def plan_shipment(
    order: ShippedOrder,
    *,
    policy: Policy,
    carried: Sequence[tuple[str, OrderPart]] = (),
    cut_over_at: datetime | None = None,
    closed_until: date | None = None,
    first_open_on: date | None = None,
    numbers: Mapping[str, str] = NONE_TAKEN,
    revision: int = 1,
    check_line: CheckLine | None = None,
    customer_of: CustomerOf = customer_symbol,
) -> Shipment:
    """Return the invoice over the units of a shipped order that no settlement has carried, made once per order.

    ``carried`` are the rows of the order that live settlements carry, each with its settlement id. ``closed_until``
    is the last day of the closed period; an invoice dated in it moves to ``first_open_on``, or without that is left
    to the settlement.
    """
    settled = _by_item(part for _, part in carried)
    items = tuple(left for item in order.items if (left := _left(item, settled.get(item.item_code))).units > 0)
    lines = invoice_lines(items, negative=policy.negative_lines)
    in_closed = closed_until is not None and order.on <= closed_until
    reason = _reason(order, items, cut_over_at)
    if reason is None and in_closed and first_open_on is None:
        reason = NoInvoice.PERIOD_CLOSED
    if reason:
        return Shipment(reason=reason)
    key = shipment_key(order.order_id, revision)
    try:
        number = invoice_number(order.order_id, key, numbers)
    except NumbersUsedUp:
        return Shipment(reason=NoInvoice.NUMBERS_USED_UP)
    on = first_open_on if in_closed and first_open_on else order.on
    customer = buyer(policy, customer_of, order.marketplace, order.currency, order.order_id)
    document = order_document(
        policy,
        number=number,
        on=on,
        currency=order.currency,
        customer=customer,
        lines=lines,
        order_id=order.order_id,
        memo=f"Amazon order {order.order_id}, as {'placed' if order.placed else 'shipped'}",
        tracking=order.tracking,
        settles=False,
    )
    hold = next((found for line in lines if (found := check_line(line))), None) if check_line else None
    planned = Planned(key, document, held=hold)
    check_documents([planned])
    units = {item.item_code: item.units for item in items}
    opened = OpenInvoice(
        key=key,
        number=number,
        order_id=order.order_id,
        customer=customer,
        on=on,
        lines=amounts_of(lines),
        units=units,
        receivable=receivable_of(document),
        not_for=tuple(sorted({settlement_id for settlement_id, _ in carried})),
    )
    return Shipment(planned, opened)


def _reason(order: ShippedOrder, items: tuple[OrderItem, ...], cut_over_at: datetime | None) -> NoInvoice | None:
    if not order.sold_on_amazon:
        return NoInvoice.NOT_AMAZON
    if cut_over_at is not None and order.shipped_at < cut_over_at:
        return NoInvoice.BEFORE_CUT_OVER
    if order.stated_total != sum(sum(item.amounts.values()) for item in order.items):
        return NoInvoice.TOTALS_UNCLEAR
    if not items:
        return NoInvoice.CARRIED_ALREADY
    if sum(sum(item.amounts.values()) for item in items) <= 0:
        return NoInvoice.NOTHING_TO_PAY
    return None


def _by_item(parts: Iterable[OrderPart]) -> dict[str, OrderItem]:
    carried: dict[str, OrderItem] = {}
    for part in parts:
        for item in part.items:
            before = carried.get(item.item_code, OrderItem(item.item_code, item.sku, 0, {}))
            amounts = dict(before.amounts)
            for key, amount in item.amounts.items():
                amounts[key] = amounts.get(key, 0) + amount
            carried[item.item_code] = OrderItem(item.item_code, item.sku, before.units + item.units, amounts)
    return carried


def _left(item: OrderItem, carried: OrderItem | None) -> OrderItem:
    """Return the item less what is carried; an amount that would change its sign is used up."""
    if carried is None:
        return item
    left = {}
    for key, amount in item.amounts.items():
        rest = amount - carried.amounts.get(key, 0)
        if rest * amount > 0:
            left[key] = rest
    return OrderItem(item.item_code, item.sku, item.units - carried.units, left)

"""Orders as rows: the newest version of each, its raw text sealed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from django.db import IntegrityError, transaction

from amazon import buyers
from amazon.models import Order
from amazon.orders import SHIPPED, BadOrder, Parsed, parse_order, scrubbed
from kit.sealed import seal_into
from tenants.alerts import alert, settle_alert
from tenants.models import Alert, Connection

NOBODY: Final[Mapping[str, buyers.Person]] = MappingProxyType({})
_UNREADABLE: Final = "order_unreadable"
_FILLED: Final = (
    "origin",
    "status",
    "channel",
    "fulfilled_by",
    "purchased_at",
    "last_updated_at",
    "shipped_at",
    "marketplace_id",
    "marketplace",
    "currency",
    "total",
    "items",
    "tracking",
)


@dataclass(frozen=True, slots=True)
class Stored:
    new: int
    changed: int
    unreadable: tuple[str, ...]


def store_orders(
    connection: Connection, sent: Sequence[Mapping[str, Any]], people: Mapping[str, buyers.Person] = NOBODY
) -> Stored:
    """Insert or update orders; an older version of an order never replaces a newer one. ``people`` are the buyers to keep, by
    order id."""
    try:
        with transaction.atomic():
            return _store(connection, sent, people)
    except IntegrityError:
        # A bulk report brought one of them at the same moment; now it is there to be seen.
        return _store(connection, sent, people)


def _store(connection: Connection, sent: Sequence[Mapping[str, Any]], people: Mapping[str, buyers.Person]) -> Stored:
    latest, unreadable = _latest(sent)
    for order_id in unreadable:
        alert(
            connection.tenant_id,
            kind=_UNREADABLE,
            key=_unreadable_key(connection, order_id),
            title=f"Order {order_id or 'without a number'} could not be read",
            text="Amazon sent it without fields that every order has. Its money still arrives with its settlement.",
            action="Look the order up in Seller Central.",
        )
    _settle_told(connection, latest)
    known = {order.order_id: order for order in Order.objects.filter(connection=connection, order_id__in=list(latest))}
    fresh: list[Order] = []
    changed: list[Order] = []
    for order_id, (parsed, raw) in latest.items():
        order = known.get(order_id)
        if order is None:
            order = Order(tenant_id=connection.tenant_id, connection=connection, order_id=order_id)
            fresh.append(order)
        elif order.last_updated_at < parsed.last_updated_at or _same_told_better(order, parsed):
            changed.append(order)
        else:
            continue
        _fill(order, parsed)
        order.origin, order.raw = Order.Origin.API, raw
    _save_sealed(fresh, changed)
    if people:
        buyers.keep(connection, {order_id: person for order_id, person in people.items() if order_id in latest})
    return Stored(len(fresh), len(changed), tuple(unreadable))


def store_reported(connection: Connection, reported: Sequence[Parsed]) -> Stored:
    """Insert or update orders as a bulk report has them, each once. What the Orders API told is replaced only by a later
    version, and keeps what reports do not have: ids of items, packages, the raw text."""
    with transaction.atomic():
        return _store_reported(connection, reported)


def _store_reported(connection: Connection, reported: Sequence[Parsed]) -> Stored:
    ids = [parsed.order_id for parsed in reported]
    # Locked: what a pull brings meanwhile is newer, and waits for this or is waited for.
    found = Order.objects.select_for_update().filter(connection=connection, order_id__in=ids).defer("raw")
    known = {order.order_id: order for order in found.order_by("pk")}
    fresh: list[Order] = []
    changed: list[Order] = []
    for parsed in reported:
        order = known.get(parsed.order_id)
        if order is None:
            order = Order(tenant_id=connection.tenant_id, connection=connection, order_id=parsed.order_id)
            fresh.append(order)
        elif order.last_updated_at < parsed.last_updated_at:
            parsed = _completed(parsed, order)
            changed.append(order)
        else:
            continue
        _fill(order, parsed)
        order.origin = Order.Origin.REPORT
    Order.objects.bulk_create(fresh, ignore_conflicts=True)
    if changed:
        Order.objects.bulk_update(changed, _FILLED)
    return Stored(len(fresh), len(changed), ())


def _same_told_better(order: Order, parsed: Parsed) -> bool:
    """Whether a report told of this very version: to the second, and with less in it than the Orders API has."""
    return order.origin == Order.Origin.REPORT and order.last_updated_at <= parsed.last_updated_at


def _completed(parsed: Parsed, order: Order) -> Parsed:
    """Return what a report says of a known order with what only the Orders API says: reports blank out what they do not know."""
    left = list(order.items)
    items = []
    for item in parsed.items:
        same = next((one for one in left if (one["sku"], one["asin"]) == (item.sku, item.asin)), None)
        if same is not None:
            left.remove(same)
            kept = {name: same[name] for name in ("total", "subtotals", "taxes", "discounts", "tax_basis")}
            # A cancelled line comes with no units, and of a line nobody says how many of its units were sent.
            quantity, fulfilled = item.quantity or same["quantity"], max(item.fulfilled, same["fulfilled"])
            item = replace(item, item_id=same["item_id"], title=item.title or same["title"])
            item = replace(item, quantity=quantity, fulfilled=fulfilled)
            item = replace(item, **kept) if item.total is None else item
        items.append(item)
    known = parsed.currency and parsed.total is not None
    return replace(
        parsed,
        items=tuple(items),
        tracking=tuple(order.tracking),
        channel=parsed.channel or order.channel,
        fulfilled_by=parsed.fulfilled_by or order.fulfilled_by,
        marketplace_id=parsed.marketplace_id or order.marketplace_id,
        marketplace=parsed.marketplace or order.marketplace,
        currency=parsed.currency or order.currency,
        total=parsed.total if known else order.total,
    )


def _settle_told(connection: Connection, readable: Iterable[str]) -> None:
    """Settle what was told of orders that can be read now."""
    keys = [_unreadable_key(connection, order_id) for order_id in readable]
    told = Alert.objects.filter(kind=_UNREADABLE, key__in=keys, settled_at=None)
    for key in told.values_list("key", flat=True):
        settle_alert(connection.tenant_id, key)


def _unreadable_key(connection: Connection, order_id: str) -> str:
    return f"connection:{connection.pk}:order:{order_id}"


def _save_sealed(fresh: list[Order], changed: list[Order]) -> None:
    """Save the orders, their raw text sealed; a new one has a place to be sealed for only once it is in the table."""
    raws = [(order, order.raw) for order in (*fresh, *changed)]
    for order, _ in raws:
        order.raw = ""
    Order.objects.bulk_create(fresh)
    for order, raw in raws:
        seal_into(order, "raw", raw)
    Order.objects.bulk_update(fresh, ["raw"])
    if changed:
        Order.objects.bulk_update(changed, [*_FILLED, "raw"])


def _latest(sent: Iterable[Mapping[str, Any]]) -> tuple[dict[str, tuple[Parsed, str]], list[str]]:
    latest: dict[str, tuple[Parsed, str]] = {}
    unreadable: list[str] = []
    for order in sent:
        try:
            parsed = parse_order(order)
        except BadOrder:
            unreadable.append(str(order.get("orderId") or ""))
            continue
        earlier = latest.get(parsed.order_id)
        if earlier is None or earlier[0].last_updated_at < parsed.last_updated_at:
            latest[parsed.order_id] = (parsed, json.dumps(scrubbed(order), default=str, ensure_ascii=False))
    return latest, unreadable


def _fill(order: Order, parsed: Parsed) -> None:
    order.status, order.channel, order.fulfilled_by = parsed.status, parsed.channel, parsed.fulfilled_by
    order.purchased_at, order.last_updated_at = parsed.purchased_at, parsed.last_updated_at
    if order.shipped_at is None and parsed.status == SHIPPED:
        order.shipped_at = parsed.ship_time or parsed.last_updated_at
    order.marketplace_id, order.marketplace = parsed.marketplace_id, parsed.marketplace
    order.currency, order.total = parsed.currency, parsed.total
    order.items, order.tracking = parsed.items_as_dicts(), list(parsed.tracking)

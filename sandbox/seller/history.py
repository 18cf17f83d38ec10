"""Years of orders of a seller of any size, made when they are looked at: nothing is stored but how to make them.

A few hundred orders are made once; order number ``n`` of the history is one of them under its own order id, item ids and
times. Orders lie evenly between ``starts_at`` and ``ends_at``, so that the ones of any period are found by arithmetic.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from heapq import heappop, heappush
from typing import Any

from sandbox.jsontext import dumps, loads
from sandbox.seller.account import Order
from sandbox.seller.marketplaces import MARKETPLACES
from sandbox.seller.orders import order_json
from sandbox.seller.shapes import Shape, seller

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_CANCELLED_ONE_IN = 37
_TEMPLATE_PERIODS = Shape(settlements=2, orders=60)

Key = tuple[str, str]
"""Time as the Orders API writes it, order id: what orders are sorted by."""


@dataclass(frozen=True)
class History:
    """``orders`` orders of one marketplace, the first bought at ``starts_at``, all of them before ``ends_at``.

    ``number`` parts the histories of one seller; it is in every order id.
    """

    orders: int
    starts_at: datetime
    ends_at: datetime
    country: str = "US"
    seed: int = 1
    number: int = 1

    def order(self, at: int) -> dict[str, Any]:
        """Order ``at``, counted from 0, complete, in the shape of the Orders API."""
        template = self._templates[at % len(self._templates)]
        bought = self._bought(at)
        item = f"{self.number:02d}{at:08d}"
        slots = [self.order_id(at), *(f"{item}{each:04d}" for each in range(template.items))]
        made: dict[str, Any] = loads(
            "".join(
                part if kind < 0 else slots[kind] if kind < len(slots) else _written(bought + template.delays[part])
                for part, kind in template.parts
            )
        )
        return made

    @property
    def kinds(self) -> int:
        """Orders that lie so far from each other differ in their ids and times alone."""
        return len(self._templates)

    def times(self, at: int) -> tuple[datetime, datetime]:
        """When order ``at`` was bought and last updated, in UTC."""
        bought = self._bought(at)
        return bought.astimezone(UTC), (bought + self._updated_after(at)).astimezone(UTC)

    def order_id(self, at: int) -> str:
        return f"{115 + self.number}-{at:07d}-{self.seed:07d}"

    def place(self, order_id: str) -> int | None:
        """Which order of this history has this id; None: none of it."""
        first, _, rest = order_id.partition("-")
        middle, _, last = rest.partition("-")
        if first != str(115 + self.number) or last != f"{self.seed:07d}" or not middle.isdecimal():
            return None
        return int(middle) if int(middle) < self.orders and len(middle) == 7 else None

    def keys(self, field: str, low: datetime, high: datetime) -> Iterator[tuple[Key, int]]:
        """Sort key and number of every order whose ``createdTime`` or ``lastUpdatedTime`` is from ``low`` to ``high``,
        both inclusive, in order."""
        longest = timedelta() if field == "createdTime" else self._longest
        first, last = self._at_or_after(low - longest), self._at_or_after(high + timedelta(microseconds=1))
        waiting: list[tuple[Key, int]] = []
        for at in range(first, last):
            bought = self._bought(at)
            # No order bought from now on can sort before the ones that are due.
            while waiting and waiting[0][0][0] < _written(bought):
                yield heappop(waiting)
            moment = bought if field == "createdTime" else bought + self._updated_after(at)
            if low <= moment <= high:
                heappush(waiting, ((_written(moment), self.order_id(at)), at))
        while waiting:
            yield heappop(waiting)

    def truth(self) -> dict[str, Any]:
        """Orders, order lines, cancelled orders, and what buyers paid for the others by calendar month (UTC), tax included:
        text of the currency's main unit."""
        counts = self._times(0, self.orders)
        return {
            "orders": self.orders,
            "lines": sum(each.items * times for each, times in counts),
            "cancelled": sum(times for each, times in counts if each.cancelled),
            "currency": MARKETPLACES[self.country].currency,
            "paid_by_month": {
                month: str(sum(each.paid * times for each, times in self._times(first, after)))
                for month, first, after in self._months()
            },
            "first": self.order_id(0),
            "last": self.order_id(self.orders - 1),
        }

    def _times(self, first: int, after: int) -> list[tuple["_Template", int]]:
        """Every template, and how many of the orders from ``first`` to before ``after`` it makes."""
        size = len(self._templates)
        return [
            (template, len(range(first + (number - first) % size, after, size)))
            for number, template in enumerate(self._templates)
        ]

    def _months(self) -> Iterator[tuple[str, int, int]]:
        """Every calendar month with its first order and the one after its last."""
        first = 0
        while first < self.orders:
            day = self._bought(first).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            after = self._at_or_after((day + timedelta(days=32)).replace(day=1))
            yield day.strftime("%Y-%m"), first, after
            first = after

    def kept(self) -> dict[str, Any]:
        """What a store has to remember of it."""
        return {
            "orders": self.orders,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
            "country": self.country,
            "seed": self.seed,
            "number": self.number,
        }

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "History":
        moments = {name: datetime.fromisoformat(kept[name]) for name in ("starts_at", "ends_at")}
        return cls(**{**kept, **moments})

    # When

    @cached_property
    def _step(self) -> timedelta:
        return (self.ends_at - self.starts_at) / self.orders

    def _bought(self, at: int) -> datetime:
        moment = self.starts_at + at * self._step
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _at_or_after(self, moment: datetime) -> int:
        """The first order bought at ``moment`` or later."""
        at = min(max(int((moment - self.starts_at) / self._step), 0), self.orders)
        while at > 0 and self._bought(at - 1) >= moment:
            at -= 1
        while at < self.orders and self._bought(at) < moment:
            at += 1
        return at

    def _updated_after(self, at: int) -> timedelta:
        return self._templates[at % len(self._templates)].updated_after

    @cached_property
    def _longest(self) -> timedelta:
        return max(each.updated_after for each in self._templates)

    # Of what

    @cached_property
    def _templates(self) -> list["_Template"]:
        shape = Shape(self.country, _TEMPLATE_PERIODS.settlements, _TEMPLATE_PERIODS.orders)
        account = seller(shape, self.seed)
        for order in account.orders[::_CANCELLED_ONE_IN]:
            order.status = "CANCELLED"
        return [_template(each, order_json(each, account.marketplace)) for each in account.orders]


@dataclass(frozen=True, slots=True)
class _Template:
    """An order's JSON in ``parts``: (text, -1), or (slot number as text, slot), where slot 0 is the order id, then come the
    items, and what is above them is a moment whose delay after the purchase is in ``delays``."""

    parts: list[tuple[str, int]]
    delays: dict[str, timedelta]
    items: int
    updated_after: timedelta
    cancelled: bool
    paid: Decimal


def _template(order: Order, body: dict[str, Any]) -> _Template:
    codes = [each.code for each in order.items]
    bought = datetime.fromisoformat(body["createdTime"])
    slots = {body["orderId"]: 0, **{code: number for number, code in enumerate(codes, start=1)}}
    marks = re.compile("|".join([*map(re.escape, slots), _MOMENT.pattern]))
    text, parts, delays, done = dumps(body), [], {}, 0
    for found in marks.finditer(text):
        parts.append((text[done : found.start()], -1))
        if (slot := slots.get(found[0])) is not None:
            parts.append(("", slot))
        else:
            delays[found[0]] = datetime.fromisoformat(found[0]) - bought
            parts.append((found[0], len(slots)))
        done = found.end()
    parts.append((text[done:], -1))
    cancelled = order.status == "CANCELLED"
    total = "0" if cancelled or "proceeds" not in body else body["proceeds"]["grandTotal"]["amount"]
    return _Template(
        parts,
        delays,
        len(codes),
        datetime.fromisoformat(body["lastUpdatedTime"]) - bought,
        cancelled,
        Decimal(total),
    )


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"

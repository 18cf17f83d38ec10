"""One settlement of any size, written as a stream: hundreds of thousands of rows in memory that does not grow.

A few hundred orders are made once; the file repeats them under new order ids. So the totals are known before the
first byte, which the layout demands: the total stands in the first row.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.seller.account import Line, Settlement
from sandbox.seller.layout import V2_COLUMNS, Style, v2_rows
from sandbox.seller.shapes import Shape, seller
from sandbox.seller.vocabulary import label, other

_TEMPLATE_ORDERS = 400
_MARK = "\x00"
_CLOSE = datetime(2026, 11, 8, 22, 7, 19, tzinfo=UTC)  # fourteen days that lie in two months


class BigSettlement:
    """A settlement of exactly ``rows`` detail rows. Iterating yields the V2 file in pieces of some 64 KiB of text.

    ``orders`` (rows of one order each) repeat ``cycles`` times, the first of them once more (``last_cycle``), and ``filling``
    makes up the number of rows. ``account`` is the small seller that all of it was taken from.
    """

    def __init__(self, rows: int, seed: int = 1, country: str = "US") -> None:
        shape = Shape(country, settlements=1, orders=_TEMPLATE_ORDERS, last_end=_CLOSE, negative=0, zero=0, partial=0)
        self.account = account = seller(shape, seed)
        template = account.settlements[0]
        self.rows = rows
        self.marketplace = account.marketplace
        self.settlement = template
        self.orders = _by_order(template.lines)
        per_cycle = sum(len(lines) for lines in self.orders)
        self.cycles, left = divmod(rows, per_cycle)
        self.last_cycle: list[list[Line]] = []
        for lines in self.orders:
            if len(lines) > left:
                break
            self.last_cycle.append(lines)
            left -= len(lines)
        fill = label("Order", "ItemFees", "VariableClosingFee"), other("Shipping label purchase")
        self.filling = [Line(fill[number % 2], -107, template.starts_at) for number in range(left)]
        self.total = self._sum(lambda line: line.amount)

    def _sum(self, value: Any) -> int:
        cycle = sum(value(line) for lines in self.orders for line in lines)
        rest = sum(value(line) for lines in self.last_cycle for line in lines) + sum(map(value, self.filling))
        return int(self.cycles * cycle + rest)

    def truth(self) -> dict[str, Any]:
        """Return rows, total, sums by meaning and by calendar month, and the number of orders, all in minor units."""
        zone = ZoneInfo(self.marketplace.zone)
        meanings: Counter[str] = Counter()
        months: Counter[str] = Counter()
        weighted = [(self.cycles, lines) for lines in self.orders]
        for times, lines in [*weighted, *((1, lines) for lines in self.last_cycle), (1, self.filling)]:
            for line in lines:
                meanings[line.label.meaning] += times * line.amount
                months[line.posted_at.astimezone(zone).strftime("%Y-%m")] += times * line.amount
        return {
            "settlement_id": self.settlement.settlement_id,
            "rows": self.rows,
            "total": self.total,
            "orders": self.cycles * len(self.orders) + len(self.last_cycle),
            "by_meaning": dict(sorted(meanings.items())),
            "by_month": dict(sorted(months.items())),
        }

    def __iter__(self) -> Iterator[bytes]:
        style = Style()
        summary, *_ = self._texts([], style, total=True)
        yield ("\t".join(V2_COLUMNS) + "\n" + summary).encode()
        templates = ["".join(self._texts(lines, style)) for lines in self.orders]
        waiting, size = [], 0
        for cycle in range(self.cycles + 1):
            for number, text in enumerate(templates if cycle < self.cycles else templates[: len(self.last_cycle)]):
                waiting.append(text.replace(_MARK, f"111-{cycle:07d}-{number:07d}"))
                size += len(waiting[-1])
                if size > 65_536:
                    yield "".join(waiting).encode()
                    waiting, size = [], 0
        waiting += self._texts(self.filling, style)
        yield "".join(waiting).encode()

    def _texts(self, lines: list[Line], style: Style, *, total: bool = False) -> list[str]:
        """Return the rows of ``lines`` as text with a mark for the order id, or just the summary row."""
        made = Settlement(
            self.settlement.settlement_id,
            self.settlement.starts_at,
            self.settlement.ends_at,
            self.settlement.deposit_at,
            [line._replace(order_id=_MARK, merchant_order_id=_MARK) if line.order_id else line for line in lines],
        )
        rows = list(v2_rows(made, self.marketplace, style))
        if total:
            rows[0]["total-amount"] = style.number(self.total, self.marketplace.exponent)
        chosen = rows[:1] if total else rows[1:]
        return ["\t".join(row.get(column, "") for column in V2_COLUMNS) + "\n" for row in chosen]


def _by_order(lines: list[Line]) -> list[list[Line]]:
    """Return the rows of one order each; account-level rows stay out, so that repeating the list stays plausible."""
    orders: dict[str, list[Line]] = {}
    for line in lines:
        if line.order_id:
            orders.setdefault(line.order_id, []).append(line)
    return list(orders.values())


def big_seller(rows: int = 300_000, seed: int = 1, country: str = "US") -> BigSettlement:
    """Return a settlement of ``rows`` detail rows that is written as a stream."""
    return BigSettlement(rows, seed, country)

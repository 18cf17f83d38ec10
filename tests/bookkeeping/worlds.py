"""Random sellers: a few orders over consecutive settlements, with everything that goes wrong."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from bookkeeping.facts import Header, Label, Row
from bookkeeping.figures import OrderItem
from bookkeeping.shipment import ShippedOrder
from tests.bookkeeping.e7 import MARKETPLACE, ZONE
from tests.bookkeeping.meanings import classify

FIRST = datetime(2025, 9, 20, 21, tzinfo=UTC)
PERIOD = timedelta(days=14)


@dataclass
class World:
    """``shipped`` are orders invoiced before they settle; ``unfinished`` orders of them do not settle in full."""

    settlements: list[tuple[Header, list[Row]]]
    shipped: list[ShippedOrder] = field(default_factory=list)
    unfinished: set[str] = field(default_factory=set)

    def profit(self) -> dict[str, dict[str, int]]:
        """What the rows say per month and account, read row by row and without the code under test."""
        months: dict[str, Counter[str]] = {}
        for _, rows in self.settlements:
            for row in rows:
                meaning = classify(row.label)
                if meaning.account and meaning.account not in NOT_PROFIT:
                    month = f"{row.posted_at.astimezone(ZONE):%Y-%m}"
                    months.setdefault(month, Counter())[meaning.account] += row.amount
        return {
            month: {key: amount for key, amount in sorted(by_key.items()) if amount}
            for month, by_key in sorted(months.items())
            if any(by_key.values())
        }


NOT_PROFIT = {"TAX_CLEARING", "RESERVE", "CHARGE_METHOD", "BANK", "PAYOUTS"}


class _Rows:
    def __init__(self, n: int) -> None:
        self.n, self.rows = n, list[Row]()

    def add(self, label: Label, amount: int, day: int, order: int = -1, units: int = 0) -> None:
        at = FIRST + PERIOD * self.n + timedelta(days=day, hours=2)
        order_id, code, sku = order_names(order) if order >= 0 else ("", "", "")
        marketplace = MARKETPLACE if order >= 0 else ""
        self.rows.append(Row(len(self.rows) + 3, label, amount, at, order_id, code, sku, units, marketplace, ""))

    def other(self, name: str, amount: int, day: int) -> None:
        self.add(Label("other-transaction", "other-transaction", name), amount, day)


def order_names(order: int) -> tuple[str, str, str]:
    return f"114-{order:07}-{order:07}", f"item-{order}", f"SKU-{order}"


CENTS = st.integers(1, 30_000)
DAYS = st.integers(0, 13)


@st.composite
def worlds(draw: st.DrawFn, shipments: bool = False) -> World:
    count = draw(st.integers(2, 4))
    files = [_Rows(n) for n in range(count)]
    world = World([])
    for order in range(draw(st.integers(1, 4))):
        _draw_order(draw, world, files, order, shipments)
    for rows in files:
        if draw(st.booleans()):
            rows.other("Subscription Fee", -3999, draw(DAYS))
        if draw(st.booleans()):
            rows.other("Storage Fee", -draw(CENTS), draw(DAYS))
    _close(draw, world, files)
    return world


def _draw_order(draw: st.DrawFn, world: World, files: list[_Rows], order: int, shipments: bool) -> None:
    units = draw(st.integers(1, 3))
    first = draw(st.integers(0, len(files) - 1))
    pieces = [units] if units == 1 or draw(st.booleans()) else [1, units - 1]
    price = draw(st.integers(100, 20_000))
    promo = draw(st.integers(0, price // 3))
    shipping = draw(st.sampled_from([0, 499]))
    settled = 0
    for n, piece in enumerate(pieces):
        place = first + n * draw(st.integers(0, 1))
        if place >= len(files):
            break
        settled += piece
        rows, day = files[place], draw(DAYS)
        cent = draw(st.integers(-1, 1))
        rows.add(Label("Order", "ItemPrice", "Principal"), price * piece + cent, day, order, piece)
        if shipping and n == 0:
            rows.add(Label("Order", "ItemPrice", "Shipping"), shipping, day, order, piece)
        if promo:
            rows.add(Label("Order", "Promotion", "Principal"), -promo * piece, day, order, piece)
        tax, kept = draw(CENTS), draw(st.sampled_from([0, 0, 0, 7, -7]))
        rows.add(Label("Order", "ItemPrice", "Tax"), tax, day, order, piece)
        withheld = Label("Order", "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal")
        rows.add(withheld, kept - tax, draw(st.sampled_from([day, day, 13])), order, piece)
        rows.add(Label("Order", "ItemFees", "Commission"), -price * piece // 7, day, order, piece)
        if draw(st.booleans()):
            back = files[draw(st.integers(place, len(files) - 1))]
            kind = draw(st.sampled_from(["Refund", "Chargeback Refund", "A-to-z Guarantee Refund"]))
            back.add(Label(kind, "ItemPrice", "Principal"), -price, draw(DAYS), order, 1)
            back.add(Label(kind, "ItemFees", "RefundCommission"), -50, draw(DAYS), order, 1)
    if shipments and draw(st.booleans()):
        known = draw(st.booleans())  # the promotion was known when the order shipped
        amounts = {"SALES": price * units + draw(st.sampled_from([0, 0, 1, -3])), "SHIP_INCOME": shipping}
        amounts |= {"PROMO": -promo * units if known else 0}
        order_id, code, sku = order_names(order)
        item = OrderItem(code, sku, units, {key: amount for key, amount in amounts.items() if amount})
        at = FIRST + PERIOD * first - timedelta(days=draw(st.integers(0, 5)))
        total = sum(item.amounts.values())
        world.shipped.append(ShippedOrder(order_id, MARKETPLACE, "USD", at, at.astimezone(ZONE).date(), (item,), total))
        if settled < units:
            world.unfinished.add(order_id)


def _close(draw: st.DrawFn, world: World, files: list[_Rows]) -> None:
    """Chain reserves, debts, charges and failed payouts from settlement to settlement, and total each."""
    held = before = 0
    payouts: list[tuple[int, date]] = []
    for n, rows in enumerate(files):
        if held:
            rows.other("Previous Reserve Amount Balance", held, 0)
        if before < 0:
            rows.other("Payable to Amazon", before, 0)
            if draw(st.booleans()):
                rows.other("Successful charge", draw(st.integers(1, -before)), draw(DAYS))
        if payouts and draw(st.integers(0, 3)) == 0:
            amount, on = payouts.pop()
            day = next(day for day in range(14) if (FIRST + PERIOD * n + timedelta(days=day)).date() > on)
            rows.other("Transfer of funds unsuccessful", amount, day)
        held = draw(st.sampled_from([0, 0, 1500, 7000]))
        if held:
            rows.other("Current Reserve Amount", -held, 13)
        total = sum(row.amount for row in rows.rows)
        starts_at = FIRST + PERIOD * n
        deposit_on = (starts_at + PERIOD + timedelta(days=2)).date()
        if total > 0:
            payouts.append((total, deposit_on))
        world.settlements.append(
            (Header(f"1900000000{n}", starts_at, starts_at + PERIOD, deposit_on, total, "USD"), rows.rows)
        )
        before = min(total, 0)

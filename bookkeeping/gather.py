"""Rows taken in: running sums by month, label, marketplace and account, and the few things that need more than a sum."""

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import date
from enum import Enum, auto
from typing import Final
from zoneinfo import ZoneInfo

from bookkeeping.accounts import AccountKey, Category, LineKey
from bookkeeping.batches import Batch, Group
from bookkeeping.classification import Classification
from bookkeeping.days import LocalDays
from bookkeeping.facts import Label, Row
from bookkeeping.figures import MovementKind
from bookkeeping.months import first_of_month
from bookkeeping.signs import expected_sign

Classify = Callable[[Label], Classification]
ZoneOf = Callable[[str], ZoneInfo]
Resolve = Callable[[AccountKey, str, str, date], LineKey]

MOVEMENTS: Final[Mapping[Category, MovementKind]] = {
    Category.DEBT_COLLECTED: MovementKind.CARD_CHARGE,
    Category.PAYOUT_REVERSED: MovementKind.FAILED_PAYOUT,
    Category.PAYOUT_MOVEMENT: MovementKind.BANK,
    Category.CROSS_MARKET: MovementKind.CROSS_MARKET,
}
# Resolved keys are remembered per SKU and day; a catalogue larger than this is asked again rather than kept in memory.
_REMEMBERED_KEYS: Final = 20_000


class Use(Enum):
    """What becomes of a row's amount."""

    BOOKED = auto()
    TAX = auto()
    MOVEMENT = auto()
    DEBT = auto()
    UNKNOWN = auto()


def use_of(meaning: Classification) -> Use:
    if meaning.category in MOVEMENTS:
        return Use.MOVEMENT
    if meaning.category is Category.OPENING_DEBT:
        return Use.DEBT
    if meaning.account is None:
        return Use.UNKNOWN
    return Use.TAX if meaning.account is AccountKey.TAX_CLEARING else Use.BOOKED


class Tally:
    """A running sum of rows."""

    __slots__ = ("amount", "line", "rows")

    def __init__(self, line: int) -> None:
        self.amount, self.rows, self.line = 0, 0, line


class Slot:
    """Everything the rows of one label and marketplace have in common. ``simple`` rows need nothing but a sum."""

    __slots__ = (
        "coverable",
        "days",
        "label",
        "marketplace",
        "meaning",
        "principal",
        "sign",
        "simple",
        "tallies",
        "use",
    )

    def __init__(self, label: Label, marketplace: str, meaning: Classification, days: LocalDays) -> None:
        self.label, self.marketplace, self.meaning, self.days = label, marketplace, meaning, days
        self.use = use_of(meaning)
        self.sign = expected_sign(meaning.category, label)
        self.coverable = meaning.coverable
        self.principal = (
            meaning.category is Category.PRODUCT_SALE and label.amount_description.casefold() == "principal"
        )
        self.simple = self.use is Use.BOOKED and not self.coverable
        self.tallies: dict[object, tuple[Tally, LineKey]] = {}


class Item:
    __slots__ = ("amounts", "sku", "units")

    def __init__(self, sku: str) -> None:
        self.sku, self.units = sku, 0
        self.amounts: dict[LineKey, int] = {}


class OrderMonth:
    __slots__ = ("items", "last_on", "marketplace")

    def __init__(self, marketplace: str, last_on: date) -> None:
        self.marketplace, self.last_on = marketplace, last_on
        self.items: dict[str, Item] = {}


class Gather:
    """Takes the rows of one settlement, in any order, by the row or by the batch."""

    def __init__(
        self,
        classify: Classify,
        zone_of: ZoneOf | ZoneInfo,
        resolve: Resolve | None,
        orders: Container[str] | None,
        begins: date | None = None,
    ) -> None:
        self.classify, self.resolve, self.wanted = classify, resolve, orders
        # The months before this one are before the books: of them a sum is all that is kept.
        self.first_month = first_of_month(begins) if begins else date.min
        self.zone_of: ZoneOf = (lambda _: zone_of) if isinstance(zone_of, ZoneInfo) else zone_of
        self.days: dict[str, LocalDays] = {}
        self.meanings: dict[Label, Classification] = {}
        self.slots: dict[tuple[Label, str], Slot] = {}
        self.remembered = 0
        self.tallies: dict[tuple[date, Label, str, LineKey], Tally] = {}
        self.orders: dict[str, dict[date, OrderMonth]] = {}
        self.taxes: dict[str, tuple[str, dict[date, int]]] = {}
        self.movements: list[tuple[int, MovementKind, date, int, Label]] = []
        self.unknown: dict[tuple[date, Label], Tally] = {}
        self.conflicts: dict[tuple[date, Label], Tally] = {}

    def take(self, rows: Iterable[Row]) -> None:
        slots = self.slots
        by_sku = self.resolve is not None
        for line, label, amount, at, order_id, item_code, sku, quantity, marketplace, _ in rows:
            slot = slots.get((label, marketplace)) or self._slot(label, marketplace)
            days = slot.days
            if not days.starts_at <= at < days.ends_at:
                days.move(at)
            known = slot.tallies.get((sku, days.day) if by_sku else days.month)
            tally, key = known or self._tally(slot, sku, line)
            tally.amount += amount
            tally.rows += 1
            if amount * slot.sign < 0:
                _count(self.conflicts, (days.month, label), amount, line)
            if slot.simple or days.month < self.first_month:
                continue
            if slot.coverable:
                if order_id and (self.wanted is None or order_id in self.wanted):
                    self._order(slot, order_id, item_code, sku, quantity if slot.principal else 0, key, amount)
            elif slot.use is Use.TAX:
                self._tax(slot, order_id, amount)
            elif amount:
                self._aside(slot, line, amount)

    def take_batch(self, batch: Batch) -> None:
        """Take a batch by its groups where sums are all that is wanted of it, else row by row."""
        groups = [
            (self.slots.get((group.label, group.marketplace)) or self._slot(group.label, group.marketplace), group)
            for group in batch.groups()
        ]
        if (
            self.resolve is None
            and all(self._only_sums(slot, group) for slot, group in groups)
            and self._one_month(batch)
        ):
            for slot, group in groups:
                self._add(slot, group)
        else:
            self.take(batch)

    def _only_sums(self, slot: Slot, group: Group) -> bool:
        """Tell whether nothing but sums is kept of these rows: no movement, and no order that was asked for."""
        if slot.use is Use.MOVEMENT or (slot.coverable and self.wanted is None):
            return False
        if not slot.coverable or not self.wanted:
            return True
        return not any(order_id in self.wanted for order_id in set(group.order_ids()))

    def _one_month(self, batch: Batch) -> bool:
        """Make the batch's month the current one of every zone; False where it has rows of two months."""
        first, last = batch.span()
        for days in self.days.values():
            days.move(first)
            month = days.month
            days.move(last)
            if days.month != month:
                return False
        return True

    def _add(self, slot: Slot, group: Group) -> None:
        amounts, month = group.amounts, slot.days.month
        tally, _ = slot.tallies.get(month) or self._tally(slot, "", next(iter(group.lines())))
        tally.amount += sum(amounts)
        tally.rows += len(amounts)
        if slot.sign and min(amount * slot.sign for amount in (min(amounts), max(amounts))) < 0:
            for line, amount in zip(group.lines(), amounts, strict=True):
                if amount * slot.sign < 0:
                    _count(self.conflicts, (month, slot.label), amount, line)
        if month < self.first_month:
            return
        if slot.use is Use.TAX:
            for order_id, amount in zip(group.order_ids(), amounts, strict=True):
                self._tax(slot, order_id, amount)
        elif slot.use is Use.UNKNOWN:
            for line, amount in zip(group.lines(), amounts, strict=True):
                if amount:
                    self._aside(slot, line, amount)

    def _slot(self, label: Label, marketplace: str) -> Slot:
        meaning = self.meanings.get(label)
        if meaning is None:
            meaning = self.meanings[label] = self.classify(label)
        zone = self.zone_of(marketplace)
        days = self.days.setdefault(zone.key or marketplace, LocalDays(zone))
        slot = self.slots[label, marketplace] = Slot(label, marketplace, meaning, days)
        return slot

    def _tally(self, slot: Slot, sku: str, line: int) -> tuple[Tally, LineKey]:
        days, account = slot.days, slot.meaning.account
        key: LineKey = ""
        if days.month < self.first_month:
            key = AccountKey.OPENING
        elif slot.use is Use.BOOKED and account is not None:
            key = self.line_key(account, sku, slot.marketplace, days.day)
        place = (days.month, slot.label, slot.marketplace, key)
        tally = self.tallies.get(place)
        if tally is None:
            tally = self.tallies[place] = Tally(line)
        self.remembered += 1
        if self.remembered > _REMEMBERED_KEYS:
            for other in self.slots.values():
                other.tallies.clear()
            self.remembered = 1
        known = slot.tallies[(sku, days.day) if self.resolve else days.month] = (tally, key)
        return known

    def line_key(self, account: AccountKey, sku: str, marketplace: str, day: date) -> LineKey:
        return self.resolve(account, sku, marketplace, day) if self.resolve else account

    def _order(
        self, slot: Slot, order_id: str, item_code: str, sku: str, units: int, key: LineKey, amount: int
    ) -> None:
        days = slot.days
        months = self.orders.get(order_id)
        if months is None:
            months = self.orders[order_id] = {}
        month = months.get(days.month)
        if month is None:
            month = months[days.month] = OrderMonth(slot.marketplace, days.day)
        month.last_on = max(month.last_on, days.day)
        item = month.items.get(item_code)
        if item is None:
            item = month.items[item_code] = Item(sku)
        item.units += units
        item.amounts[key] = item.amounts.get(key, 0) + amount

    def _tax(self, slot: Slot, order_id: str, amount: int) -> None:
        """Net an order's tax legs by month; what is 0 is forgotten, so that the usual order leaves nothing behind."""
        months = self.taxes.setdefault(order_id, (slot.marketplace, {}))[1]
        net = months.get(slot.days.month, 0) + amount
        if net:
            months[slot.days.month] = net
        else:
            months.pop(slot.days.month, None)
            if not months:
                del self.taxes[order_id]

    def _aside(self, slot: Slot, line: int, amount: int) -> None:
        if slot.use is Use.MOVEMENT:
            self.movements.append((line, MOVEMENTS[slot.meaning.category], slot.days.day, amount, slot.label))
        elif slot.use is Use.UNKNOWN:
            _count(self.unknown, (slot.days.month, slot.label), amount, line)


def _count(tallies: dict[tuple[date, Label], Tally], place: tuple[date, Label], amount: int, line: int) -> None:
    tally = tallies.get(place)
    if tally is None:
        tally = tallies[place] = Tally(line)
    tally.line = min(tally.line, line)  # groups of a batch come by their first rows, not by these
    tally.amount += amount
    tally.rows += 1

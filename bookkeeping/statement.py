"""From the rows of a settlement to its statement, in one pass.

The rows are those of Amazon report GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2. They are not kept: memory grows with
distinct (month, label, marketplace, account) and with the orders that were asked for, never with the rows.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import date, timedelta
from enum import Enum, auto
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

from bookkeeping.accounts import AccountKey, Category, LineKey
from bookkeeping.batches import Batch, Batched, Group
from bookkeeping.classification import Classification
from bookkeeping.days import LocalDays, last_of_month, local_day
from bookkeeping.facts import Header, Label, Row
from bookkeeping.figures import (
    Movement,
    MovementKind,
    OrderItem,
    OrderPart,
    Part,
    RowsDoNotTie,
    Statement,
    StatementError,
    Sum,
    SumsDoNotTie,
    TaxResidual,
    UnknownLabel,
)
from bookkeeping.money import to_text
from bookkeeping.remarks import Flag, FlagKind
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


def build(
    header: Header,
    rows: Iterable[Row] | Batched,
    *,
    classify: Classify,
    zone_of: ZoneOf | ZoneInfo,
    resolve: Resolve | None = None,
    orders: Container[str] | None = None,
) -> Statement:
    """Return what the rows of one settlement mean.

    ``classify`` is asked once per distinct label. ``zone_of`` gives a marketplace's zone and, for "", the
    settlement's own, in which its end is dated. ``resolve`` gives the line key of (account, SKU, marketplace, local
    day); without it a line key is its account. ``orders`` names the orders whose coverable sums are kept, None keeps
    all of them; summary mode with few open invoices needs only theirs.

    Raises:
        RowsDoNotTie: the rows do not add up to ``header.total``.
    """
    gather = _Gather(header, classify, zone_of, resolve, orders)
    if isinstance(rows, Batched):
        for batch in rows.batches():
            gather.take_batch(batch)
    else:
        gather.take(rows)
    return gather.statement()


class _Tally:
    """A running sum of rows."""

    __slots__ = ("amount", "line", "rows")

    def __init__(self, line: int) -> None:
        self.amount, self.rows, self.line = 0, 0, line


class _Slot:
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
        self.tallies: dict[object, tuple[_Tally, LineKey]] = {}


class _Item:
    __slots__ = ("amounts", "sku", "units")

    def __init__(self, sku: str) -> None:
        self.sku, self.units = sku, 0
        self.amounts: dict[LineKey, int] = {}


class _OrderMonth:
    __slots__ = ("items", "last_on", "marketplace")

    def __init__(self, marketplace: str, last_on: date) -> None:
        self.marketplace, self.last_on = marketplace, last_on
        self.items: dict[str, _Item] = {}


class _Gather:
    def __init__(
        self,
        header: Header,
        classify: Classify,
        zone_of: ZoneOf | ZoneInfo,
        resolve: Resolve | None,
        orders: Container[str] | None,
    ) -> None:
        self.header, self.classify, self.resolve, self.wanted = header, classify, resolve, orders
        self.zone_of: ZoneOf = (lambda _: zone_of) if isinstance(zone_of, ZoneInfo) else zone_of
        self.days: dict[str, LocalDays] = {}
        self.meanings: dict[Label, Classification] = {}
        self.slots: dict[tuple[Label, str], _Slot] = {}
        self.remembered = 0
        self.tallies: dict[tuple[date, Label, str, LineKey], _Tally] = {}
        self.orders: dict[str, dict[date, _OrderMonth]] = {}
        self.taxes: dict[str, tuple[str, dict[date, int]]] = {}
        self.movements: list[tuple[int, MovementKind, date, int, Label]] = []
        self.unknown: dict[tuple[date, Label], _Tally] = {}
        self.conflicts: dict[tuple[date, Label], _Tally] = {}

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
            if slot.simple:
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

    def _only_sums(self, slot: _Slot, group: Group) -> bool:
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

    def _add(self, slot: _Slot, group: Group) -> None:
        amounts, month = group.amounts, slot.days.month
        tally, _ = slot.tallies.get(month) or self._tally(slot, "", next(iter(group.lines())))
        tally.amount += sum(amounts)
        tally.rows += len(amounts)
        if slot.sign and min(amount * slot.sign for amount in (min(amounts), max(amounts))) < 0:
            for line, amount in zip(group.lines(), amounts, strict=True):
                if amount * slot.sign < 0:
                    _count(self.conflicts, (month, slot.label), amount, line)
        if slot.use is Use.TAX:
            for order_id, amount in zip(group.order_ids(), amounts, strict=True):
                self._tax(slot, order_id, amount)
        elif slot.use is Use.UNKNOWN:
            for line, amount in zip(group.lines(), amounts, strict=True):
                if amount:
                    self._aside(slot, line, amount)

    def _slot(self, label: Label, marketplace: str) -> _Slot:
        meaning = self.meanings.get(label)
        if meaning is None:
            meaning = self.meanings[label] = self.classify(label)
        zone = self.zone_of(marketplace)
        days = self.days.setdefault(zone.key or marketplace, LocalDays(zone))
        slot = self.slots[label, marketplace] = _Slot(label, marketplace, meaning, days)
        return slot

    def _tally(self, slot: _Slot, sku: str, line: int) -> tuple[_Tally, LineKey]:
        days, account = slot.days, slot.meaning.account
        key: LineKey = ""
        if slot.use is Use.BOOKED and account is not None:
            key = self._resolve(account, sku, slot.marketplace, days.day)
        place = (days.month, slot.label, slot.marketplace, key)
        tally = self.tallies.get(place)
        if tally is None:
            tally = self.tallies[place] = _Tally(line)
        self.remembered += 1
        if self.remembered > _REMEMBERED_KEYS:
            for other in self.slots.values():
                other.tallies.clear()
            self.remembered = 1
        known = slot.tallies[(sku, days.day) if self.resolve else days.month] = (tally, key)
        return known

    def _resolve(self, account: AccountKey, sku: str, marketplace: str, day: date) -> LineKey:
        return self.resolve(account, sku, marketplace, day) if self.resolve else account

    def _order(
        self, slot: _Slot, order_id: str, item_code: str, sku: str, units: int, key: LineKey, amount: int
    ) -> None:
        days = slot.days
        months = self.orders.get(order_id)
        if months is None:
            months = self.orders[order_id] = {}
        month = months.get(days.month)
        if month is None:
            month = months[days.month] = _OrderMonth(slot.marketplace, days.day)
        month.last_on = max(month.last_on, days.day)
        item = month.items.get(item_code)
        if item is None:
            item = month.items[item_code] = _Item(sku)
        item.units += units
        item.amounts[key] = item.amounts.get(key, 0) + amount

    def _tax(self, slot: _Slot, order_id: str, amount: int) -> None:
        """Net an order's tax legs by month; what is 0 is forgotten, so that the usual order leaves nothing behind."""
        months = self.taxes.setdefault(order_id, (slot.marketplace, {}))[1]
        net = months.get(slot.days.month, 0) + amount
        if net:
            months[slot.days.month] = net
        else:
            months.pop(slot.days.month, None)
            if not months:
                del self.taxes[order_id]

    def _aside(self, slot: _Slot, line: int, amount: int) -> None:
        if slot.use is Use.MOVEMENT:
            self.movements.append((line, MOVEMENTS[slot.meaning.category], slot.days.day, amount, slot.label))
        elif slot.use is Use.UNKNOWN:
            _count(self.unknown, (slot.days.month, slot.label), amount, line)

    def statement(self) -> Statement:
        header = self.header
        total = sum(tally.amount for tally in self.tallies.values())
        if total != header.total:
            difference = total - header.total
            shown = f"{to_text(difference, header.currency)} {header.currency}"
            raise RowsDoNotTie(header.settlement_id, difference, shown)
        ends_on = local_day(header.ends_at - timedelta(seconds=1), self.zone_of(""))
        months = sorted({month for month, *_ in self.tallies})
        parts = tuple(
            Part(n, month, max(month, min(last_of_month(month), ends_on))) for n, month in enumerate(months, start=1)
        )
        number = {part.month: part.n for part in parts}
        sums = tuple(sorted((self._sum(number, place) for place in self.tallies), key=_place_of_sum))
        totals = self._totals(parts, number, sums)
        statement = Statement(
            header=header,
            parts=parts,
            rows=sum(tally.rows for tally in self.tallies.values()),
            sums=sums,
            totals={n: {key: amount for key, amount in by_key.items() if amount} for n, by_key in totals.items()},
            orders={order_id: self._order_parts(number, order_id) for order_id in sorted(self.orders)},
            movements=self._numbered(),
            opening_debt=_of_category(sums, Category.OPENING_DEBT),
            opening_debt_parts=tuple(sorted({one.part for one in sums if one.category is Category.OPENING_DEBT})),
            unknown=tuple(
                UnknownLabel(number[month], label, tally.amount, tally.rows, tally.line)
                for (month, label), tally in sorted(self.unknown.items())
            ),
            taxes=self._residuals(),
            reserve_held=_of_category(sums, Category.RESERVE_HELD),
            reserve_released=_of_category(sums, Category.RESERVE_RELEASED),
            flags=self._flags(number),
        )
        _check(statement)
        return statement

    def _sum(self, number: Mapping[date, int], place: tuple[date, Label, str, LineKey]) -> Sum:
        month, label, marketplace, key = place
        tally = self.tallies[place]
        category = self.meanings[label].category
        return Sum(number[month], category, label, marketplace, key, tally.amount, tally.rows, tally.line)

    def _totals(
        self, parts: tuple[Part, ...], number: Mapping[date, int], sums: tuple[Sum, ...]
    ) -> dict[int, dict[LineKey, int]]:
        totals: dict[int, dict[LineKey, int]] = {part.n: {} for part in parts}
        for one in sums:
            if one.key:
                totals[one.part][one.key] = totals[one.part].get(one.key, 0) + one.amount
        for marketplace, months in self.taxes.values():
            account = AccountKey.OUTPUT_TAX if sum(months.values()) else AccountKey.TAX_CLEARING
            for month, net in months.items():
                n = number[month]
                key = self._resolve(account, "", marketplace, parts[n - 1].on)
                totals[n][key] = totals[n].get(key, 0) + net
        return totals

    def _numbered(self) -> tuple[Movement, ...]:
        seen: Counter[MovementKind] = Counter()
        movements = []
        for line, kind, on, amount, label in sorted(self.movements):
            seen[kind] += 1
            movements.append(Movement(kind, seen[kind], line, on, amount, label))
        return tuple(movements)

    def _residuals(self) -> tuple[TaxResidual, ...]:
        nets = ((order_id, sum(months.values())) for order_id, (_, months) in sorted(self.taxes.items()))
        return tuple(TaxResidual(order_id, net) for order_id, net in nets if net)

    def _order_parts(self, number: Mapping[date, int], order_id: str) -> tuple[OrderPart, ...]:
        return tuple(
            OrderPart(
                number[month],
                found.marketplace,
                found.last_on,
                tuple(
                    OrderItem(
                        code,
                        item.sku,
                        item.units,
                        {key: amount for key, amount in sorted(item.amounts.items()) if amount},
                    )
                    for code, item in sorted(found.items.items())
                ),
            )
            for month, found in sorted(self.orders[order_id].items())
        )

    def _flags(self, number: Mapping[date, int]) -> tuple[Flag, ...]:
        currency = self.header.currency
        flags = [
            Flag(
                FlagKind.NEW_LABEL,
                f"Check the category of {_shown(label)}: it was guessed from its wording",
                label=label,
            )
            for label, meaning in sorted(self.meanings.items())
            if meaning.review
        ]
        for (month, label), tally in sorted(self.conflicts.items()):
            where = f"{tally.rows} row(s) from line {tally.line}"
            text = f"{_shown(label)} has the opposite of its usual sign in {where}"
            flags.append(Flag(FlagKind.SIGN_CONFLICT, text, number[month], label=label, amount=tally.amount))
        for residual in self._residuals():
            shown = to_text(residual.amount, currency)
            whose = f"Order {residual.order_id}" if residual.order_id else "Tax without an order"
            text = f"{whose} leaves {shown} {currency} of tax with you; it is booked as tax payable"
            flags.append(Flag(FlagKind.TAX_RESIDUAL, text, order_id=residual.order_id, amount=residual.amount))
        return tuple(flags)


_place_of_sum = attrgetter("part", "category", "label", "marketplace", "key")


def _count(tallies: dict[tuple[date, Label], _Tally], place: tuple[date, Label], amount: int, line: int) -> None:
    tally = tallies.get(place)
    if tally is None:
        tally = tallies[place] = _Tally(line)
    tally.amount += amount
    tally.rows += 1


def _of_category(sums: tuple[Sum, ...], category: Category) -> int:
    return sum(one.amount for one in sums if one.category is category)


def _shown(label: Label) -> str:
    return " / ".join(text for text in label if text)


def _check(statement: Statement) -> None:
    """Every row is in exactly one place: carried, moved, already in the books, or undecided."""
    carried = sum(amount for by_key in statement.totals.values() for amount in by_key.values())
    moved = sum(movement.amount for movement in statement.movements)
    placed = carried + moved + statement.opening_debt + statement.unknown_amount
    if placed != statement.header.total:
        raise SumsDoNotTie(
            f"settlement {statement.header.settlement_id}: places and total differ by {placed - statement.header.total}"
        )
    known = {(one.part, one.key) for one in statement.sums}
    for order_id, parts in statement.orders.items():
        if any((part.part, key) not in known for part in parts for item in part.items for key in item.amounts):
            raise SumsDoNotTie(f"order {order_id} has an account that its month does not have")


__all__ = [
    "Classify",
    "Resolve",
    "RowsDoNotTie",
    "Statement",
    "StatementError",
    "SumsDoNotTie",
    "Use",
    "ZoneOf",
    "build",
    "use_of",
]

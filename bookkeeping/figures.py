"""One settlement as sums: what its rows mean, by calendar month and account.

All amounts are integer minor units of the settlement's currency, positive where they raise what Amazon owes the seller.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, unique
from types import MappingProxyType

from bookkeeping.accounts import Category, LineKey
from bookkeeping.facts import Header, Label
from bookkeeping.remarks import Flag


class StatementError(ValueError):
    """The rows contradict the settlement they claim to be. Nothing of it may be posted."""


class RowsDoNotTie(StatementError):
    """The rows do not add up to the header. ``difference`` is rows − header, in minor units."""

    def __init__(self, settlement_id: str, difference: int, shown: str) -> None:
        super().__init__(f"the rows of settlement {settlement_id} differ from its total by {shown}")
        self.settlement_id, self.difference = settlement_id, difference


class SumsDoNotTie(StatementError):
    """The sums by category, account or month lost or doubled a row: a fault of ours, caught before anything is
    planned.
    """


@dataclass(frozen=True, slots=True)
class Part:
    """The n-th calendar month that has rows, counted from 1 over all rows. ``on`` dates the entry of the part.

    ``before``: the month was over when the books began; all its rows are one sum under OPENING.
    """

    n: int
    month: date
    on: date
    before: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """Rows of one label, marketplace and account in one part. ``key`` is "" where the label is booked under no
    account of its own: tax legs (netted per order), movements, the opening debt and unknown labels. ``line`` is the
    first row's line.
    """

    part: int
    category: Category
    label: Label
    marketplace: str
    key: LineKey
    amount: int
    rows: int
    line: int


@dataclass(frozen=True, slots=True)
class OrderItem:
    """``units`` counts Principal rows only; ``amounts`` are coverable amounts by line key."""

    item_code: str
    sku: str
    units: int
    amounts: Mapping[LineKey, int]


@dataclass(frozen=True, slots=True)
class OrderPart:
    """The coverable rows of one order in one part. ``last_on`` is the local day of the last of them."""

    part: int
    marketplace: str
    last_on: date
    items: tuple[OrderItem, ...]

    @property
    def amounts(self) -> Mapping[LineKey, int]:
        total: dict[LineKey, int] = {}
        for item in self.items:
            for key, amount in item.amounts.items():
                total[key] = total.get(key, 0) + amount
        return total

    @property
    def units(self) -> Mapping[str, int]:
        return {item.item_code: item.units for item in self.items if item.units}


@unique
class MovementKind(StrEnum):
    """A row that moves money between the marketplace and the bank, outside the payout. The value is the letter of its
    number.
    """

    CARD_CHARGE = "C"
    FAILED_PAYOUT = "F"
    BANK = "B"
    CROSS_MARKET = "M"


@dataclass(frozen=True, slots=True)
class Movement:
    """One row, never a sum. ``n`` counts the movements of a kind in row order, from 1."""

    kind: MovementKind
    n: int
    line: int
    on: date
    amount: int
    label: Label


@dataclass(frozen=True, slots=True)
class UnknownLabel:
    """A label nobody has given a category, in one part. ``amount`` may be 0 although its rows are not."""

    part: int
    label: Label
    amount: int
    rows: int
    line: int


@dataclass(frozen=True, slots=True)
class TaxResidual:
    """What an order's collected and withheld tax leave over: a tax the seller owes, or is given back. Never 0."""

    order_id: str
    amount: int


_NONE: Mapping[int, Mapping[LineKey, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Statement:
    """What one settlement means.

    ``totals`` holds, by part and line key, what has to be carried: everything but movements, the opening debt and
    unknown labels, with the tax legs netted, and all of a month before the books. ``orders`` has the orders that were
    asked for, parts ascending. ``opening_debt`` is the sum of *Payable to Amazon*, at most 0 and already in the books.
    ``reserve_held`` is at most 0, ``reserve_released`` at least 0. These four leave out a month before the books.
    """

    header: Header
    parts: tuple[Part, ...]
    rows: int
    sums: tuple[Sum, ...]
    totals: Mapping[int, Mapping[LineKey, int]] = field(default_factory=lambda: _NONE)
    orders: Mapping[str, tuple[OrderPart, ...]] = field(default_factory=dict)
    movements: tuple[Movement, ...] = ()
    opening_debt: int = 0
    unknown: tuple[UnknownLabel, ...] = ()
    taxes: tuple[TaxResidual, ...] = ()
    reserve_held: int = 0
    reserve_released: int = 0
    flags: tuple[Flag, ...] = ()

    def part(self, n: int) -> Part:
        return self.parts[n - 1]

    @property
    def unknown_amount(self) -> int:
        return sum(unknown.amount for unknown in self.unknown)

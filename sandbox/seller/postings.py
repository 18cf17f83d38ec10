"""What happens to a seller's money, one posting per business event: the sale, the refund, the fee, the reserve.

A settlement is the list of postings released in its period, so their amounts add up to its total. A sale is first deferred:
it counts from the day it was shipped, and can be paid out once it is released. Amounts are minor units with Amazon's sign.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sandbox.seller.account import Account, Line, Order, Settlement

LONGEST_HOLD = timedelta(days=12)
"""How long before its release a parcel of an order was shipped at the earliest: later parcels follow the first one."""

CARRIED = frozenset({"Current Reserve Amount", "Previous Reserve Amount Balance", "Payable to Amazon"})
"""Rows that carry money of one settlement into the next: they change nothing of what Amazon owes."""

_WITH_ORDER = frozenset(
    {
        "Order", "Refund", "A-to-z Guarantee Refund", "Chargeback Refund", "Order_Retrocharge", "Refund_Retrocharge",
        "Liquidations",
    }
)  # fmt: skip
_WITH_PARTS = frozenset({"FBAFees", "AmazonFees"})


@dataclass(frozen=True, slots=True)
class Posting:
    """``settlement`` None: of the period that still runs. ``deferred_at`` None: it was never held back."""

    number: int
    settlement: Settlement | None
    lines: tuple[Line, ...]
    posted_at: datetime
    deferred_at: datetime | None = None

    @property
    def amount(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def kind(self) -> str:
        return self.lines[0].label.transaction_type

    @property
    def description(self) -> str:
        return self.lines[0].label.amount_description

    @property
    def carried(self) -> bool:
        return self.description in CARRIED


@dataclass(frozen=True, slots=True)
class Movement:
    """From ``at`` on, Amazon owes ``total`` more, holds ``deferred`` more as not released and ``reserve`` more as reserve."""

    at: datetime
    total: int = 0
    deferred: int = 0
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """What Amazon owes at one moment."""

    total: int
    deferred: int
    reserve: int

    @property
    def reserved(self) -> int:
        return self.deferred + self.reserve

    @property
    def available(self) -> int:
        return self.total - self.reserved


def postings(account: Account) -> list[Posting]:
    """Return every posting of an account, by settlement and then by time, those of the running period last."""
    made: list[Posting] = []
    for settlement, lines in [*((each, each.lines) for each in account.settlements), (None, account.running)]:
        made += postings_of(account, settlement, lines, len(made))
    return made


def postings_of(
    account: Account, settlement: Settlement | None, lines: Iterable[Line], first: int
) -> Iterator[Posting]:
    """Yield the postings of one settlement's rows, numbered from ``first``."""
    orders = {order.order_id: order for order in account.orders}
    for number, grouped in enumerate(_events(lines), start=first):
        deferred_at = _deferred_at(orders.get(grouped[0].order_id), grouped)
        yield Posting(number, settlement, grouped, grouped[0].posted_at, deferred_at)


def _events(lines: Iterable[Line]) -> Iterator[tuple[Line, ...]]:
    """Yield the rows of one event each: a parcel, a refund, a fee with its discount; any other row is one by itself."""
    events: dict[tuple[object, ...], list[Line]] = {}
    for number, line in enumerate(lines):
        kind = line.label.transaction_type
        key: tuple[object, ...] = (number,)
        if kind in _WITH_ORDER and line.order_id:
            key = (kind, line.order_id, line.shipment_id, line.adjustment_id, line.posted_at)
        elif kind in _WITH_PARTS:
            key = (kind, line.label.amount_type, line.order_id, line.posted_at)
        events.setdefault(key, []).append(line)
    yield from (tuple(each) for each in events.values())


def _deferred_at(order: Order | None, lines: tuple[Line, ...]) -> datetime | None:
    """Return when a sale was shipped, if that was before its release; only what the seller gains is held."""
    gains = sum(line.amount for line in lines) > 0
    if order is None or order.shipped_at is None or lines[0].label.transaction_type != "Order" or not gains:
        return None
    shipped = max(order.shipped_at, lines[0].posted_at - LONGEST_HOLD)
    return shipped if shipped < lines[0].posted_at else None


def movements(account: Account) -> list[Movement]:
    """Return everything that changes what Amazon owes or holds, in no order.

    A payout leaves at its settlement's deposit date. The reserve of one settlement is held until the next one closes.
    """
    made = [each for posting in postings(account) for each in moved_by(posting)]
    made += [Movement(each.deposit_at, -each.total) for each in account.settlements if each.total > 0]
    first = [Movement(each.ends_at, reserve=each.reserve_held) for each in account.settlements[:1]]
    later = [
        Movement(after.ends_at, reserve=after.reserve_held - before.reserve_held)
        for before, after in pairwise(account.settlements)
    ]
    return made + first + later


def moved_by(posting: Posting) -> list[Movement]:
    """Return what one posting moves: nothing where money is only carried on."""
    if posting.carried:
        return []
    if posting.deferred_at is None:
        return [Movement(posting.posted_at, posting.amount)]
    return [
        Movement(posting.deferred_at, posting.amount, posting.amount),
        Movement(posting.posted_at, deferred=-posting.amount),
    ]


def balance(moved: Iterable[Movement], at: datetime) -> Balance:
    """Return what stands after everything that happened before ``at``."""
    before = [each for each in moved if each.at < at]
    return Balance(*(sum(getattr(each, name) for each in before) for name in ("total", "deferred", "reserve")))


def reference(*parts: object) -> str:
    """Return an opaque id that is the same for the same parts."""
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()[:43]

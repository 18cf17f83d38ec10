"""What Amazon owes at the end of a day, against what the books have of it: every difference with its reason, and what is left.

Amounts are minor units of the settlement currency; above 0 Amazon owes the seller. Days are the marketplace's. Amazon's own total is
not used to work out anything, so that what is left over says something. Source: ``accounting.md`` §4, §5 and invariant 10.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import accumulate
from typing import Final

from bookkeeping.accounts import AccountKey

# A settlement passes these. Petty cash holds a payment that no journal has moved on yet; elsewhere it has nothing of ours.
PASSED: Final = (AccountKey.CLEARING, AccountKey.PETTY, AccountKey.RESERVE)
# The sum of all these is what the books say that Amazon owes.
COUNTED: Final = (*PASSED, AccountKey.DEFERRED, AccountKey.AR)
_ALWAYS: Final = (AccountKey.CLEARING, AccountKey.RESERVE)


class Role(StrEnum):
    """What a booked amount is of: a payout's own leg, the opening entry, or anything else."""

    PAYOUT = "payout"
    OPENING = "opening"
    OTHER = "other"


class Reason(StrEnum):
    """Why Amazon's figure and the books differ; for books that cannot be compared, what Amazon's figure is made of."""

    RELEASED = "released"
    EARLY = "early"
    HELD = "held"
    DEFERRED = "deferred"
    INVOICED = "invoiced"
    NOWHERE = "nowhere"
    UNPOSTED = "unposted"
    LATER = "later"
    PAYOUT = "payout"
    BEFORE = "before"
    UNPAID = "unpaid"
    RESERVE = "reserve"


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement as its file states it. ``ended_on`` is the last day it covers, ``paid_on`` the day its payout left what Amazon owes
    (None: it has not). ``ours``: it ended after the books began. ``taken_back`` of its rows is the return of payouts that were never
    booked, which is not booked either; ``cancelled_on`` is the end of the settlement that brings this one's back in that way."""

    pk: int
    number: str
    ended_on: date
    total: int
    opening_debt: int = 0
    reserve_held: int = 0
    reserve_released: int = 0
    paid_on: date | None = None
    ours: bool = True
    taken_back: int = 0
    cancelled_on: date | None = None

    @property
    def activity(self) -> int:
        """What it adds to what Amazon owes: its rows without those that only carry or keep money."""
        return self.total - self.opening_debt - self.reserve_held - self.reserve_released

    def paid(self, on: date) -> int:
        return self.total if self.total > 0 and self.paid_on is not None and self.paid_on <= on else 0


@dataclass(frozen=True, slots=True)
class Booked:
    """What documents in the books dated ``on`` moved on an account, debit positive. ``settlement``: whose, None for none's."""

    on: date
    account: AccountKey
    amount: int
    settlement: int | None = None
    role: Role = Role.OTHER


@dataclass(frozen=True, slots=True)
class Span:
    """An amount that stands from the end of one day up to, not including, that of another (None: still)."""

    begins: date
    ends: date | None
    amount: int


@dataclass(frozen=True, slots=True)
class Share:
    """One settlement's part of a line: its id in the address, and Amazon's."""

    settlement: int
    number: str
    amount: int


@dataclass(frozen=True, slots=True)
class Line:
    reason: Reason
    amount: int
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Owed:
    """One day. ``total`` is Amazon's own figure, None where it was not read. ``books`` are the accounts, empty where the books cannot be
    compared: then ``lines`` are what Amazon's figure is made of."""

    on: date
    total: int | None
    books: tuple[tuple[AccountKey, int], ...]
    lines: tuple[Line, ...]

    @property
    def in_books(self) -> int:
        return sum(amount for _, amount in self.books)

    @property
    def explained(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def expected(self) -> int:
        """What Amazon should owe: the books and what is not in them yet."""
        return self.in_books + self.explained

    @property
    def rest(self) -> int | None:
        """What nothing explains; None where Amazon's figure was not read."""
        return None if self.total is None else self.total - self.expected


def standing(spans: Iterable[Span], days: Sequence[date]) -> list[int]:
    """Return what stands at the end of each of these days, which are in order."""
    moves: dict[date, int] = {}
    for span in spans:
        if span.ends is None or span.begins < span.ends:
            moves[span.begins] = moves.get(span.begins, 0) + span.amount
            if span.ends is not None:
                moves[span.ends] = moves.get(span.ends, 0) - span.amount
    ordered = sorted(moves)
    running = [0, *accumulate(moves[day] for day in ordered)]
    found, place = [], 0
    for day in days:
        while place < len(ordered) and ordered[place] <= day:
            place += 1
        found.append(running[place])
    return found


def against_books(
    on: date,
    total: int | None,
    settled: Sequence[Settled],
    released: int,
    held: int,
    *,
    booked: Iterable[Booked],
    nowhere: int = 0,
) -> Owed:
    """Return what Amazon owes at the end of ``on`` against the books.

    ``settled`` are all settlements that are here, in order, ``booked`` all that documents moved on the accounts of ``COUNTED``.
    ``released`` is what Amazon released by then that no settlement which had ended by then has, ``held`` what it held back.
    ``nowhere`` of the receivables is of orders of which Amazon shows nothing.
    """
    booked = list(booked)
    dated = [one for one in booked if one.on <= on]
    accounts = {key: sum(one.amount for one in dated if one.account is key) for key in COUNTED}
    books = tuple((key, amount) for key, amount in accounts.items() if amount or key in _ALWAYS)
    ended = [one for one in settled if one.ended_on <= on]
    ours = {one.pk: one for one in ended if one.ours}
    passing = [one for one in booked if one.account in PASSED and one.settlement is not None]
    early = sum(one.amount for one in passing if one.settlement not in ours and one.on <= on)
    opened = sum(one.amount for one in dated if one.role is Role.OPENING and one.account in PASSED)
    before = _carried(ended, on) - sum(one.activity - one.paid(on) for one in ours.values())
    lines = [
        Line(Reason.RELEASED, released),
        Line(Reason.EARLY, -early),
        Line(Reason.HELD, held),
        Line(Reason.DEFERRED, -accounts[AccountKey.DEFERRED]),
        Line(Reason.INVOICED, nowhere - accounts[AccountKey.AR]),
        Line(Reason.NOWHERE, -nowhere),
        _unposted(ours, passing),
        _later(ours, passing, on),
        _payouts(ours, passing, on),
        Line(Reason.BEFORE, before - opened),
    ]
    return Owed(on, total, books, tuple(line for line in lines if line.amount or line.shares))


def without_books(on: date, total: int | None, settled: Sequence[Settled], released: int, held: int) -> Owed:
    """Return what Amazon's figure is made of by its own files and transactions."""
    ended = [one for one in settled if one.ended_on <= on]
    reserve = -ended[-1].reserve_held if ended else 0
    unpaid = [Share(one.pk, one.number, amount) for one in ended if (amount := _unpaid(one, ended[-1], on))]
    lines = [
        Line(Reason.UNPAID, sum(share.amount for share in unpaid), tuple(unpaid)),
        Line(Reason.RESERVE, reserve),
        Line(Reason.RELEASED, released),
        Line(Reason.HELD, held),
    ]
    return Owed(on, total, (), tuple(line for line in lines if line.amount))


def _carried(ended: Sequence[Settled], on: date) -> int:
    """Return what is owed of settlements that have ended: what was not paid out, a debt that is carried on, the reserve."""
    return sum(_unpaid(one, ended[-1], on) for one in ended) - ended[-1].reserve_held if ended else 0


def _unpaid(one: Settled, last: Settled, on: date) -> int:
    # A debt is carried on by the next settlement, so only the last one's counts.
    return one.total - one.paid(on) if one.total > 0 or one is last else 0


def _unposted(ours: dict[int, Settled], passing: Iterable[Booked]) -> Line:
    left = {pk: one.activity - one.taken_back for pk, one in ours.items()}
    for each in passing:
        if each.settlement in ours and each.role is not Role.PAYOUT:
            left[each.settlement] -= each.amount
    return _of_settlements(Reason.UNPOSTED, ours, left)


def _later(ours: dict[int, Settled], passing: Iterable[Booked], on: date) -> Line:
    """Return what ended settlements bring by documents that are dated after the day, payouts apart."""
    later: dict[int, int] = {}
    for each in passing:
        if each.settlement in ours and each.role is not Role.PAYOUT and each.on > on:
            later[each.settlement] = later.get(each.settlement, 0) + each.amount
    return _of_settlements(Reason.LATER, ours, later)


def _payouts(ours: dict[int, Settled], passing: Iterable[Booked], on: date) -> Line:
    """Return the payouts that left Amazon and not the books by the day, and the other way round."""
    left = {pk: -one.paid(on) if one.cancelled_on is None or one.cancelled_on > on else 0 for pk, one in ours.items()}
    for each in passing:
        if each.settlement in ours and each.role is Role.PAYOUT and each.on <= on:
            left[each.settlement] -= each.amount
    return _of_settlements(Reason.PAYOUT, ours, left)


def _of_settlements(reason: Reason, ours: dict[int, Settled], amounts: dict[int, int]) -> Line:
    shares = tuple(_shares(ours, amounts))
    return Line(reason, sum(share.amount for share in shares), shares)


def _shares(ours: dict[int, Settled], amounts: dict[int, int]) -> Iterator[Share]:
    for pk, one in ours.items():
        if amount := amounts.get(pk, 0):
            yield Share(pk, one.number, amount)

"""What is unusual about an amount or a rate that a person gives, in figures. Nothing is refused for it: it is asked once more."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from typing import Final

from amazon.models import Settlement
from bookkeeping.exchange import BadRate, converted, turned_round
from bookkeeping.money import shown
from flows import currencies
from flows.models import ExchangeRate
from flows.rate_files import Rate

_AMOUNT: Final = Fraction(5, 100)  # more than any bank or Amazon keeps of a conversion
_RATE: Final = Fraction(10, 100)  # more than large currencies move in months
_NAMED: Final = 10


class Doubted(Exception):
    """``doubts`` has a sentence for each thing that is unusual. The same, confirmed, is taken."""

    def __init__(self, doubts: Sequence[str]) -> None:
        super().__init__(" ".join(doubts))
        more = len(doubts) - _NAMED
        self.doubts = [*doubts[:_NAMED], *([f"{more} more lines are unusual."] if more > 0 else [])]


def about_received(settlement: Settlement, received: int, home: str) -> list[str]:
    """Return what is unusual about the amount that arrived of a payout, in minor units of ``home``. Without a rate, nothing."""
    days = (settlement.deposit_on, settlement.ends_at.date())
    rate = next((found for day in days if (found := currencies.rate_on(home, settlement.currency, day))), None)
    worth = converted(settlement.total, settlement.currency, rate.rate, home) if rate else 0
    if rate is None or not worth or abs(received - worth) <= worth * _AMOUNT:
        return []
    off = received - worth
    return [
        f"{shown(settlement.total, settlement.currency)} is worth about {shown(worth, home)}: one {settlement.currency} was "
        f"{rate.rate} {home} on {_day(rate.on)}. {shown(received, home)} is {shown(abs(off), home)} "
        f"{'more' if off > 0 else 'less'} ({_percent(Fraction(off, worth))}). Taken like this, that is "
        "booked as cost of the conversion or as exchange gain."
    ]


def about_rates(home: str, rates: Sequence[Rate], named: Callable[[Rate], str]) -> list[str]:
    """Return what is unusual about rates into ``home``, beside those of the table and of each other; ``named`` begins each
    sentence. A rate is doubted that is far from all that stand beside it, be they given with it or not: one wrong among
    right ones then throws no doubt on those."""
    found = []
    for code in sorted({one.currency for one in rates}):
        given = {one.on: one for one in rates if one.currency == code}
        table = dict(ExchangeRate.objects.filter(home=home, currency=code).values_list("on", "rate"))
        known = {on: rate for on, rate in table.items() if on not in given}
        others = [sorted(known.items()), sorted({**known, **{on: one.rate for on, one in given.items()}}.items())]
        for on, one in sorted(given.items()):
            for neighbours in ([*_beside(on, each)] for each in others):
                if neighbours and all(_off(one.rate, rate) > _RATE for _, rate in neighbours):
                    found.append((one.line, _unusual(one, home, neighbours, named)))
                    break
    return [text for _, text in sorted(found)]


def _beside(on: date, rates: Sequence[tuple[date, str]]) -> Iterable[tuple[date, str]]:
    """Yield the rates of two days before and two after a day, the nearest first."""
    at = bisect_left(rates, (on, ""))
    after = at + (at < len(rates) and rates[at][0] == on)
    near = (*rates[max(at - 2, 0) : at], *rates[after : after + 2])
    yield from sorted(near, key=lambda one: (abs(one[0] - on), one[0]))


def _unusual(one: Rate, home: str, neighbours: Sequence[tuple[date, str]], named: Callable[[Rate], str]) -> str:
    off = min((Fraction(one.rate) / Fraction(rate) - 1 for _, rate in neighbours), key=abs)
    beside = " and ".join(f"{rate} on {_day(on)}" for on, rate in neighbours[:2])
    text = (
        f"{named(one)}one {one.currency} would be {one.rate} {home} on {_day(one.on)}, {_percent(off)} off what stands beside "
        f"it: {beside}."
    )
    try:
        turned = turned_round(one.rate)
    except BadRate:
        return text
    if any(_off(turned, rate) <= _RATE for _, rate in neighbours):
        text += f" The other way round it fits: {turned}."
    return text


def _off(rate: str, other: str) -> Fraction:
    return abs(Fraction(rate) / Fraction(other) - 1)


def _percent(part: Fraction) -> str:
    return f"{abs(round(part * 100)):,} %"


def _day(on: date) -> str:
    return f"{on.day} {on:%b %Y}"

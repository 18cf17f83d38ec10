"""The money of the big settlement: each posting of its template once, with how often it repeats.

A copy differs from its template in the order id and in the ids of its transactions; so sums are products, and a stand-in
need not hold the copies.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sandbox.seller.big import BigSettlement
from sandbox.seller.payouts import Payout, steps
from sandbox.seller.postings import Movement, Posting, moved_by, postings_of


class Repeated(NamedTuple):
    """A posting that happened ``times`` times; ``order`` is the number of its order in the template, −1 for none."""

    posting: Posting
    times: int
    order: int


def repeated(big: BigSettlement) -> Iterator[Repeated]:
    """Yield every posting of the settlement that happens at least once."""
    number = 0
    for order, lines in enumerate(big.orders):
        times = big.cycles + (order < len(big.last_cycle))
        for posting in postings_of(big.account, big.settlement, lines, number):
            number += 1
            if times:
                yield Repeated(posting, times, order)
    for posting in postings_of(big.account, big.settlement, big.filling, number):
        yield Repeated(posting, 1, -1)


def big_movements(big: BigSettlement) -> list[Movement]:
    made = [
        Movement(each.at, each.total * times, each.deferred * times)
        for posting, times, _ in repeated(big)
        for each in moved_by(posting)
    ]
    return [*made, Movement(big.settlement.deposit_at, -max(big.total, 0))]


def big_payout(big: BigSettlement) -> Payout:
    return Payout(big.settlement, big.total if big.total > 0 else None, steps(big.settlement, big.total))


def order_id_of(cycle: int, order: int) -> str:
    """Return the id that an order of the template has in one of its copies."""
    return f"111-{cycle:07d}-{order:07d}"

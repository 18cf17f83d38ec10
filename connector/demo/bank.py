"""What lies between Amazon's payouts and the bank, as the seller's truth has it: one figure, and named amounts beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Payouts:
    """What Amazon paid out to the seller so far and what of it came back, in minor units, both positive."""

    made: int
    returned: int

    @property
    def net(self) -> int:
        return self.made - self.returned


def payouts_of(truth: Mapping[str, Any]) -> Payouts:
    return Payouts(truth["payouts"]["made"], truth["payouts"]["returned"])


def beside_payouts(
    truth: Mapping[str, Any], expected: Mapping[str, Any], *, in_transit: bool
) -> Iterator[tuple[str, int]]:
    """Yield what else is in one company's bank account, or missing there: its name, and minor units that raise the balance.

    ``expected`` is the truth's of that company. ``in_transit``: it is the account of payouts in transit, which charges to
    the card come off as well.
    """
    held = {one["settlement"]: one["number"] for one in expected["held"] if one["what"] == "deposit"}
    for one in truth["settlements"]:
        settlement = one["settlement_id"]
        if settlement in held and one["deposit_on"] <= truth["today"]:
            yield f"held: {held[settlement]}", -one["total"]
        if in_transit and (charged := sum(one["charges"])):
            yield f"charged to the card in settlement {settlement}", -charged
        if moved := sum(one["bank_movements"]):
            yield f"bank verification (micro deposit) in settlement {settlement}", -moved

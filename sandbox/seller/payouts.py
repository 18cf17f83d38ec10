"""What became of the payout of a settlement, over time.

The payout is made when the settlement closes, handed to the bank on the deposit date and there some business days later.
One that fails is known to have failed at the moment its amount stands in a later settlement again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sandbox.seller.account import Account, Settlement

Status = Literal["STARTED", "IN_TRANSIT", "PAID", "FAILED", "CANCELLED", "NO_PAYOUT"]
FAILURE = "The bank account could not be credited"
_BANK_DAYS = 3
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Payout:
    """``steps`` are (from when, status); ``amount`` None where nothing is paid. Amounts are minor units."""

    settlement: Settlement
    amount: int | None
    steps: tuple[tuple[datetime, Status], ...]


def payouts(account: Account) -> list[Payout]:
    """Return one payout for each settlement, the oldest first."""
    returned = {
        (settlement.settlement_id, line.amount): line.posted_at
        for settlement in account.settlements
        for line in settlement.lines
        if line.label.meaning == "payout returned"
    }
    return [
        _payout(each, returned.get((each.returned_in, each.total)) if each.returned_in else None)
        for each in account.settlements
    ]


def _payout(settlement: Settlement, failed_at: datetime | None) -> Payout:
    amount = settlement.total if settlement.total > 0 else None
    return Payout(settlement, amount, steps(settlement, settlement.total, failed_at))


def steps(settlement: Settlement, total: int, failed_at: datetime | None = None) -> tuple[tuple[datetime, Status], ...]:
    """Return from when on the payout of a settlement with this total is in which state."""
    if total <= 0:
        return ((settlement.ends_at, "NO_PAYOUT"),)
    end: tuple[datetime, Status] = (failed_at, "FAILED") if failed_at else (_bank_days_after(settlement), "PAID")
    return (settlement.ends_at, "STARTED"), (settlement.deposit_at, "IN_TRANSIT"), end


def _bank_days_after(settlement: Settlement) -> datetime:
    day, left = settlement.deposit_at, _BANK_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return day

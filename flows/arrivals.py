"""What arrived of a payout in another currency: what a person said, else what Amazon says it paid. A person's figure wins."""

from amazon.models import Settlement
from bookkeeping.exchange import DatedRate, rate_of
from bookkeeping.money import shown


def received(settlement: Settlement, home: str) -> int | None:
    """Return what arrived of a payout in minor units of the books' currency, None where nobody knows."""
    if settlement.received is not None and settlement.received_currency == home:
        return settlement.received
    return of_amazon(settlement, home)


def of_amazon(settlement: Settlement, home: str) -> int | None:
    """Return what Amazon says it paid in the currency of the books; None where it paid another one, or nothing arrived."""
    if settlement.transferred and settlement.converted_currency == home and (settlement.converted or 0) > 0:
        return settlement.converted
    return None


def own_rate(settlement: Settlement, home: str) -> DatedRate | None:
    """Return the rate at which Amazon converted a payout, None where it did not, or not into the currency of the books."""
    paid = of_amazon(settlement, home)
    if paid is None or settlement.total <= 0:
        return None
    on = settlement.transferred_at.date() if settlement.transferred_at else settlement.deposit_on
    return DatedRate(on, rate_of(settlement.total, settlement.currency, paid, home))


def said(settlement: Settlement, home: str) -> str:
    """Return what Amazon says of a payout that cannot be booked from it, and what to do; "" where it says nothing."""
    sent, converted = shown(settlement.total, settlement.currency), settlement.converted
    if settlement.transfer_failed:
        return (
            f"Amazon says that its transfer of {sent} failed. If nothing came, say on the settlement's page that the payout "
            f"never came; otherwise enter there how much of {home} arrived."
        )
    if not settlement.transferred:
        if not settlement.transfer_status:
            return ""
        return (
            f"Amazon says of its transfer of {sent}: {settlement.transfer_status}. It is asked again. If the money is on your "
            f"account, enter on the settlement's page how much of {home} arrived."
        )
    paid_in = settlement.converted_currency
    if not converted or paid_in in ("", settlement.currency):
        return f"Amazon paid out {sent} without converting it. Enter on the settlement's page how much of {home} your bank made of it."
    paid = shown(converted, paid_in)
    return (
        f"Amazon paid {paid} for {sent}, and your books are in {home}. Enter on the settlement's page how much of {home} these "
        f"{paid} came to on your bank statement."
    )

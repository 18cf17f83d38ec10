"""What became of a payout. Amazon's file gives its day; how it went Amazon's list of payouts tells, a later settlement, or a person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from amazon.models import Settlement
from bookkeeping.documents import Kind
from flows import arrivals, doubts, history, planning, rows
from flows.cannot import Cannot
from flows.models import BankLine, Delivery, Flow, Plan
from flows.verdicts import day

State = Delivery.State
_OF_AMAZON: Final = ("converted", "converted_currency", "transfer_status")


class CannotState(Cannot):
    """Why nothing can be said about a payout, and what to do."""


@dataclass(frozen=True, slots=True)
class Payout:
    """``state`` is a badge's, ``text`` its words. ``failed`` says what that means for the books, "" where it did not fail.
    ``line`` is the bank's own line of it, None where none was matched."""

    state: str
    text: str
    failed: str = ""
    line: BankLine | None = None

    @property
    def paid(self) -> bool:
        """Whether its day has come, and nothing says that it failed."""
        return self.state == "done"


class Payouts:
    """What is known of the payouts of several settlements. Three queries at most."""

    def __init__(self, settlements: Iterable[Settlement]) -> None:
        settlements = list(settlements)
        lines = BankLine.objects.filter(settlement__in=settlements).select_related("account").defer("text")
        self.arrived = {one.settlement_id: one for one in lines}
        stated = [one.pk for one in settlements if one.payout_failed]
        self.came_back, self._booked = history.failed_payouts(), set[int]()
        if not stated:
            return
        booked = Delivery.objects.filter(plan__settlement__in=stated, key__contains="/P/payout/", live=True)
        booked = booked.filter(state=State.POSTED).exclude(kind=Kind.UNDO)
        self._booked |= {
            plan.settlement_id for plan in Plan.objects.filter(deliveries__in=booked).only("settlement_id")
        }

    def failed(self, settlement: Settlement) -> bool:
        return settlement.payout_failed or settlement.settlement_id in self.came_back

    def of(self, settlement: Settlement, today: date) -> Payout:
        if later := self.came_back.get(settlement.settlement_id):
            means = f"Settlement {later} took the money back and brings it again."
            return Payout("warning", f"Failed; came back in {later}", means)
        if settlement.payout_failed and settlement.pk in self._booked:
            means = "It is in the books as paid: the bank account shows it until a later settlement takes it back onto clearing."
            return Payout("warning", "Failed after it was booked", means)
        if settlement.payout_failed:
            means = "The money stays on clearing until a later settlement takes it back and brings it again."
            return Payout(
                "warning", "Failed, says Amazon" if settlement.transfer_failed else "Failed, as you said", means
            )
        if settlement.total < 0:
            return Payout("skipped", "None: you owe Amazon")
        if settlement.total == 0:
            return Payout("skipped", "None: it came out at zero")
        if settlement.transferred and settlement.transferred_at:
            return Payout("done", f"Paid out on {day(settlement.transferred_at.date())}")
        if settlement.deposit_on > today:
            return Payout("waiting", f"Due on {day(settlement.deposit_on)}")
        if line := self.arrived.get(settlement.pk):
            text = f"Paid out on {day(settlement.deposit_on)}, at the bank on {day(line.on)}"
            return Payout("done", text, line=line)
        return Payout("done", f"Paid out on {day(settlement.deposit_on)}")


def may_be_stated(settlement: Settlement, came_back: Iterable[str]) -> bool:
    """Whether a person may say that the payout failed, or came after all."""
    return settlement.total > 0 and settlement.settlement_id not in came_back


def has_to_be_asked(settlement: Settlement, today: date, came_back: Iterable[str]) -> bool:
    """Whether only a person can know: the payout's day has come, and no later settlement that could tell is here."""
    if not may_be_stated(settlement, came_back) or settlement.deposit_on > today or settlement.transferred:
        return False
    later = Settlement.objects.filter(
        seller_id=settlement.seller_id, currency=settlement.currency, starts_at__gte=settlement.ends_at
    )
    return settlement.payout_failed or not later.exists()


def arrives_in(settlement: Settlement) -> list[str]:
    """Return the currencies other than its own in which a settlement's payout may arrive: those of the books it goes into."""
    flows = Flow.objects.filter(currency=settlement.currency).exclude(home="").select_related("source", "target")
    return sorted({flow.home for flow in flows if history.settlements_of(flow).filter(pk=settlement.pk).exists()})


def state_received(
    settlement: Settlement, actor: str, received: int | None, currency: str, *, confirmed: bool = False
) -> None:
    """Say how much of a payout arrived, in minor units of a currency of the books; None takes back what was said. A payout
    that waited for it is planned again.

    Raises:
        CannotState: nothing can be said, or not that.
        doubts.Doubted: it is far from what the payout is worth, and nobody has confirmed it.
    """
    if settlement.total <= 0:
        raise CannotState("This settlement has no payout.", "Nothing to do.")
    if currency not in (possible := arrives_in(settlement)):
        named = " or ".join(possible)
        raise CannotState(
            f"Nothing of this settlement is converted into {currency}.",
            f"Give the amount in {named}." if named else "Nothing to do.",
        )
    if received is not None and received <= 0:
        raise CannotState(
            "The amount that arrived is above zero.", "Where nothing arrived, say that the payout never came."
        )
    # Where the payout itself stays out of the books, what its exchange gained or cost is in them.
    booked = Delivery.objects.filter(plan__settlement=settlement, key__contains="/P/", live=True).exclude(
        kind=Kind.UNDO
    )
    would = Settlement(**{name: getattr(settlement, name) for name in _OF_AMAZON})
    would.received, would.received_currency = received, currency if received is not None else ""
    frozen = {row.flow.home for row in booked.select_related("flow") if rows.is_frozen(row)}
    if any(arrivals.received(settlement, home) != arrivals.received(would, home) for home in frozen):
        raise CannotState(
            "The payout is in the books with the amount that was said before.",
            "Take the settlement out of the books, say the other amount, and post it again.",
        )
    if received is not None and not confirmed and (unusual := doubts.about_received(settlement, received, currency)):
        raise doubts.Doubted(unusual)
    planning.state_received(settlement, actor, received, currency)


def state(settlement: Settlement, actor: str, *, came: bool) -> None:
    """Say whether a payout came. What depends on it is planned again. Raises CannotState."""
    came_back = history.failed_payouts()
    if later := came_back.get(settlement.settlement_id):
        raise CannotState(f"Amazon says that this payout failed: settlement {later} took it back.", "Nothing to do.")
    if not may_be_stated(settlement, came_back):
        raise CannotState("This settlement has no payout.", "Nothing to do.")
    planning.state_payout_failed(settlement, actor, failed=not came)

"""Settlement G1 (77.00 GBP into books in dollars) where Amazon itself says what it paid: from its answer to the books."""

from datetime import UTC, datetime

import pytest
import time_machine

from amazon.models import Settlement
from flows import arrivals, payouts, planning, transfers
from flows.models import Delivery, Flow
from kit.scope import scope
from tests.bookkeeping import e7
from tests.flows.test_currencies_in_the_books import G1, SID, Pounds, reasons

BOOKED = dict(sorted({**G1, "FX": -15, "FX_COST": 85}.items()))


@pytest.fixture
def clock():
    """The day after G1's deposit."""
    with time_machine.travel(datetime(2025, 10, 18, 9, tzinfo=UTC), tick=True) as time:
        yield time


class Paid(Pounds):
    """G1 with an Amazon that says what it paid."""

    def paid(self, cents=9940, currency="USD", status="Succeeded", total=7700, days=("1 Oct", "15 Oct"), to=""):
        starts_at, ends_at, sent_at = (e7.boundary(day).isoformat() for day in (*days, "17 Oct"))
        with self.world.amazon.store.transaction():
            self.world.amazon.controls()["put_group"](
                {
                    "seller_id": to or self.seller_id,
                    "currency": "GBP",
                    "total": total,
                    "starts_at": starts_at,
                    "ends_at": ends_at,
                    "sent_at": sent_at,
                    "converted": cents,
                    "converted_currency": currency,
                    "status": status,
                }
            )

    def settlement(self):
        with scope(self.acme.pk):
            return Settlement.objects.get(settlement_id=SID)

    def calls(self):
        return sum(self.world.amazon.counters().get("listFinancialEventGroups", {}).values())

    def hold(self):
        with scope(self.acme.pk):
            return Delivery.objects.get(code="amount_received").reason

    def waiting(self):
        with scope(self.acme.pk):
            return transfers.wanted(self.flow)


def held(world, alice, acme, clock, **values):
    """G1 with all in the books but its payout, of which Amazon has said nothing."""
    made = Paid(world, alice, acme, clock, **values)
    made.publish_h()
    made.run()
    assert reasons(made) == {"amount_received": 1}
    return made


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_the_payout_waits_for_amazons_answer_and_is_booked_with_it(world, alice, acme, clock, mode):
    made = held(world, alice, acme, clock, mode=mode)
    assert "nobody has said" in made.hold()

    made.paid(status="Processing")
    made.run()
    assert "Processing" in made.hold()
    made.paid()
    made.run()

    assert made.stuck() == []
    assert made.in_dollars() == BOOKED
    assert made.plan_h().verdict["verdict"] == "proved"
    assert (made.settlement().received, made.settlement().converted) == (None, 9940)
    calls = made.calls()
    made.run()
    assert made.calls() == calls  # Amazon has settled it: nothing is left to ask


def test_known_before_it_is_planned_nothing_waits(world, alice, acme, clock):
    made = Paid(world, alice, acme, clock)
    made.paid()
    made.publish_h()

    made.run()

    assert made.stuck() == []
    assert made.in_dollars() == BOOKED
    with scope(acme.pk), pytest.raises(payouts.CannotState, match="in the books"):
        payouts.state_received(made.settlement(), "alice", 9950, "USD")


def test_left_in_its_currency_the_payout_takes_amazons_amount(world, alice, acme, clock):
    made = Paid(world, alice, acme, clock, strategy="native")
    made.paid()
    made.publish_h()

    made.run()

    assert made.stuck() == []
    assert made.in_dollars()["CLEARING"] == 70
    assert made.revalued() == dict(sorted({**G1, "FX": 70}.items()))


def test_another_settlements_group_of_the_same_amount_is_not_taken(world, alice, acme, clock):
    made = held(world, alice, acme, clock)

    made.paid(days=("2 Oct", "15 Oct"))
    made.paid(total=7701)
    made.run()

    assert reasons(made) == {"amount_received": 1}
    assert made.settlement().converted is None


def test_a_failed_transfer_is_no_amount_received(world, alice, acme, clock):
    made = held(world, alice, acme, clock)

    made.paid(status="Failed")
    made.run()

    assert reasons(made) == {"amount_received": 1}
    assert "failed" in made.hold()
    assert made.in_dollars()["CLEARING"] == 10010


def test_paid_in_a_third_currency_a_person_is_told_what_to_enter(world, alice, acme, clock):
    made = held(world, alice, acme, clock)

    made.paid(8855, "EUR")
    made.run()
    said = made.hold()
    made.received(9940)

    assert "Amazon paid 88.55 EUR for 77.00 GBP, and your books are in USD" in said
    assert made.stuck() == []
    assert made.in_dollars() == BOOKED


def test_a_persons_figure_wins_and_both_are_known(world, alice, acme, clock):
    made = held(world, alice, acme, clock)
    made.received(9900)
    before = made.in_dollars()

    made.paid()
    made.run()

    assert made.in_dollars() == before == dict(sorted({**G1, "BANK": 9900, "FX": -15, "FX_COST": 125}.items()))
    assert made.stuck() == []
    settlement = made.settlement()
    assert (arrivals.received(settlement, "USD"), arrivals.of_amazon(settlement, "USD")) == (9900, 9940)


def test_another_sellers_answer_reaches_nobody_else(world, alice, acme, clock):
    made = held(world, alice, acme, clock)
    other = world.seller("seller", shape={"settlements": 0}, seed=8)["seller"]["seller_id"]

    made.paid(to=other)
    made.run()

    assert reasons(made) == {"amount_received": 1}


def test_a_flow_in_its_own_currency_asks_nothing(world, alice, acme, clock):
    made = held(world, alice, acme, clock)
    assert [one.settlement_id for one in made.waiting()] == [SID]

    with scope(acme.pk):
        Flow.objects.update(home="")
        made.flow.refresh_from_db()

    assert made.waiting() == []


def test_amazons_refusal_keeps_nothing_else_waiting(world, alice, acme, clock):
    made = Paid(world, alice, acme, clock)
    made.publish_h()
    world.amazon.faults.add(
        operation="listFinancialEventGroups", boundary="before_commit", do="status", status=403, every=1
    )

    made.run()

    assert reasons(made) == {"amount_received": 1}
    assert made.in_dollars()["CLEARING"] == 10010


def test_at_amazons_own_rate_nothing_is_left_for_cost_or_gain(world, alice, acme, clock):
    made = Paid(world, alice, acme, clock, rate_from="amazon")
    made.paid()
    made.publish_h()

    made.run()

    # 77.00 became 99.40: 1.290909. Sales 129.09, fees 19.36 and 10.33; the cent of rounding is the only difference.
    assert made.stuck() == []
    assert made.in_dollars() == {"BANK": 9940, "FEE_FBA": 1033, "FEE_SELLING": 1936, "SALES": -12909}
    exchange = made.plan_h().exchange
    assert (exchange["rate"], exchange["rate_from"], exchange["rate_on"]) == ("1.290909", "amazon", "2025-10-17")


def test_amazons_own_rate_comes_too_late_for_what_was_sent(world, alice, acme, clock):
    made = held(world, alice, acme, clock, rate_from="amazon")

    made.paid()
    made.run()

    assert made.in_dollars() == BOOKED
    assert made.plan_h().exchange["rate_from"] == "table"


def test_amazons_own_rate_counts_for_what_waits_for_approval(world, alice, acme, clock):
    made = Paid(world, alice, acme, clock, rate_from="amazon", approval="review")
    made.publish_h()
    made.run()
    assert made.plan_h().exchange["rate_from"] == "table"

    made.paid()
    made.run()
    with scope(acme.pk):
        planning.approve(made.plan_h(), "alice")
    world.deliver()

    assert made.plan_h().exchange["rate_from"] == "amazon"
    assert made.in_dollars()["BANK"] == 9940
    assert "FX_COST" not in made.in_dollars()

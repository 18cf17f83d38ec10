"""Scenario E7 through Amazon's API, the database, the outbox and the pretend Wave, to the cent."""

from datetime import UTC, datetime

import pytest
import time_machine

from flows import reposting
from kit.scope import scope
from ledgers.wave.tests.e7 import WaveBusiness
from tests.bookkeeping import e7
from tests.bookkeeping.test_e7 import (
    FEED,
    INVOICES,
    PROFIT,
    PROFIT_OF_MONTHS,
    SETTLEMENT_TRIGGER,
    SHIPMENT_INVOICES,
    SHIPMENT_PROFIT_OF_MONTHS,
    SHIPMENT_TRIGGER,
)
from tests.bookkeeping.test_e7_variations import LETTERS, REMAPPED
from tests.flows.e7_books import E7, days


@pytest.fixture
def e7_books(world, alice, acme):
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda **values: E7(world, alice, acme, time, into=WaveBusiness, **values)


def fed(made):
    """The balances once the user has categorised the lines of the bank's and the card's feed."""
    waiting = made.balances()
    assert [waiting.get(key, 0) for key in ("PAYOUTS", "BANK", "CHARGE_METHOD")] == [5936, 0, 0]
    accounts = {key: account for account, key in made.keys().items()}
    for on, debit, credit, amount in FEED:
        sides = {accounts[debit]: amount, accounts[credit]: f"-{amount}"}
        made.ledger.person("add_transaction", date=e7.day(on).isoformat(), description="Bank feed", sides=sides)
    return made.balances()


def proved(made):
    return {made.plan(n).verdict["verdict"] for n in e7.PERIODS} == {"proved"}


def test_summary_with_a_bank_feed(e7_books):
    made = e7_books(mode="summary")

    made.settle(1, 2, 3, 4)

    assert made.stuck() == []
    assert made.count() == {"Transaction": 11}  # the last settlement comes to nothing, which takes two
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert made.at_month_ends("RESERVE") == [0, 0, 6900]
    assert fed(made) == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.month_totals() == PROFIT_OF_MONTHS
    assert proved(made)


def test_orders_settled_without_a_bank_feed_and_a_settlement_undone_and_redone(e7_books):
    made = e7_books(mode="orders", layout="direct")
    made.settle(1, 2, 3, 4)
    assert made.count() == {"Invoice": 8, "InvoicePayment": 8, "Transaction": 14}
    assert made.invoices() == sorted(days(*INVOICES), key=lambda one: one[1:])
    assert made.balances() == SETTLEMENT_TRIGGER
    assert proved(made)

    made.redo(3, "summary")

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.plan(3).revision == 2
    assert proved(made)


def test_orders_shipped_with_a_bank_feed(e7_books, monkeypatch):
    monkeypatch.setattr("flows.closing._today", lambda flow: e7.CANCELLED["X"])
    made = e7_books(mode="orders", trigger="shipped")
    made.ship()
    made.run()
    made.settle(1, 2, 3, 4)
    made.cancel("X")

    made.run()

    assert made.stuck() == []
    assert made.month_totals() == SHIPMENT_PROFIT_OF_MONTHS
    assert made.at_month_ends("AR") == [17300, 10300, 5500]
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert made.invoices() == sorted(days(*SHIPMENT_INVOICES), key=lambda one: (one[1], one[0]))
    assert fed(made) == SHIPMENT_TRIGGER
    made.read_back()
    assert made.stuck() == []
    assert proved(made)


def test_settlements_in_another_order_and_another_mode_each_come_to_the_same_and_claims_can_be_moved(e7_books):
    made = e7_books(mode="orders", layout="direct")

    for n, mode in ((4, "orders"), (2, "summary"), (1, "orders"), (3, "orders")):
        made.switch(mode)
        made.settle(n)

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert proved(made)

    names, before = made.keys(), len(made.ledger.transactions())
    made.map({"CLAIMS": "REFUNDS"})
    made.keys = lambda: names
    with scope(made.acme.pk):
        reposting.remap(made.plan(2), "alice")
    made.deliver()

    assert made.stuck() == []
    assert made.balances() == REMAPPED
    assert len(made.ledger.transactions()) == before + 2  # what takes the month's entry back, and the new one
    assert proved(made)


def test_summary_then_orders_by_shipment(e7_books):
    made = e7_books(mode="summary", layout="direct")
    made.settle(1)

    made.switch("orders", "shipped", e7.boundary("4 Oct"))
    made.ship()
    made.run()
    made.settle(2, 3, 4)

    assert made.stuck() == []
    assert sorted((LETTERS[number[:19]], total) for number, _, total in made.invoices()) == [
        ("B", 2700), ("D", 4499), ("E", 24000), ("F", 3999), ("G", 7000), ("Y", 5500),
    ]  # fmt: skip
    assert made.balances() == SHIPMENT_TRIGGER


def test_lost_answers_double_nothing_even_where_wave_takes_an_external_id_twice(e7_books):
    made = e7_books(mode="orders", layout="direct", company={"duplicate_external_id": "twice"})
    lost = {"operation": "mutation.moneyTransactionCreate", "do": "drop_answer", "every": 3}
    made.ledger.stand_in.faults.add(boundary="after_commit", **lost)
    made.ledger.stand_in.faults.add(boundary="before_commit", **lost | {"every": 4})

    made.settle(1)

    assert made.stuck() == []
    assert made.count() == {"Invoice": 3, "InvoicePayment": 3, "Transaction": 4}
    assert made.balances()["BANK"] == 2001
    assert "CLEARING" not in made.balances()


def test_an_unmapped_sku_holds_its_invoice_and_payment_and_nothing_else(e7_books):
    made = e7_books(mode="orders", layout="direct", generic_items=False)
    for letter in "ABCDFG":
        made.map_sku(e7.sku(letter))
    made.settle(1, 2, 3)

    assert sorted((number, state) for number, state, _ in made.stuck()) == [
        (e7.ORDERS["E"], "held"),
        ("AMZ-18000000003-1", "blocked"),
    ]
    assert made.balances()["CLEARING"] == -24000
    made.map_sku("SKU-E")
    made.settle(4)
    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT

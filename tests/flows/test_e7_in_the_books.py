"""Scenario E7 through Amazon's API, the database, the outbox and the pretend QuickBooks, to the cent."""

from datetime import UTC, datetime

import pytest
import time_machine

from tests.bookkeeping import e7
from tests.bookkeeping.test_e7 import (
    INVOICES,
    PROFIT,
    PROFIT_OF_MONTHS,
    SETTLEMENT_TRIGGER,
    SHIPMENT_INVOICES,
    SHIPMENT_PROFIT_OF_MONTHS,
    SHIPMENT_TRIGGER,
)
from tests.flows.e7_books import E7, days


@pytest.fixture
def e7_books(world, alice, acme):
    """Return what makes the scenario's seller, company and flow; the values are the flow's."""
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda **values: E7(world, alice, acme, time, **values)


@pytest.mark.parametrize(
    ("values", "documents"),
    [
        ({"mode": "summary"}, {"JournalEntry": 6, "Transfer": 4}),
        ({"mode": "orders"}, {"Invoice": 8, "Payment": 5, "JournalEntry": 5, "Deposit": 2, "Transfer": 2}),
        (
            {"mode": "orders", "layout": "journal"},
            {"Invoice": 8, "Payment": 5, "JournalEntry": 6, "Transfer": 4},
        ),
    ],
    ids=["summary", "orders with deposits", "orders with journals"],
)
def test_the_settlement_trigger(e7_books, values, documents):
    made = e7_books(**values)

    made.settle(1, 2, 3, 4)

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.month_totals() == PROFIT_OF_MONTHS
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert made.at_month_ends("RESERVE") == [0, 0, 6900]
    assert made.count() == documents
    made.read_back()
    assert made.stuck() == []
    assert {made.plan(n).verdict["verdict"] for n in e7.PERIODS} == {"proved"}


def test_the_invoices_of_the_settlement_trigger(e7_books):
    made = e7_books(mode="orders")

    made.settle(1, 2, 3, 4)

    assert made.invoices() == sorted(days(*INVOICES), key=lambda one: one[1:])


def by_shipment(e7_books, **values):
    """Every order ships and is seen before anything settles; X is cancelled at the end."""
    made = e7_books(mode="orders", trigger="shipped", **values)
    made.ship()
    made.run()
    made.settle(1, 2, 3, 4)
    return made


@pytest.mark.parametrize("layout", ["deposit", "journal"])
def test_the_shipment_trigger(e7_books, layout, monkeypatch):
    made = by_shipment(e7_books, layout=layout)
    monkeypatch.setattr("flows.closing._today", lambda flow: e7.CANCELLED["X"])
    made.cancel("X")

    made.run()

    assert made.stuck() == []
    assert made.balances() == SHIPMENT_TRIGGER
    assert made.month_totals() == SHIPMENT_PROFIT_OF_MONTHS
    profit = made.profit()
    assert [profit[month]["SALES"] for month in profit] == [27800, 36699, 2200]
    assert [profit[month].get("SHIP_INCOME", 0) for month in profit] == [1100, 1699, 0]
    assert made.at_month_ends("AR") == [17300, 10300, 5500]
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert made.invoices() == sorted(days(*SHIPMENT_INVOICES), key=lambda one: (one[1], one[0]))
    if layout == "deposit":
        assert made.count() == {"Invoice": 9, "Payment": 6, "JournalEntry": 6, "Deposit": 2, "Transfer": 2}
    made.read_back()
    assert made.stuck() == []
    assert {made.plan(n).verdict["verdict"] for n in e7.PERIODS} == {"proved"}

"""Scenario E7 through Amazon's API, the database, the outbox and the pretend FreshBooks, to the cent."""

from datetime import UTC, datetime

import pytest
import time_machine

from ledgers.freshbooks.tests.e7 import FreshBooksBusiness
from tests.bookkeeping import e7
from tests.bookkeeping.test_e7 import (
    FEED,
    INVOICES,
    PROFIT,
    PROFIT_OF_MONTHS,
    SETTLEMENT_TRIGGER,
    SHIPMENT_INVOICES,
    SHIPMENT_PROFIT_OF_MONTHS,
)
from tests.flows.e7_books import E7, days


@pytest.fixture
def e7_books(world, alice, acme):
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda **values: E7(world, alice, acme, time, into=FreshBooksBusiness, **values)


def fed(made):
    """The balances once the user has marked the lines of the bank's and the card's feed as transfers."""
    waiting = made.balances()
    assert [waiting.get(key, 0) for key in ("PAYOUTS", "BANK", "CHARGE_METHOD")] == [5936, 0, 0]
    accounts = {key: account for account, key in made.keys().items()}
    for on, debit, credit, amount in FEED:
        sides = {"to": accounts[debit], "from": accounts[credit]}
        made.ledger.person("transfer", amount=amount, date=e7.day(on).isoformat(), **sides)
    return made.balances()


def proved(made):
    return {made.plan(n).verdict["verdict"] for n in e7.PERIODS} == {"proved"}


def test_summary_with_a_bank_feed(e7_books):
    made = e7_books(mode="summary")

    made.settle(1, 2, 3, 4)

    assert made.stuck() == []
    assert made.count() == {"journal": 10}
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert made.at_month_ends("RESERVE") == [0, 0, 6900]
    assert fed(made) == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.month_totals() == PROFIT_OF_MONTHS
    assert proved(made)


def test_orders_settled_without_a_bank_feed_leave_petty_cash_as_it_was_and_a_settlement_is_undone_and_redone(e7_books):
    made = e7_books(mode="orders", layout="direct")
    petty = []
    for n in e7.PERIODS:
        made.settle(n)
        petty.append(made.balances().get("PETTY", 0))
    assert petty == [0, 0, 0, 0]
    assert made.count() == {"invoice": 8, "payment": 8, "journal": 10}
    assert made.invoices() == sorted(days(*INVOICES), key=lambda one: one[1:])
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert proved(made)

    made.redo(3, "summary")

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    # Entries cannot be deleted: those of the settlement, as many that take them back, and as many new ones.
    assert made.count() == {"invoice": 6, "payment": 6, "journal": 10 + 5 + 5}
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
    assert fed(made) == SETTLEMENT_TRIGGER | {"AR": 5500, "REVENUE": -5500}  # the order that has not settled
    made.read_back()
    assert made.stuck() == []
    assert proved(made)


# On the small plan by the accounts of the chart, whatever the mode: what each fee cost.
FEES = {
    "Amazon Referral Fees": 6855,
    "Amazon FBA Fulfilment": 6260,
    "Amazon Refund Fees": 390,
    "Amazon Storage": 1800,
    "Amazon PPC": 12000,
    "Amazon Subscription": 7998,
}


@pytest.mark.parametrize(
    ("mode", "income"),
    [
        ("summary", {"Revenue": -62598, "Amazon Refunds Paid": 14499}),
        ("settled", {"Revenue": -63798, "Amazon Refunds Paid": 15699}),
        ("shipped", {"Revenue": -72598, "Amazon Refunds Paid": 18999, "Accounts Receivable": 5500}),
    ],
    ids=["summary", "settled", "shipped"],
)
def test_on_the_small_plan_petty_cash_changes_by_what_was_earned(e7_books, mode, income, monkeypatch):
    monkeypatch.setattr("flows.closing._today", lambda flow: e7.CANCELLED["X"])
    how = {"mode": "summary"} if mode == "summary" else {"mode": "orders", "trigger": mode}
    made = e7_books(company={"plan": "Lite"}, **how)
    if mode == "shipped":
        made.ship()
        made.run()
    made.settle(1, 2, 3, 4)
    if mode == "shipped":
        made.cancel("X")
        made.run()

    at_month_ends = [made.ledger.by_name(day)["Petty Cash"] for day in ("2025-09-30", "2025-10-31", "2025-11-30")]

    assert made.stuck() == []
    assert made.ledger.by_name() == {"Petty Cash": 12796, **FEES, **income}
    assert at_month_ends == [5270, 5270 + 6125, 12796]
    if mode == "summary":
        assert made.count() == {"invoice": 5, "payment": 5, "expense": 22}
    assert proved(made)

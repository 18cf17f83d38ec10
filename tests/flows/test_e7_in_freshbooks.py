"""Scenario E7 through Amazon's API, the database, the outbox and the pretend FreshBooks, to the cent."""

from datetime import UTC, date, datetime

import pytest
import time_machine

from flows import month_totals, replay, reposting, shortfall, verdicts
from flows.models import Delivery, Plan
from flows.plans import counts_by_state
from kit.scope import scope
from ledgers.freshbooks.lookups import Lookups
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
from tests.bookkeeping.test_e7_variations import REMAPPED
from tests.flows.e7_books import E7, days
from tests.flows.ledger import Died


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
    assert proved(made)
    with scope(made.acme.pk):
        told = {one.account: one.amount for one in month_totals.balances(made.flow, date(2025, 11, 30)) if one.shares}
        accounts = {one.account for one in month_totals.balances(made.flow, date(2025, 11, 30))}
    assert list(told.values()) == [12796]
    assert "Petty Cash" in next(iter(told))
    assert not any("Clearing" in account or "Reserved" in account for account in accounts)
    if mode == "summary":
        assert made.count() == {"invoice": 5, "payment": 5, "expense": 22}
        made.redo(3, "summary")
        assert made.stuck() == []
        assert made.ledger.by_name() == {"Petty Cash": 12796, **FEES, **income}
        assert made.count() == {"invoice": 5, "payment": 5, "expense": 22}
        made.time.shift(3600)
        made.read_back()
        assert made.stuck() == []
        assert proved(made)


def test_an_unmapped_sku_leaves_its_payment_missing_in_petty_cash_until_it_is_mapped(e7_books):
    made = e7_books(mode="orders", layout="direct", generic_items=False)
    for letter in "ABCDFG":
        made.map_sku(e7.sku(letter))
    made.settle(1, 2, 3)

    assert sorted((number, state) for number, state, _ in made.stuck()) == [
        (e7.ORDERS["E"], "held"),
        ("AMZ-18000000003-1", "blocked"),
    ]
    assert made.balances()["PETTY"] == -24000
    with scope(made.acme.pk):
        plan = Plan.objects.select_related("flow__target", "settlement").get(
            settlement__settlement_id="18000000003", flow=made.flow
        )
        short = shortfall.of(plan)
        text = verdicts.banner(plan, counts_by_state(plan), "FreshBooks", short=short).text
    assert short == [("Petty Cash", -24000), ("Revenue", 24000)]
    assert "Petty Cash is off by −240.00 USD, Revenue by 240.00 USD until they are, too" in text
    made.map_sku("SKU-E")
    made.settle(4)
    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT


def test_claims_remapped_after_closing_october_wait_until_it_is_open(e7_books):
    """FreshBooks does not say which period is closed: what lies in one is refused, and sent again once it is open."""
    made = e7_books(mode="orders", layout="direct")
    made.settle(1, 2, 3, 4)
    names = made.keys()
    made.close_books("2025-10-31")
    made.map({"CLAIMS": "REFUNDS"})
    made.keys = lambda: names
    with scope(made.acme.pk):
        reposting.remap(made.plan(2), "alice")
    made.world.deliver()
    held = made.stuck()
    assert made.balances() == SETTLEMENT_TRIGGER

    made.close_books(None)
    with scope(made.acme.pk):
        replay.replay(made.acme.pk, Delivery.objects.filter(state="held").values_list("pk", flat=True), "alice")
    made.world.deliver()

    assert [state for _, state, _ in held] == ["held", "blocked"]
    assert "closed in FreshBooks" in held[0][2]
    assert made.stuck() == []
    assert made.balances() == REMAPPED
    assert made.month_totals() == PROFIT_OF_MONTHS
    assert made.plan(2).verdict["verdict"] == "proved"


def test_every_fifth_answer_is_lost_and_every_third_draft_left_behind_and_the_books_are_the_same(e7_books):
    made = e7_books(mode="orders", layout="direct")
    faults = made.ledger.stand_in.faults
    faults.add(operation="*.create", boundary="after_commit", do="drop_answer", every=5)
    faults.add(operation="*.create", boundary="before_commit", do="drop_answer", every=7)
    faults.add(operation="invoice.send", boundary="before_commit", do="status", status=503, every=3)

    made.settle(1, 2, 3, 4)
    for _ in range(20):  # each time some wait for the look-up after the quarantine, or for their next try
        if made.stuck():
            made.run()

    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.count() == {"invoice": 8, "payment": 8, "journal": 10}
    assert proved(made)


def test_a_process_that_dies_between_a_draft_and_its_sending_leaves_one_invoice_in_the_books(e7_books, monkeypatch):
    def die(*_):
        raise Died

    made = e7_books(mode="orders", layout="direct")
    with monkeypatch.context() as dying:
        dying.setattr(Lookups, "send", die)
        with pytest.raises(Died):
            made.settle(1)
    drafts = made.invoices()
    assert (len(drafts), made.count()) == (1, {})

    for _ in range(3):
        made.run()

    assert made.stuck() == []
    assert drafts[0] in made.invoices()
    assert made.count() == {"invoice": 3, "payment": 3, "journal": 3}
    assert (made.balances()["BANK"], made.balances().get("PETTY", 0)) == (2001, 0)

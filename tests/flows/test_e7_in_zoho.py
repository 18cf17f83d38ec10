"""Scenario E7 through Amazon's API, the database, the outbox and the pretend Zoho Books, to the cent."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine

from flows import drafts, reposting
from flows.models import Flow
from kit.scope import scope
from ledgers.zoho.client import ZohoBooks
from ledgers.zoho.tests.e7 import ZohoOrganization
from tenants.models import Connection
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
from tests.bookkeeping.test_e7_variations import REMAPPED
from tests.flows.e7_books import E7, days


@pytest.fixture
def e7_books(world, alice, acme):
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda **values: E7(world, alice, acme, time, into=ZohoOrganization, **values)


def proved(made):
    return {made.plan(n).verdict["verdict"] for n in e7.PERIODS} == {"proved"}


def test_summary_undone_and_redone_in_orders_mode(e7_books):
    made = e7_books(mode="summary")
    made.settle(1, 2, 3, 4)
    assert made.stuck() == []
    assert made.count() == {"journal": 7, "transaction": 3}
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert made.at_month_ends("RESERVE") == [0, 0, 6900]
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.month_totals() == PROFIT_OF_MONTHS
    assert proved(made)

    made.redo(2, "orders")

    assert made.stuck() == []
    assert made.count() == {"invoice": 2, "payment": 1, "journal": 7, "transaction": 3}
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.plan(2).revision == 2
    made.run()
    made.read_back()
    assert made.stuck() == []
    assert proved(made)


def test_orders_settled(e7_books):
    made = e7_books(mode="orders")

    made.settle(1, 2, 3, 4)

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.count() == {"invoice": 8, "payment": 5, "journal": 7, "transaction": 3}
    assert made.invoices() == sorted(days(*INVOICES), key=lambda one: one[1:])
    assert proved(made)


def test_orders_settled_as_journals_and_a_settlement_undone_and_redone(e7_books):
    made = e7_books(mode="orders", layout="journals")
    made.settle(1, 2, 3, 4)
    assert made.stuck() == []
    assert made.count() == {"journal": 15, "transaction": 3}
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert proved(made)

    made.redo(3, "orders")

    assert made.stuck() == []
    assert made.count() == {"journal": 15, "transaction": 3}
    assert made.balances() == SETTLEMENT_TRIGGER
    made.run()
    made.read_back()
    assert made.stuck() == []
    assert proved(made)


def shipped(e7_books, monkeypatch, **values):
    """Every order ships and is seen before anything settles; X is cancelled at the end."""
    monkeypatch.setattr("flows.closing._today", lambda flow: e7.CANCELLED["X"])
    made = e7_books(mode="orders", trigger="shipped", **values)
    made.ship()
    made.run()
    made.settle(1, 2, 3, 4)
    made.cancel("X")
    made.run()
    return made


def test_orders_shipped(e7_books, monkeypatch):
    made = shipped(e7_books, monkeypatch)

    assert made.stuck() == []
    assert made.balances() == SHIPMENT_TRIGGER
    assert made.month_totals() == SHIPMENT_PROFIT_OF_MONTHS
    assert made.at_month_ends("AR") == [17300, 10300, 5500]
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert made.invoices() == sorted(days(*SHIPMENT_INVOICES), key=lambda one: (one[1], one[0]))
    made.read_back()
    assert made.stuck() == []
    assert proved(made)


def test_orders_shipped_as_journals_wait_in_deferred(e7_books, monkeypatch):
    made = shipped(e7_books, monkeypatch, layout="journals")

    in_journals = {("DEFERRED" if key == "AR" else key): amount for key, amount in SHIPMENT_TRIGGER.items()}
    assert made.stuck() == []
    assert made.balances() == dict(sorted(in_journals.items()))
    assert made.month_totals() == SHIPMENT_PROFIT_OF_MONTHS
    assert made.at_month_ends("DEFERRED") == [17300, 10300, 5500]
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    assert set(made.count()) == {"journal", "transaction"}
    assert proved(made)


def test_claims_remapped_after_october_was_locked(e7_books):
    made = e7_books(mode="orders")
    made.settle(1, 2, 3, 4)
    names = made.keys()
    made.close_books("2025-10-31")
    made.map({"CLAIMS": "REFUNDS"})
    made.keys = lambda: names

    with scope(made.acme.pk):
        moved = reposting.remap(made.plan(2), "alice")
    made.world.deliver()

    assert moved == 2
    assert made.stuck() == []
    assert made.balances() == REMAPPED
    found = [
        (one["reference_number"], one["journal_date"])
        for one in made.ledger.documents("journal")
        if one["reference_number"].startswith("AMZ-18000000002-1")
    ]
    assert sorted(found) == [
        ("AMZ-18000000002-1", "2025-10-18"),
        ("AMZ-18000000002-1r2", "2025-11-01"),
        ("AMZ-18000000002-1x", "2025-11-01"),
    ]
    assert made.plan(2).verdict["verdict"] == "proved"


def test_modes_and_layouts_that_change_between_settlements(e7_books):
    made = e7_books(mode="summary")

    history = [("orders", "invoices"), ("summary", "journals"), ("orders", "journals"), ("orders", "invoices")]
    for n, (mode, layout) in enumerate(history, start=1):
        with scope(made.acme.pk):
            Flow.objects.filter(pk=made.flow.pk).update(layout=layout)
        made.switch(mode)
        made.settle(n)

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert proved(made)


def test_a_part_with_more_lines_than_a_journal_takes_is_chunked_and_each_chunk_closes_on_clearing(
    e7_books, monkeypatch
):
    policy_of = drafts.policy_of
    monkeypatch.setattr(drafts, "policy_of", lambda flow: replace(policy_of(flow), entry_lines=4))
    made = e7_books(mode="summary", company={"switches": {"journal_max_lines": 4}})

    made.settle(1, 2, 3, 4)

    chunks = Counter(one["reference_number"].partition(".")[0] for one in made.ledger.documents("journal"))
    assert chunks["AMZ-18000000001-1"] == 3
    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert proved(made)


def test_a_consent_withdrawn_in_the_middle_leaves_nothing_out_once_it_is_given_again(e7_books, monkeypatch, alice):
    made = e7_books(mode="orders")
    made.settle(1)
    send, sent = ZohoBooks.send, []

    def sending(self, call, deadline_s):
        sent.append(call)
        if len(sent) == 2:
            made.ledger.stand_in.control("disconnect", {"user": made.ledger.choice})
        return send(self, call, deadline_s)

    with monkeypatch.context() as patch:
        patch.setattr(ZohoBooks, "send", sending)
        made.settle(2)
    with scope(made.acme.pk):
        lost = Connection.objects.get(provider="zoho").state
    assert lost != "active"
    assert made.stuck()

    made.world.connect("zoho", alice, made.acme, made.ledger.choice)
    made.run()
    made.settle(3, 4)

    assert made.stuck() == []
    assert made.count() == {"invoice": 8, "payment": 5, "journal": 7, "transaction": 3}
    assert made.balances() == SETTLEMENT_TRIGGER
    assert proved(made)

"""What else may happen to scenario E7, through the whole product, ending in the same balances."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import time_machine

from flows import differences, drafts, planning, reposting
from flows.models import Coverage, Delivery, Plan
from kit.scope import scope
from tests.bookkeeping import e7
from tests.bookkeeping.test_e7 import PROFIT, SETTLEMENT_TRIGGER, SHIPMENT_TRIGGER
from tests.bookkeeping.test_e7_variations import LETTERS, REMAPPED
from tests.flows.e7_books import E7


@pytest.fixture
def e7_books(world, alice, acme):
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda **values: E7(world, alice, acme, time, **values)


def lettered(made):
    return [(LETTERS[number[:19]] + number[19:], total) for number, _, total in made.invoices()]


def nothing_differs(made, n):
    """Whether a settlement whose accounts were moved is what would be posted now, wherever that is said."""
    with scope(made.acme.pk):
        planning.replan(made.plan(n))
        return not made.plan(n).verdict["differs"] and not differences.difference(made.plan(n))


@pytest.mark.parametrize("modes", ["sooo", "osos", "ooss", "soso"])
def test_a_history_of_modes(e7_books, modes):
    made = e7_books(mode="summary" if modes[0] == "s" else "orders")

    for n, mode in enumerate(modes, start=1):
        made.switch("summary" if mode == "s" else "orders")
        made.settle(n)

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    if modes == "sooo":
        assert lettered(made) == [("B", 2700), ("D", 4499), ("E", 24000), ("F", 3999), ("G", 7000)]


@pytest.mark.parametrize(
    ("mode", "order"), [("summary", (4, 3, 2, 1)), ("orders", (4, 3, 2, 1)), ("orders", (2, 1, 4, 3))], ids=str
)
def test_an_order_of_processing(e7_books, mode, order):
    made = e7_books(mode=mode)

    made.settle(*order)

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT


def test_a_settlement_waits_for_the_one_before_that_explains_its_debt(e7_books):
    made = e7_books(mode="summary")

    made.settle(1, 3)

    with scope(made.acme.pk):
        held = Delivery.objects.filter(plan=made.plan(3)).values_list("state", "code").distinct()
        assert list(held) == [("held", "continuity")]
        assert [flag["kind"] for flag in made.plan(3).flags if flag["kind"] == "chain_gap"] == ["chain_gap"]
    made.settle(2)
    assert made.stuck() == []
    assert made.plan(3).verdict["verdict"] == "proved"
    assert "chain_gap" not in {flag["kind"] for flag in made.plan(3).flags}


@pytest.mark.parametrize(
    ("n", "first", "again"),
    [
        (1, "orders", "summary"),
        (2, "summary", "orders"),
        (2, "orders", "orders"),
        (3, "orders", "summary"),
        (4, "summary", "summary"),
    ],
)
def test_undo_and_redo(e7_books, n, first, again):
    made = e7_books(mode=first)
    made.settle(1, 2, 3, 4)

    made.redo(n, again)

    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER
    assert made.profit() == PROFIT
    assert made.plan(n).revision == 2
    assert made.plan(n).verdict["verdict"] == "proved"


def test_a_settlement_that_was_undone_stays_out_of_the_books_until_somebody_asks(e7_books):
    made = e7_books(mode="summary")
    made.settle(1, 2)
    made.undo(2)

    made.run()

    with scope(made.acme.pk):
        assert list(Plan.objects.order_by("pk").values_list("state", flat=True)) == ["posted", "undone"]
    assert made.balances()["BANK"] == 2001
    assert "CLEARING" not in made.balances()


def test_redone_invoices_get_new_suffixes(e7_books):
    made = e7_books(mode="orders")
    made.settle(1, 2)

    made.redo(2, "orders")

    assert lettered(made) == [("A", 7600), ("B", 3000), ("C", 6500), ("B-3", 2700), ("D-2", 4499)]


def test_summary_then_orders_by_shipment(e7_books):
    made = e7_books(mode="summary")
    made.settle(1)

    made.switch("orders", "shipped", e7.boundary("4 Oct"))
    made.ship()
    made.run()
    made.settle(2, 3, 4)

    assert made.stuck() == []
    assert sorted(lettered(made)) == sorted(
        [("E", 24000), ("G", 7000), ("Y", 5500), ("B", 2700), ("D", 4499), ("F", 3999)]
    )
    assert made.balances() == SHIPMENT_TRIGGER


def test_orders_by_shipment_then_summary(e7_books, monkeypatch):
    made = e7_books(mode="orders", trigger="shipped")
    made.ship("ABCDXEK")
    made.run()
    made.settle(1, 2)

    made.switch("summary", cut_over_at=e7.boundary("18 Oct"))
    made.ship("GY")
    made.settle(3, 4)
    monkeypatch.setattr("flows.closing._today", lambda flow: e7.CANCELLED["X"])
    made.cancel("X")
    made.run()

    assert {letter for letter, _ in lettered(made)} == set("ABCDXE")
    assert made.stuck() == []
    assert made.balances() == SETTLEMENT_TRIGGER


def test_undo_leaves_shipment_invoices_open_and_redo_pays_them_again(e7_books):
    made = e7_books(mode="orders", trigger="shipped")
    made.ship("ABC")
    made.run()
    made.settle(1)

    made.undo(1)

    assert made.balances()["AR"] == 7600 + 6000 + 6500
    with scope(made.acme.pk):
        assert not Coverage.objects.exists()
    made.redo_undone(1)
    assert made.balances()["AR"] == 3000
    assert made.plan(1).verdict["verdict"] == "proved"


def test_an_unmapped_sku_holds_its_invoice_and_payment_and_nothing_else(e7_books):
    made = e7_books(mode="orders", generic_items=False)
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


@pytest.mark.parametrize("trigger", ["settled", "shipped"])
def test_promotions_left_off_invoices_change_no_total(e7_books, monkeypatch, trigger):
    policy_of = drafts.policy_of
    monkeypatch.setattr(drafts, "policy_of", lambda flow: replace(policy_of(flow), negative_lines=False))
    made = e7_books(mode="orders", trigger=trigger)
    made.ship("AE" if trigger == "shipped" else "")
    made.run()

    made.settle(1, 2, 3, 4)

    assert made.stuck() == []
    assert [one for one in lettered(made) if one[0] in "AE"] == [("A", 9000), ("E", 25200)]
    assert made.balances() == SETTLEMENT_TRIGGER


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_claims_remapped_after_closing_october(e7_books, mode):
    made = e7_books(mode=mode)
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
    assert made.month_totals() == {"2025-09": 5270, "2025-10": 6125, "2025-11": 1401}
    found = [
        (one["DocNumber"], one["TxnDate"])
        for one in made.ledger.documents("JournalEntry")
        if one["DocNumber"].startswith("AMZ-18000000002-1")
    ]
    assert sorted(found) == [
        ("AMZ-18000000002-1", "2025-10-18"),
        ("AMZ-18000000002-1r2", "2025-11-01"),
        ("AMZ-18000000002-1x", "2025-11-01"),
    ]
    assert made.plan(2).state == "posted"
    assert made.plan(2).verdict["verdict"] == "proved"
    assert nothing_differs(made, 2)


def test_claims_remapped_in_an_open_month_keep_their_date(e7_books):
    made = e7_books(mode="summary")
    made.settle(1, 2)
    names, before = made.keys(), made.profit()
    made.map({"CLAIMS": "REFUNDS"})
    made.keys = lambda: names

    with scope(made.acme.pk):
        assert reposting.remap(made.plan(2), "alice") == 2
    made.world.deliver()

    october = made.profit()["2025-10"]
    assert "CLAIMS" not in october
    assert october["REFUNDS"] == before["2025-10"].get("REFUNDS", 0) - 5500
    with scope(made.acme.pk):
        assert reposting.remap(made.plan(2), "alice") == 0
    assert nothing_differs(made, 2)


def test_what_rode_on_a_deposit_is_moved_by_the_difference(e7_books):
    made = e7_books(mode="orders")
    made.settle(1, 2, 3)
    names, before = made.keys(), made.balances()
    made.map({"SUBSCRIPTION": "FEE_OTHER"})
    made.keys = lambda: names

    with scope(made.acme.pk):
        assert reposting.remap(made.plan(3), "alice") == 1
    made.world.deliver()

    assert made.balances()["SUBSCRIPTION"] == before["SUBSCRIPTION"] - 3999
    assert made.balances()["FEE_OTHER"] == before["FEE_OTHER"] + 3999
    assert made.plan(3).verdict["verdict"] == "proved"
    assert nothing_differs(made, 3)


def test_a_payout_that_is_known_to_have_failed_is_never_booked(e7_books):
    made = e7_books(mode="orders", approval="review")
    made.settle(1)
    with scope(made.acme.pk):
        planning.state_payout_failed(made.plan(1).settlement, "alice")
        planning.approve(made.plan(1), "alice")
    made.world.deliver()
    assert [(number, state) for number, state, _ in made.stuck()] == [("AMZ-18000000001-P", "held")]
    assert made.balances()["CLEARING"] == 2001

    made.publish(2)
    made.publish(3)
    made.run()
    with scope(made.acme.pk):
        for n in (2, 3):
            planning.approve(made.plan(n), "alice")
    made.world.deliver()

    assert made.stuck() == []
    assert made.balances()["BANK"] == 10936
    assert "CLEARING" not in made.balances()
    assert {made.plan(n).state for n in (1, 2, 3)} == {"posted"}
    assert {made.plan(n).verdict["verdict"] for n in (1, 2, 3)} == {"proved"}


def test_planning_again_changes_nothing(e7_books, django_assert_max_num_queries):
    made = e7_books(mode="orders", trigger="shipped", approval="review")
    made.ship("AB")
    made.run()
    made.settle(1)
    with scope(made.acme.pk):
        plan = made.plan(1)
        before = (plan.digest, plan.carried_digest)

        with django_assert_max_num_queries(60) as seen:
            planning.replan(plan)

        assert (plan.digest, plan.carried_digest) == before
        written = [
            query["sql"].split(" WHERE")[0]
            for query in seen.captured_queries
            if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))
        ]
        # Marking the plan and the claim of the flow are the only writes.
        assert all("planning_until" in sql or '"asked"' in sql or '"made"' in sql for sql in written), written

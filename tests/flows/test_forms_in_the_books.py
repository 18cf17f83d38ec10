"""The forms of other ledgers as rows: stored, answered, proved, moved to other accounts, taken back and posted anew."""

from datetime import UTC, datetime

import pytest
import time_machine

from bookkeeping.accounts import ACCOUNTS, SYSTEM, AccountKey
from bookkeeping.documents import How, Kind
from flows import mapping, planning, reposting, rules, undo
from flows.models import Carrier, Coverage, Delivery, MappingRule
from ledgers.port import Binding
from ledgers.quickbooks.client import CAPABILITIES
from tests.amazon.settlements import SALE
from tests.bookkeeping import e7
from tests.bookkeeping.company import FRESHBOOKS_DIRECT, LITE, WAVE, ZOHO, ZOHO_JOURNALS
from tests.bookkeeping.test_e7 import SHIPMENT_PROFIT_OF_MONTHS, with_shipments
from tests.flows.e7_books import E7
from tests.web.small_books import answer_all, flow_of, listed, plan_of, post, settle

RESERVE = ("other-transaction", "other-transaction", "Current Reserve Amount", "-12.50")


@pytest.fixture
def into(acme, monkeypatch, in_acme):
    """Return what makes a flow whose documents are cut by a policy, and posts a settlement of these rows."""

    def settled(policy, mode="summary", rows=SALE, unmapped=()):
        monkeypatch.setattr("flows.drafts.policy_of", lambda flow: policy)
        monkeypatch.setitem(CAPABILITIES.undo, Kind.EXPENSE, How.DELETE)
        flow = flow_of(acme, mode=mode)
        others = {*SYSTEM, AccountKey.PAYOUTS, AccountKey.DEFERRED} - {AccountKey.AR}
        for key in sorted(others):
            listed(flow.target, "account", f"own {key}", account_class=ACCOUNTS[key].account_class)
        rules.save_accounts(flow, {key: Binding(account=f"own {key}") for key in others}, "alice", {})
        MappingRule.objects.filter(flow=flow, subject="account", key__in=unmapped).delete()
        return post(plan_of(settle(acme, rows=rows)))

    return settled


def of(plan):
    """Kind and number of what is in the books of a plan, as it was planned."""
    rows = Delivery.objects.filter(plan=plan, state="posted").exclude(kind="undo").order_by("id")
    return [(row.kind, row.number) for row in rows]


def test_income_and_expenses_are_proved_by_what_stays_out_of_the_books(into):
    plan = into(LITE, rows=(*SALE, RESERVE))

    assert of(plan) == [
        ("invoice", "AMZ-15000000001-1"),
        ("payment", "AMZ-15000000001-1"),
        ("expense", "AMZ-15000000001-1:FEE_SELLING"),
        ("expense", "AMZ-15000000001-1:FEE_FBA"),
    ]
    assert plan.reconciling == {"RESERVE": 1250}
    assert (plan.verdict["verdict"], plan.verdict["clearing"], plan.verdict["reconciling"]) == (
        "proved",
        1250,
        {"RESERVE": 1250},
    )
    assert list(Carrier.objects.filter(delivery=None).values_list("line_key", "amount")) == [("RESERVE", -1250)]


def test_accounts_of_expenses_are_moved_and_all_of_it_taken_back(into):
    plan = into(LITE)
    rules.save_accounts(plan.flow, {AccountKey.FEE_SELLING: Binding(account="40")}, "alice", {})

    reposting.remap(plan_of(plan.settlement), "alice")
    answer_all(plan)

    booked = Delivery.objects.get(plan=plan, state="posted", number="AMZ-15000000001-1r2:FEE_SELLING")
    assert booked.bindings["FEE_SELLING"]["account"] == "40"
    assert Carrier.objects.get(line_key="FEE_SELLING").delivery == booked
    planning.replan(plan_of(plan.settlement))
    assert plan_of(plan.settlement).verdict["differs"] == []
    assert plan_of(plan.settlement).verdict["verdict"] == "proved"
    undo.undo(plan_of(plan.settlement), "alice")
    answer_all(plan)
    assert plan_of(plan.settlement).state == "undone"
    assert of(plan) == []


def test_income_that_is_given_back_is_an_expense_of_refunds_and_stays_one(into):
    plan = into(LITE, rows=(*SALE, ("Order", "ItemPrice", "Shipping", "-5.00")), unmapped=[AccountKey.SHIP_INCOME])
    flow = plan.flow
    refunds = mapping.load(flow).target("REFUNDS").account

    assert Delivery.objects.get(number="AMZ-15000000001-1:SHIP_INCOME").bindings["SHIP_INCOME"]["account"] == refunds
    assert reposting.remap(plan_of(plan.settlement), "alice") == 0

    rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account="40")}, "alice", {})
    reposting.remap(plan_of(plan.settlement), "alice")
    answer_all(plan)

    assert Delivery.objects.get(number="AMZ-15000000001-1r2:SHIP_INCOME").bindings["SHIP_INCOME"]["account"] == refunds
    assert plan_of(plan.settlement).verdict["verdict"] == "proved"


def test_entry_of_net_zero_is_two_and_both_are_moved_to_other_accounts(into):
    plan = into(WAVE, rows=(*SALE, RESERVE))

    assert of(plan) == [("entry", "AMZ-15000000001-1a"), ("entry", "AMZ-15000000001-1b")]
    carriers = dict(Carrier.objects.values_list("line_key", "delivery__number"))
    assert (carriers["SALES"], carriers["FEE_FBA"]) == ("AMZ-15000000001-1a", "AMZ-15000000001-1b")

    rules.save_accounts(plan.flow, {AccountKey.FEE_SELLING: Binding(account="40")}, "alice", {})
    reposting.remap(plan_of(plan.settlement), "alice")
    answer_all(plan)

    assert of(plan) == [("entry", "AMZ-15000000001-1r2a"), ("entry", "AMZ-15000000001-1r2b")]
    carriers = dict(Carrier.objects.values_list("line_key", "delivery__number"))
    assert (carriers["SALES"], carriers["FEE_SELLING"]) == ("AMZ-15000000001-1r2a", "AMZ-15000000001-1r2b")
    planning.replan(plan_of(plan.settlement))
    assert plan_of(plan.settlement).verdict["differs"] == []


def test_accounts_of_what_the_month_moved_on_are_moved_too(into):
    plan = into(FRESHBOOKS_DIRECT, "orders")
    rules.save_accounts(plan.flow, {AccountKey.FEE_SELLING: Binding(account="40")}, "alice", {})

    assert plan.verdict["verdict"] == "proved"
    assert reposting.remap(plan_of(plan.settlement), "alice") == 2
    answer_all(plan)

    entry = Delivery.objects.get(plan=plan, state="posted", kind="entry")
    lines = {one["key"]: one["debit"] - one["credit"] for one in entry.plain_document["lines"]}
    assert lines == {
        "CLEARING": 1250, "FEE_SELLING": 300, "FEE_FBA": 450, "REVENUE": 2000, "SALES": -2000, "PETTY": -2000,
    }  # fmt: skip
    planning.replan(plan_of(plan.settlement))
    assert plan_of(plan.settlement).verdict["differs"] == []


def test_order_that_an_entry_books_is_known_by_its_order_and_is_taken_back(into):
    plan = into(ZOHO_JOURNALS, "orders")

    order = Delivery.objects.get(plan=plan, order_id="701-1234567-1234567")
    assert (order.kind, order.number, order.state) == ("entry", "701-1234567-1234567", "posted")
    assert Coverage.objects.get().payment is None
    assert plan.verdict["verdict"] == "proved"

    undo.undo(plan_of(plan.settlement), "alice")
    answer_all(plan)

    assert of(plan) == []
    assert plan_of(plan.settlement).state == "undone"


@pytest.mark.parametrize("settling", [ZOHO_JOURNALS, ZOHO], ids=["journals", "invoices from then on"])
def test_orders_booked_by_entries_on_shipment(world, alice, acme, monkeypatch, settling):
    monkeypatch.setattr("flows.drafts.policy_of", lambda flow: ZOHO_JOURNALS)
    monkeypatch.setattr("flows.closing._today", lambda flow: e7.CANCELLED["X"])
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        made = E7(world, alice, acme, time, mode="orders", trigger="shipped", layout="journal")
        made.ship()
        made.run()
        monkeypatch.setattr("flows.drafts.policy_of", lambda flow: settling)

        made.settle(1, 2, 3, 4)
        made.cancel("X")
        made.run()

    assert made.stuck() == []
    assert made.balances() == with_shipments(ZOHO_JOURNALS)
    assert made.month_totals() == SHIPMENT_PROFIT_OF_MONTHS
    assert made.at_month_ends("DEFERRED") == [17300, 10300, 5500]
    assert {made.plan(n).verdict["verdict"] for n in e7.PERIODS} == {"proved"}

"""What is known before a settlement is planned."""

from datetime import timedelta

import pytest

from amazon.models import Settlement
from bookkeeping.planned import Previous
from flows import chain, history, planning
from flows.models import Delivery, Flow, InvoiceBalance
from tests.amazon.settlements import SALE
from tests.web.small_books import flow_of, plan_of, post, settle

DEBT = ("other-transaction", "other-transaction", "Payable to Amazon", "-12.50")
HELD = ("other-transaction", "other-transaction", "Current Reserve Amount", "-5.00")
GIVEN_BACK = ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "5.00")

pytestmark = pytest.mark.usefixtures("in_acme")


def flow_with(acme, **values):
    flow = flow_of(acme)
    Flow.objects.filter(pk=flow.pk).update(**values)
    flow.refresh_from_db()
    return flow


def flags(settlement):
    return [flag["kind"] for flag in plan_of(settlement).flags]


def test_the_settlement_before_ends_exactly_where_this_one_starts(acme):
    flow = flow_of(acme)
    first = settle(acme, rows=[*SALE, HELD])
    second = settle(acme, "15000000002", rows=[*SALE, GIVEN_BACK], start="2026-01-15")

    assert chain.previous(flow, second) == Previous(750, -500)
    around = chain.around(flow, second)
    assert (around.before, around.gap_after, around.after) == (first, None, None)
    assert chain.around(flow, first).after == second
    assert flags(second) == []


def test_one_that_ended_earlier_is_not_the_one_before(acme):
    flow = flow_of(acme)
    first = settle(acme)
    third = settle(acme, "15000000003", rows=[*SALE, GIVEN_BACK], start="2026-01-29")

    assert chain.previous(flow, third) is None
    assert chain.around(flow, third).gap_after == first
    assert flags(third) == ["chain_gap"]


def test_a_reserve_that_is_not_what_was_held_is_flagged(acme):
    flow_of(acme)
    settle(acme)

    second = settle(acme, "15000000002", rows=[*SALE, GIVEN_BACK], start="2026-01-15")

    assert flags(second) == ["reserve_gap"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, None),
        ({"opening_clearing": -1250}, Previous(-1250, 0)),
        ({"opening_reserve": 500}, Previous(0, -500)),
    ],
    ids=["nobody said", "a debt", "a reserve"],
)
def test_the_first_settlement_follows_the_opening_balances(acme, values, expected):
    flow = flow_with(acme, **values)

    assert chain.previous(flow, settle(acme)) == expected


def test_a_settlement_out_of_the_books_counts_only_by_the_opening_balances(acme):
    flow = flow_with(acme, books_from="2026-01-20", opening_clearing=-1250)
    first = settle(acme, rows=[("other-transaction", "other-transaction", "Storage Fee", "-12.50")])

    second = settle(acme, "15000000002", rows=[*SALE, DEBT], start="2026-01-15")

    assert first.total == -1250
    assert chain.previous(flow, second) == Previous(-1250, 0)
    assert not Delivery.objects.filter(plan=plan_of(second), state="held").exists()


def test_a_debt_that_the_opening_balances_do_not_know_holds_everything(acme):
    flow_of(acme)

    plan = plan_of(settle(acme, rows=[*SALE, DEBT]))

    assert set(Delivery.objects.filter(plan=plan).values_list("state", "code")) == {("held", "continuity")}


def test_settlements_of_another_account_type_belong_to_another_chain(acme):
    flow = flow_of(acme)
    settlement = settle(acme)

    Settlement.objects.filter(pk=settlement.pk).update(account_type="Invoiced Orders")

    assert not history.settlements_of(flow).exists()


def test_invoices_that_are_paid_in_full_are_not_open(acme):
    flow = flow_of(acme, mode="orders")
    plan = post(plan_of(settle(acme)))

    assert history.open_order_ids(flow, without=None) == set()
    assert history.open_invoices(flow, {"701-1234567-1234567"}, without=plan) == []
    balance = InvoiceBalance.objects.get()
    assert history.open_invoice(balance).balance == 0


def test_numbers_name_everything_ever_given(acme):
    flow = flow_of(acme, mode="orders")
    plan = post(plan_of(settle(acme)))

    given = history.numbers(flow, {"701-1234567-1234567", "unknown"})

    assert given == {"701-1234567-1234567": Delivery.objects.get(plan=plan, kind="invoice").key}


def test_payouts_are_known_until_a_row_takes_them_back(acme):
    flow = flow_of(acme)
    first = post(plan_of(settle(acme)))
    back = ("other-transaction", "other-transaction", "Transfer of funds unsuccessful", "12.50")
    third = settle(acme, "15000000002", rows=[*SALE, back], start="2026-01-20")
    plan = plan_of(third)
    fourth = Settlement(starts_at=third.ends_at + timedelta(days=1), settlement_id="15000000009", currency="USD")

    assert [one["settlement_id"] for one in plan.pairings] == [first.settlement.settlement_id]
    assert [one.settlement_id for one in history.earlier_payouts(flow, third, without=plan)] == ["15000000001"]
    assert [one.settlement_id for one in history.earlier_payouts(flow, fourth, without=None)] == ["15000000002"]


def test_a_payout_that_failed_is_withheld_only_where_it_was_not_booked(acme):
    flow = flow_of(acme)
    waiting = plan_of(settle(acme))
    booked = post(plan_of(settle(acme, "15000000002", start="2026-01-15")))
    later = settle(acme, "15000000003", start="2026-01-29")
    for plan in (waiting, booked):
        planning.state_payout_failed(plan.settlement, "alice")

    payouts = history.earlier_payouts(flow, later, without=None)

    assert [(one.settlement_id, one.withheld) for one in payouts] == [("15000000001", True), ("15000000002", False)]
    assert Delivery.objects.get(plan=waiting, code="payout_failed").kind == "transfer"

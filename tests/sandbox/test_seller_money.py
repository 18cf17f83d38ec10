"""A pretend seller's money adds up on every day, and the truth file says so. Sums here are taken from the rows alone."""

from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox.seller import Shape, demo_seller, order_json, seller, truth
from sandbox.seller.postings import CARRIED, balance, movements, postings

TODAY = date(2026, 11, 20)
SHAPES = [
    Shape(settlements=7, held=3, failed=0.6),
    Shape("DE", settlements=7, also=("FR",), held=2, negative=0.5),
    Shape("JP", settlements=5, zero=0.5),
    Shape("GB", settlements=6, account_type="Invoiced orders", failed=0.9, negative=0, zero=0),
]


def sellers():
    return [seller(shape, seed) for seed, shape in enumerate(SHAPES * 2, start=40)] + [demo_seller(TODAY)]


@pytest.mark.parametrize("account", sellers(), ids=lambda account: f"{account.marketplace.country}-{account.seed}")
def test_released_postings_of_a_settlement_add_up_to_its_total(account):
    posted = postings(account)

    for settlement in account.settlements:
        own = [each for each in posted if each.settlement is settlement]
        assert sum(each.amount for each in own) == settlement.total
        assert sorted(line for each in own for line in each.lines) == sorted(settlement.lines)


@pytest.mark.parametrize("account", sellers(), ids=lambda account: f"{account.marketplace.country}-{account.seed}")
def test_balances_hold_on_every_day(account):
    """What Amazon owes, counted the other way round: from what settlements leave, not from what moved."""
    moved, posted = movements(account), postings(account)
    lines = [line for each in account.settlements for line in each.lines] + account.running
    day = account.first_start - timedelta(days=20)

    while (day := day + timedelta(days=1)) < account.running_from + timedelta(days=20):
        stands = balance(moved, day)
        held = sum(each.amount for each in posted if each.deferred_at and each.deferred_at < day <= each.posted_at)
        earned = sum(
            line.amount for line in lines if line.posted_at < day and line.label.amount_description not in CARRIED
        )
        paid = sum(each.total for each in account.settlements if each.total > 0 and each.deposit_at < day)
        closed = [each.reserve_held for each in account.settlements if each.ends_at < day]
        assert (stands.deferred, stands.reserve) == (held, closed[-1] if closed else 0)
        assert stands.total == earned + held - paid == stands.available + stands.reserved


@pytest.mark.parametrize("account", sellers(), ids=lambda account: f"{account.marketplace.country}-{account.seed}")
def test_at_its_close_a_settlement_leaves_its_total_its_reserve_and_what_is_deferred(account):
    moved = movements(account)

    for number, settlement in enumerate(account.settlements):
        stands = balance(moved, settlement.ends_at + timedelta(microseconds=1))
        earlier = account.settlements[:number]
        on_the_way = sum(each.total for each in earlier if each.total > 0 and each.deposit_at > settlement.ends_at)
        assert stands.total - stands.deferred == settlement.total + settlement.reserve_held + on_the_way
        assert stands.available == settlement.total + on_the_way


def test_truth_states_month_ends_payouts_and_settlements():
    account = demo_seller(TODAY)

    stated = truth(account, TODAY)["money"]

    assert [each["net_proceeds"] for each in stated["settlements"]] == [each.total for each in account.settlements]
    assert [each["month"] for each in stated["month_ends"]] == ["2026-08", "2026-09", "2026-10"]
    assert all(each["total"] == each["available"] + each["deferred"] + each["reserve"] for each in stated["month_ends"])
    assert all(each["deferred_sales"] for each in stated["month_ends"][1:])
    assert {each["steps"][-1]["status"] for each in stated["payouts"]} == {"PAID", "FAILED", "NO_PAYOUT"}


@pytest.mark.parametrize("today", [date(2026, 11, 20), date(2026, 12, 1), date(2027, 2, 28)], ids=str)
def test_demo_holds_a_sale_over_the_last_month_end(today):
    stated = truth(demo_seller(today), today)["money"]

    assert stated["month_ends"][-1]["deferred_sales"] > 0


def test_demo_has_sales_that_are_held_today():
    account = demo_seller(TODAY)
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)

    held = [each for each in postings(account) if each.deferred_at and each.deferred_at < noon <= each.posted_at]

    assert {each.settlement for each in held} == {None}
    assert balance(movements(account), noon).deferred == sum(each.amount for each in held) > 0


def test_european_settlement_lists_its_marketplaces_and_rows_without_one():
    account = seller(Shape("DE", settlements=4, also=("FR",), orders=20), 3)

    rows = [line for each in account.settlements for line in each.lines]

    assert {line.marketplace for line in rows if line.order_id} == {"Amazon.de", "Amazon.fr", "", "Non-Amazon DE"}
    assert any(not line.marketplace and not line.order_id for line in rows)
    shown = {order_json(order, account.marketplace)["salesChannel"]["marketplaceName"] for order in account.orders}
    assert shown == {"Amazon.de", "Amazon.fr", "Non-Amazon DE"}


def test_marketplaces_of_two_currencies_share_no_settlement():
    with pytest.raises(ValueError, match="currency"):
        seller(Shape("DE", also=("GB",)), 1)

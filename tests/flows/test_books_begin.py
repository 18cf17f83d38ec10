"""Books that begin inside a settlement, or after one whose payout then fails: balances in the pretend QuickBooks, to the cent."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.urls import reverse

from amazon.models import Settlement
from bookkeeping.accounts import AccountKey
from flows import months, opening, payouts, planning, rules, setup
from flows.models import Flow, Plan
from kit.scope import scope
from tests.bookkeeping import e7
from tests.bookkeeping.test_e7 import PROFIT, SETTLEMENT_TRIGGER
from tests.flows.e7_books import E7

MODES = pytest.mark.parametrize(
    "values",
    [{"mode": "summary"}, {"mode": "orders"}, {"mode": "orders", "layout": "journal"}],
    ids=["summary", "orders with deposits", "orders with journals"],
)


class Begun(E7):
    """The scenario's company, with an account for its opening balances."""

    def _map(self):
        super()._map()
        made = rules.create_accounts(self.flow, [AccountKey.OPENING], "alice")
        rules.save_accounts(self.flow, made, "alice", {})


@pytest.fixture
def begun(world, alice, acme):
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield lambda **values: Begun(world, alice, acme, time, **values)


def result(balances, *keys):
    return {key: balances.get(key, 0) for key in keys}


# The first day lies inside S1 (20 Sep – 4 Oct): its September part is 52.70


@MODES
def test_the_months_before_the_books_open_clearing_and_are_no_income(begun, values):
    made = begun(books_from=date(2025, 10, 1), **values)

    made.settle(1, 2, 3, 4)

    assert made.stuck() == []
    assert made.profit() == {month: PROFIT[month] for month in ("2025-10", "2025-11")}
    assert made.balances(through="2025-09-30") == {"CLEARING": 5270, "OPENING": -5270}
    assert made.at_month_ends("CLEARING") == [5270, 16435, 0]
    same = ("BANK", "CHARGE_METHOD", "CLEARING", "RESERVE", "AR", "OUTPUT_TAX")
    assert result(made.balances(), *same) == result(SETTLEMENT_TRIGGER, *same)
    made.read_back()
    assert {made.plan(n).verdict["verdict"] for n in e7.PERIODS} == {"proved"}


def test_what_began_before_the_books_is_said_and_its_month_is_listed(begun, client, alice):
    made = begun(mode="summary", books_from=date(2025, 10, 1), approval="review")
    made.settle(1)
    client.force_login(alice)

    dry_run = client.get(reverse("flows:dry_run", args=[made.flow.pk])).content.decode()
    settlement = client.get(reverse("flows:settlement", args=[made.plan(1).settlement_id])).content.decode()
    month = client.get(reverse("flows:month", args=[made.flow.pk, date(2025, 9, 1)])).content.decode()

    said = (
        "Settlement 18000000001 began on 20 September 2025, before your books do on 1 October 2025: its September part of "
        "52.70 USD is no income or fee of these books."
    )
    assert said in dry_run
    assert said in settlement
    assert "September 2025 is before your books" in month
    assert "What is dated here opens them" in month
    with scope(made.acme.pk):
        assert months.months(months.known(made.flow))[-1] == date(2025, 9, 1)


def test_figures_that_the_settlement_brings_by_itself_are_not_entered_as_well(begun):
    made = begun(mode="summary", books_from=date(2025, 10, 1), approval="review")
    made.settle(1)

    with scope(made.acme.pk):
        Flow.objects.update(opening_clearing=5270, opening_reserve=2000)
        made.flow.refresh_from_db()
        [problem] = [text for text in setup.problems(made.flow) if "twice" in text]
        Flow.objects.update(opening_clearing=0, opening_reserve=0)
        made.flow.refresh_from_db()
        assert not opening.doubled(made.flow)

    assert "52.70 USD owed by Amazon and 20.00 USD held in reserve" in problem


@MODES
def test_a_reserve_and_a_debt_from_before_the_books_need_no_figure(begun, values):
    """S2 ends below zero and S3 opens with that debt, a card charge and a payout that came back, all in October."""
    made = begun(books_from=date(2025, 11, 1), **values)

    made.settle(3, 4)

    assert made.stuck() == []
    assert made.profit() == {"2025-11": PROFIT["2025-11"]}
    # 173.75 of rows, 50.00 charged and 20.01 returned, less 79.41 owed from before
    assert made.balances(through="2025-10-31") == {"CLEARING": 16435, "OPENING": -16435}
    assert result(made.balances(), "BANK", "CLEARING", "CHARGE_METHOD", "RESERVE") == {
        "BANK": 10936,
        "CLEARING": 0,
        "CHARGE_METHOD": 0,
        "RESERVE": 6900,
    }
    with scope(made.acme.pk):
        assert opening.told(made.flow) is None
        assert not setup.opening_missing(made.flow)


@pytest.mark.parametrize(("first", "kept"), [("2025-10-04", 4), ("2025-10-05", 3)])
def test_a_settlement_is_out_once_the_marketplaces_day_of_its_end_is_over(begun, first, kept):
    made = begun(mode="summary", books_from=date.fromisoformat(first), opening_reserve=2000 if kept == 3 else 0)

    made.settle(1, 2, 3, 4)

    with scope(made.acme.pk):
        assert Plan.objects.count() == kept


# S1 is before the books, and S3 takes back its payout of 20.01


@pytest.mark.parametrize(
    ("mode", "stated"), [("summary", 0), ("orders", 0), ("summary", 2001), ("orders", 2001)], ids=lambda one: str(one)
)
def test_a_payout_from_before_the_books_takes_nothing_off_the_bank(begun, mode, stated):
    """It waits until a person says that it never came; then the money comes out of the opening balances, once."""
    made = begun(mode=mode, books_from=date(2025, 10, 5), opening_reserve=2000, opening_clearing=stated)
    with scope(made.acme.pk):
        planning.plan_opening(made.flow)
    made.settle(1, 2, 3, 4)

    [(number, state, reason)] = made.stuck()
    held = made.balances()
    with scope(made.acme.pk):
        verdict = months.completeness(months.known(made.flow), date(2025, 10, 1))
        first = Settlement.objects.get(settlement_id=e7.SETTLEMENT_IDS[1])
        payouts.state(first, "alice", came=False)
    made.world.deliver()

    assert (number, state) == ("AMZ-18000000003-F1", "held")
    assert "the payout of 20.01 USD of settlement 18000000001, which is before your books" in reason
    assert (held["BANK"], verdict.complete) == (10936, False)
    assert made.stuck() == []
    assert result(made.balances(), "BANK", "CLEARING", "OPENING") == {"BANK": 10936, "CLEARING": 0, "OPENING": -4001}
    made.read_back()
    assert {made.plan(n).verdict["verdict"] for n in (2, 3, 4)} == {"proved"}

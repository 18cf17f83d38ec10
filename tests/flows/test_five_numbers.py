"""Rows, header, Amazon's summary, entries and payout of one settlement: each claimed only where it was compared."""

from datetime import UTC, datetime

import pytest

from amazon.models import Settlement
from flows import payouts, prove, proving, verdicts
from flows.models import Plan
from tests.web.small_books import flow_of, plan_of, post, settle

SAID = {
    "summary_total": 1250,
    "paid_out": 1250,
    "transfer_status": "PAID",
    "trace_id": "4B03616UONXSAWP",
    "account_tail": "1234",
    "transferred_at": datetime(2026, 1, 17, 12, tzinfo=UTC),
}
pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(acme, in_acme):
    """12.50 USD, in the books and proved."""
    flow_of(acme)
    return post(plan_of(settle(acme)))


def told(plan, **values):
    """Let Amazon say something of the settlement, and have it compared."""
    Settlement.objects.update(**values)
    proving.ask(plan)
    proving.prove_now(plan.pk)
    found = Plan.objects.select_related("flow__target", "settlement").get(pk=plan.pk)
    return found, verdicts.banner(found, {"posted": 2}, "QuickBooks")


def names(plan):
    return {one["name"] for one in plan.verdict["comparisons"]}


def test_what_amazon_has_not_said_is_not_claimed(plan):
    found, banner = told(plan)

    assert names(found).isdisjoint({prove.SUMMARY, prove.PAID_OUT})
    assert "summary" not in banner.text
    assert "trace id" not in banner.text
    assert [one["label"] for one in banner.chain] == ["3 rows", "Amazon's total", "2 documents", "Payout"]


def test_five_numbers_stand_in_a_row_with_the_payouts_trace(plan):
    found, banner = told(plan, **SAID)

    assert found.verdict["verdict"] == "proved"
    assert names(found) >= {prove.SUMMARY, prove.PAID_OUT}
    assert [one["label"] for one in banner.chain] == [
        "3 rows", "Amazon's total", "Its summary", "2 documents", "Paid out",
    ]  # fmt: skip
    assert {one["minor"] for one in banner.chain} == {1250}
    assert "paid on 17 Jan 2026 to the account that ends in 1234, trace id 4B03616UONXSAWP" in banner.text
    known = payouts.Payouts([found.settlement]).of(found.settlement, datetime(2026, 2, 1, tzinfo=UTC).date())
    assert known.text == "Paid out on 17 Jan 2026"


@pytest.mark.parametrize(
    ("wrong", "what"), [({"summary_total": 1249}, "Amazon's summary"), ({"paid_out": 1251}, "Amazon's payout")]
)
def test_a_difference_turns_the_verdict_and_says_which_figures_differ(plan, wrong, what):
    found, banner = told(plan, **SAID | wrong)

    assert found.verdict["verdict"] == "differs"
    assert (banner.state, banner.shown[0].what, banner.chain) == ("off", what, ())


def test_a_payout_that_is_not_paid_is_not_compared(plan):
    found, _ = told(plan, **SAID | {"transfer_status": "IN_TRANSIT", "paid_out": 1})

    assert prove.PAID_OUT not in names(found)
    assert found.verdict["verdict"] == "proved"

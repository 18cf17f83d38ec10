"""What waits until a planner is done: sent or closed meanwhile, money would be carried twice or by nothing."""

import pytest

from flows import closing, planner, planning
from flows.models import Coverage, Delivery, Plan
from tests.flows.test_shipments import flow, order, posted  # noqa: F401 - flow is a fixture
from tests.web.small_books import flow_of, plan_of, settle

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.mark.parametrize("left", [{"asked": 9}, {"problem": "the file is gone"}], ids=["half-way", "failed"])
def test_what_a_planner_left_half_written_goes_nowhere_until_it_is_planned_again(acme, left):
    """Some rows may be dropped already while others still count on them."""
    made = flow_of(acme, mode="orders")
    plan = plan_of(settle(acme))
    planning.approve(plan, "alice")
    Delivery.objects.filter(plan=plan, state__in=["ready", "blocked"]).update(state="planned")
    Plan.objects.filter(pk=plan.pk).update(**left)

    planning.release(made)

    assert not Delivery.objects.filter(plan=plan, state="ready").exists()
    planning.replan(plan)
    assert Delivery.objects.filter(plan=plan, state="ready").exists()


def test_a_plan_that_could_not_be_planned_again_is_not_approved(acme):
    flow_of(acme)
    plan = plan_of(settle(acme))
    Plan.objects.filter(pk=plan.pk).update(problem="the file is gone")

    assert planning.approve(plan, "alice") == 0

    assert plan_of(plan.settlement).state == "planned"


def test_an_invoice_is_not_closed_while_a_settlement_may_be_taking_it(flow):  # noqa: F811
    order(flow)
    posted(flow)

    with planner.sole(flow), pytest.raises(closing.CannotClose, match="being planned"):
        closing.close_out(Delivery.objects.get(kind="invoice"), "alice")

    assert not Coverage.objects.exists()
    assert closing.close_out(Delivery.objects.get(kind="invoice"), "alice") == 2

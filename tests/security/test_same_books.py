"""Two tenants post into one company: a key is owned by what is, or may be, in its books, never by a mere plan of a stranger."""

import pytest

from flows import planning, replay
from flows.models import Delivery, Flow
from kit.scope import scope, unscoped
from tenants.models import Connection
from tests.amazon.settlements import SALE
from tests.web.small_books import flow_of, plan_of, settle

pytestmark = pytest.mark.django_db
COMPANY = "9341000"


def into_one_company(tenant, **values):
    flow = flow_of(tenant, **values)
    with unscoped("the test lets two tenants share a company"):
        Connection.objects.filter(pk=flow.target_id).update(remote_id=COMPANY)
    with scope(tenant.pk):
        return Flow.objects.select_related("source", "target").get(pk=flow.pk)


def connection(flow, state):
    with scope(flow.tenant_id):
        Connection.objects.filter(pk=flow.target_id).update(state=state)


def states(plan):
    with scope(plan.tenant_id):
        return {(row.state, row.live) for row in Delivery.objects.filter(plan=plan)}


def approved(plan):
    with scope(plan.tenant_id):
        return planning.approve(plan, "user:1")


@pytest.mark.parametrize(
    ("flow_state", "access"),
    [("setup", "active"), ("paused", "active"), ("live", "needs_reconnect"), ("live", "revoked")],
)
def test_what_a_stranger_only_planned_keeps_nobody_from_posting(acme, globex, flow_state, access):
    """Charlie once kept Acme's books: settlement ids are no secret, and his plans stay when his access is gone."""
    theirs = into_one_company(globex, state=flow_state)
    blocking = plan_of(settle(globex))
    connection(theirs, access)
    into_one_company(acme)

    plan = plan_of(settle(acme))

    assert approved(plan) > 0
    assert states(plan) <= {("ready", True), ("blocked", True)}
    assert states(blocking) == {("held", False)}


def test_what_a_stranger_approved_and_can_never_send_keeps_nobody_from_posting(acme, globex):
    theirs = into_one_company(globex)
    approved(plan_of(settle(globex)))
    connection(theirs, "revoked")
    into_one_company(acme)

    assert approved(plan_of(settle(acme))) > 0


def test_what_may_be_in_the_books_is_never_posted_a_second_time(acme, globex):
    theirs = into_one_company(globex)
    blocking = plan_of(settle(globex))
    approved(blocking)
    with scope(globex.pk):
        Delivery.objects.filter(plan=blocking).update(state="uncertain")
    connection(theirs, "revoked")
    into_one_company(acme)

    plan = plan_of(settle(acme))

    assert approved(plan) == 0
    assert states(plan) == {("held", False)}


def test_a_stranger_takes_nothing_from_a_flow_that_is_live(acme, globex):
    into_one_company(acme)
    plan = plan_of(settle(acme))
    into_one_company(globex, state="setup")

    settle(globex)

    assert approved(plan) > 0


def test_who_is_held_learns_nothing_of_who_was_first(acme, globex):
    into_one_company(acme)
    settle(acme)
    into_one_company(globex)

    plan = plan_of(settle(globex))

    with scope(globex.pk):
        said = " ".join(f"{row.reason} {row.action} {row.code}" for row in Delivery.objects.filter(plan=plan))
    assert "another flow" in said
    assert "Acme" not in said


def test_what_was_taken_over_goes_on_once_the_other_flow_is_out_of_the_way(acme, globex):
    theirs = into_one_company(globex)
    settle(globex)
    into_one_company(acme)
    plan = plan_of(settle(acme))
    assert approved(plan) == 0
    connection(theirs, "revoked")

    with scope(acme.pk):
        held = list(Delivery.objects.filter(plan=plan).values_list("pk", flat=True))
        replay.replay(acme.pk, held, "user:1")

    assert states(plan) <= {("ready", True), ("blocked", True)}


@pytest.mark.parametrize("mode", ["orders"])
def test_items_and_customers_a_stranger_only_planned_are_made_by_who_needs_them(acme, globex, mode):
    theirs = into_one_company(globex, mode=mode, state="setup")
    settle(globex)
    connection(theirs, "revoked")
    into_one_company(acme, mode=mode)

    approved(plan_of(settle(acme, rows=SALE)))

    with unscoped("the test looks at every tenant"):
        made = Delivery.objects.filter(remote_key__endswith=COMPANY, key__startswith="company/", live=True)
        assert {row.tenant_id for row in made} == {acme.pk}
        assert {row.state for row in made} <= {"ready", "blocked"}


def test_a_plan_of_which_a_part_is_in_the_books_stays_whole(acme, globex):
    theirs = into_one_company(globex)
    blocking = plan_of(settle(globex, rows=(*SALE, *SALE)))
    with scope(globex.pk):
        first = Delivery.objects.filter(plan=blocking).order_by("pk").first()
        Delivery.objects.filter(pk=first.pk).update(state="posted", external_id="1")
    connection(theirs, "revoked")
    into_one_company(acme)

    plan = plan_of(settle(acme))

    assert approved(plan) == 0
    with scope(globex.pk):
        assert not Delivery.objects.filter(plan=blocking, live=False).exists()

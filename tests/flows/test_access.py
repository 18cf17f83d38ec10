"""A connection that has ended: what is in the way is a sentence, and nothing of it an exception."""

import pytest

from flows import creation, overview, planning, schedule, setup
from flows.models import Delivery, Flow, Run
from tenants.models import Connection
from tests import factories
from tests.web.small_books import flow_of, plan_of, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow(acme, in_acme):
    return flow_of(acme)


def ended(connection, state):
    Connection.objects.filter(pk=connection.pk).update(state=state)


def fresh(flow):
    return Flow.objects.select_related("source", "target").get(pk=flow.pk)


@pytest.mark.parametrize(("state", "why"), [("revoked", "is disconnected"), ("needs_reconnect", "wants a new consent")])
def test_what_is_approved_for_a_company_that_is_closed_to_us_waits_and_says_why(acme, flow, state, why):
    plan = plan_of(settle(acme))
    ended(flow.target, state)

    assert planning.approve(plan, "alice") > 0

    motion = overview.motions([fresh(flow)])[flow.pk]
    assert not motion.busy
    [sentence] = motion.closed
    assert why in sentence
    assert "what waits is kept" in sentence
    assert schedule.lanes_with_work() == []
    assert Delivery.objects.filter(state="ready").exists()


def test_a_run_without_its_seller_plans_what_is_there_and_ends_with_a_sentence(acme, flow):
    seller = factories.ConnectionFactory(tenant=acme, provider="amazon", remote_id="A1SELLER", state="revoked")
    Flow.objects.filter(pk=flow.pk).update(source=seller, next_run_at=None)

    run = schedule.run_flow(flow.pk)

    assert run.state == Run.State.FAILED
    assert "is disconnected. Nothing is fetched from it" in run.problem
    assert run.found["planned"] == 0


def test_a_flow_goes_live_only_with_both_ends_open(acme, flow):
    seller = factories.ConnectionFactory(tenant=acme, provider="amazon", remote_id="A1SELLER", state="needs_reconnect")
    Flow.objects.filter(pk=flow.pk).update(source=seller, state="setup")
    ended(flow.target, "revoked")

    with pytest.raises(setup.NotReady) as refused:
        setup.go_live(fresh(flow), "alice")

    assert "wants a new consent. Nothing is fetched" in refused.value.problems[0]
    assert "is disconnected. Nothing is posted" in refused.value.problems[1]


def test_no_flow_is_created_into_a_company_that_is_not_connected(acme, flow):
    ended(flow.target, "revoked")
    closed = Connection.objects.get(pk=flow.target_id)

    with pytest.raises(creation.CannotChange, match="is not connected"):
        creation.create(acme.pk, "alice", {"source": None, "target": closed, "currency": "CAD"})

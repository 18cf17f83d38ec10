"""Who may do what now: lanes and due flows, claimed by many workers at once, on whichever database runs the tests."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections, transaction

from audit import trail
from audit.models import Event
from flows import attempts, lanes, mapping, outbox, outcomes, planning, progress, schedule, setup
from flows.models import Delivery, Flow, Lane, Plan
from kit.clock import now
from kit.scope import scope, unscoped
from ledgers.quickbooks.client import QuickBooks
from tests import world as worlds
from tests.factories import ConnectionFactory, TenantFactory, member
from tests.flows.test_main_job import connected
from tests.web.small_books import flow_of, plan_of, settle


def at_once(workers, work):
    """Let every worker begin ``work(number)`` at the same moment; return what each of them returned."""
    ready = threading.Barrier(workers)

    def run(number):
        try:
            ready.wait(30)
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, range(workers)))


def due_flows(tenant, count, minutes_ago):
    target = ConnectionFactory(tenant=tenant)
    due_at = now() - timedelta(minutes=minutes_ago)
    flow = {"tenant": tenant, "target": target, "currency": "USD", "state": "live", "next_run_at": due_at}
    with scope(tenant.pk):
        flows = (Flow(name=f"Flow {n}", account_type=f"Account type {n}", **flow) for n in range(count))
        return {row.pk for row in Flow.objects.bulk_create(flows)}


def test_a_lane_has_one_owner_however_many_ask(shared_database):
    leases = at_once(12, lambda _: lanes.claim("quickbooks:sandbox:1", 60))

    [lease] = filter(None, leases)
    assert lease.fence == Lane.objects.get().fence == 1


def test_only_the_lane_of_an_owner_that_is_gone_is_taken_over(shared_database):
    gone = lanes.claim("quickbooks:sandbox:1", -1)

    [lease] = filter(None, at_once(12, lambda _: lanes.claim("quickbooks:sandbox:1", 60)))

    assert lease.fence == gone.fence + 1
    with transaction.atomic():
        assert lanes.owns(lease)
        assert not lanes.owns(gone)
    with pytest.raises(lanes.LeaseLost):
        lanes.renew(gone, 60)


def test_a_company_has_one_writer_and_each_document_once_whoever_works(shared_database, monkeypatch):
    acme = TenantFactory(name="Acme")
    alice = member(acme, "alice@acme.test", "owner")
    calls, inside, most = threading.Lock(), [], []
    send = QuickBooks.send

    def watched(self, call, deadline_s):
        with calls:
            inside.append(call)
            most.append(len(inside))
        try:
            return send(self, call, deadline_s)
        finally:
            with calls:
                inside.remove(call)

    monkeypatch.setattr(QuickBooks, "send", watched)

    def work(_):
        while schedule.lanes_with_work():
            for remote_key in schedule.lanes_with_work():
                outbox.work(remote_key)

    with worlds.world() as world:
        demo, flow = connected(world, alice, acme, "orders")
        with scope(acme.pk):
            schedule.run_now(flow)
        schedule.run_flow(flow.pk)
        with scope(acme.pk):
            setup.accept_suggestions(flow, "alice", create_missing=True)
            setup.go_live(flow, "alice")
        at_once(6, work)

        with scope(acme.pk):
            states = Counter(Delivery.objects.values_list("state", flat=True))
            balances = {key: world.balance(flow, key) for key in mapping.load(flow).base}
    assert max(most) == 1
    assert set(states) <= {"posted", "held", "planned", "dropped"}
    assert states["dropped"] == 1  # the payout that Amazon says failed
    assert {key: amount for key, amount in balances.items() if amount} == (
        demo["expected"]["quickbooks"]["orders"]["balances"]
    )


def test_an_outcome_and_a_person_who_change_a_plan_at_once_both_get_through(shared_database, monkeypatch):
    tenant = TenantFactory()
    flow = flow_of(tenant)
    plan = plan_of(settle(tenant))
    with scope(tenant.pk):
        planning.approve(plan, "user:1")
        row = Delivery.objects.filter(plan=plan, state="ready").first()
        Delivery.objects.filter(plan=plan).exclude(pk=row.pk).update(state="held")
    lease = lanes.claim(row.remote_key, 60)
    parked, touched = threading.Event(), threading.Event()
    after_outcome = progress.after_outcome

    def slowly(rows):
        parked.set()
        touched.wait(5 if connection.vendor == "postgresql" else 0)  # SQLite lets nobody else begin
        after_outcome(rows)

    def outcome():
        attempts.decide(
            lease, row, ["ready"], lambda fresh: outcomes.park(fresh, "trouble", "It is in trouble.", "Look.")
        )

    def person():
        parked.wait(5)
        with trail.recorded():
            Plan.objects.filter(pk=plan.pk).update(repost_by="user:1")
            touched.set()
            trail.record("plan.repost_asked", f"plan:{plan.pk}", tenant_id=tenant.pk)

    def work(number):
        with scope(tenant.pk):
            (outcome, person)[number]()

    monkeypatch.setattr(progress, "after_outcome", slowly)
    at_once(2, work)

    with scope(tenant.pk):
        kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"delivery.parked", "plan.repost_asked"} <= kinds
    assert trail.verify(flow.tenant_id) == []


def test_four_dispatchers_never_take_the_same_flow(shared_database):
    due = set().union(*(due_flows(TenantFactory(), 40, minutes_ago=n) for n in range(1, 5)))

    def work(_):
        taken = []
        while batch := schedule.claim_due_flows():
            taken += [flow for flow in batch if schedule.begin(flow)]
        return taken

    taken = [flow for batch in at_once(4, work) for flow in batch]

    assert sorted(taken) == sorted(due)


def test_a_large_tenant_does_not_keep_others_waiting(db):
    due_flows(TenantFactory(name="Large"), schedule.CLAIM_BATCH * 3, minutes_ago=60)
    small = [due_flows(TenantFactory(), 1, minutes_ago=1) for _ in range(5)]

    first = set(schedule.claim_due_flows())

    assert set().union(*small) < first
    assert len(first) == schedule.CLAIM_BATCH


def test_no_more_is_handed_out_than_workers_begin(db):
    due_flows(TenantFactory(), schedule.CLAIM_BATCH * 3, minutes_ago=60)
    handed = schedule.claim_due_flows()
    assert schedule.claim_due_flows() == []

    begun = [schedule.begin(flow) for flow in handed[:7]]

    assert all(begun)
    assert len(schedule.claim_due_flows()) == 7


@pytest.mark.parametrize(("begun", "free_after_s"), [(False, schedule.HANDED_S), (True, schedule.CLAIM_S)])
def test_a_flow_whose_message_or_worker_is_lost_is_handed_out_again(db, begun, free_after_s):
    [flow] = due_flows(TenantFactory(), 1, minutes_ago=1)
    start = now()
    with time_machine.travel(start, tick=False):
        assert schedule.claim_due_flows() == [flow]
        assert schedule.begin(flow) if begun else True

    with time_machine.travel(start + timedelta(seconds=free_after_s - 1), tick=False):
        assert schedule.claim_due_flows() == []
    with time_machine.travel(start + timedelta(seconds=free_after_s + 1), tick=False):
        assert schedule.claim_due_flows() == [flow]


def test_a_second_message_does_not_run_a_flow_twice(db):
    [flow] = due_flows(TenantFactory(), 1, minutes_ago=1)
    schedule.claim_due_flows()

    assert schedule.begin(flow)
    assert not schedule.begin(flow)

    with unscoped("its run ends, and the next one is later"):
        Flow.objects.update(claimed_until=None, next_run_at=now() + timedelta(hours=1))
    assert not schedule.begin(flow)


@pytest.mark.parametrize("state", ["paused", "setup"])
def test_a_paused_flow_is_left_alone_and_one_being_set_up_runs_when_asked(db, state):
    [flow] = due_flows(TenantFactory(), 1, minutes_ago=1)
    with unscoped("the test arranges"):
        Flow.objects.update(state=state)

    assert schedule.claim_due_flows() == ([flow] if state == "setup" else [])

"""Whose bucket a limit is taken from, and what is taken together."""

from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bookkeeping.documents import Kind
from flows import lanes, looking, pace
from flows.lanes import Lease
from kit.clock import now
from kit.rate import RatePlan
from ledgers import further
from ledgers.registry import all_ledgers, open_ledger
from tenants.models import Bucket
from tests.factories import ConnectionFactory
from tests.flows import slate
from tests.flows.slate import Slate

pytestmark = pytest.mark.django_db
PLAN = RatePlan(rate_per_s=1, burst=10)


def take(remote_key, *names):
    pace.take(Lease(remote_key, 1), SimpleNamespace(limits=lambda call: dict.fromkeys(names, PLAN)), None)


def test_a_limit_of_the_application_is_one_for_all_companies_of_a_provider_and_environment():
    for remote_key in ("wave:production:QnVz:1", "wave:production:2", "wave:sandbox:2", "zoho:production:2"):
        take(remote_key, "app:day", "calls")

    levels = {row.key: 10 - round(row.tokens) for row in Bucket.objects.all()}

    assert levels == {
        "wave:production:app:day": 2,
        "wave:sandbox:app:day": 1,
        "zoho:production:app:day": 1,
        "wave:production:QnVz:1:calls": 1,
        "wave:production:2:calls": 1,
        "wave:sandbox:2:calls": 1,
        "zoho:production:2:calls": 1,
    }


# What is taken together -----------------------------------------------------------------------------------------------


def ledger(**plans):
    return SimpleNamespace(limits=lambda call: plans)


def levels():
    return {row.key.rpartition(":")[2]: round(row.tokens) for row in Bucket.objects.all()}


def test_a_call_takes_of_every_bucket_or_of_none():
    lease = lanes.claim("zoho:production:2", 60)
    Bucket.objects.create(key=f"{lease.remote_key}:day", tokens=0, at_s=now().timestamp())
    day = RatePlan(rate_per_s=0.01, burst=10)

    with pytest.raises(pace.OutOfTokens):
        pace.take(lease, ledger(minute=PLAN, day=day), looking.READ)

    assert levels() == {"minute": 10, "day": 0}


def test_what_was_taken_together_and_not_needed_is_given_back_even_where_the_work_fails():
    lease = lanes.claim("zoho:production:2", 60)
    day = RatePlan(rate_per_s=0.001, burst=10)

    with suppress(ZeroDivisionError), pace.together(lease, ledger(day=day), [looking.READ] * 4) as pay:
        pay(looking.READ)
        taken = levels()
        raise ZeroDivisionError

    assert (taken, levels()) == ({"day": 6}, {"day": 9})


def test_what_a_bucket_cannot_hold_is_taken_as_the_calls_go():
    lease = lanes.claim("zoho:production:2", 60)
    small = RatePlan(rate_per_s=1000, burst=2)

    with pace.together(lease, ledger(calls=small), [looking.READ] * 5) as pay:
        for _ in range(5):
            pay(looking.READ)

    assert levels()["calls"] <= 2


UNDO = {
    "quickbooks": replace(looking.READ, operation="batch"),
    "freshbooks": replace(looking.READ, operation="undo"),
    "wave": replace(looking.READ, operation="write"),
    "zoho": replace(looking.READ, operation="write", method="DELETE"),
}


def opened_ledger(slug, tenant):
    data = {"centre": "us", "organization_id": "1"}
    return open_ledger(ConnectionFactory(tenant=tenant, grant__provider=slug, data=data))


@pytest.mark.parametrize("slug", sorted(all_ledgers()))
def test_a_look_and_its_write_wait_nowhere_long_enough_to_be_begun_anew(slug, in_acme, acme):
    opened = opened_ledger(slug, acme)
    plans = [opened.limits(call) for call in (looking.READ, looking.READ, UNDO[slug])]

    for name in {name for each in plans for name in each}:
        found = [each[name] for each in plans if name in each]
        costs, plan = [each.cost for each in found], found[0]
        assert sum(costs) <= plan.burst or max(costs) / plan.rate_per_s <= pace.SHORT_WAIT_S


@pytest.mark.parametrize("slug", sorted(all_ledgers()))
def test_forgetting_and_reading_several_have_their_limits_in_every_ledger(slug, in_acme, acme):
    opened = opened_ledger(slug, acme)

    for call in (looking.FORGET, looking.BATCH):
        plans = opened.limits(call)
        assert plans
        assert all(plan.cost <= plan.burst for plan in plans.values())


def test_a_step_of_many_requests_owes_what_it_took_and_outlives_its_lease(db, monkeypatch, everywhere):
    plan = RatePlan(rate_per_s=0.001, burst=10)
    with slate.opened(monkeypatch) as books:
        monkeypatch.setattr(Slate, "limits", lambda self, call: {"app:calls": replace(plan, spared=2)})

        def walk(self, kind, external_ids):
            for _ in range(12):
                further.request()
                books.time.shift(200)
            return []

        monkeypatch.setattr(Slate, "kept", walk)
        lease = lanes.claim(books.remote_key, 30)

        assert looking.Reader(lease, books.connection).kept(Kind.INVOICE, []) == []

        assert lanes.owns(lease)
        # Twelve requests over 2,400 seconds, in which two and a half tokens came in.
        assert Bucket.objects.get(key="slate:production:app:calls").tokens == pytest.approx(10 - 12 + 2.2, abs=0.01)
        with pytest.raises(pace.OutOfTokens):
            looking.Reader(lease, books.connection).kept(Kind.INVOICE, [])


def test_a_step_whose_lane_is_taken_over_stops(db, monkeypatch, everywhere):
    with slate.opened(monkeypatch) as books:
        books.entry()
        lease = lanes.claim(books.remote_key, 30)

        def walk(self, post):
            further.request()
            books.time.shift(600)
            further.request()
            raise AssertionError("asked on")

        monkeypatch.setattr(Slate, "find", walk)
        with pytest.raises(lanes.LeaseLost):
            looking.Reader(lease, books.connection).find(books.row("e1"))

"""When a plan is proved: after its outcomes are committed, and in the end whoever dies in between."""

import pytest
from django.db import connection

from audit.models import Event
from flows import making, planning, prove, proving, tasks
from flows.models import Delivery, Plan
from kit import clock
from kit.scope import scope
from tests.flows.ledger import Died


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


def test_no_transaction_is_open_while_a_plan_is_proved(books, monkeypatch):
    open_then, proof_of = [], prove.proof_of

    def watched(plan):
        open_then.append([block for block in connection.atomic_blocks if not block._from_testcase])
        return proof_of(plan)

    monkeypatch.setattr(prove, "proof_of", watched)

    plan = books.post(books.settle())

    assert plan.verdict["verdict"] == "proved"
    assert open_then
    assert not any(open_then)


def test_a_worker_that_dies_before_the_proof_is_succeeded(books, monkeypatch):
    plan = books.settle()
    books.time.shift(40 * 86400)
    books.reconnect()
    with scope(plan.tenant_id):
        planning.approve(plan, "alice")
    monkeypatch.setattr(proving, "catch_up", lambda remote_key: None)
    books.finish()
    plan.refresh_from_db()
    assert (plan.state, plan.verdict.get("verdict")) == ("posted", None)

    for plan_id in proving.waiting():
        tasks.prove_plan(plan_id)

    plan.refresh_from_db()
    assert plan.verdict["verdict"] == "proved"
    assert Event.objects.filter(kind="plan.proved", subject=f"plan:{plan.pk}").count() == 1
    assert proving.waiting() == []


def test_a_prover_that_dies_is_succeeded_after_its_lease(books, monkeypatch):
    plan = books.post(books.settle())
    proving.ask(plan)

    def die(plan):
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(prove, "proof_of", die)
        with pytest.raises(Died):
            proving.prove_now(plan.pk)
    assert proving.waiting() == []
    books.time.shift(proving.LEASE.total_seconds() + 1)

    assert proving.waiting() == [plan.pk]
    proving.prove_now(plan.pk)
    assert proving.waiting() == []


def test_the_embedded_server_waits_for_no_prover_of_before(books):
    plan = books.post(books.settle())
    Plan.objects.filter(pk=plan.pk).update(prove_at=clock.now() + proving.LEASE)
    assert proving.waiting() == []

    proving.free_all()

    assert proving.waiting() == [plan.pk]


def test_what_changes_during_a_proof_is_proved_again(books, monkeypatch):
    plan = books.post(books.settle())
    proof_of = prove.proof_of

    def meanwhile(found):
        proof = proof_of(found)
        proving.ask(plan)
        return proof

    proving.ask(plan)
    monkeypatch.setattr(prove, "proof_of", meanwhile)
    proving.prove_now(plan.pk)

    assert proving.waiting() == [plan.pk]


def test_a_proof_that_fails_stops_nothing_and_is_tried_again(books, monkeypatch):
    def broken(plan):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(prove, "proof_of", broken)
        plan = books.post(books.settle())
    assert (plan.state, plan.verdict.get("verdict")) == ("posted", None)

    books.time.shift(proving.LEASE.total_seconds() + 1)
    proving.prove_now(plan.pk)

    assert Plan.objects.get(pk=plan.pk).verdict["verdict"] == "proved"


def test_a_prover_whose_claim_ran_out_leaves_the_newer_proof(books, monkeypatch):
    plan = books.post(books.settle())
    row = next(row for row in books.rows_of(plan) if row.kind in ("deposit", "transfer"))
    proof_of = prove.proof_of

    def slow(found):
        proof = proof_of(found)
        monkeypatch.setattr(prove, "proof_of", proof_of)
        books.time.shift(proving.LEASE.total_seconds() + 1)
        Delivery.objects.filter(pk=row.pk).update(answered_total=row.amount + 10)
        proving.prove_now(plan.pk)
        return proof

    proving.ask(plan)
    monkeypatch.setattr(prove, "proof_of", slow)
    proving.prove_now(plan.pk)

    plan.refresh_from_db()
    assert (plan.verdict["verdict"], plan.proved_at, proving.waiting()) == ("differs", None, [])


def test_a_proof_keeps_what_the_planner_noted_meanwhile(books, monkeypatch):
    plan = books.post(books.settle())
    proof_of = prove.proof_of

    def meanwhile(found):
        proof = proof_of(found)
        Plan.objects.filter(pk=plan.pk).update(verdict={**plan.verdict, "differs": ["d"]})
        return proof

    proving.ask(plan)
    monkeypatch.setattr(prove, "proof_of", meanwhile)
    proving.prove_now(plan.pk)

    assert Plan.objects.get(pk=plan.pk).verdict["differs"] == ["d"]


def test_a_planner_keeps_what_was_proved_meanwhile(books, monkeypatch):
    plan = books.post(books.settle())
    row = next(row for row in books.rows_of(plan) if row.kind in ("deposit", "transfer"))
    make = making.make

    def slow(found, mode):
        made = make(found, mode)
        Delivery.objects.filter(pk=row.pk).update(answered_total=row.amount + 10)
        proving.ask(plan)
        proving.prove_now(plan.pk)
        return made

    monkeypatch.setattr(making, "make", slow)
    with scope(plan.tenant_id):
        planning.replan(plan)

    assert Plan.objects.get(pk=plan.pk).verdict["verdict"] == "differs"


def test_a_plan_that_nobody_ever_asked_to_prove_is_proved_once(books):
    plan = books.post(books.settle())
    Plan.objects.filter(pk=plan.pk).update(verdict={"differs": []}, prove_at=None, proved_at=None)

    asked = proving.ask_unproved()
    proving.catch_up(books.remote_key)

    plan.refresh_from_db()
    assert (asked, plan.verdict["verdict"], plan.prove_at) == (1, "proved", None)
    assert proving.ask_unproved() == 0

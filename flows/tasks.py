"""Celery front ends: each takes ids, calls one service. Messages are hints; the rows remember."""

from datetime import datetime

from celery import shared_task

from amazon import backfill
from amazon import notices as amazon_notices
from flows import balance_check, forgetting, notices, outbox, planning, proving, readback, schedule, undo

HINT_S = 10


@shared_task
def tick() -> None:
    """Look for due flows, settlements to plan, prove or undo, lanes with due work, histories to read and books to compare; a
    worker for each."""
    for flow_id in schedule.claim_due_flows():
        run_flow.delay(flow_id)
    for tenant_id, seller_id in amazon_notices.waiting():
        act_on_notices.apply_async((tenant_id, seller_id), expires=HINT_S)
    for flow_id, taken_until in planning.flows_to_plan():
        plan_flow.delay(flow_id, taken_until.isoformat())
    for plan_id in undo.waiting():
        plan_undo.apply_async((plan_id,), expires=HINT_S)
    for plan_id in proving.waiting():
        prove_plan.apply_async((plan_id,), expires=HINT_S)
    for remote_key in schedule.lanes_with_work():
        # Sent again with every tick while work waits: what no worker took in time must not pile up.
        serve_lane.apply_async((remote_key,), expires=HINT_S)
    for connection_id in backfill.due():
        read_history.apply_async((connection_id,), expires=HINT_S)
    for connection_id in readback.due():
        check_books.apply_async((connection_id,), expires=HINT_S)
    for connection_id in balance_check.due():
        compare_balances.apply_async((connection_id,), expires=HINT_S)


@shared_task
def run_flow(flow_id: int) -> None:
    if schedule.begin(flow_id):
        schedule.run_flow(flow_id)


@shared_task
def act_on_notices(tenant_id: int, seller_id: str) -> None:
    notices.act(tenant_id, seller_id)


@shared_task
def read_history(connection_id: int) -> None:
    backfill.go_on(connection_id)


@shared_task
def plan_flow(flow_id: int, taken_until: str = "") -> None:
    planning.plan_flow(flow_id, datetime.fromisoformat(taken_until) if taken_until else None)


@shared_task
def begin_read_backs() -> None:
    readback.begin()


@shared_task
def ask_for_proofs() -> None:
    proving.ask_unproved()


@shared_task
def purge_buyers() -> None:
    forgetting.purge()


@shared_task
def remove_buyers(order_id: int = 0) -> None:
    """``order_id`` is why somebody sent this; what is due, the rows say."""
    forgetting.remove_due()


@shared_task
def check_books(connection_id: int) -> None:
    readback.check(connection_id)


@shared_task
def compare_balances(connection_id: int) -> None:
    balance_check.check(connection_id)


@shared_task
def plan_undo(plan_id: int) -> None:
    undo.go_on(plan_id)


@shared_task
def prove_plan(plan_id: int) -> None:
    proving.prove_now(plan_id)


@shared_task
def serve_lane(remote_key: str) -> None:
    """``remote_key`` is why somebody sent this; whose turn it is, the rows say."""
    if outbox.take_turn():
        serve_lane.apply_async((remote_key,), expires=HINT_S)

"""Celery front ends: each takes ids, calls one service. Messages are hints; the rows remember."""

from celery import shared_task

from flows import outbox, schedule


@shared_task(queue="short")
def tick() -> None:
    """Look for due flows and lanes with due work, and send a worker to each."""
    for flow_id in schedule.claim_due_flows():
        run_flow.delay(flow_id)
    for remote_key in schedule.lanes_with_work():
        serve_lane.delay(remote_key)


@shared_task(queue="long")
def run_flow(flow_id: int) -> None:
    schedule.run_flow(flow_id)


@shared_task(queue="short")
def serve_lane(remote_key: str) -> None:
    if outbox.work(remote_key):
        serve_lane.delay(remote_key)

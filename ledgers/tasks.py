"""Celery front ends of ``ledgers.upkeep``."""

from celery import shared_task

from ledgers import upkeep


@shared_task
def read_lists() -> None:
    """Send a worker to every company whose lists are a day old."""
    for connection_id in upkeep.stale_connections():
        read_lists_of.delay(connection_id)


@shared_task
def read_lists_of(connection_id: int) -> None:
    upkeep.refresh_if_stale(connection_id)

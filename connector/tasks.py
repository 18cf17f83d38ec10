"""Celery front ends of what the project itself keeps."""

from celery import shared_task

from connector import idempotency


@shared_task
def purge() -> None:
    idempotency.purge()

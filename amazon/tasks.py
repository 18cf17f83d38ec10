"""Celery front ends of what Amazon sends by itself."""

from celery import shared_task

from amazon import notices


@shared_task
def purge_notices() -> None:
    """Delete notices of long ago."""
    notices.purge()

"""Celery front end of ``audit.verification``."""

from celery import shared_task

from audit import verification


@shared_task
def verify_audit() -> None:
    verification.verify_if_due()

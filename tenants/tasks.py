"""Celery front ends of ``tenants.upkeep``."""

from celery import shared_task

from tenants import upkeep


@shared_task
def keep_grants() -> None:
    """Keep unused grants alive, end those that open nothing, and announce consents that end."""
    upkeep.withdraw_unused()
    upkeep.refresh_idle()
    upkeep.warn_of_expiry()


@shared_task
def purge() -> None:
    """Delete what nobody can use any more."""
    upkeep.purge()

"""Celery front ends of what connections need over time."""

from celery import shared_task

from tenants import announcing, renewing, untested, upkeep


@shared_task
def keep_grants() -> None:
    """Keep unused grants alive, end those that open nothing, and announce consents and secrets that end."""
    upkeep.withdraw_unused()
    upkeep.refresh_idle()
    renewing.reopen_waiting()
    announcing.warn_of_expiry()
    announcing.warn_of_secrets()


@shared_task
def test_connections() -> None:
    """Send a worker to every connection that was not tested yet."""
    for connection_id in untested.untested():
        test_connection.apply_async((connection_id,), expires=60)


@shared_task
def test_connection(connection_id: int) -> None:
    untested.test_now(connection_id)


@shared_task
def purge() -> None:
    """Delete what nobody can use any more."""
    upkeep.purge()

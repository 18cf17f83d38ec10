"""Celery front ends of what Amazon sends by itself, and of what it wants renewed."""

import logging

from celery import shared_task

from amazon import notice_queue, notices, rotation

log = logging.getLogger(__name__)


@shared_task
def purge_notices() -> None:
    """Delete notices of long ago."""
    notices.purge()


@shared_task
def read_queue() -> None:
    """Store what is in the installation's queue of notices, and what comes until the next one begins."""
    try:
        notice_queue.read()
    except notice_queue.QueueTrouble as error:
        log.error("the queue of notices cannot be read: %s", error)


@shared_task
def warn_of_secret() -> None:
    """Tell whoever runs the installation when the secret of its application ends soon."""
    rotation.warn()

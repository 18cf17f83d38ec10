"""Connections that are tested once the browser has its page: of several at once, nobody waits for all.

A connection that works and was never tested is one; messages only say *look now*.
"""

import logging
from collections.abc import Iterable
from typing import Final

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from kit.clock import now
from kit.scope import scope, unscoped
from tenants import connections
from tenants.models import Access, Connection

TASK: Final = "tenants.tasks.test_connection"
BATCH: Final = 200

log = logging.getLogger(__name__)


def test_later(made: Iterable[Connection]) -> None:
    """Have connections tested by a worker; what an earlier test said of them is not shown meanwhile."""
    ids = [connection.pk for connection in made]
    Connection.objects.filter(pk__in=ids).update(checks=[], last_checked_at=None)
    transaction.on_commit(lambda: _hint(ids))


def untested() -> list[int]:
    """Return the connections of every tenant that work and were not tested yet, the oldest first."""
    with unscoped("the connections of every tenant are tested"):
        found = Connection.objects.filter(state=Access.ACTIVE, last_checked_at=None)
        return list(found.order_by("pk").values_list("pk", flat=True)[:BATCH])


def test_now(connection_id: int) -> bool:
    """Test a connection unless somebody just did; False where that was not needed. A test that breaks off says so."""
    with unscoped("the connection names its tenant"):
        found = Connection.objects.filter(pk=connection_id, state=Access.ACTIVE, last_checked_at=None)
        connection = found.select_related("grant").first()
    if connection is None:
        return False
    with scope(connection.tenant_id):
        try:
            connections.run_checks(connection)
        except Exception:
            log.exception("the test of connection %s broke off", connection_id)
            broke_off = {
                "name": "Test",
                "verdict": "failed",
                "detail": "The test broke off, for a reason that was not foreseen.",
                "action": "Test the connection again in a few minutes.",
                "blocks": "",
            }
            Connection.objects.filter(pk=connection_id).update(checks=[broke_off], last_checked_at=now())
    return True


def _hint(ids: Iterable[int]) -> None:
    try:
        for connection_id in ids:
            current_app.send_task(TASK, args=[connection_id], queue="long", retry=False)
    except OperationalError:
        log.warning("no broker to tell that connections are to be tested; the schedule will see them")

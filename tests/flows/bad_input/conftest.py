"""One stage for each ledger: made once, and put back after every cell."""

from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import transaction

from tests import factories
from tests import world as worlds
from tests.flows.bad_input.scene import Scene

NOW = datetime(2025, 12, 1, 15, tzinfo=UTC)


class _Over(Exception):
    pass


@pytest.fixture(scope="module")
def stage(request, django_db_setup, django_db_blocker):
    """The scene that a module's ``STAGE`` names: the ledger's side of E7, and the flow's values; ``SCENE`` where it is of a
    kind of its own."""
    into, values = request.module.STAGE
    with django_db_blocker.unblock(), worlds.world() as world, time_machine.travel(NOW, tick=True) as time:
        outer = transaction.atomic()
        outer._from_testcase = True  # as pytest's own: what must not run inside a transaction may run here
        outer.__enter__()
        try:
            tenant = factories.TenantFactory(name="Acme")
            alice = factories.member(tenant, "alice@acme.test", "owner")
            yield getattr(request.module, "SCENE", Scene)(world, alice, tenant, time, into, **values)
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)


@pytest.fixture
def scene(stage, db):
    """The stage as it was made, for one test: the database is put back by the test's transaction, the stand-ins here."""
    stand_ins = [stage.world.amazon, stage.world.quickbooks, *(app for app, _ in stage.world.others.values())]
    with ExitStack() as stack:
        for stand_in in stand_ins:
            stack.enter_context(_taken_back(stand_in.store))
        stage.time.move_to(NOW)
        stage.flow = stage.live()
        yield stage


@contextmanager
def _taken_back(store):
    with suppress(_Over), store.transaction():
        yield
        raise _Over

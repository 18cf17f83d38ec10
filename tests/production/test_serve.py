"""The whole product in one process: it starts where another one was killed, alone, and ends when it is asked to."""

import signal
import socket
import time

import pytest

from tests.production.conftest import until

pytestmark = [pytest.mark.crash, pytest.mark.timeout(120)]

LEFT_BEHIND = """
from datetime import timedelta
from django.utils.timezone import now
from amazon.models import Cursor
from flows.models import Flow, Lane, Run
from kit.scope import unscoped
from tenants.models import Connection, Grant, Tenant
later = now() + timedelta(hours=1)
with unscoped("the test arranges what a killed process leaves behind"):
    acme = Tenant.objects.create(name="Acme")
    grant = Grant.objects.create(provider="quickbooks", environment="sandbox", subject="1", lease="x", leased_until=later)
    account = {"tenant": acme, "grant": grant, "provider": "quickbooks", "environment": "sandbox", "remote_id": "1"}
    connection = Connection.objects.create(**account)
    flow = Flow.objects.create(tenant=acme, name="F", target=connection, currency="USD", state="paused", claimed_until=later)
    Run.objects.create(tenant=acme, flow=flow, started_at=now(), state="running")
    Cursor.objects.create(tenant=acme, connection=connection, resource="orders", claimed_until=later)
Lane.objects.create(remote_key="quickbooks:sandbox:1", fence=3, owner="1:1", claimed_until=later)
"""
LEASES = """
from amazon.models import Cursor
from flows.models import Flow, Lane, Run
from kit.scope import unscoped
from tenants.models import Grant
with unscoped("the test looks at what is left"):
    leases = [Cursor.objects.get().claimed_until, Flow.objects.get().claimed_until, Grant.objects.get().leased_until]
    print(*leases, Run.objects.get().state, *Lane.objects.values_list("claimed_until", "fence").get())
"""


def test_what_a_killed_process_held_is_free_after_a_restart(embedded):
    killed = embedded.serve().ready()
    embedded.tell(LEFT_BEHIND)
    killed.process.kill()
    killed.process.wait()

    embedded.serve().ready()

    assert embedded.tell(LEASES).split() == ["None", "None", "None", "failed", "None", "3"]


def test_a_second_server_is_refused_by_name(embedded):
    first = embedded.serve().ready()

    second = embedded.serve()

    assert second.process.wait(30) == 1
    assert f"Another serve (process {first.pid}) already runs on {embedded.place}." in second.last_words()
    assert first.process.poll() is None


def test_a_port_that_is_taken_is_said_before_any_work_begins(embedded):
    with socket.create_server(("127.0.0.1", embedded.port)):
        refused = embedded.serve()

        assert refused.process.wait(30) == 1
        assert f"127.0.0.1:{embedded.port} cannot be served" in refused.last_words()
        assert "--port" in refused.last_words()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_it_ends_soon_when_asked(embedded, name):
    site = embedded.serve().ready()

    asked = time.monotonic()
    site.process.send_signal(getattr(signal, name))

    assert site.process.wait(10) == 0
    assert time.monotonic() - asked < 8
    assert "Traceback" not in site.last_words()


def test_short_work_goes_on_beside_hanging_work_and_nothing_that_hangs_keeps_it_from_ending(embedded):
    site = embedded.start("-m", "tests.production.stuck", str(embedded.port), str(embedded.place)).ready()
    until((embedded.place / "page").exists)
    until((embedded.place / "short").exists)

    asked = time.monotonic()
    site.process.terminate()

    assert site.process.wait(15) == 0
    assert time.monotonic() - asked < 9


@pytest.mark.parametrize(
    ("setting", "value"), [("REDIS_URL", "redis://127.0.0.1:1/0"), ("DATABASE_URL", "postgres://u@127.0.0.1:1/d")]
)
def test_it_refuses_what_another_machine_could_share(embedded, setting, value):
    embedded.env[setting] = value

    site = embedded.serve()

    assert site.process.wait(30) == 1
    assert "serve is the embedded arrangement" in site.last_words()


def test_the_doctor_finds_a_running_site_in_order_and_a_new_one_not_yet(embedded):
    fresh = embedded.start("manage.py", "doctor", says="of the steps failed")
    assert fresh.process.wait(30) == 1
    assert "Run manage.py migrate." in fresh.last_words()

    site = embedded.serve().ready()
    running = embedded.start("manage.py", "doctor", says="Static files")

    assert running.process.wait(30) == 0
    assert f"In manage.py serve, process {site.pid}." in running.last_words()
    assert "0 events in 0 chains, whole." in running.last_words()

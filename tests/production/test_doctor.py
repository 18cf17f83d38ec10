"""``manage.py doctor`` says in named steps what is right and what is not, and what to do about it."""

import io
from datetime import timedelta

import pytest
import redis
from celery.app.control import Inspect
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from kombu.exceptions import OperationalError

from amazon.consent import PROVIDER
from audit import trail
from connector import doctor
from flows.models import Flow
from kit import http, oauth
from kit.clock import now
from kit.scope import unscoped
from ledgers.zoho.provider import PROVIDER as ZOHO
from tests.factories import ConnectionFactory, GrantFactory
from tests.production.settings import COMPLETE, run
from tests.web.conftest import ORIGIN, PretendProvider

pytestmark = pytest.mark.django_db
KEY = "k:" + "A" * 43 + "="


@pytest.fixture(autouse=True)
def triggers(monkeypatch):
    """The tests' database has none; what is said where one is missing has a test of its own."""
    monkeypatch.setattr(doctor, "_triggers", lambda: set(doctor.TRIGGERS))


@pytest.fixture
def no_calls(monkeypatch):
    monkeypatch.setattr(doctor, "providers", list)


@pytest.fixture
def pretended():
    made = PretendProvider()
    http.mount(ORIGIN, made.wsgi)
    yield made
    http.unmount(ORIGIN)


def found():
    return {step.name: step for step in doctor.examine()}


def test_a_healthy_embedded_site_passes(no_calls):
    steps = found()

    assert not [step for step in steps.values() if step.verdict in ("failed", "skipped")]
    assert [steps[name].verdict for name in ("Database", "Migrations", "Trail", "Broker")] == ["passed"] * 4
    assert steps["Workers"].verdict == "warning"


def test_the_command_prints_every_step_and_ends_well(no_calls):
    said = io.StringIO()

    call_command("doctor", stdout=said)

    assert "passed   Vault keys" in said.getvalue()
    assert "→ Start it; nothing is fetched meanwhile." in said.getvalue()


def test_the_command_fails_where_a_step_failed(no_calls, settings):
    settings.ALLOWED_HOSTS = ["other.example.com"]
    said = io.StringIO()

    with pytest.raises(CommandError, match="1 of the steps failed"):
        call_command("doctor", stdout=said)

    assert "failed   Settings" in said.getvalue()


@pytest.mark.parametrize(
    ("changes", "verdict", "says"),
    [
        ({"SITE_URL": "https://b.example", "ALLOWED_HOSTS": ["a.example"]}, "failed", "b.example"),
        ({"SITE_URL": "https://b.example", "ALLOWED_HOSTS": [".example"]}, "passed", "https://b.example"),
        ({"SITE_URL": "http://b.example", "ALLOWED_HOSTS": ["b.example"], "PRODUCTION": True}, "failed", "http://"),
    ],
    ids=["host not allowed", "host by pattern", "no https"],
)
def test_the_address_of_the_site(settings, changes, verdict, says):
    for name, value in changes.items():
        setattr(settings, name, value)

    step = doctor.site()

    assert (step.verdict, says in step.detail) == (verdict, True)


@pytest.mark.parametrize("keys", ["k1:short", "k1", "", f"{KEY},{KEY}"], ids=["length", "no key", "none", "twice"])
def test_unusable_vault_keys_are_said(settings, keys):
    settings.VAULT_KEYS = keys

    assert doctor.vault_keys().verdict == "failed"
    assert "VAULT_KEYS" in doctor.vault_keys().detail


def test_a_database_that_cannot_be_reached_is_said_and_what_needs_it_is_skipped(no_calls, monkeypatch):
    monkeypatch.setattr(doctor, "_reachable", lambda: False)

    steps = found()

    assert steps["Database"].verdict == "failed"
    skipped = {
        (steps[name].verdict, steps[name].detail) for name in ("Migrations", "Sealed secrets", "Trail", "Schedule")
    }
    assert skipped == {("skipped", "The database cannot be reached.")}


def test_missing_migrations_are_counted_and_what_needs_the_tables_is_skipped(no_calls, monkeypatch):
    plan = [(f"flows.000{n}", False) for n in range(1, 6)]
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: plan)

    steps = found()

    assert steps["Migrations"].detail == "5 are not applied: flows.0001, flows.0002, flows.0003, …"
    assert steps["Trail"].verdict == "skipped"


def test_a_secret_whose_key_is_gone_is_found(settings):
    GrantFactory()
    assert doctor.secrets().verdict == "passed"

    settings.VAULT_KEYS = KEY

    assert doctor.secrets().verdict == "failed"
    assert "VAULT_KEYS does not list" in doctor.secrets().detail


def test_a_changed_event_is_found(acme):
    with unscoped("arranging"):
        trail.record("a.b", "s:1", tenant_id=acme.pk)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET kind = 'x.y'")

    assert doctor.trail_is_whole().detail == "1 events do not fit."


def test_a_missing_trigger_is_found(monkeypatch):
    monkeypatch.setattr(doctor, "_triggers", lambda: {"audit_event_no_delete"})

    assert "audit_event_no_update missing" in doctor.trail_is_whole().detail


@pytest.mark.parametrize(
    ("state", "late_min", "claimed", "verdict"),
    [
        ("live", 11, False, "failed"),
        ("live", 9, False, "passed"),
        ("live", 11, True, "passed"),
        ("paused", 11, False, "passed"),
    ],
    ids=["overdue", "a little late", "being run", "paused"],
)
def test_live_flows_that_nobody_takes_are_found(acme, state, late_min, claimed, verdict):
    at = now()
    with unscoped("arranging"):
        Flow.objects.create(
            tenant=acme,
            name="F",
            target=ConnectionFactory(tenant=acme),
            currency="USD",
            state=state,
            next_run_at=at - timedelta(minutes=late_min),
            claimed_until=at + timedelta(minutes=1) if claimed else None,
        )

    assert doctor.schedule().verdict == verdict


def test_redis_that_does_not_answer_is_said(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert doctor.broker().verdict == "failed"
    assert doctor.broker().detail.endswith("Connection refused.")


@pytest.mark.parametrize(
    ("served", "verdict", "says"),
    [
        (["short", "long"], "passed", "2 answer"),
        (["short"], "failed", "No worker serves: long"),
        ([], "failed", "long"),
    ],
    ids=["both", "one", "none"],
)
def test_a_queue_that_no_worker_serves_is_named(settings, monkeypatch, served, verdict, says):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answers = {f"{name}@host": [{"name": name}] for name in served} or None
    monkeypatch.setattr(Inspect, "active_queues", lambda self: answers)

    step = doctor.workers()

    assert (step.verdict, says in step.detail) == (verdict, True)


@pytest.mark.parametrize("error", [redis.ConnectionError, OperationalError], ids=["Redis", "Kombu"])
def test_a_broker_that_is_down_skips_the_workers(settings, monkeypatch, error):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    def down(self):
        raise error("refused")

    monkeypatch.setattr(Inspect, "active_queues", down)

    assert doctor.workers().verdict == "skipped"


def test_a_mail_server_that_cannot_be_reached_is_said(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    assert doctor.email().verdict == "failed"


def test_static_files_that_were_not_collected_are_said(settings, tmp_path):
    settings.PRODUCTION, settings.STATIC_ROOT = True, tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

    assert doctor.static_files().verdict == "failed"


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ((400, {"error": "invalid_grant"}), "passed"),
        ((401, {"error": "invalid_client"}), "failed"),
        ((400, {"error": "unauthorized_client"}), "failed"),
        ((400, {"error": "invalid_request"}), "warning"),
        ((503, {"error": "temporarily_unavailable"}), "warning"),
    ],
    ids=lambda value: value[1]["error"] if isinstance(value, tuple) else value,
)
def test_the_way_a_refresh_is_refused_tells_whether_an_application_is_known(pretended, answer, verdict):
    pretended.tokens = answer

    [step] = doctor.applications(pretended.spec())

    assert step.verdict == verdict
    assert pretended.calls == 1


def test_a_production_site_whose_services_are_down_is_told_so_to_the_end():
    done = run(COMPLETE, "manage.py", "doctor")

    assert "failed   Database" in done.stdout
    assert "failed   Broker" in done.stdout
    assert "skipped  Workers" in done.stdout
    assert "of the steps failed." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_application_that_is_not_registered_is_not_asked_about(pretended, settings):
    settings.AMAZON_CLIENT_ID, settings.SITE_URL = "", "https://b.example"

    [step] = doctor.applications(PROVIDER)

    assert step.verdict == "skipped"
    assert "https://b.example/connections/amazon/callback" in step.action


def test_a_private_application_misses_nothing(pretended, settings):
    settings.AMAZON_CLIENT_ID = ""
    GrantFactory(provider="amazon", application="amzn1.application-oa2-client.own")

    [step] = doctor.applications(PROVIDER)

    assert (step.verdict, step.action) == ("passed", "")
    assert "a private application of their own" in step.detail


def test_an_application_of_one_data_centre_is_asked_about_there(monkeypatch, settings):
    settings.ZOHO_CLIENTS = dict.fromkeys(settings.ZOHO_CLIENTS, ("", "")) | {
        "eu": ("1000.EU", "s"),
        "in": ("1000.IN", "s"),
    }
    asked = []

    def refuse(_http, endpoints, **_):
        asked.append((endpoints.client_id, endpoints.token_url))
        raise oauth.InvalidGrant("refused")

    monkeypatch.setattr(oauth, "refresh", refuse)

    steps = list(doctor.applications(ZOHO))

    assert [(step.name, step.verdict) for step in steps] == [
        ("Zoho Books (eu)", "passed"),
        ("Zoho Books (in)", "passed"),
    ]
    assert asked == [
        ("1000.EU", "https://accounts.zoho.eu/oauth/v2/token"),
        ("1000.IN", "https://accounts.zoho.in/oauth/v2/token"),
    ]


def test_an_application_of_all_data_centres_is_asked_about_once(monkeypatch, settings):
    settings.ZOHO_CLIENTS = dict.fromkeys(settings.ZOHO_CLIENTS, ("1000.ALL", "s"))

    def refuse(*_, **__):
        raise oauth.InvalidGrant("refused")

    monkeypatch.setattr(oauth, "refresh", refuse)

    assert [step.name for step in doctor.applications(ZOHO)] == ["Zoho Books"]

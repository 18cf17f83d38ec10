"""What has to be right before the product can work: named steps, each passed, failed, warned or skipped, with what to do.

A step looks for itself and changes nothing; those that need the database are skipped where it cannot be reached.
"""

import fcntl
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection, models, transaction
from django.db.migrations.executor import MigrationExecutor
from django.http.request import validate_host
from kombu.exceptions import OperationalError

from amazon import notice_queue, rotation
from amazon.models import PoisonMessage
from audit import trail, verification
from connector.celery import app
from flows.models import Flow
from kit import oauth
from kit.clock import now
from kit.http import Http
from kit.scope import unscoped
from kit.sealed import SealedField, context_of
from kit.vault import CannotOpen, current_key_id, unseal
from tenants import grants
from tenants import secrets as application_secrets
from tenants.models import Grant
from tenants.providers import Provider, Step, providers

OVERDUE: Final = timedelta(minutes=10)
POISON_SHOWN: Final = timedelta(days=7)
ANSWER_S: Final = 3.0
NAMED: Final = 3  # migrations named; the first one tells where it stands
TRIGGERS: Final = frozenset({"audit_event_no_update", "audit_event_no_delete"})
NO_TOKEN: Final = "not-a-refresh-token"  # noqa: S105 - asked for on purpose: the refusal says whether the application is known
_HTTP: Final = Http("Tieout/1.0 (Language=Python)")


def examine() -> Iterator[Step]:
    """Yield the steps in the order in which they build on each other."""
    yield site()
    yield vault_keys()
    yield database()
    migrated = migrations()
    yield migrated
    for name, look in _ON_THE_TABLES:
        missing = "The tables are not there yet." if migrated.verdict == "failed" else migrated.detail
        yield look() if migrated.verdict == "passed" else Step(name, "skipped", missing)
    yield broker()
    yield workers()
    if settings.AMAZON_SQS_QUEUE_URL and migrated.verdict == "passed":
        yield notices()
    yield email()
    yield static_files()
    for spec in providers():
        yield from applications(spec)


def site() -> Step:
    """The address people use has to be one that the site answers to, and a safe one in production."""
    name, address = "Settings", urlsplit(settings.SITE_URL)
    if not validate_host((address.hostname or "").lower(), settings.ALLOWED_HOSTS):
        return Step(
            name,
            "failed",
            f"ALLOWED_HOSTS does not have the host of SITE_URL, {address.hostname}.",
            "Add it to ALLOWED_HOSTS: every page, and every consent that comes back, is refused otherwise.",
        )
    if settings.PRODUCTION and address.scheme != "https":
        return Step(
            name, "failed", f"SITE_URL is {settings.SITE_URL}.", "Give it as https:// address, as people see it."
        )
    kind = "Production" if settings.PRODUCTION else "Embedded"
    return Step(name, "passed", f"{kind}, for {settings.SITE_URL}.")


def vault_keys() -> Step:
    try:
        key_id = current_key_id()
    except ImproperlyConfigured as error:
        return Step(
            "Vault keys", "failed", f"{_said(error)}.", "Correct VAULT_KEYS; the README says how to make a key."
        )
    return Step("Vault keys", "passed", f"Secrets are sealed with the key {key_id}.")


def database() -> Step:
    if not _reachable():
        return Step(
            "Database",
            "failed",
            f"{connection.settings_dict['NAME']} cannot be opened.",
            "Check DATABASE_URL, and that the server runs and lets this machine in.",
        )
    if connection.vendor == "sqlite":
        return Step("Database", "passed", f"SQLite, in {connection.settings_dict['NAME']}.")
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        [version] = cursor.fetchone()
    return Step("Database", "passed", f"{connection.display_name} {version}.")


def migrations() -> Step:
    if not _reachable():
        return Step("Migrations", "skipped", "The database cannot be reached.")
    executor = MigrationExecutor(connection)
    missing = [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]
    if missing:
        named = ", ".join(missing[:NAMED]) + (", …" if len(missing) > NAMED else "")
        return Step("Migrations", "failed", f"{len(missing)} are not applied: {named}", "Run manage.py migrate.")
    return Step("Migrations", "passed", "All are applied.")


def secrets() -> Step:
    """Open the oldest and the newest value of every sealed column: a key that is gone shows at one of them."""
    opened, broken = 0, []
    with unscoped("secrets of every tenant are sealed with the same keys"):
        for row, name in _sealed_samples():
            try:
                unseal(getattr(row, name), context_of(row, name))
                opened += 1
            except CannotOpen as error:
                broken.append(str(error))
    if broken:
        return Step(
            "Sealed secrets",
            "failed",
            "; ".join(broken) + ".",
            "Put the key back that sealed them, at the end of VAULT_KEYS. Without it people have to connect again.",
        )
    return Step("Sealed secrets", "passed", f"{opened} looked at, all open." if opened else "There are none yet.")


def trail_is_whole() -> Step:
    missing = TRIGGERS - _triggers()
    if missing:
        return Step(
            "Trail",
            "failed",
            f"The database does not refuse changes of events: {', '.join(sorted(missing))} missing.",
            "Restore the triggers (audit/migrations/0002), then run manage.py verify_audit.",
        )
    heads = trail.chains()
    problems = sum(len(trail.verify_chain(head.chain)) for head in heads)
    if problems:
        return Step("Trail", "failed", f"{problems} events do not fit.", "manage.py verify_audit names them.")
    last = verification.last_verified()
    when = f"; last verified by itself {last.at:%Y-%m-%d %H:%M} UTC" if last else ""
    return Step("Trail", "passed", f"{sum(head.seq for head in heads)} events in {len(heads)} chains, whole{when}.")


def schedule() -> Step:
    """Due flows that nobody takes prove that beat or the workers do not run, wherever they should be running."""
    with unscoped("the schedule serves every tenant"):
        late = Flow.objects.filter(next_run_at__lt=now() - OVERDUE, state=Flow.State.LIVE)
        waiting = late.filter(models.Q(claimed_until=None) | models.Q(claimed_until__lt=now())).count()
        live = Flow.objects.filter(state=Flow.State.LIVE).count()
    if waiting:
        what = "beat and workers" if settings.REDIS_URL else "manage.py serve"
        return Step("Schedule", "failed", f"{waiting} of {live} live flows are overdue.", f"Start {what}; see the log.")
    return Step("Schedule", "passed", f"None of {live} live flows is overdue.")


def broker() -> Step:
    if not settings.REDIS_URL:
        return Step("Broker", "passed", "In the process itself; nothing else is needed.")
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S).ping()
        cache.set("doctor", "ok", 10)
    except redis.RedisError as error:
        return Step(
            "Broker", "failed", f"Redis does not answer: {_said(error)}.", "Check REDIS_URL, and that Redis runs."
        )
    return Step("Broker", "passed", "Redis answers.")


def workers() -> Step:
    if not settings.REDIS_URL:
        running = _embedded_server()
        if running:
            return Step("Workers", "passed", f"In manage.py serve, process {running}.")
        return Step(
            "Workers", "warning", "manage.py serve does not run now.", "Start it; nothing is fetched meanwhile."
        )
    wanted = {settings.CELERY_TASK_DEFAULT_QUEUE, *(route["queue"] for route in settings.CELERY_TASK_ROUTES.values())}
    try:
        answers = app.control.inspect(timeout=ANSWER_S).active_queues() or {}
    except (OSError, redis.RedisError, OperationalError):
        return Step("Workers", "skipped", "The broker cannot be reached.")
    unserved = wanted - {queue["name"] for queues in answers.values() for queue in queues}
    if unserved:
        names = ", ".join(sorted(unserved))
        return Step("Workers", "failed", f"No worker serves: {names}.", f"Start a Celery worker with --queues {names}.")
    return Step("Workers", "passed", f"{len(answers)} answer and serve every queue.")


def notices() -> Step:
    """The queue to which Amazon sends the notices of the installation's application."""
    name = "Queue of notices"
    try:
        waiting = notice_queue.look()
    except notice_queue.QueueTrouble as error:
        return Step(
            name,
            "failed",
            f"{_said(error)}.",
            "Check AMAZON_SQS_QUEUE_URL, the AWS credentials, and that they may sqs:ReceiveMessage, sqs:DeleteMessage and "
            "sqs:GetQueueAttributes there. Orders and settlements are polled meanwhile.",
        )
    poison = PoisonMessage.objects.filter(taken_at__gt=now() - POISON_SHOWN)
    if last := poison.order_by("-taken_at").first():
        return Step(
            name,
            "warning",
            f"{poison.count()} messages of the last week could not be read; the last one: {_said(ValueError(last.why))}.",
            "See that nobody but Amazon sends to the queue. They were taken off it, and nothing waits for them.",
        )
    return Step(name, "passed", f"{waiting} messages wait.")


def email() -> Step:
    backend = settings.EMAIL_BACKEND.rpartition(".")[0].rpartition(".")[2]
    if backend != "smtp":
        verdict = "failed" if settings.PRODUCTION else "warning"
        return Step("E-mail", verdict, f"Goes to the {backend} backend, not to people.", "Set EMAIL_URL, smtp+tls://…")
    try:
        with mail.get_connection(timeout=ANSWER_S):
            pass
    except OSError as error:
        return Step("E-mail", "failed", f"The server cannot be reached: {_said(error)}.", "Check EMAIL_URL.")
    return Step("E-mail", "passed", f"{settings.EMAIL_HOST} takes messages.")


def static_files() -> Step:
    if not settings.PRODUCTION:
        return Step("Static files", "passed", "Served from where they are.")
    try:
        staticfiles_storage.url("app.css")
    except ValueError:
        return Step("Static files", "failed", "They were not collected.", "Run manage.py collectstatic.")
    return Step("Static files", "passed", "Collected.")


def applications(spec: Provider) -> Iterator[Step]:
    """Look at each application that the settings name at a provider, at the first of the places that it serves."""
    by_keys: dict[tuple[str, str], tuple[str, oauth.OAuthSpec]] = {}
    for chosen in product(
        *([(field.name, value) for value, _ in field.choices] for field in spec.choices if field.choices)
    ):
        endpoints = _endpoints(spec, dict(chosen))
        place = ", ".join(value for _, value in chosen)
        by_keys.setdefault((endpoints.client_id, endpoints.client_secret), (place, endpoints))
    registered = [found for (client_id, _), found in by_keys.items() if client_id]
    if not registered:
        yield application(spec, spec.name, next(iter(by_keys.values()))[1])
    for place, endpoints in registered:
        yield application(spec, f"{spec.name} ({place})" if len(by_keys) > 1 else spec.name, endpoints)


def application(spec: Provider, name: str, endpoints: oauth.OAuthSpec) -> Step:
    """Ask the token endpoint for what it must refuse: how it refuses tells whether it knows our application."""
    callback = grants.redirect_uri(spec.slug)
    if not endpoints.client_id and (private := _private_applications(spec)):
        many = "a private application" if private == 1 else f"{private} private applications"
        return Step(
            name, "passed", f"People connect with {many} of their own; each connection's test tells whether it works."
        )
    if not endpoints.client_id:
        return Step(
            name,
            "skipped",
            "No application of this installation is registered there.",
            f"Register it (README, Use it for real) with the redirect address {callback}, and set what you get.",
        )
    try:
        oauth.refresh(_HTTP, endpoints, refresh_token=NO_TOKEN, redirect_uri=callback)
    except oauth.ClientRefused as error:
        if "client" not in str(error):
            return Step(
                name, "warning", f"{_said(error)}.", "That tells nothing about client id and secret: try to connect."
            )
        return Step(
            name, "failed", f"{_said(error)}.", "Compare client id and secret with the ones of the application there."
        )
    except oauth.TokenEndpointDown as error:
        return Step(name, "warning", f"{_said(error)}.", "Try again; check that this machine may call out.")
    except oauth.InvalidGrant:
        pass
    return Step(name, "passed", f"Knows our application, whose redirect address must be {callback}.")


_ON_THE_TABLES: Final[tuple[tuple[str, Callable[[], Step]], ...]] = (
    ("Sealed secrets", secrets),
    ("Trail", trail_is_whole),
    ("Schedule", schedule),
    ("Amazon client secret", rotation.step),
)


def _endpoints(spec: Provider, chosen: dict[str, str]) -> oauth.OAuthSpec:
    """Return the endpoints with every secret that is known; with the settings' alone where the database cannot say."""
    try:
        with transaction.atomic():
            return application_secrets.endpoints(spec, chosen)
    except Error:
        return spec.oauth(chosen)


def _private_applications(spec: Provider) -> int:
    """Return how many applications people brought themselves; 0 where the database cannot say."""
    try:
        with transaction.atomic():
            own = Grant.objects.filter(provider=spec.slug).exclude(application="")
            return own.values("application").distinct().count()
    except Error:
        return 0


def _said(error: Exception) -> str:
    """Return what an error says, for a sentence that goes on: some end in a full stop, some do not."""
    return str(error).rstrip(".")


def _reachable() -> bool:
    try:
        connection.ensure_connection()
    except Error:
        return False
    return True


def _sealed_samples() -> Iterator[tuple[models.Model, str]]:
    for model in apps.get_models():
        for name in [field.name for field in model._meta.concrete_fields if isinstance(field, SealedField)]:
            filled = model._base_manager.exclude(**{name: ""}).only("pk", name)
            for row in {filled.order_by("pk").first(), filled.order_by("pk").last()} - {None}:
                assert row is not None
                yield row, name


def _triggers() -> set[str]:
    queries: dict[str, tuple[str, list[Any]]] = {
        "sqlite": ("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", ["audit_event"]),
        "postgresql": ("SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s)", ["audit_event"]),
    }
    with connection.cursor() as cursor:
        cursor.execute(*queries[connection.vendor])
        return {name for (name,) in cursor.fetchall()}


def _embedded_server() -> str:
    """Return the process id of the server that holds the lock of our database, "" where none does."""
    lock = Path(settings.DATABASES["default"]["NAME"]).resolve().parent / "serve.lock"
    if not lock.exists():
        return ""
    with lock.open("r") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return file.read()
    return ""

"""Dockerfile and docker-compose.yml, read as they are: names, paths and commands that exist, services that prove health."""

import json
import re
import shlex
from importlib.metadata import entry_points

import pytest
import yaml

from connector.settings import REQUIRED
from tests.production.settings import ROOT, names, run

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "tieout"}
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
GIVEN = re.compile(r"\$\{([A-Z_]+)(:[-?][^}]*)?\}")
AWS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}  # boto3 reads them, not our settings


def command_of(service):
    if "command" in service:
        return service["command"]
    [command] = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    return json.loads(command)


def test_the_arrangement_is_complete():
    assert SERVICES.keys() == {"postgres", "redis", "migrate", "web", "worker", "worker-long", "beat"}
    assert OURS.keys() == SERVICES.keys() - {"postgres", "redis"}


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"migrate"}))
def test_every_service_shows_its_health_and_comes_back(name):
    check = SERVICES[name]["healthcheck"]

    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= check.keys()
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"migrate"}))
def test_our_services_wait_for_the_database_to_be_migrated(name):
    assert OURS[name]["depends_on"] == {
        "migrate": {"condition": "service_completed_successfully"},
        "redis": {"condition": "service_healthy"},
    }
    assert OURS["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert OURS["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_services_get_settings_that_exist_and_all_that_are_required(name):
    environment = OURS[name]["environment"]

    assert environment.keys() <= names() | AWS
    assert {"TIEOUT_PRODUCTION", *REQUIRED} <= environment.keys()
    assert environment["TIEOUT_PRODUCTION"] == "1"


def test_what_has_no_default_stops_the_containers_by_name():
    environment = OURS["web"]["environment"]
    for setting in set(REQUIRED) - {"DATABASE_URL", "REDIS_URL"}:
        assert environment[setting] == f"${{{setting}:?set {setting}}}"
    for setting, value in environment.items():
        for given, default in GIVEN.findall(value):
            assert default, f"{setting} takes {given} without a default or a reason to stop"


def test_every_setting_that_is_not_for_stand_ins_or_one_machine_reaches_the_containers():
    elsewhere = {"DJANGO_DEBUG", "TIEOUT_VAR"}
    real = {*REQUIRED, "AMAZON_SQS_QUEUE_URL"}
    stand_ins = {name for name in names() if re.search(r"_(BASE|URL|SCALE)$", name) and name not in real}

    assert OURS["web"]["environment"].keys() == (names() - elsewhere - stand_ins) | AWS


def test_redis_keeps_nothing_and_postgres_keeps_everything():
    assert "volumes" not in SERVICES["redis"]
    assert SERVICES["redis"]["command"] == ["redis-server", "--save", "", "--appendonly", "no"]
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert "postgres" in COMPOSE["volumes"]


def test_only_the_web_is_reached_from_outside_and_only_by_the_proxy_beside_it():
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"web": ["127.0.0.1:8000:8000"]}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_command_starts_a_program_that_the_image_has(name):
    program = command_of(OURS[name])[0]

    assert program == "python" or entry_points(group="console_scripts", name=program)


def test_the_web_writes_no_access_log():
    """Its lines would hold the query strings of callbacks: the codes and states of consents."""
    assert "--access-logfile" not in command_of(OURS["web"])


def test_workers_serve_every_queue():
    queues = [
        command[command.index("--queues") + 1] for command in map(command_of, OURS.values()) if "worker" in command
    ]

    assert sorted(queues) == ["long", "short"]


def test_the_image_copies_what_exists_and_leaves_out_what_is_secret_or_local():
    ignored = set((ROOT / ".dockerignore").read_text().split())

    for sources in re.findall(r"^COPY (?:--\S+ )*(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / source).exists() for source in sources.split())
    assert {".env", ".git", ".venv", "var"} <= ignored
    assert "USER tieout" in DOCKERFILE


def test_static_files_are_built_as_the_image_builds_them(tmp_path):
    [build] = re.findall(r"^RUN ((?:[A-Z_]+=\S+\s+)+)python (manage.py collectstatic .*)$", DOCKERFILE, re.MULTILINE)
    env = dict(pair.split("=", 1) for pair in shlex.split(build[0])) | {"TIEOUT_VAR": str(tmp_path)}

    done = run(env, *shlex.split(build[1]))

    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "static/staticfiles.json").read_text())["paths"]
    assert re.fullmatch(r"app\.[0-9a-f]{12}\.css", manifest["app.css"])
    assert (tmp_path / "static" / manifest["app.css"]).exists()

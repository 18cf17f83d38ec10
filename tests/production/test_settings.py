"""Production refuses to start with a setting missing, by name; the embedded default makes its own secrets."""

import json
import stat

import pytest

from connector.settings import REQUIRED
from tests.production.settings import COMPLETE, run

SHOW = """
import json, connector.settings as s
print(json.dumps({name: getattr(s, name) for name in %r}))
"""


def shown(env, *names):
    done = run(env, "-c", SHOW % (names,))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_missing_setting_is_named_at_once():
    done = run({"TIEOUT_PRODUCTION": "1"}, "manage.py", "check")

    assert done.returncode == 1
    assert f"these settings are missing: {', '.join(REQUIRED)}" in done.stderr


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_one_missing_setting_is_named(name, value):
    left = {key: value for key, value in COMPLETE.items() if key != name} | ({} if value is None else {name: value})

    done = run(left, "-c", "import connector.settings")

    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"these settings are missing: {name}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QBO_ENVIRONMENT", "prod"),
        ("DATABASE_URL", "tieout"),
        ("DATABASE_URL", "postgres://user:pass/word@host/tieout"),
        ("EMAIL_URL", "smtp+tls://host:port"),
        ("TRUSTED_PROXIES", "x"),
        ("TRUSTED_PROXIES", "-3"),
        ("TIEOUT_PRODUCTION", "ture"),
        ("AMAZON_APP_DRAFT", "maybe"),
        ("LOG_LEVEL", "loud"),
        ("REDIS_URL", "foo"),
        ("REDIS_URL", "redis://host:port/0"),
        ("SITE_URL", "books.example.com"),
        ("AMAZON_RATE_SCALE", "-1"),
        ("QBO_RATE_SCALE", "0"),
        ("AMAZON_RATE_SCALE", "slow"),
        ("QBO_RATE_SCALE", "fast"),
        ("QBO_DEADLINE_S", "130s"),
        ("QBO_QUARANTINE_S", "0.5"),
        ("WAVE_RATE_SCALE", "fast"),
        ("WAVE_DEADLINE_S", "60s"),
        ("WAVE_QUARANTINE_S", "0.5"),
        ("WAVE_BALANCE_LAG_S", "59"),
    ],
)
def test_a_setting_that_means_nothing_is_named(name, value):
    done = run({**COMPLETE, name: value}, "-c", "import connector.settings")

    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} " in done.stderr


def test_a_command_says_of_a_wrong_setting_one_sentence_and_no_more():
    done = run({"SITE_URL": "books.example.com"}, "manage.py", "doctor")

    assert done.returncode == 1
    assert done.stderr == "SITE_URL is 'books.example.com'; begin it with https://, as in https://books.example.com.\n"


def test_levels_and_switches_are_read_in_any_case():
    found = shown({**COMPLETE, "LOG_LEVEL": "info", "TIEOUT_PRODUCTION": "True"}, "LOG_LEVEL", "PRODUCTION")

    assert found == {"LOG_LEVEL": "INFO", "PRODUCTION": True}


def test_the_complete_settings_have_nothing_to_complain_about():
    done = run(COMPLETE, "manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert done.returncode == 0, done.stderr
    assert "no issues (2 silenced)" in done.stdout


def test_production_keeps_cookies_and_visitors_on_https():
    found = shown(
        COMPLETE,
        "DEBUG",
        "SESSION_COOKIE_SECURE",
        "CSRF_COOKIE_SECURE",
        "SESSION_COOKIE_HTTPONLY",
        "SECURE_SSL_REDIRECT",
        "SECURE_HSTS_SECONDS",
        "ACCOUNT_EMAIL_VERIFICATION",
        "ALLAUTH_TRUSTED_PROXY_COUNT",
    )

    assert found == {
        "DEBUG": False,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
        "ALLAUTH_TRUSTED_PROXY_COUNT": 1,
    }


def test_production_refuses_to_show_error_pages():
    done = run({**COMPLETE, "DJANGO_DEBUG": "1"}, "-c", "import connector.settings")

    assert done.returncode == 1
    assert "TIEOUT_PRODUCTION and DJANGO_DEBUG exclude each other" in done.stderr


def test_an_embedded_site_makes_its_secrets_once_and_for_its_owner_only(tmp_path):
    env = {"TIEOUT_VAR": str(tmp_path / "var")}

    first, second = (shown(env, "SECRET_KEY", "VAULT_KEYS", "DEBUG") for _ in range(2))

    assert first == second
    assert not first["DEBUG"]
    for name in ("secret_key", "vault_keys"):
        assert stat.S_IMODE((tmp_path / "var" / name).stat().st_mode) == 0o600
    assert (tmp_path / "var/secret_key").read_text() == first["SECRET_KEY"]


def test_an_embedded_database_is_its_owners_whichever_command_makes_it(tmp_path):
    var = tmp_path / "var"

    done = run({"TIEOUT_VAR": str(var)}, "manage.py", "makemigrations", "--check", "--dry-run")

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in var.iterdir()} == {0o600}
    assert (var / "tieout.sqlite3").exists()


def test_two_embedded_sites_share_no_secret(tmp_path):
    one, other = (shown({"TIEOUT_VAR": str(tmp_path / name)}, "SECRET_KEY", "VAULT_KEYS") for name in ("a", "b"))

    assert one["SECRET_KEY"] != other["SECRET_KEY"]
    assert one["VAULT_KEYS"] != other["VAULT_KEYS"]

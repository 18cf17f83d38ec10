"""Settings. With nothing set, a checkout runs on SQLite and an in-process broker; production names what it misses."""

import base64
import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
import structlog
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from ledgers.zoho.centres import CENTRES

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
VAR_DIR = Path(env.str("TIEOUT_VAR", default=str(BASE_DIR / "var")))


def _read(read: Callable[..., Any], name: str, default: Any, is_like: str) -> Any:
    """Return a setting's parsed value. Raises ImproperlyConfigured by its name; the value may hold a password."""
    try:
        return read(name, default=default)
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(f"{name} must be {is_like}.") from None


def _switch(name: str) -> bool:
    """Return whether something is switched on. A misspelt "true" must not pass for off."""
    said = env.str(name, default="").strip().lower()
    if said not in (*_ON, *_OFF):
        raise ImproperlyConfigured(f"{name} must be true or false.")
    return said in _ON


def _rate_scale(name: str) -> float:
    """Return how much faster than the real service's a stand-in's limits are."""
    scale: float = _read(env.float, name, 1.0, "a number")
    if scale <= 0:
        raise ImproperlyConfigured(f"{name} must be above 0.")
    return scale


def _check_patience(prefix: str, ledger: str, deadline_s: int, quarantine_s: int, least_s: int) -> None:
    """Refuse to look a document up, and send it again, while the ledger may still be working on it."""
    if min(deadline_s, quarantine_s) < 1 or deadline_s + quarantine_s < least_s:
        raise ImproperlyConfigured(
            f"{prefix}_DEADLINE_S and {prefix}_QUARANTINE_S must each be at least 1 and together at least {least_s}: "
            f"{ledger} may still book a document that late, and what is not there when we look is sent again."
        )


_ON, _OFF = ("true", "on", "yes", "y", "ok", "1"), ("false", "off", "no", "n", "0", "")
PRODUCTION = _switch("TIEOUT_PRODUCTION")
DEBUG = _switch("DJANGO_DEBUG")

REQUIRED = (
    "SECRET_KEY",
    "VAULT_KEYS",
    "DATABASE_URL",
    "REDIS_URL",
    "ALLOWED_HOSTS",
    "SITE_URL",
    "EMAIL_URL",
    "DEFAULT_FROM_EMAIL",
)


def _required(names: tuple[str, ...]) -> None:
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise ImproperlyConfigured(f"TIEOUT_PRODUCTION is set and these settings are missing: {', '.join(missing)}")


if PRODUCTION:
    _required(REQUIRED)
    if DEBUG:
        raise ImproperlyConfigured(
            "TIEOUT_PRODUCTION and DJANGO_DEBUG exclude each other: error pages would show secrets."
        )


def _embedded_secret(name: str, make: str) -> str:
    """Return a random value kept in ``var/`` (0600): made once, never a built-in default."""
    path = VAR_DIR / name
    try:
        return path.read_text()
    except FileNotFoundError:
        VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # the database stands here too
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make)
        return make
    except FileExistsError:
        return path.read_text()


SECRET_KEY = env.str("SECRET_KEY", default="") or _embedded_secret("secret_key", secrets.token_urlsafe(48))
# Comma-separated "<key id>:<base64url of 32 bytes>", newest first; older ones still open what they sealed.
VAULT_KEYS = env.str("VAULT_KEYS", default="") or _embedded_secret(
    "vault_keys", "k1:" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
)

SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
if not SITE_URL.startswith(("https://", "http://")):
    raise ImproperlyConfigured(f"SITE_URL is {SITE_URL!r}; begin it with https://, as in https://books.example.com.")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
if PRODUCTION and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts: links in e-mails lead to the one that was asked.")
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "tenants",
    "audit",
    "amazon",
    "ledgers",
    "ledgers.quickbooks",
    "ledgers.freshbooks",
    "ledgers.wave",
    "ledgers.zoho",
    "flows",
    "connector",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kit.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "connector.large_bodies.LargeBodyMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "connector.request_log.RequestMiddleware",
    "tenants.middleware.TenantMiddleware",
]

ROOT_URLCONF = "connector.urls"
WSGI_APPLICATION = "connector.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "connector.context.site",
            ],
        },
    }
]


def _own_file(name: str) -> None:
    """Make an SQLite database for its owner only, whichever command is the first: SQLite would let everybody read it.

    What SQLite puts beside it gets the same rights. A place that cannot be written to is said when it is opened.
    """
    if name == ":memory:" or name.startswith("file:"):
        return
    with contextlib.suppress(OSError):
        Path(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(name, os.O_RDWR | os.O_CREAT, 0o600))


_DATABASE_LIKE = "like postgres://user:password@host:5432/name"
DATABASES = {
    "default": _read(env.db_url, "DATABASE_URL", f"sqlite:///{VAR_DIR / 'tieout.sqlite3'}", _DATABASE_LIKE),
}
if not DATABASES["default"].get("ENGINE"):
    raise ImproperlyConfigured(f"DATABASE_URL must be {_DATABASE_LIKE}.")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    _own_file(DATABASES["default"]["NAME"])
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True


def _redis_url() -> str:
    """Raises ValueError, without the address: it may hold a password."""
    url = env.str("REDIS_URL", default="")
    parts = urlsplit(url)
    if url and (
        parts.scheme not in ("redis", "rediss") or parts.port == 0
    ):  # a port that is no number raises by itself
        raise ValueError
    return url


try:
    REDIS_URL = _redis_url()
except ValueError:
    raise ImproperlyConfigured("REDIS_URL must be like redis://host:6379/0.") from None
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if PRODUCTION else "none"
ACCOUNT_SIGNUP_FORM_CLASS = "tenants.forms.SignupForm"
ACCOUNT_FORMS = {"add_email": "tenants.account_forms.AddEmailForm"}
MFA_TOTP_ISSUER = "Tieout"

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # the consent pages come back with a top-level GET
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "object-src": ["'none'"],
}
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^health/"]
    SECURE_HSTS_SECONDS = 31_536_000
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    # Whether HSTS binds the other hosts of the domain is for its owner to decide, at the proxy.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Failed sign-ins are limited by address, which is the proxy's unless its X-Forwarded-For may be believed.
ALLAUTH_TRUSTED_PROXY_COUNT = _read(env.int, "TRUSTED_PROXIES", 1 if PRODUCTION else 0, "a whole number")
if ALLAUTH_TRUSTED_PROXY_COUNT < 0:
    raise ImproperlyConfigured("TRUSTED_PROXIES must be 0 or more.")

EMAIL_CONFIG = _read(env.email_url, "EMAIL_URL", "consolemail://", "like smtp+tls://user:password@host:587")
globals().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Tieout <tieout@localhost>")

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static" if PRODUCTION else None  # else static files are served from where they are
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION
FILE_UPLOAD_MAX_MEMORY_SIZE = 1 << 20
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 << 20

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["connector.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["connector.authentication.HasScope"],
    "DEFAULT_SCHEMA_CLASS": "connector.openapi.RestSchema",
    "DEFAULT_PAGINATION_CLASS": "connector.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_THROTTLE_CLASSES": ["connector.throttling.PerKey"],
    "DEFAULT_THROTTLE_RATES": {"key": "600/min"},
    "DEFAULT_METADATA_CLASS": None,  # the OpenAPI document says what an address takes
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "connector.problems.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Tieout",
    "DESCRIPTION": "Amazon settlements and orders into the books, with proof. "
    "Amounts are integer minor units of the ISO 4217 currency beside them.",
    "VERSION": "1.0",
    "TAGS": [
        {"name": "flows", "description": "Set up, run now, go live, pause"},
        {"name": "mapping", "description": "What each kind of amount is booked to"},
        {"name": "settlements", "description": "Amazon's statements, their files and their proof"},
        {"name": "plans", "description": "What a settlement becomes in one company: approve, undo, repost"},
        {"name": "deliveries", "description": "Every document, with its attempts: replay"},
        {"name": "runs", "description": "Executions of flows"},
        {"name": "orders", "description": "Orders as last seen at Amazon"},
        {"name": "events", "description": "The trail"},
        {"name": "alerts", "description": "What a person must look at"},
        {"name": "connections", "description": "Sellers and companies, without their secrets"},
        {"name": "key", "description": "The key that asks"},
    ],
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "Mode": "flows.models.Flow.Mode",
        "FlowState": "flows.models.Flow.State",
        "RunState": "flows.models.Run.State",
        "PlanState": "flows.models.Plan.State",
        "DeliveryState": "flows.models.Delivery.State",
        "Access": "tenants.models.Access",
        "AccountKey": "flows.mapping_serializers.KEYS",
        "DocumentKind": "flows.delivery_serializers.KINDS",
        "OwedState": "flows.owed_serializers.STATES",
    },
}

CELERY_BROKER_URL = REDIS_URL or "memory://localhost/"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "short"
# What may take minutes has workers of its own, so that deliveries and ticks never wait behind it.
CELERY_TASK_ROUTES = {
    name: {"queue": "long"}
    for name in (
        "flows.tasks.run_flow",
        "flows.tasks.read_history",
        "flows.tasks.plan_flow",
        "flows.tasks.plan_undo",
        "flows.tasks.prove_plan",
        "tenants.tasks.keep_grants",
        "tenants.tasks.test_connection",
        "ledgers.tasks.read_lists_of",
        "audit.tasks.verify_audit",
    )
}
# Redis: an unacknowledged message is restored after the longest task; rows, not messages, are the queue.
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 4 * 3600, "unacked_restore_interval": 5, "unacked_restore_throttle": 1}
    if REDIS_URL
    else {"polling_interval": 0.05}
)
CELERY_BEAT_SCHEDULE = {
    # A tick that nobody ran in time is useless: the next one sees the same rows.
    "tick": {"task": "flows.tasks.tick", "schedule": 2.0, "options": {"expires": 10}},
    # These look every hour for what is due by its row, so that a machine that is off at night misses nothing.
    "keep_grants": {"task": "tenants.tasks.keep_grants", "schedule": crontab(minute=7)},
    "test_connections": {"task": "tenants.tasks.test_connections", "schedule": crontab(), "options": {"expires": 60}},
    "warn_of_secret": {"task": "amazon.tasks.warn_of_secret", "schedule": crontab(minute=3)},
    "purge": {"task": "tenants.tasks.purge", "schedule": crontab(minute=17)},
    "purge_request_keys": {"task": "connector.tasks.purge", "schedule": crontab(minute=47)},
    "read_lists": {"task": "ledgers.tasks.read_lists", "schedule": crontab(minute=27)},
    "begin_read_backs": {"task": "flows.tasks.begin_read_backs", "schedule": crontab(minute=47)},
    "purge_buyers": {"task": "flows.tasks.purge_buyers", "schedule": crontab(minute=12)},
    "remove_buyers": {"task": "flows.tasks.remove_buyers", "schedule": crontab(), "options": {"expires": 60}},
    "ask_for_proofs": {"task": "flows.tasks.ask_for_proofs", "schedule": crontab(minute=57)},
    "verify_audit": {"task": "audit.tasks.verify_audit", "schedule": crontab(minute=37)},
    "purge_notices": {"task": "amazon.tasks.purge_notices", "schedule": crontab(minute=52)},
}

# One line per event; tracebacks without the values of variables, which may be secrets.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOG_LEVEL = env.str("LOG_LEVEL", default="WARNING").upper()
if LOG_LEVEL not in logging.getLevelNamesMapping():
    raise ImproperlyConfigured(f"LOG_LEVEL is {LOG_LEVEL!r}; it must be DEBUG, INFO, WARNING, ERROR or CRITICAL.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"opaque": {"()": "connector.request_log.Opaque"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain", "filters": ["opaque"]}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    # Every tick would be four lines; what fails is logged as an error.
    "loggers": {name: {"level": "WARNING"} for name in ("celery.app.trace", "celery.beat", "celery.worker.strategy")},
}

# Amazon and the ledgers: addresses default to the real services; the stand-ins replace them by environment.
AMAZON_APPLICATION_ID = env.str("AMAZON_APPLICATION_ID", default="")
AMAZON_CLIENT_ID = env.str("AMAZON_CLIENT_ID", default="")
AMAZON_CLIENT_SECRET = env.str("AMAZON_CLIENT_SECRET", default="")
AMAZON_APP_DRAFT = _switch("AMAZON_APP_DRAFT")
AMAZON_REFRESH_TOKEN = env.str("AMAZON_REFRESH_TOKEN", default="")
AMAZON_TOKEN_URL = env.str("AMAZON_TOKEN_URL", default="https://api.amazon.com/auth/o2/token")
# One base for every region and marketplace, when a stand-in plays Amazon.
AMAZON_API_BASE = env.str("AMAZON_API_BASE", default="")
AMAZON_CONSENT_BASE = env.str("AMAZON_CONSENT_BASE", default="")
AMAZON_RATE_SCALE = _rate_scale("AMAZON_RATE_SCALE")
# The queue to which Amazon sends the notices of our application; AWS credentials are boto3's own (environment, role …).
AMAZON_SQS_QUEUE_URL = env.str("AMAZON_SQS_QUEUE_URL", default="")
AMAZON_SQS_ENDPOINT_URL = env.str("AMAZON_SQS_ENDPOINT_URL", default="")
if AMAZON_SQS_QUEUE_URL.endswith(".fifo"):
    raise ImproperlyConfigured("AMAZON_SQS_QUEUE_URL is a FIFO queue, and Amazon sends no notifications to those.")
if AMAZON_SQS_QUEUE_URL:
    CELERY_BEAT_SCHEDULE["read_queue"] = {
        "task": "amazon.tasks.read_queue",
        "schedule": crontab(),
        "options": {"expires": 60},
    }

QBO_CLIENT_ID = env.str("QBO_CLIENT_ID", default="")
QBO_CLIENT_SECRET = env.str("QBO_CLIENT_SECRET", default="")
QBO_ENVIRONMENT = env.str("QBO_ENVIRONMENT", default="production")
if QBO_ENVIRONMENT not in ("production", "sandbox"):
    raise ImproperlyConfigured(f"QBO_ENVIRONMENT is {QBO_ENVIRONMENT!r}; it must be production or sandbox.")
QBO_API_BASE = env.str("QBO_API_BASE", default="")
QBO_AUTHORIZE_URL = env.str("QBO_AUTHORIZE_URL", default="https://appcenter.intuit.com/connect/oauth2")
QBO_TOKEN_URL = env.str("QBO_TOKEN_URL", default="https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer")
QBO_REVOKE_URL = env.str("QBO_REVOKE_URL", default="https://developer.api.intuit.com/v2/oauth2/tokens/revoke")
QBO_RATE_SCALE = _rate_scale("QBO_RATE_SCALE")
# A write without an answer is looked up once deadline and quarantine are over, and sent again only if it is not there.
QBO_DEADLINE_S = _read(env.int, "QBO_DEADLINE_S", 130, "a whole number")
QBO_QUARANTINE_S = _read(env.int, "QBO_QUARANTINE_S", 30, "a whole number")
# QuickBooks itself works on a call for up to 120 s.
_check_patience("QBO", "QuickBooks", QBO_DEADLINE_S, QBO_QUARANTINE_S, 1 if QBO_API_BASE else 150)

FRESHBOOKS_CLIENT_ID = env.str("FRESHBOOKS_CLIENT_ID", default="")
FRESHBOOKS_CLIENT_SECRET = env.str("FRESHBOOKS_CLIENT_SECRET", default="")
FRESHBOOKS_API_BASE = env.str("FRESHBOOKS_API_BASE", default="")
FRESHBOOKS_AUTHORIZE_URL = env.str("FRESHBOOKS_AUTHORIZE_URL", default="https://auth.freshbooks.com/oauth/authorize")
FRESHBOOKS_TOKEN_URL = env.str("FRESHBOOKS_TOKEN_URL", default="https://api.freshbooks.com/auth/oauth/token")
FRESHBOOKS_REVOKE_URL = env.str("FRESHBOOKS_REVOKE_URL", default="https://api.freshbooks.com/auth/oauth/revoke")
FRESHBOOKS_RATE_SCALE = _rate_scale("FRESHBOOKS_RATE_SCALE")
FRESHBOOKS_DEADLINE_S = _read(env.int, "FRESHBOOKS_DEADLINE_S", 90, "a whole number")
FRESHBOOKS_QUARANTINE_S = _read(env.int, "FRESHBOOKS_QUARANTINE_S", 60, "a whole number")
# How long FreshBooks works on a call is not published.
_check_patience(
    "FRESHBOOKS", "FreshBooks", FRESHBOOKS_DEADLINE_S, FRESHBOOKS_QUARANTINE_S, 1 if FRESHBOOKS_API_BASE else 120
)

WAVE_CLIENT_ID = env.str("WAVE_CLIENT_ID", default="")
WAVE_CLIENT_SECRET = env.str("WAVE_CLIENT_SECRET", default="")
WAVE_API_BASE = env.str("WAVE_API_BASE", default="")
WAVE_AUTHORIZE_URL = env.str("WAVE_AUTHORIZE_URL", default="https://api.waveapps.com/oauth2/authorize/")
WAVE_TOKEN_URL = env.str("WAVE_TOKEN_URL", default="https://api.waveapps.com/oauth2/token/")
WAVE_REVOKE_URL = env.str("WAVE_REVOKE_URL", default="https://api.waveapps.com/oauth2/token-revoke/")
WAVE_RATE_SCALE = _rate_scale("WAVE_RATE_SCALE")
WAVE_DEADLINE_S = _read(env.int, "WAVE_DEADLINE_S", 60, "a whole number")
WAVE_QUARANTINE_S = _read(env.int, "WAVE_QUARANTINE_S", 60, "a whole number")
# How long Wave works on a call is not published.
_check_patience("WAVE", "Wave", WAVE_DEADLINE_S, WAVE_QUARANTINE_S, 1 if WAVE_API_BASE else 90)
WAVE_BALANCE_LAG_S = _read(env.int, "WAVE_BALANCE_LAG_S", 60, "a whole number")
if (1 if WAVE_API_BASE else 60) > WAVE_BALANCE_LAG_S:
    raise ImproperlyConfigured(
        "WAVE_BALANCE_LAG_S must be at least 60, and 1 for a stand-in: what no balance shows by then is sent again."
    )

# One application serves all data centres of Zoho; where it has other keys in one, these are set with its name (…_EU).
ZOHO_CLIENTS = {
    location: (
        env.str(f"ZOHO_CLIENT_ID_{location.upper()}", default="") or env.str("ZOHO_CLIENT_ID", default=""),
        env.str(f"ZOHO_CLIENT_SECRET_{location.upper()}", default="") or env.str("ZOHO_CLIENT_SECRET", default=""),
    )
    for location in CENTRES
}
ZOHO_CENTRE = env.str("ZOHO_CENTRE", default="us")
if ZOHO_CENTRE not in CENTRES:
    raise ImproperlyConfigured(f"ZOHO_CENTRE is {ZOHO_CENTRE!r}; it must be one of {', '.join(CENTRES)}.")
# For a stand-in; "{location}" in them becomes the data centre.
ZOHO_ACCOUNTS_BASE = env.str("ZOHO_ACCOUNTS_BASE", default="")
ZOHO_API_BASE = env.str("ZOHO_API_BASE", default="")
ZOHO_RATE_SCALE = _rate_scale("ZOHO_RATE_SCALE")
ZOHO_DEADLINE_S = _read(env.int, "ZOHO_DEADLINE_S", 120, "a whole number")
ZOHO_QUARANTINE_S = _read(env.int, "ZOHO_QUARANTINE_S", 60, "a whole number")
# How long Zoho works on a request is not documented; what it has taken is missing from its lists for some seconds more.
_check_patience("ZOHO", "Zoho Books", ZOHO_DEADLINE_S, ZOHO_QUARANTINE_S, 1 if ZOHO_API_BASE else 150)

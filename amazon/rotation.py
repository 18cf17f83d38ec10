"""The secret of the installation's own Amazon application: have it renewed, enter it, and know when it ends."""

import logging
from dataclasses import replace
from datetime import datetime
from typing import Final

from django.conf import settings
from django.core.cache import cache

from amazon import grantless
from amazon.connect import HTTP, application
from amazon.secrets import SCOPE, own
from audit.trail import record
from kit import oauth
from kit.clock import now
from kit.oauth import ClientRefused, InvalidGrant
from tenants import secrets
from tenants.announcing import SECRET_STEPS
from tenants.providers import Step

NO_TOKEN: Final = "not-a-refresh-token"  # noqa: S105 - how it is refused tells whether id and secret are known
DAY_S: Final = 86_400
HOW: Final = (
    "Run manage.py amazon_secret --rotate, or make one in the developer console and enter it by amazon_secret --new."
)

log = logging.getLogger(__name__)


def rotate(region: str = "NA") -> None:
    """Ask Amazon for a new secret. It arrives as a notification on the queue that the developer console names, and only there.

    Raises AmazonError.
    """
    client = grantless.own_client(region, SCOPE)
    client.call("rotateApplicationClientSecret", "POST", "/applications/2023-11-30/clientSecret")
    record("application.rotation_asked", "application:amazon", client_id=settings.AMAZON_CLIENT_ID)


def enter(secret: str, ends_at: datetime | None) -> bool:
    """Keep a secret that somebody typed in, once Amazon took it; return False where it is known already.

    Raises OAuthError: it is not known there, or there was no usable answer.
    """
    tried = replace(application(), client_secret=secret)
    try:
        oauth.refresh(HTTP, tried, refresh_token=NO_TOKEN)
    except InvalidGrant:
        pass
    except ClientRefused as error:
        if error.unknown:
            raise
    return secrets.keep(own(), secret, ends_at)


def step() -> Step:
    """Return, for whoever runs the installation, when its secret ends and what to do about it."""
    name = "Amazon client secret"
    if not settings.AMAZON_CLIENT_ID:
        return Step(name, "passed", "There is none: this installation has no Amazon application of its own.")
    ending = secrets.ending(own())
    if ending is None:
        return Step(
            name,
            "skipped",
            "Nobody has said when it ends; it is good for 180 days.",
            "Enter the day by manage.py amazon_secret --ends.",
        )
    left, day = (ending.at - now()).days, f"{ending.at.day} {ending.at:%B %Y}"
    detail = f"Good until {day}{' at the latest' if ending.assumed else ''}, {left} days."
    if left < 0:
        return Step(name, "failed", f"Ended on {day}: Amazon refuses every call.", HOW)
    return Step(name, "warning", detail, HOW) if left <= max(SECRET_STEPS) else Step(name, "passed", detail)


def warn() -> None:
    """Log once a day, for whoever runs the installation, a secret that ends within 90 days."""
    found = step()
    if found.verdict in ("warning", "failed") and cache.add("amazon:secret:told", found.detail, DAY_S):
        log.log(logging.ERROR if found.verdict == "failed" else logging.WARNING, "%s: %s", found.name, found.detail)

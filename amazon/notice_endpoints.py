"""The HTTPS address at which a company's forwarder hands notices in: its secret, and who is let in.

A request proves that it knows the secret in one of two ways: it sends it in a header (``X-Tieout-Key``, as EventBridge's
API destinations do), or it signs the time and its raw body with it (``X-Tieout-Timestamp``, ``X-Tieout-Signature``).
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.urls import reverse

from amazon.models import NoticeEndpoint
from audit.trail import record, recorded
from kit.clock import now
from kit.scope import scope, unscoped
from kit.sealed import open_from, seal_into

KEY_HEADER: Final = "X-Tieout-Key"
TIME_HEADER: Final = "X-Tieout-Timestamp"
SIGNATURE_HEADER: Final = "X-Tieout-Signature"
PREFIX: Final = "tin_"
WINDOW: Final = timedelta(minutes=5)  # each way: clocks differ, and what is older was heard before or is forged
EARLIER_FOR: Final = timedelta(days=7)
TELL_EVERY: Final = timedelta(minutes=1)  # a flood of forged requests must not write a row with each


def endpoint_of(tenant_id: int) -> NoticeEndpoint | None:
    with scope(tenant_id):
        return NoticeEndpoint.objects.first()


def url_of(endpoint: NoticeEndpoint) -> str:
    return settings.SITE_URL + reverse("amazon:notices", args=[endpoint.address])


def find(address: str) -> NoticeEndpoint | None:
    if not address.isprintable():  # PostgreSQL refuses to look for a zero byte
        return None
    with unscoped("an address says which tenant it belongs to"):
        return NoticeEndpoint.objects.filter(address=address).first()


def new_secret(tenant_id: int, actor: str) -> tuple[NoticeEndpoint, str]:
    """Make the company's endpoint, or give it a new secret; return it and the secret's only readable copy.

    The secret until now stays good for a week, or until :func:`end_earlier`. One that was still good beside it is not any more.
    """
    at, value = now(), PREFIX + secrets.token_urlsafe(32)
    with recorded(), scope(tenant_id):
        endpoint, made = NoticeEndpoint.objects.select_for_update().get_or_create(
            tenant_id=tenant_id,
            defaults={"address": secrets.token_urlsafe(24), "created_at": at, "changed_at": at},
        )
        if not made:
            seal_into(endpoint, "earlier", open_from(endpoint, "current"))
            endpoint.earlier_until, endpoint.changed_at = at + EARLIER_FOR, at
        seal_into(endpoint, "current", value)
        endpoint.save()
        record(
            "notices.endpoint_made" if made else "notices.endpoint_changed",
            f"notice_endpoint:{endpoint.pk}",
            actor=actor,
        )
    return endpoint, value


def end_earlier(endpoint: NoticeEndpoint, actor: str) -> None:
    """Let the secret before the current one in no more."""
    with recorded(), scope(endpoint.tenant_id):
        if NoticeEndpoint.objects.filter(pk=endpoint.pk).exclude(earlier="").update(earlier="", earlier_until=None):
            record("notices.endpoint_changed", f"notice_endpoint:{endpoint.pk}", actor=actor, earlier="ended")


def why_not(endpoint: NoticeEndpoint, headers: Mapping[str, str], body: bytes) -> str:
    """Return why a request is not let in; "" where it is. ``headers`` must find names however they are spelled."""
    at = now()
    good = [open_from(endpoint, "current").encode()]
    if endpoint.earlier and endpoint.earlier_until and at < endpoint.earlier_until:
        good.append(open_from(endpoint, "earlier").encode())
    if key := headers.get(KEY_HEADER, ""):
        return "" if _any(key, good) else f"The secret in {KEY_HEADER} is not the one of this address."
    signature = headers.get(SIGNATURE_HEADER, "")
    if not signature:
        return f"Send the secret in {KEY_HEADER}, or sign the request: {TIME_HEADER} and {SIGNATURE_HEADER}."
    stamp = headers.get(TIME_HEADER, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return f"{TIME_HEADER} must be the time in whole seconds since 1970 (UTC)."
    signed = ["sha256=" + hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest() for key in good]
    if not _any(signature, [each.encode() for each in signed]):
        return f"{SIGNATURE_HEADER} does not fit {TIME_HEADER}, the body and the secret of this address."
    off_s = at.timestamp() - int(stamp)
    if abs(off_s) > WINDOW.total_seconds():
        side = "behind" if off_s > 0 else "ahead of"
        return (
            f"{TIME_HEADER} is {abs(off_s):.0f} s {side} our clock; at most {WINDOW.total_seconds():.0f} s are allowed."
        )
    return ""


def note_refusal(endpoint: NoticeEndpoint, why: str) -> None:
    """Keep why somebody was not let in, to be shown; not each time."""
    at = now()
    if endpoint.refused_at is None or endpoint.refused_at < at - TELL_EVERY:
        with scope(endpoint.tenant_id):
            NoticeEndpoint.objects.filter(pk=endpoint.pk).update(refused_at=at, refused_why=why[:200])


def refused_lately(endpoint: NoticeEndpoint, latest: datetime | None) -> str:
    """Return why requests were refused since the last notice that came by; "" where none were."""
    if endpoint.refused_at is None or (latest and latest > endpoint.refused_at):
        return ""
    return endpoint.refused_why


def _any(given: str, good: list[bytes]) -> bool:
    """Compare with each in constant time, whichever fits."""
    fits = [hmac.compare_digest(given.encode(), each) for each in good]
    return any(fits)

"""Hands on what notices tell of an application's secret: it is kept before anything else is said of the notice."""

from amazon import secrets
from amazon.envelopes import Envelope
from kit.clock import now


def arrived(envelope: Envelope, tenant_id: int | None = None) -> None:
    """Keep what a notice says of a secret. ``tenant_id`` is whose forwarder brought it: it may only speak of that tenant's private
    application. None: the installation's own queue."""
    news = envelope.secret
    if news is None:
        return
    if news.new:
        ends_at = news.ends_at or now() + secrets.LIFE
        secrets.arrived(news.client_id, news.new, ends_at, news.old_ends_at, tenant_id=tenant_id)
    elif news.ends_at is not None:
        secrets.expires(news.client_id, news.ends_at, tenant_id=tenant_id)

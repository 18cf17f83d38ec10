"""What a person must look at: in the app, and by e-mail to the members who want it."""

import logging
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, transaction

from kit.clock import now
from kit.scope import scope
from tenants.models import Alert, Member

ROUNDS: Final = 5

log = logging.getLogger(__name__)


def alert(tenant_id: int, kind: str, key: str, title: str, text: str, action: str, url: str = "") -> Alert:
    """Raise an alert, or bring the open one of this key up to date. E-mails go out once, after the commit.

    ``action`` says what to do next; ``url`` is a path of the site. No secret and no buyer's data in any of them.
    """
    with scope(tenant_id):
        # One line, as the title is an e-mail's subject: names in it come from outside.
        says = {"kind": kind, "title": " ".join(title.split())[:200], "text": text, "action": action, "url": url}
        for left in reversed(range(ROUNDS)):  # each but the last, somebody else has raised or settled it in between
            found = Alert.objects.filter(key=key, settled_at__isnull=True).first()
            if found is not None:
                if not Alert.objects.filter(pk=found.pk, settled_at__isnull=True).update(**says) and left:
                    continue
                for name, value in says.items():
                    setattr(found, name, value)
                return found
            try:
                with transaction.atomic():
                    raised = Alert.objects.create(tenant_id=tenant_id, key=key, **says)
                break
            except IntegrityError:
                if not left:
                    raise  # it is not the open alert of this key that stands in the way
    transaction.on_commit(lambda: _email(tenant_id, raised.pk), robust=True)
    return raised


def settle_alert(tenant_id: int, key: str) -> bool:
    """End the open alert of a key; return whether there was one."""
    with scope(tenant_id):
        return bool(Alert.objects.filter(key=key, settled_at__isnull=True).update(settled_at=now()))


def _email(tenant_id: int, alert_id: int) -> None:
    with scope(tenant_id):
        # Marked first: one e-mail too few is better than one per worker.
        if not Alert.objects.filter(pk=alert_id, emailed_at__isnull=True).update(emailed_at=now()):
            return
        raised = Alert.objects.get(pk=alert_id)
        wanted = Member.objects.filter(wants_alert_email=True, user__is_active=True)
        addresses = list(wanted.order_by("user__email").values_list("user__email", flat=True))
    link = f"\n\n{settings.SITE_URL}{raised.url}" if raised.url else ""
    messages = [
        EmailMessage(raised.title, f"{raised.text}\n\n{raised.action}{link}\n", to=[address]) for address in addresses
    ]
    try:
        get_connection().send_messages(messages)
    except OSError:
        log.exception("alert %s could not be e-mailed", alert_id)

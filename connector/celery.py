"""The Celery application. Rows are the queue; a message only says "look now"."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connector.settings")

app = Celery("tieout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Without this, any thread but the importing one publishes to Celery's unnamed default app (amqp://localhost).
app.set_default()


def _keep_our_logging(**_: Any) -> None:
    """Leave logging to the settings: with a receiver here, Celery sets no level and no handler of its own."""


setup_logging.connect(_keep_our_logging)

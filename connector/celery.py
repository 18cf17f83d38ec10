"""The Celery application. Rows are the queue; a message only says "look now"."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connector.settings")

app = Celery("tieout")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Without this, any thread but the importing one publishes to Celery's unnamed default app (amqp://localhost).
app.set_default()

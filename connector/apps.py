from django.apps import AppConfig


class ConnectorConfig(AppConfig):
    name = "connector"

    def ready(self) -> None:
        # Every process that plans work sends hints, so every process needs the configured Celery application.
        from connector import celery  # noqa: F401

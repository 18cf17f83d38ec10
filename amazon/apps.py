from django.apps import AppConfig


class AmazonConfig(AppConfig):
    name = "amazon"

    def ready(self) -> None:
        from amazon.consent import PROVIDER
        from tenants.providers import register

        register(PROVIDER)

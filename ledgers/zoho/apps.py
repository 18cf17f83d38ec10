from django.apps import AppConfig


class ZohoConfig(AppConfig):
    name = "ledgers.zoho"
    label = "zoho"

    def ready(self) -> None:
        from ledgers import registry
        from ledgers.zoho.provider import LEDGER, PROVIDER
        from tenants import providers

        providers.register(PROVIDER)
        registry.register(LEDGER)

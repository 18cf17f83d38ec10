from django.apps import AppConfig


class QuickbooksConfig(AppConfig):
    name = "ledgers.quickbooks"
    label = "quickbooks"

    def ready(self) -> None:
        from ledgers import registry
        from ledgers.quickbooks.provider import LEDGER, PROVIDER
        from tenants import providers

        providers.register(PROVIDER)
        registry.register(LEDGER)

from django.apps import AppConfig


class FreshbooksConfig(AppConfig):
    name = "ledgers.freshbooks"
    label = "freshbooks"

    def ready(self) -> None:
        from ledgers import registry
        from ledgers.freshbooks.provider import LEDGER, PROVIDER
        from tenants import providers

        providers.register(PROVIDER)
        registry.register(LEDGER)

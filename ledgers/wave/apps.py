from django.apps import AppConfig


class WaveConfig(AppConfig):
    name = "ledgers.wave"
    label = "wave"

    def ready(self) -> None:
        from ledgers import registry
        from ledgers.wave.provider import LEDGER, PROVIDER
        from tenants import providers

        providers.register(PROVIDER)
        registry.register(LEDGER)

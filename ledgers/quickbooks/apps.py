from django.apps import AppConfig


class QuickbooksConfig(AppConfig):
    name = "ledgers.quickbooks"
    label = "quickbooks"

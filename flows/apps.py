from django.apps import AppConfig


class FlowsConfig(AppConfig):
    name = "flows"

    def ready(self) -> None:
        from django.urls import register_converter

        from flows.converters import MonthConverter

        register_converter(MonthConverter, "month")

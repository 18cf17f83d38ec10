"""What the views of the REST interface share."""

from typing import Any

from django_filters import filters
from rest_framework import mixins, viewsets
from rest_framework.request import Request

from tenants.api import caller


def actor_of(request: Request) -> str:
    """Name the API key for the trail."""
    return caller(request).actor


class Listed(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Any]):
    """A list and its rows. ``detail_serializer_class`` is what a single row shows."""

    detail_serializer_class: Any = None

    def get_serializer_class(self) -> Any:
        if self.detail_serializer_class is not None and self.action == "retrieve":
            return self.detail_serializer_class
        return super().get_serializer_class()


class IdFilter(filters.NumberFilter):
    """Rows of one id; an id of another tenant has none."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        numbers = {"decimal_places": 0, "min_value": 1, "max_value": 2**63 - 1}
        super().__init__(field_name=f"{name}_id", **numbers, **kwargs)  # type: ignore[no-untyped-call]

"""REST for exchange rates: what one unit of a settlement currency is worth in the currency of the books."""

from django.db.models import QuerySet
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from flows import rates
from flows.api.base import Listed, actor_of
from flows.api.refusals import refusing
from flows.models import ExchangeRate
from flows.rate_files import MOST_BYTES
from flows.rate_serializers import KeptSerializer, RateFileSerializer, RateSerializer, SetRateSerializer
from tenants.api import caller


class RateFilter(FilterSet):
    home = filters.CharFilter()
    currency = filters.CharFilter()
    on_from = filters.DateFilter(field_name="on", lookup_expr="gte")
    on_to = filters.DateFilter(field_name="on", lookup_expr="lte")


class RateViewSet(Listed):
    """What one unit of a settlement currency is worth in the currency of the books, from a day on."""

    serializer_class = RateSerializer
    filterset_class = RateFilter
    queryset = ExchangeRate.objects.none()

    def get_queryset(self) -> QuerySet[ExchangeRate]:
        return rates.listed()

    @extend_schema(request=SetRateSerializer, responses={201: RateSerializer})
    def create(self, request: Request) -> Response:
        """Set the rate of a day, or change it. What was never sent is planned again with it; what was sent stays.

        One that is far from the rates before and after it is refused (409) unless it is confirmed.
        """
        asked = SetRateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with refusing():
            found = rates.set_rate(caller(request).tenant_id, actor_of(request), **asked.validated_data)
        return Response(RateSerializer(found).data, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Take a rate out of the table. What was sent with it stays."""
        rates.remove(self.get_object(), actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request={"multipart/form-data": RateFileSerializer}, responses=KeptSerializer)
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    def upload(self, request: Request) -> Response:
        """Set the rates of a CSV file: `date,currency,rate`, `date,base,currency,rate`, or `date` and pairs like `GBP/USD`.

        A file with a wrong line is refused whole (409), and one with an unusual line unless it is confirmed; `problems` names
        the lines.
        """
        asked = RateFileSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file = asked.validated_data["file"]
        with refusing():
            kept = rates.upload(
                caller(request).tenant_id,
                actor_of(request),
                asked.validated_data["home"],
                file.name,
                file.read(MOST_BYTES + 1),
                confirmed=asked.validated_data["confirmed"],
            )
        return Response(KeptSerializer(kept).data)

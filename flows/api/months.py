"""REST for the months of a flow: what its page shows."""

from datetime import date

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from flows import month_report
from flows.converters import MonthConverter
from flows.models import Flow
from flows.month_serializers import CompletenessSerializer, MonthSerializer

_MONTH = OpenApiParameter(
    "month",
    {"type": "string", "pattern": f"^{MonthConverter.regex}$"},
    OpenApiParameter.PATH,
    description="A calendar month, `yyyy-mm`.",
)


class MonthViewSet(viewsets.GenericViewSet[Flow]):
    """What each calendar month comes to in the books, and whether it is complete."""

    tag = "months"
    queryset = Flow.objects.none()
    filter_backends = ()
    pagination_class = None

    def get_queryset(self) -> QuerySet[Flow]:
        return Flow.objects.select_related("source", "target")

    @extend_schema(operation_id="flows_months", responses=CompletenessSerializer(many=True))
    @action(detail=True, methods=["get"])
    def months(self, request: Request, pk: int) -> Response:
        """Every month of a flow with its verdict, the newest first."""
        return Response(CompletenessSerializer(month_report.listed(self.get_object()), many=True).data)

    @extend_schema(operation_id="flows_month", parameters=[_MONTH], responses=MonthSerializer)
    @action(detail=True, methods=["get"], url_path="months/<month:month>")
    def month(self, request: Request, pk: int, month: date) -> Response:
        """One month: totals per account, balances at its end, settlements, and what is missing."""
        return Response(MonthSerializer(month_report.report(self.get_object(), month)).data)

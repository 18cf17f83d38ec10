"""REST for what Amazon owes: what its page shows."""

from datetime import date

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from flows import owed
from flows.models import Flow
from flows.owed_serializers import OwedDaySerializer, OwedSerializer


class OwedQuery(serializers.Serializer[date]):
    on = serializers.DateField(required=False)


class OwedViewSet(viewsets.GenericViewSet[Flow]):
    """What Amazon owes at the end of a day, against the books."""

    tag = "owed"
    queryset = Flow.objects.none()
    filter_backends = ()
    pagination_class = None

    def get_queryset(self) -> QuerySet[Flow]:
        return Flow.objects.select_related("source", "target")

    @extend_schema(
        operation_id="flows_owed",
        parameters=[
            OpenApiParameter(
                "on", date, description="A day of the marketplace. The last one that was read, if left out."
            )
        ],
        responses=OwedSerializer,
    )
    @action(detail=True, methods=["get"])
    def owed(self, request: Request, pk: int) -> Response:
        """One day with every difference and its reason, and all days of twelve months whose balance was read."""
        flow = self.get_object()
        asked = OwedQuery(data=request.query_params)
        asked.is_valid(raise_exception=True)
        standing = owed.standing_of(flow)
        on = asked.validated_data.get("on") or standing.last
        found = {
            "currency": flow.currency,
            "why_not_the_books": standing.why_not,
            "problem": standing.problem,
            "refused": standing.refused,
            "day": owed.day(flow, on) if on else None,
        }
        return Response(OwedSerializer(found).data)

    @extend_schema(operation_id="flows_owed_series", responses=OwedDaySerializer(many=True))
    @action(detail=True, methods=["get"], url_path="owed/series")
    def owed_series(self, request: Request, pk: int) -> Response:
        """Every day of the last twelve months whose balance was read, the oldest first."""
        return Response(OwedDaySerializer(owed.series(self.get_object()), many=True).data)

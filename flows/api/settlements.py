"""REST for settlements, the upload of their files, and what they became in each company."""

from django.db.models import BooleanField, ExpressionWrapper, Prefetch, QuerySet
from django.shortcuts import get_object_or_404
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from amazon import overlaps
from amazon.load import Fate
from amazon.models import Settlement
from amazon.upload import import_file
from flows import payouts, planning, trace, uploads
from flows.api.base import Listed, actor_of
from flows.api.plans import plans
from flows.api.refusals import BadRequest, refusing
from flows.models import Plan
from flows.settlement_serializers import (
    CameSerializer,
    ReceivedSerializer,
    SettlementDetailSerializer,
    SettlementSerializer,
    UploadedSerializer,
    UploadSerializer,
)
from flows.source_serializers import RowsSerializer, WantedSerializer
from tenants.api import caller
from tenants.models import Connection


class SettlementFilter(FilterSet):
    settlement_id = filters.CharFilter()
    seller_id = filters.CharFilter()
    currency = filters.CharFilter()
    flow = filters.NumberFilter(
        field_name="plans__flow_id", distinct=True, decimal_places=0, min_value=1, max_value=2**63 - 1
    )
    ended_from = filters.DateFilter(field_name="ends_at", lookup_expr="date__gte")
    ended_to = filters.DateFilter(field_name="ends_at", lookup_expr="date__lte")


class SettlementViewSet(Listed):
    """Amazon's statement for a period, with what it became in each company."""

    serializer_class = SettlementSerializer
    detail_serializer_class = SettlementDetailSerializer
    filterset_class = SettlementFilter
    queryset = Settlement.objects.none()
    ordering = ("-ends_at", "-id")

    def get_queryset(self) -> QuerySet[Settlement]:
        found = plans(whole=self.action == "retrieve").order_by("flow_id", "revision")
        return _with(found)

    @extend_schema(parameters=[WantedSerializer], responses=RowsSerializer, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def rows(self, request: Request, pk: int) -> Response:
        """Amazon's own rows, a page of them: those behind one line of the books, of a label or an order, or all.

        With `plan` they are read as it was made: from its file, with its mapping and labels.
        """
        settlement = self.get_object()
        asked = WantedSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted, page = asked.wanted(), asked.validated_data["page"]
        plan = None
        if "plan" in asked.validated_data:
            plan = get_object_or_404(plans(whole=True), settlement=settlement, pk=asked.validated_data["plan"])
        if wanted.key and plan is None:
            raise BadRequest("A line of the books belongs to a plan.", "Send the id of the plan as well.")
        try:
            return Response(RowsSerializer(trace.rows_of(settlement, plan, wanted, page)).data)
        except trace.NoSuchRows as error:
            raise NotFound from error

    @extend_schema(request=CameSerializer, responses=SettlementDetailSerializer)
    @action(detail=True, methods=["post"])
    def payout(self, request: Request, pk: int) -> Response:
        """Say that the payout never came to the bank, or that it came after all. Amazon's file does not tell.

        What depends on it is planned again: a payout that is not booked is held until a later settlement takes it back.
        """
        settlement = self.get_object()
        asked = CameSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with refusing():
            payouts.state(settlement, actor_of(request), came=asked.validated_data["came"])
        return self._now(settlement)

    @extend_schema(request=ReceivedSerializer, responses=SettlementDetailSerializer)
    @action(detail=True, methods=["post"])
    def received(self, request: Request, pk: int) -> Response:
        """Say how much of a payout arrived, where the books are in another currency. A payout that waited for it goes on.

        One that is in the books already keeps the amount that was said before (409). An amount far from what the payout was worth
        is refused (409) unless it is confirmed.
        """
        settlement = self.get_object()
        asked = ReceivedSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with refusing():
            payouts.state_received(settlement, actor_of(request), **asked.validated_data)
        return self._now(settlement)

    @extend_schema(request=None, responses=SettlementDetailSerializer)
    @action(detail=True, methods=["post"])
    def belongs(self, request: Request, pk: int) -> Response:
        """Say that an uploaded settlement is this seller's, although its period overlaps another one (`doubt`).

        What was held of it is planned again, and posted where the flow posts by itself.
        """
        settlement = self.get_object()
        with refusing():
            uploads.state_belongs(settlement, actor_of(request))
        return self._now(settlement)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Remove an uploaded settlement of which nothing was ever sent to a ledger, with what was planned of it."""
        settlement = self.get_object()
        with refusing():
            uploads.remove(settlement, actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _now(self, settlement: Settlement) -> Response:
        found = _with(plans(whole=True)).get(pk=settlement.pk)
        return Response(SettlementDetailSerializer(found).data)

    @extend_schema(
        request={"multipart/form-data": UploadSerializer}, responses={200: UploadedSerializer, 201: UploadedSerializer}
    )
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    def upload(self, request: Request) -> Response:
        """Bring in a settlement file.

        It is refused (409, with the line and what to do) where anything about it is not right; then nothing of it counts.
        A settlement that is already here answers 200.
        """
        asked = UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file, connection_id = asked.validated_data["file"], asked.validated_data.get("connection")
        if connection_id is not None and not Connection.objects.filter(pk=connection_id).exists():
            raise NotFound
        with refusing():
            found = import_file(
                caller(request).tenant_id, file.chunks(), file.name, actor_of(request), connection_id=connection_id
            )
        planning.plan_uploaded(found.settlement)
        answer = {
            "settlement": found.settlement.pk,
            "fate": found.fate.name.lower(),
            "doubt": found.doubt,
            "message": found.message,
        }
        return Response(answer, status.HTTP_201_CREATED if found.fate is Fate.NEW else status.HTTP_200_OK)


def _with(found: QuerySet[Plan]) -> QuerySet[Settlement]:
    """Return the settlements with these plans, and whether each is ``doubted``."""
    doubted = ExpressionWrapper(overlaps.doubted(), output_field=BooleanField())
    return Settlement.objects.annotate(doubted=doubted).prefetch_related(Prefetch("plans", found))

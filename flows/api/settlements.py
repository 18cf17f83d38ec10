"""REST for settlements, the upload of their files, and what they became in each company."""

from django.db.models import Prefetch, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from amazon.load import Fate
from amazon.models import Settlement
from amazon.upload import import_file
from flows import planning, undo
from flows.api.base import IdFilter, Listed, actor_of
from flows.api.refusals import Refused, refusing
from flows.models import Flow, Plan
from flows.serializers import (
    CountSerializer,
    PlanDetailSerializer,
    PlanSerializer,
    SettlementDetailSerializer,
    SettlementSerializer,
    UploadedSerializer,
    UploadSerializer,
)
from tenants.api import caller
from tenants.models import Connection

HEAVY = ("statement", "pairings", "verdict", "flags")


def plans(*, whole: bool) -> QuerySet[Plan]:
    """Return plans with the proof's word; without their statement and comparisons unless they are shown ``whole``."""
    found = Plan.objects.select_related("flow__target", "flow__source", "settlement").annotate(
        proof_verdict=KeyTextTransform("verdict", "verdict")
    )
    return found if whole else found.defer(*HEAVY)


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
        return Settlement.objects.prefetch_related(Prefetch("plans", found))

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
        answer = {"settlement": found.settlement.pk, "fate": found.fate.name.lower(), "message": found.message}
        return Response(answer, status.HTTP_201_CREATED if found.fate is Fate.NEW else status.HTTP_200_OK)


class PlanFilter(FilterSet):
    flow = IdFilter("flow")
    settlement = IdFilter("settlement")
    state = filters.MultipleChoiceFilter(choices=Plan.State.choices)


class PlanViewSet(Listed):
    """What a settlement becomes in one company: planned, approved, posted, proved, undone."""

    serializer_class = PlanSerializer
    detail_serializer_class = PlanDetailSerializer
    filterset_class = PlanFilter
    queryset = Plan.objects.none()

    def get_queryset(self) -> QuerySet[Plan]:
        return plans(whole=self.action != "list")

    @extend_schema(request=None, responses=CountSerializer)
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: int) -> Response:
        """Let a planned settlement be posted. What is held stays held."""
        plan = self.get_object()
        if plan.flow.state != Flow.State.LIVE:
            raise Refused("The flow is not live.", "Let it go live, or resume it, first.")
        if plan.state != Plan.State.PLANNED:
            raise Refused("This settlement does not wait for approval.", f"It is: {plan.get_state_display().lower()}.")
        return Response({"documents": planning.approve(plan, actor_of(request))})

    @extend_schema(request=None, responses=CountSerializer)
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: int) -> Response:
        """Take a settlement out of the books, document by document; it can then be posted again."""
        plan = self.get_object()
        with refusing():
            return Response({"documents": undo.undo(plan, actor_of(request))})

    @extend_schema(request=None, responses={201: PlanDetailSerializer})
    @action(detail=True, methods=["post"])
    def repost(self, request: Request, pk: int) -> Response:
        """Plan an undone settlement again, in the flow's present mode and mapping. Then approve the new plan."""
        plan = self.get_object()
        if plan.state != Plan.State.UNDONE:
            raise Refused("This settlement is not undone.", "Undo it first.")
        again = Plan.objects.filter(flow=plan.flow, settlement=plan.settlement).exclude(state=Plan.State.UNDONE)
        if newer := again.first():
            raise Refused("This settlement is already planned again.", f"See plan {newer.pk}.")
        made = planning.plan_settlement(plan.flow, plan.settlement)
        return Response(PlanDetailSerializer(plans(whole=True).get(pk=made.pk)).data, status.HTTP_201_CREATED)

"""REST for plans: what a settlement becomes in one company, and what a person decides about it."""

from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from flows import differences, planning, reposting, undo
from flows.api.base import IdFilter, Listed, actor_of
from flows.api.refusals import Refused, refusing
from flows.models import Flow, Plan
from flows.plan_serializers import DifferenceSerializer, MoveSerializer, MovingSerializer
from flows.serializers import CountSerializer, ProblemSerializer
from flows.settlement_serializers import PlanDetailSerializer, PlanSerializer

HEAVY = ("statement", "pairings", "verdict", "flags")


def plans(*, whole: bool) -> QuerySet[Plan]:
    """Return plans with the proof's word; without their statement and comparisons unless they are shown ``whole``."""
    found = Plan.objects.select_related("flow__target", "flow__source", "settlement").annotate(
        proof_verdict=KeyTextTransform("verdict", "verdict")
    )
    return found if whole else found.defer(*HEAVY)


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

    @extend_schema(operation_id="plans_repost_preview", responses=DifferenceSerializer)
    @action(detail=True, methods=["get"])
    def repost(self, request: Request, pk: int) -> Response:
        """What posting a settlement anew would change: what is in the books beside what would be booked now.

        It would be posted in the flow's mode, with its mapping and Amazon's data as they are now. Nothing is changed by asking.
        """
        return Response(DifferenceSerializer(differences.difference(self.get_object())).data)

    @extend_schema(operation_id="plans_repost", request=None, responses=CountSerializer)
    @repost.mapping.post
    def repost_now(self, request: Request, pk: int) -> Response:
        """Take a settlement out of the books and post it anew, without a further approval.

        `documents` are those that are taken back first.
        """
        plan = self.get_object()
        with refusing():
            return Response({"documents": reposting.repost(plan, actor_of(request))})

    @extend_schema(
        operation_id="plans_remap_preview",
        parameters=[OpenApiParameter("first_open_on", date, description="Day of entries that replace closed ones.")],
        responses={200: MovingSerializer, 409: ProblemSerializer},
    )
    @action(detail=True, methods=["get"])
    def remap(self, request: Request, pk: int) -> Response:
        """What moving the accounts of a posted settlement to those mapped now would do. Nothing is changed by asking."""
        plan = self.get_object()
        with refusing():
            found = reposting.moves(plan, _first_open_on(request.query_params))
        return Response(MovingSerializer(differences.moving(plan, found)).data)

    @extend_schema(operation_id="plans_remap", request=MoveSerializer, responses=CountSerializer)
    @remap.mapping.post
    def remap_now(self, request: Request, pk: int) -> Response:
        """Move what the entries of a posted settlement booked to the accounts that are mapped now.

        Invoices, payments and the payout stay. An entry of a closed period is reversed and booked anew on a later day.
        """
        plan = self.get_object()
        with refusing():
            return Response({"documents": reposting.remap(plan, actor_of(request), _first_open_on(request.data))})

    @extend_schema(request=None, responses={201: PlanDetailSerializer})
    @action(detail=True, methods=["post"], url_path="plan-again")
    def plan_again(self, request: Request, pk: int) -> Response:
        """Plan an undone settlement again, in the flow's present mode and mapping. Then approve the new plan."""
        plan = self.get_object()
        if plan.state != Plan.State.UNDONE:
            raise Refused("This settlement is not undone.", "Undo it first.")
        again = Plan.objects.filter(flow=plan.flow, settlement=plan.settlement).exclude(state=Plan.State.UNDONE)
        if newer := again.first():
            raise Refused("This settlement is already planned again.", f"See plan {newer.pk}.")
        made = planning.plan_settlement(plan.flow, plan.settlement)
        return Response(PlanDetailSerializer(plans(whole=True).get(pk=made.pk)).data, status.HTTP_201_CREATED)


def _first_open_on(sent: Any) -> date | None:
    asked = MoveSerializer(data=sent)
    asked.is_valid(raise_exception=True)
    day: date | None = asked.validated_data["first_open_on"]
    return day

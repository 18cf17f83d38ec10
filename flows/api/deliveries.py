"""REST for the outbox: every document with its state, its reason and its attempts, and replay."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from flows import answering, closing, replay, selectors
from flows.api.base import IdFilter, Listed, actor_of
from flows.api.refusals import refusing
from flows.delivery_serializers import (
    KINDS,
    DeliveryDetailSerializer,
    DeliverySerializer,
    FoundSerializer,
    ManySerializer,
    ReplayedSerializer,
)
from flows.models import Attempt, Delivery, Outcome
from flows.plan_serializers import PaperSerializer
from flows.readable import Names, papers
from flows.rows import chunked
from flows.serializers import CountSerializer, ProblemSerializer
from tenants.api import caller


class DeliveryFilter(FilterSet):
    state = filters.MultipleChoiceFilter(choices=Delivery.State.choices)
    flow = IdFilter("flow")
    plan = IdFilter("plan")
    settlement = IdFilter("plan__settlement")
    kind = filters.MultipleChoiceFilter(choices=KINDS)
    code = filters.CharFilter(help_text="Stable name of the reason.")
    order_id = filters.CharFilter()
    number = filters.CharFilter()
    external_id = filters.CharFilter(help_text="The ledger's own id.")
    on_from = filters.DateFilter(field_name="on", lookup_expr="gte")
    on_to = filters.DateFilter(field_name="on", lookup_expr="lte")


class DeliveryViewSet(Listed):
    """One document for one ledger: its state, the reason for it and what to do."""

    serializer_class = DeliverySerializer
    detail_serializer_class = DeliveryDetailSerializer
    filterset_class = DeliveryFilter
    queryset = Delivery.objects.none()

    def get_queryset(self) -> QuerySet[Delivery]:
        if self.action != "retrieve":
            return Delivery.objects.defer("document", "bindings", "answered_lines")
        attempts = Attempt.objects.defer("sealed_call").order_by("sent_at", "id")
        outcomes = Prefetch("outcomes", Outcome.objects.order_by("at", "id"))
        return Delivery.objects.prefetch_related(
            "dependencies", Prefetch("attempts", attempts.prefetch_related(outcomes))
        )

    def paginate_queryset(self, queryset: Any) -> Any:
        return selectors.name_undos(super().paginate_queryset(queryset) or ())

    def get_object(self) -> Delivery:
        [row] = selectors.name_undos([super().get_object()])
        return row

    @extend_schema(request=None, responses=ReplayedSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: int) -> Response:
        """Send a failed, parked or held document again. What its plan held is planned again first."""
        return self._replay(request, [self.get_object().pk])

    @extend_schema(operation_id="deliveries_replay_many", request=ManySerializer, responses=ReplayedSerializer)
    @action(detail=False, methods=["post"], url_path="replay")
    def replay_many(self, request: Request) -> Response:
        """Send many documents again. Those that need no replay stay as they are."""
        asked = ManySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ids = sorted(set(asked.validated_data["ids"]))
        known = sum(Delivery.objects.filter(pk__in=some).count() for some in chunked(ids))
        if known < len(ids):
            raise NotFound
        return self._replay(request, ids)

    @extend_schema(
        operation_id="deliveries_close_out_preview", responses={200: PaperSerializer(many=True), 409: ProblemSerializer}
    )
    @action(detail=True, methods=["get"], url_path="close-out", pagination_class=None, filter_backends=[])
    def close_out(self, request: Request, pk: int) -> Response:
        """What would close an invoice whose order never settles. Nothing is changed by asking."""
        row = self.get_object()
        with refusing():
            found = closing.preview(row)
        return Response(PaperSerializer(papers(found, Names(row.flow.target, [row, *found])), many=True).data)

    @extend_schema(operation_id="deliveries_close_out", request=None, responses=CountSerializer)
    @close_out.mapping.post
    def close_out_now(self, request: Request, pk: int) -> Response:
        """Close an invoice whose order never settles: its open balance goes back out of income, through clearing.

        Rows of the order that come later start a new invoice.
        """
        row = self.get_object()
        with refusing():
            return Response({"documents": closing.close_out(row, actor_of(request))})

    @extend_schema(request=FoundSerializer, responses={200: DeliveryDetailSerializer, 409: ProblemSerializer})
    @action(detail=True, methods=["post"], url_path="in-the-books")
    def in_the_books(self, request: Request, pk: int) -> Response:
        """Say that a document of which nobody can tell (`code` is `cannot_tell`) is in the books.

        Only where the ledger shows no single documents and its balances do not tell; else a replay asks the ledger.
        """
        row = self.get_object()
        asked = FoundSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with refusing():
            answering.in_the_books(row, actor_of(request), **asked.validated_data)
        return self._detail()

    @extend_schema(request=None, responses={200: DeliveryDetailSerializer, 409: ProblemSerializer})
    @action(detail=True, methods=["post"], url_path="not-there")
    def not_there(self, request: Request, pk: int) -> Response:
        """Say that a document of which nobody can tell is not in the books: the same bytes go out again."""
        with refusing():
            answering.not_there(self.get_object(), actor_of(request))
        return self._detail()

    def _detail(self) -> Response:
        return Response(DeliveryDetailSerializer(self.get_object()).data)

    def _replay(self, request: Request, ids: Sequence[int]) -> Response:
        done = replay.replay(caller(request).tenant_id, ids, actor_of(request))
        return Response({"sent": done.sent, "kept": done.kept})

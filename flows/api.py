"""REST for flows, settlements, deliveries and mapping. Every action calls the function its page calls."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from amazon.flat_errors import BadSettlementFile
from amazon.models import Order, Settlement
from amazon.upload import WhichSeller, import_file
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.facts import Label
from flows import planning, replay, rules, schedule, setup, undo
from flows.models import Delivery, Flow, Plan, Run
from flows.serializers import (
    AccountRuleSerializer,
    ChoiceSerializer,
    CountSerializer,
    DeliveryDetailSerializer,
    DeliverySerializer,
    FlowSerializer,
    LabelRuleSerializer,
    ManySerializer,
    OrderSerializer,
    PlanSerializer,
    ProblemSerializer,
    ReplayedSerializer,
    RunSerializer,
    SettlementSerializer,
    UploadedSerializer,
    UploadSerializer,
)
from ledgers.port import Binding


def _actor(request: Request) -> str:
    return str(request.auth.actor)


def _refused(text: str, todo: str = "", **more: object) -> Response:
    return Response({"detail": text, "action": todo, **more}, status.HTTP_409_CONFLICT)


class FlowViewSet(viewsets.ReadOnlyModelViewSet[Flow]):
    """One seller account and currency into one ledger company."""

    serializer_class = FlowSerializer
    filterset_fields = ("state", "mode", "currency")

    def get_queryset(self) -> QuerySet[Flow]:
        return Flow.objects.select_related("source", "target")

    @extend_schema(request=None, responses={202: FlowSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        """Fetch and plan now instead of at the next scheduled time."""
        flow = self.get_object()
        schedule.run_now(flow)
        flow.refresh_from_db()
        return Response(self.get_serializer(flow).data, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: FlowSerializer, 409: ProblemSerializer})
    @action(detail=True, methods=["post"], url_path="go-live")
    def go_live(self, request: Request, pk: str) -> Response:
        """Start the schedule. Refused with everything that is in the way."""
        flow = self.get_object()
        try:
            setup.go_live(flow, _actor(request))
        except setup.NotReady as error:
            return _refused(str(error))
        return Response(self.get_serializer(flow).data)

    @extend_schema(request=None, responses=FlowSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Stop the schedule and the sending; what is on its way is finished."""
        flow = self.get_object()
        setup.pause(flow, _actor(request))
        flow.refresh_from_db()
        return Response(self.get_serializer(flow).data)

    @extend_schema(responses=ChoiceSerializer(many=True))
    @action(detail=True, pagination_class=None)
    def mapping(self, request: Request, pk: str) -> Response:
        """The account of every key, what is suggested for it and why; unmapped keys that rows need come first."""
        return Response(ChoiceSerializer(setup.choices(self.get_object()), many=True).data)

    @extend_schema(request=AccountRuleSerializer, responses={200: ChoiceSerializer(many=True), 409: ProblemSerializer})
    @action(detail=True, methods=["post"], url_path="mapping/accounts", pagination_class=None)
    def map_account(self, request: Request, pk: str) -> Response:
        """Map an account key, or with a condition (SKU, product group, marketplace) part of it. Held work is planned again at once."""
        flow = self.get_object()
        asked = AccountRuleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        key, target = AccountKey(values.pop("key")), Binding(**values.pop("target"))
        try:
            if any(values[name] for name in ("sku", "product_group", "marketplace")):
                rules.save_split(flow, key, target, _actor(request), **values)
            else:
                rules.save_accounts(flow, {key: target}, _actor(request), {})
        except rules.BadMapping as error:
            return _refused(str(error))
        return Response(ChoiceSerializer(setup.choices(flow), many=True).data)

    @extend_schema(request=LabelRuleSerializer, responses={200: FlowSerializer, 409: ProblemSerializer})
    @action(detail=True, methods=["post"], url_path="mapping/labels")
    def map_label(self, request: Request, pk: str) -> Response:
        """Say what a label of Amazon's means. What it held is planned again at once."""
        flow = self.get_object()
        asked = LabelRuleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        label = Label(values["transaction_type"], values["amount_type"], values["amount_description"])
        rules.save_label(flow, label, Category(values["category"]), _actor(request), values["effective_from"])
        return Response(self.get_serializer(flow).data)


class RunViewSet(viewsets.ReadOnlyModelViewSet[Run]):
    serializer_class = RunSerializer
    filterset_fields = ("flow", "state")

    def get_queryset(self) -> QuerySet[Run]:
        return Run.objects.all()


class SettlementViewSet(viewsets.ReadOnlyModelViewSet[Settlement]):
    """Settlements with their plans and proofs."""

    serializer_class = SettlementSerializer
    filterset_fields = ("currency", "settlement_id", "seller_id")

    def get_queryset(self) -> QuerySet[Settlement]:
        return Settlement.objects.prefetch_related("plans__flow__target")

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={201: UploadedSerializer, 409: ProblemSerializer},
    )
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    def upload(self, request: Request) -> Response:
        """Bring in a settlement file. It is refused with the line and what to do where anything about it is not right."""
        asked = UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file = asked.validated_data["file"]
        try:
            found = import_file(
                request.auth.tenant_id,
                file.chunks(),
                file.name,
                _actor(request),
                connection_id=asked.validated_data["connection"],
            )
        except BadSettlementFile as error:
            return _refused(error.problem, error.action, line=error.line)
        except WhichSeller as error:
            return _refused(str(error), "Pass the id of the connection.")
        planning.plan_uploaded(found.settlement)
        return Response({"settlement": found.settlement.pk, "message": found.message}, status.HTTP_201_CREATED)


class PlanViewSet(viewsets.ReadOnlyModelViewSet[Plan]):
    """What a settlement becomes in one company."""

    serializer_class = PlanSerializer
    filterset_fields = ("flow", "state", "settlement")

    def get_queryset(self) -> QuerySet[Plan]:
        return Plan.objects.select_related("flow__target", "flow__source", "settlement")

    @extend_schema(request=None, responses={200: CountSerializer, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Let a planned settlement be posted."""
        plan = self.get_object()
        if plan.state == Plan.State.PLANNED and plan.flow.state != Flow.State.LIVE:
            return _refused("The flow is not live.", "Let the flow go live first.")
        return Response({"documents": planning.approve(plan, _actor(request))})

    @extend_schema(request=None, responses={200: CountSerializer, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Take a settlement out of the books; it can then be posted again."""
        try:
            return Response({"documents": undo.undo(self.get_object(), _actor(request))})
        except undo.CannotUndo as error:
            return _refused(error.text, error.action)

    @extend_schema(request=None, responses={201: PlanSerializer, 409: ProblemSerializer})
    @action(detail=True, methods=["post"])
    def repost(self, request: Request, pk: str) -> Response:
        """Plan an undone settlement again, in the flow's present mode and mapping."""
        plan = self.get_object()
        if plan.state != Plan.State.UNDONE:
            return _refused("This settlement is not undone.", "Undo it first.")
        new = planning.plan_settlement(plan.flow, plan.settlement)
        return Response(self.get_serializer(new).data, status.HTTP_201_CREATED)


class DeliveryFilter(filters.FilterSet):
    state = filters.MultipleChoiceFilter(choices=Delivery.State.choices)

    class Meta:
        model = Delivery
        fields = ("flow", "plan", "kind", "order_id", "number", "state")


class DeliveryViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Delivery]):
    """Every document, with its state, reason and attempts."""

    filterset_class = DeliveryFilter
    serializer_classes: ClassVar[dict[str, Any]] = {"retrieve": DeliveryDetailSerializer}

    def get_serializer_class(self) -> Any:
        return self.serializer_classes.get(self.action, DeliverySerializer)

    def get_queryset(self) -> QuerySet[Delivery]:
        rows = Delivery.objects.all()
        return rows.prefetch_related("attempts__outcomes") if self.action == "retrieve" else rows

    @extend_schema(request=None, responses=ReplayedSerializer)
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, pk: str) -> Response:
        """Send a failed, parked or held document again."""
        return self._replay(request, [self.get_object().pk])

    @extend_schema(request=ManySerializer, responses=ReplayedSerializer)
    @action(detail=False, methods=["post"], url_path="replay")
    def replay_many(self, request: Request) -> Response:
        """Send many documents again; ids that are not yours or need no replay are left out."""
        asked = ManySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._replay(request, asked.validated_data["ids"])

    def _replay(self, request: Request, ids: list[int]) -> Response:
        done = replay.replay(request.auth.tenant_id, ids, _actor(request))
        return Response({"sent": done.sent, "kept": done.kept})


class OrderViewSet(viewsets.ReadOnlyModelViewSet[Order]):
    serializer_class = OrderSerializer
    filterset_fields = ("order_id", "status", "marketplace")

    def get_queryset(self) -> QuerySet[Order]:
        return Order.objects.all()

"""REST for flows and their runs. Every action calls the function its page calls."""

from django.db.models import QuerySet
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from flows import creation, onboarding, opening, readback, schedule, setup
from flows.api.base import IdFilter, Listed, actor_of
from flows.api.refusals import BadRequest, Refused, refusing
from flows.drafts import matters_in_summary
from flows.flow_serializers import (
    FlowSerializer,
    FlowSettingsSerializer,
    LayoutSerializer,
    NewFlowSerializer,
    OpeningSerializer,
    RunSerializer,
)
from flows.models import Flow, Run
from flows.serializers import ProblemSerializer
from ledgers.registry import layouts_of
from tenants.api import caller
from tenants.models import Access, Connection
from tenants.providers import ProviderKind

UNREACHABLE = {503: ProblemSerializer}


class FlowFilter(FilterSet):
    state = filters.MultipleChoiceFilter(choices=Flow.State.choices)
    mode = filters.ChoiceFilter(choices=Flow.Mode.choices)
    currency = filters.CharFilter()


class FlowViewSet(Listed):
    """One seller account and currency into one ledger company."""

    serializer_class = FlowSerializer
    filterset_class = FlowFilter
    queryset = Flow.objects.none()

    def get_queryset(self) -> QuerySet[Flow]:
        return Flow.objects.select_related("source", "target__read_back")

    @extend_schema(request=NewFlowSerializer, responses={201: FlowSerializer})
    def create(self, request: Request) -> Response:
        """Create a flow in set-up.

        It fetches and plans once, so that the dry run can be looked at; it posts nothing before it goes live.
        """
        asked = NewFlowSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        values["target"] = _connection(values["target"], ProviderKind.LEDGER)
        if values["source"] is not None:
            values["source"] = _connection(values["source"], ProviderKind.SOURCE)
        with refusing():
            flow = creation.create(caller(request).tenant_id, actor_of(request), values)
        return Response(FlowSerializer(flow).data, status.HTTP_201_CREATED)

    @extend_schema(request=FlowSettingsSerializer, responses=FlowSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change settings; what they make different is planned again.

        A new mode or trigger counts for what is booked later: what is carried stays carried.
        """
        flow = self.get_object()
        asked = FlowSettingsSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        mode, trigger = values.get("mode", flow.mode), values.pop("trigger", flow.trigger)
        switch = trigger != flow.trigger or (mode != flow.mode and flow.state != Flow.State.SETUP)
        if switch:
            values.pop("mode", None)
        with refusing():
            creation.change(flow, actor_of(request), values)
            if switch:
                setup.switch_mode(flow, mode, trigger, actor_of(request))
        return self._flow(flow)

    @extend_schema(responses=OpeningSerializer)
    @action(detail=True, methods=["get"])
    def opening(self, request: Request, pk: int) -> Response:
        """How the books begin: the figures, what the first settlement tells about them, and the opening entry."""
        flow = self.get_object()
        told = opening.told(flow)
        missing = told is not None and not opening.stated(flow)
        found = {"flow": flow, "told": told, "missing": missing, "entry": opening.entry(flow)}
        return Response(OpeningSerializer(found).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Discard a flow that never posted anything. Its mapping and plans are removed; settlements stay."""
        flow = self.get_object()
        with refusing():
            creation.discard(flow, actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=LayoutSerializer(many=True))
    @action(detail=True, methods=["get"], pagination_class=None, filter_backends=[])
    def layouts(self, request: Request, pk: int) -> Response:
        """The ways in which the flow's documents may be cut in its ledger; the first is taken unless one is chosen."""
        found = layouts_of(self.get_object().target)
        serializer = LayoutSerializer(found, many=True, context={"in_summary": matters_in_summary(found)})
        return Response(serializer.data)

    @extend_schema(request=None, responses={202: FlowSerializer})
    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: int) -> Response:
        """Fetch and plan now instead of at the next scheduled time."""
        flow = self.get_object()
        if flow.state == Flow.State.PAUSED:
            raise Refused("The flow is paused.", "Resume it first.")
        schedule.run_now(flow, actor_of(request))
        return self._flow(flow, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={202: FlowSerializer})
    @action(detail=True, methods=["post"], url_path="check-books")
    def check_books(self, request: Request, pk: int) -> Response:
        """Have the company asked now, instead of once a day, what was changed there since posting.

        `books_compared_at` says when that was done; what somebody changed then shows in the proofs and raises an alert.
        """
        flow = self.get_object()
        if flow.target.state != Access.ACTIVE:
            raise Refused("The company cannot be read.", "Connect it again, then ask once more.")
        readback.ask(flow.target, actor_of(request))
        return self._flow(flow, status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={200: FlowSerializer, **UNREACHABLE})
    @action(detail=True, methods=["post"], url_path="go-live")
    def go_live(self, request: Request, pk: int) -> Response:
        """Start the schedule. Refused with everything that is in the way."""
        flow = self.get_object()
        with refusing():
            setup.go_live(flow, actor_of(request))
        return self._flow(flow)

    @extend_schema(request=None, responses=FlowSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: int) -> Response:
        """Stop the schedule and the sending; what is on its way is finished."""
        flow = self.get_object()
        if flow.state == Flow.State.SETUP:
            raise Refused("The flow is not live.", "There is nothing to pause.")
        setup.pause(flow, actor_of(request))
        return self._flow(flow)

    @extend_schema(request=None, responses={200: FlowSerializer, **UNREACHABLE})
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: int) -> Response:
        """Go on after a pause. Refused with everything that is in the way."""
        flow = self.get_object()
        if flow.state == Flow.State.SETUP:
            raise Refused("The flow was never live.", "Let it go live first.")
        with refusing():
            setup.resume(flow, actor_of(request))
        return self._flow(flow)

    def _flow(self, flow: Flow, code: int = status.HTTP_200_OK) -> Response:
        flow.refresh_from_db()
        return Response(FlowSerializer(flow).data, code)


class RunFilter(FilterSet):
    flow = IdFilter("flow")
    state = filters.MultipleChoiceFilter(choices=Run.State.choices)


class RunViewSet(Listed):
    """One execution of a flow: what it fetched, planned and met."""

    serializer_class = RunSerializer
    filterset_class = RunFilter
    queryset = Run.objects.none()

    def get_queryset(self) -> QuerySet[Run]:
        return Run.objects.all()


def _connection(pk: int, kind: ProviderKind) -> Connection:
    """Return a connection of the tenant that works. One that is not the tenant's is not there at all."""
    found = Connection.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound
    if found not in onboarding.connected(kind):
        words = "seller account" if kind is ProviderKind.SOURCE else "ledger company"
        raise BadRequest(f"{found} is no connected {words}.", f"Send the id of a connected {words}.")
    return found

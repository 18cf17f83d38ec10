"""REST for the trail: what happened to a record, and the whole chain for others to verify."""

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit import trail
from audit.models import ChainHead, Event
from tenants.api import caller

LINES = "application/x-ndjson"


class EventSerializer(serializers.ModelSerializer[Event]):
    """One thing that happened. `hash` covers it and the event before it, so that nothing can be changed unseen."""

    class Meta:
        model = Event
        fields = ("seq", "at", "kind", "subject", "actor", "data", "prev_hash", "hash")
        read_only_fields = fields


class TrailProblemSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField(help_text="The event at which it does not fit.")
    text = serializers.CharField()


class VerifiedSerializer(serializers.Serializer[Any]):
    """Whether the chain is whole, and where it ends."""

    whole = serializers.BooleanField()
    seq = serializers.IntegerField(help_text="Of the last event.")
    hash = serializers.CharField(help_text="Of the last event.")
    problems = TrailProblemSerializer(many=True)


class EventFilter(FilterSet):
    subject = filters.CharFilter(help_text="For example delivery:123, plan:45, flow:6.")
    kind = filters.CharFilter(help_text="For example delivery.posted.")
    actor = filters.CharFilter(help_text="user:<id>, key:<id>; system events have none.")
    at_from = filters.DateFilter(field_name="at", lookup_expr="date__gte")
    at_to = filters.DateFilter(field_name="at", lookup_expr="date__lte")


class Lines(BaseRenderer):
    """Lets a caller ask for JSON lines; the events are streamed, not rendered."""

    media_type = LINES
    format = "ndjson"


class EventViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Event]):
    """What happened, oldest first. `subject` gives the whole way of one record."""

    serializer_class = EventSerializer
    filterset_class = EventFilter
    queryset = Event.objects.none()
    ordering = "seq"

    def get_queryset(self) -> QuerySet[Event]:
        return Event.objects.all()

    @extend_schema(responses=VerifiedSerializer, filters=False)
    @action(detail=False, methods=["get"], pagination_class=None)
    def verify(self, request: Request) -> Response:
        """Walk the whole chain and say what does not fit.

        Without problems it is whole up to `seq`. That nothing was taken off its end, or written anew, only a digest shows
        that was kept elsewhere: compare it with `hash`.
        """
        tenant_id = caller(request).tenant_id
        problems = trail.verify(tenant_id)
        head = ChainHead.objects.filter(pk=f"tenant:{tenant_id}").first()
        found = {
            "whole": not problems,
            "seq": head.seq if head else 0,
            "hash": head.hash if head else "",
            "problems": [{"seq": one.seq, "text": one.text} for one in problems],
        }
        return Response(VerifiedSerializer(found).data)

    @extend_schema(
        responses={(200, LINES): OpenApiResponse(str, "One event a line, oldest first, with the digests.")},
        filters=False,
    )
    @action(detail=False, methods=["get"], pagination_class=None, renderer_classes=[JSONRenderer, Lines])
    def export(self, request: Request) -> StreamingHttpResponse:
        """The whole chain as JSON lines, for others to keep and verify."""
        tenant_id = caller(request).tenant_id
        chain = trail.export(tenant_id)
        name = f"trail-{tenant_id}.ndjson"
        return StreamingHttpResponse(
            (f"{line}\n" for line in chain),
            content_type=LINES,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

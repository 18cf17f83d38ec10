"""REST for the order history of a seller account."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from amazon import backfill
from amazon.history_progress import progress
from amazon.history_views import SLUG, begun, start
from amazon.models import BackfillWindow
from tenants.api import caller
from tenants.models import Connection


class UnreadSerializer(serializers.ModelSerializer[BackfillWindow]):
    """A month that could not be read: why, in Amazon's words where it gave any, and what to do."""

    class Meta:
        model = BackfillWindow
        fields = ("starts_at", "ends_at", "report_id", "tries", "problem", "action")
        read_only_fields = fields


class HistorySerializer(serializers.Serializer[Any]):
    """How far the orders of a seller account are read. `state` is empty where nobody began."""

    state = serializers.CharField(help_text="running, paused, done, or empty")
    since = serializers.DateTimeField(allow_null=True, help_text="Orders placed from here on are in it.")
    begun_at = serializers.DateTimeField(allow_null=True, help_text="What changed later comes order by order.")
    finished_at = serializers.DateTimeField(allow_null=True)
    skipped_before = serializers.DateTimeField(
        allow_null=True, help_text="Older orders were wished for, and Amazon gives two years."
    )
    windows = serializers.IntegerField(help_text="Reports it takes, one for 30 days.")
    read = serializers.IntegerField(help_text="Of these.")
    empty = serializers.IntegerField(help_text="Read, and without an order.")
    orders = serializers.IntegerField()
    seconds_left = serializers.IntegerField(allow_null=True, help_text="A forecast, while it is running.")
    problem = serializers.CharField(help_text="Why nothing goes on at the moment; empty: nothing hinders it.")
    unread = UnreadSerializer(many=True)


class HistoryViewSet(viewsets.GenericViewSet[Connection]):
    """The orders of a seller account from before it was connected, read by bulk reports."""

    serializer_class = HistorySerializer
    queryset = Connection.objects.none()

    def get_queryset(self) -> QuerySet[Connection]:
        return Connection.objects.filter(provider=SLUG).select_related("grant")

    @extend_schema(operation_id="connections_order_history", responses=HistorySerializer)
    @action(detail=True, methods=["get"], url_path="order-history")
    def order_history(self, request: Request, pk: int) -> Response:
        """How far it is."""
        return self._answer()

    @extend_schema(request=None, responses=HistorySerializer)
    @action(detail=True, methods=["post"], url_path="order-history/start")
    def start(self, request: Request, pk: int) -> Response:
        """Read as far back as Amazon gives, in the background; or have a paused history go on."""
        start(self.get_object(), caller(request).actor)
        return self._answer()

    @extend_schema(request=None, responses=HistorySerializer)
    @action(detail=True, methods=["post"], url_path="order-history/pause")
    def pause(self, request: Request, pk: int) -> Response:
        """Ask Amazon for nothing more until it is started again. What was read stays."""
        if (found := begun(self.get_object())) is not None:
            backfill.pause(found, caller(request).actor)
        return self._answer()

    @extend_schema(request=None, responses=HistorySerializer)
    @action(detail=True, methods=["post"], url_path="order-history/try-again")
    def try_again(self, request: Request, pk: int) -> Response:
        """Ask anew for every month that could not be read."""
        if (found := begun(self.get_object())) is not None:
            backfill.try_again(found, caller(request).actor)
        return self._answer()

    def _answer(self) -> Response:
        return Response(HistorySerializer(progress(self.get_object())).data)

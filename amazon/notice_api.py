"""REST for a seller's notifications: whether they arrive, on and off, and the forwarder's secret."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from amazon import notice_endpoints, notice_health, subscriptions
from amazon.connect import SLUG
from amazon.models import Subscription
from tenants.api import caller
from tenants.models import Connection


class Refused(APIException):
    """Nothing was changed; ``action`` says what to do."""

    status_code = status.HTTP_409_CONFLICT
    default_code = "refused"

    def __init__(self, error: subscriptions.SetUpFailed) -> None:
        super().__init__(error.text)
        self.action = error.action


class NotificationLineSerializer(serializers.Serializer[Any]):
    """One type of notification. `problem` says why Amazon does not send it, `warning` why one should have come and did not."""

    kind = serializers.CharField()
    subscribed = serializers.BooleanField()
    problem = serializers.CharField()
    last_at = serializers.DateTimeField(allow_null=True)
    today = serializers.IntegerField(help_text="Within the last 24 hours.")
    warning = serializers.CharField()


class NotificationsSerializer(serializers.Serializer[Any]):
    """Whether notifications of a seller arrive. `strangers` counts those of the last day about sellers that are not connected."""

    on = serializers.BooleanField()
    health = serializers.ChoiceField(choices=["off", "waiting", "passed", "warning", "failed"], source="state")
    way = serializers.ChoiceField(
        choices=Subscription.Way.choices, allow_null=True, source="subscription.way", default=None
    )
    queue_arn = serializers.CharField(allow_null=True, source="subscription.queue_arn", default=None)
    lines = NotificationLineSerializer(many=True)
    refused = serializers.CharField(
        help_text="Why a forwarder was turned away since the last notification; empty: none was."
    )
    strangers = serializers.DictField(child=serializers.IntegerField())
    address = serializers.SerializerMethodField(help_text="Where a forwarder posts to; empty: it was not made yet.")

    def get_address(self, found: notice_health.Health) -> str:
        return notice_endpoints.url_of(found.endpoint) if found.endpoint else ""


class TurnOnSerializer(serializers.Serializer[Any]):
    """`way` is `queue` where Tieout reads the queue itself, and `queue_arn` is not needed then."""

    way = serializers.ChoiceField(choices=Subscription.Way.choices)
    queue_arn = serializers.CharField(required=False, default="", max_length=1000)


class ForwarderSerializer(serializers.Serializer[Any]):
    """The address of the company's forwarder and what it proves itself with, which is shown this once."""

    address = serializers.CharField()
    shown_once = serializers.CharField(
        help_text="Send it in X-Tieout-Key, or sign with it. The one before works for a week."
    )
    earlier_until = serializers.DateTimeField(allow_null=True)


class NotificationViewSet(viewsets.GenericViewSet[Connection]):
    """Notifications of a seller."""

    tag = "connections"
    queryset = Connection.objects.none()
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Connection]:
        return Connection.objects.filter(provider=SLUG).select_related("grant")

    @extend_schema(responses=NotificationsSerializer)
    @action(detail=True, methods=["get"])
    def notifications(self, request: Request, pk: int) -> Response:
        """Whether notifications of a seller arrive.

        They only say where to look: what does not arrive is polled.
        """
        return _told(self.get_object())

    @extend_schema(request=TurnOnSerializer, responses=NotificationsSerializer)
    @action(detail=True, methods=["post"], url_path="notifications/on")
    def turn_on(self, request: Request, pk: int) -> Response:
        """Turn notifications on: make the destination at Amazon, and subscribe the seller.

        Doing it again mends what is missing. A type that Amazon does not subscribe to stands among `lines` with its `problem`.
        """
        connection, wanted = self.get_object(), TurnOnSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        way, arn = wanted.validated_data["way"], wanted.validated_data["queue_arn"]
        arn = arn or (notice_health.own_queue(connection) if way == Subscription.Way.QUEUE else "")
        try:
            subscriptions.turn_on(connection, way, arn, caller(request).actor)
        except subscriptions.SetUpFailed as error:
            raise Refused(error) from None
        return _told(connection)

    @extend_schema(request=None, responses=NotificationsSerializer)
    @action(detail=True, methods=["post"], url_path="notifications/off")
    def turn_off(self, request: Request, pk: int) -> Response:
        """Turn notifications off."""
        connection = self.get_object()
        try:
            subscriptions.turn_off(connection, caller(request).actor)
        except subscriptions.SetUpFailed as error:
            raise Refused(error) from None
        return _told(connection)

    @extend_schema(request=None, responses=ForwarderSerializer)
    # No POST: its answer would be kept for whoever sends the same key again, and this one must not be kept.
    @action(detail=True, methods=["put"], url_path="notifications/forwarder")
    def forwarder(self, request: Request, pk: int) -> Response:
        """Make the address of the company's forwarder, or give it something new to prove itself with.

        One address serves all sellers of the company. Each call makes another one; what was good before the last is not any more.
        """
        connection = self.get_object()
        endpoint, shown_once = notice_endpoints.new_secret(connection.tenant_id, caller(request).actor)
        told = {
            "address": notice_endpoints.url_of(endpoint),
            "shown_once": shown_once,
            "earlier_until": endpoint.earlier_until,
        }
        return Response(ForwarderSerializer(told).data)


def _told(connection: Connection) -> Response:
    return Response(NotificationsSerializer(notice_health.health(connection)).data)

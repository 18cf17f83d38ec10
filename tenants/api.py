"""REST for what belongs to the tenant itself: the key that asks, its connections (never a secret), its alerts."""

from typing import Any

from django.db.models import QuerySet
from django_filters import filters
from django_filters.rest_framework import filters as rest_filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tenants import company, sharing
from tenants.models import Access, Alert, ApiKey, Connection, Quota
from tenants.providers import ProviderKind, provider


def caller(request: Request) -> ApiKey:
    """Return the API key that asks: no view is reached without one."""
    key = request.auth
    assert isinstance(key, ApiKey)
    return key


class KeySerializer(serializers.Serializer[Any]):
    """The key that asks, and the company it opens."""

    name = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiKey.Scope.choices))
    tenant = serializers.IntegerField(source="tenant_id")
    tenant_name = serializers.CharField(source="tenant.name")


class KeyView(APIView):
    tag = "key"

    @extend_schema(responses=KeySerializer)
    def get(self, request: Request) -> Response:
        """Which company this key opens, and what it may do."""
        return Response(KeySerializer(caller(request)).data)


class CheckSerializer(serializers.Serializer[Any]):
    """One step of the last *Test connection*."""

    name = serializers.CharField()
    verdict = serializers.CharField(help_text="passed, failed, warning or skipped")
    detail = serializers.CharField()
    action = serializers.CharField()
    blocks = serializers.CharField(help_text="The mode it forbids, or posting; empty: nothing.")


class QuotaSerializer(serializers.ModelSerializer[Quota]):
    """The calls a provider lets be made to a company in a day, by anybody, as of `seen_at`. They count anew at `resets_at`."""

    class Meta:
        model = Quota
        fields = ("daily_limit", "remaining", "resets_at", "seen_at")
        read_only_fields = fields


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    """One authorised account on one system. `consent_ends_at` is when only a new consent helps."""

    kind = serializers.SerializerMethodField()
    checks = CheckSerializer(many=True, read_only=True)
    shared = serializers.BooleanField(
        read_only=True,
        help_text="Books that are also connected from another Tieout account: both could post the same settlement.",
    )
    quota = QuotaSerializer(
        read_only=True, allow_null=True, help_text="Null where the provider says nothing of its daily limit."
    )
    consented_at = serializers.DateTimeField(source="grant.consented_at", read_only=True)
    consent_ends_at = serializers.DateTimeField(source="grant.hard_expires_at", allow_null=True, read_only=True)

    class Meta:
        model = Connection
        fields = (
            "id",
            "provider",
            "kind",
            "environment",
            "remote_id",
            "remote_name",
            "state",
            "shared",
            "quota",
            "consented_at",
            "consent_ends_at",
            "checks",
            "last_checked_at",
            "created_at",
        )
        read_only_fields = fields

    def get_kind(self, connection: Connection) -> ProviderKind:
        return provider(connection.provider).kind


class ConnectionFilter(FilterSet):
    provider = filters.CharFilter()
    state = filters.ChoiceFilter(choices=Access.choices)


class ConnectionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Connection]):
    """One authorised account on one system. Connecting and disconnecting is done by a person, in the browser."""

    serializer_class = ConnectionSerializer
    filterset_class = ConnectionFilter
    queryset = Connection.objects.none()

    def get_queryset(self) -> QuerySet[Connection]:
        return sharing.with_shared(Connection.objects.select_related("grant", "quota"))


class AlertSerializer(serializers.ModelSerializer[Alert]):
    """Something a person must look at, and what to do. `url` is a path of the site."""

    class Meta:
        model = Alert
        fields = ("id", "kind", "title", "text", "action", "url", "raised_at", "settled_at")
        read_only_fields = fields


class AlertFilter(FilterSet):
    open = rest_filters.BooleanFilter(field_name="settled_at", lookup_expr="isnull")
    kind = filters.CharFilter()


class AlertViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Alert]):
    """Something a person must look at, and what to do."""

    serializer_class = AlertSerializer
    filterset_class = AlertFilter
    queryset = Alert.objects.none()

    def get_queryset(self) -> QuerySet[Alert]:
        return Alert.objects.all()

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def settle(self, request: Request, pk: int) -> Response:
        """Settle an alert by hand. It is raised anew if its cause is still there."""
        alert = self.get_object()
        company.settle(alert, caller(request))
        alert.refresh_from_db()
        return Response(AlertSerializer(alert).data)

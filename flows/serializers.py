"""Flows, plans, deliveries and mapping as JSON. Amounts are integer minor units of the currency beside them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from amazon.models import Order, Settlement
from bookkeeping.accounts import AccountKey, Category
from flows.models import Attempt, Delivery, Flow, Outcome, Plan, Run


class FlowSerializer(serializers.ModelSerializer[Flow]):
    source = serializers.CharField(source="source.remote_name", default="", read_only=True)
    target = serializers.CharField(source="target.remote_name", read_only=True)
    ledger = serializers.CharField(source="target.provider", read_only=True)

    class Meta:
        model = Flow
        fields = (
            "id",
            "name",
            "source",
            "target",
            "ledger",
            "account_type",
            "currency",
            "mode",
            "trigger",
            "layout",
            "approval",
            "state",
            "books_from",
            "orders_every_min",
            "settlements_every_min",
            "mapping_version",
            "next_run_at",
        )
        read_only_fields = fields


class RunSerializer(serializers.ModelSerializer[Run]):
    class Meta:
        model = Run
        fields = ("id", "flow", "state", "started_at", "finished_at", "step", "found", "problem", "action")
        read_only_fields = fields


class PlanSerializer(serializers.ModelSerializer[Plan]):
    """What a settlement became in one company. ``proof`` lists every comparison with both figures."""

    ledger = serializers.CharField(source="flow.target.provider", read_only=True)
    proof = serializers.JSONField(source="verdict", read_only=True)

    class Meta:
        model = Plan
        fields = (
            "id",
            "flow",
            "ledger",
            "revision",
            "mode",
            "state",
            "mapping_version",
            "flags",
            "proof",
            "proved_at",
            "approved_by",
            "approved_at",
        )
        read_only_fields = fields


class SettlementSerializer(serializers.ModelSerializer[Settlement]):
    plans = PlanSerializer(many=True, read_only=True)

    class Meta:
        model = Settlement
        fields = (
            "id",
            "settlement_id",
            "seller_id",
            "currency",
            "starts_at",
            "ends_at",
            "deposit_on",
            "total",
            "row_count",
            "marketplaces",
            "opening_debt",
            "reserve_held",
            "reserve_released",
            "plans",
        )
        read_only_fields = fields


class OrderSerializer(serializers.ModelSerializer[Order]):
    class Meta:
        model = Order
        fields = (
            "id",
            "order_id",
            "status",
            "marketplace",
            "purchased_at",
            "shipped_at",
            "currency",
            "total",
            "items",
            "tracking",
        )
        read_only_fields = fields


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    class Meta:
        model = Outcome
        fields = ("at", "result", "duration_ms")
        read_only_fields = fields


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    outcomes = OutcomeSerializer(many=True, read_only=True)

    class Meta:
        model = Attempt
        fields = ("id", "method", "path", "wire_id", "body_sha256", "sent_at", "outcomes")
        read_only_fields = fields


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = (
            "id",
            "flow",
            "plan",
            "key",
            "kind",
            "number",
            "on",
            "amount",
            "currency",
            "order_id",
            "state",
            "reason",
            "action",
            "code",
            "tries",
            "next_attempt_at",
            "not_before",
            "external_id",
            "answered_total",
            "url",
            "posted_at",
            "mapping_version",
        )
        read_only_fields = fields


class DeliveryDetailSerializer(DeliverySerializer):
    document = serializers.SerializerMethodField()
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta(DeliverySerializer.Meta):
        fields = (*DeliverySerializer.Meta.fields, "document", "attempts")
        read_only_fields = fields

    @extend_schema_field(serializers.DictField())
    def get_document(self, row: Delivery) -> Any:
        return row.plain_document


class ManySerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(child=serializers.IntegerField(min_value=1), min_length=1, max_length=5000)


class ReplayedSerializer(serializers.Serializer[Any]):
    sent = serializers.IntegerField()
    kept = serializers.IntegerField()


class CountSerializer(serializers.Serializer[Any]):
    documents = serializers.IntegerField()


class TargetSerializer(serializers.Serializer[Any]):
    """Remote ids in the flow's ledger; leave out what does not apply."""

    account = serializers.CharField(required=False, default="")
    item = serializers.CharField(required=False, default="")
    customer = serializers.CharField(required=False, default="")
    department = serializers.CharField(required=False, default="")
    class_ = serializers.CharField(required=False, default="")


class ChoiceSerializer(serializers.Serializer[Any]):
    key = serializers.ChoiceField(choices=[(key.value, key.value) for key in AccountKey])
    target = TargetSerializer()
    suggested_account = serializers.CharField(source="suggestion.account_id", default="")
    reason = serializers.CharField(source="suggestion.reason", default="")
    needed = serializers.BooleanField()
    problem = serializers.CharField()


class AccountRuleSerializer(serializers.Serializer[Any]):
    key = serializers.ChoiceField(choices=[(key.value, key.value) for key in AccountKey])
    target = TargetSerializer()
    sku = serializers.CharField(required=False, default="")
    product_group = serializers.CharField(required=False, default="")
    marketplace = serializers.CharField(required=False, default="")
    effective_from = serializers.DateField(required=False, default=None)


class LabelRuleSerializer(serializers.Serializer[Any]):
    transaction_type = serializers.CharField(allow_blank=True)
    amount_type = serializers.CharField(allow_blank=True)
    amount_description = serializers.CharField(allow_blank=True)
    category = serializers.ChoiceField(choices=[(one.value, one.value) for one in Category if one != Category.UNKNOWN])
    effective_from = serializers.DateField(required=False, default=None)


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField()
    connection = serializers.IntegerField(required=False, default=None)


class UploadedSerializer(serializers.Serializer[Any]):
    settlement = serializers.IntegerField()
    message = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """Why something was refused, and what to do."""

    detail = serializers.CharField()
    action = serializers.CharField(required=False)
    line = serializers.IntegerField(required=False)

"""Documents and orders as JSON. Amounts are integer minor units of the currency beside them."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from amazon.models import Order
from bookkeeping.documents import Kind
from flows import selectors
from flows.models import Attempt, Delivery, Outcome

KINDS: Final = [(kind.value, kind.value) for kind in Kind]


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    """What was learned about an attempt. `told` is what the ledger said of this document."""

    told = serializers.SerializerMethodField()

    class Meta:
        model = Outcome
        fields = ("at", "result", "duration_ms", "told")
        read_only_fields = fields

    @extend_schema_field(serializers.JSONField())
    def get_told(self, outcome: Outcome) -> Any:
        # One call may carry documents of others too.
        return outcome.detail.get(self.context.get("key", ""))


class AttemptSerializer(serializers.ModelSerializer[Attempt]):
    """One call to the ledger, frozen before its first byte was sent."""

    outcomes = OutcomeSerializer(many=True, read_only=True)

    class Meta:
        model = Attempt
        fields = ("id", "method", "path", "wire_id", "body_sha256", "sent_at", "deadline_at", "outcomes")
        read_only_fields = fields


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    """One document for one ledger: its state, the reason for it and what to do."""

    kind = serializers.ChoiceField(KINDS, read_only=True)

    class Meta:
        model = Delivery
        fields: tuple[str, ...] = (
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
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class DeliveryDetailSerializer(DeliverySerializer):
    """A document with its neutral content, what it waits for, and every attempt."""

    document = serializers.SerializerMethodField()
    needs = serializers.SerializerMethodField(help_text="Keys of the documents it refers to.")
    attempts = serializers.SerializerMethodField()

    class Meta(DeliverySerializer.Meta):
        fields = (*DeliverySerializer.Meta.fields, "document", "needs", "attempts")
        read_only_fields = fields

    @extend_schema_field(serializers.DictField())
    def get_document(self, row: Delivery) -> Any:
        return row.plain_document

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_needs(self, row: Delivery) -> Any:
        return sorted(one.key for one in row.dependencies.all())

    @extend_schema_field(AttemptSerializer(many=True))
    def get_attempts(self, row: Delivery) -> Any:
        return AttemptSerializer(row.attempts.all(), many=True, context={"key": row.key}).data


class ManySerializer(serializers.Serializer[Any]):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), min_length=1, max_length=5000
    )


class FoundSerializer(serializers.Serializer[Any]):
    """Where a person found a document in the books; one of the two is needed."""

    external_id = serializers.CharField(max_length=120, required=False, help_text="The ledger's own number of it.")
    note = serializers.CharField(max_length=120, required=False)


class ReplayedSerializer(serializers.Serializer[Any]):
    sent = serializers.IntegerField(help_text="Documents that go out again.")
    kept = serializers.IntegerField(help_text="Documents that stay as they are, each with its reason.")


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An order as last seen at Amazon, without anything about the buyer."""

    class Meta:
        model = Order
        fields: tuple[str, ...] = (
            "id",
            "order_id",
            "status",
            "channel",
            "fulfilled_by",
            "marketplace",
            "purchased_at",
            "shipped_at",
            "last_updated_at",
            "currency",
            "total",
        )
        read_only_fields = fields


class NotInvoicedSerializer(serializers.Serializer[Any]):
    """Why a flow made no invoice of an order before it settles."""

    flow = serializers.IntegerField(source="flow.pk")
    on = serializers.DateField()
    reason = serializers.CharField(help_text="Stable name of the reason.")
    text = serializers.CharField()


class OrderDetailSerializer(OrderSerializer):
    """An order with its items and packages."""

    items = serializers.ListField(child=serializers.DictField(), read_only=True)
    tracking = serializers.ListField(child=serializers.DictField(), read_only=True)
    not_invoiced = serializers.SerializerMethodField()

    class Meta(OrderSerializer.Meta):
        fields = (*OrderSerializer.Meta.fields, "items", "tracking", "not_invoiced")
        read_only_fields = fields

    @extend_schema_field(NotInvoicedSerializer(many=True))
    def get_not_invoiced(self, order: Order) -> Any:
        return NotInvoicedSerializer(selectors.not_invoiced(order), many=True).data

"""Flows, settlements, plans, documents and orders as JSON. Amounts are integer minor units of the currency beside them."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from amazon.models import Order, Settlement
from bookkeeping.documents import Kind
from bookkeeping.proof import Verdict
from flows import payouts, prove, selectors
from flows.models import Attempt, Delivery, Flow, Outcome, Plan, Run
from kit.clock import now

SOUND: Final = 10**15  # minor units; no balance of a seller comes near it
KINDS: Final = [(kind.value, kind.value) for kind in Kind]
COMPARED: Final = [(verdict.value, verdict.value) for verdict in Verdict]


class ProblemSerializer(serializers.Serializer[Any]):
    """What went wrong, and what to do. `code` is for programs, the texts are for people."""

    detail = serializers.CharField()
    action = serializers.CharField()
    code = serializers.CharField()
    fields_ = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong with which field; `body` is the whole.",
    )
    problems = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Everything that is in the way."
    )
    line = serializers.IntegerField(required=False, help_text="Line of an uploaded file, from 1; 0 is the whole file.")

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # A serializer has an attribute ``fields`` of its own.
        return {"fields" if name == "fields_" else name: field for name, field in super().get_fields().items()}


# Flows and runs


class FlowSerializer(serializers.ModelSerializer[Flow]):
    """One seller account and currency into one ledger company."""

    source_name = serializers.CharField(source="source.remote_name", default="", read_only=True)
    target_name = serializers.CharField(source="target.remote_name", read_only=True)
    ledger = serializers.CharField(source="target.provider", read_only=True)
    books_compared_at = serializers.DateTimeField(
        source="target.read_back.checked_at",
        default=None,
        allow_null=True,
        read_only=True,
        help_text="When the ledger was last asked what was changed there.",
    )

    class Meta:
        model = Flow
        fields = (
            "id",
            "name",
            "source",
            "source_name",
            "target",
            "target_name",
            "ledger",
            "account_type",
            "currency",
            "mode",
            "trigger",
            "layout",
            "approval",
            "state",
            "books_from",
            "opening_clearing",
            "opening_reserve",
            "opening_loan",
            "generic_items",
            "orders_every_min",
            "settlements_every_min",
            "mapping_version",
            "next_run_at",
            "books_compared_at",
            "created_at",
        )
        read_only_fields = fields


class FlowSettingsSerializer(serializers.Serializer[Any]):
    """How a flow books. `books_from` and the opening balances are fixed once it went live."""

    name = serializers.CharField(max_length=120)
    mode = serializers.ChoiceField(Flow.Mode.choices, required=False)
    trigger = serializers.ChoiceField(
        Flow.Trigger.choices, required=False, help_text="When the orders mode makes an invoice."
    )
    layout = serializers.ChoiceField(Flow.Layout.choices, required=False)
    approval = serializers.ChoiceField(Flow.Approval.choices, required=False)
    books_from = serializers.DateField(
        required=False, allow_null=True, help_text="Settlements that ended before this day stay out of the books."
    )
    opening_clearing = serializers.IntegerField(
        required=False, min_value=-SOUND, max_value=SOUND, help_text="Minor units, debit positive."
    )
    opening_reserve = serializers.IntegerField(
        required=False, min_value=0, max_value=SOUND, help_text="Minor units that Amazon held back."
    )
    opening_loan = serializers.IntegerField(
        required=False, min_value=0, max_value=SOUND, help_text="Minor units still owed on a loan from Amazon."
    )
    generic_items = serializers.BooleanField(
        required=False, help_text="Invoice an unmapped SKU with the general item instead of holding it."
    )
    orders_every_min = serializers.IntegerField(required=False, min_value=5, max_value=10_080)
    settlements_every_min = serializers.IntegerField(required=False, min_value=60, max_value=10_080)

    def validate_books_from(self, day: Any) -> Any:
        if day is not None and not 2000 <= day.year <= 2100:
            raise serializers.ValidationError("A day between 2000 and 2100.")
        return day


class NewFlowSerializer(FlowSettingsSerializer):
    """A flow in set-up: it fetches and plans once, and posts nothing before it goes live."""

    source = serializers.IntegerField(  # type: ignore[assignment]
        allow_null=True, help_text="Connection of the seller account; null takes uploaded files only."
    )
    target = serializers.IntegerField(help_text="Connection of the ledger company.")
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", help_text="Settlement currency, ISO 4217.")


class RunSerializer(serializers.ModelSerializer[Run]):
    """One execution of a flow: what it fetched, planned and met."""

    found = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="Counts: settlements, refused, orders, planned."
    )

    class Meta:
        model = Run
        fields = ("id", "flow", "state", "started_at", "finished_at", "step", "found", "problem", "action")
        read_only_fields = fields


# Settlements and plans


class ComparisonSerializer(serializers.Serializer[Any]):
    """Two figures that must be equal. `right` is null where the ledger stated none."""

    name = serializers.CharField()
    left = serializers.IntegerField()
    right = serializers.IntegerField(allow_null=True)
    difference = serializers.IntegerField()
    detail = serializers.CharField(help_text="What the name leaves open: the key of the document, the number of rows.")
    changed = serializers.CharField(
        help_text="What somebody made of the document in the ledger since it was posted; such a pair never agrees."
    )


class NotBookedSerializer(serializers.Serializer[Any]):
    """A document that is not in the books, and why; without a reason it is merely not sent."""

    key = serializers.CharField()
    amount = serializers.IntegerField()
    reason = serializers.CharField()


class ProofSerializer(serializers.Serializer[Any]):
    """What was compared with what, from the ledger's answers. `proved` claims exactly these comparisons."""

    verdict = serializers.ChoiceField(COMPARED)
    comparisons = ComparisonSerializer(many=True)
    waiting = NotBookedSerializer(many=True)
    undecided = serializers.IntegerField(help_text="Sum of the rows whose label nobody has given a meaning.")
    clearing = serializers.IntegerField(help_text="How far the documents in the books moved clearing, debit positive.")
    clearing_expected = serializers.IntegerField(help_text="How far all of them will.")


class StepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    amount = serializers.IntegerField()
    running = serializers.IntegerField(help_text="Sum up to and including this step.")
    rows = serializers.IntegerField()


class PlanSerializer(serializers.ModelSerializer[Plan]):
    """What a settlement became in one company. `verdict` is the proof's, as of `proved_at` or the last answer."""

    ledger = serializers.CharField(source="flow.target.provider", read_only=True)
    settlement_id = serializers.CharField(source="settlement.settlement_id", read_only=True, help_text="Amazon's own.")
    currency = serializers.CharField(source="settlement.currency", read_only=True)
    verdict = serializers.ChoiceField(COMPARED, source="proof_verdict", allow_null=True, read_only=True)

    class Meta:
        model = Plan
        fields: tuple[str, ...] = (
            "id",
            "flow",
            "ledger",
            "settlement",
            "settlement_id",
            "currency",
            "revision",
            "mode",
            "state",
            "mapping_version",
            "problem",
            "verdict",
            "proved_at",
            "approved_by",
            "approved_at",
            "created_at",
        )
        read_only_fields = fields


class PlanDetailSerializer(PlanSerializer):
    """A plan with its proof and the way from gross sales to the payout. Both are null until it is planned."""

    proof = serializers.SerializerMethodField()
    steps = serializers.SerializerMethodField()
    differs = serializers.SerializerMethodField(
        help_text="Keys of documents in the books that would come out differently now."
    )

    class Meta(PlanSerializer.Meta):
        fields = (*PlanSerializer.Meta.fields, "proof", "steps", "differs")
        read_only_fields = fields

    @extend_schema_field(ProofSerializer(allow_null=True))
    def get_proof(self, plan: Plan) -> Any:
        if not plan.statement or plan.state == Plan.State.UNDONE:
            return None
        return ProofSerializer(prove.proof_of(plan)).data

    @extend_schema_field(StepSerializer(many=True, allow_null=True))
    def get_steps(self, plan: Plan) -> Any:
        return StepSerializer(prove.steps(plan), many=True).data if plan.statement else None

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_differs(self, plan: Plan) -> Any:
        return plan.verdict.get("differs", [])


class SettlementSerializer(serializers.ModelSerializer[Settlement]):
    """Amazon's statement for a period. `total` is positive where Amazon pays out."""

    marketplaces = serializers.ListField(child=serializers.CharField(), read_only=True)
    payout_failed = serializers.BooleanField(read_only=True, help_text="A person said that the payout never came.")
    plans = PlanSerializer(many=True, read_only=True)

    class Meta:
        model = Settlement
        fields: tuple[str, ...] = (
            "id",
            "settlement_id",
            "seller_id",
            "account_type",
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
            "payout_failed",
            "revision",
            "plans",
        )
        read_only_fields = fields


class PayoutSerializer(serializers.Serializer[Any]):
    """What became of the payout. `failed` says what that means for the books; it is empty where nothing is known to have failed."""

    state = serializers.ChoiceField(["done", "waiting", "skipped", "warning"])
    text = serializers.CharField()
    failed = serializers.CharField()


class SettlementDetailSerializer(SettlementSerializer):
    """A settlement with what it became in each company, and the proof of it."""

    plans = PlanDetailSerializer(many=True, read_only=True)
    payout = serializers.SerializerMethodField()

    class Meta(SettlementSerializer.Meta):
        fields = (*SettlementSerializer.Meta.fields, "payout")
        read_only_fields = fields

    @extend_schema_field(PayoutSerializer)
    def get_payout(self, settlement: Settlement) -> Any:
        return PayoutSerializer(payouts.Payouts([settlement]).of(settlement, now().date())).data


class CameSerializer(serializers.Serializer[Any]):
    came = serializers.BooleanField(help_text="Whether the bank has the money.")


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True, help_text="A settlement flat file as Amazon made it, or gzip.")
    connection = serializers.IntegerField(required=False, help_text="The seller account, where several are connected.")


class UploadedSerializer(serializers.Serializer[Any]):
    settlement = serializers.IntegerField()
    fate = serializers.ChoiceField(
        ["new", "same", "revision"],
        help_text="`same`: it was here with these rows. `revision`: it came with other rows, which wait for a person.",
    )
    message = serializers.CharField()


class CountSerializer(serializers.Serializer[Any]):
    documents = serializers.IntegerField(help_text="How many documents go out now.")


# Documents


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


class ToldSerializer(serializers.Serializer[Any]):
    """What the first settlement's file says about the day on which it starts."""

    settlement = serializers.CharField(source="settlement.settlement_id")
    books_from = serializers.DateField(source="day")
    opening_clearing = serializers.IntegerField(source="clearing")
    opening_reserve = serializers.IntegerField(source="reserve")


class OpeningSerializer(serializers.Serializer[Any]):
    """How the books of a flow begin: what is stated, what Amazon's file tells, and the entry that comes first."""

    books_from = serializers.DateField(source="flow.books_from", allow_null=True)
    opening_clearing = serializers.IntegerField(source="flow.opening_clearing", help_text="Debit positive.")
    opening_reserve = serializers.IntegerField(source="flow.opening_reserve")
    opening_loan = serializers.IntegerField(source="flow.opening_loan")
    told = ToldSerializer(allow_null=True, help_text="Null: the first settlement rests on nothing from before.")
    missing = serializers.BooleanField(help_text="Amazon's file tells figures and nobody has stated any.")
    entry = DeliverySerializer(allow_null=True)


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


class ReplayedSerializer(serializers.Serializer[Any]):
    sent = serializers.IntegerField(help_text="Documents that go out again.")
    kept = serializers.IntegerField(help_text="Documents that stay as they are, each with its reason.")


# Orders


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

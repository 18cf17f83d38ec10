"""Settlements, plans and proofs as JSON. Amounts are integer minor units of the currency beside them."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from amazon import overlaps
from amazon.models import Settlement
from bookkeeping.money import SOUND
from bookkeeping.proof import Verdict
from flows import payouts, prove
from flows.models import Flow, Plan
from kit.clock import now

COMPARED: Final = [(verdict.value, verdict.value) for verdict in Verdict]


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
    currency = serializers.CharField(help_text="Of both figures; empty: the settlement's own.")


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
    clearing = serializers.IntegerField(
        help_text="How far the documents in the books moved clearing, debit positive; in a ledger without entries petty cash."
    )
    clearing_expected = serializers.IntegerField(help_text="How far all of them will.")
    reconciling = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="What a ledger without entries cannot hold, by account, debit positive: it sums to how far petty cash will.",
    )


class StepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    amount = serializers.IntegerField()
    running = serializers.IntegerField(help_text="Sum up to and including this step.")
    rows = serializers.IntegerField()


class ExchangeSerializer(serializers.Serializer[Any]):
    """At which rates a settlement enters books in another currency. A rate is text, "" where it is missing."""

    strategy = serializers.ChoiceField(Flow.Strategy.choices)
    home = serializers.CharField(help_text="Currency of the books.")
    day = serializers.DateField(help_text="Whose rate counts: that of the settlement's last entry.")
    rate = serializers.CharField()
    rate_on = serializers.CharField(help_text="The day for which that rate was set.")
    rate_from = serializers.ChoiceField(Flow.RateFrom.choices, help_text="Where the rate was taken from.")
    spot = serializers.CharField(help_text="The rate of the deposit day; with Amazon's own rate, that one.")
    spot_on = serializers.CharField()
    carrying = serializers.IntegerField(help_text="What it puts on clearing before its payout, minor units of `home`.")
    left = serializers.IntegerField(help_text="What it leaves there; after a payout, what the ledger has to revalue.")


class PlanSerializer(serializers.ModelSerializer[Plan]):
    """What a settlement became in one company. `verdict` is the proof's, as of `proved_at` or the last answer."""

    ledger = serializers.CharField(source="flow.target.provider", read_only=True)
    settlement_id = serializers.CharField(source="settlement.settlement_id", read_only=True, help_text="Amazon's own.")
    currency = serializers.CharField(source="settlement.currency", read_only=True)
    verdict = serializers.ChoiceField(COMPARED, source="proof_verdict", allow_null=True, read_only=True)
    exchange = ExchangeSerializer(source="terms", allow_null=True, read_only=True)

    class Meta:
        model = Plan
        fields: tuple[str, ...] = (
            "id",
            "flow",
            "ledger",
            "settlement",
            "settlement_id",
            "currency",
            "exchange",
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
    received = serializers.IntegerField(
        read_only=True,
        allow_null=True,
        help_text="What a person said arrived of the payout, minor units of `received_currency`.",
    )
    converted = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="What Amazon says it paid, minor units of `converted_currency`."
    )
    transfer_status = serializers.CharField(
        read_only=True,
        help_text="Amazon's own word for the payout, as `PAID`, `IN_TRANSIT` or `FAILED`. Empty: it was not asked or said nothing.",
    )
    paid_out = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="What Amazon states for the payout, minor units of `currency`."
    )
    summary_total = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="Net proceeds in Amazon's own summary of it; null: it stated none."
    )
    payout_failed = serializers.BooleanField(
        read_only=True, help_text="A person, or Amazon, said that the payout never came."
    )
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
            "received",
            "received_currency",
            "converted",
            "converted_currency",
            "summary_total",
            "paid_out",
            "transfer_status",
            "transferred_at",
            "trace_id",
            "account_tail",
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
    doubt = serializers.SerializerMethodField(
        help_text="Why an uploaded settlement may be another seller's: then all of it is held. Empty where nothing says so."
    )

    class Meta(SettlementSerializer.Meta):
        fields = (*SettlementSerializer.Meta.fields, "payout", "doubt")
        read_only_fields = fields

    def get_doubt(self, settlement: Settlement) -> str:
        # The view asks for all settlements at once which ones are doubted.
        return overlaps.doubt(settlement) if settlement.doubted else ""  # type: ignore[attr-defined]

    @extend_schema_field(PayoutSerializer)
    def get_payout(self, settlement: Settlement) -> Any:
        return PayoutSerializer(payouts.Payouts([settlement]).of(settlement, now().date())).data


class CameSerializer(serializers.Serializer[Any]):
    came = serializers.BooleanField(help_text="Whether the bank has the money.")


class ReceivedSerializer(serializers.Serializer[Any]):
    received = serializers.IntegerField(
        min_value=1, max_value=SOUND, allow_null=True, help_text="Minor units of `currency`; null takes it back."
    )
    currency = serializers.RegexField(r"^[A-Z]{3}\Z", help_text="The currency of the books.")
    confirm = serializers.BooleanField(
        default=False,
        source="confirmed",
        help_text="Take it although it is unusual. Without it such a thing is refused (409), and `problems` says why.",
    )


class UploadSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True, help_text="A settlement flat file as Amazon made it, or gzip.")
    connection = serializers.IntegerField(required=False, help_text="The seller account, where several are connected.")


class UploadedSerializer(serializers.Serializer[Any]):
    settlement = serializers.IntegerField()
    fate = serializers.ChoiceField(
        ["new", "same", "revision"],
        help_text="`same`: it was here with these rows. `revision`: it came with other rows, which wait for a person.",
    )
    doubt = serializers.CharField(help_text="Why it may be another seller's and is held; empty where nothing says so.")
    message = serializers.CharField()

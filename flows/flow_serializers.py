"""Flows, their opening figures and their runs as JSON. Amounts are integer minor units of the currency beside them."""

from datetime import date
from typing import Any

from rest_framework import serializers

from bookkeeping.money import SOUND
from bookkeeping.months import first_of_month
from flows.delivery_serializers import DeliverySerializer
from flows.models import Flow, Run


class FlowSerializer(serializers.ModelSerializer[Flow]):
    """One seller account, account type and currency into one ledger company."""

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
            "home",
            "strategy",
            "rate_from",
            "mode",
            "trigger",
            "layout",
            "approval",
            "state",
            "books_from",
            "opening_clearing",
            "opening_reserve",
            "opening_loan",
            "accrues_from",
            "generic_items",
            "buyers",
            "orders_every_min",
            "settlements_every_min",
            "mapping_version",
            "next_run_at",
            "books_compared_at",
            "created_at",
        )
        read_only_fields = fields


class LayoutSerializer(serializers.Serializer[Any]):
    """One way of cutting documents. `in_summary`: it makes a difference in summary mode, too."""

    name = serializers.CharField(help_text="What `layout` of the flow is set to.")
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField()
    in_summary = serializers.SerializerMethodField()

    def get_in_summary(self, _: Any) -> bool:
        return bool(self.context.get("in_summary"))


class FlowSettingsSerializer(serializers.Serializer[Any]):
    """How a flow books. `books_from` and the opening balances are fixed once it went live."""

    name = serializers.CharField(max_length=120)
    mode = serializers.ChoiceField(Flow.Mode.choices, required=False)
    trigger = serializers.ChoiceField(
        Flow.Trigger.choices,
        required=False,
        help_text="When the orders mode makes an invoice. `placed` books income before anything ships, which accrual accounting does "
        "not allow, and takes back every ordinary cancellation.",
    )
    layout = serializers.CharField(
        max_length=12,
        required=False,
        allow_blank=True,
        help_text="How documents are cut; `GET /flows/{id}/layouts` lists the ways. Empty: the first of them.",
    )
    strategy = serializers.ChoiceField(
        Flow.Strategy.choices,
        required=False,
        help_text="Where the books are in another currency than the settlements (`home`). Fixed once it went live.",
    )
    rate_from = serializers.ChoiceField(
        Flow.RateFrom.choices,
        required=False,
        help_text="Whose rate a settlement takes where the books are in another currency. What was sent keeps the rate it has.",
    )
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
    accrues_from = serializers.DateField(
        required=False,
        allow_null=True,
        help_text="First month at whose end sales that Amazon holds back are accrued; null: none are. Any day of the month.",
    )
    generic_items = serializers.BooleanField(
        required=False, help_text="Invoice an unmapped SKU with the general item instead of holding it."
    )
    orders_every_min = serializers.IntegerField(required=False, min_value=5, max_value=10_080)
    settlements_every_min = serializers.IntegerField(required=False, min_value=60, max_value=10_080)

    def validate_accrues_from(self, day: date | None) -> date | None:
        return first_of_month(day) if day else None

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
    account_type = serializers.CharField(
        max_length=40,
        required=False,
        help_text="Kind of account at Amazon, which settles each apart: `Standard Orders` unless another one is given that the "
        "seller is known to have, for example `Invoiced Orders`.",
    )


class RunSerializer(serializers.ModelSerializer[Run]):
    """One execution of a flow: what it fetched, planned and met."""

    found = serializers.DictField(
        child=serializers.IntegerField(),
        read_only=True,
        help_text="Counts: settlements, refused, payouts, orders, planned.",
    )

    class Meta:
        model = Run
        fields = ("id", "flow", "state", "started_at", "finished_at", "step", "found", "problem", "action")
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

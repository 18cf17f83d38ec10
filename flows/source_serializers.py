"""Amazon's files as JSON: the rows behind a figure, and versions of a settlement that wait for a decision."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from amazon.models import Report
from bookkeeping.facts import Label
from flows import revisions
from flows.models import Plan
from flows.trace import Wanted


class WantedSerializer(serializers.Serializer[Any]):
    """Which rows: of one line of the books, of a raw label, of an order, of one line of the file, or all."""

    plan = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Read as this plan was made; needed for `part` and `key`.",
    )
    part = serializers.IntegerField(
        required=False, min_value=1, max_value=1000, help_text="Month of the settlement, from 1."
    )
    key = serializers.CharField(required=False, max_length=120, help_text="Account key of the line.")
    order = serializers.CharField(required=False, max_length=60)
    type = serializers.CharField(required=False, max_length=120, help_text="Of a raw label, with the next two.")
    amount = serializers.CharField(required=False, max_length=200, default="", allow_blank=True)
    description = serializers.CharField(required=False, max_length=300, default="", allow_blank=True)
    line = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="Line of the file, from 1."
    )
    page = serializers.IntegerField(required=False, default=1, min_value=1, max_value=2**24, help_text="100 rows each.")

    def wanted(self) -> Wanted:
        asked = self.validated_data
        label = Label(asked["type"], asked["amount"], asked["description"]) if "type" in asked else None
        return Wanted(
            part=asked.get("part", 0),
            key=asked.get("key", ""),
            order_id=asked.get("order", ""),
            label=label,
            line=asked.get("line", 0),
        )


class RowSerializer(serializers.Serializer[Any]):
    """One row of Amazon's file. `line` and the file are its identity; `amount` is positive where it raises what Amazon owes."""

    line = serializers.IntegerField()
    transaction_type = serializers.CharField(source="label.transaction_type")
    amount_type = serializers.CharField(source="label.amount_type")
    amount_description = serializers.CharField(source="label.amount_description")
    amount = serializers.IntegerField()
    posted_at = serializers.DateTimeField()
    order_id = serializers.CharField()
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    marketplace = serializers.CharField()


class RowsSerializer(serializers.Serializer[Any]):
    """A page of rows. `count` and `total` are of all pages, null where only reading the whole file would tell."""

    title = serializers.CharField()
    count = serializers.IntegerField(allow_null=True)
    total = serializers.IntegerField(allow_null=True)
    covered = serializers.IntegerField(
        help_text="What payments take off invoices of these rows; the entry carries the rest."
    )
    more = serializers.BooleanField(help_text="Whether there is a next page.")
    rows = RowSerializer(many=True)


class RevisionSerializer(serializers.ModelSerializer[Report]):
    """A settlement that came again with other rows. The first version counts until somebody decides."""

    settlement_id = serializers.CharField(source="settlement.settlement_id", read_only=True, help_text="Amazon's own.")

    class Meta:
        model = Report
        fields: tuple[str, ...] = ("id", "settlement", "settlement_id", "origin", "report_id", "name", "created_at")
        read_only_fields = fields


class DiffersSerializer(serializers.Serializer[Any]):
    """A label whose rows are others now."""

    transaction_type = serializers.CharField(source="label.transaction_type")
    amount_type = serializers.CharField(source="label.amount_type")
    amount_description = serializers.CharField(source="label.amount_description")
    rows_before = serializers.IntegerField()
    rows_now = serializers.IntegerField()
    before = serializers.IntegerField()
    now = serializers.IntegerField()


class OfCategorySerializer(serializers.Serializer[Any]):
    """What the rows of one category came to in both versions, where that differs."""

    category = serializers.CharField()
    name = serializers.CharField()
    rows_before = serializers.IntegerField()
    rows_now = serializers.IntegerField()
    before = serializers.IntegerField()
    now = serializers.IntegerField()


class OtherRowSerializer(serializers.Serializer[Any]):
    """A row that is in one version only, or differs between them. Lines are those of each version's file."""

    kind = serializers.ChoiceField(["added", "removed", "changed"])
    transaction_type = serializers.CharField(source="row.label.transaction_type")
    amount_type = serializers.CharField(source="row.label.amount_type")
    amount_description = serializers.CharField(source="row.label.amount_description")
    order_id = serializers.CharField(source="row.order_id")
    sku = serializers.CharField(source="row.sku")
    line_before = serializers.IntegerField(source="before.line", default=None, allow_null=True)
    line_now = serializers.IntegerField(source="now.line", default=None, allow_null=True)
    before = serializers.IntegerField(source="before.amount", default=None, allow_null=True)
    now = serializers.IntegerField(source="now.amount", default=None, allow_null=True)


class VersionsSerializer(serializers.Serializer[Any]):
    """Both versions side by side. Without labels the rows differ in dates, orders, SKUs or their order.

    `added`, `removed` and `changed` count rows; `rows` has the first 200 of them.
    """

    total_before = serializers.IntegerField()
    total_now = serializers.IntegerField()
    rows_before = serializers.IntegerField()
    rows_now = serializers.IntegerField()
    labels = DiffersSerializer(many=True)
    categories = OfCategorySerializer(many=True)
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()
    rows = OtherRowSerializer(many=True)


class RevisionDetailSerializer(RevisionSerializer):
    """A version that waits, compared with the one that counts."""

    comparison = serializers.SerializerMethodField()
    posted = serializers.SerializerMethodField(help_text="In how many flows the version that counts is in the books.")

    class Meta(RevisionSerializer.Meta):
        fields = (*RevisionSerializer.Meta.fields, "comparison", "posted")
        read_only_fields = fields

    @extend_schema_field(VersionsSerializer)
    def get_comparison(self, report: Report) -> Any:
        return VersionsSerializer(revisions.compare(report)).data

    @extend_schema_field(serializers.IntegerField())
    def get_posted(self, report: Report) -> int:
        in_the_books = [Plan.State.POSTING, Plan.State.POSTED]
        return Plan.objects.filter(settlement=report.settlement, state__in=in_the_books).count()


class AcceptedRevisionSerializer(serializers.Serializer[Any]):
    plans = serializers.IntegerField(help_text="How many plans were made again with it; what is in the books stays.")

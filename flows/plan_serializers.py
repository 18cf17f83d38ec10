"""What would change of a posted settlement, as JSON. Amounts are integer minor units, debits positive."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from flows.differences import Difference, Moving
from flows.readable import Paper


class MovedSerializer(serializers.Serializer[Any]):
    """What all documents together do to one account."""

    account = serializers.CharField(help_text="As the company names it.")
    before = serializers.IntegerField(help_text="In the books.")
    now = serializers.IntegerField(help_text="With the mapping and Amazon's data of now.")
    difference = serializers.IntegerField()


class LineSerializer(serializers.Serializer[Any]):
    account = serializers.CharField()
    debit = serializers.IntegerField()
    credit = serializers.IntegerField()
    note = serializers.CharField()


class PaperSerializer(serializers.Serializer[Any]):
    """A document as it would be read: its lines by account."""

    kind = serializers.CharField(source="delivery.kind")
    number = serializers.CharField(source="delivery.number")
    on = serializers.DateField(source="delivery.on", allow_null=True)
    amount = serializers.IntegerField(source="delivery.amount")
    lines = LineSerializer(many=True)


class PairSerializer(serializers.Serializer[Any]):
    """One document in the books and what it would be now; null where there is none."""

    before = PaperSerializer(allow_null=True)
    now = PaperSerializer(allow_null=True)


class DifferenceSerializer(serializers.Serializer[Any]):
    """What posting a settlement anew would change. Without documents nothing would."""

    accounts = MovedSerializer(many=True)
    documents = serializers.SerializerMethodField()

    @extend_schema_field(PairSerializer(many=True))
    def get_documents(self, found: Difference) -> Any:
        pairs: list[dict[str, Paper | None]] = [{"before": before, "now": now} for before, now in found.documents]
        return PairSerializer(pairs, many=True).data


class MovingSerializer(serializers.Serializer[Moving]):
    """What moving the accounts would do, and the documents it takes. Without documents no account changed."""

    accounts = MovedSerializer(many=True)
    documents = PaperSerializer(many=True, source="papers")


class MoveSerializer(serializers.Serializer[Any]):
    first_open_on = serializers.DateField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Day of what takes the place of entries in a closed period; without it the day after the period.",
    )

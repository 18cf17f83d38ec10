"""Bank accounts and their lines as JSON. Amounts are minor units of the account's currency, above zero: what came in."""

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bank.csv_file import MARKS, Columns
from bank.days import FORMS
from flows import bank_matches
from flows.models import BankAccount, BankLine

_CODE: Final = r"^[A-Z]{3}\Z"


class BankAccountSerializer(serializers.ModelSerializer[BankAccount]):
    """An account on which payouts arrive. `columns` are those of its bank's CSV files, once somebody has confirmed them."""

    columns = serializers.DictField(read_only=True)

    class Meta:
        model = BankAccount
        fields = ("id", "name", "currency", "tail", "columns", "created_at")
        read_only_fields = fields


class OpenAccountSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    currency = serializers.RegexField(_CODE, help_text="ISO 4217.")
    tail = serializers.RegexField(
        r"^(|[0-9A-Za-z]{3,6})\Z", required=False, default="", allow_blank=True, help_text="Last digits of its number."
    )


class StatementSerializer(serializers.Serializer[Any]):
    """A statement. The columns are those of a CSV, by their names in it; once given they are remembered for the account."""

    file = serializers.FileField(allow_empty_file=True, help_text="OFX, QFX or CSV.")
    day = serializers.CharField(required=False, max_length=90, help_text="Column with the day.")
    day_form = serializers.ChoiceField(list(FORMS), required=False)
    mark = serializers.ChoiceField(list(MARKS), default=".", help_text="What stands before the decimals.")
    amount = serializers.CharField(
        required=False, default="", max_length=90, help_text="Column, signed; or the next two."
    )
    money_in = serializers.CharField(required=False, default="", max_length=90)
    money_out = serializers.CharField(required=False, default="", max_length=90)
    texts = serializers.ListField(
        child=serializers.CharField(max_length=90), required=False, default=list, max_length=8
    )

    def columns(self) -> Columns | None:
        """Return the columns that were given, None where they are to be those that are remembered."""
        values = self.validated_data
        if "day" not in values:
            return None
        named = {name: values[name] for name in ("day", "mark", "amount", "money_in", "money_out")}
        return Columns(names=(), day_form=values.get("day_form", ""), texts=tuple(values["texts"]), **named)


class ImportedSerializer(serializers.Serializer[Any]):
    lines = serializers.IntegerField(help_text="Lines of the file.")
    kept = serializers.IntegerField(help_text="Those that brought money in; the others are not kept.")
    new = serializers.IntegerField(help_text="Those that were not here.")
    matched = serializers.IntegerField(help_text="Payouts that found their line now.")


class BankLineSerializer(serializers.ModelSerializer[BankLine]):
    """Money that came in on an account, and the settlement whose payout it is. `decided`: a person said what it is, or that
    it is no payout; then nothing is matched to it by itself."""

    currency = serializers.CharField(source="account.currency", read_only=True)
    text = serializers.SerializerMethodField(help_text="The beginning of what the bank writes.")
    settlement_id = serializers.CharField(
        source="settlement.settlement_id", default=None, allow_null=True, read_only=True, help_text="Amazon's own."
    )

    class Meta:
        model = BankLine
        fields = (
            *("id", "account", "on", "amount", "currency", "text", "amazon", "settlement", "settlement_id"),
            *("matched_at", "matched_by", "decided"),
        )
        read_only_fields = fields

    @extend_schema_field(serializers.CharField())
    def get_text(self, line: BankLine) -> str:
        return bank_matches.text_of(line)


class MatchSerializer(serializers.Serializer[Any]):
    settlement = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="Id of the settlement here.")


class AsideSerializer(serializers.Serializer[Any]):
    aside = serializers.BooleanField(default=True, help_text="False takes it up again.")

"""What Amazon owes as JSON. Amounts are integer minor units of the settlement currency; above 0 Amazon owes the seller."""

from typing import Any, Final

from rest_framework import serializers

from bookkeeping.owed import COUNTED, Reason
from flows.owed import Day, State

STATES: Final = [(one.value, one.value) for one in State]


class OwedShareSerializer(serializers.Serializer[Any]):
    settlement = serializers.IntegerField()
    settlement_id = serializers.CharField(source="number", help_text="Amazon's own.")
    amount = serializers.IntegerField()


class OwedLineSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField([(one.value, one.value) for one in Reason])
    amount = serializers.IntegerField()
    shares = OwedShareSerializer(many=True, help_text="Its settlements, where it is made of some.")


class OwedAccountSerializer(serializers.Serializer[Any]):
    account = serializers.ChoiceField([(key.value, key.value) for key in COUNTED])
    amount = serializers.IntegerField(help_text="What documents dated up to the day leave there, debit positive.")

    def to_representation(self, pair: Any) -> dict[str, Any]:
        key, amount = pair
        return {"account": key.value, "amount": amount}


class OwedDaySerializer(serializers.Serializer[Any]):
    """One day. What is null was not read, or cannot be worked out: ``problem`` says why."""

    on = serializers.DateField()
    state = serializers.ChoiceField(
        STATES,
        help_text="young: something is left over, and Amazon may not have shown all of the day yet. unread: Amazon's figure was never "
        "read. unknown: it cannot be worked out.",
    )
    problem = serializers.CharField(allow_blank=True)
    amazon = serializers.IntegerField(allow_null=True, help_text="Amazon's total balance.")
    in_books = serializers.IntegerField(allow_null=True, help_text="null where the books are not compared.")
    explained = serializers.IntegerField(allow_null=True, help_text="Sum of the reasons.")
    rest = serializers.IntegerField(allow_null=True, help_text="What nothing explains.")

    def to_representation(self, one: Day) -> dict[str, Any]:
        owed = one.owed
        return {
            "on": one.on.isoformat(),
            "state": one.state.value,
            "problem": one.problem,
            "amazon": one.stated.get("TOTAL"),
            "in_books": owed.in_books if owed and owed.books else None,
            "explained": owed.explained if owed else None,
            "rest": owed.rest if owed else None,
        }


class OwedOneSerializer(OwedDaySerializer):
    """One day with each account and each reason."""

    accounts = OwedAccountSerializer(many=True)
    reasons = OwedLineSerializer(many=True)

    def to_representation(self, one: Day) -> dict[str, Any]:
        owed = one.owed
        return {
            **super().to_representation(one),
            "accounts": OwedAccountSerializer(owed.books if owed else (), many=True).data,
            "reasons": OwedLineSerializer(owed.lines if owed else (), many=True).data,
        }


class OwedSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField()
    why_not_the_books = serializers.CharField(
        allow_blank=True,
        help_text="Why the books are not compared; the reasons are then what Amazon's figure is made of.",
    )
    problem = serializers.CharField(allow_blank=True)
    refused = serializers.BooleanField(help_text="Amazon does not let us read balances or transactions.")
    day = OwedOneSerializer(allow_null=True)

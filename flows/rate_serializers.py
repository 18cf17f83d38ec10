"""Exchange rates as JSON. A rate is text: units of `home` for one unit of `currency`, exact."""

from typing import Any, Final

from rest_framework import serializers

from flows.models import ExchangeRate

_CODE: Final = r"^[A-Z]{3}\Z"


class RateSerializer(serializers.ModelSerializer[ExchangeRate]):
    """From `on` until the next one, for seven more days at most, one unit of `currency` is `rate` units of `home`."""

    class Meta:
        model = ExchangeRate
        fields = ("id", "home", "currency", "on", "rate", "source", "set_at")
        read_only_fields = fields


class SetRateSerializer(serializers.Serializer[Any]):
    home = serializers.RegexField(_CODE, help_text="Currency of the books, ISO 4217.")
    currency = serializers.RegexField(_CODE, help_text="Currency of the settlements, ISO 4217.")
    on = serializers.DateField(help_text="Its day; it counts for that and the seven days after it, until the next one.")
    rate = serializers.CharField(max_length=24, source="text", help_text="Plain decimal text above zero, like 1.3025.")
    confirm = serializers.BooleanField(
        default=False,
        source="confirmed",
        help_text="Take it although it is unusual. Without it such a thing is refused (409), and `problems` says why.",
    )


class RateFileSerializer(serializers.Serializer[Any]):
    home = serializers.RegexField(_CODE, help_text="Currency of the books into which the rates convert.")
    file = serializers.FileField(allow_empty_file=True, help_text="CSV in UTF-8.")
    confirm = serializers.BooleanField(
        default=False,
        source="confirmed",
        help_text="Take it although it is unusual. Without it such a thing is refused (409), and `problems` says why.",
    )


class KeptSerializer(serializers.Serializer[Any]):
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    same = serializers.IntegerField(help_text="Rates that were there already, as they are.")

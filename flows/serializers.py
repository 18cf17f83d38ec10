"""What every address may answer as JSON: a problem, a number of documents."""

from typing import Any

from rest_framework import serializers


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


class CountSerializer(serializers.Serializer[Any]):
    documents = serializers.IntegerField(help_text="How many documents go out now.")

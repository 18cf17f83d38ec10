"""The OpenAPI document: what every operation has in common is said once, here."""

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from flows.serializers import ProblemSerializer

PROBLEMS: Final = {
    "400": "The request cannot be used; `fields` says what is wrong where.",
    "401": "No API key, or one that is not valid.",
    "403": "The API key lacks the scope.",
    "404": "No such thing in this company.",
    "409": "Refused, with what to do; or a request with the same `Idempotency-Key` is under way.",
    "413": "The body is too large.",
    "415": "A body of this type is not understood.",
    "429": "The key asks too often; `Retry-After` says for how many seconds to wait.",
    "422": "The `Idempotency-Key` was used for another request.",
}
READING: Final = ("400", "401", "403", "404", "429")
WRITING: Final = (*READING, "409", "413", "415")
KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Send a request again with the same key, and you get its first answer: nothing is done twice. "
    "Any text of up to 200 characters, new for every new request; kept for 24 hours.",
)
STANDARD: Final = ("list", "retrieve", "create", "update", "partial_update", "destroy")


class RestSchema(AutoSchema):
    """Summaries from docstrings, one problem shape, the idempotency key of POSTs, and names that say what is done."""

    def get_summary(self) -> str | None:
        if self._is_list_view():
            return f"List {self.get_tags()[0]}"
        return super().get_description().partition("\n")[0].rstrip(".") or None

    def get_description(self) -> str:  # type: ignore[override]
        text: str = super().get_description()
        if self._is_list_view():
            return text
        return text.partition("\n")[2].strip()

    def get_tags(self) -> list[str]:
        own = getattr(self.view, "tag", "")
        return [own] if own else super().get_tags()

    def get_operation_id(self) -> str:
        """``plans_undo`` rather than ``plans_undo_create``: an action is no new object."""
        found: str = super().get_operation_id()
        if self.method == "POST" and getattr(self.view, "action", "") not in STANDARD:
            return found.removesuffix("_create")
        return found

    def get_override_parameters(self) -> list[Any]:
        return [KEY] if self.method == "POST" else []

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        codes = READING if self.method == "GET" else WRITING
        for code in (*codes, *(["422"] if self.method == "POST" else [])):
            told = OpenApiResponse(ProblemSerializer, PROBLEMS[code])
            body = self._get_response_for_code(told, code, ["application/json"], direction)  # type: ignore[no-untyped-call]
            bodies.setdefault(code, body)
        return dict(sorted(bodies.items()))

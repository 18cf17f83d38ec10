"""The stand-in behind a witness: what the client asks, and what it is answered, is held against Zoho's own description.

Refusals are described nowhere, so only the answers of successes are held against it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final
from urllib.parse import parse_qsl

from ledgers.zoho.sandbox.tests.description import DIFFERENCES, problems, request_problems

_API: Final = "/books/v3/"
# What a request may be though the description says otherwise: the sheet's word on what live organizations take.
TAKEN: Final[Mapping[str, Callable[[str, str, str], bool]]] = {
    "every call names its organization; few operations say so": lambda operation, place, what: (
        place == "?organization_id"
    ),
    "a line of an invoice may name an account instead of an item": lambda operation, place, what: (
        (operation, place) == ("POST invoices", "/line_items/*/account_id")
    ),
    "lists tell their order; few say that it can be asked for": lambda operation, place, what: place == "?sort_order",
    "a payment names its invoices in a list, not one beside it": lambda operation, place, what: (
        operation == "POST customerpayments" and what in _ONE_INVOICE
    ),
}
_ONE_INVOICE: Final = {f"'{name}' is a required property" for name in ("invoice_id", "amount_applied")}


class Witness:
    """``seen`` counts the successes that were held against the description, ``faults`` says what does not fit it."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.seen = 0
        self.faults: set[str] = set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].removeprefix(_API)
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))
        for operation, place, value, what in request_problems(method, path, query, sent):
            if not any(taken(operation, place, what) for taken in TAKEN.values()):
                self.faults.add(f"asked {operation}: {place} is {value!r}: {what}")
        status, answered = 0, b""

        def start(line: str, *rest: Any) -> Any:
            nonlocal status
            status = int(line.split()[0])
            return start_response(line, *rest)

        for chunk in self._app({**environ, "wsgi.input": BytesIO(sent)}, start):
            answered += chunk
            yield chunk
        if 200 <= status < 300:
            self.seen += 1
            for operation, place, value, what in problems(method, path, status, answered):
                # What is described as a text and was seen as an empty one may be an empty list as well.
                tidy = place.endswith("/documents") and value == []
                if not tidy and not any(fits(operation, place, value) for fits in DIFFERENCES.values()):
                    self.faults.add(f"answered {operation}: {place} is {value!r}: {what}")

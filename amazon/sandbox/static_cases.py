"""Canned answers of the ``sandbox.`` host: a request gets the answer of the case that matches most of its parameters.

The cases are not written here; a tester loads them (from the official models) through the control API. A case matches
when every parameter it lists equals the request's: lists as sets, bodies by the keys the case names. 2xx wins over an
error.
"""

from collections.abc import Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import error
from sandbox.store import Store
from sandbox.wsgi import json_response, posted_json


class StaticCases:
    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, cases: list[dict[str, Any]]) -> int:
        """Add cases of ``operation``, ``parameters``, ``status`` and ``response``; answers how many there are."""
        for case in cases:
            operation = case["operation"]
            number = self._store.next_number(f"static:{operation}")
            self._store.put("static", f"{number:04d}", dict(case), scope=operation)
        return sum(self._store.count("static", scope=operation) for operation in {case["operation"] for case in cases})

    def answer(self, operation: str, request: Request, path_values: Mapping[str, Any]) -> Response:
        given: dict[str, Any] = {**request.args.to_dict(), **path_values}
        if request.get_data():
            given["body"] = posted_json(request)
        best: dict[str, Any] | None = None
        for case in self._store.all("static", scope=operation):
            wanted = case["parameters"]
            if not all(_same(value, given.get(_plain(name, given))) for name, value in wanted.items()):
                continue
            if best is None or _rank(case) > _rank(best):
                best = case
        if best is None:
            return error(400, "No static sandbox case matches the request.")
        if best.get("response") is None:
            return Response(b"", status=best["status"])
        return json_response(best["response"], best["status"])


def _rank(case: Mapping[str, Any]) -> tuple[int, bool]:
    return len(case["parameters"]), case["status"] < 300


def _plain(name: str, given: Mapping[str, Any]) -> str:
    """Path parameters are spelled ``orderId`` in the models and ``order_id`` in the routes."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
    return snake if snake in given else name


def _same(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_same(value, found.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        values = found.split(",") if isinstance(found, str) else found
        return isinstance(values, list) and {str(each) for each in wanted} == {str(each) for each in values}
    return found is not None and str(wanted) == str(found)

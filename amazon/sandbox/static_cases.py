"""Canned answers of the ``sandbox.`` host: a request gets the answer of the case that matches most of its parameters.

The cases are not written here; a tester loads them (from the official models) through the control API. A case matches
when every parameter it lists equals the request's: lists as sets, bodies by the keys the case names. A parameter that the
operation requires must be there even where the case does not list it. 2xx wins over an error.
"""

from collections.abc import Mapping
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import error
from sandbox.store import Store
from sandbox.wsgi import json_response, posted_json

TRANSFERS: Final = "/finances/transfers/2024-06-01"
ORDER_V0: Final = "/orders/v0/orders/<order_id>"

ANSWERED: Final = {
    "getAccount": ("GET", "/sellers/v1/account"),
    "createRestrictedDataToken": ("POST", "/tokens/2021-03-01/restrictedDataToken"),
    "getOrders": ("GET", "/orders/v0/orders"),
    "getOrderV0": ("GET", ORDER_V0),
    "getOrderBuyerInfo": ("GET", f"{ORDER_V0}/buyerInfo"),
    "getOrderAddress": ("GET", f"{ORDER_V0}/address"),
    "getOrderItems": ("GET", f"{ORDER_V0}/orderItems"),
    "getOrderItemsBuyerInfo": ("GET", f"{ORDER_V0}/orderItems/buyerInfo"),
    "listFinancialEventsByGroupId": ("GET", "/finances/v0/financialEventGroups/<event_group_id>/financialEvents"),
    "listFinancialEventsByOrderId": ("GET", "/finances/v0/orders/<order_id>/financialEvents"),
    "listFinancialEvents": ("GET", "/finances/v0/financialEvents"),
    "getPaymentMethods": ("GET", f"{TRANSFERS}/paymentMethods"),
    "initiatePayout": ("POST", f"{TRANSFERS}/payouts"),
}
"""Operations with nothing behind them but their canned answers: operation → method and path. Orders v0's ``getOrder`` is
told from that of 2026 by its name here."""


class StaticCases:
    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, cases: list[dict[str, Any]]) -> int:
        """Add cases of ``operation``, ``parameters``, ``required`` (names), ``status`` and ``response``; answers how many
        cases of these operations there are."""
        for case in cases:
            operation = case["operation"]
            number = self._store.next_number(f"static:{operation}")
            self._store.put("static", f"{number:04d}", dict(case), scope=operation)
        return sum(self._store.count("static", scope=operation) for operation in {case["operation"] for case in cases})

    def answer(
        self, operation: str, request: Request, path_values: Mapping[str, Any], *, errors_win: bool = False
    ) -> Response:
        """``errors_win``: of cases that fit equally well an error is answered."""
        given: dict[str, Any] = {**request.args.to_dict(), **path_values}
        if request.get_data():
            given["body"] = posted_json(request)
        best: dict[str, Any] | None = None
        for case in self._store.all("static", scope=operation):
            wanted = case["parameters"]
            if not all(_same(value, given.get(_plain(name, given))) for name, value in wanted.items()):
                continue
            if any(_plain(name, given) not in given for name in case.get("required", ())):
                continue
            if best is None or _rank(case, errors_win=errors_win) > _rank(best, errors_win=errors_win):
                best = case
        if best is None:
            return error(400, "No static sandbox case matches the request.")
        if best.get("response") is None:
            return Response(b"", status=best["status"])
        return json_response(best["response"], best["status"])


def _rank(case: Mapping[str, Any], *, errors_win: bool) -> tuple[int, bool]:
    return len(case["parameters"]), (case["status"] < 300) is not errors_win


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

"""Ways in which answers of listTransactions were seen to differ from their model, or might: applied to a finished one."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from sandbox.seller.marketplaces import EXPONENTS

CORRECTED_AFTER: Final = timedelta(hours=24)
_EVERY: Final = 5


@dataclass(frozen=True, slots=True)
class Forms:
    """``statuses``: "mixed", "upper" or "unknown". ``breakdowns``: "by item", "by transaction", "object" or "disagreeing".
    ``corrected``: the amount of an order is one minor unit too low for its first day."""

    statuses: str = "mixed"
    breakdowns: str = "by item"
    corrected: bool = False


def formed(body: dict[str, Any], forms: Forms, number: int, age: timedelta) -> dict[str, Any]:
    """Return a transaction as it is told; ``number`` picks the few that are strange, ``age`` is since it was posted."""
    if forms.corrected and age < CORRECTED_AFTER and "items" in body:
        _lower(body)
    if forms.statuses == "mixed":
        body["transactionStatus"] = body["transactionStatus"].title()
    elif forms.statuses == "unknown" and number % _EVERY == 0:
        _unheard_of(body)
    if forms.breakdowns == "by transaction":
        for item in body.get("items", ()):
            item["breakdowns"] = None
    elif forms.breakdowns == "disagreeing" and body["breakdowns"]:
        _raise_first(body["breakdowns"][0])
        for item in body.get("items", ())[:1]:
            _raise_first(item["breakdowns"][0])
    elif forms.breakdowns == "object":
        _wrap(body)
        for item in body.get("items", ()):
            _wrap(item)
    return body


def _unit(amount: dict[str, Any]) -> Decimal:
    return Decimal(1).scaleb(-EXPONENTS[amount["currencyCode"]])


def _lower(body: dict[str, Any]) -> None:
    unit = _unit(body["totalAmount"])
    money = {**body["totalAmount"], "currencyAmount": -unit}
    for part in (body, body["items"][0]):
        part["totalAmount"]["currencyAmount"] -= unit
        leaf = {"breakdownType": "Other", "breakdownAmount": dict(money), "breakdowns": []}
        part["breakdowns"].append({"breakdownType": "Other", "breakdownAmount": dict(money), "breakdowns": [leaf]})


def _unheard_of(body: dict[str, Any]) -> None:
    body["transactionStatus"] = "UNDER_REVIEW"
    body["transactionType"] = "LoyaltySettlement"
    body["relatedIdentifiers"].append({"relatedIdentifierName": "LOYALTY_ID", "relatedIdentifierValue": "1"})
    body.setdefault("contexts", []).append({"contextType": "LoyaltyContext", "tier": "GOLD"})


def _raise_first(breakdown: dict[str, Any]) -> None:
    """One unit more on the first leaf and on all above it: the tree agrees with itself, and with nothing else."""
    breakdown["breakdownAmount"]["currencyAmount"] += _unit(breakdown["breakdownAmount"])
    if breakdown["breakdowns"]:
        _raise_first(breakdown["breakdowns"][0])


def _wrap(node: dict[str, Any]) -> None:
    for each in node["breakdowns"] or ():
        _wrap(each)
    node["breakdowns"] = {"breakdowns": node["breakdowns"]}

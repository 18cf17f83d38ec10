"""Items and taxes: what lines are copied from. Neither posts anything."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import ACTIVE, Business
from ledgers.freshbooks.sandbox.clients import vis_state
from ledgers.freshbooks.sandbox.fields import Doc, amount_of, currency_of, money, need, number


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """Raises:
    Refusal: 1001 without a name, 1012 for a tax that is not there.
    """
    if old is None:
        need(body, ("name",), "item")
        doc = _new_item(business)
    else:
        doc = dict(old)
    for name in ("name", "description", "sku", "inventory"):
        if name in body:
            doc[name] = None if body[name] is None else str(body[name])
    if "qty" in body:
        doc["qty"] = f"{number(body['qty'], 'qty', 'item'):f}"
    if body.get("unit_cost") is not None:
        code = currency_of(body["unit_cost"], business.home, "item")
        doc["unit_cost"] = money(amount_of(body["unit_cost"], "unit_cost", "item", code), code)
    for name in ("tax1", "tax2"):
        if body.get(name):
            doc[name] = business.referred("tax", body[name], name, "item")["id"]
    doc["vis_state"] = vis_state(body, doc["vis_state"], "item")
    doc["updated"] = business.stamp()
    business.put("item", doc["id"], doc)
    return doc


def _new_item(business: Business) -> Doc:
    return {
        "id": business.next_id("item", 310_001),
        "accounting_systemid": business.info["account_id"],
        "name": "",
        "description": None,
        "qty": "1",
        "sku": None,
        "inventory": None,
        "unit_cost": money(Decimal(0), business.home),
        "tax1": 0,
        "tax2": 0,
        "vis_state": ACTIVE,
    }


def write_tax(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """Raises:
    Refusal: 1001 without a name, 1018 for a percentage below 0 or above 100.
    """
    if old is None:
        need(body, ("name",), "tax")
        id_ = business.next_id("tax", 21_001)
        doc: Doc = {
            "id": id_,
            "taxid": id_,
            "accounting_systemid": business.info["account_id"],
            "amount": Decimal(0),
            "number": "",
            "compound": False,
            "vis_state": ACTIVE,
        }
    else:
        doc = dict(old)
    for name in ("name", "number"):
        if body.get(name) is not None:
            doc[name] = str(body[name])
    if "amount" in body:
        doc["amount"] = percent(body["amount"], "amount", "tax")
    if "compound" in body:
        doc["compound"] = bool(body["compound"])
    doc["vis_state"] = vis_state(body, doc["vis_state"], "tax")
    doc["updated"] = business.stamp()
    business.put("tax", doc["id"], doc)
    return doc


def percent(value: Any, field: str, object_: str) -> Decimal:
    """0 to 100 with at most three decimals.

    Raises:
        Refusal: 1018.
    """
    found = number(value, field, object_)
    if not 0 <= found <= 100 or found != round(found, 3):
        raise errors.refusal(errors.NOT_A_PERCENT, f"{field} must be a percentage.", field, object_, value)
    return found

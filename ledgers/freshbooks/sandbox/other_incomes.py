"""Other income: money without an invoice, into Petty Cash (sheet §5). It can hardly be found again."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import ACTIVE, DELETED, Business, Entry, Line
from ledgers.freshbooks.sandbox.charts import PETTY_CASH, REVENUE, TAXES_PAYABLE
from ledgers.freshbooks.sandbox.clients import vis_state
from ledgers.freshbooks.sandbox.fields import Doc, amount_of, currency_of, day, money, need, number, short
from ledgers.freshbooks.sandbox.payments import TYPES

_OBJECT = "other_income"
_CATEGORIES = ("advertising", "in_person_sales", "online_sales", "rentals", "other")


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """Raises:
    Refusal: 1001, 1004 for a category, a payment type or an amount that is not positive.
    """
    if old is None:
        need(body, ("amount", "payment_type"), _OBJECT)
        doc = _new(business)
    else:
        doc = {**old, "_": dict(old["_"])}
    before = doc["date"]
    _fields(business, doc, body)
    business.check_open(_OBJECT, before, doc["date"])
    doc["vis_state"] = vis_state(body, doc["vis_state"], _OBJECT)
    doc["updated_at"] = business.stamp()
    business.put(_OBJECT, doc["incomeid"], doc)
    source = f"income:{doc['incomeid']}"
    if doc["vis_state"] == DELETED:
        business.unbook(source)
        return doc
    value, tax = Decimal(doc["amount"]["amount"]), Decimal(doc["_"]["tax"])
    posted = [
        Line(business.account(PETTY_CASH), value),
        Line(business.account(REVENUE), tax - value),
        Line(business.account(TAXES_PAYABLE), -tax),
    ]
    name, links = doc["source"] or "Other income", {"incomeid": doc["incomeid"]}
    business.book(Entry(source, doc["date"], doc["amount"]["code"], "income", name, doc["note"], links), posted)
    return doc


def _new(business: Business) -> Doc:
    return {
        "incomeid": business.next_id(_OBJECT, 2_001),
        "category_name": "other",
        "date": business.today(),
        "note": "",
        "source": "",
        "payment_type": "Other",
        "taxes": [],
        "created_at": business.stamp(),
        "vis_state": ACTIVE,
        "_": {"tax": "0"},
    }


def _fields(business: Business, doc: Doc, body: Mapping[str, Any]) -> None:
    if "amount" in body:
        code = currency_of(body["amount"], business.home, _OBJECT)
        value = amount_of(body["amount"], "amount", _OBJECT, code)
        if value <= 0:
            raise errors.invalid("The amount must be positive.", "amount", _OBJECT, value)
        doc["amount"] = money(value, code)
    if "category_name" in body:
        if body["category_name"] not in _CATEGORIES:
            raise errors.invalid("There is no such category.", "category_name", _OBJECT, body["category_name"])
        doc["category_name"] = body["category_name"]
    if "payment_type" in body:
        # The spelling is put right: Visa becomes VISA.
        known = {each.lower(): each for each in TYPES}
        if str(body["payment_type"]).lower() not in known:
            raise errors.invalid("There is no such payment type.", "payment_type", _OBJECT, body["payment_type"])
        doc["payment_type"] = known[str(body["payment_type"]).lower()]
    if "date" in body:
        doc["date"] = day(body["date"], "date", _OBJECT)
    for name in ("note", "source"):
        if name in body:
            doc[name] = short(body[name], name, _OBJECT, business.switches["notes_length"] if name == "note" else 0)
    if "taxes" in body:
        _taxes(doc, body["taxes"])


def _taxes(doc: Doc, given: Any) -> None:
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise errors.invalid("Taxes must be a list.", "taxes", _OBJECT, given)
    doc["taxes"] = [
        {"name": str(each.get("name") or ""), "amount": number(each.get("amount", 0), "taxes.amount", _OBJECT)}
        for each in given
    ]
    rates = sum((each["amount"] for each in doc["taxes"]), Decimal(0))
    value = Decimal(doc["amount"]["amount"])
    doc["_"]["tax"] = money(value * rates / (100 + rates), doc["amount"]["code"])["amount"]


def shown(business: Business, doc: Doc, includes: set[str]) -> Doc:
    return {key: value for key, value in doc.items() if key != "_"}

"""Expenses: out of Petty Cash, into a category (sheet §5)."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ledgers.freshbooks.sandbox import accounts, errors
from ledgers.freshbooks.sandbox.business import ACTIVE, DELETED, Business, Entry, Line
from ledgers.freshbooks.sandbox.charts import PETTY_CASH, TAXES_PAYABLE
from ledgers.freshbooks.sandbox.clients import vis_state
from ledgers.freshbooks.sandbox.fields import Doc, amount_of, currency_of, day, integer, money, need, number, short
from ledgers.freshbooks.sandbox.items import percent

_OBJECT = "expense"
_STAFF = 1
_TEXTS = ("vendor", "notes", "account_name", "bank_name")
_FLAGS = ("compounded_tax", "has_receipt", "include_receipt")
# Links to other parts of FreshBooks that look like a place for an own key and are none.
_NOT_OURS = ("ext_invoiceid", "ext_systemid", "ext_accountid", "transactionid")


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """Raises:
    Refusal: 1001, 1004, 1012, 1015; 1042 for a category whose account is archived.
    """
    if old is None:
        need(body, ("amount", "categoryid", "staffid", "date"), _OBJECT)
        doc = _new(business)
    else:
        doc = {**old, "_": dict(old["_"])}
    before = doc["date"]
    _fields(business, doc, body)
    business.check_open(_OBJECT, before, doc["date"])
    doc["vis_state"] = vis_state(body, doc["vis_state"], _OBJECT)
    category = business.referred("category", doc["categoryid"], "categoryid", _OBJECT)
    account = accounts.category_account(business, category, _OBJECT) if doc["vis_state"] != DELETED else None
    doc["is_cogs"] = category["is_cogs"]
    doc["isduplicate"] = _looks_alike(business, doc)
    doc["updated"], doc["version"] = business.stamp(), business.version()
    business.put(_OBJECT, doc["id"], doc)
    _post(business, doc, account)
    if not category["transaction_posted"]:
        business.put("category", category["id"], {**category, "transaction_posted": True})
    return doc


def _new(business: Business) -> Doc:
    id_ = business.next_id(_OBJECT, 160_001)
    return {
        "id": id_,
        "expenseid": id_,
        "categoryid": 0,
        "staffid": _STAFF,
        "clientid": 0,
        "projectid": 0,
        "invoiceid": None,
        "date": "",
        "vendor": "",
        "notes": "",
        "account_name": "",
        "bank_name": "",
        "markup_percent": 0,
        "taxName1": None,
        "taxName2": None,
        "taxPercent1": None,
        "taxPercent2": None,
        "taxAmount1": None,
        "taxAmount2": None,
        "compounded_tax": False,
        "has_receipt": False,
        "include_receipt": False,
        "status": 0,
        "billable": False,
        "profileid": None,
        "background_jobid": None,
        "bill_matches": [],
        **dict.fromkeys(_NOT_OURS),
        "accounting_systemid": business.info["account_id"],
        "vis_state": ACTIVE,
        "_": {},
    }


def _fields(business: Business, doc: Doc, body: Mapping[str, Any]) -> None:
    for name in _TEXTS:
        if name in body:
            doc[name] = short(body[name], name, _OBJECT, business.switches["notes_length"] if name == "notes" else 0)
    for name in _FLAGS:
        if name in body:
            doc[name] = bool(body[name])
    if "date" in body:
        doc["date"] = day(body["date"], "date", _OBJECT)
    if "categoryid" in body:
        doc["categoryid"] = integer(body["categoryid"], "categoryid", _OBJECT)
    if "staffid" in body and integer(body["staffid"], "staffid", _OBJECT) != _STAFF:
        raise errors.unknown_reference("staffid", _OBJECT, body["staffid"])
    if body.get("clientid"):
        doc["clientid"] = business.referred("client", body["clientid"], "clientid", _OBJECT)["id"]
        doc["status"] = 1
    if "markup_percent" in body:
        doc["markup_percent"] = number(body["markup_percent"], "markup_percent", _OBJECT)
    if "amount" in body:
        code = currency_of(body["amount"], business.home, _OBJECT)
        value = amount_of(body["amount"], "amount", _OBJECT, code)
        if value < 0 and business.switches["negative_expense"] == "refused":
            raise errors.invalid("The amount of an expense cannot be negative.", "amount", _OBJECT, value)
        doc["amount"] = money(value, code)
    _taxes(doc, body)
    doc["_"]["vendor"], doc["_"]["categoryid"] = str(doc["vendor"]), str(doc["categoryid"])


def _taxes(doc: Doc, body: Mapping[str, Any]) -> None:
    """A tax is a part of the amount, given as money or as percent of what is before tax."""
    code = doc["amount"]["code"]
    for side in ("1", "2"):
        if f"taxName{side}" in body:
            doc[f"taxName{side}"] = body[f"taxName{side}"] or None
        if body.get(f"taxAmount{side}") is not None:
            part = amount_of(body[f"taxAmount{side}"], f"taxAmount{side}", _OBJECT, code)
            doc[f"taxAmount{side}"] = money(part, code)
        elif body.get(f"taxPercent{side}") is not None:
            rate = percent(body[f"taxPercent{side}"], f"taxPercent{side}", _OBJECT)
            part = Decimal(doc["amount"]["amount"]) * rate / (100 + rate)
            doc[f"taxPercent{side}"], doc[f"taxAmount{side}"] = f"{rate:f}", money(part, code)
    if sum(_tax(doc, side) for side in ("1", "2")) > abs(Decimal(doc["amount"]["amount"])):
        raise errors.invalid("Taxes cannot be more than the amount.", "taxAmount1", _OBJECT)


def _tax(doc: Doc, side: str) -> Decimal:
    tax = doc[f"taxAmount{side}"]
    return Decimal(tax["amount"]) if tax else Decimal(0)


def _looks_alike(business: Business, doc: Doc) -> bool:
    """Another expense of the same vendor, day, category and amount is flagged, never refused."""
    same = ("date", "categoryid", "amount")
    return any(
        each["id"] != doc["id"] and each["vis_state"] != DELETED and all(each[name] == doc[name] for name in same)
        for each in business.find(_OBJECT, "$._.vendor", doc["vendor"])
    )


def _post(business: Business, doc: Doc, account: Doc | None) -> None:
    source = f"expense:{doc['id']}"
    if account is None:
        business.unbook(source)
        return
    amount, tax = Decimal(doc["amount"]["amount"]), _tax(doc, "1") + _tax(doc, "2")
    posted = [
        Line(account, amount - tax),
        Line(business.account(TAXES_PAYABLE), tax),
        Line(business.account(PETTY_CASH), -amount),
    ]
    links = {"expenseid": doc["id"], "categoryid": doc["categoryid"], "clientid": doc["clientid"] or None}
    name = str(doc["vendor"]) or f"Expense {doc['id']}"
    business.book(Entry(source, doc["date"], doc["amount"]["code"], "expense", name, str(doc["notes"]), links), posted)


def shown(business: Business, doc: Doc, includes: set[str]) -> Doc:
    code = doc["amount"]["code"]
    nothing = money(Decimal(0), code)
    taxes = {name: doc[name] or nothing for name in ("taxAmount1", "taxAmount2")}
    return {key: value for key, value in {**doc, **taxes}.items() if key != "_"}

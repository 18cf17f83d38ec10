"""Invoices: drafts that post nothing, sent ones that do, and what payments make of them (sheet §5)."""

import re
import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ledgers.freshbooks.sandbox import errors, lines
from ledgers.freshbooks.sandbox.business import ACTIVE, DELETED, Business, Entry, Line
from ledgers.freshbooks.sandbox.charts import DISCOUNTS, RECEIVABLE, REVENUE, TAXES_PAYABLE
from ledgers.freshbooks.sandbox.clients import vis_state
from ledgers.freshbooks.sandbox.fields import Doc, boolean, code_of, day, integer, money, need, number, short
from ledgers.freshbooks.sandbox.items import percent

DISPUTED, DRAFT, SENT, VIEWED, PAID = 0, 1, 2, 3, 4
_OBJECT = "invoice"
_READ_ONLY = ("due_date", "amount")
_TEXTS = ("notes", "po_number", "terms", "language", "organization", "fname", "lname", "street", "city", "code",
          "country", "province", "address", "discount_description")  # fmt: skip
_SPACE = uuid.UUID("4b0a2a2e-16a1-4b0a-8a0e-5e2d9a3f7b10")


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """A new invoice (a draft), or the old one with what ``body`` names changed, and its entry.

    Raises:
        Refusal: 1001, 1004, 1012, 1015, 1038 …
    """
    for name in _READ_ONLY:
        if name in body:
            raise errors.read_only(name, _OBJECT, body[name])
    if old is None:
        need(body, ("customerid", "create_date"), _OBJECT)
    doc = {**old, "_": dict(old["_"])} if old else _new(business)
    before = (doc.get("create_date", ""), doc["status"])
    _customer(business, doc, body)
    _header(business, doc, body)
    if "lines" in body:
        doc["lines"] = lines.read(business, body["lines"], doc["currency_code"], _OBJECT)
    _amounts(business, doc)
    if old is None:
        _number(business, doc, str(body.get("invoice_number") or ""))
    elif "invoice_number" in body and body["invoice_number"] != doc["invoice_number"]:
        _number(business, doc, str(body["invoice_number"] or ""))
    _status(business, doc, body, new=old is None)
    if doc["status"] != DRAFT or before[1] != DRAFT:
        business.check_open(_OBJECT, before[0], doc["create_date"])
    doc["vis_state"] = vis_state(body, doc["vis_state"], _OBJECT)
    return store(business, doc)


def store(business: Business, doc: Doc) -> Doc:
    """Keep an invoice after any change, with its balance, status and entry brought up to date."""
    paid = sum((Decimal(each["_"]["applied"]) for each in payments_of(business, doc["id"])), Decimal(0))
    total = Decimal(doc["amount"]["amount"])
    if paid > max(total, Decimal(0)):
        raise errors.invalid("The amount is less than what has been paid.", "lines", _OBJECT, total)
    code = doc["currency_code"]
    doc["paid"], doc["outstanding"] = money(paid, code), money(total - paid, code)
    doc["net_paid_amount"] = {"amount": f"{paid:.26f}", "code": code}
    # A part payment leaves the number as it is; only v3_status and payment_status tell of it.
    doc["payment_status"] = "unpaid" if not paid else "paid" if paid == total else "partial"
    doc["status"] = PAID if paid and paid == total else doc["_"]["status"]
    doc["updated"], doc["version"] = business.stamp(), business.version()
    business.put(_OBJECT, doc["id"], doc)
    _post(business, doc)
    return doc


def payments_of(business: Business, invoice: int) -> list[Doc]:
    """The living payments of an invoice."""
    found = business.find("payment", "$._.invoice", invoice)
    return [each for each in found if each["vis_state"] != DELETED]


def _new(business: Business) -> Doc:
    id_ = business.next_id(_OBJECT, 820_001)
    return {
        "id": id_,
        "invoiceid": id_,
        "uuid": str(uuid.uuid5(_SPACE, f"{business.scope}:{id_}")),
        "accountid": business.info["account_id"],
        "accounting_systemid": business.info["account_id"],
        "ownerid": 1,
        "sentid": 1,
        "series": None,
        "sender_address": None,
        "currency_code": "",
        "due_offset_days": 0,
        "discount_value": "0",
        "notes": "",
        "terms": None,
        "po_number": None,
        "language": "en",
        "lines": [],
        "fulfillment_date": None,
        "attach_pdf_to_email": False,
        "ext_archive": 0,
        "autobill_status": None,
        "deposit_status": "none",
        "deposit_amount": None,
        "created_at": business.stamp(),
        "status": DRAFT,
        "vis_state": ACTIVE,
        "_": {"status": DRAFT},
    }


def _customer(business: Business, doc: Doc, body: Mapping[str, Any]) -> None:
    if "customerid" in body:
        id_ = integer(body["customerid"], "customerid", _OBJECT)
        client = business.referred("client", id_, "customerid", _OBJECT)
        doc["customerid"] = client["id"]
        doc["currency_code"] = doc["currency_code"] or client["currency_code"]
        doc["current_organization"] = client["organization"]
    if body.get("currency_code"):
        code = code_of(body["currency_code"], "currency_code", _OBJECT)
        if code != doc["currency_code"] and (
            payments_of(business, doc["id"]) or (doc["lines"] and "lines" not in body)
        ):
            raise errors.invalid("Lines or payments are in another currency.", "currency_code", _OBJECT, code)
        doc["currency_code"] = code


def _header(business: Business, doc: Doc, body: Mapping[str, Any]) -> None:
    for name in _TEXTS:
        if name in body:
            doc[name] = short(body[name], name, _OBJECT, business.switches["notes_length"] if name == "notes" else 0)
    if "create_date" in body:
        doc["create_date"] = day(body["create_date"], "create_date", _OBJECT)
    if "due_offset_days" in body:
        doc["due_offset_days"] = integer(body["due_offset_days"], "due_offset_days", _OBJECT)
    if body.get("discount_value") is not None:
        doc["discount_value"] = f"{percent(body['discount_value'], 'discount_value', _OBJECT):f}"
    due = date.fromisoformat(doc["create_date"]) + timedelta(days=doc["due_offset_days"])
    doc["due_date"] = due.isoformat()


def _amounts(business: Business, doc: Doc) -> None:
    code, rate = doc["currency_code"], Decimal(doc["discount_value"])
    sums = lines.totals(doc["lines"], rate, code)
    if sums.total < 0 and business.switches["negative_total"] == "refused":
        raise errors.invalid("The total of an invoice cannot be negative.", "amount", _OBJECT, sums.total)
    doc["amount"], doc["discount_total"] = money(sums.total, code), money(-sums.discount, code)
    doc["discount"] = {"amount": money(sums.discount, code), "rate": doc["discount_value"], "type": "percent"}
    doc["_"]["tax"] = str(sums.tax)


# Numbers


def _number(business: Business, doc: Doc, given: str) -> None:
    short(given, "invoice_number", _OBJECT, business.switches["invoice_number_length"])
    if given:
        rule = business.switches["duplicate_invoice_number"]
        same = [each for each in business.find(_OBJECT, "$.invoice_number", given) if each["id"] != doc["id"]]
        if rule == "refused_unless_deleted":
            same = [each for each in same if each["vis_state"] != DELETED]
        if same and rule != "accepted":
            raise errors.invalid("Invoice number is already in use.", "invoice_number", _OBJECT, given)
    doc["invoice_number"] = given or _following(str(business.info.get("last_number", "")))
    business.info["last_number"] = doc["invoice_number"]
    business.save_info()


def _following(last: str) -> str:
    """The number after ``last``: its last run of digits counts on, letters stay."""
    runs = list(re.finditer(r"\d+", last))
    if not runs:
        return f"{last}0000001"
    run = runs[-1]
    following = str(int(run.group()) + 1).zfill(len(run.group()))
    return f"{last[: run.start()]}{following}{last[run.end() :]}"


# Status


def _status(business: Business, doc: Doc, body: Mapping[str, Any], *, new: bool) -> None:
    wanted: int | None = None
    if "status" in body:
        wanted = _numeric_status(body["status"])
    for name in ("action_mark_as_sent", "action_email"):
        if body.get(name) is not None and boolean(body[name], name, _OBJECT):
            wanted = SENT
    if body.get("action_email"):
        _mail(business, doc, body.get("email_recipients") or [])
    if wanted is None or (new and business.switches["create_with_status"] == "ignored"):
        return
    if wanted == DRAFT and payments_of(business, doc["id"]):
        raise errors.invalid("An invoice with payments cannot be a draft.", "status", _OBJECT, wanted)
    doc["status"] = doc["_"]["status"] = wanted
    if wanted != DRAFT:
        doc["fulfillment_date"] = doc["fulfillment_date"] or business.today()


def _numeric_status(given: Any) -> int:
    if not isinstance(given, int) or isinstance(given, bool):
        number("NaN", "status", _OBJECT)
    if given not in (DISPUTED, DRAFT, SENT, VIEWED):
        text = "Status must be one of 'draft', 'sent', 'viewed' or 'disputed'."
        raise errors.invalid(text, "status", _OBJECT, given)
    return int(given)


def mark_sent(business: Business, doc: Doc) -> Doc:
    """What a payment of a draft does where it is allowed."""
    doc["_"]["status"] = doc["status"] = SENT
    doc["fulfillment_date"] = business.today()
    return store(business, doc)


def _mail(business: Business, doc: Doc, recipients: Any) -> None:
    at = business.next_id("mail")
    business.put("mail", at, {"about": f"invoice {doc['id']}", "to": list(recipients)})


# Books


def in_books(doc: Doc) -> bool:
    return bool(doc["_"]["status"] != DRAFT and doc["vis_state"] != DELETED)


def _post(business: Business, doc: Doc) -> None:
    source = f"invoice:{doc['id']}"
    if not in_books(doc):
        business.unbook(source)
        return
    sales = business.account(REVENUE)
    posted = [Line(business.account(RECEIVABLE), Decimal(doc["amount"]["amount"]))]
    posted += [Line(sales, -Decimal(line["amount"]["amount"]), line["name"]) for line in doc["lines"]]
    posted.append(Line(business.account(DISCOUNTS), Decimal(doc["discount"]["amount"]["amount"])))
    posted.append(Line(business.account(TAXES_PAYABLE), -Decimal(doc["_"]["tax"])))
    links = {"invoiceid": doc["id"], "clientid": doc["customerid"]}
    name = f"Invoice {doc['invoice_number']}"
    business.book(Entry(source, doc["create_date"], doc["currency_code"], "invoice", name, doc["notes"], links), posted)


# Answers


def viewed(business: Business, doc: Doc) -> Doc:
    """With the status that changes as days pass."""
    return {**doc, "v3_status": _v3_status(business, doc)}


def shown(business: Business, doc: Doc, includes: set[str]) -> Doc:
    """The invoice as answered; lines only where asked for."""
    answer = {key: value for key, value in viewed(business, doc).items() if key not in ("_", "lines", "deposit_amount")}
    answer["display_status"] = {DRAFT: "draft", VIEWED: "viewed"}.get(doc["status"], "sent")
    answer["lock_status"] = "locked" if business.locked(doc["create_date"]) else "unlocked"
    if "lines" in includes:
        answer["lines"] = doc["lines"]
    return answer


def _v3_status(business: Business, doc: Doc) -> str:
    if doc["payment_status"] in ("paid", "partial"):
        return str(doc["payment_status"])
    if doc["status"] in (SENT, VIEWED) and doc["due_date"] < business.today() and _owed(doc):
        return "overdue"
    return {DISPUTED: "disputed", DRAFT: "draft", SENT: "sent", VIEWED: "viewed"}[doc["status"]]


def _owed(doc: Doc) -> bool:
    return Decimal(doc["outstanding"]["amount"]) > 0


def share_link(doc: Doc) -> Doc:
    return {
        "clientid": doc["customerid"],
        "resourceid": doc["id"],
        "resource_type": "invoice",
        "share_link": f"https://my.freshbooks.com/#/link/{doc['uuid']}",
        "share_method": "share_link",
    }

"""Payments: they always land in Petty Cash, or use up a credit; what is too much becomes one (sheet §0.1, §5)."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ledgers.freshbooks.sandbox import credit_notes, errors, invoices
from ledgers.freshbooks.sandbox.business import ACTIVE, DELETED, Business, Entry, Line
from ledgers.freshbooks.sandbox.charts import CUSTOMER_CREDIT, PETTY_CASH, RECEIVABLE
from ledgers.freshbooks.sandbox.clients import vis_state
from ledgers.freshbooks.sandbox.fields import Doc, amount_of, day, integer, money, need, short

TYPES = (
    "Check", "Credit", "Cash", "Bank Transfer", "Credit Card", "Debit", "PayPal", "2Checkout", "VISA", "MASTERCARD",
    "DISCOVER", "AMEX", "DINERS", "JCB", "ACH", "Other",
)  # fmt: skip
_OBJECT = "payment"
_SPACE = uuid.UUID("a1f2f6b0-1c7b-4c8a-9d63-3d5d2b8c9e77")


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """A new payment of an invoice, or the old one with what ``body`` names changed.

    Raises:
        Refusal: 1001, 1004 (type, currency, amount, draft), 1011 and 1012 for the invoice.
    """
    if old is None:
        need(body, ("invoiceid", "amount", "date"), _OBJECT)
        id_ = integer(body["invoiceid"], "invoiceid", _OBJECT)
        invoice = business.referred("invoice", id_, "invoiceid", _OBJECT)
        doc = _new(business, invoice)
    else:
        doc = {**old, "_": dict(old["_"])}
        invoice = business.need("invoice", old["invoiceid"])
    before = doc["date"]
    _fields(business, doc, body, invoice["currency_code"])
    business.check_open(_OBJECT, before, doc["date"])
    doc["vis_state"] = vis_state(body, doc["vis_state"], _OBJECT)
    if old is not None:
        _take_back(business, doc)
        invoice = business.need("invoice", doc["invoiceid"])
    if doc["vis_state"] == DELETED:
        return _stored(business, doc)
    if not invoices.in_books(invoice):
        if business.switches["payment_on_draft"] == "refused" or invoice["vis_state"] == DELETED:
            raise errors.invalid("A payment can only be added to a sent invoice.", "invoiceid", _OBJECT)
        invoice = invoices.mark_sent(business, invoice)
    _apply(business, doc, invoice)
    if old is None and body.get("send_client_notification", True):
        business.put("mail", business.next_id("mail"), {"about": f"payment {doc['id']}", "to": []})
    return business.need(_OBJECT, doc["id"])


def write_invoice(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """``invoices.write``, which deletes an invoice with its payments or not at all (switch).

    Raises:
        Refusal: 1004 for an invoice with payments.
    """
    if old is not None and body.get("vis_state") == DELETED:
        for each in invoices.payments_of(business, old["id"]):
            if business.switches["delete_paid_invoice"] == "refused":
                text = "An invoice with payments cannot be deleted."
                raise errors.invalid(text, "vis_state", "invoice", DELETED)
            _take_back(business, each)
            _stored(business, {**each, "vis_state": DELETED})
        old = business.need("invoice", old["id"])
    return invoices.write(business, body, old)


def _new(business: Business, invoice: Doc) -> Doc:
    id_ = business.next_id(_OBJECT, 240_001)
    return {
        "id": id_,
        "logid": id_,
        "invoiceid": invoice["id"],
        "clientid": invoice["customerid"],
        "accounting_systemid": business.info["account_id"],
        "date": "",
        "type": "Other",
        "note": "",
        "orderid": None,
        "gateway": None,
        "transactionid": None,
        "transaction_uuid": str(uuid.uuid5(_SPACE, f"{business.scope}:{id_}")),
        "creditid": None,
        "overpaymentid": None,
        "bulk_paymentid": None,
        "from_credit": False,
        "vis_state": ACTIVE,
        "_": {"invoice": str(invoice["id"]), "applied": "0", "credits": []},
    }


def _fields(business: Business, doc: Doc, body: Mapping[str, Any], currency: str) -> None:
    if "date" in body:
        doc["date"] = day(body["date"], "date", _OBJECT)
    if "amount" in body:
        value = amount_of(body["amount"], "amount", _OBJECT, currency)
        if value <= 0:
            raise errors.invalid("The amount of a payment must be positive.", "amount", _OBJECT, value)
        doc["amount"] = money(value, currency)
    if "type" in body:
        if body["type"] not in TYPES:
            raise errors.invalid("There is no such payment type.", "type", _OBJECT, body["type"])
        doc["type"] = body["type"]
    for name in ("note", "orderid", "transactionid"):
        if name in body:
            doc[name] = short(body[name], name, _OBJECT, business.switches["notes_length"] if name == "note" else 0)
    if body.get("creditid"):
        doc["creditid"] = integer(body["creditid"], "creditid", _OBJECT)
    doc["from_credit"] = doc["type"] == "Credit"


def _apply(business: Business, doc: Doc, invoice: Doc) -> None:
    """Take a payment off its invoice; the rest is the client's credit."""
    value, owed = Decimal(doc["amount"]["amount"]), Decimal(invoice["outstanding"]["amount"])
    applied = max(min(value, owed), Decimal(0))
    if doc["from_credit"]:
        if applied < value:
            raise errors.invalid("A credit cannot pay more than what is owed.", "amount", _OBJECT, value)
        doc["_"]["credits"] = credit_notes.consume(business, doc, value)
    elif value > applied:
        doc["overpaymentid"] = credit_notes.overpaid(business, doc, value - applied)["id"]
    doc["_"]["applied"] = str(applied)
    _stored(business, doc)
    invoices.store(business, business.need("invoice", doc["invoiceid"]))


def _take_back(business: Business, doc: Doc) -> None:
    """Undo what a payment had done to its invoice and to credits."""
    if doc["overpaymentid"]:
        credit_notes.withdraw(business, doc["overpaymentid"])
        doc["overpaymentid"] = None
    credit_notes.give_back(business, doc["_"]["credits"])
    doc["_"] |= {"applied": "0", "credits": []}
    # Stored without effect first, so that the invoice forgets it.
    business.put(_OBJECT, doc["id"], doc)
    invoices.store(business, business.need("invoice", doc["invoiceid"]))


def _stored(business: Business, doc: Doc) -> Doc:
    doc["updated"] = business.stamp()
    business.put(_OBJECT, doc["id"], doc)
    source = f"payment:{doc['id']}"
    if doc["vis_state"] == DELETED:
        business.unbook(source)
        return doc
    value, applied = Decimal(doc["amount"]["amount"]), Decimal(doc["_"]["applied"])
    credit = business.account(CUSTOMER_CREDIT)
    posted = [
        Line(credit if doc["from_credit"] else business.account(PETTY_CASH), value),
        Line(business.account(RECEIVABLE), -applied),
        Line(credit, applied - value),
    ]
    links = {"paymentid": doc["id"], "invoiceid": doc["invoiceid"], "clientid": doc["clientid"]}
    entry = Entry(
        source, doc["date"], doc["amount"]["code"], "payment", f"Payment {doc['id']}", str(doc["note"]), links
    )
    business.book(entry, posted)
    return doc

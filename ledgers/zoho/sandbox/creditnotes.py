"""Credit notes: open at once, applied to invoices or refunded from an account (sheet §7)."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import errors, invoices, payments, receipts, sales, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, objects, plain, true
from ledgers.zoho.sandbox.organization import Organization, visible
from sandbox.books import Posting

_STATES: Final = ("open", "closed", "void", "draft")


def _is(status: str) -> search.Test:
    return lambda doc: doc["status"] == status


_FILTERS: Final = {
    **search.words("creditnote_number", "customer_name", "reference_number"),
    **search.same("customer_id"),
    **search.days("date", "date"),
    **search.amounts("total"),
    **search.modified_since(),
    **search.anywhere("creditnote_number", "reference_number", "customer_name"),
    **search.choice("status", {status: _is(status) for status in _STATES}),
    **search.choice(
        "filter_by",
        {"Status.All": search.everything, **{f"Status.{each.capitalize()}": _is(each) for each in _STATES}},
    ),
}


def save(organization: Organization, given: Doc, old: Doc | None, *, own_number: bool) -> Doc:
    merged = organization.merged(old, given)
    if old and old["_"]["state"] == "void":
        raise organization.refuse("A void credit note cannot be edited.")
    sale = sales.build(organization, "creditnote", merged)
    organization.check_open("sales", sale.doc["date"], *([old["date"]] if old else []))
    if old and sale.total < Decimal(old["total"]) - receipts.credit_left(organization, old):
        raise organization.refuse("The total cannot be less than what has been used.")
    id_ = old["creditnote_id"] if old else organization.new_id()
    number = sales.document_number(organization, "creditnote", "CN-", merged, old, own=own_number)
    doc: Doc = {
        "creditnote_id": id_,
        "creditnote_number": number,
        **sale.doc,
        "custom_fields": organization.custom_fields("creditnote", merged, id_),
    }
    merged["line_items"] = [
        {**each, "line_item_id": line["line_item_id"]}
        for each, line in zip(objects(merged, "line_items"), doc["line_items"], strict=True)
    ]
    state = old["_"]["state"] if old else "draft" if true(merged.get("is_draft")) else "open"
    entry = [[each.account, each.currency, -each.amount, -each.home_amount, each.memo] for each in sale.postings]
    doc["_"] = {"state": state, "number": sales.folded(number), "entry": entry}
    doc = organization.put("creditnote", organization.stamped(doc, old, merged))
    _post(organization, doc)
    receipts.settle_note(organization, doc)
    return doc


def _post(organization: Organization, doc: Doc) -> None:
    source = f"creditnote:{doc['creditnote_id']}"
    if doc["_"]["state"] == "open":
        organization.books.post(source, doc["date"], [Posting(*line) for line in doc["_"]["entry"]])
    else:
        organization.books.remove(source)


def _check_unused(organization: Organization, doc: Doc) -> None:
    id_ = doc["creditnote_id"]
    if sales.applications(organization, "source_id", id_) or receipts.refunds(organization, id_):
        raise organization.refuse("The credit note has been applied or refunded.")


def set_state(organization: Organization, doc: Doc, state: str) -> Doc:
    organization.check_open("sales", doc["date"])
    if state == doc["_"]["state"]:
        return doc
    if state == "draft" and doc["_"]["state"] != "void":
        raise organization.refuse("Only a void credit note can be marked as draft.")
    if state == "open" and doc["_"]["state"] == "void":
        raise organization.refuse("A void credit note cannot be opened.")
    if state == "void":
        _check_unused(organization, doc)
    changed = {**doc, "last_modified_time": organization.stamp(), "_": {**doc["_"], "state": state}}
    organization.put("creditnote", changed)
    _post(organization, changed)
    return changed


def remove(organization: Organization, creditnote_id: str) -> None:
    doc = organization.need("creditnote", creditnote_id)
    organization.check_open("sales", doc["date"])
    _check_unused(organization, doc)
    organization.books.remove(f"creditnote:{creditnote_id}")
    organization.bury("creditnote", creditnote_id)


def shown(organization: Organization, doc: Doc) -> Doc:
    left = receipts.credit_left(organization, doc)
    state = doc["_"]["state"]
    used = []
    for each in sales.applications(organization, "source_id", doc["creditnote_id"]):
        invoice = organization.need("invoice", each["invoice_id"])
        used.append({"creditnote_invoice_id": each["application_id"], "invoice_id": each["invoice_id"],
                     "invoice_number": invoice["invoice_number"], "amount": each["amount"]})  # fmt: skip
    return {
        **visible(doc),
        "status": "closed" if state == "open" and not left else state,
        "balance": plain(left),
        "total_refunded_amount": plain(receipts.refunded(organization, doc["creditnote_id"])),
        "invoices": used,
        "is_emailed": False,
        "custom_fields": organization.loose(doc["custom_fields"]),
        "tags": [],
    }


_ROW: Final = ("creditnote_id", "creditnote_number", "status", "reference_number", "date", "total", "balance",
               "customer_id", "customer_name", "currency_id", "currency_code", "created_time", "last_modified_time",
               "is_emailed")  # fmt: skip


def list_all(organization: Organization, call: Call) -> Doc:
    docs = [{**shown(organization, doc), "_": doc["_"]} for doc in search.candidates(organization, call, "creditnote")]
    sorts = ("customer_name", "creditnote_number", "balance", "total", "date", "created_time")
    rows, context = search.page(organization, call, docs, _FILTERS, name="Credit Notes", sorts=sorts)
    found = [{name: doc[name] for name in _ROW} for doc in rows]
    return said("success", creditnotes=found, page_context=context)


def create(organization: Organization, call: Call) -> Doc:
    body = call.body()
    own = true(call.arg("ignore_auto_number_generation") or body.get("ignore_auto_number_generation"))
    doc = save(organization, body, None, own_number=own)
    if invoice_id := call.arg("invoice_id"):
        invoice = organization.need("invoice", invoice_id, 400)
        amount = min(receipts.credit_left(organization, doc), sales.open_balance(organization, invoice))
        payments.credit(organization, doc, invoice, amount)
    return said("Credit Note has been created.", creditnote=shown(organization, doc))


def read(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    return said("success", creditnote=shown(organization, organization.need("creditnote", creditnote_id)))


def update(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    own = true(call.arg("ignore_auto_number_generation"))
    doc = save(organization, call.body(), organization.need("creditnote", creditnote_id), own_number=own)
    return said("Credit Note information has been updated.", creditnote=shown(organization, doc))


def upsert(organization: Organization, call: Call) -> Doc:
    body, old = invoices.upsert(organization, call, "creditnote")
    doc = save(organization, body, old, own_number=true(call.arg("ignore_auto_number_generation")))
    return said("Credit Note information has been updated.", creditnote=shown(organization, doc))


def delete(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    remove(organization, creditnote_id)
    return said("The credit note has been deleted.")


def _mark(organization: Organization, creditnote_id: str, state: str) -> Doc:
    set_state(organization, organization.need("creditnote", creditnote_id), state)
    return said(f"The credit note has been marked as {state}.")


def mark_void(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    return _mark(organization, creditnote_id, "void")


def mark_draft(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    return _mark(organization, creditnote_id, "draft")


def mark_open(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    return _mark(organization, creditnote_id, "open")


def apply(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    """``invoices`` [{invoice_id, amount_applied}]."""
    note = organization.need("creditnote", creditnote_id)
    parts = objects(call.body(), "invoices")
    if not parts:
        raise errors.missing_field("invoices")
    for each in parts:
        invoice = organization.need("invoice", str(each.get("invoice_id")), 400)
        payments.credit(organization, note, invoice, each.get("amount_applied"))
    return said("Credits have been applied to the invoice(s).")


def unapply(organization: Organization, call: Call, creditnote_id: str, application_id: str) -> Doc:
    note = organization.need("creditnote", creditnote_id)
    organization.check_open("sales", note["date"])
    doc = organization.need("application", application_id)
    if doc["source_id"] != creditnote_id:
        raise errors.not_found("Application")
    sales.release(organization, [doc])
    receipts.settle(organization, [doc["invoice_id"]])
    receipts.settle_note(organization, note)
    return said("Credits applied to an invoice have been deleted.")


def _refund(organization: Organization, doc: Doc) -> Doc:
    names = ("date", "refund_mode", "reference_number", "amount", "customer_name", "description", "exchange_rate")
    note = organization.need("creditnote", doc["source_id"])
    number = {"creditnote_number": note["creditnote_number"]}
    ids = {"creditnote_refund_id": doc["refund_id"], "creditnote_id": doc["source_id"]}
    return {**ids, **number, **{name: doc[name] for name in names}}


def create_refund(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    note = organization.need("creditnote", creditnote_id)
    left = receipts.credit_left(organization, note)
    made = payments.refund(organization, "creditnote", note, left, call.body())
    receipts.settle_note(organization, note)
    return said("The refund for this credit note has been saved.", creditnote_refund=_refund(organization, made))


def list_refunds(organization: Organization, call: Call, creditnote_id: str) -> Doc:
    organization.need("creditnote", creditnote_id)
    docs = receipts.refunds(organization, creditnote_id)
    rows, context = search.page(organization, call, docs, {}, name="Credit Note Refunds")
    found = []
    for doc in rows:
        answer = _refund(organization, doc)
        amount = Decimal(answer.pop("amount"))
        answer |= {
            "amount_fcy": plain(amount),
            "amount_bcy": plain(receipts.money_of(organization, doc).in_base(amount)),
        }
        found.append(answer)
    return said("success", creditnote_refunds=found, page_context=context)


def read_refund(organization: Organization, call: Call, creditnote_id: str, refund_id: str) -> Doc:
    doc = payments.need_refund(organization, creditnote_id, refund_id)
    return said("success", creditnote_refund=_refund(organization, doc))


def delete_refund(organization: Organization, call: Call, creditnote_id: str, refund_id: str) -> Doc:
    payments.remove_refund(organization, creditnote_id, refund_id)
    receipts.settle_note(organization, organization.need("creditnote", creditnote_id))
    return said("The refund has been successfully deleted.")


_C, _R, _U, _D = (f"creditnotes.{verb}" for verb in ("CREATE", "READ", "UPDATE", "DELETE"))
_N = "creditnotes/<creditnote_id>"
ENDPOINTS: Final = (
    Endpoint("GET", "creditnotes", "creditnotes.list", _R, list_all),
    Endpoint("POST", "creditnotes", "creditnotes.create", _C, create, 201),
    Endpoint("PUT", "creditnotes", "creditnotes.upsert", _U, upsert),
    Endpoint("GET", _N, "creditnotes.read", _R, read),
    Endpoint("PUT", _N, "creditnotes.update", _U, update),
    Endpoint("DELETE", _N, "creditnotes.delete", _D, delete),
    Endpoint("POST", f"{_N}/status/void", "creditnotes.void", _C, mark_void),
    Endpoint("POST", f"{_N}/status/draft", "creditnotes.draft", _C, mark_draft),
    Endpoint("POST", f"{_N}/status/open", "creditnotes.open", _C, mark_open),
    Endpoint("POST", f"{_N}/invoices", "creditnotes.apply", _C, apply),
    Endpoint("DELETE", f"{_N}/invoices/<application_id>", "creditnotes.unapply", _D, unapply),
    Endpoint("POST", f"{_N}/refunds", "creditnotes.refund", _C, create_refund, 201),
    Endpoint("GET", f"{_N}/refunds", "creditnotes.refunds", _R, list_refunds),
    Endpoint("GET", f"{_N}/refunds/<refund_id>", "creditnotes.read_refund", _R, read_refund),
    Endpoint("DELETE", f"{_N}/refunds/<refund_id>", "creditnotes.delete_refund", _D, delete_refund),
)

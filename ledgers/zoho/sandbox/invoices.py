"""Invoices: numbers, states, bulk verbs, upsert by a unique custom field (sheet §6, §7)."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import errors, receipts, sales, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, day, empty, ids, objects, optional_number, plain, text, true
from ledgers.zoho.sandbox.organization import Organization, visible
from sandbox.books import Posting

STATES: Final = ("sent", "draft", "overdue", "paid", "void", "unpaid", "partially_paid", "viewed")
_UNPAID: Final = ("sent", "overdue", "partially_paid", "viewed")


def _is(status: str) -> search.Test:
    return lambda doc: doc["status"] == status or (status == "unpaid" and doc["status"] in _UNPAID)


def _custom(holds: Callable[[str, str], bool]) -> search.Filter:
    return lambda given: lambda doc: any(holds(each["value"], given) for each in doc["custom_fields"])


_FILTERS: Final = {
    **search.words("invoice_number", "customer_name"),
    **search.words("reference_number"),
    **search.same("customer_id"),
    **search.days("date", "date"),
    **search.days("due_date", "due_date"),
    **search.amounts("total"),
    **search.amounts("balance"),
    **search.modified_since(),
    **search.anywhere("invoice_number", "reference_number", "customer_name"),
    **search.choice("status", {status: _is(status) for status in STATES}),
    **search.choice(
        "filter_by",
        {
            "Status.All": search.everything,
            "Status.PartiallyPaid": _is("partially_paid"),
            "Status.OverDue": _is("overdue"),
            **{f"Status.{each.capitalize()}": _is(each) for each in STATES if "_" not in each and each != "overdue"},
        },
    ),
    "custom_field": _custom(lambda held, given: held == given),
    "custom_field_startswith": _custom(lambda held, given: held.startswith(given)),
    "custom_field_contains": _custom(lambda held, given: given in held),
}
_SORTS: Final = ("customer_name", "invoice_number", "date", "due_date", "total", "balance", "created_time",
                 "last_modified_time")  # fmt: skip


def save(organization: Organization, given: Doc, old: Doc | None, *, own_number: bool) -> Doc:
    """The invoice as stored; drafts post nothing."""
    merged = organization.merged(old, given)
    if old and old["_"]["state"] == "void":
        raise organization.refuse("A void invoice cannot be edited.")
    sale = sales.build(organization, "invoice", merged)
    organization.check_open("sales", sale.doc["date"], *([old["date"]] if old else []))
    id_ = old["invoice_id"] if old else organization.new_id()
    settled = sales.applications(organization, "invoice_id", id_)
    if settled and sale.total < sales.applied(settled):
        raise organization.refuse("The invoice total cannot be less than what has been paid.")
    if settled and old and old["customer_id"] != sale.doc["customer_id"]:
        raise organization.refuse("The customer of an invoice with payments cannot be changed.")
    number = sales.document_number(organization, "invoice", "INV-", merged, old, own=own_number)
    terms = int(optional_number(merged, "payment_terms"))
    doc: Doc = {
        "invoice_id": id_,
        "invoice_number": number,
        **sale.doc,
        "due_date": day(merged.get("due_date") or sale.doc["date"], "due_date"),
        "payment_terms": terms,
        "payment_terms_label": text(merged, "payment_terms_label", 100, "Due on Receipt"),
        "invoice_source": "Api",
        "custom_fields": organization.custom_fields("invoice", merged, id_),
    }
    # Line ids are kept, so that a change without lines leaves them as they were.
    merged["line_items"] = [
        {**each, "line_item_id": line["line_item_id"]}
        for each, line in zip(objects(merged, "line_items"), doc["line_items"], strict=True)
    ]
    approving = organization.info["approvals"]
    state = old["_"]["state"] if old else "draft"
    approved = (old["_"]["approved"] if old else False) or not approving
    doc["_"] = {"state": state, "approved": approved, "number": sales.folded(number), "entry": _frozen(sale)}
    doc = organization.put("invoice", organization.stamped(doc, old, merged))
    _post(organization, doc)
    receipts.settle(organization, [id_])
    return doc


def _frozen(sale: sales.Sale) -> list[list[object]]:
    """The entry, kept until the draft is sent."""
    return [[line.account, line.currency, line.amount, line.home_amount, line.memo] for line in sale.postings]


def _post(organization: Organization, doc: Doc) -> None:
    source = f"invoice:{doc['invoice_id']}"
    if doc["_"]["state"] == "sent":
        organization.books.post(source, doc["date"], [Posting(*line) for line in doc["_"]["entry"]])
    else:
        organization.books.remove(source)


# States


def status(organization: Organization, doc: Doc, balance: Decimal) -> str:
    state = doc["_"]["state"]
    if state == "draft":
        return "approved" if organization.info["approvals"] and doc["_"]["approved"] else "draft"
    if state == "void":
        return "void"
    if balance == 0:
        return "paid"
    if doc["due_date"] < organization.today():
        return "overdue"
    return "partially_paid" if balance < Decimal(doc["total"]) else "sent"


def set_state(organization: Organization, doc: Doc, state: str) -> Doc:
    """draft → sent → void → draft."""
    was = doc["_"]["state"]
    if was == state:
        return doc
    if state == "draft" and was != "void":
        raise organization.refuse("Only a void invoice can be marked as draft.")
    if state == "sent" and was == "void":
        raise organization.refuse("A void invoice cannot be marked as sent.")
    if state == "sent" and not doc["_"]["approved"]:
        raise organization.refuse("The invoice has to be approved before it is sent.")
    if state == "sent" and organization.info["einvoicing"] and organization.info["country_code"] == "SA":
        raise errors.Fault(41016, "The invoice has to be submitted to the authority before it is marked as sent.")
    organization.check_open("sales", doc["date"])
    if state == "void":
        _unapply(organization, doc, organization.switches["void_paid_invoice"])
    doc = {**doc, "last_modified_time": organization.stamp(), "_": {**doc["_"], "state": state}}
    organization.put("invoice", doc)
    _post(organization, doc)
    return doc


def _unapply(organization: Organization, doc: Doc, policy: str) -> None:
    settled = sales.applications(organization, "invoice_id", doc["invoice_id"])
    if settled and policy == "refuse":
        raise organization.refuse("Payments or credits have been applied to the invoice.")
    sales.release(organization, settled)
    for each in settled:
        if each["source"] == "payment":
            receipts.post(organization, organization.need("payment", each["source_id"]))
        else:
            receipts.settle_note(organization, organization.need("creditnote", each["source_id"]))


def remove(organization: Organization, invoice_id: str) -> None:
    doc = organization.need("invoice", invoice_id)
    organization.check_open("sales", doc["date"])
    _unapply(organization, doc, organization.switches["delete_paid_invoice"])
    organization.books.remove(f"invoice:{invoice_id}")
    organization.bury("invoice", invoice_id)


# Answers


def shown(organization: Organization, doc: Doc) -> Doc:
    settled = sales.applications(organization, "invoice_id", doc["invoice_id"])
    balance = sales.open_balance(organization, doc)
    paid = sales.applied([each for each in settled if each["source"] == "payment"])
    credited = sales.applied([each for each in settled if each["source"] == "creditnote"])
    return {
        **visible(doc),
        "status": status(organization, doc, balance),
        "balance": plain(balance),
        "payment_made": plain(paid),
        "credits_applied": plain(credited),
        "tax_amount_withheld": 0,
        "write_off_amount": 0,
        "last_payment_date": max((each["date"] for each in settled), default=""),
        "is_viewed_by_client": False,
        "is_emailed": False,
        "has_attachment": False,
        "custom_fields": organization.loose(doc["custom_fields"]),
        "contact_persons_associated": [],
        "tags": [],
    }


_ROW: Final = ("invoice_id", "customer_name", "customer_id", "status", "invoice_number", "reference_number", "date",
               "due_date", "currency_id", "currency_code", "total", "balance", "created_time", "last_modified_time",
               "is_viewed_by_client", "has_attachment", "is_emailed", "custom_fields", "shipping_charge", "adjustment",
               "write_off_amount", "exchange_rate", "last_payment_date", "tags")  # fmt: skip


def _row(organization: Organization, doc: Doc) -> Doc:
    return {**{name: doc[name] for name in _ROW}, "due_days": "", "documents": organization.loose([])}


def _candidates(organization: Organization, call: Call) -> list[Doc]:
    """What an exact number allows to leave aside: a look-up among many thousands stays quick."""
    if organization.switches["filters"] == "documented" and (number := call.arg("invoice_number")):
        return organization.store.find("invoice", "$._.number", [sales.folded(number)], organization.id)
    return search.candidates(organization, call, "invoice")


def list_invoices(organization: Organization, call: Call) -> Doc:
    docs = _candidates(organization, call)
    asked = {*call.args, call.arg("sort_column")}
    if any(name.startswith(("status", "balance", "filter_by")) for name in asked):
        # What is worked out from payments has to be known before it can be searched.
        docs = [{**shown(organization, doc), "_": doc["_"]} for doc in docs]
    rows, context = search.page(organization, call, docs, _FILTERS, name="Invoices", sorts=_SORTS)
    found = [_row(organization, shown(organization, doc)) for doc in rows]
    return said("success", invoices=found, page_context=context)


def create_invoice(organization: Organization, call: Call) -> Doc:
    own = true(call.arg("ignore_auto_number_generation"))
    doc = save(organization, call.body(), None, own_number=own)
    if true(call.arg("send")):
        doc = set_state(organization, doc, "sent")
    return said("The invoice has been created.", invoice=shown(organization, doc))


def read_invoice(organization: Organization, call: Call, invoice_id: str) -> Doc:
    return said("success", invoice=shown(organization, organization.need("invoice", invoice_id)))


def update_invoice(organization: Organization, call: Call, invoice_id: str) -> Doc:
    own = true(call.arg("ignore_auto_number_generation"))
    doc = save(organization, call.body(), organization.need("invoice", invoice_id), own_number=own)
    return said("Invoice information has been updated.", invoice=shown(organization, doc))


def upsert_invoice(organization: Organization, call: Call) -> Doc:
    body, old = upsert(organization, call, "invoice")
    own = true(call.arg("ignore_auto_number_generation"))
    doc = save(organization, body, old, own_number=own)
    return said("Invoice information has been updated.", invoice=shown(organization, doc))


def upsert(organization: Organization, call: Call, module: str) -> tuple[Doc, Doc | None]:
    """The body and the record whose unique custom field has the value of the headers.

    Raises:
        Fault: 4 for a field that is not there or not unique, 1002 without X-Upsert when there is no record.
    """
    key, value = call.headers.get("x-unique-identifier-key", ""), call.headers.get("x-unique-identifier-value", "")
    known = [each for each in organization.info["custom_fields"].get(module, []) if each["api_name"] == key]
    if not value or not known or not known[0]["unique"]:
        raise errors.invalid_field("X-Unique-Identifier-Key")
    found = organization.with_custom_field(module, key, value)
    if found is None and call.headers.get("x-upsert", "").lower() != "true":
        raise errors.not_found(module.capitalize())
    body = call.body()
    others = [each for each in objects(body, "custom_fields") if each.get("api_name") != key]
    named = [each for each in objects(body, "custom_fields") if each.get("api_name") == key]
    if named and named[0].get("value") != value and organization.switches["upsert_disagreement"] == "refuse":
        raise errors.invalid_field(key)
    return {**body, "custom_fields": [*others, {"api_name": key, "value": value}]}, found


def delete_invoice(organization: Organization, call: Call, invoice_id: str) -> Doc:
    remove(organization, invoice_id)
    return said("The invoice has been deleted.")


def delete_invoices(organization: Organization, call: Call) -> Doc:
    for invoice_id in ids(call.arg("invoice_ids"), "invoice_ids"):
        remove(organization, invoice_id)
    return said("The invoices have been deleted.")


def _marking(state: str, text_: str) -> Callable[..., Doc]:
    def mark(organization: Organization, call: Call, invoice_id: str) -> Doc:
        set_state(organization, organization.need("invoice", invoice_id), state)
        return said(text_)

    return mark


def _marking_all(state: str, text_: str) -> Callable[..., Doc]:
    """All or none."""

    def mark(organization: Organization, call: Call) -> Doc:
        for invoice_id in ids(call.arg("invoice_ids"), "invoice_ids"):
            set_state(organization, organization.need("invoice", invoice_id), state)
        return said(text_)

    return mark


def approve_invoice(organization: Organization, call: Call, invoice_id: str) -> Doc:
    doc = organization.need("invoice", invoice_id)
    organization.put("invoice", {**doc, "_": {**doc["_"], "approved": True}})
    return said("You have approved the invoice.")


def list_payments(organization: Organization, call: Call, invoice_id: str) -> Doc:
    organization.need("invoice", invoice_id)
    found = []
    for each in sales.applications(organization, "invoice_id", invoice_id):
        if each["source"] != "payment":
            continue
        paid = organization.need("payment", each["source_id"])
        names = ("payment_id", "payment_mode", "description", "date", "reference_number",
                 "exchange_rate")  # fmt: skip
        found.append({**{name: paid[name] for name in names}, "invoice_id": invoice_id,
                      "invoice_payment_id": each["application_id"], "payment_number": int(paid["payment_number"]), "amount": each["amount"],
                      "tax_amount_withheld": 0, "is_single_invoice_payment": len(paid["invoices"]) == 1})  # fmt: skip
    return said("success", payments=found)


def set_custom_fields(organization: Organization, call: Call, invoice_id: str) -> Doc:
    doc = organization.need("invoice", invoice_id)
    body = call.body()
    given = {"custom_fields": body["custom_fields"]} if not empty(body.get("custom_fields")) else {}
    save(organization, given, doc, own_number=True)
    return said("Custom Fields Updated Successfully")


_MARKED: Final = "Invoice status has been changed."
_C, _R, _U, _D = (f"invoices.{verb}" for verb in ("CREATE", "READ", "UPDATE", "DELETE"))
ENDPOINTS: Final = (
    Endpoint("GET", "invoices", "invoices.list", _R, list_invoices),
    Endpoint("POST", "invoices", "invoices.create", _C, create_invoice, 201),
    Endpoint("PUT", "invoices", "invoices.upsert", _U, upsert_invoice),
    Endpoint("DELETE", "invoices", "invoices.bulk_delete", _D, delete_invoices),
    Endpoint("POST", "invoices/status/sent", "invoices.bulk_sent", _C, _marking_all("sent", "Invoices marked as sent")),
    Endpoint("POST", "invoices/status/void", "invoices.bulk_void", _C, _marking_all("void", "Invoices marked as void")),
    Endpoint("GET", "invoices/<invoice_id>", "invoices.read", _R, read_invoice),
    Endpoint("PUT", "invoices/<invoice_id>", "invoices.update", _U, update_invoice),
    Endpoint("DELETE", "invoices/<invoice_id>", "invoices.delete", _D, delete_invoice),
    *(
        Endpoint("POST", f"invoices/<invoice_id>/status/{state}", f"invoices.{state}", _C, _marking(state, _MARKED))
        for state in ("sent", "void", "draft")
    ),
    Endpoint("POST", "invoices/<invoice_id>/approve", "invoices.approve", _C, approve_invoice),
    Endpoint("GET", "invoices/<invoice_id>/payments", "invoices.payments", _R, list_payments),
    Endpoint("PUT", "invoice/<invoice_id>/customfields", "invoices.custom_fields", _U, set_custom_fields),
)

"""Customer payments over many invoices, their refunds, and credits on invoices (sheet §7)."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import charts, errors, invoices, receipts, sales, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, day, empty, needed, needed_number, objects, optional_number, plain, text
from ledgers.zoho.sandbox.organization import Money, Organization, visible

_BALANCE_SHEET: Final = ("asset", "liability", "equity")
_FILTERS: Final = {
    **search.words("customer_name", "reference_number"),
    # The description says notes, the record description.
    **{name.replace("description", "notes"): test for name, test in search.words("description").items()},
    **search.same("customer_id", "payment_mode"),
    **search.days("date", "date"),
    **search.amounts("amount"),
    **search.anywhere("reference_number", "customer_name", "payment_number"),
}


def money_account(organization: Organization, id_: object, field: str, money: Money) -> Doc:
    """A balance sheet account that can hold the document's currency."""
    account = organization.account(id_, field)
    if charts.TYPES[account["account_type"]] not in _BALANCE_SHEET:
        raise errors.invalid_field(field)
    if account["currency_code"] not in (organization.base, money.code):
        raise organization.refuse("The currency of the account differs from the currency of the transaction.")
    return account


def save(organization: Organization, given: Doc, old: Doc | None) -> Doc:
    merged = organization.merged(old, given)
    contact = organization.contact(merged.get("customer_id"))
    mode = needed(merged, "payment_mode", 100)
    on_date = day(needed(merged, "date"), "date")
    money = organization.money(merged, on_date, organization.currency(contact["currency_id"]))
    if money.currency["currency_id"] != contact["currency_id"] and not organization.info["contact_currencies"]:
        raise organization.refuse("The currency of the transaction differs from the currency of the customer.")
    amount = money.rounded(needed_number(merged, "amount"))
    if amount <= 0:
        raise errors.invalid_field("amount")
    charges = money.rounded(optional_number(merged, "bank_charges"))
    if not 0 <= charges <= amount:
        raise errors.invalid_field("bank_charges")
    undeposited = organization.system(charts.UNDEPOSITED)
    account = money_account(organization, merged.get("account_id") or undeposited, "account_id", money)
    organization.check_open("sales", on_date, *([old["date"]] if old else []))
    id_ = old["payment_id"] if old else organization.new_id()
    released = sales.applications(organization, "source_id", id_) if old else []
    sales.release(organization, released)
    shown = _apply(organization, id_, contact, money, amount, merged)
    doc: Doc = {
        "payment_id": id_,
        "payment_number": old["payment_number"] if old else str(organization.next_number("payment")),
        "payment_mode": mode,
        "amount": plain(amount),
        "bcy_amount": plain(money.in_base(amount)),
        "bank_charges": plain(charges),
        "date": on_date,
        "payment_status": "paid",
        "status": "success",
        "reference_number": text(merged, "reference_number", 100),
        "description": text(merged, "description", 2000),
        "customer_id": contact["contact_id"],
        "customer_name": contact["contact_name"],
        "account_id": account["account_id"],
        "account_name": account["account_name"],
        "account_type": account["account_type"],
        "invoices": shown,
        **money.fields(),
        "custom_fields": organization.custom_fields("payment", merged, id_),
    }
    doc = organization.put("payment", organization.stamped(doc, old, merged))
    receipts.post(organization, doc)
    touched = dict.fromkeys(each["invoice_id"] for each in [*released, *shown])
    receipts.settle(organization, touched, but=id_)
    return doc


def _apply(organization: Organization, id_: str, contact: Doc, money: Money, amount: Decimal, merged: Doc) -> list[Doc]:
    parts = objects(merged, "invoices")
    if not parts and not empty(merged.get("invoice_id")):
        parts = [{"invoice_id": merged["invoice_id"], "amount_applied": merged.get("amount_applied")}]
    most = organization.switches["payment_max_invoices"]
    if most and len(parts) > most:
        raise organization.refuse(f"A payment can cover at most {most} invoices.")
    shown: list[Doc] = []
    total = Decimal(0)
    for part in parts:
        invoice = organization.need("invoice", needed(part, "invoice_id"), 400)
        value = money.rounded(needed_number(part, "amount_applied"))
        if value < 0:
            raise errors.invalid_field("amount_applied")
        if invoice["customer_id"] != contact["contact_id"] or invoice["currency_id"] != money.currency["currency_id"]:
            raise organization.refuse("The invoice belongs to another customer or has another currency.")
        _ready(organization, invoice)
        if value > sales.open_balance(organization, invoice):
            raise sales.over_applied()
        total += value
        if value:
            sales.apply(organization, "payment", id_, invoice["invoice_id"], value)
        shown.append({
            "invoice_id": invoice["invoice_id"],
            "invoice_number": invoice["invoice_number"],
            "date": invoice["date"],
            "invoice_amount": invoice["total"],
            "amount_applied": plain(value),
            "balance_amount": plain(sales.open_balance(organization, invoice)),
            "tax_amount_withheld": 0,
        })  # fmt: skip
    if total > amount:
        raise sales.over_applied()
    return shown


def _ready(organization: Organization, invoice: Doc) -> None:
    """A payment meets an invoice that is in the books."""
    state = invoice["_"]["state"]
    if state == "void":
        raise organization.refuse("A void invoice cannot be paid.")
    if state == "draft":
        if organization.switches["payment_on_draft"] == "refuse":
            raise organization.refuse("Payments cannot be recorded for draft invoices.")
        invoices.set_state(organization, invoice, "sent")


def remove(organization: Organization, payment_id: str) -> None:
    doc = organization.need("payment", payment_id)
    organization.check_open("sales", doc["date"])
    if receipts.refunds(organization, payment_id):
        raise organization.refuse("The payment has refunds; delete them first.")
    released = sales.applications(organization, "source_id", payment_id)
    sales.release(organization, released)
    organization.books.remove(f"payment:{payment_id}")
    organization.bury("payment", payment_id)
    receipts.settle(organization, [each["invoice_id"] for each in released])


def unused(organization: Organization, doc: Doc) -> Decimal:
    used = sales.applied(sales.applications(organization, "source_id", doc["payment_id"]))
    return Decimal(doc["amount"]) - used - receipts.refunded(organization, doc["payment_id"])


def shown(organization: Organization, doc: Doc) -> Doc:
    held = {each["invoice_id"] for each in sales.applications(organization, "source_id", doc["payment_id"])}
    return {
        **visible(doc),
        "invoices": [each for each in doc["invoices"] if each["invoice_id"] in held],
        "amount_refunded": plain(receipts.refunded(organization, doc["payment_id"])),
        "unused_amount": plain(unused(organization, doc)),
        "custom_fields": organization.loose(doc["custom_fields"]),
    }


# Refunds, of payments and of credit notes


def refund(organization: Organization, source: str, doc: Doc, left: Decimal, body: Doc) -> Doc:
    """Money back out of a bank account; the caller posts it."""
    on_date = day(body.get("date") or organization.today(), "date")
    theirs = receipts.money_of(organization, doc)
    rate = organization.rate(theirs.currency, on_date, body.get("exchange_rate") or doc["exchange_rate"])
    money = Money(theirs.currency, rate, organization.base)
    amount = money.rounded(needed_number(body, "amount"))
    if not 0 < amount <= left:
        raise organization.refuse("The amount refunded is greater than the available balance.")
    paid_from = money_account(organization, body.get("from_account_id"), "from_account_id", money)
    organization.check_open("sales", on_date)
    id_ = organization.new_id()
    made: Doc = {
        "refund_id": id_,
        "source": source,
        "source_id": doc[f"{source}_id"],
        "date": on_date,
        "refund_mode": text(body, "refund_mode", 100, "cash"),
        "reference_number": text(body, "reference_number", 100),
        "description": text(body, "description", 2000),
        "amount": plain(amount),
        "customer_id": doc["customer_id"],
        "customer_name": doc["customer_name"],
        "from_account_id": paid_from["account_id"],
        **money.fields(),
    }
    return organization.put("refund", organization.stamped(made, None, body))


def need_refund(organization: Organization, source_id: str, refund_id: str) -> Doc:
    doc = organization.need("refund", refund_id)
    if doc["source_id"] != source_id:
        raise errors.not_found("Refund")
    return doc


def remove_refund(organization: Organization, source_id: str, refund_id: str) -> None:
    doc = need_refund(organization, source_id, refund_id)
    organization.check_open("sales", doc["date"])
    organization.books.remove(f"refund:{refund_id}")
    organization.bury("refund", refund_id)


# Credits on invoices


def credit(organization: Organization, note: Doc, invoice: Doc, given: object) -> None:
    """Apply a credit note to an invoice."""
    theirs, its = receipts.money_of(organization, note), receipts.money_of(organization, invoice)
    amount = its.rounded(needed_number({"amount_applied": given}, "amount_applied"))
    if note["customer_id"] != invoice["customer_id"] or theirs.code != its.code:
        raise organization.refuse("The invoice belongs to another customer or has another currency.")
    _ready(organization, invoice)
    if not 0 < amount <= receipts.credit_left(organization, note):
        raise organization.refuse("The amount applied is greater than the credits available.")
    if amount > sales.open_balance(organization, invoice):
        raise sales.over_applied()
    organization.check_open("sales", organization.today())
    sales.apply(organization, "creditnote", note["creditnote_id"], invoice["invoice_id"], amount)
    receipts.settle(organization, [invoice["invoice_id"]])
    receipts.settle_note(organization, note)


def apply_credits(organization: Organization, call: Call, invoice_id: str) -> Doc:
    """``apply_creditnotes`` [{creditnote_id, amount_applied}]."""
    invoice = organization.need("invoice", invoice_id)
    for each in objects(call.body(), "apply_creditnotes"):
        note = organization.need("creditnote", str(each.get("creditnote_id")), 400)
        credit(organization, note, invoice, each.get("amount_applied"))
    return said("Credits have been applied to the invoice(s).")


# The API


def list_all(organization: Organization, call: Call) -> Doc:
    docs = search.candidates(organization, call, "payment")
    rows, context = search.page(organization, call, docs, _FILTERS, name="Payments Received",
                                sorts=("date", "amount", "payment_number", "reference_number", "created_time"))  # fmt: skip
    names = ("payment_id", "payment_number", "date", "payment_mode", "amount", "bcy_amount", "reference_number",
             "description", "customer_id", "customer_name", "account_id", "account_name", "currency_code",
             "exchange_rate", "created_time", "last_modified_time")  # fmt: skip
    found = []
    for doc in rows:
        invoices = shown(organization, doc)["invoices"]
        found.append({
            **{name: doc[name] for name in names},
            "invoice_numbers": ", ".join(each["invoice_number"] for each in invoices),
            "unused_amount": plain(unused(organization, doc)),
            "documents": organization.loose([]),
        })  # fmt: skip
    return said("success", customerpayments=found, page_context=context)


def create(organization: Organization, call: Call) -> Doc:
    doc = save(organization, call.body(), None)
    return said("The payment from the customer has been recorded", payment=shown(organization, doc))


def read(organization: Organization, call: Call, payment_id: str) -> Doc:
    return said("success", payment=shown(organization, organization.need("payment", payment_id)))


def update(organization: Organization, call: Call, payment_id: str) -> Doc:
    doc = save(organization, call.body(), organization.need("payment", payment_id))
    return said("The payment details have been updated.", payment=shown(organization, doc))


def upsert(organization: Organization, call: Call) -> Doc:
    body, old = invoices.upsert(organization, call, "payment")
    return said("The payment details have been updated.", payment=shown(organization, save(organization, body, old)))


def delete(organization: Organization, call: Call, payment_id: str) -> Doc:
    remove(organization, payment_id)
    return said("The payment has been deleted.")


def create_refund(organization: Organization, call: Call, payment_id: str) -> Doc:
    doc = organization.need("payment", payment_id)
    made = refund(organization, "payment", doc, unused(organization, doc), call.body())
    held = receipts.money_of(organization, doc).posting(organization.system(charts.UNEARNED), Decimal(made["amount"]))
    receipts.post_refund(organization, made, held)
    return said("The refund information for this payment has been saved.", payment_refunds=[_refund_shown(made)])


def _refund_shown(doc: Doc) -> Doc:
    names = ("date", "refund_mode", "reference_number", "description", "amount", "customer_name", "exchange_rate")
    return {"payment_refund_id": doc["refund_id"], "payment_id": doc["source_id"], **{n: doc[n] for n in names}}


def delete_refund(organization: Organization, call: Call, payment_id: str, refund_id: str) -> Doc:
    remove_refund(organization, payment_id, refund_id)
    return said("The refund has been successfully deleted.")


_C, _R, _U, _D = (f"customerpayments.{verb}" for verb in ("CREATE", "READ", "UPDATE", "DELETE"))
_P = "customerpayments/<payment_id>"
ENDPOINTS: Final = (
    Endpoint("GET", "customerpayments", "customerpayments.list", _R, list_all),
    Endpoint("POST", "customerpayments", "customerpayments.create", _C, create, 201),
    Endpoint("PUT", "customerpayments", "customerpayments.upsert", _U, upsert),
    Endpoint("GET", _P, "customerpayments.read", _R, read),
    Endpoint("PUT", _P, "customerpayments.update", _U, update),
    Endpoint("DELETE", _P, "customerpayments.delete", _D, delete),
    Endpoint("POST", f"{_P}/refunds", "customerpayments.refund", _C, create_refund, 201),
    Endpoint("POST", "invoices/<invoice_id>/credits", "invoices.credits", "invoices.CREATE", apply_credits),
    Endpoint("DELETE", f"{_P}/refunds/<refund_id>", "customerpayments.delete_refund", _D, delete_refund),
)

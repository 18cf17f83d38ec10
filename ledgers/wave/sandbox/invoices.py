"""Invoices and their payments: drafts are outside the books, saved ones are in (sheet §7)."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from ledgers.wave.sandbox.business import Business, Doc, instant, rounded
from ledgers.wave.sandbox.ids import node_id
from ledgers.wave.sandbox.refusals import refused
from ledgers.wave.sandbox.subtypes import PAID_INTO
from sandbox.books import Posting, exponent

_PLACES = 8
_TEXTS = (
    "amountTitle", "footer", "itemTitle", "memo", "poNumber", "priceTitle", "subhead", "title", "unitTitle",
    "disableAmexPayments", "disableBankPayments", "disableCreditCardPayments", "hideAmount", "hideDescription",
    "hideName", "hidePrice", "hideUnit", "requireTermsOfServiceAgreement",
)  # fmt: skip
_ENDS_IN_DIGITS = re.compile(r"(.*?)(\d+)$", re.DOTALL)


def create(business: Business, given: Doc) -> Doc:
    business.refer("Customer", given["customerId"], "customerId")
    on = given.get("invoiceDate") or business.today()
    due = date.fromisoformat(on) + timedelta(days=business.info["payment_terms_days"])
    currency = given.get("currency") or business.home
    values: Doc = {
        **{name: given.get(name) for name in _TEXTS},
        "customerId": given["customerId"],
        "invoiceNumber": _number(business, given.get("invoiceNumber")),
        "invoiceDate": on,
        "dueDate": given.get("dueDate") or due.isoformat(),
        "currency": currency,
        "exchangeRate": _rate(business, currency, given.get("exchangeRate")),
        "draft": given.get("status") != "SAVED",
        "sentAt": None,
        "sentVia": None,
        "viewedAt": None,
        "paid": 0,
    }
    values |= _items(business, given.get("items") or [], currency)
    _check(business, values)
    return _post(business, business.new("Invoice", values))


def patch(business: Business, invoice: Doc, given: Doc) -> Doc:
    _check_open(business, invoice)
    changes = {key: given[key] for key in (*_TEXTS, "dueDate", "invoiceDate") if key in given}
    if given.get("customerId"):
        business.refer("Customer", given["customerId"], "customerId")
        changes["customerId"] = given["customerId"]
    if given.get("invoiceNumber") and given["invoiceNumber"] != invoice["invoiceNumber"]:
        changes["invoiceNumber"] = _number(business, given["invoiceNumber"])
    currency = given.get("currency") or invoice["currency"]
    if currency != invoice["currency"] and payments(business, invoice):
        raise refused("An invoice with payments keeps its currency.", "currency")
    if currency != invoice["currency"] or given.get("exchangeRate"):
        changes |= {"currency": currency, "exchangeRate": _rate(business, currency, given.get("exchangeRate"))}
    if given.get("items") is not None:
        changes |= _items(business, given["items"], currency)
    if given.get("status") == "SAVED":
        changes["draft"] = False
    _check(business, {**invoice, **changes})
    return _post(business, business.changed("Invoice", invoice, changes))


def approve(business: Business, invoice: Doc) -> Doc:
    if not invoice["draft"]:
        raise refused("Only a draft can be approved.", "invoiceId")
    business.check_open(invoice["invoiceDate"], "invoiceId")
    return _post(business, business.changed("Invoice", invoice, {"draft": False}))


def mark_sent(business: Business, invoice: Doc, given: Doc) -> Doc:
    if invoice["draft"]:
        raise refused("A draft must be approved before it is sent.", "invoiceId")
    sent_at = given.get("sentAt") or instant(business.clock.now())
    return business.changed("Invoice", invoice, {"sentAt": sent_at, "sentVia": given["sendMethod"]})


def clone(business: Business, invoice: Doc) -> Doc:
    """A draft of today with the same content under the next number."""
    kept = {key: value for key, value in invoice.items() if key not in ("id", "createdAt", "modifiedAt")}
    fresh = {"invoiceNumber": _number(business, None), "invoiceDate": business.today(), "dueDate": business.today(),
             "draft": True, "sentAt": None, "sentVia": None, "viewedAt": None, "paid": 0}  # fmt: skip
    return business.new("Invoice", {**kept, **fresh})


def delete(business: Business, invoice: Doc) -> None:
    _check_open(business, invoice)
    paid = payments(business, invoice)
    if paid and business.switches["delete_paid_invoice"] == "refuse":
        raise refused("An invoice with payments cannot be deleted.", "invoiceId")
    for payment in paid:
        business.check_open(payment["paymentDate"], "invoiceId")
        _drop_payment(business, payment)
    business.unpost(f"Invoice:{invoice['id']}")
    business.store.delete("Invoice", invoice["id"], business.uuid)


def status(business: Business, invoice: Doc) -> str:
    if invoice["draft"]:
        return "DRAFT"
    total, paid = invoice["total"], invoice["paid"]
    if paid > max(total, 0):
        return "OVERPAID"
    if paid == total:
        return "PAID"
    if paid:
        return "PARTIAL"
    if invoice["dueDate"] < business.today():
        return "OVERDUE"
    if invoice["viewedAt"]:
        return "VIEWED"
    return "SENT" if invoice["sentAt"] else "SAVED"


def has_status(business: Business, invoice: Doc, wanted: str) -> bool:
    if wanted == "UNPAID":
        return not invoice["draft"] and not invoice["paid"] and invoice["total"] > 0
    return status(business, invoice) == wanted


def due(invoice: Doc) -> int:
    return max(int(invoice["total"]) - int(invoice["paid"]), 0)


# Numbers, rates, lines


def _number(business: Business, wanted: str | None) -> str:
    if not wanted:
        return _next_number(business)
    taken = business.store.find("Invoice", "$.invoiceNumber", [wanted], business.uuid)
    if taken and business.switches["duplicate_invoice_number"] == "reject":
        raise refused("Invoice number has already been taken.", "invoiceNumber", code="UNIQUE")
    return wanted


def _next_number(business: Business) -> str:
    """The highest one, plus 1: free texts count by the digits at their end."""
    matches = (_ENDS_IN_DIGITS.match(invoice["invoiceNumber"]) for invoice in business.all("Invoice"))
    highest = max((match.groups() for match in matches if match), key=lambda each: int(each[1]), default=("", "0"))
    return f"{highest[0]}{int(highest[1]) + 1:0{len(highest[1])}d}"


def _rate(business: Business, currency: str, given: Decimal | None) -> str:
    if currency == business.home:
        return "1"
    if given is not None and given <= 0:
        raise refused("Exchange rate must be greater than 0.", "exchangeRate")
    return str(given if given is not None else business.rate(currency, "currency"))


def _items(business: Business, given: list[Doc], currency: str) -> Doc:
    """The lines, and what they come to in minor units: subtotal, tax, total."""
    items = [_item(business, each, currency, str(at)) for at, each in enumerate(given)]
    subtotal = sum(item["subtotal"] for item in items)
    tax = sum(each["amount"] for item in items for each in item["taxes"])
    return {"items": items, "subtotal": subtotal, "tax": tax, "total": subtotal + tax}


def _item(business: Business, given: Doc, currency: str, at: str) -> Doc:
    product = business.refer("Product", given["productId"], "items", at, "productId")
    if product["isArchived"]:
        raise refused(f"Product '{product['name']}' is archived.", "items", at, "productId")
    if not product["incomeAccountId"]:
        raise refused(f"Product '{product['name']}' is not sold.", "items", at, "productId")
    account = business.open_account(product["incomeAccountId"], "items", at, "productId")
    quantity = rounded(_or(given.get("quantity"), Decimal(1)), _PLACES)
    price = rounded(_or(given.get("unitPrice"), Decimal(product["unitPrice"])), _PLACES)
    subtotal = int(rounded((quantity * price).scaleb(exponent(currency)), 0))
    chosen = given.get("taxes")
    ids = product["defaultSalesTaxIds"] if chosen is None else [each["salesTaxId"] for each in chosen]
    return {
        "id": node_id("InvoiceItem", business.uuid, str(business.store.next_number("InvoiceItem number"))),
        "productId": product["id"],
        "accountId": account["id"],
        "description": given.get("description"),
        "quantity": _text(quantity),
        "unitPrice": _text(price),
        "subtotal": subtotal,
        "taxes": _taxes(business, ids, subtotal, at),
    }


def _taxes(business: Business, ids: list[str], subtotal: int, at: str) -> list[Doc]:
    """Each tax on the line; a compound one on the others as well."""
    taxes = [business.refer("SalesTax", id_, "items", at, "taxes") for id_ in ids]
    found, base = [], Decimal(subtotal)
    for tax in sorted(taxes, key=lambda each: bool(each["isCompound"])):
        amount = int(rounded((base if tax["isCompound"] else subtotal) * Decimal(tax["rate"]), 0))
        found.append({"salesTaxId": tax["id"], "amount": amount})
        base += amount
    return found


def _or(value: Decimal | None, default: Decimal) -> Decimal:
    return default if value is None else value


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"


# Rules and books


def _check(business: Business, values: Doc) -> None:
    limit = business.switches["line_limit"]
    if limit and len(values["items"]) > limit:
        raise refused(f"An invoice has at most {limit} items.", "items")
    if values["total"] < 0 and business.switches["negative_total_invoice"] == "refuse":
        raise refused("The total of an invoice cannot be negative.", "items")
    if not values["draft"]:
        business.check_open(values["invoiceDate"], "invoiceDate")


def _check_open(business: Business, invoice: Doc) -> None:
    if not invoice["draft"]:
        business.check_open(invoice["invoiceDate"], "invoiceDate")


def _post(business: Business, invoice: Doc) -> Doc:
    """Bring the books and the payments' shares in line with the invoice; answers it as stored."""
    if invoice["draft"]:
        return invoice
    currency, rate = invoice["currency"], Decimal(invoice["exchangeRate"])
    lines = [(item["accountId"], -item["subtotal"], item["description"] or "") for item in invoice["items"]]
    taxes = [each for item in invoice["items"] for each in item["taxes"]]
    lines += [(business.need("SalesTax", each["salesTaxId"])["accountId"], -each["amount"], "") for each in taxes]
    postings = [Posting(a, currency, amount, business.converted(amount, currency, rate), m) for a, amount, m in lines]
    home = -sum(posting.home_amount for posting in postings)
    receivable = business.system_account("RECEIVABLE_INVOICES", currency)["id"]
    postings.append(Posting(receivable, currency, invoice["total"], home))
    business.post(f"Invoice:{invoice['id']}", invoice["invoiceDate"], postings)
    return _share(business, invoice, home)


def _share(business: Business, invoice: Doc, home: int) -> Doc:
    """Give each payment, in their order, what of the receivable it pays; the rest of it is the customer's credit.

    ``home`` is what the receivable stands at in home minor units.
    """
    open_, open_home = invoice["total"], home
    paid = 0
    for payment in payments(business, invoice):
        part = max(min(open_, payment["minor"]), 0)
        carried = open_home if part == open_ else _at(business, invoice, part)
        _post_payment(business, invoice, payment, part, carried)
        open_, open_home, paid = open_ - part, open_home - carried, paid + payment["minor"]
    if paid == invoice["paid"]:
        return invoice
    return business.changed("Invoice", invoice, {"paid": paid})


def _at(business: Business, invoice: Doc, minor: int) -> int:
    return business.converted(minor, invoice["currency"], Decimal(invoice["exchangeRate"]))


# Payments


def payments(business: Business, invoice: Doc) -> list[Doc]:
    """Oldest first."""
    return business.store.find("InvoicePayment", "$.invoiceId", [invoice["id"]], business.uuid)


def create_payment(business: Business, invoice: Doc, given: Doc) -> Doc:
    if invoice["draft"]:
        raise refused("A draft cannot be paid.", "invoiceId")
    payment = business.new("InvoicePayment", {"invoiceId": invoice["id"], **_payment(business, invoice, given)})
    _post(business, invoice)
    return payment


def patch_payment(business: Business, payment: Doc, given: Doc) -> Doc:
    business.check_open(payment["paymentDate"], "paymentDate")
    invoice = business.need("Invoice", payment["invoiceId"])
    now: Doc = {
        "amount": Decimal(payment["minor"]).scaleb(-exponent(invoice["currency"])),
        "exchangeRate": Decimal(payment["exchangeRate"]),
        **{key: payment[key] for key in ("paymentAccountId", "paymentDate", "paymentMethod", "memo")},
    }
    given = {key: value for key, value in given.items() if value is not None or key == "memo"}
    changed = business.changed("InvoicePayment", payment, _payment(business, invoice, {**now, **given}))
    _post(business, invoice)
    return changed


def delete_payment(business: Business, payment: Doc) -> None:
    business.check_open(payment["paymentDate"], "id")
    invoice = business.need("Invoice", payment["invoiceId"])
    _drop_payment(business, payment)
    _post(business, invoice)


def _drop_payment(business: Business, payment: Doc) -> None:
    business.unpost(f"InvoicePayment:{payment['id']}")
    business.store.delete("InvoicePayment", payment["id"], business.uuid)


def _payment(business: Business, invoice: Doc, given: dict[str, Any]) -> Doc:
    account = business.open_account(given["paymentAccountId"], "paymentAccountId")
    if account["subtype"] not in PAID_INTO:
        raise refused("A payment goes to a cash, bank or money in transit account.", "paymentAccountId")
    rate = given["exchangeRate"]
    if rate <= 0 or (account["currency"] == invoice["currency"] and rate != 1):
        raise refused("The exchange rate does not fit the currencies.", "exchangeRate")
    business.check_open(given["paymentDate"], "paymentDate")
    return {
        "minor": business.minor(given["amount"], invoice["currency"], "amount"),
        "exchangeRate": str(rate),
        **{key: given.get(key) for key in ("paymentAccountId", "paymentDate", "paymentMethod", "memo")},
    }


def _post_payment(business: Business, invoice: Doc, payment: Doc, part: int, carried: int) -> None:
    """``part`` of the payment pays the invoice, carried at ``carried`` home minor units; the rest is a credit."""
    currency = invoice["currency"]
    account = business.need("Account", payment["paymentAccountId"])
    received = business.converted(payment["minor"], currency, Decimal(payment["exchangeRate"]), account["currency"])
    received_home = business.converted(received, account["currency"], business.rate(account["currency"]))
    if account["currency"] == currency and currency != business.home and payment["minor"] == part:
        # Money that stays in the invoice's currency arrives at the invoice's rate: nothing is gained or lost yet.
        received_home = carried
    credit = payment["minor"] - part
    credit_home = _at(business, invoice, credit)
    postings = [
        Posting(account["id"], account["currency"], received, received_home, payment["memo"] or ""),
        Posting(business.system_account("RECEIVABLE_INVOICES", currency)["id"], currency, -part, -carried),
    ]
    if credit:
        customer_credits = business.system_account("SYSTEM_CUSTOMER_CREDITS", currency)["id"]
        postings.append(Posting(customer_credits, currency, -credit, -credit_home))
    if difference := received_home - carried - credit_home:
        gain = "GAIN_ON_FOREIGN_EXCHANGE" if difference > 0 else "LOSS_ON_FOREIGN_EXCHANGE"
        foreign = currency if currency != business.home else account["currency"]
        postings.append(Posting(business.system_account(gain, business.home)["id"], foreign, 0, -difference))
    business.post(f"InvoicePayment:{payment['id']}", payment["paymentDate"], postings)

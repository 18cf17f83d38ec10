"""What payments and credits do to the books; the documents themselves are in ``payments`` and ``creditnotes``."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from ledgers.zoho.sandbox import charts, sales
from ledgers.zoho.sandbox.fields import Doc
from ledgers.zoho.sandbox.organization import Money, Organization
from sandbox.books import Posting, to_minor


def post(organization: Organization, doc: Doc) -> None:
    """Money against receivables: each invoice leaves them at its own rate, the difference is an exchange gain or
    loss. What covers no invoice waits as unearned revenue."""
    money = money_of(organization, doc)
    amount, charges = Decimal(doc["amount"]), Decimal(doc["bank_charges"])
    lines = [money.posting(doc["account_id"], amount - charges, doc["description"])]
    lines.append(money.posting(organization.system(charts.BANK_FEES), charges))
    rest = amount
    for each in sales.applications(organization, "source_id", doc["payment_id"]):
        invoice = organization.need("invoice", each["invoice_id"])
        lines.append(_off_invoice(organization, invoice, each, str(invoice["invoice_number"])))
        rest -= Decimal(each["amount"])
    lines.append(money.posting(organization.system(charts.UNEARNED), -rest))
    organization.books.post(f"payment:{doc['payment_id']}", doc["date"], realized(organization, lines, money))


def _part(money: Money, uses: Sequence[Doc], one: Doc) -> int:
    """In base minor units: what one of the uses of a document takes of it. Rounded on the running sum, so that a
    document used up leaves nothing, however many parts it was used in."""
    before = sum((Decimal(each["amount"]) for each in uses if _id(each) < _id(one)), Decimal(0))
    upto = before + Decimal(one["amount"])
    return to_minor(money.in_base(upto), money.base) - to_minor(money.in_base(before), money.base)


def _id(use: Doc) -> int:
    return int(use.get("application_id") or use["refund_id"])


def _off_invoice(organization: Organization, invoice: Doc, application: Doc, memo: str = "") -> Posting:
    money = money_of(organization, invoice)
    part = _part(money, sales.applications(organization, "invoice_id", invoice["invoice_id"]), application)
    amount = to_minor(Decimal(application["amount"]), money.code)
    return Posting(organization.system(charts.RECEIVABLE), money.code, -amount, -part, memo)


def _off_note(organization: Organization, note: Doc, use: Doc) -> Posting:
    money, id_ = money_of(organization, note), note["creditnote_id"]
    uses = [*sales.applications(organization, "source_id", id_), *refunds(organization, id_)]
    amount = to_minor(Decimal(use["amount"]), money.code)
    return Posting(organization.system(charts.RECEIVABLE), money.code, amount, _part(money, uses, use))


def settle(organization: Organization, invoice_ids: Iterable[str], *, but: str = "") -> None:
    """Post anew whatever is applied to invoices, ``but`` one payment, after their parts or rates have changed."""
    found = [each for id_ in invoice_ids for each in sales.applications(organization, "invoice_id", id_)]
    for source_id in dict.fromkeys(each["source_id"] for each in found if each["source"] == "payment"):
        if source_id != but:
            post(organization, organization.need("payment", source_id))
    for each in found:
        if each["source"] == "creditnote":
            _post_application(organization, each)


def settle_note(organization: Organization, note: Doc) -> None:
    """The same for a credit note: where it meets an invoice, and where it is refunded."""
    for each in sales.applications(organization, "source_id", note["creditnote_id"]):
        _post_application(organization, each)
    for each in refunds(organization, note["creditnote_id"]):
        post_refund(organization, each, _off_note(organization, note, each))


def _post_application(organization: Organization, application: Doc) -> None:
    """A credit on an invoice stays inside receivables; where the rates differ there is an exchange gain or loss."""
    note = organization.need("creditnote", application["source_id"])
    invoice = organization.need("invoice", application["invoice_id"])
    lines = [_off_note(organization, note, application), _off_invoice(organization, invoice, application)]
    source = f"application:{application['application_id']}"
    if sum(line.home_amount for line in lines):
        entry = realized(organization, lines, money_of(organization, note))
        organization.books.post(source, application["date"], entry)
    else:
        organization.books.remove(source)


def post_refund(organization: Organization, doc: Doc, held: Posting) -> None:
    """``held`` is the line that takes the customer's credit away."""
    money = money_of(organization, doc)
    lines = [held, money.posting(doc["from_account_id"], -Decimal(doc["amount"]))]
    organization.books.post(f"refund:{doc['refund_id']}", doc["date"], realized(organization, lines, money))


def money_of(organization: Organization, doc: Doc) -> Money:
    return Money(organization.currency(doc["currency_id"]), Decimal(doc["exchange_rate"]), organization.base)


def realized(organization: Organization, lines: list[Posting], money: Money) -> list[Posting]:
    rest = sum(line.home_amount for line in lines)
    return [*lines, Posting(organization.system(charts.EXCHANGE), money.code, 0, -rest, "")] if rest else lines


def refunds(organization: Organization, source_id: str) -> list[Doc]:
    return organization.store.find("refund", "$.source_id", [source_id], organization.id)


def refunded(organization: Organization, source_id: str) -> Decimal:
    return sum((Decimal(each["amount"]) for each in refunds(organization, source_id)), Decimal(0))


def credit_left(organization: Organization, note: Doc) -> Decimal:
    if note["_"]["state"] != "open":
        return Decimal(0)
    used = sales.applied(sales.applications(organization, "source_id", note["creditnote_id"]))
    return Decimal(note["total"]) - used - refunded(organization, note["creditnote_id"])

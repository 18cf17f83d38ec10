"""What payments and credits do to the books; the documents themselves are in ``payments`` and ``creditnotes``."""

from decimal import Decimal

from ledgers.zoho.sandbox import charts, sales
from ledgers.zoho.sandbox.fields import Doc
from ledgers.zoho.sandbox.organization import Money, Organization
from sandbox.books import Posting


def post(organization: Organization, doc: Doc) -> None:
    """Money against receivables: each invoice leaves them at its own rate, the difference is an exchange gain or
    loss. What covers no invoice waits as unearned revenue."""
    money = money_of(organization, doc)
    amount, charges = Decimal(doc["amount"]), Decimal(doc["bank_charges"])
    receivable = organization.system(charts.RECEIVABLE)
    lines = [money.posting(doc["account_id"], amount - charges, doc["description"])]
    lines.append(money.posting(organization.system(charts.BANK_FEES), charges))
    rest = amount
    for each in sales.applications(organization, "source_id", doc["payment_id"]):
        part = Decimal(each["amount"])
        invoice = organization.need("invoice", each["invoice_id"])
        lines.append(money_of(organization, invoice).posting(receivable, -part, str(invoice["invoice_number"])))
        rest -= part
    lines.append(money.posting(organization.system(charts.UNEARNED), -rest))
    organization.books.post(f"payment:{doc['payment_id']}", doc["date"], realized(organization, lines, money))


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

"""What mutations do: find the business, do the work, answer ``didSucceed`` and ``inputErrors`` (sheet §2, §4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledgers.wave.sandbox import invoices, lists, transactions
from ledgers.wave.sandbox.business import Business, Doc
from ledgers.wave.sandbox.reads import Info, session_of
from ledgers.wave.sandbox.refusals import InputRefused
from ledgers.wave.sandbox.session import Session

Work = Callable[[Session, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Mutation:
    """``work(session, input)`` answers the fields of the output beside didSucceed and inputErrors."""

    scope: str
    work: Work

    def __call__(self, _root: object, info: Info, input: dict[str, Any]) -> Doc:  # noqa: A002 - API's name
        session = session_of(info)
        try:
            with session.store.transaction():
                done = self.work(session, input)
        except InputRefused as refusal:
            return {"didSucceed": False, "inputErrors": refusal.errors}
        return {"didSucceed": True, "inputErrors": None, **done}


def _in(what: Callable[[Business, dict[str, Any]], Doc], field: str) -> Work:
    """Work inside the business that ``businessId`` names."""
    return lambda session, given: {field: what(session.business(given["businessId"]), given)}


def _on(kind: str, what: Callable[[Business, Doc, dict[str, Any]], Any], field: str = "", key: str = "id") -> Work:
    """Work on one object that ``key`` names; ``field`` "" where nothing of it is answered."""

    def work(session: Session, given: dict[str, Any]) -> dict[str, Any]:
        business, doc = session.owned(kind, given[key])
        done = what(business, doc, given)
        return {field: done} if field else {}

    return work


def _bulk(session: Session, given: dict[str, Any]) -> dict[str, Any]:
    """didSucceed says that all were created."""
    made, errors = transactions.create_many(session.business(given["businessId"]), given["transactions"])
    answer: dict[str, Any] = {"transactions": made}
    return {**answer, "didSucceed": False, "inputErrors": errors} if errors else answer


MUTATIONS = {
    "accountCreate": Mutation("account:write", _in(lists.create_account, "account")),
    "accountPatch": Mutation("account:write", _on("Account", lists.patch_account, "account")),
    "accountArchive": Mutation("account:write", _on("Account", lambda b, doc, _: lists.archive_account(b, doc))),
    "customerCreate": Mutation("customer:write", _in(lists.create_customer, "customer")),
    "customerPatch": Mutation("customer:write", _on("Customer", lists.patch_customer, "customer")),
    "customerDelete": Mutation("customer:write", _on("Customer", lambda b, doc, _: lists.delete_customer(b, doc))),
    "productCreate": Mutation("product:write", _in(lists.create_product, "product")),
    "productPatch": Mutation("product:write", _on("Product", lists.patch_product, "product")),
    "productArchive": Mutation(
        "product:write", _on("Product", lambda b, doc, _: lists.archive(b, "Product", doc), "product")
    ),
    "salesTaxCreate": Mutation("sales_tax:write", _in(lists.create_sales_tax, "salesTax")),
    "salesTaxArchive": Mutation(
        "sales_tax:write", _on("SalesTax", lambda b, doc, _: lists.archive(b, "SalesTax", doc), "salesTax")
    ),
    "invoiceCreate": Mutation("invoice:write", _in(invoices.create, "invoice")),
    "invoicePatch": Mutation("invoice:write", _on("Invoice", invoices.patch, "invoice")),
    "invoiceApprove": Mutation(
        "invoice:write", _on("Invoice", lambda b, doc, _: invoices.approve(b, doc), "invoice", "invoiceId")
    ),
    "invoiceClone": Mutation(
        "invoice:write", _on("Invoice", lambda b, doc, _: invoices.clone(b, doc), "invoice", "invoiceId")
    ),
    "invoiceDelete": Mutation(
        "invoice:write", _on("Invoice", lambda b, doc, _: invoices.delete(b, doc), key="invoiceId")
    ),
    "invoiceMarkSent": Mutation("invoice:write", _on("Invoice", invoices.mark_sent, "invoice", "invoiceId")),
    "invoicePaymentCreateManual": Mutation(
        "invoice:write", _on("Invoice", invoices.create_payment, "invoicePayment", "invoiceId")
    ),
    "invoicePaymentPatch": Mutation("invoice:write", _on("InvoicePayment", invoices.patch_payment, "invoicePayment")),
    "invoicePaymentDelete": Mutation(
        "invoice:write", _on("InvoicePayment", lambda b, doc, _: invoices.delete_payment(b, doc))
    ),
    "moneyTransactionCreate": Mutation("transaction:write", _in(transactions.create, "transaction")),
    "moneyTransactionsCreate": Mutation("transaction:write", _bulk),
}

"""What the accounting and events families hold: paths, wire keys, scopes, filters, events (sheet §4, §5)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ledgers.freshbooks.sandbox import (
    clients,
    credit_notes,
    expenses,
    invoices,
    items,
    journals,
    other_incomes,
    payments,
)
from ledgers.freshbooks.sandbox.business import Business, visible
from ledgers.freshbooks.sandbox.fields import Doc
from ledgers.freshbooks.sandbox.lists import (
    Filter,
    amounts,
    at_least,
    between,
    contains,
    currency,
    equals,
    flag,
    positive,
)

Write = Callable[[Business, Mapping[str, Any], Doc | None], Doc]
Show = Callable[[Business, Doc, set[str]], Doc]


def _as_stored(business: Business, doc: Doc) -> Doc:
    return doc


def _plain(business: Business, doc: Doc, includes: set[str]) -> Doc:
    return visible(doc)


@dataclass(frozen=True, slots=True)
class Resource:
    """``path`` is below ``/accounting/account/<id>/``. ``bodies`` are the keys a request may be wrapped in, ``key``
    and ``plural`` those of a single answer and of a list. Without ``write`` it can only be read. ``view`` is what
    filters and sort keys see. ``http_delete``: the verb DELETE is there beside vis_state. ``noun`` starts the names of
    its events, '' for none."""

    kind: str
    path: str
    key: str
    plural: str
    scope: str
    write: Write | None = None
    show: Show = _plain
    view: Callable[[Business, Doc], Doc] = _as_stored
    bodies: tuple[str, ...] = ()
    filters: Mapping[str, Filter] = field(default_factory=dict)
    sorts: Mapping[str, str] = field(default_factory=dict)
    http_delete: bool = False
    noun: str = ""

    @property
    def id_field(self) -> str:
        return "incomeid" if self.kind == "other_income" else "id"


RESOURCES = (
    Resource(
        "client", "users/clients", "client", "clients", "clients", clients.write, bodies=("client",), noun="client",
        filters={
            "email": equals("email", "$.email"),
            "userid": equals("id"),
            "userids": equals("id"),
            "vis_state": equals("vis_state"),
            "username": equals("username"),
            "fname_like": contains("fname"),
            "lname_like": contains("lname"),
            "organization_like": contains("organization"),
            "email_like": contains("email"),
            "note_like": contains("note"),
            **between("updated", "updated"),
        },
        sorts={"organization_name": "organization", "fullname": "fname", "email": "email", "updated": "updated"},
    ),
    Resource(
        "invoice", "invoices/invoices", "invoice", "invoices", "invoices", payments.write_invoice, invoices.shown,
        invoices.viewed, bodies=("invoice",), noun="invoice", http_delete=True,
        filters={
            "invoice_number": equals("invoice_number", "$.invoice_number"),
            "invoiceid": equals("id"),
            "invoiceids": equals("id"),
            "customerid": equals("customerid"),
            "customerids": equals("customerid"),
            "v3_status": equals("v3_status"),
            "paid": positive("paid"),
            "outstanding": positive("outstanding"),
            **between("create_date", "date"),
            **between("updated", "updated"),
        },
        sorts={"invoice_date": "create_date"},
    ),
    Resource(
        "payment", "payments/payments", "payment", "payments", "payments", payments.write, bodies=("payment",),
        noun="payment",
        filters={
            "invoiceid": equals("invoiceid", "$._.invoice"),
            "clientid": equals("clientid"),
            "clientids": equals("clientid"),
            "customerid": equals("clientid"),
            "customerids": equals("clientid"),
            "type": equals("type"),
            "currency": currency("amount"),
            "logid": equals("logid"),
            "from_credit": flag("from_credit"),
            "notes": contains("note"),
            **amounts("amount"),
            **between("date", "date"),
            **between("updated", "updated"),
        },
    ),
    Resource(
        "expense", "expenses/expenses", "expense", "expenses", "expenses", expenses.write, expenses.shown,
        bodies=("expense",), noun="expense",
        filters={
            "vendor": equals("vendor", "$._.vendor"),
            "clientid": equals("clientid"),
            "clientids": equals("clientid"),
            "projectid": equals("projectid"),
            "categoryid": equals("categoryid", "$._.categoryid"),
            "categoryids": equals("categoryid", "$._.categoryid"),
            "expenseid": equals("id"),
            "has_receipt": flag("has_receipt"),
            **amounts("amount"),
            **between("date", "date"),
            **between("updated", "updated"),
        },
    ),
    Resource("category", "expenses/categories", "category", "categories", "expenses", noun="category"),
    Resource("item", "items/items", "item", "items", "billable_items", items.write, bodies=("item",), noun="item"),
    Resource(
        "tax", "taxes/taxes", "tax", "taxes", "taxes", items.write_tax, bodies=("tax",), http_delete=True, noun="tax"
    ),
    Resource(
        "credit_note", "credit_notes/credit_notes", "credit_notes", "credit_notes", "credit_notes",
        credit_notes.write, credit_notes.shown, bodies=("credit_notes", "credit_note"), noun="credit_note",
        filters={"clientid": equals("clientid", "$._.client"), "date": equals("create_date"),
                 **between("create_date", "date")},
    ),
    Resource(
        "other_income", "other_incomes/other_incomes", "other_income", "other_income", "other_income",
        other_incomes.write, other_incomes.shown, bodies=("other_income",), http_delete=True,
        filters={
            "incomeid": equals("incomeid"),
            "category_name": equals("category_name"),
            "vis_state": equals("vis_state"),
        },
    ),
)  # fmt: skip

# Read-only lists that hang on the journal.
DETAILS = Resource(
    "detail", "journal_entries/journal_entry_details", "", "journal_entry_details", "journal_entries",
    show=journals.shown_detail,
    filters={
        "sub_accountid": equals("sub", "$.sub"),
        "start_date": at_least("on_date"),
        "end_date": Filter(lambda doc, given, _: bool(doc["on_date"] <= given[0])),
    },
)  # fmt: skip

EVENT_NOUNS = {*(each.noun for each in RESOURCES if each.noun), "bill", "bill_vendor", "estimate", "recurring",
               "project", "service", "time_entry"}  # fmt: skip

"""One neutral document as the input of one Wave mutation. Pure.

Accounts, customers and products are named by the post's bindings; a document that Wave cannot hold is refused here,
before any call.
Names and rules of fields: the public schema of gql.waveapps.com.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bookkeeping.accounts import AccountClass, AccountKey, account_key
from bookkeeping.documents import (
    Customer,
    How,
    Invoice,
    InvoiceLine,
    Item,
    Kind,
    NewAccount,
    Payment,
    Undo,
)
from bookkeeping.money import BadAmount
from ledgers.bound import customer_of, expect, label, referred
from ledgers.port import NotRenderable, Post
from ledgers.wave import accounts, operations, transactions, wire
from ledgers.wave.bound import AGAIN, Company, class_of, home, named, open_account_of, product_of
from ledgers.wave.wire import Body


def input_of(post: Post, company: Company) -> tuple[str, Body]:
    """Return the operation that carries a post, and its input. Raises NotRenderable."""
    if not company.home_currency:
        raise NotRenderable(
            post.key, "The currency of the Wave business is not known yet.", "Refresh the lists of this connection."
        )
    build = _BUILDERS.get(post.document.kind)
    if build is None:
        raise NotRenderable(
            post.key, f"Wave has no document for {post.document.kind.value}.", "Send the trail to support."
        )
    try:
        operation, body = build(post, company)
    except BadAmount as error:
        raise NotRenderable(post.key, f"{error}.", "Keep this settlement in another ledger.") from error
    return operation, wire.filled(body)


# Lists ----------------------------------------------------------------------------------------------------------------


def _account(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, NewAccount)
    home(post, document.currency, company)
    if account_key(document.key) is AccountKey.AR:
        raise NotRenderable(post.key, "Wave has its own receivables.", "Refresh the lists of this connection.")
    # Without a currency the account is kept in that of the business.
    return operations.ACCOUNT_CREATE, {
        "businessId": company.business_id,
        "name": named(post, document.name),
        "subtype": accounts.subtype_for(document.key),
    }


def _customer(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Customer)
    home(post, document.currency, company)
    return operations.CUSTOMER_CREATE, {
        "businessId": company.business_id,
        "name": named(post, document.name),
        "currency": document.currency,
        **({"email": document.email} if document.email else {}),
    }


def _product(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Item)
    return operations.PRODUCT_CREATE, {
        "businessId": company.business_id,
        "name": named(post, document.name),
        "description": wire.clipped(document.sku, wire.LINE),
        "unitPrice": "0",  # every line states its own price
        "incomeAccountId": open_account_of(post, document.key, company),
    }


# Invoices and payments ------------------------------------------------------------------------------------------------


def _invoice(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Invoice)
    home(post, document.currency, company)
    if document.total <= 0:
        raise NotRenderable(post.key, "An invoice cannot be zero or negative.", AGAIN)
    return operations.INVOICE_CREATE, {
        "businessId": company.business_id,
        "customerId": customer_of(post, document.customer),
        "status": "SAVED",  # a draft is not in the books
        "invoiceNumber": document.number,
        "invoiceDate": document.on.isoformat(),
        "currency": document.currency,
        "exchangeRate": "1",
        "memo": wire.note(post.marker, document.memo),
        # Else Wave may show the buyer a pay button for an order that Amazon has collected.
        "disableAmexPayments": True,
        "disableBankPayments": True,
        "disableCreditCardPayments": True,
        "items": [_invoice_line(post, line, document.currency) for line in document.lines if line.amount],
    }


def _invoice_line(post: Post, line: InvoiceLine, currency: str) -> Body:
    exact = line.quantity > 0 and line.amount % line.quantity == 0
    units = "" if exact or line.quantity in (0, 1) else f"{line.quantity} units. "
    quantity = line.quantity if exact else 1
    return wire.filled(
        {
            "productId": product_of(post, line),
            "quantity": str(quantity),
            "unitPrice": wire.money(line.amount // quantity, currency),
            "description": wire.clipped(f"{units}{line.description or line.sku}".strip(), wire.LINE),
            # Amazon collects and remits the tax: Wave must never compute it, not by the product's defaults either.
            "taxes": [],
        }
    )


def _payment(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Payment)
    home(post, document.currency, company)
    if document.cover.amount <= 0:
        raise NotRenderable(post.key, "A payment must be above zero.", AGAIN)
    account = open_account_of(post, document.account, company)
    if class_of(account, document.account, company) is not AccountClass.BANK:
        raise NotRenderable(
            post.key,
            f"Wave takes payments on an account of type {accounts.label('CASH_AND_BANK')} only.",
            f"Map {label(document.account)} to such an account.",
        )
    return operations.PAYMENT_CREATE, {
        "invoiceId": referred(post, document.cover.invoice).external_id,
        "amount": wire.money(document.cover.amount, document.currency),
        "exchangeRate": "1",  # required even where nothing is exchanged
        "paymentAccountId": account,
        "paymentDate": document.on.isoformat(),
        "paymentMethod": "OTHER",
        "memo": wire.note(post.marker, document.reference, document.memo),
    }


# Taking back ----------------------------------------------------------------------------------------------------------

_DELETES: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.INVOICE: (operations.INVOICE_DELETE, "invoiceId"),
    Kind.PAYMENT: (operations.PAYMENT_DELETE, "id"),
}


def _transaction(post: Post, company: Company) -> tuple[str, Body]:
    return operations.TRANSACTION_CREATE, transactions.input_of(post, company)


def _undo(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Undo)
    if document.reversal is not None:
        return _transaction(post, company)
    if document.how is not How.DELETE or document.target_kind not in _DELETES:
        raise NotRenderable(
            post.key, "Wave cannot take this back.", "Archive the account, customer or product by hand."
        )
    operation, named = _DELETES[document.target_kind]
    return operation, {named: referred(post, document.target).external_id}


_BUILDERS: Final[Mapping[Kind, Callable[[Post, Company], tuple[str, Body]]]] = {
    Kind.ACCOUNT: _account,
    Kind.CUSTOMER: _customer,
    Kind.ITEM: _product,
    Kind.INVOICE: _invoice,
    Kind.PAYMENT: _payment,
    Kind.ENTRY: _transaction,
    Kind.TRANSFER: _transaction,
    Kind.UNDO: _undo,
}

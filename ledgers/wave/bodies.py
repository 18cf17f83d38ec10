"""One neutral document as the input of one Wave mutation. Pure.

Accounts, customers and products are named by the post's bindings; a document that Wave cannot hold is refused here,
before any call.
Names and rules of fields: the public schema of gql.waveapps.com, and "Create money transactions" of
developer.waveapps.com.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key
from bookkeeping.documents import (
    Customer,
    Document,
    How,
    Invoice,
    InvoiceLine,
    Item,
    JournalEntry,
    Kind,
    NewAccount,
    Payment,
    Transfer,
    Undo,
)
from bookkeeping.money import BadAmount
from ledgers.port import Binding, External, NotRenderable, Post
from ledgers.wave import accounts, operations, wire
from ledgers.wave.wire import Body

_D = TypeVar("_D", bound=Document)
_AGAIN: Final = "Plan the settlement again."


@dataclass(frozen=True, slots=True)
class Company:
    """What rendering has to know about the business.

    ``classes`` says what each remote account may be used for, by id; an account that is not in it is judged by its key.
    ``shut`` says in words why an account cannot be posted to: archived, or kept in another currency.
    """

    business_id: str
    home_currency: str = ""
    classes: Mapping[str, AccountClass | None] = field(default_factory=dict)
    name: str = ""
    shut: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a money transaction does to the account it is anchored on; ``moved`` in minor units, debit positive."""

    account: str
    moved: int


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


def anchor_of(post: Post, company: Company) -> Anchor:
    """Return what the money transaction of a post does to its anchor. Raises NotRenderable."""
    return _anchor(post, [(line.key, line.amount) for line in _movement(post).lines], company)


# Lists ----------------------------------------------------------------------------------------------------------------


def _account(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, NewAccount)
    _home(post, document.currency, company)
    if account_key(document.key) is AccountKey.AR:
        raise NotRenderable(post.key, "Wave has its own receivables.", "Refresh the lists of this connection.")
    # Without a currency the account is kept in that of the business.
    return operations.ACCOUNT_CREATE, {
        "businessId": company.business_id,
        "name": _named(post, document.name),
        "subtype": accounts.subtype_for(document.key),
    }


def _customer(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Customer)
    _home(post, document.currency, company)
    return operations.CUSTOMER_CREATE, {
        "businessId": company.business_id,
        "name": _named(post, document.name),
        "currency": document.currency,
    }


def _product(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Item)
    return operations.PRODUCT_CREATE, {
        "businessId": company.business_id,
        "name": _named(post, document.name),
        "description": wire.clipped(document.sku, wire.LINE),
        "unitPrice": "0",  # every line states its own price
        "incomeAccountId": account_of(post, document.key, company),
    }


# Invoices and payments ------------------------------------------------------------------------------------------------


def _invoice(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Invoice)
    _home(post, document.currency, company)
    if document.total <= 0:
        raise NotRenderable(post.key, "An invoice cannot be zero or negative.", _AGAIN)
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
            "productId": _product_of(post, line),
            "quantity": str(quantity),
            "unitPrice": wire.money(line.amount // quantity, currency),
            "description": wire.clipped(f"{units}{line.description or line.sku}".strip(), wire.LINE),
            # Amazon collects and remits the tax: Wave must never compute it, not by the product's defaults either.
            "taxes": [],
        }
    )


def _payment(post: Post, company: Company) -> tuple[str, Body]:
    document = expect(post, Payment)
    _home(post, document.currency, company)
    if document.cover.amount <= 0:
        raise NotRenderable(post.key, "A payment must be above zero.", _AGAIN)
    account = account_of(post, document.account, company)
    if _class_of(account, document.account, company) is not AccountClass.BANK:
        raise NotRenderable(
            post.key,
            f"Wave takes payments on an account of type {accounts.label('CASH_AND_BANK')} only.",
            f"Map {_label(document.account)} to such an account.",
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


# Money transactions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """``amount`` is in minor units, debit positive."""

    key: LineKey
    amount: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class _Movement:
    number: str
    on: date
    currency: str
    memo: str
    lines: tuple[_Line, ...]


def _transaction(post: Post, company: Company) -> tuple[str, Body]:
    movement = _movement(post)
    _home(post, movement.currency, company)
    anchor = _anchor(post, [(line.key, line.amount) for line in movement.lines], company)
    if not anchor.moved:
        raise NotRenderable(
            post.key, "A money transaction that leaves its own account as it was cannot be written in Wave.", _AGAIN
        )
    return operations.TRANSACTION_CREATE, {
        "businessId": company.business_id,
        "externalId": wire.transaction_id(company.business_id, post.wire_id),
        "date": movement.on.isoformat(),
        "description": wire.clipped(f"{movement.number} {movement.memo}".strip(), wire.LINE),
        "notes": wire.note(post.marker, movement.memo),
        "anchor": {
            "accountId": anchor.account,
            "amount": wire.money(abs(anchor.moved), movement.currency),
            "direction": "DEPOSIT" if anchor.moved > 0 else "WITHDRAWAL",
        },
        "lineItems": list(_lines(post, movement, anchor.account, company)),
    }


def _lines(post: Post, movement: _Movement, anchor: str, company: Company) -> Iterator[Body]:
    for line in movement.lines:
        account = account_of(post, line.key, company)
        if account == anchor:
            continue
        if _class_of(account, line.key, company) in (None, AccountClass.RECEIVABLE):
            raise NotRenderable(
                post.key,
                f"The account that {_label(line.key)} is mapped to is kept by Wave itself.",
                f"Map {_label(line.key)} to another account.",
            )
        yield wire.filled(
            {
                "accountId": account,
                "amount": wire.money(abs(line.amount), movement.currency),
                # INCREASE and DECREASE mean different sides for different accounts.
                "balance": "DEBIT" if line.amount > 0 else "CREDIT",
                "description": wire.clipped(line.description, wire.LINE),
            }
        )


def _anchor(post: Post, lines: Sequence[tuple[LineKey, int]], company: Company) -> Anchor:
    """Return the one account of the lines that money moves through, and by how much."""
    moved: dict[str, int] = {}
    for key, amount in lines:
        account = account_of(post, key, company)
        if _class_of(account, key, company) in accounts.MONEY:
            moved[account] = moved.get(account, 0) + amount
    if len(moved) != 1:
        many = "moves money between two bank or card accounts, which Wave's programming interface cannot do"
        none = "touches no account that money moves through, and Wave books nothing else for other programs"
        raise NotRenderable(
            post.key,
            f"This document {many if moved else none}.",
            f"Map {_label(AccountKey.CLEARING)} to an account of type {accounts.label('CASH_AND_BANK')}, and "
            f"{_label(AccountKey.PAYOUTS)} to one of type {accounts.label('OTHER_CURRENT_ASSETS')}.",
        )
    [(account, amount)] = moved.items()
    return Anchor(account, amount)


def _movement(post: Post) -> _Movement:
    document = post.document
    if isinstance(document, Undo) and document.reversal is not None:
        document = document.reversal
    if isinstance(document, Transfer):
        if document.amount <= 0:
            raise NotRenderable(post.key, "A transfer needs an amount above zero.", _AGAIN)
        lines: tuple[_Line, ...] = (_Line(document.target, document.amount), _Line(document.source, -document.amount))
    elif isinstance(document, JournalEntry):
        lines = tuple(
            _Line(line.key, line.debit - line.credit, line.description)
            for line in document.lines
            if line.debit or line.credit
        )
    else:
        raise TypeError(f"{post.key} carries a {document.kind.value}, which is no money transaction")
    if len(lines) < 2 or sum(line.amount for line in lines) != 0:
        raise NotRenderable(post.key, "The entry does not balance.", _AGAIN)
    return _Movement(document.number, document.on, document.currency, document.memo, lines)


# Taking back ----------------------------------------------------------------------------------------------------------

_DELETES: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.INVOICE: (operations.INVOICE_DELETE, "invoiceId"),
    Kind.PAYMENT: (operations.PAYMENT_DELETE, "id"),
}


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


# What symbols mean ----------------------------------------------------------------------------------------------------


def _home(post: Post, currency: str, company: Company) -> None:
    if currency != company.home_currency:
        raise NotRenderable(
            post.key,
            f"The document is in {currency}, the Wave business keeps its books in {company.home_currency}.",
            "Convert to the currency of the business.",
        )


def _named(post: Post, text: str) -> str:
    if not (named := wire.name(text)):
        raise NotRenderable(post.key, "A new account, customer or product needs a name.", "Give it a name.")
    return named


def _binding(post: Post, symbol: str) -> Binding:
    return post.bindings.get(symbol) or Binding()


def account_of(post: Post, key: LineKey, company: Company) -> str:
    if not (account := _binding(post, key).account):
        raise NotRenderable(post.key, f"{_label(key)} has no account.", f"Map {_label(key)} to an account.")
    if why := company.shut.get(account):
        # What Wave makes of such a posting is not published.
        raise NotRenderable(
            post.key,
            f"The account that {_label(key)} is mapped to {why}.",
            f"Map {_label(key)} to another account, or mend this one in Wave and refresh the lists of this connection.",
        )
    return account


def why_shut(active: bool, currency: str, home_currency: str) -> str:
    """Return why an account cannot be posted to, "" where it can. ``currency`` is "" where it is not known."""
    if not active:
        return "is archived in Wave"
    return f"is kept in {currency}, and the books in {home_currency}" if currency not in ("", home_currency) else ""


def customer_of(post: Post, symbol: str) -> str:
    if not (customer := _binding(post, symbol).customer):
        raise NotRenderable(post.key, f"{symbol} has no customer.", "Choose the marketplace's customer in the mapping.")
    return customer


def _product_of(post: Post, line: InvoiceLine) -> str:
    if not (product := _binding(post, line.key).item):
        what = f"SKU {line.sku}" if line.sku else _label(line.key)
        raise NotRenderable(post.key, f"{what} has no product.", f"Map {what} to a product.")
    return product


def _class_of(account: str, key: LineKey, company: Company) -> AccountClass | None:
    return company.classes.get(account, accounts.class_for(key))


def _label(key: LineKey) -> str:
    return ACCOUNTS[account_key(key)].name


def referred(post: Post, key: str) -> External:
    found = post.refs.get(key)
    if found is None or not found.external_id:
        raise NotRenderable(
            post.key, "A document this one refers to is not in the books.", "Post that one first, then replay this."
        )
    return found


def expect(post: Post, kind: type[_D]) -> _D:
    """Return the post's document, which is known to be of this kind."""
    if not isinstance(post.document, kind):
        raise TypeError(f"{post.key} carries a {post.document.kind.value}, not a {kind.__name__}")
    return post.document

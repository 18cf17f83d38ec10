"""One neutral document as one Zoho Books object. Pure.

Accounts, customers and items are named by the post's bindings; a document that Zoho Books cannot hold is refused here,
before any call. Currency and exchange rate are always written: without a rate Zoho takes 1 and says nothing.
Field names, lengths and rules: Zoho Books API v3.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, account_key
from bookkeeping.documents import (
    Customer,
    Invoice,
    InvoiceLine,
    Item,
    JournalEntry,
    Kind,
    NewAccount,
    Payment,
    Revaluation,
    Transfer,
)
from bookkeeping.exchange import BadRate, rate_of
from bookkeeping.money import BadAmount
from ledgers.bound import account_of, binding, customer_of, expect, label, referred
from ledgers.port import NotRenderable, Post
from ledgers.zoho import accounts, wire
from ledgers.zoho.wire import Body

BASE_RATE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class Company:
    """What rendering has to know about the organization.

    ``currencies`` maps the code of each currency that is switched on to its id; ``classes`` says what each remote account may
    be used for and ``types`` of which type it is, by id. ``web`` is the address of the web application with the organization
    in it, "" for no links.
    """

    home_currency: str
    currencies: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, AccountClass | None] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    web: str = ""


def body_of(post: Post, company: Company) -> Body:
    """Return the object that a single post would create. Raises NotRenderable."""
    if not company.home_currency:
        raise NotRenderable(
            post.key,
            "The currency of the Zoho Books organization is not known yet.",
            "Refresh the lists of this connection.",
        )
    kind = post.document.kind
    build = _BUILDERS.get(kind)
    if build is None:
        raise NotRenderable(post.key, f"Zoho Books has no document for {kind.value}.", "Send the trail to support.")
    try:
        body = build(post, company)
    except (BadAmount, BadRate) as error:
        raise NotRenderable(post.key, f"{str(error).rstrip('.')}.", "Plan the settlement again.") from error
    return {name: value for name, value in body.items() if value not in ("", None)}


def account_type(post: Post) -> str:
    """Return the Zoho type of the account that a post creates."""
    return accounts.type_for(expect(post, NewAccount).key)


def _account(post: Post, company: Company) -> Body:
    document = expect(post, NewAccount)
    kind = accounts.type_for(document.key)
    currency = document.currency if accounts.has_currency(kind) else company.home_currency
    return {
        "account_name": _named(post, document.name),
        "account_type": kind,
        "currency_id": _currency_id(post, currency, company),
    }


def _customer(post: Post, company: Company) -> Body:
    document = expect(post, Customer)
    first, _, last = document.person.partition(" ")
    person = {"first_name": wire.name(first), "last_name": wire.name(last), "email": document.email}
    named = {name: value for name, value in person.items() if value}
    return {
        "contact_name": _named(post, document.name),
        "contact_type": "customer",
        "customer_sub_type": "individual" if document.person else "business",
        "currency_id": _currency_id(post, document.currency, company),
        **({"contact_persons": [{**named, "is_primary_contact": True}]} if named else {}),
    }


def _item(post: Post, company: Company) -> Body:
    document = expect(post, Item)
    return {
        "name": _named(post, document.name),
        "rate": Decimal(0),
        "sku": wire.clipped(document.sku, wire.NAME),
        "account_id": account_of(post, document.key),
        "product_type": "service",
        "item_type": "sales",  # no stock: inventory items make Zoho book cost of goods by itself
    }


def _invoice(post: Post, company: Company) -> Body:
    document = expect(post, Invoice)
    if document.total <= 0:
        raise NotRenderable(post.key, "An invoice cannot be zero or negative.", "Plan the settlement again.")
    return {
        **_currency(post, document.currency, document.rate, company),
        "customer_id": customer_of(post, document.customer),
        "invoice_number": _number(post, document.number),
        "reference_number": wire.clipped(document.order_id, wire.NUMBER),
        "date": document.on.isoformat(),
        "due_date": document.on.isoformat(),
        "is_inclusive_tax": False,
        "notes": wire.note([post.marker], document.memo),
        "line_items": [_invoice_line(post, line, document) for line in document.lines if line.amount],
    }


def _invoice_line(post: Post, line: InvoiceLine, document: Invoice) -> Body:
    exact = line.quantity > 0 and line.amount % line.quantity == 0
    units = "" if exact or line.quantity in (0, 1) else f"{line.quantity} units. "
    quantity = line.quantity if exact else 1  # the rate is rounded else, and rate × quantity drifts
    shown = wire.name(line.description or line.sku or label(line.key))
    item = binding(post, line.key).item
    written: Body = {
        "item_id": item,
        "name": "" if item else shown,
        "account_id": account_of(post, line.key),
        "description": wire.clipped(f"{units}{line.description or line.sku}".strip(), wire.TEXT),
        "rate": wire.money(line.amount // quantity, document.currency),
        "quantity": quantity,
    }
    return {name: value for name, value in written.items() if value != ""}


def _payment(post: Post, company: Company) -> Body:
    document = expect(post, Payment)
    if document.cover.amount <= 0:
        raise NotRenderable(post.key, "A payment must be above zero.", "Plan the settlement again.")
    amount = wire.money(document.cover.amount, document.currency)
    return {
        "customer_id": customer_of(post, document.customer),
        "payment_mode": "others",
        "account_id": account_of(post, document.account),
        "amount": amount,
        "date": document.on.isoformat(),
        "exchange_rate": _rate(post, document.currency, document.rate, company),
        "reference_number": _number(post, document.reference),
        "description": wire.note([post.marker], document.memo),
        "invoices": [{"invoice_id": referred(post, document.cover.invoice).external_id, "amount_applied": amount}],
    }


def _entry(post: Post, company: Company) -> Body:
    document = expect(post, JournalEntry)
    lines = [line for line in document.lines if line.debit or line.credit]
    if len(lines) < 2 or sum(line.debit for line in lines) != sum(line.credit for line in lines):
        raise NotRenderable(post.key, "The journal does not balance.", "Plan the settlement again.")
    if len(lines) > wire.ENTRY_LINES:
        raise NotRenderable(
            post.key,
            f"The journal has {len(lines)} lines; Zoho Books is given {wire.ENTRY_LINES} at most.",
            "Map more kinds of amounts to the same account, or plan the settlement again.",
        )
    rendered: list[Body] = []
    for line in lines:
        account = account_of(post, line.key)
        if company.classes.get(account, ACCOUNTS[account_key(line.key)].account_class) is AccountClass.RECEIVABLE:
            raise NotRenderable(
                post.key,
                "A journal on receivables needs a customer, which we never book that way.",
                f"Map {label(line.key)} to another account.",
            )
        rendered.append(
            {
                "account_id": account,
                "debit_or_credit": "debit" if line.debit else "credit",
                "amount": wire.money(line.debit or line.credit, document.currency),
                "description": wire.clipped(line.description, wire.SHORT),
            }
        )
    return {
        **_currency(post, document.currency, document.rate, company),
        "journal_date": document.on.isoformat(),
        "reference_number": _number(post, document.number),
        "notes": wire.note([post.marker], document.memo, wire.SHORT),
        "journal_type": "both",
        "status": "published",
        "line_items": rendered,
    }


def _transfer(post: Post, company: Company) -> Body:
    document = expect(post, Transfer)
    source, target = account_of(post, document.source), account_of(post, document.target)
    if document.amount <= 0 or source == target:
        raise NotRenderable(
            post.key,
            "A transfer needs an amount above zero and two different accounts.",
            f"Map {label(document.source)} and {label(document.target)} to different accounts.",
        )
    for account, key in ((source, document.source), (target, document.target)):
        if (of := company.types.get(account, "bank")) and not accounts.moves_money(of):
            raise NotRenderable(
                post.key,
                f"Zoho Books transfers money between bank and cash accounts only; {label(key)} is neither.",
                f"Map {label(key)} to an account of type Bank or Cash.",
            )
    body = _currency(post, document.currency, document.rate, company)
    if document.received:
        body["exchange_rate"] = Decimal(
            rate_of(document.amount, document.currency, document.received, company.home_currency)
        )
    return {
        **body,
        "transaction_type": "transfer_fund",
        "from_account_id": source,
        "to_account_id": target,
        "amount": wire.money(document.amount, document.currency),
        "date": document.on.isoformat(),
        "reference_number": _number(post, document.number),
        "description": wire.note([post.marker], document.memo, wire.SHORT),
    }


def _revaluation(post: Post, company: Company) -> Body:
    """Return the adjustment, but for the account: that is named in the call's address. Its only text takes the number too."""
    document = expect(post, Revaluation)
    return {
        **_currency(post, document.foreign, document.rate, company),
        "adjustment_date": document.on.isoformat(),
        "notes": wire.note([post.marker], f"{_number(post, document.number)}: {document.memo}", wire.SHORT),
    }


_BUILDERS: Final[Mapping[Kind, Callable[[Post, Company], Body]]] = {
    Kind.ACCOUNT: _account,
    Kind.CUSTOMER: _customer,
    Kind.ITEM: _item,
    Kind.INVOICE: _invoice,
    Kind.PAYMENT: _payment,
    Kind.ENTRY: _entry,
    Kind.TRANSFER: _transfer,
    Kind.REVALUATION: _revaluation,
}


def _currency(post: Post, currency: str, rate: str, company: Company) -> Body:
    return {
        "currency_id": _currency_id(post, currency, company),
        "exchange_rate": _rate(post, currency, rate, company),
    }


def _currency_id(post: Post, currency: str, company: Company) -> str:
    if known := company.currencies.get(currency):
        return known
    raise NotRenderable(
        post.key,
        f"{currency} is not switched on in the Zoho Books organization, which keeps its books in "
        f"{company.home_currency}.",
        f"Add {currency} in Zoho Books (Settings, Currencies) and refresh the lists of this connection, or convert to home "
        "currency.",
    )


def _rate(post: Post, currency: str, rate: str, company: Company) -> Decimal:
    if currency == company.home_currency:
        return BASE_RATE
    if not rate:
        raise NotRenderable(
            post.key,
            f"The document is in {currency} and has no rate to {company.home_currency}.",
            "Enter the rate of this settlement, then plan it again.",
        )
    return wire.number(rate)


def _number(post: Post, number: str) -> str:
    if len(number) > wire.NUMBER:
        raise NotRenderable(
            post.key,
            f"The number {number} is longer than the {wire.NUMBER} characters Zoho Books keeps.",
            "Send the record's trail to support.",
        )
    return number


def _named(post: Post, text: str) -> str:
    if not (named := wire.name(text)):
        raise NotRenderable(post.key, "A new account, customer or item needs a name.", "Give it a name.")
    return named

"""One neutral document as one FreshBooks object. Pure.

Accounts, customers and items are named by the post's bindings; a document that FreshBooks cannot hold is refused here,
before any call. Field names and rules: freshbooks.com/api, and answers of the live service recorded in June 2026.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key
from bookkeeping.documents import (
    Customer,
    Expense,
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
from ledgers.bound import account_of, binding, customer_of, expect, label, referred
from ledgers.freshbooks import accounts, wire
from ledgers.freshbooks.plan import Plan
from ledgers.freshbooks.wire import Body
from ledgers.port import NotRenderable, Post

_JOURNALS: Final = (
    "Ask the owner to choose FreshBooks Plus or higher and to switch on Advanced Accounting, test the connection, then "
    "replay. Or let the flow book income and expenses only."
)


@dataclass(frozen=True, slots=True)
class Company:
    """What rendering has to know about the company. ``classes`` says what each account may be used for, by id; ``items`` are
    the names of its items, ``sub_types`` its own words for the types of accounts (``accounts.sub_types``)."""

    plan: Plan
    home_currency: str = ""
    name: str = ""
    classes: Mapping[str, AccountClass | None] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)
    sub_types: Mapping[AccountClass, str] = field(default_factory=dict)


def body_of(post: Post, company: Company) -> Body:
    """Return the object that a single post would create. Raises NotRenderable."""
    document = post.document
    build = _BUILDERS.get(document.kind)
    if build is None:
        raise NotRenderable(
            post.key, f"FreshBooks has no document for {document.kind.value}.", "Send the trail to support."
        )
    if getattr(document, "rate", "") or getattr(document, "received", 0):
        raise NotRenderable(
            post.key,
            "FreshBooks takes no exchange rate, and never adds up two currencies.",
            "Let the flow convert to the currency of the books.",
        )
    try:
        return build(post, company)
    except BadAmount as error:
        raise NotRenderable(post.key, f"{error}.", "Keep this settlement in another ledger.") from error


def _account(post: Post, company: Company) -> Body:
    document = expect(post, NewAccount)
    if not company.plan.chart:
        raise NotRenderable(
            post.key,
            "The FreshBooks plan of this business lets nobody add accounts through its API.",
            "Choose an account or category that exists in the mapping, or change to FreshBooks Plus or higher.",
        )
    return {
        "name": _named(post, document.name),
        "sub_type": accounts.sub_type_for(document.key, company.sub_types),
        "parent_account": None,  # the key has to be there
        "description": wire.note(post.marker, ACCOUNTS[account_key(document.key)].meaning),
    }


def _customer(post: Post, company: Company) -> Body:
    document = expect(post, Customer)
    first, _, last = document.person.partition(" ")
    person = {"fname": wire.name(first), "lname": wire.name(last), "email": document.email}
    return {
        "organization": _named(post, document.name),
        "currency_code": document.currency,
        "note": wire.note(post.marker),
        **{name: value for name, value in person.items() if value},
    }


def _item(post: Post, company: Company) -> Body:
    document = expect(post, Item)
    # The price of an order is its own, so the item's is nothing, in the currency of the books.
    price = {"unit_cost": wire.money(0, company.home_currency)} if company.home_currency else {}
    sku = {"sku": wire.clipped(document.sku, wire.NAME)} if document.sku else {}
    return {
        "name": _named(post, document.name),
        "description": wire.note(post.marker, document.sku),
        "qty": "1",
        **price,
        **sku,
    }


def _invoice(post: Post, company: Company) -> Body:
    document = expect(post, Invoice)
    if document.total <= 0:
        raise NotRenderable(post.key, "An invoice cannot be zero or negative.", "Plan the settlement again.")
    tracking = f"Tracking {document.tracking}." if document.tracking else ""
    return {
        "invoice_number": document.number,
        "customerid": _number(post, customer_of(post, document.customer, "client")),
        "create_date": document.on.isoformat(),
        "due_offset_days": 0,
        "currency_code": document.currency,
        "language": "en",
        "notes": wire.note(post.marker, document.memo, tracking),
        "lines": [_invoice_line(post, line, document, company) for line in document.lines if line.amount],
    }


def _invoice_line(post: Post, line: InvoiceLine, document: Invoice, company: Company) -> Body:
    """Return one line without tax. Where no journal names the accounts, the line's name is its account key: that is the only
    place where the books say what the income was for."""
    exact = line.quantity > 0 and line.amount % line.quantity == 0
    units = "" if exact or line.quantity in (0, 1) else f"{line.quantity} units."
    quantity = line.quantity if exact else 1
    item = company.items.get(binding(post, line.key).item, "")
    spoken = item or line.sku or ACCOUNTS[account_key(line.key)].name
    by_key = not company.plan.journals or not document.order_id
    texts = (units, spoken if by_key else "", line.description if line.description != spoken else "")
    sku = f"({line.sku})" if line.sku and line.sku != spoken else ""
    return {
        "type": 0,
        "name": account_key(line.key).value if by_key else wire.name(spoken),
        "description": wire.clipped(" ".join(text for text in (*texts, sku) if text), wire.TEXT),
        "qty": quantity,
        "unit_cost": wire.money(line.amount // quantity, document.currency),
    }


def _payment(post: Post, company: Company) -> Body:
    document = expect(post, Payment)
    if document.cover.amount <= 0:
        raise NotRenderable(post.key, "A payment must be above zero.", "Plan the settlement again.")
    _only_petty(post, document.account, "payments")
    return {
        "invoiceid": _number(post, referred(post, document.cover.invoice).external_id),
        "amount": wire.money(document.cover.amount, document.currency),
        "date": document.on.isoformat(),
        "type": "Other",
        "note": wire.note(post.marker, document.reference, document.memo),
        "send_client_notification": False,
    }


def _entry(post: Post, company: Company) -> Body:
    document = expect(post, JournalEntry)
    lines = [line for line in document.lines if line.debit or line.credit]
    if len(lines) < 2 or sum(line.debit for line in lines) != sum(line.credit for line in lines):
        raise NotRenderable(post.key, "The journal entry does not balance.", "Plan the settlement again.")
    # The clearing account first: its own journal is short, and the entry is looked for there.
    lines.sort(key=lambda line: account_key(line.key) is not AccountKey.CLEARING)
    details = [
        _detail(
            post, line.key, "debit" if line.debit else "credit", line.debit or line.credit, document.currency, company
        )
        for line in lines
    ]
    return _journal(post, document.number, document.on.isoformat(), document.currency, document.memo, details, company)


def _transfer(post: Post, company: Company) -> Body:
    document = expect(post, Transfer)
    source, target = account_of(post, document.source), account_of(post, document.target)
    if document.amount <= 0 or source == target:
        raise NotRenderable(
            post.key,
            "A transfer needs an amount above zero and two different accounts.",
            f"Map {label(document.source)} and {label(document.target)} to different accounts.",
        )
    details = [
        _detail(post, document.target, "debit", document.amount, document.currency, company),
        _detail(post, document.source, "credit", document.amount, document.currency, company),
    ]
    if account_key(document.source) is AccountKey.CLEARING:
        details.reverse()
    return _journal(post, document.number, document.on.isoformat(), document.currency, document.memo, details, company)


def _journal(post: Post, number: str, on: str, currency: str, memo: str, details: list[Body], company: Company) -> Body:
    if not company.plan.journals:
        raise NotRenderable(post.key, "The FreshBooks plan of this business has no journal entries.", _JOURNALS)
    return {
        "name": number,
        "description": wire.note(post.marker, memo),
        "user_entered_date": on,
        "currency_code": currency,
        "details": details,
    }


def _detail(post: Post, key: LineKey, side: str, amount: int, currency: str, company: Company) -> Body:
    account = account_of(post, key)
    known = company.classes.get(account, ACCOUNTS[account_key(key)].account_class)
    if known is AccountClass.RECEIVABLE:
        raise NotRenderable(
            post.key,
            "A journal entry on receivables belongs to no client, so it is never booked.",
            f"Map {label(key)} to another account.",
        )
    if not account.isdigit():
        raise NotRenderable(
            post.key,
            f"{label(key)} is mapped to a category of the smaller FreshBooks plan, which a journal entry cannot name.",
            f"Refresh the lists of this connection and map {label(key)} to an account.",
        )
    return {"sub_accountid": int(account), side: wire.money(amount, currency)["amount"]}


def _expense(post: Post, company: Company) -> Body:
    document = expect(post, Expense)
    if document.amount <= 0:
        raise NotRenderable(post.key, "An expense must be above zero.", "Plan the settlement again.")
    _only_petty(post, document.account, "expenses")
    category = accounts.category_of(account_of(post, document.key))
    if category is None:
        raise NotRenderable(
            post.key,
            f"{label(document.key)} is not mapped to a category of expenses.",
            f"Refresh the lists of this connection and map {label(document.key)} to a category.",
        )
    return {
        "amount": wire.money(document.amount, document.currency),
        "categoryid": category,
        "staffid": company.plan.staff_id,
        "date": document.on.isoformat(),
        "vendor": wire.name(document.vendor),
        "notes": wire.note(post.marker, document.number, document.memo),
    }


_BUILDERS: Final[Mapping[Kind, Callable[[Post, Company], Body]]] = {
    Kind.ACCOUNT: _account,
    Kind.CUSTOMER: _customer,
    Kind.ITEM: _item,
    Kind.INVOICE: _invoice,
    Kind.PAYMENT: _payment,
    Kind.EXPENSE: _expense,
    Kind.ENTRY: _entry,
    Kind.TRANSFER: _transfer,
}


def _only_petty(post: Post, key: LineKey, what: str) -> None:
    if account_key(key) is not AccountKey.PETTY:
        raise NotRenderable(
            post.key,
            f"FreshBooks books all {what} to its account Petty Cash, never to {label(key)}.",
            "Plan the settlement again.",
        )


def _number(post: Post, external_id: str) -> int:
    if not external_id.isdigit():
        raise NotRenderable(post.key, f"{external_id!r} is no id of FreshBooks.", "Send the trail to support.")
    return int(external_id)


def _named(post: Post, text: str) -> str:
    if not (named := wire.name(text)):
        raise NotRenderable(post.key, "A new account, client or item needs a name.", "Give it a name.")
    return named


def as_made(post: Post) -> Post:
    """Return the post of what is written: for an undo that reverses, the reversal under the undo's own key and mark."""
    document = post.document
    if not isinstance(document, Undo) or document.reversal is None:
        return post
    return Post(
        key=post.key,
        marker=post.marker,
        wire_id=post.wire_id,
        document=document.reversal,
        bindings=post.bindings,
        refs=post.refs,
    )

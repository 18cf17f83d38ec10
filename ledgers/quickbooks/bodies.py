"""One neutral document as one QuickBooks object. Pure.

Accounts, customers and items are named by the post's bindings; a document that QuickBooks cannot hold is refused here,
before any call.
Field names, lengths and rules: developer.intuit.com, Accounting API, all entities.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, LineKey, account_key
from bookkeeping.documents import (
    Customer,
    Deposit,
    Invoice,
    InvoiceLine,
    Item,
    JournalEntry,
    Kind,
    NewAccount,
    Payment,
    Transfer,
)
from bookkeeping.money import BadAmount
from ledgers.bound import account_of, binding, customer_of, expect, label, referred
from ledgers.port import NotRenderable, Post
from ledgers.quickbooks import accounts, wire
from ledgers.quickbooks.wire import Body


@dataclass(frozen=True, slots=True)
class Company:
    """What rendering has to know about the company.

    ``classes`` says what each remote account may be used for, by id; an account that is not in it is judged by its key.
    ``country`` is "" where it is not known, and the United States then.
    """

    home_currency: str
    multicurrency: bool = False
    country: str = ""
    classes: Mapping[str, AccountClass | None] = field(default_factory=dict)
    name: str = ""

    @property
    def in_us(self) -> bool:
        return self.country in ("", "US", "USA")


def body_of(post: Post, company: Company) -> Body:
    """Return the object that a single post would create. Raises NotRenderable."""
    if not company.home_currency:
        raise NotRenderable(
            post.key,
            "The currency of the QuickBooks company is not known yet.",
            "Refresh the lists of this connection.",
        )
    kind = post.document.kind
    build = _BUILDERS.get(kind)
    if build is None:
        raise NotRenderable(post.key, f"QuickBooks has no document for {kind.value}.", "Send the trail to support.")
    try:
        body = build(post, company)
    except BadAmount as error:
        raise NotRenderable(
            post.key, f"{error}.", "Keep this settlement in another ledger, or convert it to home currency."
        ) from error
    return _filled(body)


def _account(post: Post, company: Company) -> Body:
    document = expect(post, NewAccount)
    foreign = _foreign(post, document.currency, company)
    account_type, sub_type = (accounts.foreign_type_for if foreign else accounts.type_for)(document.key)
    return {
        "Name": _named(post, document.name, wire.NAME),
        "AccountType": account_type,
        "AccountSubType": sub_type,
        "CurrencyRef": _ref(document.currency) if foreign and accounts.has_currency(account_type) else None,
    }


def _customer(post: Post, company: Company) -> Body:
    document = expect(post, Customer)
    _foreign(post, document.currency, company)
    return {
        "DisplayName": _named(post, document.name, wire.DISPLAY_NAME),
        "CurrencyRef": _currency(document.currency, company),
        "PrimaryEmailAddr": {"Address": document.email} if document.email else None,
        "Taxable": False,
    }


def _item(post: Post, company: Company) -> Body:
    document = expect(post, Item)
    return {
        "Name": _named(post, document.name, wire.NAME),
        "Sku": wire.clipped(document.sku, wire.NAME),
        "Type": "Service",  # no stock: inventory items move cost of goods and refuse earlier dates
        "IncomeAccountRef": _ref(account_of(post, document.key)),
        "Taxable": False,
    }


def _invoice(post: Post, company: Company) -> Body:
    document = expect(post, Invoice)
    if document.total <= 0:
        raise NotRenderable(post.key, "An invoice cannot be zero or negative.", "Plan the settlement again.")
    lines = [_invoice_line(post, line, document, company) for line in document.lines if line.amount]
    return {
        **_head(post, document.number, document.memo, document.currency, company),
        "DocNumber": _number(post, document.number),
        "TxnDate": document.on.isoformat(),
        "CustomerRef": _ref(customer_of(post, document.customer)),
        "DepartmentRef": _ref(_department(post, document.customer, [line.key for line in document.lines])),
        "TrackingNum": wire.clipped(document.tracking, wire.NUMBER * 10),
        "GlobalTaxCalculation": None if company.in_us else "NotApplicable",
        # Else QuickBooks may show the buyer a pay button for an order that Amazon has collected.
        "AllowOnlineACHPayment": False,
        "AllowOnlineCreditCardPayment": False,
        "AllowOnlinePayment": False,
        "Line": lines,
    }


def _invoice_line(post: Post, line: InvoiceLine, document: Invoice, company: Company) -> Body:
    exact = line.quantity > 0 and line.amount % line.quantity == 0
    units = "" if exact or line.quantity in (0, 1) else f"{line.quantity} units. "
    quantity = line.quantity if exact else 1
    detail: Body = {
        "ItemRef": _ref(_bound_item(post, line)),
        "Qty": quantity,
        "UnitPrice": wire.money(line.amount // quantity, document.currency),
        # Amazon collects and remits the tax: QuickBooks must never compute it.
        "TaxCodeRef": _ref("NON") if company.in_us else None,
        "ClassRef": _ref(_class(post, line.key, document.customer)),
    }
    return _filled(
        {
            "Amount": wire.money(line.amount, document.currency),
            "Description": wire.clipped(f"{units}{line.description or line.sku}".strip(), wire.TEXT),
            "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": _filled(detail),
        }
    )


def _entry(post: Post, company: Company) -> Body:
    document = expect(post, JournalEntry)
    lines = [line for line in document.lines if line.debit or line.credit]
    if len(lines) < 2 or sum(line.debit for line in lines) != sum(line.credit for line in lines):
        raise NotRenderable(post.key, "The journal entry does not balance.", "Plan the settlement again.")
    rendered: list[Body] = []
    for line in lines:
        account = account_of(post, line.key)
        if _class_of(account, line.key, company) is AccountClass.RECEIVABLE:
            raise NotRenderable(
                post.key,
                "A journal entry on receivables needs a customer, which we never book that way.",
                f"Map {label(line.key)} to another account.",
            )
        detail = {
            "PostingType": "Debit" if line.debit else "Credit",
            "AccountRef": _ref(account),
            "ClassRef": _ref(_class(post, line.key)),
            "DepartmentRef": _ref(binding(post, line.key).department),  # a journal entry has locations per line
        }
        rendered.append(
            _filled(
                {
                    "Amount": wire.money(line.debit or line.credit, document.currency),
                    "Description": wire.clipped(line.description, wire.TEXT),
                    "DetailType": "JournalEntryLineDetail",
                    "JournalEntryLineDetail": _filled(detail),
                }
            )
        )
    return {
        **_head(post, document.number, document.memo, document.currency, company),
        "DocNumber": _number(post, document.number),
        "TxnDate": document.on.isoformat(),
        "Line": rendered,
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
    return {
        **_head(post, document.number, document.memo, document.currency, company, in_note=True),
        "TxnDate": document.on.isoformat(),
        "FromAccountRef": _ref(source),
        "ToAccountRef": _ref(target),
        "Amount": wire.money(document.amount, document.currency),
    }


def _deposit(post: Post, company: Company) -> Body:
    document = expect(post, Deposit)
    journal = "Use journal entries and a transfer for this settlement."
    if document.total <= 0:
        raise NotRenderable(post.key, "QuickBooks takes no deposit of zero or less.", journal)
    if document.currency != company.home_currency:
        raise NotRenderable(post.key, "A deposit with direct lines is possible in home currency only.", journal)
    bank = account_of(post, document.account)
    lines: list[Body] = []
    for line in document.lines:
        if not line.amount:
            continue
        account = account_of(post, line.key)
        known = _class_of(account, line.key, company)
        if account == bank or known not in accounts.DEPOSIT_CLASSES:
            what = "the bank account itself" if account == bank else "an account of this type"
            raise NotRenderable(
                post.key, f"A line of a deposit cannot use {what} ({label(line.key)}).", f"Map it elsewhere. {journal}"
            )
        detail = {"AccountRef": _ref(account), "ClassRef": _ref(_class(post, line.key))}
        lines.append(
            _filled(
                {
                    "Amount": wire.money(line.amount, document.currency),
                    "Description": wire.clipped(line.description, wire.TEXT),
                    "DetailType": "DepositLineDetail",
                    "DepositLineDetail": _filled(detail),
                }
            )
        )
    return {
        **_head(post, document.number, document.memo, document.currency, company, in_note=True),
        "TxnDate": document.on.isoformat(),
        "DepositToAccountRef": _ref(bank),
        "DepartmentRef": _ref(_department(post, document.account, [line.key for line in document.lines])),
        "GlobalTaxCalculation": None if company.in_us else "NotApplicable",
        "Line": lines,
    }


def _payment(post: Post, company: Company) -> Body:
    document = expect(post, Payment)
    if document.cover.amount <= 0:
        raise NotRenderable(post.key, "A payment must be above zero.", "Plan the settlement again.")
    return {
        **_head(post, document.reference, document.memo, document.currency, company),
        "TxnDate": document.on.isoformat(),
        "CustomerRef": _ref(customer_of(post, document.customer)),
        "DepositToAccountRef": _ref(account_of(post, document.account)),
        "PaymentRefNum": _number(post, document.reference),
        "TotalAmt": wire.money(document.cover.amount, document.currency),
        "Line": [
            {
                "Amount": wire.money(document.cover.amount, document.currency),
                "LinkedTxn": [{"TxnId": referred(post, document.cover.invoice).external_id, "TxnType": "Invoice"}],
            }
        ],
    }


_BUILDERS: Final[Mapping[Kind, Callable[[Post, Company], Body]]] = {
    Kind.ACCOUNT: _account,
    Kind.CUSTOMER: _customer,
    Kind.ITEM: _item,
    Kind.INVOICE: _invoice,
    Kind.ENTRY: _entry,
    Kind.TRANSFER: _transfer,
    Kind.DEPOSIT: _deposit,
    Kind.PAYMENT: _payment,
}


def _head(
    post: Post, number: str, memo: str, currency: str, company: Company, *, in_note: bool = False
) -> dict[str, object]:
    """Return what every transaction has. ``in_note`` is for documents without a number field: their note carries it."""
    _foreign(post, currency, company)
    rate = getattr(post.document, "rate", "")
    return {
        "PrivateNote": wire.note([post.marker], number if in_note else "", memo),
        "CurrencyRef": _currency(currency, company),
        "ExchangeRate": Decimal(rate) if rate and currency != company.home_currency else None,
    }


def _foreign(post: Post, currency: str, company: Company) -> bool:
    foreign = currency != company.home_currency
    if foreign and not company.multicurrency:
        raise NotRenderable(
            post.key,
            f"The document is in {currency}, the QuickBooks company keeps its books in {company.home_currency} only.",
            "Switch on multicurrency in QuickBooks (it cannot be switched off again), or convert to home currency.",
        )
    return foreign


def _currency(currency: str, company: Company) -> Body | None:
    return _ref(currency) if company.multicurrency else None


def _ref(value: str) -> Body | None:
    return {"value": value} if value else None


def _filled(body: Body) -> Body:
    return {name: value for name, value in body.items() if value not in ("", None)}


def _number(post: Post, number: str) -> str:
    if len(number) > wire.NUMBER:
        raise NotRenderable(
            post.key,
            f"The number {number} is longer than the {wire.NUMBER} characters QuickBooks keeps.",
            "Send the record's trail to support.",
        )
    return number


def _named(post: Post, text: str, length: int) -> str:
    if not (named := wire.name(text, length)):
        raise NotRenderable(post.key, "A new account, customer or item needs a name.", "Give it a name.")
    return named


def _bound_item(post: Post, line: InvoiceLine) -> str:
    if not (item := binding(post, line.key).item):
        what = f"SKU {line.sku}" if line.sku else label(line.key)
        raise NotRenderable(post.key, f"{what} has no item.", f"Map {what} to an item.")
    return item


def _class(post: Post, key: LineKey, customer: str = "") -> str:
    return binding(post, key).class_ or (binding(post, customer).class_ if customer else "")


def _department(post: Post, symbol: str, keys: Sequence[LineKey]) -> str:
    """Return the location of a document that has one for all its lines: its own, else the only one its lines have."""
    own = binding(post, symbol).department
    of_lines = {binding(post, key).department for key in keys}
    return own or (of_lines.pop() if len(of_lines) == 1 else "")


def _class_of(account: str, key: LineKey, company: Company) -> AccountClass | None:
    return company.classes.get(account, ACCOUNTS[account_key(key)].account_class)

"""Is a document in the books? Invoices, payments and lists are read; a money transaction shows in a balance alone.

What Wave filters on is compared exactly on our side. Every read is metered.
"""

from collections.abc import Mapping
from typing import Final

from bookkeeping.documents import Customer, Invoice, Item, JournalEntry, Kind, NewAccount, Payment, Transfer, Undo
from bookkeeping.money import BadAmount, shown
from ledgers.bound import referred
from ledgers.port import Absent, CannotTell, Found, NotRenderable, NotSent, Post, Posted
from ledgers.wave import accounts, answers, lists, operations, wire
from ledgers.wave.bound import Company, open_account_of
from ledgers.wave.remote import READ_AGAIN_S, ReadRefused, Remote, Row
from ledgers.wave.transactions import anchor_of
from ledgers.wave.wire import text_of

_OBJECTS: Final[Mapping[Kind, tuple[str, str, str]]] = {
    Kind.INVOICE: (operations.INVOICE, "invoiceId", "invoice"),
    Kind.PAYMENT: (operations.PAYMENT, "paymentId", "invoicePayment"),
}


class Lookups:
    """Looks deliveries up in one business. Methods raise NotSent and AuthorizationLost."""

    def __init__(self, remote: Remote, company: Company) -> None:
        self._remote, self._company = remote, company

    def find(self, post: Post) -> Found | Absent | CannotTell:
        try:
            return self._find(post)
        except ReadRefused as error:
            return CannotTell(error.refused.text)
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")

    def document(self, kind: Kind, external_id: str) -> Row | None:
        """Return an invoice or a payment, None where it is gone. Raises ReadRefused."""
        operation, named, field = _OBJECTS[kind]
        row = self._remote.business(operation, **{named: external_id}).get(field)
        return row if isinstance(row, Mapping) else None

    def payments(self, invoice_id: str) -> list[Row]:
        """Return the payments on an invoice, each with its invoice; refunds made elsewhere are left out.

        Raises ReadRefused.
        """
        invoice = self.document(Kind.INVOICE, invoice_id) or {}
        rows = [row for row in invoice.get("payments") or () if isinstance(row, Mapping)]
        return [{**row, "invoice": {"id": invoice_id}} for row in rows if not row.get("originInvoicePayment")]

    def numbered(self, number: str) -> list[Row]:
        """Return the invoices of just this number: Wave's filter also finds those that contain it. Raises ReadRefused."""
        rows = self._remote.pages(operations.INVOICES, "invoices", invoiceNumber=number)
        return [row for row in rows if text_of(row, "invoiceNumber") == number]

    def named(self, name: str, operation: str, listed: str, *filters: Mapping[str, object]) -> Row | None:
        """Return the first object of just this name; archived ones are asked for last. Raises ReadRefused."""
        known = wire.name(name)
        for chosen in filters:
            rows = self._remote.pages(operation, listed, **chosen)
            named = [row for row in rows if text_of(row, "name") == known]
            if named:
                return min(named, key=lambda row: row.get("isArchived") is True)
        return None

    def balance(self, account: str) -> tuple[str, str, int]:
        """Return an account's name, its currency and its balance in minor units of that, debit positive.

        Raises ReadRefused, NotSent.
        """
        row = self._remote.business(operations.BALANCE, accountId=account).get("account")
        if not isinstance(row, Mapping):
            raise NotSent("Wave answered without the account whose balance tells what was booked", READ_AGAIN_S)
        try:
            return text_of(row, "name"), text_of(row, "currency", "code"), answers.balance(row)
        except BadAmount as error:
            raise NotSent(f"Wave answered a balance nobody can read: {error}", READ_AGAIN_S) from error

    def _find(self, post: Post) -> Found | Absent | CannotTell:
        match post.document:
            case Invoice(number=number):
                return self._one(post, [row for row in self.numbered(number) if answers.carries(row, post.marker)])
            case Payment(cover=cover):
                rows = self.payments(referred(post, cover.invoice).external_id)
                return self._one(post, [row for row in rows if answers.carries(row, post.marker)])
            case JournalEntry() | Transfer():
                return self._by_balance(post)
            case Undo(reversal=reversal) as undo:
                return self._undo(post, undo) if reversal is None else self._by_balance(post)
            case Customer(name=name, currency=currency, email=email):
                # Of buyers there may be very many; theirs is an address that nobody else has.
                row = self.named(name, operations.CUSTOMERS, "customers", {"email": email} if email else {})
                if row is None:
                    return Absent()
                kept = text_of(row, "currency", "code") or self._company.home_currency
                return answers.found_object(row, currency=(currency, kept))
            case Item(name=name, key=key):
                row = self.named(name, operations.PRODUCTS, "products", lists.ACTIVE, lists.ARCHIVED)
                if row is None:
                    return Absent()
                wanted = open_account_of(post, key, self._company)
                return answers.found_object(row, income_account=(wanted, text_of(row, "incomeAccount", "id")))
            case NewAccount(name=name, key=key):
                row = self.named(name, operations.ACCOUNTS, "accounts", lists.ACTIVE, lists.ARCHIVED)
                if row is None:
                    return Absent()
                pair = (accounts.subtype_for(key), text_of(row, "subtype", "value"))
                return answers.found_object(row, type=(accounts.label(pair[0]), accounts.label(pair[1])))
        return CannotTell(f"Wave has no document for {post.document.kind.value}.")

    def _one(self, post: Post, ours: list[Row]) -> Found | Absent | CannotTell:
        if len(ours) > 1:
            return CannotTell(f"Wave has {len(ours)} documents with our mark; one of them is too many.")
        return answers.found(post, ours[0], self._company) if ours else Absent()

    def _by_balance(self, post: Post) -> Found | Absent | CannotTell:
        """Judge a money transaction by what its anchor's balance did since just before it was sent."""
        anchor = anchor_of(post, self._company)
        before = post.before.get(anchor.account)
        if before is None:
            return CannotTell(
                "Wave does not show money transactions to other programs, and the balance before this one is not known."
            )
        name, currency, now = self.balance(anchor.account)
        match answers.moved(anchor, before, now):
            case True:
                external_id = wire.transaction_id(self._company.business_id, post.wire_id)
                return Found(Posted(external_id=external_id), live=True, equal=True)
            case False:
                return Absent()
        moved, wanted = (shown(amount, currency) for amount in (now - before, anchor.moved))
        return CannotTell(
            f"since just before it was sent the balance of {name} changed by {moved}, and this alone changes it by {wanted}: "
            "somebody else books on that account too."
        )

    def _undo(self, post: Post, document: Undo) -> Found | Absent | CannotTell:
        if document.target_kind not in _OBJECTS:
            return CannotTell(f"Wave does not say whether this {document.target_kind.value} is gone.")
        target = referred(post, document.target).external_id
        if self.document(document.target_kind, target) is not None:
            return Absent()
        return Found(Posted(external_id=target), live=True, equal=True)

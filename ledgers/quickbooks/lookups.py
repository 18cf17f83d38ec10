"""Is a document in the books? By what QuickBooks can filter on; marker and content are compared on our side.

Used after an answer that was lost, and after a number or name was refused as taken: every read is metered.
"""

from collections.abc import Sequence

from bookkeeping.documents import (
    Customer,
    Deposit,
    Invoice,
    Item,
    JournalEntry,
    NewAccount,
    Payment,
    Transfer,
    Undo,
)
from ledgers.bound import customer_of, referred
from ledgers.port import Absent, CannotTell, Found, NotRenderable, Post, Posted, Refused
from ledgers.quickbooks import answers, wire
from ledgers.quickbooks.bodies import Company
from ledgers.quickbooks.remote import ReadRefused, Remote, Row
from ledgers.quickbooks.translate import ENTITIES


class Lookups:
    """Looks deliveries up in one company. Methods raise NotSent and AuthorizationLost."""

    def __init__(self, remote: Remote, company: Company, web: str) -> None:
        self._remote, self._company, self._web = remote, company, web

    def find(self, post: Post) -> Found | Absent | CannotTell:
        try:
            return self._find(post)
        except ReadRefused as error:
            return CannotTell(error.refused.text)
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")

    def _find(self, post: Post) -> Found | Absent | CannotTell:
        match post.document:
            case Invoice(number=number) | JournalEntry(number=number):
                entity = ENTITIES[post.document.kind]
                return self._ours(post, self._remote.query(wire.select(entity, ("DocNumber", "=", number))))
            case Transfer(on=on) | Deposit(on=on):
                entity = ENTITIES[post.document.kind]
                return self._ours(post, self._remote.pages(wire.select(entity, ("TxnDate", "=", on.isoformat()))))
            case Payment():
                return self._payment(post, post.document)
            case Undo():
                return self._undo(post, post.document)
            case Customer(name=name):
                return self._customer(post, wire.name(name, wire.DISPLAY_NAME))
            case Item(name=name):
                named = ("Name", "=", wire.name(name, wire.NAME))
                return self._first(
                    post, self._remote.query(wire.select("Item", named, wire.ANY, columns=wire.ITEM_COLUMNS))
                )
            case NewAccount(name=name):
                known = wire.name(name, wire.NAME)
                # An inactive account is shown under its name with this suffix.
                names = ("Name", "IN", (known, f"{known} (deleted)"))
                return self._first(post, self._remote.query(wire.select("Account", names, wire.ANY)))
        return CannotTell(f"QuickBooks has no document for {post.document.kind.value}.")

    def _ours(self, post: Post, rows: Sequence[Row]) -> Found | Absent | CannotTell:
        ours = [row for row in rows if answers.carries(row, post.marker)]
        if len(ours) > 1:
            return CannotTell(f"QuickBooks has {len(ours)} documents with our mark; one of them is too many.")
        return self._found(post, ours[0]) if ours else Absent()

    def _payment(self, post: Post, document: Payment) -> Found | Absent | CannotTell:
        """A payment is found through its invoice; one that lost the link, by customer and date."""
        invoice = referred(post, document.cover.invoice).external_id
        rows = self._remote.query(wire.select("Invoice", ("Id", "=", invoice)))
        links = [link["TxnId"] for row in rows for link in row.get("LinkedTxn", ()) if link.get("TxnType") == "Payment"]
        if links:
            through_invoice = self._ours(post, self._remote.query(wire.select("Payment", ("Id", "IN", links))))
            if not isinstance(through_invoice, Absent):
                return through_invoice
        customer = ("CustomerRef", "=", customer_of(post, document.customer))
        same_day = wire.select("Payment", customer, ("TxnDate", "=", document.on.isoformat()))
        return self._ours(post, self._remote.pages(same_day))

    def _undo(self, post: Post, document: Undo) -> Found | Absent:
        target = referred(post, document.target).external_id
        entity = ENTITIES[document.target_kind]
        rows = self._remote.query(wire.select(entity, ("Id", "=", target)))
        if any(not answers.is_void(row) for row in rows):
            return Absent()
        version = str(rows[0].get("SyncToken", "")) if rows else ""
        return Found(Posted(external_id=target, version=version), live=True, equal=True)

    def _customer(self, post: Post, name: str) -> Found | Absent | CannotTell:
        """Customers, suppliers and employees share their names, so all three are asked, in one call.

        That there is no such customer is proved by the customers alone; the others only explain a refused name, and not
        every user may read them.
        """
        parties = ("Customer", "Vendor", "Employee")
        found = self._remote.queries([wire.select(each, ("DisplayName", "=", name), wire.ANY) for each in parties])
        customers, *others = found
        if isinstance(customers, Refused):
            return CannotTell(customers.text)
        if customers:
            return self._first(post, customers)
        if any(rows for rows in others if not isinstance(rows, Refused)):
            return CannotTell(
                f"the name {name} belongs to a supplier or an employee in QuickBooks. Rename that one, or map the "
                "marketplace to another customer."
            )
        return Absent()

    def _first(self, post: Post, rows: Sequence[Row]) -> Found | Absent:
        return self._found(post, rows[0]) if rows else Absent()

    def _found(self, post: Post, row: Row) -> Found:
        return answers.found(post, row, self._company, self._web)

"""Is a document in the books? By what Zoho can filter on; number, marker and content are compared on our side.

Used after an answer that was lost, and after a number or name was refused as taken. A filter that Zoho does not know
returns everything, so nothing is taken on trust. What was written a moment ago may be missing from a list for some
seconds: the quarantine is longer than that.

Journals, payments, transfers and adjustments of the base currency have no uniqueness in Zoho: two that carry our mark are
never told apart here, they go to a person.

The look-up of an invoice may find our own draft: created, and not yet marked as sent when the answer was lost. It is what
was asked for but for the last step, so the look-up takes that step, which is safe to repeat, and reads the invoice again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.documents import (
    Customer,
    Document,
    Invoice,
    Item,
    JournalEntry,
    Kind,
    NewAccount,
    Payment,
    Revaluation,
    Transfer,
    Undo,
)
from bookkeeping.money import BadAmount
from ledgers.bound import referred
from ledgers.port import Absent, AuthorizationLost, CannotTell, Found, NotRenderable, NotSent, Post, Posted, Unknown
from ledgers.zoho import answers, errors, marked, wire
from ledgers.zoho.bodies import Company
from ledgers.zoho.remote import READ_AGAIN_S, READ_DEADLINE_S, Declined, Remote, Row
from ledgers.zoho.translate import RESOURCES
from ledgers.zoho.writes import APPROVAL, mark_as_sent, not_in_the_books

_Answer = Found | Absent | CannotTell
_FEW: Final = 3  # documents that are read whole whatever their row says
_ALL: Final = {Kind.ACCOUNT: "AccountType.All", Kind.CUSTOMER: "Status.All", Kind.ITEM: "Status.All"}


@dataclass(frozen=True, slots=True)
class _Named:
    """By what an object of a list is looked up: the filter, and the field that has to be equal."""

    parameter: str
    value: str
    field: str


class Lookups:
    """Looks deliveries up in one organization. Methods raise NotSent and AuthorizationLost."""

    def __init__(self, remote: Remote, company: Company) -> None:
        self._remote, self._company = remote, company

    def find(self, post: Post) -> _Answer:
        try:
            return self._find(post)
        except Declined as error:
            try:
                return CannotTell(error.refused().text)
            except Unknown as unknown:
                raise NotSent(str(unknown), READ_AGAIN_S) from unknown
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")
        except BadAmount as error:
            return CannotTell(f"Zoho Books answered an amount nobody can read: {error}.")

    def _find(self, post: Post) -> _Answer:
        match post.document:
            case Invoice(number=number):
                return self._invoice(post, number)
            case JournalEntry(number=number):
                return self._entry(post, number)
            case Payment() as document:
                return self._payment(post, document)
            case Transfer(number=number):
                listed = marked.referenced(self._remote, Kind.TRANSFER, number)
                return self._one_of(post, marked.carrying(self._remote, Kind.TRANSFER, post.marker, listed))
            case Revaluation():
                listed = marked.adjustments(self._remote)
                return self._one_of(post, marked.carrying(self._remote, Kind.REVALUATION, post.marker, listed))
            case Undo() as document:
                return self._undo(post, document)
            case Customer() | Item() | NewAccount() as document:
                return self._object(post, document)
        return CannotTell(f"Zoho Books has no document for {post.document.kind.value}.")

    # Documents ------------------------------------------------------------------------------------------------------------

    def _invoice(self, post: Post, number: str) -> _Answer:
        ours = marked.carrying(self._remote, Kind.INVOICE, post.marker, marked.numbered(self._remote, number))
        if len(ours) != 1:
            return self._one_of(post, ours)
        [row] = ours
        status = answers.status_of(row)
        if status in answers.WAITING:
            return CannotTell(f"invoice {number} waits for approval in Zoho Books. {APPROVAL}")
        if status in answers.TO_BE_SENT:
            draft = answers.found(post, row, self._company, as_draft=True)
            if not draft.equal:
                return CannotTell(
                    f"invoice {number} is a draft in Zoho Books, and not as it was sent: {draft.difference}. Delete the draft "
                    "there, then replay the record."
                )
            return self._finish(post, row)
        return answers.found(post, row, self._company)

    def _finish(self, post: Post, draft: Row) -> _Answer:
        """Mark a draft of ours as sent and read it again."""
        external_id = answers.id_of(Kind.INVOICE, draft)
        try:
            mark_as_sent(self._remote, [external_id], READ_DEADLINE_S)
        except Declined as error:
            refused = not_in_the_books(error)
            return CannotTell(f"{refused.text} {refused.action}")
        except Unknown as error:
            raise NotSent(str(error), READ_AGAIN_S) from error
        row = marked.detail(self._remote, Kind.INVOICE, external_id)
        if row is None or answers.status_of(row) in answers.TO_BE_SENT | answers.WAITING:
            return CannotTell("the invoice stays a draft in Zoho Books although it was marked as sent.")
        return answers.found(post, row, self._company)

    def _entry(self, post: Post, number: str) -> _Answer:
        ours = marked.carrying(
            self._remote, Kind.ENTRY, post.marker, marked.referenced(self._remote, Kind.ENTRY, number)
        )
        waiting = [row for row in ours if answers.status_of(row) not in ("", "published")]
        if waiting:
            return CannotTell(f"journal {number} is in Zoho Books but not published. {APPROVAL}")
        return self._one_of(post, ours)

    def _payment(self, post: Post, document: Payment) -> _Answer:
        """A payment is found through its invoice; one that lost the link, by its reference.

        A reference is shared by all payments of a part, so of many only those are read that have money left.
        """
        invoice = referred(post, document.cover.invoice).external_id
        ours = marked.carrying(self._remote, Kind.PAYMENT, post.marker, self._paid_by(invoice))
        if not ours:
            alike = marked.referenced(self._remote, Kind.PAYMENT, document.reference)
            loose = [row for row in alike if wire.number(row.get("unused_amount"))]
            ours = marked.carrying(self._remote, Kind.PAYMENT, post.marker, alike if len(alike) <= _FEW else loose)
        return self._one_of(post, [self._with_account(row) for row in ours])

    def _paid_by(self, invoice: str) -> list[Row]:
        try:
            return wire.rows(self._remote.get(f"{RESOURCES[Kind.INVOICE].path}/{invoice}/payments").get("payments"))
        except Declined as error:
            if error.code == errors.GONE:
                return []
            raise

    def _with_account(self, payment: Row) -> Row:
        """Return a payment with the account its money went to: where the answer leaves it out, the ledger lines prove it."""
        if payment.get("account_id"):
            return payment
        lines = ledger_lines(self._remote, Kind.PAYMENT, answers.id_of(Kind.PAYMENT, payment))
        debited = {wire.text(line.get("account_id")) for line in lines if line.get("debit_or_credit") == "debit"}
        return {**payment, "account_id": debited.pop()} if len(debited) == 1 else payment

    def _undo(self, post: Post, document: Undo) -> Found | Absent:
        target = referred(post, document.target).external_id
        row = marked.detail(self._remote, document.target_kind, target)
        if row is not None and not answers.is_void(row):
            return Absent()
        return Found(Posted(external_id=target), live=True, equal=True)

    # Accounts, customers, items -------------------------------------------------------------------------------------------

    def _object(self, post: Post, document: Customer | Item | NewAccount) -> _Answer:
        kind, resource = document.kind, RESOURCES[document.kind]
        for by in _names(document):
            query = {by.parameter: by.value, "filter_by": _ALL[kind]}
            rows, _ = self._remote.pages(resource.path, resource.many, query, most=marked.PAGES)
            for row in rows:
                if wire.same_name(row.get(by.field), by.value):
                    whole = marked.detail(self._remote, kind, answers.id_of(kind, row))
                    return answers.found(post, {**row, **(whole or {})}, self._company)
        return Absent()

    def _one_of(self, post: Post, ours: Sequence[Row]) -> _Answer:
        if len(ours) > 1:
            return CannotTell(
                f"Zoho Books has {len(ours)} documents with our mark; one of them is too many. Delete all but one there."
            )
        return answers.found(post, ours[0], self._company) if ours else Absent()


def ledger_lines(remote: Remote, kind: Kind, external_id: str) -> list[Row]:
    """Return the ledger lines that a transaction produced; none where Zoho does not say. Raises NotSent.

    They prove amounts by account whatever the document itself shows.
    """
    if not (entity := RESOURCES[kind].entity):
        return []
    try:
        answer = remote.get(f"/transactions/{external_id}/journals", {"entity_type": entity})
    except (Declined, AuthorizationLost):
        return []
    journal = answer.get("journal")
    return wire.rows(journal.get("line_items")) if isinstance(journal, dict) else []


def _names(document: Document) -> list[_Named]:
    match document:
        case Customer(name=name):
            return [_Named("contact_name", wire.name(name), "contact_name")]
        case NewAccount(name=name):
            return [_Named("account_name", wire.name(name), "account_name")]
        case Item(name=name, sku=sku):
            by_sku = [_Named("search_text", sku, "sku")] if sku else []  # the list has no filter for SKUs
            return [_Named("name", wire.name(name), "name"), *by_sku]
        case _:
            return []

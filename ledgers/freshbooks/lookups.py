"""Is a document in the books? By what FreshBooks can filter on; number, mark and content are compared on our side.

Used before each write, because FreshBooks takes the same document twice, and after an answer that was lost. A filter
that FreshBooks does not know is ignored without a word, so nothing is believed that was not compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from bookkeeping.documents import Invoice, Kind, Undo
from ledgers.bound import referred
from ledgers.freshbooks import answers, wire
from ledgers.freshbooks.accounts import is_deleted
from ledgers.freshbooks.bodies import Company, as_made, body_of
from ledgers.freshbooks.journal import Journal
from ledgers.freshbooks.remote import Remote, RemoteRefused
from ledgers.freshbooks.translate import RESOURCES, WITH_LINES, address
from ledgers.freshbooks.wire import Body, Row
from ledgers.port import Absent, CannotTell, Found, NotRenderable, NotSent, Post, Posted, Unknown

LINES: Final = ((WITH_LINES, "lines"),)
SENT: Final = wire.encode({"invoice": {"action_mark_as_sent": True}})  # without a mail to anybody
_FINISH_S: Final = 60.0
_NAMED: Final = {Kind.CUSTOMER: "organization", Kind.ITEM: "name", Kind.ACCOUNT: "name"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look-up saw: ``rows`` are ours, ``taken`` says who else has the number, "" where nobody has."""

    rows: Sequence[Row] = ()
    taken: str = ""


class Lookups:
    """Looks deliveries up in one company. Methods raise NotSent and AuthorizationLost."""

    def __init__(self, remote: Remote, company: Company) -> None:
        self._remote, self._company = remote, company
        self.journal = Journal(remote, company.plan.account_id)

    def find(self, post: Post) -> Found | Absent | CannotTell:
        """Return what became of a delivery.

        An invoice is made in two steps, and only the second brings it into the books. One of ours that was left a draft
        between the two is marked as sent here, if it is as it was to be: that can be done any number of times, makes no
        further document, and is what was asked for when it was sent.
        """
        try:
            if isinstance(post.document, Undo) and post.document.reversal is None:
                return self._undo(post, post.document)
            made = as_made(post)
            return self._judged(made, self.look(made.document.kind, body_of(made, self._company), post.marker))
        except RemoteRefused as error:
            return CannotTell(error.refused.text)
        except NotRenderable as error:
            return CannotTell(f"{error.text} {error.action}")
        except (KeyError, TypeError, ValueError) as error:
            return CannotTell(f"FreshBooks answered something nobody can read ({type(error).__name__}).")

    def look(self, kind: Kind, body: Body, marker: str) -> Seen:
        """Return what FreshBooks has of a document by its body and mark. Raises RemoteRefused too."""
        match kind:
            case Kind.INVOICE:
                number = str(body["invoice_number"])
                rows = self._listed(kind, [("search[invoice_number]", number), *LINES])
                same = [row for row in rows if row.get("invoice_number") == number]
                return _split(kind, same, marker, f"invoice {number}")
            case Kind.PAYMENT:
                invoice = str(body["invoiceid"])
                rows = self._listed(kind, [("search[invoiceid]", invoice)])
                return Seen([row for row in rows if str(row.get("invoiceid")) == invoice and _has(kind, row, marker)])
            case Kind.EXPENSE:
                on = str(body["date"])
                after = (date.fromisoformat(on) + timedelta(days=1)).isoformat()
                query = [("search[vendor]", str(body["vendor"])), ("search[date_min]", on), ("search[date_max]", after)]
                return Seen([row for row in self._listed(kind, query) if _has(kind, row, marker)])
            case Kind.ENTRY | Kind.TRANSFER:
                day, first = date.fromisoformat(body["user_entered_date"]), str(body["details"][0]["sub_accountid"])
                found = self.journal.named(str(body["name"]), day, first)
                return _split(kind, found, marker, f"entry {body['name']}")
            case _:
                return Seen(self._called(kind, body))

    def invoice(self, external_id: str) -> Row | None:
        """Return an invoice with its lines, a deleted one too. Raises RemoteRefused too."""
        return self._remote.get(f"{address(Kind.INVOICE, self._company)}/{external_id}", "invoice", LINES)

    def send(self, row: Row, deadline_s: float) -> Row:
        """Mark a draft as sent, so that it is in the books, and return it with its lines.

        Raises:
            RemoteRefused: it stays a draft. NotSent, AuthorizationLost, Unknown: it may be either.
        """
        path = f"{address(Kind.INVOICE, self._company)}/{row['id']}"
        answer = self._remote.write("PUT", path, dict(LINES), SENT, deadline_s)
        answered = (answer.get("response") or {}).get("result", {}).get("invoice")
        if not isinstance(answered, dict) or answers.is_draft(answered):
            raise Unknown("FreshBooks answered without saying that the invoice was sent")
        return answered if answered.get("lines") else {**answered, "lines": row.get("lines") or []}

    def _judged(self, post: Post, seen: Seen) -> Found | Absent | CannotTell:
        kind = post.document.kind
        if len(seen.rows) > 1 and kind not in _NAMED:
            return CannotTell(f"FreshBooks has {len(seen.rows)} documents with our mark; one of them is too many.")
        if not seen.rows:
            # Journal entries have no unique numbers: one of ours may have lost its mark, so nothing is sent beside it.
            if seen.taken and kind in (Kind.ENTRY, Kind.TRANSFER):
                return CannotTell(f"{seen.taken} is in FreshBooks without our mark. Look who made it.")
            return Absent()
        row = seen.rows[0]
        if isinstance(post.document, Invoice) and answers.is_draft(row) and not is_deleted(row):
            row = self._finished(post, row)
        return answers.found(post, row, self._company)

    def _finished(self, post: Post, row: Row) -> Row:
        """Return our draft as an invoice that was sent, or as it is where somebody changed it meanwhile."""
        as_sent = {**row, "v3_status": "sent"}
        if not answers.found(post, as_sent, self._company).equal:
            return row
        try:
            return self.send(row, _FINISH_S)
        except Unknown as error:
            raise NotSent(str(error), 30.0) from error

    def _undo(self, post: Post, document: Undo) -> Found | Absent:
        kind, target = document.target_kind, referred(post, document.target).external_id
        row = self._remote.get(f"{address(kind, self._company)}/{target}", RESOURCES[kind].name)
        if row is not None and not is_deleted(row):
            return Absent()
        version = str(row.get("version") or row.get("updated") or "") if row else ""
        return Found(Posted(external_id=target, version=version), live=True, equal=True)

    def _called(self, kind: Kind, body: Body) -> list[Row]:
        """Return accounts, clients and items of exactly this name, those that can be used first."""
        field = _NAMED[kind]
        name = str(body[field])
        match kind:
            case Kind.ACCOUNT:
                rows = self._remote.ledger_accounts(address(kind, self._company))
            case Kind.CUSTOMER:
                rows = self._listed(kind, [("search[organization_like]", name)])
            case _:
                rows = self._listed(kind, [])
        same = [row for row in rows if str(row.get(field) or "").casefold() == name.casefold() and not is_deleted(row)]
        if kind is Kind.CUSTOMER:  # several clients may have one name, each with a currency of its own
            same = [row for row in same if row.get("currency_code") == body["currency_code"]]
        return sorted(same, key=lambda row: not answers.is_live(kind, row))

    def _listed(self, kind: Kind, query: list[tuple[str, str]]) -> list[Row]:
        return self._remote.pages(address(kind, self._company), RESOURCES[kind].plural, query)


def _has(kind: Kind, row: Row, marker: str) -> bool:
    return answers.marker_of(kind, row) == marker and not is_deleted(row)


def _split(kind: Kind, rows: Sequence[Row], marker: str, what: str) -> Seen:
    """Tell ours from documents of others under the same number."""
    ours = [row for row in rows if _has(kind, row, marker)]
    others = [row for row in rows if not is_deleted(row) and not _has(kind, row, marker)]
    return Seen(ours, f"{what[0].upper()}{what[1:]}" if others else "")

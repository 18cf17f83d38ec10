"""One FreshBooks business: its stored objects, accounts, numbers, closed period and books."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.fields import Doc
from sandbox.books import Books, Posting, from_minor, to_minor
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

EASTERN = ZoneInfo("America/New_York")
ACTIVE, DELETED, ARCHIVED = 0, 1, 2
_JOURNALS = "manual_journal_entries_feature.access"
_FLEXIBLE = "flexcoa_advanced_accounting.access"


def eastern(moment: datetime) -> str:
    """A timestamp as the accounting family writes it: US Eastern, without zone (sheet §4)."""
    return moment.astimezone(EASTERN).strftime("%Y-%m-%d %H:%M:%S")


def universal(moment: datetime) -> str:
    """The same in UTC, for the few fields that are."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry: debit positive. ``memo`` is what the journal detail is called; '' for the entry's name."""

    account: Doc
    amount: Decimal
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a document says of itself in the journal: ``links`` are the ids beside the entry's own."""

    source: str
    on_date: str
    currency: str
    kind: str
    name: str
    description: str = ""
    links: Doc = field(default_factory=dict)


class Business:
    """A view for the length of one request. ``info`` is the stored record (``businesses.py``)."""

    def __init__(self, store: Store, clock: Clock, switches: Switches, info: Doc) -> None:
        self.store, self.clock, self.switches, self.info = store, clock, switches, info
        self.scope = str(info["id"])

    @property
    def home(self) -> str:
        return str(self.info["currency"])

    def save_info(self) -> None:
        self.store.put("business", self.scope, self.info)

    def today(self) -> str:
        """Plain dates are business-local."""
        return self.clock.now().astimezone(ZoneInfo(self.info["time_zone"])).date().isoformat()

    def stamp(self) -> str:
        return eastern(self.clock.now())

    def version(self) -> str:
        """A timestamp that no two writes share."""
        return f"{self.stamp()}.{self.store.next_number(f'{self.scope}:version') % 1_000_000:06d}"

    # What the plan allows

    def permissions(self) -> Doc:
        """As ``/users/me`` lists them; -1 means unlimited."""
        plan = self.info["plan"]
        paid = plan in ("Plus", "Premium", "Select")
        advanced = paid and self.info["advanced_accounting"]
        limit = {"Lite": 5, "Plus": 50}.get(plan, -1)
        features = {
            "advanced_accounting.access": advanced,
            _FLEXIBLE: advanced,
            _JOURNALS: advanced,
            "accounts_payable.access": plan in ("Premium", "Select"),
            "refunds.access": paid,
        }
        if self.switches["lite_permissions"] == "absent":
            features = {name: value for name, value in features.items() if value}
        return {"client.limit": limit, **features}

    def need_permission(self, name: str, text: str) -> None:
        if self.permissions().get(name):
            return
        status = int(self.switches["permission_error"])
        errno = errors.DENIED if status == 403 else errors.NOT_FOUND
        raise errors.Refusal(errors.Problem(errno, text), status=status)

    def need_journals(self) -> None:
        self.need_permission(_JOURNALS, "Manual journal entries are not available on this plan.")

    def need_journal_reads(self) -> None:
        if self.switches["lite_reads"] == "refused":
            self.need_journals()

    def need_flexible_accounts(self) -> None:
        self.need_permission(_FLEXIBLE, "The chart of accounts cannot be changed on this plan.")

    # Objects

    def get(self, kind: str, id_: object) -> Doc | None:
        return self.store.get(kind, str(id_), self.scope)

    def put(self, kind: str, id_: object, doc: Doc) -> None:
        self.store.put(kind, str(id_), doc, self.scope)

    def all(self, kind: str) -> list[Doc]:
        return self.store.all(kind, self.scope)

    def find(self, kind: str, path: str, *values: object) -> list[Doc]:
        """Objects whose text at ``path`` is one of ``values``."""
        return self.store.find(kind, path, [str(value) for value in values], self.scope)

    def need(self, kind: str, id_: object) -> Doc:
        """The object an address names, deleted ones included.

        Raises:
            Refusal: 404.
        """
        doc = self.get(kind, id_)
        if doc is None:
            raise errors.no_such(kind, id_)
        return doc

    def referred(self, kind: str, id_: object, name: str, object_: str) -> Doc:
        """The living object that a body names.

        Raises:
            Refusal: 1012 when there is none, 1011 when it is deleted.
        """
        doc = self.get(kind, id_)
        if doc is None:
            raise errors.unknown_reference(name, object_, id_)
        if doc.get("vis_state") == DELETED:
            raise errors.refusal(errors.DELETED, f"{name} has been deleted.", name, object_, id_)
        return doc

    def next_id(self, kind: str, start: int = 1) -> int:
        return self.store.next_number(f"{self.scope}:{kind}", start)

    # Accounts

    def account_id(self, name: str) -> str:
        """The sub-account id behind an id, a name or ``Parent:Child``, as text: what the books know it by.

        Raises:
            KeyError: there is no such account, or none that takes entries.
        """
        if self.find("account", "$._.jesa", name):
            return name
        parent, _, child = name.rpartition(":")
        for doc in self.find("account", "$.name", child):
            above = self.get("account", doc["parent_account"]) if doc["parent_account"] else None
            if doc["jesa_id"] and (not parent or (above and above["name"] == parent)):
                return str(doc["jesa_id"])
        raise KeyError(f"no account {name!r} in business {self.scope}")

    def account(self, name: str) -> Doc:
        """The account of a name that every business has, or that the caller knows to be there."""
        return self.find("account", "$._.jesa", self.account_id(name))[0]

    # Periods

    def locked(self, on_date: str) -> bool:
        return bool(self.info["closed_until"]) and on_date <= str(self.info["closed_until"])

    def check_open(self, object_: str, *dates: str) -> None:
        """Raises:
        Refusal: one of ``dates`` lies in the closed period.
        """
        if self.switches["closed_books"] == "accepted":
            return
        for on_date in dates:
            if on_date and self.locked(on_date):
                raise errors.invalid(
                    f"The books are closed until {self.info['closed_until']}.", "date", object_, on_date
                )

    # Books

    def books(self, currency: str = "") -> Books:
        """The general ledger of one currency: nothing is converted, reports are per currency (sheet §8.4)."""
        code = currency or self.home
        return Books(self.store, f"{self.scope}:{code}", code, self.account_id)

    def currencies(self) -> list[str]:
        return list(dict.fromkeys([self.home, *(doc["code"] for doc in self.all("currency"))]))

    def book(self, entry: Entry, lines: Iterable[Line]) -> list[Doc]:
        """Post what a document means, in place of what it had posted. Answers its journal details.

        Nothing happens when nothing has changed.

        Raises:
            Unbalanced: nothing is written.
        """
        code = entry.currency
        wanted = [line for line in lines if line.amount]
        kept = self.get("posted", entry.source) or {"round": 0, "key": ""}
        shape = [entry.on_date, code, *([line.account["jesa_id"], str(line.amount), line.memo] for line in wanted)]
        if kept["key"] and kept["shape"] == shape:
            return self.find("detail", "$.source", kept["key"])
        self.unbook(entry.source)
        turn = kept["round"] + 1
        key = f"{entry.source}/{turn}"
        self.store.put("currency", code, {"code": code}, self.scope)
        postings = [
            Posting(str(line.account["jesa_id"]), code, minor, minor, line.memo or entry.name)
            for line in wanted
            for minor in [to_minor(line.amount, code)]
        ]
        self.books(code).post(key, entry.on_date, postings)
        self.put("posted", entry.source, {"round": turn, "key": key, "currency": code, "shape": shape})
        return self._details(entry, key, postings)

    def unbook(self, source: str) -> None:
        """Take out what a document had posted: as if it had never been, or by a reversal (switch)."""
        kept = self.get("posted", source)
        if kept is None or not kept["key"]:
            return
        key, code = kept["key"], kept["currency"]
        self.put("posted", source, {"round": kept["round"], "key": ""})
        details = self.find("detail", "$.source", key)
        if self.switches["edited_entries"] == "replaced":
            self.books(code).remove(key)
            for detail in details:
                self.store.delete("detail", str(detail["id"]), self.scope)
            return
        old = self.books(code).entry(key)
        if old is None:
            return
        back = [Posting(p.account, code, -p.amount, -p.home_amount, p.memo) for p in old.postings]
        self.books(code).post(f"{key}-reversed", old.on_date, back)
        first = details[0]
        entry = Entry(source, old.on_date, code, first["kind"], first["name"], first["description"], first["links"])
        self._details(entry, f"{key}-reversed", back)

    def _details(self, entry: Entry, key: str, postings: list[Posting]) -> list[Doc]:
        entryid = self.next_id("entry", 600_001)
        made = []
        for posting in postings:
            id_ = self.next_id("detail", 1_300_001)
            doc = {
                "id": id_,
                "source": key,
                "sub": posting.account,
                "on_date": entry.on_date,
                "currency": entry.currency,
                "amount": from_minor(posting.amount, entry.currency),
                "kind": entry.kind,
                "name": posting.memo,
                "description": entry.description,
                "entryid": entryid,
                "links": entry.links,
                "vis_state": ACTIVE,
            }
            self.put("detail", id_, doc)
            made.append(doc)
        return made


def visible(doc: Doc) -> Doc:
    """What an answer shows: everything but our own notes."""
    return {key: value for key, value in doc.items() if key != "_"}

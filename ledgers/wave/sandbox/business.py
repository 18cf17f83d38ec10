"""One Wave business: its stored objects, its days and currencies, and its books with running balances."""

import uuid as uuids
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ledgers.wave.sandbox.ids import business_id, node_id
from ledgers.wave.sandbox.refusals import not_found, refused
from ledgers.wave.sandbox.subtypes import SUBTYPES, normal_side, type_of
from sandbox.books import Books, Posting, exponent
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

Doc = dict[str, Any]

_BALANCES = (
    """CREATE TABLE IF NOT EXISTS wave_balances (
    seq INTEGER PRIMARY KEY, space TEXT NOT NULL, business TEXT NOT NULL, account TEXT NOT NULL, at TEXT NOT NULL,
    home INTEGER NOT NULL, own INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS wave_balances_by_account ON wave_balances (space, business, account, seq)",
)
# How far back a late balance can look.
_BALANCES_KEEP = timedelta(hours=1)
_PLACES_OF_AMOUNT = 2
_FIRST_NUMBER = 1_826_478_190_000_000_001


def prepare(store: Store) -> None:
    """Tables and indexes that businesses need."""
    for statement in _BALANCES:
        store.execute(statement)
    store.index("Account", "$.subtype")
    store.index("Account", "$.name")
    store.index("Invoice", "$.invoiceNumber")
    store.index("InvoicePayment", "$.invoiceId")


def instant(moment: datetime) -> str:
    """UTC with milliseconds, as DateTime is written."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rounded(amount: Decimal, places: int) -> Decimal:
    """Half away from zero, as everywhere in Wave (sheet §1)."""
    return amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


class Business:
    """A view for the length of one request. ``info`` is the stored record (``businesses.create_business``)."""

    def __init__(self, store: Store, clock: Clock, switches: Switches, info: Doc) -> None:
        self.store, self.clock, self.switches, self.info = store, clock, switches, info
        self.uuid: str = info["uuid"]
        self.id = business_id(self.uuid)
        self.home: str = info["currency"]
        self.books = Books(store, self.uuid, self.home, self.account_id)

    # Objects

    def new(self, kind: str, values: Doc) -> Doc:
        """Store a new object under an id of Wave's looks."""
        by_number = kind != "SalesTax"
        number = str(self.store.next_number(f"{kind} number", _FIRST_NUMBER) if by_number else uuids.uuid4())
        now = instant(self.clock.now())
        doc = {"id": node_id(kind, self.uuid, number), "business": self.uuid, **values}
        return self.put(kind, {**doc, "createdAt": now, "modifiedAt": now})

    def put(self, kind: str, doc: Doc) -> Doc:
        self.store.put(kind, doc["id"], doc, self.uuid)
        return doc

    def changed(self, kind: str, doc: Doc, changes: Doc) -> Doc:
        return self.put(kind, {**doc, **changes, "modifiedAt": instant(self.clock.now())})

    def get(self, kind: str, id_: str) -> Doc | None:
        return self.store.get(kind, id_, self.uuid)

    def all(self, kind: str) -> list[Doc]:
        return self.store.all(kind, self.uuid)

    def need(self, kind: str, id_: str) -> Doc:
        """The object. Raises GraphQLError NOT_FOUND."""
        doc = self.get(kind, id_)
        if doc is None:
            raise not_found(kind, id_)
        return doc

    def refer(self, kind: str, id_: str, *path: str) -> Doc:
        """What an id inside a mutation's input names; ``path`` is where it stands."""
        doc = self.get(kind, id_)
        if doc is None and self.switches["unknown_reference"] == "input_error":
            raise refused(f"{kind} does not exist.", *path, code="NOT_FOUND")
        return doc or self.need(kind, id_)

    def open_account(self, id_: str, *path: str) -> Doc:
        """An account that can still be posted to."""
        account = self.refer("Account", id_, *path)
        if account["isArchived"]:
            raise refused(f"Account '{account['name']}' is archived.", *path)
        return account

    def account_id(self, name: str) -> str:
        """The id of an account named by id or by name. Raises KeyError."""
        if self.get("Account", name):
            return name
        found = self.store.find("Account", "$.name", [name], self.uuid)
        if not found:
            raise KeyError(f"no account {name}")
        return str(found[0]["id"])

    def new_account(self, name: str, subtype: str, **values: Any) -> Doc:
        return self.new(
            "Account",
            {"name": name, "subtype": subtype, "type": type_of(subtype), "currency": self.home, "description": None,
             "displayId": None, "isArchived": False, "sequence": 1, **values},
        )  # fmt: skip

    def system_account(self, subtype: str, currency: str, name: str = "") -> Doc:
        """The account Wave keeps for itself, one per currency; made when it is needed first."""
        for account in self.store.find("Account", "$.subtype", [subtype], self.uuid):
            if account["currency"] == currency and (not name or account["name"] == name):
                return account
        plain = {"RECEIVABLE_INVOICES": "Accounts Receivable", "SYSTEM_CUSTOMER_CREDITS": "Customer Credits"}
        name = name or plain.get(subtype, SUBTYPES[subtype][1])
        return self.new_account(name if currency == self.home else f"{name} ({currency})", subtype, currency=currency)

    # Days and money

    def today(self) -> str:
        return self.clock.now().astimezone(ZoneInfo(self.info["timezone"])).date().isoformat()

    def check_open(self, on_date: str, *path: str) -> None:
        closed = self.info["closed_through"]
        if closed and on_date <= closed and self.switches["closed_period"] == "reject":
            raise refused(f"The books are closed through {closed}.", *path, code="LOCKED")

    def minor(self, amount: Decimal, currency: str, *path: str) -> int:
        """Minor units of an unsigned amount.

        Raises:
            InputRefused: zero, negative, or more decimals than the currency, or than 2.
        """
        places = min(exponent(currency), _PLACES_OF_AMOUNT)
        if amount <= 0:
            raise refused("Amount must be greater than 0.", *path)
        if amount != rounded(amount, places):
            raise refused(f"Amount must have at most {places} decimal places.", *path)
        return int(amount.scaleb(exponent(currency)))

    def rate(self, currency: str, *path: str) -> Decimal:
        """Home units per unit of ``currency``."""
        if currency == self.home:
            return Decimal(1)
        if currency not in self.info["rates"]:
            raise refused(f"There is no exchange rate for {currency}.", *path)
        return Decimal(self.info["rates"][currency])

    def converted(self, minor: int, currency: str, rate: Decimal, to: str = "") -> int:
        """Minor units of ``to`` (home, if not said) for minor units of ``currency``."""
        shift = exponent(to or self.home) - exponent(currency)
        return int(rounded((Decimal(minor) * rate).scaleb(shift), 0))

    # Books

    def post(self, source: str, on_date: str, postings: Iterable[Posting]) -> None:
        """Write what a document posts, in place of what it had posted before; balances run along."""
        before = self._moved(source)
        self.books.post(source, on_date, postings)
        self._run(before, self._moved(source))

    def unpost(self, source: str) -> None:
        before = self._moved(source)
        self.books.remove(source)
        self._run(before, {})

    def _moved(self, source: str) -> dict[str, tuple[int, int]]:
        """account → (home, own currency) that the source moves."""
        entry = self.books.entry(source)
        moved: dict[str, tuple[int, int]] = {}
        for line in entry.postings if entry else ():
            currency = self.need("Account", line.account)["currency"]
            own = line.amount if line.currency == currency else line.home_amount if currency == self.home else 0
            home_so_far, own_so_far = moved.get(line.account, (0, 0))
            moved[line.account] = home_so_far + line.home_amount, own_so_far + own
        return moved

    def _run(self, before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> None:
        now = self.clock.now()
        for account in {*before, *after}:
            (old_home, old_own), (new_home, new_own) = before.get(account, (0, 0)), after.get(account, (0, 0))
            if (old_home, old_own) == (new_home, new_own):
                continue
            home, own = self.balance(account)
            key = (self.store.space, self.uuid, account)
            self.store.execute(
                "INSERT INTO wave_balances (space, business, account, at, home, own) VALUES (?, ?, ?, ?, ?, ?)",
                (*key, instant(now), home + new_home - old_home, own + new_own - old_own),
            )
            self.store.execute(
                "DELETE FROM wave_balances WHERE space = ? AND business = ? AND account = ? AND seq <"
                " (SELECT max(seq) FROM wave_balances WHERE space = ? AND business = ? AND account = ? AND at <= ?)",
                (*key, *key, instant(now - _BALANCES_KEEP)),
            )

    def balance(self, account: str, *, lag_s: int = 0) -> tuple[int, int]:
        """(home, own currency) in minor units, debit positive, as it stood ``lag_s`` ago."""
        until = instant(self.clock.now() - timedelta(seconds=lag_s)) if lag_s else "9999"
        rows = self.store.execute(
            "SELECT home, own FROM wave_balances WHERE space = ? AND business = ? AND account = ? AND at <= ?"
            " ORDER BY seq DESC LIMIT 1",
            (self.store.space, self.uuid, account, until),
        )
        return (int(rows[0][0]), int(rows[0][1])) if rows else (0, 0)

    def shown_balance(self, account: Doc, *, home: bool) -> Decimal:
        """What the API answers, late and signed as the switches say; in major units."""
        in_home, own = self.balance(account["id"], lag_s=self.switches["balance_lag_s"])
        minor, currency = (in_home, self.home) if home else (own, account["currency"])
        if self.switches["balance_sign"] == "normal" and normal_side(account["type"]) == "CREDIT":
            minor = -minor
        return Decimal(minor).scaleb(-exponent(currency))

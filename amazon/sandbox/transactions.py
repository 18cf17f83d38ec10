"""Finances 2024-06-19, listTransactions.

Rows lie in a table of their own, because a busy seller has hundreds of thousands; a page reads only itself. What a row
says depends on the time: a deferred sale turns into one that was released, a settlement is named once it is closed.
Source: official model finances_2024-06-19 and its parameter descriptions.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import denied, error_named, invalid
from amazon.sandbox.lwa import FINANCE_ROLE, Caller
from amazon.sandbox.signed import Signer
from amazon.sandbox.times import instant, words, written
from amazon.sandbox.transaction_bodies import bodies, merchant_fulfilled, shop_of, transfer
from amazon.sandbox.transaction_forms import Forms, formed
from sandbox.clock import Clock
from sandbox.jsontext import dumps, loads
from sandbox.seller import Account
from sandbox.seller.big_money import order_id_of
from sandbox.seller.postings import Posting, postings
from sandbox.store import Store
from sandbox.wsgi import json_response

STATUSES: Final = ("DEFERRED", "RELEASED", "DEFERRED_RELEASED")
FILTERS: Final = {"FINANCIAL_EVENT_GROUP_ID": "group_id", "ORDER_ID": "order_id"}
NEWEST: Final = timedelta(minutes=2)
LONGEST: Final = timedelta(days=180)  # a longer range is answered with nothing
_ARGUMENTS: Final = (
    "postedAfter", "postedBefore", "marketplaceId", "transactionStatus", "relatedIdentifierName", "relatedIdentifierValue",
)  # fmt: skip
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS transactions (
    seq INTEGER PRIMARY KEY, space TEXT NOT NULL, seller TEXT NOT NULL, id TEXT NOT NULL, posted TEXT NOT NULL,
    released TEXT NOT NULL, closes TEXT NOT NULL, order_id TEXT NOT NULL, group_id TEXT NOT NULL,
    marketplace TEXT NOT NULL, merchant INTEGER NOT NULL, transfer INTEGER NOT NULL, body TEXT NOT NULL,
    copy INTEGER NOT NULL DEFAULT 0, template INTEGER, UNIQUE (space, seller, id))
"""
ORDER_MARK: Final = "{order}"
COPY_MARK: Final = "{copy}"
"""What stands in a transaction that is repeated for the order id and for the number of the copy."""

_NEVER: Final = "9999"
_US: Final = "ATVPDKIKX0DER"


@dataclass(frozen=True, slots=True)
class Paging:
    """How pages come: ``pages`` is "full", "empty between", "repeated" or "loop"."""

    size: int = 500
    pages: str = "full"
    lag_s: int = 0
    transfers: bool = True


class Transactions:
    def __init__(self, store: Store, clock: Clock, signer: Signer) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        store.execute(_TABLE)
        for columns in ("posted", "order_id", "group_id"):
            name = f"transactions_by_{columns}"
            store.execute(f"CREATE INDEX IF NOT EXISTS {name} ON transactions (space, seller, {columns}, seq)")

    def load(self, account: Account) -> None:
        """Take in every transaction of an account, those of the period that runs as well."""
        for posting in postings(account):
            for body in bodies(account, posting):
                self._put(account, posting, body)
        for settlement in account.settlements:
            if settlement.total > 0:
                self.put(account.seller_id, transfer(account, settlement), is_transfer=True)

    def load_repeated(self, account: Account, posting: Posting, order: int, times: int) -> None:
        """Take in a posting, whose rows have marks for what differs, as often as it happened."""
        made = bodies(account, posting)
        ids = {body["transactionId"] for body in made}
        for body in made:
            text = dumps(body)
            for each in ids:
                text = text.replace(each, f"{each}{COPY_MARK}")
            self._put(account, posting, loads(text))
            self._repeat(account.seller_id, f"{body['transactionId']}{COPY_MARK}", order, times)

    def put(
        self,
        seller_id: str,
        body: Mapping[str, Any],
        *,
        released: str = "",
        closes: str = "",
        merchant: bool = False,
        is_transfer: bool = False,
    ) -> None:
        """Add a transaction, or replace the one of its id: ``released`` is when a deferred one is, ``closes`` when its
        settlement can be named."""
        known = {each["relatedIdentifierName"]: each["relatedIdentifierValue"] for each in body["relatedIdentifiers"]}
        self._store.execute(
            "INSERT INTO transactions (space, seller, id, posted, released, closes, order_id, group_id, marketplace,"
            " merchant, transfer, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (space, seller, id) DO UPDATE SET posted = excluded.posted, released = excluded.released,"
            " body = excluded.body",
            (
                self._store.space,
                seller_id,
                body["transactionId"],
                body["postedDate"],
                released,
                closes,
                known.get("ORDER_ID", ""),
                known.get("FINANCIAL_EVENT_GROUP_ID", ""),
                body["marketplaceDetails"]["marketplaceId"],
                merchant,
                is_transfer,
                dumps(body),
            ),
        )

    def _put(self, account: Account, posting: Posting, body: Mapping[str, Any]) -> None:
        self.put(
            account.seller_id,
            body,
            released=written(posting.posted_at) if body["transactionStatus"] == "DEFERRED" else "",
            closes=written(posting.settlement.ends_at) if posting.settlement else _NEVER,
            merchant=merchant_fulfilled(posting) and shop_of(account, posting).country == "US",
        )

    def _repeat(self, seller_id: str, transaction_id: str, order: int, times: int) -> None:
        """Let a transaction that was put with marks happen ``times`` times, for one order after the other."""
        key = (self._store.space, seller_id, transaction_id)
        mark = f"replace(id, '{COPY_MARK}', 'c' || n)"
        order_id = f"printf('111-%07d-{order:07d}', n)" if order >= 0 else "''"
        self._store.execute(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 WHERE ? > 1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?)"
            " INSERT INTO transactions (space, seller, id, posted, released, closes, order_id, group_id, marketplace,"
            f" merchant, transfer, body, copy, template) SELECT space, seller, {mark}, posted, released, closes, {order_id},"
            " group_id, marketplace, merchant, transfer, '', n, seq FROM transactions, numbers"
            " WHERE space = ? AND seller = ? AND id = ?",
            (times, times, *key),
        )
        self._store.execute(
            f"UPDATE transactions SET id = replace(id, '{COPY_MARK}', 'c0'), order_id = replace(order_id, ?, ?)"
            " WHERE space = ? AND seller = ? AND id = ?",
            (ORDER_MARK, order_id_of(0, order), *key),
        )

    def find(self, request: Request, caller: Caller, paging: Paging, forms: Forms) -> Response:
        """GET /finances/2024-06-19/transactions, the oldest first."""
        if FINANCE_ROLE not in caller.roles:
            raise denied("The application is not authorized for the role of this operation.")
        seen = self._clock.now() - timedelta(seconds=paging.lag_s)
        asked = {name: request.args.get(name) for name in _ARGUMENTS} | {"seller": caller.seller_id}
        conditions, values = self._conditions(request, written(seen))
        start = self._resumed(request, asked)
        if start["page"] == "empty":
            return self._page([], asked, {**start, "page": "full"})
        if not paging.transfers:
            conditions.append("transfer = 0")
        rows = self._store.execute(
            "SELECT seq, posted, released, closes, order_id, copy,"
            " CASE WHEN template IS NULL THEN body ELSE (SELECT body FROM transactions o WHERE o.seq = t.template) END"
            " FROM transactions t WHERE space = ? AND seller = ?"
            f" AND posted <= ? AND (posted, seq) > (?, ?) AND {' AND '.join(conditions or ['1'])}"
            " ORDER BY posted, seq LIMIT ?",
            (
                self._store.space,
                caller.seller_id,
                written(seen),
                start["posted"],
                start["seq"],
                *values,
                paging.size + 1,
            ),
        )
        found = [self._shown(row, seen, forms) for row in rows[: paging.size]]
        if len(rows) <= paging.size:
            return self._page(found, asked, None)
        after = {"posted": rows[paging.size - 1][1], "seq": rows[paging.size - 1][0], "page": "full"}
        if paging.pages == "empty between":
            after["page"] = "empty"
        elif paging.pages == "repeated" and start["page"] == "full":
            after = {**start, "page": "again"}
        elif paging.pages == "loop" and start["seq"]:
            after = start
        return self._page(found, asked, after)

    def _page(self, found: Iterable[Any], asked: Mapping[str, Any], after: dict[str, Any] | None) -> Response:
        payload: dict[str, Any] = {"transactions": list(found)}
        if after:
            payload["nextToken"] = self._signer.token({"asked": asked, "start": after})
        return json_response({"payload": payload})

    def _resumed(self, request: Request, asked: Mapping[str, Any]) -> dict[str, Any]:
        if "nextToken" not in request.args:
            return {"posted": "", "seq": 0, "page": "full"}
        value = self._signer.value(request.args["nextToken"])
        if value is None or value["asked"] != asked:
            raise invalid("Invalid nextToken.")
        start: dict[str, Any] = value["start"]
        return start

    def _conditions(self, request: Request, seen: str) -> tuple[list[str], list[Any]]:
        """What is asked for as SQL conditions with their values. Raises Refused where it cannot be asked."""
        name, value = (request.args.get(f"relatedIdentifier{part}") for part in ("Name", "Value"))
        if bool(name) != bool(value) or (name and name not in FILTERS):
            raise invalid("The related identifier cannot be filtered by.")
        after, before = self._range(request, needed=not name)
        conditions: list[str] = []
        values: list[Any] = []
        if name:
            conditions.append(f"{FILTERS[name]} = ?")
            values.append(value)
        if after:
            too_long = (before or self._clock.now() - NEWEST) - after > LONGEST
            conditions.append("0" if too_long else "posted >= ?")
            values += [] if too_long else [written(after)]
        if before:
            conditions.append("posted < ?")
            values.append(written(before))
        if marketplace := request.args.get("marketplaceId"):
            # A seller's own shipments in the US show only where no marketplace is named.
            conditions.append(f"marketplace = ? AND NOT (merchant AND marketplace = '{_US}')")
            values.append(marketplace)
        match words(request, "transactionStatus", STATUSES, 1):
            case ["RELEASED"]:
                conditions.append("released = ''")
            case ["DEFERRED"]:
                conditions.append("released > ?")
                values.append(seen)
            case ["DEFERRED_RELEASED"]:
                conditions.append("released BETWEEN '0' AND ?")
                values.append(seen)
        return conditions, values

    def _range(self, request: Request, *, needed: bool) -> tuple[datetime | None, datetime | None]:
        after, before = instant(request, "postedAfter"), instant(request, "postedBefore")
        latest = self._clock.now() - NEWEST
        if after is None and needed:
            raise error_named("Start date cannot be null")
        if any(bound and bound > latest for bound in (after, before)) or (after and before and before <= after):
            raise invalid("Date range is invalid.")
        return after, before

    def _shown(self, row: tuple[Any, ...], seen: datetime, forms: Forms) -> dict[str, Any]:
        seq, posted, released, closes, order_id, copy, text = row
        body = loads(text.replace(ORDER_MARK, order_id).replace(COPY_MARK, f"c{copy}"))
        now = written(seen)
        hidden = set()
        if released and released <= now:
            body["transactionStatus"] = "DEFERRED_RELEASED"
        elif released:
            hidden.add("RELEASE_TRANSACTION_ID")
        if closes > now:
            hidden.add("SETTLEMENT_ID")
        body["relatedIdentifiers"] = [
            each for each in body["relatedIdentifiers"] if each["relatedIdentifierName"] not in hidden
        ]
        return formed(body, forms, seq, seen - datetime.fromisoformat(posted))

"""The orders of all sellers, in order of time: those stored one by one, and those of long histories."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge
from typing import Any

from amazon.sandbox.times import written
from sandbox.seller import History
from sandbox.seller.history import Key
from sandbox.store import Store


class OrderBook:
    """A stored order takes the place of one that a history has under the same id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[str, History] = {}
        store.index("order", "$.createdTime")
        store.index("order", "$.lastUpdatedTime")

    def put(self, seller_id: str, order: dict[str, Any]) -> None:
        """Add or replace an order, complete, in the shape of the Orders API."""
        self._store.put("order", order["orderId"], order, scope=seller_id)

    def get(self, seller_id: str, order_id: str) -> dict[str, Any] | None:
        if stored := self._store.get("order", order_id, scope=seller_id):
            return stored
        for history in self._histories(seller_id):
            if (at := history.place(order_id)) is not None:
                return history.order(at)
        return None

    def add_history(self, seller_id: str, history: History) -> None:
        self._store.put("history", f"{history.number}", history.kept(), scope=seller_id)

    def histories(self, seller_id: str) -> int:
        """How many a seller has."""
        return self._store.count("history", scope=seller_id)

    def walk(
        self,
        seller_id: str,
        field: str,
        low: datetime,
        high: datetime,
        *,
        after: Key | None = None,
        newest_first: bool = False,
    ) -> Iterator[dict[str, Any]]:
        """Orders whose ``field`` (``createdTime``, ``lastUpdatedTime``) is from ``low`` to ``high``, both inclusive, sorted
        by it and the id; made one by one. ``after``: without everything up to and including this key."""
        # Where a walk goes on, what lies before need not be looked at again.
        if after and newest_first:
            high = min(high, datetime.fromisoformat(after[0]))
        elif after:
            low = max(low, datetime.fromisoformat(after[0]))
        sources: list[Iterator[tuple[Key, dict[str, Any]]]] = [
            (
                ((text, id_), body)
                for text, id_, body in self._store.walk(
                    "order", f"$.{field}", written(low), written(high), seller_id, after=after, backwards=newest_first
                )
            )
        ]
        histories = self._histories(seller_id)
        stored = set(self._store.ids("order", scope=seller_id)) if histories else set()
        sources += [
            _made(history, field, low, high, stored, after=after, newest_first=newest_first) for history in histories
        ]
        for _, order in merge(*sources, key=lambda pair: pair[0], reverse=newest_first):
            yield order

    def _histories(self, seller_id: str) -> list[History]:
        found = []
        for kept in self._store.all("history", scope=seller_id):
            # What a history makes its orders of is worth keeping from one request to the next.
            history = History.of(kept)
            found.append(self._made.setdefault(repr(history), history))
        return found


def _made(
    history: History,
    field: str,
    low: datetime,
    high: datetime,
    stored: set[str],
    *,
    after: Key | None,
    newest_first: bool,
) -> Iterator[tuple[Key, dict[str, Any]]]:
    keys = history.keys(field, low, high)
    for key, at in reversed(list(keys)) if newest_first else keys:
        if key[1] in stored or (after and (key >= after if newest_first else key <= after)):
            continue
        yield key, history.order(at)

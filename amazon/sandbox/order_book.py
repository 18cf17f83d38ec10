"""The orders of all sellers, in order of time: those stored one by one, and those of long histories."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from heapq import merge
from typing import Any, NamedTuple

from amazon.sandbox.times import written
from sandbox.seller import History
from sandbox.seller.history import Key
from sandbox.store import Store


class OrderBook:
    """A stored order takes the place of one that a history has under the same id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[History, History] = {}
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
        for found in self._found(seller_id, field, low, high, after=after, newest_first=newest_first):
            yield found.history.order(found.at) if found.history else found.stored

    def texts(
        self,
        seller_id: str,
        field: str,
        oldest: datetime,
        low: datetime,
        high: datetime,
        write: Callable[[dict[str, Any]], str],
    ) -> Iterator[str]:
        """What ``write`` makes of the same orders, in the same sequence, without those bought before ``oldest``.

        Orders of a history that were made of one are written once and get their own id and times, so ``write`` must
        put these as they are, times with an offset and to the second, and decide nothing by them.
        """
        written_once: dict[tuple[History, int], Copied] = {}
        for found in self._found(seller_id, field, low, high):
            if found.history is None:
                if found.stored["createdTime"] >= written(oldest):
                    yield write(found.stored)
                continue
            if found.history.times(found.at)[0] < oldest:
                continue
            kind = found.history, found.at % found.history.kinds
            if kind not in written_once:
                model = found.history.order(found.at)
                written_once[kind] = Copied(write(model), model["orderId"], _times(found.history, found.at))
            yield written_once[kind].for_(found.history.order_id(found.at), _times(found.history, found.at))

    def _found(
        self,
        seller_id: str,
        field: str,
        low: datetime,
        high: datetime,
        *,
        after: Key | None = None,
        newest_first: bool = False,
    ) -> Iterator["_Found"]:
        # Where a walk goes on, what lies before need not be looked at again.
        if after and newest_first:
            high = min(high, datetime.fromisoformat(after[0]))
        elif after:
            low = max(low, datetime.fromisoformat(after[0]))
        rows = self._store.walk(
            "order", f"$.{field}", written(low), written(high), seller_id, after=after, backwards=newest_first
        )
        sources = [(_Found((text, id_), stored=body) for text, id_, body in rows)]
        histories = self._histories(seller_id)
        stored = set(self._store.ids("order", scope=seller_id)) if histories else set()
        for history in histories:
            keys = history.keys(field, low, high)
            sources.append(
                _Found(key, history, at)
                for key, at in (reversed(list(keys)) if newest_first else keys)
                if key[1] not in stored and not (after and (key >= after if newest_first else key <= after))
            )
        return merge(*sources, key=lambda each: each.key, reverse=newest_first)

    def _histories(self, seller_id: str) -> list[History]:
        found = []
        for kept in self._store.all("history", scope=seller_id):
            # What a history makes its orders of is worth keeping from one request to the next.
            history = History.of(kept)
            found.append(self._made.setdefault(history, history))
        return found


class _Found(NamedTuple):
    """An order that is stored, or order ``at`` of a history."""

    key: Key
    history: History | None = None
    at: int = 0
    stored: dict[str, Any] = {}


class Copied:
    """A text about one order, to be had for others of its kind."""

    def __init__(self, text: str, order_id: str, times: tuple[str, ...]) -> None:
        self._parts = re.split("|".join(map(re.escape, {order_id, *times})), text)
        names = {order_id: 0} | {each: number for number, each in reversed(list(enumerate(times, start=1)))}
        self._slots = [names[each] for each in re.findall("|".join(map(re.escape, names)), text)]

    def for_(self, order_id: str, times: tuple[str, ...]) -> str:
        values = (order_id, *times)
        made = [self._parts[0]]
        for slot, part in zip(self._slots, self._parts[1:], strict=True):
            made += values[slot], part
        return "".join(made)


def _times(history: History, at: int) -> tuple[str, ...]:
    """Bought and last updated."""
    return tuple(each.replace(microsecond=0).isoformat() for each in history.times(at))

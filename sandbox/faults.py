"""Faults at named boundaries: what can go wrong between a client's first byte and its last.

A boundary is written ``<stand-in>.<operation>:<place>``, for example ``quickbooks.invoice.create:after_commit``.
Places, in the order in which a request meets them:

``before_commit``  the request has arrived; nothing is stored
``after_commit``   the effect is stored; no byte of the answer has left
``mid_answer``     the status, the headers and half of the body have left

A rule fires at its boundary on the ``nth`` request counted from the moment the rule was set, or on ``every`` n-th.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from sandbox.store import Store


class Place(StrEnum):
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"
    MID_ANSWER = "mid_answer"


class Do(StrEnum):
    DROP_ANSWER = "drop_answer"  # close the connection without a byte
    CUT_BODY = "cut_body"  # half of the body, then close
    SLOW_TRICKLE = "slow_trickle"  # the body arrives byte by byte over `seconds`
    LATENCY = "latency"  # wait `seconds`, then go on as if nothing had happened
    STATUS = "status"  # answer `status` with a body of kind `body` instead
    LATE_COMMIT = "late_commit"  # close without a byte; the effect is stored `seconds` later
    KILL = "kill"  # SIGKILL to process `pid`, then close without a byte


_POSSIBLE = {
    Place.BEFORE_COMMIT: {Do.DROP_ANSWER, Do.LATENCY, Do.STATUS, Do.LATE_COMMIT, Do.KILL},
    Place.AFTER_COMMIT: {Do.DROP_ANSWER, Do.CUT_BODY, Do.SLOW_TRICKLE, Do.LATENCY, Do.STATUS, Do.KILL},
    Place.MID_ANSWER: {Do.CUT_BODY, Do.SLOW_TRICKLE, Do.KILL},
}


class AnswerDropped(ConnectionError):
    """The connection is closed here. ``sent`` is how many bytes of the body had left (0: not even a status line).

    Mounted in-process, it is what the WSGI caller gets: from calling the app when nothing was sent, from iterating
    the answer when the body was cut. Over sockets ``sandbox.serve`` turns it into a closed connection.
    """

    def __init__(self, sent: int = 0) -> None:
        super().__init__(f"connection closed after {sent} bytes of the body")
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. ``operation`` is a shell pattern without the stand-in's name: ``invoice.create``, ``*.create``."""

    operation: str
    boundary: Place
    do: Do
    nth: int = 1
    every: int = 0
    seconds: float = 0
    status: int = 0
    body: str = "json"
    headers: dict[str, str] = field(default_factory=dict)
    pid: int = 0
    id: str = ""
    seen: int = 0
    fired: int = 0

    def __post_init__(self) -> None:
        if self.do not in _POSSIBLE[self.boundary]:
            raise ValueError(f"{self.do} is impossible at {self.boundary}")
        if self.do is Do.STATUS and not 400 <= self.status <= 599:
            raise ValueError("a status fault needs a status from 400 to 599")
        if self.do is Do.KILL and self.pid <= 1:
            raise ValueError("a kill fault needs the pid of the process to kill")
        if self.nth < 1 or self.every < 0 or self.seconds < 0:
            raise ValueError("nth counts from 1; every and seconds are not negative")

    @classmethod
    def parse(cls, rule: dict[str, Any]) -> "Fault":
        """A rule from JSON; ``boundary`` and ``do`` by their names.

        Raises:
            ValueError: an unknown key, name or combination.
        """
        known = {each.name for each in fields(cls)} - {"id", "seen", "fired"}
        if extra := set(rule) - known:
            raise ValueError(f"unknown: {', '.join(sorted(extra))}")
        if missing := {"operation", "boundary", "do"} - set(rule):
            raise ValueError(f"missing: {', '.join(sorted(missing))}")
        values = {**rule, "boundary": Place(rule["boundary"]), "do": Do(rule["do"])}
        return cls(**{**values, "seconds": float(rule.get("seconds", 0))})

    def due(self, seen: int) -> bool:
        return seen % self.every == 0 if self.every else seen == self.nth

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


class Faults:
    """The rules of one stand-in; they live in its store, so they survive a restart of the stand-in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, rule: dict[str, Any] | None = None, /, **values: Any) -> str:
        """Set a rule, given as a mapping or as keywords; answers its id."""
        fault = Fault.parse({**(rule or {}), **values})
        with self._store.transaction():
            id_ = str(self._store.next_number("fault"))
            self._write(fault, id_, 0, 0)
        return id_

    def drop_next_answer(self, operation: str = "*") -> str:
        """The next call commits and its answer is lost."""
        return self.add(operation=operation, boundary=Place.AFTER_COMMIT, do=Do.DROP_ANSWER)

    def rules(self) -> list[dict[str, Any]]:
        """Every rule with ``seen`` (requests that met it) and ``fired``."""
        return self._store.all("fault")

    def remove(self, id_: str) -> bool:
        return self._store.delete("fault", id_)

    def clear(self) -> None:
        for id_ in self._store.ids("fault"):
            self._store.delete("fault", id_)

    def take(self, operation: str, place: Place, *, exact: bool = False) -> list[Fault]:
        """Count this request at this boundary; the rules that fire now, oldest first.

        ``exact`` is for a boundary inside a request: only rules that name it meet it, not those with a pattern.
        """
        firing = []
        with self._store.transaction():
            for body in self._store.all("fault"):
                fault = _read(body)
                named = fault.operation == operation if exact else fnmatchcase(operation, fault.operation)
                if fault.boundary is not place or not named:
                    continue
                fires = fault.due(fault.seen + 1)
                self._write(fault, fault.id, fault.seen + 1, fault.fired + fires)
                if fires:
                    firing.append(fault)
        return firing

    def _write(self, fault: Fault, id_: str, seen: int, fired: int) -> None:
        body = asdict(fault) | {"id": id_, "seen": seen, "fired": fired, "seconds": str(fault.seconds)}
        self._store.put("fault", id_, body)


def _read(body: dict[str, Any]) -> Fault:
    place, do, seconds = Place(body["boundary"]), Do(body["do"]), float(body["seconds"])
    return Fault(**{**body, "boundary": place, "do": do, "seconds": seconds})


def boundaries(slug: str, operations: list[str]) -> Iterator[str]:
    """Every boundary of a stand-in, by name."""
    for operation in operations:
        for place in Place:
            yield f"{slug}.{operation}:{place}"

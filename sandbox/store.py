"""What a stand-in remembers: JSON documents, blobs and sequences in one SQLite file, or in memory for a test."""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.jsontext import dumps, loads

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    seq INTEGER PRIMARY KEY, space TEXT NOT NULL, kind TEXT NOT NULL, scope TEXT NOT NULL, id TEXT NOT NULL,
    body TEXT NOT NULL, UNIQUE (space, kind, scope, id));
CREATE TABLE IF NOT EXISTS blobs (
    space TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (space, kind, id));
CREATE TABLE IF NOT EXISTS sequences (
    space TEXT NOT NULL, name TEXT NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (space, name));
"""

_AT_ONCE = 500
"""How many documents a walk holds."""


class _File:
    """One connection and the lock that makes one request one transaction, shared by every view on the file."""

    def __init__(self, path: str | Path) -> None:
        self.lock = threading.RLock()
        self.depth = 0
        self.connection = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        # WAL with NORMAL survives a killed process; losing power is not among the things a stand-in must survive.
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=NORMAL")
        self.connection.executescript(_SCHEMA)


class Store:
    """Documents by (kind, scope, id) inside one space; a space belongs to one stand-in.

    ``scope`` is usually a company or seller id. Documents keep the order in which they were first put. Bodies are
    JSON objects with exact decimals (``sandbox.jsontext``). Every method is safe to call from many threads; several
    calls belong together inside ``transaction()``.
    """

    def __init__(self, path: str | Path = ":memory:", space: str = "") -> None:
        self._file = _File(path)
        self.space = space

    def view(self, space: str) -> "Store":
        """The same file, another space: two stand-ins of one process share a file and never see each other."""
        view = object.__new__(Store)
        view._file, view.space = self._file, space
        return view

    def close(self) -> None:
        self._file.connection.close()

    def content(self) -> bytes:
        """The whole file, every space of it."""
        with self._file.lock:
            return self._file.connection.serialize()

    def replace_content(self, content: bytes) -> None:
        """Put another one's content in place of all there is. Only in memory."""
        with self._file.lock:
            self._file.connection.deserialize(content)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Nested use is a savepoint: an inner failure takes back the inner part only."""
        file = self._file
        with file.lock:
            name = f"level{file.depth}"
            file.connection.execute("BEGIN IMMEDIATE" if file.depth == 0 else f"SAVEPOINT {name}")
            file.depth += 1
            try:
                yield
            except BaseException:
                file.depth -= 1
                if file.depth == 0:
                    file.connection.execute("ROLLBACK")
                else:
                    file.connection.execute(f"ROLLBACK TO {name}")
                    file.connection.execute(f"RELEASE {name}")
                raise
            file.depth -= 1
            file.connection.execute("COMMIT" if file.depth == 0 else f"RELEASE {name}")

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of one statement, for a room that keeps tables of its own (``sandbox.books``, the request log)."""
        with self._file.lock:
            return self._file.connection.execute(sql, parameters).fetchall()

    def put(self, kind: str, id_: str, body: dict[str, Any], scope: str = "") -> None:
        self.execute(
            "INSERT INTO documents (space, kind, scope, id, body) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (space, kind, scope, id) DO UPDATE SET body = excluded.body",
            (self.space, kind, scope, id_, dumps(body)),
        )

    def get(self, kind: str, id_: str, scope: str = "") -> dict[str, Any] | None:
        rows = self.execute(
            "SELECT body FROM documents WHERE space = ? AND kind = ? AND scope = ? AND id = ?",
            (self.space, kind, scope, id_),
        )
        return loads(rows[0][0]) if rows else None

    def delete(self, kind: str, id_: str, scope: str = "") -> bool:
        """True when there was something to delete."""
        rows = self.execute(
            "DELETE FROM documents WHERE space = ? AND kind = ? AND scope = ? AND id = ? RETURNING seq",
            (self.space, kind, scope, id_),
        )
        return bool(rows)

    def ids(self, kind: str, scope: str = "") -> list[str]:
        rows = self.execute(
            "SELECT id FROM documents WHERE space = ? AND kind = ? AND scope = ? ORDER BY seq",
            (self.space, kind, scope),
        )
        return [row[0] for row in rows]

    def all(self, kind: str, scope: str = "") -> list[dict[str, Any]]:
        """Every document of the kind, in the order in which they were first put."""
        rows = self.execute(
            "SELECT body FROM documents WHERE space = ? AND kind = ? AND scope = ? ORDER BY seq",
            (self.space, kind, scope),
        )
        return [loads(row[0]) for row in rows]

    def find(self, kind: str, path: str, values: Iterable[str], scope: str = "") -> list[dict[str, Any]]:
        """Documents whose text at ``path`` (SQLite JSON path, ``$.DocNumber``) is one of ``values``; see ``index``."""
        wanted = list(values)
        if not wanted:
            return []
        marks = ",".join("?" * len(wanted))
        # kind and path stand in the text, not as parameters, so that SQLite can choose the partial index.
        rows = self.execute(
            f"SELECT body FROM documents WHERE space = ? AND kind = '{_word(kind)}' AND scope = ?"
            f" AND json_extract(body, '{_path(path)}') IN ({marks}) ORDER BY seq",
            (self.space, scope, *wanted),
        )
        return [loads(row[0]) for row in rows]

    def between(self, kind: str, path: str, low: str, high: str, scope: str = "") -> list[dict[str, Any]]:
        """Documents whose text at ``path`` is at least ``low`` and at most ``high``, by code point."""
        rows = self.execute(
            f"SELECT body FROM documents WHERE space = ? AND kind = '{_word(kind)}' AND scope = ?"
            f" AND json_extract(body, '{_path(path)}') BETWEEN ? AND ? ORDER BY seq",
            (self.space, scope, low, high),
        )
        return [loads(row[0]) for row in rows]

    def walk(
        self,
        kind: str,
        path: str,
        low: str,
        high: str,
        scope: str = "",
        *,
        after: tuple[str, str] | None = None,
        backwards: bool = False,
    ) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """The same documents as ``between``, a few at a time: (text at ``path``, id, body), sorted by the first two.

        ``after`` leaves out everything up to and including this (text, id); ``backwards`` sorts from high to low.
        """
        value = f"json_extract(body, '{_path(path)}')"
        beyond, order = ("<", "DESC") if backwards else (">", "ASC")
        while True:
            rows = self.execute(
                f"SELECT {value}, id, body FROM documents WHERE space = ? AND kind = '{_word(kind)}' AND scope = ?"
                f" AND {value} BETWEEN ? AND ? {f'AND ({value}, id) {beyond} (?, ?)' if after else ''}"
                f" ORDER BY {value} {order}, id {order} LIMIT {_AT_ONCE}",
                (self.space, scope, low, high, *(after or ())),
            )
            for text, id_, body in rows:
                yield text, id_, loads(body)
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1][:2]

    def count(self, kind: str, scope: str = "") -> int:
        rows = self.execute(
            "SELECT count(*) FROM documents WHERE space = ? AND kind = ? AND scope = ?", (self.space, kind, scope)
        )
        return int(rows[0][0])

    def index(self, kind: str, path: str) -> None:
        """Make ``find``, ``between`` and ``walk`` on this path fast; asking again changes nothing."""
        name = f"by_{_word(kind)}_{''.join(c if c.isalnum() else '_' for c in path)}"
        self.execute(
            f"CREATE INDEX IF NOT EXISTS {name} ON documents"
            f" (space, scope, json_extract(body, '{_path(path)}'), id) WHERE kind = '{_word(kind)}'"
        )

    def put_blob(self, kind: str, id_: str, content: bytes) -> None:
        self.execute(
            "INSERT INTO blobs (space, kind, id, content) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (space, kind, id) DO UPDATE SET content = excluded.content",
            (self.space, kind, id_, content),
        )

    def get_blob(self, kind: str, id_: str) -> bytes | None:
        rows = self.execute(
            "SELECT content FROM blobs WHERE space = ? AND kind = ? AND id = ?", (self.space, kind, id_)
        )
        return bytes(rows[0][0]) if rows else None

    def next_number(self, name: str, start: int = 1) -> int:
        """The next of a sequence that never repeats; the first is ``start``."""
        rows = self.execute(
            "INSERT INTO sequences (space, name, value) VALUES (?, ?, ?)"
            " ON CONFLICT (space, name) DO UPDATE SET value = value + 1 RETURNING value",
            (self.space, name, start),
        )
        return int(rows[0][0])

    def wipe(self) -> None:
        """Forget everything in this space, in tables other rooms made in the file as well."""
        with self.transaction():
            for (table,) in self.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
                columns = [row[1] for row in self.execute(f"PRAGMA table_info({table})")]
                if "space" in columns:
                    self.execute(f"DELETE FROM {table} WHERE space = ?", (self.space,))


def _word(text: str) -> str:
    if not text.replace("_", "").isalnum():
        raise ValueError(f"not a plain word: {text!r}")
    return text


def _path(text: str) -> str:
    if not text.startswith("$.") or not text.replace("_", "").replace(".", "").replace("$", "").isalnum():
        raise ValueError(f"not a JSON path: {text!r}")
    return text

"""Journal entries as they are read back: put together from the lines of the journal, for none has an address of its own."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, Final

from bookkeeping.documents import Kind
from ledgers.freshbooks import answers, wire
from ledgers.freshbooks.remote import Remote
from ledgers.freshbooks.wire import Row

PLURAL: Final = "journal_entry_details"
_PATH: Final = "/journal_entries/journal_entry_details"
_MOVED: Final = timedelta(days=45)  # how far from its day an entry is looked for before it counts as deleted
_DAY: Final = timedelta(days=1)


class Journal:
    """The journal of one account. Methods raise NotSent, AuthorizationLost, RemoteRefused."""

    def __init__(self, remote: Remote, account_id: str) -> None:
        self._remote = remote
        self._path = f"/accounting/account/{account_id}{_PATH}"

    def length(self) -> int:
        """Return how many lines the journal has."""
        return self._remote.total(self._path)

    def lines(self, start: date | None = None, end: date | None = None, sub_account: str = "") -> list[Row]:
        """Return the journal's lines from ``start`` to ``end``, both days in, of one sub-account or all."""
        query: list[tuple[str, str]] = []
        if sub_account:
            query.append(("search[sub_accountid]", sub_account))
        if start and end:
            # Upper bounds are exclusive by the documentation, so the day after is asked for and left out here.
            query += [("search[start_date]", start.isoformat()), ("search[end_date]", (end + _DAY).isoformat())]
        rows = self._remote.pages(self._path, PLURAL, query)
        return [
            row
            for row in rows
            if (not sub_account or sub_account_of(row) == sub_account)
            and (not start or not end or start.isoformat() <= _day(row) <= end.isoformat())
        ]

    def named(self, name: str, on: date, sub_account: str) -> list[Row]:
        """Return the whole entries of this name and day that have a line on the sub-account."""
        seen = [row for row in self.lines(on, on, sub_account) if row.get("name") == name]
        return self._whole({entry_id(row) for row in seen}, on, on) if seen else []

    def numbered(self, external_ids: Iterable[str]) -> dict[str, Row]:
        """Return entries by their ids, near their days where somebody moved them; what is nowhere is left out."""
        found: dict[str, Row] = {}
        by_day: dict[date, dict[str, str]] = {}
        for external in external_ids:
            number, on = answers.entry_of(external)
            if on is not None:
                by_day.setdefault(on, {})[number] = external
        for on, wanted in by_day.items():
            for start, end in ((on, on), (on - _MOVED, on + _MOVED)):
                missing = {number for number, external in wanted.items() if external not in found}
                if missing:
                    entries = self._whole(missing, start, end)
                    found |= {wanted[str(each["entryid"])]: each for each in entries}
        return found

    def _whole(self, numbers: set[str], start: date, end: date) -> list[Row]:
        together: dict[str, list[Row]] = {}
        for row in self.lines(start, end):
            if (number := entry_id(row)) in numbers:
                together.setdefault(number, []).append(row)
        return [_entry(number, rows) for number, rows in together.items()]


def entry_id(row: Row) -> str:
    entry: Any = row.get("entry") or {}
    return str(entry.get("entryid") or entry.get("id") or "")


def sub_account_of(row: Row) -> str:
    sub_account: Any = row.get("sub_account") or {}
    return str(sub_account.get("sub_accountid") or sub_account.get("id") or "")


def movement(row: Row, currency: str) -> int:
    """Return what a line of the journal does to its account in minor units, debit positive. Raises BadAmount."""
    return sum(sign * wire.minor(row[side], currency) for side, sign in (("debit", 1), ("credit", -1)) if row.get(side))


def _entry(number: str, rows: list[Row]) -> Row:
    """Return an entry in the form in which one is written."""
    first = rows[0]
    code = next((code for row in rows for side in ("debit", "credit") if (code := wire.code_of(row.get(side)))), "")
    return {
        "entryid": number,
        "name": first.get("name"),
        "description": next((str(row["description"]) for row in rows if answers.marker_of(Kind.ENTRY, row)), ""),
        "user_entered_date": _day(first),
        "currency_code": code,
        "details": [
            {"sub_accountid": sub_account_of(row), "debit": row.get("debit"), "credit": row.get("credit")}
            for row in rows
        ],
    }


def _day(row: Row) -> str:
    return str(row.get("user_entered_date") or "")[:10]

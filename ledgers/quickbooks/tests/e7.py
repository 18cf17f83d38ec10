"""A pretend QuickBooks company as scenario E7 asks for it (``tests/flows/e7_books.py``)."""

from collections.abc import Mapping
from typing import Any

from bookkeeping.accounts import AccountKey

_OWN = {AccountKey.BANK: "Checking", AccountKey.CHARGE_METHOD: "Business Visa", AccountKey.SALES: "Sales"}
_KINDS = ("Invoice", "Payment", "JournalEntry", "Deposit", "Transfer")


class QuickBooksCompany:
    slug = "quickbooks"
    # Never made: the ledger's own, and what the scenario does not open with.
    unmade = frozenset({AccountKey.AR, AccountKey.OPENING})

    def __init__(self, world: Any, **values: Any) -> None:
        self._stand_in = world.quickbooks
        self.made = world.company(chart="us_default", items={"Thing": "Sales"}, **values)
        self.choice: str = self.made["realm"]
        accounts = self.made["accounts"]
        self.own: Mapping[AccountKey, str] = {key: accounts[name] for key, name in _OWN.items()}
        self.receivables = (accounts["Accounts Receivable (A/R)"],)
        self.items: Mapping[str, str] = self.made["items"]

    @property
    def books(self) -> Any:
        return self._stand_in.books(self.choice)

    def close(self, until: str) -> None:
        self._stand_in.control("close_books", {"realm": self.choice, "date": until})

    def documents(self, kind: str) -> list[dict[str, Any]]:
        """The live documents of a kind, voided invoices left out."""
        found = self._stand_in.company(self.choice).all(kind)
        return [one for one in found if one.get("TotalAmt") or kind in ("JournalEntry", "Transfer")]

    def count(self) -> dict[str, int]:
        counted = {kind: len(self.documents(kind)) for kind in _KINDS}
        return {kind: n for kind, n in counted.items() if n}

    def invoices(self) -> list[tuple[str, str, int]]:
        """(number, day, cents) of every live invoice."""
        return [(one["DocNumber"], one["TxnDate"], round(one["TotalAmt"] * 100)) for one in self.documents("Invoice")]

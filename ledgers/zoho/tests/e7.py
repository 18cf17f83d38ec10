"""A pretend Zoho Books organization as scenario E7 asks for it (``tests/flows/e7_books.py``)."""

from collections.abc import Mapping
from typing import Any, Final

from bookkeeping.accounts import AccountKey
from ledgers.zoho.sandbox import ZohoStandIn
from ledgers.zoho.sandbox.datacentres import DATA_CENTRES
from ledgers.zoho.sandbox.oauth import DEFAULT_APP

BASE: Final = "https://zoho.test"
_KINDS: Final = ("invoice", "payment", "journal", "transaction")


class ZohoOrganization:
    """``values`` are the organization's; ``switches`` the stand-in's."""

    slug = "zoho"
    # Never made: the ledger's own, those of another ledger, and what the scenario does not open with.
    unmade = frozenset({AccountKey.AR, AccountKey.OPENING, AccountKey.REVENUE, AccountKey.PETTY})

    def __init__(self, world: Any, switches: Mapping[str, Any] | None = None, **values: Any) -> None:
        self.stand_in = ZohoStandIn()
        for name, value in {"rate_scale": 0, "search_lag_s": 0, **(switches or {})}.items():
            self.stand_in.switches[name] = value
        app = (DEFAULT_APP["client_id"], DEFAULT_APP["client_secret"])
        world.join(
            self.slug,
            self.stand_in,
            BASE,
            ZOHO_ACCOUNTS_BASE=f"{BASE}/{{location}}",
            ZOHO_API_BASE=f"{BASE}/{{location}}",
            ZOHO_CLIENTS=dict.fromkeys(DATA_CENTRES, app),
            ZOHO_RATE_SCALE=100_000.0,
        )
        self.made = self.stand_in.control(
            "create_organization", {"name": "Acme Books", "chart": "us", "items": {"Thing": "Amazon Sales"}, **values}
        )
        self.choice: str = self.made["user"]
        self.organization: str = self.made["organization_id"]
        expected: Mapping[str, str | None] = self.made["expected"]
        self.own: Mapping[AccountKey, str] = {AccountKey(key): each for key, each in expected.items() if each}
        self.receivables = (self.made["accounts"]["Accounts Receivable"],)
        self.items: Mapping[str, str] = self.made["items"]

    @property
    def books(self) -> Any:
        return self.stand_in.books(self.organization)

    def close(self, until: str) -> None:
        self.person("lock", date=until)

    def documents(self, kind: str) -> list[dict[str, Any]]:
        """The documents of a kind, by the side door."""
        found: list[dict[str, Any]] = self.person("records", kind=kind)
        return found

    def count(self) -> dict[str, int]:
        counted = {kind: len(self.documents(kind)) for kind in _KINDS}
        return {kind: n for kind, n in counted.items() if n}

    def invoices(self) -> list[tuple[str, str, int]]:
        """(number, day, cents) of every invoice."""
        return [(one["invoice_number"], one["date"], round(one["total"] * 100)) for one in self.documents("invoice")]

    def person(self, action: str, **values: Any) -> Any:
        """What somebody does in the browser."""
        return self.stand_in.control(action, {"organization_id": self.organization, **values})

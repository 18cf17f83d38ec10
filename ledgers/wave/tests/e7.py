"""A pretend Wave business as scenario E7 asks for it (``tests/flows/e7_books.py``)."""

from collections.abc import Mapping
from typing import Any

from bookkeeping.accounts import ACCOUNTS, AccountKey
from ledgers.wave.accounts import subtype_for
from ledgers.wave.sandbox import WaveStandIn
from ledgers.wave.sandbox.oauth import DEFAULT_APP

BASE = "https://wave.test"
# The ledger's own, those of another ledger, and what the scenario does not open with.
_NEVER = frozenset({AccountKey.AR, AccountKey.OPENING, AccountKey.REVENUE, AccountKey.PETTY})
_TO_BE_MADE = frozenset({AccountKey.CLEARING, AccountKey.PAYOUTS, AccountKey.RESERVE})
_OWN = {key: account.name for key, account in ACCOUNTS.items() if key not in _NEVER | _TO_BE_MADE}
_KINDS = ("Invoice", "InvoicePayment", "Transaction")


class WaveBusiness:
    """A bookkeeper has set it up: most keys have an account of their own there."""

    slug = "wave"
    unmade = _NEVER

    def __init__(self, world: Any, **switches: Any) -> None:
        self.stand_in = WaveStandIn()
        for name, value in {"rate_scale": 0, **switches}.items():
            self.stand_in.switches[name] = value
        world.join(
            self.slug,
            self.stand_in,
            BASE,
            WAVE_API_BASE=BASE,
            WAVE_AUTHORIZE_URL=f"{BASE}/oauth2/authorize/",
            WAVE_TOKEN_URL=f"{BASE}/oauth2/token/",
            WAVE_REVOKE_URL=f"{BASE}/oauth2/token-revoke/",
            WAVE_CLIENT_ID=DEFAULT_APP["client_id"],
            WAVE_CLIENT_SECRET=DEFAULT_APP["client_secret"],
            WAVE_RATE_SCALE=100_000.0,
        )
        accounts = {name: subtype_for(key) for key, name in _OWN.items()}
        self.made = self.stand_in.control(
            "create_business",
            {
                "name": "Acme Books",
                "chart": "bare",
                "accounts": accounts,
                "products": {"Thing": _OWN[AccountKey.SALES]},
            },
        )
        self.choice: str = self.made["business"]
        self.own: Mapping[AccountKey, str] = {key: self.made["accounts"][name] for key, name in _OWN.items()}
        self.receivables = (self.made["accounts"]["Accounts Receivable"],)
        self.items: Mapping[str, str] = self.made["products"]

    @property
    def books(self) -> Any:
        return self.stand_in.books(self.choice)

    def close(self, until: str) -> None:
        self.person("close_period", date=until)

    def count(self) -> dict[str, int]:
        business = self.stand_in.business(self.choice)
        counted = {kind: len(business.all(kind)) for kind in _KINDS}
        return {kind: n for kind, n in counted.items() if n}

    def invoices(self) -> list[tuple[str, str, int]]:
        """(number, day, cents) of every invoice."""
        found = self.stand_in.business(self.choice).all("Invoice")
        return [(one["invoiceNumber"], one["invoiceDate"], one["total"]) for one in found]

    def transactions(self) -> list[dict[str, Any]]:
        """Every money transaction, oldest first, by the side door."""
        found: list[dict[str, Any]] = self.person("transactions")
        return found

    def person(self, action: str, **values: Any) -> Any:
        """What somebody does in the browser."""
        return self.stand_in.control(action, {"business": self.choice, **values})

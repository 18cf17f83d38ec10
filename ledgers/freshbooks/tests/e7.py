"""A pretend FreshBooks business as scenario E7 asks for it (``tests/flows/e7_books.py``), on either plan."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from bookkeeping.accounts import AccountKey
from ledgers.freshbooks.sandbox import FreshBooksStandIn
from ledgers.freshbooks.sandbox.oauth import DEFAULT_APP

BASE = "https://freshbooks.test"
_KINDS = ("invoice", "payment", "expense", "journal")
# What FreshBooks books to by itself, which nobody maps.
_ITSELF: Final = {AccountKey.PETTY: "Cash:Petty Cash", AccountKey.REVENUE: "Revenue"}


class FreshBooksBusiness:
    """An accountant has set it up: most keys have an account of their own there. On the plan ``Lite`` these are categories."""

    slug = "freshbooks"

    def __init__(self, world: Any, plan: str = "Plus", **switches: Any) -> None:
        self.stand_in = FreshBooksStandIn()
        for name, value in {"rate_scale": 0, **switches}.items():
            self.stand_in.switches[name] = value
        world.join(
            self.slug,
            self.stand_in,
            BASE,
            FRESHBOOKS_API_BASE=BASE,
            FRESHBOOKS_AUTHORIZE_URL=f"{BASE}/oauth/authorize",
            FRESHBOOKS_TOKEN_URL=f"{BASE}/auth/oauth/token",
            FRESHBOOKS_REVOKE_URL=f"{BASE}/auth/oauth/revoke",
            FRESHBOOKS_CLIENT_ID=DEFAULT_APP["client_id"],
            FRESHBOOKS_CLIENT_SECRET=DEFAULT_APP["client_secret"],
            FRESHBOOKS_RATE_SCALE=1e6,
        )
        self.made = self.stand_in.control(
            "create_business", {"name": "Acme Books", "plan": plan, "chart": "bookkeeper", "items": ["Thing"]}
        )
        self.choice: str = self.made["person"]
        accounts = {name: str(account) for name, account in self.made["accounts"].items()}
        self.own: Mapping[AccountKey, str]
        # Never made: the ledger's own and what the scenario does not open with; on the small plan nothing can be made.
        self.unmade = frozenset({AccountKey.AR, AccountKey.OPENING})
        if plan == "Lite":
            known = {AccountKey(key): category for key, category in self.made["expected_categories"].items()}
            self.own = {key: f"category-{category}" for key, category in known.items() if category}
            self.unmade = frozenset(AccountKey) - self.own.keys()
        else:
            expected = {AccountKey(key): str(account) for key, account in self.made["expected"].items() if account}
            self.own = expected | {key: accounts[name] for key, name in _ITSELF.items()}
        self.receivables = (accounts["Accounts Receivable"],)
        self.items: Mapping[str, str] = {name: str(item) for name, item in self.made["items"].items()}

    @property
    def books(self) -> Any:
        return self.stand_in.books(self.made["account_id"])

    def by_name(self, through: str = "9999-12-31") -> dict[str, int]:
        """Balances that are not zero, in cents, debit positive, by the name of the account in its chart."""
        names = {str(account): name.rpartition(":")[2] for name, account in self.made["accounts"].items()}
        balances = self.books.trial_balance(end=through)
        return {names[account]: amount for account, amount in balances.items() if amount}

    def close(self, until: str) -> None:
        self.person("close_books", date=until)

    def count(self) -> dict[str, int]:
        """How many of each kind are in the books: drafts and what is deleted are left out."""
        sources = {entry["source"].partition("/")[0] for entry in self.person("entries")}
        counted = {kind: sum(source.startswith(f"{kind}:") for source in sources) for kind in _KINDS}
        return {kind: n for kind, n in counted.items() if n}

    def invoices(self) -> list[tuple[str, str, int]]:
        """(number, day, cents) of every invoice that is not deleted."""
        found = [one for one in self.business.all("invoice") if not one["vis_state"]]
        return [
            (one["invoice_number"], one["create_date"], int(Decimal(one["amount"]["amount"]).scaleb(2)))
            for one in found
        ]

    @property
    def business(self) -> Any:
        return self.stand_in.business(self.made["account_id"])

    def person(self, action: str, **values: Any) -> Any:
        """What somebody does in the browser."""
        return self.stand_in.control(action, {"account": self.made["account_id"], **values})

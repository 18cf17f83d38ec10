"""Double-entry books of one company: what a ledger stand-in posts into and what a test reads balances from.

Amounts are integer minor units, debit positive, credit negative. Every line has an amount in the currency of its
transaction and one in the company's home currency; both must balance, or nothing is written.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from sandbox.store import Store

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS postings (
    seq INTEGER PRIMARY KEY, space TEXT NOT NULL, company TEXT NOT NULL, source TEXT NOT NULL, on_date TEXT NOT NULL,
    account TEXT NOT NULL, currency TEXT NOT NULL, amount INTEGER NOT NULL, home_amount INTEGER NOT NULL,
    memo TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS postings_by_source ON postings (space, company, source)",
    "CREATE INDEX IF NOT EXISTS postings_by_account ON postings (space, company, account, on_date, home_amount)",
)

# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENTS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "ISK": 0, "UGX": 0, "BHD": 3, "JOD": 3, "KWD": 3, "OMR": 3}


def exponent(currency: str) -> int:
    return EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units, rounded half to even where the text has more decimals than the currency."""
    return int(amount.scaleb(exponent(currency)).to_integral_value(ROUND_HALF_EVEN))


def from_minor(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))


class Unbalanced(ValueError):
    """Debits and credits differ, in the transaction's currency or at home."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One line of an entry. ``amount`` in ``currency``, ``home_amount`` in the home currency, debit positive."""

    account: str
    currency: str
    amount: int
    home_amount: int
    memo: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Everything one source document posted."""

    source: str
    on_date: str
    postings: tuple[Posting, ...]


class Books:
    """The general ledger of ``company``. ``account_id`` turns what a caller names into an account id."""

    def __init__(
        self, store: Store, company: str, home_currency: str, account_id: Callable[[str], str] | None = None
    ) -> None:
        self._store, self._company, self.home_currency = store, company, home_currency
        self._account_id = account_id or (lambda name: name)
        for statement in _SCHEMA:
            store.execute(statement)

    @property
    def _key(self) -> tuple[str, str]:
        return self._store.space, self._company

    def post(self, source: str, on_date: str, postings: Iterable[Posting]) -> None:
        """Write the entry of a source document (``Invoice:12``), in place of what it had written before.

        ``on_date`` is YYYY-MM-DD. Lines of nothing are left out.

        Raises:
            Unbalanced: nothing is written.
        """
        lines = [line for line in postings if line.amount or line.home_amount]
        by_currency: dict[str, int] = {}
        for line in lines:
            by_currency[line.currency] = by_currency.get(line.currency, 0) + line.amount
            if line.currency == self.home_currency and line.amount != line.home_amount:
                raise Unbalanced(f"{source}: a home currency line has two amounts")
        # A document in one foreign currency balances in it; one between currencies balances at home only. A rounding
        # or exchange difference is a line of 0 foreign and some home currency.
        home = sum(line.home_amount for line in lines)
        if home or (len(by_currency) == 1 and any(by_currency.values())):
            raise Unbalanced(f"{source}: {by_currency}, home {home}")
        with self._store.transaction():
            self.remove(source)
            for line in lines:
                self._store.execute(
                    "INSERT INTO postings (space, company, source, on_date, account, currency, amount, home_amount,"
                    " memo) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        *self._key,
                        source,
                        on_date,
                        line.account,
                        line.currency,
                        line.amount,
                        line.home_amount,
                        line.memo,
                    ),
                )

    def remove(self, source: str) -> None:
        self._store.execute("DELETE FROM postings WHERE space = ? AND company = ? AND source = ?", (*self._key, source))

    def balance(self, account: str, *, through: str = "9999-12-31") -> int:
        """Home currency, debit positive, of everything dated ``through`` or before."""
        rows = self._store.execute(
            "SELECT coalesce(sum(home_amount), 0) FROM postings"
            " WHERE space = ? AND company = ? AND account = ? AND on_date <= ?",
            (*self._key, self._account_id(account), through),
        )
        return int(rows[0][0])

    def balance_in(self, account: str, currency: str, *, through: str = "9999-12-31") -> int:
        """The same in one transaction currency, counting only lines of that currency."""
        rows = self._store.execute(
            "SELECT coalesce(sum(amount), 0) FROM postings WHERE space = ? AND company = ? AND account = ?"
            " AND currency = ? AND on_date <= ?",
            (*self._key, self._account_id(account), currency, through),
        )
        return int(rows[0][0])

    def touches(self, account: str) -> bool:
        """Whether some entry has a line on the account."""
        rows = self._store.execute(
            "SELECT 1 FROM postings WHERE space = ? AND company = ? AND account = ? LIMIT 1",
            (*self._key, self._account_id(account)),
        )
        return bool(rows)

    def trial_balance(self, start: str = "0000-01-01", end: str = "9999-12-31") -> dict[str, int]:
        """account id → home currency movement from ``start`` through ``end``, accounts without movement left out."""
        rows = self._store.execute(
            "SELECT account, sum(home_amount) FROM postings WHERE space = ? AND company = ? AND on_date BETWEEN ? AND ?"
            " GROUP BY account HAVING sum(home_amount) <> 0 ORDER BY account",
            (*self._key, start, end),
        )
        return {account: int(total) for account, total in rows}

    def entries(self, account: str = "", start: str = "0000-01-01", end: str = "9999-12-31") -> list[Entry]:
        """Entries by date, then by order of posting; with ``account``, those that touch it (all their lines)."""
        chosen = " AND source IN (SELECT source FROM postings WHERE space = ? AND company = ? AND account = ?)"
        rows = self._store.execute(
            "SELECT source, on_date, account, currency, amount, home_amount, memo FROM postings"
            " WHERE space = ? AND company = ? AND on_date BETWEEN ? AND ?"
            f"{chosen if account else ''} ORDER BY on_date, seq",
            (*self._key, start, end, *((*self._key, self._account_id(account)) if account else ())),
        )
        return _grouped(rows)

    def entry(self, source: str) -> Entry | None:
        rows = self._store.execute(
            "SELECT source, on_date, account, currency, amount, home_amount, memo FROM postings"
            " WHERE space = ? AND company = ? AND source = ? ORDER BY seq",
            (*self._key, source),
        )
        return _grouped(rows)[0] if rows else None


def _grouped(rows: Sequence[tuple[str, str, str, str, int, int, str]]) -> list[Entry]:
    entries: dict[str, tuple[str, list[Posting]]] = {}
    for source, on_date, *line in rows:
        entries.setdefault(source, (on_date, []))[1].append(Posting(*line))  # type: ignore[arg-type]
    return [Entry(source, on_date, tuple(postings)) for source, (on_date, postings) in entries.items()]

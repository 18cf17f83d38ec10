"""A plan: the documents of one settlement, what they carry and what they wait for."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from bookkeeping.accounts import LineKey
from bookkeeping.coverage import Coverage, OpenInvoice
from bookkeeping.documents import Document
from bookkeeping.remarks import Flag, Hold


@dataclass(frozen=True, slots=True)
class Planned:
    """One document to be delivered. ``depends_on`` are keys of documents whose remote id it needs.

    ``part`` is the settlement month it carries, 0 for none. ``not_before`` is the day from which it may be sent. A
    held entry whose rows are all undecided has no lines yet. ``original`` is the document in the settlement's currency,
    with its rate, where what is sent was converted to home money; None where it was not.
    """

    key: str
    document: Document
    depends_on: tuple[str, ...] = ()
    held: Hold | None = None
    part: int = 0
    not_before: date | None = None
    original: Document | None = None

    def hold(self, hold: Hold | None) -> "Planned":
        """Return it held for this reason, unless it is held already."""
        return self if self.held or hold is None else replace(self, held=hold)


@dataclass(frozen=True, slots=True)
class Carrier:
    """``document`` (a key) carries ``amount`` of one line key in one part: for an order's invoice, or "" for the rest
    of the part. It is "" where the ledger cannot hold the amount, and our own record alone carries it.
    """

    part: int
    order_id: str
    key: LineKey
    amount: int
    document: str


@dataclass(frozen=True, slots=True)
class EarlierPayout:
    """A payout of another settlement that no row has taken back yet.

    ``withheld``: it was known to have failed before it was posted, so it never was. ``outside``: its settlement is not in
    these books, so its payout is neither, as far as we know; ``said`` once a person has said that it never came.
    """

    settlement_id: str
    amount: int
    on: date
    withheld: bool = False
    outside: bool = False
    said: bool = False


@dataclass(frozen=True, slots=True)
class Pairing:
    """The row on ``line`` takes back the payout of ``settlement_id``. Where that was withheld, neither is ever
    posted.
    """

    line: int
    settlement_id: str
    amount: int
    withheld: bool


@dataclass(frozen=True, slots=True)
class Previous:
    """The settlement before this one, or the opening balances: its total and the reserve it held (at most 0)."""

    total: int
    reserve_held: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The documents of one settlement in the order they are best sent.

    ``coverage`` is to be stored with the plan and forgotten with it. ``invoices`` are the invoices made here, as
    later settlements need them. ``carriers`` say where every amount of the settlement went. Equal facts give an equal
    plan, byte for byte. ``reconciling`` is what a ledger without entries cannot hold, by account, debit positive: it
    sums to what the documents move the account of payments by.
    """

    settlement_id: str
    documents: tuple[Planned, ...]
    coverage: tuple[Coverage, ...]
    invoices: tuple[OpenInvoice, ...]
    carriers: tuple[Carrier, ...]
    pairings: tuple[Pairing, ...]
    flags: tuple[Flag, ...]
    reconciling: Mapping[LineKey, int] = field(default_factory=dict)

    def digest(self) -> str:
        """Return a digest of everything that would be sent and why it would wait."""
        digest = hashlib.sha256()
        for planned in self.documents:
            held = planned.held.reason if planned.held else ""
            heading = f"{planned.key}\n{','.join(planned.depends_on)}\n{held}\n{planned.not_before or ''}\n"
            digest.update(heading.encode() + planned.document.canonical() + b"\n")
        return digest.hexdigest()


class PlanBroken(ValueError):
    """A plan breaks one of its own rules: a fault of ours, caught before anything is stored."""

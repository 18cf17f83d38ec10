"""At which rates a settlement becomes home money, what is known of its payout there, and what comes of it.

``native``: documents stay in the settlement's currency and carry its rate; the ledger computes home money. ``convert``:
documents are in home money, and each keeps the one it was made from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Final

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.documents import Deposit, Document, Expense, Invoice, JournalEntry, Payment, Transfer
from bookkeeping.exchange import converted
from bookkeeping.figures import Statement
from bookkeeping.money import shown
from bookkeeping.planned import Plan, Planned
from bookkeeping.remarks import Hold, HoldReason

# Where documents stay in the settlement's currency, so does this account; ledgers keep other assets in home money.
OF_SETTLEMENT: Final = frozenset({AccountKey.CLEARING})


@unique
class Strategy(StrEnum):
    NATIVE = "native"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True)
class Terms:
    """At which rates a settlement becomes home money, and what is known of its payout there.

    ``rate`` is that of the entry date of its last part, ``spot`` that of the deposit day; "" where there is none, and
    ``no_rate`` and ``no_spot`` say so. ``received`` (minor units of ``home``) is what the bank got, None where nobody
    knows yet, and ``said`` what Amazon says of such a payout, with what to do; "" where it says nothing. ``brought`` is
    what the debt that the settlement opens with stands for on CLEARING in home money, None where it is not known, and
    ``brought_rounding`` how far the ledger's own rounding may have it elsewhere (native only);
    ``withheld`` the same of payouts that were never booked, by settlement. ``returned`` is what payouts that came back
    had brought. ``kept`` are the accounts in the settlement's own currency (native only). ``payout`` and
    ``revaluation`` are as they were sent: they stay.
    """

    strategy: Strategy
    home: str
    rate: str
    spot: str = ""
    received: int | None = None
    said: str = ""
    brought: int | None = None
    brought_rounding: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    returned: Mapping[str, int] = field(default_factory=dict)
    kept: frozenset[LineKey] = OF_SETTLEMENT
    payout: Document | None = None
    revaluation: Document | None = None
    no_rate: str = ""
    no_spot: str = ""


@dataclass(frozen=True, slots=True)
class Carrying:
    """An invoice in home money: its ``total``, what is ``paid`` of it, and the ``rate`` at which it was made."""

    rate: str
    total: int
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Booked:
    """A plan in terms of home money. ``carrying`` is what the settlement leaves on CLEARING before its payout, debit
    positive; after it nothing is left, but for ``residue`` (native only), which a person has to revalue in the ledger, or a
    later revaluation takes. ``rounding`` is how far the ledger, which converts and rounds native documents itself, may be
    from ``carrying``.
    """

    plan: Plan
    carrying: int
    residue: int = 0
    rounding: int = 0


def is_payout(planned: Planned) -> bool:
    return planned.not_before is not None and "/P/" in planned.key


def with_rate(document: Document, rate: str) -> Document:
    """Return a document with the rate at which the ledger is to take it."""
    if isinstance(document, (Invoice, Payment, JournalEntry, Transfer, Deposit, Expense)):
        return replace(document, rate=rate)
    return document


def beside(plan: Plan, statement: Statement, terms: Terms, own: int) -> int:
    """Return the home money on CLEARING that a settlement's payout takes beside what its own documents (``own``, in its
    currency) put there: the debt it opened with, payouts that were withheld, and rows that nobody has decided yet."""
    header = statement.header
    withheld = [one for one in plan.pairings if one.withheld]

    def at_rate(amount: int) -> int:
        return converted(amount, header.currency, terms.rate, terms.home)

    brought = terms.brought if terms.brought is not None else at_rate(statement.opening_debt)
    home = brought if statement.opening_debt else 0
    home += sum(terms.withheld.get(one.settlement_id, at_rate(one.amount)) for one in withheld)
    rest = header.total - own - statement.opening_debt - sum(one.amount for one in withheld)
    return home + at_rate(rest)


def ask_for(amount: int, currency: str, terms: Terms) -> Hold:
    text = terms.said or (
        f"Amazon paid out {shown(amount, currency)}, and nobody has said how much of {terms.home} arrived. "
        "Enter the amount on your bank statement on the settlement's page."
    )
    return Hold(HoldReason.AMOUNT_RECEIVED, text, terms.home)

"""Entries and transfers as money transactions, the one thing Wave books for other programs. Pure.

A money transaction is anchored on an account that money moves through; the anchor is one side of it and never among its
lines, whose net is the anchor's amount. A DEPOSIT debits the anchor, a WITHDRAWAL credits it.
Source: "Create money transactions" of developer.waveapps.com.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from bookkeeping.accounts import AccountClass, AccountKey, LineKey
from bookkeeping.documents import JournalEntry, Transfer, Undo
from ledgers.bound import label
from ledgers.port import NotRenderable, Post, Shown
from ledgers.wave import accounts, wire
from ledgers.wave.bound import AGAIN, Company, class_of, home, open_account_of
from ledgers.wave.wire import Body


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a money transaction does to the account it is anchored on; ``moved`` in minor units, debit positive."""

    account: str
    moved: int


def anchor_of(post: Post, company: Company) -> Anchor:
    """Return what the money transaction of a post does to its anchor. Raises NotRenderable."""
    return _anchor(post, [(line.key, line.amount) for line in _movement(post).lines], company)


def shown(post: Post, company: Company) -> Shown | None:
    """Return how Wave's page of transactions lists the money transaction of a post, None for any other document. Raises
    NotRenderable."""
    document = post.document.reversal if isinstance(post.document, Undo) else post.document
    if not isinstance(document, JournalEntry | Transfer):
        return None
    anchor = anchor_of(post, company)
    return Shown(_direction(anchor).lower(), abs(anchor.moved), anchor.account, _description(_movement(post)))


def _direction(anchor: Anchor) -> str:
    return "DEPOSIT" if anchor.moved > 0 else "WITHDRAWAL"


@dataclass(frozen=True, slots=True)
class _Line:
    """``amount`` is in minor units, debit positive."""

    key: LineKey
    amount: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class _Movement:
    number: str
    on: date
    currency: str
    memo: str
    lines: tuple[_Line, ...]


def input_of(post: Post, company: Company) -> Body:
    """Return the input of the money transaction that carries an entry, a transfer or a reversal. Raises NotRenderable."""
    movement = _movement(post)
    home(post, movement.currency, company)
    anchor = _anchor(post, [(line.key, line.amount) for line in movement.lines], company)
    if not anchor.moved:
        raise NotRenderable(
            post.key, "A money transaction that leaves its own account as it was cannot be written in Wave.", AGAIN
        )
    return {
        "businessId": company.business_id,
        "externalId": wire.transaction_id(company.business_id, post.wire_id),
        "date": movement.on.isoformat(),
        "description": _description(movement),
        "notes": wire.note(post.marker, movement.memo),
        "anchor": {
            "accountId": anchor.account,
            "amount": wire.money(abs(anchor.moved), movement.currency),
            "direction": _direction(anchor),
        },
        "lineItems": list(_lines(post, movement, anchor.account, company)),
    }


def _description(movement: _Movement) -> str:
    return wire.clipped(f"{movement.number} {movement.memo}".strip(), wire.LINE)


def _lines(post: Post, movement: _Movement, anchor: str, company: Company) -> Iterator[Body]:
    for line in movement.lines:
        account = open_account_of(post, line.key, company)
        if account == anchor:
            continue
        if class_of(account, line.key, company) in (None, AccountClass.RECEIVABLE):
            raise NotRenderable(
                post.key,
                f"The account that {label(line.key)} is mapped to is kept by Wave itself.",
                f"Map {label(line.key)} to another account.",
            )
        yield wire.filled(
            {
                "accountId": account,
                "amount": wire.money(abs(line.amount), movement.currency),
                # INCREASE and DECREASE mean different sides for different accounts.
                "balance": "DEBIT" if line.amount > 0 else "CREDIT",
                "description": wire.clipped(line.description, wire.LINE),
            }
        )


def _anchor(post: Post, lines: Sequence[tuple[LineKey, int]], company: Company) -> Anchor:
    """Return the one account of the lines that money moves through, and by how much."""
    moved: dict[str, int] = {}
    for key, amount in lines:
        account = open_account_of(post, key, company)
        if class_of(account, key, company) in accounts.MONEY:
            moved[account] = moved.get(account, 0) + amount
    if len(moved) != 1:
        many = "moves money between two bank or card accounts, which Wave's programming interface cannot do"
        none = "touches no account that money moves through, and Wave books nothing else for other programs"
        raise NotRenderable(
            post.key,
            f"This document {many if moved else none}.",
            f"Map {label(AccountKey.CLEARING)} to an account of type {accounts.label('CASH_AND_BANK')}, and "
            f"{label(AccountKey.PAYOUTS)} to one of type {accounts.label('OTHER_CURRENT_ASSETS')}.",
        )
    [(account, amount)] = moved.items()
    return Anchor(account, amount)


def _movement(post: Post) -> _Movement:
    document = post.document
    if isinstance(document, Undo) and document.reversal is not None:
        document = document.reversal
    if isinstance(document, Transfer):
        if document.amount <= 0:
            raise NotRenderable(post.key, "A transfer needs an amount above zero.", AGAIN)
        lines: tuple[_Line, ...] = (_Line(document.target, document.amount), _Line(document.source, -document.amount))
    elif isinstance(document, JournalEntry):
        lines = tuple(
            _Line(line.key, line.debit - line.credit, line.description)
            for line in document.lines
            if line.debit or line.credit
        )
    else:
        raise TypeError(f"{post.key} carries a {document.kind.value}, which is no money transaction")
    if len(lines) < 2 or sum(line.amount for line in lines) != 0:
        raise NotRenderable(post.key, "The entry does not balance.", AGAIN)
    return _Movement(document.number, document.on, document.currency, document.memo, lines)

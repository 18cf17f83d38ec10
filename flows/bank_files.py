"""Bank accounts, and the import of their statements: a file is taken whole or not at all, and a line once."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from django.db import IntegrityError

from audit import trail
from bank import csv_file, ofx
from bank.csv_file import Columns, Table, table_of, text_of
from bank.lines import BankLine as Read
from bookkeeping.money import CURRENCIES
from flows import bank_matches
from flows.cannot import Cannot
from flows.models import BankAccount, BankImport, BankLine
from flows.rows import chunked
from kit import clock
from kit.sealed import seal_into

SHOWN_ROWS: Final = 6
_OFX: Final = "ofx"


class CannotKeep(Cannot):
    """Why a bank account cannot be kept as it was given, and what to do."""


class NeedsColumns(Exception):
    """A person has to confirm what the columns of a CSV file are. ``problems`` says what is wrong with those that were given."""

    def __init__(self, table: Table, columns: Columns, problems: Sequence[str] = ()) -> None:
        self.table, self.columns, self.problems = table, columns, list(problems)
        super().__init__(" ".join(self.problems) or "Somebody has to confirm the columns of this file once.")

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The first rows, for a person to see what the columns hold."""
        return [cells for _, cells in self.table.rows[:SHOWN_ROWS]]


@dataclass(frozen=True, slots=True)
class Imported:
    """``kept`` of the file's ``lines`` brought money in; ``new`` of them were not here. ``matched`` found their payout now."""

    lines: int
    kept: int
    new: int
    matched: int


def open_account(tenant_id: int, actor: str, name: str, currency: str, tail: str = "") -> BankAccount:
    """Make a bank account known. Raises CannotKeep."""
    name, currency, tail = " ".join(name.split()), currency.strip().upper(), tail.strip()
    if not name or len(name) > 80:
        raise CannotKeep("An account needs a name of at most 80 characters.", "Write the name you know it by.")
    if currency not in CURRENCIES:
        raise CannotKeep(f"There is no currency {currency[:8]}.", "Write its three letters, like GBP.")
    if tail and not (tail.isascii() and tail.isalnum() and 3 <= len(tail) <= 6):
        raise CannotKeep("The last digits are three to six digits.", "Write the end of the account number, or nothing.")
    try:
        with trail.recorded():
            account = BankAccount.objects.create(
                tenant_id=tenant_id, name=name, currency=currency, tail=tail, created_at=clock.now()
            )
            trail.record(
                "bank.account_opened", f"bank:{account.pk}", tenant_id=tenant_id, actor=actor, currency=currency
            )
    except IntegrityError:
        raise CannotKeep(
            f"There is an account called {name} already.", "Choose another name, or use that one."
        ) from None
    return account


def remove_account(account: BankAccount, actor: str) -> None:
    """Forget an account with all its lines. Settlements no longer say that their payout arrived."""
    settlements: list[int] = list(
        BankLine.objects.filter(account=account).exclude(settlement=None).values_list("settlement__pk", flat=True)
    )
    with trail.recorded():
        trail.record("bank.account_removed", f"bank:{account.pk}", tenant_id=account.tenant_id, actor=actor)
        bank_matches.settle_alerts(account)
        account.delete()
    bank_matches.follow(settlements)


def import_file(
    account: BankAccount, name: str, content: bytes, actor: str, columns: Columns | None = None
) -> Imported:
    """Take a statement: OFX, QFX, or a CSV whose columns are given, or were confirmed for this account before.

    Raises:
        bank.lines.BadBankFile: nothing of it was used.
        NeedsColumns: it is a CSV whose columns nobody has confirmed, or not as they are. Nothing of it was used.
    """
    text, until = text_of(content), clock.now().date() + timedelta(days=1)
    if ofx.is_ofx(text):
        found, reading, columns = ofx.read(text, account.currency, account.tail, until), _OFX, None
    else:
        table = table_of(text)
        columns = _columns(account, table, columns)
        if problems := csv_file.problems_of(table, columns):
            raise NeedsColumns(table, columns, problems)
        found = csv_file.read(table, columns, account.currency, until)
        reading = hashlib.sha256("\x1f".join(columns.texts).encode()).hexdigest()[:16]
    taken = _take(account, name, found, reading, actor, columns)
    return replace(taken, matched=bank_matches.match_all())


def _columns(account: BankAccount, table: Table, given: Columns | None) -> Columns:
    if given is not None:
        # A column that is sent a thousand times would be read a thousand times.
        return replace(given, names=table.names, texts=tuple(dict.fromkeys(given.texts)))
    if account.columns:
        kept = Columns.from_json(account.columns)
        if kept.names == table.names:
            return kept
    raise NeedsColumns(table, csv_file.proposed(table, account.currency))


def _take(
    account: BankAccount, name: str, found: Sequence[Read], reading: str, actor: str, columns: Columns | None
) -> Imported:
    days = [one.on for one in found]
    kept = [one for one in found if one.amount > 0]
    with trail.recorded():
        # Two imports at once must not both take a line for new.
        BankAccount.objects.select_for_update().get(pk=account.pk)
        new = _unknown(account, kept, reading, days)
        taken = BankImport.objects.create(
            tenant_id=account.tenant_id,
            account=account,
            name="".join(one for one in name if one.isprintable())[:200],
            first_on=min(days),
            last_on=max(days),
            lines=len(found),
            kept=len(kept),
            new=len(new),
            actor=actor,
            at=clock.now(),
        )
        for some in chunked(list(new.items())):
            _store(taken, some, reading)
        if columns is not None and account.columns != columns.to_json():
            account.columns = columns.to_json()
            account.save(update_fields=["columns"])
        trail.record(
            "bank.imported",
            f"bank:{account.pk}",
            tenant_id=account.tenant_id,
            actor=actor,
            first_on=taken.first_on,
            last_on=taken.last_on,
            lines=taken.lines,
            kept=taken.kept,
            new=taken.new,
        )
    return Imported(taken.lines, taken.kept, taken.new, 0)


def _store(taken: BankImport, lines: Sequence[tuple[str, Read]], reading: str) -> None:
    rows = BankLine.objects.bulk_create(
        [
            BankLine(
                tenant_id=taken.tenant_id,
                account=taken.account,
                imported=taken,
                on=one.on,
                amount=one.amount,
                amazon=one.names_amazon,
                reading=reading,
                digest=digest,
            )
            for digest, one in lines
        ]
    )
    for row, (_, one) in zip(rows, lines, strict=True):
        seal_into(row, "text", one.text)  # its place has the row's id in it
    BankLine.objects.bulk_update(rows, ["text"], batch_size=200)


def _unknown(account: BankAccount, lines: Sequence[Read], reading: str, days: Sequence[date]) -> dict[str, Read]:
    """Return the lines that are not here, by digest.

    Equal lines of one file are told apart by their order. A file of another kind, or read with other columns, writes the same
    lines otherwise: there, as many lines of one day and amount are the same as were here.
    """
    ordinals: Counter[tuple[object, ...]] = Counter()
    digests: dict[str, Read] = {}
    for one in lines:
        told = (one.bank_id, one.on, one.amount) if one.bank_id else (one.on, one.amount, one.text.casefold())
        ordinals[told] += 1
        words = "\x1f".join(str(part) for part in (*told, ordinals[told]))
        digests[hashlib.sha256(words.encode()).hexdigest()] = one
    stored = BankLine.objects.filter(account=account, on__range=(min(days), max(days)))
    here = list(stored.values_list("digest", "on", "amount", "reading"))
    known = {digest for digest, *_ in here}
    otherwise = Counter((on, amount) for digest, on, amount, how in here if how != reading and digest not in digests)
    new: dict[str, Read] = {}
    for digest, one in digests.items():
        if digest in known:
            continue
        if otherwise[one.on, one.amount] > 0:
            otherwise[one.on, one.amount] -= 1
            continue
        new[digest] = one
    return new

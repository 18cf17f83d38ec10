"""The entries of a settlement's months, and the payout that closes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from bookkeeping.accounts import AccountClass, AccountKey, LineKey
from bookkeeping.documents import Deposit, Document, JournalEntry, Transfer
from bookkeeping.entries import deposit_lines, entry_lines
from bookkeeping.figures import Part, Statement
from bookkeeping.money import shown
from bookkeeping.moving_on import Amounts
from bookkeeping.numbering import settlement_key, settlement_number
from bookkeeping.planned import Carrier, Planned
from bookkeeping.policy import Mode, Policy
from bookkeeping.remarks import Hold, HoldReason

_NAMED: Final = 10  # labels that a hold names: it stands on pages and in e-mails

ClassOf = Callable[[LineKey], AccountClass]


@dataclass(frozen=True, slots=True)
class Layout:
    """Which part rides on the deposit (0: none) and whether there is one at all."""

    deposit: bool
    rides: int


def layout_of(statement: Statement, mode: Mode, policy: Policy, class_of: ClassOf, payout_failed: bool) -> Layout:
    """Return how the settlement is closed.

    A deposit has one date, so only rows of its own month may ride on it. It cannot be 0 or less, it would book a
    payout that failed, and its clearing line needs an account its lines may use: everywhere else entries and a
    transfer do the same.
    """
    header = statement.header
    possible = (
        mode is Mode.ORDERS
        and policy.deposit
        and header.total > 0
        and not payout_failed
        and class_of(AccountKey.CLEARING) in policy.deposit_classes
    )
    month = header.deposit_on.replace(day=1)
    rides = next((part.n for part in statement.parts if part.month == month), 0) if possible else 0
    return Layout(possible, rides)


def plan_parts(
    statement: Statement,
    left: Mapping[int, Mapping[LineKey, int]],
    layout: Layout,
    *,
    moved: Mapping[int, Mapping[date, Amounts]],
    policy: Policy,
    class_of: ClassOf,
    payout_failed: bool,
    revision: int,
) -> tuple[tuple[Planned, ...], tuple[Carrier, ...]]:
    """Return entries, then the payout, and what carries each amount of ``left`` (remainders by part and line key).

    ``moved`` is what the entries move on beside, by part and day.
    """
    header = statement.header
    entries: list[Planned] = []
    carriers: list[Carrier] = []
    direct: dict[LineKey, int] = {}
    payout_key = settlement_key(header.settlement_id, "P", "payout", revision)
    payout_hold = None
    for part in statement.parts:
        amounts, hold = left[part.n], undecided(statement, part.n)
        own = dict(amounts)
        if part.n == layout.rides:
            own = {key: amount for key, amount in amounts.items() if class_of(key) not in policy.deposit_classes}
            direct = {key: amount for key, amount in amounts.items() if key not in own}
            payout_hold = hold
        key = settlement_key(header.settlement_id, part.n, "entry", revision)
        made = part_entries(statement, part, own, moved.get(part.n, {}), revision)
        entries += [one.hold(hold) if one.key == key else one for one in made]
        if hold and part.n != layout.rides and key not in {one.key for one in entries}:
            entries.append(Planned(key, part_entry(statement, part, {}, revision), held=hold, part=part.n))
        carriers += [
            Carrier(part.n, "", line, amount, key if line in own else payout_key) for line, amount in amounts.items()
        ]
    payout = payout_of(statement, direct, layout, policy, revision)
    if payout is not None:
        hold = _failed(statement) if payout_failed else payout_hold
        closing = Planned(payout_key, payout, held=hold, part=layout.rides, not_before=header.deposit_on)
        entries.append(closing)
        if policy.onward and isinstance(payout, Transfer):
            key = settlement_key(header.settlement_id, "P", "onward", revision)
            entries.append(replace(closing, key=key, document=onward(payout, AccountKey.BANK)))
    return tuple(entries), tuple(carriers)


def part_entries(
    statement: Statement,
    part: Part,
    amounts: Amounts,
    moved: Mapping[date, Amounts],
    revision: int,
    on: date | None = None,
) -> list[Planned]:
    """Return the entry of a part's remainder and of what is moved on with it, and one for each later day on which more is.

    All on ``on`` where it is given. None for nothing.
    """
    settlement_id = statement.header.settlement_id
    own = dict(amounts)
    for key, amount in moved.get(part.on, {}).items():
        own[key] = own.get(key, 0) + amount
    found = []
    later = {day: beside for day, beside in moved.items() if day != part.on}
    for j, (day, beside) in enumerate([(part.on, own), *later.items()]):
        if any(beside.values()):
            entry = part_entry(statement, part, beside, revision, on or day)
            mark = f".{j}" if j else ""
            key = settlement_key(settlement_id, part.n, f"entry{mark}", revision)
            found.append(Planned(key, replace(entry, number=entry.number + mark), part=part.n))
    return found


def onward(first: Transfer, there: LineKey) -> Transfer:
    """Return what takes the money of a transfer through PAYOUTS between there and its bank or card."""
    out = first.source == AccountKey.CLEARING
    source, target = (first.target, there) if out else (there, first.source)
    return replace(first, number=f"{first.number}.2", source=source, target=target)


def part_entry(
    statement: Statement, part: Part, amounts: Mapping[LineKey, int], revision: int, on: date | None = None
) -> JournalEntry:
    """Return the entry that carries ``amounts`` of a part through CLEARING, on the part's date or the given one."""
    header = statement.header
    return JournalEntry(
        number=settlement_number(header.settlement_id, part.n, revision),
        on=on or part.on,
        currency=header.currency,
        lines=entry_lines(amounts, AccountKey.CLEARING),
        memo=f"Amazon settlement {header.settlement_id}, {part.month:%Y-%m}{', before these books' if part.before else ''}",
    )


def payout_of(
    statement: Statement, direct: Mapping[LineKey, int], layout: Layout, policy: Policy, revision: int
) -> Document | None:
    """Return the document of the payout, with ``direct`` lines where it is a deposit; None where nothing is paid out."""
    header = statement.header
    if header.total <= 0:
        return None
    number = settlement_number(header.settlement_id, "P", revision)
    memo = f"Amazon payout of settlement {header.settlement_id}"
    if layout.deposit:
        lines = deposit_lines(direct, header.total)
        return Deposit(number, header.deposit_on, header.currency, policy.payouts_to, lines, memo)
    source, target = AccountKey.CLEARING, policy.payouts_to
    return Transfer(number, header.deposit_on, header.currency, source, target, header.total, memo)


def undecided(statement: Statement, n: int) -> Hold | None:
    """Return what holds the documents of a part while labels of it are unknown."""
    found = [unknown for unknown in statement.unknown if unknown.part == n]
    if not found:
        return None
    currency = statement.header.currency
    names = "; ".join(
        f"{' / '.join(text for text in one.label if text)} ({shown(one.amount, currency)})" for one in found[:_NAMED]
    )
    names += f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return Hold(HoldReason.UNKNOWN_LABEL, f"Give these labels a category: {names}", names)


def _failed(statement: Statement) -> Hold:
    settlement_id = statement.header.settlement_id
    text = f"The payout of settlement {settlement_id} failed; the money comes in a later one"
    return Hold(HoldReason.PAYOUT_FAILED, text, settlement_id)

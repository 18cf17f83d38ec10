"""From the rows of a settlement to its statement, in one pass.

The rows are those of Amazon report GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2. They are not kept: memory grows with
distinct (month, label, marketplace, account) and with the orders that were asked for, never with the rows.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import date, timedelta
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

from bookkeeping.accounts import AccountKey, Category, LineKey
from bookkeeping.batches import Batched
from bookkeeping.days import last_of_month, local_day
from bookkeeping.facts import Header, Label, Row
from bookkeeping.figures import (
    Movement,
    MovementKind,
    OrderItem,
    OrderPart,
    Part,
    RowsDoNotTie,
    Statement,
    StatementError,
    Sum,
    SumsDoNotTie,
    TaxResidual,
    UnknownLabel,
)
from bookkeeping.gather import Classify, Gather, Resolve, Use, ZoneOf, use_of
from bookkeeping.money import shown
from bookkeeping.months import first_of_month
from bookkeeping.remarks import Flag, FlagKind

# A seller who remits the tax has a residual on every order; a page can name only some.
_RESIDUALS_NAMED: Final = 20


def build(
    header: Header,
    rows: Iterable[Row] | Batched,
    *,
    classify: Classify,
    zone_of: ZoneOf | ZoneInfo,
    resolve: Resolve | None = None,
    orders: Container[str] | None = None,
    begins: date | None = None,
) -> Statement:
    """Return what the rows of one settlement mean.

    ``classify`` is asked once per distinct label. ``zone_of`` gives a marketplace's zone and, for "", the
    settlement's own, in which its end is dated. ``resolve`` gives the line key of (account, SKU, marketplace, local
    day); without it a line key is its account. ``orders`` names the orders whose coverable sums are kept, None keeps
    all of them; summary mode with few open invoices needs only theirs. ``begins`` is the first day of the books: a month
    that was over by then is no income or fee of theirs but money that Amazon owed when they began, so all its rows, whatever
    they mean, are one sum under OPENING, dated the day before.

    Raises:
        RowsDoNotTie: the rows do not add up to ``header.total``.
    """
    gather = Gather(classify, zone_of, resolve, orders, begins)
    if isinstance(rows, Batched):
        for batch in rows.batches():
            gather.take_batch(batch)
    else:
        gather.take(rows)
    return _finished(header, gather, begins)


def _finished(header: Header, gather: Gather, begins: date | None) -> Statement:
    total = sum(tally.amount for tally in gather.tallies.values())
    if total != header.total:
        difference = total - header.total
        raise RowsDoNotTie(header.settlement_id, difference, shown(difference, header.currency))
    ends_on = local_day(header.ends_at - timedelta(seconds=1), gather.zone_of(""))
    months = sorted({month for month, *_ in gather.tallies})
    parts = tuple(
        Part(n, month, _dated(month, ends_on, begins), begins is not None and month < gather.first_month)
        for n, month in enumerate(months, start=1)
    )
    number = {part.month: part.n for part in parts}
    sums = tuple(sorted((_sum(gather, number, place) for place in gather.tallies), key=_place_of_sum))
    totals = _totals(gather, parts, number, sums)
    statement = Statement(
        header=header,
        parts=parts,
        rows=sum(tally.rows for tally in gather.tallies.values()),
        sums=sums,
        totals={n: {key: amount for key, amount in by_key.items() if amount} for n, by_key in totals.items()},
        orders={order_id: _order_parts(gather, number, order_id) for order_id in sorted(gather.orders)},
        movements=_numbered(gather),
        opening_debt=_of_category(sums, Category.OPENING_DEBT),
        unknown=tuple(
            UnknownLabel(number[month], label, tally.amount, tally.rows, tally.line)
            for (month, label), tally in sorted(gather.unknown.items())
        ),
        taxes=_residuals(gather),
        reserve_held=_of_category(sums, Category.RESERVE_HELD),
        reserve_released=_of_category(sums, Category.RESERVE_RELEASED),
        flags=(*_flags(gather, header.currency, number), *_before(header, gather, parts, totals, begins)),
    )
    _check(statement)
    return statement


def _dated(month: date, ends_on: date, begins: date | None) -> date:
    if begins is not None and month < first_of_month(begins):
        return begins - timedelta(days=1)
    return max(month, min(last_of_month(month), ends_on))


def _before(
    header: Header,
    gather: Gather,
    parts: tuple[Part, ...],
    totals: Mapping[int, Mapping[LineKey, int]],
    begins: date | None,
) -> Iterator[Flag]:
    """Yield what is to be said of a settlement that began before the books: once for each month it has of that time."""
    starts_on = local_day(header.starts_at, gather.zone_of(""))
    if begins is None or starts_on >= begins:
        return
    began = f"Settlement {header.settlement_id} began on {_day(starts_on)}, before your books do on {_day(begins)}"
    for part in parts:
        amount = totals[part.n].get(AccountKey.OPENING, 0)
        if part.before:
            text = (
                f"{began}: its {part.month:%B} part of {shown(amount, header.currency)} is no income or fee of these books. "
                f"It opens the clearing account against your opening balances, dated {_day(part.on)}, and the payout clears it. "
                "Leave it out of the opening figures that you enter"
            )
            yield Flag(FlagKind.BEFORE_BOOKS, text, part.n, amount=amount)
        elif part.month == first_of_month(begins) and begins.day > 1:
            since = max(starts_on, part.month)
            text = (
                f"{began}: what it has from {_day(since)} on is one entry with the rest of {part.month:%B}, and is booked here. "
                "If your earlier books have it, let these begin on the first day of a month or with the next settlement"
            )
            yield Flag(FlagKind.BEFORE_BOOKS, text, part.n)


def _sum(gather: Gather, number: Mapping[date, int], place: tuple[date, Label, str, LineKey]) -> Sum:
    month, label, marketplace, key = place
    tally = gather.tallies[place]
    category = gather.meanings[label].category
    return Sum(number[month], category, label, marketplace, key, tally.amount, tally.rows, tally.line)


def _totals(
    gather: Gather, parts: tuple[Part, ...], number: Mapping[date, int], sums: tuple[Sum, ...]
) -> dict[int, dict[LineKey, int]]:
    totals: dict[int, dict[LineKey, int]] = {part.n: {} for part in parts}
    for one in sums:
        if one.key:
            totals[one.part][one.key] = totals[one.part].get(one.key, 0) + one.amount
    for marketplace, months in gather.taxes.values():
        account = AccountKey.OUTPUT_TAX if sum(months.values()) else AccountKey.TAX_CLEARING
        for month, net in months.items():
            n = number[month]
            key = gather.line_key(account, "", marketplace, parts[n - 1].on)
            totals[n][key] = totals[n].get(key, 0) + net
    return totals


def _numbered(gather: Gather) -> tuple[Movement, ...]:
    seen: Counter[MovementKind] = Counter()
    movements = []
    for line, kind, on, amount, label in sorted(gather.movements):
        seen[kind] += 1
        movements.append(Movement(kind, seen[kind], line, on, amount, label))
    return tuple(movements)


def _residuals(gather: Gather) -> tuple[TaxResidual, ...]:
    nets = ((order_id, sum(months.values())) for order_id, (_, months) in sorted(gather.taxes.items()))
    return tuple(TaxResidual(order_id, net) for order_id, net in nets if net)


def _order_parts(gather: Gather, number: Mapping[date, int], order_id: str) -> tuple[OrderPart, ...]:
    return tuple(
        OrderPart(
            number[month],
            found.marketplace,
            found.last_on,
            tuple(
                OrderItem(
                    code,
                    item.sku,
                    item.units,
                    {key: amount for key, amount in sorted(item.amounts.items()) if amount},
                )
                for code, item in sorted(found.items.items())
            ),
        )
        for month, found in sorted(gather.orders[order_id].items())
    )


def _flags(gather: Gather, currency: str, number: Mapping[date, int]) -> tuple[Flag, ...]:
    flags = [
        Flag(
            FlagKind.NEW_LABEL,
            f"Check the category of {_shown(label)}: it was guessed from its wording",
            label=label,
        )
        for label, meaning in sorted(gather.meanings.items())
        if meaning.review
    ]
    for (month, label), tally in sorted(gather.conflicts.items()):
        where = f"{tally.rows} row(s) from line {tally.line}"
        text = f"{_shown(label)} has the opposite of its usual sign in {where}"
        flags.append(Flag(FlagKind.SIGN_CONFLICT, text, number[month], label=label, amount=tally.amount))
    residuals = _residuals(gather)
    for residual in residuals[:_RESIDUALS_NAMED]:
        whose = f"Order {residual.order_id}" if residual.order_id else "Tax without an order"
        text = f"{whose} leaves {shown(residual.amount, currency)} of tax with you; it is booked as tax payable"
        flags.append(Flag(FlagKind.TAX_RESIDUAL, text, order_id=residual.order_id, amount=residual.amount))
    if others := residuals[_RESIDUALS_NAMED:]:
        amount = sum(residual.amount for residual in others)
        text = f"{len(others)} more orders leave {shown(amount, currency)} of tax with you"
        flags.append(Flag(FlagKind.TAX_RESIDUAL, text, amount=amount))
    return tuple(flags)


_place_of_sum = attrgetter("part", "category", "label", "marketplace", "key")


def _of_category(sums: tuple[Sum, ...], category: Category) -> int:
    return sum(one.amount for one in sums if one.category is category and one.key != AccountKey.OPENING)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _shown(label: Label) -> str:
    return " / ".join(text for text in label if text)


def _check(statement: Statement) -> None:
    """Every row is in exactly one place: carried, moved, already in the books, or undecided."""
    carried = sum(amount for by_key in statement.totals.values() for amount in by_key.values())
    moved = sum(movement.amount for movement in statement.movements)
    placed = carried + moved + statement.opening_debt + statement.unknown_amount
    if placed != statement.header.total:
        raise SumsDoNotTie(
            f"settlement {statement.header.settlement_id}: places and total differ by {placed - statement.header.total}"
        )
    known = {(one.part, one.key) for one in statement.sums}
    for order_id, parts in statement.orders.items():
        if any((part.part, key) not in known for part in parts for item in part.items for key in item.amounts):
            raise SumsDoNotTie(f"order {order_id} has an account that its month does not have")


__all__ = [
    "Classify",
    "Resolve",
    "RowsDoNotTie",
    "Statement",
    "StatementError",
    "SumsDoNotTie",
    "Use",
    "ZoneOf",
    "build",
    "use_of",
]

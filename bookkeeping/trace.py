"""From a line in the ledger back to the rows of Amazon's file."""

from collections.abc import Iterable, Iterator

from bookkeeping.accounts import AccountKey, LineKey, account_key
from bookkeeping.days import local_day
from bookkeeping.facts import Row
from bookkeeping.figures import Statement
from bookkeeping.statement import Classify, Resolve, Use, ZoneOf, use_of


def rows_behind(
    statement: Statement,
    rows: Iterable[Row],
    *,
    part: int,
    key: LineKey,
    classify: Classify,
    zone_of: ZoneOf,
    resolve: Resolve | None = None,
    order_id: str = "",
) -> Iterator[Row]:
    """Yield the rows that a line key stands for in one part, of one order where ``order_id`` is given, in file order.

    ``rows`` is the same file the statement was built from, with the same three functions. The tax payable of a part
    stands for the tax rows of the orders whose tax did not cancel, OPENING for all rows of a month before the books.
    """
    wanted = statement.part(part)
    month = wanted.month
    residual = {tax.order_id for tax in statement.taxes}
    meanings = {label: classify(label) for label in {one.label for one in statement.sums}}
    for row in rows:
        if order_id and row.order_id != order_id:
            continue
        day = local_day(row.posted_at, zone_of(row.marketplace))
        meaning = meanings[row.label]
        if day.replace(day=1) != month:
            continue
        if wanted.before:
            if account_key(key) is AccountKey.OPENING:
                yield row
            continue
        if meaning.account is None:
            continue
        use = use_of(meaning)
        if use is Use.TAX:
            account = AccountKey.OUTPUT_TAX if row.order_id in residual else AccountKey.TAX_CLEARING
            if account_key(key) is account:
                yield row
        elif use is Use.BOOKED:
            own = resolve(meaning.account, row.sku, row.marketplace, day) if resolve else meaning.account
            if own == key:
                yield row

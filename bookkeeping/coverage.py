"""What payments of a settlement take off open invoices.

Everything in a settlement has exactly one carrier. A month's entry carries what the rows say, less what payments
cover; so whatever an invoice and its rows disagree about lands in the entry under its own account, receivables close
to exactly zero, and no change of mode, trigger or mapping counts anything twice.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.figures import OrderPart, Statement

CLOSE_OUT: Final = "close-out"


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice of ours, and what settlements took off it so far.

    ``lines`` are its amounts by line key as the ledger answered them (as planned, before it answered), ``units`` what
    it invoices by order item code. ``covered`` and ``settled`` are the same two for every live coverage of it.
    ``key`` is its delivery's. ``not_for`` names the settlements whose rows were carried when it was made: it invoices
    what they left, so they never pay it. ``receivable`` is where its balance stands: AR, or DEFERRED or CLEARING where
    an entry books the order in an invoice's place.
    """

    key: str
    number: str
    order_id: str
    customer: str
    on: date
    lines: Mapping[LineKey, int]
    units: Mapping[str, int]
    covered: Mapping[LineKey, int] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    not_for: tuple[str, ...] = ()
    receivable: LineKey = AccountKey.AR

    @property
    def total(self) -> int:
        return sum(self.lines.values())

    @property
    def balance(self) -> int:
        return self.total - sum(self.covered.values())

    @property
    def remaining(self) -> Mapping[LineKey, int]:
        return {key: amount for key, amount in _less(self.lines, self.covered).items() if amount}


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one settlement month takes off one invoice, to be stored: freeing it is forgetting it.

    ``by_key`` sums to the payment (0: the units count, but there is no payment). ``units`` are the Principal rows' by
    item code. A close-out has CLOSE_OUT for a settlement, and part 0. ``invoiced_on`` and ``receivable`` are the
    invoice's.
    """

    invoice: str
    number: str
    order_id: str
    settlement_id: str
    part: int
    by_key: Mapping[LineKey, int]
    units: Mapping[str, int]
    invoiced_on: date = date.min
    receivable: LineKey = AccountKey.AR

    @property
    def paid(self) -> bool:
        """Whether a payment takes it off: not where an entry stands in the invoice's place."""
        return bool(self.amount) and self.receivable == AccountKey.AR

    @property
    def amount(self) -> int:
        return sum(self.by_key.values())


MakeInvoice = Callable[[str, OrderPart], OpenInvoice | None]


def covered_by(invoice: OpenInvoice, coverages: Iterable[Coverage]) -> OpenInvoice:
    """Return the invoice with these further coverages of it taken off."""
    covered, settled = dict(invoice.covered), dict(invoice.settled)
    for coverage in coverages:
        if coverage.invoice == invoice.key:
            covered, settled = _plus(covered, coverage.by_key), _plus(settled, coverage.units)
    return replace(invoice, covered=covered, settled=settled)


def cover(
    statement: Statement, open_invoices: Sequence[OpenInvoice], make: MakeInvoice
) -> tuple[tuple[Coverage, OpenInvoice], ...]:
    """Return every coverage of the settlement with the invoice it found, orders ascending, months ascending.

    ``make`` gives the invoice for an order's rows of one month when none is open, or None where the month's entry
    carries them.
    """
    settlement_id = statement.header.settlement_id
    by_order: dict[str, list[OpenInvoice]] = {}
    for invoice in sorted(open_invoices, key=lambda one: (one.on, one.key)):
        by_order.setdefault(invoice.order_id, []).append(invoice)
    found: list[tuple[Coverage, OpenInvoice]] = []
    for order_id, parts in statement.orders.items():
        invoices = by_order.get(order_id, [])
        for part in parts:
            at = next(
                (n for n, one in enumerate(invoices) if one.balance > 0 and settlement_id not in one.not_for), None
            )
            if at is None:
                made = make(order_id, part)
                if made is None:
                    continue
                invoices.append(made)
                at = len(invoices) - 1
            coverage = _coverage(settlement_id, invoices[at], part)
            found.append((coverage, invoices[at]))
            invoices[at] = covered_by(invoices[at], [coverage])
    return tuple(found)


def _coverage(settlement_id: str, invoice: OpenInvoice, part: OrderPart) -> Coverage:
    rows, remaining = part.amounts, invoice.remaining
    by_key = {key: _nearer(amount, remaining.get(key, 0)) for key, amount in rows.items()}
    settled = _plus(invoice.settled, part.units)
    final = all(settled.get(code, 0) >= units for code, units in invoice.units.items())
    amount = sum(by_key.values())
    # Reaching the balance closes key by key too: a leftover pair of lines would count twice when late rows arrive.
    if final or amount >= invoice.balance:
        by_key = dict(remaining)
    elif amount <= 0:
        by_key = {}
    return Coverage(
        invoice=invoice.key,
        number=invoice.number,
        order_id=invoice.order_id,
        settlement_id=settlement_id,
        part=part.part,
        by_key={key: cents for key, cents in sorted(by_key.items()) if cents},
        units=part.units,
        invoiced_on=invoice.on,
        receivable=invoice.receivable,
    )


def remainders(statement: Statement, coverages: Iterable[Coverage]) -> dict[int, dict[LineKey, int]]:
    """Return what the entry of each part carries: rows less covered, by line key, without zeros."""
    left = {part.n: dict(statement.totals.get(part.n, {})) for part in statement.parts}
    for coverage in coverages:
        left[coverage.part] = _less(left[coverage.part], coverage.by_key)
    return {n: {key: amount for key, amount in by_key.items() if amount} for n, by_key in left.items()}


def difference(part: OrderPart, coverage: Coverage) -> Mapping[LineKey, int]:
    """Return what the rows say beyond the coverage, by line key."""
    return {key: amount for key, amount in _less(part.amounts, coverage.by_key).items() if amount}


def _nearer(rows: int, remaining: int) -> int:
    if rows * remaining <= 0:
        return 0
    return rows if abs(rows) < abs(remaining) else remaining


def _plus(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in (*one, *(key for key in other if key not in one))}


def _less(one: Mapping[LineKey, int], other: Mapping[LineKey, int]) -> dict[LineKey, int]:
    return _plus(one, {key: -amount for key, amount in other.items()})

"""From a settlement's statement to the documents that carry it.

The mode only decides whether new invoices are made. Invoices that are open are covered in any mode, a month's entry
carries what the rows say less what payments cover, movements get a document per row, and the payout closes the
settlement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from bookkeeping.accounts import LineKey
from bookkeeping.check import check
from bookkeeping.coverage import Coverage, OpenInvoice, cover, difference, remainders
from bookkeeping.cutting import cut
from bookkeeping.documents import Cover, Payment
from bookkeeping.figures import OrderPart, Statement
from bookkeeping.income_and_expenses import plan_income_and_expenses, reconciling
from bookkeeping.invoices import (
    CheckLine,
    CustomerOf,
    amounts_of,
    buyer,
    customer_symbol,
    invoice_lines,
    order_document,
    receivable_of,
)
from bookkeeping.money import exponent, shown
from bookkeeping.movements import plan_movements
from bookkeeping.moving_on import moved_on
from bookkeeping.numbering import (
    NumbersUsedUp,
    invoice_number,
    is_shortened,
    settlement_key,
    settlement_number,
)
from bookkeeping.parts import ClassOf, layout_of, payout_of, plan_parts
from bookkeeping.planned import Carrier, EarlierPayout, Plan, Planned, Previous
from bookkeeping.policy import Mode, Policy, default_class
from bookkeeping.remarks import Flag, FlagKind, Hold, HoldReason

NONE_TAKEN: Final[Mapping[str, str]] = MappingProxyType({})


def plan(
    statement: Statement,
    *,
    mode: Mode,
    policy: Policy,
    open_invoices: Sequence[OpenInvoice] = (),
    numbers: Mapping[str, str] = NONE_TAKEN,
    payouts: Sequence[EarlierPayout] = (),
    previous: Previous | None = None,
    payout_failed: bool = False,
    doubt: str = "",
    revision: int = 1,
    check_line: CheckLine = lambda _: None,
    class_of: ClassOf = default_class,
    customer_of: CustomerOf = customer_symbol,
) -> Plan:
    """Return the documents of one settlement, checked.

    ``open_invoices``: every invoice of ours that is not closed, as covered by the other live settlements.
    ``numbers``: every invoice number ever given → key of its invoice, so that planning again keeps a number and
    nothing reuses one. ``payouts``: earlier payouts that no other settlement has taken back. ``previous``: the
    settlement before, or the opening balances; None when neither is known. ``payout_failed``: the marketplace says so
    before the payout was posted. ``doubt``: why the settlement may be another seller's; it holds all of it.
    ``revision`` is raised after an undo. ``check_line`` holds an invoice for one of its lines (no item for the SKU, an
    item with another income account). ``class_of`` gives the class of the account a line key is mapped to.

    Raises:
        PlanBroken: the documents do not carry the settlement exactly.
    """
    maker = _InvoiceMaker(statement, mode, policy, numbers, revision, check_line, customer_of)
    coverings = cover(statement, open_invoices, maker)
    coverage = tuple(one for one, _ in coverings)
    left = remainders(statement, coverage)
    layout = layout_of(statement, mode, policy, class_of, payout_failed)
    moved = plan_movements(statement, policy, payouts, revision)
    of_orders = (*maker.planned, *_payments(statement, coverings, policy, revision))
    rest: Mapping[LineKey, int] = {}
    if policy.income_and_expenses:
        customer = buyer(policy, customer_of, "", statement.header.currency)
        others, carriers = plan_income_and_expenses(
            statement, left, policy=policy, customer=customer, revision=revision
        )
        payout = None if payout_failed else payout_of(statement, {}, layout, policy, revision)
        rest = reconciling(statement, left, [one.document for one in moved.documents], payout, moved.pairings)
    else:
        entries, carriers = plan_parts(
            statement,
            left,
            layout,
            moved=moved_on(statement, coverage, policy),
            policy=policy,
            class_of=class_of,
            payout_failed=payout_failed,
            revision=revision,
        )
        others = (*moved.documents, *entries)
    found = cut((*of_orders, *others), policy)
    broken = _continuity(statement, previous)
    doubted = Hold(HoldReason.OVERLAP, doubt, statement.header.settlement_id) if doubt else None
    result = Plan(
        settlement_id=statement.header.settlement_id,
        documents=tuple(
            replace(document, held=doubted) if doubted else document.hold(broken) for document in found.documents
        ),
        coverage=coverage,
        invoices=tuple(maker.made),
        carriers=(*_covering(coverage), *found.carriers(carriers)),
        pairings=moved.pairings,
        flags=(*statement.flags, *moved.flags, *_flags(statement, coverings, policy, previous)),
        reconciling=rest,
    )
    check(statement, result, policy)
    return result


class _InvoiceMaker:
    """Makes the invoice over an order's rows of one month, where the mode wants one and the rows are worth one."""

    def __init__(
        self,
        statement: Statement,
        mode: Mode,
        policy: Policy,
        numbers: Mapping[str, str],
        revision: int,
        check_line: CheckLine,
        customer_of: CustomerOf,
    ) -> None:
        self.statement, self.mode, self.policy, self.revision = statement, mode, policy, revision
        self.taken = dict(numbers)
        self.check_line, self.customer_of = check_line, customer_of
        self.planned: list[Planned] = []
        self.made: list[OpenInvoice] = []

    def __call__(self, order_id: str, part: OrderPart) -> OpenInvoice | None:
        if self.mode is not Mode.ORDERS or sum(part.amounts.values()) <= 0:
            return None
        header = self.statement.header
        month = self.statement.part(part.part).month
        key = settlement_key(header.settlement_id, part.part, f"invoice/{order_id}", self.revision)
        lines = invoice_lines(part.items, negative=self.policy.negative_lines)
        hold = next((found for line in lines if (found := self.check_line(line))), None)
        try:
            number = invoice_number(order_id, key, self.taken)
        except NumbersUsedUp as problem:
            number, hold = (
                order_id,
                Hold(HoldReason.NUMBERS_USED_UP, f"{problem}. Post this settlement as a summary.", order_id),
            )
        self.taken[number] = key
        customer = buyer(self.policy, self.customer_of, part.marketplace, header.currency, order_id)
        document = order_document(
            self.policy,
            number=number,
            on=part.last_on,
            currency=header.currency,
            customer=customer,
            lines=lines,
            order_id=order_id,
            memo=f"Amazon order {order_id}, as settled in {header.settlement_id}, {month:%Y-%m}",
            settles=True,
        )
        self.planned.append(Planned(key, document, held=hold, part=part.part))
        opened = OpenInvoice(
            key=key,
            number=number,
            order_id=order_id,
            customer=customer,
            on=part.last_on,
            lines=amounts_of(lines),
            units=part.units,
            receivable=receivable_of(document),
        )
        self.made.append(opened)
        return opened


def _payments(
    statement: Statement, coverings: Sequence[tuple[Coverage, OpenInvoice]], policy: Policy, revision: int
) -> list[Planned]:
    header = statement.header
    planned = []
    for coverage, invoice in coverings:
        if not coverage.paid:
            continue
        part = statement.part(coverage.part)
        payment = Payment(
            reference=settlement_number(header.settlement_id, part.n, revision),
            on=max(part.on, invoice.on),
            currency=header.currency,
            customer=invoice.customer,
            account=policy.payments_to,
            cover=Cover(invoice.key, coverage.amount),
            memo=f"Amazon settlement {header.settlement_id}, {part.month:%Y-%m}",
        )
        key = settlement_key(header.settlement_id, part.n, f"payment/{invoice.number}", revision)
        planned.append(Planned(key, payment, depends_on=(invoice.key,), part=part.n))
    return sorted(planned, key=lambda one: one.part)


def _covering(coverage: Sequence[Coverage]) -> list[Carrier]:
    return [
        Carrier(one.part, one.order_id, key, amount, one.invoice)
        for one in coverage
        for key, amount in one.by_key.items()
    ]


def _continuity(statement: Statement, previous: Previous | None) -> Hold | None:
    """Hold everything when the debt carried in is not the debt the settlement before left behind."""
    header = statement.header
    before = min(previous.total, 0) if previous else 0
    if statement.opening_debt == before:
        return None
    stated, known = (shown(amount, header.currency) for amount in (statement.opening_debt, before))
    text = (
        f"Settlement {header.settlement_id} opens with {stated} payable to Amazon, but {known} is "
        "known from before. Load the settlement before it, or state the opening balance."
    )
    return Hold(HoldReason.CONTINUITY, text, header.settlement_id)


def _flags(
    statement: Statement,
    coverings: Sequence[tuple[Coverage, OpenInvoice]],
    policy: Policy,
    previous: Previous | None,
) -> list[Flag]:
    header = statement.header
    flags = []
    if is_shortened(header.settlement_id):
        text = f"Settlement id {header.settlement_id} is longer than usual; numbers show its last 11 digits"
        flags.append(Flag(FlagKind.LONG_SETTLEMENT_ID, text))
    if previous and -previous.reserve_held != statement.reserve_released:
        held, released = (
            shown(amount, header.currency) for amount in (-previous.reserve_held, statement.reserve_released)
        )
        text = f"Amazon held {held} before and released {released} here"
        flags.append(Flag(FlagKind.RESERVE_GAP, text, amount=statement.reserve_released + previous.reserve_held))
    rows = {(order_id, part.part): part for order_id, parts in statement.orders.items() for part in parts}
    for coverage, invoice in coverings:
        beyond = difference(rows[coverage.order_id, coverage.part], coverage)
        # Promotions that were left off on purpose are no difference.
        off = sum(abs(amount) for amount in beyond.values() if amount > 0 or policy.negative_lines)
        if off > max(10 ** exponent(header.currency), invoice.total // 50):
            text = f"Invoice {invoice.number} and its rows differ by {shown(off, header.currency)}"
            flags.append(Flag(FlagKind.LARGE_DIFFERENCE, text, coverage.part, coverage.order_id, amount=off))
    return flags

"""The proof of one settlement: what was compared with what, to the minor unit, and what was not.

It rests on what the ledger answered, never on what was sent. A green verdict claims exactly the comparisons it lists.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Final

from bookkeeping.accounts import AccountKey, Category, LineKey
from bookkeeping.documents import Deposit, Document, Transfer
from bookkeeping.entries import effect, own_total
from bookkeeping.figures import Statement
from bookkeeping.planned import Plan, Planned

PAYOUT: Final = "header and payout"
CONVERTED: Final = "converted"  # detail of PAYOUT: compared with what the payout was converted from


@unique
class Verdict(StrEnum):
    """PROVED: everything is in the books and every figure was compared and agrees. UNCOMPARED: it agrees as far as
    the ledger answered figures. WAITING: nothing disagrees, but something is held or not sent yet. DIFFERS: two
    figures disagree.
    """

    PROVED = "proved"
    UNCOMPARED = "uncompared"
    WAITING = "waiting"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted document as it is in the books (of another ``kind``, where a transfer became an entry), in minor units of
    ``currency``: what was ``sent``, and what the ledger ``answered``, None where it states no total."""

    kind: str
    currency: str
    sent: int
    answered: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A document that was booked. ``total`` is its own total as the ledger states it now, None where it states none.

    ``changed`` says what somebody made of it in the ledger since, "" where nothing; ``gone``: it is void or deleted.
    Of a ``converted`` document ``total`` is in the currency from which it was made.
    """

    total: int | None
    changed: str = ""
    gone: bool = False
    converted: Converted | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two figures that must be equal. ``name`` says which; ``right`` None means there was nothing to compare with.

    Both are minor units of ``currency``, "" for the settlement's own.
    ``changed`` says what differs beside the figures, or why they do: such a pair never agrees.
    """

    name: str
    left: int
    right: int | None
    detail: str = ""
    changed: str = ""
    currency: str = ""

    @property
    def difference(self) -> int:
        return 0 if self.right is None else self.left - self.right

    @property
    def agrees(self) -> bool:
        return not self.difference and not self.changed


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document that is not in the books. ``reason`` is its own hold, or names the document it waits for; "" is
    merely not sent.
    """

    key: str
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class Proof:
    """``clearing`` is how far the documents in the books moved CLEARING (debit positive), ``clearing_expected`` how
    far all of them will: 0, or a debt carried into the next settlement. ``undecided`` is the sum of the rows with
    unknown labels.

    In a ledger without entries both are those of PETTY, where its payments go, and the second is the sum of
    ``reconciling``: what stays out of the books, by account.
    """

    verdict: Verdict
    comparisons: tuple[Comparison, ...]
    waiting: tuple[Waiting, ...]
    undecided: int
    clearing: int
    clearing_expected: int
    reconciling: Mapping[LineKey, int] = field(default_factory=dict)


def prove(statement: Statement, plan: Plan, answers: Mapping[str, Answer]) -> Proof:
    """Return the proof of a settlement from its plan and the answers to its documents, by key.

    A document without an answer is not in the books. Whether the bank received the payout is not compared here.
    """
    header = statement.header
    posted = [planned for planned in plan.documents if planned.key in answers]
    carried = sum(carrier.amount for carrier in plan.carriers)
    moved = sum(movement.amount for movement in statement.movements)
    undecided = statement.unknown_amount
    comparisons = (
        Comparison(
            "rows and header", sum(one.amount for one in statement.sums), header.total, f"{statement.rows} rows"
        ),
        Comparison("carried and header", carried + moved + statement.opening_debt + undecided, header.total),
        *(_answered(planned, answers[planned.key], header.currency) for planned in posted),
        *_payout(plan, header.total, answers),
    )
    waiting = _waiting(plan.documents, answers)
    account = AccountKey.PETTY if plan.reconciling else AccountKey.CLEARING
    expected = sum(plan.reconciling.values()) if plan.reconciling else _expected_clearing(statement, plan)
    # What is only in home money (what a rate moved) is no part of the settlement's own currency.
    own = [one for one in posted if getattr(one.document, "currency", header.currency) == header.currency]
    clearing = sum(_moved(account, planned, answers[planned.key]) for planned in own)
    return Proof(
        verdict=_verdict(comparisons, bool(waiting or undecided), clearing == expected),
        comparisons=comparisons,
        waiting=waiting,
        undecided=undecided,
        clearing=clearing,
        clearing_expected=expected,
        reconciling=plan.reconciling,
    )


def _answered(planned: Planned, answer: Answer, settled_in: str) -> Comparison:
    document = planned.document
    name = getattr(document, "number", "") or getattr(document, "reference", "") or planned.key
    own = getattr(document, "currency", settled_in)
    found = answer.converted or Converted(document.kind, own, own_total(document), answer.total)
    currency = found.currency if found.currency != settled_in else ""
    return Comparison(
        f"{found.kind} {name}", found.sent, found.answered, planned.key, answer.changed, currency=currency
    )


def _payout(plan: Plan, total: int, answers: Mapping[str, Answer]) -> tuple[Comparison, ...]:
    closing = [one for one in plan.documents if one.not_before and _pays_out(one.document)]
    return tuple(_paid_out(total, own_total(one.document), answers[one.key]) for one in closing if one.key in answers)


def _paid_out(total: int, of_payout: int, answer: Answer) -> Comparison:
    """Compare the total with the payout; with what it was made from, where it is in the books in another currency."""
    if answer.converted is None or answer.total is None:
        return Comparison(PAYOUT, total, answer.total)
    return Comparison(PAYOUT, total, of_payout, CONVERTED)


def _pays_out(document: Document) -> bool:
    """Whether it closes a settlement; what goes on from an account in transit has the same amount and is no other payout."""
    return isinstance(document, Deposit) or (isinstance(document, Transfer) and document.source == AccountKey.CLEARING)


def _waiting(documents: Sequence[Planned], answers: Mapping[str, Answer]) -> tuple[Waiting, ...]:
    held: dict[str, str] = {}
    for planned in documents:
        blocker = next((key for key in planned.depends_on if key in held), None)
        if planned.held:
            held[planned.key] = planned.held.reason
        elif blocker:
            held[planned.key] = f"waits for {blocker}"
    return tuple(
        Waiting(planned.key, own_total(planned.document), held.get(planned.key, ""))
        for planned in documents
        if planned.key not in answers
    )


def _expected_clearing(statement: Statement, plan: Plan) -> int:
    total = statement.header.total
    paired = sum(pairing.amount for pairing in plan.pairings if pairing.withheld)
    return total - statement.opening_debt - max(total, 0) - paired


def _moved(account: LineKey, planned: Planned, answer: Answer) -> int:
    """Return how far a posted document moved an account, by the ledger's total where it states one.

    A document that came back with another total moved it by an unknown share of that: what was planned is taken and the
    difference stands as its own comparison. What is gone moves nothing.
    """
    if answer.gone:
        return 0
    planned_effect = effect(planned.document).get(account, 0)
    whole = own_total(planned.document)
    if answer.total is not None and abs(planned_effect) == whole:
        return answer.total if planned_effect > 0 else -answer.total
    return planned_effect


def _verdict(comparisons: Sequence[Comparison], waiting: bool, clears: bool) -> Verdict:
    if not all(comparison.agrees for comparison in comparisons):
        return Verdict.DIFFERS
    if waiting:
        return Verdict.WAITING
    if not clears:
        return Verdict.DIFFERS
    return Verdict.UNCOMPARED if any(comparison.right is None for comparison in comparisons) else Verdict.PROVED


@dataclass(frozen=True, slots=True)
class Step:
    """One step from gross sales to the payout. ``running`` is the sum up to and including it; rows > 0 raise the
    payout.
    """

    name: str
    amount: int
    running: int
    rows: int


_STEPS: Final[Mapping[str, frozenset[Category]]] = {
    "Product sales": frozenset({Category.PRODUCT_SALE, Category.RECHARGE}),
    "Shipping and gift wrap": frozenset({Category.SHIPPING_CHARGE, Category.GIFT_WRAP, Category.RECHARGE_SHIPPING}),
    "Promotions": frozenset({Category.PROMO_REBATE}),
    "Refunds": frozenset({Category.REFUND, Category.RECHARGE_REVERSAL}),
    "Claims and chargebacks": frozenset({Category.CLAIM}),
    "Liquidations": frozenset({Category.LIQUIDATION, Category.LIQUIDATION_FEE}),
    "Selling fees": frozenset({Category.SELLING_FEE, Category.REFUND_ADMIN_FEE, Category.SUBSCRIPTION}),
    "Fulfilment fees": frozenset({Category.FBA_FEE, Category.FBA_SHIP_CHARGEBACK, Category.SHIPPING_LABEL}),
    "Storage, inbound and removal": frozenset({Category.STORAGE_FEE, Category.INBOUND_FEE, Category.REMOVAL_FEE}),
    "Advertising and deals": frozenset({Category.ADVERTISING, Category.DEAL_FEE}),
    "Reimbursements": frozenset({Category.REIMBURSEMENT}),
    "Other fees and adjustments": frozenset({Category.FEE_ADJUSTMENT, Category.FEE_TAX, Category.OTHER_TAX_OR_LEVY}),
    "Taxes collected and withheld": frozenset({Category.TAX_COLLECTED, Category.TAX_WITHHELD, Category.TAX_CREDIT}),
    "Loans": frozenset({Category.LOAN}),
    "Reserve held and released": frozenset({Category.RESERVE_HELD, Category.RESERVE_RELEASED}),
    "Carried debt, charges and transfers": frozenset(
        {
            Category.OPENING_DEBT,
            Category.DEBT_COLLECTED,
            Category.PAYOUT_REVERSED,
            Category.PAYOUT_MOVEMENT,
            Category.CROSS_MARKET,
        }
    ),
    "Not classified yet": frozenset({Category.UNKNOWN}),
}


def waterfall(statement: Statement) -> tuple[Step, ...]:
    """Return the steps that have rows; the last one's ``running`` is the total of the settlement."""
    steps: list[Step] = []
    running = 0
    for name, categories in _STEPS.items():
        found = [one for one in statement.sums if one.category in categories]
        if found:
            amount = sum(one.amount for one in found)
            running += amount
            steps.append(Step(name, amount, running, sum(one.rows for one in found)))
    return tuple(steps)

"""The rules every plan keeps, checked on every plan before it is stored."""

from collections.abc import Iterable

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import Deposit, Document, Invoice, JournalEntry, Payment, Transfer
from bookkeeping.entries import effect
from bookkeeping.figures import Statement
from bookkeeping.planned import Plan, PlanBroken, Planned


def check(statement: Statement, plan: Plan) -> None:
    """Raise PlanBroken unless the plan carries its settlement exactly once and leaves CLEARING as stated.

    CLEARING moves by total − opening debt − payout, less what is undecided (held) and payouts that were withheld and
    came back.
    """
    check_documents(plan.documents)
    _carried_once(statement, plan)
    _payments_fit(plan)
    header = statement.header
    moved = sum(effect(planned.document).get(AccountKey.CLEARING, 0) for planned in plan.documents)
    payout = header.total if header.total > 0 else 0
    paired = sum(pairing.amount for pairing in plan.pairings if pairing.withheld)
    expected = header.total - statement.opening_debt - payout - statement.unknown_amount - paired
    if moved != expected:
        raise PlanBroken(f"settlement {plan.settlement_id} moves clearing by {moved}, not by {expected}")


def check_documents(documents: Iterable[Planned]) -> None:
    """Raise PlanBroken unless every document is well formed and every key is its own."""
    seen: set[str] = set()
    for planned in documents:
        if planned.key in seen:
            raise PlanBroken(f"two documents have the key {planned.key}")
        seen.add(planned.key)
        undecided = (
            planned.held is not None and isinstance(planned.document, JournalEntry) and not planned.document.lines
        )
        if not undecided and not _well_formed(planned.document):
            raise PlanBroken(f"{planned.key} is not a well-formed {planned.document.kind}")


def _well_formed(document: Document) -> bool:
    if sum(effect(document).values()):
        return False
    match document:
        case Invoice():
            return document.total > 0
        case Payment():
            return document.total > 0
        case JournalEntry():
            one_side = all(min(line.debit, line.credit) == 0 < max(line.debit, line.credit) for line in document.lines)
            return one_side and len(document.lines) >= 2
        case Transfer():
            return document.amount > 0 and document.source != document.target
        case Deposit():
            own = {line.key for line in document.lines}
            return document.total > 0 and document.account not in own and all(line.amount for line in document.lines)
        case _:
            return True


def _carried_once(statement: Statement, plan: Plan) -> None:
    carried: dict[tuple[int, str], int] = {}
    for carrier in plan.carriers:
        place = (carrier.part, carrier.key)
        carried[place] = carried.get(place, 0) + carrier.amount
    rows = {(n, key): amount for n, by_key in statement.totals.items() for key, amount in by_key.items()}
    for place in {*carried, *rows}:
        if carried.get(place, 0) != rows.get(place, 0):
            raise PlanBroken(f"part {place[0]}, {place[1]}: carried {carried.get(place, 0)}, rows {rows.get(place, 0)}")


def _payments_fit(plan: Plan) -> None:
    covered = {(one.invoice, one.part): one.amount for one in plan.coverage if one.amount}
    paid = {
        (planned.document.cover.invoice, planned.part): planned.document.total
        for planned in plan.documents
        if isinstance(planned.document, Payment)
    }
    if covered != paid:
        raise PlanBroken(f"settlement {plan.settlement_id}: payments and coverage differ")
    taken: dict[str, int] = {}
    for one in plan.coverage:
        taken[one.invoice] = taken.get(one.invoice, 0) + one.amount
    for invoice in plan.invoices:
        if taken.get(invoice.key, 0) != invoice.total:
            raise PlanBroken(
                f"invoice {invoice.number} is made for {invoice.total} but covered by {taken.get(invoice.key, 0)}"
            )

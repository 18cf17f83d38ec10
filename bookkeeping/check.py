"""The rules every plan keeps, checked on every plan before it is stored."""

from collections.abc import Iterable

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.documents import Deposit, Document, Expense, Invoice, JournalEntry, Payment, Revaluation, Transfer
from bookkeeping.entries import effect
from bookkeeping.figures import Statement
from bookkeeping.planned import Plan, PlanBroken, Planned
from bookkeeping.policy import Policy


def check(statement: Statement, plan: Plan, policy: Policy) -> None:
    """Raise PlanBroken unless the plan carries its settlement exactly once and leaves CLEARING as stated.

    CLEARING moves by total − opening debt − payout, less what is undecided (held) and payouts that were withheld and
    came back. Where a ledger puts payments and income of invoices of its own accord, the settlement leaves the first
    account as it was, and the second with what its invoices brought less what was paid. A ledger without entries gets
    invoices, payments and expenses alone, and they move the account of payments by what stays out of the books.
    """
    check_documents(plan.documents, policy)
    _carried_once(statement, plan)
    _payments_fit(plan)
    if policy.income_and_expenses:
        _moves(plan, policy.payments_to, sum(plan.reconciling.values()))
        for planned in plan.documents:
            if not isinstance(planned.document, (Invoice, Payment, Expense)):
                raise PlanBroken(f"{planned.key} is a {planned.document.kind}, which the ledger has not")
        return
    header = statement.header
    payout = header.total if header.total > 0 else 0
    paired = sum(pairing.amount for pairing in plan.pairings if pairing.withheld)
    expected = header.total - statement.opening_debt - payout - statement.unknown_amount - paired
    _moves(plan, AccountKey.CLEARING, expected)
    if policy.income_to:
        paid = sum(one.amount for one in plan.coverage if one.paid)
        _moves(plan, policy.payments_to, 0)
        _moves(plan, policy.income_to, paid - sum(invoice.total for invoice in plan.invoices))


def _moves(plan: Plan, key: LineKey, expected: int) -> None:
    moved = sum(effect(planned.document).get(key, 0) for planned in plan.documents)
    if moved != expected:
        raise PlanBroken(f"settlement {plan.settlement_id} moves {key} by {moved}, not by {expected}")


def check_documents(documents: Iterable[Planned], policy: Policy | None = None) -> None:
    """Raise PlanBroken unless every document is well formed, as the policy wants it, and every key is its own."""
    seen: set[str] = set()
    for planned in documents:
        if planned.key in seen:
            raise PlanBroken(f"two documents have the key {planned.key}")
        seen.add(planned.key)
        document = planned.document
        undecided = planned.held is not None and isinstance(document, (Invoice, JournalEntry)) and not document.lines
        if not undecided and not _well_formed(planned.document):
            raise PlanBroken(f"{planned.key} is not a well-formed {planned.document.kind}")
        if policy and isinstance(planned.document, JournalEntry) and not undecided:
            _check_entry(planned.key, planned.document, policy)


def _check_entry(key: str, entry: JournalEntry, policy: Policy) -> None:
    if 0 < policy.entry_lines < len(entry.lines):
        raise PlanBroken(f"{key} has {len(entry.lines)} lines, more than {policy.entry_lines}")
    if policy.entry_through_clearing and AccountKey.CLEARING not in {line.key for line in entry.lines}:
        raise PlanBroken(f"{key} has no clearing line")


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
        case Expense():
            return document.amount > 0 and document.key != document.account
        case Revaluation():
            return document.amount != 0 and document.foreign != document.currency and bool(document.rate)
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
    covered = {(one.invoice, one.part): one.amount for one in plan.coverage if one.paid}
    for planned in plan.documents:
        if isinstance(planned.document, Invoice) and planned.document.lines and not planned.document.order_id:
            covered[planned.key, planned.part] = planned.document.total
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

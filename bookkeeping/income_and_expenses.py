"""A settlement in a ledger that has no entries: income invoices and expenses carry what they can.

What belongs on the balance sheet (reserve, tax, loan, movements, payout) cannot be booked there. It stays in our own record,
and reconciles what could be booked: it comes to just what the documents move the account of payments by.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bookkeeping.accounts import AccountClass, AccountKey, LineKey, account_key
from bookkeeping.documents import Cover, Document, Expense, Invoice, InvoiceLine, Payment
from bookkeeping.entries import by_account, effect, own_total
from bookkeeping.figures import Part, Statement
from bookkeeping.moving_on import Amounts
from bookkeeping.numbering import settlement_key, settlement_number
from bookkeeping.parts import undecided
from bookkeeping.planned import Carrier, Pairing, Planned
from bookkeeping.policy import Policy, default_class

VENDOR: Final = "Amazon"
INCOME_PAYMENT: Final = "income-payment"  # in the key of the payment that a part's own invoice gets
_BOOKED: Final = frozenset(
    {
        AccountClass.INCOME,
        AccountClass.CONTRA_INCOME,
        AccountClass.OTHER_INCOME,
        AccountClass.EXPENSE,
        AccountClass.COST_OF_SALES,
    }
)


def is_booked(key: LineKey) -> bool:
    """Whether such a ledger can book to the key at all: income and expenses, whatever account it is mapped to."""
    return default_class(key) in _BOOKED


def plan_income_and_expenses(
    statement: Statement, left: Mapping[int, Amounts], *, policy: Policy, customer: str, revision: int
) -> tuple[tuple[Planned, ...], tuple[Carrier, ...]]:
    """Return the documents of every part's remainder, and what carries each amount of it: "" where no document can."""
    documents: list[Planned] = []
    carriers: list[Carrier] = []
    for part in statement.parts:
        hold = undecided(statement, part.n)
        made = part_documents(statement, part, left[part.n], policy=policy, customer=customer, revision=revision)
        if hold and not made:
            made = [_income(statement, part, (), policy, customer, revision)]
        documents += [one.hold(hold) for one in made]
        places = {key: one.key for one in made for key in carried_by(one.document)}
        carriers += [Carrier(part.n, "", key, amount, places.get(key, "")) for key, amount in left[part.n].items()]
    return tuple(documents), tuple(carriers)


def part_documents(
    statement: Statement, part: Part, amounts: Amounts, *, policy: Policy, customer: str, revision: int
) -> list[Planned]:
    """Return one invoice over the income of a part, its payment in full, and an expense for each key that costs.

    A promotion lowers the invoice as long as something of it is left; all else below zero is an expense, refunds too.
    """
    booked = [(key, amount) for key, amount in by_account(amounts) if amount and is_booked(key)]
    lines = [InvoiceLine(key, amount) for key, amount in booked if amount > 0]
    total = sum(line.amount for line in lines)
    for key, amount in booked:
        promotion = amount < 0 and account_key(key) is AccountKey.PROMO and policy.negative_lines
        if promotion and total + amount > 0:
            lines.append(InvoiceLine(key, amount))
            total += amount
    made: list[Planned] = []
    if lines:
        income = _income(statement, part, lines, policy, customer, revision)
        made += [income, _payment(statement, part, income.key, total, policy, customer, revision)]
    on_invoice = {line.key for line in lines}
    return made + [
        _expense(statement, part, key, -amount, policy, revision) for key, amount in booked if key not in on_invoice
    ]


def carried_by(document: Document) -> dict[LineKey, int]:
    """Return what a document carries of its part by line key, positive where it raises what Amazon owes."""
    match document:
        case Invoice(lines=lines):
            return {line.key: line.amount for line in lines}
        case Expense(key=key, amount=amount):
            return {key: -amount}
        case _:
            return {}


def reconciling(
    statement: Statement,
    left: Mapping[int, Amounts],
    movements: Sequence[Document],
    payout: Document | None,
    pairings: Sequence[Pairing],
) -> dict[LineKey, int]:
    """Return what stays out of the books by account, debit positive, without zeros.

    ``movements`` and ``payout`` are the documents that other ledgers would get. What they leave on CLEARING follows from
    the header, so that the sum is a proof and not the same figures again.
    """
    header = statement.header
    found: dict[LineKey, int] = {}
    for amounts in left.values():
        for key, amount in amounts.items():
            if not is_booked(key):
                found[key] = found.get(key, 0) - amount
    for document in (*movements, *([payout] if payout else ())):
        for key, amount in effect(document).items():
            found[key] = found.get(key, 0) + amount
    paid_out = own_total(payout) if payout else 0
    paired = sum(pairing.amount for pairing in pairings if pairing.withheld)
    found[AccountKey.CLEARING] = header.total - statement.opening_debt - paid_out - statement.unknown_amount - paired
    return {key: amount for key, amount in by_account(found) if amount}


def vendor_of(statement: Statement) -> str:
    """Return who is paid: Amazon, of the settlement's marketplace where it has only one."""
    names = {one.marketplace for one in statement.sums if one.marketplace}
    name = names.pop() if len(names) == 1 else ""
    return name if name.startswith(VENDOR) else f"{VENDOR} {name}".strip()


def _income(
    statement: Statement, part: Part, lines: Sequence[InvoiceLine], policy: Policy, customer: str, revision: int
) -> Planned:
    header = statement.header
    invoice = Invoice(
        number=settlement_number(header.settlement_id, part.n, revision),
        on=part.on,
        currency=header.currency,
        customer=customer,
        lines=tuple(lines),
        order_id="",
        memo=_memo(statement, part),
        income=policy.income_to,
    )
    return Planned(settlement_key(header.settlement_id, part.n, "income", revision), invoice, part=part.n)


def _payment(
    statement: Statement, part: Part, invoice: str, total: int, policy: Policy, customer: str, revision: int
) -> Planned:
    header = statement.header
    payment = Payment(
        reference=settlement_number(header.settlement_id, part.n, revision),
        on=part.on,
        currency=header.currency,
        customer=customer,
        account=policy.payments_to,
        cover=Cover(invoice, total),
        memo=_memo(statement, part),
    )
    key = settlement_key(header.settlement_id, part.n, INCOME_PAYMENT, revision)
    return Planned(key, payment, depends_on=(invoice,), part=part.n)


def _expense(statement: Statement, part: Part, key: LineKey, amount: int, policy: Policy, revision: int) -> Planned:
    header = statement.header
    expense = Expense(
        number=f"{settlement_number(header.settlement_id, part.n, revision)}:{key}",
        on=part.on,
        currency=header.currency,
        key=key,
        amount=amount,
        account=policy.payments_to,
        vendor=vendor_of(statement),
        memo=_memo(statement, part),
    )
    return Planned(settlement_key(header.settlement_id, part.n, f"expense/{key}", revision), expense, part=part.n)


def _memo(statement: Statement, part: Part) -> str:
    return f"Amazon settlement {statement.header.settlement_id}, {part.month:%Y-%m}"

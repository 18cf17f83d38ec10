"""Documents in home money, one by one.

Every line is converted by itself, half-even, and one account takes the cent. Each document keeps the one it was made from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.check import check_documents
from bookkeeping.documents import Document, EntryLine, Invoice, InvoiceLine, JournalEntry, Payment, Undo
from bookkeeping.entries import effect, entry_lines
from bookkeeping.exchange import converted
from bookkeeping.money import shown
from bookkeeping.planned import PlanBroken, Planned
from bookkeeping.policy import Policy
from bookkeeping.terms import Carrying, with_rate
from bookkeeping.undo import reversal_of


def invoice_in_home(invoice: Invoice, rate: str, home: str) -> Invoice:
    """Return an invoice in home money: each line by itself; units are told in words where they no longer divide it."""
    lines = [_line_in_home(line, invoice.currency, rate, home) for line in invoice.lines]
    if (total := sum(line.amount for line in lines)) <= 0:  # worth less than the smallest coin
        at = max(range(len(lines)), key=lambda n: (lines[n].amount, -n))
        lines[at] = replace(lines[at], amount=lines[at].amount + 1 - total, quantity=1)
    return replace(
        invoice,
        currency=home,
        lines=tuple(line for line in lines if line.amount),
        memo=noted(invoice.memo, invoice.total, invoice.currency, rate),
        rate="",
    )


def entry_in_home(
    entry: JournalEntry,
    rate: str,
    home: str,
    *,
    further: Mapping[LineKey, int] | None = None,
    known: Mapping[LineKey, int] | None = None,
    rest: LineKey = AccountKey.CLEARING,
) -> JournalEntry:
    """Return an entry in home money, with ``further`` amounts (credit positive). Every line is converted by itself, but for
    those whose amount is ``known``, and the account ``rest`` takes what that leaves over."""
    amounts: dict[LineKey, int] = {}
    said: dict[LineKey, str] = {}
    for line in entry.lines:
        signed = line.credit - line.debit
        said[line.key] = shown(abs(signed), entry.currency)
        if line.key != rest:
            amounts[line.key] = amounts.get(line.key, 0) + converted(signed, entry.currency, rate, home)
    amounts |= known or {}
    for key, amount in (further or {}).items():
        amounts[key] = amounts.get(key, 0) + amount
    if entry.lines and not any(amounts.values()):  # worth less than the smallest coin, and still a document
        largest = max((line for line in entry.lines if line.key != rest), key=lambda line: max(line.credit, line.debit))
        amounts[largest.key] = 1 if largest.credit else -1
    lines = tuple(_described(line, said) for line in entry_lines(amounts, rest))
    return replace(entry, currency=home, lines=lines, memo=f"{entry.memo}; {at_rate(entry.currency, rate)}", rate="")


def close_out_in_home(documents: Sequence[Planned], carrying: Carrying, home: str) -> tuple[Planned, ...]:
    """Return what closes an invoice in home money: the open rest of it as booked goes out of the income it came from, and
    CLEARING nets to nothing."""
    rest = carrying.total - carrying.paid
    found = []
    for planned in documents:
        document = planned.document
        if isinstance(document, Payment):
            made: Document = payment_in_home(document, rest, carrying.rate, home)
        elif isinstance(document, JournalEntry):
            made = _taken_back(document, rest, carrying.rate, home)
        else:
            made = document
        found.append(replace(planned, document=made, original=with_rate(document, carrying.rate)))
    check_documents(found)
    return tuple(found)


def _taken_back(entry: JournalEntry, rest: int, rate: str, home: str) -> JournalEntry:
    """Return the entry with CLEARING at exactly ``rest``: its largest line takes the cent."""
    made = entry_in_home(entry, rate, home)
    amounts = {line.key: line.credit - line.debit for line in made.lines if line.key != AccountKey.CLEARING}
    largest = max(amounts, key=lambda key: (abs(amounts[key]), key))
    amounts[largest] += -rest - sum(amounts.values())
    said = {line.key: line.description for line in made.lines}
    return replace(made, lines=tuple(_described(line, said) for line in entry_lines(amounts, AccountKey.CLEARING)))


def payment_in_home(payment: Payment, home: int, rate: str, home_currency: str) -> Payment:
    return replace(
        payment,
        currency=home_currency,
        cover=replace(payment.cover, amount=home),
        memo=noted(payment.memo, payment.total, payment.currency, rate),
        rate="",
    )


def _line_in_home(line: InvoiceLine, currency: str, rate: str, home: str) -> InvoiceLine:
    amount = converted(line.amount, currency, rate, home)
    units = line.quantity
    divides = units <= 1 or amount % units == 0
    words = "" if divides else f"{units} units"
    said = ", ".join(text for text in (words, line.description, shown(line.amount, currency)) if text)
    return replace(line, amount=amount, quantity=units if divides else 1, description=said)


def _described(line: EntryLine, said: Mapping[LineKey, str]) -> EntryLine:
    return replace(line, description=said.get(line.key, ""))


def noted(memo: str, amount: int, currency: str, rate: str) -> str:
    return f"{memo}; {shown(amount, currency)} at {rate}"


def at_rate(currency: str, rate: str) -> str:
    return f"{currency} at {rate}"


# Accounts moved later --------------------------------------------------------------------------------------------------


def moved_accounts(
    documents: Sequence[Planned], live: Mapping[str, Document], policy: Policy, rate: str, home: str
) -> tuple[Planned, ...]:
    """Return what ``undo.remap`` made of the documents before they were converted, in home money again.

    ``live`` are the entries in the books by key, as they were converted. What takes one back is that very entry the other
    way round. The one that comes in its place has what the rate moved, and what payments brought, as that one had it.
    """
    passing = {AccountKey.FX, AccountKey.DEFERRED, policy.income_to, policy.payments_to} - {AccountKey.CLEARING, ""}
    found = []
    for planned in documents:
        document = planned.document
        backs = [key.removesuffix("/undo") for key in planned.depends_on]
        if isinstance(document, Undo):
            reversal = reversal_of(live[document.target]) if document.reversal else None
            found.append(replace(planned, document=replace(document, reversal=reversal)))
        elif not isinstance(document, JournalEntry):
            raise PlanBroken(f"{planned.key} is a {document.kind}, whose accounts are not moved in home money")
        elif "/reversal" in planned.key:
            made = reversal_of(live[planned.depends_on[0]], document.on)
            found.append(replace(planned, document=made, original=with_rate(document, rate)))
        else:
            was = [
                live[key.replace("/reversal", "/entry")] for key in backs if key.replace("/reversal", "/entry") in live
            ]
            same_day = [one for one in was if getattr(one, "number", "").partition(".")[2] == _chunk(document.number)]
            known: dict[LineKey, int] = {}
            for one in same_day:
                known |= {key: -amount for key, amount in effect(one).items() if key in passing}
            made = entry_in_home(document, rate, home, known=known)
            found.append(replace(planned, document=made, original=with_rate(document, rate)))
    check_documents(found)
    return tuple(found)


def _chunk(number: str) -> str:
    return number.partition(".")[2]

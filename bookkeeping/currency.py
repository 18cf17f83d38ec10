"""Settlements in another currency than the books': the step after ``carry.plan``, which knows only the settlement's own.

``native``: documents stay in the settlement's currency and carry its rate; the ledger computes home money. ``convert``:
documents are in home money, and each keeps the one it was made from. There every line is converted by itself, half-even,
and CLEARING takes the cent. What a rate did between invoice and settlement, or settlement and payout, goes to FX; what
Amazon keeps of a converted payout, to FX_COST.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum, unique
from fractions import Fraction
from typing import Final

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.check import check_documents
from bookkeeping.coverage import Coverage, OpenInvoice
from bookkeeping.documents import (
    Cover,
    Deposit,
    Document,
    EntryLine,
    Expense,
    Invoice,
    InvoiceLine,
    JournalEntry,
    Payment,
    Transfer,
    Undo,
)
from bookkeeping.entries import effect, entry_lines, own_total
from bookkeeping.exchange import converted, exactly, rate_of
from bookkeeping.figures import Statement
from bookkeeping.income_and_expenses import VENDOR
from bookkeeping.invoices import customer_symbol
from bookkeeping.money import shown
from bookkeeping.numbering import settlement_key, settlement_number
from bookkeeping.planned import Plan, PlanBroken, Planned
from bookkeeping.policy import Policy
from bookkeeping.remarks import Flag, FlagKind, Hold, HoldReason
from bookkeeping.undo import reversal_of

# Where documents stay in the settlement's currency, so does this account; ledgers keep other assets in home money.
OF_SETTLEMENT: Final = frozenset({AccountKey.CLEARING})


@unique
class Strategy(StrEnum):
    NATIVE = "native"
    CONVERT = "convert"


@dataclass(frozen=True, slots=True)
class Terms:
    """At which rates a settlement becomes home money, and what is known of its payout there.

    ``rate`` is that of the entry date of its last part, ``spot`` that of the deposit day; "" where there is none, and
    ``no_rate`` and ``no_spot`` say so. ``received`` (minor units of ``home``) is what the bank got, None where nobody
    knows yet, and ``said`` what Amazon says of such a payout, with what to do; "" where it says nothing. ``brought`` is
    what the debt that the settlement opens with stands for on CLEARING in home money, None where it is not known;
    ``withheld`` the same of payouts that were never booked, by settlement. ``returned`` is what payouts that came back
    had brought. ``kept`` are the accounts in the settlement's own currency (native only). ``payout`` is the payout as
    it was sent: it stays.
    """

    strategy: Strategy
    home: str
    rate: str
    spot: str = ""
    received: int | None = None
    said: str = ""
    brought: int | None = None
    withheld: Mapping[str, int] = field(default_factory=dict)
    returned: Mapping[str, int] = field(default_factory=dict)
    kept: frozenset[LineKey] = OF_SETTLEMENT
    payout: Document | None = None
    no_rate: str = ""
    no_spot: str = ""


@dataclass(frozen=True, slots=True)
class Carrying:
    """An invoice in home money: its ``total``, what is ``paid`` of it, and the ``rate`` at which it was made."""

    rate: str
    total: int
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Booked:
    """A plan in terms of home money. ``carrying`` is what the settlement leaves on CLEARING before its payout, debit
    positive; after it nothing is left, but for ``residue`` (native only), which the ledger has to revalue."""

    plan: Plan
    carrying: int
    residue: int = 0


def book(
    plan: Plan,
    statement: Statement,
    terms: Terms,
    *,
    policy: Policy,
    revision: int = 1,
    open_invoices: Sequence[OpenInvoice] = (),
    carrying: Mapping[str, Carrying] | None = None,
) -> Booked:
    """Return the plan as it is sent to books in ``terms.home``.

    ``policy`` and ``open_invoices`` are those ``carry.plan`` was given, ``carrying`` the same in home money, by key (convert only).

    Raises:
        PlanBroken: a document came out wrong.
    """
    if not terms.rate:
        held = Hold(HoldReason.NO_RATE, terms.no_rate, statement.header.currency)
        return Booked(replace(plan, documents=tuple(one.hold(held) for one in plan.documents)), 0)
    if terms.strategy is Strategy.NATIVE:
        return _native(plan, statement, terms)
    return _Converter(plan, statement, terms, policy, revision, open_invoices, carrying or {}).booked()


def is_payout(planned: Planned) -> bool:
    return planned.not_before is not None and "/P/" in planned.key


def with_rate(document: Document, rate: str) -> Document:
    """Return a document with the rate at which the ledger is to take it."""
    if isinstance(document, (Invoice, Payment, JournalEntry, Transfer, Deposit, Expense)):
        return replace(document, rate=rate)
    return document


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
        memo=_noted(invoice.memo, invoice.total, invoice.currency, rate),
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
    return replace(entry, currency=home, lines=lines, memo=f"{entry.memo}; {_at(entry.currency, rate)}", rate="")


def close_out_in_home(documents: Sequence[Planned], carrying: Carrying, home: str) -> tuple[Planned, ...]:
    """Return what closes an invoice in home money: the open rest of it as booked goes out of the income it came from, and
    CLEARING nets to nothing."""
    rest = carrying.total - carrying.paid
    found = []
    for planned in documents:
        document = planned.document
        if isinstance(document, Payment):
            made: Document = _payment_in_home(document, rest, carrying.rate, home)
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


# Native ---------------------------------------------------------------------------------------------------------------


def _native(plan: Plan, statement: Statement, terms: Terms) -> Booked:
    documents = []
    paid_out = False
    for planned in plan.documents:
        if is_payout(planned):
            one = _native_payout(planned, terms)
            paid_out = one.held is None
            documents.append(one)
        else:
            documents.append(replace(planned, document=_native_document(plan, planned, terms)))
    carried = _native_carrying(plan, statement, terms)
    residue = 0
    flags = plan.flags
    if paid_out and terms.received is not None and not _both_kept(plan, terms):
        residue = carried - terms.received
        if residue:
            flags = (*flags, _residue(residue, terms.home))
    check_documents(documents)
    return Booked(replace(plan, documents=tuple(documents), flags=flags), carried, residue)


def _native_document(plan: Plan, planned: Planned, terms: Terms) -> Document:
    document = with_rate(planned.document, terms.rate)
    if not isinstance(document, Transfer) or terms.kept >= {document.source, document.target}:
        return document
    came_back = next((one for one in plan.pairings if f"/L{one.line}/" in planned.key), None)
    at_rate = converted(document.amount, document.currency, terms.rate, terms.home)
    home = terms.returned.get(came_back.settlement_id, at_rate) if came_back else at_rate
    return _at_received(document, home, terms.home)


def _native_payout(planned: Planned, terms: Terms) -> Planned:
    if terms.payout is not None:
        return replace(planned, document=terms.payout)
    document = planned.document
    if not isinstance(document, Transfer) or terms.kept >= {document.source, document.target}:
        return replace(planned, document=with_rate(document, terms.rate))
    if terms.received is None:
        return replace(planned, document=with_rate(document, terms.rate)).hold(_ask(document, terms))
    return replace(planned, document=_at_received(document, terms.received, terms.home))


def _at_received(document: Transfer, received: int, home: str) -> Transfer:
    return replace(document, received=received, rate=rate_of(document.amount, document.currency, received, home))


def _both_kept(plan: Plan, terms: Terms) -> bool:
    payouts = [one.document for one in plan.documents if is_payout(one)]
    return all(isinstance(one, Transfer) and terms.kept >= {one.source, one.target} for one in payouts)


def _native_carrying(plan: Plan, statement: Statement, terms: Terms) -> int:
    """Return what the settlement leaves on CLEARING in home money, as the ledger converts its documents line by line."""
    own = own_home = 0
    for planned in plan.documents:
        if is_payout(planned):
            continue
        moved = effect(planned.document)
        own += moved.get(AccountKey.CLEARING, 0)
        if AccountKey.CLEARING in moved:
            currency = statement.header.currency
            others = (
                converted(amount, currency, terms.rate, terms.home)
                for key, amount in moved.items()
                if key != AccountKey.CLEARING
            )
            own_home -= sum(others)
    return own_home + _beside(plan, statement, terms, own)


def _beside(plan: Plan, statement: Statement, terms: Terms, own: int) -> int:
    """Return the home money on CLEARING that a settlement's payout takes beside what its own documents (``own``, in its
    currency) put there: the debt it opened with, payouts that were withheld, and rows that nobody has decided yet."""
    header = statement.header
    withheld = [one for one in plan.pairings if one.withheld]

    def at_rate(amount: int) -> int:
        return converted(amount, header.currency, terms.rate, terms.home)

    brought = terms.brought if terms.brought is not None else at_rate(statement.opening_debt)
    home = brought if statement.opening_debt else 0
    home += sum(terms.withheld.get(one.settlement_id, at_rate(one.amount)) for one in withheld)
    rest = header.total - own - statement.opening_debt - sum(one.amount for one in withheld)
    return home + at_rate(rest)


def _residue(residue: int, home: str) -> Flag:
    text = (
        f"The payout leaves {shown(residue, home)} on the clearing account in home money only: what the exchange rate moved "
        "between the settlement and the payout. Revalue the account in the ledger, and it goes to exchange gain or loss"
    )
    return Flag(FlagKind.EXCHANGE_RESIDUE, text, amount=residue)


def _ask(payout: Document, terms: Terms) -> Hold:
    return _ask_for(own_total(payout), getattr(payout, "currency", ""), terms)


def _ask_for(amount: int, currency: str, terms: Terms) -> Hold:
    text = terms.said or (
        f"Amazon paid out {shown(amount, currency)}, and nobody has said how much of {terms.home} arrived. "
        "Enter the amount on your bank statement on the settlement's page."
    )
    return Hold(HoldReason.AMOUNT_RECEIVED, text, terms.home)


# Convert --------------------------------------------------------------------------------------------------------------


class _Converter:
    def __init__(
        self,
        plan: Plan,
        statement: Statement,
        terms: Terms,
        policy: Policy,
        revision: int,
        open_invoices: Sequence[OpenInvoice],
        carrying: Mapping[str, Carrying],
    ) -> None:
        self.plan, self.statement, self.terms = plan, statement, terms
        self.policy, self.revision = policy, revision
        self.currency = statement.header.currency
        self.carrying = dict(carrying)
        self.left = {one.key: one.balance for one in (*open_invoices, *plan.invoices)}
        # By part: what covered amounts stand for in the books, and what the rate moved since they were invoiced, by line key.
        self.covered: dict[tuple[int, date], int] = {}
        self.moved: dict[tuple[int, date], dict[LineKey, Fraction]] = {}

    def booked(self) -> Booked:
        payments = self._payments()
        further = {place: self._further(place, by_key) for place, by_key in self.moved.items()}
        documents: list[Planned] = []
        for planned in self.plan.documents:
            if is_payout(planned):
                documents.append(planned)
            elif planned.key in payments:
                documents.append(payments[planned.key])
            else:
                documents.append(self._document(planned, further))
        if self.policy.income_and_expenses:
            documents += self._without_entries(further)
            check_documents(documents)
            total = self.statement.header.total
            return Booked(
                replace(self.plan, documents=tuple(documents)),
                converted(total, self.currency, self.terms.rate, self.terms.home),
            )
        at = next((n for n, one in enumerate(documents) if is_payout(one)), len(documents))
        documents[at:at] = [self._only_moved(place, amounts) for place, amounts in sorted(further.items()) if amounts]
        carried = self._carrying(documents)
        documents = [self._payout(one, carried) if is_payout(one) else one for one in documents]
        check_documents(documents)
        return Booked(replace(self.plan, documents=tuple(documents)), carried)

    def _payments(self) -> dict[str, Planned]:
        """Return the payments at what the invoices stand for, and note what that leaves to FX."""
        for planned in self.plan.documents:
            if isinstance(planned.document, Invoice):
                made = invoice_in_home(planned.document, self.terms.rate, self.terms.home)
                self.carrying[planned.key] = Carrying(self.terms.rate, made.total)
        payments = {
            (planned.document.cover.invoice, planned.part): planned
            for planned in self.plan.documents
            if isinstance(planned.document, Payment)
        }
        found: dict[str, Planned] = {}
        for coverage in sorted(self.plan.coverage, key=lambda one: one.part):
            paying = payments.get((coverage.invoice, coverage.part))
            if not coverage.amount or (paying is None and coverage.receivable != AccountKey.DEFERRED):
                continue
            rate, home = self._taken(coverage)
            if paying is None:
                self._note(coverage, self.statement.part(coverage.part).on, rate, home)
                continue
            payment = paying.document
            assert isinstance(payment, Payment)
            self._note(coverage, payment.on, rate, home)
            paid = _payment_in_home(payment, home, rate, self.terms.home)
            found[paying.key] = replace(paying, document=paid, original=with_rate(payment, self.terms.rate))
        for paying in payments.values():
            if paying.key not in found:  # of a month's own income invoice, which no order is covered by
                payment = paying.document
                assert isinstance(payment, Payment)
                whole = self.carrying[payment.cover.invoice].total
                paid = _payment_in_home(payment, whole, self.terms.rate, self.terms.home)
                found[paying.key] = replace(paying, document=paid, original=with_rate(payment, self.terms.rate))
        return found

    def _taken(self, coverage: Coverage) -> tuple[str, int]:
        """Return the rate of a covered invoice, and what is taken off it in home money: all that is left with the last."""
        if coverage.invoice not in self.carrying:
            raise PlanBroken(f"nobody knows what invoice {coverage.number} stands for in {self.terms.home}")
        invoice = self.carrying[coverage.invoice]
        self.left[coverage.invoice] -= coverage.amount
        open_home = invoice.total - invoice.paid
        home = converted(coverage.amount, self.currency, invoice.rate, self.terms.home)
        home = min(max(home, 1), open_home) if self.left[coverage.invoice] else open_home
        self.carrying[coverage.invoice] = replace(invoice, paid=invoice.paid + home)
        return invoice.rate, home

    def _note(self, coverage: Coverage, on: date, rate: str, home: int) -> None:
        # Only an entry that moves payments on has a day of its own for each of theirs.
        place = (coverage.part, on if self.policy.income_to else self.statement.part(coverage.part).on)
        self.covered[place] = self.covered.get(place, 0) + home
        moved = self.moved.setdefault(place, {})
        for key, amount in coverage.by_key.items():
            now, then = (exactly(amount, self.currency, at, self.terms.home) for at in (self.terms.rate, rate))
            moved[key] = moved.get(key, Fraction(0)) + now - then

    def _further(self, place: tuple[int, date], by_key: Mapping[LineKey, Fraction]) -> dict[LineKey, int]:
        """Return what the rate moved since the invoices of a month were made, as lines of its entry. Where that entry books
        their income, the income stays what it was invoiced at."""
        if not self.policy.income_to or self.policy.income_and_expenses:
            moved = round(sum(by_key.values(), Fraction(0)))
            return {AccountKey.FX: moved} if moved else {}
        lines = {key: -round(amount) for key, amount in by_key.items() if round(amount)}
        return {**lines, AccountKey.FX: -sum(lines.values())} if lines else {}

    def _document(self, planned: Planned, further: dict[tuple[int, date], dict[LineKey, int]]) -> Planned:
        document, rate, home = planned.document, self.terms.rate, self.terms.home
        match document:
            case Invoice():
                made: Document = invoice_in_home(document, rate, home)
            case JournalEntry():
                place = (planned.part, document.on)
                of_part = "/entry" in planned.key and bool(document.lines)
                made = entry_in_home(
                    document,
                    rate,
                    home,
                    further=further.pop(place, None) if of_part else None,
                    known=self._waiting(document, self.covered.get(place, 0)) if of_part else None,
                )
            case Transfer():
                made = self._movement(planned, document)
            case Expense():
                amount = max(converted(document.amount, self.currency, rate, home), 1)
                memo = _noted(document.memo, document.amount, self.currency, rate)
                made = replace(document, currency=home, amount=amount, memo=memo)
            case _:
                raise PlanBroken(f"{planned.key} is a {document.kind}, which is not converted")
        return replace(planned, document=made, original=with_rate(document, rate))

    def _waiting(self, entry: JournalEntry, covered: int) -> dict[LineKey, int]:
        """Return the lines that move on what payments and invoices brought: exactly that, whatever the rate is by now."""
        passing = {AccountKey.DEFERRED, self.policy.income_to, self.policy.payments_to} - {AccountKey.CLEARING, ""}
        return {
            line.key: covered if line.credit else -covered for line in entry.lines if line.key in passing and covered
        }

    def _movement(self, planned: Planned, transfer: Transfer) -> Document:
        """Return a movement at the settlement's rate; a payout that came back takes off the bank what it had brought."""
        home, rate = self.terms.home, self.terms.rate
        amount = max(converted(transfer.amount, self.currency, rate, home), 1)
        memo = _noted(transfer.memo, transfer.amount, self.currency, rate)
        came_back = next((one for one in self.plan.pairings if f"/L{one.line}/" in planned.key), None)
        had = self.terms.returned.get(came_back.settlement_id, amount) if came_back else amount
        if "/onward/" in planned.key:
            amount = had
        if had == amount:
            return replace(transfer, currency=home, amount=amount, memo=memo)
        amounts = {transfer.source: had, AccountKey.FX: amount - had}
        return JournalEntry(transfer.number, transfer.on, home, entry_lines(amounts, transfer.target), memo)

    def _only_moved(self, place: tuple[int, date], amounts: Mapping[LineKey, int]) -> Planned:
        """Return the entry of a part of which payments carry all but what the rate moved."""
        sid, part = self.statement.header.settlement_id, self.statement.part(place[0])
        entry = JournalEntry(
            settlement_number(sid, part.n, self.revision),
            part.on,
            self.terms.home,
            entry_lines(amounts, AccountKey.CLEARING),
            f"Amazon settlement {sid}, {part.month:%Y-%m}; {_at(self.currency, self.terms.rate)}",
        )
        nothing = replace(entry, currency=self.currency, lines=(), rate=self.terms.rate)
        return Planned(settlement_key(sid, part.n, "entry", self.revision), entry, part=part.n, original=nothing)

    def _without_entries(self, further: Mapping[tuple[int, date], Mapping[LineKey, int]]) -> list[Planned]:
        """Return what a ledger without entries gets for what rates moved and Amazon kept: an expense, or an income invoice
        with its payment, for the net of each month and of the payout. The payout itself stays out of such books."""
        made: list[Planned] = []
        for (n, _), amounts in sorted(further.items()):
            if amounts:
                made += self._net(str(n), self.statement.part(n).on, sum(amounts.values()), n)
        header, terms = self.statement.header, self.terms
        if header.total <= 0:
            return made
        if terms.received is None:
            asked = _ask_for(header.total, self.currency, terms)
            waiting = self._income("P", header.deposit_on, ())
            key = settlement_key(header.settlement_id, "P", "exchange-income", self.revision)
            return [*made, Planned(key, waiting, held=asked, not_before=header.deposit_on)]
        worth = converted(header.total, self.currency, terms.rate, terms.home)
        net = self._net("P", header.deposit_on, terms.received - worth, 0)
        return [*made, *(replace(one, not_before=header.deposit_on) for one in net)]

    def _net(self, part: str, on: date, net: int, n: int) -> list[Planned]:
        """Return the documents of a gain (> 0) or a loss by exchange rates."""
        sid = self.statement.header.settlement_id
        number = f"{settlement_number(sid, part, self.revision)}:{AccountKey.FX_COST}"
        memo = f"Exchange rates of Amazon settlement {sid}"
        if net < 0:
            expense = Expense(
                number, on, self.terms.home, AccountKey.FX_COST, -net, self.policy.payments_to, VENDOR, memo
            )
            nothing = replace(expense, currency=self.currency, amount=0, rate=self.terms.rate)
            key = settlement_key(sid, part, "exchange-expense", self.revision)
            return [Planned(key, expense, part=n, original=nothing)]
        if not net:
            return []
        income = self._income(part, on, (InvoiceLine(AccountKey.FX, net),))
        key = settlement_key(sid, part, "exchange-income", self.revision)
        payment = Payment(
            income.number, on, self.terms.home, income.customer, self.policy.payments_to, Cover(key, net), income.memo
        )
        paying = settlement_key(sid, part, "exchange-payment", self.revision)
        own, rate = self.currency, self.terms.rate
        return [
            Planned(key, income, part=n, original=replace(income, currency=own, lines=(), rate=rate)),
            Planned(
                paying,
                payment,
                depends_on=(key,),
                part=n,
                original=replace(payment, currency=own, cover=Cover(key, 0), rate=rate),
            ),
        ]

    def _income(self, part: str, on: date, lines: tuple[InvoiceLine, ...]) -> Invoice:
        sid = self.statement.header.settlement_id
        number = f"{settlement_number(sid, part, self.revision)}X"
        customer = customer_symbol("", self.terms.home)
        memo = f"Exchange rates of Amazon settlement {sid}"
        return Invoice(number, on, self.terms.home, customer, lines, "", memo, income=self.policy.income_to)

    def _carrying(self, documents: Sequence[Planned]) -> int:
        own = own_home = 0
        for planned in documents:
            if not is_payout(planned):
                own_home += effect(planned.document).get(AccountKey.CLEARING, 0)
                own += effect(planned.original or planned.document).get(AccountKey.CLEARING, 0)
        return own_home + _beside(self.plan, self.statement, self.terms, own)

    def _payout(self, planned: Planned, carrying: int) -> Planned:
        document, terms = planned.document, self.terms
        if not isinstance(document, Transfer):
            raise PlanBroken("a payout in another currency is a transfer before it is converted")
        original = with_rate(document, terms.rate)
        if terms.payout is not None and "/payout/" in planned.key:
            return replace(planned, document=terms.payout, original=original)
        if terms.received is None:
            return planned.hold(_ask(document, terms))
        if not terms.spot:
            return planned.hold(Hold(HoldReason.NO_RATE, terms.no_spot, self.currency))
        if AccountKey.CLEARING not in (document.source, document.target):
            moved = replace(document, currency=terms.home, amount=terms.received)
            return replace(planned, document=moved, original=original)
        worth = converted(document.amount, self.currency, terms.spot, terms.home)
        amounts: dict[LineKey, int] = {
            document.target: -terms.received,
            AccountKey.FX_COST: terms.received - worth,
            AccountKey.FX: worth - carrying,
        }
        entry = JournalEntry(
            document.number,
            document.on,
            terms.home,
            entry_lines(amounts, AccountKey.CLEARING),
            f"{_noted(document.memo, document.amount, self.currency, terms.spot)}",
        )
        return replace(planned, document=entry, original=original)


def _payment_in_home(payment: Payment, home: int, rate: str, home_currency: str) -> Payment:
    return replace(
        payment,
        currency=home_currency,
        cover=replace(payment.cover, amount=home),
        memo=_noted(payment.memo, payment.total, payment.currency, rate),
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


def _noted(memo: str, amount: int, currency: str, rate: str) -> str:
    return f"{memo}; {shown(amount, currency)} at {rate}"


def _at(currency: str, rate: str) -> str:
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

"""A settlement in home money: the step after ``carry.plan``, which knows only the settlement's own.

Every line is converted by itself, and CLEARING takes the cent. What a rate did between invoice and settlement, or
settlement and payout, goes to FX; what Amazon keeps of a converted payout, to FX_COST.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.check import check_documents
from bookkeeping.coverage import Coverage, OpenInvoice
from bookkeeping.documents import (
    Cover,
    Document,
    Expense,
    Invoice,
    InvoiceLine,
    JournalEntry,
    Payment,
    Transfer,
)
from bookkeeping.entries import effect, entry_lines, own_total
from bookkeeping.exchange import converted, exactly
from bookkeeping.figures import Statement
from bookkeeping.in_home import at_rate, entry_in_home, invoice_in_home, noted, payment_in_home
from bookkeeping.income_and_expenses import VENDOR
from bookkeeping.invoices import customer_symbol
from bookkeeping.numbering import settlement_key, settlement_number
from bookkeeping.planned import Plan, PlanBroken, Planned
from bookkeeping.policy import Policy
from bookkeeping.remarks import Hold, HoldReason
from bookkeeping.terms import Booked, Carrying, Terms, ask_for, beside, is_payout, with_rate


class Converter:
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
            documents += self._moved_by_month(further)
            carried = self._carrying(documents, self.policy.payments_to)
            documents += self._paid_out(carried)
            self._check(documents)
            return Booked(replace(self.plan, documents=tuple(documents)), carried)
        at = next((n for n, one in enumerate(documents) if is_payout(one)), len(documents))
        documents[at:at] = [self._only_moved(place, amounts) for place, amounts in sorted(further.items()) if amounts]
        carried = self._carrying(documents, AccountKey.CLEARING)
        documents = [self._payout(one, carried) if is_payout(one) else one for one in documents]
        self._check(documents)
        return Booked(replace(self.plan, documents=tuple(documents)), carried)

    def _check(self, documents: Sequence[Planned]) -> None:
        # A net on CLEARING that is worth less than the smallest coin is gone, and the ledger that minds holds that entry alone.
        check_documents(documents, replace(self.policy, entry_through_clearing=False))

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
            paid = payment_in_home(payment, home, rate, self.terms.home)
            found[paying.key] = replace(paying, document=paid, original=with_rate(payment, self.terms.rate))
        for paying in payments.values():
            if paying.key not in found:  # of a month's own income invoice, which no order is covered by
                payment = paying.document
                assert isinstance(payment, Payment)
                whole = self.carrying[payment.cover.invoice].total
                paid = payment_in_home(payment, whole, self.terms.rate, self.terms.home)
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
                memo = noted(document.memo, document.amount, self.currency, rate)
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
        memo = noted(transfer.memo, transfer.amount, self.currency, rate)
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
            f"Amazon settlement {sid}, {part.month:%Y-%m}; {at_rate(self.currency, self.terms.rate)}",
        )
        nothing = replace(entry, currency=self.currency, lines=(), rate=self.terms.rate)
        return Planned(settlement_key(sid, part.n, "entry", self.revision), entry, part=part.n, original=nothing)

    def _moved_by_month(self, further: Mapping[tuple[int, date], Mapping[LineKey, int]]) -> list[Planned]:
        """Return what a ledger without entries gets for what rates moved: an expense, or an income invoice with its payment,
        for the net of each month."""
        made: list[Planned] = []
        for (n, _), amounts in sorted(further.items()):
            if amounts:
                made += self._net(str(n), self.statement.part(n).on, sum(amounts.values()), n)
        return made

    def _paid_out(self, carried: int) -> list[Planned]:
        """Return the same for a payout, beside the ``carried`` that all other documents came to. It itself stays out of such
        books."""
        header, terms = self.statement.header, self.terms
        if header.total <= 0:
            return []
        if terms.received is None:
            asked = ask_for(header.total, self.currency, terms)
            waiting = self._income("P", header.deposit_on, ())
            key = settlement_key(header.settlement_id, "P", "exchange-income", self.revision)
            return [Planned(key, waiting, held=asked, not_before=header.deposit_on)]
        net = self._net("P", header.deposit_on, terms.received - carried, 0)
        return [replace(one, not_before=header.deposit_on) for one in net]

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

    def _carrying(self, documents: Sequence[Planned], account: LineKey) -> int:
        own = own_home = 0
        for planned in documents:
            if not is_payout(planned):
                own_home += effect(planned.document).get(account, 0)
                own += effect(planned.original or planned.document).get(account, 0)
        return own_home + beside(self.plan, self.statement, self.terms, own)

    def _payout(self, planned: Planned, carrying: int) -> Planned:
        document, terms = planned.document, self.terms
        if not isinstance(document, Transfer):
            raise PlanBroken("a payout in another currency is a transfer before it is converted")
        original = with_rate(document, terms.rate)
        if terms.payout is not None and "/payout/" in planned.key:
            return replace(planned, document=terms.payout, original=original)
        if terms.received is None:
            return planned.hold(ask_for(own_total(document), document.currency, terms))
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
            f"{noted(document.memo, document.amount, self.currency, terms.spot)}",
        )
        return replace(planned, document=entry, original=original)

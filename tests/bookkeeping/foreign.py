"""A company whose books are in another currency than its settlements: the same history, booked in home money."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from bookkeeping.accounts import AccountKey
from bookkeeping.currency import book
from bookkeeping.documents import Document, Invoice, JournalEntry, Payment, Revaluation, Transfer
from bookkeeping.entries import effect
from bookkeeping.exchange import converted
from bookkeeping.in_home import entry_in_home, invoice_in_home
from bookkeeping.planned import Plan
from bookkeeping.policy import Mode, Policy
from bookkeeping.shipment import Shipment
from bookkeeping.terms import Booked, Carrying, Strategy, Terms, with_rate
from tests.bookkeeping.company import Company


class Abroad(Company):
    """``rates`` are by settlement id, ``spots`` on their deposit days, ``shipped`` on the day of an invoice, ``received`` what
    the bank got; a settlement without one has its payout held."""

    def __init__(
        self, settlements, *, strategy: Strategy, home: str, zone, rates, spots, received, shipped=None, policy=None
    ) -> None:  # type: ignore[no-untyped-def]
        super().__init__(settlements, policy=policy or Policy(), zone=zone)
        self.strategy, self.home = strategy, home
        self.rates, self.spots, self.received = dict(rates), dict(spots), dict(received)
        self.shipped_at: dict[date, str] = shipped or {}
        self.booked: dict[str, Booked] = {}
        self.originals: dict[str, Document] = {}

    def terms(self, sid: str) -> Terms:
        ids = list(self.facts)
        before = ids[ids.index(sid) - 1] if ids.index(sid) else ""
        left = {one: self.booked[one].carrying for one in self.booked}
        return Terms(
            self.strategy,
            self.home,
            self.rates.get(sid, ""),
            spot=self.spots.get(sid, ""),
            received=self.received.get(sid),
            brought=left.get(before),
            brought_rounding=self.booked[before].rounding if before in self.booked else 0,
            withheld=left,
            returned={one: amount for one, amount in self.received.items() if amount is not None},
            no_rate="There is no rate",
            no_spot="There is no rate on the deposit day",
        )

    def plan(self, sid: str, mode: Mode) -> Plan:
        made = super().plan(sid, mode)
        opened = self.open_invoices(but=sid)
        booked = book(
            made,
            self.statement(sid),
            self.terms(sid),
            policy=self.policy,
            revision=self.revisions.get(sid, 1),
            open_invoices=opened,
            carrying={one.key: self.carrying(one.key, but=sid) for one in opened},
        )
        self.booked[sid] = booked
        self.originals |= {one.key: one.original for one in booked.plan.documents if one.original}
        return booked.plan

    def carrying(self, key: str, but: str = "") -> Carrying:
        """What an invoice stands for in the books, less what other settlements paid of it."""
        invoice = self.books.documents[key]
        original = self.originals.get(key, invoice)
        rate = getattr(original, "rate", "")
        if not isinstance(invoice, Invoice):  # an entry in its place: nothing pays it, and each month takes its share
            taken = [one.amount for one in self.coverage if one.invoice == key and one.settlement_id != but]
            paid = sum(converted(amount, getattr(original, "currency", ""), rate, self.home) for amount in taken)
            return Carrying(rate, effect(invoice).get(AccountKey.DEFERRED, 0), paid)
        paid = 0
        for sid, live in self.live.items():
            payments = [one.document for one in live if isinstance(one.document, Payment)] if sid != but else []
            paid += sum(one.total for one in payments if one.cover.invoice == key)
        return Carrying(rate, invoice.total, paid)

    def plan_shipment(self, order, cut_over_at=None) -> Shipment:  # type: ignore[no-untyped-def]
        made = super().plan_shipment(order, cut_over_at)
        if made.planned is None:
            return made
        invoice, rate = made.planned.document, self.shipped_at[order.on]
        if self.strategy is Strategy.NATIVE:
            return replace(made, planned=replace(made.planned, document=with_rate(invoice, rate)))
        original = with_rate(invoice, rate)
        self.originals[made.planned.key] = original
        if isinstance(invoice, JournalEntry):
            home: Document = entry_in_home(invoice, rate, self.home, rest=AccountKey.DEFERRED)
        else:
            assert isinstance(invoice, Invoice)
            home = invoice_in_home(invoice, rate, self.home)
        return replace(made, planned=replace(made.planned, document=home, original=original))

    def in_home(self) -> dict[str, int]:
        """Balances in home money, debit positive: as booked, or as a ledger that knows rates converts it by itself."""
        if self.strategy is Strategy.CONVERT:
            return self.books.balances()
        totals: Counter[str] = Counter()
        for document in self.books.live():
            totals.update(self._converted(document))
        return {key: amount for key, amount in sorted(totals.items()) if amount}

    def _converted(self, document: Document) -> Counter[str]:
        home: Counter[str] = Counter()
        if isinstance(document, Revaluation):
            return Counter(effect(document))
        for key, amount in effect(document).items():
            home[key] = converted(amount, getattr(document, "currency", ""), getattr(document, "rate", ""), self.home)
        if isinstance(document, Transfer) and document.received:
            home = Counter({document.target: document.received, document.source: -document.received})
        elif isinstance(document, Payment):
            invoice = self.books.documents[document.cover.invoice]
            owed = -converted(document.total, document.currency, getattr(invoice, "rate", ""), self.home)
            home["FX"] = -(home["CLEARING"] + owed)
            home["AR"] = owed
        else:
            rest = AccountKey.AR if isinstance(document, Invoice) else AccountKey.CLEARING
            home[rest] -= sum(home.values())
        return home


def settled_all(company: Abroad, modes: Iterable[Mode]) -> Abroad:
    for sid, mode in zip(company.facts, modes, strict=False):
        company.settle(sid, mode)
    return company

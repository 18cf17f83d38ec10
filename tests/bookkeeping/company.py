"""A company's whole history: what the flows remember between plans, in memory, with its books beside it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bookkeeping.accounts import AccountKey
from bookkeeping.carry import plan
from bookkeeping.corrections import close_out
from bookkeeping.coverage import Coverage, OpenInvoice, covered_by
from bookkeeping.documents import How, InvoiceLine, Kind, Undo
from bookkeeping.facts import Header, Row
from bookkeeping.planned import EarlierPayout, Pairing, Plan, Planned, Previous
from bookkeeping.policy import Mode, Policy
from bookkeeping.remarks import Hold, HoldReason
from bookkeeping.shipment import NoInvoice, Shipment, ShippedOrder, plan_shipment
from bookkeeping.statement import Resolve, Statement, build
from bookkeeping.undo import remap, undo
from tests.bookkeeping.books import Books
from tests.bookkeeping.meanings import classify

QUICKBOOKS = Policy(deposit=True)
JOURNALS = Policy(deposit=False)
_IN_TRANSIT = Policy(payouts_to=AccountKey.PAYOUTS, charges_to=AccountKey.PAYOUTS)
FRESHBOOKS = replace(_IN_TRANSIT, payments_to=AccountKey.PETTY, income_to=AccountKey.REVENUE)
FRESHBOOKS_DIRECT = Policy(payments_to=AccountKey.PETTY, income_to=AccountKey.REVENUE)
LITE = replace(FRESHBOOKS_DIRECT, income_and_expenses=True)
WAVE = replace(_IN_TRANSIT, entry_through_clearing=True)
WAVE_DIRECT = replace(WAVE, onward=True)
ZOHO = Policy(card_transfers=False, entry_lines=100, revalues=True)
ZOHO_JOURNALS = replace(ZOHO, order_entries=True)

LEDGERS = {
    "deposits": QUICKBOOKS,
    "journals": JOURNALS,
    "freshbooks": FRESHBOOKS,
    "freshbooks direct": FRESHBOOKS_DIRECT,
    "wave": WAVE,
    "wave direct": WAVE_DIRECT,
    "zoho invoices": ZOHO,
    "zoho journals": ZOHO_JOURNALS,
}

_VOIDING = {
    Kind.INVOICE: How.VOID,
    **dict.fromkeys((Kind.PAYMENT, Kind.ENTRY, Kind.TRANSFER, Kind.DEPOSIT), How.DELETE),
}
_DELETING = {**_VOIDING, **dict.fromkeys((Kind.INVOICE, Kind.EXPENSE, Kind.REVALUATION), How.DELETE)}
_REVERSING = {**_DELETING, Kind.ENTRY: How.REVERSE, Kind.TRANSFER: How.REVERSE}


def takes_back(policy: Policy) -> Mapping[Kind, How]:
    """What the ledger of a policy can do with what is in its books."""
    if policy.income_to or policy.entry_through_clearing:
        return _REVERSING
    return _DELETING if policy.entry_lines else _VOIDING


class Company:
    """``settlements`` are the facts the company will ever see, in order; they may be settled in any order.

    Everything planned is delivered at once, except what is held or waits for something held.
    """

    def __init__(
        self,
        settlements: Iterable[tuple[Header, list[Row]]],
        *,
        policy: Policy = QUICKBOOKS,
        zone: ZoneInfo,
        resolve: Resolve | None = None,
    ) -> None:
        self.facts = {header.settlement_id: (header, rows) for header, rows in settlements}
        self.policy, self.zone, self.resolve = policy, zone, resolve
        self.books = Books()
        self.plans: dict[str, Plan] = {}
        self.modes: dict[str, Mode] = {}
        self.statements: dict[str, Statement] = {}
        self.live: dict[str, list[Planned]] = {}
        self.invoices: dict[str, OpenInvoice] = {}
        self.coverage: list[Coverage] = []
        self.pairings: dict[str, tuple[Pairing, ...]] = {}
        self.numbers: dict[str, str] = {}
        self.revisions: dict[str, int] = {}
        self.unmapped: set[str] = set()
        self.failed: set[str] = set()

    def statement(self, sid: str) -> Statement:
        header, rows = self.facts[sid]
        return build(header, rows, classify=classify, zone_of=self.zone, resolve=self.resolve)

    def plan(self, sid: str, mode: Mode) -> Plan:
        ids = list(self.facts)
        before = ids.index(sid) - 1
        previous = self.statement(ids[before]) if before >= 0 else None
        return plan(
            self.statement(sid),
            mode=mode,
            policy=self.policy,
            open_invoices=self.open_invoices(but=sid),
            numbers=self.numbers,
            payouts=self._payouts(sid),
            previous=Previous(previous.header.total, previous.reserve_held) if previous else None,
            payout_failed=sid in self.failed,
            revision=self.revisions.get(sid, 1),
            check_line=self._check_line,
        )

    def settle(self, sid: str, mode: Mode) -> Plan:
        """Plan, remember and deliver one settlement."""
        made = self.plan(sid, mode)
        self.plans[sid], self.modes[sid], self.statements[sid] = made, mode, self.statement(sid)
        own = {planned.key for planned in made.documents}
        self.invoices = {key: one for key, one in self.invoices.items() if key not in own}
        self.invoices |= {one.key: one for one in made.invoices}
        self.coverage = [one for one in self.coverage if one.settlement_id != sid] + list(made.coverage)
        self.pairings[sid] = made.pairings
        self.numbers |= {one.number: one.key for one in made.invoices}
        self.live[sid] = self.deliver(made.documents)
        return made

    def deliver(self, documents: Iterable[Planned]) -> list[Planned]:
        waiting: set[str] = set()
        sent = []
        for planned in documents:
            if planned.held or waiting.intersection(planned.depends_on):
                waiting.add(planned.key)
                continue
            self.books.post(planned.key, planned.document)
            sent.append(planned)
        return sent

    def undo(self, sid: str, closed_until: date | None = None) -> tuple[Planned, ...]:
        """Take a settlement out of the books and forget what it covered."""
        steps = undo(self.live.pop(sid), how=takes_back(self.policy), closed_until=closed_until)
        for step in steps:
            assert isinstance(step.document, Undo)
            self.books.post(step.key, step.document)
        made = self.plans.pop(sid)
        self.coverage = [one for one in self.coverage if one.settlement_id != sid]
        for one in made.invoices:
            del self.invoices[one.key]
        self.pairings.pop(sid)
        self.revisions[sid] = self.revisions.get(sid, 1) + 1
        return steps

    def remap(self, sid: str, resolve: Resolve, closed_until: date | None, first_open_on: date | None) -> list[Planned]:
        self.resolve = resolve
        moved = remap(
            self.statement(sid),
            self.live[sid],
            [one for one in self.coverage if one.settlement_id == sid],
            policy=self.policy,
            how=takes_back(self.policy),
            revision=self.revisions.get(sid, 1) + 1,
            closed_until=closed_until,
            first_open_on=first_open_on,
        )
        self.revisions[sid] = self.revisions.get(sid, 1) + 1
        self.deliver(moved)
        return list(moved)

    def ship(self, order: ShippedOrder, cut_over_at: datetime | None = None) -> NoInvoice | None:
        """Invoice a shipped order; returns why not, where it is not."""
        shipment = self.plan_shipment(order, cut_over_at)
        if shipment.planned and shipment.invoice:
            self.invoices[shipment.invoice.key] = shipment.invoice
            self.numbers[shipment.invoice.number] = shipment.invoice.key
            self.live.setdefault("shipped", []).extend(self.deliver([shipment.planned]))
        return shipment.reason

    def plan_shipment(self, order: ShippedOrder, cut_over_at: datetime | None = None) -> Shipment:
        settled = [(sid, part) for sid in self.plans for part in self.statements[sid].orders.get(order.order_id, ())]
        return plan_shipment(
            order,
            policy=self.policy,
            carried=settled,
            cut_over_at=cut_over_at,
            numbers=self.numbers,
            check_line=self._check_line,
        )

    def close_out(self, order_id: str, on: date) -> None:
        """Close the order's open invoices; nothing of them is left to cover."""
        for one in self.open_invoices():
            if one.order_id == order_id:
                closing = close_out(one, policy=self.policy, on=on, currency="USD")
                assert closing
                self.deliver(closing.documents)
                self.coverage.append(closing.coverage)

    def open_invoices(self, but: str = "") -> list[OpenInvoice]:
        own = {one.key for one in self.plans[but].invoices} if but in self.plans else set()
        others = [one for one in self.coverage if one.settlement_id != but]
        found = [covered_by(one, others) for key, one in self.invoices.items() if key not in own]
        return [one for one in found if one.balance > 0]

    def receivable(self) -> int:
        return sum(one.balance for one in self.open_invoices())

    def _payouts(self, sid: str) -> list[EarlierPayout]:
        returned = {one.settlement_id for other, pairs in self.pairings.items() if other != sid for one in pairs}
        return [
            EarlierPayout(header.settlement_id, header.total, header.deposit_on, header.settlement_id in self.failed)
            for header, _ in self.facts.values()
            if header.total > 0 and header.settlement_id not in returned
        ]

    def _check_line(self, line: InvoiceLine) -> Hold | None:
        if line.sku not in self.unmapped:
            return None
        return Hold(HoldReason.UNMAPPED_SKU, f"{line.sku} has no item", line.sku)

"""Bringing what is in the books up to the mapping, mode and data of today, when a person asks for it.

Either a settlement is taken back whole and posted anew, or, where a period is closed or only accounts changed, the
accounts alone are moved: invoices, payments and payout stay as they are.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from audit import trail
from bookkeeping import undo as undoing
from bookkeeping.accounts import PASSING, AccountKey, LineKey, account_key
from bookkeeping.buyers import is_customer
from bookkeeping.coverage import remainders
from bookkeeping.documents import Deposit, Document, Expense, Invoice, JournalEntry, Payment, document_from
from bookkeeping.entries import effect
from bookkeeping.figures import Statement
from bookkeeping.income_and_expenses import carried_by
from bookkeeping.planned import PlanBroken, Planned
from flows import booked, currencies, drafts, history, lanes, mapping, planning, rows, statements, undo
from flows import reading as readings
from flows.bindings import made_in
from flows.cannot import Cannot
from flows.mapping import TenantMapping, Unmapped
from flows.models import Carrier, Delivery, Dependency, Plan
from flows.rows import Draft
from ledgers import reference
from ledgers.port import Binding, Reference
from ledgers.registry import open_ledger

State = Delivery.State


class CannotRepost(Cannot):
    """Why a settlement cannot be posted anew, or its accounts moved, and what to do."""


def repost(plan: Plan, actor: str) -> int:
    """Take a settlement out of the books and post it anew, with mode, mapping and Amazon's data as they are by then.

    Returns how many documents are taken back first. What follows needs no further approval and no further call: it is
    planned as soon as the last of them is out of the books.

    Raises CannotRepost, CannotUndo.
    """
    if Plan.objects.filter(flow=plan.flow, settlement=plan.settlement, revision__gt=plan.revision).exists():
        raise CannotRepost("This settlement is already planned again.", "See its newest plan.")
    taken_back = 0
    if plan.state != Plan.State.UNDONE:
        taken_back = undo.undo(plan, actor, post_anew=True)
    else:
        with trail.recorded():
            undo.ask_to_post_anew(plan, actor)
    planning.post_anew(plan.flow)
    return taken_back


@dataclass(frozen=True, slots=True)
class Moves:
    """What moves the accounts of a posted settlement, under its next revision: nothing where no account changed."""

    statement: Statement
    documents: tuple[Planned, ...]
    drafts: tuple[Draft, ...]
    left: Mapping[int, Mapping[LineKey, int]]
    mapping: TenantMapping
    revision: int


def moves(plan: Plan, first_open_on: date | None = None) -> Moves:
    """Return what ``remap`` would do. Reads the settlement's file; writes nothing. Raises CannotRepost."""
    if plan.state != Plan.State.POSTED:
        raise CannotRepost("This settlement is not wholly in the books.", "Wait until it is, or undo it.")
    flow, known = plan.flow, mapping.load(plan.flow)
    company = reference.cached(flow.target)
    was = _Was(known, company, made_in(flow.target.remote_key))
    if flow.converts and drafts.policy_of(flow).income_and_expenses:
        raise CannotRepost(
            "Its documents were converted, and this ledger has no entries to move their accounts with.",
            "Undo the settlement and post it again.",
        )
    carrying = list(rows.live(plan).filter(booked.carrying()))
    live = [was.planned(row) for row in carrying]
    statement = readings.statement(plan.settlement, readings.reading(flow, known), frozenset(), plan.report)
    coverage = history.coverage_of(plan)
    closed_until = company.closed_until
    if closed_until and first_open_on and first_open_on <= closed_until:
        raise CannotRepost(
            f"The period is closed until {closed_until.day} {closed_until:%B %Y}.",
            "Give a day after it, or none: then it is the day after.",
        )
    revision = plan.last_revision + 1
    try:
        documents = undoing.remap(
            statement,
            live,
            coverage,
            policy=drafts.policy_of(flow),
            how=open_ledger(flow.target).capabilities.undo,
            revision=revision,
            closed_until=closed_until,
            first_open_on=first_open_on or (closed_until + timedelta(days=1) if closed_until else None),
        )
        if flow.home:
            in_books = {row.key: was.in_books(row) for row in carrying}
            documents = currencies.moved_accounts(plan, documents, in_books, drafts.policy_of(flow))
        found = tuple(was.draft(planned) for planned in documents)
    except PlanBroken as error:
        raise CannotRepost(
            "What is in the books of this settlement is not what Amazon's data says now.",
            "Undo the settlement and post it again; where its period is closed, open it first.",
        ) from error
    except undoing.ClosedPeriod as error:
        raise CannotRepost(
            "The month is closed, and this ledger has no entries to move its accounts with afterwards.",
            "Open the period in the ledger first, or leave the settlement as it is.",
        ) from error
    except Unmapped as error:
        names = ", ".join(known.label(symbol) for symbol in error.symbols)
        raise CannotRepost(f"No account is chosen for {names}.", "Choose one on the mapping page.") from error
    return Moves(statement, documents, found, remainders(statement, coverage), known, revision)


def remap(plan: Plan, actor: str, first_open_on: date | None = None) -> int:
    """Move what a posted settlement's entries booked to the accounts that are mapped now. Returns how many documents that
    takes; 0 where no account changed.

    An entry in an open month is deleted and posted anew on its date; one in the closed period is reversed and posted anew
    on ``first_open_on``, else on the day after the period. What rode on a deposit is moved by an entry of the difference.
    Income on invoices stays where it was booked.

    Raises CannotRepost.
    """
    found = moves(plan, first_open_on)
    if not found.documents:
        return 0
    with trail.recorded():
        # First, as the outbox does: locked in the other order, each could wait for the other.
        lanes.lock(plan.flow.target.remote_key)
        changed = Plan.objects.filter(pk=plan.pk, state=Plan.State.POSTED, last_revision=found.revision - 1).update(
            state=Plan.State.POSTING,
            last_revision=found.revision,
            mapping_version=found.mapping.version,
            statement=statements.to_json(found.statement),
            verdict={**plan.verdict, "differs": _not_moved(plan)},
            carried_digest="",
        )
        if not changed:
            raise CannotRepost("Somebody is changing this settlement.", "Look again in a minute.")
        going = [draft.planned for draft in found.drafts if draft.hold is None]
        company = drafts.company_drafts(going, found.mapping, reference.cached(plan.flow.target))
        rows.ensure(plan.flow, company, State.PLANNED)
        rows.add(plan, found.drafts, State.PLANNED)
        _carry(plan, found.statement, found.documents, found.left)
        trail.record(
            "plan.remapped",
            f"plan:{plan.pk}",
            tenant_id=plan.tenant_id,
            actor=actor,
            settlement=plan.settlement.settlement_id,
            documents=[planned.key for planned in found.documents],
            mapping_version=found.mapping.version,
        )
    rows.release(Delivery.objects.filter(plan=plan))
    planning.kick(plan.flow.target.remote_key)
    return len(found.documents)


def _not_moved(plan: Plan) -> list[str]:
    """Return what would come out otherwise and stays so: invoices, payments, movements and the payout."""
    found = rows.live(plan).filter(key__in=plan.verdict.get("differs", []))
    return list(found.exclude(booked.carrying()).values_list("key", flat=True))


class _Was:
    """Tells what was booked to an account from what would be booked to another one now, though both have one key.

    A line that was booked to another account than its key means now gets a key of its own, which means the old account.
    """

    def __init__(self, known: TenantMapping, company: Reference, made: Mapping[str, str]) -> None:
        self.known, self.company, self.made = known, company, made
        self.old: dict[LineKey, Binding] = {}

    def planned(self, row: Delivery) -> Planned:
        """Return a document in the books, in the settlement's currency, with lines named as they were booked."""
        document = document_from(json.loads(row.original or row.document))
        document = _renamed(document, self._names(row, document))
        needs = Dependency.objects.filter(delivery=row).exclude(key__startswith="company/")
        return Planned(row.key, document, tuple(needs.values_list("key", flat=True)), part=row.part)

    def in_books(self, row: Delivery) -> Document:
        """Return the same as it was sent."""
        document = document_from(row.plain_document)
        return _renamed(document, self._names(row, document))

    def _names(self, row: Delivery, document: Document) -> dict[LineKey, LineKey]:
        return {
            symbol: self._name(symbol, Binding(**target), mapping.meaning(self.known, document, symbol))
            for symbol, target in row.bindings.items()
            if not is_customer(symbol)
        }

    def draft(self, planned: Planned) -> Draft:
        """Return the draft of a document that names old and new accounts. Raises Unmapped."""
        if isinstance(planned.document, (Invoice, Payment, Expense)):
            # Of a ledger without entries: what is posted anew there names no old account.
            [made] = drafts.drafts([planned], self.known, self.company)
            return made
        symbols = mapping.symbols(planned.document)
        missing = [symbol for symbol in symbols if symbol not in self.old and not self.known.target(symbol).account]
        if missing:
            raise Unmapped(tuple(sorted(missing)))
        return drafts.draft(planned, {symbol: self.old.get(symbol) or self.known.target(symbol) for symbol in symbols})

    def _name(self, symbol: LineKey, booked: Binding, now: Binding) -> LineKey:
        if self._same(booked.account, now.account):
            return symbol
        key = account_key(symbol)
        if key is AccountKey.CLEARING:
            raise CannotRepost(
                "The clearing account itself was changed since this was booked.",
                "Choose the former one again, or undo the settlement and post it again.",
            )
        if key in PASSING:
            return symbol  # the payout stays
        name = f"{key}/was-{hashlib.sha256(booked.account.encode()).hexdigest()[:8]}"
        self.old[name] = replace(booked, item="")
        return name

    def _same(self, one: str, other: str) -> bool:
        return self.made.get(one, one) == self.made.get(other, other)


def _renamed(document: Document, names: Mapping[LineKey, LineKey]) -> Document:
    if isinstance(document, JournalEntry):
        return replace(document, lines=tuple(replace(one, key=names.get(one.key, one.key)) for one in document.lines))
    if isinstance(document, Deposit):
        return replace(document, lines=tuple(replace(one, key=names.get(one.key, one.key)) for one in document.lines))
    if isinstance(document, Expense):
        return replace(document, key=names.get(document.key, document.key))
    return document


def _carry(
    plan: Plan, statement: Statement, documents: Sequence[Planned], left: Mapping[int, Mapping[LineKey, int]]
) -> None:
    """Let the new entries carry what they say; what they replace carries nothing any more."""
    entries = _entries(documents)
    by_key = dict(Delivery.objects.filter(plan=plan, key__in=[one.key for one in entries]).values_list("key", "pk"))
    for part in sorted({one.part for one in entries}):
        new = [one for one in entries if one.part == part]
        stored = Carrier.objects.filter(plan=plan, part=part, order_id="")
        replaced = any(one.part == part and one not in new for one in documents)
        keep = {} if replaced else {one.line_key: one for one in stored}
        for line_key, amount in left[part].items():
            before = keep.pop(line_key, None)
            if before is None or before.amount != amount:
                stored.filter(line_key=line_key).delete()
                Carrier.objects.create(
                    tenant_id=plan.tenant_id,
                    plan=plan,
                    part=part,
                    line_key=line_key,
                    amount=amount,
                    delivery_id=_delivery(line_key, new, by_key),
                )
        stored.filter(pk__in=[one.pk for one in keep.values()]).delete()
        if replaced:
            stored.exclude(line_key__in=list(left[part])).delete()


def _delivery(line_key: LineKey, new: Sequence[Planned], by_key: Mapping[str, int]) -> int | None:
    """Return which of a month's new documents carries an amount: none in a ledger without entries that cannot hold it."""
    if not isinstance(new[0].document, JournalEntry):
        carrying = [one for one in new if line_key in carried_by(one.document)]
        return by_key[carrying[0].key] if carrying else None
    return by_key[next((one for one in new if line_key in effect(one.document)), new[0]).key]


def _entries(documents: Iterable[Planned]) -> list[Planned]:
    """Return the documents that carry something of a month: neither undos nor reversals, nor payments."""
    found = [one for one in documents if isinstance(one.document, (JournalEntry, Invoice, Expense))]
    return [one for one in found if "/reversal" not in one.key]

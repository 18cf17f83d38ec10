"""What one settlement becomes under a flow as it is now: computed, never stored here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from amazon import overlaps
from bookkeeping import carry
from bookkeeping.figures import Statement
from bookkeeping.planned import Plan as Planning
from bookkeeping.policy import Mode
from bookkeeping.remarks import Flag, FlagKind, HoldReason
from flows import buyers, chain, currencies, drafts, history, mapping
from flows import reading as readings
from flows.mapping import TenantMapping
from flows.models import Flow, Plan
from flows.rows import Draft
from ledgers import reference


@dataclass(frozen=True, slots=True)
class Made:
    """``company`` are the customers and items that drafts which may go refer to and nobody has mapped. ``exchange`` is what is
    to be kept of the rates, empty where books and settlement have one currency."""

    statement: Statement
    planning: Planning
    drafts: tuple[Draft, ...]
    company: tuple[Draft, ...]
    mapping: TenantMapping
    exchange: Mapping[str, Any]


def make(plan: Plan, mode: str) -> Made:
    """Return the plan's settlement as documents, with the flow's mapping and labels as they are now. Writes nothing."""
    flow, settlement = plan.flow, plan.settlement
    currencies.follow_books(flow)
    known = mapping.load(flow)
    company = reference.cached(flow.target)
    open_ids = history.open_order_ids(flow, without=plan)
    wanted = None if mode == Flow.Mode.ORDERS else open_ids
    statement = readings.statement(settlement, readings.reading(flow, known), wanted)
    order_ids = set(statement.orders)
    around, doubt = chain.around(flow, settlement), overlaps.doubt(settlement)
    opened = history.open_invoices(flow, open_ids & order_ids, without=plan)
    policy = drafts.policy_of(flow)
    planning = carry.plan(
        statement,
        mode=Mode(mode),
        policy=policy,
        open_invoices=opened,
        numbers=history.numbers(flow, order_ids),
        payouts=history.earlier_payouts(flow, settlement, without=plan),
        previous=chain.previous(flow, settlement),
        payout_failed=settlement.payout_failed and not history.payout_is_out(flow, settlement),
        doubt=doubt,
        revision=plan.revision,
        check_line=drafts.LineCheck(flow, known, company),
        class_of=drafts.class_of(known, company),
        customer_of=buyers.customer_of(flow, order_ids),
    )
    exchange: Mapping[str, Any] = {}
    if flow.home:
        booked, exchange = currencies.booked(plan, statement, planning, policy, opened, known, company)
        planning = booked.plan
    if settlement.payout_failed and history.payout_cancelled(flow, settlement):
        planning = replace(
            planning,
            documents=tuple(
                one for one in planning.documents if one.held is None or one.held.reason is not HoldReason.PAYOUT_FAILED
            ),
        )
    if around.gap_after is not None and not doubt:
        planning = replace(planning, flags=(*planning.flags, _gap(around.gap_after.settlement_id, statement)))
    found = drafts.drafts(planning.documents, known, company)
    going = [draft.planned for draft in found if draft.hold is None]
    return Made(
        statement=statement,
        planning=planning,
        drafts=tuple(found),
        company=tuple(drafts.company_drafts(going, known, company)),
        mapping=known,
        exchange=exchange,
    )


def _gap(before: str, statement: Statement) -> Flag:
    header = statement.header
    starts = f"{header.starts_at.day} {header.starts_at:%B %Y}"
    text = (
        f"Nothing is known between settlement {before} and this one, which starts on {starts}: a settlement is missing. "
        "Upload it, or see whether Amazon made one"
    )
    return Flag(FlagKind.CHAIN_GAP, text)

"""Settlements in another currency than the books': what will happen, at which rates, and what is known of their payouts."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

from django.db.models import Sum

from amazon.models import Settlement
from bookkeeping import currency, exchange, in_home
from bookkeeping.accounts import AccountKey
from bookkeeping.coverage import OpenInvoice
from bookkeeping.documents import Document, Invoice, JournalEntry, Kind, document_from
from bookkeeping.entries import effect
from bookkeeping.exchange import DatedRate
from bookkeeping.figures import Statement
from bookkeeping.numbering import settlement_key
from bookkeeping.planned import Plan as Planning
from bookkeeping.planned import Planned
from bookkeeping.policy import Policy
from bookkeeping.remarks import Hold, HoldReason
from bookkeeping.terms import OF_SETTLEMENT, Booked, Carrying, Strategy, Terms, is_payout, with_rate
from flows import arrivals, chain, drafts, mapping, rows
from flows.mapping import TenantMapping
from flows.models import Coverage, Delivery, ExchangeRate, Flow, InvoiceBalance, Plan
from ledgers import reference
from ledgers.models import Company
from ledgers.port import Reference
from ledgers.registry import layouts_of, open_ledger
from tenants.models import Connection

# Native documents pass through these accounts, or end there: where one is kept in the settlement's currency, nothing is
# converted on the way to it.
_ENDS: Final = (AccountKey.BANK, AccountKey.CHARGE_METHOD, AccountKey.PAYOUTS)


# What will happen -----------------------------------------------------------------------------------------------------


def home_of(target: Connection, settled_in: str) -> str:
    """Return the currency of a company's books where it is another one than the settlements', else ""."""
    company = Company.objects.filter(connection=target).first()
    return company.home_currency if company and company.home_currency != settled_in else ""


def may_differ(target: Connection, settled_in: str) -> bool:
    """Whether a company's books are kept in another currency than settlements, or nobody has read in which yet."""
    company = Company.objects.filter(connection=target).first()
    return company is None or company.home_currency != settled_in


def may_be_native(target: Connection) -> bool:
    """Whether ledger and company can hold documents in another currency."""
    company = Company.objects.filter(connection=target).first()
    return bool(company and company.multicurrency and open_ledger(target).capabilities.multicurrency)


def told(target: Connection, settled_in: str, strategy: str) -> str:
    """Return what happens with settlements of a currency in a company's books, "" where it is the books' own."""
    home = home_of(target, settled_in)
    if not home:
        return ""
    if strategy == Strategy.NATIVE:
        return (
            f"{target} keeps its books in {home}, with other currencies beside it. Documents are made in {settled_in}, at your "
            f"rates, and the ledger works out {home}. What the rate moves until the payout {_then(target)}."
        )
    only = "" if may_be_native(target) else " only"
    return (
        f"{target} keeps its books in {home}{only}: amounts are converted from {settled_in} at your rates. A payout is booked "
        f"when Amazon, or you, have said how much of {home} arrived."
    )


def _then(target: Connection) -> str:
    if drafts.without_lacks(layouts_of(target)[0].policy, target).revalues:
        return "is booked to exchange gain or loss by a revaluation of the clearing account"
    return "stays on the clearing account until you revalue it there"


def problem(target: Connection, settled_in: str, strategy: str) -> str:
    """Return why settlements of a currency cannot be booked so, and what to do; "" where they can."""
    if strategy == Strategy.NATIVE and home_of(target, settled_in) and not may_be_native(target):
        return (
            f"{target} cannot hold documents in {settled_in}. Have everything converted, or switch multicurrency on in the "
            "ledger and read its lists again."
        )
    return ""


def follow_books(flow: Flow) -> None:
    """Note the currency of the books, where they were not read yet when the flow was made and nothing of it was sent."""
    home = home_of(flow.target, flow.currency)
    if home != flow.home and not Delivery.objects.filter(flow=flow, attempts__isnull=False).exists():
        Flow.objects.filter(pk=flow.pk).update(home=home)
        flow.home = home


# Rates ----------------------------------------------------------------------------------------------------------------


def rate_on(home: str, foreign: str, day: date) -> DatedRate | None:
    """Return the rate in force on a day: its own or the closest before it, None where none is a week old or younger."""
    since = day - timedelta(days=exchange.MOST_DAYS_OLD)
    found = ExchangeRate.objects.filter(home=home, currency=foreign, on__gte=since, on__lte=day).order_by("on").last()
    return DatedRate(found.on, found.rate) if found else None


def no_rate(home: str, foreign: str, day: date) -> str:
    return (
        f"There is no rate from {foreign} to {home} for {day:%-d %B %Y} or the week before it. Set one on the page of exchange "
        "rates."
    )


# One settlement -------------------------------------------------------------------------------------------------------


def booked(
    plan: Plan,
    statement: Statement,
    planning: Planning,
    policy: Policy,
    invoices: Iterable[OpenInvoice],
    known: TenantMapping,
    company: Reference,
) -> tuple[Booked, dict[str, Any]]:
    """Return a settlement in terms of the books, and what is to be kept of its rates with the plan.

    The rate is that of the day on which its last entry is dated; once something was sent it stays as it is."""
    flow, header = plan.flow, statement.header
    day = statement.parts[-1].on if statement.parts else header.deposit_on
    frozen = plan.exchange if plan.exchange.get("rate") and _sent(plan) else {}
    rate = DatedRate(date.fromisoformat(frozen["rate_on"]), frozen["rate"]) if frozen else None
    rate_from = frozen.get("rate_from", Flow.RateFrom.TABLE)
    if not frozen and flow.rate_from == Flow.RateFrom.AMAZON and not _sent(plan):
        rate = arrivals.own_rate(plan.settlement, flow.home)
        rate_from = Flow.RateFrom.AMAZON if rate else Flow.RateFrom.TABLE
    rate = rate or rate_on(flow.home, flow.currency, day)
    sent = partial(_sent_document, plan)
    # What Amazon keeps is in its own rate already: beside that one it would be shown twice, as a cost and as a gain.
    own = rate_from == Flow.RateFrom.AMAZON
    spot = rate if own else rate_on(flow.home, flow.currency, header.deposit_on)
    opened = list(invoices)
    at = rate.rate if rate else ""
    terms = Terms(
        strategy=Strategy(flow.strategy),
        home=flow.home,
        rate=at,
        spot=spot.rate if spot else "",
        received=arrivals.received(plan.settlement, flow.home),
        said=arrivals.said(plan.settlement, flow.home),
        kept=OF_SETTLEMENT | {key for key in _ENDS if _kept_in(flow.currency, key, known, company)},
        payout=sent("P", "payout"),
        revaluation=sent("R", "revaluation"),
        no_rate=no_rate(flow.home, flow.currency, day),
        no_spot=no_rate(flow.home, flow.currency, header.deposit_on),
        **_before(flow, plan.settlement),
    )
    result = currency.book(
        planning,
        statement,
        terms,
        policy=policy,
        revision=plan.revision,
        open_invoices=opened,
        carrying=carrying(plan, opened, at) if flow.converts and at else {},
    )
    paid_out = any(is_payout(one) and one.held is None for one in result.plan.documents)
    kept: dict[str, Any] = {
        "strategy": flow.strategy,
        "home": flow.home,
        "rate": at,
        "rate_on": rate.on.isoformat() if rate else "",
        "rate_from": str(rate_from),
        "day": day.isoformat(),
        "spot": terms.spot,
        "spot_on": spot.on.isoformat() if spot else "",
        "carrying": result.carrying,
        "left": result.residue if paid_out else result.carrying,
        "rounding": result.rounding,
        "residue": result.residue,
    }
    return result, kept


def arrives_converted(flow: Flow) -> bool:
    """Whether payouts go to an account that is kept in another currency than the settlements."""
    return flow.converts or not _kept_in(
        flow.currency, AccountKey.BANK, mapping.load(flow), reference.cached(flow.target)
    )


def carrying(plan: Plan, invoices: Iterable[OpenInvoice], rate: str) -> dict[str, Carrying]:
    """Return what open invoices of the plan's flow stand for in home money, by key, as everything but ``plan`` has paid them.
    One that waits for a rate of its own stands at ``rate`` until then."""
    found: dict[str, Carrying] = {}
    keys = [one.key for one in invoices]
    for some in rows.chunked(keys):
        # A key names an order or a shipment and no company: the same one may be invoiced in another of the tenant's, too.
        balances = InvoiceBalance.objects.filter(delivery__flow=plan.flow, delivery__key__in=some, delivery__live=True)
        balances = balances.select_related("delivery__flow")
        others = Coverage.objects.filter(invoice__in=balances).exclude(plan=plan).order_by()
        taken = dict(others.values_list("invoice").annotate(Sum("amount")))
        paid = dict(others.filter(payment__live=True).values_list("invoice").annotate(Sum("payment__amount")))
        for one in balances:
            # An entry in an invoice's place is not paid: each month takes its share of it.
            share = taken.get(one.pk, 0) if one.delivery.kind == Kind.ENTRY else None
            found[one.delivery.key] = _carrying(one.delivery, paid.get(one.pk) or 0, rate, share)
    return found


def invoice_carrying(row: Delivery) -> Carrying:
    """Return what an invoice in the books stands for in home money."""
    balance = InvoiceBalance.objects.get(delivery=row)
    paid = Coverage.objects.filter(invoice=balance, payment__live=True).aggregate(paid=Sum("payment__amount"))["paid"]
    return _carrying(row, paid or 0, "1")


def _carrying(row: Delivery, paid: int, rate: str, share: int | None = None) -> Carrying:
    if row.original:
        own = str(json.loads(row.original)["rate"])
        if share is not None:
            paid = exchange.converted(share, row.flow.currency, own, row.flow.home)
            return Carrying(own, effect(document_from(row.plain_document)).get(AccountKey.DEFERRED, 0), paid)
        return Carrying(own, row.amount, paid)
    flow = row.flow
    return Carrying(rate, exchange.converted(row.amount, flow.currency, rate, flow.home), paid)


def in_books(flow: Flow, amount: int, terms: Mapping[str, Any]) -> int:
    """Return what an amount of a settlement comes to in the currency of its documents; as it is while there is no rate."""
    if not flow.converts or not terms.get("rate"):
        return amount
    return exchange.converted(amount, flow.currency, terms["rate"], flow.home)


# Documents of no settlement -------------------------------------------------------------------------------------------


def of_its_day(flow: Flow, planned: Planned) -> Planned:
    """Return a document outside any settlement (an invoice on shipment, the opening entry) at the rate of its own day."""
    document = planned.document
    day = getattr(document, "on", None)
    if not flow.home or day is None:
        return planned
    rate = rate_on(flow.home, flow.currency, day)
    if rate is None:
        return planned.hold(Hold(HoldReason.NO_RATE, no_rate(flow.home, flow.currency, day), flow.currency))
    original = with_rate(document, rate.rate)
    if not flow.converts:
        return replace(planned, document=original)
    return replace(planned, document=_in_home(document, rate.rate, flow.home), original=original)


def closing(flow: Flow, row: Delivery, documents: Iterable[Planned]) -> tuple[Planned, ...]:
    """Return what closes an invoice, at what the invoice stands for."""
    found = tuple(documents)
    if not flow.home:
        return found
    if flow.converts:
        return in_home.close_out_in_home(found, invoice_carrying(row), flow.home)
    rate = str(row.plain_document.get("rate", ""))
    return tuple(replace(one, document=with_rate(one.document, rate)) for one in found)


def moved_accounts(
    plan: Plan, documents: Iterable[Planned], in_books: Mapping[str, Document], policy: Policy
) -> tuple[Planned, ...]:
    """Return what moves a settlement's accounts, at the rate at which it was booked."""
    rate = plan.exchange["rate"]
    if plan.flow.converts:
        return in_home.moved_accounts(tuple(documents), in_books, policy, rate, plan.flow.home)
    return tuple(replace(one, document=with_rate(one.document, rate)) for one in documents)


def _in_home(document: Document, rate: str, home: str) -> Document:
    match document:
        case Invoice():
            return in_home.invoice_in_home(document, rate, home)
        case JournalEntry():
            keys = {line.key for line in document.lines}
            rest = next((key for key in (AccountKey.OPENING, AccountKey.DEFERRED) if key in keys), AccountKey.CLEARING)
            return in_home.entry_in_home(document, rate, home, rest=rest)
        case _:
            raise TypeError(f"{document.kind} is not made outside a settlement")


def _before(flow: Flow, settlement: Settlement) -> Mapping[str, Any]:
    """Return what earlier settlements left on clearing in home money, and what their payouts had brought."""
    earlier = Plan.objects.filter(flow=flow, settlement__ends_at__lte=settlement.starts_at)
    found = list(
        earlier.exclude(state=Plan.State.UNDONE).select_related("settlement").defer("statement", "verdict", "flags")
    )
    left = {one.settlement.settlement_id: one.exchange["left"] for one in found if one.exchange.get("rate")}
    rounding = {one.settlement.settlement_id: one.exchange.get("rounding", 0) for one in found}
    arrived = {one.settlement.settlement_id: arrivals.received(one.settlement, flow.home) for one in found}
    before = chain.around(flow, settlement).before
    return {
        "brought": left.get(before.settlement_id) if before else None,
        "brought_rounding": rounding.get(before.settlement_id, 0) if before else 0,
        "withheld": left,
        "returned": {sid: amount for sid, amount in arrived.items() if amount is not None},
    }


def _kept_in(settled_in: str, key: AccountKey, known: TenantMapping, company: Reference) -> bool:
    chosen = known.target(key).account
    account = next((one for one in company.accounts if one.id == chosen), None)
    return account is not None and account.currency == settled_in


def _sent_document(plan: Plan, part: str, kind: str) -> Document | None:
    key = settlement_key(plan.settlement.settlement_id, part, kind, plan.revision)
    row = Delivery.objects.filter(plan=plan, key=key, live=True).first()
    return document_from(row.plain_document) if row is not None and rows.is_frozen(row) else None


def _sent(plan: Plan) -> bool:
    return Delivery.objects.filter(plan=plan, attempts__isnull=False).exists()

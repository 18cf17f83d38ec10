"""From a settlement to outbox rows: the plan that can be looked at, approved, planned again and posted.

Planning the same facts twice gives the same documents. What was never attempted is planned again in place; what was attempted stays as it
is, and a difference to it is shown, never posted over.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from celery import current_app
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from kombu.exceptions import OperationalError

from amazon.models import Settlement
from audit import trail
from bookkeeping import carry
from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key
from bookkeeping.corrections import opening_entry
from bookkeeping.documents import Customer, Invoice, InvoiceLine, Item, NewAccount
from bookkeeping.figures import Statement
from bookkeeping.planned import Plan as Planning
from bookkeeping.planned import Planned
from bookkeeping.policy import Mode, Policy, default_class
from bookkeeping.remarks import Hold, HoldReason
from flows import history, mapping, rows, statements
from flows import reading as readings
from flows.mapping import TenantMapping, Unmapped, marketplace_of
from flows.models import Delivery, Flow, Plan
from flows.rows import Draft
from kit import clock
from ledgers import reference
from ledgers.port import Binding, Reference
from ledgers.registry import open_ledger

log = logging.getLogger(__name__)

State = Delivery.State


def plan_new(flow: Flow) -> int:
    """Plan every settlement of the flow that has no plan, oldest first; returns how many. Then plan again what waited for them."""
    planned = Plan.objects.filter(flow=flow, settlement=OuterRef("pk")).exclude(state=Plan.State.UNDONE)
    new = history.settlements_of(flow).exclude(Exists(planned))
    if flow.books_from:
        new = new.filter(ends_at__date__gte=flow.books_from)
    found = list(new)
    for settlement in found:
        plan_settlement(flow, settlement)
    if found:
        for waiting in _waiting_for_others(flow):
            replan(waiting)
    return len(found)


def plan_uploaded(settlement: Settlement) -> None:
    """Plan a settlement that a person brought in, in every flow it belongs to."""
    flows = Flow.objects.filter(currency=settlement.currency).select_related("source", "target")
    for flow in flows:
        if history.settlements_of(flow).filter(pk=settlement.pk).exists():
            plan_new(flow)
            release(flow)


def plan_settlement(flow: Flow, settlement: Settlement) -> Plan:
    """Plan one settlement, or plan it again after an undo under the next revision."""
    revision = 1 + Plan.objects.filter(flow=flow, settlement=settlement, state=Plan.State.UNDONE).count()
    plan, _ = Plan.objects.get_or_create(
        tenant_id=flow.tenant_id,
        flow=flow,
        settlement=settlement,
        revision=revision,
        defaults={
            "mode": flow.mode,
            "state": Plan.State.PLANNING,
            "mapping_version": flow.mapping_version,
            "digest": "",
        },
    )
    replan(plan)
    return plan


def replan(plan: Plan) -> None:
    """Bring a plan up to the current mapping and labels. Rows that were attempted stay; their documents must come out the same."""
    flow, settlement = plan.flow, plan.settlement
    if plan.state in (Plan.State.UNDOING, Plan.State.UNDONE):
        return
    if not Delivery.objects.filter(plan=plan, attempts__isnull=False).exists():
        plan.mode = flow.mode
    known = mapping.load(flow)
    how = readings.reading(flow, known)
    open_ids = history.open_order_ids(flow, without=plan)
    statement = readings.statement(settlement, how, None if plan.mode == Flow.Mode.ORDERS else open_ids)
    company = reference.cached(flow.target)
    order_ids = set(statement.orders)
    planning = carry.plan(
        statement,
        mode=Mode(plan.mode),
        policy=policy_of(flow),
        open_invoices=history.open_invoices(flow, open_ids & order_ids, without=plan),
        numbers=history.numbers(flow, order_ids),
        payouts=history.earlier_payouts(flow, settlement, without=plan),
        previous=history.previous(flow, settlement),
        revision=plan.revision,
        check_line=_LineCheck(flow, known, company),
        class_of=_class_of(known, company),
    )
    _store(plan, statement, planning, known, company)


def approve(plan: Plan, actor: str) -> int:
    """Let a plan be posted. Returns how many documents go out; what is held stays held."""
    with transaction.atomic():
        approved = Plan.objects.filter(pk=plan.pk, state=Plan.State.PLANNED, flow__state=Flow.State.LIVE).update(
            state=Plan.State.POSTING, approved_by=actor, approved_at=clock.now()
        )
        if not approved:
            return 0
        sent = rows.release(Delivery.objects.filter(plan=plan))
        trail.record(
            "plan.approved",
            f"plan:{plan.pk}",
            tenant_id=plan.tenant_id,
            actor=actor,
            documents=sent,
            settlement=plan.settlement.settlement_id,
            mapping_version=plan.mapping_version,
        )
    kick(plan.flow.target.remote_key)
    return sent


def release(flow: Flow) -> None:
    """Approve what the flow posts by itself, oldest settlement first."""
    if flow.state != Flow.State.LIVE or flow.approval != Flow.Approval.AUTOMATIC:
        return
    waiting = Plan.objects.filter(flow=flow, state=Plan.State.PLANNED).select_related("settlement", "flow__target")
    for plan in waiting.order_by("settlement__ends_at"):
        approve(plan, "automatic")


def replan_open(flow: Flow) -> None:
    """Plan again whatever is not wholly in the books, oldest first: a mapping or a label has changed."""
    plans = Plan.objects.filter(
        flow=flow, state__in=[Plan.State.PLANNING, Plan.State.PLANNED, Plan.State.POSTING]
    ).select_related("settlement", "flow__source", "flow__target")
    for plan in plans.order_by("settlement__ends_at"):
        plan.flow = flow
        replan(plan)
    release(flow)


def plan_opening(flow: Flow) -> None:
    """Plan the entry that puts the opening balances into the books, once, when the flow goes live."""
    if flow.books_from is None:
        return
    source = flow.source.remote_id if flow.source else "upload"
    planned = opening_entry(
        source,
        on=flow.books_from - timedelta(days=1),
        currency=flow.currency,
        clearing=flow.opening_clearing,
        reserve=flow.opening_reserve,
        deferred=flow.opening_deferred,
    )
    if planned is None:
        return
    known = mapping.load(flow)
    [draft] = _drafts([planned], known, reference.cached(flow.target))
    ensure_delivery(flow, draft, State.READY)


def starts_in_the_middle(flow: Flow) -> bool:
    """Whether the first planned settlement gives back a reserve, or carries a debt, that no settlement before it explains."""
    first = Plan.objects.filter(flow=flow).order_by("settlement__ends_at").select_related("settlement").first()
    if first is None or history.settlements_of(flow).filter(ends_at__lte=first.settlement.starts_at).exists():
        return False
    return bool(first.settlement.reserve_released or first.settlement.opening_debt)


def needed_keys(flow: Flow) -> set[AccountKey]:
    """Return the account keys that the planned settlements use; clearing and bank always."""
    needed = {AccountKey.CLEARING, AccountKey.BANK}
    for statement in Plan.objects.filter(flow=flow).values_list("statement", flat=True):
        for by_key in statement.get("totals", {}).values():
            needed |= {account_key(key) for key, amount in by_key.items() if amount}
        if any(movement["kind"] == "C" for movement in statement.get("movements", [])):
            needed.add(AccountKey.CHARGE_METHOD)
    if flow.opening_clearing or flow.opening_reserve:
        needed.add(AccountKey.OPENING)
    return needed


def default_account(flow: Flow, key: AccountKey) -> NewAccount:
    """Return the account that is made for a key when the tenant has none. Clearing and reserve name the currency."""
    own = key in (AccountKey.CLEARING, AccountKey.RESERVE)
    name = ACCOUNTS[key].name + (f" ({flow.currency})" if own else "")
    return NewAccount(key, name, flow.currency)


def policy_of(flow: Flow) -> Policy:
    capabilities = open_ledger(flow.target).capabilities
    return Policy(
        deposit=capabilities.deposit and flow.layout == Flow.Layout.DEPOSIT,
        deposit_classes=capabilities.deposit_classes,
        negative_lines=capabilities.negative_lines,
    )


def ensure_delivery(flow: Flow, draft: Draft, state: str) -> None:
    """Create a delivery that belongs to no settlement, unless the company already has one of this key."""
    rows.ensure(flow, draft, state)
    kick(flow.target.remote_key)


def may_post(row: Delivery) -> bool:
    """Whether a row may leave: its flow is live and its plan approved."""
    if row.flow.state != Flow.State.LIVE and row.plan_id is not None:
        return False
    return row.plan is None or row.plan.state in (Plan.State.POSTING, Plan.State.POSTED, Plan.State.UNDOING)


def kick(remote_key: str) -> None:
    """Tell a worker to look at the lane, once the transaction is committed. Only a hint: the dispatcher looks anyway."""
    transaction.on_commit(lambda: _hint(remote_key))


def _hint(remote_key: str) -> None:
    try:
        current_app.send_task("flows.tasks.serve_lane", args=[remote_key], queue="short", retry=False)
    except OperationalError:
        log.warning("no broker to tell that %s has work; the dispatcher will see it", remote_key.partition(":")[0])


class _LineCheck:
    """Holds an invoice for a line whose item is missing, or books to another account than the mapping."""

    def __init__(self, flow: Flow, known: TenantMapping, company: Reference) -> None:
        self.flow, self.known = flow, known
        self.items = {item.id: item for item in company.items}

    def __call__(self, line: InvoiceLine) -> Hold | None:
        target = self.known.target(line.key)
        if not target.item and line.sku and not self.flow.generic_items and account_key(line.key) is AccountKey.SALES:
            return Hold(
                HoldReason.UNMAPPED_SKU,
                f"The SKU {line.sku} has no item. Choose one on the mapping page, or allow the general item for unmapped SKUs.",
                line.sku,
            )
        item = self.items.get(target.item)
        if target.item and (item is None or not item.active):
            text = "The item mapped to this line is no longer in the ledger or is inactive. Choose another one on the mapping page."
            return Hold(HoldReason.ITEM_ACCOUNT, text, line.sku or line.key)
        if item is not None and target.account and item.account != target.account:
            return Hold(
                HoldReason.ITEM_ACCOUNT,
                f"The item {item.name} books to another income account than the mapping. Change the item's income account in the "
                "ledger, or map the account to match it.",
                line.sku or line.key,
            )
        return None


def _class_of(known: TenantMapping, company: Reference):  # type: ignore[no-untyped-def]
    classes = {account.id: account.account_class for account in company.accounts}

    def class_of(key: LineKey) -> AccountClass:
        return classes.get(known.target(key).account) or default_class(key)

    return class_of


def _waiting_for_others(flow: Flow) -> QuerySet[Plan]:
    """Return the plans with a document that is held for what another settlement would explain."""
    codes = [HoldReason.CONTINUITY, HoldReason.PAYOUT_UNMATCHED]
    return (
        Plan.objects.filter(flow=flow, deliveries__state=State.HELD, deliveries__code__in=codes)
        .select_related("settlement", "flow__source", "flow__target")
        .distinct()
        .order_by("settlement__ends_at")
    )


def _store(plan: Plan, statement: Statement, planning: Planning, known: TenantMapping, company: Reference) -> None:
    flow = plan.flow
    drafts = _drafts(planning.documents, known, company)
    for draft in _company_drafts(planning.documents, known, company):
        rows.ensure(flow, draft, State.PLANNED)
    changed = rows.store(plan, drafts)
    rows.store_coverage(plan, planning)
    with transaction.atomic():
        plan.digest, plan.mapping_version = planning.digest(), known.version
        plan.statement = statements.to_json(statement)
        plan.flags = statements.flags_to_json(planning.flags)
        plan.pairings = [
            {"line": one.line, "settlement_id": one.settlement_id, "amount": one.amount, "withheld": one.withheld}
            for one in planning.pairings
        ]
        plan.verdict = {**plan.verdict, "differs": changed}
        if plan.state == Plan.State.PLANNING:
            plan.state = Plan.State.PLANNED
        plan.save()
        trail.record(
            "plan.made",
            f"plan:{plan.pk}",
            tenant_id=plan.tenant_id,
            settlement=plan.settlement.settlement_id,
            mode=plan.mode,
            documents=len(drafts),
            digest=plan.digest,
            mapping_version=known.version,
            held=sorted({draft.hold.reason for draft in drafts if draft.hold}),
        )
    if plan.state == Plan.State.POSTING:
        rows.release(Delivery.objects.filter(plan=plan))
        kick(flow.target.remote_key)


def _drafts(documents: Sequence[Planned], known: TenantMapping, company: Reference) -> list[Draft]:
    made = _made(documents, known, company)
    return [_draft(planned, known, made) for planned in documents]


def _draft(planned: Planned, known: TenantMapping, made: Mapping[str, Binding]) -> Draft:
    hold, bindings = planned.held, {}
    try:
        bindings = mapping.bind(known, planned.document, made)
    except Unmapped as error:
        names = ", ".join(known.label(symbol) for symbol in error.symbols if not symbol.startswith("customer:"))
        hold = hold or Hold(
            HoldReason.UNMAPPED_ACCOUNT, f"No account is chosen for {names}. Choose one on the mapping page.", names
        )
    return Draft(planned, bindings, hold, (*planned.depends_on, *sorted(mapping.needs(bindings.values()))))


def _company_drafts(documents: Sequence[Planned], known: TenantMapping, company: Reference) -> Iterator[Draft]:
    """Yield the items and customers that the documents need and nobody has mapped, each once."""
    found = {_object_key(new): new for _, new in _new_objects(documents, known, company)}
    for key, document in sorted(found.items()):
        bindings = mapping.bind(known, document, {})
        yield Draft(Planned(key, document), bindings, None, tuple(sorted(mapping.needs(bindings.values()))))


def _made(documents: Sequence[Planned], known: TenantMapping, company: Reference) -> dict[str, Binding]:
    made = {}
    for symbol, document in _new_objects(documents, known, company):
        key = f"@{_object_key(document)}"
        made[symbol] = Binding(item=key) if isinstance(document, Item) else Binding(customer=key)
    return made


def _new_objects(
    documents: Sequence[Planned], known: TenantMapping, company: Reference
) -> Iterator[tuple[str, Item | Customer]]:
    """Yield (symbol, object) for the customers and line keys of invoices that no mapping names."""
    names = {account.id: account.name for account in company.accounts}
    invoices = [planned.document for planned in documents if isinstance(planned.document, Invoice)]
    for symbol, currency in sorted({(invoice.customer, invoice.currency) for invoice in invoices}):
        if not known.customer(symbol).customer:
            yield symbol, Customer(symbol, f"{marketplace_of(symbol)} ({currency})", currency)
    for key in sorted({line.key for invoice in invoices for line in invoice.lines}):
        target = known.target(key)
        if target.account and not target.item:
            # One item per income account: an item has only one, and its name says which.
            name = names.get(target.account, ACCOUNTS[account_key(key)].name)
            yield key, Item(f"item:{target.account}", name, key)


def _object_key(document: Item | Customer) -> str:
    if isinstance(document, Customer):
        return f"company/customer/{document.name}/1"
    return f"company/item/{document.symbol.removeprefix('item:').removeprefix('@')}/1"

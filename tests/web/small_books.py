"""A flow into a small company that needs no network: its lists are known, and the ledger's answers are written by hand."""

from amazon.upload import import_file
from bookkeeping.accounts import ACCOUNTS
from flows import outcomes, planning, proving, rules, setup
from flows.models import Delivery, Flow, Plan
from kit.scope import scope
from ledgers.models import Company, ListEntry
from ledgers.port import Binding, Posted
from tests import factories
from tests.amazon.settlements import SALE, v2

STRANGE = ("other-transaction", "other-transaction", "Greenlight Credit", "7.25")


def listed(books, of, *ids, **values):
    """Let the company have more accounts, items, customers or classes."""
    for one in ids:
        ListEntry.objects.create(
            tenant_id=books.tenant_id, connection=books, list=of, external_id=one, name=f"Spare {one}", **values
        )


def flow_of(tenant, *, mode="summary", state="live", currency="USD", name="Acme US", approval="review"):
    """Return a flow for uploaded files whose accounts are chosen."""
    books = factories.ConnectionFactory(tenant=tenant, remote_name=f"{name} Books")
    with scope(tenant.pk):
        Company.objects.create(tenant=tenant, connection=books, name=name, home_currency=currency, multicurrency=False)
        for number, key in enumerate(setup.MAPPABLE, start=1):
            account = ACCOUNTS[key]
            ListEntry.objects.create(
                tenant=tenant,
                connection=books,
                list="account",
                external_id=str(number),
                name=f"My {account.name}",
                type=account.account_class.replace("_", " ").capitalize(),
                account_class=account.account_class,
            )
        for spare, of_class in (("40", "expense"), ("41", "expense"), ("77", "equity")):
            listed(books, "account", spare, account_class=of_class)
        flow = Flow.objects.create(
            tenant=tenant, name=name, target=books, currency=currency, mode=mode, state=state, approval=approval
        )
        targets = {key: Binding(account=str(number)) for number, key in enumerate(setup.MAPPABLE, start=1)}
        rules.save_accounts(flow, targets, "user:1", {})
    return flow


def settle(tenant, settlement_id="15000000001", rows=SALE, **more):
    """Upload a settlement file and plan it; returns the settlement."""
    text = v2(settlement_id, rows, **more)
    found = import_file(tenant.pk, [text.encode()], "settlement.txt", "user:1")
    with scope(tenant.pk):
        planning.plan_uploaded(found.settlement)
    return found.settlement


def plan_of(settlement, flow=None):
    with scope(settlement.tenant_id):
        plans = Plan.objects.filter(settlement=settlement).select_related("flow__target", "flow__source", "settlement")
        return plans.filter(flow=flow).latest("revision") if flow else plans.latest("revision")


def post(plan, *, off_by=0):
    """Approve a plan and let the ledger answer every document; ``off_by`` minor units beside what was sent."""
    with scope(plan.tenant_id):
        planning.approve(plan, "user:1")
        answer_all(plan, off_by=off_by)
    return plan_of(plan.settlement, plan.flow)


def answer_all(plan, *, off_by=0):
    for _ in range(10):
        ready = Delivery.objects.filter(remote_key=plan.flow.target.remote_key, state="ready")
        ready = list(ready.select_related("flow__target", "plan__settlement"))
        if not ready:
            proving.catch_up(plan.flow.target.remote_key)
            return
        answers = {row.key: Posted(f"10{row.pk}", total=row.amount + off_by) for row in ready}
        outcomes.apply_answers(ready, answers)
    raise AssertionError("documents keep becoming ready")

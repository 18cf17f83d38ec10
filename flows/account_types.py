"""The kinds of account that a seller has at Amazon, each with settlements of its own, and which of them a settlement is of.

Amazon settles standard orders and invoiced orders (sales to companies on account) apart, often in the same currency and over
the same days. The file does not say of which it is: Amazon's list of payouts does, by the settlement's id, and so do its
transactions. Source: SP-API models Transfers 2024-06-01, Finances 2024-06-19.
"""

from collections.abc import Iterator

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.urls import reverse

from amazon.models import STANDARD_ORDERS, Balance, Payout, Settlement, Transaction
from audit import trail
from flows import planner, planning
from flows.models import Attempt, Delivery, Flow, Plan
from tenants.alerts import alert, settle_alert
from tenants.models import Connection


def known(tenant_id: int, source: Connection | None) -> list[str]:
    """Return the account types that a seller is known to have, the usual one first: it is always there."""
    seller_id = source.remote_id if source else ""
    found = set(_named(Settlement.objects.filter(tenant_id=tenant_id, seller_id=seller_id)))
    if source is not None:
        found |= set(_named(Payout.objects.filter(connection=source)))
        found |= set(_named(Balance.objects.filter(connection=source)))
    return [STANDARD_ORDERS, *sorted(found - {STANDARD_ORDERS, ""})]


def sort_out(source: Connection) -> int:
    """Let settlements be of the account type that Amazon names; returns how many were taken for another one.

    What was planned of such a settlement is forgotten, and the flow of its own account type plans it. Once anything of it was
    sent it stays where it is, and the members are told.
    """
    moved = [one for one, account_type in _wrong(source) if _move(one, account_type)]
    if moved:
        for flow in Flow.objects.filter(source=source).select_related("source", "target"):
            planning.plan_new(flow)
    return len(moved)


def _wrong(source: Connection) -> list[tuple[Settlement, str]]:
    """Return the settlements of which Amazon names another account type than they are taken for, with that one."""
    mine = Settlement.objects.filter(connection=source)
    same = {"connection": source, "settlement_id": OuterRef("settlement_id")}
    payouts = Payout.objects.filter(**same).exclude(account_type="").order_by("expected", "-pk")
    told = Transaction.objects.filter(**same, current=True).exclude(account_type="").order_by("pk")
    by_payout = mine.annotate(named=Subquery(payouts.values("account_type")[:1])).exclude(named=None)
    by_transaction = mine.exclude(Exists(payouts)).annotate(named=Subquery(told.values("account_type")[:1]))
    wrong = [
        each.exclude(account_type=F("named")).order_by("ends_at")
        for each in (by_payout, by_transaction.exclude(named=None))
    ]
    return [(one, one.named) for found in wrong for one in found]


def _move(settlement: Settlement, account_type: str) -> bool:
    """Take a settlement out of the flows of the account type it was taken for; False where it has to stay."""
    plans = list(
        Plan.objects.filter(settlement=settlement)
        .exclude(state=Plan.State.UNDONE)
        .select_related("flow")
        .order_by("pk")
    )
    if any(_is_begun(plan) for plan in plans):
        _tell(settlement, account_type, plans[0].flow)
        return False
    for plan in plans:
        with planner.sole(plan.flow) as mine:
            if not mine:
                return False  # it is being planned at this moment; the next run looks again
            if not _forget(plan):
                return False
    with trail.recorded():
        Settlement.objects.filter(pk=settlement.pk).update(account_type=account_type)
        settle_alert(settlement.tenant_id, _key(settlement))
        trail.record(
            "settlement.account_type",
            f"settlement:{settlement.pk}",
            tenant_id=settlement.tenant_id,
            settlement_id=settlement.settlement_id,
            earlier=settlement.account_type,
            account_type=account_type,
        )
    return True


def _forget(plan: Plan) -> bool:
    """Delete what is planned of a settlement; False where some of it was sent meanwhile."""
    with transaction.atomic():
        planned = list(Delivery.objects.select_for_update().filter(plan=plan).values_list("pk", flat=True))
        if _is_begun(plan):
            return False
        Delivery.objects.filter(pk__in=planned).delete()
        plan.delete()
    return True


def _is_begun(plan: Plan) -> bool:
    """Whether anything of a plan was ever sent."""
    attempted = Attempt.deliveries.through.objects.filter(delivery_id=OuterRef("pk"))
    return Delivery.objects.filter(Exists(attempted), plan=plan).exists()


def _tell(settlement: Settlement, account_type: str, flow: Flow) -> None:
    alert(
        settlement.tenant_id,
        "account_type",
        _key(settlement),
        f"Settlement {settlement.settlement_id} is of {account_type}",
        f"{flow.name} has booked it with {settlement.account_type}, before Amazon said so. Its documents stay as they are.",
        f"Undo it there; it then goes to the flow of {account_type}.",
        reverse("flows:settlement", args=[settlement.pk]),
    )


def _key(settlement: Settlement) -> str:
    return f"settlement:{settlement.pk}:account_type"


def _named(rows: "QuerySet[Settlement] | QuerySet[Payout] | QuerySet[Balance]") -> Iterator[str]:
    yield from rows.order_by().values_list("account_type", flat=True).distinct()

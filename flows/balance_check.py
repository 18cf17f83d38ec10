"""Reading balances: one call, soon after a settlement's last document and with the daily comparison, kept for proofs and pages.

A plan that has come to rest leaves ``compare_at`` with its company; whoever serves the lane reads once it has come to rest, too.
Where that has to wait, the schedule comes back to it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from bookkeeping.accounts import AccountKey
from bookkeeping.money import shown
from bookkeeping.proof import Verdict
from flows import balances, drafts, holdings, lanes, outcomes, pace, proving, transit
from flows.bindings import made_in
from flows.lanes import LEASE_MARGIN_S, Lease, LeaseLost
from flows.looking import Reader
from flows.models import Attempt, Delivery, Flow, Outcome, Plan, ReadBack
from kit import clock
from kit.scope import unscoped
from ledgers import reference
from ledgers.registry import ledger_spec, open_ledger
from tenants.alerts import alert, settle_alert
from tenants.models import Access, Connection

AGAIN: Final = timedelta(minutes=1)  # after one that came to nothing: reads are metered
LAG_S: Final = 60  # a balance may show that late what was posted

State = Delivery.State


def due() -> list[int]:
    """Return the connected companies whose balances are to be read and that may be asked now, the longest due first."""
    with unscoped("every tenant's books are compared"):
        found = list(_due().select_related("connection").order_by("compare_at", "pk"))
    away = lanes.resting_or_busy() if found else set()
    return [each.connection_id for each in found if each.connection.remote_key not in away]


def check(connection_id: int) -> bool:
    """Read the balances that are due of a company. False where they are not, or have to wait."""
    with unscoped("what a document refers to may have been made by another tenant of the company"):
        known = _due().filter(connection=connection_id).select_related("connection__grant").first()
        lease = lanes.claim(known.connection.remote_key, LEASE_MARGIN_S) if known else None
        if known is None or lease is None:
            return False
        try:
            compare(Reader(lease, known.connection))
        except (LeaseLost, pace.Resting):
            return False
        finally:
            lanes.release(lease)
    proving.catch_up(known.connection.remote_key)
    return True


def catch_up(lease: Lease) -> None:
    """Read what is due of a lane that has come to rest, and after a document that only balances tell of. Raises Resting,
    LeaseLost."""
    asked = _due().filter(Connection.of_company(lease.remote_key, "connection__")).select_related("connection__grant")
    for target in [each.connection for each in asked] or _moved_unseen(lease):
        compare(Reader(lease, target))


def _due() -> QuerySet[ReadBack]:
    # Both conditions: SQLite uses a partial index only where a query repeats its condition.
    return ReadBack.objects.filter(
        compare_at__isnull=False, compare_at__lte=clock.now(), connection__state=Access.ACTIVE
    )


def _moved_unseen(lease: Lease) -> list[Connection]:
    """Return the connection whose last document only balances tell of, where none were read since."""
    last = Attempt.objects.filter(remote_key=lease.remote_key).order_by("-sent_at").first()
    carried = last.deliveries.select_related("flow__target").first() if last is not None and last.before else None
    if last is None or carried is None:
        return []
    known = ReadBack.objects.filter(connection=carried.flow.target, balances_at__gte=last.sent_at)
    return [] if known.exists() else [carried.flow.target]


def compare_daily(reader: Reader) -> None:
    """Read the balances that change without a posting of ours, or that alone tell of one. Raises Resting, LeaseLost."""
    flows = Flow.objects.filter(target=reader.target).select_related("target")
    if balances.unseen(reader.target) or any(map(transit.awaits_the_bank, flows)):
        compare(reader)


def compare(reader: Reader) -> None:
    """Read the balances that matter in a company, where any does, and tell people of one that is off. Raises Resting,
    LeaseLost."""
    target, lease = reader.target, reader.lease
    at = clock.now()
    # One that fails or dies, and one that comes too early, is tried again.
    put_off = at + AGAIN
    known = ReadBack.objects.filter(connection=target)
    known.update(compare_at=put_off)
    if _is_open(lease.remote_key):
        return
    found = list(Flow.objects.filter(target=target).exclude(state=Flow.State.SETUP).select_related("target", "tenant"))
    flows = [flow for flow in found if not drafts.policy_of(flow).income_and_expenses]
    awaiting = [flow for flow in flows if transit.awaits_the_bank(flow)]
    clearing = holdings.accounts_of(flows, AccountKey.CLEARING)
    served = {
        AccountKey.CLEARING: clearing,
        AccountKey.PAYOUTS: holdings.accounts_of(awaiting, AccountKey.PAYOUTS),
    }
    if not any(served.values()):
        known.filter(compare_at=put_off).update(compare_at=None)
        return
    answered, made, unseen = reader.balances(), made_in(target.remote_key), balances.unseen(target)
    before: Mapping[str, Any] = known.values_list("balances", flat=True).first() or {}
    names = holdings.names_of(target, {*clearing.values(), *served[AccountKey.PAYOUTS].values()})
    listed = {each.id for each in reference.cached(target).accounts}
    kept: dict[str, dict[str, Any]] = {}
    missing: dict[str, list[int]] = {}
    for key, accounts in served.items():
        for account in dict.fromkeys(accounts.values()):
            of_account = [flow for flow in flows if accounts.get(flow.pk) == account]
            if account not in answered:
                # Of one that was just made and holds nothing yet a ledger need not say anything.
                matters = unseen if key is AccountKey.CLEARING else account in listed
                missing |= {account: [flow.pk for flow in of_account]} if matters else {}
                continue
            ours = holdings.ours(target.remote_key, account, made) if key is AccountKey.CLEARING else None
            ledger = answered[account]
            kept[account] = {
                "key": key,
                "name": names.get(account, account),
                "currency": of_account[0].books_currency,
                "flows": [flow.pk for flow in of_account],
                "at": at.isoformat(),
                "ledger": ledger,
                "ours": ours,
                # Where documents are shown one by one, nobody read what was on the account before us.
                "alarm": unseen or ours == ledger or before.get(account, {}).get("alarm", False),
            }
    off = [one for one in kept.values() if one["ours"] not in (None, one["ledger"])]
    if off and (wait_s := _unsettled_s(target)) > 0:
        # They may not show yet what was posted just now.
        balances.ask(target, timedelta(seconds=wait_s))
        return
    values = {"balances": kept, "balances_at": at}
    ReadBack.objects.update_or_create(
        connection=target,
        defaults=values,
        create_defaults={**values, "tenant_id": target.tenant_id, "next_at": at + balances.EVERY},
    )
    known.filter(compare_at=put_off).update(compare_at=None)
    for account, one in kept.items():
        # Where documents are shown one by one, each that was changed is told by itself.
        if unseen or one["ours"] is None:
            _tell(target, account, one)
    for account in missing:
        _tell_missing(target, account, names.get(account, account))
    open_ = {flow for flow_ids in (*missing.values(), *(one["flows"] for one in off)) for flow in flow_ids}
    plans = Plan.objects.filter(flow__target=target, state=Plan.State.POSTED, prove_at=None)
    # What no single document proves, this does; and what it proved before, it proves no more where it is off.
    plans.exclude(flow__in=open_).filter(verdict__verdict=Verdict.UNCOMPARED).update(prove_at=at)
    plans.filter(flow__in=open_, verdict__by_balance=True).update(prove_at=at)


def _unsettled_s(target: Connection) -> float:
    """Return for how long balances may still miss what was learned last in a company."""
    learned = Outcome.objects.filter(attempt__remote_key=target.remote_key).order_by("-pk").first()
    lag_s = max(LAG_S, open_ledger(target).capabilities.confirm_s)
    return lag_s - (clock.now() - learned.at).total_seconds() if learned else 0.0


def _is_open(remote_key: str) -> bool:
    """Whether it is open what became of a document: then no balance means anything."""
    open_ = Q(state__in=[State.SENDING, State.UNCERTAIN]) | Q(state=State.PARKED, code=outcomes.CANNOT_TELL)
    open_ |= Q(resend__isnull=False)
    return Delivery.objects.filter(open_, remote_key=remote_key, live=True).exists()


def _tell_missing(target: Connection, account: str, name: str) -> None:
    ledger = ledger_spec(target.provider).name
    alert(
        target.tenant_id,
        "balance_off",
        f"connection:{target.pk}:balance:{account}",
        f"{ledger} states no balance of {name} in {target.remote_name}",
        "So nothing tells whether what was posted to it is still there, and no settlement is proved by it.",
        f"Look whether {name} still exists in {ledger}. If it was replaced, map the flow to the other account.",
        f"/audit/?state={State.POSTED}",
    )


def _tell(target: Connection, account: str, found: Mapping[str, Any]) -> None:
    key = f"connection:{target.pk}:balance:{account}"
    if found["ours"] in (None, found["ledger"]):
        settle_alert(target.tenant_id, key)
        return
    name, ledger = found["name"], ledger_spec(target.provider).name
    has, comes_to, off = (
        shown(amount, found["currency"]) for amount in (found["ledger"], found["ours"], found["ledger"] - found["ours"])
    )
    alert(
        target.tenant_id,
        "balance_off",
        key,
        f"{name} in {target.remote_name} is off by {off}",
        f"{ledger} has {has} on it; what Tieout posted comes to {comes_to}. Somebody posted, changed or removed something there.",
        f"Open {name} in {ledger} and look for what the records here do not list. Book that elsewhere, or put back what is "
        "missing.",
        f"/audit/?state={State.POSTED}",
    )

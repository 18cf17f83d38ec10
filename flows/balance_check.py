"""Reading balances: one call, with the daily comparison or once a lane has come to rest, kept for proofs and pages."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet, Sum

from bookkeeping.accounts import AccountKey, account_key
from bookkeeping.documents import Kind, document_from
from bookkeeping.entries import effect
from bookkeeping.money import shown
from bookkeeping.proof import Verdict
from flows import balances, drafts, mapping, outcomes, rows
from flows.bindings import made_in
from flows.lanes import Lease
from flows.looking import Reader
from flows.models import Attempt, Delivery, Flow, Outcome, Plan, ReadBack
from kit import clock
from ledgers import reference
from ledgers.registry import ledger_spec, open_ledger
from tenants.alerts import alert, settle_alert
from tenants.models import Connection

State = Delivery.State
_FEW: Final = (Kind.ENTRY, Kind.TRANSFER, Kind.DEPOSIT, Kind.EXPENSE)


def catch_up(lease: Lease) -> None:
    """Read balances once a lane has come to rest after a document that only they tell of, or after the last one of a settlement
    that has such documents. Raises Resting, LeaseLost."""
    last = Attempt.objects.filter(remote_key=lease.remote_key).order_by("-sent_at").first()
    carried = last.deliveries.select_related("flow__target").first() if last is not None else None
    if last is None or carried is None or _is_open(lease.remote_key):
        return
    target = carried.flow.target
    if not last.before and not _to_be_compared(target):
        return
    known = ReadBack.objects.filter(connection=target).first()
    if known is None or known.balances_at is None or known.balances_at < last.sent_at:
        compare(Reader(lease, target))


def compare(reader: Reader) -> None:
    """Read the balances that matter in a company, where any does, and tell people of one that is off. Raises Resting,
    LeaseLost."""
    target, lease = reader.target, reader.lease
    flows = list(Flow.objects.filter(target=target).select_related("target", "tenant"))
    transit = [flow for flow in flows if _waits_for_the_bank(flow)]
    if _is_open(lease.remote_key) or not (transit or balances.unseen(target)):
        return
    at, answered, company = clock.now(), reader.balances(), reference.cached(target)
    made, names = made_in(target.remote_key), {each.id: each.name for each in company.accounts}
    kept: dict[str, dict[str, Any]] = {}
    missing: dict[str, list[int]] = {}
    for key in (AccountKey.CLEARING, AccountKey.PAYOUTS):
        ours_alone = key is AccountKey.CLEARING and balances.unseen(target)
        for account, served in _accounts(flows if ours_alone else transit, key, made).items():
            if account not in answered:
                # Of one that was just made and holds nothing yet a ledger need not say anything.
                missing |= {account: served} if ours_alone or account in names else {}
                continue
            kept[account] = {
                "key": key,
                "name": names.get(account, account),
                "currency": company.home_currency,
                "flows": served,
                "at": at.isoformat(),
                "ledger": answered[account],
                "ours": _ours(target.remote_key, account, made) if ours_alone else None,
            }
    off = [one for one in kept.values() if one["ours"] not in (None, one["ledger"])]
    if off and (wait_s := _unsettled_s(target)) > 0:
        # They may not show yet what was posted just now.
        again_at = at + timedelta(seconds=wait_s)
        known, _ = ReadBack.objects.get_or_create(
            connection=target, defaults={"tenant_id": target.tenant_id, "next_at": again_at}
        )
        ReadBack.objects.filter(pk=known.pk, next_at__gt=again_at).update(next_at=again_at)
        return
    values = {"balances": kept, "balances_at": at}
    ReadBack.objects.update_or_create(
        connection=target,
        defaults=values,
        create_defaults={**values, "tenant_id": target.tenant_id, "next_at": at},
    )
    for account, found in kept.items():
        _tell(target, account, found)
    for account in missing:
        _tell_missing(target, account, names.get(account, account))
    open_ = {flow for served in (*missing.values(), *(one["flows"] for one in off)) for flow in served}
    plans = Plan.objects.filter(flow__target=target, state=Plan.State.POSTED, prove_at=None)
    # What no single document proves, this does; and what it proved before, it proves no more where it is off.
    plans.exclude(flow__in=open_).filter(verdict__verdict=Verdict.UNCOMPARED).update(prove_at=at)
    plans.filter(flow__in=open_, verdict__by_balance=True).update(prove_at=at)


def _to_be_compared(target: Connection) -> bool:
    """Whether a settlement is wholly in the books and no single document proves it."""
    if not balances.unseen(target):
        return False
    posted = Plan.objects.filter(flow__target=target, state=Plan.State.POSTED)
    return posted.filter(Q(prove_at__isnull=False) | Q(verdict__verdict=Verdict.UNCOMPARED)).exists()


def _unsettled_s(target: Connection) -> float:
    """Return for how long balances may still miss what was learned last in a company."""
    learned = Outcome.objects.filter(attempt__remote_key=target.remote_key).order_by("-pk").first()
    lag_s = open_ledger(target).capabilities.confirm_s
    return lag_s - (clock.now() - learned.at).total_seconds() if learned else 0.0


def _waits_for_the_bank(flow: Flow) -> bool:
    policy = drafts.policy_of(flow)
    return policy.payouts_to == AccountKey.PAYOUTS and not policy.onward and not policy.income_and_expenses


def _is_open(remote_key: str) -> bool:
    """Whether it is open what became of a document: then no balance means anything."""
    open_ = Q(state__in=[State.SENDING, State.UNCERTAIN]) | Q(state=State.PARKED, code=outcomes.CANNOT_TELL)
    open_ |= Q(resend__isnull=False)
    return Delivery.objects.filter(open_, remote_key=remote_key, live=True).exists()


def _accounts(flows: Iterable[Flow], key: AccountKey, made: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the ledger's ids of the accounts that serve a key, as flows map it now, with the flows."""
    found: dict[str, list[int]] = {}
    for flow in flows:
        name = mapping.load(flow).target(key.value).account
        if account := made.get(name, "" if name.startswith("@") else name):
            found.setdefault(account, []).append(flow.pk)
    return found


def _ours(remote_key: str, account: str, made: Mapping[str, str]) -> int:
    """Return what an account comes to by what is in the books: with what it held before we first moved it."""
    names = [account, *(name for name, id_ in made.items() if id_ == account)]
    of_company = Delivery.objects.filter(remote_key=remote_key)
    began = 0
    first = Attempt.objects.filter(remote_key=remote_key, before__has_key=account).order_by("pk").first()
    if first is not None:
        earlier = of_company.filter(state__in=[State.POSTED, State.UNDONE], posted_at__lt=first.sent_at)
        began = first.before[account] - _moved(earlier, names)
    return began + _moved(of_company.filter(rows.in_the_books(), live=True), names)


def _moved(found: QuerySet[Delivery], names: list[str]) -> int:
    """Return by how much documents move the account of these names, debit positive."""
    paid = found.filter(kind=Kind.PAYMENT, bindings__CLEARING__account__in=names)
    moved: int = paid.aggregate(total=Sum("amount"))["total"] or 0
    for row in found.filter(kind__in=_FEW).only("document", "bindings").iterator(chunk_size=1000):
        for key, amount in effect(document_from(row.plain_document)).items():
            if account_key(key) is AccountKey.CLEARING and row.bindings.get(key, {}).get("account") in names:
                moved += amount
    return moved


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

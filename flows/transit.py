"""Money between Amazon and the bank, where a person categorises the bank's lines: what our documents put on the account of payouts,
and what the ledger had there when it was read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import document_from
from bookkeeping.entries import effect
from flows import balances, drafts, holdings, rows
from flows.models import Delivery, Flow, Plan

_KEY = AccountKey.PAYOUTS


@dataclass(frozen=True, slots=True)
class Transit:
    """What is on its way to the bank, or to a card: minor units of the books' currency, debit positive.

    Of a flow, ``amount`` is what its account holds: as it was read ``at`` that time, with what was posted since; ``read`` is None
    where that is our documents' figure alone. Of a settlement, ``amount`` is its own, and ``read`` what the whole account held
    once all of it was posted."""

    account: str
    currency: str
    amount: int
    at: datetime | None = None
    read: int | None = None


def awaits_the_bank(flow: Flow) -> bool:
    """Whether a flow's payouts stay in transit until somebody categorises the bank's line."""
    policy = drafts.policy_of(flow)
    return policy.payouts_to == _KEY and not policy.onward and not policy.income_and_expenses


def of_flows(flows: Sequence[Flow]) -> dict[int, Transit]:
    """Return what is in transit, by flow; none where money goes to the bank directly, or nothing was ever on its way."""
    return {flow.pk: found for flow in flows if awaits_the_bank(flow) and (found := _of_flow(flow)) is not None}


def of_plan(plan: Plan) -> Transit | None:
    """Return what of a settlement is in transit, None where nothing of it is, or ever was."""
    if not awaits_the_bank(plan.flow):
        return None
    booked = _booked([plan.flow]).filter(plan=plan)
    own = _moved(booked)
    if not own:
        return None
    account = holdings.name_of(plan.flow, _KEY)
    known = balances.of_payouts([plan.flow]).get(plan.flow_id)
    if known is None or booked.filter(posted_at__gt=known.at).exists():
        return Transit(account, plan.flow.books_currency, own)
    return Transit(account, plan.flow.books_currency, own if known.ledger else 0, known.at, known.ledger)


def _of_flow(flow: Flow) -> Transit | None:
    accounts = holdings.accounts_of(Flow.objects.filter(target=flow.target).select_related("target"), _KEY)
    account = accounts.get(flow.pk)
    known = balances.of_payouts([flow]).get(flow.pk)
    if known is not None and known.account != account:
        known = None
    since = _booked([flow_id for flow_id, one in accounts.items() if one == account])
    if known is not None:
        since = since.filter(posted_at__gt=known.at)
    elif not since.exists():
        return None
    moved, name = _moved(since), holdings.name_of(flow, _KEY)
    if known is None:
        return Transit(name, flow.books_currency, moved)
    return Transit(name, flow.books_currency, known.ledger + moved, known.at, None if moved else known.ledger)


def _booked(flows: Iterable[Flow | int]) -> QuerySet[Delivery]:
    found = Delivery.objects.filter(rows.in_the_books(), flow__in=list(flows), live=True, kind__in=holdings.FEW)
    return found.filter(bindings__has_key=_KEY.value)


def _moved(found: QuerySet[Delivery]) -> int:
    documents = (document_from(row.plain_document) for row in found.only("document").iterator(chunk_size=500))
    return sum(effect(document).get(_KEY.value, 0) for document in documents)

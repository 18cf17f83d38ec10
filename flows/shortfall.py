"""What accounts that a settlement's money only passes through are off by while some of its documents are held."""

from typing import Final

from django.db.models import Q

from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.documents import document_from
from bookkeeping.entries import effect
from flows import drafts, holdings, rows
from flows.models import Delivery, Plan
from flows.verdicts import NEEDS_PERSON
from kit import clock

State = Delivery.State
_NAMED: Final = (AccountKey.PETTY, AccountKey.REVENUE, AccountKey.DEFERRED, AccountKey.CLEARING)


def of(plan: Plan) -> list[tuple[str, int]]:
    """Return (account, amount) for each account that is off until what is held of a plan is in the books too: minor units of the
    books' currency, debit positive. Nothing while something else goes on by itself; a payout on its day is nothing held."""
    later = Q(state__in=[State.READY, State.BLOCKED, State.PLANNED], not_before__gt=clock.now().date())
    waiting = rows.live(plan).filter(kind__in=rows.BOOKED).exclude(rows.in_the_books()).exclude(rows.gone_by_hand())
    waiting = waiting.exclude(later)
    if waiting.exclude(state__in=[*NEEDS_PERSON, State.BLOCKED]).exists():
        return []
    own = drafts.policy_of(plan.flow).income_to and not drafts.policy_of(plan.flow).income_and_expenses
    passed = [key for key in _NAMED if own or key is not AccountKey.REVENUE]
    off = dict.fromkeys(passed, 0)
    for row in waiting.only("document").iterator(chunk_size=500):
        moved = effect(document_from(row.plain_document))
        for key in passed:
            off[key] -= moved.get(key.value, 0)
    return [(_name(plan, key), amount) for key, amount in off.items() if amount]


def _name(plan: Plan, key: AccountKey) -> str:
    # The ledger's own accounts are in no mapping.
    if key in (AccountKey.PETTY, AccountKey.REVENUE):
        return ACCOUNTS[key].name
    return holdings.name_of(plan.flow, key)

"""What a settlement's documents book to which account: as they are in the books, beside what would be booked now.

Accounts may have been moved within a plan: then a month is carried by other documents than it was planned with, and what
counts is what they book together.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from django.db.models import Q

from bookkeeping.documents import Document, Kind, document_from
from bookkeeping.entries import effect
from bookkeeping.income_and_expenses import INCOME_PAYMENT
from bookkeeping.numbering import undo_key
from flows import rows
from flows.bindings import made_in, plain
from flows.models import Delivery, Plan
from flows.rows import Draft

_CARRYING: Final = (Kind.ENTRY, Kind.DEPOSIT, Kind.INVOICE, Kind.EXPENSE)
_OF_INCOME: Final = f"/{INCOME_PAYMENT}/"


def carrying() -> Q:
    """Return what tells the documents that carry a month: not those of movements, nor of orders."""
    kinds = Q(kind__in=_CARRYING) | Q(kind=Kind.PAYMENT, key__contains=_OF_INCOME)
    return kinds & Q(part__gt=0, order_id="")


def is_carrying(row: Delivery) -> bool:
    return _carries(row.kind, row.key) and row.part > 0 and not row.order_id


def _carries(kind: str, key: str) -> bool:
    return kind in _CARRYING or (kind == Kind.PAYMENT and _OF_INCOME in key)


def differing(plan: Plan, drafts: Sequence[Draft], mapping_version: int) -> list[str]:
    """Return the keys of a plan's documents that would come out otherwise now, though accounts were moved within it."""
    parts = months_that_differ(plan, drafts)
    found = rows.live(plan).filter(carrying())
    others = rows.live(plan).exclude(pk__in=found.values("pk"))
    changes = rows.compare(others, [draft for draft in drafts if not carries_month(draft)], mapping_version)
    moved = found.filter(part__in=parts).values_list("key", flat=True)
    return [*moved, *changes.differs, *(draft.planned.key for draft in changes.new)]


def months_that_differ(plan: Plan, drafts: Iterable[Draft]) -> set[int]:
    """Return the months whose entries and deposits book other amounts to some account than the drafts would."""
    made = made_in(plan.flow.target.remote_key)
    left = list(staying(plan).filter(carrying()))
    booked = _by_account(((row.part, document_from(row.plain_document), row.bindings) for row in left), made)
    now = _by_account(
        (
            (draft.planned.part, draft.planned.document, {name: plain(one) for name, one in draft.bindings.items()})
            for draft in drafts
            if carries_month(draft)
        ),
        made,
    )
    return {part for part, account in {*booked, *now} if booked.get((part, account)) != now.get((part, account))}


def staying(plan: Plan):  # type: ignore[no-untyped-def]  # a queryset's type depends on the plugin
    """Return the documents of a plan that count and are not being taken back."""
    undone = Delivery.objects.filter(plan=plan, kind=Kind.UNDO, live=True).values_list("key", flat=True)
    going = [key.removesuffix(undo_key("")) for key in undone]
    return rows.live(plan).exclude(key__in=going) if going else rows.live(plan)


def carries_month(draft: Draft) -> bool:
    document = draft.planned.document
    carries = _carries(document.kind, draft.planned.key)
    return carries and draft.planned.part > 0 and not getattr(document, "order_id", "")


def _by_account(
    documents: Iterable[tuple[int, Document, Mapping[str, Mapping[str, str]]]], made: Mapping[str, str]
) -> dict[tuple[int, str], int]:
    """Return the sum by (month, account), debit positive; a key that nobody has mapped stands for its account."""
    sums: dict[tuple[int, str], int] = {}
    for part, document, bindings in documents:
        for key, amount in effect(document).items():
            account = bindings.get(key, {}).get("account", "") or key
            place = part, made.get(account, account)
            sums[place] = sums.get(place, 0) + amount
    return {place: amount for place, amount in sums.items() if amount}

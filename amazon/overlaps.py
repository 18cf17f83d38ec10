"""Uploaded settlements that may be another seller's: a flat file names no seller, but its period tells.

The settlements of one seller, account type and currency follow each other: each starts where the one before ends
(Amazon's settlement reports, as published files show). Two that overlap are of two sellers, or of two kinds of account
(standard and invoiced orders), which the file does not state either. What Amazon itself handed over for an account is
its own beyond doubt; what a person uploaded is doubted until a person says that it belongs.
"""

from datetime import timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from amazon.models import Report, Settlement

# Files whose period is stated in whole days share the day on which one ends and the next starts.
TOUCHING: Final = timedelta(days=1)
_CHAIN: Final = ("seller_id", "account_type", "currency", "starts_at", "ends_at")


def doubted() -> Q:
    """Return the condition for settlements that overlap another one of their chain and may be another seller's.

    Of two uploaded ones, the one that came later is doubted; beside one that Amazon handed over, always the uploaded one.
    """
    others = _beside(*(OuterRef(name) for name in _CHAIN)).exclude(pk=OuterRef("pk"))
    surer = Q(pk__lt=OuterRef("pk")) | Q(Exists(_handed_over()))
    return Q(belongs=False) & ~Q(Exists(_handed_over())) & Q(Exists(others.filter(surer)))


def beside(settlement: Settlement) -> QuerySet[Settlement]:
    """Return the other settlements of the chain whose periods overlap this one's, the oldest first."""
    found = _beside(*(getattr(settlement, name) for name in _CHAIN)).exclude(pk=settlement.pk)
    return found.order_by("starts_at", "pk")


def handed_over(settlement: Settlement) -> bool:
    """Whether Amazon itself handed the settlement over for the account."""
    return Report.objects.filter(settlement=settlement, origin=Report.Origin.API).exists()


def doubt(settlement: Settlement) -> str:
    """Return why a settlement may be another seller's, for a bookkeeper; "" where nothing speaks for it."""
    if settlement.belongs or not Settlement.objects.filter(doubted(), pk=settlement.pk).exists():
        return ""
    others = list(beside(settlement).filter(Q(pk__lt=settlement.pk) | Q(Exists(_handed_over())))[:4])
    names = ", ".join(f"{one.settlement_id} ({_period(one)})" for one in others[:3])
    more = " and others" if len(others) > 3 else ""
    plural = "s" if len(others) > 1 else ""
    return (
        f"Settlement {settlement.settlement_id} ({_period(settlement)}) overlaps settlement{plural} {names}{more} of this "
        "account. Is this file another seller's?"
    )


def _beside(seller_id: Any, account_type: Any, currency: Any, starts_at: Any, ends_at: Any) -> QuerySet[Settlement]:
    """Return the settlements of a chain that overlap a period by more than a day, or lie within it or around it."""
    crossing = Q(starts_at__lt=ends_at - TOUCHING, ends_at__gt=starts_at + TOUCHING)
    within = Q(starts_at__gte=starts_at, ends_at__lte=ends_at)
    around = Q(starts_at__lte=starts_at, ends_at__gte=ends_at)
    chain = Settlement.objects.filter(seller_id=seller_id, account_type=account_type, currency=currency)
    return chain.filter(crossing | within | around)


def _handed_over() -> QuerySet[Report]:
    return Report.objects.filter(settlement=OuterRef("pk"), origin=Report.Origin.API)


def _period(settlement: Settlement) -> str:
    starts, ends = settlement.starts_at, settlement.ends_at
    return f"{starts.day} {starts:%b %Y} to {ends.day} {ends:%b %Y}"

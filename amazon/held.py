"""What of a seller's sales Amazon held back, and what it released: each sale once.

A sale that is held back is DEFERRED; released, it turns DEFERRED_RELEASED and a RELEASED one appears beside it. Either names the other,
by DEFERRED_TRANSACTION_ID or RELEASE_TRANSACTION_ID. Source: SP-API model Finances 2024-06-19, changelog 2025-04-30.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

from amazon.finances import account_type as spelled
from amazon.models import Settlement, Transaction
from tenants.models import Connection

LAG: Final = timedelta(hours=48)  # Finances 2024-06-19: what was posted may be missing for so long
USUAL: Final = "Standard Orders"
_UNDATED: Final = timedelta(days=30)  # one held back without a day of release is looked after then
_Status = Transaction.Status
_WERE_HELD: Final = (_Status.DEFERRED, _Status.DEFERRED_RELEASED)


def held_at(connection: Connection, account_type: str, currency: str, instant: datetime) -> QuerySet[Transaction]:
    """Return the transactions of a seller that were held back at an instant: posted before it, and not released before it.

    One that is released without a word of when counts as released on the day it was to mature, else when that was first read.
    Ask for instants at least ``LAG`` ago.
    """
    found = trusted(connection, account_type, currency).filter(status__in=_WERE_HELD, posted_at__lt=instant)
    found = found.annotate(release_posted_at=_release_posted_at())
    still = Q(status=_Status.DEFERRED, release_posted_at=None)
    unheard = Q(status=_Status.DEFERRED_RELEASED, release_posted_at=None)
    after = Coalesce(F("matures_at"), F("seen_at"), output_field=DateTimeField())
    found = found.annotate(presumed_at=after)
    return found.filter(still | Q(release_posted_at__gte=instant) | (unheard & Q(presumed_at__gte=instant)))


def held_between(
    connection: Connection, account_type: str, currency: str, after: datetime, until: datetime
) -> QuerySet[Transaction]:
    """Return what was held back at some instant from ``after`` up to ``until``, with ``let_go_at``: when it was released, None while it
    is not. By the same rules as :func:`held_at`."""
    found = trusted(connection, account_type, currency).filter(status__in=_WERE_HELD, posted_at__lt=until)
    found = found.annotate(release_posted_at=_release_posted_at())
    presumed = Case(When(status=_Status.DEFERRED_RELEASED, then=Coalesce("matures_at", "seen_at")), default=None)
    let_go_at = Coalesce(F("release_posted_at"), presumed, output_field=DateTimeField())
    found = found.annotate(let_go_at=let_go_at)
    return found.filter(Q(let_go_at=None) | Q(let_go_at__gte=after))


def is_one_with_its_release() -> Q:
    """Of what was held back and is released: whether the release is here as a transaction of its own."""
    return Q(status=_Status.DEFERRED_RELEASED) & (Exists(_release_of()) | Exists(_named_release()))


def released_in(settlement: Settlement) -> QuerySet[Transaction]:
    """Return the transactions that a settlement pays, by its id or by its financial event group: none that is only held back, and
    of a sale that was, the one that released it."""
    if settlement.connection is None:
        return Transaction.objects.none()
    found = trusted(settlement.connection, settlement.account_type, settlement.currency)
    named = Q(settlement_id=settlement.settlement_id)
    if settlement.group_id:
        named |= Q(group_id=settlement.group_id, settlement_id="")
    return found.filter(named).exclude(status=_Status.DEFERRED).exclude(is_one_with_its_release())


def overdue(connection: Connection, instant: datetime) -> QuerySet[Transaction]:
    """Return what should have been released by an instant and is known only as held back, the longest unasked first."""
    found = Transaction.objects.filter(connection=connection, current=True, status=_Status.DEFERRED)
    late = Q(matures_at__lt=instant - LAG) | Q(matures_at=None, posted_at__lt=instant - _UNDATED)
    unreleased = found.filter(late).exclude(order_id="").exclude(Exists(_release_of()))
    return unreleased.order_by(F("asked_at").asc(nulls_first=True), "pk")


def trusted(connection: Connection, account_type: str, currency: str) -> QuerySet[Transaction]:
    """Return the newest versions of a seller's transactions whose amounts can be trusted. What Amazon gives no account type is
    the usual account's."""
    wanted = spelled(account_type)
    types = (wanted, "") if wanted == USUAL else (wanted,)
    found = Transaction.objects.filter(connection=connection, current=True, problem="")
    return found.filter(account_type__in=types, currency=currency)


def _release_of() -> QuerySet[Transaction]:
    """Return the release that names what was held back (the outer one)."""
    found = Transaction.objects.filter(connection=OuterRef("connection"), current=True, status=_Status.RELEASED)
    return found.filter(releases=OuterRef("transaction_id")).exclude(releases="").order_by("posted_at")


def _named_release() -> QuerySet[Transaction]:
    """Return the release that what was held back (the outer one) names."""
    found = Transaction.objects.filter(connection=OuterRef("connection"), current=True, status=_Status.RELEASED)
    return found.filter(transaction_id=OuterRef("released_by"))


def _release_posted_at() -> Coalesce:
    ways = (_release_of(), _named_release())
    return Coalesce(*(Subquery(way.values("posted_at")[:1]) for way in ways), output_field=DateTimeField())

"""What became of the payouts of settlements, as Amazon states it: how it went, how much, where to, when.

This is the one place that says so. Only where Amazon states no payout of a settlement, its financial event group tells (see
:mod:`amazon.transfers`). Source: SP-API model Transfers 2024-06-01, listPayouts and listExpectedPayouts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet

from amazon import finances, naming
from amazon.client import Client, moment
from amazon.connect import client_for
from amazon.cursors import claimed
from amazon.finances import Sent, account_type, identifiers, money, sequence, text
from amazon.models import Payout, Resource, Settlement
from amazon.pull import forbidden_is_told
from audit.trail import record, recorded
from kit.clock import now
from tenants.models import Connection

WINDOW: Final = timedelta(days=180)
NEWEST: Final = timedelta(minutes=3)
BEFORE_THE_END: Final = timedelta(days=1)  # a payout is made when its settlement closes
ASKED_FOR: Final = timedelta(days=60)  # what has no end weeks after its day will not get one
ARRIVES: Final = timedelta(days=5)  # from the deposit date: a bank takes up to three of its days
RETURNS: Final = timedelta(days=14)  # in which a bank may still send back what was paid
LAST_LOOK: Final = timedelta(days=28)  # where no later settlement is asked about before
LOOK_AGAIN: Final = timedelta(days=1)

_READ: Final = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Told:
    """A settlement of whose payout Amazon says something new; ``failed`` and ``mended`` say what changed about its going through."""

    settlement: Settlement
    failed: bool
    mended: bool


def wanted(connection: Connection) -> list[Settlement]:
    """Return the settlements of whose payouts Amazon is to be asked; nothing before one of them has to be.

    One question answers for all. A settlement is first asked about when its payout should have arrived, and then once a day until it
    has an end. Those that a bank might have sent back since go along with the next one's.
    """
    today, at = now().date(), now()
    recent = Q(payout_asked_at=None) | Q(deposit_on__gte=today - ASKED_FOR)
    found = Settlement.objects.filter(recent, connection=connection, total__gt=0)
    open_ = [one for one in found.order_by("ends_at") if _is_open(one)]
    return open_ if any(_is_due(one, at) for one in open_) else []


def ask(connection: Connection, settlements: Iterable[Settlement], client: Client | None = None) -> list[Told]:
    """Ask what became of the payouts of a connection's settlements; returns those of which Amazon says something new.

    Raises WaitFor, Forbidden, BadRequest, NotFound, tenants.grants.NeedsReconnect.
    """
    told: list[Told] = []
    with claimed(connection, Resource.PAYOUTS) as claim, forbidden_is_told(connection, "payouts"):
        client = client or client_for(connection)
        for after, before, some in _windows(settlements):
            page: list[Sent] = []
            for sent in naming.checked(connection, finances.payouts(client, after, before)):
                page.append(sent)
                if len(page) >= 200:
                    claim.alive()
                    store_payouts(connection, page)
                    page = []
            store_payouts(connection, page)
            claim.alive()
            told += [found for one in some if (found := _keep(connection, one)) is not None]
    return told


def expect(connection: Connection, client: Client | None = None) -> int:
    """Bring in the payouts that Amazon expects to make, in place of those it expected before; returns how many."""
    with claimed(connection, Resource.PAYOUTS), forbidden_is_told(connection, "payouts"):
        told = naming.checked(connection, finances.expected_payouts(client or client_for(connection)))
        found = [one for one in map(_expected, told) if one]
        with recorded():
            Payout.objects.filter(connection=connection, expected=True).delete()
            rows = {values["payout_id"]: _row(connection, values, expected=True) for values in found}
            Payout.objects.bulk_create(rows.values())
    return len(rows)


def store_payouts(connection: Connection, sent: Iterable[Sent]) -> None:
    """Insert or update payouts as Amazon states them; what has no id is none."""
    found = {values["payout_id"]: values for values in map(parse, sent) if values is not None}
    if not found:
        return
    known = {one.payout_id: one for one in Payout.objects.filter(connection=connection, payout_id__in=list(found))}
    with recorded():
        for payout_id, values in found.items():
            if (payout := known.get(payout_id)) is None:
                _row(connection, values, expected=False).save(force_insert=True)
            else:
                Payout.objects.filter(pk=payout.pk).update(**values, expected=False, seen_at=now())


def parse(sent: Sent) -> dict[str, Any] | None:
    """Return a payout as the columns of its row; None without an id. What cannot be read is empty."""
    payout_id = text(sent.get("id"))
    if not payout_id or len(payout_id) > 128:
        return None
    history = [_step(one) for one in sequence(sent.get("statusHistory")) if isinstance(one, Mapping)]
    status = text(sent.get("currentStatus")).upper()[:40]
    paid = [_moment(step["at"]) for step in history if step["status"] == "PAID"]
    return {
        "payout_id": payout_id,
        "status": status,
        "history": history,
        "kind": text(sent.get("type"))[:20],
        "rail": text(sent.get("paymentRail"))[:40],
        "trace_id": text(sent.get("traceId"))[:128],
        "created_at": _moment(sent.get("creationDate")),
        "paid_at": max((one for one in paid if one), default=None) if status == "PAID" else None,
        **_common(sent),
    }


def _expected(sent: Sent) -> dict[str, Any] | None:
    values = _common(sent)
    named = values["settlement_id"] or f"{values['account_type']} {values['marketplace_id']}"
    status = text(sent.get("status")).upper()[:40]
    return {
        "payout_id": f"expected {named}"[:128],
        "status": status,
        "created_at": _moment(sent.get("scheduledDate")),
        **values,
    }


def _common(sent: Sent) -> dict[str, Any]:
    whose, period = _mapping(sent.get("partnerMetadata")), _mapping(sent.get("period"))
    amount, currency = _money(sent.get("amount"))
    return {
        "settlement_id": identifiers(sent.get("relatedIdentifiers")).get("SETTLEMENT_ID", "")[:64],
        "account_type": account_type(whose.get("accountType")),
        "marketplace_id": text(whose.get("marketplaceId"))[:20],
        "amount": amount,
        "currency": currency,
        "account_tail": text(sent.get("accountTail"))[-8:],
        "method": text(sent.get("paymentMethod"))[:20],
        "starts_at": _moment(period.get("startDate")),
        "ends_at": _moment(period.get("endDate")),
    }


def _row(connection: Connection, values: dict[str, Any], *, expected: bool) -> Payout:
    return Payout(tenant_id=connection.tenant_id, connection=connection, expected=expected, seen_at=now(), **values)


def of_settlement(settlement: Settlement) -> Payout | None:
    """Return the payout of a settlement, the newest where there are several; None where Amazon has stated none."""
    return _stated(settlement).order_by("-created_at", "-pk").first()


def is_stated(settlement: Settlement) -> bool:
    return _stated(settlement).exists()


def _stated(settlement: Settlement) -> QuerySet[Payout]:
    same = Payout.objects.filter(connection=settlement.connection_id, settlement_id=settlement.settlement_id)
    return same.filter(expected=False)


def _is_open(settlement: Settlement) -> bool:
    """Whether there may be something new to hear of it."""
    asked_at = settlement.payout_asked_at
    if asked_at is None or not (settlement.transferred or settlement.transfer_failed):
        return True
    return settlement.transferred and asked_at < settlement.ends_at + RETURNS


def _is_due(settlement: Settlement, at: datetime) -> bool:
    if settlement.transferred and settlement.payout_asked_at:
        return at >= settlement.ends_at + LAST_LOOK
    if at.date() < settlement.deposit_on + ARRIVES:
        return False
    return settlement.payout_asked_at is None or settlement.payout_asked_at < at - LOOK_AGAIN


def _keep(connection: Connection, settlement: Settlement) -> Told | None:
    """Copy what is stated of a settlement's payout to it; None where that is nothing new."""
    settlement.connection_id = connection.pk
    payout, asked = of_settlement(settlement), Settlement.objects.filter(pk=settlement.pk)
    if payout is None:
        asked.update(payout_asked_at=now())
        return None
    own = payout.currency == settlement.currency
    failed = settlement.transfer_failed
    values: dict[str, Any] = {
        "transfer_status": payout.status,
        "transferred_at": payout.paid_at,
        "trace_id": payout.trace_id[:64],
        "account_tail": payout.account_tail[-4:],
        "paid_out": payout.amount if own else None,
    }
    if payout.currency and not own:
        values |= {"converted": payout.amount, "converted_currency": payout.currency}
    different = [name for name, value in values.items() if getattr(settlement, name) != value]
    with recorded():
        asked.update(payout_asked_at=now(), **values)
        if different:
            record(
                "settlement.transfer",
                f"settlement:{settlement.pk}",
                tenant_id=settlement.tenant_id,
                settlement_id=settlement.settlement_id,
                payout=payout.payout_id,
                status=payout.status,
                reason=next((step["reason"] for step in reversed(payout.history) if step["reason"]), ""),
                amount=payout.amount,
                currency=payout.currency,
            )
    settlement.refresh_from_db(fields=[*values, "payout_asked_at"])
    if not different:
        return None
    fails = settlement.transfer_failed
    return Told(settlement, failed=fails and not failed, mended=failed and settlement.transferred)


def _windows(settlements: Iterable[Settlement]) -> Iterator[tuple[datetime, datetime, Sequence[Settlement]]]:
    """Yield settlements by their end, as many at a time as one question may span: the last question goes up to now."""
    newest = now() - NEWEST
    some: list[Settlement] = []
    for one in sorted(settlements, key=lambda one: one.ends_at):
        if one.ends_at - BEFORE_THE_END >= newest:
            continue
        if some and one.ends_at - some[0].ends_at > WINDOW / 2:
            yield some[0].ends_at - BEFORE_THE_END, min(some[0].ends_at + WINDOW, newest), some
            some = []
        some.append(one)
    if some:
        yield some[0].ends_at - BEFORE_THE_END, min(some[0].ends_at + WINDOW, newest), some


def _step(sent: Sent) -> dict[str, str]:
    at = _moment(sent.get("lastUpdatedDate"))
    return {
        "status": text(sent.get("status")).upper()[:40],
        "at": at.isoformat() if at else "",
        "reason": text(sent.get("failureReason"))[:255],
    }


def _money(sent: Any) -> tuple[int | None, str]:
    try:
        return money(sent)
    except _READ:
        return None, ""


def _mapping(sent: Any) -> Sent:
    return sent if isinstance(sent, Mapping) else {}


def _moment(sent: Any) -> datetime | None:
    try:
        return moment(sent)
    except (TypeError, ValueError, OverflowError):
        return None

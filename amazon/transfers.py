"""What Amazon paid of settlements whose payout it converted: how much, in which currency.

Amazon keeps it with its *financial event group*, which names no settlement: a group is a settlement's where currency, first and last
second, and total are the same, all of them. How a payout went is said by :mod:`amazon.payouts`, and by the group only where that says
nothing. Source: SP-API model Finances v0, listFinancialEventGroups.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from amazon.client import Client, moment
from amazon.connect import client_for
from amazon.cursors import claimed
from amazon.models import Cursor, Resource, Settlement
from amazon.payouts import is_stated
from amazon.pull import forbidden_is_told
from audit.trail import record, recorded
from bookkeeping.money import from_decimal
from kit.clock import now
from tenants.models import Connection

WINDOW: Final = timedelta(days=179)  # bounds more than 180 days apart are answered with nothing
NEWEST: Final = timedelta(minutes=3)  # the upper bound must be two minutes old

_Key = tuple[str, datetime, datetime, int]


@dataclass(frozen=True, slots=True)
class Group:
    """One closed group. Amounts are minor units; what Amazon leaves out is "" or None."""

    group_id: str
    currency: str
    starts_at: datetime
    ends_at: datetime
    total: int
    converted: int | None
    converted_currency: str
    status: str
    sent_at: datetime | None
    trace_id: str
    account_tail: str

    @property
    def went_through(self) -> bool:
        return Settlement(transfer_status=self.status).transferred

    @property
    def key(self) -> _Key:
        return self.currency, _second(self.starts_at), _second(self.ends_at), self.total


def ask(connection: Connection, settlements: Iterable[Settlement], client: Client | None = None) -> list[Settlement]:
    """Ask what became of the payouts of a connection's settlements; returns those of which Amazon says something new.

    Raises WaitFor, Forbidden, BadRequest, NotFound, tenants.grants.NeedsReconnect.
    """
    told = []
    asked = [one for one in settlements if one.starts_at < now() - NEWEST - timedelta(seconds=1)]
    with claimed(connection, Resource.TRANSFERS) as claim, forbidden_is_told(connection, "payouts"):
        client = client or client_for(connection)
        for some in _windows(asked):
            claim.alive()
            after, before = _second(some[0].starts_at), _second(some[-1].starts_at) + timedelta(seconds=1)
            found = _alone(parse(sent) for sent in client.event_groups(after, before))
            told += [one for one in some if _keep(one, found.get(_key(one)))]
    return told


def waits(connection: Connection) -> bool:
    """Whether a time has come at which Amazon, or trouble on the way to it, had us ask again."""
    asked = (Resource.TRANSFERS, Resource.PAYOUTS)
    return Cursor.objects.filter(connection=connection, resource__in=asked, due_at__lte=now()).exists()


def parse(sent: Mapping[str, Any]) -> Group | None:
    """Return a group as Amazon sends it; None for one that is still open, and for one that cannot be read exactly."""
    try:
        total, currency = _money(sent["OriginalTotal"])
        converted, paid_in = _money(sent["ConvertedTotal"]) if sent.get("ConvertedTotal") else (None, "")
        begun = sent.get("FundTransferDate")
        if str(sent.get("ProcessingStatus", "")).casefold() == "open":
            return None
        return Group(
            group_id=str(sent["FinancialEventGroupId"])[:64],
            currency=currency,
            starts_at=moment(sent["FinancialEventGroupStart"]),
            ends_at=moment(sent["FinancialEventGroupEnd"]),
            total=total,
            converted=converted,
            converted_currency=paid_in,
            status=str(sent.get("FundTransferStatus") or "")[:40],
            sent_at=moment(begun) if begun else None,
            trace_id=str(sent.get("TraceId") or "")[:64],
            account_tail=str(sent.get("AccountTail") or "")[-4:],
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
        return None


def _money(sent: Mapping[str, Any]) -> tuple[int, str]:
    currency = sent["CurrencyCode"]
    return from_decimal(Decimal(sent["CurrencyAmount"]), currency), currency


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _key(settlement: Settlement) -> _Key:
    return settlement.currency, _second(settlement.starts_at), _second(settlement.ends_at), settlement.total


def _windows(settlements: Iterable[Settlement]) -> Iterator[Sequence[Settlement]]:
    """Yield settlements by start, so many at a time as one question may span."""
    some: list[Settlement] = []
    for one in sorted(settlements, key=lambda one: one.starts_at):
        if some and one.starts_at - some[0].starts_at > WINDOW:
            yield some
            some = []
        some.append(one)
    if some:
        yield some


def _alone(groups: Iterable[Group | None]) -> dict[_Key, Group]:
    """Return groups by what a settlement is known by; of two that are alike in all of it, neither."""
    found: dict[_Key, dict[str, Group]] = {}
    for one in groups:
        if one is not None:
            found.setdefault(one.key, {})[one.group_id] = one
    return {key: next(iter(alike.values())) for key, alike in found.items() if len(alike) == 1}


def _keep(settlement: Settlement, group: Group | None) -> bool:
    """Store the answer; whether it is another one than before. An earlier one stays where there is none now."""
    asked = Settlement.objects.filter(pk=settlement.pk)
    stated = is_stated(settlement)
    if group is None or (stated and not group.went_through):
        asked.update(transfer_asked_at=now())
        return False
    values: dict[str, Any] = {
        "group_id": group.group_id,
        "converted": group.converted,
        "converted_currency": group.converted_currency,
    }
    if not stated:
        values |= {
            "transfer_status": group.status,
            "transferred_at": group.sent_at,
            "trace_id": group.trace_id,
            "account_tail": group.account_tail,
        }
    different = [name for name, value in values.items() if getattr(settlement, name) != value]
    with recorded():
        asked.update(transfer_asked_at=now(), **values)
        if different:
            record(
                "settlement.transfer",
                f"settlement:{settlement.pk}",
                tenant_id=settlement.tenant_id,
                settlement_id=settlement.settlement_id,
                group=group.group_id,
                status=group.status,
                converted=group.converted,
                currency=group.converted_currency,
            )
    settlement.refresh_from_db(fields=[*values, "transfer_asked_at"])
    return bool(different)

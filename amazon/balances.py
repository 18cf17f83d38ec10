"""What Amazon says it owes at the end of a day.

Source: SP-API model Finances 2024-06-19, listBalances.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from amazon import finances, naming
from amazon.client import Client, moment
from amazon.connect import client_for
from amazon.cursors import claimed
from amazon.finances import Sent, account_type, money, sequence, text
from amazon.models import Balance, Cursor, Resource
from amazon.pull import forbidden_is_told
from audit.trail import recorded
from kit.clock import now
from tenants.models import Connection

# A day is over everywhere: in Los Angeles, whose clock is behind that of every other marketplace, it ends at 08:00 UTC.
_OVER: Final = timedelta(hours=9)
_READ: Final = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)
_DEEPEST: Final = 10


def last_day() -> date:
    """Return the last day that is over in every marketplace."""
    return (now() - _OVER).date() - timedelta(days=1)


def is_due(connection: Connection) -> bool:
    """Whether a day is over whose balances were not read."""
    read = Cursor.objects.filter(connection=connection, resource=Resource.BALANCES)
    watermark = read.values_list("watermark", flat=True).first()
    return watermark is None or watermark.date() < last_day()


def read_balances(connection: Connection, as_of: date | None = None, client: Client | None = None) -> int:
    """Bring in the balances at the end of a day, the last one that is over; returns how many. Read again, they are replaced.

    Raises WaitFor, Forbidden, BadRequest, NotFound, tenants.grants.NeedsReconnect.
    """
    day = as_of or last_day()
    with claimed(connection, Resource.BALANCES) as claim, forbidden_is_told(connection, "balances"):
        client = client or client_for(connection)
        found: dict[tuple[Any, ...], int] = {}
        for sent in naming.checked(connection, finances.balances(client, day)):
            claim.alive()
            for key, amount in _flat(sent, {}, day, 0):
                found.setdefault(key, amount)  # a part may be listed by itself as well: it is one figure
        with recorded():
            for (kind, account, marketplace, currency, on), amount in found.items():
                Balance.objects.update_or_create(
                    tenant_id=connection.tenant_id,
                    connection=connection,
                    account_type=account,
                    marketplace_id=marketplace,
                    currency=currency,
                    kind=kind,
                    as_of=on,
                    defaults={"amount": amount, "seen_at": now()},
                )
            claim.move(watermark=moment(day.isoformat()), quietly=True)
    return len(found)


def _flat(sent: Sent, whose: Sent, day: date, depth: int) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Yield a balance and the parts it has, by (kind, account type, marketplace, currency, day); parts belong to whom it belongs."""
    if depth > _DEEPEST:
        return
    own = sent.get("partnerMetadata")
    whose = own if isinstance(own, Mapping) else whose
    try:
        amount, currency = money(sent["amount"])
        kind = text(sent.get("balanceType")).upper()[:40]
        named = account_type(whose.get("accountType")), text(whose.get("marketplaceId"))[:20]
        yield (kind, *named, currency, _day(sent.get("asOfDate")) or day), amount
    except _READ:
        pass  # a figure that cannot be read is none; what it is the sum of may be readable
    for part in sequence(sent.get("balances")):
        if isinstance(part, Mapping):
            yield from _flat(part, whose, _day(sent.get("asOfDate")) or day, depth + 1)


def _day(sent: Any) -> date | None:
    try:
        return date.fromisoformat(sent[:10])
    except (TypeError, ValueError):
        return None

"""Transactions as rows: every version of each, the newest one marked, none lost and none twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Max

from amazon.finances import Sent
from amazon.models import Transaction
from amazon.transactions import Parsed, parse
from kit.clock import now
from tenants.alerts import alert, settle_alert
from tenants.models import Connection

_KEPT: Final = (
    *("transaction_id", "digest", "status", "kind", "description", "account_type", "marketplace_id", "marketplace"),
    *("posted_at", "currency", "total", "order_id", "settlement_id", "group_id", "released_by", "releases"),
    *("deferral_reason", "matures_at", "problem"),
)


@dataclass(frozen=True, slots=True)
class Stored:
    new: int
    changed: int


def store_transactions(connection: Connection, sent: Sequence[Sent]) -> Stored:
    """Store transactions as Amazon sends them. One that says something else than before becomes the next version of it; of two in
    one answer the later one counts. Inside a transaction of the caller's, who is the only reader."""
    found = {one.transaction_id: one for one in map(parse, sent)}
    of_these = Transaction.objects.filter(connection=connection, transaction_id__in=list(found))
    known = dict(of_these.filter(current=True).values_list("transaction_id", "digest"))
    different = [one for one in found.values() if known.get(one.transaction_id) != one.digest]
    changed = [one.transaction_id for one in different if one.transaction_id in known]
    earlier = of_these.filter(transaction_id__in=changed)
    versions = dict(earlier.values_list("transaction_id").annotate(newest=Max("version")))
    earlier.filter(current=True).update(current=False)
    Transaction.objects.bulk_create(_rows(connection, different, versions))
    return Stored(len(different) - len(changed), len(changed))


def tell_problems(connection: Connection) -> int:
    """Tell the members how many transactions count nowhere because their amounts cannot be trusted; returns how many."""
    key = f"connection:{connection.pk}:transactions"
    count = Transaction.objects.filter(connection=connection, current=True).exclude(problem="").count()
    if not count:
        settle_alert(connection.tenant_id, key)
        return 0
    first = Transaction.objects.filter(connection=connection, current=True).exclude(problem="").earliest("pk")
    one = count == 1
    alert(
        connection.tenant_id,
        kind="transactions_unreadable",
        key=key,
        title=f"{count:,} transaction{' does' if one else 's do'} not add up at {connection}",
        text=f"Amazon sent {'it' if one else 'them'} with amounts that cannot be trusted. {'It counts' if one else 'They count'} "
        "nowhere: not as held back, and not in what Amazon owes. Settlements are not touched by it. "
        f"The first is {first.order_id or first.transaction_id[:80]}: {first.problem}",
        action="Nothing has to be done at first: it is settled by itself once Amazon sends right amounts. If it stays for more than "
        "a week, ask Amazon's seller support about the transaction.",
    )
    return count


def _rows(connection: Connection, found: Iterable[Parsed], versions: dict[str, int]) -> list[Transaction]:
    seen_at = now()
    return [
        Transaction(
            tenant_id=connection.tenant_id,
            connection=connection,
            version=versions.get(one.transaction_id, 0) + 1,
            leaves=one.leaves_as_dicts(),
            seen_at=seen_at,
            **{name: getattr(one, name) for name in _KEPT},
        )
        for one in found
    ]

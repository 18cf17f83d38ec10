"""Balances of the accounts that only we move, or only the bank's feed beside us, as they were last read.

Where a ledger shows no single document of some kinds, the balance of the clearing account is all that tells whether the books
are as we left them. What is in transit until somebody categorises the bank's line is the balance of the payouts account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from bookkeeping.accounts import AccountKey
from flows.models import Flow, ReadBack
from flows.rows import BOOKED
from kit import clock
from ledgers.registry import open_ledger
from tenants.models import Connection

EVERY: Final = timedelta(hours=24)  # a company is read back; providers meter reads


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance in minor units of the books' currency, debit positive: as the ledger had it at a moment, and as what was posted
    comes to, None where others move the account too. ``account`` is the ledger's id of it. ``alarm``: where the two differ,
    somebody moved it since we first did, and not before."""

    account: str
    at: datetime
    ledger: int
    ours: int | None
    alarm: bool


def unseen(target: Connection) -> bool:
    """Whether a ledger shows no single documents of some kind that it books."""
    able = open_ledger(target).capabilities
    return not able.kinds & set(BOOKED) <= able.readable


def ask(target: Connection, wait: timedelta = timedelta()) -> None:
    """Have the balances of a company read as soon as its lane has come to rest, after ``wait`` at the earliest."""
    now = clock.now()
    ReadBack.objects.update_or_create(
        connection=target,
        defaults={"compare_at": now + wait},
        create_defaults={"compare_at": now + wait, "tenant_id": target.tenant_id, "next_at": now + EVERY},
    )


def of_clearing(flow: Flow) -> Balance | None:
    """Return the balance of a flow's clearing account, None where none was read yet."""
    return of_clearings([flow]).get(flow.pk)


def of_clearings(flows: Sequence[Flow]) -> dict[int, Balance]:
    """Return the balances of clearing accounts, by flow, where one was read. One query."""
    return _read(flows, AccountKey.CLEARING)


def of_payouts(flows: Sequence[Flow]) -> dict[int, Balance]:
    """Return the balances of the accounts on which payouts await the bank's line, by flow, where one was read. One query."""
    return _read(flows, AccountKey.PAYOUTS)


def _read(flows: Sequence[Flow], key: AccountKey) -> dict[int, Balance]:
    return {
        flow_id: Balance(account, datetime.fromisoformat(one["at"]), one["ledger"], one["ours"], one["alarm"])
        for flow_id, found in _kept(flows).items()
        for account, one in found
        if one["key"] == key
    }


def _kept(flows: Sequence[Flow]) -> dict[int, list[tuple[str, dict[str, Any]]]]:
    read = ReadBack.objects.filter(connection__in={flow.target_id for flow in flows}, balances_at__isnull=False)
    found: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    for balances in read.values_list("balances", flat=True):
        for account, one in balances.items():
            for flow_id in one["flows"]:
                found.setdefault(flow_id, []).append((account, one))
    return found

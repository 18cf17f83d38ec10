"""What the finances and transfers APIs must say of a seller, for the truth file: settlements, month ends and payouts."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.seller.account import Account
from sandbox.seller.payouts import payouts
from sandbox.seller.postings import Posting, balance, movements, postings


def money_truth(account: Account, today: date) -> dict[str, Any]:
    """Return sums of one account in minor units. Month ends are those of the first marketplace's calendar before ``today``."""
    posted = postings(account)
    return {
        "account_type": account.account_type,
        "currency": account.marketplace.currency,
        "marketplaces": [each.marketplace_id for each in account.marketplaces],
        "settlements": [_settlement(each.settlement_id, each.total, posted) for each in account.settlements],
        "month_ends": _month_ends(account, posted, today),
        "payouts": [
            {
                "settlement_id": each.settlement.settlement_id,
                "amount": each.amount,
                "steps": [{"at": at.isoformat(), "status": status} for at, status in each.steps],
            }
            for each in payouts(account)
        ],
    }


def _settlement(settlement_id: str, total: int, posted: list[Posting]) -> dict[str, Any]:
    own = [each for each in posted if each.settlement and each.settlement.settlement_id == settlement_id]
    return {
        "settlement_id": settlement_id,
        "net_proceeds": total,
        "transactions": len(own),
        "was_deferred": sum(each.amount for each in own if each.deferred_at),
    }


def _month_ends(account: Account, posted: list[Posting], today: date) -> list[dict[str, Any]]:
    moved = movements(account)
    zone = ZoneInfo(account.marketplace.zone)
    made = []
    for first, following in pairwise(_firsts(account.first_start.astimezone(zone).date(), today)):
        at = datetime.combine(following, time(), zone)
        stands = balance(moved, at)
        held = [each for each in posted if each.deferred_at and each.deferred_at < at <= each.posted_at]
        made.append(
            {
                "month": first.strftime("%Y-%m"),
                "date": (following - timedelta(days=1)).isoformat(),
                "total": stands.total,
                "available": stands.available,
                "deferred": sum(each.amount for each in held),
                "reserve": stands.reserve,
                "deferred_sales": len(held),
            }
        )
    return made


def _firsts(start: date, today: date) -> list[date]:
    """Return the first days of the months from that of ``start`` to that of ``today``."""
    found = [start.replace(day=1)]
    while (later := (found[-1] + timedelta(days=32)).replace(day=1)) <= today:
        found.append(later)
    return found

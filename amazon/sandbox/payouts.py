"""Transfers 2024-06-01, listPayouts and listExpectedPayouts: from a settlement to the line of the bank.

A payout's id is its settlement's. What it says depends on the time: begun when the period closes, handed to the bank on the
deposit date, there some business days later, or failed. Source: official model transfers_2024-06-01.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from amazon.sandbox.breakdowns import money
from amazon.sandbox.lwa import Caller
from amazon.sandbox.money_accounts import MoneyAccount, MoneyAccounts
from amazon.sandbox.paging import Pages
from amazon.sandbox.times import instant, written
from sandbox.clock import Clock
from sandbox.seller.payouts import FAILURE
from sandbox.seller.postings import Movement
from sandbox.store import Store
from sandbox.wsgi import json_response

_DEPOSIT_AFTER = timedelta(days=2)
_ENDED = ("FAILED", "CANCELLED")


class Payouts:
    def __init__(self, store: Store, clock: Clock, pages: Pages, accounts: MoneyAccounts) -> None:
        self._store = store
        self._clock = clock
        self._pages = pages
        self._accounts = accounts

    def find(self, request: Request, caller: Caller, *, size: int) -> Response:
        """GET /finances/transfers/2024-06-01/payouts: by account, the newest first."""
        after, before = instant(request, "createdAfter"), instant(request, "createdBefore")
        wanted = request.args.get("payoutId")
        accounts = dict(self._accounts.asked(request, caller))
        now = self._clock.now()
        kept = [
            (datetime.fromisoformat(each["ends_at"]), each)
            for each in self._store.all("payout", scope=caller.seller_id)
            if each["account"] in accounts and wanted in (None, each["settlement_id"])
        ]
        order = list(accounts)
        found = [
            _payout(each, accounts[each["account"]], now)
            for created, each in sorted(kept, key=lambda one: (-order.index(one[1]["account"]), one[0]), reverse=True)
            if created <= now and (not after or created >= after) and (not before or created < before)
        ]
        return json_response(self._pages.of(request, caller, "payouts", found, size))

    def expected(self, request: Request, caller: Caller, *, size: int, state: str) -> Response:
        """GET /finances/transfers/2024-06-01/payouts/expected: what the running period of each account comes to so far.

        ``state`` "SCHEDULED" is what happens to an account in order; "DISABLED" and "AT_RISK" are told of any.
        """
        now = self._clock.now()
        found = []
        for key, account in self._accounts.asked(request, caller):
            on_the_way = sum(
                each["amount"] or 0
                for each in self._store.all("payout", scope=caller.seller_id)
                if each["account"] == key and datetime.fromisoformat(each["deposit_at"]) >= now
                if datetime.fromisoformat(each["ends_at"]) <= now
            )
            amount = account.balance(now).available - on_the_way
            made: dict[str, Any] = {
                "partnerMetadata": account.metadata,
                "status": state if amount > 0 else "NO_PAYOUT_EXPECTED",
                "period": {"startDate": written(account.starts_at), "endDate": written(account.ends_at)},
                "scheduledDate": written(account.ends_at + _DEPOSIT_AFTER),
                "accountTail": account.tail,
                "paymentMethod": "BANK_ACCOUNT",
            }
            if amount > 0:
                made["amount"] = money(amount, account.currency)
            found.append(made)
        return json_response(self._pages.of(request, caller, "expectedPayouts", found, size))

    def end(self, seller_id: str, payout_id: str, status: str, reason: str) -> None:
        """Let a payout fail or be cancelled now: Amazon owes its amount again. Raises KeyError, ValueError."""
        kept = self._store.get("payout", payout_id, scope=seller_id)
        if kept is None:
            raise KeyError(payout_id)
        if status not in _ENDED or not kept["amount"]:
            raise ValueError("a payout of some amount can be FAILED or CANCELLED")
        now = self._clock.now()
        before = [each for each in kept["steps"] if datetime.fromisoformat(each[0]) < now and each[1] not in _ENDED]
        kept["steps"] = [*before, [now.isoformat(), status, reason]]
        self._store.put("payout", payout_id, kept, scope=seller_id)
        back = max(now, datetime.fromisoformat(kept["deposit_at"]))
        self._accounts.move(seller_id, kept["account"], Movement(back, kept["amount"]))


def _payout(kept: Mapping[str, Any], account: MoneyAccount, now: datetime) -> dict[str, Any]:
    history = []
    for at, status, reason in kept["steps"]:
        if datetime.fromisoformat(at) <= now:
            step = {"status": status, "lastUpdatedDate": written(datetime.fromisoformat(at))}
            history.append(step | ({"failureReason": reason or FAILURE} if status in _ENDED else {}))
    status = history[-1]["status"]
    starts_at, ends_at = (datetime.fromisoformat(kept[name]) for name in ("starts_at", "ends_at"))
    made: dict[str, Any] = {
        "id": kept["settlement_id"],
        "partnerMetadata": account.metadata,
        "currentStatus": status,
        "statusHistory": history,
        "creationDate": written(ends_at),
        "period": {"startDate": written(starts_at), "endDate": written(ends_at)},
        "relatedIdentifiers": [
            {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": kept["settlement_id"]}
        ],
    }
    if kept["amount"] is not None:
        made |= {
            "type": "SCHEDULED",
            "amount": money(kept["amount"], account.currency),
            "accountTail": kept["tail"],
            "paymentMethod": "BANK_ACCOUNT",
            "paymentRail": account.rail,
        }
        if status in ("IN_TRANSIT", "PAID"):
            made["traceId"] = kept["trace"]
    return made

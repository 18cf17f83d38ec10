"""Finances 2024-06-19, listBalances and listSummary: what Amazon owes, and what came of a settlement or of some days.

One entry for each account (account type and currency); it names the first marketplace of that account, and is found by any
of them. Source: official model finances_2024-06-19.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from amazon.sandbox.breakdowns import money
from amazon.sandbox.errors import error_named
from amazon.sandbox.lwa import Caller
from amazon.sandbox.money_accounts import MoneyAccount, MoneyAccounts
from amazon.sandbox.paging import Pages
from amazon.sandbox.times import words, written
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import json_response

TYPES: Final = ("AVAILABLE", "RESERVED", "ACCOUNT_LEVEL_RESERVE", "DEFERRED", "TOTAL")


class Balances:
    def __init__(self, store: Store, clock: Clock, pages: Pages, accounts: MoneyAccounts) -> None:
        self._store = store
        self._clock = clock
        self._pages = pages
        self._accounts = accounts

    def balances(self, request: Request, caller: Caller, *, size: int) -> Response:
        """GET /finances/2024-06-19/balances: at the end of ``asOfDate``, or now."""
        kinds = words(request, "balanceType", TYPES, 1)
        day = _day(request, "asOfDate")
        found = []
        for _, account in self._accounts.asked(request, caller):
            tree = _balances(account, self._clock.now(), day)
            chosen = [each for each in _all(tree) if each["balanceType"] in kinds] if kinds else [tree]
            found += [{"partnerMetadata": account.metadata, **each} for each in chosen]
        return json_response(self._pages.of(request, caller, "balances", found, size))

    def summaries(self, request: Request, caller: Caller, *, size: int) -> Response:
        """GET /finances/2024-06-19/summary: of one settlement, or of what was released from one day to another.

        A settlement's net proceeds are its total: its activity with reserves, debts and payouts that came back, so that the
        summary can be held against the report.
        """
        name, value = (request.args.get(f"relatedIdentifier{part}") for part in ("Name", "Value"))
        if bool(name) != bool(value) or name not in (None, "SETTLEMENT_ID"):
            raise error_named("Invalid input")
        starts, ends = _day(request, "periodStart"), _day(request, "periodEnd")
        if not value and (starts is None or ends is None or ends < starts):
            raise error_named("Invalid input")
        found = []
        for key, account in self._accounts.asked(request, caller):
            if value:
                found += self._of_settlement(caller.seller_id, key, account, value)
            elif starts and ends:
                low, high = account.midnight(starts), account.midnight(ends + timedelta(days=1))
                made = _summary(account, low, min(high, self._clock.now()))
                made |= {"periodStart": written(low), "periodEnd": written(high - timedelta(seconds=1))}
                found.append(made)
        return json_response(self._pages.of(request, caller, "summaries", found, size))

    def _of_settlement(self, seller_id: str, key: str, account: MoneyAccount, wanted: str) -> list[dict[str, Any]]:
        kept = self._store.get("payout", wanted, scope=seller_id)
        if kept is None or kept["account"] != key or datetime.fromisoformat(kept["ends_at"]) > self._clock.now():
            return []
        low, high = (datetime.fromisoformat(kept[name]) for name in ("starts_at", "ends_at"))
        made = _summary(account, low, high)
        made["relatedIdentifiers"] = [{"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": wanted}]
        return [made | {"periodStart": written(low), "periodEnd": written(high)}]


def _balances(account: MoneyAccount, now: datetime, day: date | None) -> dict[str, Any]:
    at = min(account.midnight(day + timedelta(days=1)), now) if day else now
    when = {"asOfDate": written(account.midnight(day))} if day else {"lastUpdatedTime": account.local(now).isoformat()}
    stands = account.balance(at)

    def of(kind: str, amount: int, parts: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any]:
        made = {"balanceType": kind, "amount": money(amount, account.currency), **when}
        return {**made, "balances": list(parts)} if parts else made

    held = [of("DEFERRED", stands.deferred), of("ACCOUNT_LEVEL_RESERVE", stands.reserve)]
    parts = [of("AVAILABLE", stands.available), of("RESERVED", stands.reserved, held)]
    return of("TOTAL", stands.total, parts)


def _all(tree: dict[str, Any]) -> list[dict[str, Any]]:
    return [tree, *(found for each in tree.get("balances", ()) for found in _all(each))]


def _summary(account: MoneyAccount, low: datetime, high: datetime) -> dict[str, Any]:
    tops: dict[str, int] = {}
    for at, top, amount in account.postings:
        if low <= at < high:
            tops[top] = tops.get(top, 0) + amount
    return {
        "partnerMetadata": account.metadata,
        "netProceeds": money(sum(tops.values()), account.currency),
        "breakdowns": [
            {"breakdownType": top, "breakdownAmount": money(amount, account.currency), "breakdowns": []}
            for top, amount in tops.items()
        ],
    }


def _day(request: Request, name: str) -> date | None:
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise error_named("Invalid input") from None

"""Finances v0, listFinancialEventGroups: what became of the money of each settlement, and in which currency it was paid.

A group is what a settlement is on Amazon's money side; it has an id of its own and names no settlement. While its period
runs it is open, without an end; once closed, its transfer is begun on the deposit day. Source: official model
financesV0; the words of ``FundTransferStatus`` are those that integrators report.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import denied, invalid
from amazon.sandbox.lwa import FINANCE_ROLE, Caller
from amazon.sandbox.signed import Signer
from amazon.sandbox.times import instant, number, written
from sandbox.clock import Clock
from sandbox.seller.account import STANDARD
from sandbox.seller.marketplaces import EXPONENTS
from sandbox.store import Store
from sandbox.wsgi import json_response

STATUSES: Final = ("Succeeded", "Processing", "Failed", "Unknown")
LONGEST: Final = timedelta(days=180)  # a longer range is answered with nothing
NEWEST: Final = timedelta(minutes=2)
_DEFAULT_PAGE: Final = 10
_LARGEST_PAGE: Final = 100
_WRONG_RANGE: Final = "Date range is invalid."


@dataclass(frozen=True, slots=True)
class Group:
    """One group as it ends. Amounts are minor units; ``converted`` None: paid as it is. ``sent_at`` is when the transfer is
    begun, and ``status`` what is said of it from then on."""

    currency: str
    total: int
    starts_at: datetime
    ends_at: datetime
    sent_at: datetime
    converted: int | None = None
    converted_currency: str = ""
    status: str = "Succeeded"
    account_type: str = STANDARD


def group_id(seller_id: str, account_type: str, currency: str, starts_at: datetime) -> str:
    """The id of the group of one account's period, made of what tells it from all others."""
    named = f"{seller_id} {currency} {written(starts_at)}" + ("" if account_type == STANDARD else f" {account_type}")
    return hashlib.sha256(named.encode()).hexdigest()[:32]


def bank_of(group: str) -> tuple[str, str]:
    """The trace id of a group's transfer, and the last digits of the bank account it goes to."""
    return str(int(group[:12], 16)), str(int(group[12:16], 16) % 1000).zfill(3)


class Groups:
    def __init__(self, store: Store, clock: Clock, signer: Signer) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer

    def publish(self, seller_id: str, group: Group) -> str:
        """Let a group exist; the same period and currency again replaces it. Returns its id."""
        made = group_id(seller_id, group.account_type, group.currency, group.starts_at)
        trace, tail = bank_of(made)
        converted, paid_in = group.converted, group.converted_currency
        if converted is None:
            converted, paid_in = group.total, group.currency
        body = {
            "FinancialEventGroupId": made,
            "ProcessingStatus": "Closed",
            "FundTransferStatus": group.status,
            "OriginalTotal": _money(group.total, group.currency),
            "ConvertedTotal": _money(converted, paid_in),
            "FundTransferDate": written(group.sent_at),
            "TraceId": trace,
            "AccountTail": tail,
            "BeginningBalance": _money(0, group.currency),
            "FinancialEventGroupStart": written(group.starts_at),
            "FinancialEventGroupEnd": written(group.ends_at),
        }
        self._store.put("group", made, body, scope=seller_id)
        return made

    def find(self, request: Request, caller: Caller, *, empty_pages: bool) -> Response:
        """GET /finances/v0/financialEventGroups, the latest first. ``empty_pages``: the first page holds nothing but a token."""
        if FINANCE_ROLE not in caller.roles:
            raise denied("The application is not authorized for the role of this operation.")
        latest = self._clock.now() - NEWEST
        after = instant(request, "FinancialEventGroupStartedAfter")
        before = instant(request, "FinancialEventGroupStartedBefore") or latest
        if after is None or before > latest or before <= after:
            raise invalid(_WRONG_RANGE)
        size = number(request, "MaxResultsPerPage", _DEFAULT_PAGE, _LARGEST_PAGE)
        asked = {name: value for name, value in request.args.items() if name != "NextToken"} | {
            "seller": caller.seller_id
        }
        start = self._resumed(request, asked) if "NextToken" in request.args else -1 if empty_pages else 0
        found = [] if before - after > LONGEST else self._between(caller.seller_id, after, before)
        page = found[start : start + size] if start >= 0 else []
        payload: dict[str, Any] = {"FinancialEventGroupList": page}
        if (reached := max(start + size, 0) if start >= 0 else 0) < len(found):
            payload["NextToken"] = self._signer.token({**asked, "start": reached})
        return json_response({"payload": payload})

    def _resumed(self, request: Request, asked: dict[str, str]) -> int:
        value = self._signer.value(request.args["NextToken"])
        if value is None or {name: each for name, each in value.items() if name != "start"} != asked:
            raise invalid("Invalid NextToken.")
        return int(value["start"])

    def _between(self, seller_id: str, after: datetime, before: datetime) -> list[dict[str, Any]]:
        now = written(self._clock.now())
        found = [
            _as_of(each, now)
            for each in self._store.all("group", scope=seller_id)
            if written(after) <= each["FinancialEventGroupStart"] < written(before)
        ]
        return sorted(found, key=lambda each: str(each["FinancialEventGroupStart"]), reverse=True)


def _money(amount: int, currency: str) -> dict[str, Any]:
    return {"CurrencyCode": currency, "CurrencyAmount": Decimal(amount).scaleb(-EXPONENTS[currency])}


def _as_of(group: dict[str, Any], now: str) -> dict[str, Any]:
    """A group as it looks at ``now``: open, closed with its transfer still to come, then what it was made to end as."""
    made = dict(group)
    if now < made["FinancialEventGroupEnd"]:
        made["ProcessingStatus"] = "Open"
        del made["FinancialEventGroupEnd"]
    if now < made["FundTransferDate"] or made["OriginalTotal"]["CurrencyAmount"] <= 0:
        for name in ("FundTransferStatus", "FundTransferDate", "TraceId", "AccountTail"):
            del made[name]
    elif made["FundTransferStatus"] != "Succeeded":
        del made["TraceId"]
    return made

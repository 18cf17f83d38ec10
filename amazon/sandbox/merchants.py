"""Sellers with several accounts, and what a tester does to their money: actions under ``/_control/do/``."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from amazon.sandbox.building import account_of, built
from amazon.sandbox.events import TRANSACTION_UPDATE
from amazon.sandbox.loading import Loading
from amazon.sandbox.money import Money
from amazon.sandbox.reports import Reports
from amazon.sandbox.telling import Teller
from sandbox.clock import Clock
from sandbox.seller import Style

_LATER_CLOSE = timedelta(hours=3, minutes=11)
"""By how much one account closes before the next one of its seller, unless its shape says when."""


class Merchants:
    def __init__(self, clock: Clock, loading: Loading, reports: Reports, money: Money, teller: Teller) -> None:
        self._clock = clock
        self._loading = loading
        self._reports = reports
        self._money = money
        self._teller = teller

    def actions(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {
            "merchant": self._merchant,
            "settlement_file": self._settlement_file,
            "put_transaction": self._put_transaction,
            "end_payout": self._end_payout,
        }

    def _merchant(self, given: dict[str, Any]) -> dict[str, Any]:
        """One seller with an account for each of ``accounts`` (shapes): currencies, account types, groups of marketplaces of
        one region. Answers {"seller_id", "accounts": [truth]}."""
        seed = int(given.get("seed", 1))
        seller_id = given.get("seller_id", f"A{seed:06d}MERCHANT"[:14])
        today = date.fromisoformat(given["today"]) if "today" in given else None
        made = []
        for number, shape in enumerate(given["accounts"]):
            account = account_of(
                shape, 1000 * seed + number, self._clock.now() - number * _LATER_CLOSE, seller_id=seller_id
            )
            made.append(account)
        if len({each.marketplace.region for each in made}) > 1:
            raise ValueError("a seller is in one region; load one for each")
        if len({(each.account_type, each.marketplace.currency) for each in made}) < len(made):
            raise ValueError("a seller has one account of each type and currency")
        style = built(Style, given.get("style", {}))
        stated = {"seller_id": seller_id, "accounts": [self._loading.load(each, today, style) for each in made]}
        self._loading.keep_truth(seller_id, stated)
        return stated

    def _settlement_file(self, given: dict[str, Any]) -> dict[str, str]:
        """The text of a settlement report, however old it is: a seller downloads it from Seller Central."""
        content = self._reports.content(given["seller_id"], given["report_id"])
        return {"text": content.decode(given.get("codec", "utf-8"))}

    def _put_transaction(self, given: dict[str, Any]) -> dict[str, Any]:
        """Add or replace a transaction, given complete in the shape of the finances API; it stays as it is given."""
        self._money.transactions.put(given["seller_id"], given["transaction"])
        self._teller.tell(TRANSACTION_UPDATE, given["seller_id"], given["transaction"])
        return {}

    def _end_payout(self, given: dict[str, Any]) -> dict[str, Any]:
        """Let a payout be FAILED or CANCELLED now; its money is owed again, and in no settlement yet."""
        self._money.payouts.end(given["seller_id"], given["payout_id"], given["status"], given.get("reason", ""))
        return {}

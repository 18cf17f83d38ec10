"""The accounts of a seller at Amazon (an account type in a currency) and everything that moved their money.

Balances, summaries and payouts are read from these movements, whatever the time is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.wrappers import Request

from amazon.sandbox.breakdowns import container
from amazon.sandbox.errors import denied, error_named
from amazon.sandbox.groups import bank_of, group_id
from amazon.sandbox.lwa import FINANCE_ROLE, Caller
from amazon.sandbox.times import words
from sandbox.seller import MARKETPLACES, Account
from sandbox.seller.payouts import Payout, payouts
from sandbox.seller.postings import Balance, Movement, balance, movements, postings
from sandbox.store import Store

_KNOWN = frozenset(each.marketplace_id for each in MARKETPLACES.values())


@dataclass(frozen=True, slots=True)
class MoneyAccount:
    """``postings`` are (released at, container at the top, amount); the running period is ``starts_at`` to ``ends_at``."""

    seller_id: str
    account_type: str
    currency: str
    marketplace_ids: tuple[str, ...]
    zone: str
    rail: str
    starts_at: datetime
    ends_at: datetime
    moved: tuple[Movement, ...]
    postings: tuple[tuple[datetime, str, int], ...]

    @property
    def metadata(self) -> dict[str, str]:
        return {
            "partnerId": self.seller_id,
            "accountType": self.account_type,
            "marketplaceId": self.marketplace_ids[0],
        }

    @property
    def tail(self) -> str:
        """The last digits of the bank account; the first period's, for as long as nobody changes it."""
        return bank_of(group_id(self.seller_id, self.account_type, self.currency, self.starts_at))[1]

    def local(self, value: datetime) -> datetime:
        return value.astimezone(ZoneInfo(self.zone))

    def midnight(self, day: date) -> datetime:
        """When a day of the first marketplace's calendar begins."""
        return datetime.combine(day, time(), ZoneInfo(self.zone))

    def balance(self, at: datetime) -> Balance:
        return balance(self.moved, at)


class MoneyAccounts:
    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, account: Account) -> None:
        """Take in an account: what moved, its settlements and its payouts."""
        released = Counter[tuple[datetime, str]]()
        for posting in postings(account):
            for line in posting.lines:
                released[line.posted_at, container(line)] += line.amount
        self.keep(account, movements(account), released, payouts(account))

    def keep(
        self,
        account: Account,
        moved: Iterable[Movement],
        released: Mapping[tuple[datetime, str], int],
        paid: Iterable[Payout],
    ) -> None:
        """Take in what is known of an account; ``released`` are sums by time and container at the top."""
        key = f"{account.account_type} {account.marketplace.currency}"
        period = (
            account.settlements[-1].ends_at - account.settlements[-1].starts_at
            if account.settlements
            else timedelta(days=14)
        )
        made = {
            "account_type": account.account_type,
            "currency": account.marketplace.currency,
            "marketplace_ids": [each.marketplace_id for each in account.marketplaces],
            "zone": account.marketplace.zone,
            "rail": {"USD": "ACH", "EUR": "SEPA"}.get(account.marketplace.currency, "LOCAL"),
            "starts_at": account.running_from.isoformat(),
            "ends_at": (account.running_from + period).isoformat(),
            "moved": [{**asdict(each), "at": each.at.isoformat()} for each in moved],
            "postings": [[at.isoformat(), top, amount] for (at, top), amount in released.items()],
        }
        self._store.put("money account", key, made, scope=account.seller_id)
        for payout in paid:
            settlement = payout.settlement
            group = group_id(
                account.seller_id, account.account_type, account.marketplace.currency, settlement.starts_at
            )
            trace, tail = bank_of(group)
            body = {
                "account": key,
                "settlement_id": settlement.settlement_id,
                "starts_at": settlement.starts_at.isoformat(),
                "ends_at": settlement.ends_at.isoformat(),
                "deposit_at": settlement.deposit_at.isoformat(),
                "amount": payout.amount,
                "steps": [[at.isoformat(), status, ""] for at, status in payout.steps],
                "trace": trace,
                "tail": tail,
            }
            self._store.put("payout", settlement.settlement_id, body, scope=account.seller_id)

    def move(self, seller_id: str, key: str, movement: Movement) -> None:
        """Let one more thing happen to an account's money."""
        kept = self._store.get("money account", key, scope=seller_id)
        if kept is None:
            raise KeyError(key)
        kept["moved"].append({**asdict(movement), "at": movement.at.isoformat()})
        self._store.put("money account", key, kept, scope=seller_id)

    def named(self, seller_id: str, key: str) -> MoneyAccount:
        kept = self._store.get("money account", key, scope=seller_id)
        if kept is None:
            raise KeyError(key)
        return _account(seller_id, kept)

    def asked(self, request: Request, caller: Caller) -> Iterator[tuple[str, MoneyAccount]]:
        """Yield key and account of those that ``marketplaceIds`` and ``accountType`` ask for. Raises Refused."""
        if FINANCE_ROLE not in caller.roles:
            raise denied("The application is not authorized for the role of this operation.")
        wanted = set(words(request, "marketplaceIds"))
        if not wanted <= _KNOWN:
            raise error_named("Invalid input")
        kind = request.args.get("accountType")
        for key in self._store.ids("money account", scope=caller.seller_id):
            account = self.named(caller.seller_id, key)
            if kind in (None, account.account_type) and (not wanted or wanted & set(account.marketplace_ids)):
                yield key, account


def _account(seller_id: str, kept: dict[str, Any]) -> MoneyAccount:
    return MoneyAccount(
        seller_id,
        kept["account_type"],
        kept["currency"],
        tuple(kept["marketplace_ids"]),
        kept["zone"],
        kept["rail"],
        datetime.fromisoformat(kept["starts_at"]),
        datetime.fromisoformat(kept["ends_at"]),
        tuple(Movement(**{**each, "at": datetime.fromisoformat(each["at"])}) for each in kept["moved"]),
        tuple((datetime.fromisoformat(at), top, amount) for at, top, amount in kept["postings"]),
    )

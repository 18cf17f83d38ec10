"""How pretend sellers come into the stand-in, and what a tester can do to them: the actions under ``/_control/do/``."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from amazon.sandbox.applications import DEMO_APPLICATION, Applications
from amazon.sandbox.building import account_of, built
from amazon.sandbox.groups import Group, Groups
from amazon.sandbox.lwa import Lwa
from amazon.sandbox.money import Money
from amazon.sandbox.plans import Buckets
from amazon.sandbox.reports import SETTLEMENT, Reports
from amazon.sandbox.static_cases import StaticCases
from sandbox.clock import Clock
from sandbox.seller import (
    MARKETPLACES,
    Account,
    Settlement,
    Style,
    big_seller,
    demo_seller,
    order_json,
    truth,
    v2_file,
)
from sandbox.seller.demo import SELLER_ID
from sandbox.store import Store
from sandbox.switches import Switches

_REPORT_AFTER = timedelta(hours=2)
"""How long after its period closes a settlement report is there."""

_CHARSETS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Cp1252", "cp932": "windows-31j"}
"""A codec's name as Amazon writes it into the Content-Type of a download."""

_FOR_EVERYBODY = ("limit_header", "missing_user_agent", "refresh_token_replaced", "denial", "queue_permission")
"""Switches that act where nobody knows yet which seller it is about."""


class Loading:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        switches: Switches,
        applications: Applications,
        lwa: Lwa,
        reports: Reports,
        groups: Groups,
        buckets: Buckets,
        cases: StaticCases,
        money: Money,
    ) -> None:
        self._store = store
        self._clock = clock
        self._switches = switches
        self._applications = applications
        self._lwa = lwa
        self._reports = reports
        self._groups = groups
        self._buckets = buckets
        self._cases = cases
        self._money = money

    def actions(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {
            "demo": self._demo,
            "seller": self._seller,
            "big": self._big,
            "truth": lambda given: self.truth(given["seller_id"]),
            **self._applications.actions(),
            "authorise": self._authorise,
            "revoke": self._revoke,
            "expire_tokens": lambda given: {"ended": self._lwa.expire_access_tokens(given.get("seller_id", ""))},
            "publish": self._publish,
            "republish": self._republish,
            "put_group": self._put_group,
            "plan": self._plan,
            "seller_switches": self._seller_switches,
            "static_cases": lambda given: {"cases": self._cases.load(given["cases"])},
        }

    # Sellers

    def load(self, account: Account, today: date | None = None, style: Style | None = None) -> dict[str, Any]:
        """Register a seller's account with its settlements, orders and money; answers (and keeps) its truth."""
        for shop in account.marketplaces:
            self.register(account.seller_id, account.store_name, shop.country)
        published = [self._publish_settlement(account, each, style or Style()) for each in account.settlements]
        self._open_group(account)
        for order in account.orders:
            self._store.put("order", order.order_id, order_json(order, account.marketplace), scope=account.seller_id)
        self._money.load(account)
        stated = truth(account, today or self._clock.now().date())
        for settlement_truth, report_id in zip(stated["settlements"], published, strict=True):
            settlement_truth["report_id"] = report_id
        self.keep_truth(account.seller_id, stated)
        return stated

    def keep_truth(self, seller_id: str, stated: dict[str, Any]) -> None:
        self._store.put("truth", seller_id, stated)

    def truth(self, seller_id: str) -> dict[str, Any]:
        kept = self._store.get("truth", seller_id)
        if kept is None:
            raise KeyError(seller_id)
        return kept

    def switch(self, name: str, seller_id: str) -> Any:
        """A switch as it stands for this seller: its own setting, else everybody's."""
        own = self._store.get("seller_switch", name, scope=seller_id)
        return own["value"] if own else self._switches[name]

    def register(self, seller_id: str, store_name: str, country: str) -> None:
        """Let a seller exist, and sell in this country; one that is known keeps its name."""
        marketplace = MARKETPLACES[country]
        known = self._store.get("seller", seller_id)
        countries = list(dict.fromkeys([*(known["countries"] if known else []), country]))
        self._store.put(
            "seller",
            seller_id,
            {
                "seller_id": seller_id,
                "store_name": known["store_name"] if known else store_name,
                "region": marketplace.region,
                "countries": countries,
            },
        )

    def _publish_settlement(self, account: Account, settlement: Settlement, style: Style) -> str:
        self._groups.publish(account.seller_id, _group_of(account, settlement))
        return self._reports.publish(
            account.seller_id,
            v2_file(settlement, account.marketplace, style),
            marketplace_ids=[each.marketplace_id for each in account.marketplaces],
            period=(settlement.starts_at, settlement.ends_at),
            created_at=settlement.ends_at + _REPORT_AFTER,
            content_type=f"text/plain;charset={_CHARSETS.get(style.codec, style.codec)}",
        )

    def _open_group(self, account: Account) -> None:
        """The period that runs now, with nothing in it yet."""
        if account.settlements:
            last = account.settlements[-1]
            ends_at = last.ends_at + (last.ends_at - last.starts_at)
            running = Group(account.marketplace.currency, 0, last.ends_at, ends_at, ends_at + timedelta(days=2))
            self._groups.publish(account.seller_id, replace(running, account_type=account.account_type))

    # Actions

    def _demo(self, given: dict[str, Any]) -> dict[str, Any]:
        """The demo seller, once: asked again, it stays as it is."""
        if kept := self._store.get("truth", SELLER_ID):
            return kept
        today = date.fromisoformat(given["today"]) if "today" in given else self._clock.now().date()
        return self.load(demo_seller(today, int(given.get("seed", 7))), today)

    def _seller(self, given: dict[str, Any]) -> dict[str, Any]:
        today = date.fromisoformat(given["today"]) if "today" in given else None
        account = account_of(given.get("shape", {}), int(given.get("seed", 1)), self._clock.now())
        if self._store.get("truth", account.seller_id):
            raise ValueError(f"{account.seller_id} is already here: every random seller needs a seed of its own")
        return self.load(account, today, built(Style, given.get("style", {})))

    def _big(self, given: dict[str, Any]) -> dict[str, Any]:
        country = given.get("country", "US")
        big = big_seller(int(given["rows"]), int(given.get("seed", 1)), country)
        seller_id = given.get("seller_id", "A2TIEOUTBIG001")
        self.register(seller_id, "Big Seller", country)
        settlement = big.settlement
        report_id = self._reports.publish(
            seller_id,
            b"".join(big),
            marketplace_ids=[big.marketplace.marketplace_id],
            period=(settlement.starts_at, settlement.ends_at),
            created_at=self._clock.now() - timedelta(minutes=5),
        )
        self._money.load_big(big, seller_id)
        stated = {"report_id": report_id, **big.truth()}
        self._store.put("truth", seller_id, stated)
        return stated

    def _authorise(self, given: dict[str, Any]) -> dict[str, str]:
        """Self-authorisation: a refresh token to paste, with the client id and secret it belongs to."""
        client_id = given.get("client_id", DEMO_APPLICATION["client_id"])
        self._lwa.authorise(client_id, given["seller_id"])
        return {
            "client_id": client_id,
            "client_secret": self._applications.known(client_id)["client_secret"],
            "refresh_token": self._lwa.refresh_token(client_id, given["seller_id"]),
        }

    def _revoke(self, given: dict[str, Any]) -> dict[str, Any]:
        self._lwa.revoke(given["seller_id"], given.get("client_id", ""))
        return {}

    def _publish(self, given: dict[str, Any]) -> dict[str, str]:
        """Any report of now: ``text`` (absent: no document), ``report_type``, ``status``, ``content_type`` …"""
        seller_id = given["seller_id"]
        known = self._store.get("seller", seller_id)
        if known is None:
            raise KeyError(seller_id)
        now = self._clock.now()
        starts_at, ends_at = (
            datetime.fromisoformat(given[name]) if name in given else now for name in ("starts_at", "ends_at")
        )
        text = given.get("text")
        content_type = given.get("content_type", "text/plain;charset=UTF-8")
        codec = given.get("codec", "utf-8")
        report_id = self._reports.publish(
            seller_id,
            text.encode(codec) if text is not None else None,
            report_type=given.get("report_type", SETTLEMENT),
            marketplace_ids=[MARKETPLACES[country].marketplace_id for country in known["countries"]],
            period=(starts_at, ends_at),
            created_at=now,
            status=given.get("status", "DONE"),
            content_type=content_type,
            takes_s=int(given.get("takes_s", 0)),
        )
        return {"report_id": report_id}

    def _republish(self, given: dict[str, Any]) -> dict[str, str]:
        """Publish a settlement again under another report id: the ``same`` bytes, ``other`` bytes of the same rows,
        or rows that are ``changed`` (one cent moved between two of them, the total stays)."""
        seller_id, report_id = given["seller_id"], given["report_id"]
        report = self._store.get("report", report_id, scope=seller_id)
        if report is None:
            raise KeyError(report_id)
        content = self._reports.content(seller_id, report_id)
        match given.get("bytes", "same"):
            case "other":
                content = content.replace(b"\n", b"\r\n")
            case "changed":
                content = _one_cent_moved(content)
            case "same":
                pass
            case other:
                raise ValueError(f"bytes is same, other or changed, not {other!r}")
        document = self._store.get("document", report["reportDocumentId"]) or {}
        made = self._reports.publish(
            seller_id,
            content,
            marketplace_ids=report["marketplaceIds"],
            period=(datetime.fromisoformat(report["dataStartTime"]), datetime.fromisoformat(report["dataEndTime"])),
            created_at=self._clock.now(),
            content_type=document["content_type"],
            takes_s=0,
        )
        return {"report_id": made}

    def _put_group(self, given: dict[str, Any]) -> dict[str, str]:
        """Add a financial event group, or replace that of the same period: fields of ``Group``, amounts in minor units."""
        moments = {name: datetime.fromisoformat(given[name]) for name in ("starts_at", "ends_at", "sent_at")}
        values = {name: value for name, value in given.items() if name != "seller_id"}
        return {"group_id": self._groups.publish(given["seller_id"], Group(**{**values, **moments}))}

    def _plan(self, given: dict[str, Any]) -> dict[str, Any]:
        self._buckets.set_plan(given["seller_id"], given["operation"], str(given["rate"]), int(given["burst"]))
        return {}

    def _seller_switches(self, given: dict[str, Any]) -> dict[str, Any]:
        for name, value in given["values"].items():
            if name in _FOR_EVERYBODY:
                raise ValueError(f"{name} can be set for everybody only")
            checked = self._switches.known[name].check(value)
            self._store.put("seller_switch", name, {"value": checked}, scope=given["seller_id"])
        return {name: self.switch(name, given["seller_id"]) for name in self._switches.known}


def _group_of(account: Account, settlement: Settlement) -> Group:
    return Group(
        account.marketplace.currency,
        settlement.total,
        settlement.starts_at,
        settlement.ends_at,
        settlement.deposit_at,
        settlement.converted,
        account.paid_in if settlement.converted is not None else "",
        "Failed" if settlement.returned_in else "Succeeded",
        account.account_type,
    )


def _one_cent_moved(content: bytes) -> bytes:
    """Two rows with decimals after a point, one cent more and one less."""
    lines = content.split(b"\n")
    column = lines[0].split(b"\t").index(b"amount")
    changed = 0
    for number in range(2, len(lines)):
        cells = lines[number].split(b"\t")
        if changed < 2 and len(cells) > column and abs(cents := _cents(cells[column])) > 1:
            cents += (1, -1)[changed]
            cells[column] = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}".encode()
            lines[number] = b"\t".join(cells)
            changed += 1
    return b"\n".join(lines)


def _cents(cell: bytes) -> int:
    return int(cell.replace(b".", b"")) if cell.strip() else 0

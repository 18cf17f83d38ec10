"""The SKUs that a flow's settlements and orders name, and what the mapping does with each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.core.cache import cache

from amazon.child import run_in_child
from amazon.load import LONG_FILE_LINES, settlement_rows
from amazon.models import Order, Settlement
from bookkeeping.accounts import AccountKey
from flows import history
from flows.mapping import TenantMapping, sku_fits
from flows.models import Flow
from ledgers.port import Reference

# What a page may read: the newest settlements up to so many rows, and so many of the newest orders.
SETTLEMENT_ROWS: Final = 200_000
ORDERS: Final = 5_000
_DAY_S: Final = 24 * 3600

Sighting = tuple[int, str, str]  # units, last day in ISO form, marketplace


@dataclass(frozen=True, slots=True)
class SeenSku:
    """``units`` were sold in the settlements that were read. ``item`` and ``account`` are what an invoice line gets
    today; ``rule`` names the split rule that decides, "" for the account key's own."""

    sku: str
    title: str
    units: int
    last_on: date | None
    marketplace: str
    group: str
    item: str
    account: str
    rule: str

    @property
    def has_item(self) -> bool:
        return bool(self.item)


@dataclass(frozen=True, slots=True)
class Seen:
    skus: tuple[SeenSku, ...]
    settlements: int
    orders: int


def seen(flow: Flow, known: TenantMapping, company: Reference, on: date) -> Seen:
    """Return the SKUs, those without an item of their own first, then the best sellers."""
    units: dict[str, int] = defaultdict(int)
    last: dict[str, tuple[str, str]] = {}
    read = _newest(flow)
    for settlement in read:
        for sku, (count, day, marketplace) in _of_settlement(settlement).items():
            units[sku] += count
            last[sku] = max(last.get(sku, ("", "")), (day, marketplace))
    orders = 0
    titles: dict[str, str] = {}
    for items, ordered_at, marketplace in _orders(flow):
        orders += 1
        for item in items:
            sku = item.get("sku", "")
            if sku:
                titles.setdefault(sku, item.get("title", ""))
                last[sku] = max(last.get(sku, ("", "")), (ordered_at.date().isoformat(), marketplace))
    items_by_id = {item.id: item.name for item in company.items}
    accounts = {account.id: account.name for account in company.accounts}
    found = []
    for sku, (day, marketplace) in last.items():
        line_key = known.line_key(AccountKey.SALES, sku, marketplace, on)
        target = known.target(line_key)
        found.append(
            SeenSku(
                sku=sku,
                title=titles.get(sku, ""),
                units=units.get(sku, 0),
                last_on=date.fromisoformat(day) if day else None,
                marketplace=marketplace,
                group=known.groups.get(sku, ""),
                item=items_by_id.get(target.item, ""),
                account=accounts.get(target.account, ""),
                rule=known.label(line_key) if "/" in line_key else "",
            )
        )
    found.sort(key=lambda one: (one.has_item, -one.units, one.sku))
    return Seen(tuple(found), len(read), orders)


def names(flow: Flow) -> list[str]:
    """Return the SKUs alone, sorted."""
    found: set[str] = set()
    for settlement in _newest(flow):
        found |= _of_settlement(settlement).keys()
    for items, _, _ in _orders(flow):
        found |= {item["sku"] for item in items if item.get("sku")}
    return sorted(found)


def matching(pattern: str, skus: Iterable[str]) -> list[str]:
    """Return the SKUs a rule's SKU or pattern takes, as the mapping compares them."""
    return [sku for sku in skus if sku_fits(sku, pattern)]


def read_skus(settlement_pk: int) -> dict[str, Sighting]:
    """Return SKU -> units sold, last day and marketplace of one settlement's file."""
    found: dict[str, Sighting] = {}
    _, rows = settlement_rows(Settlement.objects.get(pk=settlement_pk))
    for row in rows:
        if not row.sku:
            continue
        units, day, marketplace = found.get(row.sku, (0, "", ""))
        sold = row.quantity if row.label.amount_description == "Principal" and row.amount > 0 else 0
        posted = row.posted_at.date().isoformat()
        found[row.sku] = (units + sold, max(day, posted), row.marketplace or marketplace)
    return found


def _of_settlement(settlement: Settlement) -> dict[str, Sighting]:
    """A settlement's file never changes under one revision, so what it says is kept."""
    key = f"skus:{settlement.tenant_id}:{settlement.pk}:{settlement.revision}"
    found: dict[str, Sighting] | None = cache.get(key)
    if found is None:
        long = settlement.row_count > LONG_FILE_LINES
        found = run_in_child(read_skus, settlement.pk) if long else read_skus(settlement.pk)
        cache.set(key, found, _DAY_S)
    return found


def _newest(flow: Flow) -> list[Settlement]:
    chosen: list[Settlement] = []
    rows = 0
    for settlement in history.settlements_of(flow).order_by("-ends_at").iterator(chunk_size=50):
        rows += settlement.row_count
        if chosen and rows > SETTLEMENT_ROWS:
            break
        chosen.append(settlement)
    return chosen


def _orders(flow: Flow) -> Sequence[tuple[list[dict[str, str]], datetime, str]]:
    if flow.source is None:
        return []
    rows = Order.objects.filter(connection=flow.source).order_by("-last_updated_at")
    return list(rows.values_list("items", "purchased_at", "marketplace")[:ORDERS])

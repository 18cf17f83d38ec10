"""Amazon's all-orders report as orders: one line per order item, whichever lines belong together. Pure.

A file is read twice: first from the wire into a private spool on disk, of which only the columns below are kept (so no
city, postcode or buyer ever leaves memory), then order by order. Nothing of a file counts until all of it was read.

Source: GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL; files that sellers published; SP-API developer guide.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from amazon import marketplaces
from amazon.flat_bytes import TextBlocks
from amazon.flat_cells import MARKS, amount, date_readings, moment, readings
from amazon.flat_errors import BadSettlementFile
from amazon.orders import CANCELLED, PENDING, SHIPPED, Item, Parsed, TaxBasis
from bookkeeping.money import BadAmount, exponent

AGAIN: Final = "Try again. If it stays so, leave the period out: its settlements are booked all the same."
_REQUIRED: Final = (
    "amazon-order-id",
    "purchase-date",
    "last-updated-date",
    "order-status",
    "sales-channel",
    "quantity",
    "currency",
    "item-price",
)
_TAXES: Final = {"ITEM": "item-tax", "SHIPPING": "shipping-tax", "GIFT_WRAP": "gift-wrap-tax"}
_PRICES: Final = {"ITEM": "item-price", "SHIPPING": "shipping-price", "GIFT_WRAP": "gift-wrap-price"}
_NET: Final = {
    "ITEM": "vat-exclusive-item-price",
    "SHIPPING": "vat-exclusive-shipping-price",
    "GIFT_WRAP": "vat-exclusive-giftwrap-price",
}
_DISCOUNTS: Final = {"ITEM": "item-promotion-discount", "SHIPPING": "ship-promotion-discount"}
_AMOUNTS: Final = (*_PRICES.values(), *_TAXES.values(), *_DISCOUNTS.values(), *_NET.values())
_KEPT: Final = (*_REQUIRED, "fulfillment-channel", "item-status", "product-name", "sku", "asin", *_AMOUNTS)
_KEPT_ONCE: Final = tuple(dict.fromkeys(_KEPT))
# Orders v0 words in the reports -> Orders 2026-01-01; "Shipped - Delivered to Buyer" and the like are refinements.
_STATUSES: Final[Mapping[str, str]] = {"CANCELED": "CANCELLED", "COMPLETE": SHIPPED}
_FULFILLED_BY: Final = {"amazon": "AMAZON", "afn": "AMAZON", "merchant": "MERCHANT", "mfn": "MERCHANT"}
_BEFORE_TAX: Final = frozenset({"US", "CA"})  # prices there come without tax; elsewhere tax is inside them
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_AT_ONCE: Final = 2000  # lines per write into the spool
_LONGEST_TITLE: Final = 300


class BadReport(Exception):
    """A report of which nothing may be used. ``line`` is 0 where the file as a whole is meant; both texts are sentences."""

    def __init__(self, line: int, problem: str, action: str = AGAIN) -> None:
        self.line, self.problem, self.action = line, problem, action
        super().__init__(f"Line {line}: {problem}" if line else problem)


@dataclass(frozen=True, slots=True)
class Reported:
    """An order as a report has it: the same as from the Orders API, but items have no id and no package is known."""

    parsed: Parsed
    lines: int


class AllOrders:
    """One report, read whole; ``orders()`` yields it order by order. Close it to remove its spool."""

    def __init__(self, chunks: Iterable[bytes], charset: str = "", legacy: str = "cp1252") -> None:
        """Read a report. Raises BadReport, and whatever the chunks raise."""
        self.lines = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.sites: set[str] = set()
        self._marks: tuple[str, ...] = MARKS
        # A database without a name is SQLite's own temporary file: private, and gone with its connection.
        self._spool = sqlite3.connect("")
        self._spool.execute("CREATE TABLE line (order_id TEXT, number INTEGER, cells TEXT)")
        try:
            self._read(chunks, charset, legacy)
            self._spool.execute("CREATE INDEX by_order ON line (order_id, number)")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "AllOrders":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._spool.close()

    def order_ids(self) -> Iterator[str]:
        yield from (row[0] for row in self._spool.execute("SELECT DISTINCT order_id FROM line ORDER BY order_id"))

    def orders(self) -> Iterator[Reported]:
        """Yield every order once, by its number. Raises BadReport."""
        waiting: list[tuple[int, list[str]]] = []
        before = ""
        for order_id, number, cells in self._spool.execute("SELECT * FROM line ORDER BY order_id, number"):
            if order_id != before and waiting:
                yield self._order(before, waiting)
                waiting = []
            before = order_id
            waiting.append((number, json.loads(cells)))
        if waiting:
            yield self._order(before, waiting)

    def _read(self, chunks: Iterable[bytes], charset: str, legacy: str) -> None:
        header: list[str] = []
        batch: list[tuple[str, int, str]] = []
        try:
            for first, text in TextBlocks(chunks, charset, legacy):
                for number, line in enumerate(text.split("\n"), first):
                    if not line.strip():
                        continue
                    cells = line.split("\t")
                    if not header:
                        header = _header(cells)
                        continue
                    batch.append(self._line(number, header, cells))
                    if len(batch) >= _AT_ONCE:
                        self._keep(batch)
        except BadSettlementFile as error:
            raise BadReport(error.line, error.problem) from error
        if not header:
            raise BadReport(0, "The report has no header line.")
        self._keep(batch)

    def _keep(self, batch: list[tuple[str, int, str]]) -> None:
        self._spool.executemany("INSERT INTO line VALUES (?, ?, ?)", batch)
        self.lines += len(batch)
        batch.clear()

    def _line(self, number: int, header: Sequence[str], spelled: list[str]) -> tuple[str, int, str]:
        if len(spelled) > len(header):
            raise BadReport(number, f"The line has {len(spelled)} cells, the header {len(header)}: cells have moved.")
        found = dict(zip(header, (cell.strip() for cell in spelled), strict=False))
        cells = {name: found.get(name, "") for name in _KEPT_ONCE}
        order_id = cells["amazon-order-id"]
        if not _ID.fullmatch(order_id):
            raise BadReport(number, f"amazon-order-id is {order_id[:40]!r}, which is no order number.")
        purchased = _at(number, "purchase-date", cells["purchase-date"])
        self.first = min(self.first or purchased, purchased)
        self.last = max(self.last or purchased, purchased)
        self.sites.add(cells["sales-channel"])
        self._narrow(number, cells)
        return order_id, number, json.dumps([cells[name] for name in _KEPT_ONCE])

    def _narrow(self, number: int, cells: Mapping[str, str]) -> None:
        """Let this line's amounts rule out decimal marks; the file has one, and says nowhere which."""
        if not cells["currency"]:
            return
        try:
            decimals = exponent(cells["currency"])
        except BadAmount as error:
            raise BadReport(number, f"{error}.") from None
        for name in _AMOUNTS:
            if text := cells[name]:
                possible = tuple(readings(text, self._marks, decimals))
                if not possible:
                    raise BadReport(number, f"The cell {name} ({text[:40]!r}) is no amount of {cells['currency']}.")
                if decimals:
                    self._marks = possible

    def _order(self, order_id: str, lines: Sequence[tuple[int, Sequence[str]]]) -> Reported:
        rows = [(number, dict(zip(_KEPT_ONCE, cells, strict=True))) for number, cells in lines]
        number, newest = max(
            rows, key=lambda row: (_at(row[0], "last-updated-date", row[1]["last-updated-date"]), row[0])
        )
        status = status_of(newest["order-status"])
        currencies = {row["currency"] for _, row in rows if row["currency"]}
        if len(currencies) > 1:
            raise BadReport(number, f"Order {order_id} is in {' and '.join(sorted(currencies))}: cells have moved.")
        currency = "" if status in PENDING else next(iter(currencies), "")
        site = newest["sales-channel"]
        place = marketplaces.by_site(site)
        outside = marketplaces.is_multichannel(site)
        country = place.country if place else ""
        items = tuple(self._item(at, row, status, currency, country) for at, row in rows)
        parsed = Parsed(
            order_id=order_id,
            status=status,
            channel="NON_AMAZON" if outside else "AMAZON" if site else "",
            fulfilled_by=_FULFILLED_BY.get(newest["fulfillment-channel"].casefold(), ""),
            purchased_at=_at(number, "purchase-date", newest["purchase-date"]),
            last_updated_at=_at(number, "last-updated-date", newest["last-updated-date"]),
            ship_time=None,
            marketplace_id=place.id if place and not outside else "",
            marketplace=site[:64],
            currency=currency,
            total=_total(items, rows) if currency else None,
            items=items,
            tracking=(),
        )
        return Reported(parsed, len(lines))

    def _item(self, number: int, row: Mapping[str, str], status: str, currency: str, country: str) -> Item:
        quantity = _quantity(number, row["quantity"])
        own = status_of(row["item-status"]) or status
        subtotals: dict[str, int] = {}
        taxes: dict[str, int] = {}
        discounts: dict[str, int] = {}
        total: int | None = None
        basis: TaxBasis = ""
        if currency and row["item-price"]:
            subtotals = self._sums(row, _PRICES, currency)
            taxes = self._sums(row, _TAXES, currency)
            discounts = {name: -abs(minor) for name, minor in self._sums(row, _DISCOUNTS, currency).items()}
            basis = _basis(subtotals, taxes, self._sums(row, _NET, currency), country)
            gross = sum(subtotals.values()) + sum(discounts.values())
            total = gross + sum(taxes.values()) if basis == "added" else gross
            if taxes:
                subtotals["TAX"] = sum(taxes.values())
            if discounts:
                subtotals["DISCOUNT"] = sum(discounts.values())
        return Item(
            item_id="",
            sku=row["sku"],
            asin=row["asin"],
            title=row["product-name"][:_LONGEST_TITLE],
            quantity=quantity,
            fulfilled=quantity if own == SHIPPED else 0,
            total=total,
            subtotals=subtotals,
            taxes=taxes,
            discounts=discounts,
            tax_basis=basis,
        )

    def _sums(self, row: Mapping[str, str], columns: Mapping[str, str], currency: str) -> dict[str, int]:
        """Return the amounts of some columns by Amazon's type; zero and blank cells are left out."""
        decimals = exponent(currency)
        found = {name: amount(row[column], self._marks[0], decimals) for name, column in columns.items() if row[column]}
        return {name: minor for name, minor in found.items() if minor}


def status_of(word: str) -> str:
    """Return the status of Orders 2026-01-01 for a word of the reports: ``Shipped - Picked Up`` is SHIPPED. "" stays ""."""
    plain = _CAMEL.sub(" ", word.split(" - ")[0])
    upper = "_".join(plain.split()).upper()
    return _STATUSES.get(upper, upper)[:40]


def _header(cells: Sequence[str]) -> list[str]:
    header = [cell.strip().casefold() for cell in cells]
    missing = [name for name in _REQUIRED if name not in header]
    if missing:
        raise BadReport(1, f"The report lacks columns: {', '.join(missing)}.")
    return header


def _at(number: int, name: str, text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):  # an hour of the year 1 may be none in UTC
        found = date_readings(text)
    at = moment(text, found[0]) if len(found) == 1 else None
    if at is None:
        raise BadReport(number, f"The cell {name} ({text[:40]!r}) is no date that can be read in one way only.")
    return at.at


def _quantity(number: int, text: str) -> int:
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 9:
        raise BadReport(number, f"The cell quantity ({text[:40]!r}) is no number of units.")
    return int(text)


def _basis(gross: Mapping[str, int], taxes: Mapping[str, int], net: Mapping[str, int], country: str) -> TaxBasis:
    """Tell whether tax is inside the prices: by the columns without it where the file has them, else by the country."""
    tax = sum(taxes.values())
    if not tax:
        return "none"
    if net:
        left = sum(gross.get(name, 0) - net[name] for name in net)
        of_those = sum(taxes.get(name, 0) for name in net)
        return "included" if left == of_those else "added" if not left else "unclear"
    if not country:
        return "unclear"
    return "added" if country in _BEFORE_TAX else "included"


def _total(items: Sequence[Item], rows: Sequence[tuple[int, Mapping[str, str]]]) -> int | None:
    """Return what the buyer paid; None while a line that was not cancelled states no price."""
    for item, (_, row) in zip(items, rows, strict=True):
        if item.total is None and item.quantity and status_of(row["item-status"]) not in CANCELLED:
            return None
    stated = [item.total for item in items if item.total is not None]
    return sum(stated) if stated else None

"""Writes settlement flat files for tests: both layouts, in the spellings that are seen in the wild."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from bookkeeping.facts import Header, Label, Row

_V2 = (
    "settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type order-id "
    "merchant-order-id adjustment-id shipment-id marketplace-name amount-type amount-description amount fulfillment-id "
    "posted-date posted-date-time order-item-code merchant-order-item-id merchant-adjustment-item-id sku "
    "quantity-purchased promotion-id"
)
_V1 = (
    "settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type order-id "
    "merchant-order-id adjustment-id shipment-id marketplace-name shipment-fee-type shipment-fee-amount order-fee-type "
    "order-fee-amount fulfillment-id posted-date order-item-code merchant-order-item-id merchant-adjustment-item-id sku "
    "quantity-purchased price-type price-amount item-related-fee-type item-related-fee-amount misc-fee-amount "
    "other-fee-amount other-fee-reason-description promotion-id promotion-type promotion-amount direct-payment-type "
    "direct-payment-amount other-amount"
)
V2_COLUMNS, V1_COLUMNS = _V2.split(), _V1.split()

SETTLEMENT = "18000000001"
START = datetime(2026, 9, 20, 14, tzinfo=UTC)
END = datetime(2026, 10, 4, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Style:
    """How a file spells dates and numbers."""

    instant: str = "%Y-%m-%d %H:%M:%S UTC"
    day: str = "%Y-%m-%d"
    mark: str = "."
    group: str = ""
    minus: str = "-{}"
    newline: str = "\n"
    trimmed: bool = False
    exponent: int = 2

    def amount(self, minor: int) -> str:
        whole, _, fraction = f"{Decimal(abs(minor)).scaleb(-self.exponent):,f}".partition(".")
        text = whole.replace(",", self.group) + (self.mark + fraction if fraction else "")
        return self.minus.format(text) if minor < 0 else text


PLAIN = Style()
STYLES = {
    "plain": PLAIN,
    "dots-and-comma": Style("%d.%m.%Y %H:%M:%S UTC", "%d.%m.%Y", ",", "."),
    "australia": Style("%d.%m.%Y %H:%M:%S UTC", "%d.%m.%Y"),
    "old-canada": Style("%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%d"),
    "france": Style("%d/%m/%Y %H:%M:%S UTC", "%d/%m/%y", ",", "\u202f", trimmed=True),
    "america": Style("%m/%d/%Y %H:%M:%S UTC", "%m/%d/%y", ".", ",", "({})", "\r\n"),
    "trailing-minus": Style(mark=",", group=" ", minus="{}-"),
}


def row(line: int = 3, label: Label | None = None, amount: int = 1999, **changes: object) -> Row:
    """Return the smallest valid row; a test states what matters to it."""
    base = Row(
        line=line,
        label=label or Label("Order", "ItemPrice", "Principal"),
        amount=amount,
        posted_at=datetime(2026, 9, 22, 10, 30, tzinfo=UTC),
        order_id="111-1111111-1111111",
        item_code="11111111111111",
        sku="SKU-1",
        quantity=1,
        marketplace="Amazon.com",
        fulfillment="AFN",
    )
    return base._replace(**changes)


def rows(*amounts: int) -> list[Row]:
    return [row(line, amount=amount) for line, amount in enumerate(amounts, start=3)]


def header(lines: Iterable[Row], **changes: object) -> Header:
    base = Header(SETTLEMENT, START, END, date(2026, 10, 6), sum(one.amount for one in lines), "USD")
    return replace(base, **changes)


def v2(lines: list[Row], style: Style = PLAIN, head: Header | None = None) -> list[list[str]]:
    """Return the cells of a V2 file, line by line: column header, summary row, rows."""
    head = head or header(lines)
    return [list(V2_COLUMNS), _summary(head, style, len(V2_COLUMNS)), *(_v2_line(head, one, style) for one in lines)]


def _summary(head: Header, style: Style, width: int) -> list[str]:
    deposit = datetime.combine(head.deposit_on, datetime.min.time(), UTC) + timedelta(hours=20)
    cells = [
        head.settlement_id,
        head.starts_at.strftime(style.instant),
        head.ends_at.strftime(style.instant),
        deposit.strftime(style.instant),
        style.amount(head.total),
        head.currency,
    ]
    return cells + [""] * (width - len(cells))


def _v2_line(head: Header, one: Row, style: Style) -> list[str]:
    cells = dict.fromkeys(V2_COLUMNS, "")
    cells |= {
        "settlement-id": head.settlement_id,
        "transaction-type": one.label.transaction_type,
        "order-id": one.order_id,
        "merchant-order-id": one.order_id,
        "marketplace-name": one.marketplace,
        "amount-type": one.label.amount_type,
        "amount-description": one.label.amount_description,
        "amount": style.amount(one.amount),
        "fulfillment-id": one.fulfillment,
        "posted-date": one.posted_at.strftime(style.day),
        "posted-date-time": one.posted_at.strftime(style.instant),
        "order-item-code": one.item_code,
        "sku": one.sku,
        "quantity-purchased": str(one.quantity) if one.quantity else "",
    }
    return list(cells.values())


def v1(lines: list[Row], style: Style = PLAIN, head: Header | None = None) -> list[list[str]]:
    """Return the cells of a V1 file of Order and Refund rows; an item's units stand on a header row of their own.

    Principal rows must come first of their item, on the line behind their header row.
    """
    head = head or header(lines)
    cells = [list(V1_COLUMNS), _summary(head, style, len(V1_COLUMNS))]
    for one in lines:
        if one.quantity:
            cells.append(_v1_line(head, one, style, {"quantity-purchased": str(one.quantity)}))
        kind = {"ItemPrice": "price", "ItemFees": "item-related-fee", "Promotion": "promotion"}[one.label.amount_type]
        named = {f"{kind}-type": one.label.amount_description, f"{kind}-amount": style.amount(one.amount)}
        cells.append(_v1_line(head, one, style, named))
    return cells


def _v1_line(head: Header, one: Row, style: Style, named: dict[str, str]) -> list[str]:
    cells = dict.fromkeys(V1_COLUMNS, "")
    cells |= {
        "settlement-id": head.settlement_id,
        "transaction-type": one.label.transaction_type,
        "order-id": one.order_id,
        "marketplace-name": one.marketplace,
        "fulfillment-id": one.fulfillment,
        "posted-date": one.posted_at.strftime(style.instant),
        "order-item-code": one.item_code,
        "sku": one.sku,
        **named,
    }
    return list(cells.values())


def v1_file(*named: dict[str, str], total: int) -> bytes:
    """Return a V1 file whose lines have just these cells."""
    head = header([], total=total)
    posted = {"settlement-id": SETTLEMENT, "posted-date": "2026-09-22 10:30:00 UTC"}
    lines = [list({**dict.fromkeys(V1_COLUMNS, ""), **posted, **cells}.values()) for cells in named]
    return text([list(V1_COLUMNS), _summary(head, PLAIN, len(V1_COLUMNS)), *lines])


def text(cells: list[list[str]], style: Style = PLAIN, codec: str = "utf-8") -> bytes:
    lines = ("\t".join(line) for line in cells)
    if style.trimmed:
        lines = (line.rstrip("\t") for line in lines)
    return "".join(line + style.newline for line in lines).encode(codec)


def changed(cells: list[list[str]], line: int, column: str, value: str) -> list[list[str]]:
    """Return the cells with one of them changed; ``line`` counts as in the file, from 1."""
    copy = [list(one) for one in cells]
    copy[line - 1][copy[0].index(column)] = value
    return copy


def chunked(data: bytes, size: int) -> Callable[[], Iterator[bytes]]:
    """Return the opener of a byte stream that comes in pieces of ``size`` bytes."""
    return lambda: (data[start : start + size] for start in range(0, len(data), size))

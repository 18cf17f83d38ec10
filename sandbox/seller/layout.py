"""Settlement files as Amazon writes them: the V2 flat file, and the V1 layout that was withdrawn on 2026-11-11.

Tab separated, no quoting, one summary row (period, deposit date, total, currency) and then one row per amount. Dates,
decimals and character sets differ by marketplace and year; a :class:`Style` picks one of the forms seen in real
files.

Source: report types GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2 and GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sandbox.seller.account import Line, Settlement
from sandbox.seller.marketplaces import Marketplace

V2_COLUMNS = (
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
    "transaction-type",
    "order-id",
    "merchant-order-id",
    "adjustment-id",
    "shipment-id",
    "marketplace-name",
    "amount-type",
    "amount-description",
    "amount",
    "fulfillment-id",
    "posted-date",
    "posted-date-time",
    "order-item-code",
    "merchant-order-item-id",
    "merchant-adjustment-item-id",
    "sku",
    "quantity-purchased",
    "promotion-id",
)

V1_COLUMNS = (
    "settlement-id",
    "settlement-start-date",
    "settlement-end-date",
    "deposit-date",
    "total-amount",
    "currency",
    "transaction-type",
    "order-id",
    "merchant-order-id",
    "adjustment-id",
    "shipment-id",
    "marketplace-name",
    "shipment-fee-type",
    "shipment-fee-amount",
    "order-fee-type",
    "order-fee-amount",
    "fulfillment-id",
    "posted-date",
    "order-item-code",
    "merchant-order-item-id",
    "merchant-adjustment-item-id",
    "sku",
    "quantity-purchased",
    "price-type",
    "price-amount",
    "item-related-fee-type",
    "item-related-fee-amount",
    "misc-fee-amount",
    "other-fee-amount",
    "other-fee-reason-description",
    "promotion-id",
    "promotion-type",
    "promotion-amount",
    "direct-payment-type",
    "direct-payment-amount",
    "other-amount",
)

DateForm = Literal["iso", "dotted", "offset", "day first", "month first"]
NumberForm = Literal["point", "comma", "dot comma", "space comma", "no-break space comma"]

_DATE_TIME: dict[DateForm, str] = {
    "iso": "%Y-%m-%d %H:%M:%S UTC",
    "dotted": "%d.%m.%Y %H:%M:%S UTC",
    "offset": "%Y-%m-%dT%H:%M:%S+00:00",
    "day first": "%d/%m/%Y %H:%M:%S UTC",
    "month first": "%m/%d/%Y %H:%M:%S UTC",
}
_DATE: dict[DateForm, str] = {
    "iso": "%Y-%m-%d",
    "dotted": "%d.%m.%Y",
    "offset": "%Y-%m-%d",
    "day first": "%d/%m/%y",
    "month first": "%m/%d/%y",
}
_MARKS: dict[NumberForm, tuple[str, str]] = {
    "point": ("", "."),
    "comma": ("", ","),
    "dot comma": (".", ","),
    "space comma": (" ", ","),
    "no-break space comma": ("\N{NO-BREAK SPACE}", ","),
}


@dataclass(frozen=True, slots=True)
class Style:
    """How one file is written. The defaults are those of a file from amazon.com."""

    dates: DateForm = "iso"
    numbers: NumberForm = "point"
    minus_after: bool = False
    trailing_blanks: bool = False
    trimmed_tabs: bool = False
    currency_on_every_row: bool = False
    line_end: Literal["\n", "\r\n"] = "\n"
    blank_last_line: bool = False
    codec: str = "utf-8"

    def date_time(self, instant: datetime) -> str:
        return instant.astimezone(UTC).strftime(_DATE_TIME[self.dates])

    def date(self, instant: datetime) -> str:
        return instant.astimezone(UTC).strftime(_DATE[self.dates])

    def number(self, amount: int, exponent: int) -> str:
        """Return an amount of minor units as text; JPY (exponent 0) has no decimals."""
        group, mark = _MARKS[self.numbers]
        whole, part = divmod(abs(amount), 10**exponent)
        text = f"{whole:,}".replace(",", group) + (f"{mark}{part:0{exponent}d}" if exponent else "")
        if amount < 0:
            text = f"{text}-" if self.minus_after else f"-{text}"
        return f"{text}    " if self.trailing_blanks else text


def v2_file(settlement: Settlement, marketplace: Marketplace, style: Style | None = None) -> bytes:
    """Return a settlement as a V2 flat file."""
    style = style or Style()
    return _encoded(V2_COLUMNS, v2_rows(settlement, marketplace, style), style)


def v2_rows(settlement: Settlement, marketplace: Marketplace, style: Style) -> Iterator[dict[str, str]]:
    """Yield the summary row and the detail rows of a V2 file, columns by name, blank ones left out."""
    yield _summary(settlement, marketplace, style)
    repeated = {"currency": marketplace.currency} if style.currency_on_every_row else {}
    for line in settlement.lines:
        yield {
            "settlement-id": settlement.settlement_id,
            **repeated,
            **_columns(line),
            "transaction-type": line.label.transaction_type,
            "amount-type": line.label.amount_type,
            "amount-description": line.label.amount_description,
            "amount": style.number(line.amount, marketplace.exponent),
            "posted-date": style.date(line.posted_at),
            "posted-date-time": style.date_time(line.posted_at),
            "quantity-purchased": str(line.quantity or ""),
            "promotion-id": line.promotion_id,
        }


def v1_file(settlement: Settlement, marketplace: Marketplace, style: Style | None = None) -> bytes:
    """Return a settlement in the withdrawn layout: one column per kind of amount, quantities on rows of their own."""
    style = style or Style(dates="offset")
    return _encoded(V1_COLUMNS, _v1_rows(settlement, marketplace, style), style)


def _v1_rows(settlement: Settlement, marketplace: Marketplace, style: Style) -> Iterator[dict[str, str]]:
    yield _summary(settlement, marketplace, style)
    shown: set[tuple[str, str, str, datetime]] = set()
    for line in settlement.lines:
        row = {
            "settlement-id": settlement.settlement_id,
            **_columns(line),
            "transaction-type": line.label.transaction_type,
            "posted-date": style.date_time(line.posted_at),
        }
        item = (line.shipment_id, line.order_id, line.item_code, line.posted_at)
        if line.label.transaction_type == "Order" and line.item_code and item not in shown:
            shown.add(item)
            yield {**row, "quantity-purchased": str(line.quantity)}
        yield {**row, **_v1_amounts(line, marketplace, style)}


def _v1_amounts(line: Line, marketplace: Marketplace, style: Style) -> dict[str, str]:
    """Return the columns that hold a line's amount; an account-level row names itself in transaction-type."""

    def text(amount: int) -> str:
        return style.number(amount, marketplace.exponent)

    group, description = line.label.amount_type, line.label.amount_description
    if group == "ItemPrice":
        return {"price-type": description, "price-amount": text(line.amount)}
    if group in ("ItemFees", "ItemWithheldTax"):
        return {"item-related-fee-type": description, "item-related-fee-amount": text(line.amount)}
    if group == "Promotion":
        return {
            "promotion-id": line.promotion_id,
            "promotion-type": description,
            "promotion-amount": text(line.amount),
        }
    if group == "Cost of Advertising":
        tax = line.amount // 10
        return {
            "item-related-fee-type": group,
            "item-related-fee-amount": text(line.amount - tax),
            "other-fee-amount": text(tax),
            "other-fee-reason-description": "TaxAmount",
        }
    fee = description in ("Base fee", "Discount on fee", "Tax on fee") or group == line.label.transaction_type
    return {
        "transaction-type": group if fee and group != "other-transaction" else description,
        "quantity-purchased": str(line.quantity or ""),
        "other-amount": text(line.amount),
    }


def _summary(settlement: Settlement, marketplace: Marketplace, style: Style) -> dict[str, str]:
    return {
        "settlement-id": settlement.settlement_id,
        "settlement-start-date": style.date_time(settlement.starts_at),
        "settlement-end-date": style.date_time(settlement.ends_at),
        "deposit-date": style.date_time(settlement.deposit_at),
        "total-amount": style.number(settlement.total, marketplace.exponent),
        "currency": marketplace.currency,
    }


def _columns(line: Line) -> dict[str, str]:
    return {
        "order-id": line.order_id,
        "merchant-order-id": line.merchant_order_id,
        "adjustment-id": line.adjustment_id,
        "shipment-id": line.shipment_id,
        "marketplace-name": line.marketplace,
        "fulfillment-id": line.fulfillment,
        "order-item-code": line.item_code,
        "merchant-adjustment-item-id": line.adjustment_item,
        "sku": line.sku,
    }


def _encoded(columns: tuple[str, ...], rows: Iterable[dict[str, str]], style: Style) -> bytes:
    text = ["\t".join(columns)]
    for row in rows:
        cells = "\t".join(row.get(column, "") for column in columns)
        text.append(cells.rstrip("\t") if style.trimmed_tabs else cells)
    ending = style.line_end * (2 if style.blank_last_line else 1)
    return (style.line_end.join(text) + ending).encode(style.codec)

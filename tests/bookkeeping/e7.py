"""Scenario E7: three consecutive settlements with everything in them, and a zero one.

Amazon.com, USD, zone America/Los_Angeles. A period ends at 14:00 local; rows are posted at noon, on a changing day after 14:00 for the
new period. One order item per order; (n) is the quantity. Amounts in the tables are dollars; values handed out are cents.

``settlement(n)`` gives the header and the rows of S1 … S4; other tests (a ledger stand-in end to end) may import it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

from bookkeeping.facts import Header, Label, Row

ZONE = ZoneInfo("America/Los_Angeles")
YEAR = 2025
MARKETPLACE = "Amazon.com"
CURRENCY = "USD"

ORDERS = {
    **{letter: f"114-000000{n}-000000{n}" for n, letter in enumerate("ABCDEFG", start=1)},
    "K": "114-0000011-0000011",
    "X": "114-0000024-0000024",
    "Y": "114-0000025-0000025",
    "Z": "114-0000026-0000026",
    "M": "S01-0000001-0000001",
}
SETTLEMENT_IDS = {1: "18000000001", 2: "18000000002", 3: "18000000003", 4: "18000000004"}

# settlement: first day, last day (both change at 14:00), deposit day, total
PERIODS = {
    1: ("20 Sep", "4 Oct", "6 Oct", "20.01"),
    2: ("4 Oct", "18 Oct", "20 Oct", "-79.41"),
    3: ("18 Oct", "1 Nov", "3 Nov", "109.36"),
    4: ("1 Nov", "15 Nov", "17 Nov", "0.00"),
}

# settlement: (day, transaction type, order, rows); "late" is after 14:00.
ROWS = {
    1: (
        ("22 Sep", "Order", "A", "P 80.00 (2), Shipping 6.00, GiftWrap 4.00, T 6.40/-6.40, promo P -8.00, "
         "promo Shipping -6.00, Comm -12.00, FBA -7.20, GiftwrapChargeback -4.00"),
        ("28 Sep", "Order", "B", "P 30.00 (1), T 2.40/-2.40, Comm -4.50, FBA -3.60"),
        ("29 Sep", "Refund", "Z", "P -25.00, T -2.00/2.00, Comm 3.75, RC -0.75"),
        ("1 Oct", "other", "", "Subscription Fee -39.99"),
        ("2 Oct", "Order", "C", "P 60.00 (1), Shipping 5.00, T 5.20/-4.80, Comm -9.00, FBA -5.00"),
        ("3 Oct", "Refund", "C", "P -20.00, T -1.60/1.60, Comm 3.00, RC -0.60"),
        ("3 Oct", "Order", "M", "FBA -6.50"),
        ("4 Oct", "other", "", "Current Reserve Amount -20.00"),
    ),
    2: (
        ("5 Oct", "other", "", "Previous Reserve Amount Balance 20.00"),
        ("6 Oct", "Order", "B", "P 30.00 (1), T 2.40/-2.40, promo P -3.00, Comm -4.50, FBA -3.60"),
        ("8 Oct", "Order", "D", "P 44.99 (3), Comm -6.75, FBA -3.60"),
        ("9 Oct", "Order_Retrocharge", "A", "P 10.00"),
        ("10 Oct", "A-to-z Guarantee Refund", "A", "P -40.00, Comm 6.00, RC -1.20"),
        ("11 Oct", "Chargeback Refund", "C", "P -15.00, Comm 2.25"),
        ("12 Oct", "other", "", "Advertising -120.00"),
        ("13 Oct", "other", "", "Storage Fee -18.00"),
        ("14 Oct", "other", "", "WAREHOUSE_DAMAGE 14.00"),
        ("15 Oct", "other", "", "Fee Adjustment 9.00"),
    ),
    3: (
        ("18 Oct late", "other", "", "Payable to Amazon -79.41, Successful charge 50.00"),
        ("20 Oct", "other", "", "Transfer of funds unsuccessful 20.01"),
        ("20 Oct", "Order", "E", "P 240.00 (3), Shipping 12.00, T 20.16/-20.16, promo Shipping -12.00, Comm -36.00, "
         "FBA -16.50"),
        ("21 Oct", "Order", "K", "P 12.00 (1), promo P -12.00, Comm -1.80, FBA -3.00"),
        ("22 Oct", "Refund", "D", "P -44.99, Comm 6.75, RC -1.35"),
        ("25 Oct", "Order", "F", "P 35.00 (1), Shipping 4.99, Comm -5.25, FBA -4.10"),
        ("1 Nov", "other", "", "Subscription Fee -39.99, Current Reserve Amount -15.00"),
    ),
    4: (
        ("2 Nov", "other", "", "Previous Reserve Amount Balance 15.00"),
        ("5 Nov", "Order", "G", "P 70.00 (1), Comm -10.50, FBA -5.50"),
        ("14 Nov", "other", "", "Current Reserve Amount -69.00"),
    ),
}  # fmt: skip

# name in the tables: (amount type, amount description)
_ITEM = {
    "P": ("ItemPrice", "Principal"),
    "Shipping": ("ItemPrice", "Shipping"),
    "GiftWrap": ("ItemPrice", "GiftWrap"),
    "promo P": ("Promotion", "Principal"),
    "promo Shipping": ("Promotion", "Shipping"),
    "Comm": ("ItemFees", "Commission"),
    "FBA": ("ItemFees", "FBAPerUnitFulfillmentFee"),
    "RC": ("ItemFees", "RefundCommission"),
    "GiftwrapChargeback": ("ItemFees", "GiftwrapChargeback"),
}
_TAX = ("ItemPrice", "Tax"), ("ItemWithheldTax", "MarketplaceFacilitatorTax-Principal")
_OTHER = {
    "Advertising": Label("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"),
    "WAREHOUSE_DAMAGE": Label("other-transaction", "FBA Inventory Reimbursement", "WAREHOUSE_DAMAGE"),
}


@dataclass(frozen=True)
class Shipped:
    """An order as it shipped: amounts in cents by account key, ``units`` of its one item."""

    letter: str
    on: date
    amounts: dict[str, int]
    units: int

    @property
    def order_id(self) -> str:
        return ORDERS[self.letter]

    @property
    def at(self) -> datetime:
        return datetime.combine(self.on, time(12), ZONE).astimezone(UTC)


def cents(text: str) -> int:
    return int(Decimal(text).scaleb(2))


def day(text: str) -> date:
    return datetime.strptime(f"{text} {YEAR}", "%d %b %Y").date()  # noqa: DTZ007


def at(text: str) -> datetime:
    """The instant a row of this day is posted: noon, or 15:00 when the day is marked late."""
    late = text.endswith(" late")
    return datetime.combine(day(text.removesuffix(" late")), time(15 if late else 12), ZONE).astimezone(UTC)


def boundary(text: str) -> datetime:
    return datetime.combine(day(text), time(14), ZONE).astimezone(UTC)


def header(n: int) -> Header:
    starts, ends, deposit, total = PERIODS[n]
    return Header(SETTLEMENT_IDS[n], boundary(starts), boundary(ends), day(deposit), cents(total), CURRENCY)


def sku(letter: str) -> str:
    return f"SKU-{letter}" if letter else ""


def rows_from(tables: Iterable[tuple[str, str, str, str]]) -> list[Row]:
    """Read rows from tables like those above; lines count from 3, under the column header and the summary row."""
    found: list[Row] = []
    for when, transaction, letter, table in tables:
        quantity = int(match[1]) if (match := re.search(r"\((\d+)\)", table)) else 0
        for entry in table.split(", "):
            name, _, amounts = entry.removesuffix(f" ({quantity})").rpartition(" ")
            for label, amount in _labelled(transaction, name, amounts):
                found.append(_row(len(found) + 3, label, amount, when, letter, quantity))
    return found


def _labelled(transaction: str, name: str, amounts: str) -> list[tuple[Label, str]]:
    if name == "T":
        return [(Label(transaction, *pair), amount) for pair, amount in zip(_TAX, amounts.split("/"), strict=True)]
    if transaction == "other":
        return [(_OTHER.get(name, Label("other-transaction", "other-transaction", name)), amounts)]
    return [(Label(transaction, *_ITEM[name]), amounts)]


def _row(line: int, label: Label, amount: str, when: str, letter: str, quantity: int) -> Row:
    multi_channel = letter == "M"
    return Row(
        line=line,
        label=label,
        amount=cents(amount),
        posted_at=at(when),
        order_id=ORDERS[letter] if letter else "",
        item_code=f"6000000000{ord(letter)}" if letter else "",
        sku=sku(letter),
        quantity=quantity,
        marketplace="Non-Amazon US" if multi_channel else MARKETPLACE if letter else "",
        fulfillment="AFN" if letter else "",
    )


def settlement(n: int) -> tuple[Header, list[Row]]:
    """Return the header and the rows of Sn."""
    return header(n), rows_from(ROWS[n])


def settlements() -> list[tuple[Header, list[Row]]]:
    return [settlement(n) for n in PERIODS]


SHIPPED = tuple(
    Shipped(
        letter,
        day(when),
        {
            key: cents(amount)
            for key, amount in zip(("SALES", "SHIP_INCOME", "WRAP_INCOME", "PROMO"), amounts.split("/"), strict=True)
            if cents(amount)
        },
        units,
    )
    for when, letter, amounts, units in (
        ("18 Sep", "A", "80/6/4/-14", 2),
        ("21 Sep", "B", "60/0/0/0", 2),
        ("24 Sep", "X", "33/0/0/0", 1),
        ("25 Sep", "C", "60/5/0/0", 1),
        ("30 Sep", "D", "45.00/0/0/0", 3),
        ("12 Oct", "E", "240/12/0/-12", 3),
        ("12 Oct", "K", "12/0/0/-12", 1),
        ("27 Oct", "G", "70/0/0/0", 1),
        ("10 Nov", "Y", "55/0/0/0", 1),
    )
)
CANCELLED = {"X": day("9 Nov")}

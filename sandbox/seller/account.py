"""A pretend seller account at Amazon: orders, and one settlement after the other.

Amounts are integer minor units of the marketplace's currency, signed as Amazon signs them: positive raises what
Amazon owes the seller. Instants are aware UTC. A settlement covers [start, end); the next one starts where it ended
and takes back what it held.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal, NamedTuple

from sandbox.seller import vocabulary
from sandbox.seller.marketplaces import EXPONENTS, Marketplace
from sandbox.seller.vocabulary import Label

STANDARD = "Standard Orders"
INVOICED = "Invoiced orders"
"""The account types of a seller: what buyers pay at once, and what companies pay on an invoice."""

GiveBack = Literal["Refund", "A-to-z Guarantee Refund", "Chargeback Refund"]
Status = Literal["PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED", "SHIPPED", "CANCELLED"]


class Line(NamedTuple):
    """One money row of a settlement, as it is written into the file. Absent text is "", absent quantity 0."""

    label: Label
    amount: int
    posted_at: datetime
    order_id: str = ""
    merchant_order_id: str = ""
    adjustment_id: str = ""
    shipment_id: str = ""
    marketplace: str = ""
    fulfillment: str = ""
    item_code: str = ""
    adjustment_item: str = ""
    sku: str = ""
    quantity: int = 0
    promotion_id: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """``price`` and ``fulfilment`` are per unit, in minor units; ``commission`` in percent of what the buyer pays."""

    sku: str
    asin: str
    title: str
    price: int
    fulfilment: int
    commission: int = 15


@dataclass(slots=True)
class Item:
    """One line of an order. Amounts are for all units; ``tax_kept`` is the part of ``tax`` the seller must remit."""

    code: str
    product: Product
    quantity: int
    price: int
    shipping: int = 0
    wrap: int = 0
    discount: int = 0
    shipping_discount: int = 0
    tax: int = 0
    shipping_tax: int = 0
    wrap_tax: int = 0
    tax_discount: int = 0
    tax_kept: int = 0
    settled: int = 0


@dataclass(slots=True)
class Order:
    order_id: str
    purchased_at: datetime
    updated_at: datetime
    status: Status
    items: list[Item]
    fulfilled_by: Literal["AMAZON", "MERCHANT"] = "AMAZON"
    multi_channel: bool = False
    shipped_at: datetime | None = None
    tracking: str = ""
    sold_on: Marketplace | None = None
    """Where it was bought, if not on the account's first marketplace."""


@dataclass(slots=True)
class Settlement:
    """One closed settlement. ``deposit_at`` is stated whether or not anything is paid out."""

    settlement_id: str
    starts_at: datetime
    ends_at: datetime
    deposit_at: datetime
    lines: list[Line]
    returned_in: str = ""
    """The later settlement in which this one's payout came back, if the transfer failed."""
    converted: int | None = None
    """What Amazon pays of it in the account's ``paid_in``, minor units of that; None where it does not convert."""

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)

    @property
    def reserve_held(self) -> int:
        """What this settlement keeps back for the next one, ≥ 0."""
        return -sum(line.amount for line in self.lines if line.label.amount_description == "Current Reserve Amount")


@dataclass
class Account:
    """One account of a seller: one account type in one currency, on one marketplace or on several of that currency."""

    seed: int
    marketplace: Marketplace
    seller_id: str
    store_name: str
    first_start: datetime
    paid_in: str = ""
    """The currency into which Amazon converts payouts, at ``paid_at`` units of it for one of the marketplace's; "": none."""
    paid_at: str = "1"
    orders: list[Order] = field(default_factory=list)
    settlements: list[Settlement] = field(default_factory=list)
    running: list[Line] = field(default_factory=list)
    """Rows after the last settlement: sales that are shipped and held; ``posted_at`` is when they will be released."""
    others: tuple[Marketplace, ...] = ()
    account_type: str = STANDARD

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self._next_settlement = self.random.randrange(18_000_000_000, 29_000_000_000)
        self._order_ids: set[str] = set()

    def converted(self, amount: int) -> int:
        """Return what Amazon pays for an amount of the marketplace's currency, in minor units of ``paid_in``."""
        scale = Fraction(10) ** (EXPONENTS[self.paid_in] - self.marketplace.exponent)
        return round(amount * Fraction(self.paid_at) * scale)

    def digits(self, count: int) -> str:
        return "".join(self.random.choices("0123456789", k=count))

    def code(self, count: int) -> str:
        return "".join(self.random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=count))

    @property
    def marketplaces(self) -> tuple[Marketplace, ...]:
        return (self.marketplace, *self.others)

    @property
    def running_from(self) -> datetime:
        """When the period began that is not settled yet."""
        return self.settlements[-1].ends_at if self.settlements else self.first_start

    def order_id(self, prefix: str = "") -> str:
        """Return a new order id of the form 3-7-7 digits (``S01-…`` for multi-channel orders)."""
        while True:
            made = f"{prefix or self.random.choice(('111', '112', '113', '114'))}-{self.digits(7)}-{self.digits(7)}"
            if made not in self._order_ids:
                self._order_ids.add(made)
                return made

    def item(self, product: Product, quantity: int = 1, **amounts: int) -> Item:
        """Return an order line at list price; ``amounts`` are fields of :class:`Item` unlike their default."""
        code = self.digits(14)
        return Item(code, product, quantity, amounts.pop("price", product.price * quantity), **amounts)

    def order(
        self,
        purchased_at: datetime,
        items: list[Item],
        *,
        status: Status = "SHIPPED",
        merchant: bool = False,
        multi_channel: bool = False,
        known: bool = True,
    ) -> Order:
        """Add an order bought at ``purchased_at`` and, if SHIPPED, shipped a day later.

        ``known`` False makes an order that is older than what the Orders API still returns.
        """
        shipped_at = (
            purchased_at + timedelta(days=1, minutes=self.random.randrange(240)) if status == "SHIPPED" else None
        )
        made = Order(
            self.order_id("S01" if multi_channel else ""),
            purchased_at,
            shipped_at or purchased_at + timedelta(minutes=31),
            status,
            items,
            "MERCHANT" if merchant else "AMAZON",
            multi_channel,
            shipped_at,
            f"1Z{self.code(14)}" if merchant and shipped_at else "",
        )
        if known:
            self.orders.append(made)
        return made

    def hold(self, order: Order, released_at: datetime) -> None:
        """Add the sale of a shipped order that no settlement has yet, to be released at ``released_at``."""
        period = Period(self, "", released_at, released_at + timedelta(days=1))
        period.sale(order, released_at)
        self.running += period.lines

    def open(self, ends_at: datetime, *, charges: Iterable[int] = ()) -> "Period":
        """Open the next period, which begins with what the previous one left: its reserve and its debt.

        ``charges`` are the amounts (> 0) Amazon takes from the seller's card for that debt.
        """
        previous = self.settlements[-1] if self.settlements else None
        period = Period(self, str(self._next_settlement), self.running_from, ends_at)
        self._next_settlement += self.random.randrange(10_000, 90_000_000)
        if previous:
            period.open_with(previous.reserve_held, min(previous.total, 0), charges)
        return period


class Period:
    """A settlement that is still open: events are added, :meth:`close` makes the settlement."""

    def __init__(self, account: Account, settlement_id: str, starts_at: datetime, ends_at: datetime) -> None:
        self.account = account
        self.settlement_id = settlement_id
        self.starts_at = starts_at
        self.ends_at = ends_at
        self.lines: list[Line] = []

    @property
    def total(self) -> int:
        return sum(line.amount for line in self.lines)

    def at(self, day: float) -> datetime:
        """Return the instant ``day`` days after the start (to the second), kept inside [start, end)."""
        wanted = self.starts_at + timedelta(seconds=round(day * 86_400))
        return min(max(wanted, self.starts_at), self.ends_at - timedelta(seconds=1))

    def add(self, label: Label, amount: int, posted_at: datetime, **columns: str | int) -> None:
        """Add one row; ``columns`` are the remaining fields of :class:`Line`. A row of zero is not written."""
        if amount:
            self.lines.append(Line(label, amount, posted_at, **columns))  # type: ignore[arg-type]

    def open_with(self, reserve: int, debt: int, charges: Iterable[int]) -> None:
        self.add(vocabulary.other("Payable to Amazon"), debt, self.starts_at)
        for number, charge in enumerate(charges, start=1):
            when = self.starts_at + timedelta(minutes=34 * number, seconds=11)
            self.add(vocabulary.other("Successful charge"), charge, when)
        self.add(vocabulary.other("Previous Reserve Amount Balance"), reserve, self.starts_at + timedelta(seconds=5))

    def sale(
        self,
        order: Order,
        posted_at: datetime,
        *,
        units: int = 0,
        shipment_id: str = "",
        fees: Mapping[Label, int] | None = None,
        marketplace: str | None = None,
    ) -> None:
        """Settle ``units`` of each item of an order (0: all that is left), with its fees and its tax.

        ``fees`` are extra rows on the first item; ``marketplace`` replaces the marketplace name, "" leaves it blank.
        """
        shop = order.sold_on or self.account.marketplace
        site = shop.multi_channel if order.multi_channel else shop.site
        shipment = shipment_id or f"B{self.account.code(8)}"
        extra = dict(fees or {})
        for item in order.items:
            count = units or item.quantity - item.settled
            columns: dict[str, str | int] = {
                "order_id": order.order_id,
                "merchant_order_id": order.order_id,
                "shipment_id": shipment,
                "marketplace": site if marketplace is None else marketplace,
                "fulfillment": "AFN" if order.fulfilled_by == "AMAZON" else "MFN",
                "item_code": item.code,
                "sku": item.product.sku,
                "quantity": count,
            }
            for row, amount in [*_sale_rows(order, item, count, self.account.marketplace.withheld), *extra.items()]:
                promotion = f"PLM-{row.amount_description}-{item.code[:6]}" if row.amount_type == "Promotion" else ""
                self.add(row, amount, posted_at, **columns, promotion_id=promotion)
            extra = {}
            item.settled += count

    def give_back(
        self,
        order: Order,
        posted_at: datetime,
        *,
        percent: int = 100,
        kind: GiveBack = "Refund",
        extra: Mapping[Label, int] | None = None,
    ) -> None:
        """Return ``percent`` of an order's first item to the buyer: price, tax, withholding, commission."""
        item = order.items[0]
        paid = item.price * percent // 100
        tax = item.tax * percent // 100 if item.tax and not item.tax_kept else 0
        commission = _commission(item, item.price - item.discount) * percent // 100
        rows: list[tuple[Label, int]] = [
            (vocabulary.label(kind, "ItemPrice", "Principal"), -paid),
            (vocabulary.label(kind, "ItemPrice", "Tax"), -tax),
            (vocabulary.label(kind, "ItemWithheldTax", f"{self.account.marketplace.withheld}-Principal"), tax),
            (vocabulary.label(kind, "ItemFees", "Commission"), commission),
            (vocabulary.label(kind, "ItemFees", "RefundCommission"), -(commission // 5)),
            *(extra or {}).items(),
        ]
        adjustment, adjusted_item = f"amzn1:crow:{self.account.code(22)}", self.account.digits(19)
        for row, amount in rows:
            self.add(
                row,
                amount,
                posted_at,
                order_id=order.order_id,
                merchant_order_id=order.order_id,
                adjustment_id=adjustment,
                marketplace=(order.sold_on or self.account.marketplace).site,
                fulfillment="AFN" if order.fulfilled_by == "AMAZON" else "MFN",
                item_code=item.code,
                adjustment_item=adjusted_item,
                sku=item.product.sku,
                quantity=item.quantity,
            )

    def returned_payout(self, failed: Settlement, posted_at: datetime) -> None:
        """Take back the payout of an earlier settlement whose bank transfer did not go through."""
        self.add(vocabulary.other(vocabulary.RETURNED_TEXT), failed.total, posted_at)
        failed.returned_in = self.settlement_id

    def close(self, *, reserve: int = 0) -> Settlement:
        """Close the period, holding back ``reserve`` (≥ 0), and add it to the account's history."""
        self.add(vocabulary.other("Current Reserve Amount"), -reserve, self.ends_at - timedelta(minutes=2))
        made = Settlement(
            self.settlement_id, self.starts_at, self.ends_at, self.ends_at + timedelta(days=2), self.lines
        )
        if self.account.paid_in and made.total > 0:
            made.converted = self.account.converted(made.total)
        self.account.settlements.append(made)
        return made


def _commission(item: Item, paid: int) -> int:
    return (paid * item.product.commission + 50) // 100


def _part(amount: int, item: Item, units: int) -> int:
    """Return the share of an item's amount that ``units`` more units carry, so that all shares add up to the amount."""
    done = item.settled
    return amount * (done + units) // item.quantity - amount * done // item.quantity


def _sale_rows(order: Order, item: Item, units: int, withholder: str) -> list[tuple[Label, int]]:
    """Return label and amount of every row that settling ``units`` of an item writes, zeros included."""

    def of(group: str, text: str) -> Label:
        return vocabulary.label("Order", group, text)

    by_amazon = order.fulfilled_by == "AMAZON"
    fulfilment = -item.product.fulfilment * units if by_amazon else 0
    if order.multi_channel:
        return [(of("ItemFees", "FBAPerUnitFulfillmentFee"), fulfilment)]
    shipping, wrap = _part(item.shipping, item, units), _part(item.wrap, item, units)
    withheld = _part(item.tax - item.tax_kept - item.tax_discount, item, units)
    shipping_tax, wrap_tax = _part(item.shipping_tax, item, units), _part(item.wrap_tax, item, units)
    # The collected leg is the sum of its two uses, each shared out by itself, so the legs cancel in every shipment.
    tax = withheld + _part(item.tax_kept, item, units) + _part(item.tax_discount, item, units)
    paid = _part(item.price - item.discount, item, units)
    return [
        (of("ItemPrice", "Principal"), _part(item.price, item, units)),
        (of("ItemPrice", "Shipping"), shipping),
        (of("ItemPrice", "GiftWrap"), wrap),
        (of("ItemPrice", "Tax"), tax),
        (of("ItemPrice", "ShippingTax"), shipping_tax),
        (of("ItemPrice", "GiftWrapTax"), wrap_tax),
        (of("ItemWithheldTax", f"{withholder}-Principal"), -withheld),
        (of("ItemWithheldTax", f"{withholder}-Shipping"), -shipping_tax),
        (of("ItemWithheldTax", f"{withholder}-Giftwrap"), -wrap_tax),
        (of("Promotion", "Principal"), -_part(item.discount, item, units)),
        (of("Promotion", "Shipping"), -_part(item.shipping_discount, item, units)),
        (of("Promotion", "TaxDiscount"), -_part(item.tax_discount, item, units)),
        (of("ItemFees", "Commission"), -_commission(item, paid)),
        (of("ItemFees", "FBAPerUnitFulfillmentFee"), fulfilment),
        (of("ItemFees", "ShippingChargeback"), -shipping if by_amazon else 0),
        (of("ItemFees", "ShippingHB"), 0 if by_amazon else -_commission(item, shipping)),
        (of("ItemFees", "GiftwrapChargeback"), -wrap if by_amazon else 0),
    ]

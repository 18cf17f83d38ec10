"""Sellers of any shape: random, but every history obeys what holds between real settlements.

Consecutive periods join to the second, a reserve comes back in the next one, a negative total opens the next one as a
debt, a failed payout returns with its exact amount, and every settlement's rows add up to its total because the total
is their sum.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.seller.account import STANDARD, Account, GiveBack, Order, Period, Product, Settlement
from sandbox.seller.marketplaces import MARKETPLACES, Marketplace
from sandbox.seller.vocabulary import Label, coupon, label, other, unknown

_LOST = "FBA Inventory Reimbursement"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a random seller looks. Chances are 0 to 1, per settlement; ``*_rows``, ``partial``, ``refunds`` per order.

    ``orders`` is how many orders settle per period on average, ``last_end`` the close of the last period. The last
    settlement has ``unknown_labels`` rows that nothing explains. With ``paid_in``, Amazon converts every payout into that
    currency, at ``paid_at`` (decimal text) units of it for one. ``also`` are further countries of the same currency that share
    the settlements; ``held`` orders are shipped after the last close and not released yet.
    """

    country: str = "US"
    settlements: int = 4
    orders: int = 8
    days: int = 14
    last_end: datetime = datetime(2026, 11, 16, 22, 7, 19, tzinfo=UTC)
    negative: float = 0.2
    zero: float = 0.15
    failed: float = 0.2
    refunds: float = 0.25
    partial: float = 0.2
    blank_marketplace_rows: float = 0.15
    equal_rows: float = 0.1
    unknown_labels: int = 0
    paid_in: str = ""
    paid_at: str = "1"
    also: tuple[str, ...] = ()
    account_type: str = STANDARD
    held: int = 0


def seller(shape: Shape, seed: int, seller_id: str = "") -> Account:
    """Return a random seller; the same shape and seed give the same seller, to the byte.

    ``seller_id`` makes it a further account of that seller. Raises ValueError for marketplaces of several currencies.
    """
    period = timedelta(days=shape.days)
    account = Account(
        seed,
        MARKETPLACES[shape.country],
        seller_id or f"A{seed:08d}SELLER"[:14],
        f"Seller {seed}",
        shape.last_end - period * shape.settlements,
        paid_in=shape.paid_in,
        paid_at=shape.paid_at,
        others=tuple(MARKETPLACES[country] for country in shape.also),
        account_type=shape.account_type,
    )
    if {each.currency for each in account.others} - {account.marketplace.currency}:
        raise ValueError("marketplaces of one settlement share a currency")
    maker = _Maker(account, shape)
    for number in range(1, shape.settlements + 1):
        maker.settle(shape.last_end - period * (shape.settlements - number), last=number == shape.settlements)
    for _ in range(shape.held):
        maker.hold()
    return account


class _Maker:
    def __init__(self, account: Account, shape: Shape) -> None:
        self.account = account
        self.shape = shape
        self.random = account.random
        self.products = [self._product(number) for number in range(1, 13)]
        self.to_finish: list[Order] = []
        self.settled: list[Order] = []

    def _product(self, number: int) -> Product:
        price = self.random.randrange(500, 20_000)
        code = self.account.code(6)
        fulfilment = self.random.randrange(100, 900)
        return Product(f"SKU-{number:02d}-{code}", f"B0{code}{number:02d}", f"Product {number}", price, fulfilment)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def settle(self, ends_at: datetime, *, last: bool) -> None:
        period = self.account.open(ends_at, charges=self._charges())
        self._failed_payout(period)
        self._sales(period)
        self._refunds(period)
        self._services(period)
        for number in range(self.shape.unknown_labels if last else 0):
            period.add(
                unknown(f"Unheard-of Item {number + 1}"), self.random.randrange(-900, 900) or 1, self._when(period)
            )
        self._close(period)

    def hold(self) -> None:
        """Ship an order in the running period, to be released nine days later."""
        shipped = timedelta(days=self.random.randrange(1, 3), minutes=self.random.randrange(900))
        item = self.account.item(self.random.choice(self.products), self.random.choice((1, 2)))
        order = self.account.order(self.shape.last_end + shipped - timedelta(days=1), [item])
        order.sold_on = self._sold_on()
        self.account.hold(order, order.updated_at + timedelta(days=9))

    def _sold_on(self) -> Marketplace | None:
        return self.random.choice((None, *self.account.others)) if self.account.others else None

    def _when(self, period: Period) -> datetime:
        return period.at(self.random.uniform(0.1, self.shape.days - 0.1))

    def _charges(self) -> list[int]:
        """Return what Amazon takes from the card for the last debt: nothing, a part, all, or all in two rows."""
        debt = -self.account.settlements[-1].total if self.account.settlements else 0
        if debt <= 1:
            return []
        half = debt // 2
        return self.random.choice(([], [half], [debt], [half, debt - half]))

    def _failed_payout(self, period: Period) -> None:
        paid = [s for s in self.account.settlements if s.total > 0 and not s.returned_in]
        # The transfer starts two days into this period; it cannot come back before.
        if paid and self.shape.days > 4 and self.chance(self.shape.failed):
            earlier: Settlement = paid[-1]
            period.returned_payout(earlier, period.at(self.random.uniform(3, self.shape.days - 0.5)))
            period.add(label("Transfers", "Micro Deposit", "Micro Deposit"), -1, self._when(period))

    def _sales(self, period: Period) -> None:
        unfinished, self.to_finish = self.to_finish, []
        for order in unfinished:
            period.sale(order, self._when(period), marketplace=self._marketplace())
        for _ in range(self.random.randrange(self.shape.orders // 2, self.shape.orders * 3 // 2 + 1)):
            self._sale(period)

    def _sale(self, period: Period) -> None:
        when = self._when(period)
        bought = when - timedelta(days=self.random.randrange(3, 12), minutes=self.random.randrange(900))
        if self.chance(0.06):
            item = self.account.item(self.random.choice(self.products))
            period.sale(self.account.order(bought, [item], multi_channel=True), when)
            return
        chosen = self.random.sample(self.products, self.random.choice((1, 1, 1, 2, 3)))
        items = [
            self.account.item(product, self.random.choice((1, 1, 1, 2, 3)), **self._extras(product))
            for product in chosen
        ]
        order = self.account.order(bought, items, merchant=self.chance(0.2))
        order.sold_on = self._sold_on()
        if self.chance(self.shape.equal_rows) and all(item.quantity > 1 for item in items):
            shipment = f"B{self.account.code(8)}"
            period.sale(order, when, units=1, shipment_id=shipment)
            period.sale(order, when, shipment_id=shipment)
        elif self.chance(self.shape.partial) and all(item.quantity > 1 for item in items):
            period.sale(order, when, units=1, marketplace=self._marketplace())
            self.to_finish.append(order)
        else:
            period.sale(order, when, marketplace=self._marketplace())
        self.settled.append(order)

    def _marketplace(self) -> str | None:
        return "" if self.chance(self.shape.blank_marketplace_rows) else None

    def _extras(self, product: Product) -> dict[str, int]:
        """Return the amounts an item has besides its price; tax is withheld except for a rare residual in the US."""
        extras = {"tax": product.price * self.random.choice((0, 6, 8, 20)) // 100}
        if self.chance(0.3):
            extras["shipping"] = self.random.randrange(200, 1500)
            if self.chance(0.5):
                extras["shipping_discount"] = extras["shipping"]
        if self.chance(0.15):
            extras["wrap"] = self.random.randrange(200, 600)
        if self.chance(0.2):
            extras["discount"] = product.price * self.random.choice((10, 25, 100)) // 100
        if self.shape.country == "US" and extras["tax"] > 50 and self.chance(0.05):
            extras["tax_kept"] = 40
        return extras

    def _refunds(self, period: Period) -> None:
        candidates = [order for order in self.settled if order not in self.to_finish]
        for order in candidates[-self.shape.orders * 2 :]:
            if self.chance(self.shape.refunds / 2):
                kind: GiveBack = self.random.choice(
                    ("Refund", "Refund", "Refund", "A-to-z Guarantee Refund", "Chargeback Refund")
                )
                percent = self.random.choice((100, 100, 50, 13))
                period.give_back(order, self._when(period), percent=percent, kind=kind)
                self.settled.remove(order)

    def _services(self, period: Period) -> None:
        menu: list[tuple[Label, int]] = [
            (other("Subscription Fee"), -3999),
            (other("Storage Fee"), -self.random.randrange(100, 5000)),
            (other("FBAInboundTransportationFee"), -self.random.randrange(100, 4000)),
            (other("RemovalComplete"), -self.random.randrange(50, 700)),
            (other("Shipping label purchase"), -self.random.randrange(300, 1500)),
            (other("Fee Adjustment"), self.random.randrange(-500, 900) or 1),
            (other("Amazon Capital Services"), self.random.choice((40_000, -2500))),
            (coupon(self.account.marketplace.coupon), -self.random.randrange(60, 900)),
            (label("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"), -self.random.randrange(500, 15_000)),
            (label("other-transaction", _LOST, "WAREHOUSE_LOST"), self.random.randrange(300, 3000)),
            (label("other-transaction", _LOST, "COMPENSATED_CLAWBACK"), -self.random.randrange(300, 3000)),
            (label("FBAFees", "FBA Inventory Storage Fee", "Base fee"), -self.random.randrange(100, 2500)),
            (label("FBAFees", "Inbound Defect Fee", "Base fee"), -self.random.randrange(10, 300)),
        ]
        for row, amount in self.random.sample(menu, self.random.randrange(2, 7)):
            period.add(row, amount, self._when(period))

    def _close(self, period: Period) -> None:
        outcome = self.random.random()
        if outcome < self.shape.negative:
            advertising = max(period.total, 0) + self.random.randrange(500, 20_000)
            row = label("ServiceFee", "Cost of Advertising", "TransactionTotalAmount")
            period.add(row, -advertising, self._when(period))
            period.close()
        elif outcome < self.shape.negative + self.shape.zero:
            period.close(reserve=max(period.total, 0))
        else:
            most = max(period.total, 0)
            period.close(reserve=self.random.choice((0, most // 10, most // 3)))

"""The demo seller: one US seller whose three months hold nearly everything a settlement can hold.

Six settlements of fourteen days, the last one closed at least three days before today. In order: an ordinary one
whose payout fails later; a negative one; one that opens with that debt, two card charges and the failed payout; one
of zero, everything held back; one with a loan; and one with a label nobody has seen before.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle

from sandbox.seller.account import Account, Order, Period, Product
from sandbox.seller.marketplaces import MARKETPLACES
from sandbox.seller.vocabulary import coupon, label, other, unknown

SELLER_ID = "A2TIEOUTDEMO01"
UNKNOWN_TEXT = "Greenlight Program Credit"
PERIOD = timedelta(days=14)
_PERIODS = 6
_CLOSING_TIME = time(22, 7, 19, tzinfo=UTC)

MUG = Product("MUG-BLUE-01", "B0TIEOUT01", "Stoneware mug, blue", 1800, 412)
LAMP = Product("LAMP-DESK-02", "B0TIEOUT02", "Desk lamp, brass", 6495, 742)
TRAY = Product("TRAY-OAK-03", "B0TIEOUT03", "Serving tray, oak", 3250, 588)
TOWEL = Product("TOWEL-SET-04", "B0TIEOUT04", "Towel set of four", 2499, 509)
CLOCK = Product("CLOCK-WALL-05", "B0TIEOUT05", "Wall clock, walnut", 11900, 998, commission=12)


def demo_seller(today: date, seed: int = 7) -> Account:
    """Return the demo seller as of ``today``; the same day and seed give the same seller, to the byte."""
    last_end = _last_end(today)
    account = Account(seed, MARKETPLACES["US"], SELLER_ID, "Harbor Home Goods", last_end - PERIOD * _PERIODS)
    ends = [last_end - PERIOD * back for back in reversed(range(_PERIODS))]
    first = _ordinary(account, ends[0])
    split, later = _negative(account, ends[1], *first)
    _debt_and_failed_payout(account, ends[2], later)
    _zero(account, ends[3], split)
    _loan(account, ends[4])
    _something_new(account, ends[5])
    _not_settled_yet(account, ends[5])
    return account


def _last_end(today: date) -> datetime:
    """Return the close of the last period: three days back, or more so that its deposit falls into the same month."""
    day = today - timedelta(days=3)
    while (day + timedelta(days=2)).month != day.month:
        day -= timedelta(days=1)
    return datetime.combine(day, _CLOSING_TIME)


def _plain_sales(period: Period, days: Iterator[float], count: int) -> list[Order]:
    """Settle ``count`` ordinary orders, one product each, spread over ``days``; tax is collected and withheld."""
    made = []
    products = cycle((MUG, TOWEL, TRAY, LAMP))
    for number in range(count):
        product, when = next(products), period.at(next(days))
        quantity = 1 + number % 2
        price = product.price * quantity
        item = period.account.item(product, quantity, tax=price * 8 // 100)
        order = period.account.order(when - timedelta(days=9, hours=number), [item])
        period.sale(order, when)
        made.append(order)
    return made


def _ordinary(account: Account, ends_at: datetime) -> tuple[Order, Order]:
    """First settlement: sales with all a buyer can pay, a refund, a reserve. Its payout fails later."""
    period = account.open(ends_at)
    bought = period.starts_at - timedelta(days=6)
    gift = account.order(
        bought,
        [
            account.item(
                MUG, 2, shipping=600, wrap=400, discount=360, shipping_discount=600,
                tax=288, shipping_tax=48, wrap_tax=32, tax_discount=29,
            )
        ],
    )  # fmt: skip
    period.sale(gift, period.at(1.2), fees={label("Order", "ItemFees", "TaxOnFees"): -17})
    split = account.order(bought + timedelta(hours=5), [account.item(TRAY, 2, tax=520)])
    period.sale(split, period.at(2.4), units=1)
    kept = account.order(
        bought + timedelta(days=1), [account.item(LAMP, shipping=500, tax=520, shipping_tax=40, tax_kept=40)]
    )
    period.sale(kept, period.at(3.1))
    twins = account.order(bought + timedelta(days=2), [account.item(TOWEL, 2, tax=400)])
    for _ in range(2):  # two units sent in one parcel, each with rows of its own: equal in every column
        period.sale(twins, period.at(4.3), units=1, shipment_id="BqTwoUnits")
    claimed = account.order(bought + timedelta(days=2, hours=3), [account.item(CLOCK, tax=952)])
    period.sale(claimed, period.at(5.5), marketplace="")
    _plain_sales(period, iter((2.1, 4.6, 6.2, 8.0, 9.7)), 5)
    before_history = account.order(period.starts_at - timedelta(days=41), [account.item(TOWEL, tax=200)], known=False)
    period.give_back(before_history, period.at(6.8))
    refunded = account.order(bought + timedelta(days=3), [account.item(MUG, tax=144)])
    period.sale(refunded, period.at(7.2))
    period.give_back(refunded, period.at(11.5), extra={label("Refund", "ItemPrice", "RestockingFee"): 360})
    elsewhere = account.order(bought + timedelta(days=4), [account.item(TRAY)], multi_channel=True)
    period.sale(elsewhere, period.at(8.6))
    period.add(other("Subscription Fee"), -3999, period.at(9.1))
    period.add(other("Storage Fee"), -2215, period.at(9.2))
    period.close(reserve=5000)
    return split, claimed


def _negative(account: Account, ends_at: datetime, split: Order, claimed: Order) -> tuple[Order, Order]:
    """Second settlement: claims, a retrocharge, much advertising: a debt; the split order's second unit settles."""
    period = account.open(ends_at)
    period.sale(split, period.at(1.1))
    sales = _plain_sales(period, iter((2.0, 3.3, 5.9)), 3)
    period.give_back(claimed, period.at(4.2), percent=50, kind="A-to-z Guarantee Refund")
    period.give_back(sales[0], period.at(9.4), kind="Chargeback Refund")
    columns: dict[str, str | int] = {
        "order_id": split.order_id,
        "marketplace": account.marketplace.site,
        "sku": TRAY.sku,
        "quantity": 1,
    }
    period.add(label("Order_Retrocharge", "ItemPrice", "Principal"), 750, period.at(6.6), **columns)
    goodwill = {
        label("Refund", "ItemPrice", "Goodwill"): -300,
        label("Refund", "ItemFees", "FBACustomerReturnPerUnitFee"): -215,
    }
    period.give_back(split, period.at(10.3), percent=50, extra=goodwill)
    for day in (3.0, 7.0, 11.0):
        period.add(label("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"), -14250, period.at(day))
    storage = "FBA Inventory Storage Fee"
    period.add(label("FBAFees", storage, "Base fee"), -4120, period.at(8.0))
    period.add(label("FBAFees", storage, "Discount on fee"), 320, period.at(8.0))
    period.close()
    return sales[1], sales[2]


def _debt_and_failed_payout(account: Account, ends_at: datetime, later: Order) -> None:
    """Third settlement: the debt, charged to the card in two rows; the first payout back; a new bank account."""
    debt = -account.settlements[-1].total
    period = account.open(ends_at, charges=(debt * 3 // 5, debt - debt * 3 // 5))
    period.returned_payout(account.settlements[0], period.at(1.6))
    period.add(label("Transfers", "Micro Deposit", "Micro Deposit"), -1, period.at(2.4))
    large = account.order(
        period.starts_at - timedelta(days=8),
        [account.item(CLOCK, 3, shipping=1200, shipping_discount=1200, tax=2856, shipping_tax=96)],
    )
    period.sale(large, period.at(2.9))
    free = account.order(period.starts_at - timedelta(days=7), [account.item(MUG, discount=MUG.price)])
    period.sale(free, period.at(3.7))
    # Settled before the Orders API calls it shipped.
    early = account.order(period.starts_at - timedelta(days=5), [account.item(TRAY, shipping=499)], status="UNSHIPPED")
    period.sale(early, period.at(4.1), fees={label("Order", "ItemFees", "VariableClosingFee"): -180})
    _plain_sales(period, iter((3.3, 5.2, 6.4, 8.8, 10.1, 12.7)), 6)
    period.give_back(later, period.at(5.0))
    period.add(coupon("Save 10 percent on towels"), -240, period.at(6.0))
    period.add(label("ServiceFee", "Deals", "Promotion Fee"), -1500, period.at(6.5))
    period.add(label("AmazonFees", "Vine Enrollment Fee", "Base fee"), -7500, period.at(7.1))
    period.add(label("AmazonFees", "Vine Enrollment Fee", "Discount on fee"), 2500, period.at(7.1))
    period.add(label("Lightning Deal Fee", "other-transaction", "LightningDealFee"), -3500, period.at(7.8))
    period.add(other("Subscription Fee"), -3999, period.at(9.0))
    period.close(reserve=7500)


def _zero(account: Account, ends_at: datetime, split: Order) -> None:
    """Fourth settlement: reimbursements, removals, a liquidation; Amazon holds back everything, the total is zero."""
    period = account.open(ends_at)
    _plain_sales(period, iter((1.4, 4.9, 6.0, 9.9)), 4)
    lost = "FBA Inventory Reimbursement"
    period.add(label("other-transaction", lost, "WAREHOUSE_DAMAGE"), 1450, period.at(2.2), sku=MUG.sku, quantity=1)
    period.add(
        label("other-transaction", lost, "REVERSAL_REIMBURSEMENT"),
        2180,
        period.at(2.3),
        order_id=split.order_id,
        sku=TRAY.sku,
    )
    period.add(label("other-transaction", lost, "COMPENSATED_CLAWBACK"), -1450, period.at(7.3), sku=MUG.sku, quantity=1)
    safe_t = "SAFE-T Reimbursement"
    period.add(label(safe_t, safe_t, safe_t), 1999, period.at(3.5), order_id=split.order_id)
    disposal = label("FBAFees", "FBA Removal Order: Disposal Fee", "Base fee")
    period.add(disposal, -104, period.at(5.1), order_id="mUtJ9vXw2Q")
    period.add(other("RemovalComplete"), -520, period.at(5.6), order_id="kR41bTnE0s")
    columns: dict[str, str | int] = {"order_id": "pL7cYh20Za", "sku": TOWEL.sku, "quantity": 12}
    period.add(label("Liquidations", "ItemPrice", "Principal"), 4176, period.at(8.2), **columns)
    period.add(label("Liquidations", "ItemFees", "Liquidations Brokerage Fee"), -626, period.at(8.2), **columns)
    period.add(other("Storage Fee"), -1890, period.at(9.5))
    period.close(reserve=period.total)


def _loan(account: Account, ends_at: datetime) -> None:
    """Fifth settlement: a loan and its first instalment, stock sent in, labels bought, a seller-fulfilled order."""
    period = account.open(ends_at)
    _plain_sales(period, iter((1.9, 3.8, 7.7, 10.6)), 4)
    own = account.order(
        period.starts_at - timedelta(days=4),
        [account.item(LAMP, shipping=895, tax=520, shipping_tax=72)],
        merchant=True,
    )
    period.sale(own, period.at(2.7))
    period.add(other("Shipping label purchase"), -734, period.at(2.8), order_id=own.order_id)
    # A fee given back on an order row: the sign is against its family, the meaning is not in doubt.
    again = account.order(period.starts_at - timedelta(days=6), [account.item(MUG, tax=144)])
    period.sale(again, period.at(3.2))
    given_back = label("Order", "ItemFees", "FBAPerUnitFulfillmentFee")._replace(rule=47)
    period.add(
        given_back, 95, period.at(3.2), order_id=again.order_id, item_code=again.items[0].code, sku=MUG.sku, quantity=1
    )
    period.add(other("Amazon Capital Services"), 50000, period.at(4.4))
    period.add(other("Amazon Capital Services"), -4500, period.at(11.4))
    partner = label("FBAFees", "FBA Amazon-Partnered Carrier Shipment Fee", "Base fee")
    period.add(partner, -3140, period.at(5.3), order_id="FBA17TIEOUT1")
    period.add(other("FBAInboundTransportationFee"), -1275, period.at(5.4), order_id="FBA17TIEOUT1")
    level = "FBA Low Inventory Level Fee"
    period.add(label("FBAFees", level, "Base fee"), -410, period.at(6.7))
    period.add(label("FBAFees", level, "Tax on fee"), -33, period.at(6.7))
    period.add(other("Fee Adjustment"), 900, period.at(7.5))
    period.add(other("Subscription Fee"), -3999, period.at(9.0))
    period.close(reserve=12000)


def _something_new(account: Account, ends_at: datetime) -> None:
    """Sixth settlement: ordinary, but for one label that a person has to decide."""
    period = account.open(ends_at)
    _plain_sales(period, iter((0.9, 2.6, 5.7, 8.3, 11.2, 12.4, 13.6)), 7)
    period.add(label("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"), -6120, period.at(6.2))
    period.add(unknown(UNKNOWN_TEXT), 725, ends_at - timedelta(hours=3))
    period.close(reserve=9000)


def _not_settled_yet(account: Account, last_end: datetime) -> None:
    """Orders that no settlement has: shipped lately, waiting, partly shipped, unpaid and cancelled ones."""
    bought = last_end - timedelta(days=5)
    held = []
    for number, product in enumerate((MUG, LAMP, TOWEL)):
        item = account.item(product, tax=product.price * 8 // 100)
        held.append(account.order(bought + timedelta(hours=7 * number), [item]))
    account.order(bought + timedelta(days=3), [account.item(TRAY)], status="UNSHIPPED")
    account.order(bought + timedelta(days=3, hours=2), [account.item(CLOCK, 2)], status="PARTIALLY_SHIPPED")
    account.order(bought + timedelta(days=4), [account.item(MUG)], status="PENDING")
    account.order(bought + timedelta(days=2), [account.item(TOWEL)], status="CANCELLED")
    for order in held:
        account.hold(order, order.updated_at + timedelta(days=9))

"""Small V2 settlement files, as text a test can spoil."""

from datetime import datetime, timedelta
from decimal import Decimal

COLUMNS = (  # noqa: SIM905 - one name per column
    "settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type order-id "
    "merchant-order-id adjustment-id shipment-id marketplace-name amount-type amount-description amount fulfillment-id "
    "posted-date posted-date-time order-item-code merchant-order-item-id merchant-adjustment-item-id sku "
    "quantity-purchased promotion-id"
).split()

SALE = (
    ("Order", "ItemPrice", "Principal", "20.00"),
    ("Order", "ItemFees", "Commission", "-3.00"),
    ("Order", "ItemFees", "FBAPerUnitFulfillmentFee", "-4.50"),
)


def v2(
    settlement_id="15000000001",
    rows=SALE,
    *,
    start="2026-01-01",
    total=None,
    sku="LAMP-1",
    order="701-1234567-1234567",
    currency="USD",
):
    """Return a two-week settlement whose rows are (transaction type, amount type, description, amount)."""
    begin = datetime.fromisoformat(start)
    end = begin + timedelta(days=14)
    stamp = "%Y-%m-%d %H:%M:%S UTC"
    total = sum(Decimal(row[3]) for row in rows) if total is None else total
    summary = {
        "settlement-id": settlement_id,
        "settlement-start-date": begin.strftime(stamp),
        "settlement-end-date": end.strftime(stamp),
        "deposit-date": (end + timedelta(days=2)).strftime(stamp),
        "total-amount": str(total),
        "currency": currency,
    }
    lines = ["\t".join(COLUMNS), _line(summary)]
    for number, (kind, amount_type, description, amount) in enumerate(rows):
        posted = begin + timedelta(hours=1, seconds=number % 1_000_000)
        of_order = {"order-id": order, "marketplace-name": "Amazon.com", "fulfillment-id": "AFN", "sku": sku}
        lines.append(_line({
            "settlement-id": settlement_id,
            "transaction-type": kind,
            "amount-type": amount_type,
            "amount-description": description,
            "amount": amount,
            "posted-date": posted.strftime("%Y-%m-%d"),
            "posted-date-time": posted.strftime(stamp),
            **(of_order if kind in ("Order", "Refund") else {}),
        }))  # fmt: skip
    return "\n".join(lines) + "\n"


def _line(values):
    return "\t".join(values.get(name, "") for name in COLUMNS)

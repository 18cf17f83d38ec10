"""The truth file against the worked example E7 of the posting recipes, whose end balances an accountant signed."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.seller import MARKETPLACES, Account, truth
from sandbox.seller.account import Period
from sandbox.seller.truth import parts_of
from sandbox.seller.vocabulary import Label, label, other, unknown

PACIFIC = ZoneInfo("America/Los_Angeles")
COMM, FBA, RC = "Commission", "FBAPerUnitFulfillmentFee", "RefundCommission"


def local(month: int, day: int, hour: int = 12) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=PACIFIC).astimezone(UTC)


def rows(period: Period, when: datetime, kind: str, order: str, amounts: dict[str, int]) -> None:
    """Add rows written short: P, Shipping, GiftWrap, T (tax), W (withheld), pP, pShipping, and fees by their name."""
    order_id = f"114-00000{ord(order) - 64:02d}-00000{ord(order) - 64:02d}" if order else ""
    for short, amount in amounts.items():
        made: Label
        if short == "W":
            made = label(kind, "ItemWithheldTax", "MarketplaceFacilitatorTax-Principal")
        elif short.startswith("p"):
            made = label(kind, "Promotion", {"pP": "Principal", "pShipping": "Shipping"}[short])
        elif short in (COMM, FBA, RC, "GiftwrapChargeback"):
            made = label(kind, "ItemFees", short)
        else:
            made = label(kind, "ItemPrice", {"P": "Principal", "T": "Tax"}.get(short, short))
        period.add(made, amount, when, order_id=order_id)


def e7(*, failing: bool = True) -> Account:
    account = Account(0, MARKETPLACES["US"], "E7", "E7", local(9, 20, 14))
    s1 = account.open(local(10, 4, 14))
    rows(
        s1,
        local(9, 22),
        "Order",
        "A",
        {
            "P": 8000,
            "Shipping": 600,
            "GiftWrap": 400,
            "T": 640,
            "W": -640,
            "pP": -800,
            "pShipping": -600,
            COMM: -1200,
            FBA: -720,
            "GiftwrapChargeback": -400,
        },
    )
    rows(s1, local(9, 28), "Order", "B", {"P": 3000, "T": 240, "W": -240, COMM: -450, FBA: -360})
    rows(s1, local(9, 29), "Refund", "Z", {"P": -2500, "T": -200, "W": 200, COMM: 375, RC: -75})
    s1.add(other("Subscription Fee"), -3999, local(10, 1))
    rows(s1, local(10, 2), "Order", "C", {"P": 6000, "Shipping": 500, "T": 520, "W": -480, COMM: -900, FBA: -500})
    rows(s1, local(10, 3), "Refund", "C", {"P": -2000, "T": -160, "W": 160, COMM: 300, RC: -60})
    rows(s1, local(10, 3), "Order", "M", {FBA: -650})
    first = s1.close(reserve=2000)

    s2 = account.open(local(10, 18, 14))
    rows(s2, local(10, 6), "Order", "B", {"P": 3000, "T": 240, "W": -240, "pP": -300, COMM: -450, FBA: -360})
    rows(s2, local(10, 8), "Order", "D", {"P": 4499, COMM: -675, FBA: -360})
    rows(s2, local(10, 9), "Order_Retrocharge", "A", {"P": 1000})
    rows(s2, local(10, 10), "A-to-z Guarantee Refund", "A", {"P": -4000, COMM: 600, RC: -120})
    rows(s2, local(10, 11), "Chargeback Refund", "C", {"P": -1500, COMM: 225})
    s2.add(label("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"), -12000, local(10, 12))
    s2.add(other("Storage Fee"), -1800, local(10, 13))
    s2.add(label("other-transaction", "FBA Inventory Reimbursement", "WAREHOUSE_DAMAGE"), 1400, local(10, 14))
    s2.add(other("Fee Adjustment"), 900, local(10, 15))
    s2.close()

    s3 = account.open(local(11, 1, 14), charges=(5000,))
    if failing:
        s3.returned_payout(first, local(10, 20))
    rows(
        s3,
        local(10, 20),
        "Order",
        "E",
        {"P": 24000, "Shipping": 1200, "T": 2016, "W": -2016, "pShipping": -1200, COMM: -3600, FBA: -1650},
    )
    rows(s3, local(10, 21), "Order", "K", {"P": 1200, "pP": -1200, COMM: -180, FBA: -300})
    rows(s3, local(10, 22), "Refund", "D", {"P": -4499, COMM: 675, RC: -135})
    rows(s3, local(10, 25), "Order", "F", {"P": 3500, "Shipping": 499, COMM: -525, FBA: -410})
    s3.add(other("Subscription Fee"), -3999, local(11, 1))
    s3.close(reserve=1500)

    s4 = account.open(local(11, 15, 14))
    rows(s4, local(11, 5), "Order", "G", {"P": 7000, COMM: -1050, FBA: -550})
    s4.close(reserve=6900)
    return account


E7_END = {
    "ADS": 12000,
    "BANK": 10936,
    "CHARGE_METHOD": -5000,
    "CLAIMS": 5500,
    "CLEARING": 0,
    "FEE_FBA": 6260,
    "FEE_OTHER": -900,
    "FEE_REFUND_ADMIN": 390,
    "FEE_SELLING": 6855,
    "FEE_STORAGE": 1800,
    "OUTPUT_TAX": -40,
    "PROMO": 4100,
    "REFUNDS": 8999,
    "REIMB": -1400,
    "RESERVE": 6900,
    "SALES": -61199,
    "SHIP_INCOME": -2799,
    "SUBSCRIPTION": 7998,
    "WRAP_INCOME": -400,
}


def test_totals_of_e7():
    account = e7()

    totals = [settlement.total for settlement in account.settlements]

    assert totals == [2001, -7941, 10936, 0]


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_end_balances_of_e7(mode):
    stated = truth(e7(), date(2026, 11, 20))

    expected = stated["expected"]["quickbooks"][mode]

    assert expected["held"] == []
    assert expected["balances"] == E7_END


def test_parts_and_payments_of_e7():
    account = e7()

    parts = {
        (number, part.number): part
        for number, settlement in enumerate(account.settlements, start=1)
        for part in parts_of(account, settlement)
    }

    assert {key: part.entry.total() for key, part in parts.items()} == {
        (1, 1): 5270,
        (1, 2): -3269,
        (2, 1): -7941,
        (3, 1): 17375,
        (3, 2): -5499,
        (4, 1): 0,
    }
    assert {key: part.remainder.total() for key, part in parts.items()} == {
        (1, 1): -5330,
        (1, 2): -9769,
        (2, 1): -15140,
        (3, 1): -10624,
        (3, 2): -5499,
        (4, 1): -7000,
    }
    assert {key: sorted(part.payments.values()) for key, part in parts.items() if part.payments} == {
        (1, 1): [3000, 7600],
        (1, 2): [6500],
        (2, 1): [2700, 4499],
        (3, 1): [3999, 24000],
        (4, 1): [7000],
    }
    assert {key: part.day for key, part in parts.items()} == {
        (1, 1): date(2026, 9, 30),
        (1, 2): date(2026, 10, 4),
        (2, 1): date(2026, 10, 18),
        (3, 1): date(2026, 10, 31),
        (3, 2): date(2026, 11, 1),
        (4, 1): date(2026, 11, 15),
    }


def test_clearing_before_the_second_payout_is_what_the_first_two_settlements_left():
    account = e7(failing=False)
    account.settlements = account.settlements[:2]

    expected = truth(account, date(2026, 10, 20))["expected"]["quickbooks"]

    assert expected["summary"]["balances"]["CLEARING"] == -7941
    assert expected["orders"]["balances"]["BANK"] == 2001


def test_unknown_label_holds_the_month_and_in_orders_the_deposit_it_rides_on():
    account = e7(failing=False)
    account.settlements = account.settlements[:1]
    settlement = account.settlements[0]
    period = Period(account, "1", settlement.starts_at, settlement.ends_at)
    period.add(unknown("Never heard of it"), 500, local(10, 2))
    settlement.lines.extend(period.lines)

    expected = truth(account, date(2026, 10, 20))["expected"]["quickbooks"]

    number = f"AMZ-{settlement.settlement_id}"
    assert [(each["what"], each["carrier"]) for each in expected["summary"]["held"]] == [("part entry", f"{number}-2")]
    assert [(each["what"], each["carrier"]) for each in expected["orders"]["held"]] == [
        ("part entry", f"{number}-P"),
        ("deposit", f"{number}-P"),
    ]
    assert expected["summary"]["balances"]["BANK"] == 2501
    assert expected["summary"]["balances"]["CLEARING"] == 5270 - 2501
    assert expected["orders"]["balances"]["BANK"] == 0
    assert expected["orders"]["balances"]["CLEARING"] == 10600 + 6500 - 5330
    decided = expected["orders"]["balances_after_decision"]
    assert decided["reimbursement"]["REIMB"] == -500
    assert decided["other fee"]["FEE_OTHER"] == -500
    assert decided["reimbursement"]["CLEARING"] == 0


def test_unknown_label_in_an_earlier_month_leaves_the_deposit_alone():
    account = e7(failing=False)
    account.settlements = account.settlements[:1]
    settlement = account.settlements[0]
    period = Period(account, "1", settlement.starts_at, settlement.ends_at)
    period.add(unknown("Never heard of it"), 500, local(9, 25))
    settlement.lines.extend(period.lines)

    expected = truth(account, date(2026, 10, 20))["expected"]["quickbooks"]["orders"]

    assert [each["carrier"] for each in expected["held"]] == [f"AMZ-{settlement.settlement_id}-1"]
    assert expected["balances"]["BANK"] == 2501
    assert expected["balances"]["CLEARING"] == 5330 - 500


def test_payout_that_is_not_due_yet_is_not_in_the_bank():
    account = e7(failing=False)
    account.settlements = account.settlements[:1]

    stated = truth(account, date(2026, 10, 5))

    assert stated["settlements"][0]["payout"]["state"] == "due later"
    assert stated["expected"]["quickbooks"]["summary"]["balances"]["BANK"] == 0
    assert stated["expected"]["quickbooks"]["summary"]["balances"]["CLEARING"] == 2001


def test_month_is_that_of_the_marketplace_not_of_utc():
    account = Account(0, MARKETPLACES["US"], "X", "X", local(10, 20))
    period = account.open(local(11, 3))
    last_local_minute = datetime(2026, 10, 31, 23, 59, tzinfo=PACIFIC).astimezone(UTC)
    period.add(other("Storage Fee"), -100, last_local_minute)
    period.add(other("Storage Fee"), -200, last_local_minute + timedelta(minutes=1))

    parts = parts_of(account, period.close())

    assert [(part.month, part.total) for part in parts] == [("2026-10", -100), ("2026-11", -200)]

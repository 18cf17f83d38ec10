"""Four settlements with everything in them, posted by hand in both modes, to the cent (recipes E7, §5.4)."""

from decimal import Decimal

import pytest

from ledgers.wave.sandbox import WaveStandIn
from sandbox.clock import frozen

from .conftest import NOW, Api

D = Decimal
INCOME = ("SALES", "SHIP_INCOME", "WRAP_INCOME", "REFUNDS", "CLAIMS", "REIMB")
FEES = ("FEE_SELLING", "FEE_FBA", "FEE_REFUND_ADMIN", "FEE_STORAGE", "ADS", "SUBSCRIPTION", "FEE_OTHER")
CHART = {
    "CLEARING": "CASH_AND_BANK",
    "BANK": "CASH_AND_BANK",
    "CHARGE_METHOD": "CREDIT_CARD",
    "PAYOUTS": "OTHER_CURRENT_ASSETS",
    "RESERVE": "OTHER_CURRENT_ASSETS",
    "OUTPUT_TAX": "OTHER_CURRENT_LIABILITY",
    "PROMO": "DISCOUNTS",
    **dict.fromkeys(INCOME, "INCOME"),
    **dict.fromkeys(FEES, "PAYMENT_PROCESSING_FEES"),
}
# Part → (date, what the part entry has in orders mode, what it has in summary mode besides); credits positive.
PARTS = {
    "S1-1": (
        "2026-09-30",
        {"REFUNDS": "-25.00", "FEE_SELLING": "-12.75", "FEE_FBA": "-14.80", "FEE_REFUND_ADMIN": "-0.75"},
        {"SALES": "110", "SHIP_INCOME": "6", "WRAP_INCOME": "4", "PROMO": "-14"},
    ),
    "S1-2": (
        "2026-10-04",
        {"SUBSCRIPTION": "-39.99", "FEE_SELLING": "-6.00", "FEE_FBA": "-11.50", "FEE_REFUND_ADMIN": "-0.60",
         "REFUNDS": "-20.00", "RESERVE": "-20.00", "OUTPUT_TAX": "0.40"},
        {"SALES": "60", "SHIP_INCOME": "5"},
    ),
    "S2-1": (
        "2026-10-18",
        {"ADS": "-120.00", "CLAIMS": "-55.00", "FEE_STORAGE": "-18.00", "FEE_SELLING": "-3.00", "FEE_FBA": "-7.20",
         "FEE_REFUND_ADMIN": "-1.20", "FEE_OTHER": "9.00", "REIMB": "14.00", "RESERVE": "20.00", "SALES": "10.00"},
        {"SALES": "74.99", "PROMO": "-3"},
    ),
    "S3-1": (
        "2026-10-31",
        {"SALES": "12.00", "PROMO": "-12.00", "REFUNDS": "-44.99", "FEE_SELLING": "-36.30", "FEE_FBA": "-23.60",
         "FEE_REFUND_ADMIN": "-1.35"},
        {"SALES": "275", "SHIP_INCOME": "16.99", "PROMO": "-12"},
    ),
    "S3-2": ("2026-11-01", {"SUBSCRIPTION": "-39.99", "RESERVE": "-15.00"}, {}),
    "S4-1": ("2026-11-15", {"FEE_SELLING": "-10.50", "FEE_FBA": "-5.50", "RESERVE": "-54.00"}, {"SALES": "70"}),
}  # fmt: skip
# Number → (invoice date, payment date, lines by product).
ORDERS = {
    "114-0000001-0000001": ("2026-09-22", "2026-09-30",
                            {"SALES": "80", "SHIP_INCOME": "6", "WRAP_INCOME": "4", "PROMO": "-14"}),
    "114-0000001-0000002": ("2026-09-28", "2026-09-30", {"SALES": "30"}),
    "114-0000001-0000003": ("2026-10-02", "2026-10-04", {"SALES": "60", "SHIP_INCOME": "5"}),
    "114-0000001-0000002-2": ("2026-10-06", "2026-10-18", {"SALES": "30", "PROMO": "-3"}),
    "114-0000001-0000004": ("2026-10-08", "2026-10-18", {"SALES": "44.99"}),
    "114-0000001-0000005": ("2026-10-20", "2026-10-31", {"SALES": "240", "SHIP_INCOME": "12", "PROMO": "-12"}),
    "114-0000001-0000006": ("2026-10-25", "2026-10-31", {"SALES": "35", "SHIP_INCOME": "4.99"}),
    "114-0000001-0000007": ("2026-11-05", "2026-11-15", {"SALES": "70"}),
}  # fmt: skip
# Between CLEARING and PAYOUTS, CLEARING's side.
MOVEMENTS = {
    "S1-P": ("2026-10-06", "-20.01"),
    "S3-C1": ("2026-10-18", "50.00"),
    "S3-F1": ("2026-10-20", "20.01"),
    "S3-P": ("2026-11-03", "-109.36"),
}
# Debit positive.
EXPECTED = {
    "BANK": "109.36", "CHARGE_METHOD": "-50.00", "RESERVE": "69.00", "OUTPUT_TAX": "-0.40", "SALES": "-611.99",
    "SHIP_INCOME": "-27.99", "WRAP_INCOME": "-4.00", "PROMO": "41.00", "REFUNDS": "89.99", "CLAIMS": "55.00",
    "REIMB": "-14.00", "FEE_OTHER": "-9.00", "FEE_SELLING": "68.55", "FEE_FBA": "62.60", "FEE_REFUND_ADMIN": "3.90",
    "FEE_STORAGE": "18.00", "ADS": "120.00", "SUBSCRIPTION": "79.98",
}  # fmt: skip


@pytest.fixture
def api():
    remote = WaveStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    products = {key: key for key in ("SALES", "SHIP_INCOME", "WRAP_INCOME", "PROMO")}
    made = remote.control(
        "create_business", {"chart": "bare", "accounts": CHART, "customers": ["Amazon"], "products": products}
    )
    return Api(remote, made)


def post(api, number, on, lines):
    """One posting per part; where the net is nothing, one for the credits and one for the debits."""
    amounts = {key: D(text) for key, text in lines.items()}
    if net := sum(amounts.values()):
        api.post(f"{net:.2f}", *amounts.items(), anchor="CLEARING", external=number, date=on)
        return
    for suffix, sign in (("a", 1), ("b", -1)):
        side = {key: amount for key, amount in amounts.items() if amount * sign > 0}
        api.post(f"{sum(side.values()):.2f}", *side.items(), anchor="CLEARING", external=number + suffix, date=on)


def summary(api):
    for number, (on, lines, more) in PARTS.items():
        added = {key: str(D(lines.get(key, "0")) + D(more.get(key, "0"))) for key in {**lines, **more}}
        post(api, number, on, added)


def orders(api):
    for number, (on, paid_on, lines) in ORDERS.items():
        items = [
            {"productId": api.made["products"][key], "quantity": "1", "unitPrice": price, "taxes": []}
            for key, price in lines.items()
        ]
        invoice = api.invoice(invoiceNumber=number, invoiceDate=on, items=items, selection="id total { value }")
        api.pay(invoice, invoice["total"]["value"], into="CLEARING", paymentDate=paid_on)
    for number, (on, lines, _) in PARTS.items():
        post(api, number, on, lines)


def move(api):
    for number, (on, amount) in MOVEMENTS.items():
        api.post(amount, ("PAYOUTS", amount), anchor="CLEARING", external=number, date=on)


@pytest.mark.parametrize("mode", [summary, orders])
def test_four_settlements_end_as_the_column_says(api, mode):
    mode(api)
    move(api)
    before = api.balances()
    for bank, amount, on in (("CHARGE_METHOD", "-50.00", "2026-10-19"), ("BANK", "109.36", "2026-11-04")):
        api.remote.control(
            "categorise", {"business": api.id, "bank": bank, "account": "PAYOUTS", "amount": amount, "date": on}
        )

    assert before.pop("PAYOUTS") == "59.36"
    assert before == {key: amount for key, amount in EXPECTED.items() if key not in ("BANK", "CHARGE_METHOD")}
    assert api.balances() == EXPECTED
    assert sum(D(amount) for amount in EXPECTED.values()) == 0


def test_without_a_bank_feed_the_bank_side_is_posted_as_well(api):
    summary(api)
    move(api)
    api.post("-50.00", ("PAYOUTS", "-50.00"), anchor="CHARGE_METHOD", external="S3-C1 bank", date="2026-10-18")
    api.post("109.36", ("PAYOUTS", "109.36"), anchor="BANK", external="S3-P bank", date="2026-11-03")

    assert api.balances() == EXPECTED


@pytest.mark.parametrize(("mode", "sent"), [(summary, 11), (orders, 10)])
def test_profit_falls_into_its_months(api, mode, sent):
    mode(api)
    move(api)

    months = {month: api.remote.control("balances", {"business": api.id, "end": f"2026-{month}"}) for month in
              ("09-30", "10-31", "11-30")}  # fmt: skip
    profit = [
        -sum(D(amount) for key, amount in found.items() if key in (*INCOME, *FEES, "PROMO"))
        for found in months.values()
    ]
    assert profit == [D("52.70"), D("113.95"), D("127.96")]
    assert [found.get("CLEARING", "0.00") for found in months.values()] == ["52.70", "164.35", "0.00"]
    assert len(api.remote.control("transactions", {"business": api.id})) == sent
    statuses = api.of("invoices { edges { node { status } } }")["invoices"]["edges"]
    assert {each["node"]["status"] for each in statuses} == ({"PAID"} if mode is orders else set())

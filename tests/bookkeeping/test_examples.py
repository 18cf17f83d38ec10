"""Worked settlements, to the cent: a normal month, a month split with a reserve, a debt with a card charge."""

from datetime import date

import pytest

from bookkeeping.documents import Document, JournalEntry, Transfer
from bookkeeping.facts import Header, Row
from bookkeeping.policy import Mode, Policy
from tests.bookkeeping.company import Company
from tests.bookkeeping.e7 import ZONE, boundary, cents, day, rows_from

E1 = (
    ("12 Oct", "Order", "A", "P 1000.00 (50), Shipping 24.00, GiftWrap 6.00, T 82.40/-82.40, promo P -30.00, "
     "promo Shipping -24.00, Comm -145.50, FBA -161.00, GiftwrapChargeback -6.00"),
    ("13 Oct", "Refund", "A", "P -40.00 (1), T -3.30/3.30, Comm 6.00, RC -1.20"),
    ("14 Oct", "other", "", "Advertising -75.00, Subscription Fee -39.99, Storage Fee -18.25, WAREHOUSE_DAMAGE 14.50"),
)  # fmt: skip
E2 = (
    ("29 Sep", "other", "", "Previous Reserve Amount Balance 120.00"),
    ("29 Sep", "Order", "A", "P 600.00 (1), T 48.00/-48.00, Comm -90.00, FBA -64.40"),
    ("5 Oct", "Order", "B", "P 1400.00 (1), Shipping 30.00, promo Shipping -30.00, Comm -210.00, FBA -150.30"),
    ("6 Oct", "Refund", "A", "P -100.00 (1), Comm 15.00, RC -3.00"),
    ("7 Oct", "other", "", "FBA Inbound Transportation Fee -85.00"),
    ("12 Oct", "other", "", "Current Reserve Amount -250.00"),
)
E3_A = (
    ("5 Nov", "Order", "A", "P 50.00 (1), Comm -7.50, FBA -8.60"),
    ("6 Nov", "other", "", "Advertising -60.00, Storage Fee -12.40"),
)
E3_B = (
    ("15 Nov late", "other", "", "Payable to Amazon -38.50"),
    ("17 Nov", "other", "", "Successful charge 38.50"),
    ("20 Nov", "Order", "B", "P 300.00 (1), Comm -45.00, FBA -38.64"),
)
E3_B_WITHOUT_CHARGE = (E3_B[0], E3_B[2])


def settled(n: int, starts: str, ends: str, deposit: str, total: str, tables: object) -> tuple[Header, list[Row]]:
    header = Header(f"2000000000{n}", boundary(starts), boundary(ends), day(deposit), cents(total), "USD")
    return header, rows_from(tables)  # type: ignore[arg-type]


def posted(*settlements: tuple[Header, list[Row]]) -> Company:
    company = Company(settlements, policy=Policy(), zone=ZONE)
    for header, _ in settlements:
        company.settle(header.settlement_id, Mode.SUMMARY)
    return company


def shown(document: Document) -> tuple[date, dict[str, str]]:
    """The day and, per account, the amount in dollars: debit positive."""
    assert isinstance(document, JournalEntry)
    return document.on, {line.key: f"{(line.debit - line.credit) / 100:.2f}" for line in document.lines}


def test_normal_settlement_in_one_month() -> None:
    company = posted(settled(1, "5 Oct", "19 Oct", "21 Oct", "509.56", E1))

    entry, payout = company.books.live()

    assert shown(entry) == (
        day("19 Oct"),
        {
            "CLEARING": "509.56",
            "PROMO": "54.00",
            "REFUNDS": "40.00",
            "FEE_SELLING": "139.50",
            "FEE_REFUND_ADMIN": "1.20",
            "FEE_FBA": "167.00",
            "FEE_STORAGE": "18.25",
            "ADS": "75.00",
            "SUBSCRIPTION": "39.99",
            "SALES": "-1000.00",
            "SHIP_INCOME": "-24.00",
            "WRAP_INCOME": "-6.00",
            "REIMB": "-14.50",
        },
    )
    assert payout == Transfer(
        "AMZ-20000000001-P",
        day("21 Oct"),
        "USD",
        "CLEARING",
        "BANK",
        50956,
        "Amazon payout of settlement 20000000001",
    )
    assert company.books.balance("CLEARING") == 0


def test_reserve_refund_and_month_split() -> None:
    company = posted(settled(1, "28 Sep", "12 Oct", "14 Oct", "1182.30", E2))

    september, october, _ = company.books.live()

    assert shown(september) == (
        day("30 Sep"),
        {"CLEARING": "565.60", "FEE_SELLING": "90.00", "FEE_FBA": "64.40", "RESERVE": "-120.00", "SALES": "-600.00"},
    )
    assert shown(october) == (
        day("12 Oct"),
        {
            "CLEARING": "616.70",
            "RESERVE": "250.00",
            "PROMO": "30.00",
            "REFUNDS": "100.00",
            "FEE_SELLING": "195.00",
            "FEE_REFUND_ADMIN": "3.00",
            "FEE_FBA": "150.30",
            "FEE_INBOUND": "85.00",
            "SALES": "-1400.00",
            "SHIP_INCOME": "-30.00",
        },
    )
    assert company.books.balance("CLEARING", day("30 Sep")) == 56560
    assert company.books.balance("CLEARING", day("12 Oct")) == 118230
    assert company.books.balance("CLEARING") == 0


def test_debt_is_carried_then_charged_to_the_card() -> None:
    company = posted(
        settled(1, "1 Nov", "15 Nov", "17 Nov", "-38.50", E3_A),
        settled(2, "15 Nov", "29 Nov", "1 Dec", "216.36", E3_B),
    )

    first, charge, second, payout = company.books.live()

    assert shown(first) == (
        day("15 Nov"),
        {
            "FEE_SELLING": "7.50",
            "FEE_FBA": "8.60",
            "FEE_STORAGE": "12.40",
            "ADS": "60.00",
            "CLEARING": "-38.50",
            "SALES": "-50.00",
        },
    )
    assert isinstance(charge, Transfer)
    assert (charge.on, charge.source, charge.target, charge.amount) == (
        day("17 Nov"),
        "CHARGE_METHOD",
        "CLEARING",
        3850,
    )
    assert shown(second) == (
        day("29 Nov"),
        {"CLEARING": "216.36", "FEE_SELLING": "45.00", "FEE_FBA": "38.64", "SALES": "-300.00"},
    )
    assert isinstance(payout, Transfer)
    assert (payout.on, payout.amount) == (day("1 Dec"), 21636)
    assert company.books.balance("CLEARING") == 0


def test_debt_without_a_charge_is_netted_from_the_next_payout() -> None:
    company = posted(
        settled(1, "1 Nov", "15 Nov", "17 Nov", "-38.50", E3_A),
        settled(2, "15 Nov", "29 Nov", "1 Dec", "177.86", E3_B_WITHOUT_CHARGE),
    )

    counted = company.books.count()

    assert counted == {"entry": 2, "transfer": 1}
    assert company.books.balance("BANK") == 17786
    assert company.books.balance("CLEARING") == 0


@pytest.mark.parametrize(("mode", "deposit"), [(Mode.SUMMARY, False), (Mode.ORDERS, False), (Mode.ORDERS, True)])
def test_every_form_leaves_the_same_balances(mode: Mode, deposit: bool) -> None:
    facts = [
        settled(1, "28 Sep", "12 Oct", "14 Oct", "1182.30", E2),
    ]
    plain, other = posted(*facts), Company(facts, policy=Policy(deposit=deposit), zone=ZONE)

    other.settle("20000000001", mode)

    assert other.books.balances() == plain.books.balances()
    assert other.books.profit() == plain.books.profit()

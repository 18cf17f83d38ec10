"""Sums of a settlement: months, zones, tax legs, movements, and what is refused."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from amazon import labels
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.facts import Header, Label, Row
from bookkeeping.figures import Statement
from bookkeeping.remarks import FlagKind
from bookkeeping.statement import RowsDoNotTie, build
from bookkeeping.trace import rows_behind
from tests.bookkeeping import e7
from tests.bookkeeping.meanings import classify

Tables = tuple[tuple[str, str, str, str], ...]


def stated(tables: Tables, **options: object) -> Statement:
    return stated_rows(e7.rows_from(tables), **options)


def stated_rows(rows: list[Row], **options: object) -> Statement:
    header = replace(e7.header(1), total=sum(row.amount for row in rows))
    return build(header, rows, **({"classify": classify, "zone_of": e7.ZONE} | options))  # type: ignore[arg-type]


def test_parts_are_calendar_months_of_the_marketplace_not_of_utc() -> None:
    rows = e7.rows_from((("30 Sep", "other", "", "Storage Fee -1.00, Storage Fee -2.00"),))
    evening = datetime(2025, 10, 1, 6, 59, 59, tzinfo=UTC)  # 23:59:59 on 30 September in Los Angeles
    rows = [rows[0]._replace(posted_at=evening), rows[1]._replace(posted_at=evening + timedelta(seconds=1))]

    statement = stated_rows(rows)

    assert [(part.n, part.month) for part in statement.parts] == [(1, date(2025, 9, 1)), (2, date(2025, 10, 1))]
    assert statement.totals == {1: {"FEE_STORAGE": -100}, 2: {"FEE_STORAGE": -200}}


def test_part_is_dated_on_its_last_day_or_the_last_day_of_the_settlement() -> None:
    statement = stated((("29 Sep", "other", "", "Storage Fee -1.00"), ("2 Oct", "other", "", "Storage Fee -1.00")))

    assert [part.on for part in statement.parts] == [date(2025, 9, 30), date(2025, 10, 4)]


def test_settlement_that_ends_at_local_midnight_ends_on_the_day_before() -> None:
    midnight = datetime(2025, 10, 4, 7, tzinfo=UTC)
    rows = e7.rows_from((("2 Oct", "other", "", "Storage Fee -1.00"),))
    header = replace(e7.header(1), ends_at=midnight, total=-100)

    statement = build(header, rows, classify=classify, zone_of=e7.ZONE)

    assert [part.on for part in statement.parts] == [date(2025, 10, 3)]


def test_each_marketplace_has_its_own_zone() -> None:
    rows = e7.rows_from((("30 Sep", "Order", "A", "P 10.00 (1)"), ("30 Sep", "Order", "B", "P 20.00 (1)")))
    late = datetime(2025, 9, 30, 22, 30, tzinfo=UTC)
    rows = [
        rows[0]._replace(posted_at=late, marketplace="Amazon.co.uk"),
        rows[1]._replace(posted_at=late, marketplace="Amazon.de"),
    ]
    zones = {"Amazon.co.uk": "Europe/London", "Amazon.de": "Europe/Berlin", "": "Europe/London"}

    statement = stated_rows(rows, zone_of=lambda marketplace: ZoneInfo(zones[marketplace]))

    assert statement.totals == {1: {"SALES": 1000}, 2: {"SALES": 2000}}


def test_parts_are_numbered_over_all_rows() -> None:
    statement = stated(
        (("29 Sep", "other", "", "Successful charge 5.00"), ("2 Oct", "other", "", "Storage Fee -1.00")),
    )

    assert [part.n for part in statement.parts] == [1, 2]
    assert statement.totals == {1: {}, 2: {"FEE_STORAGE": -100}}


def test_rows_that_miss_the_header_are_refused_with_the_difference() -> None:
    header, rows = e7.settlement(1)

    with pytest.raises(RowsDoNotTie) as refused:
        build(header, rows[1:], classify=classify, zone_of=e7.ZONE)

    assert refused.value.difference == -rows[0].amount
    assert str(refused.value) == "the rows of settlement 18000000001 differ from its total by −80.00 USD"


def test_identical_rows_all_count() -> None:
    statement = stated((("22 Sep", "Order", "A", "P 10.00 (1), P 10.00 (1)"),))

    assert statement.totals[1] == {"SALES": 2000}
    assert statement.orders[e7.ORDERS["A"]][0].items[0].units == 2


def test_tax_that_cancels_leaves_nothing() -> None:
    statement = stated((("22 Sep", "Order", "A", "T 6.40/-6.40"), ("23 Sep", "Refund", "A", "T -6.40/6.40")))

    assert statement.totals == {1: {}}
    assert statement.taxes == ()


def test_tax_that_cancels_across_months_passes_through_tax_clearing() -> None:
    rows = e7.rows_from((("29 Sep", "Order", "A", "T 6.40/-6.40"),))
    rows[1] = rows[1]._replace(posted_at=e7.at("2 Oct"))

    statement = stated_rows(rows)

    assert statement.totals == {1: {"TAX_CLEARING": 640}, 2: {"TAX_CLEARING": -640}}
    assert statement.taxes == ()


@pytest.mark.parametrize(("table", "residual"), [("T 5.20/-4.80", 40), ("T 5.20/-6.00", -80)])
def test_tax_left_over_is_payable_and_flagged(table: str, residual: int) -> None:
    statement = stated((("22 Sep", "Order", "A", table),))

    assert statement.totals == {1: {"OUTPUT_TAX": residual}}
    assert [(flag.kind, flag.order_id, flag.amount) for flag in statement.flags] == [
        (FlagKind.TAX_RESIDUAL, e7.ORDERS["A"], residual)
    ]


def test_residuals_of_two_orders_do_not_hide_each_other() -> None:
    statement = stated((("22 Sep", "Order", "A", "T 5.20/-4.80"), ("22 Sep", "Order", "B", "T 4.80/-5.20")))

    assert {tax.order_id: tax.amount for tax in statement.taxes} == {e7.ORDERS["A"]: 40, e7.ORDERS["B"]: -40}


def test_movements_keep_row_order_and_count_by_kind() -> None:
    statement = stated(
        (
            ("18 Oct", "other", "", "Successful charge 5.00, Transfer of funds unsuccessful 7.00"),
            ("19 Oct", "other", "", "Successful charge 6.00, Micro Deposit -0.01"),
        )
    )

    shown = [(f"{movement.kind}{movement.n}", movement.line, movement.amount) for movement in statement.movements]
    assert shown == [("C1", 3, 500), ("F1", 4, 700), ("C2", 5, 600), ("B1", 6, -1)]


def test_unknown_label_is_nowhere_but_listed() -> None:
    statement = stated((("22 Sep", "other", "", "New Fee -3.00, Storage Fee -1.00"),))

    (unknown,) = statement.unknown
    assert (unknown.part, unknown.label.amount_description, unknown.amount, unknown.rows, unknown.line) == (
        1,
        "New Fee",
        -300,
        1,
        3,
    )
    assert statement.totals == {1: {"FEE_STORAGE": -100}}


def test_unknown_label_without_money_is_nothing_to_decide() -> None:
    statement = stated((("22 Sep", "other", "", "New Fee 0.00"),))

    assert statement.unknown == ()
    assert [one.category for one in statement.sums] == [Category.UNKNOWN]


@pytest.mark.parametrize(
    ("transaction", "table"),
    [
        ("Order", "Comm 1.00"),
        ("Order", "P -5.00 (1)"),
        ("Refund", "P 5.00 (1)"),
        ("other", "Current Reserve Amount 1.00"),
    ],
)
def test_amount_with_the_opposite_sign_is_booked_and_flagged(transaction: str, table: str) -> None:
    statement = stated((("22 Sep", transaction, "" if transaction == "other" else "A", table),))

    assert [flag.kind for flag in statement.flags] == [FlagKind.SIGN_CONFLICT]
    assert sum(sum(by_key.values()) for by_key in statement.totals.values()) == statement.header.total


def test_ordinary_settlements_have_no_sign_conflict() -> None:
    flags = [
        flag.kind
        for header, rows in e7.settlements()
        for flag in build(header, rows, classify=classify, zone_of=e7.ZONE).flags
    ]

    assert flags == [FlagKind.TAX_RESIDUAL]


def test_only_wanted_orders_are_kept() -> None:
    header, rows = e7.settlement(1)

    statement = build(header, rows, classify=classify, zone_of=e7.ZONE, orders={e7.ORDERS["B"]})

    assert list(statement.orders) == [e7.ORDERS["B"]]
    assert statement.totals == build(header, rows, classify=classify, zone_of=e7.ZONE).totals


def test_order_knows_units_of_principal_rows_and_its_last_day() -> None:
    statement = stated(
        (
            ("22 Sep", "Order", "A", "P 80.00 (2), Shipping 6.00, promo P -8.00, Comm -12.00"),
            ("24 Sep", "Order", "A", "P 40.00 (1)"),
            ("25 Sep", "Refund", "A", "P -40.00 (1)"),
        )
    )

    (part,) = statement.orders[e7.ORDERS["A"]]

    assert part.last_on == e7.day("24 Sep")
    assert part.amounts == {"SALES": 12000, "SHIP_INCOME": 600, "PROMO": -800}
    assert [(item.sku, item.units) for item in part.items] == [("SKU-A", 3)]


def test_accounts_follow_the_mapping_of_sku_marketplace_and_day() -> None:
    def resolve(account: AccountKey, sku: str, marketplace: str, day: date) -> str:
        if account is AccountKey.SALES and sku == "SKU-A" and day >= e7.day("23 Sep"):
            return "SALES/widgets"
        return account

    statement = stated(
        (
            ("22 Sep", "Order", "A", "P 1.00 (1)"),
            ("23 Sep", "Order", "A", "P 2.00 (1)"),
            ("23 Sep", "Order", "B", "P 4.00 (1)"),
        ),
        resolve=resolve,
    )

    assert statement.totals == {1: {"SALES": 500, "SALES/widgets": 200}}


def test_sums_keep_label_marketplace_rows_and_first_line() -> None:
    statement = stated((("22 Sep", "other", "", "Storage Fee -1.00, Subscription Fee -2.00, Storage Fee -3.00"),))

    storage = next(one for one in statement.sums if one.key == "FEE_STORAGE")

    assert (storage.part, storage.category, storage.marketplace) == (1, Category.STORAGE_FEE, "")
    assert (storage.amount, storage.rows, storage.line) == (-400, 2, 3)


def test_reserve_and_opening_debt_are_told_apart() -> None:
    header, rows = e7.settlement(3)

    statement = build(header, rows, classify=classify, zone_of=e7.ZONE)

    assert (statement.opening_debt, statement.reserve_held, statement.reserve_released) == (-7941, -1500, 0)


def test_rows_behind_a_line_sum_to_it() -> None:
    header, rows = e7.settlement(1)
    statement = build(header, rows, classify=classify, zone_of=e7.ZONE)

    for n, by_key in statement.totals.items():
        for key, amount in by_key.items():
            found = rows_behind(statement, rows, part=n, key=key, classify=classify, zone_of=lambda _: e7.ZONE)

            assert sum(row.amount for row in found) == amount, key


def test_rows_stream_and_are_not_kept() -> None:
    alive: list[int] = []

    def stream(n: int) -> Iterator[Row]:
        label = Label("Order", "ItemFees", "Commission")
        for line in range(n):
            alive.append(line)
            yield Row(
                line, label, -1, datetime(2025, 9, 22, 12, tzinfo=UTC), f"order-{line}", "", "", 1, "Amazon.com", ""
            )

    header = Header("1", e7.boundary("20 Sep"), e7.boundary("4 Oct"), e7.day("6 Oct"), -5000, "USD")
    statement = build(header, stream(5000), classify=classify, zone_of=e7.ZONE)

    assert len(alive) == statement.rows == 5000
    assert len(statement.sums) == 1
    assert statement.orders == {}


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_amazons_own_label_table_gives_the_same_statement(n: int) -> None:
    header, rows = e7.settlement(n)

    statement = build(header, rows, classify=labels.classify, zone_of=e7.ZONE)

    assert statement == build(header, rows, classify=classify, zone_of=e7.ZONE)


# Books that begin inside a settlement


def test_a_month_before_the_books_is_one_sum_whose_rows_can_be_read() -> None:
    header, rows = e7.settlement(3)

    statement = build(header, rows, classify=classify, zone_of=e7.ZONE, begins=date(2025, 11, 1))

    assert statement.totals[1] == {"OPENING": 16435}
    assert (statement.movements, statement.opening_debt, statement.orders) == ((), 0, {})
    assert statement.parts[0].on == date(2025, 10, 31)
    found = rows_behind(statement, rows, part=1, key="OPENING", classify=classify, zone_of=lambda _: e7.ZONE)
    assert sum(row.amount for row in found) == 16435


def test_a_first_day_inside_a_month_is_said_and_leaves_the_month_whole() -> None:
    header, rows = e7.settlement(1)

    statement = build(header, rows, classify=classify, zone_of=e7.ZONE, begins=date(2025, 10, 3))

    assert statement.totals[1] == {"OPENING": 5270}
    assert statement.parts[0].on == date(2025, 10, 2)
    assert statement.totals[2] == build(header, rows, classify=classify, zone_of=e7.ZONE).totals[2]
    september, october = [flag.text for flag in statement.flags if flag.kind is FlagKind.BEFORE_BOOKS]
    assert "its September part of 52.70 USD is no income or fee of these books" in september
    assert "what it has from 1 October 2025 on is one entry with the rest of October, and is booked here" in october

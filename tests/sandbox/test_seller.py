"""The generated sellers obey what holds between real settlements, and their files say what their rows are."""

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from sandbox.seller import (
    MARKETPLACES,
    Shape,
    Style,
    big_seller,
    demo_seller,
    order_json,
    seller,
    truth,
    v1_file,
    v2_file,
)
from sandbox.seller.layout import V1_COLUMNS, V2_COLUMNS

TODAY = date(2026, 11, 20)
V1_AMOUNTS = [column for column in V1_COLUMNS if column.endswith("-amount") and column != "total-amount"]


def read(content: bytes, codec: str = "utf-8") -> list[dict[str, str]]:
    text = io.StringIO(content.decode(codec), newline="")
    return list(csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE))


def total(rows: list[dict[str, str]]) -> Decimal:
    return sum((Decimal(row["amount"]) for row in rows[1:]), Decimal())


@pytest.mark.parametrize("seed", range(12))
def test_consecutive_settlements_hand_over_period_reserve_and_debt(seed):
    account = seller(Shape(settlements=7, country=sorted(MARKETPLACES)[seed % 9]), seed)

    stated = truth(account, TODAY)["settlements"]

    for before, after in pairwise(stated):
        assert after["starts_at"] == before["ends_at"]
        assert after["reserve_released"] == before["reserve_held"]
        assert after["opening_debt"] == min(before["total"], 0)
        assert sum(after["charges"]) <= -after["opening_debt"]


@pytest.mark.parametrize("seed", range(12))
def test_every_row_is_posted_inside_its_period(seed):
    account = seller(Shape(settlements=5, days=(1, 7, 14)[seed % 3]), seed)

    outside = [
        line
        for settlement in account.settlements
        for line in settlement.lines
        if not settlement.starts_at <= line.posted_at < settlement.ends_at
    ]

    assert outside == []


@pytest.mark.parametrize("seed", range(12))
def test_payout_comes_back_only_after_it_was_sent(seed):
    account = seller(Shape(settlements=8, failed=0.9), seed)

    for settlement in account.settlements:
        later = [each for each in account.settlements if each.settlement_id == settlement.returned_in]
        returns = [line.posted_at for each in later for line in each.lines if line.label.rule == 39]
        assert all(when > settlement.deposit_at for when in returns)


@pytest.mark.parametrize("seed", range(12))
def test_returned_payout_is_an_earlier_payout_to_the_cent(seed):
    account = seller(Shape(settlements=8, failed=0.7), seed)

    stated = truth(account, TODAY)["settlements"]

    by_id = {each["settlement_id"]: each for each in stated}
    returned = [each for each in stated if each["payout"]["state"] == "failed"]
    assert returned
    for each in returned:
        later = by_id[each["payout"]["returned_in"]]
        assert each["total"] in later["returned_payouts"]
        assert later["starts_at"] >= each["ends_at"]


@pytest.mark.parametrize("seed", range(8))
def test_modes_end_in_the_same_balances_once_labels_are_decided(seed):
    account = seller(Shape(settlements=6, unknown_labels=2), seed)

    modes = truth(account, TODAY)["expected"]["quickbooks"]

    assert modes["summary"]["balances_after_decision"] == modes["orders"]["balances_after_decision"]
    for mode in modes.values():
        assert sum(mode["balances"].values()) == 0


@pytest.mark.parametrize("seed", range(4))
def test_same_shape_and_seed_give_the_same_bytes(seed):
    first, second = seller(Shape(), seed), seller(Shape(), seed)

    files = [[v2_file(each, account.marketplace) for each in account.settlements] for account in (first, second)]

    assert files[0] == files[1]
    assert files[0] != [v2_file(each, first.marketplace) for each in seller(Shape(), seed + 1).settlements]


def test_v2_file_adds_up_and_keeps_the_currency_on_the_summary_row():
    account = demo_seller(TODAY)
    settlement = account.settlements[0]

    rows = read(v2_file(settlement, account.marketplace))

    assert list(rows[0]) == list(V2_COLUMNS)
    assert Decimal(rows[0]["total-amount"]) == total(rows) == Decimal(settlement.total) / 100
    assert {row["currency"] for row in rows[1:]} == {""}
    assert rows[0]["currency"] == "USD"
    assert len(rows) == 1 + len(settlement.lines)


def test_v1_file_adds_up_over_all_its_amount_columns():
    account = demo_seller(TODAY)

    for settlement in account.settlements:
        rows = read(v1_file(settlement, account.marketplace))

        assert list(rows[0]) == list(V1_COLUMNS)
        found = sum((Decimal(row[column] or "0") for row in rows[1:] for column in V1_AMOUNTS), Decimal())
        assert found == Decimal(rows[0]["total-amount"])


def test_v1_file_names_account_rows_in_the_transaction_type_and_splits_advertising_from_its_tax():
    account = demo_seller(TODAY)

    rows = [row for settlement in account.settlements for row in read(v1_file(settlement, account.marketplace))]

    assert {"Subscription Fee", "Payable to Amazon", "WAREHOUSE_DAMAGE", "Micro Deposit"} <= {
        row["transaction-type"] for row in rows
    }
    advertising = [row for row in rows if row["item-related-fee-type"] == "Cost of Advertising"]
    assert all(Decimal(row["other-fee-amount"]) < 0 for row in advertising)
    assert all(row["other-fee-reason-description"] == "TaxAmount" for row in advertising)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (Style(), "-1234567.05"),
        (Style(numbers="comma"), "-1234567,05"),
        (Style(numbers="dot comma"), "-1.234.567,05"),
        (Style(numbers="space comma"), "-1 234 567,05"),
        (Style(numbers="no-break space comma"), "-1\xa0234\xa0567,05"),
        (Style(minus_after=True), "1234567.05-"),
        (Style(trailing_blanks=True), "-1234567.05    "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_number_forms(style, expected):
    text = style.number(-123456705, 2)

    assert text == expected


def test_yen_has_no_decimals():
    text = Style().number(-1205, 0)

    assert text == "-1205"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (Style(), "2026-03-05 09:08:07 UTC"),
        (Style(dates="dotted"), "05.03.2026 09:08:07 UTC"),
        (Style(dates="offset"), "2026-03-05T09:08:07+00:00"),
        (Style(dates="day first"), "05/03/2026 09:08:07 UTC"),
        (Style(dates="month first"), "03/05/2026 09:08:07 UTC"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_date_forms(style, expected):
    text = style.date_time(datetime(2026, 3, 5, 9, 8, 7, tzinfo=UTC))

    assert text == expected


def test_trimmed_file_loses_only_trailing_tabs_and_repeated_currency_is_on_every_row():
    account = demo_seller(TODAY)
    settlement = account.settlements[0]
    style = Style(trimmed_tabs=True, currency_on_every_row=True, line_end="\r\n", blank_last_line=True)

    content = v2_file(settlement, account.marketplace, style)

    lines = content.decode().split("\r\n")
    assert min(len(line.split("\t")) for line in lines[1:-2]) < len(V2_COLUMNS)
    assert lines[-2:] == ["", ""]
    assert {line.split("\t")[5] for line in lines[1:-2]} == {"USD"}


@pytest.mark.parametrize(("country", "codec"), [("JP", "cp932"), ("CA", "cp1252"), ("SE", "cp1252")])
def test_local_character_sets_hold_the_local_text(country, codec):
    account = seller(Shape(country=country, settlements=6), 3)
    coupon = account.marketplace.coupon

    files = [v2_file(each, account.marketplace, Style(codec=codec)).decode(codec) for each in account.settlements]

    assert any(coupon in text for text in files)


def test_rows_may_be_equal_in_every_column():
    account = demo_seller(TODAY)

    counted = Counter(tuple(row.values()) for row in read(v2_file(account.settlements[0], account.marketplace)))

    assert max(counted.values()) == 2


# The demo seller


def test_demo_seller_covers_forty_rules_and_says_which():
    stated = truth(demo_seller(TODAY), TODAY)

    assert len(stated["rules_covered"]) >= 40
    assert 48 in stated["rules_covered"]


@pytest.mark.parametrize("day", range(0, 366, 1))
def test_demo_seller_keeps_its_story_on_any_day(day):
    today = date(2026, 1, 1) + timedelta(days=day)

    account = demo_seller(today)

    stated = truth(account, today)
    settlements = stated["settlements"]
    assert [(each["total"] > 0) - (each["total"] < 0) for each in settlements] == [1, -1, 1, 0, 1, 1]
    assert [each["payout"]["state"] for each in settlements] == ["failed", "none", "paid", "none", "paid", "paid"]
    assert settlements[0]["opening_debt"] == settlements[0]["reserve_released"] == 0
    assert settlements[3]["reserve_held"] > 0
    assert sum(settlements[2]["charges"]) == -settlements[1]["total"]
    assert max(len(each["parts"]) for each in settlements) == 2
    oldest = datetime.fromisoformat(settlements[0]["ends_at"]).date()
    assert today - timedelta(days=80) < oldest
    assert settlements[-1]["deposit_on"] < today.isoformat()
    for mode in ("summary", "orders"):
        expected = stated["expected"]["quickbooks"][mode]
        assert {each["settlement"] for each in expected["held"]} == {settlements[-1]["settlement_id"]}
        assert expected["balances_after_decision"]["reimbursement"]["CLEARING"] == 0
    assert [each["what"] for each in stated["expected"]["quickbooks"]["orders"]["held"]] == ["part entry", "deposit"]
    assert stated["orders"]["total"] <= 60
    assert all(order.updated_at.date() < today for order in account.orders)


def test_demo_seller_has_one_unknown_label_in_its_last_settlement_only():
    stated = truth(demo_seller(TODAY), TODAY)

    unknown = [len(each["unknown"]) for each in stated["settlements"]]

    assert unknown == [0, 0, 0, 0, 0, 1]


def test_demo_sales_are_consistent_with_the_orders_they_settle():
    account = demo_seller(TODAY)
    orders = {order.order_id: order for order in account.orders}

    principal: Counter[str] = Counter()
    for settlement in account.settlements:
        for line in settlement.lines:
            if line.label.rule == 1:
                assert line.posted_at > orders[line.order_id].purchased_at
                principal[line.order_id] += line.amount

    assert principal
    for order_id, amount in principal.items():
        assert amount == sum(item.price for item in orders[order_id].items)


def test_order_ids_have_the_three_seven_seven_form():
    account = demo_seller(TODAY)

    lengths = {tuple(len(part) for part in order.order_id.split("-")) for order in account.orders}

    assert lengths == {(3, 7, 7)}


# The big one


@pytest.mark.parametrize("rows", [1, 57, 4_321, 20_000])
def test_big_settlement_has_the_rows_and_the_total_it_states(rows):
    big = big_seller(rows)

    written = read(b"".join(big))

    assert len(written) == rows + 1
    assert Decimal(written[0]["total-amount"]) == total(written) == Decimal(big.truth()["total"]) / 100


def test_big_settlement_states_its_sums_and_lies_in_two_months():
    big = big_seller(30_000)

    written = read(b"".join(big))

    stated = big.truth()
    zone = ZoneInfo("America/Los_Angeles")
    months: Counter[str] = Counter()
    for row in written[1:]:
        posted = datetime.strptime(row["posted-date-time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
        months[posted.astimezone(zone).strftime("%Y-%m")] += int(row["amount"].replace(".", ""))
    assert dict(months) == stated["by_month"]
    assert len(months) == 2
    assert sum(stated["by_meaning"].values()) == stated["total"]
    assert len({row["order-id"] for row in written if row["order-id"]}) == stated["orders"]


# Orders


def test_order_total_is_what_its_items_add_up_to():
    account = demo_seller(TODAY)

    priced = [order_json(order, account.marketplace) for order in account.orders if not order.multi_channel]

    for order in priced:
        items = [Decimal(item["proceeds"]["proceedsTotal"]["amount"]) for item in order["orderItems"]]
        assert sum(items) == Decimal(order["proceeds"]["grandTotal"]["amount"])
        for item in order["orderItems"]:
            parts = {each["type"]: Decimal(each["subtotal"]["amount"]) for each in item["proceeds"]["breakdowns"]}
            stated = Decimal(item["proceeds"]["proceedsTotal"]["amount"])
            assert sum(parts.values()) - 2 * parts.get("DISCOUNT", Decimal()) == stated


def test_multi_channel_order_has_no_proceeds():
    account = demo_seller(TODAY)

    shown = [order_json(order, account.marketplace) for order in account.orders if order.multi_channel]

    assert [each["salesChannel"]["channelName"] for each in shown] == ["NON_AMAZON"]
    assert all("proceeds" not in each for each in shown)

from datetime import UTC, date, datetime

import pytest

from amazon.settlement_file import Name, read
from bookkeeping.facts import Label
from tests.amazon.flat_files import STYLES, changed, chunked, header, row, rows, text, v1, v1_file, v2


def parsed(data, **options):
    return list(read(lambda: [data], **options))


def test_header_comes_from_the_summary_row():
    lines = rows(1999, -300)

    found = read(lambda: [text(v2(lines))])

    assert found.header == header(lines)
    assert found.header.deposit_on == date(2026, 10, 6)
    assert found.layout is Name.V2


def test_rows_keep_their_physical_line_numbers_and_every_field():
    lines = [row(3), row(4, Label("Refund", "ItemFees", "Commission"), -45, sku="", quantity=0, marketplace="")]

    assert parsed(text(v2(lines))) == lines


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("layout", [v1, v2], ids=["V1", "V2"])
def test_both_layouts_read_alike_in_every_spelling(layout, style):
    lines = [row(3 + (layout is v1), amount=123456789), row(4 + (layout is v1), amount=-5, quantity=0)]
    lines[1] = lines[1]._replace(label=Label("Order", "ItemFees", "Commission"))

    assert parsed(text(layout(lines, style), style)) == lines


@pytest.mark.parametrize("size", [1, 7, 100, 1_000_000])
def test_chunk_boundaries_do_not_matter(size):
    lines = rows(*range(1, 50))
    data = text(v2(lines))

    assert list(read(chunked(data, size))) == lines


def test_iterating_twice_gives_the_same_rows():
    found = read(lambda: [text(v2(rows(1, 2, 3)))])

    assert list(found) == list(found)


def test_equal_rows_stay_two_rows():
    lines = [row(3), row(4)]

    assert len(parsed(text(v2(lines)))) == 2


def test_columns_are_found_by_name_and_unknown_ones_ignored():
    lines = rows(500)
    cells = v2(lines)
    moved = [["new-column", *reversed(line)] for line in cells]

    assert parsed(text(moved)) == lines


def test_currency_repeated_on_every_row_is_tolerated():
    lines = rows(500, 600)
    cells = v2(lines)
    for line in (3, 4):
        cells = changed(cells, line, "currency", "USD")

    assert parsed(text(cells)) == lines


def test_blanks_around_values_are_taken_off():
    lines = rows(500)
    cells = [[f" {cell}   " for cell in line] for line in v2(lines)]

    assert parsed(text(cells)) == lines


def test_a_blank_last_line_is_no_row():
    lines = rows(500)

    assert parsed(text(v2(lines)) + b"\r\n") == lines


def test_a_quotation_mark_is_data():
    lines = [row(3, sku='12" pan', label=Label("CouponRedemptionFee", "CouponRedemptionFee", '"Sale"'))]

    assert parsed(text(v2(lines))) == lines


def test_posted_date_serves_where_no_time_is_given():
    cells = changed(v2(rows(500)), 3, "posted-date-time", "")

    assert parsed(text(cells))[0].posted_at == datetime(2026, 9, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "expected"),
    [("2026-09-20", datetime(2026, 9, 20, 14, tzinfo=UTC)), ("2026-10-04", datetime(2026, 10, 4, 12, tzinfo=UTC))],
    ids=["first day", "last day"],
)
def test_a_day_at_the_edge_of_the_period_lies_inside_it(day, expected):
    cells = changed(v2(rows(500)), 3, "posted-date-time", day)

    assert parsed(text(cells))[0].posted_at == expected


def test_a_settlement_that_pays_nothing_needs_no_deposit_date():
    cells = changed(v2(rows(-500)), 2, "deposit-date", "")

    assert read(lambda: [text(cells)]).header.deposit_on == date(2026, 10, 4)


def test_yen_have_no_decimals():
    lines = rows(1980, -55)
    cells = v2(lines, STYLES["plain"], header(lines, currency="JPY"))
    for line, amount in ((2, "1925"), (3, "1,980"), (4, "-55")):
        cells = changed(cells, line, "total-amount" if line == 2 else "amount", amount)

    found = read(lambda: [text(cells)])

    assert [one.amount for one in found] == [1980, -55]
    assert found.header.total == 1925


def test_v1_gives_the_units_of_an_items_header_row_to_its_principal_row_once():
    item = {"transaction-type": "Order", "order-id": "1-2", "order-item-code": "7", "sku": "A"}
    data = v1_file(
        {**item, "quantity-purchased": "3"},
        {**item, "price-type": "Principal", "price-amount": "9.00"},
        {**item, "price-type": "Principal", "price-amount": "1.00"},
        {**item, "item-related-fee-type": "Commission", "item-related-fee-amount": "-1.00"},
        total=900,
    )

    found = parsed(data)

    assert [(one.line, one.quantity) for one in found] == [(4, 3), (5, 0), (6, 0)]


def test_v1_units_of_one_item_never_reach_another():
    item = {"transaction-type": "Order", "order-id": "1-2", "sku": "A"}
    data = v1_file(
        {**item, "order-item-code": "7", "quantity-purchased": "3"},
        {**item, "order-item-code": "8", "price-type": "Principal", "price-amount": "9.00"},
        total=900,
    )

    assert parsed(data)[0].quantity == 0


def test_a_v1_line_with_two_amounts_is_two_rows_of_one_line():
    data = v1_file(
        {
            "transaction-type": "ServiceFee",
            "item-related-fee-type": "Cost of Advertising",
            "item-related-fee-amount": "-205.41",
            "other-fee-amount": "-24.65",
            "other-fee-reason-description": "TaxAmount",
        },
        total=-23006,
    )

    assert [(one.line, one.label, one.amount) for one in parsed(data)] == [
        (3, Label("ServiceFee", "Cost of Advertising", "TransactionTotalAmount"), -20541),
        (3, Label("ServiceFee", "Cost of Advertising", "TaxAmount"), -2465),
    ]


V1_NAMES = [
    ({"transaction-type": "Storage Fee", "other-amount": "1.00"}, "other-transaction|other-transaction|Storage Fee"),
    (
        {"transaction-type": "WAREHOUSE_DAMAGE", "other-amount": "1.00"},
        "other-transaction|FBA Inventory Reimbursement|WAREHOUSE_DAMAGE",
    ),
    (
        {"transaction-type": "CouponRedemptionFee", "other-amount": "1.00"},
        "CouponRedemptionFee|CouponRedemptionFee|CouponRedemptionFee",
    ),
    (
        {"transaction-type": "Order", "promotion-type": "Shipping", "promotion-amount": "1.00"},
        "Order|Promotion|Shipping",
    ),
    (
        {"transaction-type": "Order", "shipment-fee-type": "FBA transportation fee", "shipment-fee-amount": "1.00"},
        "Order|Shipment-Fees|FBA transportation fee",
    ),
    (
        {
            "transaction-type": "Adjustment",
            "other-fee-reason-description": "Fee Adjustment",
            "other-fee-amount": "1.00",
        },
        "Adjustment|other-transaction|Fee Adjustment",
    ),
    ({"transaction-type": "Refund", "misc-fee-amount": "1.00"}, "Refund|other-transaction|Refund"),
]


@pytest.mark.parametrize(("cells", "expected"), V1_NAMES, ids=[expected for _, expected in V1_NAMES])
def test_v1_amounts_come_under_the_labels_of_v2(cells, expected):
    assert "|".join(parsed(v1_file(cells, total=100))[0].label) == expected

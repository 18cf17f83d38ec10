"""Summing by the batch gives exactly what summing row by row gives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amazon.labels import classify
from amazon.marketplaces import zone_of
from amazon.settlement_file import read
from bookkeeping.facts import Label
from bookkeeping.statement import build
from tests.amazon.flat_files import END, START, chunked, header, row, rows, text, v2

LABELS = [
    Label(*one.split("|"))
    for one in (
        "Order|ItemPrice|Principal",
        "Order|ItemPrice|Tax",
        "Order|ItemWithheldTax|MarketplaceFacilitatorTax-Principal",
        "Order|ItemFees|Commission",
        "Refund|ItemPrice|Principal",
        "other-transaction|other-transaction|Successful charge",
        "other-transaction|other-transaction|Payable to Amazon",
        "other-transaction|other-transaction|Never seen before",
    )
]
SECONDS = int((END - START).total_seconds())


@st.composite
def settlements(draw):
    lines = draw(
        st.lists(
            st.builds(
                lambda label, amount, second, order, site: row(
                    0, label, amount, posted_at=START + timedelta(seconds=second), order_id=order, marketplace=site
                ),
                st.sampled_from(LABELS),
                st.integers(-999, 999),
                st.integers(0, SECONDS - 1),
                st.sampled_from(["", "1", "2", "3"]),
                st.sampled_from(["", "Amazon.com", "Amazon.de"]),
            ),
            min_size=1,
            max_size=30,
        )
    )
    return [one._replace(line=line) for line, one in enumerate(lines, start=3)]


@given(settlements(), st.sampled_from([None, frozenset(), frozenset({"1"}), frozenset({"7"})]), st.integers(300, 9000))
def test_batches_make_the_same_statement_as_rows(lines, orders, size):
    found = read(chunked(text(v2(lines)), size))
    options = {"classify": classify, "zone_of": lambda site: zone_of(site, "USD"), "orders": orders}

    assert build(found.header, found, **options) == build(found.header, lines, **options)


def test_a_batch_over_a_month_end_is_split_by_month():
    last = datetime(2026, 10, 1, 6, 59, 59, tzinfo=UTC)  # one second before midnight in Los Angeles
    lines = [row(3, posted_at=last), row(4, posted_at=last + timedelta(seconds=1))]
    found, zone = read(lambda: [text(v2(lines))]), ZoneInfo("America/Los_Angeles")

    parts = build(found.header, found, classify=classify, zone_of=zone, orders=frozenset()).parts

    assert [part.month.month for part in parts] == [9, 10]


@pytest.mark.parametrize("quoted", [False, True], ids=["by columns", "line by line"])
def test_a_batch_is_the_same_rows_in_groups(quoted):
    lines = [*rows(100, 200), row(5, Label("Order", "ItemFees", "Commission"), -50, sku='12" pan' if quoted else "pan")]
    found = read(lambda: [text(v2(lines, head=header(lines)))])

    (batch,) = found.batches()

    assert list(batch) == lines
    assert batch.span() == (lines[0].posted_at, lines[0].posted_at)
    assert [(one.label.amount_type, list(one.lines()), list(one.amounts)) for one in batch.groups()] == [
        ("ItemPrice", [3, 4], [100, 200]),
        ("ItemFees", [5], [-50]),
    ]
    assert [list(one.order_ids()) for one in batch.groups()] == [[lines[0].order_id] * 2, [lines[0].order_id]]

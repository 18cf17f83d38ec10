"""Whatever is written is read back; and the quick way of reading equals the careful one."""

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amazon import flat_rows
from amazon.settlement_file import BadSettlementFile, read
from bookkeeping.facts import Label
from tests.amazon.flat_files import END, START, STYLES, chunked, header, row, text, v1, v2

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), max_size=8)
FREE = WORDS.filter(lambda word: not (len(word) > 1 and word[0] == word[-1] == '"'))
TYPES = st.sampled_from(["Order", "Refund"])
PRICED = st.tuples(TYPES, st.just("ItemPrice"), st.sampled_from(["Principal", "Shipping", "Tax"]))
CHARGED = st.tuples(TYPES, st.sampled_from(["ItemFees", "Promotion"]), FREE.filter(bool))
INSTANTS = st.integers(0, int((END - START).total_seconds()) - 1).map(lambda s: START + timedelta(seconds=s))
# Files as they come have cents, so their decimal mark shows; those that do not are settled by other tests.
AMOUNTS = st.integers(-(10**9), 10**9).filter(lambda minor: minor % 10)


@st.composite
def v2_rows(draw):
    lines = [
        row(
            0,
            Label(*draw(PRICED | CHARGED | st.tuples(st.just("other-transaction"), FREE, FREE))),
            draw(AMOUNTS),
            posted_at=draw(INSTANTS),
            order_id=draw(st.sampled_from(["", "111-1111111-1111111", "FBA15ABC"])),
            item_code=draw(st.sampled_from(["", "11111111111111"])),
            sku=draw(WORDS),
            quantity=draw(st.integers(0, 3)),
            marketplace=draw(st.sampled_from(["", "Amazon.com", "Non-Amazon CA"])),
            fulfillment=draw(st.sampled_from(["", "AFN", "MFN"])),
        )
        for _ in range(draw(st.integers(1, 12)))
    ]
    return [one._replace(line=line) for line, one in enumerate(lines, start=3)]


@st.composite
def v1_rows(draw):
    """Return rows in the order of their lines; those with units are Principal and follow a header row of their own."""
    lines, line = [], count(3)
    for units, label, amount in draw(
        st.lists(st.tuples(st.integers(0, 3), PRICED | CHARGED, AMOUNTS), min_size=1, max_size=12)
    ):
        one = row(0, Label(*label), amount, posted_at=draw(INSTANTS), quantity=0, sku=draw(FREE))
        if units:
            next(line)
            one = one._replace(label=Label(label[0], "ItemPrice", "Principal"), quantity=units)
        lines.append(one._replace(line=next(line)))
    return lines


SPELLED = st.sampled_from(list(STYLES.values()))


def sums_with_cents(lines):
    return header(lines).total % 10


@given(v2_rows().filter(sums_with_cents), SPELLED, st.integers(1, 4000))
def test_v2_is_read_back_as_written(lines, style, size):
    data = text(v2(lines, style), style)

    assert list(read(chunked(data, size))) == lines


@given(v1_rows().filter(sums_with_cents), SPELLED)
def test_v1_is_read_back_as_written(lines, style):
    data = text(v1(lines, style), style)

    assert list(read(chunked(data, 5000))) == lines


@given(v2_rows().filter(sums_with_cents), SPELLED)
def test_the_quick_way_equals_the_careful_one(lines, style):
    data = text(v2(lines, style), style)
    quick = list(read(chunked(data, 5000)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flat_rows.Rows, "_by_columns", lambda *_: None)
        careful = list(read(chunked(data, 5000)))

    assert quick == careful


@given(v2_rows().filter(sums_with_cents), st.data())
def test_a_damaged_byte_never_changes_money_unnoticed(lines, data):
    good = text(v2(lines))
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :]

    try:
        found = read(lambda: [bad])
        rows = list(found)
    except BadSettlementFile:
        return

    assert sum(one.amount for one in rows) == found.header.total
    assert len(rows) == len(lines)
